"""What an excursion says of itself."""

from __future__ import annotations

import pytest

from surefill.core.excursion import Excursion, regular_ns
from surefill.core.session import Calendar
from tests.support.core_world import CALENDAR, CLOSE_NS, NEXT_DAY, OPEN_NS, S


@pytest.mark.parametrize(
    ("seen", "is_whole"),
    [
        (Excursion(1), False),
        (Excursion(1, 99, 101), True),
        (Excursion(1, 99, 101, unseen_ns=1), False),
    ],
)
def test_it_is_whole_when_nothing_was_missed(seen: Excursion, is_whole: bool) -> None:
    assert seen.is_whole is is_whole


@pytest.mark.parametrize(
    ("start_ns", "end_ns", "regular_s"),
    [
        (OPEN_NS, OPEN_NS + 7 * S, 7),
        (OPEN_NS - 60 * S, OPEN_NS + 7 * S, 7),
        (CLOSE_NS - 3 * S, CLOSE_NS + 60 * S, 3),
        (CLOSE_NS, OPEN_NS + NEXT_DAY, 0),
        (CLOSE_NS - 3 * S, OPEN_NS + NEXT_DAY + 4 * S, 7),
        (OPEN_NS + 9 * S, OPEN_NS + 7 * S, 0),
    ],
)
def test_only_regular_hours_count(start_ns: int, end_ns: int, regular_s: int) -> None:
    assert regular_ns(CALENDAR, start_ns, end_ns) == regular_s * S
    assert regular_ns(Calendar(), start_ns, end_ns) == 0
