"""Intervals over symbol-days: resampling, ratios, the interval that survives peeking, sizes."""

from __future__ import annotations

from fractions import Fraction
from math import log, sqrt
from random import Random

import pytest

from surefill.core.units import NANO
from surefill.tca.blocks import (
    BLOCKS_MIN,
    TUNED_BLOCKS,
    Block,
    always_valid,
    blocks_needed,
    estimate,
)
from surefill.tca.statistics import Interval

BPS = 100_000


def blocks(*pairs: tuple[int, int], plans: int = 10) -> list[Block]:
    """Symbol-days by the two paths' means in basis points."""
    return [Block(a * BPS * plans, plans, b * BPS * plans, plans) for a, b in pairs]


def test_a_clear_difference_is_real_and_has_a_ratio() -> None:
    found = estimate(blocks(*[(2 + n % 2, 6 + n % 3) for n in range(8)]), chance=Random(1))
    assert found is not None
    assert found.is_real
    assert found.can_claim
    assert found.difference < 0
    assert found.difference_interval is not None
    assert found.difference_interval.high < 0
    assert found.ratio is not None
    assert found.ratio.low < found.ratio.middle < found.ratio.high < NANO // 2
    assert found.first_interval is not None
    assert found.first_interval.low <= found.first <= found.first_interval.high


def test_the_same_seed_gives_the_same_interval() -> None:
    given = blocks(*[(n, 2 * n) for n in range(1, 8)])
    assert estimate(given, chance=Random(3)) == estimate(given, chance=Random(3))


def test_no_ratio_where_the_second_path_may_cost_nothing() -> None:
    found = estimate(blocks((1, 5), (1, -4), (2, 3), (1, 0), (2, 2), (1, 1)), chance=Random(1))
    assert found is not None
    assert found.ratio is None
    assert not found.is_real


def test_few_blocks_claim_nothing() -> None:
    found = estimate(blocks(*[(1, 9)] * (BLOCKS_MIN - 1)), chance=Random(1))
    assert found is not None
    assert (found.can_claim, found.is_real, found.always) == (False, False, None)
    assert found.ratio is None
    assert found.difference_interval is not None
    alone = estimate(blocks((1, 9)), chance=Random(1))
    assert alone is not None
    assert (alone.difference_interval, alone.ratio, alone.needed) == (None, None, None)


def test_arms_that_share_no_day_have_no_differences_by_day() -> None:
    given = [Block(10, 1, 0, 0), Block(0, 0, 30, 1), Block(20, 1, 0, 0), Block(0, 0, 50, 1)]
    found = estimate(given, chance=Random(1), rounds=200)
    assert found is not None
    assert (found.blocks, found.difference, found.needed) == (0, -25, None)
    assert estimate([Block(10, 1, 0, 0)], chance=Random(1)) is None


def test_the_always_valid_interval_against_its_formula() -> None:
    values = [Fraction(n * BPS) for n in (1, 3, 2, 5, 4, 3, 2)]
    n, mean = len(values), sum(values) / len(values)
    variance = float(sum((one - mean) ** 2 for one in values) / (n - 1))
    r2 = 1 / TUNED_BLOCKS
    half = sqrt(variance * 2 * (n * r2 + 1) / (n * n * r2) * log(sqrt(n * r2 + 1) / 0.05))
    found = always_valid(values)
    assert isinstance(found, Interval)
    assert found.middle == int(mean)
    assert found.high - found.middle == pytest.approx(half, abs=2)
    assert found.middle - found.low == found.high - found.middle


def test_it_is_wider_than_the_bootstrap_and_narrows() -> None:
    few = always_valid([Fraction(n % 5 * BPS) for n in range(10)])
    many = always_valid([Fraction(n % 5 * BPS) for n in range(100)])
    assert few is not None
    assert many is not None
    assert many.high - many.low < few.high - few.low


def test_blocks_needed_by_hand() -> None:
    """sd 1, difference 2: 2.8^2 / 4 = 1.96 blocks, but never fewer than may claim anything; sd 2,
    difference 1: 7.84 x 4 = 31.36."""
    assert blocks_needed([Fraction(1), Fraction(2), Fraction(3)]) == BLOCKS_MIN
    assert blocks_needed([Fraction(-1), Fraction(1), Fraction(3)]) == 32
    assert blocks_needed([Fraction(-1), Fraction(1)]) is None
    assert blocks_needed([Fraction(1)]) is None
    assert blocks_needed([]) is None
