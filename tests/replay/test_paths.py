"""Several paths get the same plans; a tactic is the same for all of them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from surefill.core.plan import SECOND_NS
from surefill.replay.comparison import Scope, Stream, play_path, synthetic_stream
from surefill.replay.paths import LEGACY, PATHS, SMART, play_paths
from surefill.tactics.registry import PLAN_TACTICS


@pytest.fixture(scope="module")
def stream() -> Stream:
    """Five minutes, three stocks."""
    scope = Scope(plans_max=12, window_ns_max=300 * SECOND_NS, events_max=10**9)
    return synthetic_stream(7, scope)


def test_names() -> None:
    assert set(PATHS) == {LEGACY, SMART} | PLAN_TACTICS


def test_every_path_plays_all_plans_and_is_judged(stream: Stream) -> None:
    told: list[tuple[str, int]] = []
    played = list(
        play_paths(
            stream,
            (LEGACY, "passive"),
            seed=7,
            model="touch",
            on_progress=lambda path, done: told.append((path, done)),
        )
    )
    assert [(one.path, one.model) for one in played] == [(LEGACY, "touch"), ("passive", "touch")]
    assert {one.measures.plans for one in played} == {len(stream.draws)}
    assert not any(one.violations for one in played)
    assert all(one.lines > 20 for one in played)
    assert told[-1] == ("passive", len(stream.draws))
    row = played[1].to_dict()
    assert (row["path"], row["model"], row["plans"]) == ("passive", "touch", len(stream.draws))
    assert Decimal(str(row["all_in_bps"])) == played[1].measures.all_in_bps


def test_a_named_tactic_is_that_of_every_plan(stream: Stream) -> None:
    result = play_path(stream, seed=7, is_legacy=False, tactic="passive")
    assert {end.plan.tactic for end in result.ended.values()} == {"passive"}
    assert {draw.plan.tactic for draw in stream.draws} == {"limit", "marketable"}


def test_the_model_of_fills_decides_what_a_resting_order_gets(stream: Stream) -> None:
    touch, first = (
        next(iter(play_paths(stream, ("passive",), seed=7, model=model))).measures.all_in_bps
        for model in ("touch", "first")
    )
    assert touch != first
