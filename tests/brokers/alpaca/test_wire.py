"""Decoding that answers instead of raising."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from surefill.brokers.alpaca import wire
from surefill.brokers.alpaca.wire import Unreadable, WireError
from surefill.core.units import NANO, UnitError, to_nano, to_nano_floor


def test_foreign_text_becomes_one_short_printable_line() -> None:
    assert wire.printable("a\nb\tc\x1b[0m\u202e") == "a b c [0m "
    assert len(wire.printable("x" * 10_000)) == wire.TEXT_LENGTH_MAX


def test_an_attempt_turns_bad_records_into_values() -> None:
    assert wire.attempt("x", lambda: 7) == 7
    assert wire.attempt("x", lambda: wire.split(b"{")).__class__ is Unreadable

    def deep() -> int:
        raise RecursionError

    assert wire.attempt("x", deep) == Unreadable("x", "nested too deeply")


def test_a_bug_of_ours_is_no_bad_record() -> None:
    def bug() -> int:
        raise TypeError

    with pytest.raises(TypeError):
        wire.attempt("x", bug)


def test_a_list_is_split_before_its_items_are_read() -> None:
    assert [bytes(raw) for raw in wire.split(b'[{"qty":1e400}, 7, null]')] == [
        b'{"qty":1e400}',
        b"7",
        b"null",
    ]


@pytest.mark.parametrize(
    "text", ["NaN", "sNaN", "Infinity", "1e31", "1e-31", "1" * 49, "1000000000.000000001"]
)
def test_numbers_out_of_reason_are_refused(text: str) -> None:
    with pytest.raises(WireError, match="qty"):
        wire.exact(Decimal(text), "qty")


@pytest.mark.parametrize("text", ["1e999999999", "1e-999999999", "-1e999999"])
def test_absurd_exponents_cost_nothing(text: str) -> None:
    with pytest.raises(ValueError):
        wire.exact(Decimal(text), "qty")
    with pytest.raises(ValueError):
        wire.floor_or_none(Decimal(text), "qty")


def test_exact_and_cut_numbers() -> None:
    assert wire.exact(Decimal("0E+999999"), "qty") == 0
    assert wire.exact(Decimal("150.07"), "px") == 150_070_000_000
    assert wire.exact_or_none(None, "px") is None
    assert wire.exact_or_none(Decimal(1), "px") == NANO
    assert wire.floor_or_none(None, "px") is None
    assert wire.floor_or_none(Decimal("3648.1242857142857143"), "px") == 3_648_124_285_714
    with pytest.raises(ValueError):
        wire.exact(Decimal("3648.1242857142857143"), "px")
    with pytest.raises(WireError, match="px is missing"):
        wire.exact(None, "px")


def test_signs() -> None:
    assert wire.not_negative(0, "qty") == 0
    assert wire.positive(1, "qty") == 1
    with pytest.raises(WireError):
        wire.not_negative(-1, "qty")
    with pytest.raises(WireError):
        wire.positive(0, "qty")


def test_a_lone_number_that_cannot_be_read_is_none() -> None:
    assert wire.lone_number(Raw(b'"1.5"')) == Decimal("1.5")
    assert wire.lone_number(Raw(b"1.5")) == Decimal("1.5")
    for raw in (b"null", b'"x"', b"{}", b'"NaN"', b"true", b"[1"):
        assert wire.lone_number(Raw(raw)) is None


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, places=9, min_value=-(10**8), max_value=10**8
    )
)
def test_nine_decimals_are_exact(number: Decimal) -> None:
    assert wire.exact(number, "x") == int(number * NANO)


def test_unknown_fields_are_ignored_and_missing_ones_none() -> None:
    order = wire.decode(
        wire.OrderWire, b'{"id":"a","symbol":"A","side":"buy","status":"new","new_field":[1]}'
    )
    assert order.qty is None
    assert order.legs is None


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9))
def test_the_fast_way_equals_the_cores(number: Decimal) -> None:
    text = str(number)
    if abs(number.adjusted()) > wire.EXPONENT_MAX or len(text) > wire.LENGTH_MAX:
        return
    assert wire.floor_or_none(number, "x") == to_nano_floor(number)
    try:
        expected = to_nano(number)
    except UnitError:
        with pytest.raises(WireError):
            wire.exact(number, "x")
        return
    assert wire.exact(number, "x") == expected
