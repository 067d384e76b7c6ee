"""Many seeds: played over all cores, summed, with what failed first.

What: `play_seed` -> `SeedResult` (small enough to travel between processes), `play_seeds` (in
order, on ``workers`` processes) and `Total` (the sum, for people and for reports).
Invariants: a seed's result, its trace hash above all, is the same in every process, on every Python
and in every time zone; an exception of our code, of whatever type, is a violation of its seed
(`ERROR`) and neither the end of the run nor forgotten. That is why `findings_of` catches
everything, as a test runner does: the one place beside the driver. Nothing that trades imports it.
"""

from __future__ import annotations

import gc
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from multiprocessing import get_context

from surefill.core.plan import SECOND_NS
from surefill.core.state import Denial
from surefill.ports import JournalError
from surefill.replay.simulate.draw import draw_scenario
from surefill.replay.simulate.play import Played, play
from surefill.replay.simulate.scenario import Scenario
from surefill.replay.simulate.verdict import ends_of, judge, unheard_of
from surefill.sim.auditor import Violation

CHUNK = 8
"""Seeds handed to a process at once."""
SHOWN = 20
ERROR = "ERROR"
"""Code of a violation that is an exception of our own code."""
BROKEN_JOURNAL = "I19"
"""Code when it is the journal that refuses a record: a gap, or a broken chain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedResult:
    """What became of one seed. ``trace`` is the hash over the venue's log and the journal.

    ``struck`` and ``cells`` count faults by code and by (code, phase of a trade at that moment).
    ``simulated_ns`` is the venue time that passed; ``storm_ns`` the part of it with faults.
    """

    seed: int
    trace: str
    violations: tuple[Violation, ...] = ()
    outcomes: tuple[tuple[str, int], ...] = ()
    struck: tuple[tuple[str, int], ...] = ()
    cells: tuple[tuple[tuple[str, str], int], ...] = ()
    deaths: int = 0
    unheard: int = 0
    is_calm: bool = False
    simulated_ns: int = 0
    storm_ns: int = 0


def play_seed(seed: int) -> SeedResult:
    """Play and judge one seed."""
    played, violations = findings_of(draw_scenario(seed))
    if played is None:
        return SeedResult(seed=seed, trace="", violations=violations)
    return result_of(played, violations)


def findings_of(scenario: Scenario) -> tuple[Played | None, tuple[Violation, ...]]:
    """The run of a scenario and what is wrong with it; no run if it ended in an exception."""
    try:
        played = play(scenario)
        return played, judge(played)[1]
    except Exception as error:  # whatever our code raises is a finding of this seed
        last = traceback.extract_tb(error.__traceback__)[-1]
        sentence = f"{type(error).__name__}: {error} ({last.name}, line {last.lineno})"
        code = BROKEN_JOURNAL if isinstance(error, JournalError) else ERROR
        return None, (Violation(code, "", 0, sentence),)


def result_of(played: Played, violations: tuple[Violation, ...]) -> SeedResult:
    """What is kept of a run."""
    strikes = played.faults.strikes
    cells = Counter((strike.code.value, phase) for strike in strikes for phase in strike.phases)
    ends = ends_of(played).values()
    outcomes = Counter(
        "DENIED" if isinstance(end, Denial) else end.outcome.value if end.outcome else "OPEN"
        for end in ends
    )
    scenario = played.scenario
    return SeedResult(
        seed=scenario.seed,
        trace=trace_of(played),
        violations=violations,
        outcomes=tuple(sorted(outcomes.items())),
        struck=tuple(sorted(Counter(one.code.value for one in strikes).items())),
        cells=tuple(sorted(cells.items())),
        deaths=len(played.downs),
        unheard=len(unheard_of(played)),
        is_calm=scenario.is_calm,
        simulated_ns=played.run.edge.now_ns - scenario.start_ns,
        storm_ns=0 if scenario.is_calm else scenario.storm_ms * SECOND_NS // 1_000,
    )


def trace_of(played: Played) -> str:
    """One hash for everything that happened: at the venue, and in the engine's own record."""
    truth = str(played.run.log.lines[-1]["hash"])
    return sha256(f"{truth} {played.run.journal.head()[1]}".encode()).hexdigest()


def play_seeds(seeds: Iterable[int], *, workers: int = 1) -> Iterator[SeedResult]:
    """Every seed's result, in order; with more than one worker in processes of their own."""
    if workers <= 1:
        yield from map(play_seed, seeds)
        return
    # Fresh interpreters: a fork of a process with threads (event loops, tests) may hang.
    context = get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_collect_rarely) as pool:
        yield from pool.map(play_seed, seeds, chunksize=CHUNK)


def _collect_rarely() -> None:
    """A worker makes short-lived values for hours: looking for cycles that often took a tenth."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@dataclass(slots=True)
class Total:
    """The sum over seeds."""

    seeds: int = 0
    calm: int = 0
    deaths: int = 0
    unheard: int = 0
    simulated_ns: int = 0
    storm_ns: int = 0
    violations: list[tuple[int, Violation]] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    struck: Counter[str] = field(default_factory=Counter)
    cells: Counter[tuple[str, str]] = field(default_factory=Counter)
    _traces: list[str] = field(default_factory=list)

    def add(self, result: SeedResult) -> None:
        """Count one more seed."""
        self.seeds += 1
        self.calm += result.is_calm
        self.deaths += result.deaths
        self.unheard += result.unheard
        self.simulated_ns += result.simulated_ns
        self.storm_ns += result.storm_ns
        self.violations += [(result.seed, one) for one in result.violations]
        self.outcomes.update(dict(result.outcomes))
        self.struck.update(dict(result.struck))
        self.cells.update(dict(result.cells))
        self._traces.append(result.trace)

    @property
    def failing(self) -> tuple[int, ...]:
        """Seeds with a violation, in order."""
        return tuple(dict.fromkeys(seed for seed, _ in self.violations))

    @property
    def trace(self) -> str:
        """One hash over the traces of all seeds, in order."""
        return sha256(" ".join(self._traces).encode()).hexdigest()

    @property
    def faults_per_hour(self) -> int:
        """Faults that struck per simulated hour of storm."""
        hours_ns = max(1, self.storm_ns)
        return sum(self.struck.values()) * 3_600 * SECOND_NS // hours_ns

    @property
    def bound_ppm(self) -> int:
        """With no violation seen: 95 % upper bound of the share of failing seeds, 3/n, in 1e-6."""
        return 3_000_000 // max(1, self.seeds)

    def rows(self) -> list[tuple[str, str]]:
        """The sum as (name, value) for people."""
        rows = [
            ("seeds", f"{self.seeds} ({self.calm} calm)"),
            ("failing seeds", str(len(self.failing))),
            ("plans", str(self.outcomes.total())),
            *((f"  {name}", str(number)) for name, number in sorted(self.outcomes.items())),
            ("simulated time", f"{self.simulated_ns // (3_600 * SECOND_NS)} h"),
            ("faults", f"{self.struck.total()}, {self.faults_per_hour} an hour of storm"),
            ("fault x phase cells", str(len(self.cells))),
            ("deaths of the process", str(self.deaths)),
            ("corrections unheard", str(self.unheard)),
            ("trace", self.trace[:16]),
        ]
        if not self.failing:
            bound = f"at most {self.bound_ppm} in a million seeds (95 %, 3/n)"
            rows.insert(2, ("so a seed fails", bound))
        return rows
