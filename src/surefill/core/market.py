"""What core knows of the market: quotes, prints, status, each with its two clocks.

Times are ``int`` UTC nanoseconds: ``venue_ns`` is theirs, ``recv_ns`` ours. Decisions use ours.
A price of 0 on a side means that nobody quotes there (alpaca.md 5.2); it is absence, not a price.
"""

from __future__ import annotations

from dataclasses import dataclass

from surefill.core.fix import Feed, TradingStatus


@dataclass(frozen=True, slots=True)
class Nbbo:
    """Best bid and offer (FIX 132-135). Prices 1e-9 USD, sizes 1e-9 share, 0 = side absent."""

    bid_px: int
    bid_qty: int
    ask_px: int
    ask_qty: int
    venue_ns: int
    recv_ns: int

    @property
    def is_two_sided(self) -> bool:
        """Both sides quoted and not crossed: the only state in which a mid exists."""
        return 0 < self.bid_px <= self.ask_px and self.ask_px > 0

    @property
    def mid_px(self) -> int | None:
        """Midpoint in 1e-9 USD, rounded down; ``None`` unless `is_two_sided`."""
        return (self.bid_px + self.ask_px) // 2 if self.is_two_sided else None

    def near_px(self, sign: int) -> int:
        """The touch that an order of this sign (+1 buy) would join; 0 when absent."""
        return self.bid_px if sign > 0 else self.ask_px

    def far_px(self, sign: int) -> int:
        """The touch that an order of this sign (+1 buy) would cross to; 0 when absent."""
        return self.ask_px if sign > 0 else self.bid_px


@dataclass(frozen=True, slots=True)
class Print:
    """A trade on the public tape. ``px`` 1e-9 USD, ``qty`` 1e-9 share."""

    px: int
    qty: int
    venue_ns: int
    recv_ns: int


@dataclass(frozen=True, slots=True)
class MarketView:
    """All that a decision may know of one symbol's market; embedded in the record it led to.

    ``alive_ns`` is when the feed last proved alive or a snapshot was read (ours): an unchanged
    quote on a feed that is alive is current (design 4.2). ``volume_qty`` is what the feed printed
    in the last five minutes (1e-9 share); ``None`` while it has not been watched that long.
    """

    symbol: str
    feed: Feed
    nbbo: Nbbo | None = None
    status: TradingStatus = TradingStatus.UNKNOWN
    alive_ns: int = 0
    volume_qty: int | None = None

    def quote_age_ns(self, now: int) -> int | None:
        """Nanoseconds since the quote was last known to be current; ``None`` without a quote."""
        if self.nbbo is None:
            return None
        return max(0, now - max(self.alive_ns, self.nbbo.recv_ns))
