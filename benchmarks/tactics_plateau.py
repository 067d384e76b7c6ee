"""Whether the numbers of `adaptive` stand on a plateau: each of them moved, on the days to choose.

    python -m benchmarks.tactics_plateau CACHE

Fresh signals, fitted model, every second slot: cost beside legacy, average over symbols, and the
plans within reach that were complete. Writes ``plateau.md`` into the cache for the report.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

from benchmarks.entries import terms_of
from benchmarks.tactics import Result, play, reachable
from benchmarks.tactics_plans import PARTS, columns_of, day_of, plans_of
from benchmarks.tactics_report import SYMBOLS, complete, mean_bps, table
from surefill.core.plan import SECOND_NS
from surefill.replay.execution import market_of
from surefill.sim.calendar import session_on
from surefill.tactics import adaptive

Numbers = tuple[int, int, int]
"""CHEAP_PERCENT, EDGE_PERCENT, TIME_PER_SIZE_NS."""
CHOSEN: Numbers = (33, 40, 3 * SECOND_NS)
MOVED: tuple[Numbers, ...] = (
    CHOSEN,
    *((cheap, 40, 3 * SECOND_NS) for cheap in (15, 25, 45, 60)),
    *((33, edge, 3 * SECOND_NS) for edge in (25, 33, 50)),
    *((33, 40, seconds * SECOND_NS) for seconds in (0, 1, 2, 5)),
)
EVERY_S = 240


def main() -> None:
    """Play all of them, part by part."""
    folder = Path(sys.argv[1])
    found: dict[Numbers | str, dict[str, list[Result]]] = defaultdict(lambda: defaultdict(list))
    for part in PARTS["fit"]:
        tape = columns_of(part)
        day, market = day_of(tape), market_of(tape, session_on(part.date).close_ns)
        draws = [
            draw
            for draw in plans_of(part, day, every_s=EVERY_S)
            if draw.plan.signal_ns == draw.at_ns
        ]
        reach = [reachable(day, draw, terms_of(draw.plan).worst_px) for draw in draws]
        variants: tuple[Numbers | str, ...] = ("legacy", *MOVED)
        for numbers in variants:
            path = "legacy" if numbers == "legacy" else "adaptive"
            if not isinstance(numbers, str):
                adaptive.CHEAP_PERCENT, adaptive.EDGE_PERCENT, adaptive.TIME_PER_SIZE_NS = numbers
            found[numbers][part.symbol] += [
                play(day, market, draw, path=path, model="queue", reach=one)
                for draw, one in zip(draws, reach, strict=True)
            ]
        sys.stderr.write(f"{part.name}\n")
    lines = []
    for numbers in MOVED:
        ratios = [
            mean_bps(found[numbers][symbol]) / mean_bps(found["legacy"][symbol])
            for symbol in SYMBOLS
        ]
        rows = [row for symbol in SYMBOLS for row in found[numbers][symbol]]
        cheap, edge, ns = numbers
        mark = " (chosen)" if numbers == CHOSEN else ""
        lines.append(
            (
                *(f"{cheap} %{mark}", f"{edge} %", f"{ns // SECOND_NS} s"),
                *(f"{ratio:.2f}" for ratio in ratios),
                f"{sum(ratios) / len(ratios):.2f}",
                complete(rows),
            )
        )
    head = ("cheap", "at the edge", "a displayed size", *SYMBOLS, "average", "complete")
    (folder / "plateau.md").write_text(table(head, lines), encoding="utf-8")


if __name__ == "__main__":
    main()
