"""Reading Parquet tapes: every way in which a file may be wrong is a coded error."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from surefill.core.units import NANO
from surefill.sim.columns import TapeColumns
from surefill.sim.market import TapeError, TapeErrorCode
from surefill.sim.parquet import NO_EVIDENCE, days_in
from surefill.sim.parquet import read_columns as load
from surefill.sim.scripts import CRWD_SESSION
from surefill.sim.selection import Selection
from tests.sim.tapes import table_of, write_pair

START = CRWD_SESSION.open_ns
DATE = CRWD_SESSION.date
WANTED = Selection("TWIN", DATE)


def read_columns(
    quotes_path: Path, trades_path: Path, selection: Selection, *, quotes_first: bool = False
) -> tuple[TapeColumns, tuple[tuple[str, int], ...]]:
    found = load(quotes_path, trades_path, selection, quotes_first=quotes_first)
    return found.columns, found.dropped


def quotes(count: int = 4, **changes: object) -> dict[str, object]:
    columns: dict[str, object] = {
        "ts_ns": [START + i * NANO for i in range(count)],
        "seq": [2 * i for i in range(count)],
        "bid_px": [1_000_000] * count,
        "bid_sz": [100] * count,
        "ask_px": [1_000_100] * count,
        "ask_sz": [200] * count,
    }
    return columns | changes


def trades(count: int = 3, **changes: object) -> dict[str, object]:
    columns: dict[str, object] = {
        "ts_ns": [START + i * NANO for i in range(count)],
        "seq": [2 * i for i in range(count)],
        "px": [1_000_100] * count,
        "sz": [7] * count,
        "side": [1] * count,
    }
    return columns | changes


def pair(
    folder: Path,
    quote_columns: Mapping[str, object] | None = None,
    trade_columns: Mapping[str, object] | None = None,
    *,
    date: int | None = DATE,
) -> tuple[Path, Path]:
    return write_pair(
        folder,
        table_of(quote_columns or quotes(), "TWIN", date),
        table_of(trade_columns or trades(), "TWIN", date),
    )


def refused(paths: tuple[Path, Path], selection: Selection = WANTED) -> TapeError:
    with pytest.raises(TapeError) as error:
        read_columns(*paths, selection)
    return error.value


def test_prices_and_sizes_become_nano(tmp_path: Path) -> None:
    columns, dropped = read_columns(*pair(tmp_path), WANTED)
    assert columns.bid_px.tolist() == [100 * NANO] * 4
    assert columns.ask_px[0] == 100 * NANO + NANO // 100
    assert (columns.ask_qty[0], columns.print_qty[0]) == (200 * NANO, 7 * NANO)
    assert columns.quote_ns.dtype == columns.bid_px.dtype == "int64"
    assert dropped == ()
    assert columns.print_is_evidence.all()


@pytest.mark.parametrize(("quotes_first", "before"), [(False, [0, 1, 2]), (True, [1, 2, 3])])
def test_ties_of_consolidated_tapes_are_a_choice(
    tmp_path: Path, quotes_first: bool, before: list[int]
) -> None:
    paths = pair(tmp_path, trade_columns=trades(cond=[1] * 3, ex=["N"] * 3))
    columns, _ = read_columns(*paths, WANTED, quotes_first=quotes_first)
    assert columns.quotes_before.tolist() == before


@pytest.mark.parametrize("quotes_first", [False, True])
def test_a_shared_sequence_decides_ties_itself(tmp_path: Path, quotes_first: bool) -> None:
    paths = pair(tmp_path, trade_columns=trades(seq=[0, 3, 4]))
    columns, _ = read_columns(*paths, WANTED, quotes_first=quotes_first)
    assert columns.quotes_before.tolist() == [0, 2, 2]


def test_prints_that_are_no_evidence_are_marked_and_counted(tmp_path: Path) -> None:
    conditions = [bit | 1 for _, bit in NO_EVIDENCE] + [0x2000 | 0x200, 1, 1]
    venues = ["N"] * len(NO_EVIDENCE) + ["D", "D", "N"]
    columns = trades(len(conditions), cond=conditions, ex=venues)
    tape, dropped = read_columns(*pair(tmp_path, trade_columns=columns), WANTED)
    expected = {cause: 1 for cause, _ in NO_EVIDENCE} | {"extended_hours": 2, "off_exchange": 1}
    assert dict(dropped) == expected
    assert tape.print_is_evidence.tolist() == [False] * (len(conditions) - 1) + [True]
    assert len(tape.print_ns) == len(conditions)


def test_an_absent_side_is_zero_in_price_and_size(tmp_path: Path) -> None:
    paths = pair(tmp_path, quotes(bid_px=[0, 1, 1, 1], ask_sz=[5, 0, 5, 5]))
    columns, _ = read_columns(*paths, WANTED)
    assert (columns.bid_px[0], columns.bid_qty[0]) == (0, 0)
    assert (columns.ask_px[1], columns.ask_qty[1]) == (0, 0)


def test_only_the_symbol_the_day_and_the_window_are_read(tmp_path: Path) -> None:
    other_day = quotes(ts_ns=[START + 86_400 * NANO + i for i in range(4)])
    many = pa.concat_tables(
        [
            table_of(quotes(3_000), "OTHER", DATE).cast(table_of(quotes(), "A", DATE).schema),
            table_of(quotes(), "TWIN", DATE),
            table_of(other_day, "TWIN", DATE + 3),
        ]
    ).unify_dictionaries()
    paths = write_pair(tmp_path, many, table_of(trades(), "TWIN", DATE))
    columns, _ = read_columns(*paths, WANTED)
    assert columns.quote_ns.tolist() == [START + i * NANO for i in range(4)]
    window = Selection("TWIN", DATE, START + NANO, START + 3 * NANO)
    columns, _ = read_columns(*paths, window)
    assert columns.quote_ns.tolist() == [START + NANO, START + 2 * NANO]
    assert columns.print_ns.tolist() == [START + NANO, START + 2 * NANO]


def test_a_file_without_dates_is_cut_by_time(tmp_path: Path) -> None:
    paths = pair(
        tmp_path, quotes(ts_ns=[START, START + 1, START + 2, START + 86_400 * NANO]), date=None
    )
    columns, _ = read_columns(*paths, WANTED)
    assert len(columns.quote_ns) == 3
    assert days_in(paths[0]) == [("TWIN", DATE)]


def test_a_file_of_nothing_or_of_another_unit_names_no_day(tmp_path: Path) -> None:
    path = tmp_path / "X_nbbo.parquet"
    for columns, code in (
        ({"symbol": pa.array([], pa.string()), "ts_ns": pa.array([], pa.int64())}, "TAPE_NO_ROWS"),
        ({"symbol": ["X"], "ts_ns": pa.array([1_772_463_600])}, "TAPE_WRONG_UNIT"),
    ):
        pq.write_table(pa.table(columns), path)
        with pytest.raises(TapeError, match=code):
            days_in(path)


def test_days_are_listed_by_symbol_and_date(tmp_path: Path) -> None:
    assert days_in(pair(tmp_path)[0]) == [("TWIN", DATE)]


# ------------------------------------------------------------------------------- bad tapes


@pytest.mark.parametrize("date", [DATE, None])
def test_time_that_runs_backwards_names_file_row_and_values(
    tmp_path: Path, date: int | None
) -> None:
    times = [START + i * NANO for i in range(2_500)]
    times[1_700] = START
    error = refused(pair(tmp_path, quotes(2_500, ts_ns=times), date=date))
    assert error.code is TapeErrorCode.TAPE_BACKWARDS_TIME
    assert error.value == {"row": 1_700, "ts_ns": START, "seq": 3_400}
    assert "TWIN_nbbo.parquet, row 1700" in error.sentence
    assert f"{START} after {START + 1_699 * NANO}" in error.sentence


def test_a_row_far_back_cannot_slip_out_of_the_window(tmp_path: Path) -> None:
    times = [START, START + NANO, START - 86_400 * NANO, START + 3 * NANO]
    paths = pair(tmp_path, quotes(ts_ns=times), date=None)
    error = refused(paths, Selection("TWIN", DATE, START, START + 10 * NANO))
    assert error.code is TapeErrorCode.TAPE_BACKWARDS_TIME


def test_backwards_trades_and_sequences_are_refused_too(tmp_path: Path) -> None:
    late = trades(ts_ns=[START, START + 2 * NANO, START + NANO])
    assert refused(pair(tmp_path, None, late)).code is TapeErrorCode.TAPE_BACKWARDS_TIME
    shuffled = refused(pair(tmp_path, quotes(seq=[0, 2, 1, 3])))
    assert shuffled.code is TapeErrorCode.TAPE_BACKWARDS_TIME
    assert "seq runs backwards, 1 after 2" in shuffled.sentence


@pytest.mark.parametrize("date", [DATE, None])
@pytest.mark.parametrize("unit", [1_000, 1_000_000, NANO])
def test_times_in_another_unit_are_refused(tmp_path: Path, unit: int, date: int | None) -> None:
    times = [(START + i * NANO) // unit for i in range(4)]
    error = refused(pair(tmp_path, quotes(ts_ns=times), date=date))
    assert error.code is TapeErrorCode.TAPE_WRONG_UNIT


def test_times_of_another_day_are_refused(tmp_path: Path) -> None:
    times = [START + 86_400 * NANO + i for i in range(4)]
    assert refused(pair(tmp_path, quotes(ts_ns=times))).code is TapeErrorCode.TAPE_WRONG_UNIT


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("bid_px", pa.float64()),
        ("ask_px", pa.int64()),
        ("bid_sz", pa.float32()),
        ("ts_ns", pa.timestamp("ns")),
        ("ts_ns", pa.uint64()),
    ],
)
def test_columns_of_another_type_are_refused(tmp_path: Path, name: str, kind: pa.DataType) -> None:
    table = table_of(quotes(), "TWIN", DATE)
    index = table.schema.get_field_index(name)
    table = table.set_column(index, name, table[name].cast(kind))
    error = refused(write_pair(tmp_path, table, table_of(trades(), "TWIN", DATE)))
    assert error.code is TapeErrorCode.TAPE_WRONG_UNIT
    assert error.value == (name, str(kind))


@pytest.mark.parametrize("name", ["symbol", "ts_ns", "seq", "bid_px", "ask_sz"])
def test_missing_columns_are_named(tmp_path: Path, name: str) -> None:
    table = table_of(quotes(), "TWIN", DATE).drop_columns([name])
    error = refused(write_pair(tmp_path, table, table_of(trades(), "TWIN", DATE)))
    assert (error.code, error.value) == (TapeErrorCode.TAPE_MISSING_COLUMN, [name])


def test_a_trades_file_in_place_of_quotes_is_refused(tmp_path: Path) -> None:
    _, trades_path = pair(tmp_path)
    assert refused((trades_path, trades_path)).code is TapeErrorCode.TAPE_MISSING_COLUMN


@pytest.mark.parametrize(
    ("quote_changes", "trade_changes"),
    [
        ({"bid_px": [1, -1, 1, 1]}, {}),
        ({"ask_sz": [1, 1, 1, -5]}, {}),
        ({"bid_sz": [1, None, 1, 1]}, {}),
        ({"ts_ns": [START, None, START, START]}, {}),
        ({}, {"px": [1, 0, 1]}),
        ({}, {"sz": [1, 1, 0]}),
        ({}, {"side": [1, None, 1]}),
    ],
)
def test_impossible_and_empty_values_are_refused(
    tmp_path: Path, quote_changes: dict[str, object], trade_changes: dict[str, object]
) -> None:
    paths = pair(tmp_path, quotes() | quote_changes, trades() | trade_changes)
    assert refused(paths).code is TapeErrorCode.TAPE_BAD_VALUE


@pytest.mark.parametrize(
    "selection",
    [Selection("NOPE", DATE), Selection("TWIN", DATE + 3), Selection("TWIN", DATE, 0, START)],
)
def test_an_empty_selection_is_refused(tmp_path: Path, selection: Selection) -> None:
    assert refused(pair(tmp_path), selection).code is TapeErrorCode.TAPE_NO_ROWS


def test_quotes_without_any_print_are_a_tape(tmp_path: Path) -> None:
    quotes_path, trades_path = pair(tmp_path)
    pq.write_table(table_of(trades(), "OTHER", DATE), trades_path)
    columns, dropped = read_columns(quotes_path, trades_path, WANTED)
    assert (len(columns.quote_ns), len(columns.print_ns), dropped) == (4, 0, ())


def test_a_missing_file_is_coded(tmp_path: Path) -> None:
    missing = tmp_path / "gone.parquet"
    assert refused((missing, missing)).code is TapeErrorCode.TAPE_NOT_FOUND


def test_a_file_that_is_not_parquet_is_coded(tmp_path: Path) -> None:
    quotes_path, trades_path = pair(tmp_path)
    quotes_path.write_bytes(b"not parquet at all")
    assert refused((quotes_path, trades_path)).code is TapeErrorCode.TAPE_UNREADABLE


def test_a_damaged_file_is_coded(tmp_path: Path) -> None:
    quotes_path, trades_path = pair(tmp_path, quotes(3_000))
    content = bytearray(quotes_path.read_bytes())
    content[4 : len(content) // 2] = b"\xff" * (len(content) // 2 - 4)
    quotes_path.write_bytes(content)
    assert refused((quotes_path, trades_path)).code is TapeErrorCode.TAPE_UNREADABLE


def test_statistics_are_a_help_and_not_needed(tmp_path: Path) -> None:
    quotes_path, trades_path = pair(tmp_path)
    pq.write_table(table_of(quotes(), "TWIN", DATE), quotes_path, write_statistics=False)
    columns, _ = read_columns(quotes_path, trades_path, WANTED)
    assert len(columns.quote_ns) == 4
