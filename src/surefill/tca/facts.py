"""What one plan came to, in exact numbers: the unit that every metric counts.

What: `Fact`, made by `fact_of` from the engine's last image of a trade (or of a denial) and from
what the records show around it (`Seen`).
Conventions: slippage and shortfall are signed, positive is cost, in ppb of the signal price (1 bps
= 100,000 ppb). The shortfall counts the missed part of an entry at what entering it when the entry
was over would have cost: far side against signal. Reward/risk stands twice: against the signal's
own levels (what the fill left of the plan), and of the exits in place (what the position risks).
Excursions are Sweeney's (*Maximum Adverse Excursion*, Wiley 1996): MAE is how far price went
against the position between entry and exit, MFE how far in its favour, both from the average entry,
neither below 0, in 1e-9 USD a share and in multiples of the risk (R, as the result). Price is the
side at which the position could be closed in regular hours (`core.excursion`), and what its exits
filled at.
Invariants: one plan is one fact. What is not known is ``None``: the shortfall where the journal
holds no current quote of that instant; excursions of a trade whose market was not seen for as long
as it held shares (a restart, a feed that stopped, a journal from before they were kept).
Must never: invent a number, or use a float.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from surefill.core.fix import Leg, Side
from surefill.core.market import MarketView
from surefill.core.pricing import ExitPrices, mean_exits
from surefill.core.reasons import ReasonCode
from surefill.core.state import Denial
from surefill.core.trade import Outcome, Trade, anchored_mean
from surefill.core.units import NANO

VIEW_AGE_MAX_NS = 5 * NANO
"""A quote older than this says nothing about what a missed entry would have cost."""


class Fate(StrEnum):
    """How far a plan came. A timeout is `NOT_ENTERED`: it counts in the fill rate, not in the
    rejection rate. A breakout whose market never came is `NOT_TRIGGERED`: nothing was missed."""

    DENIED = "DENIED"
    REJECTED = "REJECTED"
    NOT_ENTERED = "NOT_ENTERED"
    ENTERED = "ENTERED"
    PENDING = "PENDING"
    NOT_TRIGGERED = "NOT_TRIGGERED"


COSTLESS = frozenset({Fate.PENDING, Fate.NOT_TRIGGERED})
"""What has missed nothing, or not yet."""


@dataclass(slots=True)
class Seen:
    """What the records show of one plan. ``start_far_px`` and ``end_far_px`` (1e-9 USD): the side
    that an entry would have had to cross to, at its beginning and at its end."""

    plan_seq: int = 0
    settled_seq: int = 0
    closed_seq: int = 0
    start_far_px: int | None = None
    end_far_px: int | None = None

    @property
    def seqs(self) -> tuple[int, ...]:
        """The records that tell the plan's beginning, the end of its entry and its end."""
        found = {self.plan_seq, self.settled_seq, self.closed_seq} - {0}
        return tuple(sorted(found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One plan. ``cap_ppb`` is its own slippage cap; ``has_fill_beyond`` an execution beyond its
    worst price (smart path only). ``uncovered_ns`` is the longest stretch, ``uncovered_share_ms``
    the sum over all stretches in shares times ms. ``r_ppb``: result in multiples of the risk;
    ``mae_*`` and ``mfe_*`` likewise, and in 1e-9 USD a share, of trades that ended by their own
    orders."""

    plan_id: str
    symbol: str
    side: Side
    is_legacy: bool
    fate: Fate
    outcome: Outcome | None
    at_ns: int
    codes: tuple[ReasonCode, ...]
    seqs: tuple[int, ...]
    cap_ppb: int = 0
    slippage_vs_signal_ppb: int | None = None
    shortfall_ppb: int | None = None
    missed_qty: int = 0
    start_far_ppb: int | None = None
    end_far_ppb: int | None = None
    has_fill_beyond: bool = False
    has_stop_at_broker: bool = False
    rr_signal_ppb: int | None = None
    rr_exits_ppb: int | None = None
    uncovered_ns: int = 0
    uncovered_share_ms: int = 0
    r_ppb: int | None = None
    pnl_usd: int | None = None
    mae_px: int | None = None
    mfe_px: int | None = None
    mae_ppb: int | None = None
    mfe_ppb: int | None = None

    @property
    def path(self) -> str:
        """``smart`` or ``legacy``."""
        return "legacy" if self.is_legacy else "smart"

    @property
    def code(self) -> str:
        """The first reason, or the outcome of a plan that has none yet."""
        return self.codes[0].name if self.codes else self.fate.value


def far_px(view: MarketView, sign: int, now: int) -> int | None:
    """The side that an entry of this sign would cross to at ``now``; ``None`` when not known."""
    age_ns = view.quote_age_ns(now)
    if view.nbbo is None or age_ns is None or age_ns > VIEW_AGE_MAX_NS:
        return None
    return view.nbbo.far_px(sign) or None


def fact_of(found: Trade | Denial, seen: Seen) -> Fact:
    """The fact of what the journal remembers of a plan."""
    if isinstance(found, Denial):
        return Fact(
            plan_id=found.plan.plan_id,
            symbol=found.plan.symbol,
            side=found.plan.side,
            is_legacy=found.is_legacy,
            fate=Fate.DENIED,
            outcome=Outcome.DENIED,
            at_ns=found.at_ns,
            codes=tuple(reason.code for reason in found.reasons),
            seqs=seen.seqs,
        )
    return _traded(found, seen)


def _traded(trade: Trade, seen: Seen) -> Fact:
    fate, pnl = _fate(trade), _pnl(trade)
    start_far_ppb = _against_signal(trade, seen.start_far_px)
    end_far_ppb = _against_signal(trade, seen.end_far_px)
    entered = fate is Fate.ENTERED
    missed_qty = 0 if fate in COSTLESS else max(0, trade.terms.order_qty - trade.entry_qty)
    against, along = _excursions(trade) if pnl is not None else (None, None)
    return Fact(
        plan_id=trade.trade_id,
        symbol=trade.symbol,
        side=trade.plan.side,
        is_legacy=trade.is_legacy,
        fate=fate,
        outcome=trade.outcome,
        at_ns=trade.started_ns,
        codes=_codes(trade),
        seqs=seen.seqs,
        cap_ppb=trade.policy.max_slippage_ppb,
        slippage_vs_signal_ppb=_slippage_ppb(trade) if entered else None,
        shortfall_ppb=None if fate in COSTLESS else _shortfall_ppb(trade, seen.end_far_px),
        missed_qty=missed_qty,
        start_far_ppb=start_far_ppb,
        end_far_ppb=end_far_ppb,
        has_fill_beyond=_has_fill_beyond(trade),
        has_stop_at_broker=any(o.leg is Leg.STOP and o.order_id for o in trade.orders),
        rr_signal_ppb=_rr_ppb(trade, _at_signal(trade)) if entered else None,
        rr_exits_ppb=_rr_ppb(trade, anchored_mean(trade)) if entered else None,
        uncovered_ns=trade.uncovered.longest_ns,
        uncovered_share_ms=trade.uncovered.share_ns // (NANO * 1_000_000),
        r_ppb=_r_ppb(trade, pnl),
        pnl_usd=pnl // NANO if pnl is not None else None,
        mae_px=against // trade.entry_qty if against is not None else None,
        mfe_px=along // trade.entry_qty if along is not None else None,
        mae_ppb=_r_ppb(trade, against),
        mfe_ppb=_r_ppb(trade, along),
    )


def _fate(trade: Trade) -> Fate:
    if trade.entry_qty:
        is_over = trade.entry_end is not None and trade.open_entry is None
        return Fate.ENTERED if is_over or trade.is_closed else Fate.PENDING
    if not trade.is_closed:
        return Fate.PENDING
    if trade.plan.trigger_px is not None and not trade.triggered_ns:
        return Fate.NOT_TRIGGERED
    end = trade.entry_end
    is_rejected = end is not None and end.code is ReasonCode.ENTRY_REJECTED
    return Fate.REJECTED if is_rejected else Fate.NOT_ENTERED


def _codes(trade: Trade) -> tuple[ReasonCode, ...]:
    found = (trade.entry_end, trade.reason, trade.exit_reason)
    return tuple(dict.fromkeys(reason.code for reason in found if reason is not None))


def _slippage_ppb(trade: Trade) -> int:
    paid_more = trade.sign * (trade.entry_cost - trade.plan.signal_px * trade.entry_qty)
    return paid_more * NANO // (trade.plan.signal_px * trade.entry_qty)


def _shortfall_ppb(trade: Trade, end_far_px: int | None) -> int | None:
    """Cost of what was entered and of what was missed, against the whole plan at its signal."""
    signal_px, wanted_qty = trade.plan.signal_px, trade.terms.order_qty
    missed_qty = max(0, wanted_qty - trade.entry_qty)
    if missed_qty and end_far_px is None:
        return None
    cost = trade.entry_cost + missed_qty * (end_far_px or 0)
    total_qty = trade.entry_qty + missed_qty
    return trade.sign * (cost - signal_px * total_qty) * NANO // (signal_px * total_qty)


def _against_signal(trade: Trade, px: int | None) -> int | None:
    if px is None:
        return None
    return trade.sign * (px - trade.plan.signal_px) * NANO // trade.plan.signal_px


def _has_fill_beyond(trade: Trade) -> bool:
    return not trade.is_legacy and any(
        fill.qty and trade.sign * (fill.px - trade.terms.worst_px) > 0
        for order in trade.entries
        for fill in order.fills
    )


def _at_signal(trade: Trade) -> ExitPrices:
    return mean_exits(trade.plan, trade.ticks, cost=trade.plan.signal_px, qty=1)


def _rr_ppb(trade: Trade, exits: ExitPrices) -> int | None:
    """Reward/risk from the average fill to these exits; ``None`` when no risk is left."""
    qty, cost = trade.entry_qty, trade.entry_cost
    risk = trade.sign * (cost - exits.stop_px * qty)
    return trade.sign * (exits.target_px * qty - cost) * NANO // risk if risk > 0 else None


def _pnl(trade: Trade) -> int | None:
    """Money made in 1e-18 USD, fees apart, once our own orders closed every share."""
    is_ours = trade.entry_qty and not trade.position_qty and not trade.external_qty
    if not is_ours or not trade.is_closed:
        return None
    return sum(-order.spec.side.sign * order.cost for order in trade.orders)


def _excursions(trade: Trade) -> tuple[int | None, int | None]:
    """(against, in favour) of all shares entered, 1e-18 USD; ``None`` where nobody looked."""
    seen = trade.excursion
    if seen is None or not seen.is_whole:
        return None, None
    exits = (order for order in trade.orders if order.leg is not Leg.ENTRY)
    known = [fill.px for order in exits for fill in order.fills if fill.qty]
    known += [px for px in (seen.adverse_px, seen.favorable_px) if px is not None]
    made = [trade.sign * (px * trade.entry_qty - trade.entry_cost) for px in known]
    return max(0, -min(made)), max(0, max(made))


def _r_ppb(trade: Trade, pnl: int | None) -> int | None:
    """Money (1e-18 USD) in multiples of what the position risked."""
    if pnl is None:
        return None
    risk = trade.sign * (trade.entry_cost - trade.anchored_exits().stop_px * trade.entry_qty)
    return pnl * NANO // risk if risk > 0 else None
