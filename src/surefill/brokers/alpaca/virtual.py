"""The adapter without sockets: production translation over any wire that keeps time for it.

What: `VirtualBroker` carries out broker commands in virtual time. Requests, answers, listings and
stream messages go through the very translation that production uses; only the transport differs
(`VirtualWire`, given from outside).
Why: a fault found here is a fault of the product, not of a second adapter.
Invariants: no clock, no socket, no thread; every command is answered by exactly one event (a lost
answer by the read timeout); a stream that was away counts as up only after complete reads.
Must never: import the simulation; the harness brings the wire.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Generator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from surefill.brokers.alpaca.book import OrderBook
from surefill.brokers.alpaca.budget import RequestBudget
from surefill.brokers.alpaca.reads import AccountReads
from surefill.brokers.alpaca.translate import market, orders, requests
from surefill.brokers.alpaca.translate.answers import order_answer
from surefill.brokers.alpaca.transport import (
    HttpOutcome,
    HttpRequest,
    HttpResponse,
    Lost,
    Throttled,
)
from surefill.brokers.alpaca.wire import StreamWire, Unreadable, attempt, decode
from surefill.core.commands import (
    BrokerCommand,
    CancelOrder,
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
    BudgetChanged,
    CalendarRead,
    Event,
    InstrumentRead,
    ReadFailed,
    ReportReceived,
    RequestAnswered,
    StreamChanged,
    Verb,
)
from surefill.ports import Clock

READ_TIMEOUT_NS = 5_000_000_000
"""The adapter's read timeout (design section 7)."""
HEARTBEAT_DEAD_NS = 10_000_000_000
"""A silent stream is dead after this long (brokers/alpaca/recovery.py)."""
RECONNECT_NS = 500_000_000
READ_AGAIN_NS = 500_000_000
"""Pause between two reads of reference data; equal pauses keep `_paused` in order."""
GAP_MARGIN_NS = 60_000_000_000

Work = Coroutine[Any, Any, None]


class VirtualWire(Clock, Protocol):
    """What carries bytes in virtual time."""

    def request(self, ticket: int, request: HttpRequest, headers: Mapping[str, str]) -> None:
        """Send a request now; `VirtualBroker.answered` gets its outcome, if any."""

    def open_stream(self, conn: int) -> bool:
        """Open the order stream as connection ``conn``; False when the venue refuses."""

    def stream_send(self, conn: int, data: bytes) -> None:
        """One message of ours on a connection."""

    def close_stream(self, conn: int) -> None:
        """Our end of a connection is gone."""


@dataclass(frozen=True, slots=True)
class _Ask:
    """What a piece of work waits for: the outcome of this request."""

    request: HttpRequest
    priority: Priority = Priority.ROUTINE

    def __await__(self) -> Generator[_Ask, HttpOutcome, HttpOutcome]:
        outcome = yield self
        return outcome


@dataclass(frozen=True, slots=True)
class _Pause:
    """What a piece of work waits for: this instant (UTC ns)."""

    until_ns: int

    def __await__(self) -> Generator[_Pause, HttpOutcome, None]:
        yield self


class _Reader:
    """The `Reader` of `AccountReads`: hands each GET to whoever runs the work."""

    async def read(self, request: HttpRequest, priority: Priority) -> HttpOutcome:
        """Send a GET."""
        return await _Ask(request, priority)


class VirtualBroker:
    """One account's connection to the edge. ``emit`` is the engine's inbox."""

    def __init__(
        self,
        wire: VirtualWire,
        *,
        key: str,
        secret: str,
        emit: Callable[[Event], None],
        first_ticket: int = 0,
    ) -> None:
        """``first_ticket``: where requests and connections are counted from."""
        self._wire = wire
        self._headers = {"apca-api-key-id": key, "apca-api-secret-key": secret}
        self._login = {"action": "auth", "key": key, "secret": secret}
        self._emit = emit
        self._book = OrderBook()
        self._reads = AccountReads(rest=_Reader(), clock=wire)
        self._waiting: dict[int, Work] = {}
        self._timeouts: list[tuple[int, int]] = []
        self._paused: list[tuple[int, Work]] = []
        self._ticket = first_ticket
        self._conn = first_ticket
        self._stream: int | None = None
        self._is_up = False
        self._reopen_ns: int | None = None
        self._listen_by_ns: int | None = None
        self._alive_ns = wire.now_ns()
        self.requests: dict[str, int] = {}
        """method -> requests sent, for the request economy of a run."""
        self._budget: RequestBudget | None = None

    def start(self) -> None:
        """Read calendar and account, then attach the stream."""
        self._run(self._read_reference())
        self._open_stream()

    def stop(self) -> None:
        """The process is gone: its connection is closed, nothing that arrives is read."""
        if self._stream is not None:
            self._wire.close_stream(self._stream)
        self._stream = self._reopen_ns = self._listen_by_ns = None
        for work in (*self._waiting.values(), *(work for _, work in self._paused)):
            work.close()
        self._waiting.clear()
        self._paused.clear()
        self._timeouts.clear()

    def limit_requests(self, per_minute: int) -> None:
        """Send no more than the budget of production allows."""
        self._budget = RequestBudget(limit=per_minute)

    def watch(self, symbol: str) -> None:
        """Read the symbol's instrument; its quotes come from the tape."""
        self._run(self._read_instrument(symbol))

    def send(self, command: BrokerCommand) -> None:
        """Start this request; exactly one event answers it."""
        self._run(self._carry_out(command))

    def next_ns(self) -> int | None:
        """The next instant at which this side of the wire has something to do by itself."""
        times = [at_ns for at_ns, ticket in self._timeouts if ticket in self._waiting][:1]
        times += [at_ns for at_ns, _ in self._paused[:1]]
        times += [at_ns for at_ns in (self._reopen_ns, self._listen_by_ns) if at_ns is not None]
        return min(times) if times else None

    def wake(self) -> None:
        """Time has come to ``now_ns``: give up on what timed out, open the stream again."""
        now = self._wire.now_ns()
        while self._timeouts and self._timeouts[0][0] <= now:
            _, ticket = self._timeouts.pop(0)
            work = self._waiting.pop(ticket, None)
            if work is not None:
                self._count({}, None)
                self._resume(work, Lost("no answer within the read timeout"))
        while self._paused and self._paused[0][0] <= now:
            _, work = self._paused.pop(0)
            self._advance(work, None)
        if self._listen_by_ns is not None and now >= self._listen_by_ns:
            self._wire.close_stream(self._conn)
            self._lose_stream(now)
        if self._reopen_ns is not None and now >= self._reopen_ns:
            self._open_stream()

    def answered(self, ticket: int, outcome: HttpOutcome) -> None:
        """What became of a request."""
        work = self._waiting.pop(ticket, None)
        if work is None:
            return
        if isinstance(outcome, HttpResponse):
            self._count(outcome.headers, outcome.status)
        else:
            self._count({}, None)
        self._resume(work, outcome)

    def framed(self, conn: int, data: bytes) -> None:
        """A message of the stream."""
        if conn == self._stream:
            self._on_frame(data, self._wire.now_ns())

    def closed(self, conn: int) -> None:
        """The stream ended."""
        if conn == self._stream:
            self._lose_stream(self._wire.now_ns() + RECONNECT_NS)

    def muted(self, conn: int) -> None:
        """Nothing arrives any more, pings included: noticed by the heartbeat."""
        if conn == self._stream:
            self._wire.close_stream(conn)
            self._lose_stream(self._wire.now_ns() + HEARTBEAT_DEAD_NS)

    # -- work: coroutines that wait for requests ----------------------------------------------

    def _run(self, work: Work) -> None:
        self._advance(work, None)

    def _resume(self, work: Work, outcome: HttpOutcome) -> None:
        self._advance(work, outcome)

    def _advance(self, work: Work, outcome: HttpOutcome | None) -> None:
        while True:
            try:
                ask = work.send(outcome)
            except StopIteration:
                return
            if isinstance(ask, _Pause):
                self._paused.append((ask.until_ns, work))
                return
            until_ns = self._take(ask.priority)
            if until_ns is None:
                break
            outcome = Throttled(until_ns)
        self._ticket += 1
        self._waiting[self._ticket] = work
        now = self._wire.now_ns()
        self._timeouts.append((now + READ_TIMEOUT_NS, self._ticket))
        request = ask.request
        self.requests[request.method] = self.requests.get(request.method, 0) + 1
        self._wire.request(self._ticket, request, self._headers)

    def _take(self, priority: Priority) -> int | None:
        """One request of the budget: ``None`` means go, else the UTC ns before which it is useless
        to ask."""
        if self._budget is None:
            return None
        until_ns = self._budget.take(priority, self._wire.now_ns())
        self._tell_budget(self._budget)
        return until_ns

    def _count(self, headers: Mapping[str, str], status: int | None) -> None:
        """A request of the budget has ended."""
        if self._budget is not None:
            self._budget.answered(headers, status=status, now=self._wire.now_ns())
            self._tell_budget(self._budget)

    def _tell_budget(self, budget: RequestBudget) -> None:
        now = self._wire.now_ns()
        change = budget.change(now)
        if change is not None:
            left, reserved = change
            self._emit(BudgetChanged(left, reserved, now))

    async def _carry_out(self, command: BrokerCommand) -> None:
        sent_ns = self._wire.now_ns()
        event: Event
        match command:
            case SubmitOrder() | CancelOrder() | ReplaceOrder():
                outcome = await _Ask(requests.request_of(command), command.priority)
                verb, key, answered_id = _about(command)
                now = self._wire.now_ns()
                answer = order_answer(verb, outcome, cl_ord_id=answered_id, now=now)
                event = RequestAnswered(command.trade_id, verb, key, answer, sent_ns, now)
            case QueryOrder():
                answer = await self._reads.order(command)
                now = self._wire.now_ns()
                event = RequestAnswered(
                    command.trade_id, Verb.QUERY, command.cl_ord_id, answer, sent_ns, now
                )
            case QueryOrders():
                event = await self._reads.orders(command.after_ns, command.priority)
            case QueryFills():
                known = self._book.known()
                event = await self._reads.fills(command.after_ns, command.priority, known)
            case QueryPositions():
                event = await self._reads.positions(command.priority)
            case QueryAccount():
                event = await self._reads.account(command.priority)
        self._tell(event)

    async def _read_reference(self) -> None:
        while True:
            body = await self._until_complete(lambda: requests.calendar(self._wire.now_ns()))
            calendar = market.calendar(body)
            if not isinstance(calendar, Unreadable):
                break
            await _Pause(self._wire.now_ns() + READ_AGAIN_NS)
        self._tell(CalendarRead(calendar, self._wire.now_ns()))
        self._tell(await self._reads.account(Priority.EVIDENCE))

    async def _read_instrument(self, symbol: str) -> None:
        body = await self._until_complete(lambda: requests.asset(symbol))
        found = market.instrument(body, symbol)
        if not isinstance(found, Unreadable):
            self._tell(InstrumentRead(found, self._wire.now_ns()))

    async def _until_complete(self, request: Callable[[], HttpRequest]) -> bytes:
        """Read reference data as often as it takes; production retries a read as well."""
        while True:
            outcome = await _Ask(request())
            if isinstance(outcome, HttpResponse) and outcome.status == 200:
                return outcome.body
            await _Pause(self._wire.now_ns() + READ_AGAIN_NS)

    # -- the order stream ---------------------------------------------------------------------

    def _open_stream(self) -> None:
        self._reopen_ns = None
        self._conn += 1
        if not self._wire.open_stream(self._conn):
            self._reopen_ns = self._wire.now_ns() + RECONNECT_NS
            return
        self._stream = self._conn
        self._listen_by_ns = self._wire.now_ns() + HEARTBEAT_DEAD_NS
        listen = {"action": "listen", "data": {"streams": ["trade_updates"]}}
        for message in (self._login, listen):
            self._wire.stream_send(self._conn, json.dumps(message).encode())

    def _lose_stream(self, reopen_ns: int) -> None:
        self._stream = self._listen_by_ns = None
        self._reopen_ns = reopen_ns
        if self._is_up:
            self._is_up = False
            self._tell(StreamChanged(False, self._wire.now_ns()))

    def _on_frame(self, data: bytes, now: int) -> None:
        envelope = attempt("frame", lambda: decode(StreamWire, data))
        if isinstance(envelope, Unreadable):
            return
        if envelope.stream == "listening":
            self._listen_by_ns = None
            self._run(self._close_gap())
        elif envelope.stream == "trade_updates":
            report = orders.update_report(envelope.data, now)
            if not isinstance(report, Unreadable):
                self._alive_ns = now
                self._tell(ReportReceived(report))

    async def _close_gap(self) -> None:
        """Everything that happened while we were away, then the word that the stream is up."""
        conn = self._conn
        after_ns = self._alive_ns - GAP_MARGIN_NS
        read = await self._reads.orders(after_ns, Priority.EVIDENCE)
        self._tell(read)
        fills = await self._reads.fills(after_ns, Priority.EVIDENCE, self._book.known())
        self._tell(fills)
        positions = await self._reads.positions(Priority.EVIDENCE)
        self._tell(positions)
        if conn != self._conn or self._stream is None:
            return
        if any(isinstance(event, ReadFailed) for event in (read, fills, positions)):
            self._wire.close_stream(conn)
            self._lose_stream(self._wire.now_ns() + RECONNECT_NS)
            return
        self._is_up = True
        self._tell(StreamChanged(True, self._wire.now_ns()))

    def _tell(self, event: Event) -> None:
        self._book.note(event)
        self._emit(event)


def _about(command: SubmitOrder | CancelOrder | ReplaceOrder) -> tuple[Verb, str, str]:
    """(verb, our key of the order, the client id that the answered order must carry)."""
    match command:
        case SubmitOrder():
            return Verb.SUBMIT, command.spec.cl_ord_id, command.spec.cl_ord_id
        case CancelOrder():
            return Verb.CANCEL, command.cl_ord_id, ""
        case ReplaceOrder():
            return Verb.REPLACE, command.cl_ord_id, command.new_cl_ord_id
