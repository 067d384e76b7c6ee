"""Stops that only tighten, by rules of the plan or by hand, and rest at the broker all the time.

Cents are beyond the signal in the trade's own direction: the entry fills at 5, the stop lies at
-195, the target at 405, the risk is 200.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from surefill.core.commands import Priority, ReplaceOrder
from surefill.core.events import Act, OperatorActed, RateLimited, RejectKind, Verb
from surefill.core.fix import Feed, Leg, TradingStatus
from surefill.core.market import MarketView
from surefill.core.order import OrderState
from surefill.core.plan import TradePlan
from surefill.core.ratchet import (
    GAP_NS,
    earned_stop_px,
    is_ratchet,
    is_sendable,
    is_tighter,
    may_follow,
    tightened,
    watched_stop_px,
)
from surefill.core.trade import Trade
from surefill.core.turn import Context, Turn
from surefill.core.units import CENT
from surefill.tactics.registry import TACTICS
from tests.support.core import CLOSE_NS, Bench, S

SIDES = pytest.mark.parametrize("side", ["buy", "sell"])


def managed(b: Bench, **manage: Any) -> TradePlan:
    """The bench's plan with these words."""
    more = TradePlan.of("X", "buy", 1, plan_id="x", signal_price=1, risk=1, rr=2, **manage)
    return replace(b.plan, manage=more.manage)


def held(side: str = "buy", *, beside: bool = False, **manage: Any) -> Bench:
    """A trade of 100, filled at 5 and covered."""
    b = Bench(side, submit=False, beside=beside)
    b.submit_plan(managed(b, **manage))
    b.accepts("E1")
    b.fills("E1", 100)
    b.run(0.3)
    b.accepts("X1")
    b.run(1)
    b.news()
    return b


def moved(b: Bench, name: str, stop: str, cents: int) -> str:
    """The line of a stop's replacement."""
    return f"replace {stop} -> {name} stop {b.px(cents)}"


def tighten(b: Bench, cents: int, target: str = "p1") -> None:
    """An operator asks for a stop there."""
    b.feed(OperatorActed(Act.TIGHTEN, target, "desk", "", b.now, px=b.at(cents)))


@SIDES
def test_break_even_at_one_risk_and_never_back(side: str) -> None:
    b = held(side, break_even="1R")
    b.quote(204, 206)
    assert b.news() == [], "a cent short of 1R"
    b.quote(205, 207)
    assert b.news() == [moved(b, "S1", "X1.stop", 5)]
    assert b.covered == 100, "the old stop works until the new one does"
    b.replaces("X1.stop", "S1")
    assert b.covered == 100
    for bid in (150, 30, 400, 205):
        b.run(30)
        b.quote(bid, bid + 2)
    assert b.news() == []
    assert b.trade.wanted_exits().stop_px == b.at(5)
    assert b.trade.anchored_exits().stop_px == b.at(-195)


@SIDES
def test_trailing_follows_the_best_and_keeps_its_pace(side: str) -> None:
    b = held(side, trail="1.00", trail_from="0.50")
    b.quote(54, 56)
    assert b.news() == [], "not from the fill on, but from half a dollar"
    b.quote(55, 57)
    assert b.news() == [moved(b, "S1", "X1.stop", -45)]
    b.replaces("X1.stop", "S1")
    b.quote(80, 82)
    assert b.news() == [], "three moves a minute, no more"
    b.run(GAP_NS / S)
    b.quote(79, 81)
    assert b.news() == [moved(b, "S2", "S1", -21)]
    b.replaces("S1", "S2")
    b.run(30)
    b.quote(40, 42)
    assert b.news() == []
    assert b.trade.wanted_exits().stop_px == b.at(-21)
    assert b.trade.exit_changes == (), "no repair: nothing of I20's"


@SIDES
def test_the_tighter_of_two_rules_and_distances_in_risks(side: str) -> None:
    b = held(side, break_even="0.5R", trail="0.25R", trail_from="0.5R")
    b.quote(105, 107)
    assert b.news() == [moved(b, "S1", "X1.stop", 55)], "a quarter of 2.00 behind, not the entry"


def test_a_move_may_wait_for_requests_and_cover_may_not() -> None:
    b = held(break_even="1R")
    b.quote(205, 207)
    priorities = [command.priority for _, command in b.sent if isinstance(command, ReplaceOrder)]
    assert priorities == [Priority.ROUTINE]
    assert b.news() == [moved(b, "S1", "X1.stop", 5)]
    b.answers("X1.stop", RateLimited(b.now + S), verb=Verb.REPLACE)
    assert (b.news(), b.covered) == ([], 100)
    b.run(2)
    b.quote(300, 302)
    assert b.news() == [moved(b, "S2", "X1.stop", 5)]


@pytest.mark.parametrize("what", ["stale", "halted", "one-sided", "crossed", "no quote"])
def test_a_quote_that_cannot_be_believed_moves_nothing(what: str) -> None:
    b = held(break_even="1R")
    b.quote(300, 302)
    view, now = b.engine.views["ACME"], b.now
    assert view.nbbo is not None
    nbbo = view.nbbo
    b.replaces("X1.stop", "S1")
    trade = replace(b.trade, ratchet_px=None, ratchet_ns=0)
    assert earned_stop_px(trade, view, now) == b.at(5)
    match what:
        case "stale":
            assert earned_stop_px(trade, view, now + 1_500_000_000) == b.at(5)
            now += 1_500_000_001
        case "halted":
            view = replace(view, status=TradingStatus.HALTED)
        case "one-sided":
            view = replace(view, nbbo=replace(nbbo, ask_px=0))
        case "crossed":
            view = replace(view, nbbo=replace(nbbo, ask_px=nbbo.bid_px - CENT))
        case _:
            view = MarketView("ACME", Feed.TEST)
    assert earned_stop_px(trade, view, now) is None


def test_the_anchoring_goes_first_unless_the_broker_refuses_it_for_good() -> None:
    """Found by simulation, seed 31142: the target stayed off its place while the stop moved on."""
    b = Bench(submit=False, beside=True)
    b.submit_plan(managed(b, break_even="1R"))
    b.accepts("E1")
    b.fills("E1", 60, 5)
    b.run(0.3)
    b.accepts("X1")
    b.fills("E1", 40, -20)
    b.run(0.3)
    b.quote(300, 302)
    assert b.trade.ratchet_px is None
    view, refused = b.engine.views["ACME"], replace(b.trade, change_failures=5)
    assert earned_stop_px(refused, view, b.now) == b.at(-5)
    b.accepts("X2")
    for old, new in (("X1.stop", "S1"), ("X1", "T1")):
        b.replaces(old, new)
        b.quote(300, 302)
    assert b.trade.ratchet_px == b.at(-5)


def test_nothing_moves_while_the_entry_works_or_the_trade_is_closed() -> None:
    b = Bench(submit=False, beside=True)
    b.submit_plan(managed(b, break_even="1R"))
    b.accepts("E1")
    b.fills("E1", 40)
    b.run(0.3)
    b.accepts("X1")
    b.quote(300, 302)
    assert b.trade.ratchet_px is None
    b.operator(Act.CANCEL_ENTRY)
    b.quote(301, 303)
    assert b.trade.ratchet_px is None, "it may fill until its end is observed"
    b.operator(Act.FLATTEN)
    b.quote(310, 312)
    assert b.trade.ratchet_px is None


def test_outside_regular_hours_nothing_is_earned() -> None:
    b = held(trail="1.00", trail_from="1.00")
    b.now = CLOSE_NS + S
    b.quote(150, 152)
    assert b.trade.ratchet_px is None


def test_a_stop_that_came_too_late_waits_for_its_market() -> None:
    """The market fell back before the move could be asked for: the old stop works on, and the
    level that never rested at the broker closes nothing."""
    b = held(break_even="1R")
    b.quote(205, 207)
    b.refuses("X1.stop", RejectKind.PRICE_THROUGH, Verb.REPLACE)
    assert b.news() == [moved(b, "S1", "X1.stop", 5)]
    b.quote(-50, -48)
    b.run(60)
    b.quote(-50, -48)
    b.run(60)
    assert b.news() == [], "neither asked again nor called stuck"
    assert b.trade.exit_reason is None
    b.quote(60, 62)
    assert b.news() == [moved(b, "S2", "X1.stop", 5)]


@SIDES
def test_a_tightened_stop_that_does_not_fire_is_stuck(side: str) -> None:
    b = held(side, break_even="1R")
    b.quote(205, 207)
    b.replaces("X1.stop", "S1")
    b.news()
    b.quote(-20, -18)
    b.run(3.1)
    assert "COVER_STUCK" in b.alarms


def test_a_new_process_goes_on_where_the_stop_was() -> None:
    b = held(trail="1.00", trail_from="1.00")
    b.quote(105, 107)
    b.replaces("X1.stop", "S1")
    b.restart()
    b.run(2)
    b.news()
    b.quote(50, 52)
    b.run(30)
    b.quote(60, 62)
    assert not [line for line in b.news() if line.startswith("replace")]
    assert b.trade.ratchet_px == b.at(5)
    b.quote(110, 112)
    assert b.news()[-1] == moved(b, "S2", "S1", 10)


def test_every_group_moves_and_many_move_more_slowly() -> None:
    b = Bench(submit=False, beside=True)
    b.submit_plan(managed(b, trail="1.00", trail_from="0.25"))
    b.accepts("E1")
    for n, qty in enumerate((40, 60), 1):
        b.fills("E1", qty)
        b.run(0.3)
        b.accepts(f"X{n}")
    b.run(1)
    b.news()
    b.quote(50, 52)
    assert b.news() == [moved(b, "S1", "X1.stop", -50), moved(b, "S2", "X2.stop", -50)]
    b.replaces("X1.stop", "S1")
    b.replaces("X2.stop", "S2")
    b.run(GAP_NS / S + 1)
    b.quote(60, 62)
    assert b.news() == []
    b.run(GAP_NS / S)
    b.quote(60, 62)
    assert len(b.news()) == 2
    assert b.covered == 100


def test_cover_that_is_lost_comes_again_where_the_stop_was() -> None:
    b = held(break_even="1R")
    b.quote(205, 207)
    b.replaces("X1.stop", "S1")
    b.news()
    b.cancelled("X1")
    b.run(1)
    line = f"submit X2 SELL 100 OCO target {b.px(405)} stop {b.px(5)} GTC"
    assert b.news()[-1] == line


# ------------------------------------------------------------------------------- one by one


def with_order(trade: Trade, leg: Leg, *, cents_px: int, **more: Any) -> Trade:
    """The trade with its exit of this leg at another price."""
    price: dict[str, Any] = {"limit_px": cents_px} if leg is Leg.TARGET else {"stop_px": cents_px}
    orders = [
        replace(o, spec=replace(o.spec, **price), **more) if o.leg is leg else o
        for o in trade.orders
    ]
    return replace(trade, orders=tuple(orders))


@SIDES
def test_a_stop_is_no_target_that_still_rests(side: str) -> None:
    b = held(side)
    trade = b.trade
    assert not is_tighter(trade, b.at(-195))
    assert is_tighter(trade, b.at(-194))
    assert is_tighter(trade, b.at(404))
    assert not is_tighter(trade, b.at(405))
    nearer = with_order(trade, Leg.TARGET, cents_px=b.at(100))
    assert is_tighter(nearer, b.at(99))
    assert not is_tighter(nearer, b.at(100))
    farther = with_order(trade, Leg.TARGET, cents_px=b.at(500))
    assert not is_tighter(farther, b.at(405)), "nor the one that is wanted"
    gone = with_order(trade, Leg.TARGET, cents_px=b.at(100), state=OrderState.CANCELED)
    assert is_tighter(gone, b.at(100))


@SIDES
def test_a_working_stop_that_is_looser_than_what_was_earned(side: str) -> None:
    b = held(side)
    stop = next(o for o in b.trade.orders if o.leg is Leg.STOP)
    target = next(o for o in b.trade.orders if o.leg is Leg.TARGET)
    earned = replace(b.trade, ratchet_px=b.at(5))
    assert is_ratchet(earned, stop)
    assert not is_ratchet(b.trade, stop)
    assert not is_ratchet(earned, target)
    of_both = replace(target.spec, stop_px=stop.spec.stop_px)
    assert not is_ratchet(earned, replace(target, spec=of_both))
    assert not is_ratchet(earned, replace(stop, state=OrderState.CANCELED))
    assert not is_ratchet(earned, replace(stop, spec=replace(stop.spec, stop_px=b.at(5))))
    loose = replace(b.trade, ratchet_px=b.at(-300))
    assert not is_ratchet(loose, stop), "fills have put the exits beyond it"


def test_which_quotes_may_move_a_stop() -> None:
    b = held()
    b.quote(60, 62)
    view = b.engine.views["ACME"]
    earned = replace(b.trade, ratchet_px=b.at(5))
    assert may_follow(earned, view)
    assert not may_follow(b.trade, view), "nothing was earned, and no rule earns"
    assert not may_follow(earned, MarketView("ACME", Feed.TEST))
    assert not may_follow(with_order(earned, Leg.STOP, cents_px=b.at(5)), view), "it is there"
    assert not may_follow(replace(b.trade, ratchet_px=b.at(60)), view), "at the market"
    ruled = held(break_even="1R")
    ruled.quote(100, 102)
    assert not may_follow(ruled.trade, ruled.engine.views["ACME"])
    nothing = Turn(earned, Context(now=b.now, tactic=TACTICS["limit"]))
    assert not is_sendable(nothing, b.at(5)), "without a view"


@SIDES
def test_the_loosest_working_stop_is_watched(side: str) -> None:
    b = held(side)
    assert watched_stop_px(b.trade) == b.at(-195)
    earned = replace(b.trade, ratchet_px=b.at(5))
    assert watched_stop_px(earned) == b.at(-195), "what was earned does not rest yet"
    (stop,) = (o for o in earned.orders if o.leg is Leg.STOP)
    for cents in (-250, -100):
        other = replace(stop, key="other", spec=replace(stop.spec, stop_px=b.at(cents)))
        two = replace(earned, orders=(*earned.orders, other))
        assert watched_stop_px(two) == b.at(min(cents, -195))
    none = with_order(earned, Leg.STOP, cents_px=b.at(-195), state=OrderState.CANCELED)
    assert watched_stop_px(none) == b.at(5)


def test_a_move_is_due_when_its_pause_is_over() -> None:
    b = held(break_even="1R")
    b.quote(300, 302)
    view, now = b.engine.views["ACME"], b.now
    b.replaces("X1.stop", "S1")
    trade = replace(b.trade, ratchet_px=None, ratchet_ns=now - GAP_NS)
    assert earned_stop_px(trade, view, now) == b.at(5)
    assert earned_stop_px(replace(trade, ratchet_ns=now - GAP_NS + 1), view, now) is None


# ------------------------------------------------------------------------------- by hand


@SIDES
def test_an_operator_tightens_and_cannot_loosen(side: str) -> None:
    b = held(side)
    b.quote(0, 2)
    assert b.news() == [], "a plan without rules follows nothing"
    tighten(b, -50)
    assert b.news() == [moved(b, "S1", "X1.stop", -50)]
    b.replaces("X1.stop", "S1")
    for cents in (-60, -50, 405, 500):
        tighten(b, cents)
    tighten(b, -10, target="other")
    b.run(5)
    assert b.news() == []
    assert b.trade.ratchet_px == b.at(-50)


def test_an_operators_stop_at_the_market_waits_for_it() -> None:
    b = held()
    tighten(b, 50)
    assert (b.news(), b.trade.ratchet_px) == ([], b.at(50))
    b.quote(60, 62)
    assert b.news() == [moved(b, "S1", "X1.stop", 50)]


def test_only_shares_have_a_stop_to_tighten_and_only_a_price_is_one() -> None:
    b = held()
    assert tightened(b.trade, 0) is b.trade
    assert tightened(b.trade, b.at(-50) - 1).ratchet_px == b.at(-50), "toward less risk"
    entering = Bench()
    assert tightened(entering.trade, entering.at(-50)) is entering.trade
    b.operator(Act.FLATTEN)
    tighten(b, -50)
    assert b.trade.ratchet_px is None


def test_a_closing_pair_keeps_its_stop() -> None:
    """Shares that are being sold by a limit near the market: a stop above it is no pair."""
    b = held()
    b.operator(Act.REDUCE, "p1", qty=40)
    b.run(1)
    b.cancelled("X1")
    b.run(0.1)
    names = [line.split()[1] for line in b.news() if line.startswith("submit")]
    for name in names:
        b.accepts(name)
    b.quote(-1, 1)
    b.news()
    tighten(b, -30)
    lines = [line for line in b.news() if line.startswith("replace")]
    assert len(names) == 2
    assert len(lines) == 1, "the pair that keeps 60 moves, the one that closes 40 does not"
