"""How long shares were without a stop, in the venue's own log, by style and by condition.

    python scripts/cover_report.py play 10000:10200 build/cover.jsonl    # every seed of the range
    python scripts/cover_report.py play 0:3000:10 build/cover.jsonl      # calm seeds only
    python scripts/cover_report.py recovery 25 build/recovery.jsonl      # so many bare trades
    python scripts/cover_report.py write build/*.jsonl docs/reports/DATE-cover.md

A gap is a stretch of venue time in which filled shares had no working stop (`sim.auditor`). It is
counted under the worst thing that was going on meanwhile: the process dead (from its death to 10 s
after its start), requests failing, the stream losing messages, somebody or the venue interfering, a
halt; else under nothing. Gaps in which the venue refused a stop, or the shares were being closed
already, are counted apart. ``write`` makes the report.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from time import process_time

from surefill.core.trade import Trade
from surefill.replay.simulate.draw import draw_scenario
from surefill.replay.simulate.play import Played, play
from surefill.replay.simulate.recovery import recover
from surefill.replay.simulate.strikes import RESTART_GRACE_MS, excuses_of
from surefill.replay.simulate.verdict import ends_of, judge
from surefill.sim.auditor_report import Gap
from surefill.sim.faults import NS_PER_MS

ROOT = Path(__file__).resolve().parents[1]
CALM, NOTHING = "calm seeds", "nothing near"
CONDITIONS = (
    CALM,
    NOTHING,
    "stream loses messages",
    "requests fail",
    "venue or people",
    "process dead",
)
NEAR_NS = 5_000 * NS_PER_MS
"""What struck so long before a gap may be its reason."""
_BY_LETTER = {"W": 2, "N": 3, "V": 4}
Row = dict[str, object]


def _stretches(played: Played) -> Iterator[tuple[int, int, int]]:
    """(start, end, condition) of everything that went wrong."""
    for strike in played.faults.strikes:
        end_ns = strike.at_ns
        for excuse in excuses_of([strike]):
            end_ns = max(end_ns, excuse.to_ns + excuse.grace_ms * NS_PER_MS)
        yield strike.at_ns, end_ns, _BY_LETTER[strike.code.value[0]]
    for at_ns, _ in played.meddled:
        yield at_ns, at_ns, 4
    for halt in played.halts:
        yield halt.start_ns, halt.end_ns, 4
    for start_ns, end_ns in played.blocks:
        yield start_ns, end_ns, 4
    for died_ns, started_ns in played.downs:
        yield died_ns, started_ns + RESTART_GRACE_MS * NS_PER_MS, 5


def condition_of(gap: Gap, played: Played) -> str:
    """The worst that was going on in a gap, or shortly before it."""
    if played.scenario.is_calm:
        return CALM
    near = [
        rank
        for start_ns, end_ns, rank in _stretches(played)
        if start_ns <= gap.end_ns and end_ns + NEAR_NS >= gap.start_ns
    ]
    return CONDITIONS[max(near, default=1)]


def style_of(trade: Trade) -> str:
    """How its shares were to be protected."""
    return "legacy bracket" if trade.is_legacy else trade.style.value.lower()


def play_seeds(seeds: range, path: Path) -> None:
    """One line a trade that entered: its style, and its gaps by condition."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        for seed in seeds:
            for row in rows_of(play(draw_scenario(seed))):
                file.write(json.dumps(row) + "\n")
            file.flush()


def rows_of(played: Played) -> Iterator[Row]:
    """The trades of a run that entered."""
    close_ns = played.scenario.close_ns
    gaps = [gap for gap in judge(played)[0].gaps if gap.start_ns < close_ns]
    for plan_id, trade in ends_of(played).items():
        if not isinstance(trade, Trade) or not trade.entry_qty:
            continue
        told = [
            (one.end_ns - one.start_ns, one.share_ns, one.is_exposed, condition_of(one, played))
            for one in gaps
            if one.plan_id == plan_id
        ]
        yield {
            "seed": played.scenario.seed,
            "calm": played.scenario.is_calm,
            "style": style_of(trade),
            "gaps": told,
        }


def recoveries(counts: Iterable[int], path: Path) -> None:
    """One line for each number of open trades that a new process finds bare."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        for count in counts:
            began = process_time()
            row = recover(count).as_row()
            file.write(json.dumps(row | {"cpu_s": round(process_time() - began)}) + "\n")
            file.flush()


def _at(values: list[int], per_mille: int) -> int:
    ordered = sorted(values)
    return ordered[max(0, -(-per_mille * len(ordered) // 1_000) - 1)] if ordered else 0


def _ms(value: int) -> str:
    return f"{value / 1_000_000:,.0f}"


def _figures(values: list[int]) -> str:
    cells = (_at(values, 500), _at(values, 990), max(values, default=0))
    return " | ".join(_ms(value) for value in cells)


def _gap_table(rows: list[Row], *, is_exposed: bool) -> list[str]:
    lines = ["| condition | style | gaps | p50 ms | p99 ms | max ms |", "|---|---|---|---|---|---|"]
    for condition in CONDITIONS:
        for style in sorted({str(row["style"]) for row in rows}):
            found = [
                gap[0]
                for row in rows
                if row["style"] == style
                for gap in row["gaps"]  # type: ignore[attr-defined]
                if gap[3] == condition and gap[2] is is_exposed
            ]
            if found:
                lines.append(f"| {condition} | {style} | {len(found)} | {_figures(found)} |")
    return lines


def _share_table(rows: list[Row]) -> list[str]:
    """Share-seconds of each trade: all of its gaps, with the worst condition that any had."""
    by_key: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row in rows:
        gaps: list[list[int]] = row["gaps"]  # type: ignore[assignment]
        worst = max(
            (CONDITIONS.index(str(gap[3])) for gap in gaps), default=0 if row["calm"] else 1
        )
        by_key[CONDITIONS[worst], str(row["style"])].append(sum(gap[1] for gap in gaps))
    lines = [
        "| worst condition of the trade | style | trades | p50 | p99 | max |",
        "|---|---|---|---|---|---|",
    ]
    for condition in CONDITIONS:
        for (name, style), values in sorted(by_key.items()):
            if name == condition:
                cells = (_at(values, 500), _at(values, 990), max(values))
                shown = " | ".join(f"{value / 10**18:,.1f}" for value in cells)
                lines.append(f"| {condition} | {style} | {len(values)} | {shown} |")
    return lines


def report(rows: list[Row], found: list[Row], commit: str) -> str:
    """The report as Markdown."""
    seeds = sorted({int(str(row["seed"])) for row in rows})
    lines = [
        "# Shares without a stop",
        "",
        "Written by `scripts/cover_report.py`, from the venue's own log. The limits: healthy 1.5 s",
        "(99 in 100: 1.0 s); stream down 5 s; requests failing: 2 s from the first that works;",
        "after a start 10 s. `surefill simulate` judges, seed by seed; here are the figures.",
        "",
        f"Commit {commit}; {len(seeds)} seeds ({seeds[0]} to {seeds[-1]}) in which anything was",
        f"entered, {len(rows)} trades.",
        "",
        "## How long a gap lasted, venue time",
        "",
        *_gap_table(rows, is_exposed=False),
        "",
        "Gaps in which the venue refused the stop, or the shares were being closed:",
        "",
        *_gap_table(rows, is_exposed=True),
        "",
        "## Uncovered share-seconds of a trade",
        "",
        *_share_table(rows),
    ]
    if found:
        lines += [
            "",
            "## A new process that finds trades bare",
            "",
            "All filled while the process was dead, nothing covered; 200 requests a minute in the",
            "broker's fixed windows; no faults. Seconds from the start, by its log. Reads of",
            "reference data, which wait behind everything that protects, are left out.",
            "",
            "| bare | covered before | first | half | 99 in 100 | last | requests |",
            "|---|---|---|---|---|---|---|",
        ]
        lines += [
            f"| {row['bare']} | {row['covered']} | {row['first_s']} | {row['half_s']} | "
            f"{row['p99_s']} | {row['last_s']} | {row['requests']} |"
            for row in sorted(found, key=lambda row: int(str(row["bare"])))
        ]
    return "\n".join([*lines, ""])


def main(arguments: list[str]) -> None:
    """See the module docstring."""
    verb, *rest = arguments
    if verb == "play":
        play_seeds(range(*map(int, rest[0].split(":"))), Path(rest[1]))
    elif verb == "recovery":
        recoveries(map(int, rest[0].split(",")), Path(rest[1]))
    else:
        *sources, target = map(Path, rest)
        rows = [json.loads(line) for path in sources for line in path.read_text().splitlines()]
        trades = [row for row in rows if "style" in row]
        found = [row for row in rows if "bare" in row]
        command = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
        commit = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        Path(target).write_text(report(trades, found, commit))


if __name__ == "__main__":
    main(sys.argv[1:])
