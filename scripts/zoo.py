"""The bug zoo: known bugs, put back one by one into a copy of the code; simulation must see each.

    python scripts/zoo.py                        # every bug of tests/zoo/bugs
    python scripts/zoo.py a06 v20                # those whose names begin like this

A bug is a text file: title, file, range of seeds, codes it may be found as, and the sound lines
with the broken ones. For each, the source is copied, broken, and simulated seed by seed until one
of the codes is violated. Exit code 1 when a bug is not found within its seeds: a hole in the proof.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ZOO = ROOT / "tests/zoo/bugs"
SOUND, BROKEN = "-------- sound\n", "-------- broken\n"


@dataclass(frozen=True, slots=True)
class Bug:
    """One bug as data. ``seeds`` is the range within which it has to be found."""

    name: str
    title: str
    file: str
    seeds: str
    codes: frozenset[str]
    sound: str
    broken: str

    def breaks(self, text: str) -> str:
        """The source with the bug in it. ``ValueError``: the sound lines are not there once."""
        if text.count(self.sound) != 1:
            raise ValueError(
                f"{self.name}: {self.file} has its lines {text.count(self.sound)} times"
            )
        return text.replace(self.sound, self.broken)


def read_bug(path: Path) -> Bug:
    """One bug from its file."""
    head, _, rest = path.read_text().partition(SOUND)
    sound, _, broken = rest.partition(BROKEN)
    title, *fields = head.splitlines()
    said = dict(field.split(": ", 1) for field in fields)
    return Bug(
        name=path.stem,
        title=title,
        file=said["file"],
        seeds=said["seeds"],
        codes=frozenset(said["found as"].split()),
        sound=sound.removesuffix("\n"),
        broken=broken.removesuffix("\n"),
    )


def bugs(prefixes: Iterable[str] = ()) -> list[Bug]:
    """All bugs, or those whose names begin with one of the prefixes."""
    wanted = tuple(prefixes) or ("",)
    return [read_bug(path) for path in sorted(ZOO.glob("*.txt")) if path.stem.startswith(wanted)]


def hunt(bug: Bug) -> tuple[int, str] | None:
    """(seed, code) that found the bug; ``None`` if none of its seeds did."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "surefill"
        shutil.copytree(ROOT / "src/surefill", source)
        file = source / bug.file
        file.write_text(bug.breaks(file.read_text()))
        command = [sys.executable, "-m", "surefill", "simulate", "--seeds", bug.seeds]
        process = subprocess.Popen(
            [*command, "--workers", "1", "--json"],
            env=os.environ | {"PYTHONPATH": folder},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            return _first(process, bug)
        finally:
            process.kill()
            process.communicate()


def _first(process: subprocess.Popen[str], bug: Bug) -> tuple[int, str] | None:
    assert process.stdout is not None
    for line in process.stdout:
        row = json.loads(line)
        for one in row.get("violations", ()):
            if one["code"] in bug.codes:
                return row["seed"], one["code"]
    return None


def main(prefixes: list[str]) -> int:
    """Hunt every bug; say where each was found."""
    missed = 0
    for bug in bugs(prefixes):
        found = hunt(bug)
        missed += found is None
        where = "NOT FOUND" if found is None else f"seed {found[0]}, {found[1]}"
        print(f"{bug.name:<40}{where:<20}{bug.title}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
