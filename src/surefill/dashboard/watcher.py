"""The board, looked up as often as somebody wants it and no oftener than it can change.

What: `Watcher`: folds new records, feels the engine's heartbeat, keeps what happened last, makes a
`Board`; one look for all pages that are open.
Invariants: many pages cost no more than one; a journal that cannot be read gives a board that says
so; alerts that are still being read are shown when they are there.
Must never: write, or wait for the archive longer than `ALERTS_S`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType

from surefill.config import Settings
from surefill.core.events import (
    EngineStarted,
    Event,
    NoteWritten,
    OperatorActed,
    PlanSubmitted,
    PositionAdopted,
    ReadFailed,
    ReportReceived,
    StreamChanged,
)
from surefill.core.trade import Trade, Uncovered
from surefill.core.values import replace
from surefill.dashboard.archive import Archive
from surefill.dashboard.board import Board, Look, board_of
from surefill.dashboard.words import clock_text
from surefill.journal.record import Record
from surefill.ports import JournalError
from surefill.runtime.account import has_own_time
from surefill.service.feed import BATCH, facts_of
from surefill.service.pacing import NowNs
from surefill.service.reader import Picture, Pulse, Reader
from surefill.tca.rules import Alert

LOOK_NS = 400_000_000
ALERTS_S = 0.3
KEPT = 40
"""Happenings that are remembered; at the first look they are sought in `BACK` records."""
BACK = 300
BATCHES_MAX = 5
TOLD = (
    EngineStarted,
    NoteWritten,
    OperatorActed,
    PlanSubmitted,
    PositionAdopted,
    ReadFailed,
    ReportReceived,
    StreamChanged,
)
NOTHING = Picture(0, MappingProxyType({}), None)
SILENCE = Pulse(None, None)


@dataclass(frozen=True, slots=True)
class Happening:
    """One record that people want to hear of."""

    seq: int
    at: str
    kind: str
    text: str


class Watcher:
    """Looks at one account."""

    def __init__(
        self, settings: Settings, reader: Reader, archive: Archive, *, now_ns: NowNs
    ) -> None:
        self._settings = settings
        self._reader = reader
        self._archive = archive
        self._now_ns = now_ns
        self._lock = asyncio.Lock()
        self._looked_ns = 0
        self._board: Board | None = None
        self._beat: tuple[int, int] | None = None
        self._bare: dict[str, tuple[Uncovered, int]] = {}
        self._seq: int | None = None
        self._lag_ns: int | None = None
        self._last_ns: int | None = None
        self._alerts: tuple[Alert, ...] = ()
        self._alerts_seq = -1
        self._asking: asyncio.Task[tuple[Alert, ...]] | None = None
        self._has_seen = False
        self.picture = NOTHING
        self.happenings: deque[Happening] = deque(maxlen=KEPT)

    async def close(self) -> None:
        """Stop asking."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait({self._asking})

    async def look(self, *, alerts_s: float = ALERTS_S) -> Board:
        """How it stands now."""
        async with self._lock:
            now = self._now_ns()
            if self._board is None or now - self._looked_ns >= LOOK_NS:
                board = await self._new(now, alerts_s)
                # The same value again is the same object: pages compare by identity.
                self._board = board if board != self._board else self._board
                self._looked_ns = now
            return self._board

    async def _new(self, now: int, alerts_s: float) -> Board:
        look = Look(picture=NOTHING, pulse=SILENCE, settings=self._settings)
        try:
            self.picture = await self._reader.picture()
            pulse = await self._reader.pulse()
            await self._follow()
            alerts = await self._alerts_now(alerts_s)
        except JournalError as error:
            self._forget()
            is_blind = self._has_seen or error.code != "JOURNAL_MISSING"
            problem = str(error).partition(": ")[2]
            return board_of(replace(look, problem=problem, is_blind=is_blind))
        self._has_seen = True
        return board_of(
            replace(
                look,
                picture=self.picture,
                pulse=pulse,
                alerts=alerts,
                beat_age_ns=self._beat_age(pulse, now),
                bare_more_ns=tuple(self._bare_more(self.picture.open_trades, now)),
                lag_ns=self._lag_ns,
                last_ns=self._last_ns,
                has_own_time=has_own_time(self._settings),
            )
        )

    def _forget(self) -> None:
        """Another journal may stand there next."""
        self.picture, self._seq = NOTHING, None
        self.happenings.clear()

    async def _follow(self) -> None:
        if self._seq is None or self._seq > self.picture.seq:
            self._seq = max(0, self.picture.seq - BACK)
        for _ in range(BATCHES_MAX):
            found = await self._reader.records(self._seq, at_most=BATCH)
            for record in found:
                self._take(record)
            if len(found) < BATCH:
                return

    def _take(self, record: Record) -> None:
        self._seq, self._last_ns = record.seq, record.now_ns
        event = record.event
        if isinstance(event, ReportReceived):
            self._lag_ns = event.report.recv_ns - event.report.venue_ns
        if isinstance(event, TOLD):
            self.happenings.appendleft(_happening(record, event))

    async def _alerts_now(self, wait_s: float) -> tuple[Alert, ...]:
        if self._asking is None and self._alerts_seq != self.picture.seq:
            self._alerts_seq = self.picture.seq
            self._asking = asyncio.create_task(self._archive.alerts(self.picture.open_trades))
        if self._asking is not None:
            await asyncio.wait({self._asking}, timeout=wait_s)
            if self._asking.done():
                task, self._asking = self._asking, None
                self._alerts = task.result()
        return self._alerts

    def _beat_age(self, pulse: Pulse, now: int) -> int | None:
        if pulse.beat is None:
            return None
        if self._beat is None or self._beat[0] != pulse.beat.n:
            self._beat = pulse.beat.n, now
        return now - self._beat[1]

    def _bare_more(self, trades: Iterable[Trade], now: int) -> Iterable[tuple[str, int]]:
        """The image of a trade is as old as its last record; shares stay bare in between."""
        bare = {one.trade_id: one.uncovered for one in trades if one.uncovered.since_ns is not None}
        self._bare = {
            name: known
            if (known := self._bare.get(name)) is not None and known[0] == uncovered
            else (uncovered, now)
            for name, uncovered in bare.items()
        }
        return [(name, now - seen_ns) for name, (_, seen_ns) in self._bare.items()]


def _happening(record: Record, event: Event) -> Happening:
    facts = facts_of(event)
    text = ", ".join(f"{name} {value}" for name, value in facts.items() if value != "")
    kind = type(event).__name__
    if isinstance(event, ReportReceived):
        report = event.report
        kind = report.exec_type.value
        filled = f"{facts['last_qty']} at {facts['last_px']}, " if "last_qty" in facts else ""
        text = f"{report.symbol} {filled}{report.cl_ord_id}"
    return Happening(record.seq, clock_text(record.now_ns), kind, text)
