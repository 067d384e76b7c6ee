"""One stream of plans down every path that a user names, on one model of fills.

What: `play_paths` plays the stream on ``legacy`` (market orders, exits at the signal's levels), on
``smart`` (each plan with its own tactic) and on the smart path with one tactic for all plans.
Why: which tactic is the right one is a question to one's own symbols and sizes; the answer has to
come from the same plans on the same market, with every missed plan charged.
Invariants: each path sees the same plans at the same instants; each has its own exchange and the
same auditor.
Must never: show a path without its violations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from surefill.core.plan import Policy
from surefill.replay.comparison import Stream, play_path
from surefill.replay.execution import parents_of_path
from surefill.replay.measure import Measures, measure
from surefill.sim.auditor import Violation
from surefill.tactics.registry import PLAN_TACTICS
from surefill.tca.market import Market
from surefill.tca.parent import Parent

LEGACY, SMART = "legacy", "smart"
PATHS = (LEGACY, SMART, *sorted(PLAN_TACTICS))
"""What a path may be called."""


@dataclass(frozen=True, slots=True)
class Played:
    """One path. ``lines``: of the venue's log, read by the auditor; ``parents``: every plan as cost
    analysis sees it, where ``markets`` were given."""

    path: str
    model: str
    measures: Measures
    violations: tuple[Violation, ...]
    lines: int
    parents: tuple[Parent, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """JSON-ready."""
        return self.measures.to_dict() | {"path": self.path, "model": self.model}


def play_paths(
    stream: Stream,
    paths: Sequence[str],
    *,
    seed: int,
    model: str,
    beside: bool = False,
    fee_usd: int = 0,
    markets: Mapping[str, Market] | None = None,
    on_progress: Callable[[str, int], None] | None = None,
) -> Iterator[Played]:
    """Play the stream on each of ``paths`` (of `PATHS`) in turn.

    ``beside``: exits may rest beside a working entry; ``fee_usd``: of every executed share (1e-9
    USD). ``markets`` (symbol -> market, of all of them): measure every plan's cost against these.
    ``on_progress`` is told the path and how many of its plans have ended.
    """
    for path in paths:
        result = play_path(
            stream,
            seed=seed,
            is_legacy=path == LEGACY,
            tactic=path if path in PLAN_TACTICS else None,
            model=model,
            beside=beside,
            fee_usd=fee_usd,
            on_progress=None if on_progress is None else _named(on_progress, path),
        )
        measures = measure(stream, result, Policy())
        parents = parents_of_path(stream, result, path, markets=markets) if markets else ()
        found = result.report.violations
        yield Played(path, model, measures, found, len(result.lines), parents)


def _named(tell: Callable[[str, int], None], path: str) -> Callable[[int], None]:
    return lambda done: tell(path, done)
