"""An engine with its control port in this process, before a real exchange.

async with open_port(desk) as port:
    client = AsyncClient(port.executor.settings)
    port.raw(b"...")
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from surefill.control.desk import Desk as ControlDesk
from surefill.control.place import ControlPlace, hang_up
from surefill.control.protocol import PROTOCOL
from surefill.control.server import ControlServer
from surefill.runtime.wiring import BUILD, journal_path
from surefill.smart_order_executor import SmartOrderExecutor
from tests.support.desk import Desk


class Port:
    """The engine, its server, and a way to talk to it without our client."""

    def __init__(self, executor: SmartOrderExecutor) -> None:
        self.executor = executor
        self.place = ControlPlace(journal_path(executor.settings))
        self.server = ControlServer(ControlDesk(executor), self.place)
        self._writers: list[asyncio.StreamWriter] = []

    def hello(self, **other: object) -> dict[str, object]:
        """A right first line, but for ``other``."""
        right: dict[str, object] = {
            "$": "Hello",
            "protocol": PROTOCOL,
            "build": BUILD,
            "token": self.place.token(),
            "name": "raw",
        }
        return right | other

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A bare connection."""
        with self.place.address() as address:
            reader, writer = await asyncio.open_unix_connection(address, limit=2**24)
        self._writers.append(writer)
        return reader, writer

    async def close(self) -> None:
        """End them all."""
        for writer in self._writers:
            await hang_up(writer)
        await self.server.close()


async def say(writer: asyncio.StreamWriter, row: object) -> None:
    """One line; bytes as they are."""
    writer.write(row if isinstance(row, bytes) else json.dumps(row).encode() + b"\n")
    await writer.drain()


async def hear(reader: asyncio.StreamReader) -> dict[str, Any]:
    """The next line, or {} at the end."""
    line = await asyncio.wait_for(reader.readline(), 10)
    found: dict[str, Any] = json.loads(line) if line else {}
    return found


@asynccontextmanager
async def open_port(desk: Desk, **settings: str) -> AsyncIterator[Port]:
    """An engine that takes requests."""
    async with SmartOrderExecutor(desk.settings(**settings)) as executor:
        port = Port(executor)
        await port.server.start()
        try:
            yield port
        finally:
            await port.close()


@contextmanager
def engine_beside(desk: Desk, **settings: str) -> Iterator[Port]:
    """The same in a loop of another thread, for callers that block."""
    ready, over = threading.Event(), threading.Event()
    ports: list[Port] = []

    async def serve() -> None:
        async with open_port(desk, **settings) as port:
            ports.append(port)
            ready.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(30)
        yield ports[0]
    finally:
        over.set()
        thread.join()
