"""Alerts while the engine runs: the rule table, evaluated after trades, told by the log.

What: `AlertWatch`. After every plan that was denied, settled or closed, and once at the start, what
the journal says of the last plans is held against `tca.rules`; a rule that newly fires becomes a
line in the log (`WARNING`, or `ERROR` for a critical one), one that is over becomes one as well.
Invariants: nothing here runs before the commands of a decision have left, and all of it in slices
between which the engine goes first; an error of its own is logged and costs the alerts, nothing
else.
Must never: write the journal, or be waited for by a trade.
"""

from __future__ import annotations

import asyncio
import logging

from surefill.core.commands import Announce
from surefill.ports import Journal
from surefill.runtime.logs import LOGGER_NAME
from surefill.runtime.stepper import Decided
from surefill.tca.recent import News, Recent
from surefill.tca.rules import Severity

logger = logging.getLogger(LOGGER_NAME)

LEVELS = {Severity.WARNING: logging.WARNING, Severity.CRITICAL: logging.ERROR}
CLOSE_S = 2.0
"""For the alerts of a trade that ended just before the engine; later ones wait for a start."""


class AlertWatch:
    """Evaluates the rules beside the engine. Use it from the loop's own thread."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._recent: Recent | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_due = False

    def begin(self) -> None:
        """The first look: what was broken before this start is told once."""
        self._wake()

    def notice(self, decided: Decided) -> None:
        """A batch was decided, recorded and sent."""
        if self._recent is not None and any(isinstance(one, Announce) for one in decided.commands):
            self._wake()

    async def close(self) -> None:
        """Tell what is due, if that is quick, and end."""
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=CLOSE_S)
            self._task.cancel()
            await asyncio.wait({self._task})
            self._task = None

    def _wake(self) -> None:
        self._is_due = True
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._look())
            self._task.add_done_callback(_finished)

    async def _look(self) -> None:
        if self._recent is None:
            self._recent = Recent(self._journal)
        while self._is_due:
            self._is_due = False
            for _ in self._recent.read():
                await asyncio.sleep(0)  # the engine goes first
            _tell(self._recent.judge())


def _tell(news: News) -> None:
    for alert in news.fired:
        logger.log(LEVELS[alert.rule.severity], "alert %s", alert)
    for rule in news.over:
        logger.info("alert over: %s", rule.code)


def _finished(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        logger.error("the alerts could not be evaluated", exc_info=task.exception())
