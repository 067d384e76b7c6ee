"""The naive run and the one that jumps, on every tape: the same outcomes, line by line.

    python -m benchmarks.identity --report docs/reports/2026-11-23-identity.md

On each symbol-day, plans every few minutes are played twice, tick by tick and passing over time in
which nobody looks (`surefill.replay.skipping`), on the legacy path and with `adaptive`. The lines
of the venue's log and what the executor says of every plan have to be equal.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.tactics_plans import tapes_root
from surefill.core.plan import SECOND_NS
from surefill.replay.comparison import PathResult, Scope, play_path, stream_of_day
from surefill.replay.plan_sampled import SampledPlans
from surefill.replay.skipping import SkippingMarket
from surefill.sim.market import TapeError
from surefill.sim.tape import TapeDay, list_tapes
from tests.support.report import Stopwatch, table

PATHS = (None, "adaptive")
SCOPE = Scope(plans_max=1, window_ns_max=SECOND_NS, events_max=1)
HEAD = (
    "| symbol | day | path | plans | lines | passed over | same |\n|---|---|---|---|---|---|---|\n"
)


def checked(day: TapeDay, minutes: int, every_s: int) -> Iterator[tuple[str, bool]]:
    """A row of the report for each path, and whether both runs agree. Raises `TapeError`."""
    plans = SampledPlans(every_s=every_s, budget_s=30, hold_s=60, minutes_max=minutes)
    stream = stream_of_day(day, 7, SCOPE, source=plans)
    skipped = 0
    rows = sum(len(tape.quote_ns) + len(tape.print_ns) for tape in stream.tapes)
    market = SkippingMarket(stream.tapes)
    for draw in stream.draws:
        market.skip(draw.at_ns)
    skipped = market.skipped
    for tactic in PATHS:

        def played(skips: bool, tactic: str | None = tactic) -> PathResult:
            return play_path(
                stream, seed=7, is_legacy=tactic is None, tactic=tactic, beside=True, skips=skips
            )

        naive, fast = played(False), played(True)
        is_same = naive.lines == fast.lines and naive.ended == fast.ended
        name = tactic or "legacy"
        yield (
            f"| {day.symbol} | {day.date} | {name} | {len(stream.draws)} | {len(naive.lines):,} | "
            f"up to {100 * skipped // rows} % | {'yes' if is_same else '**no**'} |\n",
            is_same,
        )


def main() -> None:
    """Play all tapes; exit code 1 when any run differs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--minutes", type=int, default=60, help="of each day")
    parser.add_argument("--every", type=int, default=300, help="seconds from plan to plan")
    parser.add_argument("--report", type=Path, help="file to write; default: the screen")
    args = parser.parse_args()
    watch, lines, count, is_same = Stopwatch(), [], 0, True
    for day in list_tapes(tapes_root()):
        try:
            for line, agrees in checked(day, args.minutes, args.every):
                sys.stderr.write(line)
                lines.append(line)
                count, is_same = count + 1, is_same and agrees
        except TapeError as error:
            lines.append(f"| {day.symbol} | {day.date} | refused: {error.code} | | | | |\n")
    doc = (__doc__ or "").partition("\n\n")[2].partition("\n\n")[2]
    text = f"# Passing over quiet time changes nothing\n\n{doc}\n"
    text += table(watch.rows(count, "pairs of runs")) + "\n\n" + HEAD + "".join(lines)
    if args.report is None:
        sys.stdout.write(text)
    else:
        args.report.write_text(text, encoding="utf-8")
    sys.exit(0 if is_same else 1)


if __name__ == "__main__":
    main()
