"""A recorded market that passes over what nobody can notice: the faster way through a day.

What: `SkippingMarket`, a market source over columns that can jump forward while nothing of ours is
at the market; of each symbol the last quote and the last print before the jump's end are kept, and
so much before that quote that a side which went and came back is seen to have done so: what was
taken from it is there again.
Why: plans of a study are minutes apart and most of a day lies between them; a quote changes nothing
that outlasts the next one where no order, no trade and no plan looks at it.
Invariants: what is passed over is never the latest quote or print of its symbol at an instant at
which somebody looks; with and without jumps a run has the same outcomes, line by line of the
venue's log (`benchmarks/identity.py` over all tapes, a small one in the tests). The past that the
exchange tells (bars, historical quotes) is what was played: replay asks for none.
Must never: jump back, or jump while anything of ours is at the market (`VirtualRun` asks).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from surefill.sim.columns import ColumnMarket, TapeColumns
from surefill.sim.market import MarketEvent, MergedMarket, QuoteEvent


class SkippingMarket:
    """`MarketSource` of several symbols at once, in the order of `MergedMarket`."""

    __slots__ = ("_inner", "_read", "_tapes", "skipped")

    def __init__(self, tapes: Sequence[TapeColumns]) -> None:
        self._tapes = {tape.symbol: tape for tape in tapes}
        self._read = {tape.symbol: [0, 0] for tape in tapes}
        """symbol -> quotes and prints that are behind us."""
        self._inner = MergedMarket([ColumnMarket(tape) for tape in tapes])
        self.skipped = 0
        """Rows that were passed over."""

    def next_ns(self) -> int | None:
        """Venue time (UTC ns) of the next event; ``None`` at the end."""
        return self._inner.next_ns()

    def pop(self) -> MarketEvent:
        """The next quote or print."""
        event = self._inner.pop()
        self._read[event.symbol][0 if isinstance(event, QuoteEvent) else 1] += 1
        return event

    def skip(self, until_ns: int) -> None:
        """Pass over what happens before ``until_ns`` (UTC ns), but the last of each kind and what
        tells that a side changed in the meantime."""
        for symbol, tape in self._tapes.items():
            read = self._read[symbol]
            for n, column in enumerate((tape.quote_ns, tape.print_ns)):
                last = int(column.searchsorted(until_ns, side="left")) - 1
                if n == 0 and last > read[n]:
                    last = _from_quote(tape, read[n], last)
                self.skipped += max(0, last - read[n])
                read[n] = max(read[n], last)
        left = [_rest(tape, *self._read[tape.symbol]) for tape in self._tapes.values()]
        self._inner = MergedMarket([ColumnMarket(tape) for tape in left])


def _from_quote(tape: TapeColumns, first: int, last: int) -> int:
    """The quote from which to go on so that row ``last`` is met as if all from ``first`` on had
    been seen: the book gives back what was taken from a side when price or size of it change."""
    start = last
    if not first:
        return start
    for px, qty in ((tape.bid_px, tape.bid_qty), (tape.ask_px, tape.ask_qty)):
        if (px[last], qty[last]) != (px[first - 1], qty[first - 1]):
            continue  # its change is seen in any case
        same = (px[first:last] == px[last]) & (qty[first:last] == qty[last])
        others = np.flatnonzero(~same)
        if len(others):
            start = min(start, first + int(others[-1]))
    return start


def _rest(tape: TapeColumns, quote: int, print_: int) -> TapeColumns:
    """The tape from these rows on; a print whose quotes are behind us comes before all quotes."""
    return TapeColumns(
        symbol=tape.symbol,
        quote_ns=tape.quote_ns[quote:],
        bid_px=tape.bid_px[quote:],
        bid_qty=tape.bid_qty[quote:],
        ask_px=tape.ask_px[quote:],
        ask_qty=tape.ask_qty[quote:],
        print_ns=tape.print_ns[print_:],
        print_px=tape.print_px[print_:],
        print_qty=tape.print_qty[print_:],
        print_side=tape.print_side[print_:],
        print_is_evidence=tape.print_is_evidence[print_:],
        quotes_before=np.maximum(tape.quotes_before[print_:] - quote, 0),
    )
