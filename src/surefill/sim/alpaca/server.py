"""The exchange on real sockets: one ASGI application for REST, both websockets and ``/sim/``.

What: `VenueServer` moves bytes between sockets and the edge and lets the edge catch up with the
venue's clock: in real time by a timer to the edge's next event, or pinned, when only the control
route moves time. `serve` runs it on uvicorn.
Why: a shell without decisions; everything that matters happens in the edge, in both harnesses.
Invariants: one event loop owns everything here; a request that the wire swallowed (faults N1, N2)
keeps its client waiting until the client gives up.
Must never: log a header or a body: keys travel in them.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from surefill.sim.alpaca.app import Venue
from surefill.sim.alpaca.control import PREFIX, Control
from surefill.sim.alpaca.errors import error_response
from surefill.sim.alpaca.parse import MAX_BODY_BYTES
from surefill.sim.alpaca.snapshot import restore
from surefill.sim.snapshot_file import SnapshotError, load_lines
from surefill.sim.streams import CUT, GOING_AWAY
from surefill.sim.wire import Delivery, DeliveryKind, StreamKind, WireRequest, WireResponse

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Peer = tuple[str, int]

STREAM_PATHS: Mapping[str, StreamKind] = {
    "/stream": StreamKind.ORDERS,
    "/v2/iex": StreamKind.MARKET,
    "/v2/sip": StreamKind.MARKET,
    "/v2/delayed_sip": StreamKind.MARKET,
    "/v2/test": StreamKind.MARKET,
    "/stream/v2/iex": StreamKind.MARKET,
    "/stream/v2/sip": StreamKind.MARKET,
}
"""Websocket paths, also with a trailing slash (legacy clients). The older Python SDK appends its
data path to ``APCA_API_STREAM_URL``, which for other programs is the address of ``/stream``."""

SLICE_NS = 250_000_000
"""Venue time per turn of the loop while catching up: sockets are served in between."""
MIN_WAIT_S = 0.001
"""The loop's own resolution; shorter timers would spin."""
BACKLOG = 128
SNAPSHOT_BYTES_MAX = 512 * 1024 * 1024
"""Some ten million events of market history."""
WAITING_MAX = 100_000
"""Messages (some 50 MB) that wait for a client that does not read; then its connection is cut, as
Alpaca's is (407): a client that hangs over night must not take the exchange along."""
GRACE_S = 1
"""How long a stopping server waits for its clients."""
KEEP_ALIVE_S = 75
"""An idle connection stays open as long as behind nginx, whose default this is; a client that keeps
connections does not meet a closed one between two orders."""


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """What is served beside the venue, and where it may be saved."""

    with_control: bool
    save_path: Path | None = None


class VenueServer:
    """The ASGI application of one venue."""

    def __init__(self, venue: Venue, *, options: ServerOptions) -> None:
        self._options = options
        self._control: Control | None = None
        self._take_over(venue)
        self._serial = 0
        self._tickets: dict[int, asyncio.Future[Delivery]] = {}
        self._conns: dict[int, asyncio.Queue[Delivery]] = {}
        self._peers: dict[int, Peer | None] = {}
        self._transports: dict[Peer, asyncio.Transport] = {}
        self._timer: asyncio.TimerHandle | asyncio.Handle | None = None

    @property
    def venue(self) -> Venue:
        """The venue that is served now."""
        return self._venue

    def _take_over(self, venue: Venue) -> None:
        self._venue, self._edge, self._clock = venue, venue.edge, venue.clock
        if self._options.with_control:
            self._control = Control(venue, save_path=self._options.save_path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's request, websocket or the server's lifespan."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._lifespan(receive, send)

    def transport_made(self, peer: Peer, transport: asyncio.Transport) -> None:
        """Remember a connection, so that a fault can cut it."""
        self._transports[peer] = transport

    def transport_lost(self, peer: Peer) -> None:
        """Forget a connection."""
        self._transports.pop(peer, None)

    # -- time ---------------------------------------------------------------------------------

    def _now_ns(self) -> int:
        """Venue time for something that enters: never before what the edge has seen."""
        return self._target_ns()

    def _target_ns(self) -> int:
        """How far the edge may go in this turn: the clock, in slices when far behind."""
        clock_ns, edge_ns = self._clock.now_ns(), self._edge.now_ns
        next_ns = self._edge.next_ns()
        if next_ns is None or next_ns >= clock_ns:
            return max(edge_ns, clock_ns)
        return max(edge_ns, min(clock_ns, next_ns + SLICE_NS))

    def _pump(self) -> None:
        """Catch up with the clock by one slice and set the timer for the next thing due."""
        self._hand_over(self._edge.advance(self._target_ns()))
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        next_ns = self._edge.next_ns()
        wait_ns = None if next_ns is None else self._clock.wait_ns(next_ns)
        if wait_ns is None:
            return
        loop = asyncio.get_running_loop()
        if wait_ns == 0 and self._edge.now_ns < self._clock.now_ns():
            self._timer = loop.call_soon(self._pump)
        else:
            self._timer = loop.call_later(max(MIN_WAIT_S, wait_ns / 1e9), self._pump)

    def _catch_up(self) -> None:
        """Let everything happen that is due by the clock (after a control request)."""
        goal_ns = self._clock.now_ns()
        while self._edge.now_ns < goal_ns:
            self._hand_over(self._edge.advance(self._target_ns()))
        self._pump()

    def _hand_over(self, deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            if delivery.ticket is not None:
                waiting = self._tickets.pop(delivery.ticket, None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(delivery)
            elif delivery.conn is not None and delivery.conn in self._conns:
                queue = self._conns[delivery.conn]
                queue.put_nowait(delivery)
                if queue.qsize() > WAITING_MAX:
                    self._throw_out(delivery.conn)

    def _throw_out(self, conn: int) -> None:
        """End a connection whose client does not read."""
        del self._conns[conn]
        self._edge.close_stream(self._edge.now_ns, conn)
        peer = self._peers.get(conn)
        transport = self._transports.get(peer) if peer is not None else None
        if transport is not None:
            transport.abort()

    # -- requests -----------------------------------------------------------------------------

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_load = self._control is not None and _is_load(scope)
        body = await _read_body(receive, SNAPSHOT_BYTES_MAX if is_load else MAX_BODY_BYTES)
        if body is None:
            too_large = error_response(413, 41310000, "request body is too large")
            await _send_response(send, too_large)
            return
        request = WireRequest(
            method=scope["method"],
            path=scope["path"],
            query=_query(scope["query_string"]),
            headers=_headers(scope),
            body=body,
        )
        if self._control is not None and request.path.startswith(PREFIX):
            await _send_response(send, self._controlled(self._control, request))
            return
        self._serial += 1
        ticket = self._serial
        answer: asyncio.Future[Delivery] = asyncio.get_running_loop().create_future()
        self._tickets[ticket] = answer
        self._edge.send(self._now_ns(), ticket, request)
        self._pump()
        await self._answer(answer, receive, send, peer=_peer(scope))
        self._tickets.pop(ticket, None)

    def _controlled(self, control: Control, request: WireRequest) -> WireResponse:
        """A control request acts at the present time and is answered when all of it happened."""
        if "origin" in request.headers:
            # Only browsers send it: no web page may move a clock or arm a fault.
            return error_response(403, 40310000, "control routes are not for web pages")
        self._catch_up()
        if _is_load({"method": request.method, "path": request.path}):
            return self._load(request.body)
        response = control.handle(request)
        self._catch_up()
        is_clock = request.path.rstrip("/") == f"{PREFIX}clock"
        if is_clock and response.status == 200:
            return control.handle(WireRequest("GET", f"{PREFIX}clock"))
        return response

    def _load(self, body: bytes) -> WireResponse:
        """Go on as the exchange of a snapshot; every connection of the present one ends."""
        lines, machine = body.splitlines(keepends=True), self._venue.config
        try:
            venue = restore(load_lines(lines), machine=machine, reading_ns=self._clock.reading_ns)
        except SnapshotError as error:
            return error_response(422, None, str(error))
        for conn, queue in self._conns.items():
            self._edge.close_stream(self._edge.now_ns, conn)
            queue.put_nowait(
                Delivery(self._edge.now_ns, DeliveryKind.CLOSE, conn=conn, code=GOING_AWAY)
            )
        for waiting in self._tickets.values():
            if not waiting.done():
                waiting.set_result(Delivery(self._edge.now_ns, DeliveryKind.RESET))
        self._conns.clear()
        self._tickets.clear()
        self._take_over(venue)
        self._pump()
        assert self._control is not None, "only the control route loads"
        return self._control.handle(WireRequest("GET", f"{PREFIX}clock"))

    async def _answer(
        self, answer: asyncio.Future[Delivery], receive: Receive, send: Send, *, peer: Peer | None
    ) -> None:
        """Wait for the answer, or for the client to give up."""
        if answer.done():  # without latency: nothing to wait for
            await self._finish(answer.result(), send, peer)
            return
        gone = asyncio.ensure_future(receive())
        waiting: set[asyncio.Future[Any]] = {answer, gone}
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        if not answer.done():
            answer.cancel()
            return
        await self._finish(answer.result(), send, peer)

    async def _finish(self, delivery: Delivery, send: Send, peer: Peer | None) -> None:
        """Send the answer, or cut the connection."""
        if delivery.kind is DeliveryKind.RESPONSE and delivery.response is not None:
            await _send_response(send, delivery.response)
        else:
            await self._reset(send, delivery.response, peer)

    async def _reset(self, send: Send, part: WireResponse | None, peer: Peer | None) -> None:
        """Fault N5: cut the connection, after the part of the answer that got through."""
        transport = self._transports.get(peer) if peer is not None else None
        if part is not None:
            await send(_start(part))
            await send({"type": "http.response.body", "body": part.body, "more_body": True})
            if transport is not None:
                transport.close()  # flushes what was written, then ends
        elif transport is not None:
            transport.abort()

    # -- websockets ---------------------------------------------------------------------------

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        kind = STREAM_PATHS.get(scope["path"].rstrip("/"))
        self._serial += 1
        conn = self._serial
        if kind is None:
            await send({"type": "websocket.close"})
            return
        headers = {**_headers(scope), ":path": scope["path"]}
        self._conns[conn] = asyncio.Queue()
        if not self._edge.open_stream(self._now_ns(), conn, kind, headers=headers):
            del self._conns[conn]
            await send({"type": "websocket.close"})
            return
        self._peers[conn] = _peer(scope)
        await send({"type": "websocket.accept"})
        self._pump()
        writer = asyncio.ensure_future(self._write(conn, send, _peer(scope)))
        try:
            await self._read(conn, receive)
        finally:
            writer.cancel()
            self._peers.pop(conn, None)
            if self._conns.pop(conn, None) is not None:
                self._edge.close_stream(self._now_ns(), conn)
                self._pump()

    async def _read(self, conn: int, receive: Receive) -> None:
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return
            if conn not in self._conns:
                continue  # another exchange was loaded: its end is on the way
            data = message.get("bytes") or (message.get("text") or "").encode()
            self._edge.stream_send(self._now_ns(), conn, data)
            self._pump()

    async def _write(self, conn: int, send: Send, peer: Peer | None) -> None:
        """Everything the edge delivers on this connection, until it ends."""
        queue = self._conns[conn]
        while True:
            delivery = await queue.get()
            transport = self._transports.get(peer) if peer is not None else None
            if delivery.frame is not None:
                await send(_frame(delivery.frame.data, is_text=delivery.frame.is_text))
            elif delivery.kind is DeliveryKind.CLOSE:
                if delivery.code == CUT and transport is not None:
                    transport.abort()
                else:
                    await send({"type": "websocket.close", "code": delivery.code})
                return
            elif transport is not None and delivery.kind is DeliveryKind.MUTE:
                transport.pause_reading()  # pings stay unread, so no pong goes back
            elif transport is not None and delivery.kind is DeliveryKind.UNMUTE:
                transport.resume_reading()

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        self._pump()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        if self._timer is not None:
            self._timer.cancel()
        await send({"type": "lifespan.shutdown.complete"})


def make_server(
    venue: Venue, *, with_control: bool, save_path: Path | None = None
) -> uvicorn.Server:
    """A uvicorn server for this venue; run it with ``await server.serve(sockets=[...])``.

    ``save_path``: where the exchange is written when the server ends, or when ``/sim/`` asks."""
    app = VenueServer(venue, options=ServerOptions(with_control, save_path))

    class Protocol(HttpToolsProtocol):
        """uvicorn's HTTP protocol that also tells the application of its connections."""

        def connection_made(  # type: ignore[override]  # as uvicorn declares it
            self, transport: asyncio.Transport
        ) -> None:
            super().connection_made(transport)
            if self.client is not None:
                app.transport_made(self.client, transport)

        def connection_lost(self, exc: Exception | None) -> None:
            if self.client is not None:
                app.transport_lost(self.client)
            super().connection_lost(exc)

    config = uvicorn.Config(
        app,
        http=Protocol,
        ws="websockets-sansio",
        ws_max_size=MAX_BODY_BYTES * 16,
        ws_ping_interval=None,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
        timeout_keep_alive=KEEP_ALIVE_S,
    )
    return uvicorn.Server(config)


def server_app(server: uvicorn.Server) -> VenueServer:
    """The application of a server of `make_server`."""
    app = server.config.app
    assert isinstance(app, VenueServer)
    return app


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one. ``OSError`` when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        # From here on clients wait in the backlog instead of being refused: the banner that names
        # the port is printed before the loop runs.
        bound.listen(BACKLOG)
    except OSError:
        bound.close()
        raise
    return bound


def _is_load(scope: Scope) -> bool:
    """Whether this request brings a snapshot to go on with."""
    return bool(scope["method"] == "PUT" and scope["path"].rstrip("/") == f"{PREFIX}snapshot")


async def _read_body(receive: Receive, bytes_max: int) -> bytes | None:
    """The whole body; ``None`` when it is larger than any request needs."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return bytes(body)
        body += message.get("body", b"")
        if len(body) > bytes_max:
            return None
        if not message.get("more_body", False):
            return bytes(body)


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): v.decode("latin-1") for name, v in scope["headers"]}


def _query(raw: bytes) -> tuple[tuple[str, str], ...]:
    return tuple(parse_qsl(raw.decode("latin-1"), keep_blank_values=True))


def _peer(scope: Scope) -> Peer | None:
    client = scope.get("client")
    return (client[0], client[1]) if client else None


def _start(response: WireResponse) -> Message:
    headers = {"content-length": str(len(response.body)), **response.headers}
    if response.status == 204:
        del headers["content-length"]
    return {
        "type": "http.response.start",
        "status": response.status,
        "headers": [(k.encode("latin-1"), v.encode("latin-1")) for k, v in headers.items()],
    }


async def _send_response(send: Send, response: WireResponse) -> None:
    await send(_start(response))
    await send({"type": "http.response.body", "body": response.body})


def _frame(data: bytes, *, is_text: bool) -> Message:
    if is_text:
        return {"type": "websocket.send", "text": data.decode()}
    return {"type": "websocket.send", "bytes": data}
