"""Timeframes and sums of bars."""

from __future__ import annotations

from datetime import date

import pytest

from surefill.core.market import Print
from surefill.core.units import to_nano
from surefill.sim.alpaca.bars import NS_PER_MINUTE, Bar, Timeframe, gathered, midnight_of
from surefill.sim.alpaca.text import parse_stamp, stamp_ns

AT_NS = parse_stamp("2026-03-04T15:47:31Z") or 0
"""A Wednesday, 10:47:31 New York."""


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("1Min", "2026-03-04T15:47:00Z"),
        ("5T", "2026-03-04T15:45:00Z"),
        ("1Hour", "2026-03-04T15:00:00Z"),
        ("4H", "2026-03-04T13:00:00Z"),
        ("1Day", "2026-03-04T05:00:00Z"),
        ("1W", "2026-03-02T05:00:00Z"),
        ("1Month", "2026-03-01T05:00:00Z"),
        ("6M", "2026-01-01T05:00:00Z"),
    ],
)
def test_where_a_bar_starts(text: str, start: str) -> None:
    timeframe = Timeframe.of(text)
    assert timeframe is not None
    assert stamp_ns(timeframe.start_ns(AT_NS)) == start


@pytest.mark.parametrize("text", ["", "Min", "60Min", "0Min", "24Hour", "2Day", "5Month", "1Year"])
def test_no_timeframe(text: str) -> None:
    assert Timeframe.of(text) is None


def test_midnight_follows_the_season() -> None:
    assert stamp_ns(midnight_of(date(2026, 7, 1))) == "2026-07-01T04:00:00Z"


def test_minutes_make_longer_bars() -> None:
    minutes = []
    first_ns = (AT_NS // NS_PER_MINUTE - 2) * NS_PER_MINUTE  # 15:45
    for index, price in enumerate(("10", "12", "9", "11")):
        start_ns = first_ns + index * NS_PER_MINUTE
        px = to_nano(price)
        bar = Bar(start_ns, px, px, px, px)
        bar.add(Print(px, to_nano(1), start_ns, start_ns))
        minutes.append(bar)
    first, second = gathered(minutes, Timeframe(3, "Min"))
    assert [x // 10**9 for x in (first.open_px, first.high_px, first.low_px)] == [10, 12, 9]
    assert (first.close_px, first.prints, first.qty) == (to_nano(9), 3, to_nano(3))
    assert (second.low_px, second.close_px) == (to_nano(11), to_nano(11))
    assert first.cost + second.cost == to_nano(42) * 10**9
    assert minutes[0].qty == to_nano(1)  # the minutes themselves stay as they are
