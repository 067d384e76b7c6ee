"""Limits as data: read exactly, shown as they are read, one symbol at a time."""

from __future__ import annotations

from dataclasses import fields

import pytest

from surefill.core.limits import (
    DEFAULTS,
    LIMIT_ROWS,
    Entered,
    LimitError,
    Limits,
    Override,
    read_limits,
    recent,
    show_limits,
)
from surefill.core.plan import SECOND_NS
from surefill.core.units import NANO

SHOWN = (
    "collar=0.1 displayed_share=0 volume_share=0 entries_per_minute=60 "
    "symbol_entries_per_minute=10 duplicate_s=0.2"
)


def test_every_row_is_a_field_with_a_unit_and_a_meaning() -> None:
    names = {field.name for field in fields(Limits)}
    assert {row.field for row in LIMIT_ROWS} <= names
    assert all(row.unit and row.meaning for row in LIMIT_ROWS)
    assert set(DEFAULTS) <= {row.field for row in LIMIT_ROWS if row.has_default}


def test_what_is_not_given_keeps_its_default() -> None:
    assert show_limits(read_limits("")) == SHOWN
    given = read_limits("duplicate_s=0.5, TSLA:order_qty=100 TSLA:collar=0.02")
    assert show_limits(given) == (
        SHOWN.replace("duplicate_s=0.2", "duplicate_s=0.5") + " TSLA:collar=0.02 TSLA:order_qty=100"
    )
    assert read_limits(show_limits(given)) == given


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("TSLA:order_qty=10000000.000000001", "outside 0.000000001 to 10000000 shares"),
        ("nothing=1", "one of collar, displayed_share, volume_share, entries_per_minute, "),
        ("collar", "NAME=VALUE"),
        ("hope=1", "one of collar"),
        ("collar=ten", "not a number of fraction"),
        ("collar=-0.1", "outside 0 to 1 fraction"),
        ("entries_per_minute=1.5", "outside 0 to 100000 entries"),
        ("TSLA:order_qty=0", "outside 0.000000001 to 10000000 shares"),
        ("tsla:collar=0.1", "tsla is no symbol"),
        ("TSLA:entries_per_minute=5", "for the account only"),
        ("order_qty=100", "say for which symbol, as in TSLA:order_qty=100"),
        ("collar=0.1 collar=0.2", "holds 'collar=0.2', a second value of collar"),
        ("A:collar=0.1,A:collar=0.1", "a second value of A:collar"),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, says: str) -> None:
    with pytest.raises(LimitError) as error:
        read_limits(text)
    assert says in str(error.value)


def test_the_name_of_what_is_given_twice_is_said_without_its_value() -> None:
    with pytest.raises(LimitError, match=r"a second value of A:collar$"):
        read_limits("A:collar=0.1 A:collar=0.2")


def test_the_largest_value_is_still_one() -> None:
    assert read_limits("collar=1")[0] == Override("", "collar_ppb", NANO)
    assert show_limits(read_limits("XOM:collar=1")).endswith(" XOM:collar=1")


def test_an_override_is_for_its_symbol() -> None:
    limits = Limits(overrides=(Override("TSLA", "order_qty_max", 7 * NANO),))
    assert limits.of_symbol("TSLA").order_qty_max == 7 * NANO
    assert limits.of_symbol("AAPL") is limits


def test_entries_are_remembered_as_long_as_a_limit_looks_back() -> None:
    assert not Limits().counts_entries
    for limits in (
        Limits(entries_per_minute_max=1),
        Limits(symbol_entries_per_minute_max=1),
        Limits(duplicate_ns=1),
        Limits(overrides=(Override("A", "duplicate_ns", 90 * SECOND_NS),)),
    ):
        assert limits.counts_entries
    entered = tuple(Entered(at * SECOND_NS, "A", 1, NANO, NANO) for at in (10, 35, 40, 41, 99))
    now = 100 * SECOND_NS
    assert recent(entered, Limits(), now=now) == entered[3:]
    longer = Limits(overrides=(Override("A", "duplicate_ns", 70 * SECOND_NS),))
    assert recent(entered, longer, now=now) == entered[1:]
