"""What verbs print: tables and JSON on stdout, everything else on stderr.

What: `Table` and `show` (rich on a terminal, plain text anywhere else or without rich), `emit` (one
JSON object a line), `say`, and `Progress` (a spinner on a terminal, lines elsewhere).
Why one place: a script must be able to read stdout, so nothing else may ever be written there.
Invariants: plain output fits `WIDTH` columns; text from outside cannot send control characters.
Must never: decide anything, or import rich before something is shown on a terminal.
"""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

WIDTH = 80
GAP = "  "
MARGIN = 2


@dataclass(frozen=True, slots=True)
class Table:
    """A title, rows of text, an optional head. ``right``: columns set flush right; the last column
    wraps."""

    title: str
    rows: Sequence[Sequence[str]]
    head: Sequence[str] = ()
    right: frozenset[int] = frozenset()


Block = Table | str


def emit(value: Mapping[str, object], stream: TextIO | None = None) -> None:
    """One JSON object on one line."""
    out = sys.stdout if stream is None else stream
    out.write(json.dumps(value, separators=(", ", ": ")) + "\n")
    out.flush()


def say(sentence: str) -> None:
    """A sentence for people, on stderr; on a terminal it is wrapped."""
    on_screen = sys.stderr.isatty()
    sys.stderr.write((plain_text(sentence) if on_screen else clean(sentence)) + "\n")
    sys.stderr.flush()


def clean(text: str) -> str:
    """``text`` without control characters: a broker's words cannot move the cursor (S8)."""
    return "".join(char if char.isprintable() else " " for char in text)


def show(blocks: Sequence[Block], stream: TextIO | None = None) -> None:
    """Sentences and tables on stdout, or on ``stream``."""
    out = sys.stdout if stream is None else stream
    console = _console(out)
    for block in blocks:
        if isinstance(block, str):
            out.write(plain_text(block) + "\n")
        elif console is None:
            out.write(plain(block))
        else:
            if block.title:
                console.print()
            console.print(_rich_table(block))
    out.flush()


def plain_text(sentence: str, width: int = WIDTH) -> str:
    """A sentence wrapped to ``width`` columns; an empty one is an empty line."""
    return textwrap.fill(clean(sentence), width, subsequent_indent=" " * MARGIN)


def plain(table: Table, width: int = WIDTH) -> str:
    """The table as plain lines of at most ``width`` columns."""
    lines = [*([table.head] if table.head else []), *table.rows]
    cells = [[clean(cell) for cell in line] for line in lines]
    count = max((len(line) for line in cells), default=0)
    widths = [
        max((len(line[n]) for line in cells if n < len(line)), default=0) for n in range(count)
    ]
    room = max(12, width - MARGIN - sum(widths[:-1]) - len(GAP) * max(0, count - 1))
    text = [*_titled(table.title)]
    for line in cells:
        text += _row(line, widths, right=table.right, room=room)
    return "\n".join([*text, ""])


def _titled(title: str) -> list[str]:
    return ["", title] if title else []


def _row(
    line: Sequence[str], widths: Sequence[int], *, right: frozenset[int], room: int
) -> list[str]:
    """One row; its last cell continues below itself."""
    firsts = [
        cell.rjust(widths[n]) if n in right else cell.ljust(widths[n])
        for n, cell in enumerate(line[:-1])
    ]
    lead = " " * MARGIN + "".join(cell + GAP for cell in firsts)
    last_n = len(line) - 1
    last = line[-1].rjust(widths[last_n]) if last_n in right else line[-1]
    wrapped = textwrap.wrap(last, room, drop_whitespace=last_n not in right) or [""]
    return [(lead + wrapped[0]).rstrip(), *(" " * len(lead) + more for more in wrapped[1:])]


class Progress:
    """How far something is: a spinner on a terminal, a line for each change elsewhere."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        console = _console(self._stream)
        self._status: Any = console.status("") if console is not None else None
        self._last = ""

    def __enter__(self) -> Progress:
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status is not None:
            self._status.stop()

    def at(self, sentence: str) -> None:
        """Say where it stands now; the same again is silent."""
        text = clean(sentence)
        if text == self._last:
            return
        self._last = text
        if self._status is not None:
            self._status.update(text)
        else:
            self._stream.write(text + "\n")
            self._stream.flush()


def _console(stream: TextIO) -> Any:
    """A rich console for a terminal; ``None`` for a file, a pipe, or without rich."""
    if not stream.isatty():
        return None
    try:
        from rich.console import Console
    except ModuleNotFoundError:
        return None
    return Console(file=stream, highlight=False, soft_wrap=False)


def _rich_table(table: Table) -> Any:
    from rich.table import Table as RichTable
    from rich.text import Text

    shown = RichTable(
        title=table.title or None,
        title_justify="left",
        title_style="bold",
        box=None,
        show_header=bool(table.head),
        header_style="dim",
        padding=(0, len(GAP), 0, 0),
    )
    count = max((len(line) for line in [table.head, *table.rows]), default=0)
    for n in range(count):
        head = table.head[n] if n < len(table.head) else ""
        shown.add_column(
            head, justify="right" if n in table.right else "left", no_wrap=n < count - 1
        )
    for line in table.rows:
        shown.add_row(*(Text(clean(cell)) for cell in line))
    return shown
