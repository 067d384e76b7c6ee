"""The floor on which the oracle and the engine meet: several plans, two symbols, a broker that does
as it is told, well or badly (tests/core/test_engine_oracle.py).

The broker keeps its own books (tests/support/core_venue.py), holds back the shares that its exits
stand for, refuses ids that it knows, and ends siblings together. What it says of an order may
arrive late, twice, out of order or never; what it knows is told to the oracle only as far as who
belongs to whom.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

from surefill.core.commands import CancelOrder, Command, RaiseAlarm, ReplaceOrder, SubmitOrder
from surefill.core.engine import Step
from surefill.core.events import (
    Accepted,
    Answer,
    Event,
    ExecutionReport,
    InDoubt,
    InstrumentRead,
    MarketUpdated,
    Position,
    RateLimited,
    RequestAnswered,
    Unavailable,
    Verb,
)
from surefill.core.fix import ExecType, Feed, Leg, OrdStatus, TradingStatus
from surefill.core.limits import Limits
from surefill.core.market import MarketView, Nbbo
from surefill.core.plan import TradePlan
from surefill.core.units import NANO
from tests.support.core import Bench, Kind, Row, S
from tests.support.core_world import INSTRUMENT, SYMBOL
from tests.support.oracle import Oracle, on_grid

PENNY = "PENNY"
SIGNALS = {SYMBOL: Fraction("100"), PENNY: Fraction("0.8462")}
"""Symbol -> signal price of every plan in it, USD."""
QTY_MAX = 500
FAILURES: dict[str, Callable[[int], Answer]] = {
    "down": lambda now: Unavailable("reset"),
    "limited": lambda now: RateLimited(now + S),
    "lost": lambda now: InDoubt("no answer"),
}
REFUSALS = {
    "refused": (Kind.BUYING_POWER, Kind.OTHER),
    "wash": (Kind.WASH_TRADE, Kind.WASH_TRADE),
}
"""What a broker may say of an entry, and of an exit."""
HOW = ["fine"] * 6 + ["done", *FAILURES, *REFUSALS]
"""How a request may be answered; ``done``: carried out, and the answer lost."""


class Floor(Bench):
    """The core bench with several plans in two symbols; orders are named ``plan/E1``. Everything
    that the engine hears or sends passes the oracle."""

    def __init__(self, *, beside: bool) -> None:
        self.oracle = Oracle()
        self.plans: dict[str, TradePlan] = {}
        self.denied: set[str] = set()
        self.quotes: dict[str, tuple[tuple[int, int], bool, int]] = {}
        self.elsewhere: dict[str, int] = {}
        self.calls: list[Command] = []
        self.unsaid: list[ExecutionReport] = []
        self.said: list[ExecutionReport] = []
        self.bare_since: dict[str, int] = {}
        self.elsewhere_of: dict[str, int] = {}
        self.last_step = Step()
        limits = Limits(order_qty_max=QTY_MAX * NANO)
        super().__init__(submit=False, beside=beside, limits=limits)
        self.learn_instruments()

    def learn_instruments(self) -> None:
        self.feed(InstrumentRead(replace(INSTRUMENT, symbol=PENNY), self.now))

    # -- names: every order belongs to a plan ---------------------------------------------------

    def key(self, name: str) -> str:
        row = self.rows.get(name)
        plan_id, _, leg = name.partition("/")
        return row.cl_ord_id if row is not None else f"sf-{self.engine.tag}-{plan_id}-{leg}"

    def name_of(self, key: str) -> str:
        for name, row in self.rows.items():
            if row.cl_ord_id == key:
                return name
        _, _, plan_id, leg = key.split("-")
        return f"{plan_id}/{leg}"

    def plan_of(self, name: str) -> TradePlan:
        return self.plans[name.partition("/")[0]]

    # -- the venue -----------------------------------------------------------------------------

    def report(
        self, row: Row, exec_type: ExecType = ExecType.ORDER_STATUS, **more: object
    ) -> ExecutionReport:
        symbol, cum_qty = self.plan_of(row.name).symbol, row.cum_qty + row.carried_qty
        return super().report(row, exec_type, symbol=symbol, cum_qty=cum_qty, **more)

    def _row(self, *args: object) -> Row:
        row = super()._row(*args)  # type: ignore[arg-type]
        self.oracle.roots[row.order_id] = (row.cl_ord_id, row.spec.leg)
        return row

    def _leg(self, parent: Row, word: str) -> Row:
        row = super()._leg(parent, word)
        self.oracle.roots[row.order_id] = (parent.cl_ord_id, row.spec.leg)
        return row

    def _put_in_place(self, old: Row, new: str, spec: object) -> Row:
        row = super()._put_in_place(old, new, spec)  # type: ignore[arg-type]
        root, leg = self.oracle.roots[old.order_id]
        is_closer = row.cl_ord_id in self.oracle.closers
        self.oracle.roots[row.order_id] = (root, Leg.FLATTEN if is_closer else leg)
        return row

    def account_qty(self, symbol: str) -> int:
        """Signed whole shares in the account."""
        rows = [row for row in self.rows.values() if self.plan_of(row.name).symbol == symbol]
        ours = sum(row.spec.side.sign * row.cum_qty for row in rows)
        return ours // NANO + self.elsewhere.get(symbol, 0)

    def positions(self) -> tuple[Position, ...]:
        held = {symbol: self.account_qty(symbol) for symbol in SIGNALS}
        return tuple(Position(symbol, qty * NANO) for symbol, qty in held.items() if qty)

    def is_open(self, row: Row) -> bool:
        return not row.status.is_terminal

    def leaves(self, row: Row) -> int:
        """Whole shares that an order may still execute; exits of a group shrink together."""
        if row.spec.leg is Leg.ENTRY:
            return (row.spec.order_qty - row.cum_qty) // NANO
        family = [r for r in self.group_of(row.name) if r.spec.leg is not Leg.ENTRY]
        return max(0, row.spec.order_qty - sum(r.cum_qty for r in family)) // NANO

    def reserved(self, symbol: str) -> int:
        """Shares that working exits stand for, each group once."""
        groups: dict[str, int] = {}
        for row in self.rows.values():
            if self.plan_of(row.name).symbol != symbol or row.spec.leg is Leg.ENTRY:
                continue
            if self.is_open(row) and self.is_armed(row):
                groups[min(r.name for r in self.group_of(row.name))] = self.leaves(row)
        return sum(groups.values())

    def is_armed(self, row: Row) -> bool:
        """Bracket legs may execute after the whole entry."""
        parents = [r for r in self.group_of(row.name) if r.spec.leg is Leg.ENTRY]
        return row in parents or all(r.status is OrdStatus.FILLED for r in parents)

    def room(self, symbol: str) -> int:
        return abs(self.account_qty(symbol)) - self.reserved(symbol)

    def cease(self, row: Row, status: OrdStatus) -> None:
        """An order and its siblings end; the news is on its way."""
        before = [r for r in self.group_of(row.name) if self.is_open(r)]
        self.ends(row.name, status)
        for other in before:
            if not self.is_open(other):
                self.unsaid.append(self.report(other, ExecType(other.status.value)))

    def execute(self, row: Row, qty: int, px: int) -> None:
        """Some of an order executes; nobody has been told."""
        self.unsaid.append(self.executes(row.name, qty, px=px))
        if row.spec.leg is not Leg.ENTRY and self.leaves(row) == 0:
            row.status = OrdStatus.FILLED
            self.cease(row, OrdStatus.FILLED)

    # -- what passes between engine and broker -------------------------------------------------

    def feed(self, event: Event) -> Step:
        self.oracle.hear(event, self.now)
        self.oracle.closing |= {
            plan_id for plan_id in self.oracle.terms if self.is_through(plan_id)
        }
        self.last_step = super().feed(event)
        return self.last_step

    def is_through(self, plan_id: str) -> bool:
        """Whether the market is at the stop or beyond: what does not stop there is to be closed."""
        terms, vwap = self.oracle.terms[plan_id], self.oracle.entered(plan_id)[1]
        (bid_px, ask_px), s = self.quotes[terms.plan.symbol][0], terms.plan.sign
        return vwap is not None and s * ((bid_px if s > 0 else ask_px) - terms.exits(vwap)[0]) <= 0

    def _take(self, command: Command) -> None:
        self.oracle.judge(command, self.now)
        if isinstance(command, SubmitOrder | CancelOrder | ReplaceOrder):
            self.calls.append(command)
        if isinstance(command, RaiseAlarm) and command.trade_id is not None:
            self.bare_since.pop(command.trade_id, None)
        super()._take(command)

    def answers(self, name: str, answer: Answer, *, verb: Verb = Verb.SUBMIT) -> None:
        sent_ns = self._request(name, verb)[0]
        self._later()
        plan_id = name.partition("/")[0]
        self.feed(RequestAnswered(plan_id, verb, self.key(name), answer, sent_ns, self.now))

    def look(self, symbol: str, mid: Fraction, *, halted: bool = False) -> None:
        """A quote a tick or two wide around a price."""
        bid = on_grid(mid * Fraction("0.9999"), up=False)
        ask = on_grid(mid * Fraction("1.0001"), up=True)
        status = TradingStatus.HALTED if halted else TradingStatus.TRADING
        self.quotes[symbol] = ((bid, ask), halted, self.now)
        nbbo = Nbbo(bid, 500 * NANO, ask, 500 * NANO, self.now, self.now)
        self.feed(MarketUpdated(MarketView(symbol, Feed.TEST, nbbo, status, self.now)))

    def quote(self, bid: int = -1, ask: int = 1, *, halted: bool = False) -> None:
        for symbol, px in SIGNALS.items():
            self.look(symbol, px)

    def reply(self, at: int, how: str) -> None:
        """The broker does what a request asks for, or not, and says so, or not."""
        command = self.calls.pop(at % len(self.calls))
        match command:
            case SubmitOrder(_, spec):
                self._reply_submit(self.name_of(spec.cl_ord_id), how)
            case CancelOrder(_, key):
                self._reply_cancel(self.rows[self.name_of(key)], how)
            case ReplaceOrder(_, key):
                self._reply_replace(command, self.rows[self.name_of(key)], how)
            case _:
                raise AssertionError(command)

    def _reply_submit(self, name: str, how: str) -> None:
        spec = self._request(name, Verb.SUBMIT)[1].spec  # type: ignore[union-attr]
        is_exit = spec.leg is not Leg.ENTRY
        if how in ("down", "limited", "lost"):
            self.answers(name, FAILURES[how](self.now))
        elif name in self.rows:
            self.refuses(name, Kind.DUPLICATE_ID)
        elif is_exit and spec.order_qty // NANO > self.room(self.plan_of(name).symbol):
            self.refuses(name, Kind.QTY_UNAVAILABLE)
        elif how in REFUSALS:
            self.refuses(name, REFUSALS[how][is_exit])
        else:
            row = self.takes(name)
            self.unsaid.append(self.report(row, ExecType.NEW))
            self.answers(name, InDoubt("lost") if how == "done" else Accepted(self.report(row)))

    def _reply_cancel(self, row: Row, how: str) -> None:
        if not self.is_open(row):
            self.refuses(row.name, Kind.ALREADY_TERMINAL, Verb.CANCEL)
        elif how in FAILURES:
            self.answers(row.name, FAILURES[how](self.now), verb=Verb.CANCEL)
        else:
            self.cease(row, OrdStatus.CANCELED)
            self.answers(row.name, Accepted(None), verb=Verb.CANCEL)

    def _reply_replace(self, command: ReplaceOrder, row: Row, how: str) -> None:
        if not self.is_open(row):
            self.refuses(row.name, Kind.NOT_REPLACEABLE, Verb.REPLACE)
        elif how in FAILURES:
            self.answers(row.name, FAILURES[how](self.now), verb=Verb.REPLACE)
        else:
            leg = command.new_cl_ord_id.rpartition("-")[2]
            new = self.replaces(row.name, f"{command.trade_id}/{leg}", told=False)
            self.unsaid.append(self.report(row, ExecType.REPLACED))
            self.unsaid.append(self.report(new, ExecType.NEW))
            answer = InDoubt("lost") if how == "done" else Accepted(self.report(new))
            self.answers(row.name, answer, verb=Verb.REPLACE)

    def tell(self, at: int) -> None:
        """Some report arrives, any of them."""
        report = self.unsaid.pop(at % len(self.unsaid))
        self.said.append(report)
        self.streams(replace(report, recv_ns=self.now))

    def restart(self) -> None:
        super().restart()
        self.learn_instruments()
