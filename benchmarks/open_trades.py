"""Many open trades for benchmarks: the production stepper, its journal, and a broker of values.

What: `Desk` brings trades of one symbol each to where they are covered, event by event as the
broker would, and shows what a listing of all their orders says.
"""

from __future__ import annotations

from pathlib import Path

from surefill.core.commands import BrokerCommand, Command, SubmitOrder
from surefill.core.engine import Engine, EngineConfig
from surefill.core.events import (
    Accepted,
    Account,
    AccountRead,
    CalendarRead,
    Event,
    ExecutionReport,
    Instrument,
    InstrumentRead,
    MarketUpdated,
    OrdersRead,
    PlanSubmitted,
    Position,
    PositionsRead,
    ReportReceived,
    RequestAnswered,
    StreamChanged,
    Verb,
)
from surefill.core.fix import (
    Contingency,
    ExecType,
    Feed,
    OrdStatus,
    OrdType,
    TradingStatus,
)
from surefill.core.market import MarketView, Nbbo
from surefill.core.plan import Policy, TradePlan
from surefill.core.risk import Limits
from surefill.core.units import NANO
from surefill.core.values import replace
from surefill.journal.sqlite import SqliteJournal
from surefill.runtime.stepper import Stepper
from surefill.tactics.registry import TACTICS
from tests.support.core import ACCOUNT, CALENDAR, START_NS
from tests.support.core_world import MS

PX = 100 * NANO
MANY = 10**9
FEED = Feed.SIP


def limits_of(trades: int) -> Limits:
    """Limits that hold nothing back."""
    return Limits(
        open_trades_max=2 * trades,
        total_notional_max_usd=MANY * NANO,
        daily_loss_max_usd=MANY * NANO,
    )


def view_of(symbol: str, now: int, *, cents: int = 0) -> MarketView:
    """A quote around 100.00 that is as old as ``now``."""
    px, size = PX + cents * NANO // 100, 1_000 * NANO
    nbbo = Nbbo(px - NANO // 100, size, px + NANO // 100, size, now, now)
    return MarketView(symbol, FEED, nbbo, TradingStatus.TRADING, now)


class Desk:
    """One account with trades on symbols of their own. ``now``: UTC ns, moved by the caller."""

    def __init__(self, path: Path, trades: int) -> None:
        self.now = START_NS
        self.names = [f"S{n:05d}" for n in range(trades)]
        engine = Engine(EngineConfig(account="A1", limits=limits_of(trades)), TACTICS)
        self.journal = SqliteJournal(path)
        self.stepper = Stepper(engine, self.journal, holder="bench")
        self.stepper.restore()
        self.orders: dict[str, ExecutionReport] = {}  # order id -> what a listing shows of it
        self.held: dict[str, int] = {}  # symbol -> shares (1e-9)
        self._count = 0
        self.stepper.start("bench", "0" * 32, now=self.now)
        account = Account(
            account_id=ACCOUNT.account_id,
            equity_usd=MANY * NANO,
            last_equity_usd=MANY * NANO,
            buying_power_usd=MANY * NANO,
            shorting_enabled=True,
            is_blocked=False,
        )
        self.take(AccountRead(account, self.now))
        self.take(CalendarRead(CALENDAR, self.now))
        self.take(self.listing())
        self.take(self.positions())
        self.take(StreamChanged(True, self.now))

    def take(self, *events: Event) -> list[Command]:
        """One durable batch."""
        return self.stepper.handle(events, self.now).commands

    def enter_all(self, *, batch: int = 200) -> None:
        """All trades: entered, filled and covered."""
        for first in range(0, len(self.names), batch):
            names = self.names[first : first + batch]
            self.take(
                *(InstrumentRead(Instrument(name, True, True, True), self.now) for name in names)
            )
            self.take(*(MarketUpdated(view_of(name, self.now)) for name in names))
            sent = self.take(*(self._plan(name) for name in names))
            self.now += 20 * MS
            self.take(*(self.answer(one) for one in sent if isinstance(one, SubmitOrder)))
            self.now += 20 * MS
            fills = [self.fill(one) for one in sent if isinstance(one, SubmitOrder)]
            covers = self.take(*fills)
            self.now += 20 * MS
            self.take(*(self.answer(one) for one in covers if isinstance(one, SubmitOrder)))

    def _plan(self, name: str) -> PlanSubmitted:
        plan = TradePlan.of(
            name, "buy", 1, plan_id=name, signal_price="100.00", risk="1.00", rr="2"
        )
        return PlanSubmitted(plan, Policy(), False, self.now)

    def listing(self) -> OrdersRead:
        """All orders, as one read."""
        return OrdersRead(tuple(self.orders.values()), 0, self.now, self.now)

    def positions(self) -> PositionsRead:
        """All holdings."""
        held = tuple(Position(symbol, qty, PX) for symbol, qty in self.held.items())
        return PositionsRead(held, self.now, self.now)

    def answer(self, command: BrokerCommand) -> RequestAnswered:
        """The broker takes an order."""
        assert isinstance(command, SubmitOrder)
        spec = command.spec
        legs: tuple[ExecutionReport, ...] = ()
        if spec.contingency is Contingency.OCO:
            legs = (self._report(command, f"leg-{spec.cl_ord_id}", is_leg=True),)
        report = self._report(command, spec.cl_ord_id, legs=legs)
        self.orders[report.order_id] = report
        return RequestAnswered(
            command.trade_id, Verb.SUBMIT, spec.cl_ord_id, Accepted(report), self.now - MS, self.now
        )

    def _report(
        self,
        command: SubmitOrder,
        name: str,
        *,
        is_leg: bool = False,
        legs: tuple[ExecutionReport, ...] = (),
    ) -> ExecutionReport:
        self._count += 1
        spec = command.spec
        return ExecutionReport(
            exec_type=ExecType.ORDER_STATUS,
            ord_status=OrdStatus.NEW,
            order_id=f"b0a1c2d3-0000-4000-8000-{self._count:012d}",
            cl_ord_id=name,
            symbol=spec.symbol,
            side=spec.side,
            ord_type=OrdType.STOP if is_leg else spec.ord_type,
            tif=spec.tif,
            order_qty=spec.order_qty,
            cum_qty=0,
            venue_ns=self.now,
            recv_ns=self.now,
            limit_px=None if is_leg else spec.limit_px,
            stop_px=spec.stop_loss_px if is_leg else None,
            contingency=spec.contingency,
            submitted_ns=self.now,
            legs=legs,
        )

    def fill(self, command: SubmitOrder) -> ReportReceived:
        """An entry fills at 100.00."""
        self._count += 1
        found = (one for one in reversed(self.orders.values()))
        old = next(one for one in found if one.cl_ord_id == command.spec.cl_ord_id)
        listed = replace(
            old,
            ord_status=OrdStatus.FILLED,
            cum_qty=old.order_qty,
            avg_px=PX,
            venue_ns=self.now,
            recv_ns=self.now,
        )
        self.orders[old.order_id] = listed
        self.held[old.symbol] = self.held.get(old.symbol, 0) + old.order_qty
        return ReportReceived(
            replace(
                listed,
                exec_type=ExecType.TRADE,
                last_qty=old.order_qty,
                last_px=PX,
                exec_id=f"e{self._count}",
                position_qty=old.order_qty,
            )
        )
