"""One step of one trade: the order of decisions, and what opens a closed trade again."""

from __future__ import annotations

from dataclasses import replace

from surefill.core.events import ExecutionReport, OrdersRead, ReportReceived, TimePassed
from surefill.core.fix import ExecType, Feed, OrdStatus
from surefill.core.market import MarketView
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.step import step_trade, views_of
from surefill.core.trade import Outcome, Trade
from surefill.core.turn import Context
from surefill.tactics.registry import TACTICS
from tests.support.core import CALENDAR, Bench, covered_bench

KILL = Reason.of(ReasonCode.KILL_ACTIVE, since=1)


def context(b: Bench, **more: object) -> Context:
    """The bench's context."""
    base = Context(now=b.now, tactic=TACTICS["limit"], session=CALENDAR.sessions[0])
    return replace(base, **more)  # type: ignore[arg-type]


def test_nothing_happens_twice() -> None:
    b = covered_bench()
    first = step_trade(b.trade, TimePassed(), context(b))
    assert first.commands == ()
    assert step_trade(first.trade, TimePassed(), context(b)) == first, "pure"


def test_nothing_is_decided_before_a_complete_read() -> None:
    b = Bench()
    b.accepts("E1")
    report = b.executes("E1", 100)
    held_back = step_trade(b.trade, ReportReceived(report), context(b, may_act=False))
    assert held_back.commands == ()
    assert held_back.trade.position_qty == held_back.trade.terms.order_qty
    assert step_trade(held_back.trade, TimePassed(), context(b)).commands != ()


def test_an_entry_ends_before_cover_is_planned() -> None:
    b = Bench(beside=True)
    b.accepts("E1")
    b.fills("E1", 37)
    stopped = step_trade(b.trade, TimePassed(), context(b, no_new_risk=KILL))
    assert [type(command).__name__ for command in stopped.commands] == ["CancelOrder"]


def closed(b: Bench) -> Trade:
    """The bench's trade after its target."""
    b.fills("X1", 100)
    b.run(3)
    assert b.trade.outcome is Outcome.CLOSED_TARGET
    return b.trade


def stopped_out_too(b: Bench) -> ExecutionReport:
    """The other leg filled as well (B-02)."""
    return b.executes("X1.stop", 100, -195)


def test_news_that_leave_shares_behind_open_a_closed_trade() -> None:
    b = covered_bench()
    trade = closed(b)
    again = step_trade(trade, ReportReceived(b.history[-1]), context(b))
    assert again.trade.outcome is Outcome.CLOSED_TARGET, "a duplicate is no news"
    opened = step_trade(trade, ReportReceived(stopped_out_too(b)), context(b))
    assert opened.trade.outcome is None
    assert opened.trade.alarms[:1] == ("LATE_FILL: order p1 filled after it was closed as absent",)


def test_a_trade_that_was_handed_over_is_not_ours_any_more() -> None:
    b = covered_bench()
    trade = replace(b.trade, outcome=Outcome.HANDED_OVER, closed_ns=b.now)
    report = replace(b.report(b.rows["X1"], ExecType.CANCELED), ord_status=OrdStatus.CANCELED)
    after = step_trade(trade, ReportReceived(report), context(b))
    assert (after.trade.outcome, after.commands) == (Outcome.HANDED_OVER, ())


def test_a_listing_is_taken_in_by_the_trade_it_belongs_to() -> None:
    b = Bench()
    b.accepts("E1")
    b.executes("E1", 100)
    shown = b.report(b.rows["E1"])
    read = OrdersRead((shown,), b.now - 10**12, b.now, b.now)
    alone = step_trade(b.trade, read, context(b))
    assert alone.trade.entry_qty == 0
    assert step_trade(b.trade, read, context(b), listed=(shown,)).trade.entry_qty == 100 * 10**9


def test_a_stray_asks_for_the_legs_of_what_may_have_some() -> None:
    b = covered_bench()
    stray = replace(b.report(b.rows["X1"], ExecType.NEW), order_id="z", cl_ord_id="z")
    after = step_trade(b.trade, ReportReceived(stray), context(b))
    names = [getattr(command, "cl_ord_id", "") for command in after.commands]
    assert names == [b.key("E1"), b.key("X1")]


def test_a_record_holds_what_was_looked_at_and_not_told_before() -> None:
    """Found by simulation, seed 10005: a trade whose tactic follows the market saw nothing to do in
    a listing that changed another trade. The record did not hold its market, and decided again, on
    an older one, the tactic wanted something (I7)."""
    old, new, other = (MarketView(name, Feed.SIP) for name in ("ACME", "ACME", "BOLT"))
    told: dict[str, MarketView] = {}
    assert views_of({"ACME": old}, {"ACME": old, "CRUX": None}, told=told) == (old,)
    assert views_of({"BOLT": other}, {"ACME": old, "BOLT": other}, told=told) == (other,)
    assert views_of({}, {"ACME": new, "BOLT": other}, told=told) == (new,)
    assert views_of({"BOLT": other, "CRUX": None}, {}, told=told) == (other,), "as ever"
    assert told["ACME"] is new
