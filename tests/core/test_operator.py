"""What an operator's act does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surefill.core.book import Book
from surefill.core.events import Act, OperatorActed
from surefill.core.operator import (
    closing_of,
    operated_state,
    operated_trade,
    stopped,
    targets,
    unready,
)
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.state import Closing, EngineState, Mode
from surefill.core.units import NANO
from tests.support.core import Bench, covered_bench

TRADE = Bench().trade
REFUSED = Reason.of(ReasonCode.COVER_REFUSED, rung="STOP", text="no")


def act(what: Act, target: str = "", why: str = "news") -> OperatorActed:
    """An act of the desk."""
    return OperatorActed(what, target, "desk", why, 77)


def test_halt_and_kill_and_back() -> None:
    state = EngineState()
    halted = operated_state(state, act(Act.HALT))
    assert halted.halt == Reason.of(ReasonCode.HALT_ACTIVE, why="desk: news")
    assert operated_state(halted, act(Act.RESUME)) == state
    killed = operated_state(state, act(Act.KILL))
    assert killed.kill == Reason.of(ReasonCode.KILL_ACTIVE, since=77)
    assert operated_state(killed, act(Act.RESUME)) == killed
    assert operated_state(killed, act(Act.UNKILL)) == state


@pytest.mark.parametrize("what", [Act.FLATTEN, Act.CANCEL_ENTRY, Act.HAND_OVER])
def test_acts_on_trades_leave_the_switches(what: Act) -> None:
    assert operated_state(EngineState(), act(what)) == EngineState()


def test_what_the_stop_sold_meanwhile_is_not_kept_twice() -> None:
    """Told to keep 60, 50 are left; 10 less than what is there is 40, not 50."""
    b = covered_bench()
    asked = OperatorActed(Act.REDUCE, "p1", "desk", "", b.now, 10 * NANO)
    left = replace(b.trade, keep_qty=60 * NANO, external_qty=50 * NANO)
    assert left.position_qty == 50 * NANO
    assert operated_trade(left, asked).keep_qty == 40 * NANO


def test_a_reduction_with_an_id_is_remembered_and_nothing_else() -> None:
    asked = OperatorActed(Act.REDUCE, "p1", "desk", "", 77, 40, "exit-1")
    assert closing_of(asked) == Closing(key="exit-1", trade_id="p1", qty=40, at_ns=77)
    assert closing_of(replace(asked, key="")) is None
    assert closing_of(replace(asked, act=Act.FLATTEN)) is None


def test_what_stops_new_risk() -> None:
    state = EngineState()
    (starting,) = unready(state)
    assert str(starting).startswith("ENGINE_NOT_READY: the engine is still starting")
    ready = replace(state, mode=Mode.READY)
    assert (unready(ready), stopped(ready)) == ((), ())
    both = operated_state(operated_state(state, act(Act.HALT)), act(Act.KILL))
    assert [reason.code.name for reason in stopped(both)] == [
        "KILL_ACTIVE",
        "HALT_ACTIVE",
        "ENGINE_NOT_READY",
    ]


def test_targets() -> None:
    book = Book()
    other = replace(TRADE, plan=replace(TRADE.plan, plan_id="p2", symbol="ZED"))
    book.put(TRADE)
    book.put(other)
    assert targets(book, act(Act.FLATTEN)) == [TRADE, other]
    assert targets(book, act(Act.FLATTEN, "ZED")) == [other]
    assert targets(book, act(Act.FLATTEN, "p1")) == [TRADE]
    assert targets(book, act(Act.FLATTEN, "NONE")) == []


def test_flatten() -> None:
    done = operated_trade(TRADE, act(Act.FLATTEN))
    assert done.exit_reason == Reason.of(ReasonCode.FLATTEN_REQUESTED, by="desk: news")
    assert operated_trade(done, act(Act.FLATTEN, why="again")) == done
    quiet = operated_trade(TRADE, act(Act.FLATTEN, why=""))
    assert quiet.exit_reason == Reason.of(ReasonCode.FLATTEN_REQUESTED, by="desk")
    partial = replace(TRADE, exit_reason=REFUSED)
    assert operated_trade(partial, act(Act.FLATTEN)).exit_reason == done.exit_reason


def test_cancel_entry() -> None:
    done = operated_trade(TRADE, act(Act.CANCEL_ENTRY))
    assert done.entry_end == Reason.of(ReasonCode.ENTRY_CANCELED, by="desk: news")
    assert operated_trade(done, act(Act.CANCEL_ENTRY, why="again")) == done


def test_other_acts_note_nothing_on_a_trade() -> None:
    assert operated_trade(TRADE, act(Act.HALT)) == TRADE


@pytest.mark.parametrize("qty", [0, -1])
def test_nothing_is_no_reduction(qty: int) -> None:
    trade = covered_bench().trade
    asked = OperatorActed(Act.REDUCE, "p1", "desk", "", 77, qty * NANO)
    assert operated_trade(trade, asked) == trade
    gone = replace(trade, external_qty=trade.position_qty)
    assert operated_trade(gone, replace(asked, qty=NANO)) == gone, "nor is there anything left"


def test_who_reduces_is_said() -> None:
    b = Bench()
    asked = OperatorActed(Act.REDUCE, "p1", "desk", "news", 77, 7 * NANO)
    all_of_it = operated_trade(b.trade, asked)
    assert all_of_it.exit_reason == Reason.of(ReasonCode.FLATTEN_REQUESTED, by="desk: news")
    b.accepts("E1")
    b.fills("E1", 37)
    part = operated_trade(replace(b.trade, closing_since_ns=5), asked)
    assert part.entry_end == Reason.of(ReasonCode.ENTRY_CANCELED, by="desk: news")
    assert (part.keep_qty, part.closing_since_ns) == (30 * NANO, None)
