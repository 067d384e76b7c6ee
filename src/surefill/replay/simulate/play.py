"""One scenario through the production engine: storm, healing, and the demand for progress.

What: `play` -> `Played`: the run as it ended, what struck, who interfered.
Why: a system that is safe because it does nothing is no executor: after the healing every trade has
to reach its outcome, and flatten has to end flat.
Invariants: the same scenario is the same history; nothing is armed after the healing; a dead
process is started again.
Must never: touch the engine except as an operator or a caller may, or the venue except as its own
operator or another client.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from surefill.core.commands import Announce, RaiseAlarm
from surefill.core.cover import cover_of
from surefill.core.events import Act, OperatorActed
from surefill.core.order import OrderState
from surefill.core.plan import SECOND_NS
from surefill.core.risk import Limits
from surefill.core.state import Mode
from surefill.core.trade import Phase, phase_of
from surefill.core.units import NANO
from surefill.replay.drills import DrillMix, Drills
from surefill.replay.harness import Arrival, Fate, VirtualConfig, VirtualRun
from surefill.replay.simulate.meddle import bust_late, meddle, rest
from surefill.replay.simulate.scenario import (
    Armed,
    BustedLate,
    Crashed,
    Given,
    Meddled,
    Meddling,
    Operated,
    Rested,
    Scenario,
    Tail,
)
from surefill.replay.simulate.strikes import StrikingFaults
from surefill.replay.simulate.tape import SETTLE_MS, halts_of, market_of
from surefill.replay.simulate.witness import Witness
from surefill.runtime.stepper import Decided
from surefill.sim.calendar import us_equity_calendar
from surefill.sim.faults import NS_PER_MS
from surefill.sim.market import Halt
from surefill.sim.models import DEFAULT_DELAYS
from surefill.sim.switches import Switches

LEAD_IN_NS = 3 * SECOND_NS
FLATTEN_AFTER_NS = 20 * SECOND_NS
"""After the healing, trades without an end of their own are flattened by the operator."""
NO_DOUBT_AFTER_NS = 150 * SECOND_NS
"""I21: T_settle (120 s) and 30 s."""
BLOCKED_NS = 15 * SECOND_NS
OPERATOR = "simulation"
LIMITS = Limits(
    order_qty_max=10**6 * NANO,
    order_notional_max_usd=10**9 * NANO,
    total_notional_max_usd=10**10 * NANO,
    daily_loss_max_usd=10**9 * NANO,
    entry_cutoff_ns=5 * SECOND_NS,  # so that a close can fall into the middle of everything
)
CASH_USD = 50_000_000 * NANO


@dataclass(frozen=True, slots=True)
class Append:
    """One append: when (UTC ns), how many records it wrote, how many requests it let go."""

    at_ns: int
    written: int
    requests: int


@dataclass(slots=True)
class Played:
    """A run at its end. ``downs``: (death, start) of each dead stretch, UTC ns; ``switched``: when
    an operator's switch was turned; ``doubts``: orders still in doubt when they may not be."""

    scenario: Scenario
    run: VirtualRun
    faults: StrikingFaults
    halts: tuple[Halt, ...]
    witness: Witness
    others: set[str] = field(default_factory=set)
    by_hand: set[str] = field(default_factory=set)
    """trades whose stop an operator tightened"""
    downs: list[tuple[int, int]] = field(default_factory=list)
    deaths: list[tuple[str, ...]] = field(default_factory=list)
    """phases of the open trades at each death"""
    appends: list[Append] = field(default_factory=list)
    switched: list[tuple[int, Act]] = field(default_factory=list)
    meddled: list[tuple[int, str]] = field(default_factory=list)
    blocks: list[tuple[int, int]] = field(default_factory=list)
    """stretches (UTC ns) in which the broker refused every order of the account"""
    doubts: list[str] = field(default_factory=list)
    accepted_ns: dict[str, int] = field(default_factory=dict)
    """plan id -> when it was handed over"""


def run_of(scenario: Scenario, faults: StrikingFaults) -> VirtualRun:
    """Engine, venue and wire of a scenario, not started yet."""
    config = VirtualConfig(
        seed=scenario.seed,
        limits=LIMITS,
        cash_usd=CASH_USD,
        requests_per_minute=scenario.requests_per_minute,
        switches=Switches.from_pairs(scenario.switches),
        exits_beside_entry=scenario.exits_beside_entry,
        delays={**DEFAULT_DELAYS, **dict(scenario.delays)},
    )
    return VirtualRun(
        market_of(scenario),
        us_equity_calendar(scenario.date, scenario.date),
        start_ns=scenario.start_ns - LEAD_IN_NS,
        config=config,
        faults=faults,
    )


def play(scenario: Scenario, *, at_death: Callable[[VirtualRun], None] | None = None) -> Played:
    """Play a scenario to its end. ``at_death`` may do to the journal what a disk might."""
    faults = StrikingFaults(scenario.seed)
    run = run_of(scenario, faults)
    witness = Witness(run.exchange.venue, run.account)
    played = Played(scenario, run, faults, halts_of(scenario), witness)
    faults.phases = partial(_phases, run)
    stage = _Stage(played, at_death)
    stage.set_up()
    run.start()
    arrivals = [
        Arrival(scenario.at_ns(one.at_ms), one.plan, one.is_legacy) for one in scenario.plans
    ]
    run.play(arrivals, until_ns=scenario.at_ns(scenario.storm_ms + SETTLE_MS))
    stage.finish()
    return played


def _phases(run: VirtualRun) -> tuple[str, ...]:
    """Where every open trade stands now."""
    if not run.is_alive or run.engine.state.mode is not Mode.READY:
        return ("RECOVERING",)
    held = {one.symbol: one.qty for one in run.exchange.positions(run.account)}
    found = []
    for trade in run.engine.book.open.values():
        unheard_qty = trade.sign * held.get(trade.symbol, 0) - trade.position_qty
        if trade.open_entry is not None and unheard_qty > 0:
            # Filled at the venue, and not heard of: bare, whatever the engine believes.
            is_full = trade.position_qty + unheard_qty >= trade.terms.order_qty
            found.append((Phase.FILLED_UNCOVERED if is_full else Phase.PARTIAL).value)
            continue
        cover = cover_of(trade)
        phase = phase_of(trade, covered_qty=cover.covered_qty, claimed_qty=cover.claimed_qty)
        found.append(phase.value)
    return tuple(found)


def requests_in(decided: Decided) -> int:
    """How many requests a decision sends."""
    words = (RaiseAlarm, Announce)
    return sum(not isinstance(command, words) for command in decided.commands)


def _unblock(run: VirtualRun) -> None:
    run.exchange.block_account(run.account, blocked=False)


class _Stage:
    """Puts the happenings on the run's agenda and carries them out."""

    def __init__(self, played: Played, at_death: Callable[[VirtualRun], None] | None) -> None:
        self._played = played
        self._at_death = at_death
        self._run = played.run
        self._scenario = played.scenario
        self._drills = Drills(played.run, DrillMix(), seed=played.scenario.seed)
        self._drills.others = played.others
        self._died_ns = 0
        self._down_ms = 0
        self._again: list[int] = []
        self._countdown: int | None = None
        self._sent, self._tail = 0, Tail.KEPT
        self._dying: tuple[str, ...] = ()

    def set_up(self) -> None:
        """Everything that will happen, at its time."""
        run, scenario = self._run, self._scenario
        run.fated = self._fated
        run.on_death = self._on_death
        for one in scenario.happenings:
            act: Callable[[VirtualRun], None]
            match one:
                case Given(_, plan):
                    self._played.accepted_ns[plan.plan_id] = scenario.at_ns(one.at_ms)
                    continue
                case Armed():
                    act = partial(self._arm, one)
                case Operated(_, what, target):
                    act = partial(self._operate, what, target)
                case Crashed() if scenario.at_ns(one.at_ms) <= run.edge.now_ns:
                    self._seal(one)  # counted from the very first append
                    continue
                case Crashed():
                    act = partial(self._doom, one)
                case Meddled():
                    act = partial(self._meddle, one)
                case BustedLate():
                    act = self._bust_late
                case Rested(_, symbol):
                    act = partial(rest, symbol)
                case _:
                    continue  # halts are part of the market
            run.at(scenario.at_ns(one.at_ms), act)
        run.at(scenario.heal_ns, self._heal)
        run.at(scenario.heal_ns + FLATTEN_AFTER_NS, self._flatten_rest)
        run.at(scenario.heal_ns + NO_DOUBT_AFTER_NS, self._note_doubts)

    def finish(self) -> None:
        """What rests covered when the market has closed is handed over (its cover is GTC)."""
        run = self._run
        self._played.witness.finish(run.edge.now_ns)
        if run.edge.now_ns < self._scenario.close_ns:
            return
        for trade in list(run.engine.book.open.values()):
            if cover_of(trade).covered_qty >= trade.position_qty > 0:
                self._operate(Act.HAND_OVER, trade.trade_id, run)

    # -- what happens ---------------------------------------------------------------------------

    def _arm(self, one: Armed, run: VirtualRun) -> None:
        faults = self._played.faults
        if one.phase:
            faults.aim(one.fault, one.phase, run.edge.now_ns)
        else:
            faults.arm(one.fault, run.edge.now_ns)

    def _operate(self, act: Act, target: str, run: VirtualRun) -> None:
        """As soon as there is a process to tell, and until one has said that it is on record: a
        process that dies of it answers nobody, and what it took may be lost (I6 counts from there).
        """
        now = run.edge.now_ns
        px = self._nearer_px(target, run) if act is Act.TIGHTEN and run.is_alive else 0
        is_early = act is Act.TIGHTEN and not px and now < self._scenario.heal_ns
        if run.is_alive and not is_early:
            run.operate(OperatorActed(act, target, OPERATOR, "simulated", now, px=px))
            if run.is_alive:
                self._played.switched.append((now, act))
                return
        run.at(now + SECOND_NS // 2, partial(self._operate, act, target))

    def _nearer_px(self, symbol: str, run: VirtualRun) -> int:
        """Half way from a trade's stop to its market; 0 while nobody holds shares of it."""
        view = run.engine.views.get(symbol)
        held = [trade for trade in run.engine.book.of_symbol(symbol) if trade.position_qty > 0]
        if view is None or view.nbbo is None or not held:
            return 0
        trade = held[0]
        self._played.by_hand.add(trade.trade_id)
        return (trade.wanted_exits().stop_px + view.nbbo.near_px(trade.sign)) // 2

    def _meddle(self, one: Meddled, run: VirtualRun) -> None:
        now = run.edge.now_ns
        if now >= self._scenario.heal_ns:
            return
        if meddle(one, run, self._drills):
            self._played.meddled.append((now, one.what.value))
            if one.what is Meddling.BLOCK_ACCOUNT:
                free_ns = min(now + BLOCKED_NS, self._scenario.heal_ns)
                self._played.blocks.append((now, free_ns))
                run.at(free_ns, _unblock)
        else:
            run.at(now + SECOND_NS, partial(self._meddle, one))

    def _bust_late(self, run: VirtualRun) -> None:
        if run.edge.now_ns < self._scenario.heal_ns and not bust_late(run):
            run.at(run.edge.now_ns + SECOND_NS, self._bust_late)

    def _heal(self, run: VirtualRun) -> None:
        run.edge.clear_faults()
        self._countdown, self._again = None, []
        for act in (Act.UNKILL, Act.RESUME):
            self._operate(act, "", run)

    def _flatten_rest(self, run: VirtualRun) -> None:
        now = run.edge.now_ns
        for trade in list(run.engine.book.open.values()):
            late_ns = trade.plan.exit_at_ns
            if late_ns is None or late_ns < now:
                self._operate(Act.FLATTEN, trade.trade_id, run)

    def _note_doubts(self, run: VirtualRun) -> None:
        for trade in run.engine.book.open.values():
            for order in trade.orders:
                if order.state is OrderState.IN_DOUBT:
                    self._played.doubts.append(order.key)

    # -- death and birth ------------------------------------------------------------------------

    def _doom(self, crash: Crashed, run: VirtualRun) -> None:
        """From now on the process dies at the append that the crash names."""
        if run.is_alive and self._countdown is None:
            self._seal(crash)

    def _seal(self, crash: Crashed) -> None:
        self._countdown, self._again = crash.skip, list(crash.again)
        self._down_ms = crash.down_ms
        self._sent, self._tail = crash.sent, crash.tail

    def _fated(self, decided: Decided, written: int) -> Fate | None:
        append = Append(self._run.edge.now_ns, written, requests_in(decided))
        self._played.appends.append(append)
        self._played.witness.see(self._run.taken, decided, append.at_ns)
        if self._countdown is None:
            return None
        self._countdown -= 1
        if self._countdown >= 0:
            return None
        self._countdown = None
        self._dying = _phases(self._run)
        lost = {Tail.KEPT: 0, Tail.TORN: min(1, written - 1), Tail.LOST: written}
        return Fate(self._sent, lost=lost[self._tail])

    def _on_death(self, run: VirtualRun) -> None:
        self._died_ns = run.edge.now_ns
        self._played.deaths.append(self._dying)
        if self._at_death is not None:
            self._at_death(run)
        run.at(self._died_ns + self._down_ms * NS_PER_MS, self._rise)

    def _rise(self, run: VirtualRun) -> None:
        self._played.downs.append((self._died_ns, run.edge.now_ns))
        if self._again:
            self._countdown = self._again.pop(0)
        run.restart()
