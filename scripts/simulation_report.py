"""A long simulation and its dated report.

    python scripts/simulation_report.py play 0:100000 build/seeds.jsonl
    python scripts/simulation_report.py write build/seeds.jsonl docs/reports/DATE-simulation.md

``play`` appends one line a seed, in one process (start several on ranges of their own; Ctrl-C keeps
what is done). ``write`` reads any number of such files and writes what was run, what was violated,
and what was not seen.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

from surefill.replay.simulate.aim import CANNOT, CELLS, PHASES
from surefill.replay.simulate.draw_faults import DRAWN
from surefill.replay.simulate.seeds import SeedResult, Total, play_seed
from surefill.sim.auditor import Violation

ROOT = Path(__file__).resolve().parents[1]
SHOWN = 40


def play(seeds: range, path: Path) -> None:
    """Play these seeds, one line each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        for seed in seeds:
            file.write(json.dumps(asdict(play_seed(seed))) + "\n")
            file.flush()


def read(paths: Iterable[Path]) -> Iterator[SeedResult]:
    """The results in these files, each seed once, in order."""
    rows = {}
    for path in paths:
        for line in path.read_text().splitlines():
            row = json.loads(line)
            rows[row["seed"]] = row
    for _, row in sorted(rows.items()):
        row["violations"] = tuple(Violation(**one) for one in row["violations"])
        row["cells"] = tuple(((code, phase), n) for (code, phase), n in row["cells"])
        yield SeedResult(**row)


def ranges(seeds: Iterable[int]) -> str:
    """``0-499, 600``."""
    found: list[list[int]] = []
    for seed in seeds:
        if found and seed == found[-1][1] + 1:
            found[-1][1] = seed
        else:
            found.append([seed, seed])
    return ", ".join(f"{a}-{b}" if a != b else str(a) for a, b in found)


def report(results: list[SeedResult], commit: str) -> str:
    """The report as Markdown."""
    total = Total()
    for result in results:
        total.add(result)
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    lines = [
        "# Simulation: a long run",
        "",
        "Written by `scripts/simulation_report.py`. What is simulated and what is not:",
        "[simulation](../simulation.md).",
        "",
        f"Commit {commit}; {machine}; seeds {ranges(one.seed for one in results)}.",
        "",
        "| | |",
        "|---|---|",
        *(f"| {name.strip()} | {value} |" for name, value in total.rows()),
        "",
        "## Violations",
        "",
        *(_violation(seed, one) for seed, one in total.violations[:SHOWN]),
    ]
    if not total.violations:
        lines.append("None.")
    return "\n".join([*lines, "", *_cells(total), *_smallest(results), ""])


def _violation(seed: int, one: Violation) -> str:
    return f"* seed {seed}: {one.code} {one.plan_id} {one.sentence}"


def _cells(total: Total) -> list[str]:
    """Faults that struck x phases of the trades that were open."""
    missing = [f"{code} x {phase}" for code, phase in CELLS if not total.cells[code, phase]]
    lines = ["## Faults by phase of the trades that were open", ""]
    lines += ["| | " + " | ".join(PHASES) + " |", "|---" * (len(PHASES) + 1) + "|"]
    for code in DRAWN:
        counts = (str(total.cells[code, phase] or "-") for phase in PHASES)
        lines.append(f"| {code} | " + " | ".join(counts) + " |")
    if missing:
        lines += ["", f"Cells not hit: {len(missing)} of the {len(CELLS)} that can be."]
        lines += ["", ", ".join(missing) + "."]
    else:
        lines += ["", f"Every one of the {len(CELLS)} cells that can be hit was hit."]
    lines += [f"* {code} x {phase} cannot be: {why}" for (code, phase), why in CANNOT.items()]
    return lines


def _smallest(results: list[SeedResult]) -> list[str]:
    """The smallest range of the seeds played in which every cell is hit."""
    wanted, seen, best = set(CELLS), Counter[tuple[str, str]](), None
    first = 0
    for result in results:
        seen.update(cell for cell, _ in result.cells if cell in wanted)
        while len(seen) == len(wanted):
            found = results[first].seed, result.seed
            best = found if best is None or found[1] - found[0] < best[1] - best[0] else best
            seen.subtract(cell for cell, _ in results[first].cells if cell in wanted)
            seen = +seen
            first += 1
    if best is None:
        return []
    return ["", f"The smallest range in which every cell is hit: seeds {best[0]} to {best[1]}."]


def commit_of(root: Path) -> str:
    """The commit that is checked out here."""
    command = ["git", "-C", str(root), "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def main(arguments: list[str]) -> None:
    """See the module docstring."""
    verb, *rest = arguments
    if verb == "play":
        first, _, last = rest[0].partition(":")
        play(range(int(first), int(last)), Path(rest[1]))
    else:
        *sources, target = map(Path, rest)
        Path(target).write_text(report(list(read(sources)), commit_of(ROOT)))


if __name__ == "__main__":
    main(sys.argv[1:])
