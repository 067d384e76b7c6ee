"""What seeds from `FROM_SEED` on draw in addition: breakouts, which wait for their market.

What: `draw_triggers` makes every third smart plan a breakout: a trigger some steps beyond the price
it was drawn at (sometimes there already), exits moved along, a time to wait or none.
Why not below, and not in `NAMED`: failures are named by their seed; what a seed of the past draws
stays as it was.
Invariants: numbers of its own, so that nothing drawn elsewhere moves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random

from surefill.core.plan import SECOND_NS, ExitsByLevel, TradePlan
from surefill.core.units import US_EQUITY_TICKS
from surefill.replay.simulate.scenario import Given, Symbol

FROM_SEED = 60_000
NAMED = range(200_000, 300_000)
"""Seeds of the tactic that slices, played before there were breakouts."""
STEPS = (-1, 0, 1, 2, 3, 4, 6)
"""How far beyond the drawn price a trigger lies, in steps of the symbol's walk."""


def draw_triggers(plans: Sequence[Given], seed: int, symbols: Sequence[Symbol]) -> list[Given]:
    """The plans, every third one as a breakout."""
    if seed < FROM_SEED or seed in NAMED:
        return list(plans)
    chance = Random(f"simulate:{seed}:triggers")
    steps = {symbol.name: symbol.unit_px for symbol in symbols}
    return [_triggered(one, chance, steps) for one in plans]


def _triggered(one: Given, chance: Random, steps: Mapping[str, int]) -> Given:
    count, for_s = chance.choice(STEPS), chance.choice((5, 15, 30, 60, None))
    if chance.randrange(3) or one.is_legacy:
        return one
    plan = one.plan
    moved_px = plan.sign * count * steps[plan.symbol]
    trigger_px = US_EQUITY_TICKS.floor(plan.signal_px + moved_px)
    if trigger_px <= plan.signal_px // 2:
        return one
    return replace(one, plan=_moved(plan, trigger_px, for_s))


def _moved(plan: TradePlan, trigger_px: int, for_s: int | None) -> TradePlan:
    """The same trade, from its trigger on."""
    exits, by_px = plan.exits, trigger_px - plan.signal_px
    if isinstance(exits, ExitsByLevel):
        stop_px, target_px = exits.stop_px + by_px, exits.target_px + by_px
        exits = ExitsByLevel(stop_px, max(target_px, US_EQUITY_TICKS.tick_at(0)))
    return replace(
        plan,
        signal_px=trigger_px,
        exits=exits,
        trigger_px=trigger_px,
        trigger_for_ns=None if for_s is None else for_s * SECOND_NS,
    )
