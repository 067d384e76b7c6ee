"""The production engine over the simulated venue, in virtual time.

    run = VirtualRun(market, calendar, start_ns=..., seed=7)
    run.play(plans)                    # (at_ns, PlanSubmitted parts) in order of time
    run.venue_log                      # what really happened, by the venue

What: one loop that jumps to the next instant at which the exchange, the wire, the engine or a plan
has something to do. Engine, journal codec, translation and recovery are the production code; the
wire is the edge with its latency and faults.
Invariants: one seed is one history, byte for byte; quotes reach the engine with the feed's delay,
never before; a quote that concerns no trade is remembered without a step, which changes nothing
(the step would be empty). A process may die around any append (`Fate`); a plan that its journal
does not know is handed over again by the caller after the restart, under the same id.
Must never: read a clock or draw a number that the seed does not determine.
"""

from __future__ import annotations

import heapq
from bisect import insort
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from surefill.brokers.alpaca.virtual import VirtualBroker
from surefill.core.commands import Announce, BrokerCommand, Milestone, RaiseAlarm
from surefill.core.engine import Engine, EngineConfig
from surefill.core.events import Event, MarketUpdated, OperatorActed, PlanSubmitted, TimePassed
from surefill.core.fix import Feed, TradingStatus
from surefill.core.market import MarketView
from surefill.core.plan import Policy, TradePlan
from surefill.core.risk import Limits
from surefill.core.session import Calendar
from surefill.core.state import Denial, Mode
from surefill.core.trade import Trade
from surefill.core.values import replace
from surefill.journal.memory import MemoryDisk, MemoryJournal
from surefill.replay.virtual_wire import EdgeWire, hand_on
from surefill.runtime.stepper import Decided, Stepper
from surefill.sim.alpaca.app import VenueParts, assemble
from surefill.sim.alpaca.keys import owner_of
from surefill.sim.alpaca.switches import FaceSwitches
from surefill.sim.faults import FaultPlan
from surefill.sim.market import MarketEvent, MarketSource, QuoteEvent, StatusEvent
from surefill.sim.models import DEFAULT_DELAYS, NO_FEES, Delay, DelayRange, FeeModel
from surefill.sim.switches import Switches
from surefill.sim.wire import Delivery
from surefill.tactics.registry import TACTICS

FEED_DELAY_NS = 15_000_000
"""Time from the tape to the engine: the typical delay of the stream model."""
KEY = "VIRTUALKEY"
TICKETS = 10_000_000
"""Requests and connections of one process; the next one counts on from there, so that an answer to
the dead never reaches the living."""
LOOK_NS = 1_000_000_000
"""Before a plan arrives the market is played as it was."""
SETTLE_NS = 200_000_000_000
"""How long after the last plan's budget a run may take to come to rest before the close."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualConfig:
    """What a run is made of beside its market. ``requests_per_minute`` 0 = no limit."""

    seed: int = 0
    limits: Limits = field(default_factory=Limits)
    policy: Policy = field(default_factory=Policy)
    switches: Switches = field(default_factory=Switches)
    face: FaceSwitches = field(default_factory=FaceSwitches)
    exits_beside_entry: bool = False
    cash_usd: int = 10_000_000 * 1_000_000_000
    requests_per_minute: int = 200
    delays: Mapping[Delay, DelayRange] = field(default_factory=lambda: DEFAULT_DELAYS)
    fees: FeeModel = NO_FEES


@dataclass(frozen=True, slots=True)
class Arrival:
    """A plan and the instant at which the strategy hands it over (UTC ns)."""

    at_ns: int
    plan: TradePlan
    is_legacy: bool = False


@dataclass(frozen=True, slots=True)
class Fate:
    """How a process dies around one append: the first ``sent`` commands of the decision still
    leave, the last ``lost`` records never reached the disk."""

    sent: int = 0
    lost: int = 0


@runtime_checkable
class CanSkip(Protocol):
    """A market source that can jump over quiet time (`surefill.replay.skipping`)."""

    def next_ns(self) -> int | None:
        """Venue time (UTC ns) of the next event."""

    def skip(self, until_ns: int) -> None:
        """Pass over what happens before, but the last quote and print of each symbol."""


class _Tap:
    """A market source that lets the harness see every event as it is played."""

    def __init__(self, source: MarketSource, see: Callable[[MarketEvent], None]) -> None:
        self._source = source
        self._see = see

    def next_ns(self) -> int | None:
        return self._source.next_ns()

    def pop(self) -> MarketEvent:
        event = self._source.pop()
        self._see(event)
        return event


class VirtualRun:
    """One account, one engine, one venue, one clock."""

    def __init__(
        self,
        market: MarketSource,
        calendar: Calendar,
        *,
        start_ns: int,
        config: VirtualConfig | None = None,
        faults: FaultPlan | None = None,
    ) -> None:
        self.config = config if config is not None else VirtualConfig()
        self._jumps = market if isinstance(market, CanSkip) else None
        parts = assemble(
            _Tap(market, self._see),
            calendar=calendar,
            start_ns=start_ns,
            parts=VenueParts(
                switches=self.config.switches,
                face=replace(self.config.face, rate_limit_per_min=self.config.requests_per_minute),
                delays=self.config.delays,
                id_seed=self.config.seed,
                cash_usd=self.config.cash_usd,
                faults=faults,
                fees=self.config.fees,
            ),
        )
        self.log, self.exchange, self.edge = parts.log, parts.exchange, parts.edge
        self.account = owner_of(KEY).account
        self._inbox: deque[Event] = deque()
        self.starts = 0
        self.is_alive = False
        self.taken: Sequence[Event] = ()
        """what the last decision was made on"""
        self.fated: Callable[[Decided, int], Fate | None] = _spared
        """Asked after every append (what was decided, records written): does the process die?"""
        self.on_death: Callable[[VirtualRun], None] = _unnoticed
        self._boot(MemoryDisk())
        self.finished: dict[str, Trade | Denial] = {}
        self.settled: dict[str, Trade] = {}
        self.alarms: list[tuple[int, RaiseAlarm]] = []
        self.acts: list[tuple[int, Callable[[VirtualRun], None]]] = []
        self._views: dict[str, MarketView] = {}
        self._unwatched: list[str] = []
        self._unquoted: set[str] = set()  # no quote since their last halt began
        self._pending: deque[tuple[int, QuoteEvent | StatusEvent]] = deque()
        self._urgent_ns: int | None = None
        self._agenda: list[tuple[int, int, Arrival]] = []
        self._given: dict[str, Arrival] = {}

    def _boot(self, disk: MemoryDisk) -> None:
        """A fresh process over what the disk holds."""
        self.broker = VirtualBroker(
            EdgeWire(self.edge),
            key=KEY,
            secret="virtual",  # noqa: S106 - opens nothing: a venue within this process
            emit=self._inbox.append,
            first_ticket=self.starts * TICKETS,
        )
        self.engine = Engine(
            EngineConfig(
                account=KEY,
                limits=self.config.limits,
                exits_beside_entry=self.config.exits_beside_entry,
            ),
            TACTICS,
        )
        self.journal = MemoryJournal(disk)
        self.stepper = Stepper(self.engine, self.journal, holder="virtual run")

    # -- the caller's side ----------------------------------------------------------------------

    def start(self) -> None:
        """Restore, take over, connect, and run until the engine is ready. A symbol's instrument is
        read when its first quote is seen."""
        self._begin()
        deadline_ns = self.edge.now_ns + 60_000_000_000
        while self.engine.state.mode is not Mode.READY and self._turn(deadline_ns):
            pass

    def play(
        self,
        arrivals: Iterable[Arrival],
        *,
        until_ns: int,
        on_progress: Callable[[int], None] | None = None,
    ) -> None:
        """Hand over every plan at its time and run until all have ended or ``until_ns``."""
        for n, arrival in enumerate(sorted(arrivals, key=lambda a: (a.at_ns, a.plan.plan_id))):
            heapq.heappush(self._agenda, (arrival.at_ns, n, arrival))
        turns = 0
        while (self._agenda or self.engine.book.open or self.acts) and self._turn(until_ns):
            turns += 1
            _skip_quiet(self, self._jumps)
            if on_progress is not None and not turns % 64:
                on_progress(len(self.finished))
        if on_progress is not None:
            on_progress(len(self.finished))

    def submit(self, arrival: Arrival) -> None:
        """Hand over one plan now."""
        self._agenda.append((arrival.at_ns, len(self.finished), arrival))
        heapq.heapify(self._agenda)

    @property
    def has_arrivals(self) -> bool:
        """Whether plans are still to be handed over."""
        return bool(self._agenda)

    def at(self, at_ns: int, act: Callable[[VirtualRun], None]) -> None:
        """Let ``act`` happen at ``at_ns`` (UTC ns); acts of one instant keep their order."""
        insort(self.acts, (at_ns, act), key=lambda entry: entry[0])

    def operate(self, event: OperatorActed) -> None:
        """An operator's act, now."""
        self._handle([event])

    def run_until(self, until_ns: int) -> None:
        """Let time pass up to ``until_ns``."""
        while self._turn(until_ns):
            pass

    # -- the process ----------------------------------------------------------------------------

    def _begin(self) -> None:
        """Start-up is recovery: restore, take over, connect."""
        self.starts += 1
        self.is_alive = True
        self.stepper.restore()
        self.taken = ()
        self._step(lambda now: self.stepper.start("virtual", "virtual", now=now))
        if self.is_alive:
            self.broker.start()

    def crash(self, *, lost: int = 0) -> None:
        """The process dies here; the last ``lost`` records never reached the disk. What it sent
        stays on its way."""
        self.is_alive = False
        self.journal.disk.crash(lose_after=len(self.journal.disk.entries) - lost)
        self._inbox.clear()
        self.broker.stop()
        self.on_death(self)

    def restart(self) -> None:
        """The same command line again: a new process on the same journal."""
        self._boot(self.journal.disk)
        self._urgent_ns = None
        self._unwatched = list(self._views)
        self.engine.views.update(self._views)
        self._begin()
        book = self.engine.book
        for plan_id in [name for name in self._given if book.known_as(name) is None]:
            self.finished.pop(plan_id, None)
            self.submit(self._given.pop(plan_id))
        for plan_id in book.open:
            self.finished.pop(plan_id, None)

    # -- the loop -------------------------------------------------------------------------------

    def _turn(self, until_ns: int) -> bool:
        """Jump to the next instant that matters; False when ``until_ns`` is reached."""
        now = self.edge.now_ns
        if now >= until_ns:
            return False
        target_ns = until_ns
        wakes = [self.acts[0][0] if self.acts else None]
        if self.is_alive:
            wakes += [self.engine.next_deadline(), self.broker.next_ns(), self._urgent_ns]
            wakes += [self._agenda[0][0] if self._agenda and self._takes_plans else None]
        for at_ns in wakes:
            if at_ns is not None:
                target_ns = min(target_ns, max(at_ns, now))
        deliveries = self.edge.advance_until(target_ns, self._has_urgent_news)
        if self.is_alive:
            self._receive(deliveries)
        self._operate_due()
        if self.is_alive:
            events = list(self._inbox)
            self._inbox.clear()
            self._handle(events + self._due_events())
        return True

    def _receive(self, deliveries: Iterable[Delivery]) -> None:
        for delivery in deliveries:
            hand_on(delivery, self.broker)
        self.broker.wake()
        for symbol in self._unwatched:
            self.broker.watch(symbol)
        self._unwatched.clear()

    @property
    def _takes_plans(self) -> bool:
        """A caller waits until the engine is ready."""
        return self.engine.state.mode is Mode.READY

    def _has_urgent_news(self) -> bool:
        is_due = self._urgent_ns is not None and self._urgent_ns <= self.edge.now_ns
        return is_due and self.is_alive

    def _operate_due(self) -> None:
        while self.acts and self.acts[0][0] <= self.edge.now_ns:
            _, act = self.acts.pop(0)
            act(self)

    def _due_events(self) -> list[Event]:
        now = self.edge.now_ns
        events: list[Event] = []
        self._catch_up(now)
        if self._urgent_ns is not None and self._urgent_ns <= now:
            self._urgent_ns = None
            for view in list(self._views.values()):
                if any(True for _ in self.engine.book.concerned(view, TACTICS)):
                    events.append(MarketUpdated(view))
        while self._takes_plans and self._agenda and self._agenda[0][0] <= now:
            _, _, arrival = heapq.heappop(self._agenda)
            self._given[arrival.plan.plan_id] = arrival
            self._refresh(arrival.plan.symbol, now)
            events.append(PlanSubmitted(arrival.plan, self.config.policy, arrival.is_legacy, now))
        deadline_ns = self.engine.next_deadline()
        if deadline_ns is not None and deadline_ns <= now:
            events.append(TimePassed())
        return events

    def _handle(self, events: list[Event]) -> None:
        if not events:
            return
        self._catch_up(self.edge.now_ns)
        self.taken = events
        self._step(lambda now: self.stepper.handle(events, now))

    def _step(self, decide: Callable[[int], Decided]) -> None:
        """Decide and record, then act; or die in between, if that is this process's fate."""
        before = self.stepper.seq
        decided = decide(self.edge.now_ns)
        written = self.stepper.seq - before
        fate = self.fated(decided, written) if written else None
        if fate is None:
            self._act_on(decided)
            return
        for command in _requests(decided)[: fate.sent]:
            self.broker.send(command)
        self.crash(lost=fate.lost)

    def _act_on(self, decided: Decided) -> None:
        for denial in decided.denials:
            self.finished[denial.plan.plan_id] = denial
        for trade in decided.trades.values():
            if trade.is_closed:
                self.finished[trade.trade_id] = trade
            else:
                self.finished.pop(trade.trade_id, None)
        for command in decided.commands:
            match command:
                case RaiseAlarm():
                    self.alarms.append((self.edge.now_ns, command))
                case Announce(trade_id, Milestone.SETTLED) if trade_id in decided.trades:
                    self.settled[trade_id] = decided.trades[trade_id]
                case Announce():
                    pass
                case _:
                    self.broker.send(command)

    # -- market data ----------------------------------------------------------------------------

    def _see(self, event: MarketEvent) -> None:
        """An event of the tape; it reaches the engine after the feed's delay."""
        symbol, at_ns = event.symbol, event.venue_ns + FEED_DELAY_NS
        match event:
            case QuoteEvent():
                self._pending.append((at_ns, event))
            case StatusEvent():
                self._pending.append((at_ns, event))
            case _:
                return
        if symbol not in self._views:
            self._views[symbol] = MarketView(symbol, Feed.SIP, status=TradingStatus.TRADING)
            self._unwatched.append(symbol)
        if self._urgent_ns is None and self.engine.book.of_symbol(symbol):
            view = _seen(self._views[symbol], event, at_ns)
            if any(True for _ in self.engine.book.concerned(view, TACTICS)):
                self._urgent_ns = at_ns

    def _catch_up(self, now: int) -> None:
        """Views whose delay is over become what the engine sees; only the last one matters."""
        last: dict[tuple[str, type], tuple[int, QuoteEvent | StatusEvent]] = {}
        while self._pending and self._pending[0][0] <= now:
            at_ns, event = self._pending.popleft()
            _note_halt(self._unquoted, event)
            last[event.symbol, type(event)] = (at_ns, event)
        for at_ns, event in last.values():
            view = _seen(self._views[event.symbol], event, at_ns)
            self._views[event.symbol] = self.engine.views[event.symbol] = view

    def _refresh(self, symbol: str, now: int) -> None:
        """The feed is alive: an unchanged quote is current (design 4.2)."""
        view = self._views.get(symbol)
        if view is not None and _is_vouched_for(view, self._unquoted):
            view = replace(view, alive_ns=now)
            self._views[symbol] = self.engine.views[symbol] = view


def _skip_quiet(run: VirtualRun, market: CanSkip | None) -> None:
    """Let a market that can jump pass over the time in which nobody looks at it."""
    if market is None or run.engine.book.open or run.acts or not run._agenda:
        return
    next_ns = market.next_ns()
    if not run._takes_plans or next_ns is None:
        return
    until_ns = run._agenda[0][0] - LOOK_NS
    is_quiet = not any(run.exchange.book(symbol).orders for symbol in run._views)
    if is_quiet and until_ns > max(next_ns, run.edge.now_ns) + LOOK_NS:
        market.skip(until_ns)


def _spared(decided: Decided, written: int) -> Fate | None:
    """The process lives on."""
    return None


def _unnoticed(run: VirtualRun) -> None:
    """Nobody watches the process."""


def _requests(decided: Decided) -> list[BrokerCommand]:
    """What of a decision goes to the broker, in order."""
    return [
        command for command in decided.commands if not isinstance(command, RaiseAlarm | Announce)
    ]


def _note_halt(unquoted: set[str], event: QuoteEvent | StatusEvent) -> None:
    """Keep the symbols that nobody has quoted since their last halt began."""
    if isinstance(event, QuoteEvent):
        unquoted.discard(event.symbol)
    elif event.status is TradingStatus.HALTED:
        unquoted.add(event.symbol)


def _is_vouched_for(view: MarketView, unquoted: set[str]) -> bool:
    """Whether a feed that is alive says that the quote still stands: not when a halt has ended."""
    is_old = view.symbol in unquoted and view.status is TradingStatus.TRADING
    return view.nbbo is not None and not is_old


def _seen(view: MarketView, event: QuoteEvent | StatusEvent, at_ns: int) -> MarketView:
    """The view after an event that reached us at ``at_ns``."""
    if isinstance(event, StatusEvent):
        return replace(view, status=event.status)  # what was quoted before is no newer for it
    return replace(view, nbbo=replace(event.nbbo, recv_ns=at_ns), alive_ns=at_ns)
