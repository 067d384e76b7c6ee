"""What a caller gets: the result of one trade, in exact numbers.

What: `TradeResult`, made by `result_of` from what the engine remembers (a `Trade` or a `Denial`)
and from nothing else, so that the same plan gives the same result again after a restart.
Conventions: ``_px``, ``_qty``, ``_usd`` are ints in 1e-9; the properties without a unit are
`Decimal` for people. Slippage is signed, positive is cost. Reward/risk comes three ways: planned,
at the fill against the *signal's own* levels (what the legacy path really entered: 0.13 on the day
that started Surefill), and realized in multiples of the initial risk.
Must never: invent a number; what is not known is ``None``.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, fields
from decimal import Decimal
from enum import Enum

from surefill.core.cover import Cover, cover_of
from surefill.core.exits import is_partial_close
from surefill.core.fix import Feed, Leg, Side
from surefill.core.order import ChildOrder
from surefill.core.pricing import mean_target, scaled_targets, static_exits
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.state import Denial
from surefill.core.trade import GroupKind, Outcome, Phase, Trade, phase_of
from surefill.core.units import NANO, to_text, to_usd_text

CENTI = Decimal("0.01")
MILLI = Decimal("0.0001")
WIDTH = 80


@dataclass(frozen=True, slots=True)
class OrderRef:
    """One order of the trade: our id of it, the broker's (once known), where it stands."""

    leg: Leg
    cl_ord_id: str
    order_id: str | None
    state: str
    cum_qty: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeResult:
    """One trade as it stands. ``outcome`` is ``None`` while it is open.

    ``reasons``: why it was denied, or why the entry or the trade ended (the first is `reason`).
    ``stop_px`` and ``target_px``: where the exits belong now; of several targets the farthest, and
    ``targets_px`` are all of them, nearest first. ``uncovered_ns``: how long shares
    had no working stop; ``uncovered_share_s`` weighs that by their number. ``closing_qty``: shares
    that are held and are to be closed; while there are any, the first reason is CLOSE_PENDING. Of a
    breakout ``arrival_px`` and what hangs on it are of ``triggered_ns``, when its market had come.
    """

    plan_id: str
    symbol: str
    side: Side
    is_legacy: bool
    outcome: Outcome | None
    phase: Phase | None
    is_settled: bool
    reasons: tuple[Reason, ...]
    notes: tuple[Reason, ...] = ()
    signal_px: int
    order_qty: int | None = None
    entry_qty: int = 0
    position_qty: int = 0
    closing_qty: int = 0
    uncovered_qty: int = 0
    avg_px: int | None = None
    worst_px: int | None = None
    first_limit_px: int | None = None
    stop_px: int | None = None
    target_px: int | None = None
    targets_px: tuple[int, ...] = ()
    arrival_px: int | None = None
    arrival_feed: Feed | None = None
    slippage_vs_signal_bps: Decimal | None = None
    slippage_vs_arrival_bps: Decimal | None = None
    rr_planned: Decimal | None = None
    rr_at_fill: Decimal | None = None
    r_realized: Decimal | None = None
    exit_qty: int = 0
    exit_avg_px: int | None = None
    pnl_usd: int | None = None
    uncovered_ns: int = 0
    uncovered_share_s: Decimal = Decimal(0)
    orders: tuple[OrderRef, ...] = ()
    alarms: tuple[str, ...] = ()
    strategy: str = ""
    trigger_px: int | None = None
    accepted_ns: int = 0
    triggered_ns: int | None = None
    closed_ns: int | None = None

    @property
    def trade_id(self) -> str:
        """The plan's id: one plan, one trade."""
        return self.plan_id

    @property
    def is_denied(self) -> bool:
        """Refused by us before anything was sent."""
        return self.outcome is Outcome.DENIED

    @property
    def is_entered(self) -> bool:
        """Whether any share was entered."""
        return self.entry_qty > 0

    @property
    def reason(self) -> Reason | None:
        """The first reason."""
        return self.reasons[0] if self.reasons else None

    @property
    def code(self) -> ReasonCode | None:
        """Its code."""
        return self.reasons[0].code if self.reasons else None

    @property
    def sentence(self) -> str:
        """All reasons as sentences."""
        return "; ".join(reason.sentence for reason in self.reasons)

    @property
    def quantity(self) -> Decimal:
        """Shares entered."""
        return _decimal(self.entry_qty)

    @property
    def vwap(self) -> Decimal | None:
        """Average entry price in USD, cut after nine decimals."""
        return _decimal_or_none(self.avg_px)

    @property
    def stop(self) -> Decimal | None:
        """Stop price in USD."""
        return _decimal_or_none(self.stop_px)

    @property
    def target(self) -> Decimal | None:
        """Target price in USD; of several the farthest."""
        return _decimal_or_none(self.target_px)

    @property
    def targets(self) -> tuple[Decimal, ...]:
        """All targets in USD, nearest first."""
        return tuple(_decimal(px) for px in self.targets_px)

    @property
    def exit_vwap(self) -> Decimal | None:
        """Average exit price in USD, cut after nine decimals."""
        return _decimal_or_none(self.exit_avg_px)

    def to_dict(self) -> dict[str, object]:
        """JSON-ready: prices, quantities and ratios as text, times as integers (UTC ns)."""
        shown: dict[str, object] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, int) and field.name.endswith(("_px", "_qty", "_usd")):
                shown[field.name] = to_text(value)
            elif field.name == "targets_px":
                shown[field.name] = [to_text(px) for px in self.targets_px]
            else:
                shown[field.name] = _json(value)
        return shown

    def __str__(self) -> str:
        return textwrap.fill(self.line, WIDTH, subsequent_indent="  ", break_on_hyphens=False)

    @property
    def line(self) -> str:
        """The result in one line, for logs."""
        head = f"{self.symbol} {self.side.value} plan={self.plan_id}"
        if self.outcome in (Outcome.DENIED, Outcome.NOT_ENTERED):
            return f"{head} {self.outcome.value}: {'; '.join(map(str, self.reasons))}"
        if self.avg_px is None:
            return f"{head} {self.phase.value if self.phase else 'open'}"
        parts = [
            f"{head} {to_text(self.entry_qty)} @ {to_usd_text(self.avg_px)}",
            f"stop {to_usd_text(self.stop_px or 0)} "
            f"target {'/'.join(map(to_usd_text, self.targets_px)) or '?'}",
            f"slippage {_signed(self.slippage_vs_signal_bps)} bps",
            f"reward/risk {self.rr_at_fill if self.rr_at_fill is not None else '?'}",
        ]
        if self.closing_qty:
            parts.append(str(self.reason))
        elif self.outcome is None and self.position_qty != self.entry_qty:
            parts.append(f"{to_text(self.position_qty)} held")
        if self.outcome is not None:
            exit_text = to_usd_text(self.exit_avg_px) if self.exit_avg_px is not None else "?"
            parts.append(f"{self.outcome.value} @ {exit_text} R {_signed(self.r_realized)}")
        return ", ".join(parts)


def result_of(found: Trade | Denial) -> TradeResult:
    """The result of what the engine remembers of a plan."""
    return _denied(found) if isinstance(found, Denial) else _traded(found)


def _denied(denial: Denial) -> TradeResult:
    plan = denial.plan
    return TradeResult(
        plan_id=plan.plan_id,
        symbol=plan.symbol,
        side=plan.side,
        is_legacy=denial.is_legacy,
        outcome=Outcome.DENIED,
        phase=None,
        is_settled=True,
        reasons=denial.reasons,
        signal_px=plan.signal_px,
        order_qty=plan.order_qty,
        strategy=plan.strategy,
        trigger_px=plan.trigger_px,
        accepted_ns=denial.at_ns,
        closed_ns=denial.at_ns,
    )


def _traded(trade: Trade) -> TradeResult:
    plan, terms, cover = trade.plan, trade.terms, cover_of(trade)
    entry = _Money(trade.entry_qty, trade.entry_cost)
    exits = _exits(trade)
    wanted = trade.wanted_exits()
    pnl = _pnl_e18(trade)
    closing_qty = _closing_qty(trade, cover)
    arrival_px = trade.arrival.px
    return TradeResult(
        plan_id=plan.plan_id,
        symbol=plan.symbol,
        side=plan.side,
        is_legacy=trade.is_legacy,
        outcome=trade.outcome,
        phase=phase_of(trade, covered_qty=cover.covered_qty, claimed_qty=cover.claimed_qty),
        is_settled=trade.is_settled or trade.is_closed,
        reasons=_reasons(trade, closing_qty),
        notes=terms.notes,
        signal_px=plan.signal_px,
        order_qty=terms.order_qty,
        entry_qty=entry.qty,
        position_qty=trade.position_qty,
        closing_qty=closing_qty,
        uncovered_qty=cover.uncovered_qty,
        avg_px=entry.avg_px,
        worst_px=terms.worst_px,
        first_limit_px=terms.first_limit_px,
        stop_px=wanted.stop_px,
        target_px=wanted.target_px,
        targets_px=_targets(trade, wanted.target_px),
        arrival_px=arrival_px,
        arrival_feed=trade.arrival.feed,
        slippage_vs_signal_bps=entry.cost_vs_bps(trade.sign, plan.signal_px),
        slippage_vs_arrival_bps=entry.cost_vs_bps(trade.sign, arrival_px) if arrival_px else None,
        rr_planned=_ratio(terms.rr_planned_ppb, NANO),
        rr_at_fill=_rr_at_fill(trade, entry),
        r_realized=_r_realized(trade, entry, pnl),
        exit_qty=exits.qty,
        exit_avg_px=exits.avg_px,
        pnl_usd=pnl // NANO if pnl is not None else None,
        uncovered_ns=trade.uncovered.total_ns,
        uncovered_share_s=_ratio(trade.uncovered.share_ns, NANO * NANO),
        orders=tuple(_order_ref(order) for order in trade.orders),
        alarms=trade.alarms,
        strategy=plan.strategy,
        trigger_px=plan.trigger_px,
        accepted_ns=trade.accepted_ns,
        triggered_ns=trade.triggered_ns or None,
        closed_ns=trade.closed_ns,
    )


@dataclass(frozen=True, slots=True)
class _Money:
    """Shares (1e-9) and what they cost (1e-18 USD)."""

    qty: int
    cost: int

    @property
    def avg_px(self) -> int | None:
        return self.cost // self.qty if self.qty else None

    def cost_vs_bps(self, sign: int, benchmark_px: int) -> Decimal | None:
        """Against a benchmark price (1e-9 USD); positive is cost."""
        if not self.qty:
            return None
        paid_more = sign * (self.cost - benchmark_px * self.qty)
        return (Decimal(paid_more * 10_000) / (benchmark_px * self.qty)).quantize(CENTI)


def _targets(trade: Trade, last_px: int) -> tuple[int, ...]:
    """Where every target belongs now, nearest first (1e-9 USD); before the first fill as if all
    filled at the worst price."""
    cost, qty = trade.terms.worst_px, 1
    if trade.entry_qty:
        cost, qty = trade.entry_cost, trade.entry_qty
    return (*scaled_targets(trade.plan, trade.ticks, cost=cost, qty=qty), last_px)


def _closing_qty(trade: Trade, cover: Cover) -> int:
    """Shares that are on their way out because somebody or something asked for it."""
    if trade.is_closed or trade.position_qty <= 0:
        return 0
    if trade.exit_reason is not None:
        return cover.uncovered_qty if is_partial_close(trade) else trade.position_qty
    return 0 if trade.keep_qty is None else max(0, trade.position_qty - trade.keep_qty)


def _reasons(trade: Trade, closing_qty: int) -> tuple[Reason, ...]:
    left, held = to_text(closing_qty), to_text(trade.position_qty)
    pending = Reason.of(ReasonCode.CLOSE_PENDING, left=left, held=held) if closing_qty else None
    found = (pending, trade.reason, trade.exit_reason, trade.entry_end)
    return tuple(dict.fromkeys(reason for reason in found if reason is not None))


def _order_ref(order: ChildOrder) -> OrderRef:
    return OrderRef(order.leg, order.key, order.order_id, order.state.value, order.cum_qty)


def _exits(trade: Trade) -> _Money:
    """What our own exits closed. A position that was bought back is not among them."""
    restores = {group.n for group in trade.groups if group.kind is GroupKind.RESTORE}
    closing = [o for o in trade.orders if o.leg is not Leg.ENTRY and o.group not in restores]
    return _Money(sum(o.cum_qty for o in closing), sum(o.cost for o in closing))


def _pnl_e18(trade: Trade) -> int | None:
    """Money made in 1e-18 USD, fees apart, once every share is back by our own orders."""
    is_ours = trade.entry_qty and not trade.position_qty and not trade.external_qty
    if not is_ours or not trade.is_closed:
        return None
    return sum(-order.spec.side.sign * order.cost for order in trade.orders)


def _rr_at_fill(trade: Trade, entry: _Money) -> Decimal | None:
    at_signal = static_exits(trade.plan, trade.ticks)
    risk = trade.sign * (entry.cost - at_signal.stop_px * entry.qty)
    if risk <= 0:
        return None
    mean = mean_target(trade.plan, trade.ticks, cost=trade.plan.signal_px, qty=1)
    return _ratio(trade.sign * (mean * entry.qty - entry.cost * NANO), risk * NANO)


def _r_realized(trade: Trade, entry: _Money, pnl: int | None) -> Decimal | None:
    """In multiples of the risk at the fill: entry price to the stop that the fill anchored."""
    if pnl is None:
        return None
    risk = trade.sign * (entry.cost - trade.anchored_exits().stop_px * entry.qty)
    return _ratio(pnl, risk) if risk > 0 else None


def _ratio(numerator: int, denominator: int) -> Decimal:
    return (Decimal(numerator) / denominator).quantize(MILLI)


def _decimal(nano: int) -> Decimal:
    return Decimal(nano).scaleb(-9).normalize() + 0


def _decimal_or_none(nano: int | None) -> Decimal | None:
    return None if nano is None else _decimal(nano)


def _signed(value: Decimal | None) -> str:
    return "?" if value is None else f"{value:+}"


def _json(value: object) -> object:
    match value:
        case Reason():
            return {"code": value.code.name, "sentence": value.sentence} | {
                "context": dict(value.context)
            }
        case OrderRef():
            return {
                "leg": value.leg.value,
                "cl_ord_id": value.cl_ord_id,
                "order_id": value.order_id,
                "state": value.state,
                "cum_qty": to_text(value.cum_qty),
            }
        case Enum():
            return value.value
        case Decimal():
            return str(value)
        case tuple():
            return [_json(item) for item in value]
        case _:
            return value
