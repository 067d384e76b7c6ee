"""A market for load: many symbols, a fixed rate, in arithmetic so cheap that it does not count."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from surefill.core.market import Nbbo, Print
from surefill.core.units import NANO
from surefill.sim.market import MarketEvent, PrintEvent, QuoteEvent

CENT_PX = NANO // 100
MID_CENTS = 10_000
REACH_CENTS = 5
"""How far the middle walks; orders rest beyond it."""
PRINT_EVERY = 20


class MadeMarket:
    """`MarketSource`: one quote per symbol at ``start_ns``, then ``rate`` quotes a second from
    ``begin_ns`` on for ``seconds``, round the symbols, with a print now and then.

    ``reading_ns`` is the venue's clock: ``lags_ns`` is how late each of those was asked for.
    """

    def __init__(
        self,
        symbols: tuple[str, ...],
        *,
        start_ns: int,
        begin_ns: int,
        rate: int,
        seconds: int,
        reading_ns: Callable[[], int] | None = None,
    ) -> None:
        self.lags_ns: list[int] = []
        self.begin_ns, self.start_ns = begin_ns, start_ns
        self.count = rate * seconds
        self._symbols = symbols
        self._gap_ns = NANO // rate
        self._random = Random("load")
        self._mids = dict.fromkeys(symbols, MID_CENTS)
        self._reading_ns = reading_ns
        self._opened = 0
        self._played = 0

    def next_ns(self) -> int | None:
        """Venue time of the next event."""
        if self._opened < len(self._symbols):
            return self.start_ns
        if self._played >= self.count:
            return None
        return self.begin_ns + self._played * self._gap_ns

    def pop(self) -> MarketEvent:
        """The next event."""
        at_ns = self.next_ns()
        assert at_ns is not None
        if self._opened < len(self._symbols):
            self._opened += 1
            return self._quote(self._symbols[self._opened - 1], at_ns)
        if self._reading_ns is not None:
            self.lags_ns.append(self._reading_ns() - at_ns)
        symbol = self._symbols[self._played % len(self._symbols)]
        self._played += 1
        if self._played % PRINT_EVERY == 0:
            px = self._mids[symbol] * CENT_PX
            return PrintEvent(symbol, Print(px, 100 * NANO, at_ns, at_ns))
        return self._quote(symbol, at_ns)

    def _quote(self, symbol: str, at_ns: int) -> QuoteEvent:
        mid = self._mids[symbol] + self._random.randrange(-1, 2)
        mid = max(MID_CENTS - REACH_CENTS, min(MID_CENTS + REACH_CENTS, mid))
        self._mids[symbol] = mid
        size = self._random.randrange(1, 20) * 100 * NANO
        bid_px, ask_px = (mid - 1) * CENT_PX, (mid + 1) * CENT_PX
        return QuoteEvent(symbol, Nbbo(bid_px, size, ask_px, size, at_ns, at_ns))


def order_bodies(symbols: tuple[str, ...], each: int) -> list[dict[str, str]]:
    """So many buys of each symbol, from where the market just does not go: limits, and one stop in
    five. The best of them is at the touch whenever the middle is at its lowest."""
    bodies = []
    for symbol in symbols:
        for n in range(each):
            body = {"symbol": symbol, "qty": "1", "side": "buy", "time_in_force": "gtc"}
            away = REACH_CENTS + 1 + n
            if n % 5 == 4:
                body |= {"type": "stop", "stop_price": f"{(MID_CENTS + away) / 100:.2f}"}
            else:
                body |= {"type": "limit", "limit_price": f"{(MID_CENTS - away) / 100:.2f}"}
            bodies.append(body)
    return bodies
