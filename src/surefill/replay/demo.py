"""The demo: the CRWD morning over real sockets, then one stream of plans down both paths.

    stream = choose_stream(tape, seed)                       # a bad tape is refused at once
    mornings = play_mornings(folder, reading_ns=...)
    comparison = compare(stream, seed=seed)

What: `choose_stream`, `compare` and `Comparison`, the second half; `replay.morning` is the first.
Why apart from the command line: the numbers are the product, their print-out is not.
Invariants: one (seed, tape) gives one comparison; both paths are judged by the same auditor.
Must never: leave a violation out of the verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from surefill.core.plan import Policy
from surefill.replay.comparison import Stream, play_path, recorded_stream, synthetic_stream
from surefill.replay.measure import Measures, measure
from surefill.replay.morning import Morning
from surefill.replay.plan_source import left_out_file, left_out_tape
from surefill.sim.auditor import Violation

SEED = 7
"""Of the demo that the README shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The stream of plans on both paths. ``lines``: of both logs, read by the auditor."""

    title: str
    seed: int
    plans: int
    minutes: int
    legacy: Measures
    smart: Measures
    violations: tuple[Violation, ...]
    lines: int

    def rows(self) -> Iterator[dict[str, object]]:
        """JSON-ready: one object a path."""
        head = {"part": "stream", "market": self.title, "seed": self.seed, "minutes": self.minutes}
        for measures in (self.legacy, self.smart):
            yield head | measures.to_dict()


def choose_stream(
    tape: Path | None, seed: int, tell_bad: Callable[[str], None] | None = None
) -> Stream:
    """The recorded market at ``tape``, or a synthetic one. Raises `TapeError`; with ``tell_bad`` a
    suspect tape is played, one that cannot be used is left out, and it gets a line about each."""
    if tape is None:
        return synthetic_stream(seed)
    if tell_bad is None:
        return recorded_stream(tape, seed)
    stream = recorded_stream(
        tape,
        seed,
        on_bad=lambda day, error: tell_bad(str(left_out_tape(day.symbol, day.date, error))),
        on_bad_file=lambda path, error: tell_bad(str(left_out_file(path, error))),
    )
    for quality in stream.quality:
        if quality.suspicions:
            tell_bad(quality.sentence())
    return stream


def compare(
    stream: Stream, *, seed: int, on_progress: Callable[[int], None] | None = None
) -> Comparison:
    """Play the stream on both paths. ``on_progress`` is told how many plans have ended of twice
    as many as the stream holds."""
    plans, policy = len(stream.draws), Policy()
    measures: list[Measures] = []
    violations: list[Violation] = []
    lines = 0
    for is_legacy in (True, False):
        done = plans * len(measures)
        tell = None if on_progress is None else _shifted(on_progress, done)
        result = play_path(stream, seed=seed, is_legacy=is_legacy, on_progress=tell)
        measures.append(measure(stream, result, policy))
        violations += result.report.violations
        lines += len(result.lines)
    legacy, smart = measures
    return Comparison(
        title=stream.title,
        seed=seed,
        plans=plans,
        minutes=(stream.window[1] - stream.window[0]) // 60_000_000_000,
        legacy=legacy,
        smart=smart,
        violations=tuple(violations),
        lines=lines,
    )


def verdict(mornings: Sequence[Morning], comparison: Comparison) -> dict[str, object]:
    """The last line of the demo: what the auditor found in all logs together."""
    found = [one for morning in mornings for one in morning.violations]
    found += comparison.violations
    return {
        "part": "verdict",
        "violations": len(found),
        "lines": comparison.lines + sum(morning.lines for morning in mornings),
        "found": [f"{one.code} {one.plan_id}: {one.sentence}" for one in found],
    }


def _shifted(tell: Callable[[int], None], by: int) -> Callable[[int], None]:
    return lambda done: tell(by + done)
