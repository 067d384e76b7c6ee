"""Parents from a journal: entered, missed, rejected, denied, adopted, nonsense, unpriced."""

from __future__ import annotations

from dataclasses import replace

from surefill.core.events import PositionAdopted
from surefill.core.excursion import Excursion
from surefill.core.fix import Leg
from surefill.core.order import ChildOrder, OrderState
from surefill.core.plan import SECOND_NS, TradePlan
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.state import Denial
from surefill.core.trade import Trade
from surefill.core.units import CENT, NANO
from surefill.tca.analysis import analysis_of
from surefill.tca.facts import Fate
from surefill.tca.journaled import parent_of, read_parents
from surefill.tca.parent import Parent
from tests.support.told import ToldBench
from tests.tca.support import closed_bench, missed_bench, rejected_bench


def only(parents: tuple[Parent, ...]) -> Parent:
    (found,) = parents
    return found


def test_an_entered_trade_has_its_fills_exits_and_marks() -> None:
    b = closed_bench()
    found = only(read_parents(b.journal))
    assert (found.fate, found.path, found.code) == (Fate.ENTERED, "smart", "ENTRY_FILLED")
    assert (found.qty, found.cost) == (b.trade.entry_qty, b.trade.entry_cost)
    assert found.is_flat
    assert {one.leg for one in found.closings} == {Leg.TARGET}
    assert found.marks.arrival_px == b.trade.arrival.px
    assert found.marks.arrival is not None
    assert found.fills[0].mid_px is not None
    assert (found.stop_px, found.worst_px) == (98 * NANO, b.trade.terms.worst_px)
    assert found.rest_stop_px == b.trade.wanted_exits().stop_px
    measured = analysis_of(found)
    assert measured.shortfall is not None
    assert measured.shortfall.spread is not None
    made = sum(-order.spec.side.sign * order.cost for order in b.trade.orders)
    assert found.made == made


def test_a_missed_trade_is_charged_at_the_last_quote() -> None:
    found = only(read_parents(missed_bench(ask=20).journal))
    assert (found.fate, found.qty) == (Fate.NOT_ENTERED, 0)
    assert found.marks.end_cost == found.order_qty * (100 * NANO + 20 * CENT)
    measured = analysis_of(found)
    assert measured.shortfall is not None
    assert measured.shortfall.ppb == 2_000_000
    assert (measured.at_close, found.uncovered_ns) == (None, None)


def test_a_rejected_trade_and_an_adopted_position() -> None:
    assert only(read_parents(rejected_bench().journal)).fate is Fate.REJECTED
    b = ToldBench(submit=False)
    b.feed(PositionAdopted(b.plan, b.policy, "ann", b.now))  # refused: no such shares
    assert b.journal.image(b.plan.plan_id) is not None
    assert read_parents(b.journal) == ()
    for plan_id in ("one", "two"):
        b.submit_plan(replace(b.plan, plan_id=plan_id))
    assert [one.plan_id for one in read_parents(b.journal)] == ["one", "two"]


def denial(plan: TradePlan, **more: object) -> Denial:
    reasons = (Reason.of(ReasonCode.RR_BELOW_MIN, ratio="0.3", minimum="2"),)
    given: dict[str, object] = {"plan": plan, "reasons": reasons, "at_ns": 5, "is_legacy": True}
    return Denial(**(given | more))  # type: ignore[arg-type]


def plan(**more: object) -> TradePlan:
    return replace(closed_bench().trade.plan, **more)  # type: ignore[arg-type]


def test_a_denied_plan_has_its_own_budget() -> None:
    found = parent_of(denial(plan(overrides=(("fill_timeout_ns", 7),))))
    assert found is not None
    assert (found.path, found.fate, found.code) == ("legacy", Fate.DENIED, "RR_BELOW_MIN")
    assert (found.arrival_ns, found.budget_ns) == (5, 12)
    short = parent_of(denial(plan(order_qty=None, risk_usd=NANO), is_legacy=False))
    assert short is not None
    assert (short.order_qty, short.path) == (0, "smart")


def test_a_denied_plan_of_nonsense_is_not_measured() -> None:
    assert parent_of(denial(plan(signal_px=1.5))) is None
    assert parent_of(denial(plan(signal_px=0))) is None


def test_an_unpriced_entry_is_not_over() -> None:
    trade = closed_bench().trade
    first, *rest = trade.orders
    found = parent_of(replace(trade, orders=(replace(first, fills=()), *rest)))
    assert found is not None
    assert found.fate is Fate.PENDING


def test_a_legacy_trade_has_no_worst_price_and_a_stop_is_named() -> None:
    trade = closed_bench().trade
    legacy = parent_of(replace(trade, is_legacy=True))
    assert legacy is not None
    assert (legacy.path, legacy.worst_px) == ("legacy", None)
    stop = next(one for one in trade.orders if one.leg is Leg.STOP)
    target = next(one for one in trade.orders if one.leg is Leg.TARGET)
    sold = replace(stop, fills=target.fills, state=OrderState.FILLED)
    kept: list[ChildOrder] = [one for one in trade.orders if one not in (stop, target)]
    found = parent_of(replace(trade, orders=(*kept, sold)))
    assert found is not None
    assert found.closings[0].stop_px == stop.spec.stop_px


def seen(adverse_px: int, favorable_px: int, **more: int) -> Excursion:
    return Excursion(9, adverse_px, favorable_px, **more)


def extremes(trade: Trade) -> tuple[int | None, int | None]:
    found = parent_of(trade)
    assert found is not None
    return found.marks.adverse_px, found.marks.favorable_px


def test_what_the_engine_saw_while_it_held() -> None:
    trade = closed_bench().trade
    (out_px,) = {fill.px for one in trade.orders if one.leg is Leg.TARGET for fill in one.fills}
    whole = replace(trade, excursion=seen(99 * NANO, 101 * NANO))
    assert extremes(whole) == (99 * NANO, max(101 * NANO, out_px))
    assert extremes(replace(trade, excursion=seen(1, 2, unseen_ns=SECOND_NS))) == (None, None)
    assert extremes(replace(trade, excursion=None)) == (None, None)
    short = closed_bench("sell").trade
    low_px = replace(short, excursion=seen(103 * NANO, 99 * NANO))
    found = extremes(low_px)
    assert found[0] == 103 * NANO


def test_orders_are_drawn_from_when_they_were_sent() -> None:
    trade = closed_bench().trade
    found = parent_of(trade)
    assert found is not None
    rests = {one.leg: one for one in found.orders}
    assert rests[Leg.ENTRY].px == trade.terms.first_limit_px
    assert rests[Leg.TARGET].end_ns == found.closings[0].at_ns
    assert all(one.start_ns <= one.end_ns for one in found.orders)
    missed = parent_of(missed_bench().trade)
    assert missed is not None
    (entry,) = missed.orders
    assert entry.end_ns - entry.start_ns == 60 * SECOND_NS, "until its cancel was asked for"
    first = trade.orders[0]
    unsent = parent_of(replace(trade, orders=(replace(first, sent_ns=0),)))
    assert unsent is not None
    assert unsent.orders == ()
