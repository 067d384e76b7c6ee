"""Profiles of synthetic stocks: bounds, the price grid, and the shapes of the day."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surefill.core.session import SessionKind
from surefill.core.units import US_EQUITY_TICKS
from surefill.sim.market import TapeError, TapeErrorCode
from surefill.sim.profiles import (
    DEPTH_PCT,
    MID,
    PENNY,
    PROFILES,
    SIZE_PCT,
    TIGHT,
    WIDE,
    Profile,
    minutes_of,
    to_index,
    to_px,
)
from surefill.sim.synthetic import PX_UNIT


def test_four_profiles_are_ready() -> None:
    assert PROFILES == {"tight": TIGHT, "mid": MID, "wide": WIDE, "penny": PENNY}


@pytest.mark.parametrize(
    "change",
    [
        {"start_px": 0},
        {"spread_ticks": 0},
        {"depth_qty": 0},
        {"lot_qty": 0},
        {"order_qty": 0},
        {"events": 0},
        {"volatility_bps": -1},
        {"drift_pct": -1},
        {"trade_ppt": 1001},
        {"trade_ppt": -1},
        {"start_px": 140_050},
        {"start_px": 10},
    ],
)
def test_an_impossible_profile_is_refused(change: dict[str, int]) -> None:
    with pytest.raises(TapeError) as error:
        replace(TIGHT, **change)  # type: ignore[arg-type]
    assert error.value.code is TapeErrorCode.PROFILE_INVALID


def test_the_grid_is_the_tick_rule_and_crosses_one_dollar() -> None:
    assert [to_px(index) for index in (9_999, 10_000, 10_001)] == [9_999, 10_000, 10_100]
    for index in (1, 4_500, 9_999, 10_000, 10_001, 63_500):
        assert to_index(to_px(index)) == index
        assert US_EQUITY_TICKS.holds(to_px(index) * PX_UNIT)
    assert to_index(10_199) == 10_001


def test_distributions_are_what_their_comments_say() -> None:
    assert (len(SIZE_PCT), len(DEPTH_PCT)) == (64, 40)
    below, at = sum(pct < 100 for pct in SIZE_PCT), sum(pct == 100 for pct in SIZE_PCT)
    assert (below, at) == (24, 24)
    assert 105 <= sum(DEPTH_PCT) // len(DEPTH_PCT) <= 115


def test_the_day_is_u_shaped_and_its_spread_narrows() -> None:
    minutes = minutes_of(MID, SessionKind.RTH, 390, sigma=1_000)
    first, noon, last = minutes[0], minutes[195], minutes[-1]
    assert first.sigma > last.sigma > noon.sigma
    assert first.gap_us < last.gap_us < noon.gap_us
    assert first.spread_ticks > noon.spread_ticks >= last.spread_ticks
    assert first.depth_qty < noon.depth_qty < last.depth_qty


def test_a_half_day_has_the_same_shape_in_less_time() -> None:
    full = minutes_of(MID, SessionKind.RTH, 390, sigma=1_000)
    half = minutes_of(MID, SessionKind.RTH, 210, sigma=1_000)
    assert (len(half), half[0]) == (210, full[0])
    assert half[105].gap_us == pytest.approx(full[195].gap_us, rel=0.01)


def test_extended_hours_are_sparse_wide_and_thin_all_along() -> None:
    minutes = minutes_of(WIDE, SessionKind.ETH, 240, sigma=1_000)
    noon = minutes_of(WIDE, SessionKind.RTH, 390, sigma=1_000)[195]
    assert len(set(minutes)) == 1
    assert minutes[0].gap_us > 10 * noon.gap_us
    assert minutes[0].spread_ticks > 3 * noon.spread_ticks
    assert minutes[0].depth_qty == WIDE.lot_qty


def test_even_a_part_shorter_than_a_minute_has_habits() -> None:
    assert len(minutes_of(Profile("x", 100, 1, 1, 1, 1, 0, 1, 0), SessionKind.RTH, 0, sigma=0)) == 1
