"""The end of a trade: times, the watch on the stop, the clock of nakedness, outcomes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surefill.core.closing import (
    end_on_time,
    hand_over,
    is_through,
    outcome_of,
    settle,
    watch_stop,
)
from surefill.core.commands import Command, QueryFills, QueryOrder, QueryPositions
from surefill.core.events import Act, MarketUpdated
from surefill.core.fix import Feed, Leg, TradingStatus
from surefill.core.management import Management
from surefill.core.market import MarketView
from surefill.core.order import OrderState
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.trade import Outcome, Rung, Trade
from surefill.core.turn import BREAK_CONFIRM_NS, Context, Turn
from surefill.core.units import NANO
from surefill.tactics.registry import TACTICS
from tests.support.core import CLOSE_NS, MINUTE, MS, OPEN_NS, SESSION, Bench, Kind, S, covered_bench

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
        ({"F1": 100}, 0, None, Outcome.CLOSED_FLATTEN),
        ({"F1": 100}, 0, Reason.of(ReasonCode.TIME_EXIT), Outcome.CLOSED_TIME),
        ({"F1": 100}, 0, Reason.of(ReasonCode.FLATTEN_REQUESTED), Outcome.CLOSED_FLATTEN),
    ],
)
def test_outcomes(
    exits: dict[str, int], external: int, reason: Reason | None, outcome: Outcome
) -> None:
    b = covered_bench()
    flatten = replace(b.trade.orders[1], key="F1", replaces="X1")
    flatten = replace(flatten, spec=replace(flatten.spec, leg=Leg.FLATTEN))
    b.engine.book.put(replace(b.trade, orders=(*b.trade.orders, flatten)))
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


def test_what_a_handed_over_trade_remembers() -> None:
    b = covered_bench()
    done = replace(b.trade.groups[0], n=2, is_ended=True)
    for groups in (b.trade.groups, (*b.trade.groups, done)):
        turn = turn_of(replace(b.trade, groups=groups), b.now)
        assert hand_over(turn, "desk")
        why = Reason.of(ReasonCode.HANDED_OVER, by="desk")
        assert (turn.trade.outcome, turn.trade.closed_ns) == (Outcome.HANDED_OVER, b.now)
        assert turn.trade.reason == turn.trade.entry_end == why
    assert not hand_over(turn_of(replace(b.trade, is_settled=False), b.now), "desk")


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


# ------------------------------------------------------------------------------- to the nanosecond


def turn_of(trade: Trade, now: int, **more: object) -> Turn:
    """A turn of this trade at this instant."""
    return Turn(trade, Context(now=now, tactic=TACTICS["limit"], **more))  # type: ignore[arg-type]


def read(turn: Turn) -> list[type[Command]]:
    """The kinds of what a turn asks for."""
    return [type(command) for command in turn.commands]


def through(b: Bench) -> MarketView:
    """The whole market beyond the stop."""
    b.quote(-230, -228)
    return b.engine.views["ACME"]


def test_the_watch_on_a_stop_begins_with_the_session_and_ends_with_it() -> None:
    b = covered_bench()
    view, trade = through(b), replace(b.trade, through_since_ns=None)
    for now, session, is_watched in (
        (OPEN_NS, SESSION, True),
        (OPEN_NS - 1, SESSION, False),
        (CLOSE_NS - 1, SESSION, True),
        (CLOSE_NS, SESSION, False),
        (OPEN_NS, None, False),
    ):
        turn = turn_of(trade, now, view=view, session=session)
        watch_stop(turn)
        assert (turn.trade.through_since_ns == now) is is_watched
        assert (turn.finish().wake_ns == now + 3 * S) is is_watched


def test_a_stop_is_stuck_after_three_seconds_and_says_so_once() -> None:
    b = covered_bench()
    view, now = through(b), b.now + 10 * S
    trade = replace(b.trade, through_since_ns=now - 3 * S, alarms=())
    early = turn_of(
        replace(trade, through_since_ns=now - 3 * S + 1), now, view=view, session=SESSION
    )
    watch_stop(early)
    assert (early.commands, early.finish().wake_ns) == ([], now + MS)
    stuck = turn_of(trade, now, view=view, session=SESSION)
    watch_stop(stuck)
    assert stuck.trade.exit_reason == Reason.of(ReasonCode.COVER_STUCK, stop="98.05", seconds=3)
    again = turn_of(replace(stuck.trade, alarms=()), now, view=view, session=SESSION)
    watch_stop(again)
    assert again.commands == []
    other = Reason.of(ReasonCode.FLATTEN_REQUESTED, by="desk")
    told = turn_of(replace(trade, exit_reason=other), now, view=view, session=SESSION)
    watch_stop(told)
    assert len(told.commands) == 1, "a closing order that waits is no stop that fired"


def test_time_runs_from_the_first_fill_that_was_noted() -> None:
    b = covered_bench()
    plan = replace(b.plan, manage=Management(exit_after_ns=60 * S))
    trade = replace(b.trade, plan=plan, held_since_ns=b.now - 60 * S)
    turn = turn_of(trade, b.now)
    end_on_time(turn)
    assert turn.trade.exit_reason == Reason.of(ReasonCode.TIME_EXIT)
    turn = turn_of(replace(trade, held_since_ns=b.now - 60 * S + 7 * MS), b.now)
    end_on_time(turn)
    assert (turn.trade.exit_reason, turn.finish().wake_ns) == (None, b.now + 7 * MS)


def test_a_break_is_read_again_after_the_pause() -> None:
    b = covered_bench()
    now, pause = b.now + 60 * S, BREAK_CONFIRM_NS
    trade = replace(b.trade, break_qty=NANO, break_since_ns=now - pause, break_asked_ns=0)
    turn = turn_of(trade, now)
    settle(turn)
    assert QueryPositions in read(turn)
    assert turn.trade.break_asked_ns == now
    for early in (
        replace(trade, break_since_ns=now - pause + 1),
        replace(trade, break_asked_ns=now - pause + 1),
    ):
        turn = turn_of(early, now)
        settle(turn)
        assert QueryPositions not in read(turn)
    short = replace(trade, break_since_ns=None, break_qty=0, short_ns=now - pause)
    turn = turn_of(short, now)
    settle(turn)
    assert QueryPositions in read(turn), "a read that showed fewer shares is confirmed as well"
    turn = turn_of(replace(short, short_ns=now - 5 * S), now)
    settle(turn)
    assert read(turn) == [], "for five seconds"


def test_missing_executions_are_asked_for_after_the_stream_had_its_time() -> None:
    b = covered_bench()
    now = b.now + 60 * S
    entry = replace(b.trade.orders[0], fills=())
    missing = replace(b.trade, orders=(entry, *b.trade.orders[1:]), fills_asked_ns=0)
    disputed = replace(b.trade.orders[0], disputed_qty=0, disputed_px=None)
    in_dispute = replace(b.trade, orders=(disputed, *b.trade.orders[1:]), fills_asked_ns=0)
    for trade, retry_ns in ((missing, S), (in_dispute, 2 * S)):
        turn = turn_of(trade, now)
        settle(turn)
        assert (read(turn), turn.finish().wake_ns) == ([], now + 300 * MS)
        assert turn.trade.fills_asked_ns == now + 300 * MS - S
        turn = turn_of(replace(trade, fills_asked_ns=now - retry_ns), now)
        settle(turn)
        assert read(turn) == [QueryFills]
        assert (turn.trade.fills_asked_ns, turn.finish().wake_ns) == (now, now + retry_ns)
        turn = turn_of(replace(trade, fills_asked_ns=now - retry_ns + MS), now)
        settle(turn)
        assert (read(turn), turn.finish().wake_ns) == ([], now + MS)


def test_exits_of_a_flat_trade_are_proven_over_after_their_pause() -> None:
    b = covered_bench()
    now = b.now + 60 * S
    gone = replace(b.trade, external_qty=b.trade.position_qty)
    first = turn_of(gone, now)
    settle(first)
    assert first.trade.flat_since_ns == now
    assert read(first)[-1:] != [QueryOrder]
    pause = (first.finish().wake_ns or 0) - now
    assert pause > 0
    due = turn_of(replace(gone, flat_since_ns=now - pause), now)
    settle(due)
    assert [kind for kind in read(due) if kind is QueryOrder] == [QueryOrder] * 2
    early = turn_of(replace(gone, flat_since_ns=now - pause + MS), now)
    settle(early)
    assert QueryOrder not in read(early)


def test_a_trade_in_dispute_or_without_its_prices_is_not_closed() -> None:
    b = covered_bench()
    ended = tuple(
        replace(order, state=OrderState.CANCELED) if order.group else order
        for order in b.trade.orders
    )
    flat = replace(b.trade, orders=ended, external_qty=b.trade.position_qty)
    turn = turn_of(flat, b.now)
    settle(turn)
    assert (turn.trade.outcome, turn.trade.closed_ns) == (Outcome.CLOSED_EXTERNAL, b.now)
    assert turn.trade.strays == ()
    entry = replace(ended[0], disputed_qty=0, disputed_px=None)
    turn = turn_of(replace(flat, orders=(entry, *ended[1:])), b.now)
    settle(turn)
    assert turn.trade.outcome is None
    unpriced = replace(ended[0], fills=())
    turn = turn_of(replace(flat, orders=(unpriced, *ended[1:])), b.now)
    settle(turn)
    assert turn.trade.outcome is None
