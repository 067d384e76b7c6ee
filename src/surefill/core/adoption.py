"""Adoption: shares that are there but nobody covers become a trade of ours.

What: `adopt`. The trade begins where an entered one is: its entry is over, its shares are in the
ledger at the broker's own average, and protection brings the cover as for any other.
Why a trade and not a loose stop: cover's ids are functions of the plan, it is repaired, survives a
restart and ends with one outcome.
Invariants: only shares that the broker shows and that are not ours; a stop on the wrong side of the
market is refused before anything is sent, because the broker would refuse it and the ladder would
sell. It takes no risk, so no switch and no limit stands against it (A-35).
Must never: buy or sell to get to a quantity.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from surefill.core.commands import OrderSpec
from surefill.core.events import Position, PositionAdopted
from surefill.core.fix import Leg, OrdType, TimeInForce
from surefill.core.ids import IdLeg, cl_ord_id
from surefill.core.order import ChildOrder, Fill, OrderState
from surefill.core.plan import TradePlan, plan_problems
from surefill.core.pricing import EntryTerms, ExitPrices, exits_at, reward_risk_ppb
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.risk import GateView
from surefill.core.state import Denial
from surefill.core.tactic import ProtectionStyle
from surefill.core.trade import Trade
from surefill.core.units import to_text
from surefill.core.values import replace

ADOPT_TACTIC = "limit"
"""Named in the plan because every plan names one; an entry that is over asks it nothing."""


def adopt(
    event: PositionAdopted,
    view: GateView,
    *,
    tag: str,
    held: Sequence[Position],
    stopped: tuple[Reason, ...],
) -> Trade | Denial:
    """The trade that these shares become, or its denial with every reason. ``held`` are the
    account's positions that are not ours."""
    plan = event.plan
    reasons = plan_problems(plan, frozenset({ADOPT_TACTIC}))
    if not reasons and plan.order_qty is None:
        reasons = (Reason.of(ReasonCode.PLAN_QTY_MISSING),)
    if reasons or plan.order_qty is None:
        return _denied(event, reasons)
    instrument = view.instrument
    if instrument is None:
        unknown = Reason.of(ReasonCode.SYMBOL_UNKNOWN, symbol=plan.symbol)
        return _denied(event, (*stopped, unknown))
    qty = plan.order_qty
    position = next((p for p in held if p.symbol == plan.symbol), None)
    px = plan.signal_px if position is None or position.avg_px is None else position.avg_px
    exits = exits_at(plan, instrument.ticks, cost=px * qty, qty=qty)
    reasons = (*stopped, *_holding(plan, qty, view=view), *_sides(plan, exits, view))
    if reasons:
        return _denied(event, reasons)
    ratio_ppb = reward_risk_ppb(
        plan.sign, entry_px=px, stop_px=exits.stop_px, target_px=exits.target_px
    )
    return Trade(
        plan=plan,
        policy=plan.with_policy(event.policy),
        terms=EntryTerms(
            order_qty=qty,
            cap_px=px,
            worst_px=px,
            first_limit_px=px,
            stop_px=exits.stop_px,
            target_px=exits.target_px,
            rr_planned_ppb=ratio_ppb or 0,  # a stop in profit has no risk to compare with
        ),
        ticks=instrument.ticks,
        tag=tag,
        style=ProtectionStyle.OCO,
        is_legacy=False,
        accepted_ns=view.now,
        deadline_ns=view.now,
        orders=(_entry(plan, qty, px=px, tag=tag, now=view.now),),
        entry_end=Reason.of(ReasonCode.ADOPT_REQUESTED, by=event.by),
    )


def left_over(held: Sequence[Position], trade: Trade) -> tuple[Position, ...]:
    """The positions that are not ours, once these shares are."""
    rest = []
    for position in held:
        if position.symbol == trade.symbol:
            position = replace(position, qty=position.qty - trade.sign * trade.position_qty)
        if position.qty:
            rest.append(position)
    return tuple(rest)


def _denied(event: PositionAdopted, reasons: tuple[Reason, ...]) -> Denial:
    return Denial(plan=event.plan, is_legacy=False, reasons=reasons, at_ns=event.recv_ns)


def _holding(plan: TradePlan, qty: int, *, view: GateView) -> Iterator[Reason]:
    if view.other_trade is not None:
        other = view.other_trade
        yield Reason.of(ReasonCode.ADOPT_SYMBOL_BUSY, symbol=plan.symbol, other=other)
    if view.foreign_qty is None:
        yield Reason.of(ReasonCode.POSITION_UNKNOWN)
    elif plan.sign * view.foreign_qty < qty:
        yield Reason.of(
            ReasonCode.ADOPT_QTY_UNAVAILABLE,
            asked=to_text(plan.sign * qty),
            symbol=plan.symbol,
            held=to_text(view.foreign_qty),
        )


def _sides(plan: TradePlan, exits: ExitPrices, view: GateView) -> Iterator[Reason]:
    """Where stop and target stand to the market: the broker refuses a stop that is through."""
    market = view.market
    if market is None or market.nbbo is None or not market.nbbo.is_two_sided:
        yield Reason.of(ReasonCode.QUOTE_MISSING, symbol=plan.symbol)
        return
    out_px, sign = market.nbbo.far_px(-plan.sign), plan.sign
    reference = to_text(out_px)
    if sign * (out_px - exits.stop_px) <= 0:
        stop = to_text(exits.stop_px)
        yield Reason.of(ReasonCode.EXITS_STOP_WRONG_SIDE, stop=stop, reference=reference)
    if sign * (exits.target_px - out_px) <= 0:
        target = to_text(exits.target_px)
        yield Reason.of(ReasonCode.EXITS_TARGET_WRONG_SIDE, target=target, reference=reference)


def _entry(plan: TradePlan, qty: int, *, px: int, tag: str, now: int) -> ChildOrder:
    """The entry that brought the shares, as far as we know: not ours, over, priced."""
    key = cl_ord_id(tag, plan.plan_id, leg=IdLeg.ENTRY, n=1)
    spec = OrderSpec(
        cl_ord_id=key,
        symbol=plan.symbol,
        side=plan.side,
        ord_type=OrdType.LIMIT,
        tif=TimeInForce.DAY,
        order_qty=qty,
        leg=Leg.ENTRY,
        limit_px=px,
    )
    fill = Fill(exec_id=f"adopted:{plan.plan_id}", qty=qty, px=px, venue_ns=now)
    return ChildOrder(
        key=key, spec=spec, state=OrderState.FILLED, is_ours=False, fills=(fill,), sent_ns=now
    )
