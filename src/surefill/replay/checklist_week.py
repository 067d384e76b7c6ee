"""Week 1: average slippage, rejection rate, reward/risk, system errors, fill rate.

What: `ITEMS`, judged over the first seven days since the journal's first plan, and `period_of`.
How: with fewer than `SAMPLE_MIN` plans behind a number nothing is said of it; a target that is
missed is a FAIL at once; one that is met is a PASS when the week is over.
Reward/risk is that of the exits in place: what the positions really risked. Against the signal's
own levels it stands beside (every entry beyond the signal lowers it).
Must never: average away an error: one is a FAIL.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from surefill.core.units import NANO
from surefill.replay.checklist_items import Evidence, Finding, Item, failed, not_yet, passed
from surefill.tca.history import History
from surefill.tca.metrics import Metrics, metrics_of
from surefill.tca.text import decimal_text, percent, ratio

DAY_NS = 86_400 * NANO
WEEK_DAYS = 7
SAMPLE_MIN = 10
"""Plans behind a number before anything is said of it."""


@dataclass(frozen=True, slots=True)
class Period:
    """The plans of the first days. ``left_ns`` > 0: it is not over yet."""

    history: History
    days: int
    left_ns: int

    @property
    def left_text(self) -> str:
        """For people."""
        return f"{decimal_text(self.left_ns, DAY_NS, 1)} of {self.days} days to go"


def period_of(evidence: Evidence, days: int) -> Period | None:
    """The first ``days`` since the first plan; ``None`` without one."""
    history = evidence.history
    if history is None or not history.facts:
        return None
    since_ns = history.facts[0].at_ns
    until_ns = since_ns + days * DAY_NS
    return Period(history.between(since_ns, until_ns), days, max(0, until_ns - evidence.now_ns))


@dataclass(frozen=True, slots=True)
class Measured:
    """A number of the period: how many plans are behind it, whether it meets its target, in words,
    and its records."""

    count: int
    is_good: bool
    sentence: str
    seqs: tuple[int, ...]


def target(
    measure: Callable[[Metrics], Measured | None], *, days: int, sample_min: int = SAMPLE_MIN
) -> Callable[[Evidence], Finding]:
    """The judge of a number that has to meet its target at the end of the period."""

    def judge(evidence: Evidence) -> Finding:
        period = period_of(evidence, days)
        if period is None:
            return not_yet("no plan yet")
        found = measure(metrics_of(period.history.facts, period.history.incidents))
        if found is None or found.count < sample_min:
            count = found.count if found is not None else 0
            return not_yet(f"{count} plans to measure, {sample_min} are needed")
        if not found.is_good:
            return failed(found.sentence, found.seqs)
        if period.left_ns:
            return not_yet(f"{found.sentence} so far; {period.left_text}", found.seqs)
        return passed(found.sentence, found.seqs)

    return judge


def _slippage(found: Metrics) -> Measured | None:
    cost = found.slippage_vs_signal
    if cost is None:
        return None
    missed = percent(found.shortfall.mean, 3) if found.shortfall else "unknown"
    says = f"{percent(cost.mean, 3)} on average over {cost.count} entries"
    says += f"; with missed plans at their cost {missed}, {found.shortfall_unknown} unknown"
    return Measured(cost.count, cost.mean < 1_000_000, says, cost.high_seqs)


def _rejection(found: Metrics) -> Measured | None:
    refused, rate_ppb = found.denied + found.rejected, found.rejection_ppb or 0
    ranked = ", ".join(f"{name} {count}" for name, count in found.reasons[:3]) or "none"
    says = (
        f"{percent(rate_ppb)}: {refused} of {found.plans} plans refused (first reasons: {ranked})"
    )
    return Measured(found.plans, rate_ppb < 100_000_000, says, found.seqs)


def _ratio(found: Metrics) -> Measured | None:
    exits, signal = found.rr_exits, found.rr_signal
    if exits is None or signal is None:
        return None
    says = f"{ratio(exits.mean)} on average, {ratio(exits.low)} at worst, of the exits in place; "
    says += f"{ratio(signal.mean)} and {ratio(signal.low)} against the signal's own levels"
    return Measured(exits.count, exits.mean >= 2 * NANO, says, exits.low_seqs)


def _fill_rate(found: Metrics) -> Measured | None:
    count, rate_ppb = found.entered + found.not_entered, found.fill_ppb or 0
    says = f"{percent(rate_ppb)}: {found.entered} of {count} entries filled within their time"
    return Measured(count, rate_ppb > 900_000_000, says, found.seqs)


def _errors(evidence: Evidence) -> Finding:
    period = period_of(evidence, WEEK_DAYS)
    if period is None:
        return not_yet("no plan yet")
    found = metrics_of(period.history.facts, period.history.incidents)
    if found.error_count:
        counted = ", ".join(f"{name} {count}" for name, count in found.errors)
        return failed(f"{found.error_count}: {counted}", found.error_seqs)
    if period.left_ns:
        return not_yet(f"none so far; {period.left_text}")
    return passed("none", (period.history.head[0],))


ITEMS = (
    Item(
        "WEEK_SLIPPAGE",
        "average slippage",
        "below 0.10 % against the signal",
        target(_slippage, days=WEEK_DAYS),
    ),
    Item(
        "WEEK_REJECTION",
        "rejection rate",
        "below 10 % of unique plans, denied and rejected",
        target(_rejection, days=WEEK_DAYS),
    ),
    Item(
        "WEEK_RR",
        "reward/risk",
        "at least 2 on average, of the exits in place",
        target(_ratio, days=WEEK_DAYS),
    ),
    Item("WEEK_ERRORS", "system errors", "none", _errors),
    Item(
        "WEEK_FILL",
        "fill rate within the timeout",
        "above 90 % of entries that were worked",
        target(_fill_rate, days=WEEK_DAYS),
    ),
)
