"""Numbers and times exactly as Alpaca writes them."""

from __future__ import annotations

import pytest

from surefill.core.units import to_nano
from surefill.sim.alpaca.text import (
    activity_prefix,
    average_text,
    is_uuid,
    money_text,
    new_york_date,
    optional_text,
    parse_stamp,
    ratio_text,
    stamp_new_york,
    stamp_ns,
    stamp_us,
    uuid_of,
    whole_text,
    wire_number,
)

NS = parse_stamp("2021-07-08T14:50:50.206240789Z") or 0


@pytest.mark.parametrize(
    ("numerator", "denominator", "text"),
    [
        (1, 2, "0.5"),
        (-1, 2, "-0.5"),
        (6, 3, "2"),
        (0, 5, "0"),
        (-5, 7296_22, "-0.0000068528635376"),
        (2, 3, "0.6666666666666667"),
        (1, -4, "-0.25"),
        (-1, 10**20, "0"),
    ],
)
def test_ratios(numerator: int, denominator: int, text: str) -> None:
    assert ratio_text(numerator, denominator) == text


def test_an_average_has_sixteen_places() -> None:
    cost = to_nano("25536.87") * 10**9
    assert average_text(cost, to_nano("7")) == "3648.1242857142857143"


def test_money_is_exact() -> None:
    assert money_text(to_nano("10.5") * to_nano("3.000000001")) == "31.5000000105"
    assert money_text(-(10**18)) == "-1"
    assert optional_text(None) is None
    assert optional_text(to_nano("2.50")) == "2.5"


def test_json_numbers_read_back_as_the_same_text() -> None:
    assert wire_number(to_nano("100")) == 100
    assert isinstance(wire_number(to_nano("100")), int)
    assert repr(wire_number(to_nano("0.1"))) == "0.1"
    assert repr(wire_number(to_nano("534.82"))) == "534.82"


def test_stamps() -> None:
    assert stamp_us(NS) == "2021-07-08T14:50:50.20624Z"
    assert stamp_ns(NS) == "2021-07-08T14:50:50.206240789Z"
    assert stamp_us(NS // 10**9 * 10**9) == "2021-07-08T14:50:50Z"
    assert stamp_us(None) is None
    assert stamp_new_york(NS) == "2021-07-08T10:50:50.206240789-04:00"
    winter = parse_stamp("2021-01-08T14:30:00Z") or 0
    assert stamp_new_york(winter) == "2021-01-08T09:30:00-05:00"


def test_activity_ids_start_with_new_york_milliseconds() -> None:
    assert activity_prefix(NS) == "20210708105050206"
    assert new_york_date(parse_stamp("2021-07-09T03:59:00Z") or 0) == "2021-07-08"


@pytest.mark.parametrize(
    ("text", "same_as"),
    [
        ("2021-07-08T10:50:50.206240789-04:00", "2021-07-08T14:50:50.206240789Z"),
        ("2021-07-08T10:50:50-04:00", "2021-07-08T14:50:50Z"),
        ("2021-07-08T14:50:50", "2021-07-08T14:50:50Z"),
        ("2021-07-08", "2021-07-08T04:00:00Z"),
        ("2021-07-08T14:50:50.5+00:00", "2021-07-08T14:50:50.500Z"),
        ("2021-07-08T14:50:50 00:00", "2021-07-08T14:50:50Z"),
    ],
)
def test_stamps_are_read_in_any_precision_and_offset(text: str, same_as: str) -> None:
    assert parse_stamp(text) == parse_stamp(same_as) is not None


@pytest.mark.parametrize("text", ["", "soon", "2021-13-40", "14:50", "T"])
def test_other_text_is_no_time(text: str) -> None:
    assert parse_stamp(text) is None


def test_ids_are_functions() -> None:
    one = uuid_of("account", "K")
    assert one == uuid_of("account", "K") != uuid_of("account", "L")
    assert is_uuid(one)
    assert not is_uuid("fake_id")
    assert not is_uuid("zzzzzzzz-0000-4000-8000-000000000000")


def test_lone_surrogates_become_the_replacement_character() -> None:
    pair = "\ud83d\ude00"
    broken = {"a\ud800": ["\udfff", pair, "plain", 7, None]}
    assert whole_text(broken) == {"a\ufffd": ["\ufffd", "\U0001f600", "plain", 7, None]}
