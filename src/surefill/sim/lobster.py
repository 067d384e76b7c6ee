"""Reads LOBSTER's CSV pairs: every message of one venue, and the book after each (extra `tapes`).

What: `days_of` (from the names) and `read`: the best bid and ask of the orderbook file, kept where
they change, and the executions of the message file, in their own order.
The format (lobsterdata.com): message rows are time (seconds after midnight, New York, up to nine
decimals), type, order id, size, price (USD x 10,000), direction (of the resting order: 1 buy, -1
sell). Row n of the orderbook file is the book after message n: ask price and size, bid price and
size, then deeper levels; +-9999999999 stands for an empty side. Types: 1 new, 2 reduced, 3 deleted,
4 executed, 5 hidden order executed, 6 auction, 7 halt.
Invariants: times become UTC ns without a double; a print comes before the book that it left.
Prints of an auction prove nothing about a resting order and are counted; halts are counted too.
Must never: accept files whose rows do not match, or whose times are not those of the name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from surefill.core.units import NANO
from surefill.sim.calendar import day_bounds_ns
from surefill.sim.columns import Column, TapeColumns, cut_columns, rows_of
from surefill.sim.market import TapeError, TapeErrorCode
from surefill.sim.selection import Loaded, Selection, TapeDay

PX_UNIT = NANO // 10_000
EXECUTED, HIDDEN, AUCTION, HALT = 4, 5, 6, 7
_EMPTY_PX = 9_999_999_999
_MS_NS = 1_000_000
_NAME = re.compile(
    r"(?P<symbol>[A-Z][A-Z0-9.]*)_(?P<date>\d{4}-\d\d-\d\d)_(?P<start>\d+)_(?P<end>\d+)"
    r"_(?:message|orderbook)_\d+\.csv"
)
_MESSAGE = ("time", "type", "order_id", "size", "price", "direction")
_BOOK = ("ask_px", "ask_sz", "bid_px", "bid_sz")
_SECONDS = pa.decimal128(15, 9)


def days_of(paths: Sequence[Path]) -> list[TapeDay]:
    """One day a pair; half a pair is an error."""
    found = []
    for path in sorted({_other(path, "message") for path in paths}):
        name = _name(path)
        book = _other(path, "orderbook")
        for needed in (path, book):
            if not needed.is_file():
                raise TapeError(
                    TapeErrorCode.TAPE_NOT_FOUND, "the other half of the pair is", str(needed)
                )
        found.append(TapeDay(book, path, name["symbol"], int(name["date"].replace("-", ""))))
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Messages:
    """The message file: one array a column, times UTC ns."""

    ns: Column
    kind: Column
    size: Column
    px: Column
    direction: Column


def read(day: TapeDay, selection: Selection) -> Loaded:
    """The selection of one pair. Raises `TapeError`."""
    name = _name(day.trades_path)
    if (name["symbol"], int(name["date"].replace("-", ""))) != (selection.symbol, selection.date):
        raise TapeError(
            TapeErrorCode.TAPE_NO_ROWS,
            f"no quote of the selection in {day.quotes_path.name}",
            selection,
        )
    messages = _messages(day.trades_path, selection.date)
    book = _table(day.quotes_path, _BOOK, {name: pa.int64() for name in _BOOK})
    if book.num_rows != len(messages.ns):
        raise TapeError(
            TapeErrorCode.TAPE_BAD_VALUE,
            f"{day.quotes_path.name} has {book.num_rows} rows and {day.trades_path.name} "
            f"{len(messages.ns)}; row n of one belongs to row n of the other",
            (book.num_rows, len(messages.ns)),
        )
    columns, dropped = _columns(selection.symbol, messages, book, path=day.trades_path)
    if not len(columns.quote_ns):
        raise TapeError(
            TapeErrorCode.TAPE_NO_ROWS,
            f"no quote of the selection in {day.quotes_path.name}",
            selection,
        )
    noted: tuple[tuple[str, int], ...] = (
        ("hidden_executions", int((messages.kind == HIDDEN).sum())),
        ("halt_messages", int((messages.kind == HALT).sum())),
    )
    cut = cut_columns(columns, selection.start_ns, selection.end_ns)
    noted = tuple(pair for pair in noted if pair[1])
    return Loaded(cut, dropped, noted, rows_of(columns) - rows_of(cut))


def _name(path: Path) -> re.Match[str]:
    match = _NAME.fullmatch(path.name)
    if match is None:
        raise TapeError(
            TapeErrorCode.TAPE_NOT_FOUND,
            "a LOBSTER file is named SYMBOL_YYYY-MM-DD_START_END_message_N.csv, so that its day is "
            "known",
            path.name,
        )
    return match


def _other(path: Path, part: str) -> Path:
    name = re.sub("_(message|orderbook)_", f"_{part}_", path.name)
    return path.with_name(name)


def _table(path: Path, names: Sequence[str], kinds: dict[str, Any]) -> Any:
    """The first columns of a file without a head."""
    try:
        with path.open("rb") as file:
            width = file.readline().count(b",") + 1
        every = [*names, *(f"more_{n}" for n in range(width - len(names)))]
        return csv.read_csv(
            path,
            read_options=csv.ReadOptions(column_names=every),
            convert_options=csv.ConvertOptions(column_types=kinds, include_columns=list(names)),
        )
    except pa.ArrowException as error:
        raise TapeError(
            TapeErrorCode.TAPE_WRONG_UNIT,
            f"{path.name} is not LOBSTER's: times have up to nine decimals of a second, all else "
            "is whole numbers",
            str(error)[:200],
        ) from error
    except OSError as error:
        raise TapeError(
            TapeErrorCode.TAPE_UNREADABLE, f"cannot read {path.name}", str(error)
        ) from (error)


def _messages(path: Path, date: int) -> _Messages:
    kinds = {name: pa.int64() for name in _MESSAGE} | {"time": _SECONDS}
    table = _table(path, _MESSAGE, kinds)
    name = _name(path)
    midnight_ns = day_bounds_ns(date)[0]
    seconds = pc.multiply(table["time"], pa.scalar(NANO, pa.decimal128(10, 0)))
    in_day_ns = _numbers(path, seconds.cast(pa.int64()), "time")
    low_ns, high_ns = int(name["start"]) * _MS_NS, int(name["end"]) * _MS_NS
    wrong = np.flatnonzero((in_day_ns < low_ns) | (in_day_ns > high_ns))
    if len(wrong):
        row = int(wrong[0])
        raise TapeError(
            TapeErrorCode.TAPE_WRONG_UNIT,
            f"row {row} of {path.name} is not between the times of its name, in seconds after "
            "midnight",
            str(table["time"][row].as_py()),
        )
    back = np.flatnonzero(in_day_ns[1:] < in_day_ns[:-1])
    if len(back):
        row = int(back[0]) + 1
        raise TapeError(
            TapeErrorCode.TAPE_BACKWARDS_TIME,
            f"time runs backwards in {path.name}, row {row}",
            (str(table["time"][row - 1].as_py()), str(table["time"][row].as_py())),
        )
    return _Messages(
        ns=in_day_ns + midnight_ns,
        kind=_numbers(path, table["type"], "type"),
        size=_numbers(path, table["size"], "size"),
        px=_numbers(path, table["price"], "price"),
        direction=_numbers(path, table["direction"], "direction"),
    )


def _numbers(path: Path, column: Any, name: str) -> Column:
    if column.null_count:
        raise TapeError(TapeErrorCode.TAPE_BAD_VALUE, f"{name} of {path.name} has empty rows", name)
    return np.asarray(column.to_numpy(), dtype=np.int64)


def _columns(
    symbol: str, messages: _Messages, book: Any, *, path: Path
) -> tuple[TapeColumns, tuple[tuple[str, int], ...]]:
    sides = {name: _numbers(path, book[name], name) for name in _BOOK}
    touch = np.stack([*_side(sides["bid_px"], sides["bid_sz"], path=path)])
    touch = np.concatenate([touch, np.stack([*_side(sides["ask_px"], sides["ask_sz"], path=path)])])
    changed = np.ones(len(messages.ns), dtype=np.bool_)
    changed[1:] = (touch[:, 1:] != touch[:, :-1]).any(axis=0)
    quotes = np.flatnonzero(changed)
    prints = np.flatnonzero(np.isin(messages.kind, (EXECUTED, HIDDEN, AUCTION)))
    bad = np.flatnonzero((messages.px[prints] <= 0) | (messages.size[prints] <= 0))
    if len(bad):
        row = int(prints[bad[0]])
        raise TapeError(
            TapeErrorCode.TAPE_BAD_VALUE,
            f"a print is not positive in {path.name}, row {row}",
            {"px": int(messages.px[row]), "sz": int(messages.size[row])},
        )
    is_auction = messages.kind[prints] == AUCTION
    columns = TapeColumns(
        symbol=symbol,
        quote_ns=messages.ns[quotes],
        bid_px=touch[0][quotes],
        bid_qty=touch[1][quotes],
        ask_px=touch[2][quotes],
        ask_qty=touch[3][quotes],
        print_ns=messages.ns[prints],
        print_px=messages.px[prints] * PX_UNIT,
        print_qty=messages.size[prints] * NANO,
        # The direction is the resting order's; who took was on the other side.
        print_side=np.where(is_auction, 0, -messages.direction[prints]),
        print_is_evidence=~is_auction,
        quotes_before=np.searchsorted(quotes, prints, side="left").astype(np.int64),
    )
    return columns, (("auction", int(is_auction.sum())),)


def _side(px: Column, size: Column, *, path: Path) -> tuple[Column, Column]:
    """Price and size of a side, 0 where nobody is."""
    is_empty = (np.abs(px) == _EMPTY_PX) | (size == 0)
    bad = np.flatnonzero(~is_empty & ((px <= 0) | (size < 0)))
    if len(bad):
        row = int(bad[0])
        raise TapeError(
            TapeErrorCode.TAPE_BAD_VALUE,
            f"a quote is negative beside {path.name}, row {row}",
            {"px": int(px[row]), "sz": int(size[row])},
        )
    return np.where(is_empty, 0, px * PX_UNIT), np.where(is_empty, 0, size * NANO)
