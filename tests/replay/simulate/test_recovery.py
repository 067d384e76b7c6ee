"""A new process that finds trades bare covers all of them, as fast as the broker takes requests."""

from __future__ import annotations

from surefill.core.plan import SECOND_NS
from surefill.replay.simulate.recovery import Recovery, recover


def test_25_bare_trades_are_covered_within_ten_seconds() -> None:
    found = recover(25)
    assert (found.bare, found.covered, len(found.covered_ns)) == (25, 5, 25)
    assert found.covered_ns[-1] <= 10 * SECOND_NS


def test_the_row_of_a_report() -> None:
    times = tuple(range(SECOND_NS, 101 * SECOND_NS, SECOND_NS))
    assert Recovery(100, 20, times, 120).as_row() == {
        "bare": 100,
        "covered": 20,
        "first_s": 1.0,
        "half_s": 50.0,
        "p99_s": 99.0,
        "last_s": 100.0,
        "requests": 120,
        "reads": 0,
        "lost_s": 0.0,
    }
