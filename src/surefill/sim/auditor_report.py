"""What an audit hands back: violations, counts, cover over time, and a table of it for people.

What: `AuditReport`, `AuditCounts`, `CoverStats`, `Gap`, `summarize`, `render`.
Invariants: shares over time are ``int`` in 1e-9 share-seconds, spans in ns of venue time;
percentiles are nearest rank over the plans that entered (or over all uncovered windows).
Must never: import anything of ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from surefill.sim.auditor_findings import NS_PER_MS, Violation, percentile
from surefill.sim.auditor_plan import PlanJudge
from surefill.sim.auditor_terms import UNIT

_SHOWN_VIOLATIONS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverStats:
    """Uncovered time of one path. ``_share_s`` fields are 1e-9 share-seconds a trade.

    ``exposed`` windows are those in which the venue refused the stop or the shares were being
    closed; they are not among the others. ``wait_max_ns`` is the longest any single filled share
    waited for its stop.
    """

    entered: int
    windows: int
    window_p50_ns: int
    window_p99_ns: int
    window_max_ns: int
    exposed: int
    exposed_max_ns: int
    wait_max_ns: int
    p50_share_s: int
    p99_share_s: int
    max_share_s: int
    total_share_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditCounts:
    """How much really happened. ``races``: fills between a cancel request and its end, and cancels
    refused because the order was already filled. ``plans_raced`` counts their plans."""

    plans: int
    entered: int
    missed: int
    denied: int
    shorts: int
    partial_entries: int
    races: int
    plans_raced: int
    uncapped: int
    """legacy plans (their price has no bound)"""
    uncapped_beyond: int
    """legacy plans whose average entry was beyond what a smart plan may pay"""
    orders: int
    fills: int
    foreign_orders: int
    lines: int
    outcomes: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of venue time (UTC ns) in which shares of a plan had no stop, for whatever
    reason. ``share_ns``: shares without one x time, (1e-9 share) x ns; ``is_exposed``: the venue
    refused a stop, or the shares were being closed."""

    plan_id: str
    symbol: str
    start_ns: int
    end_ns: int
    share_ns: int = 0
    is_exposed: bool = False


@dataclass(frozen=True, slots=True)
class AuditReport:
    """The verdict. ``cover``: path -> `CoverStats`; ``gaps``: every stretch without cover."""

    violations: tuple[Violation, ...]
    counts: AuditCounts
    cover: dict[str, CoverStats] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()

    @property
    def is_clean(self) -> bool:
        """Whether nothing was broken."""
        return not self.violations

    @property
    def codes(self) -> frozenset[str]:
        """The invariants that were broken."""
        return frozenset(one.code for one in self.violations)


@dataclass(slots=True)
class Tally:
    """What the reader of the log counted beside the plans."""

    lines: int = 0
    orders: int = 0
    fills: int = 0
    foreign_orders: int = 0


def summarize(judges: Sequence[PlanJudge], tally: Tally) -> AuditCounts:
    """The counts of an audit."""
    outcomes: dict[str, int] = {}
    for judge in judges:
        if judge.claim is not None:
            outcomes[judge.claim.outcome] = outcomes.get(judge.claim.outcome, 0) + 1
    entered = sum(1 for one in judges if one.book.entry_qty > 0)
    denied = outcomes.get("DENIED", 0)
    return AuditCounts(
        plans=len(judges),
        entered=entered,
        missed=outcomes.get("NOT_ENTERED", 0),
        denied=denied,
        shorts=sum(1 for one in judges if one.terms.sign < 0),
        partial_entries=sum(1 for one in judges if one.was_partial),
        races=sum(one.races for one in judges),
        plans_raced=sum(1 for one in judges if one.races),
        uncapped=sum(1 for one in judges if not one.terms.is_smart),
        uncapped_beyond=sum(1 for one in judges if _is_beyond(one)),
        orders=tally.orders,
        fills=tally.fills,
        foreign_orders=tally.foreign_orders,
        lines=tally.lines,
        outcomes=tuple(sorted(outcomes.items())),
    )


def gaps_of(judges: Iterable[PlanJudge]) -> tuple[Gap, ...]:
    """Every stretch without cover, plan by plan."""
    return tuple(
        Gap(one.terms.plan_id, one.terms.symbol, *span)
        for one in judges
        for span in one.cover.spans
    )


def cover_stats(judges: Iterable[PlanJudge]) -> CoverStats:
    """Uncovered time of the plans that entered."""
    entered = [one for one in judges if one.book.entry_qty > 0]
    windows_ns = [window for one in entered for window in one.cover.windows_ns]
    # (1e-9 share) x ns -> 1e-9 share-seconds
    exposed_ns = [window for one in entered for window in one.cover.exposed_ns]
    shares = [one.cover.share_ns // UNIT for one in entered]
    return CoverStats(
        entered=len(entered),
        windows=len(windows_ns),
        window_p50_ns=percentile(windows_ns, 50),
        window_p99_ns=percentile(windows_ns, 99),
        window_max_ns=max(windows_ns, default=0),
        exposed=len(exposed_ns),
        exposed_max_ns=max(exposed_ns, default=0),
        wait_max_ns=max((one.cover.wait_ns for one in entered), default=0),
        p50_share_s=percentile(shares, 50),
        p99_share_s=percentile(shares, 99),
        max_share_s=max(shares, default=0),
        total_share_s=sum(shares),
    )


def render(report: AuditReport) -> str:
    """The report as text."""
    counts = report.counts
    rows = [
        ("plans", f"{counts.plans}"),
        ("entered", f"{counts.entered}"),
        ("missed", f"{counts.missed}"),
        ("denied", f"{counts.denied}"),
        ("shorts", _share_of(counts.shorts, counts.plans)),
        ("partial entries", _share_of(counts.partial_entries, counts.plans)),
        ("plans with a cancel/fill race", _share_of(counts.plans_raced, counts.plans)),
        ("legacy plans (UNCAPPED)", f"{counts.uncapped}"),
        ("  of these beyond the cap", f"{counts.uncapped_beyond}"),
        ("orders / fills / lines", f"{counts.orders} / {counts.fills} / {counts.lines}"),
    ]
    rows += [(f"outcome {name}", f"{number}") for name, number in counts.outcomes]
    for path, stats in sorted(report.cover.items()):
        rows += _cover_rows(path, stats)
    lines = [f"{name:<36}{value}" for name, value in rows]
    lines += ["", *_violation_lines(report.violations)]
    return "\n".join(lines) + "\n"


def _cover_rows(path: str, stats: CoverStats) -> list[tuple[str, str]]:
    if not stats.entered:
        return []
    windows = (
        f"{_ms(stats.window_p50_ns)} / {_ms(stats.window_p99_ns)} / {_ms(stats.window_max_ns)}"
    )
    shares = (
        f"{_shares(stats.p50_share_s)} / {_shares(stats.p99_share_s)} / "
        f"{_shares(stats.max_share_s)}"
    )
    return [
        (f"{path}: uncovered p50/p99/max", f"{windows} ms in {stats.windows} windows"),
        (
            f"{path}: exposed or being closed",
            f"{stats.exposed}, max {_ms(stats.exposed_max_ns)} ms",
        ),
        (f"{path}: share-seconds p50/p99/max", f"{shares} a trade"),
        (f"{path}: longest wait of a share", f"{_ms(stats.wait_max_ns)} ms"),
    ]


def _violation_lines(violations: tuple[Violation, ...]) -> list[str]:
    if not violations:
        return ["no violation"]
    by_code: dict[str, int] = {}
    for one in violations:
        by_code[one.code] = by_code.get(one.code, 0) + 1
    codes = ", ".join(f"{code} x{number}" for code, number in sorted(by_code.items()))
    shown = [
        f"{one.code:<4} {one.plan_id or '(run)'} at {one.at_ns}: {one.sentence}"
        for one in violations[:_SHOWN_VIOLATIONS]
    ]
    if len(violations) > _SHOWN_VIOLATIONS:
        shown.append(f"... and {len(violations) - _SHOWN_VIOLATIONS} more")
    return [f"{len(violations)} violation(s): {codes}", *shown]


def _is_beyond(judge: PlanJudge) -> bool:
    terms, book = judge.terms, judge.book
    excess = terms.sign * (book.entry_cost - terms.worst_px * book.entry_qty)
    return not terms.is_smart and excess > 0


def _share_of(part: int, whole: int) -> str:
    percent = 100 * part // whole if whole else 0
    return f"{part} ({percent} %)"


def _ms(ns: int) -> str:
    return f"{ns // NS_PER_MS}"


def _shares(nano: int) -> str:
    """1e-9 share-seconds with two decimals, rounded down."""
    hundredths = nano // (UNIT // 100)
    return f"{hundredths // 100}.{hundredths % 100:02d}"
