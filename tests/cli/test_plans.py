"""The arguments of a plan: pairs of exits, quantity or money at risk, what is malformed."""

from __future__ import annotations

import argparse

import pytest

from surefill.cli.exits import Exit
from surefill.cli.plans import (
    add_plan_arguments,
    exit_of,
    pair_problem,
    plan_of,
    plan_terms,
    reason_row,
)
from surefill.core.fix import Side
from surefill.core.plan import ExitsByDistance, ExitsByLevel, PlanError
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.units import NANO


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_plan_arguments(parser)
    return parser.parse_args(["crwd", *words])


def test_exits_by_level_and_a_lower_case_symbol() -> None:
    args = parsed("buy", "25", "--signal", "534.82", "--stop", "529.47", "--target", "536.87")
    plan = plan_of(args, "p1")
    assert (plan.symbol, plan.side, plan.order_qty) == ("CRWD", Side.BUY, 25 * NANO)
    assert isinstance(plan.exits, ExitsByLevel)
    assert (plan.tactic, plan.plan_id) == ("limit", "p1")


def test_a_symbol_beyond_ascii_becomes_no_other_symbol() -> None:
    args = parsed("buy", "25", "--signal", "10", "--risk", "1", "--rr", "2")
    args.symbol = "straße"
    assert plan_of(args, "p1").symbol == "straße"


def test_sell_opens_a_short_by_distance() -> None:
    args = parsed("sell", "25", "--signal", "10", "--risk", "1", "--rr", "2", "--tactic", "x")
    plan = plan_of(args, "p1")
    assert plan.side is Side.SELL_SHORT
    assert isinstance(plan.exits, ExitsByDistance)
    assert plan.tactic == "x"


@pytest.mark.parametrize("qty", [(), ("0",), ("0.0",)])
def test_money_at_risk_stands_in_for_the_quantity(qty: tuple[str, ...]) -> None:
    plan = plan_of(parsed("buy", *qty, "--signal", "10", "--risk-usd", "100"), "p1")
    assert (plan.order_qty, plan.risk_usd) == (None, 100 * NANO)


def test_both_are_left_for_validation() -> None:
    terms = plan_terms(parsed("buy", "5", "--signal", "10", "--risk-usd", "100"))
    assert (terms["quantity"], terms["risk_usd"]) == ("5", "100")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ((), None),
        (("--stop", "9", "--target", "12"), None),
        (("--risk", "1", "--rr", "2"), None),
        (("--stop", "9"), "half a pair"),
        (("--rr", "2"), "half a pair"),
        (("--stop", "9", "--rr", "2"), "half a pair"),
        (("--stop", "9", "--target", "12", "--risk", "1", "--rr", "2"), "two pairs"),
    ],
)
def test_pairs(words: tuple[str, ...], problem: str | None) -> None:
    found = pair_problem(parsed("buy", "5", "--signal", "10", *words))
    assert found is None if problem is None else found is not None and found.startswith(problem)


def test_an_unreadable_number_is_named() -> None:
    with pytest.raises(PlanError) as caught:
        plan_of(parsed("buy", "many", "--signal", "x"), "p1")
    assert [problem.code for problem in caught.value.problems] == [
        ReasonCode.PLAN_NUMBER_INVALID,
        ReasonCode.PLAN_NUMBER_INVALID,
    ]


@pytest.mark.parametrize(
    ("codes", "code"),
    [
        ((), Exit.DONE),
        ((ReasonCode.RR_BELOW_MIN,), Exit.NOT_TRADED),
        ((ReasonCode.EXITS_MISSING,), Exit.NOT_TRADED),
        ((ReasonCode.PLAN_RISK_TOO_SMALL,), Exit.NOT_TRADED),
        ((ReasonCode.EXITS_MISSING, ReasonCode.PLAN_QTY_INVALID), Exit.USAGE),
        ((ReasonCode.FRACTIONAL_UNPROTECTABLE,), Exit.USAGE),
    ],
)
def test_exit_codes(codes: tuple[ReasonCode, ...], code: Exit) -> None:
    assert exit_of(tuple(Reason.of(each) for each in codes)) is code


def test_a_reason_for_scripts() -> None:
    row = reason_row(Reason.of(ReasonCode.RR_BELOW_MIN, ratio="0.38", minimum="2"))
    assert row == {
        "code": "RR_BELOW_MIN",
        "sentence": "reward/risk 0.38 is below the minimum 2",
        "context": {"ratio": "0.38", "minimum": "2"},
    }


def test_a_breakout_waits_for_its_trigger() -> None:
    words = ("buy", "25", "--trigger", "540", "--trigger-for", "90", "--risk", "1", "--rr", "2")
    args = parsed(*words)
    assert pair_problem(args) is None
    plan = plan_of(args, "p1")
    assert (plan.trigger_px, plan.signal_px) == (540 * NANO, 540 * NANO)
    assert plan.trigger_for_ns == 90 * NANO
    problem = pair_problem(parsed("buy", "25", "--risk", "1", "--rr", "2"))
    assert problem == "give the strategy's price: --signal PX, or --trigger PX for a breakout"
