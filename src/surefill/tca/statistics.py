"""How sure a difference between two paths is: a bootstrap over integers, the same for one seed.

    interval = difference(smart, legacy, chance=Random(7))
    interval.low, interval.middle, interval.high        # of mean(smart) - mean(legacy), in ppb

What: `difference` of two means with a confidence interval by resampling (percentile method).
Why: ten trades with half the slippage prove nothing yet; the width of the interval says so.
Invariants: sums of integers, one division at the end; the same seed gives the same interval.
Must never: use a float for a measured number, or claim anything from fewer than two of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from random import Random

ROUNDS = 2_000
"""Enough that the ends of a 95 % interval move by less than a tenth of its width."""
CONFIDENCE_PERCENT = 95
SAMPLE_MIN = 2


@dataclass(frozen=True, slots=True)
class Interval:
    """A difference of means: the measured one and where it lies with `CONFIDENCE_PERCENT`."""

    low: int
    middle: int
    high: int


def difference(
    first: Sequence[int],
    second: Sequence[int],
    *,
    chance: Random,
    weight: Fraction = Fraction(1),
    rounds: int = ROUNDS,
) -> Interval | None:
    """Where mean(first) - weight * mean(second) lies; ``None`` with too few numbers.

    With weight 1/2 and costs: wholly below 0 means that the first costs less than half.
    """
    if min(len(first), len(second)) < SAMPLE_MIN:
        return None
    middle = _weighted(first, second, weight)
    drawn = sorted(
        _weighted(_resampled(first, chance), _resampled(second, chance), weight)
        for _ in range(rounds)
    )
    tail = (100 - CONFIDENCE_PERCENT) * rounds // 200
    return Interval(int(drawn[tail]), int(middle), int(drawn[-1 - tail]))


def _weighted(first: Sequence[int], second: Sequence[int], weight: Fraction) -> Fraction:
    return Fraction(sum(first), len(first)) - weight * Fraction(sum(second), len(second))


def _resampled(values: Sequence[int], chance: Random) -> list[int]:
    return chance.choices(values, k=len(values))
