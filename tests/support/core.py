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
from dataclasses import dataclass, field, replace

from surefill.core.commands import (
    Announce,
    CancelOrder,
    Command,
    OrderSpec,
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
    Account,
    AccountRead,
    Act,
    Answer,
    CalendarRead,
    EngineStarted,
    Event,
    ExecutionReport,
    FillsRead,
    InDoubt,
    Instrument,
    InstrumentRead,
    MarketUpdated,
    OperatorActed,
    OrdersRead,
    PlanSubmitted,
    Position,
    PositionsRead,
    ReadFailed,
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
    Leg,
    OrdStatus,
    OrdType,
    Side,
    TimeInForce,
    TradingStatus,
)
from surefill.core.market import MarketView, Nbbo
from surefill.core.plan import Policy, TradePlan
from surefill.core.reasons import ReasonCode
from surefill.core.risk import Limits
from surefill.core.session import Calendar, Session
from surefill.core.state import EngineState, Mode
from surefill.core.tactic import Tactic
from surefill.core.trade import Trade, phase_of
from surefill.core.units import CENT, NANO, to_text
from surefill.journal.codec import decode, encode
from surefill.tactics.registry import TACTICS

MS = 1_000_000
S = 1_000_000_000
MINUTE = 60 * S
OPEN_NS = 1_772_461_800 * S
"""2026-03-02 14:30 UTC: 09:30 New York."""
CLOSE_NS = OPEN_NS + 23_400 * S
START_NS = OPEN_NS + 30 * MINUTE
SESSION = Session(20260302, OPEN_NS - 19_800 * S, OPEN_NS, CLOSE_NS, CLOSE_NS + 14_400 * S)
NEXT_DAY = 86_400 * S
CALENDAR = Calendar.of(
    [
        SESSION,
        Session(
            20260303,
            SESSION.pre_ns + NEXT_DAY,
            OPEN_NS + NEXT_DAY,
            CLOSE_NS + NEXT_DAY,
            SESSION.post_ns + NEXT_DAY,
        ),
    ]
)
SYMBOL = "ACME"
ACCOUNT = Account(
    account_id="A1",
    equity_usd=100_000 * NANO,
    last_equity_usd=100_000 * NANO,
    buying_power_usd=400_000 * NANO,
    shorting_enabled=True,
    is_blocked=False,
)
LATENCY_NS = 40 * MS
READ_NS = 30 * MS
Kind = RejectKind


@dataclass
class Row:
    """One order in the broker's book. Quantities 1e-9 share, ``cost`` 1e-18 USD."""

    name: str
    order_id: str
    cl_ord_id: str
    spec: OrderSpec
    status: OrdStatus
    submitted_ns: int
    cum_qty: int = 0
    cost: int = 0
    working: bool = True
    replaces: str | None = None
    replaced_by: str | None = None
    carried_qty: int = 0
    legs: list[Row] = field(default_factory=list)


class Bench:
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
        self.side = Side.BUY if side == "buy" else Side.SELL_SHORT
        self.sign = self.side.sign
        self.out = "SELL" if side == "buy" else "BUY"
        self.into = self.side.value
        self.now = start_ns
        self.config = EngineConfig(account="A1", limits=limits, exits_beside_entry=beside)
        self.tactics = tactics
        self.engine = Engine(self.config, tactics)
        self.policy = policy
        self.legacy = legacy
        self.rows: dict[str, Row] = {}
        self.history: list[ExecutionReport] = []
        self.foreign_qty = 0
        self.sent: list[tuple[int, Command]] = []
        self.lines: list[str] = []
        self.alarms: list[str] = []
        self.phases: list[str] = []
        self.reads = True
        self.may_break = False
        self._seen = 0
        self._seq = 0
        self._ids = 0
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

    def at(self, cents: int) -> int:
        """Price ``cents`` beyond the signal in the trade's direction, 1e-9 USD."""
        return 100 * NANO + self.sign * cents * CENT

    def px(self, cents: int) -> str:
        """The same as text."""
        return to_text(self.at(cents))

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
        step = self.engine.step(event, self.now)
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
        self.lines.append(self._line(command))
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

    def _line(self, command: Command) -> str:
        match command:
            case SubmitOrder(_, spec):
                return f"submit {self._spec_line(spec)}"
            case CancelOrder(_, key):
                return f"cancel {self.name_of(key)}"
            case ReplaceOrder():
                what, px = "limit", command.limit_px
                if px is None:
                    what, px = "stop", command.stop_px
                new = self.name_of(command.new_cl_ord_id)
                return (
                    f"replace {self.name_of(command.cl_ord_id)} -> {new} {what} {to_text(px or 0)}"
                )
            case QueryOrder(_, key):
                return f"? {self.name_of(key)}"
            case QueryOrders():
                return "? orders"
            case QueryFills():
                return "? fills"
            case QueryPositions():
                return "? positions"
            case QueryAccount():
                return "? account"
            case RaiseAlarm(_, reason):
                return f"ALARM {reason.code.name}"
            case Announce(_, milestone):
                return milestone.value

    def _spec_line(self, spec: OrderSpec) -> str:
        words = [self.name_of(spec.cl_ord_id), spec.side.value, to_text(spec.order_qty)]
        if spec.contingency is Contingency.OCO:
            words.append("OCO")
        else:
            words.append(spec.ord_type.value)
            words += [to_text(px) for px in (spec.limit_px, spec.stop_px) if px is not None]
        if spec.contingency is Contingency.BRACKET:
            words.append("BRACKET")
        if spec.take_profit_px is not None and spec.stop_loss_px is not None:
            words += ["target", to_text(spec.take_profit_px), "stop", to_text(spec.stop_loss_px)]
        return " ".join([*words, spec.tif.value])

    # -- what the broker says ------------------------------------------------------------------

    def answers(self, name: str, answer: Answer, *, verb: Verb = Verb.SUBMIT) -> None:
        """The answer to the last request of this kind on this order arrives after 40 ms."""
        sent_ns = self._request(name, verb)[0]
        self._later()
        self.feed(RequestAnswered("p1", verb, self.key(name), answer, sent_ns, self.now))

    def _request(self, name: str, verb: Verb) -> tuple[int, Command]:
        kinds: dict[Verb, type] = {
            Verb.SUBMIT: SubmitOrder,
            Verb.CANCEL: CancelOrder,
            Verb.REPLACE: ReplaceOrder,
            Verb.QUERY: QueryOrder,
        }
        for at_ns, command in reversed(self.sent):
            if isinstance(command, kinds[verb]) and self._key_of(command) == self.key(name):
                return at_ns, command
        raise AssertionError(f"no {verb} of {name} was sent; sent: {self.lines}")

    @staticmethod
    def _key_of(command: Command) -> str:
        if isinstance(command, SubmitOrder):
            return command.spec.cl_ord_id
        assert isinstance(command, CancelOrder | ReplaceOrder | QueryOrder)
        return command.cl_ord_id

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

    def _row(self, name: str, cl_ord_id: str, spec: OrderSpec, status: OrdStatus) -> Row:
        self._ids += 1
        row = Row(name, f"id{self._ids}", cl_ord_id, spec, status, self.now)
        self.rows[name] = row
        return row

    def _leg(self, parent: Row, word: str) -> Row:
        spec, is_stop = parent.spec, word == "stop"
        name = f"{parent.name}.{word}"
        side = spec.side.exit_side if spec.contingency is Contingency.BRACKET else spec.side
        leg_spec = replace(
            spec,
            leg=Leg.STOP if is_stop else Leg.TARGET,
            cl_ord_id=f"broker-{name}",
            side=side,
            ord_type=OrdType.STOP if is_stop else OrdType.LIMIT,
            limit_px=None if is_stop else spec.take_profit_px,
            stop_px=spec.stop_loss_px if is_stop else None,
        )
        row = self._row(name, leg_spec.cl_ord_id, leg_spec, OrdStatus.NEW)
        row.working = False
        return row

    def accepts(self, name: str, *, status: OrdStatus = OrdStatus.NEW) -> Row:
        """The broker takes the order and its answer arrives."""
        row = self.takes(name, status=status)
        self.answers(name, Accepted(self.report(row)))
        return row

    def report(
        self, row: Row, exec_type: ExecType = ExecType.ORDER_STATUS, **more: object
    ) -> ExecutionReport:
        """What the broker would say of an order now."""
        avg_px = row.cost // row.cum_qty if row.cum_qty else None
        report = ExecutionReport(
            exec_type=exec_type,
            ord_status=row.status,
            order_id=row.order_id,
            cl_ord_id=row.cl_ord_id,
            symbol=SYMBOL,
            side=row.spec.side,
            ord_type=row.spec.ord_type,
            tif=row.spec.tif,
            order_qty=row.spec.order_qty,
            cum_qty=row.cum_qty,
            venue_ns=self.now - 10 * MS,
            recv_ns=self.now,
            avg_px=avg_px,
            limit_px=row.spec.limit_px,
            stop_px=row.spec.stop_px,
            contingency=row.spec.contingency,
            working=row.working,
            submitted_ns=row.submitted_ns,
            replaces=row.replaces,
            replaced_by=row.replaced_by,
            legs=tuple(self.report(leg) for leg in row.legs)
            if exec_type is ExecType.ORDER_STATUS
            else (),
        )
        return replace(report, **more)  # type: ignore[arg-type]

    def streams(self, report: ExecutionReport) -> None:
        """A report arrives on the stream, now."""
        self.feed(ReportReceived(report))

    def executes(self, name: str, qty: int, cents: int | None = None) -> ExecutionReport:
        """The venue executes ``qty`` shares; nobody has been told yet. Without ``cents`` at the
        order's own limit. Siblings shrink or end as Alpaca's do."""
        row = self.rows[name]
        px = row.spec.limit_px if cents is None else self.at(cents)
        assert px is not None, f"{name} has no limit: say a price"
        row.cum_qty += qty * NANO
        row.cost += qty * NANO * px
        is_done = row.cum_qty + row.carried_qty == row.spec.order_qty
        row.status = OrdStatus.FILLED if is_done else OrdStatus.PARTIALLY_FILLED
        for leg in row.legs:
            if row.spec.contingency is Contingency.BRACKET and is_done:
                leg.working = leg.spec.ord_type is OrdType.LIMIT
        report = self.report(
            row,
            ExecType.TRADE,
            exec_id=f"x{len(self.history) + 1}",
            last_qty=qty * NANO,
            last_px=px,
        )
        self.history.append(report)
        if is_done and row.spec.leg is not Leg.ENTRY:
            for other in self.group_of(name):
                if other.spec.leg is not Leg.ENTRY and not other.status.is_terminal:
                    other.status = OrdStatus.CANCELED  # without an event, as Alpaca's (B-06)
        return report

    def fills(self, name: str, qty: int, cents: int | None = None) -> ExecutionReport:
        """The venue executes and the stream says so 40 ms later."""
        report = self.executes(name, qty, cents)
        self._later()
        self.streams(replace(report, recv_ns=self.now))
        return report

    def ends(self, name: str, status: OrdStatus = OrdStatus.CANCELED) -> None:
        """The order is over at the venue; nobody has been told yet. Groups end together."""
        row = self.rows[name]
        row.status = status
        for other in self.group_of(name):
            if other is not row and not other.status.is_terminal:
                other.status = OrdStatus.CANCELED

    def group_of(self, name: str) -> list[Row]:
        """An order's parent, siblings and replacements, the order itself among them."""
        family = {name}
        while True:
            roots = {member.partition(".")[0] for member in family}
            ids = {self.rows[member].order_id for member in family}
            older = {self.rows[member].replaces for member in family}
            grown = {
                other
                for other, row in self.rows.items()
                if other.partition(".")[0] in roots or row.replaces in ids or row.order_id in older
            }
            if grown <= family:
                return [row for other, row in self.rows.items() if other in family]
            family |= grown

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

    def _put_in_place(self, old: Row, new: str, spec: OrderSpec) -> Row:
        row = self._row(new, spec.cl_ord_id, spec, OrdStatus.NEW)
        row.replaces, row.working, row.carried_qty = old.order_id, old.working, old.cum_qty
        old.status, old.replaced_by = OrdStatus.REPLACED, row.order_id
        for parent in self.rows.values():
            parent.legs = [row if leg is old else leg for leg in parent.legs]
        return row

    def _read(self, command: Command, sent_ns: int) -> Event:
        """A complete answer from the broker's truth, or a failed one."""
        if not self.reads:
            if isinstance(command, QueryOrder):
                failed: Answer = InDoubt("read failed")
                return RequestAnswered(
                    command.trade_id, Verb.QUERY, command.cl_ord_id, failed, sent_ns, self.now
                )
            return ReadFailed(type(command).__name__, "500", self.now)
        match command:
            case QueryOrder(trade_id, key, order_id):
                row = next(
                    (
                        r
                        for r in self.rows.values()
                        if (r.order_id == order_id if order_id else r.cl_ord_id == key)
                    ),
                    None,
                )
                answer: Answer = Rejected(Kind.NOT_FOUND, "order not found")
                if row is not None:
                    answer = Accepted(self.report(row))
                return RequestAnswered(trade_id, Verb.QUERY, key, answer, sent_ns, self.now)
            case QueryOrders(after_ns):
                children = {leg.order_id for row in self.rows.values() for leg in row.legs}
                tops = [
                    self.report(row)
                    for row in self.rows.values()
                    if row.order_id not in children and row.submitted_ns > after_ns
                ]
                return OrdersRead(tuple(tops), after_ns, sent_ns, self.now)
            case QueryFills(after_ns):
                return FillsRead(tuple(self.history), after_ns, sent_ns, self.now)
            case QueryPositions():
                return PositionsRead(self.positions(), sent_ns, self.now)
            case _:
                return AccountRead(ACCOUNT, self.now)

    def position(self) -> int:
        """Signed whole shares in the account."""
        ours = sum(row.spec.side.sign * row.cum_qty for row in self.rows.values())
        return ours // NANO + self.foreign_qty

    def positions(self) -> tuple[Position, ...]:
        """The account's holdings."""
        qty = self.position()
        return (Position(SYMBOL, qty * NANO),) if qty else ()

    # -- the world -----------------------------------------------------------------------------

    def quote(self, bid: int = -1, ask: int = 1, *, halted: bool = False) -> None:
        """The touch, in cents beyond the signal as the *trade's* near and far side."""
        low, high = sorted((self.at(bid), self.at(ask)))
        status = TradingStatus.HALTED if halted else TradingStatus.TRADING
        nbbo = Nbbo(low, 500 * NANO, high, 500 * NANO, self.now, self.now)
        self.feed(MarketUpdated(MarketView(SYMBOL, Feed.TEST, nbbo, status, self.now)))

    def operator(self, act: Act, target: str = "", why: str = "asked") -> None:
        """An operator acts."""
        self.feed(OperatorActed(act, target, "desk", why, self.now))

    def submit_plan(self, plan: TradePlan) -> Step:
        """A caller asks for a trade."""
        return self.feed(PlanSubmitted(plan, self.policy, self.legacy, self.now))

    def _start(self) -> None:
        self.feed(EngineStarted(1, "test", "settings", self.now))
        self.feed(CalendarRead(CALENDAR, self.now))
        instrument = Instrument(SYMBOL, is_tradable=True, is_shortable=True, is_easy_to_borrow=True)
        self.feed(InstrumentRead(instrument, self.now))
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
    "TimeInForce",
    "covered_bench",
]
