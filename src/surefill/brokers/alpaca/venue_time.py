"""What time it is at the venue, asked once before anything is built.

Why: an exchange on this machine may play a recorded day. Deadlines, quote ages and sessions are in
its time, so the engine's clock has to be set by it. Alpaca's own hosts live in our time; there a
difference is skew to be warned of, not followed.
Must never: be asked of a host beyond this machine.
"""

from __future__ import annotations

import asyncio
from random import Random

from surefill.brokers.alpaca.budget import RequestBudget
from surefill.brokers.alpaca.credentials import Credentials
from surefill.brokers.alpaca.endpoints import Endpoints
from surefill.brokers.alpaca.rest import Rest
from surefill.brokers.alpaca.translate import market, requests
from surefill.brokers.alpaca.translate.answers import describe, read_failure
from surefill.brokers.alpaca.transport import HttpResponse
from surefill.brokers.alpaca.wire import Unreadable
from surefill.core.commands import Priority
from surefill.ports import Clock


async def venue_offset_ns(endpoints: Endpoints, credentials: Credentials, *, clock: Clock) -> int:
    """The venue's time minus ours, ns. Raises `ConnectionError` with a sentence."""
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
        sent_ns = clock.now_ns()
        outcome = await rest.read(requests.clock(), Priority.EVIDENCE)
    finally:
        await rest.close()
    failure = read_failure(outcome, clock.now_ns())
    if failure is not None or not isinstance(outcome, HttpResponse):
        text = "no answer" if failure is None else describe(failure)
        raise ConnectionError(f"cannot read the venue's clock: {text}")
    venue_ns = market.clock_ns(outcome.body)
    if isinstance(venue_ns, Unreadable):
        raise ConnectionError(f"cannot read the venue's clock: {venue_ns.text}")
    # The answer was stamped between the question and its arrival.
    return venue_ns - (sent_ns + outcome.recv_ns) // 2
