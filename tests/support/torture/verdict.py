"""The judgement of a torture run: the auditor on the venue's log, and times to cover after starts.

What: `judge` reads what every journal says came of its plans, lets the auditor compare that with
the truth log, and measures from the log how long shares stood bare after each start of a process.
Invariants: a dead process excuses until 10 s after the next start (I3 d), a process that starts
until 2 s after it is ready, a swallowed request 5 s and 5 more, a lost stream 5 s (I3 b, c); these
limits do not count the time in which the engine waited for a processor of this machine (`waits`).
Nothing else is excused.
Must never: ask an engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from surefill.core.state import Denial
from surefill.core.trade import Trade
from surefill.replay.evidence import Row, rows_of
from surefill.sim.auditor import AuditLimits, AuditReport, Excuse, Violation, audit
from surefill.sim.auditor_log import owner_of
from surefill.sim.auditor_report import Gap
from tests.support.torture.lane import NS_PER_MS, RESTART_GRACE_MS, Lane, LifeStory
from tests.support.torture.place import images_in, journal_in
from tests.support.torture.venue import Line
from tests.support.torture.waits import Waits

STREAM_LOST_MS = 5_000
STARTED_GRACE_MS = 2_000
COVER_LIMIT_S = 10.0
S_PER_NS = 1e-9


@dataclass(frozen=True, slots=True)
class Recovered:
    """Shares that were bare at a start, and when the last of them had its stop (s from the start of
    the process); ``own_s``: without its waits for a processor. ``is_cut``: the process was killed
    before."""

    symbol: str
    took_s: float
    own_s: float
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """One lane. ``gaps`` are its own stretches without cover."""

    violations: tuple[Violation, ...]
    gaps: tuple[Gap, ...]
    recovered: tuple[Recovered, ...]
    report: AuditReport
    """of the whole log, by this lane's limits"""


Rows = list[tuple[Row, Row]]


def rows_in(lane: Lane, log: Sequence[Line]) -> Rows:
    """(plan, claim) of everything that the lane's journal knows."""
    entered_ns = _entered(log)
    journal = journal_in(lane.place.folder)
    policy = lane.settings.policy()
    found: Rows = []
    for ended in () if journal is None else images_in(journal, open_only=False):
        accepted_ns = entered_ns.get(ended.plan.plan_id, _accepted_ns(ended))
        found.append(rows_of(ended, policy, accepted_ns=accepted_ns))
    return found


def judge(lane: Lane, rows: Rows, log: Sequence[Line]) -> Judged:
    """What the venue saw of this lane. ``rows`` are those of all lanes, ``log`` is the whole one,
    so that its chain can be checked."""
    plans, claims = [plan for plan, _ in rows], [claim for _, claim in rows]
    limits = limits_of(lane)
    report = audit(plans, log, claims, limits=limits)
    late = [
        _stretched(gap, limits, lane.kept.waits)
        for gap in report.gaps
        if gap.symbol in lane.symbols and gap.end_ns > gap.start_ns + limits.cover_ms * NS_PER_MS
    ]
    limits = replace(limits, excuses=(*limits.excuses, *late))
    report = audit(plans, log, claims, limits=limits)
    own = {str(plan["plan_id"]) for plan in plans if plan["symbol"] in lane.symbols}
    gaps = tuple(gap for gap in report.gaps if gap.plan_id in own)
    return Judged(
        violations=tuple(one for one in report.violations if one.plan_id in own | {""}),
        gaps=gaps,
        recovered=tuple(recovered(lane.kept.lives, gaps, lane.kept.waits)),
        report=report,
    )


def limits_of(lane: Lane) -> AuditLimits:
    """What the auditor allows in this lane."""
    kept, usual = lane.kept, AuditLimits()
    spans = list(kept.excuses)
    for life, following in pairwise(kept.lives):
        died_ns = life.broke_ns or life.ended_ns
        spans.append((died_ns, following.began_ns, RESTART_GRACE_MS))
    # Until it is ready nobody can end an entry whose time is up (I18), or move an exit.
    for life in kept.lives:
        spans.append((life.began_ns, life.ready_ns or life.ended_ns, STARTED_GRACE_MS))
    excuses = [
        Excuse(from_ns, to_ns, grace_ms=_own_ms(kept.waits, to_ns, grace_ms), symbol=symbol)
        for from_ns, to_ns, grace_ms in spans
        for symbol in lane.symbols
    ]
    cover_ms = STREAM_LOST_MS if lane.ways.troubles else usual.cover_ms
    return AuditLimits(
        cover_ms=cover_ms,
        anchor_ms=cover_ms,
        flat_ms=max(cover_ms, usual.flat_ms),
        entry_slack_ms=max(cover_ms, usual.entry_slack_ms),
        excuses=tuple(excuses),
    )


def _own_ms(waits: Waits, from_ns: int, limit_ms: int) -> int:
    """How long a process may take for ``limit_ms`` of its own time (ms)."""
    return (waits.reached(from_ns, limit_ms * NS_PER_MS) - from_ns) // NS_PER_MS


def _stretched(gap: Gap, limits: AuditLimits, waits: Waits) -> Excuse:
    """The usual limit for this gap, in the engine's own time."""
    grace_ms = _own_ms(waits, gap.start_ns, limits.cover_ms)
    return Excuse(gap.start_ns, gap.start_ns, grace_ms=grace_ms, symbol=gap.symbol)


def recovered(lives: Iterable[LifeStory], gaps: Iterable[Gap], waits: Waits) -> Iterable[Recovered]:
    """For each start and each stretch that was bare at it: how long it lasted from there."""
    gaps = tuple(gaps)
    for life in lives:
        for gap in gaps:
            if gap.start_ns < life.began_ns < gap.end_ns:
                took_ns = gap.end_ns - life.began_ns
                own_ns = took_ns - waits.between(life.began_ns, gap.end_ns)
                is_cut = bool(life.ended_ns) and gap.end_ns > life.ended_ns
                yield Recovered(gap.symbol, took_ns * S_PER_NS, own_ns * S_PER_NS, is_cut)


def _entered(lines: Iterable[Line]) -> dict[str, int]:
    """plan id -> when the venue took its first entry (UTC ns): no clock of the engine's."""
    found: dict[str, int] = {}
    for line in lines:
        owner = owner_of(str(line["cl_ord_id"] or ""))
        if line["kind"] == "accept" and owner is not None and owner[1] == "E":
            found.setdefault(owner[0], int(line["venue_ns"]))
    return found


def _accepted_ns(ended: Trade | Denial) -> int:
    return ended.accepted_ns if isinstance(ended, Trade) else ended.at_ns
