from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surefill.core.units import (
    CENT,
    MAX_NANO,
    NANO,
    US_EQUITY_TICKS,
    TickBand,
    TickSchedule,
    UnitError,
    ceil_div,
    floor_div,
    to_nano,
    to_nano_floor,
    to_text,
    to_usd_text,
)

HALF_CENT = TickSchedule((TickBand(0, NANO // 10_000), TickBand(NANO, CENT // 2)))
SCHEDULES = st.sampled_from([US_EQUITY_TICKS, HALF_CENT, TickSchedule((TickBand(0, 1),))])
PRICES = st.one_of(st.integers(-3 * NANO, 3 * NANO), st.integers(-MAX_NANO, MAX_NANO))


# --------------------------------------------------------------------------------- text and back


@pytest.mark.parametrize(
    ("value", "nano"),
    [
        ("150.07", 150_070_000_000),
        ("0", 0),
        ("-0.0", 0),
        ("-1.5", -1_500_000_000),
        ("1e3", 1000 * NANO),
        ("1E-9", 1),
        ("0.8462", 846_200_000),
        (25, 25 * NANO),
        (Decimal("534.82"), 534_820_000_000),
        (Decimal("1.0000000000000"), NANO),
        ("1000000000", MAX_NANO),
        ("-1000000000", -MAX_NANO),
        (" 7 ", 7 * NANO),
        ("7".zfill(64), 7 * NANO),
        (Decimal("1." + "0" * 64), NANO),
    ],
)
def test_numbers_are_read_exactly(value: str | int | Decimal, nano: int) -> None:
    assert to_nano(value) == nano


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (1.5, "got float"),
        (True, "got bool"),
        (None, "got NoneType"),
        ("", "not a number"),
        ("abc", "not a number"),
        ("1_000", "not a number"),
        ("1" * 65, "^not a number: '1{64}'$"),
        ("nan", "not finite"),
        ("Infinity", "not finite"),
        ("1e400", "out of range"),
        ("1000000000.000000001", "out of range"),
        ("0.0000000001", "more than 9 decimals"),
        ("1e-10", "more than 9 decimals"),
    ],
)
def test_what_is_no_exact_number_is_refused(value: object, says: str) -> None:
    with pytest.raises(UnitError, match=says):
        to_nano(value)  # type: ignore[arg-type]


@given(st.integers(-MAX_NANO, MAX_NANO))
def test_text_is_read_back(nano: int) -> None:
    assert to_nano(to_text(nano)) == nano
    assert to_nano(to_usd_text(nano)) == nano
    assert "e" not in to_text(nano).lower()


@pytest.mark.parametrize(
    ("nano", "text", "usd_text"),
    [
        (150_070_000_000, "150.07", "150.07"),
        (150_100_000_000, "150.1", "150.10"),
        (NANO, "1", "1.00"),
        (-1, "-0.000000001", "-0.000000001"),
        (0, "0", "0.00"),
        (846_200_000, "0.8462", "0.8462"),
    ],
)
def test_text_is_short(nano: int, text: str, usd_text: str) -> None:
    assert to_text(nano) == text
    assert to_usd_text(nano) == usd_text


@pytest.mark.parametrize(
    ("value", "nano"),
    [
        ("536.0012345678912", 536_001_234_567),
        ("-0.0000000001", -1),
        ("1.5", 1_500_000_000),
        (3, 3 * NANO),
        (Decimal("0.1"), 100_000_000),
    ],
)
def test_averages_are_cut_downward(value: str | int | Decimal, nano: int) -> None:
    assert to_nano_floor(value) == nano


@pytest.mark.parametrize(
    ("value", "says"), [("x", "not a number"), ("nan", "not finite"), ("1e99", "out of range")]
)
def test_averages_are_numbers(value: str, says: str) -> None:
    with pytest.raises(UnitError, match=says):
        to_nano_floor(value)


# -------------------------------------------------------------------------------------- division


@given(st.integers(), st.integers(min_value=1))
def test_division_is_directed(numerator: int, denominator: int) -> None:
    low, high = floor_div(numerator, denominator), ceil_div(numerator, denominator)
    assert low * denominator <= numerator <= high * denominator
    assert high - low == (numerator % denominator != 0)


# ----------------------------------------------------------------------------------------- ticks


@pytest.mark.parametrize(
    ("ticks", "px", "floor", "ceil"),
    [
        (US_EQUITY_TICKS, "150.075", "150.07", "150.08"),
        (US_EQUITY_TICKS, "149.925", "149.92", "149.93"),
        (US_EQUITY_TICKS, "150.07", "150.07", "150.07"),
        (US_EQUITY_TICKS, "0.84704", "0.847", "0.8471"),
        (US_EQUITY_TICKS, "0.99995", "0.9999", "1"),
        (US_EQUITY_TICKS, "1.00005", "1", "1.01"),
        (US_EQUITY_TICKS, "1", "1", "1"),
        (US_EQUITY_TICKS, "0.00001", "0", "0.0001"),
        (US_EQUITY_TICKS, "-0.00001", "-0.0001", "0"),
        (HALF_CENT, "20.0074", "20.005", "20.01"),
        (HALF_CENT, "20.005", "20.005", "20.005"),
    ],
)
def test_rounding_follows_the_band(ticks: TickSchedule, px: str, floor: str, ceil: str) -> None:
    assert to_text(ticks.floor(to_nano(px))) == floor
    assert to_text(ticks.ceil(to_nano(px))) == ceil


def test_the_tick_is_data_of_the_band() -> None:
    assert US_EQUITY_TICKS.tick_at(NANO - 1) == NANO // 10_000
    assert US_EQUITY_TICKS.tick_at(NANO) == CENT
    assert US_EQUITY_TICKS.tick_at(-5) == NANO // 10_000
    assert HALF_CENT.tick_at(NANO) == CENT // 2


def test_an_order_price_is_positive_and_on_the_grid() -> None:
    assert US_EQUITY_TICKS.holds(150_070_000_000)
    assert US_EQUITY_TICKS.holds(846_200_000)
    assert not US_EQUITY_TICKS.holds(150_075_000_000)
    assert not US_EQUITY_TICKS.holds(0)
    assert not US_EQUITY_TICKS.holds(-CENT)


@given(SCHEDULES, PRICES, st.integers(1, 10**12))
def test_rounded_ratios_are_the_nearest_grid_prices(
    ticks: TickSchedule, px: int, denominator: int
) -> None:
    numerator = px * denominator + px % denominator
    exact = Fraction(numerator, denominator)
    low, high = ticks.floor_ratio(numerator, denominator), ticks.ceil_ratio(numerator, denominator)
    assert low <= exact <= high
    for rounded in (low, high):
        assert rounded <= 0 or ticks.holds(rounded)
    tick = ticks.tick_at(numerator // denominator)
    assert high - low in (0, tick)
    assert (high == low) == (exact == low)


@pytest.mark.parametrize(
    "bands",
    [
        (),
        (TickBand(1, 1),),
        (TickBand(0, 0),),
        (TickBand(0, -1),),
        (TickBand(0, 10), TickBand(0, 20)),
        (TickBand(0, 10), TickBand(15, 5)),
        (TickBand(0, 10), TickBand(20, 30)),
    ],
)
def test_a_schedule_that_is_no_grid_is_refused(bands: tuple[TickBand, ...]) -> None:
    with pytest.raises(UnitError):
        TickSchedule(bands)


@pytest.mark.parametrize("text", ["1e-999999999", "1e999999999", "-1e-999999", "1e400"])
def test_absurd_exponents_are_refused_at_once(text: str) -> None:
    for convert in (to_nano, to_nano_floor):
        with pytest.raises(UnitError):
            convert(text)


def test_zero_is_zero_however_it_is_spelt() -> None:
    assert to_nano("0e-999999999") == to_nano_floor("0e999") == to_nano("-0") == 0


@pytest.mark.parametrize(
    ("bands", "says"),
    [
        ((), "a tick schedule starts with a band from 0"),
        ((TickBand(NANO, CENT),), "a tick schedule starts with a band from 0"),
        (
            (TickBand(0, 3 * CENT), TickBand(NANO, CENT)),
            "band at 1 is not on the grid below it",
        ),
        ((TickBand(0, CENT), TickBand(NANO, 3 * CENT)), "band at 1 is not on its own grid"),
    ],
)
def test_what_is_wrong_with_a_schedule_is_said(bands: tuple[TickBand, ...], says: str) -> None:
    with pytest.raises(UnitError, match=f"^{says}$"):
        TickSchedule(bands)
