"""Alerts while the engine runs: the rule table, evaluated after trades, told by the log.

What: `AlertWatch`. After every plan that was denied, settled or closed, once at the start, and
every `BEAT_S` while records are written (an order in doubt, shares without a stop), what the
journal says of the last plans is held against `tca.rules`. What is new goes to every channel: to
the log, a line for each rule that newly fires (`WARNING`, or `ERROR` for a critical one) and for
each that is over; and to the courier, which takes it to people (`surefill.alerts`).
Invariants: nothing here runs before the commands of a decision have left, and all of it in slices
between which the engine goes first; an error of its own is logged and costs the alerts, nothing
else.
Must never: write the journal, or be waited for by a trade.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence

from surefill.alerts.courier import Courier
from surefill.core.commands import Announce
from surefill.core.trade import Trade
from surefill.ports import Journal
from surefill.runtime.json_log import told
from surefill.runtime.logs import LOGGER_NAME
from surefill.runtime.stepper import Decided
from surefill.runtime.telling import notice_of_failure, telling
from surefill.tca.recent import News, Recent
from surefill.tca.rules import Severity

logger = logging.getLogger(LOGGER_NAME)

LEVELS = {Severity.WARNING: logging.WARNING, Severity.CRITICAL: logging.ERROR}
CLOSE_S = 2.0
"""For the alerts of a trade that ended just before the engine; later ones wait for a start."""
BEAT_S = 5.0
"""Half of what an order may be in doubt before somebody should look."""

Channel = Callable[[News], None]
"""Where news goes, on the loop's own thread: it must not wait. An error there is an error here."""


def log_news(news: News) -> None:
    """The channel that every engine has."""
    for alert in news.fired:
        facts = told("alert", **alert.to_dict())
        logger.log(LEVELS[alert.rule.severity], "alert %s", alert, extra=facts)
    for rule in news.over:
        logger.info("alert over: %s", rule.code, extra=told("alert_over", code=rule.code))


class AlertWatch:
    """Evaluates the rules beside the engine. Use it from the loop's own thread.

    ``open_trades`` gives the trades that the engine has open now.
    """

    def __init__(
        self,
        journal: Journal,
        open_trades: Callable[[], Iterable[Trade]],
        *,
        channels: Sequence[Channel] = (log_news,),
        courier: Courier | None = None,
    ) -> None:
        self._journal = journal
        self._open_trades = open_trades
        self._channels = channels if courier is None else (*channels, telling(courier))
        self._courier = courier
        self._beat: asyncio.Task[None] | None = None
        self._recent: Recent | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_due = False

    def begin(self) -> None:
        """The first look: what was broken before this start is told once."""
        if self._courier is not None:
            self._courier.start()
        self._wake()
        self._beat = asyncio.get_running_loop().create_task(self._keep_looking())

    def notice(self, decided: Decided) -> None:
        """A batch was decided, recorded and sent."""
        if self._recent is not None and any(isinstance(one, Announce) for one in decided.commands):
            self._wake()

    async def close(self, failure: str | None = None) -> None:
        """Tell what is due, if that is quick, and look no more. ``failure``: why the engine stopped
        by itself, which the journal may not be able to say."""
        if failure is not None and self._courier is not None:
            self._courier.tell(notice_of_failure(failure))
        if self._beat is not None:
            self._beat.cancel()
            await asyncio.wait({self._beat})
            self._beat = None
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=CLOSE_S)
            self._task.cancel()
            await asyncio.wait({self._task})
            self._task = None

    async def deliver(self) -> None:
        """Wait for what still has to leave, if that is quick: once nobody waits for the journal."""
        if self._courier is not None:
            await asyncio.to_thread(self._courier.close)

    def _wake(self) -> None:
        self._is_due = True
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._look())
            self._task.add_done_callback(_finished)

    async def _keep_looking(self) -> None:
        """What lasts ends no plan: look again while anything is written."""
        while True:
            seq, _ = self._journal.head()
            await asyncio.sleep(BEAT_S)
            if self._journal.head()[0] != seq:
                self._wake()

    async def _look(self) -> None:
        if self._recent is None:
            self._recent = Recent(self._journal)
        while self._is_due:
            self._is_due = False
            for _ in self._recent.read():
                await asyncio.sleep(0)  # the engine goes first
            self._recent.see(self._open_trades())
            news = self._recent.judge()
            for tell in self._channels:
                tell(news)


def _finished(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        logger.error("the alerts could not be evaluated", exc_info=task.exception())
