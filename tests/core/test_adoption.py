"""Shares that are there become a trade of ours, or a denial says why not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from surefill.core.adoption import adopt, left_over
from surefill.core.commands import OrderSpec
from surefill.core.cover import cover_of
from surefill.core.events import Position, PositionAdopted
from surefill.core.fix import Leg, OrdType, Side, TimeInForce
from surefill.core.invariants import broken_invariants
from surefill.core.order import ChildOrder, Fill, OrderState
from surefill.core.plan import Policy, TradePlan
from surefill.core.pricing import EntryTerms
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.risk import GateView
from surefill.core.state import Denial
from surefill.core.tactic import ProtectionStyle
from surefill.core.trade import Trade
from surefill.core.units import NANO, US_EQUITY_TICKS, to_nano
from tests.core.test_risk import NOW, VIEW
from tests.support.core import SYMBOL

HELD = Position(SYMBOL, 100 * NANO, to_nano("98.50"))
SEEN = replace(VIEW, foreign_qty=100 * NANO)


def plan(side: str = "buy", qty: object = 100, **terms: Any) -> TradePlan:
    """Stop 97 and target 105 of a long position, 103 and 95 of a short one."""
    exits = {"stop": "97", "target": "105"} if side == "buy" else {"stop": "103", "target": "95"}
    shape = exits | terms
    return TradePlan.of(SYMBOL, side, qty, plan_id="a1", signal_price="99", **shape)


def decide(
    asked: TradePlan,
    view: GateView = SEEN,
    *,
    held: Position | None = HELD,
    stopped: tuple[Reason, ...] = (),
) -> Trade | Denial:
    """What becomes of these shares."""
    event = PositionAdopted(asked, Policy(), "ann", view.now)
    shown = () if held is None else (held,)
    return adopt(event, view, tag="0a1b2c", held=shown, stopped=stopped)


def codes(made: Trade | Denial) -> list[str]:
    assert isinstance(made, Denial)
    assert (made.at_ns, made.is_legacy) == (NOW, False)
    return [reason.code.name for reason in made.reasons]


@pytest.mark.parametrize(("side", "sign"), [("buy", 1), ("sell", -1)])
def test_the_trade_begins_with_its_shares_bare(side: str, sign: int) -> None:
    view = replace(VIEW, foreign_qty=sign * 100 * NANO)
    made = decide(plan(side), view, held=replace(HELD, qty=sign * 100 * NANO))
    assert isinstance(made, Trade)
    assert made.position_qty == 100 * NANO
    assert made.entry_cost == 100 * NANO * to_nano("98.50")
    assert cover_of(made).uncovered_qty == 100 * NANO
    assert made.entry_end == Reason.of(ReasonCode.ADOPT_REQUESTED, by="ann")
    (entry,) = made.entries
    assert (entry.state, entry.is_ours, entry.unpriced_qty) == (OrderState.FILLED, False, 0)
    assert broken_invariants(made, made, ()) == ()
    exits = made.wanted_exits()
    wanted = ("97", "105") if side == "buy" else ("103", "95")
    assert (exits.stop_px, exits.target_px) == (to_nano(wanted[0]), to_nano(wanted[1]))


def test_every_field_of_the_trade() -> None:
    asked, px, qty = plan(), to_nano("98.50"), 100 * NANO
    key = "sf-0a1b2c-a1-E1"
    spec = OrderSpec(
        cl_ord_id=key,
        symbol=SYMBOL,
        side=Side.BUY,
        ord_type=OrdType.LIMIT,
        tif=TimeInForce.DAY,
        order_qty=qty,
        leg=Leg.ENTRY,
        limit_px=px,
    )
    fill = Fill(exec_id="adopted:a1", qty=qty, px=px, venue_ns=NOW)
    assert decide(asked) == Trade(
        plan=asked,
        policy=Policy(),
        terms=EntryTerms(
            order_qty=qty,
            cap_px=px,
            worst_px=px,
            first_limit_px=px,
            stop_px=to_nano("97"),
            target_px=to_nano("105"),
            rr_planned_ppb=13 * NANO // 3,
        ),
        ticks=US_EQUITY_TICKS,
        tag="0a1b2c",
        style=ProtectionStyle.OCO,
        is_legacy=False,
        accepted_ns=NOW,
        deadline_ns=NOW,
        orders=(
            ChildOrder(
                key=key,
                spec=spec,
                state=OrderState.FILLED,
                is_ours=False,
                fills=(fill,),
                sent_ns=NOW,
            ),
        ),
        entry_end=Reason.of(ReasonCode.ADOPT_REQUESTED, by="ann"),
    )


def test_distances_are_measured_from_what_the_shares_cost() -> None:
    made = decide(plan(stop=None, target=None, risk="2", rr="2"))
    assert isinstance(made, Trade)
    assert (made.terms.stop_px, made.terms.target_px) == (to_nano("96.50"), to_nano("102.50"))


@pytest.mark.parametrize(
    ("asked", "more", "says"),
    [
        (plan(qty=101), {}, "101 of ACME asked for; 100 are there that are not ours"),
        (plan("sell"), {}, "-100 of ACME asked for; 100 are there that are not ours"),
        (plan(), {"instrument": None}, "no instrument data for ACME"),
        (plan(), {"other_trade": "t"}, "ACME has an open trade of ours, t: "),
        (plan(stop="99.99"), {}, "stop 99.99 is not on the losing side of 99.99"),
        (plan(target="99.99"), {}, "target 99.99 is not on the winning side of 99.99"),
        (plan(), {"market": None}, "no quote for ACME"),
    ],
)
def test_a_denial_says_what_is_in_the_way(
    asked: TradePlan, more: dict[str, Any], says: str
) -> None:
    made = decide(asked, replace(SEEN, **more))
    assert isinstance(made, Denial)
    assert says in made.reasons[0].sentence


def test_a_part_may_be_adopted_and_the_brokers_average_may_be_missing() -> None:
    made = decide(plan(qty=40), held=replace(HELD, avg_px=None))
    assert isinstance(made, Trade)
    assert made.entry_cost == 40 * NANO * to_nano("99")


def test_a_stop_in_profit_plans_no_ratio() -> None:
    made = decide(plan(stop="99"))
    assert isinstance(made, Trade)
    assert made.terms.rr_planned_ppb == 0


def test_a_plan_that_cannot_be_read_is_denied() -> None:
    assert codes(decide(plan(qty="1.5"))) == ["FRACTIONAL_UNPROTECTABLE"]
    assert codes(decide(plan(qty=None, risk_usd=100))) == ["PLAN_QTY_MISSING"]
    assert codes(decide(plan(stop=None))) == ["EXITS_MISSING"]


def test_nothing_is_adopted_that_is_not_there() -> None:
    assert codes(decide(plan(qty=101))) == ["ADOPT_QTY_UNAVAILABLE"]
    assert codes(decide(plan("sell"), held=None)) == ["ADOPT_QTY_UNAVAILABLE"]
    assert codes(decide(plan(), replace(SEEN, foreign_qty=None))) == ["POSITION_UNKNOWN"]
    assert codes(decide(plan(), replace(SEEN, instrument=None))) == ["SYMBOL_UNKNOWN"]
    assert codes(decide(plan(), replace(SEEN, other_trade="t"))) == ["ADOPT_SYMBOL_BUSY"]
    unready = Reason.of(ReasonCode.ENGINE_NOT_READY, mode="reconciling")
    assert codes(decide(plan(), stopped=(unready,))) == ["ENGINE_NOT_READY"]


def test_exits_must_stand_on_their_side_of_the_market() -> None:
    assert codes(decide(plan(stop="99.99"))) == ["EXITS_STOP_WRONG_SIDE"]
    assert codes(decide(plan(target="99.99"))) == ["EXITS_TARGET_WRONG_SIDE"]
    assert codes(decide(plan(), replace(SEEN, market=None))) == ["QUOTE_MISSING"]
    assert SEEN.market is not None
    blind = replace(SEEN, market=replace(SEEN.market, nbbo=None))
    assert codes(decide(plan(), blind)) == ["QUOTE_MISSING"]
    assert SEEN.market.nbbo is not None
    crossed = replace(SEEN.market, nbbo=replace(SEEN.market.nbbo, bid_px=0))
    assert codes(decide(plan(), replace(SEEN, market=crossed))) == ["QUOTE_MISSING"]


def test_no_limit_and_no_session_stands_against_cover() -> None:
    view = replace(SEEN, account=None, open_trades=10_000)
    assert isinstance(decide(plan(), view), Trade)


def test_what_is_adopted_is_not_foreign_any_more() -> None:
    made = decide(plan(qty=40))
    assert isinstance(made, Trade)
    other = Position("OTHER", 7 * NANO)
    assert left_over((HELD, other), made) == (replace(HELD, qty=60 * NANO), other)
    whole = decide(plan())
    assert isinstance(whole, Trade)
    assert left_over((HELD,), whole) == ()
