"""The bug zoo: known bugs, put back one by one into a copy of the code; the proof must see each.

    python scripts/zoo.py                        # every bug of tests/zoo/bugs
    python scripts/zoo.py a06 v20                # those whose names begin like this
    python scripts/zoo.py --recorded             # only with the seed that found it last time
    python scripts/zoo.py --record               # write down which seed found each
    python scripts/zoo.py --report FILE          # the table of all that were hunted, as Markdown

A bug is a text file: title, file, and the sound lines with the broken ones (more pieces of the same
bug follow after ``-------- file: other.py``). Either it is hunted by simulation: ``seeds`` is the
range within which it has to be found, ``found by`` the seed of it that found it last time, which is
tried first, ``found as`` the codes it may be found as, and ``only`` the one invariant that the seed
which finds it may report. Or ``caught by`` names the tests that must fail, because simulation does
not judge what the bug breaks. Exit code 1 when a bug is not found: a hole in the proof.

Each bug is hunted in a child of its own, forked from a process that has imported nothing of ours.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ZOO = ROOT / "tests/zoo/bugs"
SOUND, BROKEN, FILE = "-------- sound\n", "-------- broken\n", "-------- file: "
_OWN = re.compile(r"invariant (I\d+) broken")


@dataclass(frozen=True, slots=True)
class Piece:
    """One change of one file."""

    file: str
    sound: str
    broken: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bug:
    """One bug as data. ``seeds`` (first, end) is the range within which it has to be found; without
    it the tests of ``caught_by`` have to fail."""

    name: str
    title: str
    pieces: tuple[Piece, ...]
    seeds: tuple[int, int] | None = None
    found_by: int | None = None
    codes: frozenset[str] = frozenset()
    only: str | None = None
    caught_by: tuple[str, ...] = ()

    def broken_files(self, source: Path) -> dict[Path, str]:
        """The files of ``source`` (the package) with the bug in them. ``ValueError``: the sound
        lines of a piece are not there exactly once."""
        texts: dict[Path, str] = {}
        for piece in self.pieces:
            path = source / piece.file
            text = texts.get(path) or path.read_text()
            if text.count(piece.sound) != 1:
                times = text.count(piece.sound)
                raise ValueError(f"{self.name}: {piece.file} has its lines {times} times")
            texts[path] = text.replace(piece.sound, piece.broken)
        return texts

    def tries(self, *, recorded_only: bool = False) -> list[int]:
        """Seeds in the order in which they are tried."""
        assert self.seeds is not None
        first = [] if self.found_by is None else [self.found_by]
        if recorded_only:
            return first
        return first + [seed for seed in range(*self.seeds) if seed != self.found_by]


@dataclass(frozen=True, slots=True)
class Found:
    """What saw a bug: a seed and what it reported, or (seed -1) the tests that failed."""

    seed: int
    names: tuple[str, ...]

    def __str__(self) -> str:
        where = "its tests" if self.seed < 0 else f"seed {self.seed}"
        return f"{where}: {' '.join(self.names)}"


def read_bug(path: Path) -> Bug:
    """One bug from its file."""
    head, *parts = path.read_text().split(SOUND)
    title, *fields = head.splitlines()
    said = dict(field.split(": ", 1) for field in fields)
    pieces, file = [], said["file"]
    for part in parts:
        sound, _, rest = part.partition(BROKEN)
        broken, _, after = rest.partition(FILE)
        pieces.append(Piece(file, sound.removesuffix("\n"), broken.removesuffix("\n")))
        file = after.strip() or file
    seeds = said.get("seeds")
    first, _, end = (seeds or "0:0").partition(":")
    return Bug(
        name=path.stem,
        title=title,
        pieces=tuple(pieces),
        seeds=(int(first), int(end)) if seeds else None,
        found_by=int(said["found by"]) if "found by" in said else None,
        codes=frozenset(said.get("found as", "").split()),
        only=said.get("only"),
        caught_by=tuple(said.get("caught by", "").split()),
    )


def bugs(prefixes: Iterable[str] = ()) -> list[Bug]:
    """All bugs, or those whose names begin with one of the prefixes."""
    wanted = tuple(prefixes) or ("",)
    return [read_bug(path) for path in sorted(ZOO.glob("*.txt")) if path.stem.startswith(wanted)]


def record(bug: Bug, seed: int) -> None:
    """Write into the bug's file which seed found it."""
    path = ZOO / f"{bug.name}.txt"
    line, text = f"found by: {seed}\n", path.read_text()
    if bug.found_by is not None:
        text = text.replace(f"found by: {bug.found_by}\n", line, 1)
    else:
        text = text.replace("found as: ", line + "found as: ", 1)
    path.write_text(text)


def hunt(bug: Bug, *, recorded_only: bool = False) -> Found | None:
    """What found the bug in a copy of the code; ``None`` if nothing did."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "surefill"
        shutil.copytree(ROOT / "src/surefill", source)
        for path, text in bug.broken_files(source).items():
            path.write_text(text)
        if bug.seeds is None:
            return _failing_tests(bug, folder)
        return _finding_seed(bug, folder, bug.tries(recorded_only=recorded_only))


def _failing_tests(bug: Bug, folder: str) -> Found | None:
    """Whether the tests that know the bug fail (1: they ran, and some did)."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *bug.caught_by]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": folder},
        capture_output=True,
        text=True,
        check=False,
    )
    failed = re.findall(r"^FAILED (\S+)", done.stdout, re.MULTILINE)
    if done.returncode != 1 or not failed:
        return None
    return Found(-1, tuple(sorted({name.partition("::")[2].partition("[")[0] for name in failed})))


def _finding_seed(bug: Bug, folder: str, seeds: list[int]) -> Found | None:
    """Play the seeds in a child process that imports the broken copy."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            with os.fdopen(writer, "w") as out:
                json.dump(_play(bug, folder, seeds), out)
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as told:
        text = told.read()
    os.waitpid(child, 0)
    if not text:
        raise RuntimeError(f"{bug.name}: the hunt ended without an answer")
    answer = json.loads(text)
    return None if answer is None else Found(answer[0], tuple(answer[1]))


def _play(bug: Bug, folder: str, seeds: list[int]) -> tuple[int, list[str]] | None:
    sys.path.insert(0, folder)
    from surefill.replay.simulate import seeds as simulated

    assert str(simulated.__file__).startswith(folder), "the sound code was imported"
    for seed in seeds:
        violations = simulated.play_seed(seed).violations
        names = sorted({name_of(one.code, one.sentence) for one in violations})
        is_found = any(one.code in bug.codes for one in violations)
        if is_found and (bug.only is None or names == [bug.only]):
            return seed, names
    return None


def name_of(code: str, sentence: str) -> str:
    """The invariant that a violation is about; the engine's own check (OWN) names it in words."""
    own = _OWN.match(sentence) if code == "OWN" else None
    return code if own is None else own[1]


def report(hunted: list[tuple[Bug, Found | None]], path: Path) -> str:
    """The report: the table, and below it the sections that a person wrote into the file before."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    found = sum(one is not None for _, one in hunted)
    by_seed = sum(one is not None and one.seed >= 0 for _, one in hunted)
    alone = {bug.only for bug, one in hunted if bug.only is not None and one is not None}
    told = commit.stdout.strip() or "unknown"
    numbers = ", ".join(sorted(alone, key=_number))
    head = [
        "# The bug zoo: who was found, and by what",
        "",
        "Written by `scripts/zoo.py --report`; the columns: [simulation](../simulation.md).",
        "",
        f"Commit {told}. {found} of {len(hunted)} bugs found: {by_seed} by simulation, the others",
        "by the tests that they name.",
        f"Invariants alone in the seed that found a bug: {len(alone)}, {numbers}.",
        "",
    ]
    _, mark, kept = (path.read_text() if path.exists() else "").partition("\n## ")
    return "\n".join([*head, *rows(hunted)]) + "\n" + mark + kept


def _number(name: str) -> tuple[int, str]:
    return int(name[1:]) if name[1:].isdigit() else 0, name


def rows(hunted: Iterable[tuple[Bug, Found | None]]) -> Iterator[str]:
    """The table of what was hunted."""
    yield "| bug | what | found | within | alone |"
    yield "|---|---|---|---|---|"
    for bug, found in hunted:
        where = "**NOT FOUND**" if found is None else str(found)
        within = "its tests" if bug.seeds is None else f"{bug.seeds[1] - bug.seeds[0]} seeds"
        yield f"| {bug.name} | {bug.title} | {where} | {within} | {bug.only or '-'} |"


def main(arguments: list[str]) -> int:
    """Hunt the bugs; say where each was found."""
    parser = argparse.ArgumentParser(description="Put known bugs back and look who sees them.")
    parser.add_argument("prefixes", nargs="*", help="only bugs whose names begin like this")
    parser.add_argument("--recorded", action="store_true", help="only the seed of last time")
    parser.add_argument("--record", action="store_true", help="write the finding seeds down")
    parser.add_argument("--report", type=Path, help="write the table of what was hunted here")
    given = parser.parse_args(arguments)
    # Everything heavy that is not ours, once for all children.
    import exchange_calendars  # noqa: F401
    import msgspec  # noqa: F401

    hunted: list[tuple[Bug, Found | None]] = []
    for bug in bugs(given.prefixes):
        found = hunt(bug, recorded_only=given.recorded)
        hunted.append((bug, found))
        if given.record and found is not None and found.seed >= 0:
            record(bug, found.seed)
        where = "NOT FOUND" if found is None else str(found)
        print(f"{bug.name:<44}{where:<28}{bug.title}", flush=True)
    missed = [bug.name for bug, found in hunted if found is None]
    print(f"{len(hunted) - len(missed)} of {len(hunted)} found", *missed)
    if given.report is not None:
        given.report.write_text(report(hunted, given.report))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
