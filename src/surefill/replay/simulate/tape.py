"""The sparse market of a scenario: a step every second or two, a function of seed and symbol.

What: `path_of` (quotes of one symbol), `market_of` (all symbols, with halts, as a `MarketSource`).
Why sparse: a seed has to cost a tenth of a second; what the executor does between two quotes does
not depend on quotes that change nothing.
Invariants: prices on the tick of their band, bid below ask, both positive; nothing after the close.
"""

from __future__ import annotations

from functools import lru_cache
from random import Random

from surefill.core.market import Nbbo, Print
from surefill.core.units import NANO, US_EQUITY_TICKS
from surefill.replay.simulate.scenario import Halted, Scenario, Symbol
from surefill.sim.faults import NS_PER_MS
from surefill.sim.market import (
    Halt,
    HaltedMarket,
    MarketEvent,
    MarketSource,
    PrintEvent,
    QuoteEvent,
    ScriptedMarket,
)

BEFORE_MS = 4_000
"""The market is there before the engine starts."""
SETTLE_MS = 240_000
"""How long the market goes on after the healing: doubt takes 120 s by rule (I10)."""
_SLOW_STEP_MS = 4_000
_MOVES = (-3, -2, -1, -1, 0, 0, 1, 1, 2, 3)

Quote = tuple[int, int, int, int]
"""(ms, bid, ask, shares): prices 1e-9 USD"""


@lru_cache(maxsize=64)
def path_of(symbol: Symbol, seed: int, storm_ms: int) -> tuple[Quote, ...]:
    """The quotes of one symbol."""
    if symbol.path:
        return symbol.path
    chance = Random(f"{seed}:market:{symbol.name}")
    ticks = US_EQUITY_TICKS
    at_ms, px, quotes = -BEFORE_MS, symbol.px, []
    while at_ms < storm_ms + SETTLE_MS:
        move = chance.choice(_MOVES)
        if symbol.gap_units and not chance.randrange(100):
            move = chance.choice((-symbol.gap_units, symbol.gap_units))
        px = max(px + move * symbol.unit_px, symbol.px // 3)
        bid_px = ticks.floor(px)
        ask_px = bid_px + symbol.spread_ticks * ticks.tick_at(bid_px)
        ask_px = ticks.ceil(ask_px)
        quotes.append((at_ms, bid_px, ask_px, symbol.size + chance.randrange(symbol.size)))
        step_ms = symbol.step_ms if at_ms < storm_ms else _SLOW_STEP_MS
        at_ms += step_ms * chance.randint(60, 140) // 100
    return tuple(quotes)


def market_of(scenario: Scenario) -> MarketSource:
    """All symbols in order of time."""
    events: list[tuple[int, int, MarketEvent]] = []
    for index, symbol in enumerate(scenario.symbols):
        path = path_of(symbol, scenario.seed, scenario.storm_ms)
        for n, (at_ms, bid_px, ask_px, shares) in enumerate(path):
            at_ns = scenario.at_ns(at_ms)
            if at_ns + 10 * NS_PER_MS >= scenario.close_ns:
                break
            nbbo = Nbbo(bid_px, shares * NANO, ask_px, shares * NANO, at_ns, at_ns)
            events.append((at_ns, index, QuoteEvent(symbol.name, nbbo)))
            later_ns = at_ns + 5 * NS_PER_MS
            px = ask_px if n % 2 else bid_px
            print_ = Print(px, (1 + shares // 8) * NANO, later_ns, later_ns)
            events.append((later_ns, index, PrintEvent(symbol.name, print_)))
    events.sort(key=lambda entry: entry[:2])
    market = ScriptedMarket([event for _, _, event in events], name="scenario")
    halts = halts_of(scenario)
    return HaltedMarket(market, halts) if halts else market


def halts_of(scenario: Scenario) -> tuple[Halt, ...]:
    """Halts as spans of venue time; a later one of the same symbol waits for the earlier."""
    halts: list[Halt] = []
    ends: dict[str, int] = {}
    for one in sorted(
        (one for one in scenario.happenings if isinstance(one, Halted)), key=lambda h: h.at_ms
    ):
        start_ns = scenario.at_ns(one.at_ms)
        if start_ns <= ends.get(one.symbol, 0):
            continue
        end_ns = min(start_ns + one.for_ms * NS_PER_MS, scenario.heal_ns + NS_PER_MS)
        if end_ns > start_ns:
            halts.append(Halt(one.symbol, start_ns, end_ns))
            ends[one.symbol] = end_ns
    return tuple(halts)
