"""Which page a browser's socket may work with: one of its own session, and no other.

What: `bind` puts a check before every message that the page library takes from a socket.
Why: the library knows a page by its id alone, and an act is done in the name of the session that
opened the page: an id that leaked (a proxy's log of addresses) would lend its rights to any login.
Invariants: who opened the page and who speaks are compared at each message; what a browser wants
logged is dropped, because it could be anything.
Must never: take a session's id from a message.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from inspect import isawaitable
from typing import Any, Protocol
from urllib.parse import parse_qs

from surefill.dashboard.gate import SESSION
from surefill.runtime.logs import LOGGER_NAME

logger = logging.getLogger(LOGGER_NAME)

CHECKED = frozenset({"handshake", "event", "javascript_response", "ack"})
"""Messages that name a page."""
KNOWN = CHECKED | {"connect", "disconnect", "log"}
Handler = Callable[..., Any]
Scopes = Callable[[str], Mapping[str, Any] | None]
"""Page's id -> the scope of the request that opened it; ``None``: no such page is open."""


class Server(Protocol):
    """The part of the library's server that is used: namespace -> message -> handler."""

    handlers: dict[str, dict[str, Handler]]

    def get_environ(self, sid: str) -> Any:
        """How a socket began; ``asgi.scope`` of it is what `gate` has let in."""


def bind(server: Server, scope_of: Scopes) -> None:
    """Check every message of ``server`` from now on. Raises `ValueError` where the library takes
    messages that are not known here."""
    handlers = server.handlers["/"]
    if handlers.keys() != KNOWN:
        raise ValueError(f"the page library takes other messages: {', '.join(sorted(handlers))}")

    def is_own(sid: str, page: object) -> bool:
        opened = scope_of(page) if isinstance(page, str) else None
        if opened is None or opened[SESSION] == server.get_environ(sid)["asgi.scope"][SESSION]:
            return opened is not None
        logger.warning("dashboard: a socket named a page of another session and was refused")
        return False

    def checked(handler: Handler) -> Handler:
        async def take(sid: str, message: object) -> object:
            page = message.get("client_id") if isinstance(message, dict) else None
            if not is_own(sid, page):
                return False
            done = handler(sid, message)
            return await done if isawaitable(done) else done

        return take

    greet = handlers["connect"]

    async def connect(sid: str, environ: dict[str, Any], _: object = None) -> object:
        named = parse_qs(environ.get("QUERY_STRING", "")).get("client_id", [])
        if not all(scope_of(page) is None or is_own(sid, page) for page in named):
            return False  # which refuses the connection
        return await greet(sid, environ)

    async def drop(_: str, __: object) -> None:
        """A line of somebody else's making."""

    handlers |= {name: checked(handlers[name]) for name in CHECKED}
    handlers |= {"connect": connect, "log": drop}
