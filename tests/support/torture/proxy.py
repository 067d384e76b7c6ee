"""A TCP proxy between one engine and the exchange whose network can be broken.

    async with Proxy(exchange_port) as proxy:
        proxy.reset()          # RST on every connection
        proxy.half_open()      # they stay open and carry nothing any more; new ones work
        proxy.vanish(True)     # everything is swallowed, new connections too, until vanish(False)

Real sockets, real RST (``SO_LINGER`` 0). It remembers when it swallowed something, because that is
what an engine may be excused for.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from types import TracebackType

HOST = "127.0.0.1"
CHUNK = 65_536
RST = struct.pack("ii", 1, 0)


class _Pair:
    """One connection of the engine and its continuation to the exchange."""

    def __init__(self) -> None:
        self.is_swallowing = False
        self.writers: list[asyncio.StreamWriter] = []

    def reset(self) -> None:
        """Both ends see a RST."""
        for writer in self.writers:
            found = writer.get_extra_info("socket")
            if found is not None and not writer.transport.is_closing():
                found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST)
            writer.transport.abort()


class Proxy:
    """Listens on a free port; ``on_loss`` is called whenever bytes are swallowed."""

    def __init__(self, port: int, on_loss: Callable[[], None]) -> None:
        self._target = port
        self._on_loss = on_loss
        self._pairs: set[_Pair] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_vanished = False
        self._server: asyncio.Server
        self.port = 0

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._accept, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        self.reset()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._pairs)

    def reset(self) -> None:
        """RST on every connection, now."""
        for pair in list(self._pairs):
            pair.reset()

    def half_open(self) -> None:
        """What is connected carries nothing from here on, in either direction."""
        for pair in self._pairs:
            pair.is_swallowing = True

    def vanish(self, is_on: bool) -> None:
        """The network is gone, or back again: then the dead connections are reset."""
        self._is_vanished = is_on
        if is_on:
            self.half_open()
        else:
            self.reset()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        pair = _Pair()
        pair.is_swallowing = self._is_vanished
        pair.writers.append(writer)
        self._pairs.add(pair)
        try:
            there, back = await asyncio.open_connection(HOST, self._target)
            pair.writers.append(back)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._carry(pair, reader, back))
                both.create_task(self._carry(pair, there, writer))
        except OSError:
            pass  # a broken connection is this program's daily bread
        except asyncio.CancelledError:
            pass
        finally:
            for one in pair.writers:
                one.transport.abort()
            self._pairs.discard(pair)
            self._tasks.discard(task)

    async def _carry(
        self, pair: _Pair, source: asyncio.StreamReader, sink: asyncio.StreamWriter
    ) -> None:
        try:
            while data := await source.read(CHUNK):
                if pair.is_swallowing:
                    self._on_loss()
                    continue
                sink.write(data)
                await sink.drain()
        except OSError:
            pass
        if not pair.is_swallowing or sink is not pair.writers[0]:
            # An end of the exchange is not told to the engine while the line is dead.
            for one in pair.writers:
                one.transport.abort()
