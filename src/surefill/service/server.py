"""The HTTP API on a socket: uvicorn, with a bound on everything a stranger could use up.

What: `listen`, `make_server`, and the protocol that lets go of connections which do not ask.
Why a protocol of ours: uvicorn bounds an idle connection after an answer, not one that never
finishes its first line (slow-loris), and not their number.
Invariants: at most `CONNECTIONS_MAX` connections; when there are more, idle ones end, so that
somebody with a token gets in; a request's head is there within `HEAD_S` and has at most
`HEAD_BYTES_MAX` bytes.
Must never: log a request.
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from h11 import Request
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from surefill.service.guard import App

CONNECTIONS_MAX = 128
HEAD_BYTES_MAX = 16 * 1024
HEAD_S = 5.0
KEEP_ALIVE_S = 10
MESSAGE_BYTES_MAX = 64 * 1024
PING_S = 20.0
GRACE_S = 1
BACKLOG = 64


@dataclass(frozen=True, slots=True)
class Tls:
    """A certificate and its key."""

    certificate: Path
    key: Path


class PatientProtocol(H11Protocol):
    """uvicorn's protocol that does not wait for ever."""

    _head_timer: asyncio.TimerHandle | None = None
    _is_upgraded = False

    @property
    def is_idle(self) -> bool:
        """Whether nothing that was asked is unanswered."""
        cycle: RequestResponseCycle | None = self.cycle  # declared without its first value
        return cycle is None or cycle.response_complete

    @property
    def is_leaving(self) -> bool:
        """Whether it has been let go."""
        return self.transport.is_closing()

    def connection_made(  # type: ignore[override]  # as uvicorn declares it
        self, transport: asyncio.Transport
    ) -> None:
        super().connection_made(transport)
        self._make_room()
        self._watch_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_upgraded:
            return
        if not self.is_idle:
            self._unwatch_head()
        elif self._head_timer is None:
            self._watch_head()

    def handle_websocket_upgrade(self, event: Request) -> None:
        self._is_upgraded = True  # from here on another protocol has the connection
        self._unwatch_head()
        super().handle_websocket_upgrade(event)

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch_head()
        super().connection_lost(exc)

    def _make_room(self) -> None:
        # What was let go in this turn of the loop stands in the list until the next one.
        others = [
            one
            for one in self.connections
            if isinstance(one, PatientProtocol) and one is not self and not one.is_leaving
        ]
        if len(others) >= CONNECTIONS_MAX:
            idle = next((one for one in others if one.is_idle), self)
            idle.transport.abort()

    def _watch_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_S, self._give_up)

    def _unwatch_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        self._head_timer = None
        if self.is_idle:
            self.transport.abort()


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one. ``OSError`` when it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(BACKLOG)
    except OSError:
        bound.close()
        raise
    return bound


def make_server(app: App, *, tls: Tls | None = None, has_pages: bool = False) -> uvicorn.Server:
    """A server for ``await server.serve(sockets=[...])``; pages need websockets."""
    config = uvicorn.Config(
        app,
        http=PatientProtocol,
        ws="websockets-sansio" if has_pages else "none",
        ws_max_size=MESSAGE_BYTES_MAX,
        ws_ping_interval=PING_S,
        ws_ping_timeout=PING_S,
        loop="asyncio",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        h11_max_incomplete_event_size=HEAD_BYTES_MAX,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
        backlog=BACKLOG,
        ssl_certfile=tls.certificate if tls is not None else None,
        ssl_keyfile=tls.key if tls is not None else None,
    )
    return uvicorn.Server(config)
