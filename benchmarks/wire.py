"""Bare HTTP over bare sockets: the cheapest client, and a server that only echoes the shape.

What: `Lane` asks one request after the other on one connection; `serve_floor` answers anything with
the same bytes, which is what a loopback socket and an event loop cost at the least.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from multiprocessing.connection import Connection
from pathlib import Path

HOST = "127.0.0.1"
LANES = 8
"""Connections at once when the rate is measured."""
CLOCK_TICKS = 100
"""Of /proc/PID/stat in a second."""


def request(method: str, path: str, body: bytes, headers: Iterable[tuple[str, str]] = ()) -> bytes:
    """The bytes of one request."""
    lines = [f"{method} {path} HTTP/1.1", f"host: {HOST}", "content-type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers]
    lines += [f"content-length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


class Lane:
    """One connection that is kept."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, port: int) -> Lane:
        """Connect. ``OSError`` when nobody listens."""
        return cls(*await asyncio.open_connection(HOST, port))

    async def ask(self, asked: bytes) -> bytes:
        """Send a request, read the whole answer; its body. ``ValueError`` unless it is a 2xx."""
        self._writer.write(asked)
        head = await self._reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 2"):
            raise ValueError(head.decode("latin-1"))
        fields = head.lower().partition(b"content-length:")[2]
        return await self._reader.readexactly(int(fields.split(b"\r\n", 1)[0] or 0))

    async def close(self) -> None:
        """Hang up."""
        self._writer.close()
        await self._writer.wait_closed()


async def latencies(port: int, asked: bytes, count: int) -> list[float]:
    """Seconds of each of ``count`` requests, one at a time."""
    lane, taken = await Lane.open(port), []
    for _ in range(count):
        start_s = time.perf_counter()
        await lane.ask(asked)
        taken.append(time.perf_counter() - start_s)
    await lane.close()
    return taken


async def rate(port: int, asked: bytes, count: int) -> float:
    """Requests a second over `LANES` connections at once."""

    async def one(lane: Lane) -> None:
        for _ in range(count // LANES):
            await lane.ask(asked)

    lanes = [await Lane.open(port) for _ in range(LANES)]
    start_s = time.perf_counter()
    await asyncio.gather(*(one(lane) for lane in lanes))
    taken_s = time.perf_counter() - start_s
    for lane in lanes:
        await lane.close()
    return count // LANES * LANES / taken_s


def cpu_s(pid: int) -> float:
    """Processor time that a process has had; in steps of a hundredth of a second."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


class _Floor(asyncio.Protocol):
    """Answers every whole request, however many pieces it comes in."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._got += data
        while (end := self._got.find(b"\r\n\r\n")) >= 0:
            length = self._got[:end].lower().partition(b"content-length:")[2]
            whole = end + 4 + int(length.split(b"\r\n", 1)[0] or 0)
            if len(self._got) < whole:
                return
            self._got = self._got[whole:]
            self._transport.write(self._answer)


def serve_floor(pipe: Connection, body: bytes = b"x" * 900) -> None:
    """Answer every request with the same bytes; tells its port."""
    head = "HTTP/1.1 200 OK\r\ncontent-type: application/json; charset=UTF-8\r\n"
    answer = f"{head}content-length: {len(body)}\r\n\r\n".encode() + body

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Floor(answer), HOST, 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())
