"""Death at every journal boundary of written scenarios, and again inside the recovery.

What: `kill_points` (every scenario x every append x what was sent and kept), `play_kill_points`
(played and judged, on all cores), `KillTotal` (violations, and the table of phases x moments that
were hit).
Why: random crashes find what is likely; this finds what is possible. A scenario is played once
alive, its appends are counted, and then it is played again for each of them.
Invariants: enumerated, not drawn: the same list every time. The judge is the one of the storms.
A disk that loses what it called durable (`Moment.LYING_DISK`) breaks the one thing that is assumed
of it; what follows is counted apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from multiprocessing import get_context

from surefill.core.values import replace
from surefill.replay.simulate.play import Append, play
from surefill.replay.simulate.scenario import Crashed, Scenario, Tail
from surefill.replay.simulate.scripts import SCRIPTS, scripted
from surefill.replay.simulate.seeds import findings_of
from surefill.sim.auditor import Violation

START_MS = -10_000
"""Before the process starts: its very first append counts as well."""
DOWN_MS = 700
ALL = 99
DEEPEST = 5
"""Appends of a recovery after which the process dies once more."""
EVERY = 5
"""Every fifth death is followed by deaths inside its recovery."""
CHUNK = 16


class Moment(StrEnum):
    """Where around one append the process dies."""

    BEFORE_APPEND = "before append"
    TORN_APPEND = "torn append"
    BEFORE_SEND = "before send"
    HALF_SENT = "one of several sent"
    BEFORE_ANSWER = "before answer"
    LYING_DISK = "sent, then lost by the disk"
    IN_RECOVERY = "in recovery"


@dataclass(frozen=True, slots=True)
class KillPoint:
    """One death (or, with ``again``, two): after ``skip`` appends of a script."""

    script: str
    moment: Moment
    skip: int
    again: int | None = None

    def scenario(self) -> Scenario:
        """The script with this death in it."""
        alive = scripted(self.script)
        sent, tail = _SENT[self.moment], _TAIL.get(self.moment, Tail.KEPT)
        again = () if self.again is None else (self.again,)
        crash = Crashed(START_MS, DOWN_MS, self.skip, sent=sent, tail=tail, again=again)
        return replace(alive, happenings=(crash, *alive.happenings))


_SENT = {
    Moment.BEFORE_APPEND: 0,
    Moment.TORN_APPEND: 0,
    Moment.BEFORE_SEND: 0,
    Moment.HALF_SENT: 1,
    Moment.BEFORE_ANSWER: ALL,
    Moment.LYING_DISK: ALL,
    Moment.IN_RECOVERY: 0,
}
_TAIL = {
    Moment.BEFORE_APPEND: Tail.LOST,
    Moment.TORN_APPEND: Tail.TORN,
    Moment.LYING_DISK: Tail.LOST,
}


@dataclass(frozen=True, slots=True)
class KillResult:
    """What became of a kill point. ``phases`` of the open trades at the first death."""

    point: KillPoint
    phases: tuple[str, ...]
    violations: tuple[Violation, ...]


def kill_points(scripts: Iterable[str] = SCRIPTS) -> Iterator[KillPoint]:
    """Every kill point of these scripts, in order. Starting up is the same in all of them, so its
    appends are enumerated once, in the first."""
    for n, script in enumerate(scripts):
        scenario = scripted(script)
        for skip, append in enumerate(play(scenario).appends):
            if n == 0 or append.at_ns >= scenario.start_ns:
                yield from _points_at(script, skip, append)


def _points_at(script: str, skip: int, append: Append) -> Iterator[KillPoint]:
    moments = [Moment.BEFORE_APPEND, Moment.BEFORE_SEND]
    if append.written > 1:
        moments.append(Moment.TORN_APPEND)
    if append.requests > 1:
        moments.append(Moment.HALF_SENT)
    if append.requests:
        moments += [Moment.BEFORE_ANSWER, Moment.LYING_DISK]
    for moment in moments:
        yield KillPoint(script, moment, skip)
    if not skip % EVERY:
        for again in range(DEEPEST):
            yield KillPoint(script, Moment.IN_RECOVERY, skip, again)


def play_kill_point(point: KillPoint) -> KillResult:
    """Play and judge one."""
    played, violations = findings_of(point.scenario())
    phases = played.deaths[0] if played is not None and played.deaths else ()
    return KillResult(point, phases or ("NO_TRADE",), violations)


def play_kill_points(
    points: Iterable[KillPoint] | None = None, *, workers: int = 1
) -> Iterator[KillResult]:
    """Every kill point, played and judged, in order."""
    wanted = kill_points() if points is None else points
    if workers <= 1:
        yield from map(play_kill_point, wanted)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(play_kill_point, wanted, chunksize=CHUNK)


@dataclass(slots=True)
class KillTotal:
    """The sum of many kill points."""

    points: int = 0
    lied: Counter[str] = field(default_factory=Counter)
    """what was violated after a disk had lied about what it kept: nobody can promise anything"""
    violations: list[tuple[KillPoint, Violation]] = field(default_factory=list)
    cells: Counter[tuple[str, Moment]] = field(default_factory=Counter)

    def add(self, result: KillResult) -> None:
        """Count one more."""
        self.points += 1
        if result.point.moment is Moment.LYING_DISK:
            self.lied.update(one.code for one in result.violations)
        else:
            self.violations += [(result.point, one) for one in result.violations]
        self.cells.update((phase, result.point.moment) for phase in result.phases)

    def head(self) -> tuple[str, ...]:
        """Columns of the table of cells."""
        return ("phase at death", *(moment.value for moment in Moment))

    def cells_table(self) -> list[tuple[str, ...]]:
        """Phases of the open trades at death x moments of death: how often each was hit."""
        phases = sorted({phase for phase, _ in self.cells})
        return [
            (phase, *(str(self.cells[phase, moment] or "-") for moment in Moment))
            for phase in phases
        ]

    def rows(self) -> list[tuple[str, str]]:
        """The sum as (name, value)."""
        rows = [("kill points", str(self.points)), ("violations", str(len(self.violations)))]
        lied = ", ".join(f"{code} x{number}" for code, number in sorted(self.lied.items()))
        rows.append(("after a disk that lied", lied or "nothing"))
        for point, one in self.violations[:20]:
            where = f"{point.script}, append {point.skip}, {point.moment.value}"
            again = "" if point.again is None else f", again after {point.again}"
            rows.append((one.code, f"{where}{again}: {one.plan_id} {one.sentence}"))
        return rows
