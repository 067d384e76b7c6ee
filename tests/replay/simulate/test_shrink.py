"""A failing scenario made small."""

from __future__ import annotations

from dataclasses import replace

from surefill.replay.simulate import shrink as module
from surefill.replay.simulate.draw import draw_scenario
from surefill.replay.simulate.scenario import Crashed, Scenario
from surefill.replay.simulate.shrink import PROBES_MAX, codes_of, shrink


def crowded() -> Scenario:
    """Twenty deaths and some plans."""
    scenario = draw_scenario(21)
    deaths = tuple(Crashed(n * 1_000, 50) for n in range(20))
    return replace(scenario, happenings=(*deaths, *scenario.plans))


def test_only_what_is_needed_is_left() -> None:
    def probe(scenario: Scenario) -> frozenset[str]:
        times = {one.at_ms for one in scenario.happenings if isinstance(one, Crashed)}
        return frozenset({"I3"} if {3_000, 17_000} <= times else set())

    small = shrink(crowded(), "I3", probe=probe)
    assert [one.at_ms for one in small.happenings] == [3_000, 17_000]


def test_a_market_without_a_plan_is_dropped() -> None:
    scenario = crowded()
    (first, *_) = scenario.plans
    small = shrink(
        scenario, "I3", probe=lambda one: frozenset({"I3"} if first in one.plans else ())
    )
    assert small.happenings == (first,)
    assert [symbol.name for symbol in small.symbols] == [first.plan.symbol]


def test_what_fails_only_as_a_whole_stays_whole_and_the_search_ends() -> None:
    scenario = crowded()
    probes = []

    def probe(one: Scenario) -> frozenset[str]:
        probes.append(one)
        return frozenset({"I3"} if one == scenario else set())

    assert shrink(scenario, "I3", probe=probe) == scenario
    assert len(probes) <= PROBES_MAX


def test_a_probe_plays_the_scenario() -> None:
    assert codes_of(draw_scenario(10)) == frozenset()
    assert module.PROBES_MAX == 300
