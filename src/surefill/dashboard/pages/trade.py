"""One trade: how it stands, its picture on the tape, its orders and fills, its story, its acts.

What: ``/trade/{plan_id}``. It is read again when the trade changed, not at every tick.
Must never: reach a file with anything from its path: ids have a pattern.
"""

from __future__ import annotations

from fastapi import Request
from nicegui import ui

from surefill.core.ids import PLAN_ID_PATTERN
from surefill.dashboard.board import Board
from surefill.dashboard.deeds import Deed
from surefill.dashboard.figures import tape_figure
from surefill.dashboard.pages.parts import Bar, Facts, Grid, Line, Text, heading, note
from surefill.dashboard.pages.shell import PAGE_S, Visit, visit
from surefill.dashboard.sheet import Sheet
from surefill.dashboard.words import Tone
from surefill.ports import JournalError
from surefill.service.reader import Found

ORDER_HEAD = ("leg", "state", "kind", "shares", "filled", "price", "id")
FILL_HEAD = ("time", "leg", "shares", "price")


def register() -> None:
    """Serve it."""
    ui.page("/trade/{plan_id}", response_timeout=PAGE_S)(page)


async def page(request: Request, plan_id: str) -> None:
    """Draw it."""
    with visit(request, plan_id, "/trade") as found:
        if found is None:
            return
        try:
            is_known = PLAN_ID_PATTERN.fullmatch(plan_id) is not None
            read = await found.state.archive.sheet(plan_id) if is_known else None
        except JournalError as error:
            note(f"The journal cannot be read: {error}")
            return
        if read is None:
            heading("No such trade")
            note("No trade or plan of this journal has this id. Open trades are on the first page;")
            ui.link("go there", "/")
            return
        shown = _Shown(found, read[0])
        await shown.draw(*read)

        async def again() -> None:
            await shown.reread(plan_id)

        found.each_tick(shown.note_board)
        await found.tick()
        found.every(0.5, again)


class _Shown:
    """The page's parts."""

    def __init__(self, found: Visit, sheet: Sheet) -> None:
        self._visit = found
        self._image: Found | None = None
        self._seq = self._read_seq = -1
        with ui.element("div").classes("row title"):
            with ui.element("h1"):
                ui.label(sheet.title)
            self._status = Text(classes="chip")
        Text(sheet.plan_id, tag="p", classes="muted id")
        self._reasons = Text(tag="p")
        self._acts = ui.element("div").classes("row acts")
        self._filled = Bar("Shares entered of shares wanted")
        self._room = Bar("Way from the signal to the worst price")
        self._facts = Facts()
        heading("On the tape")
        self._source = Text(tag="p", classes="muted")
        self._plot = ui.element("div").classes("plot")
        heading("Orders")
        numbers = frozenset({3, 4})
        self._orders = Grid(ORDER_HEAD, label="Orders", empty="No order was sent.", numbers=numbers)
        heading("Fills")
        self._fills = Grid(
            FILL_HEAD, label="Fills", empty="Nothing filled yet.", numbers=frozenset({2, 3})
        )
        heading("What happened")
        self._story = Grid(("New York", "what"), label="Story", empty="Nothing is recorded of it.")
        self._can: tuple[bool, ...] | None = None
        self._figure: ui.plotly | None = None

    def note_board(self, board: Board) -> None:
        """Something was recorded since."""
        self._seq = board.seq

    async def reread(self, plan_id: str) -> None:
        """Draw it again when this trade changed."""
        if self._seq == self._read_seq:
            return
        self._read_seq = self._seq
        now = self._visit.state.watcher.picture.found.get(plan_id)
        if now is not None and now is self._image:
            return
        try:
            read = await self._visit.state.archive.sheet(plan_id)
            if read is not None:
                await self.draw(*read)
                self._image = now
        except JournalError:
            self._read_seq = -1  # the board says why; this page tries again

    async def draw(self, sheet: Sheet, image: Found) -> None:
        """Draw it as it is now."""
        self._status.show(sheet.status, sheet.tone)
        self._reasons.show("; ".join(sheet.reasons))
        self._draw_acts(sheet)
        entry = sheet.entry
        if entry is not None:
            used = entry.room_percent
            room = f", {used} % of the room used" if used is not None else ""
            self._filled.show(entry.filled_percent, f"{entry.filled} entered")
            self._room.show(used, entry.price + room)
        self._facts.show([(name, value, _loud(name, value), "") for name, value in sheet.facts])
        self._orders.show([Line(row[-1], row) for row in sheet.orders])
        self._fills.show([Line(str(n), row) for n, row in enumerate(sheet.fills)])
        self._story.show([Line(str(n), row) for n, row in enumerate(sheet.story)])
        tape = await self._visit.state.archive.tape(image)
        if tape is None:
            self._source.show("Nothing to draw: the plan said too little.")
            return
        quotes = f"{len(tape.quotes)} {tape.source}" if tape.quotes else "no quotes are known"
        self._source.show(f"Orders while they rested, fills, and {quotes}.")
        figure = tape_figure(tape)
        if self._figure is None:
            with self._plot:
                self._figure = ui.plotly(figure).props(
                    'role=img aria-label="The trade on its tape"'
                )
        else:
            self._figure.update_figure(figure)

    def _draw_acts(self, sheet: Sheet) -> None:
        can = (sheet.has_open_entry, sheet.is_open, sheet.has_position)
        if can == self._can:
            return
        self._can = can
        self._acts.clear()
        with self._acts:
            if sheet.has_open_entry:
                self._visit.button(Deed.CANCEL_ENTRY, target=sheet.plan_id)
            if sheet.has_position and sheet.is_open:
                self._visit.button(Deed.TIGHTEN, target=sheet.plan_id)
            if sheet.is_open:
                self._visit.button(Deed.FLATTEN, target=sheet.plan_id, symbol=sheet.symbol)


def _loud(name: str, value: str) -> Tone:
    if name != "Without a stop":
        return Tone.PLAIN
    return Tone.GOOD if value == "0" else Tone.BAD
