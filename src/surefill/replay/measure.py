"""What a run cost, folded from the venue's own log: slippage, reward/risk, missed trades, outcomes.

What: `measure(stream, result)` -> `Measures`, the numbers of one path that a trader compares.
Why: what execution costs has to be read from what the venue did, and a path that misses trades
must be charged for them, or standing aside would look free.
Conventions: cost is positive, in basis points of the signal price (1 bps = 0.01 %), for each share
alike within a plan and for each plan alike in a mean. A share that was wanted and not entered costs
what the far side of the market (ask for a purchase, bid for a sale) is away from the signal when
the plan's time budget ends. Fees of entry and exits count in ``all_in_bps`` alone. Reward/risk is
against the signal's own levels.
Must never: take a price from the executor's book; only reasons and outcomes are its words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from surefill.core.ids import IdLeg
from surefill.core.plan import Policy, TradePlan
from surefill.core.pricing import exits_at, static_exits
from surefill.core.state import Denial
from surefill.core.trade import Outcome, Trade
from surefill.core.units import NANO, US_EQUITY_TICKS
from surefill.replay.comparison import PathResult, Stream
from surefill.sim.auditor_log import owner_of
from surefill.sim.columns import TapeColumns

BPS = 10_000
TENTH = Decimal("0.1")
CENTI = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Entry:
    """What the venue executed for one plan: shares (1e-9) and what they cost (1e-18 USD);
    ``closed_qty``: shares of its exits."""

    qty: int = 0
    cost: int = 0
    closed_qty: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """One path in numbers. ``_bps``: positive is cost. ``rr_``: reward for each dollar of risk.

    ``rr_below_1_percent`` and ``rr_below_2_percent``: share of the entered trades. ``all_in_bps``:
    slippage of what was entered and distance of what was not, over all plans.
    """

    path: str
    plans: int
    entered: int
    partly: int
    missed: int
    denied: int
    slippage_mean_bps: Decimal | None
    slippage_worst_bps: Decimal | None
    missed_mean_bps: Decimal | None
    denied_mean_bps: Decimal | None
    all_in_bps: Decimal | None
    rr_mean: Decimal | None
    rr_worst: Decimal | None
    rr_below_1_percent: int
    rr_below_2_percent: int
    rr_rested_mean: Decimal | None
    rr_rested_worst: Decimal | None
    uncovered_p50_share_s: Decimal
    uncovered_max_share_s: Decimal
    uncovered_longest_ms: int
    outcomes: tuple[tuple[str, int], ...]
    reasons: tuple[tuple[str, int], ...]
    violations: int

    def to_dict(self) -> dict[str, object]:
        """JSON-ready: decimals as text."""
        row: dict[str, object] = {}
        for name in Measures.__slots__:
            value = getattr(self, name)
            if isinstance(value, tuple):
                row[name] = dict(value)
            else:
                row[name] = str(value) if isinstance(value, Decimal) else value
        return row


def entries_of(lines: Iterable[Mapping[str, object]]) -> dict[str, Entry]:
    """Plan id -> what its orders executed, by the venue's log; a leg belongs to the plan of its
    parent order. Plans without an entry are left out."""
    found: dict[str, Entry] = {}
    owners: dict[str, str] = {}
    for line in lines:
        owner = owner_of(str(line["cl_ord_id"] or ""))
        plan_id = owner[0] if owner is not None else owners.get(str(line.get("parent_id") or ""))
        if plan_id is None:
            continue
        owners[str(line.get("order_id"))] = plan_id
        if line["kind"] not in ("fill", "partial_fill"):
            continue
        before = found.get(plan_id, Entry())
        px, qty = int(str(line["px"])), int(str(line["qty"]))
        if owner is not None and owner[1] == IdLeg.ENTRY:
            found[plan_id] = replace(before, qty=before.qty + qty, cost=before.cost + px * qty)
        else:
            found[plan_id] = replace(before, closed_qty=before.closed_qty + qty)
    return {plan_id: entry for plan_id, entry in found.items() if entry.qty}


def far_px(tape: TapeColumns, sign: int, at_ns: int) -> int | None:
    """The price on the other side at ``at_ns``: ask for a purchase (+1), bid for a sale (-1)."""
    index = int(tape.quote_ns.searchsorted(at_ns, side="right")) - 1
    if index < 0:
        return None
    px = int(tape.ask_px[index] if sign > 0 else tape.bid_px[index])
    return px if px > 0 else None


@dataclass(frozen=True, slots=True)
class _PlanCost:
    """One plan in bps of its signal; ``None`` where there is nothing to say."""

    entered_bps: Decimal | None
    unfilled_bps: Decimal | None
    all_in_bps: Decimal | None


def plan_cost(
    plan: TradePlan, entry: Entry, *, wanted_qty: int, end_px: int | None, fee_usd: int = 0
) -> _PlanCost:
    """Slippage of the entered shares, distance of the others, and both together with the fees.

    ``end_px``: the far side when the budget ended (1e-9 USD); ``fee_usd``: of an executed share.
    """
    sign, signal_px = plan.side.sign, plan.signal_px
    paid = sign * (entry.cost - signal_px * entry.qty)
    entered = Decimal(paid * BPS) / (signal_px * entry.qty) if entry.qty else None
    left_qty = max(0, wanted_qty - entry.qty)
    charged = paid + fee_usd * (entry.qty + entry.closed_qty)
    if not left_qty:
        all_in = Decimal(charged * BPS) / (signal_px * entry.qty) if entry.qty else None
        return _PlanCost(entered, None, all_in)
    if end_px is None:
        return _PlanCost(entered, None, None)
    away = sign * (end_px - signal_px)
    unfilled = Decimal(away * BPS) / signal_px
    both = Decimal((charged + away * left_qty) * BPS) / (signal_px * (entry.qty + left_qty))
    return _PlanCost(entered, unfilled, both)


def rr_at_fill(plan: TradePlan, entry: Entry) -> Decimal | None:
    """Reward/risk of the entry price against the signal's own stop and target.

    0 when the price was already at the target or beyond the stop: nothing was left to win.
    """
    levels = static_exits(plan, US_EQUITY_TICKS)
    sign = plan.side.sign
    reward = sign * (levels.target_px * entry.qty - entry.cost)
    risk = sign * (entry.cost - levels.stop_px * entry.qty)
    return Decimal(reward) / risk if risk > 0 and reward > 0 else Decimal(0)


def rr_rested(plan: TradePlan, entry: Entry, *, is_legacy: bool) -> Decimal | None:
    """Reward/risk of the exits that rested at the broker: where the signal put them on the legacy
    path, anchored at the fill on the smart one (the auditor checks that they were)."""
    if is_legacy:
        return rr_at_fill(plan, entry)
    exits = exits_at(plan, US_EQUITY_TICKS, cost=entry.cost, qty=entry.qty)
    sign = plan.side.sign
    risk = sign * (entry.cost - exits.stop_px * entry.qty)
    return Decimal(sign * (exits.target_px * entry.qty - entry.cost)) / risk if risk > 0 else None


def measure(stream: Stream, result: PathResult, policy: Policy) -> Measures:
    """All numbers of one path."""
    entries = entries_of(result.lines)
    tapes = {tape.symbol: tape for tape in stream.tapes}
    costs: dict[str, _PlanCost] = {}
    plans = {draw.plan.plan_id: draw.plan for draw in stream.draws}
    for draw in stream.draws:
        plan = draw.plan
        end_ns = draw.at_ns + plan.with_policy(policy).fill_timeout_ns
        end_px = far_px(tapes[plan.symbol], plan.side.sign, end_ns)
        entry = entries.get(plan.plan_id, Entry())
        costs[plan.plan_id] = plan_cost(
            plan,
            entry,
            wanted_qty=plan.order_qty or 0,
            end_px=end_px,
            fee_usd=result.fee_usd,
        )
    entered = [plan_id for plan_id in plans if plan_id in entries]
    denied = [one for one, end in result.ended.items() if isinstance(end, Denial)]
    missed = [one for one in plans if one not in entries and one not in set(denied)]
    slips = _known(costs[one].entered_bps for one in entered)
    ratios = _known(rr_at_fill(plans[one], entries[one]) for one in entered)
    rested = _known(
        rr_rested(plans[one], entries[one], is_legacy=result.is_legacy) for one in entered
    )
    cover = result.report.cover[result.path]
    return Measures(
        path=result.path,
        plans=len(plans),
        entered=len(entered),
        partly=sum(1 for one in entered if entries[one].qty < (plans[one].order_qty or 0)),
        missed=len(missed),
        denied=len(denied),
        slippage_mean_bps=_mean(slips),
        slippage_worst_bps=max(slips).quantize(TENTH) if slips else None,
        missed_mean_bps=_mean(_known(costs[one].unfilled_bps for one in missed)),
        denied_mean_bps=_mean(_known(costs[one].unfilled_bps for one in denied)),
        all_in_bps=_mean(_known(cost.all_in_bps for cost in costs.values())),
        rr_mean=_mean(ratios, CENTI),
        rr_worst=min(ratios).quantize(CENTI) if ratios else None,
        rr_below_1_percent=_percent(ratios, 1),
        rr_below_2_percent=_percent(ratios, 2),
        rr_rested_mean=_mean(rested, CENTI),
        rr_rested_worst=min(rested).quantize(CENTI) if rested else None,
        uncovered_p50_share_s=(Decimal(cover.p50_share_s) / NANO).quantize(CENTI),
        uncovered_max_share_s=(Decimal(cover.max_share_s) / NANO).quantize(CENTI),
        uncovered_longest_ms=cover.wait_max_ns // 1_000_000,
        outcomes=_outcomes(result.ended.values()),
        reasons=_reasons(result.ended.values()),
        violations=len(result.report.violations),
    )


def _known(values: Iterable[Decimal | None]) -> list[Decimal]:
    return [value for value in values if value is not None]


def _mean(values: Sequence[Decimal], step: Decimal = TENTH) -> Decimal | None:
    return (sum(values, Decimal(0)) / len(values)).quantize(step) if values else None


def _percent(ratios: Sequence[Decimal], bound: int) -> int:
    """How many of a hundred are below the bound, rounded."""
    if not ratios:
        return 0
    return round(Decimal(100 * sum(1 for ratio in ratios if ratio < bound)) / len(ratios))


def _outcomes(ended: Iterable[Trade | Denial]) -> tuple[tuple[str, int], ...]:
    names = Counter(
        Outcome.DENIED.value
        if isinstance(end, Denial)
        else end.outcome.value
        if end.outcome is not None
        else "OPEN"
        for end in ended
    )
    return tuple(sorted(names.items()))


def _reasons(ended: Iterable[Trade | Denial]) -> tuple[tuple[str, int], ...]:
    """Why plans were denied or not entered: reason code -> plans, most frequent first."""
    codes: Counter[str] = Counter()
    for end in ended:
        if isinstance(end, Denial):
            codes[end.reasons[0].code.name] += 1
        elif end.outcome is Outcome.NOT_ENTERED:
            reason = end.reason or end.entry_end
            codes[reason.code.name if reason is not None else "UNKNOWN"] += 1
    return tuple(sorted(codes.items(), key=lambda pair: (-pair[1], pair[0])))
