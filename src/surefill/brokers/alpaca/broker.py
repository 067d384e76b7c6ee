"""Alpaca as a `Broker`: commands out, events in.

What: puts the parts together: two HTTP servers under one budget (or one each), the order stream
with its gap recovery, the market stream.
Why: the port is event-shaped: every command is answered by exactly one event, whenever that comes,
and nothing here waits for anything there (diary A-08).
Invariants: a writing command is one attempt; after a doubtful answer nothing more is done here
(the engine asks); programming errors in the background reach the loop's exception handler.
Must never: decide about trading, or print a key.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from random import Random
from urllib.parse import urlsplit

from surefill.brokers.alpaca import market_feed, recovery
from surefill.brokers.alpaca.book import OrderBook
from surefill.brokers.alpaca.budget import LIMIT_DEFAULT, RequestBudget
from surefill.brokers.alpaca.capabilities import ALPACA
from surefill.brokers.alpaca.credentials import Credentials
from surefill.brokers.alpaca.endpoints import Endpoints, plays_own_time
from surefill.brokers.alpaca.market_feed import MarketFeed
from surefill.brokers.alpaca.patience import Patience
from surefill.brokers.alpaca.reads import AccountReads
from surefill.brokers.alpaca.recovery import OrderStream
from surefill.brokers.alpaca.rest import MaySend, Rest, Sleep, always
from surefill.brokers.alpaca.stream import Stream
from surefill.brokers.alpaca.translate import market, orders, requests
from surefill.brokers.alpaca.translate.answers import describe, order_answer, read_failure
from surefill.brokers.alpaca.transport import HttpOutcome, HttpResponse
from surefill.brokers.alpaca.wire import Unreadable
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
    AccountRead,
    Act,
    Answer,
    BudgetChanged,
    CalendarRead,
    Event,
    OperatorActed,
    RateLimited,
    ReadFailed,
    RequestAnswered,
    Verb,
)
from surefill.core.fix import Feed
from surefill.core.units import NANO
from surefill.ports import START_S, Capabilities, Clock, Inbox

logger = logging.getLogger(__name__)

LOOKBACK_NS = 3 * 86_400 * NANO
"""First read of a process: over a weekend. The engine asks for more when its journal needs it."""
UPKEEP_S = 1.0
CALENDAR_NS = 6 * 3_600 * NANO
SKEW_NS_MAX = 2 * NANO
"""More than this between our clock and the venue's: no entries (failures.md C.6, 24)."""
PROTECT_RETRY_NS = NANO
"""After a 429 cover may be tried again this soon: the first request that would succeed must be
the covering one (I3)."""


class AlpacaBroker:
    """One account at Alpaca, or at a local exchange that speaks its protocol."""

    def __init__(
        self,
        *,
        endpoints: Endpoints,
        credentials: Credentials,
        feed: Feed,
        clock: Clock,
        random: Random,
        sleep: Sleep = asyncio.sleep,
        requests_per_minute: int = LIMIT_DEFAULT,
        capabilities: Capabilities = ALPACA,
        may_send: MaySend = always,
    ) -> None:
        self._endpoints = endpoints
        self._credentials = credentials
        self._feed_kind = feed
        self._clock = clock
        self._random = random
        self._sleep = sleep
        self._capabilities = capabilities
        self._may_send = may_send
        self._budget = RequestBudget(limit=requests_per_minute)
        self._trading = self._rest(endpoints.trading_url, self._budget)
        data_budget = (
            self._budget if endpoints.shares_budget else RequestBudget(limit=requests_per_minute)
        )
        self._data = self._rest(endpoints.data_url, data_budget)
        self._reads = AccountReads(rest=self._trading, clock=clock)
        self._book = OrderBook()
        self._feed = MarketFeed(
            credentials=credentials,
            feed=feed,
            trading=self._trading,
            data=self._data,
            emit=self._emit,
            clock=clock,
            sleep=sleep,
            random=random,
            spawn=self._spawn,
        )
        self._inbox: Inbox | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._skew_ns = 0  # venue clock minus ours
        self._calendar_ns = 0  # when the calendar was last read

    @property
    def capabilities(self) -> Capabilities:
        """What decisions may rely on."""
        return self._capabilities

    async def start(self, inbox: Inbox, *, within_s: float = START_S) -> None:
        """Read account, clock and calendar, then attach the streams.

        Raises `KeysRefused` and ``ConnectionError``.
        """
        self._inbox = inbox
        await self._trading.open()
        await self._data.open()
        patience = Patience(within_s=within_s, clock=self._clock, sleep=self._sleep)
        try:
            await self._first_reads(patience)
        except ConnectionError:
            await self.close()
            raise
        self._attach()

    async def _first_reads(self, patience: Patience) -> None:
        response = await patience.read(self._trading, requests.account(), "the account")
        account = orders.account(response.body)
        if isinstance(account, Unreadable):
            raise ConnectionError(f"cannot read the account: {account.text}")
        self._emit(AccountRead(account, response.recv_ns))
        await self._refresh_clock()
        request = requests.calendar(self._venue_now())
        self._take_calendar(await patience.read(self._trading, request, "the trading calendar"))
        if not self._calendar_ns:
            raise ConnectionError("cannot read the trading calendar (its answer is unreadable)")

    async def close(self) -> None:
        """Disconnect; what is under way ends unanswered. Orders at the broker stay as they are."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._trading.close()
        await self._data.close()
        self._inbox = None

    def watch(self, symbol: str) -> None:
        """Read the symbol's instrument and quote, and keep its market flowing into the inbox."""
        self._feed.watch(symbol)

    def send(self, command: BrokerCommand) -> None:
        """Start this request; exactly one event answers it."""
        match command:
            case SubmitOrder() | CancelOrder() | ReplaceOrder():
                self._spawn(self._order(command, self._clock.now_ns()))
            case QueryOrder():
                self._spawn(self._query_order(command, self._clock.now_ns()))
            case QueryOrders() | QueryFills() | QueryPositions() | QueryAccount():
                self._spawn(self._query(command))

    def _rest(self, base_url: str, budget: RequestBudget) -> Rest:
        return Rest(
            base_url=base_url,
            credentials=self._credentials,
            budget=budget,
            clock=self._clock,
            random=self._random,
            sleep=self._sleep,
            on_budget=self._tell_budget,
            may_send=self._may_send,
        )

    def _attach(self) -> None:
        handler = OrderStream(
            credentials=self._credentials,
            reads=self._reads,
            book=self._book,
            emit=self._emit,
            clock=self._clock,
            sleep=self._sleep,
            random=self._random,
            venue_now=self._venue_now,
            lookback_ns=LOOKBACK_NS,
            on_connect=self._refresh,
            spawn=self._spawn,
        )
        order_stream = Stream(
            url=self._endpoints.order_stream_url,
            handler=handler,
            sleep=self._sleep,
            random=self._random,
            tick_s=recovery.TICK_S,
            dead_ticks=recovery.DEAD_TICKS,
        )
        market_stream = Stream(
            url=self._endpoints.market_stream_url,
            handler=self._feed,
            sleep=self._sleep,
            random=self._random,
            tick_s=market_feed.TICK_S,
            dead_ticks=market_feed.DEAD_TICKS,
        )
        self._spawn(order_stream.run())
        self._spawn(market_stream.run())
        self._spawn(self._upkeep())

    def _emit(self, event: Event) -> None:
        self._book.note(event)
        if self._inbox is not None:
            self._inbox(event)

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[None]) -> None:
        """An exception here is a bug of ours: it must reach whoever runs the loop, not a log of
        never-retrieved results (A-01)."""
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            context = {"message": "broker task failed", "exception": error, "task": task}
            task.get_loop().call_exception_handler(context)

    def _tell_budget(self) -> None:
        now = self._clock.now_ns()
        change = self._budget.change(now)
        if change is not None:
            left, reserved = change
            self._emit(BudgetChanged(left, reserved, now))

    def _venue_now(self) -> int:
        return self._clock.now_ns() + self._skew_ns

    async def _order(self, command: SubmitOrder | CancelOrder | ReplaceOrder, sent_ns: int) -> None:
        outcome = await self._trading.send(requests.request_of(command), command.priority)
        now = self._clock.now_ns()
        verb, key, answered_id = _about(command)
        answer = order_answer(verb, outcome, cl_ord_id=answered_id, now=now)
        answer = _sooner(answer, command.priority, now)
        self._emit(RequestAnswered(command.trade_id, verb, key, answer, sent_ns, now))

    async def _query_order(self, command: QueryOrder, sent_ns: int) -> None:
        answer = await self._reads.order(command)
        now = self._clock.now_ns()
        self._emit(
            RequestAnswered(command.trade_id, Verb.QUERY, command.cl_ord_id, answer, sent_ns, now)
        )

    async def _query(
        self, command: QueryOrders | QueryFills | QueryPositions | QueryAccount
    ) -> None:
        match command:
            case QueryOrders():
                self._emit(await self._reads.orders(command.after_ns, command.priority))
            case QueryFills():
                known = self._book.known()
                self._emit(await self._reads.fills(command.after_ns, command.priority, known))
            case QueryPositions():
                self._emit(await self._reads.positions(command.priority))
            case QueryAccount():
                self._emit(await self._reads.account(command.priority))

    async def _refresh(self) -> None:
        """Clock skew and calendar; a failure leaves what is known and is tried again later."""
        await self._refresh_clock()
        request = requests.calendar(self._venue_now())
        outcome = await self._trading.read(request, Priority.ROUTINE)
        response = _complete(outcome, self._clock.now_ns())
        if response is None:
            self._emit(ReadFailed("calendar", "no usable answer", self._clock.now_ns()))
            return
        self._take_calendar(response)

    async def _refresh_clock(self) -> None:
        asked_ns = self._clock.now_ns()
        outcome = await self._trading.read(requests.clock(), Priority.ROUTINE)
        response = _complete(outcome, self._clock.now_ns())
        if response is not None:
            self._set_skew(market.clock_ns(response.body), asked_ns, response.recv_ns)

    def _take_calendar(self, response: HttpResponse) -> None:
        calendar = market.calendar(response.body)
        if isinstance(calendar, Unreadable):
            self._emit(ReadFailed("calendar", calendar.text, response.recv_ns))
            return
        self._calendar_ns = response.recv_ns
        self._emit(CalendarRead(calendar, response.recv_ns))

    def _set_skew(self, venue_ns: int | Unreadable, asked_ns: int, recv_ns: int) -> None:
        """What the venue's clock showed at some instant between our question and its answer: what
        the way alone may have cost is no difference."""
        if isinstance(venue_ns, Unreadable):
            return
        self._skew_ns = venue_ns - recv_ns
        off_ns = min(0, venue_ns - asked_ns) + max(0, venue_ns - recv_ns)
        if abs(off_ns) <= SKEW_NS_MAX:
            return
        off_ms = off_ns // 1_000_000
        logger.warning("our clock and the venue's differ by %d ms", off_ms)
        if plays_own_time(urlsplit(self._endpoints.trading_url).hostname or ""):
            return
        why = f"our clock is {-off_ms:+d} ms off the broker's: set it, then resume"
        self._emit(OperatorActed(Act.HALT, "", "surefill", why, recv_ns))

    async def _upkeep(self) -> None:
        """Tell when requests become free again; read the calendar again before it runs out."""
        while True:
            await self._sleep(UPKEEP_S)
            self._tell_budget()
            if self._clock.now_ns() - self._calendar_ns >= CALENDAR_NS:
                self._calendar_ns = self._clock.now_ns()
                await self._refresh()


def _about(command: SubmitOrder | CancelOrder | ReplaceOrder) -> tuple[Verb, str, str]:
    """(verb, our key of the order, the client id that the answered order must carry)."""
    match command:
        case SubmitOrder():
            return Verb.SUBMIT, command.spec.cl_ord_id, command.spec.cl_ord_id
        case CancelOrder():
            return Verb.CANCEL, command.cl_ord_id, ""
        case ReplaceOrder():
            return Verb.REPLACE, command.cl_ord_id, command.new_cl_ord_id


def _complete(outcome: HttpOutcome, now: int) -> HttpResponse | None:
    failure = read_failure(outcome, now)
    if failure is not None:
        logger.warning("read failed: %s", describe(failure))
        return None
    return outcome if isinstance(outcome, HttpResponse) else None


def _sooner(answer: Answer, priority: Priority, now: int) -> Answer:
    if isinstance(answer, RateLimited) and priority <= Priority.REDUCE:
        return RateLimited(min(answer.until_ns, now + PROTECT_RETRY_NS))
    return answer
