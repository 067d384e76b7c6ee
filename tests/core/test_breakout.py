"""Breakout entries: nothing is sent before somebody pays the trigger, and then only what a plan
that came at that moment would be allowed.

Cents are beyond the signal, which is the trigger, in the trade's own direction: at 0 the near touch
(the bid of a long, the offer of a short) has come.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from surefill.core.breakout import at_submission, has_come, wait_end_ns
from surefill.core.events import (
    Act,
    InstrumentRead,
    MarketUpdated,
    OperatorActed,
    PositionAdopted,
)
from surefill.core.fix import Feed, TradingStatus
from surefill.core.limits import Limits
from surefill.core.market import MarketView, Nbbo
from surefill.core.plan import Policy, TradePlan
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.risk import GateView
from surefill.core.trade import Outcome, Trade
from surefill.core.units import NANO
from tests.support.core import CALENDAR, CLOSE_NS, MS, OPEN_NS, START_NS, SYMBOL, Bench, S
from tests.support.core_world import SESSION

SIDES = pytest.mark.parametrize("side", ["buy", "sell"])
ENTRY = "submit E1 {} 100 LIMIT {} DAY"
CUTOFF_NS = 300 * S


def breakout(b: Bench, cents: int = 0, **more: Any) -> TradePlan:
    """The bench's plan, waiting for this price."""
    return replace(b.plan, trigger_px=b.at(cents), **more)


def waiting(side: str = "buy", *, first: int = -5, **more: Any) -> Bench:
    """A trade that waits, five cents away."""
    given = {name: more.pop(name) for name in ("trigger_for_ns", "extended_hours") if name in more}
    b = Bench(side, submit=False, **more)
    b.quote(first, first + 2)
    b.submit_plan(breakout(b, **given))
    assert b.news() == []
    assert b.phase == "AWAITING_TRIGGER"
    return b


def ended(b: Bench) -> tuple[str, str]:
    """Outcome and code of a trade that never entered."""
    trade = b.trade
    assert trade.outcome is Outcome.NOT_ENTERED
    assert trade.reason is not None
    assert not trade.orders
    return trade.outcome.value, trade.reason.code.name


@SIDES
def test_nothing_is_sent_before_somebody_pays_the_trigger(side: str) -> None:
    b = waiting(side)
    for near, far in ((-2, -1), (-1, 0), (-1, 5), (-50, 30)):
        b.run(1)
        b.quote(near, far)
        assert b.news() == [], "an offer alone, however far away, is nobody who pays"
    b.run(1)
    b.quote(0, 2)
    assert b.news() == [ENTRY.format(b.into, b.px(5))]
    assert b.phase == "IN_FLIGHT"


@SIDES
def test_time_to_get_in_and_arrival_begin_at_the_trigger(side: str) -> None:
    b = waiting(side)
    b.run(600)
    b.quote(0, 2)
    trade = b.trade
    assert (trade.triggered_ns, trade.started_ns) == (b.now, b.now)
    assert trade.deadline_ns == b.now + 60 * S
    assert trade.arrival.px == b.at(1)
    assert trade.accepted_ns == b.now - 600 * S
    b.accepts("E1")
    b.run(61)
    assert "cancel E1" in b.news()
    b.cancelled("E1")
    assert b.trade.reason is not None
    assert str(b.trade.reason).startswith("ENTRY_TIMEOUT: not filled within 60 s inside")


@SIDES
def test_a_triggered_trade_is_a_trade_like_any_other(side: str) -> None:
    b = waiting(side)
    b.run(30)
    b.quote(1, 3)
    b.accepts("E1")
    b.fills("E1", 100)
    b.run(0.3)
    b.accepts("X1")
    b.run(1)
    assert (b.held, b.covered, b.phase) == (100, 100, "COVERED")
    assert b.phases[0] == "AWAITING_TRIGGER"
    b.quote(-50, -48)
    b.quote(0, 2)
    assert [line for line in b.news() if line.startswith("submit E")] == [
        ENTRY.format(b.into, b.px(5))
    ]


@SIDES
def test_a_trigger_that_has_come_already_enters_at_once(side: str) -> None:
    b = Bench(side, submit=False)
    b.quote(3, 4)
    b.submit_plan(breakout(b))
    assert b.news() == [ENTRY.format(b.into, b.px(5))]
    assert b.trade.triggered_ns == b.trade.accepted_ns


@SIDES
def test_a_market_that_has_run_away_is_not_followed(side: str) -> None:
    b = waiting(side)
    b.run(1)
    b.quote(300, 302)
    assert b.news() == [ENTRY.format(b.into, b.px(5))], "never beyond the worst price"
    b.accepts("E1")
    b.run(61)
    b.cancelled("E1")
    assert b.trade.outcome is Outcome.NOT_ENTERED


@SIDES
def test_a_tactic_that_follows_the_market_waits_as_well(side: str) -> None:
    b = waiting(side, tactic="marketable")
    b.run(1)
    b.quote(-1, 1)
    assert b.news() == []
    b.quote(0, 2)
    (line,) = b.news()
    assert line.startswith("submit E1")


@pytest.mark.parametrize(
    "view",
    [
        {"nbbo": None},
        {"status": TradingStatus.HALTED},
        {"status": TradingStatus.LIMIT_STATE},
        {"alive_ns": 0, "nbbo": Nbbo(100 * NANO, NANO, 101 * NANO, NANO, 1, 1)},
        {"nbbo": Nbbo(101 * NANO, NANO, 100 * NANO, NANO, START_NS + S, START_NS + S)},
        {"nbbo": Nbbo(101 * NANO, NANO, 0, 0, START_NS + S, START_NS + S)},
    ],
)
def test_a_quote_that_is_no_market_triggers_nothing(view: dict[str, Any]) -> None:
    b = waiting()
    b.now = START_NS + S
    b.quote(-5, -3)
    b.feed(MarketUpdated(replace(b.engine.views[SYMBOL], **view)))
    assert b.news() == []
    assert b.phase == "AWAITING_TRIGGER"
    b.quote(0, 1)
    assert b.phase == "IN_FLIGHT", "the next sound quote does"


def test_an_unchanged_quote_on_a_feed_that_is_alive_triggers_after_a_halt() -> None:
    b = waiting()
    b.quote(4, 6, halted=True)
    b.run(10)
    view = replace(b.engine.views[SYMBOL], status=TradingStatus.TRADING, alive_ns=b.now)
    b.feed(MarketUpdated(view))
    assert b.phase == "IN_FLIGHT"


@SIDES
def test_the_wait_ends_with_the_plans_own_time(side: str) -> None:
    b = waiting(side, trigger_for_ns=90 * S)
    b.run(89)
    assert b.phase == "AWAITING_TRIGGER"
    b.run(1)
    assert b.news() == ["SETTLED", "CLOSED"]
    assert ended(b) == ("NOT_ENTERED", "ENTRY_NOT_TRIGGERED")
    assert b.trade.reason is not None
    assert b.trade.reason.sentence == "the market did not come to the trigger 100 within 90 s"
    b.quote(0, 2)
    assert b.news() == []


def test_the_instant_at_which_the_wait_ends_is_no_more_of_it() -> None:
    b = waiting(trigger_for_ns=90 * S)
    b.now += 90 * S
    b.quote(0, 2)
    assert ended(b) == ("NOT_ENTERED", "ENTRY_NOT_TRIGGERED")


def test_without_a_time_of_its_own_it_waits_to_the_last_entry_of_the_session() -> None:
    b = waiting()
    assert b.trade.deadline_ns == CLOSE_NS - CUTOFF_NS
    b.run((b.trade.deadline_ns - b.now) / S)
    assert ended(b) == ("NOT_ENTERED", "ENTRY_NOT_TRIGGERED")


@SIDES
def test_a_plan_may_come_before_the_open_and_triggers_after_it(side: str) -> None:
    b = Bench(side, submit=False, start_ns=OPEN_NS - 60 * S)
    b.submit_plan(breakout(b))
    b.quote(1, 3)
    assert b.news() == [], "somebody pays it, before the open"
    b.now = OPEN_NS
    b.quote(1, 3)
    assert b.news() == [ENTRY.format(b.into, b.px(5))]


def test_with_consent_it_triggers_before_the_open_with_that_buffer() -> None:
    policy = Policy(extended_hours=True)
    b = Bench(submit=False, start_ns=OPEN_NS - 60 * S, policy=policy)
    b.submit_plan(breakout(b, extended_hours=True))
    assert b.trade.deadline_ns == SESSION.post_ns
    b.quote(1, 3)
    assert b.news() == [ENTRY.format("BUY", b.px(2))]


def test_the_first_limit_is_that_of_the_hours_of_the_trigger() -> None:
    policy = Policy(extended_hours=True)
    b = Bench(submit=False, start_ns=OPEN_NS - 60 * S, policy=policy)
    b.submit_plan(breakout(b, extended_hours=True))
    worst_px = b.trade.terms.worst_px
    assert b.trade.terms.first_limit_px == b.at(2)
    b.now = OPEN_NS
    b.quote(1, 3)
    assert b.news() == [ENTRY.format("BUY", b.px(5))]
    assert b.trade.terms.worst_px == worst_px


def test_near_the_close_a_plan_with_consent_waits_for_the_evening() -> None:
    policy = Policy(extended_hours=True)
    b = waiting(extended_hours=True, policy=policy)
    b.now = CLOSE_NS - S
    b.quote(0, 2)
    assert b.news() == []
    b.now = CLOSE_NS + S
    b.quote(0, 2)
    assert b.news() == [ENTRY.format("BUY", b.px(2))]


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (Act.KILL, "KILL_ACTIVE"),
        (Act.HALT, "HALT_ACTIVE"),
        (Act.CANCEL_ENTRY, "ENTRY_CANCELED"),
        (Act.FLATTEN, "FLATTEN_REQUESTED"),
    ],
)
def test_operators_end_the_wait(act: Act, code: str) -> None:
    b = waiting()
    b.operator(act)
    assert b.news() == ["SETTLED", "CLOSED"]
    assert ended(b) == ("NOT_ENTERED", code)
    b.quote(0, 2)
    assert b.news() == []


@pytest.mark.parametrize("act", [Act.HAND_OVER, Act.REDUCE, Act.TIGHTEN])
def test_acts_on_shares_find_none(act: Act) -> None:
    b = waiting()
    b.feed(OperatorActed(act, "p1", "desk", "", b.now, 10 * NANO, px=b.at(-100)))
    assert b.phase == "AWAITING_TRIGGER"


@SIDES
def test_a_restart_goes_on_waiting_and_invents_no_trigger(side: str) -> None:
    b = waiting(side)
    b.run(1)
    b.now += 20 * S  # dead: the market came and went
    b.restart()
    assert b.news() == []
    assert b.phase == "AWAITING_TRIGGER"
    b.quote(-1, 1)
    assert b.news() == []
    b.quote(0, 2)
    assert b.news() == [ENTRY.format(b.into, b.px(5))]


def test_a_restart_after_the_wait_is_over_ends_it() -> None:
    b = waiting(trigger_for_ns=90 * S)
    b.now += 100 * S
    b.restart()
    assert ended(b) == ("NOT_ENTERED", "ENTRY_NOT_TRIGGERED")


def test_a_trigger_is_seen_by_an_engine_that_knows_enough() -> None:
    b = waiting()
    b.engine.state = replace(b.engine.state, instruments=())
    b.quote(0, 2)
    assert b.phase == "AWAITING_TRIGGER"
    b.feed(InstrumentRead(replace(_instrument(b)), b.now))
    b.quote(0, 2)
    assert b.phase == "IN_FLIGHT"


def _instrument(b: Bench) -> Any:
    return Bench("buy", submit=False).engine.state.instruments[0]


# -- the gate, twice -----------------------------------------------------------------------------


def test_a_limit_is_asked_when_the_plan_comes() -> None:
    b = Bench(submit=False, limits=Limits(order_qty_max=99 * NANO))
    step = b.submit_plan(breakout(b))
    assert [reason.code.name for reason in step.denials[0].reasons] == ["QTY_ABOVE_LIMIT"]


def test_the_account_is_asked_again_at_the_trigger() -> None:
    b = waiting()
    account = b.engine.state.account
    assert account is not None
    b.engine.state = replace(b.engine.state, account=replace(account, buying_power_usd=0))
    b.quote(0, 2)
    assert ended(b) == ("NOT_ENTERED", "BUYING_POWER_SHORT")
    assert b.trade.triggered_ns == b.now, "it was triggered, and refused"


def test_what_is_of_the_moment_is_not_asked_when_the_plan_comes() -> None:
    b = Bench(submit=False, limits=Limits(collar_ppb=NANO // 10_000))
    b.quote(-5, -3, halted=True)
    b.submit_plan(breakout(b))
    assert b.phase == "AWAITING_TRIGGER"
    b.quote(0, 2)
    assert ended(b) == ("NOT_ENTERED", "COLLAR_EXCEEDED")


def test_a_signal_is_old_when_the_plan_comes_and_not_at_the_trigger() -> None:
    b = Bench(submit=False)
    step = b.submit_plan(replace(breakout(b), plan_id="p0", signal_ns=b.now - 400 * S))
    assert [reason.code.name for reason in step.denials[0].reasons] == ["SIGNAL_STALE"]
    b.submit_plan(breakout(b, signal_ns=b.now))
    b.run(400)
    b.quote(0, 2)
    assert b.phase == "IN_FLIGHT"


def test_the_same_breakout_again_is_a_duplicate_and_its_own_trigger_is_none() -> None:
    limits = Limits(duplicate_ns=600 * S, entries_per_minute_max=2)
    b = waiting(limits=limits)
    step = b.submit_plan(replace(breakout(b), plan_id="p2"))
    assert [reason.code.name for reason in step.denials[0].reasons] == ["DUPLICATE_ORDER"]
    b.run(300)
    b.quote(0, 2)
    assert b.phase == "IN_FLIGHT"
    assert [one.at_ns for one in b.engine.state.entered] == [b.trade.accepted_ns, b.now]


def test_entries_in_a_minute_are_asked_at_the_trigger() -> None:
    b = waiting(limits=Limits(entries_per_minute_max=1))
    b.quote(0, 2)
    assert ended(b) == ("NOT_ENTERED", "RATE_ABOVE_LIMIT")
    assert len(b.engine.state.entered) == 1, "what was refused is no entry"


def test_after_hours_a_breakout_without_consent_is_denied() -> None:
    b = Bench(submit=False, start_ns=CLOSE_NS + S)
    step = b.submit_plan(breakout(b))
    assert [reason.code.name for reason in step.denials[0].reasons] == ["SESSION_EXTENDED_DISABLED"]


def test_at_night_a_breakout_is_denied() -> None:
    b = Bench(submit=False, start_ns=SESSION.post_ns + S)
    step = b.submit_plan(breakout(b))
    assert [reason.code.name for reason in step.denials[0].reasons] == ["SESSION_CLOSED"]
    view = GateView(
        now=b.now,
        limits=Limits(),
        calendar=CALENDAR,
        instrument=None,
        account=None,
        market=None,
        foreign_qty=None,
        other_trade=None,
        open_trades=0,
        committed_usd=0,
    )
    assert wait_end_ns(breakout(b), Policy(), view) == b.now


def test_a_plan_without_a_trigger_is_asked_everything_at_once() -> None:
    b = Bench(submit=False)
    busy = (Reason.of(ReasonCode.SYMBOL_BUSY, symbol=SYMBOL, other="p0"),)
    view = GateView(
        now=b.now,
        limits=Limits(),
        calendar=CALENDAR,
        instrument=None,
        account=None,
        market=None,
        foreign_qty=None,
        other_trade=None,
        open_trades=0,
        committed_usd=0,
    )
    assert at_submission(busy, b.plan, view) == busy
    assert at_submission(busy, breakout(b), view) == ()
    assert not has_come(b.plan, b.engine.views[SYMBOL])
    assert not has_come(breakout(b), None)


# -- several of a symbol ---------------------------------------------------------------------------


def test_both_ways_out_of_a_range_and_the_first_one_wins() -> None:
    b = waiting()
    other = TradePlan.of(
        SYMBOL, "sell", 100, plan_id="p2", trigger="99.80", risk="2", rr="2", trigger_for_s=600
    )
    b.submit_plan(other)
    assert len(b.engine.book.open) == 2
    assert b.engine.book.committed_usd() == 0, "what waits takes nothing of the limits"
    b.quote(0, 2)
    assert b.phase == "IN_FLIGHT"
    b.quote(-25, -20)
    lost = b.engine.book.get("p2")
    assert isinstance(lost, Trade)
    assert lost.reason is not None
    assert lost.reason.sentence == "ACME already has trade p1"


def test_a_breakout_that_waits_holds_no_symbol() -> None:
    b = waiting()
    step = b.submit_plan(replace(b.plan, plan_id="p2"))
    assert not step.denials
    trade = b.engine.book.get("p2")
    assert trade is not None
    assert len(trade.orders) == 1


def test_as_many_may_wait_as_trades_may_be_open() -> None:
    b = waiting(limits=Limits(open_trades_max=1))
    step = b.submit_plan(replace(breakout(b, -1), plan_id="p2"))
    assert [reason.code.name for reason in step.denials[0].reasons] == ["TRADES_ABOVE_LIMIT"]
    assert not b.submit_plan(replace(b.plan, plan_id="p3")).denials, "it is not open yet"
    b.quote(0, 2)
    assert b.trade.reason is not None
    assert b.trade.reason.code is ReasonCode.SYMBOL_BUSY


def test_shares_that_are_adopted_meanwhile_do_not_wait() -> None:
    b = waiting()
    plan = replace(breakout(b), plan_id="p2")
    b.feed(PositionAdopted(plan, b.policy, "desk", b.now))
    assert b.engine.book.waiting_trades() == 1


# -- what surrounds it -----------------------------------------------------------------------------


def test_listings_begin_where_an_entry_can_have_begun() -> None:
    b = waiting()
    b.run(600)
    assert b.engine.read_after_ns(b.now) == b.now - 60 * S
    b.quote(0, 2)
    b.run(10)
    assert b.engine.read_after_ns(b.now) == b.trade.triggered_ns - 60 * S


def test_quotes_that_trigger_nothing_leave_no_record() -> None:
    b = waiting()
    for n in range(20):
        b.now += 10 * MS
        nbbo = Nbbo(b.at(-5 + n % 4), NANO, b.at(3), NANO, b.now, b.now)
        step = b.feed(MarketUpdated(MarketView(SYMBOL, Feed.TEST, nbbo, alive_ns=b.now)))
        assert step.is_empty
