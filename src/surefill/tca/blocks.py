"""How sure a comparison is: resampling whole symbol-days, and an interval that survives peeking.

What: `Block` (what two paths cost in one symbol-day), `resampled` (bootstrap intervals of the
difference and of the ratio), `always_valid` (a confidence sequence), `blocks_needed`.
Why blocks: plans of one symbol and day share their market, so they are not independent; resampling
them one by one would promise more than there is. A symbol-day is resampled whole (Künsch, Annals of
Statistics 17, 1989).
Formulas: difference = mean of the first path - mean of the second, over all plans drawn; interval
by percentiles of `ROUNDS` draws. Always valid: asymptotic confidence sequence of the mean of the
blocks' differences (Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas, Annals of Statistics 52, 2024),

    half width = sd sqrt(2 (n r^2 + 1) / (n^2 r^2) ln(sqrt(n r^2 + 1) / alpha))

with r^2 = 1 / `TUNED_BLOCKS`: it may be looked at after every block, for ever. Blocks needed for a
fixed n: ((1.96 + 0.84) sd / difference)^2, that is 95 % confidence and 80 % power.
Invariants: integers, rounded down at the end; roots and logarithms in a decimal context of its
own; the same seed gives the same interval.
Must never: claim anything from fewer than `BLOCKS_MIN` blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from random import Random

from surefill.core.units import NANO
from surefill.tca.statistics import CONFIDENCE_PERCENT, Interval

ROUNDS = 2_000
BLOCKS_MIN = 6
"""With five blocks even unanimity has a two-sided sign test of 2/32 = 6.25 %; with six, 3.1 %."""
TUNED_BLOCKS = 40
"""About two months of one symbol: where the always-valid interval is tightest."""
ALPHA = Decimal(100 - CONFIDENCE_PERCENT).scaleb(-2)
POWER_FACTOR = Fraction(28, 10)
_CONTEXT = Context(prec=40)
_FINE = 1_000_000
"""Means are kept this much finer than a ppb until the end."""


@dataclass(frozen=True, slots=True)
class Block:
    """One symbol-day: sums of ppb and numbers of plans of the two paths."""

    first: int
    first_count: int
    second: int
    second_count: int

    @property
    def has_both(self) -> bool:
        """Whether both paths had a plan in it."""
        return bool(self.first_count and self.second_count)

    @property
    def difference(self) -> Fraction:
        """Mean of the first - mean of the second; `has_both` must hold."""
        return Fraction(self.first, self.first_count) - Fraction(self.second, self.second_count)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the blocks say: means and their difference in ppb, each with its interval; ``ratio`` of
    the means (ppb) only where the second path's interval lies above zero and there are enough
    blocks to claim it. Intervals are ``None``
    with a single block."""

    blocks: int
    first: int
    second: int
    difference: int
    first_interval: Interval | None
    second_interval: Interval | None
    difference_interval: Interval | None
    ratio: Interval | None
    always: Interval | None
    needed: int | None

    @property
    def can_claim(self) -> bool:
        """Whether there are enough blocks to claim anything at all."""
        return self.blocks >= BLOCKS_MIN

    @property
    def is_real(self) -> bool:
        """Whether the difference's interval excludes zero, with enough blocks."""
        found = self.difference_interval
        return self.can_claim and found is not None and not found.low <= 0 <= found.high


def estimate(blocks: Sequence[Block], *, chance: Random, rounds: int = ROUNDS) -> Estimate | None:
    """The comparison of these blocks; ``None`` when one path has no plan at all."""
    drawn = _means(blocks)
    if drawn is None:
        return None
    first, second = drawn
    both = [block for block in blocks if block.has_both]
    seen = _resampled(blocks, chance, rounds) if len(blocks) > 1 else []
    second_interval = _interval([b // _FINE for _, b in seen], second // _FINE)
    ratio = None
    is_costly = second_interval is not None and second_interval.low > 0
    if is_costly and len(both) >= BLOCKS_MIN and all(b > 0 for _, b in seen):
        ratio = _interval([a * NANO // b for a, b in seen], first * NANO // second)
    return Estimate(
        blocks=len(both),
        first=first // _FINE,
        second=second // _FINE,
        difference=(first - second) // _FINE,
        first_interval=_interval([a // _FINE for a, _ in seen], first // _FINE),
        second_interval=second_interval,
        difference_interval=_interval(
            [(a - b) // _FINE for a, b in seen], (first - second) // _FINE
        ),
        ratio=ratio,
        always=always_valid([block.difference for block in both]),
        needed=blocks_needed([block.difference for block in both]),
    )


def _means(blocks: Sequence[Block]) -> tuple[int, int] | None:
    """The means of both paths in ppb times `_FINE`, rounded down."""
    first = first_count = second = second_count = 0
    for block in blocks:
        first += block.first
        first_count += block.first_count
        second += block.second
        second_count += block.second_count
    if not first_count or not second_count:
        return None
    return first * _FINE // first_count, second * _FINE // second_count


def _resampled(blocks: Sequence[Block], chance: Random, rounds: int) -> list[tuple[int, int]]:
    """Pairs of means of whole blocks drawn with replacement; a draw without one path is void."""
    draws = (_means(chance.choices(blocks, k=len(blocks))) for _ in range(rounds))
    return [one for one in draws if one is not None]


def _interval(values: Sequence[int], middle: int) -> Interval | None:
    if not values:
        return None
    drawn = sorted(values)
    tail = (100 - CONFIDENCE_PERCENT) * len(drawn) // 200
    return Interval(drawn[tail], middle, drawn[-1 - tail])


def _mean(values: Sequence[Fraction]) -> Fraction:
    return sum(values, Fraction(0)) * Fraction(1, len(values))


def _variance(values: Sequence[Fraction]) -> Fraction:
    middle = _mean(values)
    squares = sum(((one - middle) ** 2 for one in values), Fraction(0))
    return squares * Fraction(1, len(values) - 1)


def always_valid(differences: Sequence[Fraction]) -> Interval | None:
    """The interval that may be looked at after every block; ``None`` below `BLOCKS_MIN`."""
    n = len(differences)
    if n < BLOCKS_MIN:
        return None
    middle = int(_mean(differences))
    scaled = Fraction(n, TUNED_BLOCKS) + 1  # n r^2 + 1
    log = _CONTEXT.ln(_CONTEXT.divide(_CONTEXT.sqrt(_decimal(scaled)), ALPHA))
    before = _variance(differences) * 2 * scaled * TUNED_BLOCKS * Fraction(1, n * n)
    half = int(_CONTEXT.sqrt(_CONTEXT.multiply(_decimal(before), log))) + 1
    return Interval(middle - half, middle, middle + half)


def blocks_needed(differences: Sequence[Fraction]) -> int | None:
    """How many blocks a fixed-size comparison of the measured difference needs; ``None`` when that
    cannot be said."""
    if len(differences) < 2 or not sum(differences):
        return None
    wanted = POWER_FACTOR**2 * _variance(differences) * _mean(differences) ** -2
    return max(BLOCKS_MIN, -(-wanted.numerator // wanted.denominator))


def _decimal(value: Fraction) -> Decimal:
    return _CONTEXT.divide(Decimal(value.numerator), Decimal(value.denominator))
