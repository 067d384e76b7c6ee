"""Reports of long runs: a section of a Markdown file per proof, written by the run itself.

The section of the same title is replaced, the others stay; without a file it goes to the screen.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
Row = tuple[str, str]


class Stopwatch:
    """Wall time from its making on."""

    def __init__(self) -> None:
        self._start_s = time.monotonic()
        self._day = datetime.now(UTC).date()

    def rows(self, count: int, unit: str) -> list[Row]:
        """When, on what, how long and how fast."""
        took_s = max(1e-9, time.monotonic() - self._start_s)
        rows = [("date", str(self._day)), ("commit", commit()), ("machine", machine())]
        return [
            *rows,
            ("wall time", f"{took_s:,.0f} s"),
            ("rate", f"{count / took_s:,.0f} {unit}/s"),
        ]


def commit() -> str:
    """The commit that was run; ``+`` when files were changed since."""
    told = [
        subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
        for command in (
            ["git", "rev-parse", "--short", "HEAD"],
            ["git", "status", "--porcelain", "--untracked-files=no"],
        )
    ]
    return told[0].strip() + ("+" if told[1].strip() else "")


def machine() -> str:
    """Processor, cores and Python, no name and no path."""
    model = platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    for line in lines:
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    python = platform.python_version()
    return f"{model}, {os.cpu_count()} cores, {platform.system()}, Python {python}"


def table(rows: Iterable[Row]) -> str:
    """A Markdown table of two columns."""
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])


def write_section(title: str, rows: Sequence[Row], *, path: str | None, note: str = "") -> None:
    """Put ``## title`` with its table into the report, or on the screen."""
    text = f"## {title}\n\n" + (f"{note}\n\n" if note else "") + table(rows) + "\n"
    if path is None:
        sys.stdout.write(text)
        return
    report = Path(path)
    old = report.read_text(encoding="utf-8") if report.exists() else "# Report\n\n"
    head, *sections = old.split("\n## ")
    kept = [section for section in sections if section.split("\n", 1)[0] != title]
    kept.append(text.removeprefix("## "))
    report.parent.mkdir(parents=True, exist_ok=True)
    joined = "\n## ".join([head.rstrip("\n") + "\n", *(part.rstrip("\n") + "\n" for part in kept)])
    report.write_text(joined, encoding="utf-8")
