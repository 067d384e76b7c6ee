"""Reads Databento's DBN files through Databento's own library (extra `databento`).

What: `days_of` (symbols and days that a file holds) and `read`: of ``mbp-1`` every change of the
touch and every trade, of ``tbbo`` every trade with the touch before it. Plain or Zstandard.
Prices are 1e-9 USD already; times are ``ts_event``, the venue's own. A file of the schema
``trades`` has no quotes: beside one of the others it adds nothing, alone it is refused.
Invariants: symbols come from the file's own mappings; one publisher a symbol, because the books of
several are not one market; a file that was cut off is refused.
Must never: guess a symbol, or take a record whose book the vendor marks as bad for a good one: they
are counted.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import databento
import numpy as np
from databento.common.error import BentoError, BentoWarning
from databento_dbn import UNDEF_PRICE

from surefill.core.units import NANO
from surefill.sim.calendar import day_bounds_ns, new_york_date
from surefill.sim.columns import Column, Flags, TapeColumns, cut_columns, rows_of
from surefill.sim.market import TapeError, TapeErrorCode
from surefill.sim.selection import Loaded, Selection, TapeDay

TBBO, TRADES = "tbbo", "trades"
WITH_QUOTES = ("mbp-1", TBBO)
BAD_BOOK = 4
"""``flags`` bit F_MAYBE_BAD_BOOK: an unrecovered gap, the book may be wrong."""
_DAY_NS = 86_400 * NANO
_FIELDS = ("ts_event", "sequence", "price", "size")
_TOUCH = ("bid_px_00", "bid_sz_00", "ask_px_00", "ask_sz_00")


@dataclass(frozen=True, slots=True, eq=False)
class _File:
    """A decoded file. ``symbols``: (instrument id, New York date) -> symbol, by its mappings."""

    path: Path
    schema: str
    rows: Any
    mappings: dict[str, list[dict[str, Any]]]

    def symbol_of(self, instrument_id: int, date: int) -> str | None:
        """What the file calls an instrument on a day."""
        for symbol, intervals in self.mappings.items():
            for one in intervals:
                start, end = (_yyyymmdd(one[name]) for name in ("start_date", "end_date"))
                if one["symbol"] == str(instrument_id) and start <= date < end:
                    return symbol
        return None


def days_of(paths: Sequence[Path]) -> list[TapeDay]:
    """Every symbol and day with quotes in these files; refuses trades that nobody quotes for."""
    found: dict[tuple[str, int], TapeDay] = {}
    lonely: dict[tuple[str, int], Path] = {}
    for path in sorted(paths):
        file = _open(path)
        for place in _places(file):
            if file.schema == TRADES:
                lonely[place] = path
            else:
                found.setdefault(place, TapeDay(path, path, *place))
    for place, path in lonely.items():
        if place not in found:
            raise TapeError(
                TapeErrorCode.TAPE_NO_QUOTES,
                f"{path.name} is of the schema trades, which has no quotes; get mbp-1 or tbbo for",
                place,
            )
    return list(found.values())


def read(day: TapeDay, selection: Selection) -> Loaded:
    """The selection of one file. Raises `TapeError`."""
    file = _open(day.quotes_path)
    if file.schema not in WITH_QUOTES:
        raise TapeError(
            TapeErrorCode.TAPE_NO_QUOTES, f"{file.path.name} has no quotes", file.schema
        )
    low_ns, high_ns = day_bounds_ns(selection.date)
    ns = file.rows["ts_event"]
    keep = (ns >= low_ns) & (ns < high_ns) & _is_symbol(file, selection)
    rows = file.rows[keep]
    if not len(rows):
        raise TapeError(
            TapeErrorCode.TAPE_NO_ROWS,
            f"no quote of the selection in {file.path.name}",
            selection,
        )
    _check(file.path, rows)
    columns = _columns(selection.symbol, rows, is_tbbo=file.schema == TBBO)
    bad = int(((rows["flags"] & BAD_BOOK) != 0).sum())
    cut = cut_columns(columns, selection.start_ns, selection.end_ns)
    noted = [("maybe_bad_book", bad)] if bad else []
    if file.schema == TBBO:
        noted.append(("quotes_only_at_trades", len(cut.quote_ns)))
    return Loaded(cut, (), tuple(noted), rows_of(columns) - rows_of(cut))


def _open(path: Path) -> _File:
    if not path.is_file():
        raise TapeError(TapeErrorCode.TAPE_NOT_FOUND, "there is no tape at", str(path))
    try:
        # From memory: the library leaves files that it opens itself to the garbage collector.
        with warnings.catch_warnings():
            warnings.simplefilter("error", BentoWarning)
            store = databento.DBNStore.from_bytes(path.read_bytes())
            schema = str(store.schema)
            if schema not in (*WITH_QUOTES, TRADES):
                raise TapeError(
                    TapeErrorCode.TAPE_MISSING_COLUMN,
                    f"{path.name} is of a schema that is not read; get mbp-1, tbbo or trades",
                    schema,
                )
            rows = store.to_ndarray()
    except (BentoError, BentoWarning, ValueError, OSError) as error:
        raise TapeError(
            TapeErrorCode.TAPE_UNREADABLE, f"{path.name} is no whole DBN file", str(error)[:200]
        ) from error
    mappings: Any = store.mappings
    return _File(path, schema, rows, dict(mappings))


def _places(file: _File) -> list[tuple[str, int]]:
    """Symbols and New York days of the records, in order."""
    found = set()
    for instrument_id in np.unique(file.rows["instrument_id"]).tolist():
        ns = file.rows["ts_event"][file.rows["instrument_id"] == instrument_id]
        # New York is never more than a day behind UTC: one look a UTC day and edge is enough.
        edges = np.unique(np.concatenate([ns[:1], ns[-1:], ns[_day_edges(ns)]]))
        for date in {new_york_date(int(at_ns)) for at_ns in edges.tolist()}:
            symbol = file.symbol_of(instrument_id, date)
            if symbol is None:
                raise TapeError(
                    TapeErrorCode.TAPE_MISSING_COLUMN,
                    f"{file.path.name} does not say which symbol an instrument is",
                    (instrument_id, date),
                )
            found.add((symbol, date))
    return sorted(found)


def _day_edges(ns: Any) -> Any:
    """Indices around each pause of more than an hour: a trading day begins and ends at one."""
    signed = ns.astype(np.int64)
    after = np.flatnonzero(np.abs(signed[1:] - signed[:-1]) > _DAY_NS // 24)
    return np.concatenate([after, after + 1])


def _is_symbol(file: _File, selection: Selection) -> Flags:
    wanted = [
        instrument_id
        for instrument_id in np.unique(file.rows["instrument_id"]).tolist()
        if file.symbol_of(instrument_id, selection.date) == selection.symbol
    ]
    return np.asarray(np.isin(file.rows["instrument_id"], wanted), dtype=np.bool_)


def _check(path: Path, rows: Any) -> None:
    publishers = np.unique(rows["publisher_id"]).tolist()
    if len(publishers) > 1:
        raise TapeError(
            TapeErrorCode.TAPE_BAD_VALUE,
            f"{path.name} has the books of several publishers, which are not one market",
            publishers,
        )
    ns = rows["ts_event"].astype(np.int64)
    back = np.flatnonzero(ns[1:] < ns[:-1])
    if len(back):
        row = int(back[0]) + 1
        raise TapeError(
            TapeErrorCode.TAPE_BACKWARDS_TIME,
            f"ts_event runs backwards in {path.name}, row {row} of the selection",
            (int(ns[row - 1]), int(ns[row])),
        )
    is_trade = rows["action"] == b"T"
    bad = np.flatnonzero(is_trade & ((rows["price"] <= 0) | (rows["size"] == 0)))
    bad = bad if len(bad) else np.flatnonzero(is_trade & (rows["price"] == UNDEF_PRICE))
    if len(bad):
        row = int(bad[0])
        values = {name: int(rows[name][row]) for name in _FIELDS}
        raise TapeError(
            TapeErrorCode.TAPE_BAD_VALUE, f"a print is not positive in {path.name}", values
        )


def _columns(symbol: str, rows: Any, *, is_tbbo: bool) -> TapeColumns:
    bid_px, bid_qty = _side(rows["bid_px_00"], rows["bid_sz_00"])
    ask_px, ask_qty = _side(rows["ask_px_00"], rows["ask_sz_00"])
    touch = np.stack([bid_px, bid_qty, ask_px, ask_qty])
    changed = np.ones(len(rows), dtype=np.bool_)
    changed[1:] = (touch[:, 1:] != touch[:, :-1]).any(axis=0)
    quotes = np.flatnonzero(changed)
    prints = np.flatnonzero(rows["action"] == b"T")
    side = rows["side"][prints]
    return TapeColumns(
        symbol=symbol,
        quote_ns=_wide(rows["ts_event"][quotes]),
        bid_px=bid_px[quotes],
        bid_qty=bid_qty[quotes],
        ask_px=ask_px[quotes],
        ask_qty=ask_qty[quotes],
        print_ns=_wide(rows["ts_event"][prints]),
        print_px=_wide(rows["price"][prints]),
        print_qty=_wide(rows["size"][prints]) * NANO,
        print_side=(side == b"B").astype(np.int64) - (side == b"A").astype(np.int64),
        print_is_evidence=np.ones(len(prints), dtype=np.bool_),
        # The touch of a tbbo record is that before the trade; of mbp-1 that after the message.
        quotes_before=_wide(np.searchsorted(quotes, prints, side="right" if is_tbbo else "left")),
    )


def _side(px: Any, size: Any) -> tuple[Column, Column]:
    """Price and size of a side, 0 where nobody is."""
    is_empty = (px == UNDEF_PRICE) | (px <= 0) | (size == 0)
    return (
        np.where(is_empty, 0, px).astype(np.int64),
        np.where(is_empty, 0, size.astype(np.int64) * NANO).astype(np.int64),
    )


def _wide(values: Any) -> Column:
    return np.asarray(values, dtype=np.int64)


def _yyyymmdd(day: Any) -> int:
    """Of a date, or of a text like ``2026-11-20``."""
    return int(str(day).replace("-", ""))
