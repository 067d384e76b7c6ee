"""The naive run and the one that jumps, on every tape: the same outcomes, line by line.

    python -m benchmarks.identity --kept DIR --report docs/reports/2026-11-23-identity.md

On each symbol-day, plans every few minutes are played twice, tick by tick and passing over time in
which nobody looks (`surefill.replay.skipping`), on the legacy path and with `adaptive`. The lines
of the venue's log and what the executor says of every plan have to be equal.

Suspect tapes are played as well (`--allow-bad` of replay): what a tape is worth does not matter to
whether two runs of it agree. With `--kept DIR` a symbol-day that was played is not played again.
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
DIFFERS = "**no**"
HEAD = (
    "| symbol | day | path | plans | lines | passed over | same |\n|---|---|---|---|---|---|---|\n"
)


def checked(day: TapeDay, minutes: int, every_s: int) -> Iterator[str]:
    """A row of the report for each path. Raises `TapeError`."""
    plans = SampledPlans(every_s=every_s, budget_s=30, hold_s=60, minutes_max=minutes)
    stream = stream_of_day(day, 7, SCOPE, source=plans, allow_suspect=True)
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
        mark = " (suspect)" if any(one.suspicions for one in stream.quality) else ""
        yield (
            f"| {day.symbol}{mark} | {day.date} | {name} | {len(stream.draws)} | "
            f"{len(naive.lines):,} | up to {100 * skipped // rows} % | "
            f"{'yes' if is_same else DIFFERS} |\n"
        )


def kept_rows(day: TapeDay, args: argparse.Namespace) -> list[str]:
    """The rows of a symbol-day, played or as they were kept. Raises `TapeError`."""
    name = f"{day.symbol}-{day.date}-{args.minutes}-{args.every}.md"
    place: Path | None = None if args.kept is None else args.kept / name
    if place is not None and place.exists():
        return place.read_text(encoding="utf-8").splitlines(keepends=True)
    found = list(checked(day, args.minutes, args.every))
    if place is not None:
        place.parent.mkdir(parents=True, exist_ok=True)
        beside = place.with_suffix(".new")
        beside.write_text("".join(found), encoding="utf-8")
        beside.replace(place)
    return found


def main() -> None:
    """Play all tapes; exit code 1 when any run differs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--minutes", type=int, default=60, help="of each day")
    parser.add_argument("--every", type=int, default=300, help="seconds from plan to plan")
    parser.add_argument("--symbol", action="append", help="only these")
    parser.add_argument("--kept", metavar="DIR", type=Path, help="rows of days that were played")
    parser.add_argument("--report", type=Path, help="file to write; default: the screen")
    args = parser.parse_args()
    watch, lines = Stopwatch(), []
    for day in list_tapes(tapes_root()):
        if args.symbol and day.symbol not in args.symbol:
            continue
        try:
            found = kept_rows(day, args)
        except TapeError as error:
            found = [f"| {day.symbol} | {day.date} | refused: {error.code} | | | | |\n"]
        sys.stderr.write("".join(found))
        lines += found
    doc = (__doc__ or "").partition("\n\n")[2].partition("\n\n")[2]
    text = f"# Passing over quiet time changes nothing\n\n{doc}\n"
    text += table(watch.rows(len(lines), "pairs of runs")) + "\n\n" + HEAD + "".join(lines)
    if args.report is None:
        sys.stdout.write(text)
    else:
        args.report.write_text(text, encoding="utf-8")
    sys.exit(1 if any(DIFFERS in line for line in lines) else 0)


if __name__ == "__main__":
    main()
