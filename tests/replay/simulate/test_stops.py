"""A stop that follows more, less or other than its plan says is found by the venue's log."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surefill.core import ratchet, step
from surefill.core.market import Nbbo
from surefill.core.trade import Trade
from surefill.core.turn import Turn
from surefill.replay.simulate.draw import draw_scenario
from surefill.replay.simulate.play import play
from surefill.replay.simulate.scenario import Scenario
from surefill.replay.simulate.stops import Line, _given_way, _read, _Story
from surefill.replay.simulate.verdict import judge
from surefill.sim.auditor_terms import UNIT, read_plan


def found(scenario: Scenario) -> list[str]:
    """What is told of this run."""
    return [f"{one.code}: {one.sentence}" for one in judge(play(scenario))[1]]


def test_a_stop_nearer_than_its_distance_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(draw_scenario(30_002)) == []
    sound = ratchet._trailing_px

    def nearer(trade: Trade, nbbo: Nbbo) -> int | None:
        px = sound(trade, nbbo)
        return None if px is None else px + 2 * trade.sign * trade.ticks.tick_at(px)

    monkeypatch.setattr(ratchet, "_trailing_px", nearer)
    told = found(draw_scenario(30_002))
    assert told[0] == "I22: a stop at 53.54 was not earned; the tape gave 53.56"


def test_a_stop_that_follows_too_often_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ratchet, "GAP_NS", 0)
    assert found(draw_scenario(30_002)) == [
        "I20: a stop followed the market 6 times within a minute"
    ]


def test_a_stop_that_does_not_follow_is_found_in_a_calm_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert found(draw_scenario(30_030)) == []

    def stay(turn: Turn) -> None:
        pass

    monkeypatch.setattr(step, "follow_market", stay)
    assert found(draw_scenario(30_030)) == [
        "I22: 1.11 was earned since long, and no stop rests there"
    ]


def test_a_hand_needs_no_rule() -> None:
    played = play(draw_scenario(30_005))
    assert played.by_hand
    assert judge(played)[1] == ()


def line(at: int, kind: str, order_id: str, **more: object) -> Line:
    """One line of the log about plan p1."""
    fields: dict[str, object] = {
        "venue_ns": at,
        "kind": kind,
        "order_id": order_id,
        "cl_ord_id": None,
        "replaces": None,
        "parent_id": None,
        "leg": None,
        "side": "SELL",
        "stop_px": None,
        "qty": None,
        "px": None,
    }
    return fields | more


def test_a_replacement_that_gives_way_is_found_and_a_new_group_is_none() -> None:
    plan = draw_scenario(30_002).plans[0].plan
    plan = replace(plan, plan_id="p1")
    terms = read_plan(
        {
            "plan_id": "p1",
            "symbol": "ACME",
            "side": "BUY",
            "qty": 10 * UNIT,
            "signal_px": 100 * UNIT,
            "risk_px": UNIT,
            "rr_ppb": 2 * UNIT,
            "may_tighten": True,
        }
    )
    story = _Story(terms, plan)
    lines = [
        line(1, "refused", "", cl_ord_id="sf-t-p1-E1"),
        line(1, "accept", "x"),
        line(1, "accept", "e", cl_ord_id="sf-t-p1-E1", side="BUY", leg="ENTRY"),
        line(2, "fill", "e", side="BUY", leg="ENTRY", qty=10 * UNIT, px=100 * UNIT),
        line(3, "accept", "s1", parent_id="e", leg="STOP", stop_px=99 * UNIT),
        line(4, "new", "s1", leg="STOP", stop_px=99 * UNIT),
        line(5, "accept", "s2", replaces="s1", leg="STOP", stop_px=101 * UNIT),
        line(6, "accept", "s3", replaces="s2", leg="STOP", stop_px=100 * UNIT),
        line(7, "fill", "s3", leg="STOP", qty=10 * UNIT, px=100 * UNIT),
        line(8, "trade_bust", "s3", leg="STOP", qty=10 * UNIT, px=100 * UNIT),
        line(9, "accept", "y", cl_ord_id="sf-t-p2-E1", side="BUY", leg="ENTRY"),
    ]
    _read(lines, {"p1": story})
    assert story.stops[0] == (3, "s1", 99 * UNIT, None)
    assert (story.out_ns, story.is_changed) == (7, True)
    assert list(_given_way(story)) == [(6, "a stop that was earned gave way: 101.00 to 100.00")]
