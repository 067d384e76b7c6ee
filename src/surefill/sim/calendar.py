"""Exchange sessions for the simulation, from the `exchange_calendars` library (extra `calendar`).

What: `us_equity_calendar` turns the NYSE calendar (XNYS: holidays, half days, special closings)
into core `Session` values with pre- and post-market, in UTC nanoseconds, daylight saving right.
Why: core must never compute a date or a time zone; here is the one place of the simulation that
does, so half days and the two clock changes a year are data everywhere else.

Invariants: no clock is read; the range is always asked for. The library is imported on first use
(it brings pandas: 0.8 s and more) and each answer is remembered for the life of the process.
Must never: guess a session outside what the library knows; that is a coded error.
"""

from __future__ import annotations

import warnings
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from surefill.core.session import Calendar, Session
from surefill.sim.market import TapeError, TapeErrorCode

FIRST_DATE = 20030101
LAST_DATE = 20351231
"""Bounds of what may be asked. The holiday rules beyond some years are a forecast, not a fact."""

PRE_OPEN = time(4, 0)
POST_CLOSE = time(20, 0)
HALF_DAY_POST_CLOSE = time(17, 0)
"""New York. NYSE's usual post-market end of a half day; whether the broker follows is not known
(alpaca.md U12), hence the switch."""

_REGULAR_CLOSE = time(16, 0)
_NEW_YORK = "America/New_York"
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - naive on purpose: the origin of _utc_ns
_PADDING = timedelta(days=10)
"""The library refuses a range without a session; ten days always hold one (longest closing since
1933: four weekdays, September 2001)."""


def us_equity_calendar(
    start_date: int, end_date: int, *, half_day_post_close: time = HALF_DAY_POST_CLOSE
) -> Calendar:
    """Sessions of the US equity market from ``start_date`` to ``end_date`` (yyyymmdd, inclusive).

    ``half_day_post_close`` (New York) is when post-market ends on a half day; pass `POST_CLOSE`
    for a venue that keeps its usual 20:00. An empty range gives an empty calendar.
    """
    first, last = _checked(start_date), _checked(end_date)
    if last < first:
        raise TapeError(
            TapeErrorCode.CALENDAR_RANGE,
            "a calendar ends before it starts",
            (start_date, end_date),
        )
    return _sessions(first, last, half_day_post_close)


def session_on(session_date: int) -> Session:
    """The session of one day (yyyymmdd, New York); a day without one raises `TapeError`."""
    calendar = us_equity_calendar(session_date, session_date)
    if not calendar.sessions:
        raise TapeError(
            TapeErrorCode.CALENDAR_RANGE, "the US equity market is closed on", session_date
        )
    return calendar.sessions[0]


def new_york_ns(yyyymmdd: int, clock: time) -> int:
    """UTC ns of a wall-clock time in New York; never ask for 02:00, when the clocks change."""
    return _ns_at(_to_date(yyyymmdd), clock, ZoneInfo(_NEW_YORK))


def day_bounds_ns(yyyymmdd: int) -> tuple[int, int]:
    """The day in New York as half-open UTC ns; 23 or 25 hours where the clocks change."""
    day, zone = _to_date(yyyymmdd), ZoneInfo(_NEW_YORK)
    return _ns_at(day, time(0), zone), _ns_at(day + timedelta(days=1), time(0), zone)


def new_york_date(ns: int) -> int:
    """The date (yyyymmdd) in New York at ``ns`` (UTC)."""
    naive = _EPOCH + timedelta(microseconds=ns // 1000)
    day = naive.replace(tzinfo=UTC).astimezone(ZoneInfo(_NEW_YORK))
    return day.year * 10_000 + day.month * 100 + day.day


def _checked(yyyymmdd: int) -> date:
    if not FIRST_DATE <= yyyymmdd <= LAST_DATE:
        raise TapeError(
            TapeErrorCode.CALENDAR_RANGE,
            f"a date of the calendar is yyyymmdd from {FIRST_DATE} to {LAST_DATE}",
            yyyymmdd,
        )
    return _to_date(yyyymmdd)


def _to_date(yyyymmdd: int) -> date:
    try:
        return date(yyyymmdd // 10_000, yyyymmdd // 100 % 100, yyyymmdd % 100)
    except ValueError:
        raise TapeError(TapeErrorCode.CALENDAR_RANGE, "not a date", yyyymmdd) from None


@lru_cache(maxsize=32)
def _sessions(first: date, last: date, half_day_post_close: time) -> Calendar:
    zone = ZoneInfo(_NEW_YORK)
    sessions = []
    years = _library_sessions(first.year, last.year)
    for day, open_ns, close_ns in (row for row in years if first <= row[0] <= last):
        regular_close_ns = _ns_at(day, _REGULAR_CLOSE, zone)
        post_close = POST_CLOSE if close_ns == regular_close_ns else half_day_post_close
        sessions.append(
            Session(
                date=day.year * 10_000 + day.month * 100 + day.day,
                pre_ns=_ns_at(day, PRE_OPEN, zone),
                open_ns=open_ns,
                close_ns=close_ns,
                # A late half day (none so far) must not get a post-market of negative length.
                post_ns=max(close_ns, _ns_at(day, post_close, zone)),
            )
        )
    return Calendar.of(sessions)


@lru_cache(maxsize=8)
def _library_sessions(first_year: int, last_year: int) -> tuple[tuple[date, int, int], ...]:
    """(day, open UTC ns, close UTC ns) of each session of the library in these years. Whole years,
    because a day costs the library as much as a year: most of it goes into its holiday rules."""
    try:
        from exchange_calendars import get_calendar
    except ImportError:
        raise TapeError(
            TapeErrorCode.EXTRA_MISSING,
            "the market calendar needs the extra 'calendar': pip install surefill[calendar]",
            "exchange_calendars",
        ) from None
    with warnings.catch_warnings():
        # exchange_calendars 4.13 calls pandas functions that pandas 3.1 deprecates; not ours.
        warnings.simplefilter("ignore")
        first, last = date(first_year, 1, 1) - _PADDING, date(last_year, 12, 31) + _PADDING
        library = get_calendar("XNYS", start=first.isoformat(), end=last.isoformat())
        schedule = library.schedule
        rows = zip(schedule.index, schedule["open"], schedule["close"], strict=True)
        # Timestamp.value is nanoseconds whatever unit the column is stored in (pandas 3: not ns).
        return tuple(
            (day.date(), int(opens.value), int(closes.value)) for day, opens, closes in rows
        )


def _ns_at(day: date, clock: time, zone: ZoneInfo) -> int:
    """UTC ns of a wall-clock time in ``zone``. 02:00, when clocks change, is never asked for."""
    local = datetime.combine(day, clock, tzinfo=zone)
    offset = local.utcoffset()
    assert offset is not None
    delta = local.replace(tzinfo=None) - offset - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000_000
