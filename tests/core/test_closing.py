"""The end of a trade: times, the watch on the stop, the clock of nakedness, outcomes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surefill.core.closing import hand_over, is_through, outcome_of
from surefill.core.events import Act, MarketUpdated
from surefill.core.fix import Feed, TradingStatus
from surefill.core.management import Management
from surefill.core.market import MarketView
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.trade import Outcome, Rung
from surefill.core.turn import Context, Turn
from surefill.core.units import NANO
from surefill.tactics.registry import TACTICS
from tests.support.core import CLOSE_NS, MINUTE, MS, Bench, Kind, covered_bench

SIDES = pytest.mark.parametrize("side", ["buy", "sell"])


@SIDES
def test_through_means_the_whole_market(side: str) -> None:
    b = covered_bench(side)  # the stop is at -195

    def touch(near: int, far: int) -> tuple[int, int]:
        low, high = sorted((b.at(near), b.at(far)))
        return low, high

    assert not is_through(b.trade, touch(-196, -194))
    assert not is_through(b.trade, touch(-197, -195))
    assert is_through(b.trade, touch(-197, -196))
    assert not is_through(b.trade, (0, b.at(-300)))
    assert not is_through(b.trade, (b.at(-300), 0))


@SIDES
def test_the_watch_forgets_what_is_no_market(side: str) -> None:
    b = covered_bench(side)
    b.quote(-230, -228)
    assert b.trade.through_since_ns is not None
    b.quote(-230, -228, halted=True)
    b.operator(Act.RESUME)
    assert b.trade.through_since_ns is None
    b.quote(-230, -228)
    b.feed(MarketUpdated(MarketView("ACME", Feed.TEST, None, TradingStatus.TRADING)))
    b.operator(Act.RESUME)
    assert b.trade.through_since_ns is None


def test_stuck_while_nothing_can_fire_is_not_stuck() -> None:
    b = Bench()
    b.accepts("E1")
    b.fills("E1", 37)
    b.quote(-230, -228)
    b.run(3.5)  # the remainder of the entry does not end: nothing is claimed yet
    assert "COVER_STUCK" not in b.alarms


def test_outside_the_session_a_stop_is_not_stuck() -> None:
    b = covered_bench(start_ns=CLOSE_NS - 6 * MINUTE)
    b.run(6 * 60)
    b.quote(-230, -228)
    b.run(10)
    assert b.news() == []


@SIDES
def test_the_clock_of_nakedness(side: str) -> None:
    b = Bench(side)
    b.accepts("E1")
    b.fills("E1", 100)
    b.run(0.46)
    b.accepts("X1")
    clock = b.trade.uncovered
    assert clock.since_ns is None
    assert clock.total_ns == clock.longest_ns == 500 * MS
    assert clock.share_ns == 100 * NANO * 500 * MS
    b.cancelled("X1")
    b.accepts("X2")
    clock = b.trade.uncovered
    assert clock.total_ns == 540 * MS
    assert clock.longest_ns == 500 * MS


def test_a_flat_trade_that_gets_late_shares_is_not_flat() -> None:
    b = covered_bench()
    b.fills("X1", 100)
    assert b.trade.flat_since_ns is not None
    row = b.rows["E1"]
    row.spec = replace(row.spec, order_qty=110 * NANO)  # the venue filled more than we know of
    b.may_break = True
    b.fills("E1", 10)
    assert b.trade.flat_since_ns is None


@pytest.mark.parametrize(
    ("exits", "external", "reason", "outcome"),
    [
        ({}, 0, None, Outcome.CLOSED_MIXED),
        ({"X1": 100}, 0, None, Outcome.CLOSED_TARGET),
        ({"X1.stop": 100}, 0, None, Outcome.CLOSED_STOP),
        ({"X1": 40, "X1.stop": 60}, 0, None, Outcome.CLOSED_MIXED),
        ({}, 100, None, Outcome.CLOSED_EXTERNAL),
        ({"X1": 40}, 60, None, Outcome.CLOSED_MIXED),
    ],
)
def test_outcomes(
    exits: dict[str, int], external: int, reason: Reason | None, outcome: Outcome
) -> None:
    b = covered_bench()
    orders = tuple(
        replace(order, reported_qty=exits.get(b.name_of(order.key), 0) * NANO)
        if order.group
        else order
        for order in b.trade.orders
    )
    trade = replace(b.trade, orders=orders, external_qty=external * NANO, exit_reason=reason)
    assert outcome_of(trade) == (outcome, reason)


def test_hand_over_is_refused_while_anything_is_open_or_bare() -> None:
    def offered(b: Bench) -> bool:
        turn = Turn(b.trade, Context(now=b.now, tactic=TACTICS["limit"]))
        return hand_over(turn, "desk")

    entering = Bench()
    entering.accepts("E1")
    assert not offered(entering)
    b = covered_bench()
    assert offered(b)
    b.ends("X1")
    for name in ("X1", "X1.stop"):
        order = b.trade.order(b.key(name))
        assert order is not None
    gone = replace(b.trade, groups=(replace(b.trade.groups[0], qty=60 * NANO),))
    b.engine.book.put(gone)
    assert not offered(b), "60 of 100 covered"
    ended = replace(gone, groups=(replace(b.trade.groups[0], is_ended=True),))
    b.engine.book.put(ended)
    assert not offered(b)


def test_a_time_exit_comes_before_a_partial_close() -> None:
    b = Bench(exit_in_s=5)
    b.accepts("E1")
    b.fills("E1", 100)
    b.refuses("X1", Kind.OTHER)
    b.refuses("S1", Kind.OTHER)
    assert b.trade.rung is Rung.FLATTEN
    assert str(b.trade.exit_reason).startswith("COVER_REFUSED")
    b.run(6)
    assert str(b.trade.exit_reason).startswith("TIME_EXIT")


@pytest.mark.parametrize("down_s", [0, 30])
def test_a_time_after_the_first_fill_also_of_a_process_that_was_down(down_s: int) -> None:
    b = Bench(submit=False, beside=True)
    b.submit_plan(replace(b.plan, manage=Management(exit_after_ns=60 * NANO)))
    b.run(5)
    b.accepts("E1")
    filled_ns = b.now
    b.fills("E1", 40)
    b.run(0.3)
    b.accepts("X1")
    b.fills("E1", 60)
    b.run(0.3)
    b.accepts("X2")
    if down_s:
        b.now += down_s * 1_000_000_000
        b.restart()
    b.run((filled_ns - b.now) / 1e9 + 59.9)
    assert b.trade.exit_reason is None
    b.run(0.5)
    assert b.trade.exit_reason == Reason.of(ReasonCode.TIME_EXIT)
    assert b.trade.held_since_ns is not None
    assert abs(b.trade.held_since_ns - filled_ns) <= 40 * MS


def test_without_a_fill_no_time_runs() -> None:
    b = Bench(submit=False)
    b.submit_plan(replace(b.plan, manage=Management(exit_after_ns=NANO)))
    b.accepts("E1")
    b.run(5)
    assert (b.trade.exit_reason, b.trade.held_since_ns) == (None, None)
