"""The same small tape in every format that can be read: each written the way its vendor does.

`TAPE` has what formats disagree about: a print before its quote in one nanosecond, a side that
nobody quotes, a locked market, an unknown aggressor. `write_*` put it, changed or not, in a folder.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from surefill.sim.calendar import day_bounds_ns, session_on

SYMBOL, DATE = "TWIN", 20261120
SESSION = session_on(DATE)
NANO = 1_000_000_000
PX_UNIT = NANO // 10_000
VENUE_EMPTY_PX = 9_999_999_999


@dataclass(frozen=True, slots=True)
class Quote:
    """Prices in 1/10000 dollar, 0: nobody; sizes in shares; ``after_ns``: since the open."""

    after_ns: int
    bid_px: int
    bid_sz: int
    ask_px: int
    ask_sz: int


@dataclass(frozen=True, slots=True)
class Trade:
    """``side``: +1 the buyer took, -1 the seller did."""

    after_ns: int
    px: int
    sz: int
    side: int


Rows = Sequence[Quote | Trade]

TAPE: Rows = (
    Quote(0, 1_000_000, 100, 1_000_200, 200),
    Trade(1_000_000_001, 1_000_200, 50, 1),
    Quote(1_000_000_001, 1_000_000, 100, 1_000_200, 150),
    Quote(1_500_000_000, 0, 0, 1_000_200, 150),
    Quote(2_000_000_000, 1_000_200, 70, 1_000_200, 150),
    Trade(2_000_000_005, 1_000_200, 70, -1),
    Trade(2_000_000_005, 1_000_100, 5, -1),
    Quote(2_000_000_007, 1_000_100, 10, 1_000_300, 10),
    Quote(60_000_000_000, 1_000_100, 20, 1_000_300, 10),
    Trade(61_000_000_000, 1_000_300, 10, 1),
)


def quotes_of(rows: Rows) -> list[Quote]:
    """The quotes alone."""
    return [row for row in rows if isinstance(row, Quote)]


def trades_of(rows: Rows) -> list[Trade]:
    """The prints alone."""
    return [row for row in rows if isinstance(row, Trade)]


def swapped(rows: Rows = TAPE) -> Rows:
    """The last quote is thrown back to before the first of its minute."""
    found = list(rows)
    found[-2] = replace(found[-2], after_ns=10)
    return found


def write_parquet(folder: Path, rows: Rows = TAPE) -> Path:
    """Our own layout, one sequence over both files; the quotes file."""
    seq = {id(row): n for n, row in enumerate(rows)}
    tables: dict[str, list[Any]] = {"quotes_l1": quotes_of(rows), "trades": trades_of(rows)}
    for name, some in tables.items():
        columns: dict[str, Any] = {
            "symbol": pa.array([SYMBOL] * len(some), pa.string()),
            "ts_ns": pa.array([SESSION.open_ns + row.after_ns for row in some], pa.int64()),
            "seq": pa.array([seq[id(row)] for row in some], pa.int64()),
        }
        names = ("bid_px", "bid_sz", "ask_px", "ask_sz") if name != "trades" else ("px", "sz")
        for column in (*names, *(("side",) if name == "trades" else ())):
            columns[column] = pa.array([getattr(row, column) for row in some], pa.int32())
        pq.write_table(pa.table(columns), folder / f"{SYMBOL}_{name}.parquet")
    return folder / f"{SYMBOL}_quotes_l1.parquet"


def write_lobster(folder: Path, rows: Rows = TAPE) -> Path:
    """A message file and a book of two levels; the message file."""
    midnight_ns = day_bounds_ns(DATE)[0]
    messages, books = [], []
    book = Quote(0, 0, 0, 0, 0)
    for n, row in enumerate(rows):
        in_day_ns = SESSION.open_ns + row.after_ns - midnight_ns
        time = f"{in_day_ns // NANO}.{in_day_ns % NANO:09d}".rstrip("0").rstrip(".")
        if isinstance(row, Quote):
            book = row
            messages.append(f"{time},1,{n},100,{row.bid_px or row.ask_px},1")
        else:
            messages.append(f"{time},4,{n},{row.sz},{row.px},{-row.side}")
        ask_px = book.ask_px or VENUE_EMPTY_PX
        bid_px = book.bid_px or -VENUE_EMPTY_PX
        deeper = f"{ask_px + 100},5,{bid_px - 100},5"
        books.append(f"{ask_px},{book.ask_sz},{bid_px},{book.bid_sz},{deeper}")
    day = f"{str(DATE)[:4]}-{str(DATE)[4:6]}-{str(DATE)[6:]}"
    stem = f"{SYMBOL}_{day}_34200000_57600000"
    (folder / f"{stem}_orderbook_2.csv").write_text("\n".join([*books, ""]))
    path = folder / f"{stem}_message_2.csv"
    path.write_text("\n".join([*messages, ""]))
    return path


def write_dbn(folder: Path, rows: Rows = TAPE, *, schema: str = "mbp-1") -> Path:
    """An mbp-1 file as the vendor's own library writes it."""
    path = folder / f"{SYMBOL}.{schema}.dbn"
    path.write_bytes(dbn_bytes(rows, schema=schema))
    return path


def dbn_head(*, schema: str = "mbp-1", symbol: str | None = SYMBOL, instrument: int = 7) -> bytes:
    """The metadata of a file about one instrument."""
    import databento_dbn

    words: Any = databento_dbn  # the stubs of its enums say that members are text
    start = date(DATE // 10_000, DATE // 100 % 100, DATE % 100)
    interval = SimpleNamespace(
        start_date=start, end_date=start + timedelta(days=1), symbol=str(instrument)
    )
    mapping = SimpleNamespace(raw_symbol=symbol, intervals=[interval])
    head = words.Metadata(
        dataset="XNAS.ITCH",
        start=SESSION.open_ns,
        stype_in=words.SType.RAW_SYMBOL,
        stype_out=words.SType.INSTRUMENT_ID,
        schema=words.Schema.from_str(schema),
        symbols=[symbol] if symbol else [],
        mappings=[mapping] if symbol else [],
    )
    return bytes(head)


def dbn_record(
    row: Quote | Trade, book: Quote, *, schema: str = "mbp-1", seq: int = 0, **changes: Any
) -> bytes:
    """One message, with the touch that belongs to it."""
    import databento_dbn

    words: Any = databento_dbn
    is_trade = isinstance(row, Trade)
    at_ns = SESSION.open_ns + row.after_ns
    sides = {1: words.Side.BID, -1: words.Side.ASK, 0: words.Side.NONE}
    values: dict[str, Any] = {
        "publisher_id": 2,
        "instrument_id": 7,
        "ts_event": at_ns,
        "price": (row.px if isinstance(row, Trade) else row.bid_px or row.ask_px) * PX_UNIT,
        "size": row.sz if isinstance(row, Trade) else 100,
        "action": words.Action.TRADE if is_trade else words.Action.ADD,
        "side": sides[row.side] if isinstance(row, Trade) else words.Side.BID,
        "depth": 0,
        "ts_recv": at_ns + 1_000,
        "flags": 128,
        "sequence": seq,
    }
    values |= changes
    if schema == "trades":
        return bytes(words.TradeMsg(**values))
    levels = words.BidAskPair(
        book.bid_px * PX_UNIT if book.bid_px else words.UNDEF_PRICE,
        book.ask_px * PX_UNIT if book.ask_px else words.UNDEF_PRICE,
        book.bid_sz,
        book.ask_sz,
        1,
        1,
    )
    return bytes(words.MBP1Msg(**values, levels=levels))


def dbn_bytes(rows: Rows = TAPE, *, schema: str = "mbp-1") -> bytes:
    """A whole file."""
    book, records = Quote(0, 0, 0, 0, 0), []
    for n, row in enumerate(rows):
        if isinstance(row, Quote):
            book = row
        if schema == "mbp-1" or isinstance(row, Trade):
            records.append(dbn_record(row, book, schema=schema, seq=n))
    return dbn_head(schema=schema) + b"".join(records)


Write = Callable[..., Path]
FORMATS: dict[str, Write] = {
    "parquet": write_parquet,
    "lobster": write_lobster,
    "dbn": write_dbn,
}
