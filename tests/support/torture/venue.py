"""The exchange as the torturer sees it: its time, its market, its truth."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from surefill.runtime.wiring import machine_clock
from tests.support.exchange_server import RunningExchange

Line = dict[str, Any]
LOOKS = 5


class VenueSide:
    """Control of a running exchange from an event loop, and its clock."""

    def __init__(self, exchange: RunningExchange) -> None:
        self.exchange = exchange
        self._clock = machine_clock()
        self._offset_ns = min(self._look() for _ in range(LOOKS))

    def _look(self) -> int:
        """Its time minus ours; its answer shows a time that it has reached, so a little less."""
        answer = self.exchange.control("GET", "clock")
        asked_ns = self._clock.now_ns()
        return int(str(answer["now_ns"])) - asked_ns

    def now_ns(self) -> int:
        """Venue time, within some milliseconds."""
        return self._clock.now_ns() + self._offset_ns

    async def quote(self, symbol: str, bid: str, ask: str, *, size: int = 1000) -> None:
        """Set the touch."""
        await asyncio.to_thread(self.exchange.quote, symbol, bid, ask, size=str(size))

    async def print_(self, symbol: str, price: str) -> None:
        """A trade on the tape."""
        await asyncio.to_thread(self.exchange.print_, symbol, price)

    def log(self) -> list[Line]:
        """Everything that happened."""
        status, data, _ = self.exchange.call("GET", "/sim/log?after=0", timeout_s=120)
        assert status == 200
        return [json.loads(line) for line in data.splitlines()]

    def breaks(self, key: str) -> list[str]:
        """What does not add up in the books of this key's account."""
        found = self.exchange.control("GET", f"books?key={key}")["breaks"]
        assert isinstance(found, list)
        return [str(one) for one in found]
