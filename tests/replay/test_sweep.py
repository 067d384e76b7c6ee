"""Choices are made on the days before; a cell is the same whoever plays it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from surefill.core.plan import SECOND_NS
from surefill.replay.comparison import Scope, synthetic_stream
from surefill.replay.paths import LEGACY
from surefill.replay.plan_rows import draw_of
from surefill.replay.plan_source import FilePlans
from surefill.replay.sweep import (
    Cell,
    Choice,
    cost_of,
    drawn,
    grid,
    play_task,
    play_tasks,
    synthetic_tasks,
    tasks_of,
    walk_forward,
)
from surefill.sim.market import TapeError, TapeErrorCode
from surefill.sim.scripts import CRWD_SESSION
from surefill.sim.workload import Draw
from tests.sim.tapes import spoilt, twin

SCOPE = Scope(plans_max=6, window_ns_max=300 * SECOND_NS, events_max=10**9)
MIN, MAX = "max_slippage_ppb", "fill_timeout_ns"


def cell(choice: str, date: int, cost: str | None, *, plans: int = 10, broken: int = 0) -> Cell:
    return Cell(
        choice=choice,
        symbol="X",
        date=date,
        plans=plans,
        entered=plans,
        cost_bps=None if cost is None else Decimal(cost),
        broken=("I1",) * broken,
    )


def test_a_grid_is_every_combination_and_legacy_once() -> None:
    found = grid(["limit", LEGACY], {MIN: (1, 2), MAX: (3,)})
    assert [choice.name for choice in found] == [
        "limit fill_timeout_ns=3 max_slippage_ppb=1",
        "limit fill_timeout_ns=3 max_slippage_ppb=2",
        "legacy",
    ]


def test_a_draw_is_the_same_for_a_seed_and_keeps_the_order() -> None:
    choices = grid(["limit"], {MIN: range(50)})
    some = drawn(choices, 5, seed=1)
    assert some == drawn(choices, 5, seed=1) != drawn(choices, 5, seed=2)
    assert [choices.index(one) for one in some] == sorted(choices.index(one) for one in some)
    assert drawn(choices, 99, seed=1) == choices


def test_each_day_is_judged_with_what_the_days_before_chose() -> None:
    cells = [cell("a", 1, "2"), cell("b", 1, "1"), cell("a", 2, "3"), cell("b", 2, "9")]
    cells += [cell("a", 3, "4"), cell("b", 3, "5")]
    second, third = walk_forward(cells, default="a")
    assert (second.date, second.chosen, second.cost_bps) == (2, "b", Decimal("9.0"))
    assert (third.chosen, third.cost_bps) == ("a", Decimal("4.0"))
    assert dict(second.others) == {"a": Decimal("3.0"), "b": Decimal("9.0")}


@pytest.mark.parametrize(
    "cheap", [cell("b", 1, "1", broken=1), cell("b", 1, None), cell("b", 1, "2")]
)
def test_broken_unknown_and_equal_choices_are_not_chosen(cheap: Cell) -> None:
    cells = [cell("a", 1, "2"), cheap, cell("a", 2, "3"), cell("b", 2, "1")]
    assert [fold.chosen for fold in walk_forward(cells, default="a")] == ["a"]


def test_without_a_sound_choice_it_stays_with_the_default() -> None:
    cells = [cell("b", 1, "1", broken=1), cell("b", 2, "1"), cell("a", 2, "3")]
    assert walk_forward(cells, default="a")[0].chosen == "a"


def test_one_day_decides_nothing() -> None:
    assert walk_forward([cell("a", 1, "1")], default="a") == []


def test_plans_weigh_alike() -> None:
    assert cost_of([cell("a", 1, "1", plans=30), cell("a", 2, "5", plans=10)]) == Decimal("2.0")
    assert cost_of([cell("a", 1, None)]) is None


def test_a_choice_keeps_what_a_plan_says_of_itself() -> None:
    task = synthetic_tasks([Choice("limit")], 1, model="queue", seed=7, scope=SCOPE)[0]
    assert task.choice.overrides == ()
    choice = Choice("limit", ((MIN, 5),))
    plan = synthetic_stream(7, SCOPE).draws[0].plan
    plan = replace(plan, overrides=((MAX, 9), (MIN, 1)))
    assert dict(choice.of(plan).overrides) == {MAX: 9, MIN: 5}
    assert Choice("limit").of(plan) == plan


def test_a_cell_is_the_same_whoever_plays_it() -> None:
    choices = [Choice("limit"), Choice(LEGACY)]
    tasks = synthetic_tasks(choices, 1, model="queue", seed=7, scope=SCOPE)
    with ThreadPoolExecutor(2) as pool:
        found = dict(play_tasks(tasks, pool))
    assert [found[0], found[1]] == [play_task(task) for task in tasks]
    assert not found[0].broken
    assert found[0].cost_bps != found[1].cost_bps


def test_a_cell_is_of_its_account() -> None:
    task = synthetic_tasks(grid(["limit"], {}), 1, model="queue", seed=7, scope=SCOPE)[0]
    plain, dear = play_task(task), play_task(replace(task, fee_usd=10_000_000))
    assert (plain.plans, plain.entered) == (dear.plans, dear.entered)
    assert plain.entered
    assert plain.cost_bps is not None
    assert dear.cost_bps is not None
    assert dear.cost_bps > plain.cost_bps


def test_a_bad_tape_ends_it_or_is_left_out_by_name(tmp_path: Path) -> None:
    bad = spoilt(twin(tmp_path))
    (task,) = tasks_of([Choice("limit")], [bad], model="queue", seed=1, scope=SCOPE)
    with pytest.raises(TapeError) as error:
        play_task(task)
    assert error.value.code is TapeErrorCode.TAPE_SUSPECT
    played = play_task(replace(task, allow_bad=True))
    assert played.plans > 0
    assert "SUSPECT" in played.tapes[0]
    bad.trades_path.write_bytes(b"no Parquet")
    left = play_task(replace(task, allow_bad=True))
    assert (left.plans, left.cost_bps) == (0, None)
    assert [one.field for one in left.left_out] == ["TAPE_UNREADABLE"]


def test_a_day_on_which_no_plan_can_be_played(tmp_path: Path) -> None:
    early = draw_of(
        {"at": CRWD_SESSION.open_ns - 5, "symbol": "TWIN", "side": "buy", "qty": 1, "signal": 9}
        | {"risk": 1, "rr": 2},
        "here",
        fallback_id="x",
    )
    assert isinstance(early, Draw)
    source = FilePlans((early,))
    days = [twin(tmp_path)]
    choice = Choice("limit")
    (task,) = tasks_of([choice], days, model="queue", seed=1, scope=SCOPE, source=source)
    found = play_task(task)
    assert (found.plans, [one.code for one in found.left_out]) == (0, ["PLAN_OUTSIDE_SESSION"])
