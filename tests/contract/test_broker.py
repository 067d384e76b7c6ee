"""What every broker must do, run on the adapter over real sockets and on its twin in virtual time.

One contract: a command is answered by exactly one event, refusals are of their kind, the stream
counts as up only after complete reads, an execution has one id in stream, listing and activities.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol, TypeVar

import pytest

from surefill.brokers.alpaca.broker import AlpacaBroker
from surefill.brokers.alpaca.virtual import VirtualBroker
from surefill.core.commands import (
    BrokerCommand,
    CancelOrder,
    OrderSpec,
    Priority,
    QueryAccount,
    QueryFills,
    QueryOrder,
    QueryOrders,
    QueryPositions,
    ReplaceOrder,
    SubmitOrder,
)
from surefill.core.events import (
    Accepted,
    AccountRead,
    CalendarRead,
    Event,
    ExecutionReport,
    FillsRead,
    InDoubt,
    InstrumentRead,
    OrdersRead,
    PositionsRead,
    RateLimited,
    Rejected,
    RejectKind,
    ReportReceived,
    RequestAnswered,
    StreamChanged,
    Verb,
)
from surefill.core.fix import Contingency, ExecType, Leg, OrdStatus, OrdType, Side, TimeInForce
from surefill.core.market import Nbbo
from surefill.core.units import NANO
from surefill.replay.virtual_wire import EdgeWire, hand_on
from surefill.sim.alpaca.app import VenueParts, assemble
from surefill.sim.calendar import us_equity_calendar
from surefill.sim.faults import Fault, FaultCode, FaultPlan
from surefill.sim.market import QuoteEvent
from tests.brokers.alpaca.support import FakeClock, Inbox, started, until
from tests.support.exchange_server import OPEN_NS, RunningExchange

E = TypeVar("E", bound=Event)


class Rig(Protocol):
    """One started broker before a venue that quotes ACME 99.99 x 100.01, 1,000 a side."""

    @property
    def events(self) -> list[Event]:
        """Everything told so far."""

    def send(self, command: BrokerCommand) -> None:
        """Start a request."""

    def watch(self, symbol: str) -> None:
        """Watch a symbol."""

    def arm(self, code: str, **params: int) -> None:
        """The next request meets this fault."""

    def settle(self, until: Callable[[], bool]) -> None:
        """Let time pass until this holds, ten seconds of venue time at most."""


class VirtualRig:
    """The twin on the edge of the simulated venue."""

    def __init__(self) -> None:
        self.faults = FaultPlan(1)
        self.made = assemble(
            None,
            calendar=us_equity_calendar(20260220, 20260310),
            start_ns=OPEN_NS,
            parts=VenueParts(faults=self.faults),
        )
        self.told: list[Event] = []
        wire = EdgeWire(self.made.edge)
        self.broker = VirtualBroker(wire, key="K", secret="S", emit=self.told.append)
        nbbo = Nbbo(99_990_000_000, 1000 * NANO, 100_010_000_000, 1000 * NANO, OPEN_NS, OPEN_NS)
        self.made.edge.inject(QuoteEvent("ACME", nbbo))
        self.broker.start()
        self.settle(lambda: is_up(self.events))

    @property
    def events(self) -> list[Event]:
        return self.told

    def send(self, command: BrokerCommand) -> None:
        self.broker.send(command)

    def watch(self, symbol: str) -> None:
        self.broker.watch(symbol)

    def arm(self, code: str, **params: int) -> None:
        fault = Fault(FaultCode(code), "POST /v2/orders", count=1, params=params)
        self.faults.arm(fault, self.made.edge.now_ns)

    def settle(self, until: Callable[[], bool]) -> None:
        edge = self.made.edge
        limit_ns = edge.now_ns + 10 * NANO
        while not until() and edge.now_ns < limit_ns:
            times = [edge.next_ns(), self.broker.next_ns(), limit_ns]
            target_ns = max(edge.now_ns, min(at_ns for at_ns in times if at_ns is not None))
            for delivery in edge.advance(target_ns):
                hand_on(delivery, self.broker)
            self.broker.wake()
        assert until()


class SocketRig:
    """The adapter over real sockets, on a loop of its own."""

    def __init__(self, exchange: RunningExchange) -> None:
        self.exchange = exchange
        self._runner = asyncio.Runner()
        exchange.quote("ACME", "99.99", "100.01")
        self.broker, self.inbox = self._runner.run(self._start())
        self.settle(lambda: is_up(self.events))

    async def _start(self) -> tuple[AlpacaBroker, Inbox]:
        self._entered = started(self.exchange.url, FakeClock(OPEN_NS, real=True))
        return await self._entered.__aenter__()

    @property
    def events(self) -> list[Event]:
        inbox: Inbox = self.inbox
        return inbox.events

    def send(self, command: BrokerCommand) -> None:
        async def start() -> None:
            self.broker.send(command)

        self._runner.run(start())

    def watch(self, symbol: str) -> None:
        async def start() -> None:
            self.broker.watch(symbol)

        self._runner.run(start())

    def arm(self, code: str, **params: int) -> None:
        self.exchange.arm(code, "POST /v2/orders", count=1, params=params)

    def settle(self, until_true: Callable[[], bool]) -> None:
        self._runner.run(until(until_true))

    def close(self) -> None:
        self._runner.run(self._entered.__aexit__(None, None, None))
        self._runner.close()


@pytest.fixture(params=["virtual", "sockets"])
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    if request.param == "virtual":
        yield VirtualRig()
        return
    with RunningExchange() as exchange:
        rig = SocketRig(exchange)
        yield rig
        rig.close()


def of(events: list[Event], kind: type[E]) -> list[E]:
    return [event for event in events if isinstance(event, kind)]


def is_up(events: list[Event]) -> bool:
    return any(event.is_up for event in of(events, StreamChanged))


def submit(name: str, **changes: object) -> SubmitOrder:
    fields: dict[str, object] = {
        "symbol": "ACME",
        "side": Side.BUY,
        "ord_type": OrdType.LIMIT,
        "tif": TimeInForce.DAY,
        "order_qty": 25 * NANO,
        "leg": Leg.ENTRY,
        "limit_px": 99 * NANO,
    }
    spec = OrderSpec(cl_ord_id=name, **(fields | changes))  # type: ignore[arg-type]
    return SubmitOrder("t1", spec, Priority.ENTRY)


def answer(rig: Rig, command: BrokerCommand, verb: Verb, key: str) -> RequestAnswered:
    """Send and wait; whatever comes later, the request is answered exactly once."""

    def found() -> list[RequestAnswered]:
        answers = of(rig.events[before:], RequestAnswered)
        return [a for a in answers if (a.verb, a.cl_ord_id) == (verb, key)]

    before = len(rig.events)
    rig.send(command)
    rig.settle(lambda: bool(found()))
    assert len(found()) == 1
    assert found()[0].trade_id == "t1"
    return found()[0]


def accepted(answered: RequestAnswered) -> ExecutionReport:
    assert isinstance(answered.answer, Accepted), answered.answer
    assert answered.answer.report is not None
    return answered.answer.report


def refused(answered: RequestAnswered) -> RejectKind:
    assert isinstance(answered.answer, Rejected), answered.answer
    return answered.answer.kind


def reports(rig: Rig, exec_type: ExecType) -> list[ExecutionReport]:
    return [e.report for e in of(rig.events, ReportReceived) if e.report.exec_type is exec_type]


def read(rig: Rig, command: BrokerCommand, kind: type[E]) -> E:
    before = len(rig.events)
    rig.send(command)
    rig.settle(lambda: bool(of(rig.events[before:], kind)))
    return of(rig.events[before:], kind)[-1]


def test_the_start_tells_account_and_calendar_and_is_up_after_complete_reads(rig: Rig) -> None:
    assert of(rig.events, AccountRead)[0].account.buying_power_usd
    assert of(rig.events, CalendarRead)[0].calendar.sessions
    up = next(n for n, e in enumerate(rig.events) if isinstance(e, StreamChanged) and e.is_up)
    for kind in (OrdersRead, FillsRead, PositionsRead):
        assert any(isinstance(event, kind) for event in rig.events[:up])


def test_a_watched_symbol_is_an_instrument(rig: Rig) -> None:
    rig.watch("ACME")
    rig.settle(lambda: bool(of(rig.events, InstrumentRead)))
    assert of(rig.events, InstrumentRead)[0].instrument.is_tradable


def test_an_order_works_and_its_id_is_unique_for_ever(rig: Rig) -> None:
    report = accepted(answer(rig, submit("c1"), Verb.SUBMIT, "c1"))
    assert (report.cl_ord_id, report.order_qty, report.cum_qty) == ("c1", 25 * NANO, 0)
    rig.settle(lambda: bool(reports(rig, ExecType.NEW)))
    assert refused(answer(rig, submit("c1"), Verb.SUBMIT, "c1")) is RejectKind.DUPLICATE_ID
    cancel = CancelOrder("t1", "c1", report.order_id)
    assert isinstance(answer(rig, cancel, Verb.CANCEL, "c1").answer, Accepted)
    rig.settle(lambda: bool(reports(rig, ExecType.CANCELED)))
    found = accepted(answer(rig, QueryOrder("t1", "c1"), Verb.QUERY, "c1"))
    assert found.ord_status is OrdStatus.CANCELED
    assert refused(answer(rig, submit("c1"), Verb.SUBMIT, "c1")) is RejectKind.DUPLICATE_ID


def test_what_does_not_exist_is_not_found(rig: Rig) -> None:
    nobody = "00000000-0000-4000-8000-000000000000"
    query = QueryOrder("t1", "none")
    assert refused(answer(rig, query, Verb.QUERY, "none")) is RejectKind.NOT_FOUND
    cancel = CancelOrder("t1", "none", nobody)
    assert refused(answer(rig, cancel, Verb.CANCEL, "none")) is RejectKind.NOT_FOUND


def test_a_fill_its_cover_and_a_moved_stop_agree_everywhere(rig: Rig) -> None:
    accepted(answer(rig, submit("c1", limit_px=100_010_000_000), Verb.SUBMIT, "c1"))
    rig.settle(lambda: bool(reports(rig, ExecType.TRADE)))
    fill = reports(rig, ExecType.TRADE)[0]
    assert (fill.last_qty, fill.last_px, fill.position_qty) == (
        25 * NANO,
        100_010_000_000,
        25 * NANO,
    )
    pair = {
        "side": Side.SELL,
        "tif": TimeInForce.GTC,
        "leg": Leg.TARGET,
        "limit_px": 102 * NANO,
        "contingency": Contingency.OCO,
        "take_profit_px": 102 * NANO,
        "stop_loss_px": 98 * NANO,
    }
    cover = accepted(answer(rig, submit("x1", **pair), Verb.SUBMIT, "x1"))
    (stop,) = cover.legs
    assert (stop.ord_type, stop.stop_px, stop.working) == (OrdType.STOP, 98 * NANO, False)
    rig.settle(lambda: any(r.cl_ord_id == "x1" for r in reports(rig, ExecType.NEW)))
    move = ReplaceOrder("t1", "s0", stop.order_id, "s1", stop_px=98_500_000_000)
    moved = accepted(answer(rig, move, Verb.REPLACE, "s0"))
    assert (moved.cl_ord_id, moved.replaces, moved.stop_px) == (
        "s1",
        stop.order_id,
        98_500_000_000,
    )
    listing = read(rig, QueryOrders(OPEN_NS - 60 * NANO), OrdersRead)
    assert {r.cl_ord_id for r in listing.orders} >= {"c1", "x1"}
    fills = read(rig, QueryFills(OPEN_NS - 60 * NANO), FillsRead).fills
    assert [f.exec_id for f in fills] == [fill.exec_id]
    (position,) = read(rig, QueryPositions(), PositionsRead).positions
    assert (position.symbol, position.qty) == ("ACME", 25 * NANO)
    assert read(rig, QueryAccount(), AccountRead).account.equity_usd


def test_a_lost_answer_is_doubt_and_the_order_can_be_found(rig: Rig) -> None:
    rig.arm("N3", status=504, effect=True)
    doubt = answer(rig, submit("c1"), Verb.SUBMIT, "c1")
    assert isinstance(doubt.answer, InDoubt)
    found = accepted(answer(rig, QueryOrder("t1", "c1"), Verb.QUERY, "c1"))
    assert found.cl_ord_id == "c1"


def test_a_throttled_request_had_no_effect(rig: Rig) -> None:
    rig.arm("N4", retry_after_s=1)
    assert isinstance(answer(rig, submit("c1"), Verb.SUBMIT, "c1").answer, RateLimited)
    query = QueryOrder("t1", "c1", priority=Priority.PROTECT)  # the pause is for the others
    assert refused(answer(rig, query, Verb.QUERY, "c1")) is RejectKind.NOT_FOUND


def test_the_two_implementations_share_one_translation() -> None:
    source = Path(__file__).parents[2] / "src/surefill/brokers/alpaca"
    virtual = (source / "virtual.py").read_text()
    assert "translate.answers import order_answer" in virtual
    assert "AccountReads" in virtual
