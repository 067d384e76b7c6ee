"""The control port's server: who may ask, how much, how often.

What: `ControlServer` on the engine's own loop: one connection for each client, one task for each
request, one line for each answer.
Why it cannot delay cover: a line is small, requests at once and per second are bounded, and between
two requests the loop turns (failures.md C.6, 18).
Invariants: nothing is done for a client that has not shown the token (compared in constant time);
a line that is not of the protocol ends its connection; when the engine stops, connections end
without an answer, so that clients ask the next engine.
Must never: write the token or a client's words to the log unescaped.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import os
from collections.abc import Coroutine

from surefill.control.desk import Desk, EngineGone
from surefill.control.place import ControlPlace, hang_up
from surefill.control.protocol import (
    PROTOCOL,
    REQUEST_BYTES_MAX,
    Answer,
    Asked,
    Failed,
    Malformed,
    Told,
    Welcome,
    asked_of,
    hello_of,
    line_of,
)
from surefill.core.plan import STRATEGY_PATTERN
from surefill.runtime.errors import ErrorCode
from surefill.runtime.logs import LOGGER_NAME
from surefill.runtime.token import fresh_token
from surefill.runtime.wiring import BUILD

logger = logging.getLogger(LOGGER_NAME)

HELLO_S = 5.0
"""For a client to say who it is; others may not hold a connection."""
SEND_S = 10.0
"""For a client to take an answer; one that does not read is let go."""
CLIENTS_MAX = 32
REQUESTS_MAX = 64
"""Of one client at once: most wait for a fill."""
RATE_MAX = 200
"""Lines of one client in a second; the next are read in the next one."""
SECOND_NS = 1_000_000_000
S_PER_NS = 1e-9
NOT_FROM_A_CLIENT = 0


class ControlServer:
    """Takes requests for one executor. Start it after the executor, close it before."""

    def __init__(self, desk: Desk, place: ControlPlace) -> None:
        self._desk = desk
        self._place = place
        self._token = ""
        self._server: asyncio.Server | None = None
        self._clients: set[_Client] = set()

    async def start(self) -> None:
        """Listen. Raises `SurefillError` when the place cannot be used."""
        self._token = fresh_token()
        bound = self._place.listen(self._token)
        self._server = await asyncio.start_unix_server(
            self._serve, sock=bound, limit=REQUEST_BYTES_MAX
        )

    async def close(self) -> None:
        """Let everybody go; what they asked for goes on without them."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        self._place.remove()
        await asyncio.gather(*(client.close() for client in list(self._clients)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._server is None:
            await hang_up(writer)  # it came in while the door was being closed
            return
        client = _Client(self._desk, reader, writer)
        if len(self._clients) >= CLIENTS_MAX:
            await client.refuse(ErrorCode.CONTROL_BUSY, f"{CLIENTS_MAX} clients are connected")
            return
        self._clients.add(client)
        try:
            await client.run(self._token)
        finally:
            self._clients.discard(client)


class _Client:
    """One connection."""

    def __init__(
        self, desk: Desk, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._desk = desk
        self._reader = reader
        self._writer = writer
        self._name = ""
        self._tasks: set[asyncio.Task[None]] = set()
        self._runner = asyncio.current_task()
        self._is_ending = False

    async def run(self, token: str) -> None:
        """Until the other side leaves, breaks the protocol, or the engine ends."""
        try:
            if await self._greeted(token):
                await self._listen()
        except (EngineGone, ConnectionError, asyncio.CancelledError):
            pass  # nobody is there to be told, or the engine is not there to answer
        finally:
            self._is_ending = True
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await hang_up(self._writer)

    async def close(self) -> None:
        """End it from this side."""
        if self._runner is not None and not self._runner.done():
            if not self._is_ending:  # what is ending by itself must come to its end
                self._runner.cancel()
            await asyncio.wait({self._runner}, timeout=SEND_S)

    async def refuse(self, code: ErrorCode, sentence: str) -> None:
        """Say why, and end it."""
        try:
            await self._tell(NOT_FROM_A_CLIENT, Failed(code.value, sentence, ()))
        except ConnectionError:
            pass  # it has left already
        await hang_up(self._writer)

    async def _greeted(self, token: str) -> bool:
        try:
            async with asyncio.timeout(HELLO_S):
                hello = hello_of(await self._line())
        except (Malformed, TimeoutError):
            # Nothing is explained to a stranger.
            await self.refuse(ErrorCode.CONTROL_REFUSED, "say Hello first")
            return False
        if not hmac.compare_digest(hello.token.encode(), token.encode()):
            logger.warning("control port: a client with a wrong token was refused")
            await self.refuse(ErrorCode.CONTROL_REFUSED, "wrong token")
            return False
        if hello.protocol != PROTOCOL or hello.build != BUILD:
            sentence = f"this engine is {BUILD}, protocol {PROTOCOL}; use the same version"
            await self.refuse(ErrorCode.CONTROL_REFUSED, sentence)
            return False
        if not STRATEGY_PATTERN.fullmatch(hello.name):
            await self.refuse(ErrorCode.CONTROL_REFUSED, "a name has letters, digits or . _ -")
            return False
        self._name = hello.name or "client"
        await self._write(line_of(Welcome(BUILD, os.getpid(), self._desk.account)))
        return True

    async def _listen(self) -> None:
        second, lines = 0, 0
        while True:
            try:
                asked = asked_of(await self._line())
            except Malformed as problem:
                await self.refuse(ErrorCode.CONTROL_REFUSED, str(problem))
                return
            now = self._desk.now_ns()
            if now // SECOND_NS != second:
                second, lines = now // SECOND_NS, 0
            lines += 1
            if lines > RATE_MAX:
                await asyncio.sleep((SECOND_NS - now % SECOND_NS) * S_PER_NS)
            if len(self._tasks) >= REQUESTS_MAX:
                sentence = f"{REQUESTS_MAX} requests of this client are under way"
                busy = Failed(ErrorCode.CONTROL_BUSY.value, sentence, ())
                await self._tell(asked.n, busy)
                continue
            self._spawn(self._answer(asked))
            await asyncio.sleep(0)  # a flood must not keep the engine from its turn

    async def _line(self) -> bytes:
        """The next line. Raises `Malformed`, `ConnectionError` at the end."""
        try:
            line = await self._reader.readline()
        except ValueError:
            raise Malformed(f"a line has at most {REQUEST_BYTES_MAX} bytes") from None
        if not line.endswith(b"\n"):
            raise ConnectionResetError("the client has left")
        return line

    async def _answer(self, asked: Asked) -> None:
        try:
            answer = await self._desk.answer(asked.request, by=self._name)
        except EngineGone:
            self._writer.close()
            return
        await self._tell(asked.n, answer)

    async def _tell(self, n: int, answer: Answer) -> None:
        await self._write(line_of(Told(n, answer)))

    async def _write(self, line: bytes) -> None:
        self._writer.write(line)
        try:
            async with asyncio.timeout(SEND_S):
                await self._writer.drain()
        except TimeoutError:
            self._writer.transport.abort()

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is None or isinstance(error, ConnectionError):
            return
        logger.error("control port: a request failed by a bug of ours", exc_info=error)
        self._writer.close()  # no answer is better than a wrong one; the trade goes on
