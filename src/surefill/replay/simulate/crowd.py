"""Crowded storms: seeds from `FROM_SEED` on that hit every pair of fault and phase.

What: `names_of` (six symbols, so that several trades are under way at once), `crowd_plans` and
`draw_crowd`: six aimed faults a seed, cell after cell of `aim.CELLS`, and what makes the phase of
each last: an answer that is slow, a cancel that stays pending, news that comes late, a stream that
is cut, orders larger than the market; `draw_well`, a stock in which one trade after the other fills
at once and leaves in parts.
Why: some phases last 30 ms and some faults have an opportunity a minute. Where one trade waits in
the phase while another one gives the opportunity, the two meet.
Why not below: failures are named by their seed; what a seed of the past draws stays as it was.
Invariants: numbers of its own; `AIMS` cells a storm, so the first `SEEDS_A_ROUND` seeds aim at
every cell; after three such rounds every second storm aims at one cell of `RARE` alone, with a well
and with more to keep the phase open.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from types import MappingProxyType

from surefill.core.fix import Side
from surefill.core.management import Management
from surefill.core.plan import SECOND_NS, ExitsByDistance, TradePlan
from surefill.core.trade import Phase
from surefill.core.units import CENT, NANO
from surefill.core.values import replace
from surefill.replay.simulate.aim import CELLS, RECOVERING, aimed
from surefill.replay.simulate.scenario import Armed, Crashed, Given, Happening, Symbol
from surefill.replay.simulate.tape import BEFORE_MS, SETTLE_MS
from surefill.sim.faults import NS_PER_MS, Fault, FaultCode, Param

FROM_SEED = 1_000_000
NAMES = ("ACME", "BOLT", "CRUX", "EDGE", "FLUX", "GRID")
AIMS = 6
CALM_EVERY = 10
_STORMS_A_ROUND = -(-len(CELLS) // AIMS)
SEEDS_A_ROUND = -(-_STORMS_A_ROUND * CALM_EVERY // (CALM_EVERY - 1)) + 1


RARE = (
    *((FaultCode.V18, str(phase)) for phase in (Phase.IN_FLIGHT, Phase.CANCELLING)),
    *((FaultCode.V18, str(phase)) for phase in (Phase.FILLED_UNCOVERED, Phase.COVER_IN_FLIGHT)),
    *((code, str(Phase.AMENDING)) for code in (FaultCode.V18, FaultCode.V20)),
    (FaultCode.V20, str(Phase.EXITING)),
)
"""The venue holds exits dead: it must be filling a target in parts, or a bracket's entry, at the
very moment in which another trade is in a short phase."""
RAREST = (
    *((FaultCode.V20, str(phase)) for phase in (Phase.IN_FLIGHT, Phase.SETTLING)),
    (FaultCode.N11, str(Phase.EXITING)),
)
"""What no seed of the first 335 hit; aimed at in place of the rare ones from there on."""
_RAREST_FROM = 152
"""Storms after the rounds."""
_ROUNDS = 3
"""So often every cell is aimed at before the rare ones are."""
WELL_PX = 100 * NANO
_FOCUSED = 6
"""Openers of a phase in a storm that aims at nothing else; else two."""


def is_crowded(seed: int) -> bool:
    """Whether a seed is a crowded storm; every tenth is calm here as well."""
    return seed >= FROM_SEED and bool(seed % CALM_EVERY)


def names_of(seed: int, few: Sequence[str]) -> Sequence[str]:
    """The symbols of a seed; ``few`` are what it drew."""
    return NAMES if is_crowded(seed) else few


def draw_crowd(seed: int, storm_ms: int) -> list[Happening]:
    """The aimed faults of a crowded storm, and what keeps their phases open."""
    if not is_crowded(seed):
        return []
    chance = Random(f"simulate:{seed}:crowd")
    found: list[Happening] = []
    for code, phase in cells_of(seed):
        found += aimed(code, phase, chance, storm_ms=storm_ms)
        count = _FOCUSED if is_focused(seed) else 2
        found += _openers(phase, chance, storm_ms, count=count)
        found += _occasions(code, chance, storm_ms)
    return found


def cells_of(seed: int) -> tuple[tuple[FaultCode, str], ...]:
    """The cells that a crowded storm aims at."""
    if is_focused(seed):
        cells = RARE if _beyond(seed) < _RAREST_FROM else RAREST
        return (cells[_beyond(seed) // 2 % len(cells)],)
    order = list(CELLS)
    Random("crowd").shuffle(order)
    first = _storm_of(seed) * AIMS
    return tuple(order[n % len(order)] for n in range(first, first + AIMS))


def is_focused(seed: int) -> bool:
    """Whether a crowded storm aims at one cell alone."""
    return _beyond(seed) >= 0 and not _beyond(seed) % 2


def _beyond(seed: int) -> int:
    return _storm_of(seed) - _ROUNDS * _STORMS_A_ROUND


def _storm_of(seed: int) -> int:
    """The how-manieth crowded storm a seed is, from 0."""
    at = seed - FROM_SEED
    return at - at // CALM_EVERY - 1


def crowd_plans(plans: Sequence[Given], seed: int) -> list[Given]:
    """The plans, where it is aimed at groups of exits: more brackets, and sizes that fill in
    parts."""
    if not is_crowded(seed):
        return list(plans)
    chance = Random(f"simulate:{seed}:crowd plans")
    codes, phases = (set(column) for column in zip(*cells_of(seed), strict=True))
    is_bracket = FaultCode.V20 in codes
    is_large = FaultCode.V18 in codes or Phase.EXITING in phases
    return [_crowded(one, chance, is_bracket=is_bracket, is_large=is_large) for one in plans]


def draw_well(seed: int, storm_ms: int, start_ns: int) -> tuple[list[Symbol], list[Given]]:
    """The stock of a focused storm and its plans: deep for a second when a plan comes, thin after
    it, and the time to leave six seconds later."""
    if not (is_crowded(seed) and is_focused(seed)):
        return [], []
    begins_ms = range(6_000, storm_ms - 20_000, 16_000)
    deep = {at_ms + second for at_ms in begins_ms for second in (-1_000, 0, 1_000)}
    path = []
    for at_ms in range(-BEFORE_MS, storm_ms + SETTLE_MS, 1_000):
        bid_px = WELL_PX - at_ms // 1_000 % 2 * CENT  # what was taken is there again
        path.append((at_ms, bid_px, bid_px + CENT, 2_000 if at_ms in deep else 10))
    well = Symbol(
        name="WELL",
        px=WELL_PX,
        unit_px=CENT,
        spread_ticks=1,
        size=10,
        step_ms=1_000,
        path=tuple(path),
    )
    is_bracket = cells_of(seed)[0][0] is FaultCode.V20
    plans = [
        Given(at_ms, _well_plan(n, start_ns + at_ms * NS_PER_MS), is_bracket)
        for n, at_ms in enumerate(begins_ms, start=1)
    ]
    return [well], plans


def _well_plan(n: int, at_ns: int) -> TradePlan:
    return TradePlan(
        plan_id=f"WELL-{n}",
        symbol="WELL",
        side=Side.BUY,
        signal_px=WELL_PX + CENT,
        exits=ExitsByDistance(NANO, 2 * NANO),
        order_qty=60 * NANO,
        signal_ns=at_ns,
        tactic="marketable",
        exit_at_ns=at_ns + 6 * SECOND_NS,
    )


def crowd_switches(switches: tuple[str, ...], seed: int) -> tuple[str, ...]:
    """The switches of a seed; where a stock has to be thin, sizes count."""
    if not (is_crowded(seed) and is_focused(seed)):
        return switches
    return tuple(pair for pair in switches if not pair.startswith("fill_model="))


def _crowded(one: Given, chance: Random, *, is_bracket: bool, is_large: bool) -> Given:
    plan, is_legacy = one.plan, one.is_legacy
    if is_bracket and chance.randrange(3):
        is_legacy = True
        plan = replace(plan, manage=Management())
    if is_large and chance.randrange(3):
        plan = replace(plan, order_qty=4 * (plan.order_qty or NANO))
    return replace(one, plan=plan, is_legacy=is_legacy)


def _late(target: str, delay_ms: int, count: int = 3) -> Fault:
    return Fault(FaultCode.N6, target, count=count, params={"delay_ms": delay_ms})


def _pending(target: str, count: int = 2) -> Fault:
    return Fault(FaultCode.V19, target, count=count, params={"delay_ms": 10_000})


def _news(target: str, code: FaultCode, **params: Param) -> Fault:
    return Fault(code, target, count=2, params=params)


_OPENERS: Mapping[str, Callable[[], Fault]] = MappingProxyType(
    {
        Phase.IN_FLIGHT: lambda: _late("POST", 3_000),
        Phase.IN_DOUBT: lambda: Fault(FaultCode.N1, "POST /v2/orders", count=2),
        Phase.CANCELLING: lambda: _pending("cancel", 3),
        Phase.AMENDING: lambda: _late("PATCH", 3_000),
        Phase.COVER_IN_FLIGHT: lambda: _pending("route", 3),
        Phase.FILLED_UNCOVERED: lambda: _news("orders fill", FaultCode.W4, delay_ms=8_000),
        Phase.PARTIAL: lambda: _news("orders partial", FaultCode.W4, delay_ms=8_000),
        Phase.SETTLING: lambda: _news("orders cancel", FaultCode.W1),
    }
)


def _openers(phase: str, chance: Random, storm_ms: int, *, count: int) -> list[Happening]:
    """What makes a phase last."""
    until_ms = storm_ms * min(3, 1 + count // 2) // 4
    found: list[Happening] = []
    if phase in _OPENERS:
        found += [Armed(chance.randrange(until_ms), _OPENERS[phase]()) for _ in range(count)]
    if phase == RECOVERING:
        found += [
            Crashed(at_ms=chance.randrange(5_000, storm_ms), down_ms=chance.choice((400, 9_000)))
            for _ in range(3)
        ]
    return found


def _occasions(code: FaultCode, chance: Random, storm_ms: int) -> list[Happening]:
    """What makes a fault possible: who is not thrown out does not have to come in again."""
    if code is not FaultCode.W7:
        return []
    cut = Fault(FaultCode.W5, "orders", count=1, params={"refuse_ms": 6_000})
    return [Armed(chance.randrange(storm_ms * 3 // 4), cut) for _ in range(5)]
