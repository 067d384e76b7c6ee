"""Breakouts that enter too early, or sleep through their market, are found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surefill.core import book, breakout
from surefill.core.market import MarketView
from surefill.core.plan import TradePlan
from surefill.core.reasons import ReasonCode
from surefill.core.state import Denial
from surefill.core.trade import Trade
from surefill.replay.simulate.draw import draw_scenario
from surefill.replay.simulate.play import Played, play
from surefill.replay.simulate.scenario import Given, Scenario
from surefill.replay.simulate.triggers import _stood, trigger_faults
from surefill.replay.simulate.verdict import ends_of, judge

CALM = 60_000
"""A calm seed; its plans are replaced."""


def scenario(cents: int, *, side: str = "buy", at_ms: int = 2_000) -> tuple[Scenario, TradePlan]:
    """One breakout on a written market: 100.00 x 100.02, from 10 to 30 s 10 cents higher, or for a
    short lower."""
    drawn = draw_scenario(CALM)
    assert drawn.is_calm
    sign, cent, size = (1 if side == "buy" else -1), 10_000_000, 500
    path = []
    for ms in range(-4_000, drawn.storm_ms, 1_000):
        moved = sign * 10 if 10_000 <= ms < 30_000 else 0
        low = (10_000 + moved) * cent
        path.append((ms, low, low + 2 * cent, size))
    symbol = replace(drawn.symbols[0], name="ACME", path=tuple(path))
    plan = TradePlan.of(
        *("ACME", side, 100),
        plan_id="ACME-1",
        trigger=str(100 + sign * cents / 100 + (0.02 if sign < 0 else 0)),
        risk="1",
        rr="2",
        trigger_for_s=60,
        flat_by_close=True,
    )
    happenings = (Given(at_ms, plan, False),)
    return replace(drawn, symbols=(symbol,), happenings=happenings, switches=()), plan


def sentences(played: Played) -> list[str]:
    return [one.sentence for one in trigger_faults(played, ends_of(played))]


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_sound_breakout_enters_when_its_market_has_come(side: str) -> None:
    drawn, plan = scenario(5, side=side)
    played = play(drawn)
    assert list(_stood(played, plan, 2_000)) == [(drawn.at_ns(10_000), drawn.at_ns(30_000))]
    assert judge(played)[1] == ()
    end = ends_of(played)["ACME-1"]
    assert isinstance(end, Trade)
    assert drawn.at_ns(10_000) <= end.triggered_ns <= drawn.at_ns(11_100), "with the next event"


def test_stretches_of_the_tape() -> None:
    drawn, plan = scenario(0)
    played = play(drawn)
    (stood,) = _stood(played, plan, 2_000)
    assert stood[0] == drawn.at_ns(2_000), "it had come before the plan did"
    assert stood[1] > drawn.at_ns(30_000)
    assert list(_stood(played, replace(plan, trigger_px=200 * 10**9), 0)) == []
    other = replace(drawn, happenings=(Given(2_000, replace(plan, trigger_px=None), False),))
    assert sentences(replace(played, scenario=other)) == []


def test_an_entry_before_its_trigger_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def at_once(plan: TradePlan, view: MarketView | None) -> bool:
        return plan.trigger_px is not None and view is not None

    for module in (book, breakout):
        monkeypatch.setattr(module, "has_come", at_once)
    drawn, _ = scenario(5)
    assert sentences(play(drawn)) == ["entered before its trigger was paid"]
    never, _ = scenario(50)
    assert sentences(play(never)) == ["entered before its trigger was paid"]


def test_a_market_that_was_slept_through_is_found_in_calm_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (book, breakout):
        monkeypatch.setattr(module, "has_come", lambda plan, view: False)
    drawn, _ = scenario(5)
    played = play(drawn)
    assert sentences(played) == ["its market came and stayed, and it was never triggered"]
    assert sentences(replace(played, scenario=replace(drawn, is_calm=False))) == []
    far, _ = scenario(50)
    assert sentences(play(far)) == []


def test_what_was_denied_or_ended_otherwise_is_no_sleep() -> None:
    drawn, plan = scenario(5)
    played = play(drawn)
    trade = ends_of(played)["ACME-1"]
    assert isinstance(trade, Trade)
    denial = Denial(plan=plan, is_legacy=False, reasons=(), at_ns=0)
    for end in (denial, replace(trade, reason=None)):
        assert list(trigger_faults(played, {"ACME-1": end})) == []
    assert trade.reason is None or trade.reason.code is not ReasonCode.ENTRY_NOT_TRIGGERED
