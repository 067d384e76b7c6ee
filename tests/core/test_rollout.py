"""The assignment of a rollout: a function of the plan's id."""

from __future__ import annotations

import pytest

from surefill.core.rollout import takes_smart

PLANS = [f"plan-{n}" for n in range(4_000)]


def smart(percent: int, salt: str = "a1b2c3") -> set[str]:
    """The plans of the smart path."""
    return {name for name in PLANS if takes_smart(name, salt=salt, percent=percent)}


def test_none_and_all() -> None:
    assert smart(0) == set()
    assert smart(100) == set(PLANS)


@pytest.mark.parametrize("percent", [1, 10, 50, 90])
def test_as_many_as_asked_for(percent: int) -> None:
    """Within four standard deviations of a fair draw."""
    expected = len(PLANS) * percent / 100
    deviation = (expected * (1 - percent / 100)) ** 0.5
    assert abs(len(smart(percent)) - expected) < 4 * deviation


def test_more_moves_nobody_back() -> None:
    assert smart(10) < smart(30) < smart(80)


def test_another_salt_is_another_draw() -> None:
    both = smart(50) & smart(50, salt="other")
    assert 900 < len(both) < 1_100


def test_what_was_assigned_once_is_assigned_for_ever() -> None:
    """A change of the formula would move plans between the arms of a running comparison."""
    assert [takes_smart(f"p{n}", salt="s", percent=50) for n in range(8)] == EXPECTED


EXPECTED = [True, False, True, False, True, False, True, True]
