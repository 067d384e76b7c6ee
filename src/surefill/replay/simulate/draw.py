"""One seed, one scenario: swarm testing, where each seed draws its own subset of everything.

What: `draw_scenario`. Every tenth seed is calm: a healthy venue, nobody interferes, and not a
single repair may follow. All others are storms: some faults of the catalogue at rates of their own,
plans of every kind, prices below, across and above a dollar, shorts, halts, half days, the days
after the clock changes, sessions that end in the middle, rules of the venue that are not known for
certain, operators, meddling, and crashes.
Why subsets: a run in which everything fails tests only that nothing works (Groce et al., Swarm
Testing, 2012).
Invariants: a function of the seed; only integer draws, so every Python and platform agrees.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from surefill.core.events import Act
from surefill.core.fix import Side
from surefill.core.plan import SECOND_NS, ExitsByDistance, ExitsByLevel, TradePlan
from surefill.core.units import NANO, US_EQUITY_TICKS
from surefill.replay.simulate.aim import draw_aims, follow_market
from surefill.replay.simulate.crowd import (
    crowd_plans,
    crowd_switches,
    draw_crowd,
    draw_well,
    names_of,
)
from surefill.replay.simulate.draw_faults import draw_faults
from surefill.replay.simulate.draw_management import draw_hands, draw_management
from surefill.replay.simulate.draw_triggers import draw_triggers
from surefill.replay.simulate.scenario import (
    BustedLate,
    Crashed,
    Given,
    Halted,
    Happening,
    Meddled,
    Meddling,
    Operated,
    Rested,
    Scenario,
    Symbol,
    Tail,
)
from surefill.replay.simulate.tape import Quote, path_of
from surefill.sim.calendar import session_on
from surefill.sim.faults import NS_PER_MS
from surefill.sim.models import Delay, DelayRange
from surefill.sim.switches import CHOICES

CALM_EVERY = 10
DATES = (
    20260302,
    20260309,  # the Monday after the clocks went forward
    20261102,  # the Monday after they went back
    20251128,  # half days: closed at 13:00
    20251224,
    20260615,
)
NAMES = ("ACME", "BOLT", "CRUX")
NOT_OURS = "DUNE"
"""No plan is ever in this symbol."""
UNCERTAIN = (
    "wash_exempts",
    "post_status",
    "stream_pending_new",
    "stream_held",
    "stream_pending_cancel",
    "day_terminal",
    "sibling_cancel_event",
    "lost_replace_events",
    "replace_event_order",
    "tp_partial_resize",
    "cancel_of_canceled",
    "cancel_of_pending_cancel",
    "exit_race",
    "simple_class",
    "outside_prints",
    "fill_model",
)
"""Switches of the venue ([U] rules) that a seed may turn. The others break a promise that nobody
can keep on such a venue (`replace_carries_cum=off`, `cl_ord_id_reuse=when_done`), make it kinder,
or concern what is not simulated here (other accounts, extended hours)."""
SLOW = {
    Delay.CANCEL: DelayRange(60, 180, 400),
    Delay.REPLACE: DelayRange(40, 120, 300),
    Delay.ROUTE: DelayRange(5, 20, 90),
    Delay.SIBLING: DelayRange(50, 200, 400),
}


def draw_scenario(seed: int) -> Scenario:
    """The scenario of a seed."""
    chance = Random(f"simulate:{seed}")
    is_calm = seed % CALM_EVERY == 0
    storm_ms = chance.randint(60, 120) * 1_000
    date = DATES[0] if is_calm else chance.choice(DATES)
    session = session_on(date)
    place = 0 if is_calm else chance.randrange(10)
    if place < 7:
        start_ns = session.open_ns + chance.randint(300, 9_000) * SECOND_NS
    elif place < 8:
        start_ns = session.open_ns + 6 * SECOND_NS
    else:
        start_ns = session.close_ns - chance.randint(20, storm_ms // 1_000 + 60) * SECOND_NS
    symbols = tuple(
        _symbol(name, chance, is_calm=is_calm)
        for name in names_of(seed, NAMES[: chance.choice((1, 2, 2, 3))])
    )
    market = _Market(seed, storm_ms, start_ns)
    plans = follow_market(_plans(symbols, chance, market), seed, is_calm=is_calm)
    plans = draw_management(draw_triggers(plans, seed, symbols), seed)
    plans = crowd_plans(plans, seed)
    wells, well_plans = draw_well(seed, storm_ms, start_ns)
    happenings: list[Happening] = [*plans, *well_plans]
    switches: tuple[str, ...] = ()
    if not is_calm:
        switches = tuple(
            f"{name}={chance.choice(CHOICES[name][1:])}"
            for name in UNCERTAIN
            if not chance.randrange(5)
        )
        happenings += draw_faults(chance, storm_ms)
        happenings += _troubles(symbols, chance, storm_ms)
        happenings += draw_aims(seed, storm_ms)
        happenings += draw_crowd(seed, storm_ms)
        happenings += draw_hands(plans, seed, storm_ms)
        happenings += _others(seed, storm_ms, happenings)
    is_exempt = not any(pair == "wash_exempts=none" for pair in switches)
    return Scenario(
        seed=seed,
        is_calm=is_calm,
        date=date,
        start_ns=start_ns,
        close_ns=session.close_ns,
        storm_ms=storm_ms,
        symbols=(*symbols, *wells),
        happenings=tuple(sorted(happenings, key=lambda one: one.at_ms)),
        switches=crowd_switches(switches, seed),
        exits_beside_entry=is_exempt and bool(chance.randrange(2)),
        requests_per_minute=chance.choice((0, 0, 200)),
        delays=() if is_calm or chance.randrange(3) else tuple(SLOW.items()),
    )


def _symbol(name: str, chance: Random, *, is_calm: bool) -> Symbol:
    cents = NANO // 100
    low, high = chance.choice(
        ((30, 95), (97, 103), (300, 2_000), (2_000, 15_000), (15_000, 60_000))
    )
    px = chance.randint(low, high) * cents
    tick_px = US_EQUITY_TICKS.tick_at(px)
    unit_px = max(tick_px, px // 8_000 // tick_px * tick_px)
    if px < 2 * NANO:
        unit_px = cents // 5 // tick_px * tick_px or tick_px
    gaps = 0 if is_calm or chance.randrange(3) else chance.choice((6, 15, 40))
    return Symbol(
        name=name,
        px=US_EQUITY_TICKS.floor(px),
        unit_px=unit_px,
        spread_ticks=chance.choice((1, 1, 2, 4)),
        size=chance.choice((20, 60, 200, 1_000)),
        step_ms=chance.choice((600, 1_000, 1_500)),
        gap_units=gaps,
    )


@dataclass(frozen=True, slots=True)
class _Market:
    """What a plan is drawn from: the seed's market until the healing; second 0 is ``start_ns``."""

    seed: int
    storm_ms: int
    start_ns: int

    def quote(self, symbol: Symbol, at_ms: int) -> Quote:
        """The last quote before this moment."""
        path = path_of(symbol, self.seed, self.storm_ms)
        return path[max(0, bisect_right(path, at_ms, key=lambda quote: quote[0]) - 1)]


def _plans(symbols: tuple[Symbol, ...], chance: Random, market: _Market) -> list[Given]:
    """One to three plans a symbol, one after another (some too early: they must be denied)."""
    given: list[Given] = []
    for symbol in symbols:
        at_ms = chance.randint(1_000, 12_000)
        for n in range(chance.choice((1, 2, 2, 3))):
            if at_ms > market.storm_ms * 8 // 10:
                break
            plan = _plan(symbol, chance, market, number=n + 1, at_ms=at_ms)
            given.append(Given(at_ms, plan, chance.randrange(100) < 8))
            at_ms += chance.randint(10_000, 40_000)
    return given


def _plan(symbol: Symbol, chance: Random, market: _Market, *, number: int, at_ms: int) -> TradePlan:
    _, bid_px, ask_px, shares = market.quote(symbol, at_ms)
    sign = 1 if chance.randrange(100) < 55 else -1
    tick_px = US_EQUITY_TICKS.tick_at(bid_px)
    risk_px = max(symbol.unit_px * chance.randint(4, 14), NANO // 100, 3 * tick_px)
    if not market.seed % CALM_EVERY:
        risk_px = max(risk_px, 8 * symbol.unit_px, NANO // 20)  # no stop that a tick can refuse
    rr_ppb = chance.choice((4, 4, 4, 4, 5, 5, 6, 6, 2)) * NANO // 2  # the last must be denied
    signal_px = US_EQUITY_TICKS.floor((bid_px + ask_px) // 2)
    if chance.randrange(2):
        signal_px = ask_px if sign > 0 else bid_px
    exits: ExitsByDistance | ExitsByLevel = ExitsByDistance(risk_px, rr_ppb)
    if chance.randrange(100) < 25:
        reward_px = (
            -(-risk_px * rr_ppb // NANO // tick_px) * tick_px + risk_px // 2 // tick_px * tick_px
        )
        exits = ExitsByLevel(signal_px - sign * risk_px, max(signal_px + sign * reward_px, tick_px))
    percent = chance.choice((10, 40, 80, 100, 150, 300))
    overrides = [("fill_timeout_ns", chance.randint(2, 25) * SECOND_NS)]
    if chance.randrange(2):
        overrides.append(("max_slippage_ppb", chance.randint(1, 6) * NANO // 1_000))
    hold_ms = chance.randint(8_000, 60_000)
    return TradePlan(
        plan_id=f"{symbol.name}-{number}",
        symbol=symbol.name,
        side=Side.BUY if sign > 0 else Side.SELL_SHORT,
        signal_px=signal_px,
        exits=exits,
        order_qty=max(1, shares * percent // 100) * NANO,
        signal_ns=market.start_ns + at_ms * NS_PER_MS,
        tactic="marketable" if chance.randrange(100) < 40 else "limit",
        overrides=tuple(overrides),
        exit_at_ns=market.start_ns + (at_ms + hold_ms) * NS_PER_MS if chance.randrange(4) else None,
        flat_by_close=not chance.randrange(4),
    )


def _troubles(symbols: tuple[Symbol, ...], chance: Random, storm_ms: int) -> list[Happening]:
    """Halts, operators, meddling, crashes: each kind in some seeds."""
    found: list[Happening] = []
    if not chance.randrange(4):
        name = chance.choice(symbols).name
        found.append(Halted(chance.randrange(storm_ms), name, chance.randint(5, 40) * 1_000))
    if not chance.randrange(3):
        found += _operators(symbols, chance, storm_ms)
    if not chance.randrange(3):
        for _ in range(chance.randint(1, 3)):
            what = chance.choice(tuple(Meddling))
            found.append(Meddled(chance.randrange(storm_ms), what, chance.choice(symbols).name))
    if not chance.randrange(2):
        for _ in range(chance.choice((1, 1, 2, 4))):
            found.append(_crash(chance, storm_ms))
    return found


def _others(seed: int, storm_ms: int, drawn: Sequence[Happening]) -> list[Happening]:
    """In one storm of eight an order of somebody else rests on the account; in one of twelve the
    kill switch is pulled while an entry is under way; in one of eight an execution of a trade that
    is over is taken back. With numbers of its own: what was drawn before this came into the world
    stays as it was."""
    chance = Random(f"simulate:{seed}:others")
    found: list[Happening] = []
    if not chance.randrange(8):
        found.append(Rested(chance.randrange(storm_ms // 2), NOT_OURS))
    if not chance.randrange(12):
        entries_ms = [one.at_ms for one in drawn if isinstance(one, Given)]
        at_ms = chance.choice(entries_ms) + chance.randint(100, 2_000)
        end_ms = at_ms + chance.randint(4_000, 12_000)
        found += [Operated(at_ms, Act.KILL), Operated(end_ms, Act.UNKILL)]
    if not chance.randrange(8):
        found.append(BustedLate(chance.randint(20_000, storm_ms)))
    return found


def _operators(symbols: tuple[Symbol, ...], chance: Random, storm_ms: int) -> list[Happening]:
    at_ms = chance.randrange(2_000, storm_ms)
    end_ms = min(storm_ms, at_ms + chance.randint(2_000, 30_000))
    name = chance.choice(symbols).name
    match chance.randrange(4):
        case 0:
            return [Operated(at_ms, Act.KILL), Operated(end_ms, Act.UNKILL)]
        case 1:
            return [Operated(at_ms, Act.HALT), Operated(end_ms, Act.RESUME)]
        case 2:
            return [Operated(at_ms, Act.CANCEL_ENTRY, name)]
        case _:
            return [Operated(at_ms, Act.FLATTEN, chance.choice((name, "")))]


def _crash(chance: Random, storm_ms: int) -> Crashed:
    again = tuple(chance.randint(0, 6) for _ in range(chance.choice((0, 0, 0, 1, 2))))
    sent = chance.choice((0, 0, 1, 9))
    # What left was durable before: a tail can be lost only while nothing has been sent (P3).
    tail = Tail.KEPT if sent or chance.randrange(2) else chance.choice((Tail.TORN, Tail.LOST))
    return Crashed(
        at_ms=chance.randrange(storm_ms),
        down_ms=chance.choice((50, 400, 2_000, 15_000)),
        skip=chance.randrange(12),
        sent=sent,
        tail=tail,
        again=again,
    )
