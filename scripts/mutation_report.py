"""Write the mutation report: per module what was killed and what survived, and why that may be.

    python scripts/mutation_report.py build/mutation docs/reports/DATE-mutation.md --commit REV

Reads ``results.jsonl`` of `scripts/mutants.py`, the last line of each mutant, and the explanations
in ``scripts/mutation_notes.json``: a change -> why it survives. A survivor that nothing explains is
listed as open. Percentages are of the mutants that were run, and what was not is said.
A note's key is ``WHERE: OLD => NEW``, a pattern of the function's name and the piece of text that
the mutant replaces; it goes on holding when the function's other lines change.
"""

from __future__ import annotations

import argparse
import difflib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any

NOTES = Path(__file__).with_name("mutation_notes.json")
KILLED = ("killed", "timeout")


def hashes_of(folder: Path) -> dict[str, str]:
    """Every mutant of the copy, and the hash of its function."""
    found: dict[str, str] = json.loads((folder / "mutants.json").read_text(encoding="utf-8"))
    return found


def last_rows(folder: Path) -> dict[str, dict[str, Any]]:
    """The last result of every mutant whose function is still what it was."""
    lines = (folder / "results.jsonl").read_text(encoding="utf-8").splitlines()
    rows = {row["mutant"]: row for row in map(json.loads, lines)}
    hashes = hashes_of(folder)
    return {name: row for name, row in rows.items() if hashes.get(name) == row["hash"]}


@dataclass(frozen=True)
class Change:
    """What a mutant changes, each side as one line."""

    before: str
    after: str

    def __str__(self) -> str:
        return f"`{self.before}` -> `{self.after}`"

    def is_of(self, old: str, new: str) -> bool:
        """Whether one ``old`` made ``new`` is the whole change."""
        parts = self.before.split(old)
        return any(
            old.join(parts[:n]) + new + old.join(parts[n:]) == self.after
            for n in range(1, len(parts))
        )


def change(folder: Path, mutant: str) -> Change:
    """What the mutant changes."""
    _, _, module, name = mutant.split(".", 3)
    source = _source(folder / "src" / "surefill" / "core" / f"{module}.py")
    base = name.rpartition("__mutmut_")[0]
    before, after = (_body(source, n) for n in (f"{base}__mutmut_orig", name))
    lines = list(difflib.ndiff(before, after))
    old = " ".join(line[2:].strip() for line in lines if line.startswith("- "))
    new = " ".join(line[2:].strip() for line in lines if line.startswith("+ "))
    return Change(" ".join(old.split()), " ".join(new.split()))


def explanation(notes: dict[str, str], mutant: str, what: Change) -> str:
    """Why it may survive, or nothing."""
    short = mutant.removeprefix("surefill.core.").rpartition("__mutmut_")[0]
    for key, why in notes.items():
        where, _, rule = key.partition(": ")
        old, _, new = rule.partition(" => ")
        if fnmatch(short, where) and what.is_of(old, new):
            return why
    return ""


@cache
def _source(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _body(source: str, name: str) -> list[str]:
    pattern = rf"^( *)def {re.escape(name)}\((?:.*\n)(?:(?:\1 +.*|\1\).*)?\n)*"
    found = re.search(pattern, source, re.MULTILINE)
    return found.group(0).replace(name, "f").splitlines() if found else []


@dataclass(frozen=True)
class Survivor:
    """A mutant that no test noticed; ``why`` it may live, or nothing."""

    mutant: str
    asked: str
    what: Change
    why: str

    @property
    def module(self) -> str:
        """Of core."""
        return self.mutant.split(".")[2]

    def __str__(self) -> str:
        short = self.mutant.removeprefix("surefill.core.")
        return f"* {short}{self.asked}: {self.what}. {self.why or '**open**'}"


def survivors(folder: Path, rows: dict[str, dict[str, Any]]) -> list[Survivor]:
    """Each survivor with its change and its explanation."""
    notes: dict[str, str] = json.loads(NOTES.read_text(encoding="utf-8"))
    found = []
    for name, row in sorted(rows.items()):
        if row["status"] not in KILLED:
            what = change(folder, name)
            all_asked = row["tests"] == row["of"]
            asked = "" if all_asked else f" ({row['tests']} of {row['of']} tests asked)"
            found.append(Survivor(name, asked, what, explanation(notes, name, what)))
    return found


HEAD = "mutants|run|killed|time-outs|survived|of these explained|open|killed of run"


def table(folder: Path, rows: dict[str, dict[str, Any]], living: list[Survivor]) -> Iterator[str]:
    """One line per module."""
    total = Counter(name.split(".")[2] for name in hashes_of(folder))
    by_module: dict[str, Counter[str]] = defaultdict(Counter)
    for name, row in rows.items():
        by_module[name.split(".")[2]][row["status"]] += 1
    for survivor in living:
        by_module[survivor.module]["explained" if survivor.why else "open"] += 1
    yield f"| module | {HEAD.replace('|', ' | ')} |"
    yield "|---|" + "---:|" * (HEAD.count("|") + 1)
    yield _line("**all**", total.total(), sum(by_module.values(), Counter()))
    for module, size in sorted(total.items()):
        yield _line(module, size, by_module[module])


def _line(module: str, size: int, found: Counter[str]) -> str:
    killed, survived = found["killed"] + found["timeout"], found["explained"] + found["open"]
    run = killed + survived
    share = f"{100 * killed / run:.1f} %" if run else "not run"
    numbers = [size, run, found["killed"], found["timeout"], survived]
    numbers += [found["explained"], found["open"]]
    return f"| {module} | {' | '.join(map(str, numbers))} | {share} |"


def main() -> None:
    """Write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--commit", required=True)
    parser.add_argument("--preface", type=Path, help="a file that says what was run")
    options = parser.parse_args()
    rows = last_rows(options.folder)
    living = survivors(options.folder, rows)
    text = [f"# Mutation testing of core, {options.out.name[:10]}", ""]
    text += [f"*Written by `scripts/mutation_report.py` at {options.commit}.*", ""]
    if options.preface is not None:
        text += [options.preface.read_text(encoding="utf-8").strip(), ""]
    text += [*table(options.folder, rows, living), "", "## Survivors that nothing explains", ""]
    text += [str(survivor) for survivor in living if not survivor.why]
    text += ["", "## Survivors that may live", ""]
    text += [str(survivor) for survivor in living if survivor.why]
    options.out.write_text("\n".join(text).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
