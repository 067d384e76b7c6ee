"""What the later seeds draw in addition, and that nothing of it moves the earlier ones."""

from __future__ import annotations

from dataclasses import replace

from surefill.core.plan import ExitsByDistance
from surefill.replay.simulate.aim import (
    CANNOT,
    CELLS,
    FOLLOWING,
    FROM_SEED,
    PHASES,
    SLICED_FROM_SEED,
    draw_aims,
    follow_market,
)
from surefill.replay.simulate.draw import draw_scenario
from surefill.replay.simulate.draw_faults import DRAWN
from surefill.replay.simulate.scenario import Armed
from surefill.sim.faults import FaultCode
from surefill.tactics.registry import PLAN_TACTICS

SEEDS = range(FROM_SEED, FROM_SEED + 60)


def test_earlier_seeds_stay_as_they_were() -> None:
    given = draw_scenario(7).plans
    assert follow_market(given, FROM_SEED - 1, is_calm=False) == list(given)
    assert draw_aims(FROM_SEED - 1, 60_000) == []
    assert {one.plan.tactic for seed in range(30) for one in draw_scenario(seed).plans} == {
        "limit",
        "marketable",
    }


def test_later_seeds_draw_every_tactic() -> None:
    drawn = {one.plan.tactic for seed in SEEDS for one in draw_scenario(seed).plans}
    assert drawn == {*FOLLOWING, "limit", "marketable"} == PLAN_TACTICS - {"slice"}


def test_pieces_are_drawn_from_a_later_seed_on() -> None:
    given = [one for seed in range(40) for one in draw_scenario(seed).plans]
    sliced = follow_market(given, SLICED_FROM_SEED, is_calm=False)
    assert {one.plan.tactic for one in sliced} >= {*FOLLOWING, "slice"}
    before = follow_market(given, SLICED_FROM_SEED - 1, is_calm=False)
    assert "slice" not in {one.plan.tactic for one in before}


def test_in_a_calm_seed_a_patient_plan_has_room_for_its_stop() -> None:
    given = [one for seed in range(40) for one in draw_scenario(seed).plans]
    for before, after in zip(given, follow_market(given, FROM_SEED, is_calm=True), strict=True):
        if after == before:
            continue
        assert after.plan.tactic in FOLLOWING
        assert isinstance(before.plan.exits, ExitsByDistance)
        wide = replace(before.plan.exits, risk_px=3 * before.plan.exits.risk_px)
        assert after.plan.exits == wide


def test_aims_are_cells_that_can_happen() -> None:
    aims = [one for seed in SEEDS for one in draw_aims(seed, 60_000)]
    cells = {(one.fault.code, one.phase) for one in aims}
    assert cells <= {*CELLS, *((FaultCode.W5, phase) for phase in PHASES)}
    assert len(cells) > 60
    assert all(0 <= one.at_ms < 15_000 for one in aims)
    thrown = [one for one in aims if one.fault.code is FaultCode.W7]
    for one in thrown:
        partner = Armed(one.at_ms, one.fault, phase=one.phase)
        assert partner == one
        assert any(o.fault.code is FaultCode.W5 and o.phase == one.phase for o in aims)


def test_every_cell_is_possible_or_has_a_reason() -> None:
    every = {(code, str(phase)) for code in DRAWN for phase in PHASES}
    assert set(CELLS) | set(CANNOT) == every
    assert not set(CELLS) & set(CANNOT)
    assert all(CANNOT.values())
