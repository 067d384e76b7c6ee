from __future__ import annotations

from surefill.core.state import Denial
from surefill.core.trade import Trade
from surefill.journal.images import ENGINE_IMAGE
from surefill.journal.memory import MemoryDisk
from surefill.runtime.recovery import is_same_plan, remembered, unread
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
