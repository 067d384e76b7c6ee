"""Timestamps of any precision and offset; New York days across daylight saving."""

from __future__ import annotations

from datetime import date

import pytest

from surefill.brokers.alpaca.translate.times import (
    first_ns,
    new_york_ns,
    to_new_york_date,
    to_ns,
    to_rfc3339,
)
from surefill.core.units import NANO

BASE_NS = 1_625_755_845 * NANO


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2021-07-08T14:50:45Z", BASE_NS),
        ("2021-07-08T14:50:45.2Z", BASE_NS + 200_000_000),
        ("2021-07-08T14:50:45.332349Z", BASE_NS + 332_349_000),
        ("2021-07-08T14:50:45.767290217Z", BASE_NS + 767_290_217),
        ("2021-07-08T14:50:45.7672902179Z", BASE_NS + 767_290_217),
        ("2021-07-08t10:50:45-04:00", BASE_NS),
        ("2021-07-08 20:20:45+0530", BASE_NS),
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59.5Z", -NANO // 2),
    ],
)
def test_any_precision_and_offset(text: str, expected: int) -> None:
    assert to_ns(text, "t") == expected


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "now",
        "2021-07-08",
        "2021-13-08T14:50:45Z",
        "2021-07-08T14:50:45",
        "٢٠٢١-07-08T14:50:45Z",
    ],
)
def test_anything_else_is_refused(text: str | None) -> None:
    with pytest.raises(ValueError, match=r"^submitted_at|month"):
        to_ns(text, "submitted_at")


def test_the_first_present_timestamp_counts() -> None:
    assert first_ns((None, "a"), ("1970-01-01T00:00:01Z", "b"), ("x", "c")) == NANO
    with pytest.raises(ValueError, match="a is missing"):
        first_ns((None, "a"), (None, "b"))


@pytest.mark.parametrize("ns", [0, 1, BASE_NS + 332_349_001, 4_000_000_000 * NANO])
def test_written_and_read_back(ns: int) -> None:
    assert to_ns(to_rfc3339(ns), "t") == ns


def test_wall_times_follow_daylight_saving() -> None:
    winter = new_york_ns(date(2026, 3, 6), "09:30", "open")
    summer = new_york_ns(date(2026, 3, 9), "0930", "open")
    assert to_rfc3339(winter).startswith("2026-03-06T14:30:00")
    assert to_rfc3339(summer).startswith("2026-03-09T13:30:00")
    assert to_new_york_date(winter) == date(2026, 3, 6)
    assert to_new_york_date(to_ns("2026-03-06T04:59:59Z", "t")) == date(2026, 3, 5)


@pytest.mark.parametrize("text", ["9:30", "2500", "09:30:00", ""])
def test_no_time_of_day(text: str) -> None:
    with pytest.raises(ValueError):
        new_york_ns(date(2026, 3, 6), text, "open")
