"""Closed trades that are still watched for late news, kept small.

What: `Shelf`, trade id -> closed trade in order of closing. The last `WHOLE` stay as they are; an
older one is packed into bytes and comes back, equal in every field, when it is asked for.
Why: a finished trade is watched for two days (I10) and hardly ever asked for again; whole, its
orders and numbers take 5 to 10 KiB, packed 1 KiB.
Invariants: what comes out equals what went in; the order of closing stays. Packed bytes never leave
the process (they are Python's own `pickle`, which must not be read from anywhere else).
Must never: drop a trade on its own.
"""

from __future__ import annotations

import pickle
import zlib
from collections import deque
from collections.abc import Iterator

from surefill.core.trade import Trade

WHOLE = 16
"""So many of the last closed trades are not packed: they are asked for most."""

_Packed = tuple[int, str, bytes]
"""(closed_ns, symbol, the packed trade)"""


class Shelf:
    """Closed trades by id."""

    def __init__(self) -> None:
        self._whole: dict[str, Trade] = {}
        self._packed: dict[str, _Packed] = {}  # oldest first
        self._queue: deque[str] = deque()  # ids in `_whole`, the first to be packed first
        self._pattern = b""  # the first that was packed; the others are much like it

    def __len__(self) -> int:
        return len(self._whole) + len(self._packed)

    def __iter__(self) -> Iterator[str]:
        yield from self._packed
        yield from self._whole

    def get(self, trade_id: str) -> Trade | None:
        """The trade of this id."""
        trade = self._whole.get(trade_id)
        if trade is not None:
            return trade
        packed = self._packed.get(trade_id)
        return self._unpacked(packed[2]) if packed is not None else None

    def put(self, trade: Trade) -> None:
        """Keep a closed trade: a new one last, one that is here already in its place."""
        trade_id = trade.trade_id
        if trade_id in self._packed:
            self._packed[trade_id] = self._pack(trade)
            return
        if trade_id not in self._whole:
            self._queue.append(trade_id)
        self._whole[trade_id] = trade
        if len(self._queue) > WHOLE:
            oldest = self._whole.pop(self._queue.popleft())
            self._packed[oldest.trade_id] = self._pack(oldest)

    def take(self, trade_id: str) -> Trade | None:
        """Take a trade away."""
        packed = self._packed.pop(trade_id, None)
        if packed is not None:
            return self._unpacked(packed[2])
        if trade_id in self._whole:
            self._queue.remove(trade_id)
        return self._whole.pop(trade_id, None)

    def take_before(self, at_ns: int) -> Iterator[Trade]:
        """Take away, in order of closing, what was closed before ``at_ns`` (UTC), up to the first
        that was not."""
        while (trade_id := next(iter(self), None)) is not None:
            trade = self._whole.get(trade_id)
            closed_ns = self._packed[trade_id][0] if trade is None else trade.closed_ns or 0
            if closed_ns >= at_ns:
                return
            old = self.take(trade_id)
            assert old is not None
            yield old

    def newest_first(self) -> Iterator[Trade]:
        """All of them, the last that was closed first."""
        yield from reversed(self._whole.values())
        for _, _, packed in reversed(self._packed.values()):
            yield self._unpacked(packed)

    def closed_since(self, at_ns: int, symbol: str) -> Iterator[Trade]:
        """Those of a symbol, the last that was closed first, down to the first of any symbol that
        was closed before ``at_ns`` (UTC). The others are not unpacked for it."""
        for trade in reversed(self._whole.values()):
            if (trade.closed_ns or 0) < at_ns:
                return
            if trade.symbol == symbol:
                yield trade
        for closed_ns, name, packed in reversed(self._packed.values()):
            if closed_ns < at_ns:
                return
            if name == symbol:
                yield self._unpacked(packed)

    def _pack(self, trade: Trade) -> _Packed:
        plain = pickle.dumps(trade, pickle.HIGHEST_PROTOCOL)
        self._pattern = self._pattern or plain
        squeeze = zlib.compressobj(zdict=self._pattern)
        return trade.closed_ns or 0, trade.symbol, squeeze.compress(plain) + squeeze.flush()

    def _unpacked(self, packed: bytes) -> Trade:
        plain = zlib.decompressobj(zdict=self._pattern).decompress(packed)
        trade = pickle.loads(plain)  # noqa: S301 - what this process packed; it never leaves it
        assert isinstance(trade, Trade)
        return trade
