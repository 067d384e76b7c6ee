"""Complete reads of the account: everything, or a reason why not (I11).

What: pages of orders and executions put together, positions, account, one order with its legs.
Why: a list cut at 50 or 500 rows, with rows missing or repeated (fault N9), looks exactly like
"no such order"; so a listing ends only when the broker shows nothing new, and otherwise fails.
Invariants: rows are unique by id; a row that repeats the last listing is the value it was then, its
``recv_ns`` too; one unreadable row that could be ours fails the whole read.
Must never: return a partial listing as if it were complete.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Protocol, TypeVar

from msgspec import Raw

from surefill.brokers.alpaca.translate import orders, requests
from surefill.brokers.alpaca.translate.answers import describe, order_answer, read_failure
from surefill.brokers.alpaca.translate.times import to_ns
from surefill.brokers.alpaca.transport import HttpOutcome, HttpRequest, HttpResponse
from surefill.brokers.alpaca.wire import OrderKey, Unreadable, attempt
from surefill.core.commands import Priority, QueryOrder
from surefill.core.events import (
    Accepted,
    AccountRead,
    Answer,
    ExecutionReport,
    FillsRead,
    OrdersRead,
    Position,
    PositionsRead,
    ReadFailed,
    Unavailable,
    Verb,
)
from surefill.core.fix import Contingency
from surefill.ports import Clock

T = TypeVar("T")

PAGES_MAX = 40
"""20,000 orders or 4,000 executions: beyond that the caller's ``after_ns`` is wrong."""
SMALLEST_CAP = 50
"""Alpaca's default page (alpaca.md 2.6): a page below it was not cut by any limit."""
TIE_NS = 1_000
"""Rows are stored in microseconds: one step back re-reads the ties of a page's last instant."""


class Reader(Protocol):
    """What this module needs of `rest.Rest`."""

    async def read(self, request: HttpRequest, priority: Priority) -> HttpOutcome:
        """Send a GET."""


class ReadError(Exception):
    """A read that did not complete; the text says why. Never leaves this module."""


Told = Mapping[str, tuple[bytes, ExecutionReport]]
"""Order id -> digest of its bytes in the last complete listing, and what they say."""


@dataclass(slots=True)
class _Listing:
    """``told``: what the listing before it said, ``telling``: what this one says."""

    told: Told = field(default_factory=dict)
    telling: dict[str, tuple[bytes, ExecutionReport]] = field(default_factory=dict)
    rows: list[ExecutionReport] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)

    def report(self, raw: Raw, order_id: str, recv_ns: int) -> ExecutionReport:
        """What an order's bytes say: the very value that they were read as before, where nothing
        in them has changed. A listing repeats every order, most of them word for word."""
        digest = blake2b(raw, digest_size=16).digest()
        known = self.told.get(order_id)
        if known is None or known[0] != digest:
            known = (digest, _readable(orders.order_report(raw, recv_ns)))
        self.telling[order_id] = known
        return known[1]


class AccountReads:
    """Reads one account through a `Reader`."""

    def __init__(self, *, rest: Reader, clock: Clock) -> None:
        self._rest = rest
        self._clock = clock
        self._told: Told = {}

    async def orders(self, after_ns: int, priority: Priority) -> OrdersRead | ReadFailed:
        """Every order submitted after ``after_ns``, all states, legs nested."""
        sent_ns = self._clock.now_ns()
        try:
            rows = await self._orders(after_ns, priority)
        except ReadError as error:
            return ReadFailed("orders", str(error), self._clock.now_ns())
        return OrdersRead(tuple(rows), after_ns, sent_ns, self._clock.now_ns())

    async def fills(
        self, after_ns: int, priority: Priority, known: Mapping[str, ExecutionReport]
    ) -> FillsRead | ReadFailed:
        """Every execution after ``after_ns``. ``known``: order id -> a report of that order."""
        sent_ns = self._clock.now_ns()
        try:
            rows = await self._fills(after_ns, priority, known)
        except ReadError as error:
            return ReadFailed("fills", str(error), self._clock.now_ns())
        return FillsRead(tuple(rows), after_ns, sent_ns, self._clock.now_ns())

    async def positions(self, priority: Priority) -> PositionsRead | ReadFailed:
        """Every position."""
        sent_ns = self._clock.now_ns()
        try:
            response = await self._get(requests.positions(), priority)
            found: list[Position] = [
                _readable(orders.position(raw)) for raw in _readable(_items(response, "positions"))
            ]
        except ReadError as error:
            return ReadFailed("positions", str(error), self._clock.now_ns())
        return PositionsRead(tuple(found), sent_ns, response.recv_ns)

    async def account(self, priority: Priority) -> AccountRead | ReadFailed:
        """The account."""
        try:
            response = await self._get(requests.account(), priority)
            account = _readable(orders.account(response.body))
        except ReadError as error:
            return ReadFailed("account", str(error), self._clock.now_ns())
        return AccountRead(account, response.recv_ns)

    async def order(self, command: QueryOrder) -> Answer:
        """One order with its legs. The lookup by client id does not show legs, so a complex order
        is read a second time by Alpaca's own id."""
        outcome = await self._rest.read(requests.request_of(command), command.priority)
        answer = self._answer(outcome)
        if not isinstance(answer, Accepted) or answer.report is None:
            return answer
        report = answer.report
        if command.order_id is not None or report.legs:
            return answer
        if report.contingency is Contingency.NONE:
            return answer
        request = requests.order_by_id(report.order_id)
        again = self._answer(await self._rest.read(request, command.priority))
        return again if isinstance(again, Accepted) else Unavailable("the legs could not be read")

    def _answer(self, outcome: HttpOutcome) -> Answer:
        return order_answer(Verb.QUERY, outcome, cl_ord_id="", now=self._clock.now_ns())

    async def _get(self, request: HttpRequest, priority: Priority) -> HttpResponse:
        outcome = await self._rest.read(request, priority)
        failure = read_failure(outcome, self._clock.now_ns())
        if failure is not None or not isinstance(outcome, HttpResponse):
            raise ReadError("no answer" if failure is None else describe(failure))
        return outcome

    async def _orders(self, after_ns: int, priority: Priority) -> list[ExecutionReport]:
        listing, from_ns = _Listing(self._told), after_ns
        for _ in range(PAGES_MAX):
            response = await self._get(requests.orders_page(from_ns), priority)
            page = _readable(_items(response, "orders"))
            size, last_ns, is_new = _add_orders(listing, page, response.recv_ns)
            if size < SMALLEST_CAP or (not is_new and len(page) < SMALLEST_CAP):
                self._told = listing.telling
                return listing.rows
            if not is_new:
                raise ReadError("more orders of one instant than a page holds")
            from_ns = last_ns - TIE_NS
        raise ReadError(f"more than {PAGES_MAX} pages")

    async def _fills(
        self, after_ns: int, priority: Priority, known: Mapping[str, ExecutionReport]
    ) -> list[ExecutionReport]:
        listing, token = _Listing(), None
        for _ in range(PAGES_MAX):
            request = requests.fills_page(max(0, after_ns - TIE_NS), token)
            response = await self._get(request, priority)
            page = _readable(_items(response, "fills"))
            before = len(listing.ids)
            for raw in page:
                fill = _readable(orders.fill_report(raw, response.recv_ns, known))
                if fill.exec_id is not None and fill.exec_id not in listing.ids:
                    listing.ids.add(fill.exec_id)
                    listing.rows.append(fill)
            if len(page) < SMALLEST_CAP:
                return listing.rows
            if len(listing.ids) == before:
                raise ReadError("the pages repeat themselves")
            token = _readable(orders.activity_id(page[-1]))
        raise ReadError(f"more than {PAGES_MAX} pages")


def _items(response: HttpResponse, what: str) -> list[Raw] | Unreadable:
    return orders.items(response.body, what)


def _readable(value: T | Unreadable) -> T:
    if isinstance(value, Unreadable):
        raise ReadError(f"{value.what} is unreadable: {value.text}")
    return value


def _submitted_ns(key: OrderKey) -> int | Unreadable:
    return attempt("order", lambda: to_ns(key.submitted_at, "submitted_at"))


def _add_orders(listing: _Listing, page: list[Raw], recv_ns: int) -> tuple[int, int, bool]:
    """(rows with legs counted, submission time of the last row, whether any row was new)."""
    size, last_ns, is_new, first_ns = 0, 0, False, 0
    for raw in page:
        key = _readable(orders.order_key(raw))
        size += 1
        at_ns = last_ns if key.submitted_at is None else _readable(_submitted_ns(key))
        first_ns, last_ns = first_ns or at_ns, at_ns
        if key.id in listing.ids:
            continue
        listing.ids.add(key.id)
        is_new = True
        if orders.is_foreign(key):
            continue
        report = listing.report(raw, key.id, recv_ns)
        size += len(report.legs)
        listing.rows.append(report)
    if size >= SMALLEST_CAP and last_ns < first_ns:
        raise ReadError("pages are not in the order asked for")
    return size, last_ns, is_new
