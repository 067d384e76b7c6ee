"""Plans like a strategy's, sampled from a tape: the same seed and tape give the same plans.

What: `Mix` (how plans are drawn) and `sample_plans`, one plan per symbol and slot of time: side,
size, signal price near the market (fresh or stale), exits by distance or by level, tactic, budget,
time exit.
Why: the demo, the proof and the replay all need many plausible plans; drawing them from the tape
itself keeps signal prices honest, and drawing them in slots keeps one trade per symbol at a time.
Invariants: prices come from quotes that were on the tape at the signal time, never later.
Must never: know how a plan is executed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from surefill.core.fix import Side
from surefill.core.plan import SECOND_NS, ExitsByDistance, ExitsByLevel, TradePlan
from surefill.core.units import NANO, US_EQUITY_TICKS
from surefill.sim.columns import TapeColumns

PERCENT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """How plans are drawn. Shares of plans are percentages; distances are in ticks of the price
    or in ppm of it, whichever is larger; times in seconds."""

    spacing_s: int = 120
    displayed_percent: tuple[int, ...] = (20, 60, 100, 150, 250, 400)
    """Order sizes, as percentages of what the quote displays on the side to be taken."""
    short_percent: int = 45
    legacy_percent: int = 0
    marketable_percent: int = 35
    patient: tuple[str, ...] = ("limit",)
    """Tactics of the other plans, drawn evenly."""
    level_percent: int = 25
    poor_percent: int = 4
    """Plans whose reward/risk is below the minimum: they must be denied."""
    stale_s: tuple[int, ...] = (0, 0, 0, 1, 2, 5)
    risk_ticks: tuple[int, int] = (3, 12)
    risk_ppm: tuple[int, int] = (300, 1500)
    budget_s: tuple[int, int] = (5, 40)
    hold_s: tuple[int, int] = (45, 75)
    prefix: str = "w"


@dataclass(frozen=True, slots=True)
class Draw:
    """One plan: handed over at ``at_ns`` (UTC), by the legacy path or the smart one.
    ``decision_px``: the mid when it was made (1e-9 USD), where its source says that."""

    at_ns: int
    plan: TradePlan
    is_legacy: bool
    decision_px: int | None = None


def sample_plans(
    tapes: Sequence[TapeColumns], mix: Mix, *, seed: int, window: tuple[int, int]
) -> tuple[Draw, ...]:
    """Plans for every symbol and slot of ``window`` (UTC ns), in order of time."""
    draws: list[Draw] = []
    for tape in tapes:
        chance = Random(f"{seed}:{mix.prefix}:{tape.symbol}")
        times = tape.quote_ns.tolist()
        start_ns, end_ns = window
        slot_ns = mix.spacing_s * SECOND_NS
        for n in range(max(0, (end_ns - start_ns) // slot_ns)):
            at_ns = start_ns + n * slot_ns + chance.randrange(SECOND_NS)
            draw = _draw(tape, times, mix, chance=chance, slot=(n, at_ns))
            if draw is not None:
                draws.append(draw)
    return tuple(sorted(draws, key=lambda draw: (draw.at_ns, draw.plan.plan_id)))


def _draw(
    tape: TapeColumns, times: list[int], mix: Mix, *, chance: Random, slot: tuple[int, int]
) -> Draw | None:
    """One plan, or ``None`` where the tape had no two-sided quote at the signal time."""
    n, at_ns = slot
    signal_ns = at_ns - chance.choice(mix.stale_s) * SECOND_NS
    sign = -1 if chance.randrange(PERCENT) < mix.short_percent else 1
    is_legacy = chance.randrange(PERCENT) < mix.legacy_percent
    is_marketable = chance.randrange(PERCENT) < mix.marketable_percent
    is_level = chance.randrange(PERCENT) < mix.level_percent
    is_poor = chance.randrange(PERCENT) < mix.poor_percent
    size_percent = chance.choice(mix.displayed_percent)
    ticks_away = chance.randint(*mix.risk_ticks)
    ppm_away = chance.randint(*mix.risk_ppm)
    budget_s = chance.randint(*mix.budget_s)
    hold_s = chance.randint(*mix.hold_s)
    index = bisect_right(times, signal_ns) - 1
    if index < 0:
        return None
    bid_px, ask_px = int(tape.bid_px[index]), int(tape.ask_px[index])
    if not 0 < bid_px < ask_px:
        return None
    displayed = int(tape.ask_qty[index] if sign > 0 else tape.bid_qty[index]) // NANO
    order_qty = max(1, displayed * size_percent // PERCENT) * NANO
    tick_px = US_EQUITY_TICKS.tick_at(bid_px)
    # A strategy's signal is the last price it saw: near the touch it would have to pay.
    signal_px = US_EQUITY_TICKS.floor((bid_px + ask_px) // 2 if chance.randrange(2) else ask_px)
    if sign < 0 and signal_px >= ask_px:
        signal_px = bid_px
    distance_px = max(ticks_away * tick_px, signal_px * ppm_away // 1_000_000)
    distance_px = max(distance_px // tick_px * tick_px, 3 * tick_px)
    rr_ppb = (NANO if is_poor else 2 * NANO) + chance.randrange(2) * NANO // 2
    exits: ExitsByDistance | ExitsByLevel = ExitsByDistance(distance_px, rr_ppb)
    if is_level:
        reward_px = -(-distance_px * rr_ppb // NANO // tick_px) * tick_px + 2 * tick_px
        exits = ExitsByLevel(signal_px - sign * distance_px, signal_px + sign * reward_px)
    plan = TradePlan(
        plan_id=f"{mix.prefix}{tape.symbol}-{n:04d}",
        symbol=tape.symbol,
        side=Side.BUY if sign > 0 else Side.SELL_SHORT,
        signal_px=signal_px,
        exits=exits,
        order_qty=order_qty,
        signal_ns=signal_ns,
        tactic="marketable" if is_marketable else _patient(mix, chance),
        overrides=(("fill_timeout_ns", budget_s * SECOND_NS),),
        exit_at_ns=at_ns + hold_s * SECOND_NS,
    )
    return Draw(at_ns, plan, is_legacy)


def _patient(mix: Mix, chance: Random) -> str:
    """One of the patient tactics; a mix with one draws no number, so that its plans stay."""
    return chance.choice(mix.patient) if len(mix.patient) > 1 else mix.patient[0]
