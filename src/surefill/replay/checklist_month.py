"""Month 1: slippage and shortfall against the legacy path, trade quality, reasons, a suggestion.

What: `ITEMS`, judged over the first thirty days since the journal's first plan.
How: comparisons of the two paths are bootstrap intervals (95 %, seeded by the journal's head, so
that a journal has one answer). An interval that holds both answers is NOT YET, not a PASS. Shares
that were missed count at their cost on both paths; a plan whose cost is not known is left out and
counted aloud. Excursions (MAE, MFE) stand beside the results by path; those of trades whose market
was not seen throughout are counted as unknown.
Must never: claim an improvement from the average alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from random import Random

from surefill.core.units import NANO, to_text
from surefill.replay.checklist_items import Evidence, Finding, Item, failed, not_yet, passed
from surefill.replay.checklist_week import Period, period_of
from surefill.tca.facts import Fact, Fate
from surefill.tca.metrics import metrics_of
from surefill.tca.statistics import Interval, difference
from surefill.tca.text import bps, excursion, percent, ratio

MONTH_DAYS = 30
SAMPLE_MIN = 30
"""Plans behind a number before anything is said of it."""
COMPARED_MIN = 10
"""Trades of each path before they are compared."""
HALF = Fraction(1, 2)
REASON_MAX_PPB = 100_000_000
"""A single reason must not refuse more than all of them together may."""
CAP_STEPS = (Fraction(3, 2), Fraction(2), Fraction(3))
"""Wider caps that are tried on the missed plans, as multiples of the present one."""
CAP_LIMIT_PPB = 20_000_000

Pair = tuple[list[int], list[int], tuple[int, ...]]


def _period(evidence: Evidence) -> Period | Finding:
    period = period_of(evidence, MONTH_DAYS)
    if period is None:
        return not_yet("no plan yet")
    count = len(period.history.facts)
    if count < SAMPLE_MIN:
        return not_yet(f"{count} plans to measure, {SAMPLE_MIN} are needed")
    return period


def _pair(facts: Iterable[Fact], name: str) -> Pair:
    """Numbers of the smart and of the legacy path, and their records."""
    smart: list[int] = []
    legacy: list[int] = []
    seqs: list[int] = []
    for fact in facts:
        value = getattr(fact, name)
        if value is not None:
            (legacy if fact.is_legacy else smart).append(value)
            seqs += fact.seqs
    return smart, legacy, tuple(seqs)


def _compared(
    period: Period, pair: Pair, weight: Fraction = Fraction(1)
) -> tuple[Interval, Interval] | Finding:
    """(the difference of the means, the difference with legacy weighted)."""
    smart, legacy, seqs = pair
    if min(len(smart), len(legacy)) < COMPARED_MIN:
        says = f"{len(smart)} smart and {len(legacy)} legacy trades, {COMPARED_MIN} of each needed"
        return not_yet(says, seqs)
    seed = period.history.head[1]
    plain = difference(smart, legacy, chance=Random(seed))
    judged = difference(smart, legacy, chance=Random(seed), weight=weight)
    assert plain is not None  # COMPARED_MIN is more than the bootstrap needs
    assert judged is not None
    return plain, judged


def _interval_text(found: Interval) -> str:
    return f"{bps(found.middle)} bps ({bps(found.low)} to {bps(found.high)})"


def _means(pair: Pair) -> str:
    smart, legacy, _ = pair
    return f"smart {bps(_mean(smart))}, legacy {bps(_mean(legacy))} bps"


def _mean(values: Sequence[int]) -> int:
    return sum(values) // len(values)


def _slippage(evidence: Evidence) -> Finding:
    """At most half of what the legacy path pays: wholly below 0 is smart - legacy / 2."""
    period = _period(evidence)
    if isinstance(period, Finding):
        return period
    pair = _pair(period.history.facts, "slippage_vs_signal_ppb")
    found = _compared(period, pair, HALF)
    if isinstance(found, Finding):
        return found
    plain, judged = found
    says = f"{_means(pair)}; smart minus legacy {_interval_text(plain)}, "
    says += f"smart minus half of legacy {_interval_text(judged)}"
    return _said(judged, says, pair[2])


def _shortfall(evidence: Evidence) -> Finding:
    """The same with missed plans at their cost: not more than legacy."""
    period = _period(evidence)
    if isinstance(period, Finding):
        return period
    pair = _pair(period.history.facts, "shortfall_ppb")
    unknown = metrics_of(period.history.facts).shortfall_unknown
    found = _compared(period, pair)
    if isinstance(found, Finding):
        return found
    says = f"{_means(pair)}, missed plans at their cost, {unknown} of unknown cost left out; "
    says += f"smart minus legacy {_interval_text(found[0])}"
    return _said(found[0], says, pair[2])


def _said(judged: Interval, says: str, seqs: tuple[int, ...]) -> Finding:
    if judged.high <= 0:
        return passed(says, seqs)
    return failed(says, seqs) if judged.low > 0 else not_yet(f"{says}: not decided yet", seqs)


def _quality(evidence: Evidence) -> Finding:
    """Results and excursions in multiples of the risk, and hit rates, by path."""
    period = _period(evidence)
    if isinstance(period, Finding):
        return period
    pair = _pair(period.history.facts, "r_ppb")
    paths = ("smart", False), ("legacy", True)
    parts = [_quality_of(name, period.history.facts, is_legacy) for name, is_legacy in paths]
    says = "; ".join(part for part in parts if part) or "no trade is closed"
    found = _compared(period, pair)
    if isinstance(found, Finding):
        return not_yet(f"{says}. To compare: {found.sentence}", pair[2])
    worse = Interval(-found[0].high, -found[0].middle, -found[0].low)
    return _said(worse, says, pair[2])


def _quality_of(name: str, facts: Iterable[Fact], is_legacy: bool) -> str:
    found = metrics_of([fact for fact in facts if fact.is_legacy is is_legacy])
    if found.result is None:
        return ""
    says = f"{name} {ratio(found.result.mean)} R, hit rate {percent(found.hit_ppb)}"
    if found.mae is not None and found.mae_px is not None:
        says += f", MAE {excursion(found.mae.mean, found.mae_px.mean)}"
    if found.mfe is not None and found.mfe_px is not None:
        says += f", MFE {excursion(found.mfe.mean, found.mfe_px.mean)}"
    unknown = f", MAE and MFE of {found.excursion_unknown} unknown" * bool(found.excursion_unknown)
    return f"{says} ({found.result.count} trades{unknown})"


def _reasons(evidence: Evidence) -> Finding:
    period = _period(evidence)
    if isinstance(period, Finding):
        return period
    facts = period.history.facts
    found = metrics_of(facts)
    refused = [fact for fact in facts if fact.fate in (Fate.DENIED, Fate.REJECTED)]
    if not refused:
        return passed(f"no plan of {len(facts)} was refused", found.seqs)
    ranked = metrics_of(refused).reasons
    says = ", ".join(f"{name} {count}" for name, count in ranked)
    name, count = ranked[0]
    seqs = tuple(seq for fact in refused if fact.code == name for seq in fact.seqs)
    share_ppb = count * NANO // len(facts)
    if share_ppb > REASON_MAX_PPB:
        return failed(f"{name} alone refuses {percent(share_ppb)} of all plans ({says})", seqs)
    return passed(f"ranked: {says}", seqs)


def _suggestion(evidence: Evidence) -> Finding:
    """Whether a wider cap would have paid: plans that it would have let in at once, at the market
    of their beginning, against what missing them cost."""
    period = _period(evidence)
    if isinstance(period, Finding):
        return period
    if evidence.settings is None:
        return not_yet("without valid settings there is nothing to compare with")
    missed = [
        fact
        for fact in period.history.facts
        if fact.fate is Fate.NOT_ENTERED and not fact.is_legacy
    ]
    known = [f for f in missed if f.start_far_ppb is not None and f.end_far_ppb is not None]
    seqs = tuple(seq for fact in known for seq in fact.seqs)
    if missed and len(known) * 2 < len(missed):
        says = f"the market of {len(missed) - len(known)} of {len(missed)} missed plans is unknown"
        return not_yet(says, seqs)
    cap_ppb = evidence.settings.max_slippage_ppb
    best = max(
        (_saved(known, cap_ppb, wider) for wider in _wider_caps(cap_ppb)),
        key=lambda one: (one[0], -one[2]),  # of two that save the same, the narrower one
        default=(0, 0, 0),
    )
    saved, count, wider_ppb = best
    if saved <= 0:
        says = f"keep the cap of {percent(cap_ppb, 2)}: no wider one would have paid on "
        return passed(says + f"{len(missed)} missed plans", seqs)
    says = f"SMART_EXECUTOR_MAX_SLIPPAGE_PCT={to_text(wider_ppb)} would have let {count} of "
    says += f"{len(missed)} missed plans in at once and saved {bps(saved // count)} bps on each; "
    return failed(says + "widen the buffer with it, and look at those plans first", seqs)


def _wider_caps(cap_ppb: int) -> list[int]:
    return [wider for step in CAP_STEPS if (wider := int(cap_ppb * step)) <= CAP_LIMIT_PPB]


def _saved(missed: Sequence[Fact], cap_ppb: int, wider_ppb: int) -> tuple[int, int, int]:
    """(sum of what entering at once would have saved in ppb, plans, the wider cap)."""
    found = [
        (fact.end_far_ppb or 0) - (fact.start_far_ppb or 0)
        for fact in missed
        if cap_ppb < (fact.start_far_ppb or 0) <= wider_ppb
    ]
    return sum(found), len(found), wider_ppb


ITEMS = (
    Item(
        "MONTH_SLIPPAGE",
        "slippage against the legacy path",
        "at most half of it, with 95 % confidence",
        _slippage,
    ),
    Item(
        "MONTH_SHORTFALL",
        "the same with missed trades at their cost",
        "not more than the legacy path, with 95 % confidence",
        _shortfall,
    ),
    Item(
        "MONTH_QUALITY",
        "trade quality",
        "results in R not below the legacy path, with 95 % confidence; hit rates beside",
        _quality,
    ),
    Item(
        "MONTH_REASONS",
        "reasons of refusal, ranked",
        "no single reason refuses more than 10 % of all plans",
        _reasons,
    ),
    Item(
        "MONTH_SETTINGS",
        "settings",
        "no wider cap would have paid on the plans that were missed (a FAIL is a suggestion)",
        _suggestion,
    ),
)
