"""The pages as an ASGI application, and what they work with.

What: `State` (one account's watcher, archive, sessions, hands), `pages` (the application, built
once in a process) and `running` (its background work).
Why once: the page library keeps its routes and its event loop in the module; what belongs to one
account comes with every request instead (`gate.SITE`).
Invariants: nothing is loaded from another server; no storage of the library is used: it writes no
file and sets no cookie.
Must never: be reached but through `gate.Gate`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from surefill.config import Settings
from surefill.dashboard.archive import Archive
from surefill.dashboard.assets import ICON_FILE
from surefill.dashboard.deeds import NAMES, Hands
from surefill.dashboard.gate import Gate
from surefill.dashboard.sessions import Sessions
from surefill.dashboard.watcher import Watcher
from surefill.replay.checklist import Checklist
from surefill.runtime.account import JournalSource
from surefill.service.app import application
from surefill.service.door import Door
from surefill.service.guard import App, Names, Scope
from surefill.service.pacing import NowNs
from surefill.service.reader import Reader
from surefill.service.routes import Desk
from surefill.service.tokens import TokenFile

if TYPE_CHECKING:
    from nicegui import Client

RECONNECT_S = 5.0
HISTORY = 200
"""Messages kept for a page whose connection was lost for a moment."""


@dataclass(frozen=True, slots=True)
class State:
    """What pages of one account work with."""

    settings: Settings
    watcher: Watcher
    archive: Archive
    sessions: Sessions
    door: Door
    hands: Hands


@cache
def pages() -> App:
    """The application."""
    # The library would look for its storage in the user's directory; it has none.
    os.environ.setdefault("NICEGUI_STORAGE_PATH", str(Path(__file__).with_name("no-storage")))
    from fastapi import FastAPI
    from nicegui import Client, core, ui

    from surefill.dashboard.pages import checks, costs, now, system, trade
    from surefill.dashboard.sockets import bind

    # It would log the whole address of a page that is not there, with what somebody put into it.
    logging.getLogger("nicegui").setLevel(logging.ERROR)
    core.sio.eio.cors_allowed_origins = []  # the gate has looked at the origin already
    bind(core.sio, lambda name: _scope_of(Client.instances.get(name)))
    for module in (checks, costs, now, system, trade):
        module.register()
    outer = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    ui.run_with(
        outer,
        title="Surefill",
        favicon=ICON_FILE,
        dark=None,
        language="en-US",
        reconnect_timeout=RECONNECT_S,
        message_history_length=HISTORY,
        gzip_middleware_factory=None,
        tailwind=False,
        show_welcome_message=False,
    )
    core.app.config.socket_io_js_transports = ["websocket"]
    return outer


def _scope_of(page: Client | None) -> Scope | None:
    """Of the request that opened a page that is still open."""
    return page.request.scope if page is not None else None


@asynccontextmanager
async def running(app: App, state: State) -> AsyncIterator[None]:
    """The library's background work, and the end of ours."""
    lifespan = app.router.lifespan_context  # type: ignore[attr-defined]
    try:
        async with lifespan(app):
            yield
    finally:
        await state.watcher.close()
        await state.archive.close()
        await state.door.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """A server with pages: ``app`` for the socket, inside ``running(site, state)``."""

    app: Gate
    site: App
    state: State


def furnish(
    desk: Desk,
    source: JournalSource,
    *,
    tokens: TokenFile,
    names: Names,
    port: int,
    now_ns: NowNs,
    is_tls: bool = False,
    tapes: Sequence[Path] = (),
    checklist: Callable[[], Checklist] | None = None,
) -> House:
    """The API and the pages of one account behind one door. ``desk`` is the API's; the pages ask
    the engine through a door of their own, so that a flood of the API does not stand before their
    kill switch."""
    sessions = Sessions(tokens, now_ns)
    archive = Archive(Reader(source), tapes=tapes, checklist=checklist)
    door = Door(desk.settings, NAMES)
    state = State(
        settings=desk.settings,
        watcher=Watcher(desk.settings, desk.reader, archive, now_ns=now_ns),
        archive=archive,
        sessions=sessions,
        door=door,
        hands=Hands(door, sessions, now_ns),
    )
    site = pages()
    api = application(desk, tokens=tokens, names=names, now_ns=now_ns)
    gate = Gate(
        api,
        site,
        state=state,
        sessions=sessions,
        tokens=tokens,
        names=names,
        port=port,
        now_ns=now_ns,
        is_tls=is_tls,
    )
    return House(app=gate, site=site, state=state)
