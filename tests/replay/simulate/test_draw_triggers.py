"""Breakouts from one seed number on, and nothing moved below it."""

from __future__ import annotations

from dataclasses import replace

from surefill.core.plan import ExitsByDistance, ExitsByLevel, plan_problems
from surefill.core.units import NANO
from surefill.replay.simulate.draw import draw_scenario
from surefill.replay.simulate.draw_triggers import FROM_SEED, NAMED, draw_triggers
from surefill.tactics.registry import PLAN_TACTICS

SEEDS = range(FROM_SEED, FROM_SEED + 24)


def test_earlier_and_named_seeds_stay_as_they_were() -> None:
    scenario = draw_scenario(7)
    for seed in (FROM_SEED - 1, NAMED[0], NAMED[-1]):
        assert draw_triggers(scenario.plans, seed, scenario.symbols) == list(scenario.plans)


def test_later_seeds_draw_breakouts_that_a_plan_may_say() -> None:
    given = [one for seed in SEEDS for one in draw_scenario(seed).plans]
    waiting = [one for one in given if one.plan.trigger_px is not None]
    assert len(given) // 5 < len(waiting) < len(given) // 2
    assert not [one for one in waiting if one.is_legacy]
    assert {type(one.plan.exits) for one in waiting} == {ExitsByDistance, ExitsByLevel}
    assert {one.plan.sign for one in waiting} == {1, -1}
    assert len({one.plan.trigger_for_ns for one in waiting}) == 5
    assert not [one for one in given if plan_problems(one.plan, PLAN_TACTICS)]
    assert "waits for" in str(waiting[0])


def test_a_trigger_stays_a_price() -> None:
    scenario = draw_scenario(FROM_SEED)
    steps = tuple(replace(one, unit_px=10**6 * NANO) for one in scenario.symbols)
    plans = [
        one
        for seed in SEEDS
        for one in draw_triggers(scenario.plans, seed, steps)
        if one.plan.trigger_px is not None
    ]
    assert all((one.plan.trigger_px or 0) > 0 for one in plans)
