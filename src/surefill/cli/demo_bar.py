"""How far the demo is, on stderr: a bar on a terminal, a few lines elsewhere.

What: `DemoBar`. Why not `output.Progress`: something that takes a quarter of a minute needs an end
that can be seen coming.
Must never: write to stdout.
"""

from __future__ import annotations

import sys
from typing import Any, TextIO

LINES = 4
"""Lines for a count where there is no terminal: one for each quarter."""


class DemoBar:
    """Use it as ``with``; gone from the terminal when it ends."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._bar = _rich_bar(self._stream)
        self._task = self._bar.add_task("", total=None) if self._bar is not None else None
        self._text = ""
        self._total = 0
        self._told = 0

    def __enter__(self) -> DemoBar:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def say(self, text: str) -> None:
        """What happens now; the same again is silent."""
        if text == self._text:
            return
        self._text = text
        if self._bar is not None:
            self._bar.update(self._task, description=text)
        else:
            self._write(text)

    def note(self, text: str) -> None:
        """What is being done: on a terminal alone, where it replaces itself."""
        if self._bar is not None:
            self._bar.update(self._task, description=text)

    def count(self, text: str, total: int) -> None:
        """From now on `at` counts up to ``total``."""
        self._total, self._told = max(1, total), 0
        self.say(text)
        if self._bar is not None:
            self._bar.update(self._task, total=self._total, completed=0)

    def at(self, done: int) -> None:
        """So many are done."""
        if self._bar is not None:
            self._bar.update(self._task, completed=done)
            return
        quarters = LINES * done // self._total
        if quarters > self._told:
            self._told = quarters
            self._write(f"{self._text}: {100 * quarters // LINES} %")

    def _write(self, text: str) -> None:
        self._stream.write(text + "\n")
        self._stream.flush()


def _rich_bar(stream: TextIO) -> Any:
    """A rich progress bar for a terminal; ``None`` for a file, a pipe, or without rich."""
    if not stream.isatty():
        return None
    try:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
    except ModuleNotFoundError:
        return None
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        console=Console(file=stream, highlight=False),
        transient=True,
    )
