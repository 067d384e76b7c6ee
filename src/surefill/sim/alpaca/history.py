"""What the market was: every quote and print of a symbol, to be asked for later.

What: `Rows` keeps rows of integers, the first of which is a time; `SymbolHistory` has one for
quotes and one for prints. A row has a number (from 1) that never changes.
Why: historical market data, corrections of prints and the portfolio's past all read from here.
Invariants: rows are in time order; the oldest half is dropped at `ROWS_MAX`, and numbers go on.
Must never: hold a price that was not on the tape.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left

from surefill.core.market import Nbbo, Print

ROWS_MAX = 2_000_000
"""Rows of one kind and symbol that are kept: about a day of a very busy symbol, 80 MB."""


class Rows:
    """Rows of ``width`` integers; ``rows_max`` bounds their number."""

    __slots__ = ("_dropped", "_rows_max", "_values", "width")

    def __init__(self, width: int, *, rows_max: int = ROWS_MAX) -> None:
        self._values = array("q")
        self.width = width
        self._rows_max = rows_max
        self._dropped = 0

    @property
    def first(self) -> int:
        """Number of the oldest row kept."""
        return self._dropped + 1

    @property
    def last(self) -> int:
        """Number of the newest row; less than `first` when there is none."""
        return self._dropped + len(self._values) // self.width

    def add(self, row: tuple[int, ...]) -> None:
        """Append a row."""
        self._values.extend(row)
        if len(self._values) > self._rows_max * self.width:
            half = self._rows_max // 2
            del self._values[: half * self.width]
            self._dropped += half

    def start_at(self, number: int) -> None:
        """Empty: the next row will have this number."""
        if self._values or number < 1:
            raise KeyError(number)
        self._dropped = number - 1

    def extend(self, values: array[int]) -> None:
        """Append numbers as they lie in memory."""
        self._values.extend(values)

    def get(self, number: int) -> tuple[int, ...]:
        """The row with this number."""
        at = self._index(number)
        return tuple(self._values[at : at + self.width])

    def put(self, number: int, row: tuple[int, ...]) -> None:
        """Replace a row; its time must stay."""
        at = self._index(number)
        self._values[at : at + self.width] = array("q", row)

    def number_from(self, ns: int) -> int:
        """Number of the first row at or after ``ns``; one beyond `last` when there is none."""
        values, width = self._values, self.width
        count = len(values) // width
        return self.first + bisect_left(range(count), ns, key=lambda i: values[i * width])

    def _index(self, number: int) -> int:
        if not self.first <= number <= self.last:
            raise KeyError(number)
        return (number - self.first) * self.width


class SymbolHistory:
    """Quotes (time, bid, bid size, ask, ask size) and prints (time, price, size) of a symbol.

    ``updates``: number of a print -> ``corrected`` or ``canceled``.
    """

    __slots__ = ("prints", "quotes", "updates")

    def __init__(self) -> None:
        self.quotes = Rows(5)
        self.prints = Rows(3)
        self.updates: dict[int, str] = {}

    def add_quote(self, nbbo: Nbbo) -> None:
        """Keep a quote."""
        row = (nbbo.venue_ns, nbbo.bid_px, nbbo.bid_qty, nbbo.ask_px, nbbo.ask_qty)
        self.quotes.add(row)

    def add_print(self, print_: Print) -> None:
        """Keep a print."""
        self.prints.add((print_.venue_ns, print_.px, print_.qty))

    def quote(self, number: int) -> Nbbo:
        """The quote with this number."""
        ns, bid_px, bid_qty, ask_px, ask_qty = self.quotes.get(number)
        return Nbbo(bid_px, bid_qty, ask_px, ask_qty, ns, ns)

    def print_(self, number: int) -> Print:
        """The print with this number, as it stands after corrections."""
        ns, px, qty = self.prints.get(number)
        return Print(px, qty, ns, ns)

    def change_print(self, number: int, print_: Print | None) -> Print:
        """Correct a print, or cancel it (``None``); returns what it was. ``KeyError``: unknown."""
        old = self.print_(number)
        if self.updates.get(number) == "canceled":
            raise KeyError(number)
        if print_ is None:
            self.updates[number] = "canceled"
        else:
            self.prints.put(number, (old.venue_ns, print_.px, print_.qty))
            self.updates[number] = "corrected"
        return old

    def prints_between(self, start_ns: int, end_ns: int) -> list[Print]:
        """Prints that count, from ``start_ns`` on and before ``end_ns``."""
        numbers = range(self.prints.number_from(start_ns), self.prints.number_from(end_ns))
        return [self.print_(n) for n in numbers if self.updates.get(n) != "canceled"]

    def mark_px(self, ns: int) -> int | None:
        """Value of a share at ``ns``: the last print, else the mid (as the venue marks)."""
        number = self.prints.number_from(ns + 1) - 1
        if number >= self.prints.first:
            return self.print_(number).px
        number = self.quotes.number_from(ns + 1) - 1
        return self.quote(number).mid_px if number >= self.quotes.first else None
