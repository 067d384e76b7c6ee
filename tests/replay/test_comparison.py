"""The stream of plans: same for both paths, a function of seed and tape, and judged."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from surefill.cli import replay
from surefill.cli.main import main
from surefill.core.plan import SECOND_NS
from surefill.core.state import Denial
from surefill.replay import comparison
from surefill.replay.comparison import (
    LIMITS,
    PLANS_MAX,
    Scope,
    Stream,
    days_at,
    demo_scope,
    play_path,
    recorded_stream,
    recorded_streams,
    synthetic_stream,
)
from surefill.replay.plan_files import read_plans
from surefill.replay.plan_source import FilePlans
from surefill.replay.sweep import Choice, play_task, tasks_of
from surefill.sim.calendar import session_on
from surefill.sim.columns import columns_of_rows
from surefill.sim.market import TapeError, TapeErrorCode
from surefill.sim.tape import RecordedTape, list_tapes, open_tape
from tests.sim.tapes import day, tapes_root, twin


@pytest.fixture(autouse=True)
def short_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some minutes say as much as an hour."""
    monkeypatch.setattr(comparison, "WINDOW_NS_MAX", 480 * SECOND_NS)
    monkeypatch.setattr(comparison, "REST_NS", 130 * SECOND_NS)


def test_a_stream_is_a_function_of_its_seed() -> None:
    first, again, other = synthetic_stream(1), synthetic_stream(1), synthetic_stream(2)
    assert first.draws == again.draws
    assert first.draws != other.draws
    assert {tape.symbol for tape in first.tapes} == {"TIGHT", "MID", "WIDE"}
    assert 470 * SECOND_NS < first.window[1] - first.window[0] <= 480 * SECOND_NS
    assert first.title == "synthetic market, seed 1: TIGHT, MID, WIDE"


def test_both_paths_get_the_same_plans_and_the_auditor_is_content() -> None:
    stream = synthetic_stream(1)
    told: list[int] = []
    legacy = play_path(stream, seed=1, is_legacy=True, on_progress=told.append)
    smart = play_path(stream, seed=1, is_legacy=False)
    wanted = {draw.plan.plan_id for draw in stream.draws}
    assert set(legacy.ended) == set(smart.ended) == wanted
    assert told[-1] == len(wanted)
    assert (legacy.path, smart.path) == ("legacy", "smart")
    assert not legacy.report.violations
    assert not smart.report.violations
    assert legacy.report.counts.uncapped == len(wanted)
    assert smart.report.counts.uncapped == 0
    codes = {
        reason.code.name
        for run in (legacy, smart)
        for end in run.ended.values()
        if isinstance(end, Denial)
        for reason in end.reasons
    }
    assert codes <= {"RR_BELOW_MIN"}, "limits and unknown symbols must not decide a comparison"


def test_the_same_path_twice_is_the_same_log() -> None:
    stream = synthetic_stream(3)
    first, again = (play_path(stream, seed=3, is_legacy=False) for _ in range(2))
    assert first.lines == again.lines


def test_the_number_of_events_bounds_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "EVENTS_MAX", 8_000)
    start_ns, end_ns = synthetic_stream(1).window
    assert 120 * SECOND_NS < end_ns - start_ns < 400 * SECOND_NS


def test_the_limits_are_out_of_the_way() -> None:
    assert LIMITS.order_notional_max_usd > 10**15
    assert PLANS_MAX >= 100


def test_a_synthetic_day_in_the_files_of_a_tape(tmp_path: Path) -> None:
    twin(tmp_path)
    stream = recorded_stream(tmp_path, 1)
    assert stream.title == "recorded market of 20261120: TWIN"
    assert _clean(stream)
    assert recorded_stream(tmp_path / "TWIN_nbbo.parquet", 1).draws == stream.draws


def test_every_day_of_every_tape(tmp_path: Path) -> None:
    twin(tmp_path)
    scope = Scope(plans_max=3, window_ns_max=120 * SECOND_NS, events_max=10**9)
    (stream,) = recorded_streams([tmp_path], 1, scope)
    start_ns, end_ns = stream.window
    assert end_ns - start_ns == 120 * SECOND_NS
    assert {date: [day.symbol for day in days] for date, days in days_at([tmp_path]).items()} == {
        20261120: ["TWIN"]
    }
    with pytest.raises(TapeError) as caught:
        list(recorded_streams([tmp_path, tmp_path / "nothing"], 1, scope))
    assert caught.value.code is TapeErrorCode.TAPE_NOT_FOUND


@pytest.mark.tape
def test_a_recorded_day(monkeypatch: pytest.MonkeyPatch) -> None:
    day("BAC", 20131007)
    monkeypatch.setattr(comparison, "EVENTS_MAX", 12_000)
    stream = recorded_stream(tapes_root() / "sip2013", 1)
    assert stream.title == "recorded market of 20131007: AIG, BAC, IBM"
    assert _clean(stream)


def test_a_folder_without_a_tape_is_a_coded_error(tmp_path: Path) -> None:
    with pytest.raises(TapeError) as caught:
        recorded_stream(tmp_path, 1)
    assert caught.value.code is TapeErrorCode.TAPE_NOT_FOUND


def test_a_tape_too_short_for_a_plan_is_a_coded_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    twin(tmp_path)
    monkeypatch.setattr(comparison, "WARM_UP_NS", 23_000 * SECOND_NS)
    with pytest.raises(TapeError) as caught:
        recorded_stream(tmp_path, 1)
    assert caught.value.code is TapeErrorCode.TAPE_NO_ROWS


def test_a_day_without_a_quote_in_regular_hours_is_a_coded_error() -> None:
    session = session_on(20261120)
    silent = columns_of_rows("SILENT", [])
    with pytest.raises(TapeError) as caught:
        comparison._stream("a day", (silent,), (session, demo_scope()), seed=1)
    assert caught.value.code is TapeErrorCode.TAPE_NO_ROWS
    assert caught.value.value == "SILENT"


def _clean(stream: Stream) -> bool:
    """Both paths end all plans, without a violation and without an unknown symbol."""
    for is_legacy in (True, False):
        run = play_path(stream, seed=1, is_legacy=is_legacy)
        assert len(run.ended) == len(stream.draws) > 0
        assert not run.report.violations
        assert "SYMBOL_UNKNOWN" not in str(list(run.ended.values()))
    return True


ROWS = 600


def _big_day(folder: Path, symbol: str) -> None:
    """A partition with a quote every second."""
    place = folder / f"symbol={symbol}" / "date=20261120"
    place.mkdir(parents=True)
    ns = session_on(20261120).open_ns + np.arange(ROWS, dtype=np.int64) * 1_000_000_000
    bid = (1_000_000 + 100 * (np.arange(ROWS) % 9)).astype(np.int32)
    many = np.full(ROWS, 100, dtype=np.int32)
    quotes = {"ts_ns": ns, "seq": np.arange(ROWS), "bid_px": bid, "bid_sz": many}
    quotes |= {"ask_px": bid + np.int32(100), "ask_sz": many}
    trades = {"ts_ns": ns, "seq": np.arange(ROWS), "px": bid, "sz": many, "side": many * 0}
    for name, columns in (("nbbo", quotes), ("trades", trades)):
        table = pa.table({"symbol": pa.array([symbol] * ROWS), **columns})
        pq.write_table(table, place / f"{symbol}_{name}.parquet")


def test_one_symbol_day_is_in_memory_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whenever a day is opened, the columns of every day before it are gone."""
    for symbol in "ABC":
        _big_day(tmp_path, symbol)
    loaded: list[weakref.ref[object]] = []
    alive: list[int] = []
    opened = open_tape

    def counting(*args: Any, **named: Any) -> RecordedTape:
        alive.append(sum(ref() is not None for ref in loaded))
        tape = opened(*args, **named)
        columns = tape.columns()
        loaded.extend(weakref.ref(column) for column in (columns.quote_ns, columns.bid_px))
        return tape

    monkeypatch.setattr(comparison, "open_tape", counting)
    monkeypatch.setattr(replay, "keep_run", lambda *_, **__: ())  # what is kept, but no pictures
    at_ns = session_on(20261120).open_ns + 60 * SECOND_NS
    plans = tmp_path / "plans.csv"
    plans.write_text(
        "at,symbol,side,qty,signal,risk,rr,exit_at\n"
        + "".join(f"{at_ns},{name},buy,1,100,1,2.5,{at_ns + 10 * SECOND_NS}\n" for name in "ABC")
    )
    words = ["replay", str(tmp_path), "--plans", str(plans), "--path", "limit", "--json"]
    assert main([*words, "--out", str(tmp_path / "run")]) == 0
    assert alive == [0, 0, 0]
    scope = Scope(plans_max=1, window_ns_max=60 * SECOND_NS, events_max=10**9)
    source = FilePlans(read_plans(plans).draws)
    tasks = tasks_of(
        [Choice("limit")], list_tapes(tmp_path), model="queue", seed=1, scope=scope, source=source
    )
    assert [play_task(task).plans for task in tasks] == [1, 1, 1]
    assert alive == [0] * 6


def test_days_of_a_partition_are_listed_without_opening_one(tmp_path: Path) -> None:
    _big_day(tmp_path, "A")
    for path in tmp_path.rglob("*.parquet"):
        path.write_bytes(b"not opened")
    assert [day.symbol for day in days_at([tmp_path])[20261120]] == ["A"]


def test_together_one_bad_tape_of_a_day_is_left_out_alone(tmp_path: Path) -> None:
    for symbol in "ABC":
        _big_day(tmp_path, symbol)
    next(tmp_path.rglob("B_trades.parquet")).write_bytes(b"no Parquet")
    told: list[str] = []
    scope = Scope(plans_max=2, window_ns_max=120 * SECOND_NS, events_max=10**9)
    (stream,) = recorded_streams(
        [tmp_path], 1, scope, on_bad=lambda day, error: told.append(f"{day.symbol} {error.code}")
    )
    assert [tape.symbol for tape in stream.tapes] == ["A", "C"]
    assert told == ["B TAPE_UNREADABLE"]
    none = Scope(plans_max=1, window_ns_max=1, events_max=10**9)
    assert (
        list(recorded_streams([tmp_path], 1, none, on_bad=lambda day, _: told.append(day.symbol)))
        == []
    )
    assert told[1:] == ["B", "A", "C"]
    with pytest.raises(TapeError):
        list(recorded_streams([tmp_path], 1, scope))
