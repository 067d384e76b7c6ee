from __future__ import annotations

from surefill.core.events import Act, OperatorActed
from surefill.core.state import Closing, Denial
from surefill.core.trade import Trade
from surefill.journal.images import ENGINE_IMAGE
from surefill.journal.memory import MemoryDisk
from surefill.runtime.recovery import is_same_plan, remembered, remembered_closing, unread
from tests.support.core import START_NS
from tests.support.runtime import plan_of, readiness, stepper_of, submission


def test_open_trades_and_denials_are_remembered_across_processes() -> None:
    disk = MemoryDisk()
    stepper = stepper_of(disk)
    plans = [submission(plan_of()), submission(plan_of("p2", rr="1"))]
    stepper.handle([*readiness(), *plans], START_NS)
    for process in (stepper, None):
        if process is None:
            stepper.journal.close()
            process = stepper_of(disk)
        trade, denial = remembered(process, "p1"), remembered(process, "p2")
        assert isinstance(trade, Trade)
        assert isinstance(denial, Denial)
        assert is_same_plan(trade, plan_of())
        assert not is_same_plan(trade, plan_of(qty=200))
        assert is_same_plan(denial, plan_of("p2", rr="1"))


def test_a_closing_request_is_remembered_across_processes() -> None:
    disk = MemoryDisk()
    stepper = stepper_of(disk)
    asked = OperatorActed(Act.REDUCE, "p1", "ann", "", START_NS, 40, "exit-1")
    stepper.handle([*readiness(), submission(plan_of()), asked], START_NS)
    seq = stepper.seq
    stepper.handle([asked], START_NS)
    assert stepper.seq == seq, "the same request again leaves no record"
    wanted = Closing(key="exit-1", trade_id="p1", qty=40, at_ns=START_NS)
    assert remembered_closing(stepper, "exit-1") == wanted
    stepper.journal.close()
    again = stepper_of(disk)
    assert remembered_closing(again, "exit-1") == wanted
    assert remembered_closing(again, "exit-2") is None
    assert remembered(again, "exit-1") is None, "it is no plan"


def test_an_id_never_used_is_not_remembered() -> None:
    stepper = stepper_of()
    assert remembered(stepper, "new") is None
    assert remembered(stepper, ENGINE_IMAGE) is None


def test_what_a_start_waits_for_is_named() -> None:
    stepper = stepper_of()
    every = "the order stream, the account, the orders, the positions, the calendar missing"
    assert unread(stepper.engine.state) == every
    stepper.handle(readiness()[:2], START_NS)
    rest = "the order stream, the orders, the positions missing"
    assert unread(stepper.engine.state) == rest
