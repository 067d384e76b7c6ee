"""The figures of a torture run, as rows for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from surefill.sim.auditor_findings import percentile
from tests.support.report import Row
from tests.support.torture.draw import End
from tests.support.torture.lane import Lane
from tests.support.torture.verdict import COVER_LIMIT_S, Judged

MS_PER_S = 1_000
TENTH = 10
MIB = 1024 * 1024


@dataclass(slots=True)
class Held:
    """What a process that lives long held, sample by sample."""

    name: str
    rss_bytes: list[int] = field(default_factory=list)
    files: list[int] = field(default_factory=list)

    def row(self) -> Row:
        """First against last tenth, medians."""
        count = max(1, len(self.files) // TENTH)
        first, last = _median(self.rss_bytes[:count]), _median(self.rss_bytes[-count:])
        files = f"{_median(self.files[:count])} -> {_median(self.files[-count:])}"
        shown = f"{first / MIB:.1f} -> {last / MIB:.1f} MiB, {files} descriptors"
        return (f"{self.name}: first -> last tenth of {len(self.files)} samples", shown)


def _median(values: Sequence[int]) -> int:
    return percentile(values, 50)


def kills(lanes: Iterable[Lane]) -> int:
    """``kill -9`` that met a living process."""
    return sum(
        life.code == -9 and not life.is_surprise for lane in lanes for life in lane.kept.lives
    )


def rows(lanes: Sequence[Lane], judged: Sequence[Judged]) -> list[Row]:
    """Everything that was counted."""
    violations = sum(len(one.violations) for one in judged)
    found: list[Row] = [
        ("kill -9 of a living engine", str(kills(lanes))),
        ("violations (auditor, venue's log)", str(violations)),
        ("engine starts", str(sum(len(lane.kept.lives) for lane in lanes))),
        *_kill_rows(lanes),
        *_fault_rows(lanes),
        *_recovery_rows(judged),
        *_trade_rows(lanes, judged),
    ]
    return found


def _kill_rows(lanes: Sequence[Lane]) -> list[Row]:
    phases: Counter[str] = Counter()
    moments: Counter[str] = Counter()
    for lane in lanes:
        for life in lane.kept.lives:
            if life.code != -9 or life.is_surprise:
                continue
            moments["ready" if life.ready_ns else "starting (RECOVERING)"] += 1
            phases.update(life.phases or ("no trade open",))
    shown = ", ".join(f"{name} {count}" for name, count in phases.most_common())
    return [
        ("killed while", ", ".join(f"{name} {count}" for name, count in moments.items())),
        ("phases of the open trades at the kill (journal)", shown),
    ]


def _fault_rows(lanes: Sequence[Lane]) -> list[Row]:
    struck: Counter[str] = Counter()
    codes: dict[str, Counter[int]] = {}
    for lane in lanes:
        struck.update(lane.kept.struck)
        for life in lane.kept.lives:
            if life.end in {end.value for end in End if end is not End.KILL}:
                codes.setdefault(life.end, Counter())[life.code] += 1
    found = [(f"fault: {name}", str(count)) for name, count in sorted(struck.items())]
    for name, counted in sorted(codes.items()):
        shown = ", ".join(f"{count} with exit code {code}" for code, count in counted.items())
        found.append((f"fault: {name}", f"{counted.total()} ended by themselves: {shown}"))
    unmet = Counter(
        life.end for lane in lanes for life in lane.kept.lives if "was not met" in life.end
    )
    found += [(f"{name}: nothing had to grow", str(count)) for name, count in sorted(unmet.items())]
    surprises = sum(life.is_surprise for lane in lanes for life in lane.kept.lives)
    return [*found, ("engines that ended by themselves without such a fault", str(surprises))]


def _recovery_rows(judged: Sequence[Judged]) -> list[Row]:
    all_of = [one for lane in judged for one in lane.recovered]
    whole = [one for one in all_of if not one.is_cut]
    cut = len(all_of) - len(whole)
    late = sum(one.own_s > COVER_LIMIT_S for one in whole)
    what = "bare shares at a start: start of the process to the last one covered, p50/p99/max"
    return [
        (
            what,
            f"{_seconds(one.took_s for one in whole)} in {len(whole)} cases; "
            f"{cut} more were killed again before",
        ),
        (
            "the same without waiting for a processor of this machine",
            f"{_seconds(one.own_s for one in whole)}; {late} over {COVER_LIMIT_S:.0f} s",
        ),
    ]


def _seconds(times_s: Iterable[float]) -> str:
    times = [int(one * MS_PER_S) for one in times_s]
    return " / ".join(f"{percentile(times, p) / MS_PER_S:.2f}" for p in (50, 99, 100)) + " s"


def _trade_rows(lanes: Sequence[Lane], judged: Sequence[Judged]) -> list[Row]:
    counts = judged[0].report.counts if judged else None
    if counts is None:
        return []
    outcomes: Counter[str] = Counter()
    for lane in lanes:
        for trader in lane.traders:
            outcomes.update(trader.ended)
    stats = judged[0].report.cover["smart"]
    spans = (stats.window_p50_ns, stats.window_p99_ns, stats.window_max_ns)
    windows = " / ".join(f"{ns / 1e9:.2f}" for ns in spans)
    shares = " / ".join(
        f"{nano / 1e9:.1f}" for nano in (stats.p50_share_s, stats.p99_share_s, stats.max_share_s)
    )
    return [
        ("plans, of which entered", f"{counts.plans}, {counts.entered}"),
        (
            "orders / fills / lines of the venue's log",
            f"{counts.orders} / {counts.fills} / {counts.lines}",
        ),
        ("outcomes", ", ".join(f"{name} {count}" for name, count in sorted(outcomes.items()))),
        (
            "stretches without a stop, the dead time of the process included, p50/p99/max",
            f"{windows} s of {stats.windows}",
        ),
        ("uncovered share-seconds a trade, p50/p99/max", shares),
    ]
