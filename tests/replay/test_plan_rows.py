"""A row is a plan, or everything that is wrong with it has a name."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from surefill.core.fix import Side
from surefill.core.plan import ExitsByDistance, ExitsByLevel
from surefill.core.units import NANO
from surefill.replay.plan_rows import COLUMNS, REQUIRED, LeftOut, draw_of, required, stamp_ns
from surefill.sim.workload import Draw

AT = "2026-03-02T10:00:00.123456789-05:00"
AT_NS = 1_772_463_600_123_456_789
GOOD: dict[str, object] = {
    "at": AT,
    "symbol": "CRWD",
    "side": "buy",
    "qty": "25",
    "signal": "534.82",
    "stop": "529.47",
    "target": "545.60",
}


def drawn(**changes: object) -> Draw:
    found = draw_of(GOOD | changes, "f.csv, line 2", fallback_id="row-2")
    assert isinstance(found, Draw), found
    return found


def problems(**changes: object) -> dict[str, LeftOut]:
    """Field -> its problem."""
    found = draw_of(GOOD | changes, "f.csv, line 2", fallback_id="row-2")
    assert isinstance(found, list), found
    assert {one.where for one in found} == {"f.csv, line 2"}
    return {one.field: one for one in found}


def test_a_row_becomes_a_plan_exactly() -> None:
    draw = drawn(budget_s="2.5", max_slippage=Decimal("0.0005"), min_rr=1, exit_at=AT_NS + NANO)
    plan = draw.plan
    assert (draw.at_ns, plan.plan_id, plan.side) == (AT_NS, "row-2", Side.BUY)
    assert (plan.order_qty, plan.signal_px) == (25 * NANO, 534_820_000_000)
    assert plan.exits == ExitsByLevel(529_470_000_000, 545_600_000_000)
    assert dict(plan.overrides) == {
        "fill_timeout_ns": 2_500_000_000,
        "max_slippage_ppb": 500_000,
        "min_rr_ppb": NANO,
    }
    assert plan.exit_at_ns == AT_NS + NANO
    assert plan.flat_by_close
    assert plan.signal_ns is None


def test_the_decision_price_goes_with_the_plan() -> None:
    assert drawn(decision="534.805").decision_px == 534_805_000_000
    assert drawn().decision_px is None
    for value in ("0", "-1", "x"):
        assert problems(decision=value)["decision"].code == "PLAN_NUMBER_INVALID"


def test_a_short_by_distance_with_everything_it_may_say() -> None:
    plan = drawn(
        side="short",
        stop=None,
        target="",
        risk="5.35",
        rr=2,
        plan_id="crwd-1",
        tactic="mid",
        signal_at=str(AT_NS - 5),
        strategy="turtle",
    ).plan
    assert plan.exits == ExitsByDistance(5_350_000_000, 2 * NANO)
    assert (plan.side, plan.plan_id, plan.tactic) == (Side.SELL_SHORT, "crwd-1", "mid")
    assert (plan.signal_ns, plan.strategy) == (AT_NS - 5, "turtle")


@pytest.mark.parametrize(
    "value",
    [AT, AT_NS, str(AT_NS), "2026-03-02 15:00:00.123456789Z", "2026-03-02t15:00:00.123456789z"],
)
def test_an_instant_in_its_spellings(value: object) -> None:
    assert stamp_ns(value) == AT_NS


def test_an_instant_as_python_has_it() -> None:
    assert stamp_ns(datetime(2026, 3, 2, 15, tzinfo=UTC)) == AT_NS // NANO * NANO
    assert stamp_ns("2026-03-02T20:30:00+05:30") == AT_NS // NANO * NANO


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("2026-03-02T10:00:00", "PLAN_TIME_INVALID"),
        ("2026-02-30T10:00:00Z", "PLAN_TIME_INVALID"),
        ("yesterday", "PLAN_TIME_INVALID"),
        (datetime(2026, 3, 2, 15), "PLAN_TIME_INVALID"),  # noqa: DTZ001 - that is the point
        (AT_NS // 1_000_000, "PLAN_TIME_UNIT"),
        (str(AT_NS // 1_000), "PLAN_TIME_UNIT"),
    ],
)
def test_an_instant_that_is_none(value: object, code: str) -> None:
    found = problems(at=value)
    assert set(found) == {"at"}
    assert found["at"].code == code
    assert found["at"].value == str(value)


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"side": "hold"}, "side", "PLAN_SIDE_INVALID"),
        ({"qty": "ten"}, "qty", "PLAN_NUMBER_INVALID"),
        ({"qty": "-5"}, "qty", "PLAN_QTY_INVALID"),
        ({"qty": "2.5"}, "qty", "FRACTIONAL_UNPROTECTABLE"),
        ({"qty": None}, "qty", "PLAN_VALUE_MISSING"),
        ({"symbol": "crwd"}, "symbol", "PLAN_SYMBOL_INVALID"),
        ({"signal": "0"}, "signal", "PLAN_SIGNAL_PX_INVALID"),
        ({"signal": "x"}, "signal", "PLAN_NUMBER_INVALID"),
        ({"signal": ""}, "signal", "PLAN_VALUE_MISSING"),
        ({"stop": "-1"}, "stop", "EXITS_LEVEL_INVALID"),
        ({"target": "abc"}, "target", "PLAN_NUMBER_INVALID"),
        ({"stop": None}, "stop, target or risk, rr", "EXITS_MISSING"),
        ({"risk": "5"}, "stop, target or risk, rr", "EXITS_MISSING"),
        ({"tactic": "magic"}, "tactic", "PLAN_TACTIC_UNKNOWN"),
        ({"plan_id": "a b"}, "plan_id", "PLAN_ID_INVALID"),
        ({"strategy": "a b"}, "strategy", "PLAN_STRATEGY_INVALID"),
        ({"max_slippage": "5"}, "max_slippage", "PLAN_POLICY_INVALID"),
        ({"budget_s": "0.01"}, "budget_s", "PLAN_POLICY_INVALID"),
        ({"budget_s": "soon"}, "budget_s", "PLAN_NUMBER_INVALID"),
        ({"exit_at": AT_NS, "signal_at": AT_NS}, "exit_at", "PLAN_EXIT_TIME_INVALID"),
        ({"exit_at": "late"}, "exit_at", "PLAN_TIME_INVALID"),
    ],
)
def test_each_problem_has_field_value_and_code(
    changes: dict[str, object], field: str, code: str
) -> None:
    found = problems(**changes)
    assert found[field].code == code
    assert found[field].sentence
    if changes.get(field):
        assert found[field].value == str(changes[field])


def test_all_problems_of_a_row_are_told_at_once() -> None:
    found = problems(at="never", qty="x", max_slippage="y", signal="z")
    assert {"at", "qty", "max_slippage", "signal"} <= set(found)


def test_a_problem_as_text_and_as_data() -> None:
    (one,) = problems(qty="2.5").values()
    assert str(one).startswith("f.csv, line 2: FRACTIONAL_UNPROTECTABLE: qty = '2.5': ")
    assert one.to_dict()["value"] == "2.5"
    assert str(LeftOut("x", "C", "", "", "s")) == "x: C: s"
    (odd,) = problems(qty="\x1b[2J" + "9" * 200).values()
    assert odd.value.isprintable()
    assert len(odd.value) == 80
    assert problems(qty=Decimal("1E+3000"))["qty"].code == "PLAN_NUMBER_INVALID"


def test_the_required_columns_are_columns() -> None:
    assert set(REQUIRED) < set(COLUMNS)
    assert set(GOOD) <= set(COLUMNS)


def test_a_breakout_needs_no_signal() -> None:
    row = {name: value for name, value in GOOD.items() if name != "signal"}
    found = draw_of(row | {"trigger": "535", "trigger_for_s": "600"}, "f", fallback_id="row-2")
    assert isinstance(found, Draw)
    assert (found.plan.trigger_px, found.plan.signal_px) == (535 * NANO, 535 * NANO)
    assert found.plan.trigger_for_ns == 600 * NANO
    assert required(()) == REQUIRED
    bad = problems(trigger="536")
    assert bad["trigger"].code == "PLAN_TRIGGER_INVALID"
