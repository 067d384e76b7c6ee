"""The order stream, never trusted across a gap.

What: the handler of the ``trade_updates`` stream. On every connection it holds back what the
stream says, reads orders, executions and positions over REST, hands those on first, and only then
says that the stream is up.
Why: Alpaca's stream has no sequence number, no replay and no snapshot (failures.md B-11): whatever
happened while it was away is only in REST.
Invariants: a report is handed on even when the reads fail, at the latest after `HOLD_S` (a fill
must be covered; the engine de-duplicates by execution id); a message that could not be read, or
that lost its numbers, starts the same reads; the stream counts as up only after complete reads.
Must never: drop a readable report, or claim a gap closed that was not read.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from random import Random

from surefill.brokers.alpaca.book import OrderBook
from surefill.brokers.alpaca.credentials import Credentials
from surefill.brokers.alpaca.reads import AccountReads
from surefill.brokers.alpaca.stream import Sleep, Socket, StreamLost
from surefill.brokers.alpaca.translate import orders
from surefill.brokers.alpaca.wire import (
    ControlWire,
    StreamWire,
    Unreadable,
    attempt,
    decode,
    printable,
)
from surefill.core.commands import Priority
from surefill.core.events import (
    Event,
    FillsRead,
    OrdersRead,
    PositionsRead,
    ReadFailed,
    ReportReceived,
    StreamChanged,
)
from surefill.core.units import NANO
from surefill.core.values import replace
from surefill.ports import Clock

logger = logging.getLogger(__name__)

TICK_S = 2.5
DEAD_TICKS = 3
"""A ping after 2.5-5 s of silence, dead after at most 10 s."""

HOLD_S = 2.0
HELD_MAX = 10_000
GAP_MARGIN_NS = 60 * NANO
"""Read from this much before the last sign of life: stamps are the venue's, the sign was ours."""
RETRY_S = 0.5
RETRY_S_MAX = 2.5
"""After an outage a fill must be known, and covered, within seconds (I3): the budget's reserve is
out of these reads' reach, so they may go on asking."""
REREAD_GAP_S = 1.0
"""Unreadable messages in a row share one repair read."""

Spawn = Callable[[Coroutine[None, None, None]], asyncio.Task[None]]
"""Starts background work whose programming errors are not lost."""

STREAM_NAME = "trade_updates"
HEARTBEAT = b"\x01"
"""A single byte that some servers send (alpaca.md 4)."""


class OrderStream:
    """Handler of the order stream. ``emit`` is the engine's inbox.

    ``lookback_ns`` bounds the first read of a process; the engine asks for more itself.
    """

    def __init__(
        self,
        *,
        credentials: Credentials,
        reads: AccountReads,
        book: OrderBook,
        emit: Callable[[Event], None],
        clock: Clock,
        sleep: Sleep,
        random: Random,
        venue_now: Callable[[], int],
        lookback_ns: int,
        on_connect: Callable[[], Awaitable[None]],
        spawn: Spawn,
    ) -> None:
        self._credentials = credentials
        self._reads = reads
        self._book = book
        self._emit = emit
        self._clock = clock
        self._sleep = sleep
        self._random = random
        self._venue_now = venue_now
        self._gap_ns = venue_now() - lookback_ns
        self._on_connect = on_connect
        self._spawn = spawn
        self._login = 0
        self._held: list[Event] | None = None
        self._is_up = False
        self._repair: asyncio.Task[None] | None = None
        self._bad = 0  # messages that could not be read
        self._repaired = 0  # how many of them complete reads have made good

    async def handshake(self, socket: Socket) -> None:
        """Log in, in the form that worked last or in the other one, and listen."""
        logins = self._credentials.order_stream_logins()
        await socket.send(logins[self._login % len(logins)])
        answer = await self._control(socket, "authorization")
        if answer.status != "authorized":
            self._login += 1
            raise StreamLost("the order stream refused the login")
        await socket.send({"action": "listen", "data": {"streams": [STREAM_NAME]}})
        listening = await self._control(socket, "listening")
        if STREAM_NAME not in listening.streams:
            raise StreamLost("the order stream does not serve trade updates")

    def on_up(self, socket: Socket) -> None:
        """Hold reports back and read what the gap hid."""
        self._held = []
        self._start(self._recover())

    def on_frame(self, data: bytes) -> None:
        """One message. A bad one costs itself and a repair read."""
        if data == HEARTBEAT:
            return
        envelope = _envelope(data)
        if isinstance(envelope, Unreadable):
            self._unreadable(envelope)
            return
        if envelope.stream != STREAM_NAME:
            return
        report = orders.update_report(envelope.data, self._clock.now_ns())
        if isinstance(report, Unreadable):
            self._unreadable(report)
            return
        self._hand_on(ReportReceived(report))
        if orders.is_incomplete(report):
            self._reread()

    def on_alive(self) -> None:
        """While the stream is up and lives, nothing before now is missing."""
        if self._is_up and self._repaired == self._bad:
            self._gap_ns = self._venue_now()

    def on_down(self, text: str) -> None:
        """What was held is still true; from here on the stream tells nothing."""
        if self._repair is not None:
            self._repair.cancel()
            self._repair = None
        self._release()
        was_up, self._is_up = self._is_up, False
        if was_up:
            self._emit(StreamChanged(False, self._clock.now_ns()))

    async def close(self) -> None:
        """Stop reading."""
        if self._repair is not None:
            self._repair.cancel()
            await asyncio.gather(self._repair, return_exceptions=True)
            self._repair = None

    async def _control(self, socket: Socket, name: str) -> ControlWire:
        """The next control message of this name; others, and early updates, are not for us yet:
        the reads that follow cover them."""
        while True:
            envelope = _envelope(await socket.receive())
            if isinstance(envelope, Unreadable) or envelope.stream != name:
                continue
            control = _control_message(envelope)
            if isinstance(control, Unreadable):
                raise StreamLost("the order stream answered with something else")
            return control

    def _hand_on(self, event: Event) -> None:
        if self._held is None:
            self._emit(event)
            return
        self._held.append(event)
        if len(self._held) >= HELD_MAX:
            self._release()

    def _release(self) -> None:
        held, self._held = self._held, None
        for event in held or ():
            self._emit(event)

    def _unreadable(self, found: Unreadable) -> None:
        """Told once for all bad messages until the reads have made them good: a stream of garbage
        must not become a stream of events."""
        if self._repaired == self._bad:
            logger.warning("unreadable %s on the order stream: %s", found.what, found.text)
            text = printable(f"{found.what}: {found.text}")
            self._emit(ReadFailed("stream", text, self._clock.now_ns()))
        self._reread()

    def _reread(self) -> None:
        """Read again what the stream failed to say; once for a burst of bad messages."""
        self._bad += 1
        if self._repair is None or self._repair.done():
            self._start(self._repair_loop())

    def _start(self, work: Coroutine[None, None, None]) -> None:
        if self._repair is not None:
            self._repair.cancel()
        self._repair = self._spawn(work)

    async def _recover(self) -> None:
        """After a connection: read until complete, then declare the stream up."""
        reading = asyncio.create_task(self._read_until_complete())
        try:
            done, _ = await asyncio.wait({reading}, timeout=HOLD_S)
            if not done:
                self._release()
            await reading
        finally:
            reading.cancel()
        self._is_up = True
        self._emit(StreamChanged(True, self._clock.now_ns()))
        self._release()
        await self._on_connect()
        await self._repair_loop()

    async def _repair_loop(self) -> None:
        while self._repaired < self._bad:
            await self._read_until_complete()
            await self._sleep(REREAD_GAP_S)

    async def _read_until_complete(self) -> None:
        tries = 0
        while True:
            bad = self._bad
            if await self._read_once():
                self._repaired = bad
                return
            self._release()
            wait_s = min(RETRY_S_MAX, RETRY_S * 2 ** min(tries, 10))
            tries += 1
            await self._sleep(wait_s * (0.5 + self._random.random() / 2))

    async def _read_once(self) -> bool:
        """Orders, executions, positions: all three, or not done."""
        gap_ns = max(0, self._gap_ns - GAP_MARGIN_NS)
        oldest_ns = self._book.oldest_live_ns()
        after_ns = gap_ns if oldest_ns is None else min(gap_ns, oldest_ns - 1)
        found = await asyncio.gather(
            self._reads.orders(after_ns, Priority.EVIDENCE),
            self._reads.fills(gap_ns, Priority.EVIDENCE, self._book.known()),
            self._reads.positions(Priority.EVIDENCE),
        )
        for event in found:
            self._emit(self._completed(event))
        return not any(isinstance(event, ReadFailed) for event in found)

    def _completed(
        self, event: OrdersRead | FillsRead | PositionsRead | ReadFailed
    ) -> OrdersRead | FillsRead | PositionsRead | ReadFailed:
        """Executions with the headers of the orders that were read beside them."""
        if isinstance(event, FillsRead):
            return replace(event, fills=orders.with_headers(event.fills, self._book.known()))
        return event


def _envelope(data: bytes) -> StreamWire | Unreadable:
    return attempt("message", lambda: decode(StreamWire, data))


def _control_message(envelope: StreamWire) -> ControlWire | Unreadable:
    return attempt("message", lambda: decode(ControlWire, envelope.data))
