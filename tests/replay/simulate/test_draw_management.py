"""Plans that manage their exits, from one seed number on, and nothing moved below it."""

from __future__ import annotations

from surefill.core.events import Act
from surefill.core.plan import ExitsByDistance, ExitsByLevel, plan_problems
from surefill.replay.simulate.draw import draw_scenario
from surefill.replay.simulate.draw_management import (
    FROM_SEED,
    FROM_SEED_TARGETS,
    draw_hands,
    draw_management,
)
from surefill.replay.simulate.scenario import Operated
from surefill.tactics.registry import PLAN_TACTICS

SEEDS = range(FROM_SEED, FROM_SEED + 40)


def test_earlier_seeds_stay_as_they_were() -> None:
    given = draw_scenario(7).plans
    assert draw_management(given, FROM_SEED - 1) == list(given)
    assert draw_hands(given, FROM_SEED - 1, 60_000) == []
    assert not any(str(one.plan.manage) for seed in range(20) for one in draw_scenario(seed).plans)


def test_later_seeds_draw_every_rule_and_only_what_a_plan_may_say() -> None:
    plans = [one.plan for seed in SEEDS for one in draw_scenario(seed).plans]
    managed = [plan.manage for plan in plans]
    assert any(one.break_even_at for one in managed)
    assert any(one.trail and one.trail_from is None for one in managed)
    assert any(one.trail_from for one in managed)
    assert any(one.exit_after_ns for one in managed)
    assert any(not str(one) for one in managed)
    assert not [plan for plan in plans if plan_problems(plan, PLAN_TACTICS)]


def test_hands_are_on_some_storms() -> None:
    acts = [
        one.act
        for seed in SEEDS
        for one in draw_scenario(seed).happenings
        if isinstance(one, Operated)
    ]
    assert Act.TIGHTEN in acts


def test_several_targets_from_a_later_seed_on() -> None:
    assert not any(one.plan.manage.scale_outs for s in SEEDS for one in draw_scenario(s).plans)
    later = range(FROM_SEED_TARGETS, FROM_SEED_TARGETS + 30)
    given = [one for seed in later for one in draw_scenario(seed).plans]
    scaled = [one for one in given if one.plan.manage.scale_outs]
    assert {len(one.plan.manage.scale_outs) for one in scaled} == {1, 2, 3}
    assert {type(one.plan.exits) for one in scaled} == {ExitsByDistance, ExitsByLevel}
    assert not [one for one in scaled if one.is_legacy]
    assert not [one for one in scaled if plan_problems(one.plan, PLAN_TACTICS)]
