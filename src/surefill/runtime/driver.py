"""The loop: events in, decisions recorded, commands out.

    batch   = everything that has arrived, and TimePassed when a deadline is due
    decided = stepper.handle(batch, now)        # step all, one durable append (I8)
    outbox.send(decided.commands)               # only then act

What: the asyncio shell around `Stepper` and `Outbox`, the callers that wait, a watchdog for a
stalled loop. The append runs on the loop's thread: it takes about 0.2 ms and nothing may overtake
it.
Invariants: events are handled one batch at a time, in order of arrival; after an error of our own
nothing is decided or sent any more: orders at the broker, cover first of all, stay as they are; the
error is put on record where the journal still takes one.
Must never: decide about trading. Here is the only ``except Exception`` of a process that trades;
the other one of the package is the simulation's, which looks for our errors.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from traceback import extract_tb

from surefill.core.events import Event, TimePassed
from surefill.ports import Clock, JournalError, JournalFenced, Lease
from surefill.runtime.errors import ErrorCode, SurefillError
from surefill.runtime.json_log import told
from surefill.runtime.lease import keep_lease
from surefill.runtime.logs import LOGGER_NAME, report_decided
from surefill.runtime.outbox import Outbox
from surefill.runtime.stepper import Decided, Stepper
from surefill.runtime.waiters import Waiters
from surefill.tca.runs import FAILED

logger = logging.getLogger(LOGGER_NAME)

BATCH_MAX = 500
"""Events of one append: about 10 ms of steps, so that answers are read in between."""
INBOX_MAX = 100_000
"""More than this unhandled means that the loop is not keeping up: better to stop than to drift."""
DRAIN_S = 10.0
WATCH_NS = 250_000_000
STALL_NS = 100_000_000
"""A wake-up later than this means that somebody blocked the loop (A-08)."""
S_PER_NS = 1e-9


Notice = Callable[[Decided], None]
"""Told of every batch after its commands have left. Must not wait, raise or take long."""


@dataclass(slots=True)
class Stalls:
    """How often the loop was late by more than `STALL_NS`, and the worst (ns)."""

    count: int = 0
    longest_ns: int = 0


@dataclass(frozen=True, slots=True)
class _Hope:
    """Somebody waits for a condition on the engine."""

    is_met: Callable[[], bool]
    future: asyncio.Future[None]


class Driver:
    """Runs one engine. ``post`` is the inbox; call everything from the loop's own thread."""

    def __init__(
        self,
        stepper: Stepper,
        outbox: Outbox,
        waiters: Waiters,
        *,
        clock: Clock,
        notice: Notice | None = None,
        lease: Lease | None = None,
    ) -> None:
        self._stepper = stepper
        self._outbox = outbox
        self._waiters = waiters
        self._clock = clock
        self._notice = notice
        self._lease = lease
        self._lost: JournalFenced | None = None
        self._inbox: deque[Event] = deque()
        self._news = asyncio.Event()
        self._hopes: list[_Hope] = []
        self._is_closing = False
        self.error: SurefillError | None = None
        self.has_failed = False
        self.stalls = Stalls()

    def post(self, event: Event) -> None:
        """Put an event into the inbox."""
        self._inbox.append(event)
        self._news.set()

    def stop(self) -> None:
        """End the loop after what has already arrived."""
        self._is_closing = True
        self._news.set()

    async def run(self) -> None:
        """Handle events until `stop`, or until an error of our own; never raises one."""
        beside = [asyncio.create_task(self._watch()), asyncio.create_task(self._keep_lease())]
        try:
            await self._loop()
        except Exception as error:
            # The outermost frame: whatever it is, nothing more is decided in this state.
            self._halt(error)
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
        if self.error is None:
            self._end(SurefillError(ErrorCode.ENGINE_STOPPED, "the engine was closed"))

    async def until(self, is_met: Callable[[], bool], *, timeout_s: float | None) -> bool:
        """Wait until the condition holds after some event; False when time is up first. ``None``:
        the caller bounds the wait.

        Raises the coded error when the engine stops.
        """
        if is_met():
            return True
        if self.error is not None:
            raise self.error
        hope = _Hope(is_met, asyncio.get_running_loop().create_future())
        self._hopes.append(hope)
        try:
            async with asyncio.timeout(timeout_s):
                await hope.future
        except TimeoutError:
            return False
        finally:
            self._hopes.remove(hope)
        return True

    async def drained(self) -> None:
        """Wait until what has been posted is handled. Raises the coded error when it stops."""
        await self.until(lambda: not self._inbox, timeout_s=DRAIN_S)

    async def _loop(self) -> None:
        while self._inbox or not self._is_closing:
            await self._wait()
            if self._lost is not None:
                raise self._lost
            self._turn()
            await asyncio.sleep(0)  # a full inbox must not keep answers from being read

    async def _wait(self) -> None:
        """Until there is an event, or the engine's deadline has come."""
        if self._inbox or self._is_closing:
            return
        self._news.clear()
        deadline_ns = self._stepper.engine.next_deadline()
        if deadline_ns is None:
            await self._news.wait()
            return
        delay_s = max(0, deadline_ns - self._clock.now_ns()) * S_PER_NS
        timer = asyncio.get_running_loop().call_later(delay_s, self._news.set)
        try:
            await self._news.wait()
        finally:
            timer.cancel()

    def _turn(self) -> None:
        if len(self._inbox) > INBOX_MAX:
            raise OverflowError(f"{len(self._inbox)} events wait; the loop does not keep up")
        batch = [self._inbox.popleft() for _ in range(min(BATCH_MAX, len(self._inbox)))]
        now = self._clock.now_ns()
        deadline_ns = self._stepper.engine.next_deadline()
        if deadline_ns is not None and deadline_ns <= now:
            batch.append(TimePassed())
        if not batch:
            return
        decided = self._stepper.handle(batch, now)
        for event in batch:
            self._outbox.note(event)
        self._outbox.send(decided.commands, seq=self._stepper.seq)
        report_decided(decided)
        if self._notice is not None:
            self._notice(decided)
        for hope in self._hopes:
            if not hope.future.done() and hope.is_met():
                hope.future.set_result(None)

    def _halt(self, error: Exception) -> None:
        code = error.code if isinstance(error, JournalError) else type(error).__name__
        text = f"{code}: {error}" if code not in str(error) else str(error)
        sentence = f"the engine stopped ({text}); orders at the broker stay as they are"
        kind = ErrorCode.FENCED if isinstance(error, JournalFenced) else ErrorCode.ENGINE_STOPPED
        logger.critical("halt: %s", sentence, exc_info=error, extra=told("engine_stopped"))
        self.has_failed = True
        self._end(SurefillError(kind, sentence))  # nobody waits for the record
        try:
            # Where it happened, not its text: a record is no place for what a text may hold.
            self._stepper.note(FAILED, f"{code} at {_place_of(error)}", now=self._clock.now_ns())
        except JournalError as problem:
            logger.critical("the halt could not be put on record: %s", problem)

    def _end(self, error: SurefillError) -> None:
        self.error = error
        self._waiters.fail(error)
        for hope in self._hopes:
            if not hope.future.done():
                hope.future.set_exception(error)

    async def _keep_lease(self) -> None:
        """As long as the loop turns: an engine that hangs loses its account, and should."""
        try:
            if self._lease is not None:
                await keep_lease(self._lease)
        except JournalFenced as lost:
            self._lost = lost
            self._news.set()

    async def _watch(self) -> None:
        while True:
            due_ns = self._clock.now_ns() + WATCH_NS
            await asyncio.sleep(WATCH_NS * S_PER_NS)
            late_ns = self._clock.now_ns() - due_ns
            if late_ns > STALL_NS:
                self.stalls.count += 1
                self.stalls.longest_ns = max(self.stalls.longest_ns, late_ns)
                logger.warning("loop stalled for %d ms; something blocks it", late_ns // 1_000_000)


def _place_of(error: Exception) -> str:
    """File and line in which an error was raised."""
    frames = extract_tb(error.__traceback__)
    return f"{PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
