"""Numbers for people."""

from __future__ import annotations

from decimal import Decimal

import pytest

from surefill.core.units import NANO
from surefill.dashboard.words import (
    change_text,
    clock_text,
    date_text,
    plural,
    px_text,
    qty_text,
    ratio_text,
    seconds_text,
    shares_text,
    signed_text,
    usd_text,
)
from tests.support.core import START_NS


def test_what_is_not_known_is_a_dash() -> None:
    assert {px_text(None), qty_text(None), usd_text(None), ratio_text(None)} == {"-"}
    assert signed_text(None) == "-"


def test_prices_are_cut_not_rounded() -> None:
    assert px_text(100_019_990_000) == "100.0199"
    assert px_text(100 * NANO) == "100.00"


def test_money_is_signed_and_in_cents() -> None:
    assert [usd_text(n) for n in (-1_999_999_999, 0, 12_345_000_000)] == [
        "-1.99",
        "+0.00",
        "+12.34",
    ]


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0.000 s"),
        (213_999_999, "0.213 s"),
        (12_480_000_000, "12.4 s"),
        (185 * NANO, "3 min 05 s"),
        (7_620 * NANO, "2 h 07 min"),
    ],
)
def test_durations(ns: int, text: str) -> None:
    assert seconds_text(ns) == text


def test_times_are_new_yorks() -> None:
    assert date_text(START_NS).endswith(clock_text(START_NS)[:5])


def test_ratios_say_what_became_of_them() -> None:
    assert change_text(Decimal("2"), None) == "2.00"
    assert change_text(Decimal("2"), Decimal("1.9389")) == "2.00 → 1.93"
    assert signed_text(Decimal("4.00")) == "+4.00"


def test_one_and_many() -> None:
    assert [plural(1, "record"), plural(2, "record")] == ["1 record", "2 records"]
    assert [shares_text(NANO), shares_text(5 * NANO // 2)] == ["1 share", "2.5 shares"]
