"""Write the mutation report: per module what was killed and what survived, and why that may be.

    python scripts/mutation_report.py build/mutation docs/reports/DATE-mutation.md --commit REV

Reads ``results.jsonl`` of `scripts/mutants.py`, the last line of each mutant, and the explanations
in ``scripts/mutation_notes.json``: pattern of a change -> why it survives. A survivor that nothing
explains is listed as open. Percentages are of the mutants that were run, and what was not is said.
"""

from __future__ import annotations

import argparse
import difflib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

NOTES = Path(__file__).with_name("mutation_notes.json")
KILLED = ("killed", "timeout")


def last_rows(folder: Path) -> dict[str, dict[str, Any]]:
    """The last result of every mutant whose function is still what it was."""
    lines = (folder / "results.jsonl").read_text(encoding="utf-8").splitlines()
    hashes: dict[str, str] = {}
    for meta in (folder / "mutants" / "src" / "surefill" / "core").glob("*.py.meta"):
        known = json.loads(meta.read_text(encoding="utf-8"))["hash_by_function_name"]
        module = meta.name.removesuffix(".py.meta")
        hashes |= {f"surefill.core.{module}.{name}": value for name, value in known.items()}
    rows = {row["mutant"]: row for row in map(json.loads, lines)}
    return {
        name: row
        for name, row in rows.items()
        if hashes.get(name.rpartition("__mutmut_")[0]) == row["hash"]
    }


def counts(folder: Path) -> Counter[str]:
    """How many mutants each module has."""
    found: Counter[str] = Counter()
    for meta in (folder / "mutants" / "src").rglob("*.py.meta"):
        names = json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"]
        found[meta.name.removesuffix(".py.meta")] += len(names)
    return found


def change(folder: Path, mutant: str) -> str:
    """What the mutant changes, as one line: ``before -> after``."""
    _, _, module, name = mutant.split(".", 3)
    path = folder / "mutants" / "src" / "surefill" / "core" / f"{module}.py"
    source, base = path.read_text(encoding="utf-8"), name.rpartition("__mutmut_")[0]
    before, after = (_body(source, n) for n in (f"{base}__mutmut_orig", name))
    lines = list(difflib.ndiff(before, after))
    old = " ".join(line[2:].strip() for line in lines if line.startswith("- "))
    new = " ".join(line[2:].strip() for line in lines if line.startswith("+ "))
    return f"`{old}` -> `{new}`"


def _body(source: str, name: str) -> list[str]:
    pattern = rf"^( *)def {re.escape(name)}\((?:.*\n)(?:(?:\1 +.*|\1\).*)?\n)*"
    found = re.search(pattern, source, re.MULTILINE)
    return found.group(0).replace(name, "f").splitlines() if found else []


def lines_of(folder: Path, rows: dict[str, dict[str, Any]]) -> Iterator[str]:
    """The table of modules."""
    total = counts(folder)
    by_module: dict[str, Counter[str]] = defaultdict(Counter)
    for name, row in rows.items():
        by_module[name.split(".")[2]][row["status"]] += 1
    yield "| module | mutants | run | killed | time-outs | survived | no test | killed of run |"
    yield "|---|---:|---:|---:|---:|---:|---:|---:|"
    whole: Counter[str] = sum(by_module.values(), Counter())
    for module in (*sorted(total, key=lambda m: (-by_module[m].total(), m)), ""):
        found, size = (by_module[module], total[module]) if module else (whole, total.total())
        if not size:
            continue
        run = found.total()
        survived = found["survived"] + found["survived some"]
        share = f"{100 * sum(found[s] for s in KILLED) / run:.1f} %" if run else "not run"
        numbers = [size, run, found["killed"], found["timeout"], survived, found["no tests"]]
        yield f"| {module or '**all**'} | {' | '.join(map(str, numbers))} | {share} |"


def survivors(folder: Path, rows: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Each survivor with its change and its explanation."""
    notes: dict[str, str] = json.loads(NOTES.read_text(encoding="utf-8"))
    for name, row in sorted(rows.items()):
        if row["status"] in KILLED:
            continue
        short, what = name.removeprefix("surefill.core."), change(folder, name)
        why = next((text for key, text in notes.items() if fnmatch(short, key)), "open")
        asked = "" if row["tests"] == row["of"] else f" ({row['tests']} of {row['of']} tests asked)"
        yield f"* {short}{asked}: {what}. {why}"


def main() -> None:
    """Write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--commit", required=True)
    parser.add_argument("--preface", default="", help="what was run, in a sentence")
    options = parser.parse_args()
    rows = last_rows(options.folder)
    text = [f"# Mutation testing of core, {options.out.name[:10]}", ""]
    text += [f"*Written by `scripts/mutation_report.py` at {options.commit}.*", ""]
    text += [options.preface, "", *lines_of(options.folder, rows), "", "## Survivors", ""]
    text += survivors(options.folder, rows)
    options.out.write_text("\n".join(text).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
