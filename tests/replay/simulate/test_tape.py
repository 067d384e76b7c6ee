"""The sparse market of a scenario."""

from __future__ import annotations

from dataclasses import replace

from surefill.core.fix import TradingStatus
from surefill.core.units import NANO, US_EQUITY_TICKS
from surefill.replay.simulate.draw import draw_scenario
from surefill.replay.simulate.scenario import Halted
from surefill.replay.simulate.scripts import scripted
from surefill.replay.simulate.tape import SETTLE_MS, halts_of, market_of, path_of
from surefill.sim.market import StatusEvent, events_of


def test_a_path_is_on_the_tick_two_sided_and_a_function_of_the_seed() -> None:
    for seed in range(8):
        scenario = draw_scenario(seed)
        for symbol in scenario.symbols:
            path = path_of(symbol, seed, scenario.storm_ms)
            assert path == path_of.__wrapped__(symbol, seed, scenario.storm_ms)
            assert path[-1][0] > scenario.storm_ms + SETTLE_MS - 10_000
            for _, bid_px, ask_px, shares in path:
                assert 0 < bid_px < ask_px
                assert US_EQUITY_TICKS.holds(bid_px)
                assert US_EQUITY_TICKS.holds(ask_px)
                assert shares > 0


def test_some_paths_cross_the_dollar() -> None:
    seen = set()
    for seed in range(40):
        scenario = draw_scenario(seed)
        for symbol in scenario.symbols:
            path = path_of(symbol, seed, scenario.storm_ms)
            seen.add(frozenset(bid_px < NANO for _, bid_px, _, _ in path))
    assert seen == {frozenset({True}), frozenset({False}), frozenset({True, False})}


def test_nothing_is_quoted_after_the_close() -> None:
    scenario = scripted("not entered")
    early = replace(scenario, close_ns=scenario.at_ns(5_000))
    assert max(event.venue_ns for event in events_of(market_of(early))) < early.close_ns


def test_halts_of_one_symbol_do_not_overlap_and_end_with_the_storm() -> None:
    scenario = scripted("not entered")
    happenings = (
        Halted(2_000, "ACME", 4_000),
        Halted(3_000, "ACME", 60_000),
        Halted(10_000, "ACME", 60_000),
        Halted(17_000, "ACME", 1_000),
    )
    halted = replace(scenario, happenings=happenings)
    spans = [(halt.start_ns, halt.end_ns) for halt in halts_of(halted)]
    last_ns = halted.heal_ns + 1_000_000
    assert spans == [
        (halted.at_ns(2_000), halted.at_ns(6_000)),
        (halted.at_ns(10_000), last_ns),
    ]
    statuses = [event for event in events_of(market_of(halted)) if isinstance(event, StatusEvent)]
    assert [event.status for event in statuses[:2]] == [
        TradingStatus.HALTED,
        TradingStatus.TRADING,
    ]
