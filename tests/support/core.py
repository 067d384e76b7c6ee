"""A bench for the core: the real engine, a broker that does what the test says, time by hand.

    b = Bench("buy")                      # 100 shares at 100.00, risk 2.00, ratio 2
    b.accepts("E1")
    b.fills("E1", 37)                     # 37 of 100 at the entry's own limit
    b.run(61)
    assert b.news() == ["cancel E1"]

Nothing is mocked: the bench feeds real events and looks at real commands. Submits, cancels and
replaces are answered by the test; reads are answered from the broker's truth 30 ms later, unless
``b.reads`` is off. Prices are written as cents beyond the signal in the trade's own direction, so
that one test serves a long and a short: ``b.px(5)`` is 100.05 for a buy and 99.95 for a short.
Every step's trades go through the journal's codec, and a broken invariant fails the test.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from dataclasses import replace

from surefill.core.commands import (
    CancelOrder,
    Command,
    QueryAccount,
    QueryFills,
    QueryOrder,
    QueryOrders,
    QueryPositions,
    RaiseAlarm,
    ReplaceOrder,
    SubmitOrder,
)
from surefill.core.cover import Cover, cover_of
from surefill.core.engine import Engine, EngineConfig, Step
from surefill.core.events import (
    Accepted,
    Act,
    Answer,
    CalendarRead,
    EngineStarted,
    Event,
    ExecutionReport,
    InDoubt,
    InstrumentRead,
    MarketUpdated,
    OperatorActed,
    PlanSubmitted,
    Rejected,
    RejectKind,
    ReportReceived,
    RequestAnswered,
    StreamChanged,
    TimePassed,
    Verb,
)
from surefill.core.fix import (
    Contingency,
    ExecType,
    Feed,
    OrdStatus,
    TimeInForce,
    TradingStatus,
)
from surefill.core.market import MarketView, Nbbo
from surefill.core.plan import Policy, TradePlan
from surefill.core.reasons import ReasonCode
from surefill.core.risk import Limits
from surefill.core.state import EngineState, Mode
from surefill.core.tactic import Tactic
from surefill.core.trade import Trade, phase_of
from surefill.core.units import NANO, to_text
from surefill.journal.codec import decode, encode
from surefill.tactics.registry import TACTICS
from tests.support.core_venue import Row, Venue
from tests.support.core_words import Words, in_full
from tests.support.core_world import (
    ACCOUNT,
    CALENDAR,
    CLOSE_NS,
    INSTRUMENT,
    LATENCY_NS,
    MINUTE,
    MS,
    OPEN_NS,
    READ_NS,
    SESSION,
    START_NS,
    SYMBOL,
    Kind,
    S,
)

KINDS: Mapping[Verb, type] = {
    Verb.SUBMIT: SubmitOrder,
    Verb.CANCEL: CancelOrder,
    Verb.REPLACE: ReplaceOrder,
    Verb.QUERY: QueryOrder,
}


def key_of(command: Command) -> str:
    """The client order id that a request on one order carries."""
    if isinstance(command, SubmitOrder):
        return command.spec.cl_ord_id
    assert isinstance(command, CancelOrder | ReplaceOrder | QueryOrder)
    return command.cl_ord_id


class Bench(Venue):
    """One engine in READY, one plan (``p1``) and a broker that obeys the test."""

    def __init__(
        self,
        side: str = "buy",
        *,
        qty: int = 100,
        beside: bool = False,
        tactic: str = "limit",
        legacy: bool = False,
        start_ns: int = START_NS,
        submit: bool = True,
        levels: tuple[int, int] | None = None,
        flat_by_close: bool = False,
        exit_in_s: int | None = None,
        policy: Policy = Policy(),  # noqa: B008  a frozen value
        limits: Limits = Limits(),  # noqa: B008  a frozen value
        tactics: Mapping[str, Tactic] = TACTICS,
    ) -> None:
        super().__init__(side, start_ns)
        self.out = "SELL" if side == "buy" else "BUY"
        self.into = self.side.value
        self.config = EngineConfig(account="A1", limits=limits, exits_beside_entry=beside)
        self.tactics = tactics
        self.engine = Engine(self.config, tactics)
        self.policy = policy
        self.legacy = legacy
        self.sent: list[tuple[int, Command]] = []
        self.lines: list[str] = []
        self.alarms: list[str] = []
        self.phases: list[str] = []
        self.may_break = False
        self._seen = self._seq = 0
        self._answers: list[tuple[int, int, Callable[[], Event]]] = []
        self.images: dict[str, bytes] = {}
        self.state_image: bytes | None = None
        self.plan = TradePlan.of(
            SYMBOL,
            side,
            qty,
            plan_id="p1",
            signal_price="100",
            risk="2" if levels is None else None,
            rr="2" if levels is None else None,
            stop=to_text(self.at(levels[0])) if levels else None,
            target=to_text(self.at(levels[1])) if levels else None,
            tactic=tactic,
            flat_by_close=flat_by_close,
            exit_at_ns=None if exit_in_s is None else start_ns + exit_in_s * S,
        )
        self._start()
        if submit:
            self.submit_plan(self.plan)

    # -- words ---------------------------------------------------------------------------------

    def key(self, name: str) -> str:
        """``E1`` -> our client order id; a row's name -> the broker's."""
        row = self.rows.get(name)
        if row is not None:
            return row.cl_ord_id
        return f"sf-{self.engine.tag}-p1-{name}"

    def name_of(self, key: str) -> str:
        """The short name of a client order id."""
        for name, row in self.rows.items():
            if row.cl_ord_id == key:
                return name
        return key.rpartition("-")[2]

    @property
    def trade(self) -> Trade:
        """The trade under test."""
        trade = self.engine.book.get("p1")
        assert trade is not None
        return trade

    @property
    def cover(self) -> Cover:
        """Its cover."""
        return cover_of(self.trade)

    @property
    def held(self) -> int:
        """Whole shares held in the trade's direction."""
        return self.trade.position_qty // NANO

    @property
    def covered(self) -> int:
        """Whole shares under a proven stop."""
        return self.cover.covered_qty // NANO

    @property
    def phase(self) -> str:
        """Where the trade is."""
        cover = self.cover
        return phase_of(
            self.trade, covered_qty=cover.covered_qty, claimed_qty=cover.claimed_qty
        ).value

    def news(self) -> list[str]:
        """What was sent and said since the last look, reads left out."""
        fresh = self.lines[self._seen :]
        self._seen = len(self.lines)
        return [line for line in fresh if not line.startswith("?")]

    def asked(self) -> list[str]:
        """Every read so far."""
        return [line for line in self.lines if line.startswith("?")]

    def times(self, prefix: str) -> list[int]:
        """When the lines with this beginning were sent, UTC ns."""
        pairs = zip(self.lines, self.sent, strict=True)
        return [at for line, (at, _) in pairs if line.startswith(prefix)]

    # -- time ----------------------------------------------------------------------------------

    def feed(self, event: Event) -> Step:
        """One event into the engine, now."""
        step = in_full(self.engine.step(event, self.now))
        for trade in step.trades:
            self.images[trade.trade_id] = encode(trade)
            assert decode(self.images[trade.trade_id], Trade) == trade
        if step.state is not None:
            self.state_image = encode(step.state)
        for command in step.commands:
            self._take(command)
        if self.engine.book.get("p1") is not None and self.phase not in self.phases[-1:]:
            self.phases.append(self.phase)
        return step

    def run(self, seconds: float = 0.0) -> None:
        """Let time pass: deadlines fire and reads are answered on the way."""
        end_ns = self.now + round(seconds * S)
        turns = 0
        while True:
            due = [at for at in (self.engine.next_deadline(), self._next_answer_ns()) if at]
            at_ns = min(due, default=end_ns + 1)
            if at_ns > end_ns:
                break
            turns += 1
            assert turns < 20_000, "the engine does not come to rest"
            self.now = max(self.now, at_ns)
            if self._answers and self._answers[0][0] <= self.now:
                self.feed(heapq.heappop(self._answers)[2]())
            else:
                self.feed(TimePassed())
        self.now = end_ns

    def _next_answer_ns(self) -> int | None:
        return self._answers[0][0] if self._answers else None

    def _later(self) -> None:
        self.run(LATENCY_NS / S)

    # -- what the engine sends -----------------------------------------------------------------

    def _take(self, command: Command) -> None:
        self.sent.append((self.now, command))
        self.lines.append(Words(self.name_of).line(command))
        match command:
            case RaiseAlarm(_, reason):
                self.alarms.append(reason.code.name)
                assert self.may_break or reason.code is not ReasonCode.INVARIANT_BROKEN, reason
            case QueryOrder() | QueryOrders() | QueryFills() | QueryPositions() | QueryAccount():
                self._seq += 1
                sent_ns = self.now
                entry = (sent_ns + READ_NS, self._seq, lambda: self._read(command, sent_ns))
                heapq.heappush(self._answers, entry)
            case _:
                pass

    # -- what the broker says ------------------------------------------------------------------

    def answers(self, name: str, answer: Answer, *, verb: Verb = Verb.SUBMIT) -> None:
        """The answer to the last request of this kind on this order arrives after 40 ms."""
        sent_ns = self._request(name, verb)[0]
        self._later()
        self.feed(RequestAnswered("p1", verb, self.key(name), answer, sent_ns, self.now))

    def _request(self, name: str, verb: Verb) -> tuple[int, Command]:
        for at_ns, command in reversed(self.sent):
            if isinstance(command, KINDS[verb]) and key_of(command) == self.key(name):
                return at_ns, command
        raise AssertionError(f"no {verb} of {name} was sent; sent: {self.lines}")

    def takes(self, name: str, *, status: OrdStatus = OrdStatus.NEW) -> Row:
        """The broker has the order; nobody has been told yet."""
        command = self._request(name, Verb.SUBMIT)[1]
        assert isinstance(command, SubmitOrder)
        spec = command.spec
        row = self._row(name, spec.cl_ord_id, spec, status)
        if spec.contingency is Contingency.OCO:
            row.legs = [self._leg(row, "stop")]
        elif spec.contingency is Contingency.BRACKET:
            row.legs = [self._leg(row, "target"), self._leg(row, "stop")]
        return row

    def accepts(self, name: str, *, status: OrdStatus = OrdStatus.NEW) -> Row:
        """The broker takes the order and its answer arrives."""
        row = self.takes(name, status=status)
        self.answers(name, Accepted(self.report(row)))
        return row

    def streams(self, report: ExecutionReport) -> None:
        """A report arrives on the stream, now."""
        self.feed(ReportReceived(report))

    def fills(self, name: str, qty: int, cents: int | None = None) -> ExecutionReport:
        """The venue executes and the stream says so 40 ms later."""
        report = self.executes(name, qty, cents)
        self._later()
        self.streams(replace(report, recv_ns=self.now))
        return report

    def cancelled(self, name: str, status: OrdStatus = OrdStatus.CANCELED) -> None:
        """The end is confirmed on the stream, siblings included."""
        self.ends(name, status)
        self._later()
        exec_type = ExecType(status.value)
        for row in self.group_of(name):
            if row.status in (status, OrdStatus.CANCELED):
                self.streams(self.report(row, exec_type))

    def refuses(self, name: str, kind: RejectKind, verb: Verb = Verb.SUBMIT) -> None:
        """A definitive refusal."""
        self.answers(name, Rejected(kind, kind.value.lower()), verb=verb)

    def loses(self, name: str, verb: Verb = Verb.SUBMIT) -> None:
        """The answer is lost (time-out, 504): the request may have worked."""
        self.answers(name, InDoubt("no answer"), verb=verb)

    def replaces(self, name: str, new: str, *, told: bool = True) -> Row:
        """The broker replaces an order as last asked, and says so unless ``told`` is False."""
        command = self._request(name, Verb.REPLACE)[1]
        assert isinstance(command, ReplaceOrder)
        old = self.rows[name]
        spec = replace(
            old.spec,
            cl_ord_id=command.new_cl_ord_id,
            limit_px=command.limit_px or old.spec.limit_px,
            stop_px=command.stop_px or old.spec.stop_px,
        )
        row = self._put_in_place(old, new, spec)
        if told:
            self.answers(name, Accepted(self.report(row)), verb=Verb.REPLACE)
            self.streams(self.report(old, ExecType.REPLACED))
        return row

    def moves(self, name: str, new: str, cents: int) -> Row:
        """A person replaces a stop in the broker's own UI."""
        old = self.rows[name]
        spec = replace(old.spec, cl_ord_id=f"person-{new}", stop_px=self.at(cents))
        row = self._put_in_place(old, new, spec)
        self._later()
        self.streams(self.report(old, ExecType.REPLACED))
        self.streams(self.report(row, ExecType.NEW))
        return row

    # -- the world -----------------------------------------------------------------------------

    def quote(self, bid: int = -1, ask: int = 1, *, halted: bool = False) -> None:
        """The touch, in cents beyond the signal as the *trade's* near and far side."""
        low, high = sorted((self.at(bid), self.at(ask)))
        status = TradingStatus.HALTED if halted else TradingStatus.TRADING
        nbbo = Nbbo(low, 500 * NANO, high, 500 * NANO, self.now, self.now)
        self.feed(MarketUpdated(MarketView(SYMBOL, Feed.TEST, nbbo, status, self.now)))

    def operator(self, act: Act, target: str = "", why: str = "asked", *, qty: int = 0) -> None:
        """An operator acts; ``qty`` in whole shares."""
        self.feed(OperatorActed(act, target, "desk", why, self.now, qty * NANO))

    def submit_plan(self, plan: TradePlan) -> Step:
        """A caller asks for a trade."""
        return self.feed(PlanSubmitted(plan, self.policy, self.legacy, self.now))

    def _start(self) -> None:
        self.feed(EngineStarted(1, "test", "settings", self.now))
        self.feed(CalendarRead(CALENDAR, self.now))
        self.feed(InstrumentRead(INSTRUMENT, self.now))
        self.feed(StreamChanged(True, self.now))
        self.run(READ_NS / S)
        assert self.engine.state.mode is Mode.READY
        self.quote()
        self.news()

    def restart(self) -> None:
        """kill -9 and start again from the images that the journal holds."""
        images = {name: decode(image, Trade) for name, image in self.images.items()}
        state = None if self.state_image is None else decode(self.state_image, EngineState)
        views = self.engine.views
        self._answers.clear()
        self.engine = Engine(self.config, self.tactics)
        self.engine.load(state, images.values(), [])
        self.engine.views.update(views)
        self.feed(EngineStarted(2, "test", "settings", self.now))
        self.feed(CalendarRead(CALENDAR, self.now))
        self.feed(InstrumentRead(INSTRUMENT, self.now))
        self.feed(StreamChanged(True, self.now))
        self.run(READ_NS / S)


def covered_bench(side: str = "buy", **more: object) -> Bench:
    """A bench whose entry filled completely at its limit and whose OCO works."""
    b = Bench(side, **more)  # type: ignore[arg-type]
    b.accepts("E1")
    b.fills("E1", 100)
    b.accepts("X1")
    b.run(1)
    assert (b.held, b.covered, b.phase) == (100, 100, "COVERED")
    b.news()
    return b


__all__ = [
    "ACCOUNT",
    "CALENDAR",
    "CLOSE_NS",
    "MINUTE",
    "MS",
    "OPEN_NS",
    "READ_NS",
    "START_NS",
    "SYMBOL",
    "Bench",
    "Kind",
    "Row",
    "S",
    "SESSION",
    "TimeInForce",
    "covered_bench",
]
