"""All of the comparison of the fast book with the naive one, over all cores, with a bar.

    python -m tests.sim.differential 100000 --tapes --report REPORT.md

``--tapes`` adds every recorded day that is found (SUREFILL_TAPES) and as many synthetic ones.
"""

from __future__ import annotations

import argparse
from functools import partial

from surefill.sim.calendar import session_on
from surefill.sim.profiles import PROFILES
from surefill.sim.synthetic import SyntheticTape
from surefill.sim.tape import list_tapes, open_tape
from tests.sim.book_pair import EVENTS, agree_on_history, agree_on_tape
from tests.sim.tapes import tapes_root
from tests.support.chunks import run_chunks
from tests.support.report import Row, Stopwatch, write_section

CHUNK = 500
"""Histories of one task."""
SYNTHETIC_DAYS = (20260302, 20260303, 20260304, 20260305, 20260306)

Sums = tuple[int, int, int]


def histories(first: int, count: int, number: int) -> int:
    """Executions of one task's histories, out of seeds ``first`` .. ``first + count - 1``."""
    start = first + number * CHUNK
    return sum(agree_on_history(seed) for seed in range(start, min(start + CHUNK, first + count)))


def recorded(number: int) -> Sums:
    """One recorded day."""
    day = list_tapes(tapes_root())[number]
    return agree_on_tape(open_tape(day).columns(), day.date)


def synthetic(number: int) -> Sums:
    """One synthetic day."""
    profiles = sorted(PROFILES)
    date = SYNTHETIC_DAYS[number // len(profiles)]
    profile = PROFILES[profiles[number % len(profiles)]]
    tape = SyntheticTape(number, "TWIN", session_on(date), profile=profile)
    return agree_on_tape(tape.columns(), date)


def compare_tapes(workers: int) -> list[Row]:
    """All days of both kinds."""
    days = len(list_tapes(tapes_root())) if tapes_root().is_dir() else 0
    rows = [] if days else [("recorded days", f"none at hand ({tapes_root().name})")]
    synthetic_days = len(SYNTHETIC_DAYS) * len(PROFILES)
    for title, work, count in (
        ("recorded", recorded, days),
        ("synthetic", synthetic, synthetic_days),
    ):
        if not count:
            continue
        found = list(run_chunks(work, range(count), workers=workers, title=title))
        events, orders, fills = (sum(column) for column in zip(*found, strict=True))
        told = f"{events:,} events, {orders:,} orders, {fills:,} executions"
        rows.append((f"{title} days", f"{count}: {told}"))
    return rows


def main() -> None:
    """Compare and report."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("count", type=int, nargs="?", default=2_000)
    parser.add_argument("--seed", type=int, default=0, help="of the first history")
    parser.add_argument("--tapes", action="store_true")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--report")
    args = parser.parse_args()
    watch = Stopwatch()
    rows = compare_tapes(args.workers) if args.tapes else []
    work = partial(histories, args.seed, args.count)
    chunks = range(-(-args.count // CHUNK))
    fills = sum(run_chunks(work, chunks, workers=args.workers, title="histories"))
    last = args.seed + args.count - 1
    rows += [
        ("random histories", f"{args.count:,} of {EVENTS} events, seeds {args.seed} to {last}"),
        ("their executions", f"{fills:,}"),
        ("differences", "0"),
        *watch.rows(args.count, "histories (with the tapes)" if args.tapes else "histories"),
    ]
    write_section("The book against a naive one", rows, path=args.report)


if __name__ == "__main__":
    main()
