"""Several paths get the same plans; a tactic is the same for all of them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from surefill.core.plan import SECOND_NS
from surefill.replay.comparison import (
    PathResult,
    Scope,
    Stream,
    play_path,
    synthetic_stream,
)
from surefill.replay.execution import market_of, parents_of_path
from surefill.replay.measure import entries_of
from surefill.replay.paths import LEGACY, PATHS, SMART, play_paths
from surefill.tactics.registry import PLAN_TACTICS
from surefill.tca.analysis import analysis_of


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


def entered(result: PathResult) -> int:
    return sum(one.qty for one in entries_of(result.lines).values())


def test_the_account_decides_as_well(stream: Stream) -> None:
    draws = tuple(
        replace(draw, plan=replace(draw.plan, order_qty=20 * (draw.plan.order_qty or 0)))
        for draw in stream.draws
    )
    stream = replace(stream, draws=draws)  # entries in parts
    plain = play_path(stream, seed=7, is_legacy=False, tactic="slice")
    other = play_path(
        stream, seed=7, is_legacy=False, tactic="slice", beside=True, fee_usd=5_000_000
    )
    assert (plain.fee_usd, other.fee_usd) == (0, 5_000_000)
    assert not other.report.violations
    assert entered(other) > entered(plain), "the first part does not end the entry"
    markets = {tape.symbol: market_of(tape, stream.session.close_ns) for tape in stream.tapes}
    parents = parents_of_path(stream, other, "slice", markets=markets)
    assert any(one.qty for one in parents)
    for one in parents:
        assert one.fees == 5_000_000 * (one.qty + sum(part.qty for part in one.closings))
        assert not one.qty or (one.fees and analysis_of(one).shortfall)
    assert not any(one.fees for one in parents_of_path(stream, plain, "slice", markets=markets))


def test_the_model_of_fills_decides_what_a_resting_order_gets(stream: Stream) -> None:
    touch, first = (
        next(iter(play_paths(stream, ("passive",), seed=7, model=model))).measures.all_in_bps
        for model in ("touch", "first")
    )
    assert touch != first
