"""The market that costs are measured against: what was quoted and printed, and at what instant.

What: `Market`, quotes and prints of one symbol in time order, and what TCA asks of them: the quote
at an instant, the one strictly before it, the mid, what a quantity would have cost on the far side,
the volume-weighted average of a stretch, the extremes of a stretch.
Conventions: a fill is compared with the last quote *strictly before* it (the fill itself must not
move its own benchmark; Lee & Ready, *J. Finance* 46, 1991), everything else with the last quote at
or before its instant. There is no mid where a side is missing or the quote is crossed.
Depth: one level is displayed. What a quantity takes beyond it is charged as if every further tick
showed the same size again, up to `LEVELS_MAX` ticks: an assumption, said wherever it is used.
Invariants: integers only: 1e-9 USD, 1e-9 share, UTC ns, costs 1e-18 USD. Unknown is ``None``.
Must never: answer with a quote older than ``age_max_ns`` where the record has gaps.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from surefill.core.market import MarketView, Nbbo
from surefill.core.units import US_EQUITY_TICKS, TickSchedule

LEVELS_MAX = 100
"""Ticks beyond the touch at most: farther away the assumption of equal levels says nothing."""
VIEW_AGE_MAX_NS = 5_000_000_000
"""How long a quote from a journal counts: nobody wrote down that it changed."""


@dataclass(frozen=True, slots=True, eq=False)
class Market:
    """One symbol. Columns of equal length in time order: quotes (times, bid and ask with sizes,
    0 = nobody) and prints. ``age_max_ns``: ``None`` where every change was recorded, so that an
    unchanged quote is current; else how long a quote counts. ``close_ns``: end of the session."""

    symbol: str
    quote_ns: Sequence[int]
    bid_px: Sequence[int]
    bid_qty: Sequence[int]
    ask_px: Sequence[int]
    ask_qty: Sequence[int]
    print_ns: Sequence[int] = ()
    print_px: Sequence[int] = ()
    print_qty: Sequence[int] = ()
    age_max_ns: int | None = None
    close_ns: int | None = None
    ticks: TickSchedule = US_EQUITY_TICKS

    def at(self, at_ns: int) -> Nbbo | None:
        """The last quote at or before this instant."""
        return self._quote(bisect_right(self.quote_ns, at_ns) - 1, at_ns)

    def before(self, at_ns: int) -> Nbbo | None:
        """The last quote strictly before this instant."""
        return self._quote(bisect_left(self.quote_ns, at_ns) - 1, at_ns)

    def _quote(self, n: int, at_ns: int) -> Nbbo | None:
        if n < 0:
            return None
        quoted_ns = self.quote_ns[n]
        if self.age_max_ns is not None and at_ns - quoted_ns > self.age_max_ns:
            return None
        return Nbbo(
            self.bid_px[n], self.bid_qty[n], self.ask_px[n], self.ask_qty[n], quoted_ns, quoted_ns
        )

    def mid_px(self, at_ns: int) -> int | None:
        """The midpoint at this instant; ``None`` beyond the last quote that counts."""
        if self.is_over(at_ns):
            return None
        quote = self.at(at_ns)
        return quote.mid_px if quote is not None else None

    def is_over(self, at_ns: int) -> bool:
        """Whether the record ends before this instant: then nothing is known of it."""
        return not self.quote_ns or at_ns > max(self.quote_ns[-1], self.close_ns or 0)

    def far_cost(self, sign: int, at_ns: int, *, qty: int) -> int | None:
        """What ``qty`` would cost on the far side at this instant, 1e-18 USD, with depth as in the
        module's text; ``None`` when nobody quotes there."""
        quote = None if self.is_over(at_ns) else self.at(at_ns)
        return None if quote is None else far_cost(quote, sign, qty=qty, ticks=self.ticks)

    def traded(self, start_ns: int, end_ns: int) -> tuple[int, int]:
        """(cost, qty) of all prints from ``start_ns`` up to and with ``end_ns``."""
        first, last = bisect_left(self.print_ns, start_ns), bisect_right(self.print_ns, end_ns)
        pairs = list(zip(self.print_px[first:last], self.print_qty[first:last], strict=True))
        return sum(px * qty for px, qty in pairs), sum(qty for _, qty in pairs)

    def extremes(self, sign: int, start_ns: int, end_ns: int) -> tuple[int, int] | None:
        """(worst, best) price at which a position of this sign could have been closed in the
        stretch: the bid of a long, the ask of a short (Sweeney 1996)."""
        first = max(0, bisect_right(self.quote_ns, start_ns) - 1)
        last = bisect_right(self.quote_ns, end_ns)
        column = self.bid_px if sign > 0 else self.ask_px
        known = [px for px in column[first:last] if px > 0]
        if not known or self.age_max_ns is not None:
            return None
        return (min(known), max(known)) if sign > 0 else (max(known), min(known))


def far_cost(
    quote: Nbbo, sign: int, *, qty: int, ticks: TickSchedule = US_EQUITY_TICKS
) -> int | None:
    """What ``qty`` costs on the far side of a quote, 1e-18 USD, with depth as in the module's text;
    ``None`` when nobody quotes there."""
    px, size = quote.far_px(sign), quote.ask_qty if sign > 0 else quote.bid_qty
    if px <= 0 or size <= 0:
        return None
    levels = min(qty // size, LEVELS_MAX)
    step_px = sign * ticks.tick_at(px)
    whole = size * (levels * px + step_px * (levels * (levels - 1) // 2))
    return whole + (qty - levels * size) * (px + step_px * levels)


def market_of_views(symbol: str, views: Iterable[tuple[int, MarketView]]) -> Market:
    """What a journal knows of a symbol's market: the (instant, view) pairs that its decisions
    embedded, oldest first. A quote counts from the instant at which it was known to be current."""
    known: list[tuple[int, Nbbo]] = []
    for now, view in views:
        age_ns = view.quote_age_ns(now)
        if view.symbol != symbol or view.nbbo is None or age_ns is None:
            continue
        known.append((now - age_ns, view.nbbo))
    known.sort(key=lambda pair: pair[0])
    return Market(
        symbol,
        [now for now, _ in known],
        [quote.bid_px for _, quote in known],
        [quote.bid_qty for _, quote in known],
        [quote.ask_px for _, quote in known],
        [quote.ask_qty for _, quote in known],
        age_max_ns=VIEW_AGE_MAX_NS,
        close_ns=known[-1][0] + VIEW_AGE_MAX_NS if known else None,
    )
