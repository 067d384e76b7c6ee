"""Building blocks of pages that change in place, so that nobody's focus or selection is lost.

What: `Text` (a text that is sent only when it changed), `Grid` (a table that becomes cards on a
phone), `Facts`, `NoticeList`, `Bar`.
Why in place: a page that is built anew twice a second cannot be used with a keyboard or a screen
reader.
Invariants: text is text, never HTML; a table without rows says what to do next.
Must never: read anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nicegui import ui

from surefill.dashboard.board import Notice
from surefill.dashboard.words import Tone
from surefill.tca.rules import RULES

RUNBOOKS = {rule.code: rule.anchor for rule in RULES}
"""Alert -> the part of the documents that says what to do."""

Tag = ui.element


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a grid. ``href``: where its first cell leads."""

    key: str
    cells: tuple[str, ...]
    tone: Tone = Tone.PLAIN
    href: str = ""


class Text:
    """A text inside a tag."""

    def __init__(self, text: str = "", *, tag: str = "span", classes: str = "") -> None:
        with ui.element(tag).classes(classes) as self.box:
            self._label = ui.label(text).classes("t")
        self._tone: Tone | None = None

    def show(self, text: str, tone: Tone | None = None) -> None:
        """Show another text, and in which tone."""
        if self._label.text != text:
            self._label.set_text(text)
        if tone is not self._tone:
            self.box.classes(add=tone or "", remove=self._tone or "")
            self._tone = tone


class Bar:
    """A progress bar with its own words."""

    def __init__(self, label: str) -> None:
        with ui.element("div").classes("bar"):
            self._track = ui.element("progress").props(f'max=100 value=0 aria-label="{label}"')
            self._text = Text(classes="muted")
        self._percent = 0

    def show(self, percent: int | None, text: str) -> None:
        """How far; ``None``: there is nothing to be far of."""
        shown = max(0, min(100, percent or 0))
        if shown != self._percent:
            self._track.props(f"value={shown}")
            self._percent = shown
        self._text.show(text)


class Grid:
    """A table. ``numbers``: columns set flush right; ``empty``: what to do when there is no row."""

    def __init__(
        self,
        head: Sequence[str],
        *,
        label: str,
        empty: str,
        numbers: frozenset[int] = frozenset(),
    ) -> None:
        self._head = tuple(head)
        self._numbers = numbers
        self._empty = Text(empty, tag="p", classes="empty")
        self._lines: tuple[Line, ...] = ()
        self._rows: list[tuple[Tag, list[ui.label | ui.link]]] = []
        self._box = ui.element("div").classes("wide")
        with self._box, ui.element("table").props(f'aria-label="{label}"'):
            with ui.element("thead"), ui.element("tr"):
                self._draw_head()
            self._body = ui.element("tbody")
        self._box.set_visibility(False)

    def _draw_head(self) -> None:
        for n, name in enumerate(self._head):
            with ui.element("th").props("scope=col").classes(self._align(n)):
                ui.label(name)

    def show(self, lines: Sequence[Line]) -> None:
        """Show these rows."""
        new = tuple(lines)
        if new == self._lines:
            return
        shape = [(line.key, line.href) for line in new]
        if shape != [(line.key, line.href) for line in self._lines]:
            self._rebuild(new)
        else:
            for n, line in enumerate(new):
                self._refresh(n, line)
        self._lines = new
        self._box.set_visibility(bool(new))
        self._empty.box.set_visibility(not new)

    def _rebuild(self, lines: Sequence[Line]) -> None:
        self._body.clear()
        self._rows = []
        with self._body:
            for line in lines:
                with ui.element("tr").classes(line.tone) as row:
                    self._rows.append((row, [self._cell(line, n) for n in range(len(line.cells))]))

    def _cell(self, line: Line, n: int) -> ui.label | ui.link:
        text = line.cells[n]
        with ui.element("td").props(f'data-label="{self._head[n]}"').classes(self._align(n)):
            return ui.link(text, line.href) if line.href and n == 0 else ui.label(text)

    def _refresh(self, n: int, line: Line) -> None:
        row, cells = self._rows[n]
        old = self._lines[n]
        if old.tone is not line.tone:
            row.classes(add=line.tone, remove=old.tone)
        for cell, before, after in zip(cells, old.cells, line.cells, strict=True):
            if before != after:
                cell.set_text(after)

    def _align(self, n: int) -> str:
        return "number" if n in self._numbers else ""


class Facts:
    """Names and values; the names stay, the values change."""

    def __init__(self) -> None:
        self._list = ui.element("dl").classes("facts")
        self._values: dict[str, tuple[Text, Tag]] = {}

    def show(self, rows: Sequence[tuple[str, str, Tone, str]]) -> None:
        """(name, value, tone, hint)."""
        names = [row[0] for row in rows]
        if names != list(self._values):
            self._list.clear()
            with self._list:
                self._values = {name: _fact(name) for name in names}
        for name, value, tone, hint in rows:
            text, box = self._values[name]
            text.show(value, tone)
            if box.props.get("title") != hint:
                box.props["title"] = hint


def _fact(name: str) -> tuple[Text, Tag]:
    with ui.element("div") as box:
        with ui.element("dt"):
            ui.label(name)
        return Text(tag="dd"), box


class NoticeList:
    """What is wrong, loudest first; a screen reader says it at once."""

    def __init__(self) -> None:
        self._list = ui.element("section").props(
            'role=alert aria-live=assertive aria-label="What is wrong"'
        )
        self._list.classes("notices")
        self._shape: list[tuple[str, str]] = []
        self._texts: list[Text] = []

    def show(self, notices: Sequence[Notice]) -> None:
        """Show these."""
        shape = [(notice.title, notice.plan_id) for notice in notices]
        if shape != self._shape:
            self._shape = shape
            self._list.clear()
            self._texts = []
            with self._list:
                for notice in notices:
                    self._texts.append(_notice(notice))
        for text, notice in zip(self._texts, notices, strict=True):
            text.show(notice.text)


def _notice(notice: Notice) -> Text:
    with ui.element("article").classes(f"notice {notice.tone}"):
        with ui.element("h2"):
            ui.label(notice.title)
        text = Text(notice.text, tag="p")
        with ui.element("p").classes("todo"):
            ui.label(notice.todo)
            if notice.title in RUNBOOKS:
                ui.label(f"Runbook: {RUNBOOKS[notice.title]}")
            if notice.plan_id:
                ui.link("Open the trade", f"/trade/{notice.plan_id}")
    return text


def heading(text: str) -> None:
    """The name of a part of a page."""
    with ui.element("h2").classes("part"):
        ui.label(text)


def note(text: str) -> None:
    """A sentence beside something."""
    with ui.element("p").classes("muted"):
        ui.label(text)
