"""Databento's own traps: schemas, symbols, publishers, bad books, files that were cut off."""

from __future__ import annotations

from pathlib import Path

import pytest
import zstandard

from surefill.sim.dbn import days_of, read
from surefill.sim.market import TapeError, TapeErrorCode
from surefill.sim.selection import Loaded, Selection
from tests.support.tape_files import (
    DATE,
    SYMBOL,
    TAPE,
    Quote,
    Trade,
    dbn_bytes,
    dbn_head,
    dbn_record,
    trades_of,
    write_dbn,
)

WANTED = Selection(SYMBOL, DATE)
BOOK = Quote(0, 1_000_000, 100, 1_000_200, 200)


def loaded(path: Path) -> Loaded:
    (day,) = days_of([path])
    return read(day, WANTED)


def refused(path: Path) -> TapeError:
    with pytest.raises(TapeError) as error:
        loaded(path)
    return error.value


def file(folder: Path, *records: bytes, head: bytes | None = None) -> Path:
    path = folder / "x.dbn"
    path.write_bytes((head or dbn_head()) + b"".join(records))
    return path


def test_compressed_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "x.mbp-1.dbn.zst"
    path.write_bytes(zstandard.ZstdCompressor().compress(dbn_bytes()))
    assert len(loaded(path).columns.quote_ns) == 6


def test_tbbo_has_the_touch_before_each_trade(tmp_path: Path) -> None:
    found = loaded(write_dbn(tmp_path, schema="tbbo"))
    columns = found.columns
    assert len(columns.print_ns) == len(trades_of(TAPE))
    assert columns.quotes_before.tolist() == [1, 2, 2, 3]
    assert columns.bid_px[0] == 1_000_000 * 100_000
    assert found.noted == (("quotes_only_at_trades", 3),)


def test_trades_alone_have_no_quotes_and_beside_quotes_add_nothing(tmp_path: Path) -> None:
    trades = write_dbn(tmp_path, schema="trades")
    error = refused(trades)
    assert error.code is TapeErrorCode.TAPE_NO_QUOTES
    assert error.value == (SYMBOL, DATE)
    both = days_of([trades, write_dbn(tmp_path)])
    assert [day.quotes_path.name for day in both] == ["TWIN.mbp-1.dbn"]
    with pytest.raises(TapeError):
        read(both[0].__class__(trades, trades, SYMBOL, DATE), WANTED)


def test_other_schemas_are_named(tmp_path: Path) -> None:
    path = file(tmp_path, head=dbn_head(schema="ohlcv-1d"))
    error = refused(path)
    assert error.code is TapeErrorCode.TAPE_MISSING_COLUMN
    assert "ohlcv-1d" in str(error.value)


def test_an_instrument_without_a_symbol(tmp_path: Path) -> None:
    path = file(tmp_path, dbn_record(BOOK, BOOK), head=dbn_head(symbol=None))
    assert refused(path).code is TapeErrorCode.TAPE_MISSING_COLUMN
    path = file(tmp_path, dbn_record(BOOK, BOOK, instrument_id=8))
    assert refused(path).value == (8, DATE)


def test_a_side_that_nobody_quotes_and_an_unknown_aggressor(tmp_path: Path) -> None:
    trade = Trade(5, 1_000_200, 1, 0)
    found = loaded(
        file(
            tmp_path,
            dbn_record(Quote(0, 0, 0, 5, 5), Quote(0, 0, 0, 5, 5)),
            dbn_record(trade, BOOK),
        )
    )
    assert found.columns.bid_px.tolist() == [0, 100_000_000_000]
    assert found.columns.print_side.tolist() == [0]


def test_a_print_without_a_price(tmp_path: Path) -> None:
    from databento_dbn import UNDEF_PRICE

    trade = Trade(5, 1_000_200, 1, 1)
    path = file(tmp_path, dbn_record(BOOK, BOOK), dbn_record(trade, BOOK, price=UNDEF_PRICE))
    assert refused(path).code is TapeErrorCode.TAPE_BAD_VALUE


def test_books_that_the_vendor_doubts_are_counted(tmp_path: Path) -> None:
    path = file(tmp_path, dbn_record(BOOK, BOOK, flags=132), dbn_record(BOOK, BOOK))
    assert loaded(path).noted == (("maybe_bad_book", 1),)


def test_two_publishers_are_not_one_market(tmp_path: Path) -> None:
    path = file(tmp_path, dbn_record(BOOK, BOOK), dbn_record(BOOK, BOOK, publisher_id=3))
    error = refused(path)
    assert error.code is TapeErrorCode.TAPE_BAD_VALUE
    assert error.value == [2, 3]


@pytest.mark.parametrize("content", [b"", b"no DBN at all", dbn_bytes()[:-5]])
def test_what_is_no_whole_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.dbn"
    path.write_bytes(content)
    assert refused(path).code is TapeErrorCode.TAPE_UNREADABLE
    path.unlink()
    assert refused(path).code is TapeErrorCode.TAPE_NOT_FOUND


def test_several_days_of_one_file_are_told_apart(tmp_path: Path) -> None:
    later = dbn_record(BOOK, BOOK, ts_event=0)
    path = file(tmp_path, dbn_record(BOOK, BOOK), later)
    with pytest.raises(TapeError) as error:
        days_of([path])
    assert error.value.value == (7, 19691231)
