"""Signs of life, what was recorded last, limits and settings.

What: ``/system``. Must never: show a credential; they are left out, not starred.
"""

from __future__ import annotations

from fastapi import Request
from nicegui import ui

from surefill.dashboard.board import Board
from surefill.dashboard.pages.parts import Facts, Grid, Line, heading, note
from surefill.dashboard.pages.shell import PAGE_S, Visit, visit
from surefill.ports import JournalError
from surefill.runtime.build import rules_build
from surefill.service.views import limit_rows, setting_rows

NO_RECORD = "Nothing recorded yet. Start the engine: surefill run"


def register() -> None:
    """Serve it."""
    ui.page("/system", response_timeout=PAGE_S)(page)


async def page(request: Request) -> None:
    """Draw it."""
    with visit(request, "System", "/system") as found:
        if found is None:
            return
        settings, watcher = found.state.settings, found.state.watcher
        heading("Signs of life")
        vitals = Facts()
        note(await _builds(found))
        heading("Recorded last")
        happened = Grid(
            ("record", "New York", "what", "of what"),
            label="Recorded last",
            empty=NO_RECORD,
            numbers=frozenset({0}),
        )
        heading("Limits of an entry")
        limits = Grid(
            ("limit", "symbol", "value", "meaning"),
            label="Limits",
            empty="No limit is set: SUREFILL_LIMITS, docs/settings.md",
        )
        limits.show(
            [
                Line(
                    f"{n}", (row.name, row.symbol or "all", _with(row.value, row.unit), row.meaning)
                )
                for n, row in enumerate(limit_rows(settings))
            ]
        )
        heading("Settings of this server")
        shown = Grid(("setting", "value", "meaning"), label="Settings", empty="None.")
        shown.show(
            [
                Line(row.name, (row.name, _with(row.value, row.unit), row.meaning))
                for row in setting_rows(settings)
            ]
        )

        def show(board: Board) -> None:
            vitals.show([(one.name, one.value, one.tone, one.hint) for one in board.vitals])
            happened.show(
                [
                    Line(str(one.seq), (str(one.seq), one.at, one.kind, one.text))
                    for one in watcher.happenings
                ]
            )

        found.each_tick(show)
        await found.tick()


async def _builds(found: Visit) -> str:
    """Which program shows this, and which one decides: two programs may not agree on a rule."""
    own = rules_build()
    try:
        started = await found.state.archive.started()
    except JournalError:
        started = None
    said = f"This server: {own}."
    if started is not None and started.build != own:
        said += f" The engine was started last by another one: {started.build}."
    elif started is not None:
        said += " The engine's last start: the same."
    return f"{said} In more depth: surefill doctor."


def _with(value: str, unit: str) -> str:
    return f"{value} {unit}".strip() if value and value != "off" else value
