"""Crowded storms: every cell is aimed at, its phase lasts, and no earlier seed is touched."""

from __future__ import annotations

from collections import Counter

from surefill.core.trade import Phase
from surefill.core.units import NANO
from surefill.replay.simulate.aim import CELLS
from surefill.replay.simulate.crowd import (
    AIMS,
    FROM_SEED,
    NAMES,
    RARE,
    RAREST,
    SEEDS_A_ROUND,
    cells_of,
    crowd_plans,
    crowd_switches,
    draw_crowd,
    draw_well,
    is_crowded,
    is_focused,
    names_of,
)
from surefill.replay.simulate.draw import draw_scenario
from surefill.replay.simulate.scenario import Armed, Crashed, Scenario
from surefill.replay.simulate.seeds import play_seed
from surefill.sim.faults import FaultCode

ROUND = [seed for seed in range(FROM_SEED, FROM_SEED + SEEDS_A_ROUND) if is_crowded(seed)]
BEYOND = range(ROUND[-1], ROUND[-1] + 300)
FOCUSED = [seed for seed in BEYOND if is_crowded(seed) and is_focused(seed)][: len(RARE)]


def aimed_at(scenario: Scenario) -> set[tuple[FaultCode, str]]:
    """The cells that a scenario has faults in wait for."""
    armed = [one for one in scenario.happenings if isinstance(one, Armed)]
    return {(one.fault.code, one.phase) for one in armed if one.phase}


def test_earlier_seeds_stay_as_they_were() -> None:
    seed = FROM_SEED - 1
    plans = draw_scenario(seed).plans
    assert names_of(seed, ("ACME",)) == ("ACME",)
    assert crowd_plans(plans, seed) == list(plans)
    assert draw_crowd(seed, 60_000) == []
    assert draw_well(seed, 60_000, 0) == ([], [])
    assert crowd_switches(("fill_model=touch",), seed) == ("fill_model=touch",)


def test_every_tenth_is_calm() -> None:
    calm = draw_scenario(FROM_SEED)
    assert calm.is_calm
    assert len(calm.symbols) < len(NAMES)
    assert draw_crowd(FROM_SEED, 60_000) == []


def test_a_round_aims_at_every_cell() -> None:
    aims = [cell for seed in ROUND for cell in cells_of(seed)]
    assert set(aims) == set(CELLS)
    assert all(len(cells_of(seed)) == AIMS for seed in ROUND)
    assert max(Counter(aims).values()) <= 2


def test_what_is_aimed_at_lies_in_wait_and_its_phase_is_kept_open() -> None:
    seen: Counter[type] = Counter()
    for seed in ROUND[:25]:
        scenario = draw_scenario(seed)
        assert {symbol.name for symbol in scenario.symbols} == set(NAMES)
        assert aimed_at(scenario) >= set(cells_of(seed))
        phases = {phase for _, phase in cells_of(seed)}
        codes = Counter(
            str(h.fault.target) for h in draw_crowd(seed, 60_000) if isinstance(h, Armed)
        )
        assert Phase.CANCELLING not in phases or codes["cancel"]
        assert Phase.IN_DOUBT not in phases or codes["POST /v2/orders"]
        seen.update(type(one) for one in draw_crowd(seed, 60_000))
    assert seen[Crashed] > 3
    assert seen[Armed] > 150


def test_where_it_is_aimed_at_groups_there_are_brackets_and_large_orders() -> None:
    changed = 0
    for seed in ROUND:
        codes, phases = (set(column) for column in zip(*cells_of(seed), strict=True))
        plans = draw_scenario(FROM_SEED - 1).plans
        after = crowd_plans(plans, seed)
        is_aimed = codes & {FaultCode.V18, FaultCode.V20} or Phase.EXITING in phases
        assert is_aimed or after == list(plans)
        changed += after != list(plans)
    assert changed > 10


def test_after_three_rounds_a_storm_may_aim_at_one_rare_cell_with_a_well() -> None:
    assert {cells_of(seed)[0] for seed in FOCUSED} == set(RARE)
    late = [seed for seed in range(FROM_SEED + 335, FROM_SEED + 345) if is_crowded(seed)]
    assert {cells_of(seed)[0] for seed in late if is_focused(seed)} == set(RAREST)
    seed = FOCUSED[0]
    assert len(cells_of(seed)) == 1
    (well,), plans = draw_well(seed, 60_000, 0)
    assert [plan.at_ms for plan in plans] == [6_000, 22_000, 38_000]
    assert {size for _, _, _, size in well.path} == {10, 2_000}
    assert all(ask - bid == NANO // 100 for _, bid, ask, _ in well.path)
    assert {plan.is_legacy for seed in FOCUSED for plan in draw_well(seed, 60_000, 0)[1]} == {
        True,
        False,
    }
    assert crowd_switches(("fill_model=touch", "exit_race=none"), seed) == ("exit_race=none",)
    assert draw_scenario(seed).symbols[-1].name == well.name


def test_a_crowded_storm_is_played_and_hits() -> None:
    result = play_seed(ROUND[6])
    hit = {(code, phase) for (code, phase), _ in result.cells}
    assert hit & {(code.value, phase) for code, phase in cells_of(ROUND[6])}
    assert result.violations == ()
