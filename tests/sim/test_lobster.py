"""LOBSTER's own traps: names, hidden orders, auctions, halts, files that do not belong together."""

from __future__ import annotations

from pathlib import Path

import pytest

from surefill.sim.lobster import days_of, read
from surefill.sim.market import TapeError, TapeErrorCode
from surefill.sim.selection import Loaded, Selection
from tests.support.tape_files import DATE, NANO, SYMBOL, write_lobster

WANTED = Selection(SYMBOL, DATE)


def edited(folder: Path, change: tuple[str, str] | None = None, *, book: bool = False) -> Path:
    path = write_lobster(folder)
    target = path.with_name(path.name.replace("message", "orderbook")) if book else path
    if change is not None:
        text = target.read_text()
        assert change[0] in text
        target.write_text(text.replace(*change, 1))
    return path


def loaded(path: Path) -> Loaded:
    (day,) = days_of([path])
    return read(day, WANTED)


def refused(path: Path) -> TapeError:
    with pytest.raises(TapeError) as error:
        loaded(path)
    return error.value


def test_hidden_executions_are_prints_and_auctions_prove_nothing(tmp_path: Path) -> None:
    found = loaded(edited(tmp_path, (",4,5,70,", ",5,5,70,")))
    assert found.noted == (("hidden_executions", 1),)
    assert found.columns.print_is_evidence.all()
    found = loaded(edited(tmp_path, (",4,5,70,", ",6,5,70,")))
    assert found.dropped == (("auction", 1),)
    assert found.columns.print_is_evidence.tolist() == [True, False, True, True]
    assert found.columns.print_side.tolist() == [1, 0, -1, 1]


def test_halts_are_counted(tmp_path: Path) -> None:
    path = edited(tmp_path, ("34202,1,4,100,1000200,1", "34202,7,0,0,-1,-1"))
    assert loaded(path).noted == (("halt_messages", 1),)


def test_times_are_exact_to_the_nanosecond(tmp_path: Path) -> None:
    found = loaded(edited(tmp_path))
    assert found.columns.print_ns[0] % NANO == 1
    assert found.columns.print_ns[1] % NANO == 5


def test_a_time_outside_the_name_is_in_another_unit(tmp_path: Path) -> None:
    error = refused(edited(tmp_path, ("34201.000000001", "34201000.000000001")))
    assert error.code is TapeErrorCode.TAPE_WRONG_UNIT
    assert "34201000" in str(error.value)


@pytest.mark.parametrize("change", [("34200,", "34200.1234567891,"), (",1,0,", ",new,0,")])
def test_what_is_no_number_of_the_format(tmp_path: Path, change: tuple[str, str]) -> None:
    assert refused(edited(tmp_path, change)).code is TapeErrorCode.TAPE_WRONG_UNIT


def test_an_empty_cell_is_refused(tmp_path: Path) -> None:
    error = refused(edited(tmp_path, ("34200,1,0,100", "34200,1,0,")))
    assert error.code is TapeErrorCode.TAPE_BAD_VALUE


def test_files_of_different_lengths(tmp_path: Path) -> None:
    error = refused(
        edited(tmp_path, ("1000200,200,1000000,100,1000300,5,999900,5\n", ""), book=True)
    )
    assert error.code is TapeErrorCode.TAPE_BAD_VALUE
    assert error.value == (9, 10)


def test_a_negative_quote(tmp_path: Path) -> None:
    error = refused(edited(tmp_path, ("1000200,200,", "-1000200,200,"), book=True))
    assert error.code is TapeErrorCode.TAPE_BAD_VALUE


def test_names_that_do_not_say_the_day(tmp_path: Path) -> None:
    path = write_lobster(tmp_path)
    with pytest.raises(TapeError) as error:
        days_of([path.rename(tmp_path / "TWIN_message_5.csv")])
    assert error.value.code is TapeErrorCode.TAPE_NOT_FOUND


def test_half_a_pair(tmp_path: Path) -> None:
    path = write_lobster(tmp_path)
    path.with_name(path.name.replace("message", "orderbook")).unlink()
    with pytest.raises(TapeError) as error:
        days_of([path])
    assert error.value.code is TapeErrorCode.TAPE_NOT_FOUND
    assert "orderbook" in str(error.value.value)


def test_files_that_vanish_or_hold_nothing(tmp_path: Path) -> None:
    path = edited(tmp_path)
    (day,) = days_of([path])
    with pytest.raises(TapeError) as error:
        read(day, Selection("OTHER", DATE))
    assert error.value.code is TapeErrorCode.TAPE_NO_ROWS
    path.unlink()
    with pytest.raises(TapeError) as error:
        read(day, WANTED)
    assert error.value.code is TapeErrorCode.TAPE_UNREADABLE
    path.write_text("")
    with pytest.raises(TapeError) as error:
        read(day, WANTED)
    assert error.value.code is TapeErrorCode.TAPE_WRONG_UNIT
