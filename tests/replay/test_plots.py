"""Plots: each draws what is known, leaves out what is not, and adds up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surefill.core.fix import Leg
from surefill.core.units import NANO
from surefill.replay.plots import (
    COLOURS,
    PARTS,
    Plot,
    colour_of,
    differences_of,
    figures_of,
)
from surefill.tca.analysis import Analysis, analysis_of
from surefill.tca.compare import compare
from surefill.tca.facts import Fate
from surefill.tca.parent import Closing, Marks
from tests.tca.parents import START_NS, USD, fill, parent, px

MARKS = Marks(arrival_px=px("100"), end_cost=100 * 10010 * USD // 100)
OUT = Closing(Leg.TARGET, 100 * NANO, px("104"), START_NS)


def entered(plan_id: str, at: str, **more: object) -> Analysis:
    done = fill(100, at, "100.01", later="100.02")
    levels = {"stop_px": px("98"), "target_px": px("104"), "rest_stop_px": px("98")}
    given = {"fills": (done,), "closings": (OUT,), "marks": MARKS} | levels | more
    return analysis_of(parent(plan_id, **given))


DAY_NS = 86_400 * NANO
MINE = entered("a", "100.02").parent
MISSED = analysis_of(parent("m", marks=MARKS))
BLIND = analysis_of(parent("b"))
PATHS = {
    "smart": [entered("a", "100.02"), entered("c", "98.40"), MISSED],
    "legacy": [entered("a", "100.06"), entered("b", "100.10"), BLIND],
    "nothing": [BLIND],
}


def plot(name: str) -> Plot:
    return next(one for one in figures_of(PATHS) if one.name == name)


def traces(name: str, kind: str) -> dict[str, object]:
    return {one.name: one for one in plot(name).figure.data if one.type == kind}


def test_every_plot_of_a_full_run() -> None:
    names = [one.name for one in figures_of(PATHS)]
    assert names == ["slippage", "shortfall", "completion", "reward", "filling", "markouts"]
    assert all(one.text and one.title for one in figures_of(PATHS))


def test_nothing_known_draws_nothing() -> None:
    assert figures_of({"nothing": [BLIND]}) == ()
    denied = analysis_of(parent("d", fate=Fate.DENIED))
    assert [one.name for one in figures_of({"x": [denied], "y": []})] == ["completion"]


def test_slippage_is_in_basis_points() -> None:
    boxes = traces("slippage", "box")
    assert set(boxes) == {"smart", "legacy"}
    assert list(boxes["legacy"].x) == [6.0, 10.0]  # type: ignore[attr-defined]


def test_the_waterfall_adds_up() -> None:
    for one in plot("shortfall").figure.data:
        *parts, total = one.y
        assert list(one.x) == [*PARTS, "total"]
        assert sum(parts) == pytest.approx(total, abs=0.001)


def test_completion_charges_what_was_missed() -> None:
    points = traces("completion", "scatter")
    assert set(points) == {"smart", "legacy"}
    assert points["smart"].x[0] == pytest.approx(200 / 3)  # type: ignore[attr-defined]


def test_reward_beyond_the_axis_is_counted() -> None:
    names = {one.name for one in plot("reward").figure.data}
    assert names == {"smart (2, 1 above)", "legacy (2)", "nothing (0)", "as planned"}


def test_the_fill_rate_ends_at_the_budget() -> None:
    lines = traces("filling", "scatter")
    smart = lines["smart"]
    assert smart.x[-1] == 60.0  # type: ignore[attr-defined]
    assert smart.y[-1] == pytest.approx(200 / 3)  # type: ignore[attr-defined]


def test_markouts_say_of_how_many_plans() -> None:
    line = traces("markouts", "scatter")["legacy"]
    assert line.text[0] == "2 plans"  # type: ignore[attr-defined]
    assert line.y[0] == pytest.approx(-6.0, abs=0.01)  # type: ignore[attr-defined]


def test_colours_come_again() -> None:
    many = {str(n): [BLIND] for n in range(len(COLOURS) + 1)}
    assert colour_of(many)["0"] == colour_of(many)[str(len(COLOURS))]


def test_differences_have_their_intervals_at_every_level() -> None:
    pairs = {path: [one.parent for one in PATHS[path]] for path in ("smart", "legacy")}
    found = compare(pairs["smart"], pairs["legacy"], rounds=50)
    assert found is not None
    shown = differences_of({"smart": found}, "legacy")
    assert shown is not None
    names = [bar.name for bar in shown.figure.data]
    assert names == [f"legacy improved by {percent} %" for percent in (0, 25, 50)]
    assert list(shown.figure.data[0].error_x["array"]) == [0.0], "one day has no interval"
    assert differences_of({}, "legacy") is None
    days = [replace(one, arrival_ns=START_NS + n * DAY_NS) for n, one in enumerate([MINE] * 3)]
    other = [replace(one, path="legacy", fills=(fill(100, "100.09", "100"),)) for one in days]
    wide = compare(days, other, rounds=50)
    assert wide is not None
    bars = differences_of({"smart": wide}, "legacy")
    assert bars is not None
    assert bars.figure.data[0].x[0] == pytest.approx(-7.0)
