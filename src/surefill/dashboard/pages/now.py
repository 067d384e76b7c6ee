"""The first page: what is wrong, signs of life, every open trade with its cover; and the acts.

What: ``/``. A kill-only login gets the switch and whether it holds, and nothing else.
Must never: show a trade as covered because nothing was read; the board says what it rests on.
"""

from __future__ import annotations

from fastapi import Request
from nicegui import ui

from surefill.core.risk import RiskState
from surefill.dashboard.board import Board, TradeRow
from surefill.dashboard.deeds import Deed
from surefill.dashboard.pages.parts import Bar, Facts, Grid, Line, Text, heading, note
from surefill.dashboard.pages.shell import PAGE_S, Visit, visit
from surefill.dashboard.words import NOTHING, Tone
from surefill.service.tokens import Role

NO_TRADE = (
    "No open trade. Submit one: surefill trade ACME buy 25 --signal 100 --risk 1 --rr 2, or "
    "through the API (docs/api.md)."
)
NO_FOREIGN = "Nothing on this account that is not ours."
START = "Start the engine with the same settings: surefill run. This page fills by itself."
WAYS = {
    Deed.HALT: (RiskState.ACTIVE, None),
    Deed.RESUME: (RiskState.REDUCING,),
    Deed.UNKILL: (RiskState.HALTED,),
}
"""Act -> the states from which it leads on."""


def register() -> None:
    """Serve it."""
    ui.page("/", response_timeout=PAGE_S)(page)


async def page(request: Request) -> None:
    """Draw it."""
    with visit(request, "Now", "/") as found:
        if found is None:
            return
        if found.role is Role.KILL_ONLY:
            _kill_page(found)
            await found.tick()
            return
        problem = Text(tag="p", classes="empty")
        vitals = Facts()
        _acts(found)
        with ui.element("div").classes("known") as known:
            heading("Open trades")
            trades = _Trades()
            heading("Not ours")
            foreign = Grid(
                ("symbol", "shares"),
                label="Positions that are not ours",
                empty=NO_FOREIGN,
                numbers=frozenset({1}),
            )

        def show(board: Board) -> None:
            is_new = bool(board.problem) and not board.is_blind
            problem.box.set_visibility(is_new)
            problem.show(f"{board.problem}. {START}" if is_new else "")
            known.set_visibility(not board.problem)  # what was not read is not "no open trade"
            vitals.show([(one.name, one.value, one.tone, one.hint) for one in board.vitals])
            trades.show(board.trades)
            foreign.show([Line(one.symbol, (one.symbol, one.qty)) for one in board.foreign])

        found.each_tick(show)
        await found.tick()


def _acts(found: Visit) -> None:
    """The ways that lead on from here."""
    with ui.element("div").classes("row acts"):
        made = {deed: found.button(deed) for deed in (*WAYS, Deed.FLATTEN_ALL)}

    def show(board: Board) -> None:
        for deed, states in WAYS.items():
            button = made[deed]
            if button is not None:
                button.set_visibility(board.risk in states)

    found.each_tick(show)


def _kill_page(found: Visit) -> None:
    heading("The kill switch")
    note("Ends every entry and refuses new plans. Only an operator takes it back.")
    held = Text(tag="p", classes="big")

    def show(board: Board) -> None:
        free = "Not killed, not halted." if not board.problem else f"Not known: {board.problem}."
        held.show(board.risk_why or free, Tone.PLAIN)

    found.each_tick(show)


class _Trades:
    """A card for each open trade."""

    def __init__(self) -> None:
        self._empty = Text(NO_TRADE, tag="p", classes="empty")
        self._box = ui.element("div").classes("cards")
        self._cards: dict[str, _Card] = {}

    def show(self, rows: tuple[TradeRow, ...]) -> None:
        """Show these."""
        if [row.plan_id for row in rows] != list(self._cards):
            self._box.clear()
            with self._box:
                self._cards = {row.plan_id: _Card(row) for row in rows}
        for row in rows:
            self._cards[row.plan_id].show(row)
        self._empty.box.set_visibility(not rows)


class _Card:
    """One open trade."""

    def __init__(self, row: TradeRow) -> None:
        with ui.element("article").classes("card").props(f'aria-label="Trade {row.plan_id}"'):
            with ui.element("h3"):
                ui.link(f"{row.symbol} {row.side}", f"/trade/{row.plan_id}")
                self._phase = Text(classes="chip")
            Text(f"{row.plan_id}, {row.path} path", tag="p", classes="muted id")
            self._filled = Bar("Shares entered of shares wanted")
            self._room = Bar("Way from the signal to the worst price")
            self._facts = Facts()

    def show(self, row: TradeRow) -> None:
        """Show it as it is now."""
        self._phase.show(row.phase, row.tone)
        self._filled.show(row.entry.filled_percent, f"{row.entry.filled} entered")
        used = row.entry.room_percent
        room = f", {used} % of the room used" if used is not None else ""
        self._room.show(used, row.entry.price + room)
        is_bare = row.bare not in ("0", NOTHING)
        calm = Tone.GOOD if row.tone is Tone.GOOD else Tone.PLAIN
        self._facts.show(
            [
                ("Held", row.held, Tone.PLAIN, ""),
                ("Without a stop", row.bare, Tone.BAD if is_bare else calm, ""),
                ("Uncovered for", row.bare_for, Tone.BAD if is_bare else Tone.PLAIN, "in all"),
                ("Stop", row.stop, Tone.PLAIN, ""),
                ("Target", row.target, Tone.PLAIN, ""),
                ("Reward/risk", row.reward, Tone.PLAIN, "planned, and at the fill"),
                ("Slippage, bps", row.slippage, Tone.PLAIN, "against the signal"),
            ]
        )
