"""Reads the past market page by page: patient with limits, honest about refusals.

What: `PastMarket.page`, one page of a symbol's quotes or trades. A limit (429, or our own budget)
is waited for as long as the server says; a failure that may pass is tried again a few times; a
refusal is `PastRefused`.
Why pages and not days: whoever records keeps each page before asking for the next, so that an end
in between costs one page.
Invariants: only GET; the request of a page is the same every time it is asked for.
Must never: return a part of a page, or wait without saying so.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Self

from surefill.brokers.alpaca.budget import RequestBudget
from surefill.brokers.alpaca.credentials import Credentials
from surefill.brokers.alpaca.endpoints import Endpoints
from surefill.brokers.alpaca.rest import Rest, Sleep
from surefill.brokers.alpaca.translate.answers import describe, read_failure
from surefill.brokers.alpaca.translate.past import (
    ROWS_PER_PAGE_MAX,
    Page,
    PastKind,
    page_of,
    page_request,
)
from surefill.brokers.alpaca.transport import HttpResponse
from surefill.brokers.alpaca.wire import Unreadable
from surefill.core.commands import Priority
from surefill.core.events import RateLimited, Rejected
from surefill.core.fix import Feed
from surefill.core.units import NANO
from surefill.ports import Clock

TRIES_MAX = 6
BACKOFF_S = 0.5
WAIT_NS_MIN = NANO // 10

OnWait = Callable[[str, int], None]
"""Is told why, and until when (UTC ns), nothing is asked."""


class PastRefused(Exception):
    """The server will not give this, now or later: no permission, no such symbol, a bad token."""


class PastMarket:
    """Past quotes and trades of one feed. Use it as ``async with``."""

    def __init__(
        self,
        *,
        endpoints: Endpoints,
        credentials: Credentials,
        feed: Feed,
        clock: Clock,
        sleep: Sleep,
        on_wait: OnWait,
        rows_max: int = ROWS_PER_PAGE_MAX,
    ) -> None:
        self._feed = feed
        self._clock = clock
        self._sleep = sleep
        self._on_wait = on_wait
        self._rows_max = rows_max
        self._rest = Rest(
            base_url=endpoints.data_url,
            credentials=credentials,
            budget=RequestBudget(),
            clock=clock,
            random=Random(0),
            sleep=sleep,
            on_budget=lambda: None,
        )

    async def __aenter__(self) -> Self:
        await self._rest.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._rest.close()

    async def page(
        self, kind: PastKind, symbol: str, window: tuple[int, int], *, token: str | None
    ) -> Page:
        """One page; ``token`` of the page before. Raises `PastRefused`, ``ConnectionError``."""
        request = page_request(
            kind, symbol, window, feed=self._feed, rows_max=self._rows_max, token=token
        )
        tries = 0
        while True:
            outcome = await self._rest.read(request, Priority.ROUTINE)
            now = self._clock.now_ns()
            failure = read_failure(outcome, now)
            match failure:
                case None:
                    assert isinstance(outcome, HttpResponse), "only a complete answer is no failure"
                    page = page_of(outcome.body, kind, symbol, recv_ns=outcome.recv_ns)
                    if not isinstance(page, Unreadable):
                        return page
                    text = f"{kind} of {symbol}: {page.text}"
                case RateLimited(until_ns):
                    await self._wait("the request limit", max(until_ns, now + WAIT_NS_MIN))
                    continue
                case Rejected():
                    raise PastRefused(f"{kind} of {symbol}: {describe(failure)}")
                case _:
                    text = f"{kind} of {symbol}: {describe(failure)}"
            tries += 1
            if tries >= TRIES_MAX:
                raise ConnectionError(text)
            wait_ns = int(BACKOFF_S * 2 ** (tries - 1) * NANO)
            await self._wait(text, now + wait_ns)

    async def _wait(self, why: str, until_ns: int) -> None:
        self._on_wait(why, until_ns)
        await self._sleep(max(0, until_ns - self._clock.now_ns()) * 1e-9)
