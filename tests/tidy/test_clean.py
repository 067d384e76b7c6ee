"""What is committed works on any machine: no path of somebody's, no address of a package index."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tidy.source import ROOT

# Written in pieces, so that this file does not find itself.
MACHINE = re.compile(
    r"(?<![\w./~-])/(?:" + "|".join(["wo" + "rk", "ro" + "ot", "t" + r"mp/\w"]) + r")\b"
)
INDEX = re.compile(
    "|".join(
        ["py" + r"pi\.org", "python" + r"hosted\.", r"registry\.n" + "pm", r"--index" + "-url"]
    )
)
BINARY = {".png", ".parquet", ".gz", ".ico"}


def committed() -> list[Path]:
    """Files that are committed or would be."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip("not a git clone; there is no list of committed files")
    names = done.stdout.decode().split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def offences(name: str, text: str) -> Iterator[str]:
    """Lines that name a machine's path or an index."""
    for number, line in enumerate(text.splitlines(), start=1):
        for kind, pattern in (("a machine's path", MACHINE), ("a package index", INDEX)):
            if pattern.search(line):
                yield f"{name}:{number}: {kind}: {line.strip()[:80]}"


def test_nothing_names_a_machine_or_an_index() -> None:
    found = [
        offence
        for path in committed()
        if path.suffix not in BINARY
        for offence in offences(
            path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8", errors="replace")
        )
    ]
    assert not found, "\n".join(found)


def test_the_constraints_are_names_and_numbers() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert len(lines) > 10
    for line in lines:
        assert re.fullmatch(r"#.*|[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.!+]*", line), line


@pytest.mark.parametrize(
    "line",
    [
        "cd /wo" + "rk/main",
        "see /ro" + "ot/x",
        "open('/t" + "mp/x')",
        "https://py" + "pi.org/simple",
    ],
)
def test_an_offence_is_found(line: str) -> None:
    assert list(offences("x", line))


@pytest.mark.parametrize(
    "line", ["a net/wo" + "rk/x", "/wo" + "rkers", "../ro" + "ot", "a /t" + "mp"]
)
def test_a_harmless_line_passes(line: str) -> None:
    assert not list(offences("x", line))
