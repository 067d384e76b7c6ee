"""Reads recorded tapes from Parquet into checked `TapeColumns` (extra `tapes`: numpy, pyarrow).

What: one symbol and day of a quotes file and its trades file. Only the needed columns and row
groups are read; prices int32 in 1/10000 dollar become 1e-9 USD, sizes in shares 1e-9 share.
Why: a tape is input from outside: a file in the wrong unit or order would give plausible nonsense,
so each check is a coded `TapeError` that names file, row and values.

Invariants: rows keep the order of the file; nothing is sorted, repaired or skipped in silence.
Import this module lazily. Must never: accept a file whose units it cannot confirm.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from surefill.core.units import NANO
from surefill.sim.calendar import day_bounds_ns, new_york_date
from surefill.sim.columns import Column, Flags, TapeColumns
from surefill.sim.market import TapeError, TapeErrorCode
from surefill.sim.selection import RECORD, Loaded, Selection, TapeDay

PX_UNIT = NANO // 10_000
QUOTE_COLUMNS = ("ts_ns", "seq", "bid_px", "bid_sz", "ask_px", "ask_sz")
TRADE_COLUMNS = ("ts_ns", "seq", "px", "sz", "side")
QUOTE_SUFFIXES = ("_nbbo.parquet", "_quotes_l1.parquet")
TRADE_SUFFIX = "_trades.parquet"
_PARTITION = re.compile(r"(?:^|/)symbol=(?P<symbol>[^/]+)/date=(?P<date>\d{8})$")

_NS_1990 = 631_152_000 * NANO
_NS_2100 = 4_102_444_800 * NANO
"""A time outside is no UTC nanosecond: milliseconds and microseconds fall far below."""

NO_EVIDENCE: tuple[tuple[str, int], ...] = (
    ("extended_hours", 0x2000),
    ("average_price", 0x100000),
    ("derivatively_priced", 0x200),
    ("sold_last", 0x800),
    ("prior_reference", 0x2000000),
    ("official_close", 0x1000000),
    ("official_open", 0x4000000),
    ("withdrawn", 1 << 40),
    ("finer_than_layout", 1 << 41),
)
"""AlgoSeek condition bits (and two of our own, from bit 40 on) of prints that say nothing about a
resting order: they happened elsewhere, at another time, or at a price that was not the market's.
The first match counts."""
WITHDRAWN, FINER = (dict(NO_EVIDENCE)[name] for name in ("withdrawn", "finer_than_layout"))
"""Taken back by its venue; at a price that had to be cut to 1/10000 dollar."""
OFF_EXCHANGE = "D"
"""``ex`` of the trade reporting facilities: a dealer's fill of its own flow reaches no book."""


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Selected rows of one file: ``columns`` name -> values, ``row``: their row in the file,
    ``beyond_count``: how many of the day are outside the window."""

    path: Path
    columns: dict[str, Column]
    row: Column
    extra: Any  # the pyarrow table of the selected rows, for columns that are not numbers
    beyond_count: int = 0

    def refuse(
        self, code: TapeErrorCode, *, index: int, sentence: str, names: tuple[str, ...]
    ) -> NoReturn:
        """Raise for the selected row ``index``, naming file, row of the file and its values."""
        row = int(self.row[index])
        values = {name: int(self.columns[name][index]) for name in names}
        raise TapeError(code, f"{sentence} in {self.path.name}, row {row}", {"row": row, **values})


def read_columns(
    quotes_path: Path, trades_path: Path, selection: Selection, *, quotes_first: bool = False
) -> Loaded:
    """Checked columns of the selection, and the counts of prints that are no evidence, by cause.

    Where quotes and prints share one sequence of messages (single-venue tapes) it decides ties,
    a print before the quote that it caused. Consolidated tapes number them apart and the order
    within one millisecond is unknown: ``quotes_first`` chooses, so that both can be tested.
    """
    quotes = _read(quotes_path, QUOTE_COLUMNS, selection)
    if not len(quotes.row):
        raise TapeError(
            TapeErrorCode.TAPE_NO_ROWS,
            f"no quote of the selection in {quotes_path.name}",
            selection,
        )
    _check_quotes(quotes)
    trades = _read(trades_path, TRADE_COLUMNS, selection, optional=("ex", "cond"))
    _check_trades(trades)
    evidence, dropped = _evidence(trades)
    shares_sequence = "cond" not in trades.columns
    key = "seq" if shares_sequence else "ts_ns"
    quotes_first = quotes_first and not shares_sequence
    absent_bid = (quotes.columns["bid_px"] == 0) | (quotes.columns["bid_sz"] == 0)
    absent_ask = (quotes.columns["ask_px"] == 0) | (quotes.columns["ask_sz"] == 0)
    columns = TapeColumns(
        symbol=selection.symbol,
        quote_ns=quotes.columns["ts_ns"],
        bid_px=np.where(absent_bid, 0, quotes.columns["bid_px"] * PX_UNIT),
        bid_qty=np.where(absent_bid, 0, quotes.columns["bid_sz"] * NANO),
        ask_px=np.where(absent_ask, 0, quotes.columns["ask_px"] * PX_UNIT),
        ask_qty=np.where(absent_ask, 0, quotes.columns["ask_sz"] * NANO),
        print_ns=trades.columns["ts_ns"],
        print_px=trades.columns["px"] * PX_UNIT,
        print_qty=trades.columns["sz"] * NANO,
        print_side=trades.columns["side"],
        print_is_evidence=evidence,
        quotes_before=np.searchsorted(
            quotes.columns[key], trades.columns[key], side="right" if quotes_first else "left"
        ).astype(np.int64),
    )
    noted, gaps = _recorded(quotes_path.with_name(RECORD))
    return Loaded(columns, dropped, noted, quotes.beyond_count + trades.beyond_count, gaps)


def _recorded(path: Path) -> tuple[tuple[tuple[str, int], ...], tuple[tuple[int, int], ...]]:
    """What the recorder wrote down beside its partition: (counts, gaps)."""
    if not path.is_file():
        return (), ()
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        noted = tuple((str(name), int(count)) for name, count in said["counts"].items())
        return noted, tuple((int(one["start_ns"]), int(one["end_ns"])) for one in said["gaps"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise TapeError(
            TapeErrorCode.TAPE_UNREADABLE, f"{path.name} beside the tape is damaged", str(error)
        ) from error


def days_of(paths: Iterable[Path]) -> list[TapeDay]:
    """Every day of these tapes, by path, symbol, date. A partition (``symbol=X/date=yyyymmdd``)
    says by its name what it holds: a year of them is listed without opening one."""
    found = []
    for quotes_path, trades_path in sorted({_pair(path) for path in paths}):
        partition = _PARTITION.search(quotes_path.parent.as_posix())
        if partition is not None:
            days = [(partition["symbol"], int(partition["date"]))]
        else:
            days = days_in(quotes_path)
        found += [TapeDay(quotes_path, trades_path, symbol, date) for symbol, date in days]
    return found


def _pair(path: Path) -> tuple[Path, Path]:
    """Quotes file and trades file of a tape, from either; half a pair is an error."""
    if path.name.endswith(TRADE_SUFFIX):
        stem = path.name.removesuffix(TRADE_SUFFIX)
        beside = [path.with_name(stem + suffix) for suffix in QUOTE_SUFFIXES]
        quotes = next((one for one in beside if one.is_file()), None)
        if quotes is None:
            raise TapeError(
                TapeErrorCode.TAPE_NOT_FOUND,
                "no quotes file lies beside the trades file",
                str(path),
            )
        return quotes, path
    suffix = next(suffix for suffix in QUOTE_SUFFIXES if path.name.endswith(suffix))
    trades = path.with_name(path.name.removesuffix(suffix) + TRADE_SUFFIX)
    if not trades.is_file():
        raise TapeError(
            TapeErrorCode.TAPE_NOT_FOUND, "no trades file lies beside the quotes", str(trades)
        )
    return path, trades


def days_in(path: Path) -> list[tuple[str, int]]:
    """(symbol, New York date) of every day in a file, ascending; without a date column from time.

    A file without the column holds one day per symbol, as all such tapes do.
    """
    file = _open(path)
    names = file.schema_arrow.names
    _check_schema(path, file.schema_arrow, ("ts_ns",))
    has_date = "date" in names
    table = file.read(columns=["symbol", "date" if has_date else "ts_ns"])
    # As text: row groups may number their dictionaries differently, and grouping refuses that.
    table = table.set_column(0, "symbol", table["symbol"].cast(pa.string()))
    if not table.num_rows:
        raise TapeError(TapeErrorCode.TAPE_NO_ROWS, f"no row in {path.name}", 0)
    if has_date:
        table = table.group_by(["symbol", "date"]).aggregate([])
        pairs = zip(table["symbol"].to_pylist(), table["date"].to_pylist(), strict=True)
        return sorted((str(symbol), int(day)) for symbol, day in pairs)
    table = table.group_by(["symbol"]).aggregate([("ts_ns", "min")])
    starts = table["ts_ns_min"].to_pylist()
    for ns in starts:
        if not _NS_1990 <= ns < _NS_2100:
            raise TapeError(
                TapeErrorCode.TAPE_WRONG_UNIT, f"a time in {path.name} is not UTC ns", ns
            )
    return sorted(
        (str(symbol), new_york_date(ns))
        for symbol, ns in zip(table["symbol"].to_pylist(), starts, strict=True)
    )


def _open(path: Path) -> Any:
    if not path.is_file():
        raise TapeError(TapeErrorCode.TAPE_NOT_FOUND, "there is no tape at", str(path))
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise TapeError(
            TapeErrorCode.TAPE_UNREADABLE, f"{path.name} is not a Parquet file", str(error)
        ) from error


def _check_schema(path: Path, schema: Any, needed: tuple[str, ...]) -> None:
    missing = sorted({"symbol", *needed} - set(schema.names))
    if missing:
        raise TapeError(
            TapeErrorCode.TAPE_MISSING_COLUMN, f"{path.name} lacks {', '.join(missing)}", missing
        )
    for name in needed:
        kind = schema.field(name).type
        # Prices are int32 in 1/10000 dollar. Wider or floating ones are in some other unit.
        right = pa.types.is_int32(kind) if name.endswith("px") else pa.types.is_integer(kind)
        if not right or (name == "ts_ns" and not pa.types.is_int64(kind)):
            raise TapeError(
                TapeErrorCode.TAPE_WRONG_UNIT,
                f"{name} of {path.name} is {kind}; times are int64 UTC ns, prices int32 in 1/10000 "
                "dollar, sizes whole shares",
                (name, str(kind)),
            )


def _read(
    path: Path, needed: tuple[str, ...], selection: Selection, *, optional: tuple[str, ...] = ()
) -> _Rows:
    """The selected rows of a file, by row groups whose statistics admit the selection."""
    file = _open(path)
    _check_schema(path, file.schema_arrow, needed)
    extras = [name for name in optional if name in file.schema_arrow.names]
    keys = ["symbol", *(name for name in ("date",) if name in file.schema_arrow.names)]
    tables, rows, first_row = [], [], 0
    try:
        for group in range(file.metadata.num_row_groups):
            count = file.metadata.row_group(group).num_rows
            if _may_hold(file.metadata.row_group(group), selection):
                table = file.read_row_group(group, columns=[*keys, *needed, *extras])
                keep = _mask(path, table, selection)
                tables.append(table.filter(pa.array(keep)))
                rows.append(np.flatnonzero(keep) + first_row)
            first_row += count
    except (pa.ArrowException, OSError) as error:
        raise TapeError(
            TapeErrorCode.TAPE_UNREADABLE, f"{path.name} is damaged", str(error)
        ) from error
    names = [*needed, *(name for name in extras if name == "cond")]
    row = np.concatenate(rows) if rows else np.zeros(0, dtype=np.int64)
    whole = pa.concat_tables(tables) if tables else None
    columns = {name: _numbers(path, whole, name) for name in names}
    result = _Rows(path=path, columns=columns, row=row, extra=whole)
    _check_order(result)
    return _cut(result, selection)


def _cut(rows: _Rows, selection: Selection) -> _Rows:
    """Only the window. After the order check, so that a row thrown far back cannot slip out."""
    low_ns, high_ns = _window(selection)
    start, stop = np.searchsorted(rows.columns["ts_ns"], [low_ns, high_ns], side="left").tolist()
    return _Rows(
        path=rows.path,
        columns={name: values[start:stop] for name, values in rows.columns.items()},
        row=rows.row[start:stop],
        extra=rows.extra.slice(start, stop - start) if rows.extra is not None else None,
        beyond_count=len(rows.row) - (stop - start),
    )


def _numbers(path: Path, table: Any, name: str) -> Column:
    if table is None:
        return np.zeros(0, dtype=np.int64)
    column = table[name]
    if column.null_count:
        raise TapeError(TapeErrorCode.TAPE_BAD_VALUE, f"{name} of {path.name} has empty rows", name)
    return np.asarray(column.to_numpy(), dtype=np.int64)


def _may_hold(group: Any, selection: Selection) -> bool:
    """Whether statistics leave it open that a row group holds rows of the selection."""
    wanted = {"symbol": selection.symbol, "date": selection.date}
    for index in range(group.num_columns):
        column = group.column(index)
        statistics, name = column.statistics, column.path_in_schema
        if statistics is None or not statistics.has_min_max:
            continue
        if name in wanted and not statistics.min <= wanted[name] <= statistics.max:
            return False
    return True


def _window(selection: Selection) -> tuple[int, int]:
    low_ns, high_ns = day_bounds_ns(selection.date)
    if selection.start_ns is not None:
        low_ns = max(low_ns, selection.start_ns)
    if selection.end_ns is not None:
        high_ns = min(high_ns, selection.end_ns)
    return low_ns, high_ns


def _mask(path: Path, table: Any, selection: Selection) -> Flags:
    """Rows of the symbol and date in one row group; a row not of that date is in a wrong unit."""
    ns = _numbers(path, table, "ts_ns")
    keep = _flags(pc.equal(table["symbol"].cast(pa.string()), pa.scalar(selection.symbol)))
    plausible = (ns >= _NS_1990) & (ns < _NS_2100)
    if "date" in table.column_names:
        keep = keep & _flags(pc.equal(table["date"], pa.scalar(selection.date)))
        low_ns, high_ns = day_bounds_ns(selection.date)
        plausible = (ns >= low_ns) & (ns < high_ns)
    wrong = np.flatnonzero(keep & ~plausible)
    if len(wrong):
        raise TapeError(
            TapeErrorCode.TAPE_WRONG_UNIT,
            f"a time in {path.name} is not UTC ns of {selection.date} in New York",
            int(ns[wrong[0]]),
        )
    return keep


def _flags(column: Any) -> Flags:
    return np.asarray(column.fill_null(False).to_numpy(), dtype=np.bool_)


def _check_order(rows: _Rows) -> None:
    for name in ("ts_ns", "seq"):
        values = rows.columns[name]
        back = np.flatnonzero(values[1:] < values[:-1])
        if len(back):
            index = int(back[0]) + 1
            rows.refuse(
                TapeErrorCode.TAPE_BACKWARDS_TIME,
                index=index,
                sentence=f"{name} runs backwards, {int(values[index])} after "
                f"{int(values[index - 1])},",
                names=("ts_ns", "seq"),
            )


def _check_quotes(rows: _Rows) -> None:
    names = ("bid_px", "bid_sz", "ask_px", "ask_sz")
    lowest = np.minimum.reduce([rows.columns[name] for name in names])
    bad = np.flatnonzero(lowest < 0)
    if len(bad):
        rows.refuse(
            TapeErrorCode.TAPE_BAD_VALUE,
            index=int(bad[0]),
            sentence="a quote is negative",
            names=names,
        )


def _check_trades(rows: _Rows) -> None:
    bad = np.flatnonzero((rows.columns["px"] <= 0) | (rows.columns["sz"] <= 0))
    if len(bad):
        rows.refuse(
            TapeErrorCode.TAPE_BAD_VALUE,
            index=int(bad[0]),
            sentence="a print is not positive",
            names=("px", "sz"),
        )


def _evidence(rows: _Rows) -> tuple[Flags, tuple[tuple[str, int], ...]]:
    """Which prints are fill evidence, and how many are not for which (first) cause."""
    keep = np.ones(len(rows.row), dtype=np.bool_)
    dropped = []
    if "cond" in rows.columns:
        for cause, bit in NO_EVIDENCE:
            hit = keep & ((rows.columns["cond"] & bit) != 0)
            dropped.append((cause, int(hit.sum())))
            keep &= ~hit
    if rows.extra is not None and "ex" in rows.extra.column_names:
        hit = keep & _flags(pc.equal(rows.extra["ex"].cast(pa.string()), pa.scalar(OFF_EXCHANGE)))
        dropped.append(("off_exchange", int(hit.sum())))
        keep &= ~hit
    return keep, tuple(dropped)
