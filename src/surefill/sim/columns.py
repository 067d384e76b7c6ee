"""Market data as numpy columns: the common form of recorded and synthetic tapes (extra `tapes`).

What: `TapeColumns` (quotes and prints of one symbol, each in time order, with the number of quotes
before each print, which fixes the merged order), `TapeReport` (what a tape holds, counted), and
`ColumnMarket`, the `MarketSource` that reads columns in chunks.
Why: millions of rows are checked and counted as columns and become event objects only one chunk at
a time; later fast paths read the columns and skip the objects.

Invariants: all columns are int64 in 1e-9 USD, 1e-9 share and UTC ns; merged time never decreases
(checked when columns are merged). Import this module lazily: it needs numpy.
Must never: drop a row without counting it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from surefill.core.market import Nbbo, Print
from surefill.core.units import NANO
from surefill.sim.market import (
    MarketEvent,
    PrintEvent,
    QuoteEvent,
    TapeError,
    TapeErrorCode,
    exhausted,
)
from surefill.sim.synthetic import PX_UNIT, QUOTE, Row

Column = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_CHUNK_ROWS = 2_048


@dataclass(frozen=True, slots=True, eq=False)
class TapeColumns:
    """One symbol. Prices 1e-9 USD, sizes 1e-9 share, times UTC ns; 0 on a side: nobody quotes.

    ``print_side``: +1 buyer took, -1 seller took, 0 unknown. ``print_is_evidence``: whether the
    print may prove that a resting order would have been filled. ``quotes_before``: for each print
    the number of quotes that precede it, which defines the merged order completely.
    """

    symbol: str
    quote_ns: Column
    bid_px: Column
    bid_qty: Column
    ask_px: Column
    ask_qty: Column
    print_ns: Column
    print_px: Column
    print_qty: Column
    print_side: Column
    print_is_evidence: Flags
    quotes_before: Column


@dataclass(frozen=True, slots=True)
class TapeReport:
    """What a tape holds. Quotes are counted at all hours; a crossed quote has bid above ask.

    ``outside_count``: evidence prints outside the quote strictly before them in time.
    ``dropped``: (cause, prints) of prints that are no evidence, one cause each, first that holds.
    ``noted``: (what, how many) of what the format says about itself.
    """

    symbol: str
    quote_count: int
    print_count: int
    evidence_count: int
    crossed_count: int
    locked_count: int
    one_sided_count: int
    outside_count: int
    dropped: tuple[tuple[str, int], ...]
    first_ns: int
    last_ns: int
    noted: tuple[tuple[str, int], ...] = ()


def report_of(
    columns: TapeColumns,
    dropped: tuple[tuple[str, int], ...] = (),
    noted: tuple[tuple[str, int], ...] = (),
) -> TapeReport:
    """Counts of ``columns``; the others are passed through from whoever knows the causes."""
    two_sided = (columns.bid_px > 0) & (columns.ask_px > 0)
    evidence = columns.print_is_evidence
    px, ns = columns.print_px[evidence], columns.print_ns[evidence]
    prior = np.searchsorted(columns.quote_ns, ns, side="left") - 1
    known = prior >= 0
    px, prior = px[known], prior[known]
    outside = two_sided[prior] & ((px < columns.bid_px[prior]) | (px > columns.ask_px[prior]))
    ends = [
        column[i] for column in (columns.quote_ns, columns.print_ns) if len(column) for i in (0, -1)
    ]
    return TapeReport(
        symbol=columns.symbol,
        quote_count=len(columns.quote_ns),
        print_count=len(columns.print_ns),
        evidence_count=int(evidence.sum()),
        crossed_count=int((two_sided & (columns.bid_px > columns.ask_px)).sum()),
        locked_count=int((two_sided & (columns.bid_px == columns.ask_px)).sum()),
        one_sided_count=int((~two_sided).sum()),
        outside_count=int(outside.sum()),
        dropped=dropped,
        first_ns=int(min(ends, default=0)),
        last_ns=int(max(ends, default=0)),
        noted=noted,
    )


def columns_of_rows(symbol: str, rows: Iterable[Row]) -> TapeColumns:
    """Columns of generator rows (1/10000 dollar, shares), which are already in merged order."""
    table = np.array(list(rows), dtype=np.int64).reshape(-1, 6)
    is_quote = table[:, 1] == QUOTE
    quotes, prints = table[is_quote], table[~is_quote]
    return TapeColumns(
        symbol=symbol,
        quote_ns=quotes[:, 0],
        bid_px=quotes[:, 2] * PX_UNIT,
        bid_qty=quotes[:, 3] * NANO,
        ask_px=quotes[:, 4] * PX_UNIT,
        ask_qty=quotes[:, 5] * NANO,
        print_ns=prints[:, 0],
        print_px=prints[:, 2] * PX_UNIT,
        print_qty=prints[:, 3] * NANO,
        print_side=prints[:, 4],
        print_is_evidence=np.ones(len(prints), dtype=np.bool_),
        quotes_before=np.cumsum(is_quote)[~is_quote],
    )


def merged_ns(columns: TapeColumns) -> tuple[Column, Flags]:
    """(time, is-a-print) of every row in merged order; raises `TapeError` when time runs back.

    Quotes and prints may each be in order and yet contradict each other through their shared
    sequence numbers; this is where that shows.
    """
    total = len(columns.quote_ns) + len(columns.print_ns)
    is_print = np.zeros(total, dtype=np.bool_)
    is_print[columns.quotes_before + np.arange(len(columns.print_ns))] = True
    ns = np.empty(total, dtype=np.int64)
    ns[is_print] = columns.print_ns
    ns[~is_print] = columns.quote_ns
    back = np.flatnonzero(ns[1:] < ns[:-1])
    if len(back):
        row = int(back[0]) + 1
        raise TapeError(
            TapeErrorCode.TAPE_BACKWARDS_TIME,
            f"quotes and prints of {columns.symbol} contradict each other at merged row {row}: "
            f"{int(ns[row])} ns after {int(ns[row - 1])} ns",
            (row, int(ns[row - 1]), int(ns[row])),
        )
    return ns, is_print


def cut_columns(columns: TapeColumns, start_ns: int | None, end_ns: int | None) -> TapeColumns:
    """The half-open window ``start_ns``..``end_ns`` (UTC ns; ``None``: no bound)."""
    first, last = _bounds(columns.quote_ns, start_ns, end_ns)
    begin, end = _bounds(columns.print_ns, start_ns, end_ns)
    return TapeColumns(
        symbol=columns.symbol,
        quote_ns=columns.quote_ns[first:last],
        bid_px=columns.bid_px[first:last],
        bid_qty=columns.bid_qty[first:last],
        ask_px=columns.ask_px[first:last],
        ask_qty=columns.ask_qty[first:last],
        print_ns=columns.print_ns[begin:end],
        print_px=columns.print_px[begin:end],
        print_qty=columns.print_qty[begin:end],
        print_side=columns.print_side[begin:end],
        print_is_evidence=columns.print_is_evidence[begin:end],
        quotes_before=np.clip(columns.quotes_before[begin:end], first, last) - first,
    )


def rows_of(columns: TapeColumns) -> int:
    """Quotes and prints together."""
    return len(columns.quote_ns) + len(columns.print_ns)


def _bounds(ns: Column, start_ns: int | None, end_ns: int | None) -> tuple[int, int]:
    first = 0 if start_ns is None else int(np.searchsorted(ns, start_ns, side="left"))
    last = len(ns) if end_ns is None else int(np.searchsorted(ns, end_ns, side="left"))
    return first, max(first, last)


def only_evidence(columns: TapeColumns) -> TapeColumns:
    """The same tape without the prints that prove no fill."""
    keep = columns.print_is_evidence
    return TapeColumns(
        symbol=columns.symbol,
        quote_ns=columns.quote_ns,
        bid_px=columns.bid_px,
        bid_qty=columns.bid_qty,
        ask_px=columns.ask_px,
        ask_qty=columns.ask_qty,
        print_ns=columns.print_ns[keep],
        print_px=columns.print_px[keep],
        print_qty=columns.print_qty[keep],
        print_side=columns.print_side[keep],
        print_is_evidence=columns.print_is_evidence[keep],
        quotes_before=columns.quotes_before[keep],
    )


class ColumnMarket:
    """`MarketSource` over `TapeColumns`; events are made one chunk at a time."""

    __slots__ = ("_columns", "_events", "_is_print", "_ns", "_position", "_prints_done", "_start")

    def __init__(self, columns: TapeColumns) -> None:
        self._columns = columns
        self._ns, self._is_print = merged_ns(columns)
        self._start = 0
        self._prints_done = 0
        self._events: list[MarketEvent] = []
        self._position = 0
        self._load()

    def next_ns(self) -> int | None:
        """Venue time (UTC ns) of the next event; ``None`` at the end."""
        return self._events[self._position].venue_ns if self._events else None

    def pop(self) -> MarketEvent:
        """The next quote or print; its ``recv_ns`` is its ``venue_ns`` (travel is the edge's)."""
        if not self._events:
            raise exhausted(f"tape of {self._columns.symbol}")
        event = self._events[self._position]
        self._position += 1
        if self._position == len(self._events):
            self._load()
        return event

    def _load(self) -> None:
        """The next chunk of merged rows as events."""
        flags = self._is_print[self._start : self._start + _CHUNK_ROWS].tolist()
        print_count = sum(flags)
        first_quote = self._start - self._prints_done
        quotes = self._quotes(first_quote, first_quote + len(flags) - print_count)
        prints = self._prints(self._prints_done, self._prints_done + print_count)
        quote, print_ = iter(quotes), iter(prints)
        self._events = [next(print_) if flag else next(quote) for flag in flags]
        self._position = 0
        self._start += len(flags)
        self._prints_done += print_count

    def _quotes(self, start: int, stop: int) -> list[MarketEvent]:
        tape, symbol = self._columns, self._columns.symbol
        columns = (tape.bid_px, tape.bid_qty, tape.ask_px, tape.ask_qty, tape.quote_ns)
        lists = [column[start:stop].tolist() for column in columns]
        return [
            QuoteEvent(symbol, Nbbo(bid_px, bid_qty, ask_px, ask_qty, ns, ns))
            for bid_px, bid_qty, ask_px, ask_qty, ns in zip(*lists, strict=True)
        ]

    def _prints(self, start: int, stop: int) -> list[MarketEvent]:
        tape, symbol = self._columns, self._columns.symbol
        columns = (tape.print_px, tape.print_qty, tape.print_ns)
        lists = [column[start:stop].tolist() for column in columns]
        return [
            PrintEvent(symbol, Print(px, qty, ns, ns)) for px, qty, ns in zip(*lists, strict=True)
        ]
