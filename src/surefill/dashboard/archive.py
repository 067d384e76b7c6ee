"""What takes longer to read from a journal than a page may wait for: on a thread of its own.

What: `Archive`: the rules that the last plans break, one trade's sheet and its tape, the checklist.
Why apart from the live reader: a year's journal takes seconds to tell one trade, and the board must
not wait for that.
Invariants: reads only; a tape is what the journal's own decisions looked at, or a recorded one of
the same day and symbol, and it says which.
Must never: hold a transaction open between two questions.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from surefill.core.events import EngineStarted
from surefill.core.market import MarketView
from surefill.core.trade import Trade
from surefill.core.values import replace
from surefill.dashboard.sheet import Sheet, Tape, sheet_of, tape_of
from surefill.journal.record import Record
from surefill.ports import Journal
from surefill.replay.checklist import Checklist
from surefill.replay.narrate import narrate
from surefill.replay.tracks import MARGIN_NS, Track, track_of
from surefill.runtime.logs import LOGGER_NAME
from surefill.service.reader import Found, Reader
from surefill.sim.market import TapeError
from surefill.tca.journaled import parent_of
from surefill.tca.market import market_of_views
from surefill.tca.parent import Parent
from surefill.tca.recent import Recent
from surefill.tca.rules import Alert

logger = logging.getLogger(LOGGER_NAME)

SEEN, RECORDED = "quotes that decisions looked at", "recorded tape"
_VIEW = b'"MarketView"'
_STARTED = b'"EngineStarted"'


class Archive:
    """Slow questions to one journal. ``checklist`` gathers and judges; close it."""

    def __init__(
        self,
        reader: Reader,
        *,
        tapes: Sequence[Path] = (),
        checklist: Callable[[], Checklist] | None = None,
    ) -> None:
        self._reader = reader
        self._tapes = tuple(tapes)
        self._checklist = checklist
        self._recent: tuple[Journal, Recent] | None = None
        self._started: tuple[Journal, int, EngineStarted | None] | None = None

    async def close(self) -> None:
        """Let the journal go."""
        await self._reader.close()

    async def alerts(self, open_trades: Sequence[Trade]) -> tuple[Alert, ...]:
        """Every rule that the last plans break now. Raises `JournalError`."""

        def read(journal: Journal) -> tuple[Alert, ...]:
            if self._recent is None or self._recent[0] is not journal:
                self._recent = journal, Recent(journal)
            recent = self._recent[1]
            for _ in recent.read():
                pass  # its pauses are for a loop that trades
            recent.see(open_trades)
            return recent.standing()

        return await self._reader.ask(read)

    async def started(self) -> EngineStarted | None:
        """The last start of an engine. Raises `JournalError`."""

        def read(journal: Journal) -> EngineStarted | None:
            last = self._started
            seq, found = (last[1], last[2]) if last and last[0] is journal else (0, None)
            for entry in journal.records(seq):
                seq = entry.seq
                if _STARTED in entry.record:
                    event = Record.from_bytes(entry.record).event
                    found = event if isinstance(event, EngineStarted) else found
            self._started = journal, seq, found
            return found

        return await self._reader.ask(read)

    async def sheet(self, plan_id: str) -> tuple[Sheet, Found] | None:
        """One plan's sheet and image. Raises `JournalError`."""
        found = await self._reader.find(plan_id)
        if found is None:
            return None
        story = await self._reader.ask(lambda journal: narrate(journal, plan_id))
        return sheet_of(found, story), found

    async def tape(self, found: Found) -> Tape | None:
        """The picture of a trade; ``None`` of a plan that says too little.

        Raises `JournalError`.
        """
        parent = parent_of(found)
        if parent is None:
            return None
        is_open = isinstance(found, Trade) and not found.is_closed
        if is_open:
            # It goes on: the picture does so up to the last record.
            last_ns = await self._reader.ask(_last_ns)
            parent = replace(parent, budget_ns=max(parent.budget_ns, last_ns))
        recorded = await asyncio.to_thread(self._recorded, parent)
        if recorded is not None:
            return tape_of(parent, recorded, RECORDED, is_open=is_open)
        views = await self._reader.ask(lambda journal: list(_views(journal, parent)))
        market = market_of_views(parent.symbol, views)
        track = track_of([parent], market) if market.quote_ns else None
        return tape_of(parent, track, SEEN, is_open=is_open)

    async def checklist(self) -> Checklist | None:
        """Every item judged now; ``None`` where nobody said how."""
        return None if self._checklist is None else await asyncio.to_thread(self._checklist)

    def _recorded(self, parent: Parent) -> Track | None:
        if not self._tapes:
            return None
        from surefill.replay.tape_marks import tracks_on  # the extra `tapes`

        try:
            return next(iter(tracks_on(self._tapes, [parent])), None)
        except TapeError as error:
            logger.warning("dashboard: %s", error)
            return None


def _last_ns(journal: Journal) -> int:
    """When the last record was made."""
    entry = next(iter(journal.records(max(0, journal.head()[0] - 1))), None)
    return 0 if entry is None else Record.from_bytes(entry.record).now_ns


def _views(journal: Journal, parent: Parent) -> Iterator[tuple[int, MarketView]]:
    """The market of the plan's symbol around its life, as records embed it."""
    ends = [parent.budget_ns, *(fill.at_ns for fill in parent.fills)]
    ends += [fill.at_ns for fill in parent.closings]
    from_ns, to_ns = parent.arrival_ns - MARGIN_NS, max(ends) + MARGIN_NS
    mention = f'"{parent.symbol}"'.encode()
    for entry in journal.records():
        if _VIEW not in entry.record or mention not in entry.record:
            continue
        record = Record.from_bytes(entry.record)
        if from_ns <= record.now_ns <= to_ns:
            yield from ((record.now_ns, v) for v in record.views if v.symbol == parent.symbol)
