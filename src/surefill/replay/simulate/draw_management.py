"""What seeds from `FROM_SEED` on draw in addition: plans that manage their exits, hands on them.

What: `draw_management` gives half of the plans rules for their stop, some a time after the first
fill, and from `FROM_SEED_TARGETS` on every third several targets; `draw_hands` lets an operator
tighten a stop in one storm of six.
Why not below: failures are named by their seed; what a seed of the past draws stays as it was.
Invariants: numbers of its own, so that nothing drawn elsewhere moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from surefill.core.events import Act
from surefill.core.management import Distance, Management, ScaleOut
from surefill.core.plan import SECOND_NS, ExitsByDistance, ExitsByLevel
from surefill.core.units import NANO
from surefill.core.values import replace
from surefill.replay.simulate.scenario import Given, Operated

FROM_SEED = 30_000
FROM_SEED_TARGETS = 31_000
"""From here on also several targets."""


def draw_management(plans: Sequence[Given], seed: int) -> list[Given]:
    """The plans, every second one with rules for its exits."""
    if seed < FROM_SEED:
        return list(plans)
    chance = Random(f"simulate:{seed}:management")
    managed = [_managed(one, chance) for one in plans]
    if seed < FROM_SEED_TARGETS:
        return managed
    return [_scaled(one, chance) for one in managed]


def draw_hands(plans: Sequence[Given], seed: int, storm_ms: int) -> list[Operated]:
    """An operator who tightens the stop of some trade."""
    chance = Random(f"simulate:{seed}:hands")
    if seed < FROM_SEED or chance.randrange(6):
        return []
    symbol = chance.choice(plans).plan.symbol
    return [Operated(chance.randrange(2_000, storm_ms), Act.TIGHTEN, symbol)]


def _managed(one: Given, chance: Random) -> Given:
    break_even, trail, begin = (_risks(chance, 2), _risks(chance, 2), _risks(chance, 3))
    after_ns = chance.randint(5, 40) * SECOND_NS
    has_rules, is_timed = chance.randrange(2), not chance.randrange(4)
    manage = Management(
        break_even_at=break_even if has_rules and chance.randrange(2) else None,
        trail=trail if has_rules else None,
        trail_from=begin if has_rules and chance.randrange(2) else None,
        exit_after_ns=after_ns if is_timed else None,
    )
    return replace(one, plan=replace(one.plan, manage=manage))


def _scaled(one: Given, chance: Random) -> Given:
    """Every third plan with one to three scale-outs between its entry and its target."""
    exits, plan, count = one.plan.exits, one.plan, chance.choice((1, 1, 2, 3))
    percents = [chance.choice((10, 20, 30)) for _ in range(count)]
    if chance.randrange(3) or one.is_legacy:
        return one
    match exits:
        case ExitsByDistance(_, rr_ppb):
            begin, last, tick = 0, rr_ppb, 1
        case ExitsByLevel(_, target_px):
            begin, last, tick = plan.signal_px, target_px, NANO // 10_000
        case _:
            return one
    steps = [begin + (last - begin) * n // (count + 1) // tick * tick for n in range(1, count + 1)]
    scale_outs = tuple(
        ScaleOut(percent * NANO // 100, step) for percent, step in zip(percents, steps, strict=True)
    )
    manage = replace(plan.manage, scale_outs=scale_outs)
    return replace(one, plan=replace(plan, manage=manage))


def _risks(chance: Random, most: int) -> Distance:
    """A quarter of the risk to ``most`` times that risk."""
    return Distance(r_ppb=chance.randint(1, 4 * most) * NANO // 4)
