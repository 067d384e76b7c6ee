"""What kind of stock a synthetic tape shows, and its habits by time of day.

What: `Profile` (four ready ones: `TIGHT`, `MID`, `WIDE`, `PENNY`), the day's shapes of volatility,
activity, spread and depth, the size distributions, and the price grid of US equities.
Why: apart from the generator, so that a reader can judge every number of the model on one page.

Invariants: integers only; every table is written out, none is computed from ``float``.
Must never: be fitted to the recorded days (they judge us) or to what flatters a tactic.
"""

from __future__ import annotations

from dataclasses import dataclass

from surefill.core.session import SessionKind
from surefill.sim.market import TapeError, TapeErrorCode

_DOLLAR = 10_000
MIN_INDEX = 16
"""The grid index (see `to_px`) below which the fair value is not let: $0.0016."""


def to_px(index: int) -> int:
    """Price in 1/10000 dollar of a grid index: one per 1/10000 below $1.00, one per cent above.

    Counting ticks and not dollars lets a price cross $1.00 without a special case.
    """
    return index if index <= _DOLLAR else _DOLLAR + (index - _DOLLAR) * 100


def to_index(px: int) -> int:
    """The grid index at or below a price in 1/10000 dollar."""
    return px if px <= _DOLLAR else _DOLLAR + (px - _DOLLAR) // 100


Knots = tuple[tuple[int, int], ...]
"""(per mille of the session, per cent of the profile's value), linear in between. The shapes are
the well-known ones of US equities; the numbers are round on purpose and fitted to no tape."""

_VOLATILITY: Knots = (
    (0, 240),
    (40, 180),
    (150, 115),
    (450, 75),
    (800, 85),
    (960, 120),
    (1000, 150),
)
_ACTIVITY: Knots = ((0, 300), (40, 210), (150, 115), (450, 60), (800, 85), (960, 180), (1000, 280))
_SPREAD: Knots = ((0, 250), (30, 160), (100, 115), (300, 100), (1000, 95))
_DEPTH: Knots = ((0, 35), (50, 65), (200, 95), (500, 100), (900, 120), (1000, 200))
_EXTENDED_PCT = (30, 3, 400, 25)
"""Volatility, activity, spread and depth of pre- and post-market, all day the same."""

SIZE_PCT = (
    *(1, 1, 2, 3, 5, 5, 7, 10, 10, 10, 12, 15, 20, 25, 25, 30, 33, 40, 50, 50, 50, 60, 75, 80),
    *(100,) * 24,
    *(200, 200, 200, 200, 200, 300, 300, 300, 400, 400, 500, 500, 700, 1000, 1500, 3000),
)
"""Order sizes in per cent of `Profile.order_qty`, equally likely (64): 3/8 below, 3/8 at, 1/4
above. Many orders are exactly one lot, and the tail is heavy."""

DEPTH_PCT = (
    *(8, 12, 15, 18, 21, 24, 27, 30, 33, 36, 40, 43, 47, 50, 54, 58, 62, 66, 70, 75, 80, 85, 90),
    *(95, 100, 107, 114, 122, 131, 140, 150, 162, 175, 190, 207, 227, 250, 280, 320, 450),
)
"""Sizes of a new level in per cent of the depth, equally likely (40): skewed, mean about 110."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What kind of stock it is. Prices and sizes are where the day starts, not bounds.

    ``start_px``: 1/10000 dollar. ``spread_ticks``: usual spread. ``depth_qty``, ``lot_qty``,
    ``order_qty``: usual shares at the touch, its granularity, usual shares of an order.
    ``volatility_bps``: a day's volatility. ``drift_pct``: the move of a trending hour in per cent
    of it. ``events``: book events in a full session (about as many quotes); ``trade_ppt``: how
    many of a thousand events are orders that take the touch.
    """

    name: str
    start_px: int
    spread_ticks: int
    depth_qty: int
    lot_qty: int
    order_qty: int
    volatility_bps: int
    events: int
    trade_ppt: int
    drift_pct: int = 60

    def __post_init__(self) -> None:
        numbers = (self.start_px, self.spread_ticks, self.depth_qty, self.lot_qty, self.order_qty)
        if min(numbers) < 1 or self.events < 1 or self.volatility_bps < 0 or self.drift_pct < 0:
            raise TapeError(TapeErrorCode.PROFILE_INVALID, "a profile is positive", self)
        if not 0 <= self.trade_ppt <= 1000:
            raise TapeError(TapeErrorCode.PROFILE_INVALID, "trade_ppt is per thousand", self)
        if to_px(to_index(self.start_px)) != self.start_px or self.start_px < MIN_INDEX * 4:
            raise TapeError(TapeErrorCode.PROFILE_INVALID, "start_px is not on the tick", self)


TIGHT = Profile("tight", 140_000, 1, 20_000, 100, 400, 150, 90_000, 150)
"""Like BAC: one cent wide, deep queues."""
MID = Profile("mid", 1_850_000, 3, 500, 100, 100, 130, 60_000, 180)
"""Like IBM: a few cents wide, a few round lots."""
WIDE = Profile("wide", 5_360_000, 10, 80, 40, 30, 300, 80_000, 120)
"""Like CRWD: high price, wide spread, thin touch (a round lot of 40 above $250)."""
PENNY = Profile("penny", 4_500, 6, 6_000, 100, 700, 700, 20_000, 150)
"""Below a dollar, ticks of $0.0001; a trend can carry it across $1.00 where the tick changes."""

PROFILES = {profile.name: profile for profile in (TIGHT, MID, WIDE, PENNY)}


@dataclass(frozen=True, slots=True)
class Minute:
    """The market's habits in one minute: volatility per step in fair-value units, mean gap between
    events in microseconds, target spread in ticks, depth in shares."""

    sigma: int
    gap_us: int
    spread_ticks: int
    depth_qty: int


def minutes_of(profile: Profile, kind: SessionKind, count: int, *, sigma: int) -> list[Minute]:
    """The habits of each minute of a part of the day of ``count`` minutes (at least one).

    ``sigma`` is the usual volatility of one step, in the generator's units.
    """
    gap_us = 23_400_000_000 // profile.events
    minutes = []
    for minute in range(max(1, count)):
        volatility, activity, spread, depth = _EXTENDED_PCT
        if kind is SessionKind.RTH:
            at = minute * 1000 // count if count else 0
            volatility, activity = _at(_VOLATILITY, at), _at(_ACTIVITY, at)
            spread, depth = _at(_SPREAD, at), _at(_DEPTH, at)
        minutes.append(
            Minute(
                sigma=sigma * volatility // 100,
                gap_us=max(1, gap_us * 100 // activity),
                spread_ticks=max(1, (profile.spread_ticks * spread + 50) // 100),
                depth_qty=max(profile.lot_qty, profile.depth_qty * depth // 100),
            )
        )
    return minutes


def _at(knots: Knots, position: int) -> int:
    """Linear interpolation in a knot table, integers, rounded down; 0 <= position <= 1000."""
    index = next(i for i, (right, _) in enumerate(knots) if position <= right)
    (left, low), (right, high) = knots[max(0, index - 1)], knots[index]
    return low + (high - low) * (position - left) // max(1, right - left)
