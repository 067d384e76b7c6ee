"""Prices of a trade: cap, worst price, first limit, stop and target. Exact integers throughout.

What: `entry_terms` (once, before anything is sent) and `exits_at` (from what really filled).
Why: the trade that started Surefill lost its reward because stop and target stayed at the signal
while the fill moved (design section 1). Source of the rules: design 4.3 and 4.5, failures.md C.0.
Invariants: ``worst_px`` is computed once and never widened; every rounding goes toward less risk or
more reward; reward/risk is compared by cross-multiplication, never by division.
Must never: veto after a fill, or move an exit because of entry slippage.

Formulas, with s = +1 for a long and -1 for a short, "inward" = floor for a long, ceil for a short:
    cap   = inward(signal * (1 + s * max_slippage))
    rr_px = inward((target + k * stop) / (1 + k))            exits by level only
    worst = min(cap, rr_px) for a long, max for a short
    first = the tighter of inward(signal * (1 + s * buffer)) and worst
    stop  = outward(v - s * d), target = outward(v + s * k * d)    v = VWAP of the entry fills
where "outward" = ceil for a long, floor for a short: risk never larger, reward never smaller.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from surefill.core.plan import ExitsByDistance, ExitsByLevel, Policy, TradePlan
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.units import CENT, NANO, TickSchedule, to_text


@dataclass(frozen=True, slots=True)
class EntryTerms:
    """What an entry may cost, fixed when the plan is accepted.

    Prices 1e-9 USD, ``order_qty`` 1e-9 share. ``rr_planned_ppb`` is reward/risk at the signal,
    rounded down. ``stop_px`` and ``target_px`` are the exits if the entry filled at ``worst_px``.
    """

    order_qty: int
    cap_px: int
    worst_px: int
    first_limit_px: int
    stop_px: int
    target_px: int
    rr_planned_ppb: int
    notes: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class ExitPrices:
    """Stop and target of a position, on the tick, 1e-9 USD."""

    stop_px: int
    target_px: int


def inward(ticks: TickSchedule, sign: int, *, numerator: int, denominator: int = 1) -> int:
    """Round an entry price so that it never costs more: down for a buy, up for a sale."""
    if sign > 0:
        return ticks.floor_ratio(numerator, denominator)
    return ticks.ceil_ratio(numerator, denominator)


def outward(ticks: TickSchedule, sign: int, *, numerator: int, denominator: int = 1) -> int:
    """Round an exit price of a trade of this sign in its favour: up for a long, down for a short.

    Up moves a long stop nearer (risk smaller) and a long target farther (reward larger).
    """
    return inward(ticks, -sign, numerator=numerator, denominator=denominator)


def tighter(sign: int, first_px: int, second_px: int) -> int:
    """The entry price that costs less: the lower for a buy, the higher for a sale."""
    return min(first_px, second_px) if sign > 0 else max(first_px, second_px)


def cap_px(plan: TradePlan, policy: Policy, ticks: TickSchedule) -> int:
    """Worst entry that the slippage cap allows, rounded inward."""
    return _beyond_signal(plan, policy.max_slippage_ppb, ticks)


def buffer_px(plan: TradePlan, buffer_ppb: int, ticks: TickSchedule) -> int:
    """Signal price plus the limit buffer, rounded inward (150.00, 0.05 %: 150.07 / 149.93)."""
    return _beyond_signal(plan, buffer_ppb, ticks)


def _beyond_signal(plan: TradePlan, ratio_ppb: int, ticks: TickSchedule) -> int:
    return inward(
        ticks,
        plan.sign,
        numerator=plan.signal_px * (NANO + plan.sign * ratio_ppb),
        denominator=NANO,
    )


def reward_risk_ppb(sign: int, *, entry_px: int, stop_px: int, target_px: int) -> int | None:
    """Reward/risk of these prices in ppb, rounded down; ``None`` when there is no risk.

    May be negative: a target on the wrong side of the entry.
    """
    risk = sign * (entry_px - stop_px)
    if risk <= 0:
        return None
    return sign * (target_px - entry_px) * NANO // risk


def keeps_ratio(sign: int, entry_px: int, *, exits: ExitPrices, min_rr_ppb: int) -> bool:
    """Whether an entry at ``entry_px`` has at least this reward/risk; exactly the minimum does."""
    reward = sign * (exits.target_px - entry_px)
    risk = sign * (entry_px - exits.stop_px)
    return reward * NANO >= min_rr_ppb * risk


def exits_at(plan: TradePlan, ticks: TickSchedule, *, cost: int, qty: int) -> ExitPrices:
    """Stop and target for entry fills of ``cost`` (1e-18 USD) over ``qty`` (1e-9 share, > 0).

    Exits by distance hang on the VWAP; exits by level stay where the strategy drew them (I14).
    Raises ``ValueError`` for a plan without exits: such a plan must not get here.
    """
    sign, exits = plan.sign, plan.exits
    if exits is None:
        raise ValueError(f"plan {plan.plan_id} has no exits")
    if isinstance(exits, ExitsByLevel):
        return ExitPrices(
            outward(ticks, sign, numerator=exits.stop_px),
            outward(ticks, sign, numerator=exits.target_px),
        )
    stop = cost - sign * exits.risk_px * qty
    target = cost * NANO + sign * exits.rr_ppb * exits.risk_px * qty
    return ExitPrices(
        outward(ticks, sign, numerator=stop, denominator=qty),
        outward(ticks, sign, numerator=target, denominator=qty * NANO),
    )


def scaled_targets(plan: TradePlan, ticks: TickSchedule, *, cost: int, qty: int) -> tuple[int, ...]:
    """Prices of the plan's scale-outs (1e-9 USD), nearest first, by the rules of `exits_at`."""
    sign, exits, prices = plan.sign, plan.exits, []
    for one in plan.manage.scale_outs:
        numerator, denominator = one.target_nano, 1
        if isinstance(exits, ExitsByDistance):
            numerator = cost * NANO + sign * one.target_nano * exits.risk_px * qty
            denominator = qty * NANO
        prices.append(outward(ticks, sign, numerator=numerator, denominator=denominator))
    return tuple(prices)


def mean_target(plan: TradePlan, ticks: TickSchedule, *, cost: int, qty: int) -> int:
    """The mean of all targets by their shares, 1e-18 USD a share, exactly. Shares that do not
    divide go to the farthest, so what is reached is never less."""
    last_px, left_ppb, total = exits_at(plan, ticks, cost=cost, qty=qty).target_px, NANO, 0
    targets = scaled_targets(plan, ticks, cost=cost, qty=qty)
    for one, px in zip(plan.manage.scale_outs, targets, strict=True):
        total += one.share_ppb * px
        left_ppb -= one.share_ppb
    return total + left_ppb * last_px


def mean_exits(plan: TradePlan, ticks: TickSchedule, *, cost: int, qty: int) -> ExitPrices:
    """`exits_at` with the mean of all targets (1e-9 USD, off the tick), rounded to less reward."""
    mean = mean_target(plan, ticks, cost=cost, qty=qty)
    px = mean // NANO if plan.sign > 0 else -(-mean // NANO)
    return ExitPrices(exits_at(plan, ticks, cost=cost, qty=qty).stop_px, px)


def static_exits(plan: TradePlan, ticks: TickSchedule) -> ExitPrices:
    """The legacy path's exits: computed from the signal, wherever the fill lands."""
    return exits_at(plan, ticks, cost=plan.signal_px, qty=1)


def rr_bound_px(
    exits: ExitsByLevel,
    sign: int,
    *,
    min_rr_ppb: int,
    ticks: TickSchedule,
    mean: int | None = None,
) -> int:
    """Worst entry that keeps reward/risk at the minimum against fixed levels, rounded inward.

    ``exits`` are the tick-valid levels that will be sent; ``mean``: see `mean_target`.
    """
    target = exits.target_px * NANO if mean is None else mean
    return inward(
        ticks,
        sign,
        numerator=target + min_rr_ppb * exits.stop_px,
        denominator=NANO + min_rr_ppb,
    )


def entry_terms(
    plan: TradePlan, policy: Policy, ticks: TickSchedule, *, buffer_ppb: int
) -> EntryTerms | tuple[Reason, ...]:
    """Everything an entry may cost, or every reason for which this plan is not worth entering.

    ``buffer_ppb`` is the limit buffer of the session kind. The plan has passed `plan_problems`.
    Source: I15; no veto exists after this function has said yes.
    """
    sign = plan.sign
    at_signal = static_exits(plan, ticks)
    reasons = _side_reasons(plan, at_signal)
    if reasons:
        return reasons
    reasons = _ratio_reasons(plan, policy, at_signal, ticks=ticks)
    cap = cap_px(plan, policy, ticks)
    worst = cap
    if isinstance(plan.exits, ExitsByLevel):
        levels = ExitsByLevel(at_signal.stop_px, at_signal.target_px)
        mean = mean_target(plan, ticks, cost=plan.signal_px, qty=1)
        bound = rr_bound_px(levels, sign, min_rr_ppb=policy.min_rr_ppb, ticks=ticks, mean=mean)
        worst = tighter(sign, cap, bound)
    exits = exits_at(plan, ticks, cost=worst, qty=1)
    reasons += _distance_reasons(plan, ticks, worst_px=worst)
    reasons += _positive_reasons(exits)
    reasons += _scaled_reasons(plan, ticks, worst_px=worst)
    order_qty = plan.order_qty if plan.order_qty is not None else _qty_for_risk(plan, worst, exits)
    if order_qty <= 0:
        per_share = to_text(abs(worst - exits.stop_px))
        value = to_text(plan.risk_usd or 0)
        reasons += (Reason.of(ReasonCode.PLAN_RISK_TOO_SMALL, value=value, per_share=per_share),)
    if reasons:
        return reasons
    first = tighter(sign, buffer_px(plan, buffer_ppb, ticks), worst)
    return EntryTerms(
        order_qty=order_qty,
        cap_px=cap,
        worst_px=worst,
        first_limit_px=first,
        stop_px=exits.stop_px,
        target_px=exits.target_px,
        rr_planned_ppb=rr_planned_ppb(plan, ticks, at_signal),
        notes=_tick_notes(plan, policy, (ticks, buffer_ppb)),
    )


def legacy_terms(
    plan: TradePlan, policy: Policy, ticks: TickSchedule
) -> EntryTerms | tuple[Reason, ...]:
    """Terms of the legacy path: static exits from the signal, no cap, no reward/risk gate.

    ``cap_px`` and ``worst_px`` state what the smart path would have allowed; nothing enforces them
    (the note `UNCAPPED` says so). Exits on the wrong side of the signal, or that are no prices,
    are refused here too.
    """
    exits = static_exits(plan, ticks)
    reasons = _side_reasons(plan, exits) or _positive_reasons(exits)
    if plan.manage.scale_outs:
        reasons += (Reason.of(ReasonCode.EXITS_LEGACY_ONE_TARGET),)
    if plan.trigger_px is not None:
        reasons += (Reason.of(ReasonCode.PLAN_TRIGGER_LEGACY),)
    if reasons:
        return reasons
    cap = cap_px(plan, policy, ticks)
    order_qty = (
        plan.order_qty if plan.order_qty is not None else _qty_for_risk(plan, plan.signal_px, exits)
    )
    if order_qty <= 0:
        per_share, value = to_text(abs(plan.signal_px - exits.stop_px)), to_text(plan.risk_usd or 0)
        return (Reason.of(ReasonCode.PLAN_RISK_TOO_SMALL, value=value, per_share=per_share),)
    return EntryTerms(
        order_qty=order_qty,
        cap_px=cap,
        worst_px=cap,
        first_limit_px=buffer_px(plan, policy.limit_buffer_regular_ppb, ticks),
        stop_px=exits.stop_px,
        target_px=exits.target_px,
        rr_planned_ppb=rr_planned_ppb(plan, ticks, exits),
        notes=(Reason.of(ReasonCode.UNCAPPED),),
    )


def rr_planned_ppb(plan: TradePlan, ticks: TickSchedule, at_signal: ExitPrices) -> int:
    """Reward/risk that the plan promises at the signal price, ppb, rounded down; with several
    targets of their mean."""
    if isinstance(plan.exits, ExitsByDistance):
        return _mean_ratio(plan, plan.exits.rr_ppb) // NANO
    ratio = reward_risk_ppb(
        plan.sign,
        entry_px=plan.signal_px * NANO,
        stop_px=at_signal.stop_px * NANO,
        target_px=mean_target(plan, ticks, cost=plan.signal_px, qty=1),
    )
    return ratio or 0


def _mean_ratio(plan: TradePlan, last_ppb: int) -> int:
    """The ratio of all targets by their shares, ppb of ppb."""
    scale_outs = plan.manage.scale_outs
    nearer = sum(one.share_ppb * one.target_nano for one in scale_outs)
    return nearer + (NANO - sum(one.share_ppb for one in scale_outs)) * last_ppb


def _scaled_reasons(plan: TradePlan, ticks: TickSchedule, *, worst_px: int) -> tuple[Reason, ...]:
    """A nearer target that the worst entry would already be at: no broker takes such a pair."""
    least = max(CENT, ticks.tick_at(worst_px))
    return tuple(
        Reason.of(
            ReasonCode.EXITS_TARGET_WRONG_SIDE, target=to_text(px), reference=to_text(worst_px)
        )
        for px in scaled_targets(plan, ticks, cost=worst_px, qty=1)
        if plan.sign * (px - worst_px) < least or px <= 0
    )


def _side_reasons(plan: TradePlan, at_signal: ExitPrices) -> tuple[Reason, ...]:
    sign, reference = plan.sign, to_text(plan.signal_px)
    reasons = []
    if sign * (plan.signal_px - at_signal.stop_px) <= 0:
        reasons.append(
            Reason.of(
                ReasonCode.EXITS_STOP_WRONG_SIDE,
                stop=to_text(at_signal.stop_px),
                reference=reference,
            )
        )
    if sign * (at_signal.target_px - plan.signal_px) <= 0:
        reasons.append(
            Reason.of(
                ReasonCode.EXITS_TARGET_WRONG_SIDE,
                target=to_text(at_signal.target_px),
                reference=reference,
            )
        )
    return tuple(reasons)


def _ratio_reasons(
    plan: TradePlan, policy: Policy, at_signal: ExitPrices, *, ticks: TickSchedule
) -> tuple[Reason, ...]:
    minimum = policy.min_rr_ppb
    if isinstance(plan.exits, ExitsByDistance):
        enough = _mean_ratio(plan, plan.exits.rr_ppb) >= minimum * NANO
    else:
        mean = mean_target(plan, ticks, cost=plan.signal_px, qty=1)
        exact = ExitPrices(at_signal.stop_px * NANO, mean)
        enough = keeps_ratio(plan.sign, plan.signal_px * NANO, exits=exact, min_rr_ppb=minimum)
    if enough:
        return ()
    ratio = to_text(rr_planned_ppb(plan, ticks, at_signal) // 10_000_000 * 10_000_000)
    return (Reason.of(ReasonCode.RR_BELOW_MIN, ratio=ratio, minimum=to_text(minimum)),)


def _distance_reasons(plan: TradePlan, ticks: TickSchedule, *, worst_px: int) -> tuple[Reason, ...]:
    """Stop distances below max($0.01, 2 ticks at the worst price): no broker takes such a stop."""
    minimum = max(CENT, 2 * ticks.tick_at(worst_px))
    if isinstance(plan.exits, ExitsByDistance):
        distance = plan.exits.risk_px
    else:
        stop_px = exits_at(plan, ticks, cost=worst_px, qty=1).stop_px
        distance = min(plan.sign * (worst_px - stop_px), plan.sign * (plan.signal_px - stop_px))
    distances = [distance, *_managed_distances(plan, risk_px=distance)]
    return tuple(
        Reason.of(
            ReasonCode.EXITS_DISTANCE_TOO_SMALL, distance=to_text(one), minimum=to_text(minimum)
        )
        for one in distances
        if one < minimum
    )


def _managed_distances(plan: TradePlan, *, risk_px: int) -> Iterator[int]:
    """How near to the market the plan's rules may put a stop, 1e-9 USD: the same least holds."""
    for distance in (plan.manage.break_even_at, plan.manage.trail):
        if distance is not None:
            yield distance.over(qty=NANO, risk=risk_px * NANO) // (NANO * NANO)


def _positive_reasons(exits: ExitPrices) -> tuple[Reason, ...]:
    """Exits that are no prices: a short whose target, or a long whose stop, is below zero."""
    if exits.target_px <= 0:
        target = to_text(exits.target_px)
        return (Reason.of(ReasonCode.EXITS_TARGET_NOT_POSITIVE, target=target),)
    if exits.stop_px <= 0:
        stop = to_text(exits.stop_px)
        return (Reason.of(ReasonCode.EXITS_LEVEL_INVALID, field="stop_px", value=stop),)
    return ()


def _qty_for_risk(plan: TradePlan, worst_px: int, exits: ExitPrices) -> int:
    """Whole shares (1e-9) that put at most ``risk_usd`` at risk at the worst allowed price."""
    assert plan.risk_usd is not None
    if isinstance(plan.exits, ExitsByDistance):
        per_share = plan.exits.risk_px  # the same distance that the stop will use
    else:
        per_share = plan.sign * (worst_px - exits.stop_px)
    return plan.risk_usd // per_share * NANO if per_share > 0 else 0


def _tick_notes(
    plan: TradePlan, policy: Policy, grid: tuple[TickSchedule, int]
) -> tuple[Reason, ...]:
    """What the rounding left nothing of: a limit that is not beyond the signal at all."""
    ticks, buffer_ppb = grid
    notes = []
    for name, ratio_ppb in (("cap", policy.max_slippage_ppb), ("buffer", buffer_ppb)):
        if plan.sign * (_beyond_signal(plan, ratio_ppb, ticks) - plan.signal_px) <= 0:
            notes.append(
                Reason.of(
                    ReasonCode.CAP_UNDER_ONE_TICK,
                    name=f"{name} {to_text(ratio_ppb * 100)} %",
                    signal=to_text(plan.signal_px),
                )
            )
    return tuple(notes)
