"""One suite for every format: the same tape is the same columns, and is refused for the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from surefill.sim.market import PrintEvent, TapeError, TapeErrorCode, events_of
from surefill.sim.tape import find_tape, list_tapes, open_tape
from tests.support.tape_files import (
    DATE,
    FORMATS,
    NANO,
    PX_UNIT,
    SESSION,
    SYMBOL,
    TAPE,
    Quote,
    Trade,
    Write,
    quotes_of,
    swapped,
    trades_of,
)

every_format = pytest.mark.parametrize("write", FORMATS.values(), ids=FORMATS)


def refused(folder: Path) -> TapeError:
    with pytest.raises(TapeError) as error:
        open_tape(find_tape(folder, SYMBOL, DATE))
    return error.value


@every_format
def test_the_same_tape_is_the_same_columns(tmp_path: Path, write: Write) -> None:
    write(tmp_path)
    columns = open_tape(find_tape(tmp_path, SYMBOL, DATE)).columns()
    quotes, trades = quotes_of(TAPE), trades_of(TAPE)
    assert (columns.quote_ns - SESSION.open_ns).tolist() == [row.after_ns for row in quotes]
    assert columns.bid_px.tolist() == [row.bid_px * PX_UNIT for row in quotes]
    assert columns.bid_qty.tolist() == [row.bid_sz * NANO for row in quotes]
    assert columns.ask_px.tolist() == [row.ask_px * PX_UNIT for row in quotes]
    assert columns.ask_qty.tolist() == [row.ask_sz * NANO for row in quotes]
    assert (columns.print_ns - SESSION.open_ns).tolist() == [row.after_ns for row in trades]
    assert columns.print_px.tolist() == [row.px * PX_UNIT for row in trades]
    assert columns.print_qty.tolist() == [row.sz * NANO for row in trades]
    assert columns.print_side.tolist() == [row.side for row in trades]
    assert columns.print_is_evidence.all()
    before = [sum(isinstance(row, Quote) for row in TAPE[:n]) for n in range(len(TAPE))]
    wanted = [before[n] for n, row in enumerate(TAPE) if isinstance(row, Trade)]
    assert columns.quotes_before.tolist() == wanted
    arrays = (getattr(columns, name) for name in ("quote_ns", "bid_px", "ask_qty", "print_px"))
    assert {str(array.dtype) for array in arrays} == {"int64"}


@every_format
def test_it_plays_in_the_order_of_the_tape(tmp_path: Path, write: Write) -> None:
    write(tmp_path)
    (day,) = list_tapes(tmp_path)
    played = list(events_of(open_tape(day)))
    assert [isinstance(event, PrintEvent) for event in played] == [
        isinstance(row, Trade) for row in TAPE
    ]
    assert [event.venue_ns - SESSION.open_ns for event in played] == [row.after_ns for row in TAPE]


@every_format
def test_a_day_is_found_by_its_folder_and_by_each_of_its_files(
    tmp_path: Path, write: Write
) -> None:
    write(tmp_path)
    (day,) = list_tapes(tmp_path)
    assert (day.symbol, day.date) == (SYMBOL, DATE)
    for path in {day.quotes_path, day.trades_path}:
        assert list_tapes(path) == (day,)


@every_format
def test_a_window_is_half_open(tmp_path: Path, write: Write) -> None:
    write(tmp_path)
    (day,) = list_tapes(tmp_path)
    start_ns, end_ns = SESSION.open_ns + 1_000_000_001, SESSION.open_ns + 2_000_000_005
    columns = open_tape(day, start_ns=start_ns, end_ns=end_ns).columns()
    assert (columns.quote_ns - SESSION.open_ns).tolist() == [1_000_000_001, 1_500_000_000, 2 * NANO]
    assert columns.print_qty.tolist() == [50 * NANO]
    assert columns.quotes_before.tolist() == [0]


@every_format
def test_another_day_has_no_rows(tmp_path: Path, write: Write) -> None:
    write(tmp_path)
    (day,) = list_tapes(tmp_path)
    with pytest.raises(TapeError) as error:
        open_tape(replace(day, symbol="OTHER"))
    assert error.value.code is TapeErrorCode.TAPE_NO_ROWS
    with pytest.raises(TapeError) as error:
        open_tape(replace(day, date=DATE - 1))
    assert error.value.code in (TapeErrorCode.TAPE_NO_ROWS, TapeErrorCode.TAPE_WRONG_UNIT)


@every_format
def test_time_that_runs_backwards_is_refused(tmp_path: Path, write: Write) -> None:
    write(tmp_path, swapped())
    assert refused(tmp_path).code is TapeErrorCode.TAPE_BACKWARDS_TIME


@every_format
@pytest.mark.parametrize("trade", [Trade(61 * NANO, 1_000_300, 0, 1), Trade(61 * NANO, -1, 5, 1)])
def test_a_print_that_is_not_positive_is_refused(
    tmp_path: Path, write: Write, trade: Trade
) -> None:
    write(tmp_path, (*TAPE[:-1], trade))
    assert refused(tmp_path).code is TapeErrorCode.TAPE_BAD_VALUE


@every_format
def test_a_damaged_file_is_refused(tmp_path: Path, write: Write) -> None:
    path = write(tmp_path)
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(TapeError) as error:
        open_tape(find_tape(path, SYMBOL, DATE))
    assert error.value.code.startswith("TAPE_")


@every_format
def test_a_size_of_zero_is_a_side_that_nobody_quotes(tmp_path: Path, write: Write) -> None:
    write(tmp_path, (Quote(0, 1_000_000, 0, 1_000_200, 200), *TAPE[1:]))
    columns = open_tape(find_tape(tmp_path, SYMBOL, DATE)).columns()
    assert (columns.bid_px[0], columns.bid_qty[0]) == (0, 0)
    assert columns.ask_px[0] == 1_000_200 * PX_UNIT


@every_format
def test_a_report_counts_what_it_holds(tmp_path: Path, write: Write) -> None:
    write(tmp_path)
    report = open_tape(find_tape(tmp_path, SYMBOL, DATE)).report()
    assert (report.quote_count, report.print_count) == (6, 4)
    assert (report.locked_count, report.one_sided_count, report.crossed_count) == (1, 1, 0)
