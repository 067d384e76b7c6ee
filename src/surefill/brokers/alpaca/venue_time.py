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
from surefill.brokers.alpaca.patience import Patience
from surefill.brokers.alpaca.rest import Rest, Sleep
from surefill.brokers.alpaca.translate import market, requests
from surefill.brokers.alpaca.wire import Unreadable
from surefill.ports import START_S, Clock


async def venue_offset_ns(
    endpoints: Endpoints,
    credentials: Credentials,
    *,
    clock: Clock,
    sleep: Sleep = asyncio.sleep,
    within_s: float = START_S,
) -> int:
    """The venue's time minus ours, ns. Raises `KeysRefused` and ``ConnectionError``."""
    rest = Rest(
        base_url=endpoints.trading_url,
        credentials=credentials,
        budget=RequestBudget(),
        clock=clock,
        random=Random(0),
        sleep=sleep,
        on_budget=lambda: None,
    )
    await rest.open()
    # On this machine nobody answers where nothing runs: there is nothing to wait for.
    patience = Patience(within_s=within_s, clock=clock, sleep=sleep, unreachable_s=0)
    try:
        response = await patience.read(rest, requests.clock(), "the venue's clock")
    finally:
        await rest.close()
    venue_ns = market.clock_ns(response.body)
    if isinstance(venue_ns, Unreadable):
        raise ConnectionError(f"cannot read the venue's clock: {venue_ns.text}")
    # The answer was stamped between the question and its arrival.
    return venue_ns - (patience.asked_ns + response.recv_ns) // 2
