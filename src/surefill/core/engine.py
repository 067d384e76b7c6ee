"""The engine: many trades of one account, one event at a time.

    step(event, now) -> Step        no I/O, no clock, no randomness
    next_deadline() -> int | None

What: routing of events to trades, the gate for new plans, the start-up order, the polls that catch
what a stream lost. The engine is one mutable, I/O-free object over immutable trades.
Invariants: the same events in the same order give the same steps, byte for byte (I7); a step that
changes nothing and sends nothing leaves no record; market views are ambient and travel in the
record of the decision they led to; a broken invariant halts new risk and keeps protection.
Must never: know which broker, which clock or which mode it runs in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from surefill.core.admission import admit, counted, gate_view
from surefill.core.adoption import adopt, left_over
from surefill.core.asks import ask_from_ns, in_question
from surefill.core.book import Book
from surefill.core.breakout import at_trigger
from surefill.core.commands import (
    Announce,
    Command,
    Milestone,
    Priority,
    QueryAccount,
    QueryFills,
    QueryOrders,
    QueryPositions,
    RaiseAlarm,
)
from surefill.core.events import (
    AccountRead,
    BudgetChanged,
    CalendarRead,
    EngineStarted,
    Event,
    ExecutionReport,
    FillsRead,
    InstrumentRead,
    MarketUpdated,
    OperatorActed,
    OrdersRead,
    PlanSubmitted,
    PositionAdopted,
    PositionsRead,
    ReportReceived,
    RequestAnswered,
    StreamChanged,
    Submission,
    TimePassed,
)
from surefill.core.excursion import Excursion
from surefill.core.ids import account_tag
from surefill.core.market import MarketView
from surefill.core.operator import (
    closing_of,
    operated_state,
    operated_trade,
    stopped,
    targets,
    unready,
)
from surefill.core.plan import SECOND_NS
from surefill.core.quiet import Listing, Quiet, around_of
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.reconcile import (
    after_positions,
    entering_beside,
    foreign_after,
    is_unread,
    sort_reports,
    unknown_ours,
)
from surefill.core.restart import restarted, state_at_start
from surefill.core.risk import GateView
from surefill.core.state import Closing, Denial, EngineState, Mode
from surefill.core.state import EngineConfig as EngineConfig
from surefill.core.step import Step as Step
from surefill.core.step import TradeStep, step_trade, views_of
from surefill.core.tactic import Tactic
from surefill.core.trade import Trade
from surefill.core.turn import MS_NS, Context
from surefill.core.values import replace
from surefill.core.watches import Watches

CALENDAR_NS = (5 * 86_400 * SECOND_NS, 21 * 86_400 * SECOND_NS)
"""How far back and ahead sessions are remembered: the state is written with every change."""
READ_MARGIN_NS = 60 * SECOND_NS
"""Listings start this much before the oldest open trade: clocks differ, ties exist."""
POLL_STREAM_DOWN_NS = 1000 * MS_NS
POLL_STARTING_NS = 2 * SECOND_NS
POLL_ENTERING_NS = 3 * SECOND_NS
POLL_HOLDING_NS = 30 * SECOND_NS
ACCOUNT_POLL_NS = 60 * SECOND_NS


class Engine:
    """All open trades of one account."""

    def __init__(self, config: EngineConfig, tactics: Mapping[str, Tactic]) -> None:
        self.config = config
        self.tactics = tactics
        self.tag = account_tag(config.account)
        self.state = EngineState()
        self.book = Book()
        self.views: dict[str, MarketView] = {}
        self.told: dict[str, MarketView] = {}  # of each symbol the last view that a record holds
        self.watches = Watches()
        self.quiet = Quiet(tactics)
        self._poll_ns: int | None = None
        self._account_poll_ns: int | None = None
        self._last_poll_ns = 0
        self._last_account_poll_ns = 0

    def load(
        self,
        state: EngineState | None,
        trades: Iterable[Trade],
        closed_ids: Iterable[str],
        *,
        closing_keys: Iterable[str] = (),
    ) -> None:
        """Take over what a journal remembers."""
        if state is not None:
            self.state = replace(state, mode=Mode.STARTING, is_stream_up=False)
        for trade in trades:
            self.book.put(trade)
        self.watches.load(self.book.open.values())
        for plan_id in closed_ids:
            self.book.closed.setdefault(plan_id, "")
        self.book.closings.update(closing_keys)

    def next_deadline(self) -> int | None:
        """The next instant (UTC ns) at which `step` with `TimePassed` has something to do."""
        wakes = [self.book.next_wake_ns(), self._poll_ns, self._account_poll_ns]
        return min((at_ns for at_ns in wakes if at_ns is not None), default=None)

    def step(self, event: Event, now: int) -> Step:
        """One event. Events of one account must be given one at a time, in order of arrival."""
        turn = EngineTurn(self, now)
        turn.take(event)
        turn.finish()
        return turn.as_step()

    def context_for(self, trade: Trade, now: int, *, may_ask: bool = False) -> Context:
        """What this trade's decisions may look at; ``may_ask``: it need not wait for its turn."""
        state = self.state
        name = "legacy" if trade.is_legacy else trade.plan.tactic
        return Context(
            now=now,
            tactic=self.tactics[name],
            view=self.views.get(trade.symbol),
            session=state.calendar.session_at(now),
            kind=state.calendar.kind_at(now),
            exits_beside_entry=self.config.exits_beside_entry,
            may_act=state.orders_read_ns > 0,
            is_held_known=state.is_held_known(now),
            is_unread=is_unread(trade, self.book, state),
            ask_from_ns=0 if may_ask else ask_from_ns(trade, self.book.open.values(), now),
            no_new_risk=state.kill or state.halt,
        )

    def schedule_polls(self) -> None:
        """When to look at the broker again without being told to."""
        is_starting = self.state.mode is Mode.RECONCILING
        if self.state.mode is Mode.STARTING or not (self.book.open or is_starting):
            self._poll_ns = self._account_poll_ns = None
            idle_ns = self.config.idle_poll_ns
            if idle_ns and self.state.mode is Mode.READY:
                # Nothing is open, but the next plan is judged by equity and buying power.
                read_ns = max(self.state.account_read_ns, self._last_account_poll_ns)
                self._account_poll_ns = read_ns + idle_ns
            return
        if is_starting:
            # What the first reads did not bring is asked for again: a start never gets stuck.
            started_ns = self.state.started_ns
            self._poll_ns = max(started_ns, self._last_poll_ns) + POLL_STARTING_NS
            self._account_poll_ns = max(started_ns, self._last_account_poll_ns) + POLL_STARTING_NS
            return
        if not self.state.is_stream_up:
            gap_ns = POLL_STREAM_DOWN_NS
        elif self.book.is_entering():
            gap_ns = POLL_ENTERING_NS
        else:
            gap_ns = POLL_HOLDING_NS
        base_ns = max(self.state.orders_read_ns, self._last_poll_ns)
        # An overdue poll stays overdue: pushing it beyond now would let a busy inbox, whose events
        # come before `TimePassed` in every batch, put it off for ever.
        self._poll_ns = base_ns + gap_ns
        account_ns = max(self.state.account_read_ns, self._last_account_poll_ns)
        self._account_poll_ns = account_ns + ACCOUNT_POLL_NS

    def polls_due(self, now: int) -> list[Command]:
        """Reads whose time has come."""
        commands: list[Command] = []
        if self._poll_ns is not None and now >= self._poll_ns:
            self._last_poll_ns = now
            commands.append(QueryOrders(self.read_after_ns(now)))
        if self._account_poll_ns is not None and now >= self._account_poll_ns:
            self._last_account_poll_ns = now
            commands += [QueryAccount(), QueryPositions()]
        return commands

    def read_after_ns(self, now: int) -> int:
        """Where a complete listing has to start: before the oldest open trade."""
        begun = (t.started_ns for t in self.book.open.values() if not t.is_waiting)
        return min(begun, default=now) - READ_MARGIN_NS


class EngineTurn:
    """One step of the engine: collects what changed."""

    def __init__(self, engine: Engine, now: int) -> None:
        self.engine = engine
        self.now = now
        self.commands: list[Command] = []
        self.trades: dict[str, Trade] = {}
        self.denials: list[Denial] = []
        self.closings: list[Closing] = []
        self.looked: dict[str, MarketView | None] = {}
        self.decided: dict[str, MarketView | None] = {}
        self.seen: dict[str, Excursion] = {}
        self._before = engine.state

    def take(self, event: Event) -> None:
        """Route one event."""
        engine = self.engine
        match event:
            case MarketUpdated(view):
                engine.views[view.symbol] = view
                engine.watches.look(view, self.now, engine.state.calendar)
                for trade in engine.book.concerned(view, engine.tactics):
                    self.step(trade, event)
            case RequestAnswered():
                trade_or_none = engine.book.get(event.trade_id)
                if trade_or_none is not None:
                    self.step(trade_or_none, event)
            case ReportReceived(report):
                self._reported(event, report)
            case TimePassed():
                for trade in engine.book.due(self.now):
                    self.step(trade, event)
                self.commands += engine.polls_due(self.now)
            case PlanSubmitted() | PositionAdopted():
                self._submitted(event)
            case OperatorActed():
                self._operated(event)
            case OrdersRead() | FillsRead() | PositionsRead():
                self._read(event)
            case _:
                self._learn(event)

    def _learn(self, event: Event) -> None:
        """Facts about the account and the world, not about one trade."""
        state = self.engine.state
        match event:
            case EngineStarted():
                self._started(event)
            case AccountRead(account, recv_ns):
                self.set(replace(state, account=account, account_read_ns=recv_ns))
                self._maybe_ready()
            case InstrumentRead(instrument):
                others = tuple(i for i in state.instruments if i.symbol != instrument.symbol)
                if instrument not in state.instruments:
                    self.set(replace(state, instruments=(*others, instrument)))
            case CalendarRead(calendar):
                calendar = state.calendar.updated(calendar)
                calendar = calendar.between(self.now - CALENDAR_NS[0], self.now + CALENDAR_NS[1])
                if calendar != state.calendar:
                    self.set(replace(state, calendar=calendar))
                    self._step_all(event)
                self._maybe_ready()
            case StreamChanged(is_up):
                self.set(replace(state, is_stream_up=is_up))
                self._maybe_ready()
            case BudgetChanged(left, reserved):
                self.set(replace(state, requests_left=left, requests_reserved=reserved))
            case _:
                pass  # a failed read is no answer (I11); a note is for people

    def _started(self, event: EngineStarted) -> None:
        """Whatever was in flight is in doubt; nothing is decided before a complete read (I25)."""
        engine = self.engine
        self.set(state_at_start(engine.state, event))
        for trade in list(engine.book.open.values()):
            self.put(restarted(trade, self.now))
        after_ns = engine.read_after_ns(self.now)
        self.commands += [
            QueryOrders(after_ns, Priority.EVIDENCE),
            QueryPositions(Priority.EVIDENCE),
            QueryFills(after_ns, Priority.EVIDENCE),
            QueryAccount(Priority.EVIDENCE),
        ]

    def _maybe_ready(self) -> None:
        """READY once everything was read since the start and the stream is attached."""
        if self.engine.state.is_complete:
            self.set(replace(self.engine.state, mode=Mode.READY))

    def _reported(self, event: ReportReceived, report: ExecutionReport) -> None:
        book = self.engine.book
        trade = book.owner(report)
        if trade is not None:
            self.step(trade, event)
            if self.trades.get(trade.trade_id, trade).external_qty == trade.external_qty:
                return  # else shares that we thought were ours are somebody's (decision 0016)
        for other in book.of_symbol(report.symbol):
            if other.position_qty or other.groups:
                # Perhaps a leg that we have not been told of; perhaps somebody else's order (R19).
                self.step(other, event)
        if report.exec_id is not None:
            # Somebody trades beside us: the gate has to know before the next plan (I16).
            foreign = foreign_after(report, book, self.engine.state.foreign)
            self.set(replace(self.engine.state, foreign=foreign))
            self.commands.append(QueryPositions(Priority.EVIDENCE))

    def _read(self, event: OrdersRead | FillsRead | PositionsRead) -> None:
        """A complete listing: every open trade that it may concern compares itself (I25)."""
        engine, state = self.engine, self.engine.state
        orders = event.orders if isinstance(event, OrdersRead) else ()
        mine, strangers = sort_reports(orders, engine.book)
        from_ns = engine.read_after_ns(self.now) + READ_MARGIN_NS
        if isinstance(event, OrdersRead) and event.after_ns <= from_ns:
            newest_ns = max(state.orders_read_ns, event.sent_ns)
            self.set(replace(state, orders_read_ns=newest_ns))
        listing = Listing(event, mine, around_of(engine.state, self.now), self.now)
        for trade in engine.quiet.others(engine.book, listing):
            sent = len(self.commands)
            self.step(trade, event, listed=mine.get(trade.trade_id, ()))
            if len(self.commands) == sent and engine.book.open.get(trade.trade_id) is trade:
                engine.quiet.note(trade, listing)
        if isinstance(event, OrdersRead):
            self._report_unknown(strangers)
        elif isinstance(event, PositionsRead):
            unread = [t for t in engine.book.open.values() if is_unread(t, engine.book, state)]
            self.set(after_positions(event, engine.book, engine.state))
            for trade in unread:
                self.step(entering_beside(trade, engine.state.foreign), TimePassed(), was=trade)
        self._maybe_ready()

    def _report_unknown(self, orders: Sequence[ExecutionReport]) -> None:
        """Orders with our prefix that no journal of ours knows: shown, never touched (I16)."""
        state = self.engine.state
        for name in unknown_ours(orders, self.engine.tag, self.engine.book):
            if name not in state.unknown_orders:
                state = replace(state, unknown_orders=(*state.unknown_orders, name))
                self.set(state)
                reason = Reason.of(ReasonCode.ORDER_UNKNOWN, cl_ord_id=name)
                self.commands.append(RaiseAlarm(None, reason))

    def _submitted(self, event: Submission) -> None:
        engine, plan = self.engine, event.plan
        if engine.book.known_as(plan.plan_id) is not None:
            return  # used before: the caller was told so, and its first result stands (I9)
        self.decided[plan.symbol] = engine.views.get(plan.symbol)
        made = self._admitted(event, self._gate_view(event))
        if isinstance(made, Denial):
            self.denials.append(made)
            engine.book.close_plan(made.plan)
            self.commands.append(Announce(plan.plan_id, Milestone.DENIED))
            return
        state = engine.state
        if isinstance(event, PositionAdopted):
            self.set(replace(state, foreign=left_over(state.foreign, made)))
        else:
            self.set(replace(state, entered=counted(state.entered, made, engine.config.limits)))
        engine.book.put(made)
        self.step(made, event)

    def _admitted(self, event: Submission, view: GateView) -> Trade | Denial:
        engine, state = self.engine, self.engine.state
        if isinstance(event, PositionAdopted):
            return adopt(event, view, tag=engine.tag, held=state.foreign, stopped=unready(state))
        return admit(
            event,
            view,
            tag=engine.tag,
            tactic=engine.tactics.get("legacy" if event.is_legacy else event.plan.tactic),
            known_tactics=frozenset(engine.tactics),
            stopped=stopped(state),
        )

    def _gate_view(self, asked: Submission | Trade) -> GateView:
        engine, limits = self.engine, self.engine.config.limits
        view = engine.views.get(asked.plan.symbol)
        return gate_view(engine.state, engine.book, asked, now=self.now, limits=limits, market=view)

    def _at_trigger(self, trade: Trade) -> Trade:
        """A breakout that waits, as the present market makes it; seen in READY only (I25)."""
        state = self.engine.state
        if not trade.is_waiting or stopped(state):
            return trade
        made = at_trigger(trade, view := self._gate_view(trade))
        if made.triggered_ns and made.entry_end is None:
            self.set(replace(state, entered=counted(state.entered, made, view.limits)))
        return made

    def _operated(self, event: OperatorActed) -> None:
        closing, known = closing_of(event), self.engine.book.closings
        if closing is not None:
            if closing.key in known:
                return  # asked again: it is done, or under way
            known.add(closing.key)
            self.closings.append(closing)
        self.set(operated_state(self.engine.state, event))
        for trade in targets(self.engine.book, event):
            self.step(operated_trade(trade, event), event, was=trade)

    def _step_all(self, event: Event) -> None:
        for trade in list(self.engine.book.open.values()):
            self.step(trade, event)

    def step(
        self,
        trade: Trade,
        event: Event,
        *,
        listed: Sequence[ExecutionReport] = (),
        was: Trade | None = None,
        may_ask: bool = False,
    ) -> None:
        """Step one trade and keep what changed; ``was`` is the trade before an operator's note."""
        begun, was = self._at_trigger(trade), was or trade
        context = self.engine.context_for(begun, self.now, may_ask=may_ask)
        self.looked[trade.symbol] = context.view
        done: TradeStep = step_trade(begun, event, context, listed=listed)
        if done.trade != was or done.commands:
            self.put(self._watched(done.trade, context.view))
            self.decided[trade.symbol] = context.view
        self.commands += done.commands
        for text in done.broken:
            self._broken(done.trade, text)
        if context.ask_from_ns and not in_question(done.trade, self.now):
            self._ask_the_rest()

    def _ask_the_rest(self) -> None:
        """One of many is answered: the broker is back, and nobody waits for his turn any more."""
        for other in list(self.engine.book.open.values()):
            if in_question(other, self.now):
                self.step(other, TimePassed(), may_ask=True)

    def _watched(self, trade: Trade, view: MarketView | None) -> Trade:
        """The trade with how far its market went; that alone is never a reason for a record."""
        engine = self.engine
        seen = engine.watches.follow(trade, view, now=self.now, calendar=engine.state.calendar)
        if seen is None or seen == trade.excursion:
            return trade
        self.seen[trade.trade_id] = seen
        return replace(trade, excursion=seen)

    def _broken(self, trade: Trade, text: str) -> None:
        name, _, rest = text.partition(": ")
        reason = Reason.of(ReasonCode.INVARIANT_BROKEN, name=name, text=rest or text)
        self.commands.append(RaiseAlarm(trade.trade_id, reason))
        if self.engine.state.halt is None:
            halt = Reason.of(ReasonCode.HALT_ACTIVE, why=str(reason))
            self.set(replace(self.engine.state, halt=halt))

    def put(self, trade: Trade) -> None:
        """Remember a changed trade."""
        self.trades[trade.trade_id] = trade
        self.engine.book.put(trade)

    def set(self, state: EngineState) -> None:
        """Remember a changed engine state."""
        self.engine.state = state

    def finish(self) -> None:
        """Plan the next reads."""
        self.engine.schedule_polls()

    def as_step(self) -> Step:
        """What this turn came to."""
        state = self.engine.state
        step = Step(
            commands=tuple(self.commands),
            trades=tuple(self.trades.values()),
            denials=tuple(self.denials),
            closings=tuple(self.closings),
            state=state if state != self._before else None,
            seen=tuple(self.seen.items()),
        )
        if step.is_empty:
            return step
        return replace(step, views=views_of(self.decided, self.looked, told=self.engine.told))
