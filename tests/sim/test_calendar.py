"""Sessions of the US equity market: holidays, half days, both clock changes, bounds."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, time

import pytest

from surefill.core.session import Session, SessionKind
from surefill.core.units import NANO
from surefill.sim import calendar
from surefill.sim.calendar import (
    POST_CLOSE,
    day_bounds_ns,
    new_york_date,
    new_york_ns,
    session_on,
    us_equity_calendar,
)
from surefill.sim.market import TapeError, TapeErrorCode
from surefill.sim.scripts import CRWD_SESSION


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * NANO


def test_an_ordinary_day() -> None:
    assert session_on(20261120) == CRWD_SESSION
    written_out = Session(
        20261120,
        utc("2026-11-20T09:00"),
        utc("2026-11-20T14:30"),
        utc("2026-11-20T21:00"),
        utc("2026-11-21T01:00"),
    )
    assert session_on(20261120) == written_out


@pytest.mark.parametrize(
    ("date", "open_utc", "pre_utc"),
    [
        (20260306, "2026-03-06T14:30", "2026-03-06T09:00"),
        (20260309, "2026-03-09T13:30", "2026-03-09T08:00"),
        (20261030, "2026-10-30T13:30", "2026-10-30T08:00"),
        (20261102, "2026-11-02T14:30", "2026-11-02T09:00"),
        (20030113, "2003-01-13T14:30", "2003-01-13T09:00"),
        (20131007, "2013-10-07T13:30", "2013-10-07T08:00"),
    ],
)
def test_the_clock_changes_move_the_session_in_utc(date: int, open_utc: str, pre_utc: str) -> None:
    session = session_on(date)
    assert (session.open_ns, session.pre_ns) == (utc(open_utc), utc(pre_utc))


def test_half_days_close_at_one_and_post_market_ends_at_five() -> None:
    session = session_on(20261127)
    assert session.close_ns == utc("2026-11-27T18:00")
    assert session.post_ns == utc("2026-11-27T22:00")
    assert session.kind_at(session.close_ns) is SessionKind.ETH


def test_the_post_market_of_half_days_is_a_switch() -> None:
    calendar = us_equity_calendar(20261127, 20261127, half_day_post_close=POST_CLOSE)
    assert calendar.sessions[0].post_ns == utc("2026-11-28T01:00")
    early = us_equity_calendar(20261127, 20261127, half_day_post_close=time(12, 0))
    assert early.sessions[0].post_ns == early.sessions[0].close_ns


def test_holidays_weekends_and_special_closings_are_absent() -> None:
    calendar = us_equity_calendar(20241220, 20250113)
    dates = [session.date for session in calendar.sessions]
    assert dates == [
        20241220, 20241223, 20241224, 20241226, 20241227, 20241230, 20241231,
        20250102, 20250103, 20250106, 20250107, 20250108, 20250110, 20250113,
    ]  # fmt: skip  # 2025-01-09: day of mourning


def test_all_years_are_covered_and_remembered() -> None:
    calendar = us_equity_calendar(20030101, 20301231)
    assert calendar is us_equity_calendar(20030101, 20301231)
    assert 7_000 < len(calendar.sessions) < 7_100
    hours = {(s.close_ns - s.open_ns) // (1800 * NANO) for s in calendar.sessions}
    assert hours == {7, 13}


def test_an_empty_range_is_an_empty_calendar() -> None:
    assert us_equity_calendar(20261121, 20261122).sessions == ()


@pytest.mark.parametrize(
    ("start", "end"),
    [(20261120, 20261119), (20021231, 20261120), (20261120, 20360101), (20261301, 20261302)],
)
def test_an_impossible_range_is_refused(start: int, end: int) -> None:
    with pytest.raises(TapeError) as error:
        us_equity_calendar(start, end)
    assert error.value.code is TapeErrorCode.CALENDAR_RANGE


def test_a_day_without_session_is_refused() -> None:
    with pytest.raises(TapeError) as error:
        session_on(20261126)
    assert error.value.code is TapeErrorCode.CALENDAR_RANGE


def test_the_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "exchange_calendars", None)
    with pytest.raises(TapeError) as error:
        us_equity_calendar(20110103, 20110104)
    assert error.value.code is TapeErrorCode.EXTRA_MISSING
    assert "surefill[calendar]" in error.value.sentence


def test_a_day_has_23_24_or_25_hours() -> None:
    hours = [
        (end - start) // (3600 * NANO)
        for start, end in map(day_bounds_ns, (20260308, 20261120, 20261101))
    ]
    assert hours == [23, 24, 25]


def test_the_date_in_new_york() -> None:
    assert new_york_date(CRWD_SESSION.post_ns) == 20261120
    assert new_york_date(CRWD_SESSION.post_ns + 4 * 3600 * NANO) == 20261121
    assert new_york_ns(20261120, time(9, 30)) == CRWD_SESSION.open_ns


def test_a_year_is_asked_of_the_library_once() -> None:
    calendar._sessions.cache_clear()
    calendar._library_sessions.cache_clear()
    days = [session_on(date).date for date in (20250303, 20251128, 20250721)]
    assert days == [20250303, 20251128, 20250721]
    assert calendar._library_sessions.cache_info().misses == 1
