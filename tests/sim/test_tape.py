"""Recorded tapes: found, played, counted; each test also runs on a synthetic twin on disk."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from surefill.core.units import NANO
from surefill.sim.market import (
    MergedMarket,
    PrintEvent,
    QuoteEvent,
    TapeError,
    TapeErrorCode,
    events_of,
)
from surefill.sim.profiles import MID
from surefill.sim.scripts import CRWD_SESSION
from surefill.sim.synthetic import SyntheticTape
from surefill.sim.tape import RecordedTape, TapeDay, find_tape, list_tapes, open_tape
from tests.sim.tapes import day, twin, write_twin

Find = Callable[[Path], TapeDay]

TAPES: list[object] = [
    pytest.param(twin, id="synthetic"),
    pytest.param(lambda folder: twin(folder, with_date=False), id="synthetic-without-date"),
    *(
        pytest.param(
            lambda _, symbol=symbol, date=date: day(symbol, date),
            id=f"{symbol}-{date}",
            marks=pytest.mark.tape,
        )
        for symbol, date in (
            ("IBM", 20131007),
            ("AMZN", 20120621),
            ("AAPL", 20120621),
            ("YHOO", 20030113),
            ("ARL", 20250717),
        )
    ),
]
every_tape = pytest.mark.parametrize("find", TAPES)


@every_tape
def test_a_tape_plays_in_order_and_holds_what_it_reports(find: Find, tmp_path: Path) -> None:
    tape = open_tape(find(tmp_path))
    report = tape.report()
    counts = {QuoteEvent: 0, PrintEvent: 0}
    last_ns = 0
    while (next_ns := tape.next_ns()) is not None:
        event = tape.pop()
        assert last_ns <= event.venue_ns == next_ns
        last_ns = next_ns
        assert event.symbol == tape.day.symbol
        counts[type(event)] += 1
    assert counts == {QuoteEvent: report.quote_count, PrintEvent: report.evidence_count}
    assert last_ns <= report.last_ns
    assert report.print_count == report.evidence_count + sum(n for _, n in report.dropped)
    assert report.crossed_count <= report.quote_count // 100
    with pytest.raises(TapeError) as error:
        tape.pop()
    assert error.value.code is TapeErrorCode.TAPE_EXHAUSTED


@every_tape
def test_all_prints_are_there_on_request(find: Find, tmp_path: Path) -> None:
    found = find(tmp_path)
    tape = open_tape(found, evidence_only=False)
    prints = sum(isinstance(event, PrintEvent) for event in events_of(tape))
    assert prints == tape.report().print_count == len(tape.columns().print_ns)


@every_tape
def test_a_window_is_a_piece_of_the_day(find: Find, tmp_path: Path) -> None:
    found = find(tmp_path)
    report = open_tape(found).report()
    middle_ns = (report.first_ns + report.last_ns) // 2
    wide = open_tape(found, start_ns=middle_ns - 900 * NANO, end_ns=middle_ns + 900 * NANO)
    piece = open_tape(found, start_ns=middle_ns, end_ns=middle_ns + 600 * NANO)
    expected = [e for e in events_of(wide) if middle_ns <= e.venue_ns < middle_ns + 600 * NANO]
    assert list(events_of(piece)) == expected


@every_tape
def test_both_orders_within_one_instant_hold_the_same_events(find: Find, tmp_path: Path) -> None:
    found = find(tmp_path)
    end_ns = open_tape(found).report().first_ns + 6 * 3600 * NANO
    prints_first = list(events_of(open_tape(found, end_ns=end_ns)))
    quotes_first = list(events_of(open_tape(found, end_ns=end_ns, quotes_first=True)))
    assert Counter(prints_first) == Counter(quotes_first)


def test_a_twin_gives_back_what_was_written(tmp_path: Path) -> None:
    source = SyntheticTape(9, "TWIN", CRWD_SESSION, profile=replace(MID, events=3_000))
    found = write_twin(tmp_path, source)
    assert list(events_of(open_tape(found))) == list(events_of(source))


def test_tapes_are_found_by_symbol_and_date(tmp_path: Path) -> None:
    written = twin(tmp_path)
    assert find_tape(tmp_path, "TWIN", CRWD_SESSION.date) == written
    assert list_tapes(tmp_path) == (written,)
    for path in (written.quotes_path, written.trades_path, str(written.quotes_path)):
        assert list_tapes(path) == (written,)
    with pytest.raises(TapeError) as error:
        find_tape(tmp_path, "OTHER", CRWD_SESSION.date)
    assert error.value.code is TapeErrorCode.TAPE_NOT_FOUND


@pytest.mark.tape
def test_recorded_days_are_listed() -> None:
    root = day("IBM", 20131007).quotes_path.parents[1]
    days = {(found.symbol, found.date) for found in list_tapes(root)}
    assert {("BAC", 20131009), ("AMZN", 20120621), ("CSCO", 20030113), ("ARL", 20250717)} <= days


@pytest.mark.tape
def test_the_prints_of_a_consolidated_day_are_sorted_by_evidence() -> None:
    """Two thirds of IBM's prints are evidence; most of the rest were made off exchange."""
    report = open_tape(day("IBM", 20131007)).report()
    dropped = dict(report.dropped)
    assert dropped["off_exchange"] > report.print_count // 4
    assert dropped["extended_hours"] > 0
    assert 0.01 < report.outside_count / report.evidence_count < 0.05


def test_two_tapes_merge_into_one_market(tmp_path: Path) -> None:
    found = twin(tmp_path)
    other = SyntheticTape(2, "OTHER", CRWD_SESSION, profile=replace(MID, events=2_000))
    merged = list(events_of(MergedMarket([open_tape(found), other])))
    assert {event.symbol for event in merged} == {"TWIN", "OTHER"}
    assert [e for e in merged if e.symbol == "TWIN"] == list(events_of(open_tape(found)))


def test_files_that_make_no_pair_are_named(tmp_path: Path) -> None:
    found = twin(tmp_path)
    stray = tmp_path / "stray.parquet"
    stray.touch()
    found.trades_path.rename(tmp_path / "LONE_trades.parquet")
    for path in (found.quotes_path, tmp_path / "LONE_trades.parquet", stray, tmp_path / "gone"):
        with pytest.raises(TapeError) as error:
            list_tapes(path)
        assert error.value.code is TapeErrorCode.TAPE_NOT_FOUND


def test_files_that_cannot_be_used_are_told_once_and_passed_over(tmp_path: Path) -> None:
    day = twin(tmp_path)
    for suffix in ("nbbo", "trades"):
        (tmp_path / f"BAD_{suffix}.parquet").write_text("no tape")
    with pytest.raises(TapeError, match="TAPE_UNREADABLE"):
        list_tapes(tmp_path)
    told: list[tuple[str, str]] = []
    found = list_tapes(tmp_path, on_bad=lambda path, error: told.append((path.name, error.code)))
    assert found == (day,)
    assert told == [("BAD_nbbo.parquet", "TAPE_UNREADABLE")]
    assert list_tapes(day.quotes_path, on_bad=lambda path, error: told.clear()) == (day,)
    assert told


def test_a_missing_extra_is_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "day.dbn").write_text("")
    monkeypatch.setitem(sys.modules, "surefill.sim.dbn", None)
    monkeypatch.delattr("surefill.sim.dbn", raising=False)
    with pytest.raises(TapeError, match="EXTRA_MISSING"):
        list_tapes(tmp_path, on_bad=lambda path, error: None)


@pytest.mark.parametrize("library", ["numpy", "pyarrow"])
def test_the_missing_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    found = twin(tmp_path)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(TapeError) as error:
        RecordedTape(found.quotes_path, found.trades_path, symbol="TWIN", date=found.date)
    assert (error.value.code, error.value.value) == (TapeErrorCode.EXTRA_MISSING, library)
    with pytest.raises(TapeError):
        list_tapes(tmp_path)
