"""The first reads of a start: asked again while waiting can help, within a bound.

What: `Patience`, the time that all first reads of one start may take together, and its `read`.
Why: a start that ends at the first "too many requests" leaves open trades without an engine for
want of a few seconds; one that waits without a limit is a hang.
Invariants: only GET; a refusal is not asked again; a limit that lasts beyond the bound ends the
start at once, with the time at which it is worth another try; where nobody answers at all the bound
is `UNREACHABLE_S`, because an address is more often wrong than down.
Must never: send anything that changes something.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from surefill.brokers.alpaca.reads import Reader
from surefill.brokers.alpaca.rest import Sleep
from surefill.brokers.alpaca.translate.answers import describe, read_failure
from surefill.brokers.alpaca.transport import HttpOutcome, HttpRequest, HttpResponse, NotSent
from surefill.core.commands import Priority
from surefill.core.events import BrokerError, RateLimited, Rejected, RejectKind
from surefill.core.units import NANO
from surefill.ports import Clock, KeysRefused

logger = logging.getLogger(__name__)

UNREACHABLE_S = 3.0
RETRY_NS = tuple(ms * 1_000_000 for ms in (500, 1000, 2000, 2500))
"""Gaps between tries of a server that failed; the last repeats."""
S_PER_NS = 1e-9


class Patience:
    """One start's time for its first reads. ``asked_ns``: when the last one was asked for."""

    def __init__(
        self,
        *,
        within_s: float,
        clock: Clock,
        sleep: Sleep,
        unreachable_s: float = UNREACHABLE_S,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._within_ns = int(within_s * NANO)
        self._unreachable_ns = int(min(within_s, unreachable_s) * NANO)
        self._began_ns = clock.now_ns()
        self._slept_ns = 0  # a clock that stands still must not make the wait endless
        self._tries = 0
        self.asked_ns = self._began_ns

    async def read(self, rest: Reader, request: HttpRequest, what: str) -> HttpResponse:
        """The complete answer to this GET. Raises `KeysRefused` and ``ConnectionError`` with a
        sentence."""
        while True:
            self.asked_ns = self._clock.now_ns()
            outcome = await rest.read(request, Priority.EVIDENCE)
            failure = read_failure(outcome, self._clock.now_ns())
            if failure is None and isinstance(outcome, HttpResponse):
                return outcome
            await self._wait(what, outcome, failure)

    async def _wait(self, what: str, outcome: HttpOutcome, failure: BrokerError | None) -> None:
        said = "no answer" if failure is None else describe(failure)
        now = self._clock.now_ns()
        match failure:
            case Rejected(kind=RejectKind.AUTHORIZATION):
                raise KeysRefused(f"cannot read {what}: {said}")
            case Rejected():
                raise ConnectionError(f"cannot read {what}: {said}")
            case RateLimited(until_ns):
                wait_ns = max(until_ns - now, RETRY_NS[0])
                at = datetime.fromtimestamp(until_ns // NANO + 1, tz=UTC)
                said = f"{said} until {at:%H:%M:%S} UTC"
            case _:
                wait_ns = RETRY_NS[min(self._tries, len(RETRY_NS) - 1)]
        self._tries += 1
        bound_ns = self._unreachable_ns if isinstance(outcome, NotSent) else self._within_ns
        if max(now - self._began_ns, self._slept_ns) + wait_ns > bound_ns:
            raise ConnectionError(f"cannot read {what}: {said}")
        wait_s = wait_ns * S_PER_NS
        logger.warning("cannot read %s (%s); asking again in %.1f s", what, said, wait_s)
        self._slept_ns += wait_ns
        await self._sleep(wait_s)
