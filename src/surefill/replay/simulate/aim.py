"""What seeds from `FROM_SEED` on draw in addition: tactics that follow the market, aimed faults.

What: `follow_market` gives a third of the plans a tactic of `FOLLOWING`; `draw_aims` arms faults
that wait until an open trade is in a certain phase. `CELLS` are the pairs of fault and phase that
can happen, `CANNOT` those that cannot, each with the reason.
Why: a fault that lies in wait at random hits long phases a thousand times and short ones never.
Why not below: failures are named by their seed; what a seed of the past draws stays as it was.
Invariants: numbers of its own, so that nothing drawn elsewhere moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from surefill.core.plan import ExitsByDistance
from surefill.core.trade import Phase
from surefill.core.values import replace
from surefill.replay.simulate.draw_faults import DRAWN, struck_once
from surefill.replay.simulate.scenario import Armed, Given
from surefill.sim.faults import FaultCode

FROM_SEED = 10_000
FOLLOWING = ("adaptive", "ladder", "mid", "passive")
SLICED_FROM_SEED = 200_000
"""From here on `slice` is among them."""
RECOVERING = "RECOVERING"
"""The phase of a process that is dead, or has not read everything since its start."""
PHASES = (
    *(Phase.IN_FLIGHT, Phase.WORKING, Phase.IN_DOUBT, Phase.CANCELLING, Phase.PARTIAL),
    *(Phase.FILLED_UNCOVERED, Phase.COVER_IN_FLIGHT, Phase.COVERED, Phase.AMENDING),
    *(Phase.EXITING, Phase.FLATTENING, Phase.SETTLING, RECOVERING),
)
CANNOT: dict[tuple[FaultCode, str], str] = {}
CELLS = tuple(
    (code, str(phase)) for code in DRAWN for phase in PHASES if (code, phase) not in CANNOT
)
AIMS = 3


def follow_market(plans: Sequence[Given], seed: int, *, is_calm: bool) -> list[Given]:
    """The plans, one in three by a tactic that follows the market."""
    if seed < FROM_SEED:
        return list(plans)
    chance = Random(f"simulate:{seed}:tactics")
    tactics = (*FOLLOWING, "slice") if seed >= SLICED_FROM_SEED else FOLLOWING
    return [_followed(one, chance, tactics, is_calm=is_calm) for one in plans]


def _followed(one: Given, chance: Random, tactics: Sequence[str], *, is_calm: bool) -> Given:
    tactic, is_chosen = chance.choice(tactics), not chance.randrange(3)
    if not is_chosen:
        return one
    exits = one.plan.exits
    if is_calm:  # who waits for his price is filled when the market comes his way, and beyond
        if not isinstance(exits, ExitsByDistance):
            return one
        exits = replace(exits, risk_px=3 * exits.risk_px)
    return replace(one, plan=replace(one.plan, tactic=tactic, exits=exits))


def draw_aims(seed: int, storm_ms: int) -> list[Armed]:
    """In every second storm a few faults that wait for their phase."""
    chance = Random(f"simulate:{seed}:aims")
    if seed < FROM_SEED or chance.randrange(2):
        return []
    return [
        armed
        for code, phase in chance.sample(CELLS, AIMS)
        for armed in aimed(code, phase, chance, storm_ms=storm_ms)
    ]


def aimed(code: FaultCode, phase: str, chance: Random, *, storm_ms: int) -> list[Armed]:
    """One incident of a fault that waits until an open trade is in this phase."""
    at_ms = chance.randrange(storm_ms // 4)
    codes = [code]
    if code is FaultCode.W7:
        codes.append(FaultCode.W5)  # who is not thrown out does not have to come in again
    return [Armed(at_ms, struck_once(one, chance), phase=phase) for one in codes]
