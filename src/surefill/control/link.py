"""One connection of a client to the engine.

What: `Link.open` connects and shows the token; `ask` sends a request and waits for the answer of
the same number; when the connection ends, everybody who waits gets `LinkLost`.
Why apart from the client: a link lives once, a client has one after the other.
Must never: send anything twice.
"""

from __future__ import annotations

import asyncio

from surefill.control.place import ControlPlace, hang_up
from surefill.control.protocol import (
    ANSWER_BYTES_MAX,
    PROTOCOL,
    REQUEST_BYTES_MAX,
    Answer,
    Asked,
    Failed,
    Hello,
    Malformed,
    Request,
    line_of,
    told_of,
    welcome_of,
)
from surefill.runtime.errors import ErrorCode, SurefillError
from surefill.runtime.wiring import BUILD

WELCOME_S = 5.0


class LinkLost(Exception):
    """No connection. ``was_sent``: whether the request may have arrived."""

    def __init__(self, *, was_sent: bool) -> None:
        super().__init__("no connection to the engine")
        self.was_sent = was_sent


class Link:
    """A connection that has been welcomed."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._last_n = 0
        self.is_over = False
        self._task = asyncio.get_running_loop().create_task(self._listen())

    @classmethod
    async def open(cls, place: ControlPlace, *, name: str) -> Link:
        """Raises `LinkLost` when nobody is there, `SurefillError` (CONTROL_REFUSED)."""
        try:
            token = place.token()
            with place.address() as address:
                reader, writer = await asyncio.open_unix_connection(address, limit=ANSWER_BYTES_MAX)
        except (OSError, SurefillError):
            raise LinkLost(was_sent=False) from None
        try:
            writer.write(line_of(Hello(PROTOCOL, BUILD, token, name)))
            async with asyncio.timeout(WELCOME_S):
                line = await reader.readline()
        except (OSError, TimeoutError):
            await hang_up(writer)
            raise LinkLost(was_sent=False) from None
        except asyncio.CancelledError:
            writer.transport.abort()  # who asked waits no longer; the socket must not stay
            raise
        problem = _problem(line)
        if problem is None:
            return cls(reader, writer)
        await hang_up(writer)
        raise problem

    async def ask(self, request: Request) -> Answer:
        """Raises `LinkLost`, and `SurefillError` (CONTROL_REFUSED) for what no engine takes."""
        if self.is_over:
            raise LinkLost(was_sent=False)
        self._last_n += 1
        n = self._last_n
        line = line_of(Asked(n, request))
        if len(line) > REQUEST_BYTES_MAX:
            sentence = f"the request has {len(line)} bytes, at most {REQUEST_BYTES_MAX} are taken"
            raise SurefillError(ErrorCode.CONTROL_REFUSED, sentence)
        self._waiting[n] = asyncio.get_running_loop().create_future()
        try:
            self._writer.write(line)
            return await self._waiting[n]
        finally:
            del self._waiting[n]

    async def close(self) -> None:
        """End it."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _listen(self) -> None:
        try:
            while line := await self._reader.readline():
                told = told_of(line)
                future = self._waiting.get(told.n)
                if future is not None and not future.done():
                    future.set_result(told.answer)
        except (OSError, ValueError, Malformed):
            pass  # whatever it was: this connection is of no more use
        finally:
            self.is_over = True
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(LinkLost(was_sent=True))
            await hang_up(self._writer)


def _problem(line: bytes) -> Exception | None:
    """Why the first line is no welcome."""
    if not line.endswith(b"\n"):
        return LinkLost(was_sent=False)
    try:
        welcome_of(line)
    except Malformed:
        pass
    else:
        return None
    try:
        answer = told_of(line).answer
    except Malformed:
        answer = None
    sentence = answer.sentence if isinstance(answer, Failed) else "no engine of ours answers there"
    return SurefillError(ErrorCode.CONTROL_REFUSED, sentence)
