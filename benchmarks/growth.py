"""Cost as work grows: time and memory against quotes, trades and symbols, over three decades.

    python -m benchmarks.growth --report docs/reports/2026-11-23-speed.md \
        --plot docs/reports/2026-11-23-speed-growth.svg

Each point is a process of its own, so that its memory is its own. Quotes: ten trades, more and more
market around them. Trades: a trade every 100 quotes, more and more of them. Symbols: two trades in
each of more and more symbols of one account. Time is processor time of the run without its start;
memory is the most that the process had, beyond a run of next to nothing.
The picture is drawn by matplotlib in an environment of its own (benchmarks/peer_env.py).
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bracket_work import bids, rule
from benchmarks.peer_env import NoPeer, ask, environment
from benchmarks.replay_work import plans_of, play, tape_of
from benchmarks.samples import number
from tests.support.report import Row, Stopwatch, write_section

AXES: dict[str, tuple[int, ...]] = {
    "quotes": (1_000, 10_000, 100_000, 1_000_000),
    "trades": (1, 10, 100, 1_000),
    "symbols": (1, 10, 100, 1_000),
}
SYMBOL_QUOTES = 200


@dataclass(frozen=True, slots=True)
class Point:
    """One run. ``cpu_s`` and ``rss_mb`` are what it took."""

    axis: str
    size: int
    cpu_s: float
    rss_mb: float


def measure(axis: str, size: int) -> Point:
    """Play one point here."""
    if axis == "symbols":
        names = [
            f"S{chr(65 + n // 676)}{chr(65 + n // 26 % 26)}{chr(65 + n % 26)}" for n in range(size)
        ]
        works = [(name, bids(SYMBOL_QUOTES, seed=n)) for n, name in enumerate(names)]
        tapes = [tape_of(bid, name) for name, bid in works]
        arrivals = [one for name, bid in works for one in plans_of(rule(bid, 100), symbol=name)]
    else:
        count, every = (size, max(100, size // 10)) if axis == "quotes" else (size * 112 + 100, 100)
        bid = bids(count)
        tapes, arrivals = [tape_of(bid)], plans_of(rule(bid, every))
        if axis == "trades":
            arrivals = arrivals[:size]
    played = play(tapes, arrivals)
    assert played.trades == len(arrivals), (axis, size, played, len(arrivals))
    return Point(axis, size, played.cpu_s, played.rss_mb)


def measure_apart(axis: str, size: int) -> Point:
    """Play one point in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.growth", "--point", axis, str(size)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment())
    return Point(**json.loads(done.stdout))


def slope(points: Sequence[Point]) -> float:
    """The exponent between the last two points: 1 is a straight line."""
    last, before = points[-1], points[-2]
    return math.log(last.cpu_s / before.cpu_s) / math.log(last.size / before.size)


def rows_of(points: Sequence[Point], axis: str) -> list[Row]:
    """Time and memory of an axis, and whether it is straight."""
    own = [point for point in points if point.axis == axis]
    sizes = " / ".join(f"{point.size:,}" for point in own)
    seconds = " / ".join(number(point.cpu_s) for point in own)
    memory = " / ".join(number(point.rss_mb) for point in own)
    last = own[-1]
    told = f"{seconds} s; exponent at the end {slope(own):.2f}; "
    told += f"{number(last.cpu_s / last.size * 1e6)} us each"
    grown = (last.rss_mb - own[0].rss_mb) * 1024 / max(1, last.size - own[0].size)
    return [
        (f"{axis}: {sizes}", told),
        (f"{axis}: memory", f"{memory} MB; {number(grown)} kB each"),
    ]


def main() -> None:
    """Measure, report, draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--point", nargs=2, metavar=("AXIS", "SIZE"))
    parser.add_argument("--decades", type=int, default=3, help="fewer is faster")
    parser.add_argument("--report")
    parser.add_argument("--plot", type=Path)
    args = parser.parse_args()
    if args.point:
        point = measure(args.point[0], int(args.point[1]))
        print(json.dumps({name: getattr(point, name) for name in Point.__slots__}))
        return
    watch = Stopwatch()
    points = [
        measure_apart(axis, size)
        for axis, sizes in AXES.items()
        for size in sizes[: args.decades + 1]
    ]
    rows = [row for axis in AXES for row in rows_of(points, axis)]
    if args.plot is not None:
        told = [[point.axis, point.size, point.cpu_s, point.rss_mb] for point in points]
        try:
            ask("plot", "growth_plot", json.dumps(told), args.plot.resolve())
        except NoPeer as error:
            rows.append(("picture", f"not drawn: {error}"))
    rows += watch.rows(len(points), "points")
    write_section("Cost as work grows", rows, path=args.report)


if __name__ == "__main__":
    main()
