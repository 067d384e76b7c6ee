"""A picture of the account for people who ask, in ten reads at most.

What: account with its status and kind, open orders of everybody, orders and executions since an
instant, positions, calendar, clock, and what the headers say of the request budget.
Why beside `broker`: a doctor must be able to look where no engine runs, and beside one that does;
so nothing here writes, streams or keeps anything.
Invariants: a part that cannot be read is a `ReadFailed`; more than one page of open orders is one.
Must never: send anything but GET.
"""

from __future__ import annotations

import asyncio
from random import Random

from msgspec import Struct

from surefill.brokers.alpaca.budget import RequestBudget
from surefill.brokers.alpaca.credentials import Credentials
from surefill.brokers.alpaca.endpoints import Endpoints
from surefill.brokers.alpaca.reads import AccountReads
from surefill.brokers.alpaca.rest import Rest
from surefill.brokers.alpaca.translate import market, orders, requests
from surefill.brokers.alpaca.translate.answers import describe, read_failure
from surefill.brokers.alpaca.transport import HttpRequest, HttpResponse
from surefill.brokers.alpaca.wire import Unreadable, attempt, decode, printable
from surefill.core.commands import Priority
from surefill.core.events import (
    AccountRead,
    CalendarRead,
    ExecutionReport,
    FillsRead,
    OrdersRead,
    PositionsRead,
    ReadFailed,
)
from surefill.ports import AccountPicture, Clock

KINDS = {"1": "cash", "2": "margin, twice the equity", "4": "margin, four times the equity by day"}
"""``multiplier`` in words."""


class AccountKindWire(Struct, frozen=True):
    """What of an account only people want to know."""

    status: str = ""
    multiplier: str = ""


async def picture_of(
    *, endpoints: Endpoints, credentials: Credentials, clock: Clock, after_ns: int
) -> AccountPicture:
    """Look once. A server that cannot be reached is a picture of failures, not an exception."""
    rest = Rest(
        base_url=endpoints.trading_url,
        credentials=credentials,
        budget=RequestBudget(),
        clock=clock,
        random=Random(0),
        sleep=asyncio.sleep,
        on_budget=lambda: None,
    )
    await rest.open()
    try:
        return await _Look(rest, clock).all(after_ns)
    finally:
        await rest.close()


class CoverLook:
    """Positions and working orders, again and again over one connection: two requests a look."""

    def __init__(self, *, endpoints: Endpoints, credentials: Credentials, clock: Clock) -> None:
        self._rest = Rest(
            base_url=endpoints.trading_url,
            credentials=credentials,
            budget=RequestBudget(),
            clock=clock,
            random=Random(0),
            sleep=asyncio.sleep,
            on_budget=lambda: None,
        )
        self._look = _Look(self._rest, clock)

    async def open(self) -> None:
        """Make the connection pool."""
        await self._rest.open()

    async def read(self) -> tuple[PositionsRead | ReadFailed, OrdersRead | ReadFailed]:
        """What the broker shows now."""
        return await self._look.cover()

    async def close(self) -> None:
        """End it."""
        await self._rest.close()


class _Look:
    """One look through one connection pool."""

    def __init__(self, rest: Rest, clock: Clock) -> None:
        self._rest = rest
        self._clock = clock
        self._reads = AccountReads(rest=rest, clock=clock)
        self._left: int | None = None
        self._limit: int | None = None

    async def all(self, after_ns: int) -> AccountPicture:
        account, status, kind = await self._account()
        found = await self._reads.orders(after_ns, Priority.ROUTINE)
        fills: FillsRead | ReadFailed = await self._reads.fills(
            after_ns, Priority.ROUTINE, _by_id(found)
        )
        return AccountPicture(
            account=account,
            status=status,
            kind=kind,
            orders=found,
            open_orders=await self._open_orders(),
            fills=fills,
            positions=await self._reads.positions(Priority.ROUTINE),
            calendar=await self._calendar(),
            clock_ahead_ns=await self._clock_ahead_ns(),
            requests_left=self._left,
            requests_limit=self._limit,
        )

    async def cover(self) -> tuple[PositionsRead | ReadFailed, OrdersRead | ReadFailed]:
        """Positions and working orders alone."""
        return await self._reads.positions(Priority.ROUTINE), await self._open_orders()

    async def _get(self, request: HttpRequest, what: str) -> HttpResponse | ReadFailed:
        outcome = await self._rest.read(request, Priority.ROUTINE)
        failure = read_failure(outcome, self._clock.now_ns())
        if failure is not None or not isinstance(outcome, HttpResponse):
            text = "no answer" if failure is None else describe(failure)
            return ReadFailed(what, text, self._clock.now_ns())
        self._left = _count(outcome.headers.get("x-ratelimit-remaining"))
        self._limit = _count(outcome.headers.get("x-ratelimit-limit"))
        return outcome

    async def _account(self) -> tuple[AccountRead | ReadFailed, str, str]:
        response = await self._get(requests.account(), "account")
        if isinstance(response, ReadFailed):
            return response, "", ""
        found = orders.account(response.body)
        if isinstance(found, Unreadable):
            return ReadFailed("account", found.text, response.recv_ns), "", ""
        kind = attempt("account", lambda: decode(AccountKindWire, response.body))
        if isinstance(kind, Unreadable):
            return AccountRead(found, response.recv_ns), "", ""
        word = KINDS.get(kind.multiplier, "")
        return AccountRead(found, response.recv_ns), printable(kind.status), word

    async def _open_orders(self) -> OrdersRead | ReadFailed:
        sent_ns = self._clock.now_ns()
        response = await self._get(requests.open_orders(), "open orders")
        if isinstance(response, ReadFailed):
            return response
        rows = orders.items(response.body, "orders")
        if isinstance(rows, Unreadable):
            return ReadFailed("open orders", rows.text, response.recv_ns)
        if len(rows) >= requests.ORDERS_PER_PAGE:
            return ReadFailed("open orders", "more than one page", response.recv_ns)
        reports: list[ExecutionReport] = []
        for raw in rows:
            report = orders.order_report(raw, response.recv_ns)
            if isinstance(report, Unreadable):
                return ReadFailed("open orders", report.text, response.recv_ns)
            reports.append(report)
        return OrdersRead(tuple(reports), 0, sent_ns, response.recv_ns)

    async def _calendar(self) -> CalendarRead | ReadFailed:
        response = await self._get(requests.calendar(self._clock.now_ns()), "calendar")
        if isinstance(response, ReadFailed):
            return response
        found = market.calendar(response.body)
        if isinstance(found, Unreadable):
            return ReadFailed("calendar", found.text, response.recv_ns)
        return CalendarRead(found, response.recv_ns)

    async def _clock_ahead_ns(self) -> int | None:
        sent_ns = self._clock.now_ns()
        response = await self._get(requests.clock(), "clock")
        if isinstance(response, ReadFailed):
            return None
        venue_ns = market.clock_ns(response.body)
        if isinstance(venue_ns, Unreadable):
            return None
        # The answer was stamped between the question and its arrival.
        return venue_ns - (sent_ns + response.recv_ns) // 2


def _by_id(found: OrdersRead | ReadFailed) -> dict[str, ExecutionReport]:
    if isinstance(found, ReadFailed):
        return {}
    return {row.order_id: row for order in found.orders for row in (order, *order.legs)}


def _count(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None
