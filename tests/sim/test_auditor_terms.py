"""The auditor's own arithmetic against numbers worked out by hand."""

from __future__ import annotations

from decimal import Decimal
from random import Random

import pytest

from surefill.core.fix import Side
from surefill.core.plan import ExitsByDistance, ExitsByLevel, Policy, TradePlan
from surefill.core.pricing import EntryTerms, entry_terms, exits_at
from surefill.core.units import US_EQUITY_TICKS
from surefill.sim.auditor_terms import (
    US_TICKS,
    AuditInputError,
    px_text,
    qty_text,
    read_claim,
    read_plan,
    round_down,
    round_up,
    tick_for,
)

UNIT = 1_000_000_000


def nano(text: str) -> int:
    return int(Decimal(text) * UNIT)


def plan(side: str = "BUY", signal: str = "150", **fields: object) -> dict[str, object]:
    row: dict[str, object] = {
        "plan_id": "a",
        "symbol": "IBM",
        "side": side,
        "qty": 100 * UNIT,
        "signal_px": nano(signal),
    }
    if not {"risk_px", "stop_px"} & set(fields):
        row |= {"risk_px": UNIT, "rr_ppb": 2 * UNIT}
    return row | fields


@pytest.mark.parametrize(
    ("side", "signal", "worst"),
    [
        ("BUY", "534.82", "535.35"),  # the CRWD morning: 535.35482 down
        ("BUY", "150", "150.15"),
        ("SELL", "150", "149.85"),
        ("SELL_SHORT", "150.01", "149.86"),  # 149.85999 up
        ("BUY", "9.50", "9.50"),  # the cap is less than one tick
        ("SELL", "9.50", "9.50"),
        ("BUY", "0.50", "0.5005"),
        ("SELL", "0.9999", "0.9990"),  # 0.9989001 up
        ("BUY", "0.9995", "1.00"),  # 1.0004995 down, across the dollar
        ("SELL", "1.00", "0.9990"),
    ],
)
def test_worst_price_by_distance(side: str, signal: str, worst: str) -> None:
    assert read_plan(plan(side, signal)).worst_px == nano(worst)


@pytest.mark.parametrize(
    ("side", "signal", "stop", "target", "worst"),
    [
        ("BUY", "150", "149", "152.30", "150.10"),  # (152.30 + 2 * 149) / 3 = 150.10
        ("BUY", "150", "149", "152.32", "150.10"),  # 150.1066 down
        ("BUY", "150", "149", "160", "150.15"),  # the cap binds
        ("SELL", "150", "151", "147.70", "149.90"),
        ("SELL", "150", "151", "147.69", "149.90"),  # 149.8966 up
        ("SELL", "150", "151", "140", "149.85"),
    ],
)
def test_worst_price_by_level(side: str, signal: str, stop: str, target: str, worst: str) -> None:
    row = plan(side, signal, stop_px=nano(stop), target_px=nano(target))
    terms = read_plan(row)
    assert terms.worst_px == nano(worst)
    assert terms.exits(1, 1) == (nano(stop), nano(target))
    assert terms.why_unworthy() is None


def test_the_crwd_plan_by_level_is_unworthy() -> None:
    row = plan("BUY", "534.82", stop_px=nano("529.47"), target_px=nano("536.87"))
    reason = read_plan(row).why_unworthy()
    assert reason == "reward/risk at the signal is below the minimum"


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"risk_px": UNIT, "rr_ppb": 2 * UNIT - 1}, "ratio"),
        ({"risk_px": UNIT // 100, "rr_ppb": 2 * UNIT}, "close"),
        ({"stop_px": nano("151"), "target_px": nano("155")}, "wrong side"),
        ({"stop_px": nano("149"), "target_px": nano("150")}, "wrong side"),
    ],
)
def test_plans_that_must_be_denied(changes: dict[str, object], word: str) -> None:
    reason = read_plan(plan(**changes)).why_unworthy()  # type: ignore[arg-type]
    assert reason is not None
    assert word in reason


def test_reward_risk_exactly_at_the_minimum_is_worthy() -> None:
    assert read_plan(plan(stop_px=nano("149"), target_px=nano("152"))).why_unworthy() is None
    assert read_plan(plan()).why_unworthy() is None


@pytest.mark.parametrize(
    ("side", "cost", "qty", "stop", "target"),
    [
        ("BUY", nano("150.05"), 1, "149.05", "152.05"),
        ("BUY", nano("150.05") + 2 * nano("150.06"), 3, "149.06", "152.06"),  # 149.0566 up
        ("SELL", nano("149.93"), 1, "150.93", "147.93"),
        ("SELL", nano("149.93") + 2 * nano("149.94"), 3, "150.93", "147.93"),  # 150.9366 down
    ],
)
def test_exits_hang_on_the_fill(side: str, cost: int, qty: int, stop: str, target: str) -> None:
    assert read_plan(plan(side)).exits(cost, qty) == (nano(stop), nano(target))


def test_ticks() -> None:
    assert tick_for(US_TICKS, UNIT) == UNIT // 100
    assert tick_for(US_TICKS, UNIT - 1) == UNIT // 10_000
    half_cent = ((0, 5_000_000),)
    assert round_down(half_cent, nano("1.0099"), 1) == nano("1.005")
    assert round_up(half_cent, nano("1.0051"), 1) == nano("1.01")
    terms = read_plan(plan(ticks=[[0, 5_000_000]]))
    assert terms.on_tick(nano("150.005"))
    assert not terms.on_tick(nano("150.001"))
    assert not terms.on_tick(0)


def test_texts() -> None:
    assert px_text(nano("536")) == "536.00"
    assert px_text(nano("-0.9995")) == "-0.9995"
    assert qty_text(25 * UNIT) == "25"
    assert qty_text(-UNIT // 2) == "-0.5"


@pytest.mark.parametrize(
    "row",
    [
        {},
        plan(side="HOLD"),
        plan(path="third"),
        plan(qty=None),
        plan(qty=True),
        plan(risk_px=None),
        plan(ticks=7),
        plan(signal_px="150"),
    ],
)
def test_unreadable_plans(row: dict[str, object]) -> None:
    with pytest.raises(AuditInputError):
        read_plan(row)


def test_plan_and_claim_defaults() -> None:
    terms = read_plan(plan(account="PA1", path="LEGACY"))
    assert (terms.account, terms.is_smart, terms.budget_ns) == ("PA1", False, 60 * UNIT)
    claim = read_claim({"plan_id": "a", "outcome": "DENIED"})
    assert (claim.entry_qty, claim.exit_cost, claim.ended_ns) == (0, 0, None)


def test_both_arithmetics_agree() -> None:
    """The executor's prices and the auditor's, from two separate texts, over random plans."""
    random = Random(7)
    denied = 0
    for index in range(20_000):
        sign = random.choice((1, -1))
        tick = random.choice((1, 100)) * UNIT // 10_000
        signal = random.randrange(2_000, 9_000) * (UNIT // 10_000 if tick < UNIT // 100 else tick)
        risk = random.randrange(1, 300) * tick
        ratio = random.choice((19, 20, 20, 25, 30)) * UNIT // 10
        row = plan("BUY" if sign > 0 else "SELL_SHORT", signal_px=signal)
        exits: ExitsByDistance | ExitsByLevel = ExitsByDistance(risk, ratio)
        row |= {"risk_px": risk, "rr_ppb": ratio}
        if index % 2:
            target = signal + sign * random.randrange(1, 900) * tick
            exits = ExitsByLevel(signal - sign * risk, target)
            row |= {"risk_px": None, "rr_ppb": None}
            row |= {"stop_px": exits.stop_px, "target_px": target}
        side = Side.BUY if sign > 0 else Side.SELL_SHORT
        asked = TradePlan(
            plan_id="a", symbol="IBM", side=side, signal_px=signal, exits=exits, order_qty=UNIT
        )
        given = entry_terms(asked, Policy(), US_EQUITY_TICKS, buffer_ppb=500_000)
        terms = read_plan(row)
        if not isinstance(given, EntryTerms):
            denied += 1
            continue
        assert terms.why_unworthy() is None, row
        assert terms.worst_px == given.worst_px, row
        qty = random.randrange(1, 500)
        cost = given.worst_px * qty - sign * random.randrange(0, 50) * tick
        theirs = exits_at(asked, US_EQUITY_TICKS, cost=cost, qty=qty)
        assert terms.exits(cost, qty) == (theirs.stop_px, theirs.target_px), row
    assert 1_000 < denied < 15_000


def test_several_targets_have_their_places_and_one_mean() -> None:
    scale_outs = [[UNIT // 2, UNIT], [UNIT // 4, 3 * UNIT // 2]]
    terms = read_plan(plan(scale_outs=scale_outs))  # half at 1, a quarter at 1.5, the rest at 2
    targets = terms.targets(nano("150") * 100 * UNIT, 100 * UNIT)
    assert targets == (nano("152"), nano("151"), nano("151.5"))
    assert terms.why_unworthy() == "its reward/risk ratio is below the minimum"
    exact = 11 * UNIT // 8
    assert read_plan(plan(scale_outs=scale_outs, min_rr_ppb=exact)).why_unworthy() is None
    levels = {"risk_px": None, "rr_ppb": None, "stop_px": nano("149"), "target_px": nano("153")}
    by_level = plan(**levels, scale_outs=[[UNIT // 2, nano("151")]])  # type: ignore[arg-type]
    assert read_plan(by_level).why_unworthy() is None
    assert read_plan(by_level).targets(1, 1) == (nano("153"), nano("151"))
    assert read_plan(by_level).worst_px == nano("150")
    poor = plan(**levels, scale_outs=[[3 * UNIT // 4, nano("151")]])  # type: ignore[arg-type]
    why = read_plan(poor).why_unworthy()
    assert why == "reward/risk at the signal is below the minimum"
    with pytest.raises(AuditInputError, match="scale_outs"):
        read_plan(plan(scale_outs=5))
