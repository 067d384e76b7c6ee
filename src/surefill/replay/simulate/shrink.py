"""Making a failing scenario small: delta debugging over its happenings.

What: `shrink`, which leaves happenings out (plans, faults, acts, crashes) as long as the same code
is still violated.
Why: a storm of thirty happenings explains nothing; the three that are left do.
Invariants: the result violates the same code as the original; each probe plays the whole scenario,
so `PROBES_MAX` bounds the time.
Source: Zeller, Hildebrandt: Simplifying and Isolating Failure-Inducing Input (2002), ddmin.
"""

from __future__ import annotations

from collections.abc import Callable

from surefill.core.values import replace
from surefill.replay.simulate.scenario import Given, Happening, Scenario
from surefill.replay.simulate.seeds import findings_of

PROBES_MAX = 300
Probe = Callable[[Scenario], frozenset[str]]


def codes_of(scenario: Scenario) -> frozenset[str]:
    """The codes that playing this scenario violates."""
    return frozenset(one.code for one in findings_of(scenario)[1])


def shrink(scenario: Scenario, code: str, *, probe: Probe = codes_of) -> Scenario:
    """The smallest scenario found that still violates ``code``."""
    search = _Search(scenario, code, probe)
    return search.run()


class _Search:
    """One shrinking: what is left, and how many probes may still be spent."""

    def __init__(self, scenario: Scenario, code: str, probe: Probe) -> None:
        self._best = scenario
        self._code = code
        self._probe = probe
        self._left = PROBES_MAX

    def run(self) -> Scenario:
        """Leave out halves, then quarters, and so on down to single happenings."""
        parts = 2
        while len(self._best.happenings) >= 2 and self._left > 0:
            if self._without_one_of(parts):
                parts = max(2, parts - 1)
            elif parts >= len(self._best.happenings):
                break
            else:
                parts = min(len(self._best.happenings), parts * 2)
        self._drop_symbols()
        return self._best

    def _without_one_of(self, parts: int) -> bool:
        happenings = self._best.happenings
        size = -(-len(happenings) // parts)
        for start in range(0, len(happenings), size):
            if self._still_fails(happenings[:start] + happenings[start + size :]):
                return True
        return False

    def _still_fails(self, happenings: tuple[Happening, ...]) -> bool:
        return self._accepts(replace(self._best, happenings=happenings))

    def _accepts(self, smaller: Scenario) -> bool:
        if self._left <= 0 or not smaller.happenings:
            return False
        self._left -= 1
        if self._code not in self._probe(smaller):
            return False
        self._best = smaller
        return True

    def _drop_symbols(self) -> None:
        """A market that no plan is about only makes the story longer."""
        used = {one.plan.symbol for one in self._best.happenings if isinstance(one, Given)}
        needed = tuple(symbol for symbol in self._best.symbols if symbol.name in used)
        if needed and needed != self._best.symbols:
            self._accepts(replace(self._best, symbols=needed))
