"""The auditor's own arithmetic: what a plan may cost and where its exits belong.

What: `PlanTerms` (one plan as data), `read_plan`, `Claim` (what the executor says became of it),
`read_claim`, and the tick rounding, cap, worst price and anchored exits of failures.md C.0.
Why: the judge must not share a formula with the judged. Everything here is written a second time
from the text of the rules, in plain integers, with the standard library only.
Invariants: prices and quantities are ``int`` in 1e-9, costs in 1e-18 USD, ratios in ppb; averages
are fractions (cost, quantity) and rounded once, toward the tick the rule names.
Must never: import anything of ours, or accept a plan it cannot read (`AuditInputError`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

UNIT = 1_000_000_000
"""One USD, one share, or the ratio one, in the integers of the log."""

PENNY = UNIT // 100
US_TICKS: tuple[tuple[int, int], ...] = ((0, UNIT // 10_000), (UNIT, PENNY))
"""(from price, tick): four decimals below $1.00, two from there on (SEC Rule 612)."""

OUTCOMES = frozenset(
    {
        "DENIED",
        "NOT_ENTERED",
        "CLOSED_TARGET",
        "CLOSED_STOP",
        "CLOSED_TIME",
        "CLOSED_FLATTEN",
        "CLOSED_EXTERNAL",
        "CLOSED_MIXED",
        "HANDED_OVER",
    }
)
DEFAULT_SLIPPAGE_PPB = 1_000_000
DEFAULT_MIN_RR_PPB = 2 * UNIT
DEFAULT_BUDGET_NS = 60 * UNIT


class AuditInputError(ValueError):
    """A plan, claim or log line that cannot be read; the message names it and the field."""


@dataclass(frozen=True, slots=True)
class PlanTerms:
    """One plan as the auditor understands it.

    ``sign`` is +1 for a long, -1 for a short. ``worst_px`` and the levels are computed here.
    Exits by distance have ``risk_px`` and ``rr_ppb``; exits by level ``stop_px``, ``target_px``
    (already on the tick). ``claimed_worst_px`` is what the executor stored, if it said so.
    """

    plan_id: str
    account: str | None
    symbol: str
    sign: int
    order_qty: int
    signal_px: int
    worst_px: int
    risk_px: int | None
    rr_ppb: int | None
    stop_px: int | None
    target_px: int | None
    min_rr_ppb: int
    is_smart: bool
    budget_ns: int
    accepted_ns: int | None
    claimed_worst_px: int | None
    may_tighten: bool
    """Rules of the plan, or a person, move its stop nearer to the market."""
    scale_outs: tuple[tuple[int, int], ...]
    """(share ppb, target: a ratio in ppb or, for exits by level, a price) of nearer targets"""
    ticks: tuple[tuple[int, int], ...]

    def exits(self, cost: int, qty: int) -> tuple[int, int]:
        """(stop, target) that belong to entry fills of ``cost`` (1e-18 USD) over ``qty``."""
        if self.risk_px is None or self.rr_ppb is None:
            assert self.stop_px is not None
            assert self.target_px is not None
            return self.stop_px, self.target_px
        stop = cost - self.sign * self.risk_px * qty
        target = cost * UNIT + self.sign * self.rr_ppb * self.risk_px * qty
        return (
            _exit_side(self, stop, qty),
            _exit_side(self, target, qty * UNIT),
        )

    def targets(self, cost: int, qty: int) -> tuple[int, ...]:
        """Every target that belongs to these entry fills, the plan's own first."""
        own = self.exits(cost, qty)[1]
        if self.risk_px is None:
            return (own, *(_exit_side(self, px, 1) for _, px in self.scale_outs))
        sums = [
            cost * UNIT + self.sign * ratio * self.risk_px * qty for _, ratio in self.scale_outs
        ]
        return (own, *(_exit_side(self, one, qty * UNIT) for one in sums))

    def on_tick(self, px: int) -> bool:
        """Whether an order may carry this price."""
        return px > 0 and px % tick_for(self.ticks, px) == 0

    def why_unworthy(self) -> str | None:
        """Why this plan should have been denied before any order, or ``None`` (I15)."""
        if self.risk_px is not None and self.rr_ppb is not None:
            least = max(PENNY, 2 * tick_for(self.ticks, self.worst_px))
            if mean_of(self.scale_outs, self.rr_ppb) < self.min_rr_ppb * UNIT:
                return "its reward/risk ratio is below the minimum"
            return "its stop is too close to the entry" if self.risk_px < least else None
        assert self.stop_px is not None
        assert self.target_px is not None
        risk = self.sign * (self.signal_px - self.stop_px)
        levels = [(share, _exit_side(self, px, 1)) for share, px in self.scale_outs]
        reward = self.sign * (mean_of(levels, self.target_px) - self.signal_px * UNIT)
        if risk <= 0 or reward <= 0:
            return "stop or target is on the wrong side of the signal"
        if reward < self.min_rr_ppb * risk:
            return "reward/risk at the signal is below the minimum"
        return None


@dataclass(frozen=True, slots=True)
class Claim:
    """The executor's statement about one plan: shares in 1e-9, costs in 1e-18 USD."""

    plan_id: str
    outcome: str
    entry_qty: int
    entry_cost: int
    exit_qty: int
    exit_cost: int
    ended_ns: int | None


def mean_of(scale_outs: Iterable[tuple[int, int]], own: int) -> int:
    """The mean of all targets by their shares, times `UNIT`; what is left is for the plan's own."""
    left, total = UNIT, 0
    for share, target in scale_outs:
        left -= share
        total += share * target
    return total + left * own


def tick_for(ticks: tuple[tuple[int, int], ...], px: int) -> int:
    """The tick of the band that holds ``px``."""
    tick = ticks[0][1]
    for from_px, band_tick in ticks:
        if px >= from_px:
            tick = band_tick
    return tick


def round_down(ticks: tuple[tuple[int, int], ...], numerator: int, denominator: int) -> int:
    """Largest price on the grid at or below the fraction."""
    tick = tick_for(ticks, numerator // denominator)
    return numerator // (denominator * tick) * tick


def round_up(ticks: tuple[tuple[int, int], ...], numerator: int, denominator: int) -> int:
    """Smallest price on the grid at or above the fraction."""
    tick = tick_for(ticks, numerator // denominator)
    return -(-numerator // (denominator * tick)) * tick


def _exit_side(terms: PlanTerms, numerator: int, denominator: int) -> int:
    """Exits round up for a long and down for a short: risk never larger, reward never smaller."""
    rounding = round_up if terms.sign > 0 else round_down
    return rounding(terms.ticks, numerator, denominator)


def px_text(px: int) -> str:
    """A price for people: ``536.00``, ``0.9995``."""
    whole, rest = divmod(abs(px), UNIT)
    decimals = f"{rest:09d}".rstrip("0").ljust(2, "0")
    return f"{'-' if px < 0 else ''}{whole}.{decimals}"


def qty_text(qty: int) -> str:
    """Shares for people: ``25``, ``0.5``."""
    whole, rest = divmod(abs(qty), UNIT)
    text = f"{'-' if qty < 0 else ''}{whole}"
    return text if not rest else f"{text}.{rest:09d}".rstrip("0")


def read_plan(row: Mapping[str, object]) -> PlanTerms:
    """One plan from its JSON object; raises `AuditInputError` naming what is wrong."""
    plan_id = _text(row, "plan_id")
    side = _text(row, "side").upper()
    if side not in ("BUY", "SELL", "SELL_SHORT"):
        raise AuditInputError(f"plan {plan_id}: side {side!r} is neither a buy nor a sale")
    path = str(row.get("path", "smart")).lower()
    if path not in ("smart", "legacy"):
        raise AuditInputError(f"plan {plan_id}: path {path!r} is neither smart nor legacy")
    sign = 1 if side == "BUY" else -1
    ticks = _ticks(row)
    signal_px = _integer(row, "signal_px")
    risk_px, rr_ppb = _maybe(row, "risk_px"), _maybe(row, "rr_ppb")
    stop_px, target_px = _maybe(row, "stop_px"), _maybe(row, "target_px")
    min_rr_ppb = _or(_maybe(row, "min_rr_ppb"), DEFAULT_MIN_RR_PPB)
    exit_rounding = round_up if sign > 0 else round_down
    if risk_px is not None and rr_ppb is not None:
        stop_px = target_px = None
    elif stop_px is not None and target_px is not None:
        risk_px = rr_ppb = None
        stop_px, target_px = exit_rounding(ticks, stop_px, 1), exit_rounding(ticks, target_px, 1)
    else:
        raise AuditInputError(f"plan {plan_id}: exits need risk_px and rr_ppb, or stop and target")
    slippage_ppb = _or(_maybe(row, "max_slippage_ppb"), DEFAULT_SLIPPAGE_PPB)
    scale_outs = _scale_outs(row)
    levels = [(share, exit_rounding(ticks, px, 1)) for share, px in scale_outs]
    mean = None if target_px is None else mean_of(levels, target_px)
    account = row.get("account")
    return PlanTerms(
        plan_id=plan_id,
        account=None if account is None else str(account),
        symbol=_text(row, "symbol"),
        sign=sign,
        order_qty=_integer(row, "qty"),
        signal_px=signal_px,
        worst_px=_worst(ticks, (sign, signal_px, slippage_ppb), (stop_px, mean, min_rr_ppb)),
        risk_px=risk_px,
        rr_ppb=rr_ppb,
        stop_px=stop_px,
        target_px=target_px,
        min_rr_ppb=min_rr_ppb,
        is_smart=path == "smart",
        budget_ns=_or(_maybe(row, "entry_budget_ns"), DEFAULT_BUDGET_NS),
        accepted_ns=_maybe(row, "accepted_ns"),
        claimed_worst_px=_maybe(row, "worst_px"),
        may_tighten=row.get("may_tighten") is True,
        scale_outs=scale_outs,
        ticks=ticks,
    )


def _worst(
    ticks: tuple[tuple[int, int], ...],
    signal: tuple[int, int, int],
    levels: tuple[int | None, int | None, int],
) -> int:
    """W of C.0: the cap, and for exits by level the bound that keeps reward/risk, whichever binds.

    ``signal`` is (sign, price, slippage ppb); ``levels`` is (stop, mean target times `UNIT`,
    minimum ratio ppb).
    """
    sign, signal_px, slippage_ppb = signal
    stop_px, mean, min_rr_ppb = levels
    entry_rounding = round_down if sign > 0 else round_up
    cap_px = entry_rounding(ticks, signal_px * (UNIT + sign * slippage_ppb), UNIT)
    if stop_px is None or mean is None:
        return cap_px
    bound_px = entry_rounding(ticks, mean + min_rr_ppb * stop_px, UNIT + min_rr_ppb)
    return min(cap_px, bound_px) if sign > 0 else max(cap_px, bound_px)


def read_claim(row: Mapping[str, object]) -> Claim:
    """One claimed outcome from its JSON object."""
    return Claim(
        plan_id=_text(row, "plan_id"),
        outcome=_text(row, "outcome"),
        entry_qty=_or(_maybe(row, "entry_qty"), 0),
        entry_cost=_or(_maybe(row, "entry_cost"), 0),
        exit_qty=_or(_maybe(row, "exit_qty"), 0),
        exit_cost=_or(_maybe(row, "exit_cost"), 0),
        ended_ns=_maybe(row, "ended_ns"),
    )


def _ticks(row: Mapping[str, object]) -> tuple[tuple[int, int], ...]:
    given = row.get("ticks")
    if given is None:
        return US_TICKS
    if not isinstance(given, list | tuple) or not given:
        raise AuditInputError(f"plan {row.get('plan_id')}: ticks is a list of [from_px, tick_px]")
    return tuple((int(from_px), int(tick_px)) for from_px, tick_px in given)


def _scale_outs(row: Mapping[str, object]) -> tuple[tuple[int, int], ...]:
    given = row.get("scale_outs", [])
    if not isinstance(given, list | tuple):
        raise AuditInputError(f"plan {row.get('plan_id')}: scale_outs is a list of [ppb, target]")
    return tuple((int(share), int(target)) for share, target in given)


def _text(row: Mapping[str, object], field: str) -> str:
    value = row.get(field)
    if not isinstance(value, str) or not value:
        raise AuditInputError(f"{row.get('plan_id', 'a row')}: {field} is missing")
    return value


def _maybe(row: Mapping[str, object], field: str) -> int | None:
    value = row.get(field)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise AuditInputError(f"{row.get('plan_id', 'a row')}: {field} is not a whole number")
    return value


def _integer(row: Mapping[str, object], field: str) -> int:
    value = _maybe(row, field)
    if value is None:
        raise AuditInputError(f"{row.get('plan_id', 'a row')}: {field} is missing")
    return value


def _or(value: int | None, default: int) -> int:
    return default if value is None else value
