"""Plots as plotly's JSON."""

from __future__ import annotations

import json
from dataclasses import replace

from surefill.dashboard.costs import Costs, PathCost, Point, costs_of
from surefill.dashboard.figures import reward_figure, slippage_figure, tape_figure
from surefill.dashboard.sheet import Tape, tape_of
from surefill.service.reader import NOTHING
from surefill.tca.journaled import parent_of
from tests.dashboard.test_sheet import track
from tests.tca.support import closed_bench

COSTS = Costs(
    (
        PathCost("smart", (Point("p1", 4.0, 2.0, 1.9), Point("p2", 6.0, None, None))),
        PathCost("legacy", (Point("l1", 40.0, 2.0, 0.1),)),
    ),
    (),
)


def tape() -> Tape:
    parent = parent_of(closed_bench().trade)
    assert parent is not None
    return tape_of(parent, track(parent.arrival_ns), "recorded tape")


def test_slippage_by_path_and_its_target() -> None:
    figure = slippage_figure(COSTS)
    assert [trace["name"] for trace in figure["data"]] == ["smart", "legacy"]
    assert figure["data"][0]["x"] == [4.0, 6.0]
    assert figure["layout"]["shapes"][0]["x0"] == 10.0
    assert slippage_figure(costs_of(NOTHING))["data"] == []


def test_reward_leaves_out_what_is_not_known() -> None:
    figure = reward_figure(COSTS)
    assert [trace["name"] for trace in figure["data"]] == ["smart", "legacy", "as planned"]
    assert figure["data"][0]["text"] == ["p1"]
    only = Costs((PathCost("smart", (Point("p2", 6.0, None, None),)),), ())
    assert [trace["name"] for trace in reward_figure(only)["data"]] == ["as planned"]


def test_a_tape_shows_quotes_levels_orders_and_fills() -> None:
    figure = tape_figure(tape())
    names = [trace["name"] for trace in figure["data"]]
    assert names[:3] == ["ask", "bid", "signal"]
    assert {"order: entry", "order: target", "entered", "closed"} <= set(names)
    by_name = {trace["name"]: trace for trace in figure["data"]}
    assert by_name["entered"]["marker"]["symbol"] == "triangle-up"
    assert by_name["closed"]["marker"]["symbol"] == "triangle-down"
    bare = tape_figure(replace(tape(), quotes=(), closed=(), sign=-1))
    found = {trace["name"]: trace for trace in bare["data"]}
    assert "bid" not in found
    assert found["entered"]["marker"]["symbol"] == "triangle-down"


def test_everything_is_json_and_nothing_is_loaded() -> None:
    text = json.dumps([slippage_figure(COSTS), reward_figure(COSTS), tape_figure(tape())])
    assert "http" not in text
