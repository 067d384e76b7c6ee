"""A websocket that stays connected: handshake, heartbeat, back-off. It knows nothing of what flows.

What: connects, lets its handler log in, hands it every data frame, and starts again when the
connection ends, is refused or falls silent.
Why: alpaca-py notices a dead peer after three minutes, loops without a pause on a refused login,
and dies of one bad frame (failures.md B-09; faults W5-W8, W13).
Invariants: silence is answered with a ping and ends the connection after `DEAD_TICKS` ticks; waits
grow, are capped and jittered; a frame of any kind counts as a sign of life.
Must never: interpret a frame, or log one (the first message carries the keys).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import Protocol

import aiohttp
import msgspec

logger = logging.getLogger(__name__)

Sleep = Callable[[float], Awaitable[None]]

CONNECT_S = 5.0
HANDSHAKE_S = 5.0
"""As long as any other read: a peer that falls silent in the login must not cost another outage."""
CLOSE_S = 1.0
FRAME_BYTES_MAX = 4 * 1024 * 1024

BACKOFF_S = 0.25
BACKOFF_S_MAX = 30.0
FRAMES_IN_A_ROW = 16
"""Frames that have arrived are taken without a pause, so a busy market would keep the loop from
everything else, a fill on the other stream too, as long as it is behind. About a millisecond."""
STABLE_TICKS = 4
"""A connection that lived this many heartbeats was good: the next wait starts small again."""


class StreamLost(Exception):
    """The connection ended or was refused; the sentence says how. No secrets in it."""


class Socket(Protocol):
    """What a handler may do with an open connection."""

    async def send(self, message: object) -> None:
        """Send one JSON message. Raises `StreamLost`."""

    async def receive(self) -> bytes:
        """The next data frame, text or binary alike. Raises `StreamLost`."""


class Handler(Protocol):
    """Who understands the frames."""

    async def handshake(self, socket: Socket) -> None:
        """Log in and subscribe. Raises `StreamLost` when refused."""

    def on_up(self, socket: Socket) -> None:
        """The handshake succeeded; frames follow."""

    def on_frame(self, data: bytes) -> None:
        """A data frame."""

    def on_alive(self) -> None:
        """Something, if only a pong, proved that the peer is there. Called after `on_frame`."""

    def on_down(self, text: str) -> None:
        """The connection ended, or could not be made."""


class _AiohttpSocket:
    """`Socket` over aiohttp; answers pings, and remembers whether anything was heard."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse, on_alive: Callable[[], None]) -> None:
        self._ws = ws
        self._on_alive = on_alive
        self.heard = True

    async def send(self, message: object) -> None:
        try:
            await self._ws.send_str(msgspec.json.encode(message).decode())
        except (aiohttp.ClientError, OSError) as error:
            raise StreamLost(f"cannot send ({type(error).__name__})") from None

    async def receive(self) -> bytes:
        while True:
            try:
                message = await self._ws.receive()
            except (aiohttp.ClientError, OSError) as error:
                raise StreamLost(f"cannot receive ({type(error).__name__})") from None
            self.heard = True
            match message.type:
                case aiohttp.WSMsgType.TEXT:
                    return str(message.data).encode()
                case aiohttp.WSMsgType.BINARY:
                    return bytes(message.data)
                case aiohttp.WSMsgType.PING:
                    await self._pong(bytes(message.data))
                    self._on_alive()
                case aiohttp.WSMsgType.PONG:
                    self._on_alive()
                case _:
                    raise StreamLost(f"the connection ended (code {self._ws.close_code})")

    async def _pong(self, payload: bytes) -> None:
        try:
            await self._ws.pong(payload)
        except (aiohttp.ClientError, OSError) as error:
            raise StreamLost(f"cannot send ({type(error).__name__})") from None

    async def ping(self) -> None:
        """Ask for a sign of life; a connection that cannot even send is closed by the caller."""
        try:
            await self._ws.ping()
        except (aiohttp.ClientError, OSError):
            await self.close()

    async def close(self) -> None:
        """End the connection; `receive` raises `StreamLost`."""
        await self._ws.close()


class Stream:
    """One websocket address, kept connected for as long as `run` runs."""

    def __init__(
        self,
        *,
        url: str,
        handler: Handler,
        sleep: Sleep,
        random: Random,
        tick_s: float,
        dead_ticks: int,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._url = url
        self._handler = handler
        self._sleep = sleep
        self._random = random
        self._tick_s = tick_s
        self._dead_ticks = dead_ticks
        self._headers = dict(headers or {})
        self._ticks = 0

    async def run(self) -> None:
        """Connect, and connect again, until cancelled."""
        failures = 0
        async with aiohttp.ClientSession(
            trust_env=False, cookie_jar=aiohttp.DummyCookieJar()
        ) as session:
            while True:
                self._ticks = 0
                try:
                    await self._connection(session)
                except StreamLost as error:
                    logger.warning("stream lost: %s", error)
                    self._handler.on_down(str(error))
                failures = 1 if self._ticks >= STABLE_TICKS else failures + 1
                await self._sleep(self.backoff_s(failures))

    def backoff_s(self, failures: int) -> float:
        """Seconds to wait after this many failures in a row (from 1): doubled, capped, jittered."""
        wait_s = min(BACKOFF_S_MAX, BACKOFF_S * float(2 ** min(failures - 1, 20)))
        return wait_s * (0.5 + self._random.random() / 2)

    async def _connection(self, session: aiohttp.ClientSession) -> None:
        """One connection, from the handshake to its end; always leaves by `StreamLost`."""
        try:
            async with asyncio.timeout(CONNECT_S):
                ws = await session.ws_connect(
                    self._url,
                    autoping=False,
                    heartbeat=None,
                    max_msg_size=FRAME_BYTES_MAX,
                    timeout=aiohttp.ClientWSTimeout(ws_receive=None, ws_close=CLOSE_S),
                    headers=self._headers,
                )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise StreamLost(f"no connection ({type(error).__name__})") from None
        socket = _AiohttpSocket(ws, self._handler.on_alive)
        try:
            await self._shake_hands(socket)
            beat = asyncio.create_task(self._beat(socket))
            try:
                await self._pump(socket)
            finally:
                beat.cancel()
                await asyncio.gather(beat, return_exceptions=True)
        finally:
            await socket.close()

    async def _shake_hands(self, socket: _AiohttpSocket) -> None:
        try:
            async with asyncio.timeout(HANDSHAKE_S):
                await self._handler.handshake(socket)
        except TimeoutError:
            raise StreamLost("the login was not answered") from None
        self._handler.on_up(socket)

    async def _pump(self, socket: _AiohttpSocket) -> None:
        while True:
            for _ in range(FRAMES_IN_A_ROW):
                self._handler.on_frame(await socket.receive())
                self._handler.on_alive()
            await asyncio.sleep(0)  # `receive` does not wait while there is something to read

    async def _beat(self, socket: _AiohttpSocket) -> None:
        """Every tick: silence is asked about, long silence ends the connection (W6)."""
        silent = 0
        while silent < self._dead_ticks:
            if silent:
                await socket.ping()
            await self._sleep(self._tick_s)
            self._ticks += 1
            silent = 0 if socket.heard else silent + 1
            socket.heard = False
        await socket.close()
