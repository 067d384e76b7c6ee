"""Bootstrap over integers."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from surefill.tca.statistics import difference

SMART = (20, 30, 25, 35, 15, 28, 22, 31)
LEGACY = (210, 190, 250, 170, 220, 205, 185, 240)


def test_a_clear_difference() -> None:
    found = difference(SMART, LEGACY, chance=Random(7))
    assert found is not None
    assert found.low < found.middle < found.high < 0
    assert found.middle == int(Fraction(sum(SMART), 8) - Fraction(sum(LEGACY), 8))


def test_one_seed_one_interval() -> None:
    first, second = (difference(SMART, LEGACY, chance=Random(3)) for _ in range(2))
    assert first == second


def test_weight() -> None:
    half = difference((100, 110), (150, 160), chance=Random(1), weight=Fraction(1, 2))
    assert half is not None
    assert half.low > 0


def test_an_interval_without_spread_is_a_point() -> None:
    found = difference((5, 5, 5), (3, 3), chance=Random(1), rounds=100)
    assert found is not None
    assert (found.low, found.middle, found.high) == (2, 2, 2)


def test_coverage_of_the_true_difference() -> None:
    """About 95 of 100 intervals hold the true difference of two known populations."""
    random, held = Random(11), 0
    for _ in range(100):
        first = [random.randrange(0, 1000) for _ in range(40)]
        second = [random.randrange(200, 1200) for _ in range(40)]
        found = difference(first, second, chance=random, rounds=200)
        assert found is not None
        held += found.low <= -200 <= found.high
    assert 88 <= held <= 100


def test_too_few() -> None:
    assert difference((1,), (1, 2), chance=Random(1)) is None
    assert difference((1, 2), (), chance=Random(1)) is None
