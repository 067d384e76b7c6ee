"""Costs of one plan in ratios: slippage against every benchmark, spreads, markouts, reward/risk.

What: `Costs`, made by `costs_of` from a `Parent`. Every number is ppb (1e-9) of what its name says;
100,000 ppb are one basis point.
Signs: s = +1 for a purchase, -1 for a sale. Slippage and spreads: positive is cost. **Markouts:
positive is in our favour**, the one exception. Formulas, over all fills of the plan (avg = cost by
quantity, m = mid just before each fill, m' = mid at fill + horizon; each sum by sum of q m):

    slippage vs B     s (avg - B) / B                B = signal, decision, arrival, near, far, VWAP
    effective spread  2 sum s q (p - m)              Huang & Stoll, J. Financial Economics 41, 1996
    realized spread   2 sum s q (p - m')             the same; what the other side kept
    markout           sum s q (m' - p)               = (price impact - effective spread) / 2
    exit slippage     -s (px - stop) / stop          of fills of stop orders; a long sells lower
    reward/risk       s (target - x) / s (x - stop)  at x = signal, worst price, average fill

``near`` and ``far`` are the touch at arrival that an order of this side joins or crosses to; VWAP
is of all prints between arrival and the end of the entry (Berkowitz, Logue & Noser, J. Finance 43,
1988). Reward/risk is against the signal's own levels in all three, so that they can be compared.
MAE and MFE (Sweeney, *Maximum Adverse Excursion*, 1996) are in R, multiples of the risk from the
average fill to the stop that rested.
Invariants: rounded down, once, at the end. What cannot be known is ``None``, never 0.
Must never: use a float.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from surefill.core.fix import Leg
from surefill.core.units import NANO
from surefill.tca.parent import HORIZONS_NS, Execution, Parent

_Value = Callable[[Execution, int], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """One plan. ``fill_ppb``: shares entered of shares wanted; ``first_fill_ns`` and
    ``last_fill_ns`` since arrival; ``markout_ppb`` and ``realized_spread_ppb`` by
    `tca.parent.HORIZONS_NS`. ``r_ppb``, ``mae_ppb``, ``mfe_ppb`` in R."""

    fill_ppb: int
    first_fill_ns: int | None
    last_fill_ns: int | None
    slippage_vs_signal_ppb: int | None
    slippage_vs_decision_ppb: int | None
    slippage_vs_arrival_ppb: int | None
    slippage_vs_near_ppb: int | None
    slippage_vs_far_ppb: int | None
    slippage_vs_vwap_ppb: int | None
    quoted_spread_ppb: int | None
    effective_spread_ppb: int | None
    realized_spread_ppb: tuple[int | None, ...]
    markout_ppb: tuple[int | None, ...]
    rr_planned_ppb: int | None
    rr_worst_ppb: int | None
    rr_fill_ppb: int | None
    exit_slippage_vs_stop_ppb: int | None
    r_ppb: int | None
    mae_ppb: int | None
    mfe_ppb: int | None


def costs_of(parent: Parent) -> Costs:
    """Everything that can be said of one plan."""
    arrival, sign = parent.marks.arrival, parent.sign
    times = [fill.at_ns - parent.arrival_ns for fill in parent.fills]
    near_px = arrival.near_px(sign) if arrival is not None else 0
    far_px = arrival.far_px(sign) if arrival is not None else 0
    mae, mfe = _excursions(parent)
    return Costs(
        fill_ppb=parent.qty * NANO // parent.order_qty if parent.order_qty else 0,
        first_fill_ns=min(times, default=None),
        last_fill_ns=max(times, default=None),
        slippage_vs_signal_ppb=slippage_ppb(parent, parent.signal_px),
        slippage_vs_decision_ppb=slippage_ppb(parent, parent.decision_px),
        slippage_vs_arrival_ppb=slippage_ppb(parent, parent.marks.arrival_px),
        slippage_vs_near_ppb=slippage_ppb(parent, near_px or None),
        slippage_vs_far_ppb=slippage_ppb(parent, far_px or None),
        slippage_vs_vwap_ppb=_vs_vwap_ppb(parent),
        quoted_spread_ppb=_quoted_ppb(parent),
        effective_spread_ppb=effective_spread_ppb(sign, parent.fills),
        realized_spread_ppb=tuple(
            realized_spread_ppb(sign, parent.fills, n) for n in range(len(HORIZONS_NS))
        ),
        markout_ppb=tuple(markout_ppb(sign, parent.fills, n) for n in range(len(HORIZONS_NS))),
        rr_planned_ppb=_rr_ppb(parent, parent.signal_px, 1),
        rr_worst_ppb=_rr_ppb(parent, parent.worst_px, 1),
        rr_fill_ppb=_rr_ppb(parent, parent.cost or None, parent.qty),
        exit_slippage_vs_stop_ppb=_exit_ppb(parent),
        r_ppb=_in_r(parent, parent.made),
        mae_ppb=mae,
        mfe_ppb=mfe,
    )


def slippage_ppb(parent: Parent, px: int | None) -> int | None:
    """s (avg - px) / px of what was entered; ``None`` of nothing, or against nothing."""
    if px is None or not parent.qty:
        return None
    return parent.sign * (parent.cost - px * parent.qty) * NANO // (px * parent.qty)


def effective_spread_ppb(sign: int, fills: Iterable[Execution]) -> int | None:
    """2 s (p - m) by m, quantity-weighted: positive is paid, negative earned."""
    known = [(fill, fill.mid_px) for fill in fills]
    return _by_mid(known, lambda fill, mid_px: 2 * sign * (fill.px - mid_px))


def realized_spread_ppb(sign: int, fills: Iterable[Execution], n: int) -> int | None:
    """2 s (p - m') by m at horizon ``n``: what is left of it after the market moved on."""
    known = [(fill, fill.mid_px if fill.later_px[n] else None) for fill in fills]
    return _by_mid(known, lambda fill, _: 2 * sign * (fill.px - (fill.later_px[n] or 0)))


def markout_ppb(sign: int, fills: Iterable[Execution], n: int) -> int | None:
    """s (m' - p) by m at horizon ``n``: **positive is in our favour**."""
    known = [(fill, fill.mid_px if fill.later_px[n] else None) for fill in fills]
    return _by_mid(known, lambda fill, _: sign * ((fill.later_px[n] or 0) - fill.px))


def _by_mid(known: list[tuple[Execution, int | None]], value: _Value) -> int | None:
    """sum q value / sum q m; ``None`` where any mid is missing: a part would be another plan."""
    made = base = 0
    for fill, mid_px in known:
        if mid_px is None:
            return None
        made += fill.qty * value(fill, mid_px)
        base += fill.qty * mid_px
    return made * NANO // base if base else None


def _vs_vwap_ppb(parent: Parent) -> int | None:
    cost, qty = parent.marks.traded_cost, parent.marks.traded_qty
    if not qty or not parent.qty:
        return None
    # avg / vwap - 1, cross-multiplied: neither average is ever rounded.
    return parent.sign * (parent.cost * qty - cost * parent.qty) * NANO // (cost * parent.qty)


def _quoted_ppb(parent: Parent) -> int | None:
    arrival = parent.marks.arrival
    if arrival is None or not arrival.mid_px:
        return None
    return (arrival.ask_px - arrival.bid_px) * NANO // arrival.mid_px


def _rr_ppb(parent: Parent, cost: int | None, qty: int) -> int | None:
    stop_px, target_px = parent.stop_px, parent.target_px
    if cost is None or stop_px is None or target_px is None:
        return None
    risk = parent.sign * (cost - stop_px * qty)
    return parent.sign * (target_px * qty - cost) * NANO // risk if risk > 0 else None


def _exit_ppb(parent: Parent) -> int | None:
    stops = [
        (fill.qty, fill.px, fill.stop_px)
        for fill in parent.closings
        if fill.leg is Leg.STOP and fill.stop_px
    ]
    base = sum(qty * stop_px for qty, _, stop_px in stops)
    if not base:
        return None
    return -parent.sign * sum(qty * (px - stop_px) for qty, px, stop_px in stops) * NANO // base


def _excursions(parent: Parent) -> tuple[int | None, int | None]:
    adverse_px, favorable_px = parent.marks.adverse_px, parent.marks.favorable_px
    if adverse_px is None or favorable_px is None or not parent.is_flat:
        return None, None
    against = parent.sign * (parent.cost - adverse_px * parent.qty)
    along = parent.sign * (favorable_px * parent.qty - parent.cost)
    return _in_r(parent, max(0, against)), _in_r(parent, max(0, along))


def _in_r(parent: Parent, made: int | None) -> int | None:
    """Money (1e-18 USD) in multiples of what the position risked at the stop that rested."""
    if made is None or parent.rest_stop_px is None:
        return None
    risk = parent.sign * (parent.cost - parent.rest_stop_px * parent.qty)
    return made * NANO // risk if risk > 0 else None
