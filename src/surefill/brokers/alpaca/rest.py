"""HTTP to one Alpaca server: one attempt for what changes something, few for what only reads.

What: sends a request through the budget and its priority's own slots, and says how it ended.
Why: alpaca-py waits without a limit and repeats a POST on 429 and 504 (failures.md B-08); one
hanging entry must not hold up a stop (A-08).
Invariants: connect 2 s, read 5 s; redirects refused; no proxy, no cookies; TLS verified; answers
bounded; a waiting entry holds none of the slots and none of the budget of a protective request.
Must never: send a writing request twice or after ``may_send`` says no (the account may be another
process's by now), or let a header, a key or an exception's text out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from random import Random
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from surefill.brokers.alpaca.budget import RequestBudget
from surefill.brokers.alpaca.credentials import Credentials
from surefill.brokers.alpaca.transport import (
    HttpOutcome,
    HttpRequest,
    HttpResponse,
    Lost,
    NotSent,
    Throttled,
)
from surefill.core.commands import Priority
from surefill.ports import Clock

Sleep = Callable[[float], Awaitable[None]]

MaySend = Callable[[], bool]
"""Asked in the last moment before a writing request leaves."""

CONNECT_S = 2.0
READ_S = 5.0
TOTAL_S = 10.0
"""An answer that drips is given up too: `READ_S` bounds only the silence between two pieces."""
KEEP_ALIVE_S = 20.0
"""Below any server's own limit seen, so that a request seldom meets a connection just closed."""

BODY_BYTES_MAX = 16 * 1024 * 1024
"""A page of 500 nested orders is about 2 MB."""

READ_TRIES_MAX = 3
READ_BACKOFF_S = 0.2

SLOTS: Mapping[Priority, int] = {
    Priority.PROTECT: 32,
    Priority.REDUCE: 16,
    Priority.EVIDENCE: 8,
    Priority.ENTRY: 16,
    Priority.ROUTINE: 4,
}
"""Requests under way at once, per priority: none can take another's place (A-08)."""
SLOT_WAIT_S: Mapping[Priority, float] = {
    Priority.PROTECT: 5.0,
    Priority.REDUCE: 5.0,
    Priority.EVIDENCE: 5.0,
    Priority.ENTRY: 2.0,
    Priority.ROUTINE: 5.0,
}
"""An entry that waited longer would chase a market that has moved: it is not sent."""

RATE_HEADERS = (
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "retry-after",
)


def always() -> bool:
    """Of an account that no other process can take away."""
    return True


class Rest:
    """One server. ``base_url`` comes from `endpoints`, so it is allowed to have the keys."""

    def __init__(
        self,
        *,
        base_url: str,
        credentials: Credentials,
        budget: RequestBudget,
        clock: Clock,
        random: Random,
        sleep: Sleep,
        on_budget: Callable[[], None],
        may_send: MaySend = always,
    ) -> None:
        self._base_url = base_url
        self._credentials = credentials
        self._budget = budget
        self._clock = clock
        self._random = random
        self._sleep = sleep
        self._on_budget = on_budget
        self._may_send = may_send
        self._slots = {priority: asyncio.Semaphore(count) for priority, count in SLOTS.items()}
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Make the connection pool; nothing is sent yet."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_S),
            timeout=aiohttp.ClientTimeout(
                total=TOTAL_S, connect=CONNECT_S, sock_connect=CONNECT_S, sock_read=READ_S
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=True,
        )

    async def close(self) -> None:
        """Close the pool. Requests under way end as `Lost`."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(self, request: HttpRequest, priority: Priority) -> HttpOutcome:
        """Send once; never again whatever happens."""
        slot = self._slots[priority]
        try:
            async with asyncio.timeout(SLOT_WAIT_S[priority]):
                await slot.acquire()
        except TimeoutError:
            return NotSent("waited too long for a free connection")
        try:
            until_ns = self._budget.take(priority, self._clock.now_ns())
            self._on_budget()
            if until_ns is not None:
                return Throttled(until_ns)
            return await self._counted(request)
        finally:
            slot.release()

    async def read(self, request: HttpRequest, priority: Priority) -> HttpOutcome:
        """Send a GET, again after a failure that may pass, at most `READ_TRIES_MAX` times."""
        if request.method != "GET":
            raise ValueError(f"{request.method} is no read")
        outcome = await self.send(request, priority)
        for tries in range(1, READ_TRIES_MAX):
            if not _may_pass(outcome):
                break
            jitter = 0.5 + self._random.random()
            await self._sleep(READ_BACKOFF_S * 2 ** (tries - 1) * jitter)
            outcome = await self.send(request, priority)
        return outcome

    async def _counted(self, request: HttpRequest) -> HttpOutcome:
        outcome: HttpOutcome | None = None
        try:
            outcome = await self._exchange(request)
        finally:
            answer = outcome if isinstance(outcome, HttpResponse) else None
            self._budget.answered(
                answer.headers if answer else {},
                status=answer.status if answer else None,
                now=self._clock.now_ns(),
            )
            self._on_budget()
        return outcome

    async def _exchange(self, request: HttpRequest) -> HttpOutcome:
        if self._session is None:
            return NotSent("the connection is closed")
        url = self._base_url + request.path
        if request.query:
            url = f"{url}?{urlencode(request.query)}"
        headers = self._credentials.headers()
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        if request.method != "GET" and not self._may_send():
            return NotSent("the lease of the account was not renewed in time")
        try:
            async with self._session.request(
                request.method,
                URL(url, encoded=True),
                data=request.body,
                headers=headers,
                allow_redirects=False,
            ) as response:
                return await self._answer(response)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            return NotSent(f"no connection ({type(error).__name__})")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            # The class says enough; the text of these can hold addresses and headers.
            return Lost(f"no answer ({type(error).__name__})")

    async def _answer(self, response: aiohttp.ClientResponse) -> HttpOutcome:
        body = bytearray()
        async for chunk in response.content.iter_chunked(64 * 1024):
            body += chunk
            if len(body) > BODY_BYTES_MAX:
                return Lost("the answer is too large")
        headers = {
            name: response.headers[name] for name in RATE_HEADERS if name in response.headers
        }
        return HttpResponse(response.status, bytes(body), self._clock.now_ns(), headers)


def _may_pass(outcome: HttpOutcome) -> bool:
    match outcome:
        case HttpResponse():
            return outcome.status >= 500
        case Throttled():
            return False
        case _:
            return True
