"""The websocket that stays connected, against a real one that misbehaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random

import pytest
from aiohttp import WSMsgType, web

from surefill.brokers.alpaca import stream as module
from surefill.brokers.alpaca.stream import Socket, Stream, StreamLost
from tests.brokers.alpaca.support import serving, until

Peer = Callable[[web.WebSocketResponse], Awaitable[None]]


class Recorder:
    """A handler that writes down what happened to it."""

    def __init__(self, *, refuse: bool = False) -> None:
        self.refuse = refuse
        self.ups = 0
        self.frames: list[bytes] = []
        self.alive = 0
        self.downs: list[str] = []
        self.socket: Socket | None = None

    async def handshake(self, socket: Socket) -> None:
        await socket.send({"hello": 1})
        if self.refuse or await socket.receive() != b'{"welcome":1}':
            raise StreamLost("refused")

    def on_up(self, socket: Socket) -> None:
        self.socket = socket
        self.ups += 1

    def on_frame(self, data: bytes) -> None:
        self.frames.append(data)

    def on_alive(self) -> None:
        self.alive += 1

    def on_down(self, text: str) -> None:
        self.downs.append(text)


@asynccontextmanager
async def connected(
    peer: Peer, handler: Recorder, *, tick_s: float = 10.0, dead_ticks: int = 3
) -> AsyncIterator[Stream]:
    """A running stream against a peer; back-off waits are cut to a millisecond."""

    async def accept(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(autoping=False, timeout=0.1)
        await ws.prepare(request)
        await peer(ws)
        return ws

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(min(seconds, tick_s if seconds == tick_s else 0.001))

    async with serving(web.get("/stream", accept)) as url:
        stream = Stream(
            url=url.replace("http", "ws") + "/stream",
            handler=handler,
            sleep=sleep,
            random=Random(1),
            tick_s=tick_s,
            dead_ticks=dead_ticks,
        )
        task = asyncio.create_task(stream.run())
        try:
            yield stream
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def welcome(ws: web.WebSocketResponse) -> None:
    assert (await ws.receive()).data == '{"hello":1}'
    await ws.send_str('{"welcome":1}')


async def test_text_and_binary_frames_reach_the_handler() -> None:
    async def peer(ws: web.WebSocketResponse) -> None:
        await welcome(ws)
        await ws.send_str("a")
        await ws.send_bytes(b"\xffb")
        await ws.ping(b"you?")
        pong = await ws.receive()
        assert (pong.type, bytes(pong.data)) == (WSMsgType.PONG, b"you?")
        await ws.send_str("c")
        await ws.receive()

    handler = Recorder()
    async with connected(peer, handler):
        await until(lambda: len(handler.frames) == 3)
    assert handler.frames == [b"a", b"\xffb", b"c"]
    assert handler.ups == 1
    assert handler.alive == 4


async def test_a_closed_connection_is_made_again() -> None:
    count = 0

    async def peer(ws: web.WebSocketResponse) -> None:
        nonlocal count
        count += 1
        await welcome(ws)
        await ws.send_str(str(count))
        if count < 3:
            return
        await ws.receive()

    handler = Recorder()
    async with connected(peer, handler):
        await until(lambda: handler.frames == [b"1", b"2", b"3"])
    assert handler.ups == 3
    assert all("ended" in text for text in handler.downs)


async def test_a_half_open_connection_is_dead_after_some_silent_ticks() -> None:
    """W6: the peer neither speaks, nor answers pings, nor closes."""

    async def peer(ws: web.WebSocketResponse) -> None:
        await welcome(ws)
        await asyncio.sleep(30)

    handler = Recorder()
    async with connected(peer, handler, tick_s=0.03):
        await until(lambda: len(handler.downs) == 1)
    assert handler.ups >= 1


async def test_a_quiet_peer_that_answers_pings_is_alive() -> None:
    async def peer(ws: web.WebSocketResponse) -> None:
        await welcome(ws)
        while (message := await ws.receive()).type is WSMsgType.PING:
            await ws.pong(message.data)

    handler = Recorder()
    async with connected(peer, handler, tick_s=0.02):
        await until(lambda: handler.alive >= 4)
    assert not handler.downs


async def test_a_refused_login_waits_longer_each_time() -> None:
    async def peer(ws: web.WebSocketResponse) -> None:
        await ws.receive()
        await ws.receive()

    handler = Recorder(refuse=True)
    async with connected(peer, handler):
        await until(lambda: len(handler.downs) >= 4)
    assert set(handler.downs) == {"refused"}
    assert handler.ups == 0


async def test_a_login_without_an_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HANDSHAKE_S", 0.05)

    async def peer(ws: web.WebSocketResponse) -> None:
        await ws.receive()
        await asyncio.sleep(30)

    handler = Recorder()
    async with connected(peer, handler):
        await until(lambda: bool(handler.downs))
    assert handler.downs[0] == "the login was not answered"


async def test_no_server_and_no_websocket() -> None:
    handler, said = Recorder(), []

    async def refuse(request: web.Request) -> web.Response:
        return web.Response(status=429)

    async with serving(web.get("/stream", refuse)) as url:
        for address in (url.replace("http", "ws") + "/stream", "ws://127.0.0.1:1/stream"):
            stream = Stream(
                url=address,
                handler=handler,
                sleep=asyncio.sleep,
                random=Random(1),
                tick_s=1,
                dead_ticks=1,
            )
            handler.downs.clear()
            task = asyncio.create_task(stream.run())
            await until(lambda: bool(handler.downs))
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            said.append(handler.downs[0])
    assert said[0] == "no connection (WSServerHandshakeError)"
    assert said[1].startswith("no connection (ClientConn")


async def test_an_oversized_frame_ends_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """W8."""
    monkeypatch.setattr(module, "FRAME_BYTES_MAX", 1_000)

    async def peer(ws: web.WebSocketResponse) -> None:
        await welcome(ws)
        await ws.send_str("x" * 5_000)
        await ws.receive()

    handler = Recorder()
    async with connected(peer, handler):
        await until(lambda: bool(handler.downs))
    assert not handler.frames


async def test_sending_on_a_dead_connection_is_a_lost_stream() -> None:
    async def peer(ws: web.WebSocketResponse) -> None:
        await welcome(ws)

    handler = Recorder()
    async with connected(peer, handler):
        await until(lambda: bool(handler.downs))
        assert handler.socket is not None
        with pytest.raises(StreamLost):
            await handler.socket.send({"x": 1})


class FullSocket:
    """A market that is far behind: a hundred frames are there already."""

    def __init__(self) -> None:
        self.left = 100

    async def receive(self) -> bytes:
        if not self.left:
            raise StreamLost("the end")
        self.left -= 1
        return b"{}"


async def test_a_stream_that_is_behind_lets_the_others_go_first() -> None:
    handler, others = Recorder(), 0

    async def count() -> None:
        nonlocal others
        while True:
            others += 1
            await asyncio.sleep(0)

    stream = Stream(
        url="ws://127.0.0.1:1",
        handler=handler,
        sleep=asyncio.sleep,
        random=Random(1),
        tick_s=1.0,
        dead_ticks=3,
    )
    beside = asyncio.create_task(count())
    with pytest.raises(StreamLost):
        await stream._pump(FullSocket())  # type: ignore[arg-type]
    beside.cancel()
    assert len(handler.frames) == 100
    assert others >= 100 // module.FRAMES_IN_A_ROW


class BrokenSocket:
    """The part of aiohttp's websocket that the stream uses, failing everywhere."""

    close_code = 1006

    def __init__(self) -> None:
        self.closed = 0

    async def receive(self) -> None:
        raise ConnectionResetError

    async def send_str(self, text: str) -> None:
        raise ConnectionResetError

    async def pong(self, payload: bytes) -> None:
        raise ConnectionResetError

    async def ping(self) -> None:
        raise ConnectionResetError

    async def close(self) -> None:
        self.closed += 1


async def test_every_failure_of_the_socket_is_a_lost_stream() -> None:
    broken = BrokenSocket()
    socket = module._AiohttpSocket(broken, lambda: None)  # type: ignore[arg-type]
    for attempt in (socket.receive(), socket.send({}), socket._pong(b"")):
        with pytest.raises(StreamLost, match="ConnectionResetError"):
            await attempt
    await socket.ping()
    assert broken.closed == 1


def test_waits_grow_are_capped_and_jittered() -> None:
    stream = Stream(
        url="ws://127.0.0.1:1",
        handler=Recorder(),
        sleep=asyncio.sleep,
        random=Random(3),
        tick_s=1,
        dead_ticks=1,
    )
    for failures in range(1, 200):
        full_s = min(module.BACKOFF_S_MAX, module.BACKOFF_S * 2 ** min(failures - 1, 20))
        assert full_s / 2 <= stream.backoff_s(failures) <= full_s
    assert len({stream.backoff_s(9) for _ in range(10)}) == 10
