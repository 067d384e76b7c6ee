from __future__ import annotations

from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

import pytest

from surefill.core.fix import Side
from surefill.core.plan import (
    POLICY_BOUNDS,
    ExitsByDistance,
    ExitsByLevel,
    PlanError,
    Policy,
    TradePlan,
    plan_problems,
    whole_shares,
)
from surefill.core.reasons import ReasonCode
from surefill.core.units import CENT, NANO

TACTICS = frozenset({"limit", "marketable"})
PLAN = TradePlan(
    plan_id="crwd-1",
    symbol="CRWD",
    side=Side.BUY,
    signal_px=534_820_000_000,
    exits=ExitsByLevel(529_470_000_000, 536_870_000_000),
    order_qty=25 * NANO,
)


def codes(plan: TradePlan) -> list[str]:
    return [problem.code.name for problem in plan_problems(plan, TACTICS)]


# ------------------------------------------------------------------------------- as people type


def test_a_plan_by_level() -> None:
    assert (
        TradePlan.of(
            "CRWD",
            "buy",
            25,
            plan_id="crwd-1",
            signal_price="534.82",
            stop=529.47,
            target=Decimal("536.87"),
        )
        == PLAN
    )


def test_a_plan_by_distance() -> None:
    plan = TradePlan.of(
        "AIG",
        "SHORT",
        plan_id="s",
        signal_price=50.1,
        risk="0.5",
        rr=2,
        risk_usd="150",
        tactic="marketable",
        signal_ns=5,
        exit_at_ns=9,
        flat_by_close=True,
        extended_hours=True,
        overrides=(("min_rr_ppb", NANO),),
    )
    assert plan == TradePlan(
        plan_id="s",
        symbol="AIG",
        side=Side.SELL_SHORT,
        signal_px=50_100_000_000,
        exits=ExitsByDistance(NANO // 2, 2 * NANO),
        risk_usd=150 * NANO,
        tactic="marketable",
        signal_ns=5,
        exit_at_ns=9,
        flat_by_close=True,
        extended_hours=True,
        overrides=(("min_rr_ppb", NANO),),
    )
    assert plan.sign == -1
    assert codes(plan) == []


@pytest.mark.parametrize("side", ["buy", "BUY", "long", "Long"])
def test_words_for_a_long(side: str) -> None:
    assert TradePlan.of("A", side, 1, plan_id="p", signal_price=1).side is Side.BUY


@pytest.mark.parametrize("side", ["sell", "short", "sell_short"])
def test_words_for_a_short(side: str) -> None:
    plan = TradePlan.of("A", side, 1, plan_id="p", signal_price=1)
    assert plan.side is Side.SELL_SHORT
    assert plan.sign == -1


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"stop": 9},
        {"target": 12},
        {"risk": 1},
        {"rr": 2},
        {"stop": 9, "rr": 2},
        {"stop": 9, "target": 12, "rr": 2},
        {"stop": 9, "target": 12, "risk": 1},
        {"risk": 1, "rr": 2, "target": 12},
        {"stop": 9, "target": 12, "risk": 1, "rr": 2},
    ],
)
def test_half_a_pair_or_a_mixture_is_no_exit(given: dict[str, Any]) -> None:
    plan = TradePlan.of("A", "buy", 1, plan_id="p", signal_price=10, **given)
    assert plan.exits is None
    assert codes(plan) == ["EXITS_MISSING"]


def test_every_unreadable_value_is_listed() -> None:
    with pytest.raises(PlanError) as error:
        TradePlan.of(
            "A",
            "bye",
            "many",
            plan_id="p",
            signal_price="1,50",
            stop=float("nan"),
            target=True,
            risk="1e400",
            rr="0.0000000001",
            risk_usd="$5",
        )
    problems = error.value.problems
    assert problems[0].code is ReasonCode.PLAN_SIDE_INVALID
    assert [dict(problem.context).get("field") for problem in problems[1:]] == [
        "signal_price",
        "stop",
        "target",
        "risk",
        "rr",
        "quantity",
        "risk_usd",
    ]
    assert {problem.code for problem in problems[1:]} == {ReasonCode.PLAN_NUMBER_INVALID}
    assert [dict(problem.context)["value"] for problem in problems] == [
        *("bye", "1,50", "nan", "True", "1e400", "0.0000000001", "many", "$5")
    ]
    assert str(error.value).startswith("PLAN_SIDE_INVALID: side bye is not buy or sell; PLAN_NUMB")


def test_a_plan_without_a_signal_price_is_unreadable() -> None:
    with pytest.raises(PlanError) as error:
        TradePlan.of("A", "buy", 1, plan_id="p", signal_price=None)
    assert [problem.code.name for problem in error.value.problems] == ["PLAN_SIGNAL_PX_INVALID"]


def test_the_signal_price_of_a_breakout_is_its_trigger() -> None:
    terms: dict[str, Any] = {"plan_id": "p", "risk": 5, "rr": 2, "trigger": "540"}
    plan = TradePlan.of("CRWD", "buy", 25, **terms, trigger_for_s="90.5")
    assert (plan.signal_px, plan.trigger_px) == (540 * NANO, 540 * NANO)
    assert plan.trigger_for_ns == 90 * NANO + NANO // 2
    beyond = TradePlan.of("CRWD", "buy", 25, **terms, signal_price="540.10")
    assert (beyond.signal_px, beyond.trigger_px) == (540 * NANO + 10 * CENT, 540 * NANO)
    before = TradePlan.of("CRWD", "buy", 25, **terms, signal_price="534.82")
    (problem,) = plan_problems(before, TACTICS)
    assert problem.sentence == "trigger 540 lies beyond the signal price 534.82; leave that out"
    with pytest.raises(PlanError):
        TradePlan.of("CRWD", "buy", 25, **terms | {"trigger": "high"})


# ------------------------------------------------------------------------------------ problems


def test_a_sound_plan_has_no_problems() -> None:
    assert plan_problems(PLAN, TACTICS) == ()
    assert codes(replace(PLAN, order_qty=None, risk_usd=NANO)) == []
    assert codes(replace(PLAN, exits=ExitsByDistance(CENT, NANO), side=Side.SELL_SHORT)) == []
    assert codes(replace(PLAN, signal_ns=5, exit_at_ns=6)) == []
    assert codes(replace(PLAN, symbol="BRK.B")) == []
    assert codes(replace(PLAN, trigger_px=PLAN.signal_px, trigger_for_ns=60 * NANO)) == []
    assert codes(replace(PLAN, trigger_px=PLAN.signal_px - 1)) == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"plan_id": ""}, "PLAN_ID_INVALID"),
        ({"plan_id": "a b"}, "PLAN_ID_INVALID"),
        ({"plan_id": "x" * 65}, "PLAN_ID_INVALID"),
        ({"symbol": "crwd"}, "PLAN_SYMBOL_INVALID"),
        ({"symbol": "CRWD\n"}, "PLAN_SYMBOL_INVALID"),
        ({"symbol": "TOOLONGSYMBOL"}, "PLAN_SYMBOL_INVALID"),
        ({"side": Side.SELL}, "PLAN_SIDE_INVALID"),
        ({"tactic": "hope"}, "PLAN_TACTIC_UNKNOWN"),
        ({"strategy": "two words"}, "PLAN_STRATEGY_INVALID"),
        ({"order_qty": None}, "PLAN_QTY_MISSING"),
        ({"risk_usd": NANO}, "PLAN_QTY_CONFLICT"),
        ({"order_qty": 0}, "PLAN_QTY_INVALID"),
        ({"order_qty": -NANO}, "PLAN_QTY_INVALID"),
        ({"order_qty": NANO + 1}, "FRACTIONAL_UNPROTECTABLE"),
        ({"order_qty": None, "risk_usd": 0}, "PLAN_RISK_INVALID"),
        ({"signal_px": 0}, "PLAN_SIGNAL_PX_INVALID"),
        ({"exits": None}, "EXITS_MISSING"),
        ({"exits": ExitsByLevel(0, 5)}, "EXITS_LEVEL_INVALID"),
        ({"exits": ExitsByLevel(5, -5)}, "EXITS_LEVEL_INVALID"),
        ({"exits": ExitsByDistance(0, NANO)}, "EXITS_LEVEL_INVALID"),
        ({"exits": ExitsByDistance(NANO, 0)}, "EXITS_LEVEL_INVALID"),
        ({"overrides": (("max_slippage_ppb", 20_000_001),)}, "PLAN_POLICY_INVALID"),
        ({"overrides": (("fill_timeout_ns", 1),)}, "PLAN_POLICY_INVALID"),
        ({"overrides": (("extended_hours", 1),)}, "PLAN_POLICY_INVALID"),
        ({"overrides": (("speed", 1),)}, "PLAN_POLICY_INVALID"),
        ({"trigger_px": 0}, "PLAN_TRIGGER_INVALID"),
        ({"trigger_px": PLAN.signal_px + 1}, "PLAN_TRIGGER_INVALID"),
        ({"trigger_for_ns": NANO}, "PLAN_TRIGGER_INVALID"),
        ({"trigger_px": PLAN.signal_px, "trigger_for_ns": 0}, "PLAN_TRIGGER_INVALID"),
        ({"trigger_px": PLAN.signal_px, "trigger_for_ns": 86_401 * NANO}, "PLAN_TRIGGER_INVALID"),
        ({"trigger_px": 540.0}, "PLAN_NUMBER_INVALID"),
        ({"exit_at_ns": 0}, "PLAN_EXIT_TIME_INVALID"),
        ({"signal_ns": 7, "exit_at_ns": 7}, "PLAN_EXIT_TIME_INVALID"),
        # Built in code from what is not a value of the core
        ({"signal_px": 534.82}, "PLAN_NUMBER_INVALID"),
        ({"order_qty": True}, "PLAN_NUMBER_INVALID"),
        ({"risk_usd": "5", "order_qty": None}, "PLAN_NUMBER_INVALID"),
        ({"exits": ExitsByLevel(529.47, 5)}, "PLAN_NUMBER_INVALID"),  # type: ignore[arg-type]
        ({"overrides": (("min_rr_ppb", 2.0),)}, "PLAN_NUMBER_INVALID"),
        ({"side": "BUY"}, "PLAN_SIDE_INVALID"),
        ({"symbol": None}, "PLAN_SYMBOL_INVALID"),
        ({"plan_id": 17}, "PLAN_ID_INVALID"),
        ({"tactic": None}, "PLAN_TACTIC_UNKNOWN"),
        ({"strategy": None}, "PLAN_STRATEGY_INVALID"),
    ],
)
def test_each_problem_has_its_code(changes: dict[str, Any], code: str) -> None:
    plan = replace(PLAN, **changes)
    assert codes(plan) == [code]
    for problem in plan_problems(plan, TACTICS):
        assert "?" not in problem.sentence or code == "PLAN_TACTIC_UNKNOWN"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"plan_id": "a b"}, "plan id a b must be 1 to 64 letters"),
        ({"plan_id": 17}, "plan id 17 must be"),
        ({"symbol": "crwd"}, "symbol crwd is not 1 to 10 capital letters"),
        ({"side": Side.SELL}, "side SELL is not buy or sell"),
        ({"side": "BUY"}, "side BUY is not buy or sell"),
        ({"tactic": "hope"}, "tactic hope is not one of limit, marketable"),
        ({"strategy": "two words"}, "strategy two words must be at most 32"),
        ({"order_qty": -NANO}, "quantity -1 is not a positive number of shares"),
        ({"order_qty": 1}, "quantity 0.000000001 has a fraction, which no broker-side stop can "),
        ({"order_qty": None, "risk_usd": 0}, "USD at risk 0 is not positive"),
        ({"signal_px": -NANO}, "signal price -1 is not a positive price"),
        ({"exits": ExitsByLevel(5, -NANO)}, "target_px -1 is not a positive price"),
        (
            {"overrides": (("max_slippage_ppb", 20_000_001),)},
            "policy max_slippage_ppb = 20000001 is outside 0 to 20000000",
        ),
        ({"overrides": (("speed", 7),)}, "policy speed = 7 is outside 1 to 0"),
        ({"trigger_px": 0}, "trigger 0 is not a positive price"),
        ({"trigger_for_ns": NANO}, "trigger none is not there to be waited for"),
        (
            {"trigger_px": PLAN.signal_px, "trigger_for_ns": 0},
            "trigger 534.82 cannot be waited for 0 s: above 0, up to a day",
        ),
        ({"signal_ns": 7, "exit_at_ns": 7}, "exit time 7 is not after the signal"),
        ({"signal_px": 534.82}, "signal_px is not a number: 534.82"),
        ({"signal_ns": 1.5}, "signal_ns is not a number: 1.5"),
        ({"exit_at_ns": "9"}, "exit_at_ns is not a number: 9"),
        ({"trigger_for_ns": 1.5}, "trigger_for_ns is not a number: 1.5"),
        ({"order_qty": True}, "order_qty is not a number: True"),
        ({"risk_usd": "5", "order_qty": None}, "risk_usd is not a number: 5"),
        ({"exits": ExitsByLevel(529.47, 5)}, "stop_px is not a number: 529.47"),  # type: ignore[arg-type]
        ({"overrides": (("min_rr_ppb", 2.0),)}, "min_rr_ppb is not a number: 2.0"),
        ({"manage": "1R"}, "manage is not a number: 1R"),
    ],
)
def test_each_problem_says_what_was_given(changes: dict[str, Any], says: str) -> None:
    (problem,) = plan_problems(replace(PLAN, **changes), TACTICS)
    assert says in problem.sentence


def test_every_problem_is_listed_at_once() -> None:
    plan = TradePlan(
        plan_id="",
        symbol="",
        side=Side.SELL,
        signal_px=-1,
        exits=ExitsByLevel(0, 0),
        order_qty=-1,
        tactic="",
        overrides=(("a", 1), ("b", 2)),
        exit_at_ns=-1,
    )
    assert codes(plan) == [
        "PLAN_ID_INVALID",
        "PLAN_SYMBOL_INVALID",
        "PLAN_SIDE_INVALID",
        "PLAN_TACTIC_UNKNOWN",
        "PLAN_QTY_INVALID",
        "PLAN_SIGNAL_PX_INVALID",
        "EXITS_LEVEL_INVALID",
        "EXITS_LEVEL_INVALID",
        "PLAN_POLICY_INVALID",
        "PLAN_POLICY_INVALID",
        "PLAN_EXIT_TIME_INVALID",
    ]


def test_a_fraction_is_told_the_whole_number() -> None:
    (problem,) = plan_problems(replace(PLAN, order_qty=25 * NANO + NANO // 2), TACTICS)
    assert problem.sentence == (
        "quantity 25.5 has a fraction, which no broker-side stop can cover; use 25"
    )


# -------------------------------------------------------------------------------------- policy


def test_the_defaults_are_the_seven_classic_settings() -> None:
    policy = Policy()
    assert policy.max_slippage_ppb == NANO * 1 // 1000  # 0.001
    assert policy.limit_buffer_regular_ppb == NANO * 5 // 10_000  # 0.0005
    assert policy.limit_buffer_extended_ppb == NANO * 2 // 10_000  # 0.0002
    assert policy.fill_timeout_ns == 60 * 10**9
    assert policy.min_rr_ppb == 2 * NANO
    assert policy.extended_hours is False


def test_every_number_of_the_policy_has_bounds_that_hold_its_default() -> None:
    numbers = {field.name for field in fields(Policy) if type(field.default) is int}
    assert numbers == POLICY_BOUNDS.keys()
    for name, (low, high) in POLICY_BOUNDS.items():
        assert low <= getattr(Policy(), name) <= high


def test_a_plan_overrides_what_it_names() -> None:
    plan = replace(PLAN, overrides=(("min_rr_ppb", NANO), ("fill_timeout_ns", 10**9)))
    assert plan.with_policy(Policy()) == Policy(min_rr_ppb=NANO, fill_timeout_ns=10**9)
    assert PLAN.with_policy(Policy(min_rr_ppb=5)) == Policy(min_rr_ppb=5)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("all", ReasonCode.PLAN_NUMBER_INVALID),
        (None, ReasonCode.PLAN_NUMBER_INVALID),
        (0, ReasonCode.PLAN_QTY_INVALID),
        (-4, ReasonCode.PLAN_QTY_INVALID),
        ("1.5", ReasonCode.FRACTIONAL_UNPROTECTABLE),
        ("0.2", ReasonCode.FRACTIONAL_UNPROTECTABLE),
    ],
)
def test_only_whole_shares_above_zero_can_be_closed(value: object, code: ReasonCode) -> None:
    with pytest.raises(PlanError) as caught:
        whole_shares(value)
    assert [problem.code for problem in caught.value.problems] == [code]


@pytest.mark.parametrize("value", [4, "4", 4.0, Decimal("4.000")])
def test_whole_shares_in_any_spelling(value: object) -> None:
    assert whole_shares(value) == 4 * NANO


@pytest.mark.parametrize(("qty", "whole"), [("2.5", "2"), ("0.2", "1")])
def test_a_fraction_is_refused_with_the_whole_share_that_could_be_had(qty: str, whole: str) -> None:
    plan = TradePlan.of("CRWD", "buy", qty, plan_id="p", signal_price=100, risk=1, rr=2)
    (reason,) = plan_problems(plan, frozenset({"limit"}))
    assert (reason.code, dict(reason.context)["whole"]) == (
        ReasonCode.FRACTIONAL_UNPROTECTABLE,
        whole,
    )
