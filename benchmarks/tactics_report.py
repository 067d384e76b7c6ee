"""Tables and a picture of `benchmarks.tactics`: what each way in costs beside the legacy order.

    python -m benchmarks.tactics_report CACHE docs/reports/2026-11-23-tactics.md

Intervals: 95 %, by resampling symbol-hours with replacement (symbol-days would be three a symbol at
most; what depends over more than an hour is not covered). "of legacy" is the ratio of the means;
its average weighs symbols alike. Cost in bps of the signal price, positive is cost. The text
between the tables is written by hand into the report; this script replaces what stands between its
marks.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random

from benchmarks.tactics import FEW, PATHS, Result, file_of
from benchmarks.tactics_picture import Panel, Point, picture
from benchmarks.tactics_plans import PARTS, SIZES

ROUNDS = 1_000
HOUR_NS = 3_600 * 1_000_000_000
SYMBOLS = ("AIG", "BAC", "IBM", "AMZN")
MODELS = ("queue", "last", "first")
Blocks = dict[str, list[list[Result]]]
"""Symbol -> its hours, each the results of one path in the order of the plans."""


@cache
def results(cache_dir: Path, days: str, model: str, path: str) -> dict[str, tuple[Result, ...]]:
    """Part -> its results."""
    found = {}
    for part in PARTS[days]:
        place = file_of(cache_dir, part.name, (model, path))
        if place.exists():
            lines = place.read_text(encoding="utf-8").splitlines()
            found[part.name] = tuple(Result(**json.loads(line)) for line in lines)
    return found


def blocks_of(
    found: dict[str, tuple[Result, ...]], wanted: Callable[[Result], bool] = lambda _: True
) -> Blocks:
    """Symbol-hours."""
    blocks: Blocks = {}
    for part, rows in found.items():
        hours: dict[int, list[Result]] = defaultdict(list)
        for row in rows:
            if wanted(row):
                hours[row.at_ns // HOUR_NS].append(row)
        blocks.setdefault(part.partition("-")[0], []).extend(hours.values())
    return blocks


def mean_bps(rows: Iterable[Result]) -> float:
    """Mean shortfall."""
    costs = [row.shortfall_ppb for row in rows]
    return sum(costs) / len(costs) / 100_000


def flat(blocks: Sequence[Sequence[Result]]) -> list[Result]:
    """The results of some blocks."""
    return [row for block in blocks for row in block]


def ratios(path: Blocks, legacy: Blocks, picked: dict[str, list[int]]) -> dict[str, float]:
    """Symbol -> mean of the path / mean of legacy, of these blocks."""
    return {
        symbol: mean_bps(flat([path[symbol][n] for n in blocks]))
        / mean_bps(flat([legacy[symbol][n] for n in blocks]))
        for symbol, blocks in picked.items()
    }


def interval(draw: Callable[[dict[str, list[int]]], float], blocks: Blocks) -> tuple[float, float]:
    """95 % of what the statistic is on resampled hours; symbols stay as many as they are."""
    chance = Random(7)
    seen = []
    for _ in range(ROUNDS):
        picked = {
            symbol: chance.choices(range(len(hours)), k=len(hours))
            for symbol, hours in blocks.items()
        }
        seen.append(draw(picked))
    seen.sort()
    tail = ROUNDS // 40
    return seen[tail], seen[-1 - tail]


def complete(rows: Sequence[Result]) -> str:
    """Share of the plans within reach that were entered completely."""
    within = [row for row in rows if row.is_reachable]
    whole = sum(row.filled == row.size for row in within)
    return f"{100 * whole / len(within):.1f} %" if within else "-"


def improved(rows: Iterable[Result], percent: int) -> list[Result]:
    """With so much of what was paid beyond the mid given back."""
    return [
        replace(row, shortfall_ppb=row.shortfall_ppb - row.beyond_ppb * percent // 100)
        for row in rows
    ]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Markdown."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


class Study:
    """The tables of one set of days."""

    def __init__(self, cache_dir: Path, days: str) -> None:
        self.cache_dir, self.days = cache_dir, days

    def of(self, model: str, path: str, *, stale_s: int = 0, size: int | None = None) -> Blocks:
        """The blocks of one run."""
        return blocks_of(
            results(self.cache_dir, self.days, model, path),
            lambda row: row.stale_s == stale_s and size in (None, row.size),
        )

    def paths(self, model: str) -> list[str]:
        """What was played on every part."""
        wanted = PATHS if model == "queue" else FEW
        parts = len(PARTS[self.days])
        return [p for p in wanted if len(results(self.cache_dir, self.days, model, p)) == parts]

    def overview(self) -> str:
        """Every path beside legacy, fresh signals."""
        lines = []
        for model in MODELS:
            for path in self.paths(model):
                if path != "legacy":
                    lines.append((model, path, *self._beside_legacy(model, path)))
        head = ("model", "path", *SYMBOLS, "average [95 %]", "complete", *SYMBOLS)
        return table(head, lines)

    def _beside_legacy(self, model: str, path: str, *, percent: int = 0) -> tuple[str, ...]:
        mine, legacy = self.of(model, path), self.of(model, "legacy")
        if percent:
            legacy = {s: [improved(b, percent) for b in blocks] for s, blocks in legacy.items()}
        whole = {symbol: list(range(len(hours))) for symbol, hours in legacy.items()}
        found = ratios(mine, legacy, whole)
        low, high = interval(lambda picked: _mean(ratios(mine, legacy, picked).values()), legacy)
        return (
            *(f"{found[symbol]:.2f}" for symbol in SYMBOLS),
            f"**{_mean(found.values()):.2f}** [{low:.2f}, {high:.2f}]",
            complete([row for symbol in SYMBOLS for row in flat(mine[symbol])]),
            *(complete(flat(mine[symbol])) for symbol in SYMBOLS),
        )

    def improvement(self) -> str:
        """`adaptive` beside a legacy order that gets price improvement."""
        lines = [
            (model, f"{percent} %", *self._beside_legacy(model, "adaptive", percent=percent)[:5])
            for model in MODELS
            for percent in (0, 25, 50)
        ]
        return table(("model", "improvement of legacy", *SYMBOLS, "average [95 %]"), lines)

    def costs(self, *, stale_s: int = 0) -> str:
        """Mean and tail in bps under the fitted model."""
        lines = []
        for symbol in SYMBOLS:
            for path in self.paths("queue"):
                blocks = {symbol: self.of("queue", path, stale_s=stale_s)[symbol]}
                rows = flat(blocks[symbol])
                spread = interval(_mean_of(blocks, symbol), blocks)
                costs = sorted(row.shortfall_ppb / 100_000 for row in rows)
                tail = costs[-(-95 * len(costs) // 100) - 1]
                shares = sum(row.filled for row in rows) / sum(row.size for row in rows)
                lines.append(
                    (
                        *(symbol, path, f"{len(rows)}", f"{mean_bps(rows):+.2f}"),
                        f"[{spread[0]:+.2f}, {spread[1]:+.2f}]",
                        *(f"{tail:+.1f}", f"{costs[-1]:+.1f}", f"{100 * shares:.1f} %"),
                        complete(rows),
                    )
                )
        head = ("symbol", "path", "plans", "mean", "95 %", "p95", "worst", "shares", "complete")
        return table(head, lines)

    def sizes(self) -> str:
        """`adaptive` by size."""
        lines = []
        for model in MODELS:
            for size in SIZES:
                mine = self.of(model, "adaptive", size=size)
                legacy = self.of(model, "legacy", size=size)
                whole = {symbol: list(range(len(hours))) for symbol, hours in legacy.items()}
                found = ratios(mine, legacy, whole)
                rows = [row for symbol in SYMBOLS for row in flat(mine[symbol])]
                cells = [f"{found[s]:.2f} ({complete(flat(mine[s]))})" for s in SYMBOLS]
                average = f"{_mean(found.values()):.2f} ({complete(rows)})"
                lines.append((model, f"{size:,}", *cells, average))
        return table(("model", "shares", *SYMBOLS, "average"), lines)

    def stale(self) -> str:
        """Signals a minute old: differences in bps, because legacy's mean is mostly the market."""
        lines = []
        for model in MODELS:
            for path in ("adaptive", "limit", "passive"):
                if path not in self.paths(model):
                    continue
                mine = self.of(model, path, stale_s=60)
                legacy = self.of(model, "legacy", stale_s=60)
                cells = [self._difference(mine, legacy, symbol) for symbol in SYMBOLS]
                rows = [row for symbol in SYMBOLS for row in flat(mine[symbol])]
                lines.append((model, path, *cells, complete(rows)))
        return table(("model", "path", *SYMBOLS, "complete"), lines)

    def _difference(self, mine: Blocks, legacy: Blocks, symbol: str) -> str:
        def apart(picked: dict[str, list[int]]) -> float:
            blocks = picked[symbol]
            own = mean_bps(flat([mine[symbol][n] for n in blocks]))
            return own - mean_bps(flat([legacy[symbol][n] for n in blocks]))

        only = {symbol: legacy[symbol]}
        low, high = interval(apart, only)
        middle = apart({symbol: list(range(len(legacy[symbol])))})
        return f"{middle:+.2f} [{low:+.2f}, {high:+.2f}]"

    def panels(self) -> list[Panel]:
        """Cost against completion of every path, one panel a symbol."""
        panels = []
        for symbol in SYMBOLS:
            points = []
            for path in self.paths("queue"):
                blocks = {symbol: self.of("queue", path)[symbol]}
                rows = flat(blocks[symbol])
                low, high = interval(_mean_of(blocks, symbol), blocks)
                within = [row for row in rows if row.is_reachable]
                whole = sum(row.filled == row.size for row in within) / len(within)
                points.append(Point(path, 100 * whole, mean_bps(rows), low, high))
            panels.append(Panel(symbol, points))
        return panels


def _mean(values: Iterable[float]) -> float:
    known = list(values)
    return sum(known) / len(known)


def _mean_of(blocks: Blocks, symbol: str) -> Callable[[dict[str, list[int]]], float]:
    return lambda picked: mean_bps(flat([blocks[symbol][n] for n in picked[symbol]]))


def sections(cache_dir: Path) -> dict[str, str]:
    """Mark -> what stands there."""
    found = {}
    for days in PARTS:
        study = Study(cache_dir, days)
        if set(study.paths("first")) >= {"legacy", "adaptive"}:
            found[f"{days} overview"] = study.overview()
            found[f"{days} improvement"] = study.improvement()
            found[f"{days} sizes"] = study.sizes()
            found[f"{days} stale"] = study.stale()
            found[f"{days} costs"] = study.costs()
    plateau = cache_dir / "plateau.md"
    if plateau.exists():
        found["plateau"] = plateau.read_text(encoding="utf-8")
    return found


def main() -> None:
    """Write the tables into the report and the picture beside it."""
    cache_dir, report = Path(sys.argv[1]), Path(sys.argv[2])
    text = report.read_text(encoding="utf-8")
    for mark, body in sections(cache_dir).items():
        begin, end = f"<!-- {mark} -->", f"<!-- /{mark} -->"
        if begin in text:
            head, _, rest = text.partition(begin)
            text = f"{head}{begin}\n\n{body}\n{end}{rest.partition(end)[2]}"
    report.write_text(text, encoding="utf-8")
    for days in PARTS:
        study = Study(cache_dir, days)
        if study.paths("queue"):
            place = report.with_name(f"{report.stem}-{days}.svg")
            place.write_text(picture(study.panels()), encoding="utf-8")


if __name__ == "__main__":
    main()
