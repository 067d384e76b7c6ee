"""Policies of single symbols: read exactly, shown as they are read, the plan's own word last."""

from __future__ import annotations

from dataclasses import fields

import pytest

from surefill.core.fix import Side
from surefill.core.plan import POLICY_BOUNDS, SECOND_NS, ExitsByDistance, Policy, TradePlan
from surefill.core.policies import (
    POLICY_ROWS,
    PolicyError,
    policy_of,
    read_policies,
    show_policies,
)
from surefill.core.units import NANO


def test_every_row_is_a_bounded_field_with_a_unit_and_a_meaning() -> None:
    names = {field.name for field in fields(Policy)}
    assert {row.field for row in POLICY_ROWS} == set(POLICY_BOUNDS) <= names
    assert all(row.unit and row.meaning for row in POLICY_ROWS)


def test_what_was_read_is_shown_and_read_again() -> None:
    given = read_policies(" TSLA:fill_timeout=20, TSLA:max_slippage_pct=0.0020\nAMD:min_rr_ratio=3")
    shown = "AMD:min_rr_ratio=3 TSLA:max_slippage_pct=0.002 TSLA:fill_timeout=20"
    assert show_policies(given) == shown
    assert read_policies(shown) == given
    assert read_policies("") == ()
    assert show_policies(()) == ""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("max_slippage_pct=0.002", "SYMBOL:NAME=VALUE"),
        ("TSLA", "SYMBOL:NAME=VALUE"),
        ("TSLA:hope=1", "one of max_slippage_pct"),
        ("tsla:min_rr_ratio=2", "tsla is no symbol"),
        ("TSLA:min_rr_ratio=two", "not a number"),
        ("TSLA:max_slippage_pct=0.1", "outside 0 to 0.02"),
        ("TSLA:fill_timeout=0.01", "outside 0.1 to 23400"),
        ("TSLA:min_rr_ratio=2 TSLA:min_rr_ratio=2", "a second value of TSLA:min_rr_ratio"),
    ],
)
def test_a_text_that_is_no_list_says_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(PolicyError, match=says):
        read_policies(text)


def test_a_symbol_has_its_own_and_the_plan_has_the_last_word() -> None:
    policies = read_policies("TSLA:max_slippage_pct=0.002 TSLA:fill_timeout=20")
    general = Policy()
    assert policy_of(general, policies, "CRWD") is general
    ours = policy_of(general, policies, "TSLA")
    assert (ours.max_slippage_ppb, ours.fill_timeout_ns) == (NANO // 500, 20 * SECOND_NS)
    assert ours.min_rr_ppb == general.min_rr_ppb
    plan = TradePlan(
        plan_id="p1",
        symbol="TSLA",
        side=Side.BUY,
        signal_px=100 * NANO,
        exits=ExitsByDistance(NANO, 2 * NANO),
        order_qty=NANO,
        overrides=(("max_slippage_ppb", NANO // 250),),
    )
    mine = plan.with_policy(ours)
    assert (mine.max_slippage_ppb, mine.fill_timeout_ns) == (NANO // 250, 20 * SECOND_NS)
