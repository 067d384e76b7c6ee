from __future__ import annotations

from dataclasses import replace

import pytest

from surefill.core.session import Calendar, Session, SessionKind

MONDAY = Session(20251124, pre_ns=100, open_ns=200, close_ns=300, post_ns=400)
FRIDAY = Session(20251128, pre_ns=1100, open_ns=1200, close_ns=1250, post_ns=1300)
CALENDAR = Calendar.of([FRIDAY, MONDAY])


@pytest.mark.parametrize(
    ("now", "kind"),
    [
        (99, SessionKind.CLOSED),
        (100, SessionKind.ETH),
        (199, SessionKind.ETH),
        (200, SessionKind.RTH),
        (299, SessionKind.RTH),
        (300, SessionKind.ETH),
        (399, SessionKind.ETH),
        (400, SessionKind.CLOSED),
        (700, SessionKind.CLOSED),
        (1249, SessionKind.RTH),
        (1250, SessionKind.ETH),
        (1300, SessionKind.CLOSED),
        (9999, SessionKind.CLOSED),
    ],
)
def test_every_instant_has_a_kind(now: int, kind: SessionKind) -> None:
    assert CALENDAR.kind_at(now) is kind
    session = CALENDAR.session_at(now)
    assert (session is None) == (kind is SessionKind.CLOSED)
    for day in CALENDAR.sessions:
        if session is not day:
            assert day.kind_at(now) is SessionKind.CLOSED


def test_the_session_of_an_instant() -> None:
    assert CALENDAR.session_at(100) is MONDAY
    assert CALENDAR.session_at(399) is MONDAY
    assert CALENDAR.session_at(1299) is FRIDAY


@pytest.mark.parametrize(("now", "open_ns"), [(0, 200), (199, 200), (200, 1200), (1199, 1200)])
def test_the_next_open(now: int, open_ns: int) -> None:
    assert CALENDAR.next_open_ns(now) == open_ns


def test_beyond_what_is_loaded_nothing_is_known() -> None:
    assert CALENDAR.next_open_ns(1200) is None
    assert Calendar().next_open_ns(0) is None
    assert Calendar().session_at(200) is None
    assert Calendar().kind_at(200) is SessionKind.CLOSED


def test_sessions_are_put_in_order() -> None:
    assert CALENDAR.sessions == (MONDAY, FRIDAY)
    assert Calendar.of([]) == Calendar()


def test_a_day_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="20251124 and 20251124 overlap"):
        Calendar.of([MONDAY, FRIDAY, MONDAY])


def test_only_the_sessions_of_a_stretch_of_time() -> None:
    assert CALENDAR.between(0, 99).sessions == ()
    assert CALENDAR.between(0, 100).sessions == (MONDAY,)
    assert CALENDAR.between(400, 1099).sessions == (MONDAY,)
    assert CALENDAR.between(401, 1099).sessions == ()
    assert CALENDAR.between(0, 9999) == CALENDAR


def test_a_listing_that_was_cut_takes_no_days_away() -> None:
    """Found by simulation, seed 12181: three days of a calendar, and later none at all."""
    assert CALENDAR.updated(Calendar()) == CALENDAR
    assert Calendar().updated(CALENDAR) == CALENDAR
    moved = replace(FRIDAY, close_ns=FRIDAY.close_ns - 10)
    assert CALENDAR.updated(Calendar.of([moved])).sessions == (MONDAY, moved)
    assert CALENDAR.updated(Calendar.of([MONDAY])) == CALENDAR


def test_a_day_may_begin_where_another_ends() -> None:
    night = Session(20251125, pre_ns=400, open_ns=500, close_ns=600, post_ns=1100)
    week = Calendar.of([MONDAY, night, FRIDAY])
    assert week.sessions == (MONDAY, night, FRIDAY)
    later = replace(night, open_ns=501)
    assert week.updated(Calendar.of([later])).sessions == (MONDAY, later, FRIDAY)
