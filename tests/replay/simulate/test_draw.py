"""What seeds draw: everything, somewhere; the same, always."""

from __future__ import annotations

from functools import cache

from surefill.core.fix import Side
from surefill.core.plan import ExitsByLevel, plan_problems
from surefill.replay.simulate.draw import CALM_EVERY, DATES, UNCERTAIN, draw_scenario
from surefill.replay.simulate.scenario import (
    Armed,
    BustedLate,
    Crashed,
    Halted,
    Meddled,
    Operated,
    Rested,
    Scenario,
    Tail,
)
from surefill.sim.switches import CHOICES
from surefill.tactics.registry import PLAN_TACTICS


@cache
def many() -> tuple[Scenario, ...]:
    return tuple(draw_scenario(seed) for seed in range(300))


def test_a_seed_always_draws_the_same() -> None:
    assert draw_scenario(7) == many()[7]
    assert draw_scenario(7) != many()[8]


def test_every_tenth_seed_is_calm() -> None:
    calm = [one for one in many() if one.is_calm]
    assert [one.seed for one in calm] == list(range(0, 300, CALM_EVERY))
    for one in calm:
        assert one.happenings == one.plans
        assert not one.switches
        assert not one.delays


def test_swarms_are_different() -> None:
    storms = [one for one in many() if not one.is_calm]
    kinds = {type(happening) for one in storms for happening in one.happenings}
    assert {Armed, BustedLate, Crashed, Halted, Meddled, Operated, Rested} <= kinds
    assert {one.date for one in storms} == set(DATES)
    assert {one.exits_beside_entry for one in storms} == {True, False}
    assert {len(one.symbols) for one in storms} == {1, 2, 3}
    turned = {pair for one in storms for pair in one.switches}
    assert {pair.partition("=")[0] for pair in turned} == set(UNCERTAIN)
    assert set(UNCERTAIN) < set(CHOICES)
    assert any(
        not armed
        for armed in ([h for h in one.happenings if isinstance(h, Crashed)] for one in storms)
    )


def test_some_sessions_end_in_the_middle() -> None:
    assert any(one.at_ns(0) < one.close_ns < one.heal_ns for one in many())
    assert any(one.close_ns > one.at_ns(600_000) for one in many())


def test_plans_are_of_every_kind_and_readable() -> None:
    plans = [(given.plan, given.is_legacy) for one in many() for given in one.plans]
    assert {plan.side for plan, _ in plans} == {Side.BUY, Side.SELL_SHORT}
    # Seeds do not draw the tactics that follow the market yet (docs/simulation.md).
    assert {plan.tactic for plan, _ in plans} == {"limit", "marketable"} < PLAN_TACTICS
    assert {is_legacy for _, is_legacy in plans} == {True, False}
    assert {plan.flat_by_close for plan, _ in plans} == {True, False}
    assert {plan.exit_at_ns is None for plan, _ in plans} == {True, False}
    assert {isinstance(plan.exits, ExitsByLevel) for plan, _ in plans} == {True, False}
    for plan, _ in plans:
        assert not plan_problems(plan, PLAN_TACTICS)


def test_a_tail_is_lost_only_while_nothing_was_sent() -> None:
    crashes = [one for s in many() for one in s.happenings if isinstance(one, Crashed)]
    assert {crash.tail for crash in crashes} == set(Tail)
    assert all(not crash.sent for crash in crashes if crash.tail is not Tail.KEPT)
    assert any(crash.again for crash in crashes)


def test_no_exits_rest_beside_an_entry_that_is_not_exempt() -> None:
    for one in many():
        assert not (one.exits_beside_entry and "wash_exempts=none" in one.switches)
