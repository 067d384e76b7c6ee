"""The market stream as rows for a tape: every quote and print, and every time nobody listened.

What: `LiveTape`, a handler of `stream.Stream` that logs in, subscribes, hands each frame's rows on
and tells the gap between a connection's last sign of life and the next subscription.
Why apart from `market_feed`: an engine wants the last quote of a symbol, a recorder wants all.
Invariants: rows are handed on in the order of arrival; a gap is told before the first row after it;
what cannot be read is counted, not guessed.
Must never: write a file, or log a frame (the first one carries the keys).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Raw

from surefill.brokers.alpaca.credentials import Credentials
from surefill.brokers.alpaca.stream import Socket, StreamLost
from surefill.brokers.alpaca.translate.market import nbbo
from surefill.brokers.alpaca.translate.past import PastKind, PastTrade, past_trade
from surefill.brokers.alpaca.wire import (
    MarketWire,
    Unreadable,
    attempt,
    decode,
    printable,
    split,
)
from surefill.core.market import Nbbo
from surefill.ports import Clock

OnRow = Callable[[str, PastKind, Nbbo | PastTrade], None]
OnGap = Callable[[int, int, str], None]
"""Is told from when to when (UTC ns) nothing was heard, and why."""


class LiveTape:
    """Hears these symbols. ``unreadable``: messages that could not be understood."""

    def __init__(
        self,
        *,
        credentials: Credentials,
        symbols: Sequence[str],
        clock: Clock,
        on_row: OnRow,
        on_gap: OnGap,
    ) -> None:
        self._credentials = credentials
        self._symbols = frozenset(symbols)
        self._clock = clock
        self._on_row = on_row
        self._on_gap = on_gap
        self._heard_ns = clock.now_ns()
        self._lost: str | None = None
        self.unreadable = 0

    async def handshake(self, socket: Socket) -> None:
        """Log in, subscribe, wait for the confirmation. Raises `StreamLost` when refused."""
        await self._until(socket, "connected")
        await socket.send(self._credentials.market_stream_login())
        await self._until(socket, "authenticated")
        names = sorted(self._symbols)
        await socket.send({"action": "subscribe", "trades": names, "quotes": names})
        await self._until(socket, "subscription")

    def on_up(self, socket: Socket) -> None:
        """From here on everything is heard; what was missed is told."""
        now = self._clock.now_ns()
        self._tell_gap(now)
        self._heard_ns = now

    def on_frame(self, data: bytes) -> None:
        """An array of messages, or one."""
        recv_ns = self._clock.now_ns()
        messages = attempt("frame", lambda: split(data) if data[:1] == b"[" else [Raw(data)])
        if isinstance(messages, Unreadable):
            self.unreadable += 1
            return
        for raw in messages:
            self._message(raw, recv_ns)

    def on_alive(self) -> None:
        """The peer is there."""
        self._heard_ns = self._clock.now_ns()

    def on_down(self, text: str) -> None:
        """The gap begins at the last sign of life, not when its absence was noticed."""
        self._lost = self._lost or text

    def close(self) -> None:
        """Nobody listens from here on: what is missing up to now is told."""
        self._tell_gap(self._clock.now_ns())

    def _tell_gap(self, now: int) -> None:
        if self._lost is not None:
            self._on_gap(self._heard_ns, now, self._lost)
        self._lost = None

    def _message(self, raw: Raw, recv_ns: int) -> None:
        message = attempt("message", lambda: decode(MarketWire, raw))
        if isinstance(message, Unreadable):
            self.unreadable += 1
            return
        if message.T not in ("q", "t") or message.S not in self._symbols:
            return
        kind = PastKind.QUOTES if message.T == "q" else PastKind.TRADES
        row = nbbo(raw, recv_ns) if message.T == "q" else past_trade(raw, recv_ns)
        if isinstance(row, Unreadable):
            self.unreadable += 1
            return
        self._on_row(message.S, kind, row)

    async def _until(self, socket: Socket, word: str) -> None:
        """Read control messages up to ``word``; a control message stands alone in its frame."""
        while True:
            data = await socket.receive()
            messages = attempt("frame", lambda some=data: split(some))  # type: ignore[misc]
            found = [] if isinstance(messages, Unreadable) else messages
            if word in [self._control(raw) for raw in found]:
                return

    def _control(self, raw: Raw) -> str:
        message = attempt("message", lambda: decode(MarketWire, raw))
        if isinstance(message, Unreadable):
            return ""
        if message.T == "error":
            raise StreamLost(f"market stream: {message.code} {printable(message.msg)}")
        return message.msg if message.T == "success" else message.T
