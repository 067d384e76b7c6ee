"""The account as its journal tells it, read beside the engine.

What: `Reader`: the journal on a thread of its own, folded into a `Picture` record by record; single
trades; the records themselves, for the feed.
Why a thread: a database that hangs must not keep the kill switch waiting. Why a fold: what changed
is named by every record, so that an answer costs what is new, not what there is.
Invariants: opened read-only, at each use up to date; a journal that cannot be read is an error,
never an empty account; memory holds at most `KEPT_MAX` closed trades, the others are read when
asked for by name.
Must never: write, take the lease, or hold a transaction open between two requests.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import TypeVar

from surefill.core.state import Denial, EngineState
from surefill.core.trade import Trade
from surefill.journal.images import CLOSING_PREFIX, ENGINE_IMAGE, decode_state, decode_trade
from surefill.journal.images import plan_ids as names_of_plans
from surefill.journal.record import Record
from surefill.ports import Journal, JournalError
from surefill.runtime.account import JournalSource, read_journal
from surefill.runtime.heartbeat import Beat, read_beat

KEPT_MAX = 5_000

T = TypeVar("T")
Found = Trade | Denial
Mark = tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Picture:
    """What is remembered after record ``seq``: plan id -> trade, oldest change first."""

    seq: int
    found: Mapping[str, Found]
    state: EngineState | None

    @property
    def newest(self) -> tuple[Found, ...]:
        """The last changed first."""
        return tuple(self.found.values())[::-1]

    @property
    def open_trades(self) -> tuple[Trade, ...]:
        """Trades that are not over."""
        return tuple(
            one for one in self.found.values() if isinstance(one, Trade) and not one.is_closed
        )


@dataclass(frozen=True, slots=True)
class Pulse:
    """Whether an engine is there. ``holder``: who has the account, as a sentence."""

    holder: str | None
    beat: Beat | None


NOTHING = Picture(0, MappingProxyType({}), None)


class Reader:
    """Reads one journal. Close it."""

    def __init__(self, source: JournalSource) -> None:
        self._source = source
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._journal: Journal | None = None
        self._mark: Mark = None
        self._picture = NOTHING

    async def close(self) -> None:
        """Let the journal go."""
        await self._do(self._drop)
        self._thread.shutdown()

    async def picture(self) -> Picture:
        """Everything up to now. Raises `JournalError`."""
        return await self._do(self._folded)

    async def find(self, plan_id: str) -> Found | None:
        """One trade or denied plan, however old. Raises `JournalError`."""
        return await self._do(lambda: self._found(plan_id))

    async def records(self, after_seq: int, *, at_most: int) -> list[Record]:
        """The next records after one. Raises `JournalError`."""

        def read() -> list[Record]:
            entries = islice(self._opened().records(after_seq), at_most)
            return [Record.from_bytes(entry.record) for entry in entries]

        return await self._do(read)

    async def ask(self, work: Callable[[Journal], T]) -> T:
        """Anything else that is read from the journal, on its thread. Raises `JournalError`."""
        return await self._do(lambda: work(self._opened()))

    async def head(self) -> int:
        """The number of the last record. Raises `JournalError`."""
        return await self._do(lambda: self._opened().head()[0])

    async def pulse(self) -> Pulse:
        """Whether an engine is there. Raises `JournalError`."""
        return await self._do(lambda: Pulse(self._source.holder(), read_beat(self._source.path)))

    async def _do(self, work: Callable[[], T]) -> T:
        def guarded() -> T:
            try:
                return work()
            except JournalError:
                self._drop()  # another try wants another look: the file may have been replaced
                raise

        return await asyncio.get_running_loop().run_in_executor(self._thread, guarded)

    # ------------------------------------------------------------------- on the journal's thread

    def _opened(self) -> Journal:
        mark = _mark_of(self._source)
        if self._journal is not None and mark != self._mark:
            self._drop()  # moved away or restored: what is open belongs to nobody any more
        if self._journal is None:
            if not self._source.exists():
                sentence = f"no journal at {self._source}: nothing was started with these settings"
                raise JournalError("JOURNAL_MISSING", f"{sentence} yet")
            self._journal, self._mark = read_journal(self._source), mark
        return self._journal

    def _drop(self) -> None:
        journal, self._journal, self._picture = self._journal, None, NOTHING
        if journal is not None:
            journal.close()

    def _folded(self) -> Picture:
        journal = self._opened()
        old = self._picture
        if old is NOTHING:
            self._picture = _first(journal)
            return self._picture
        seq, changed = old.seq, dict[str, None]()
        for entry in journal.records(old.seq):
            seq = entry.seq
            for name, _ in Record.from_bytes(entry.record).images:
                changed.pop(name, None)
                changed[name] = None  # the last change decides the order
        if changed:
            self._picture = _after(old, journal, list(changed), seq=seq)
        elif seq != old.seq:
            self._picture = Picture(seq, old.found, old.state)
        return self._picture

    def _found(self, plan_id: str) -> Found | None:
        image = self._opened().image(plan_id)
        return None if image is None else decode_trade(image)


def _mark_of(source: JournalSource) -> Mark:
    """Which file stands there now; of a journal in a database nothing is asked."""
    if source.address is not None:
        return None
    try:
        found = source.path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _first(journal: Journal) -> Picture:
    """From the images alone. The head comes first: what is written meanwhile is folded again."""
    seq = journal.head()[0]
    names = names_of_plans(journal.closed_ids())[-KEPT_MAX:]
    names += [name for name in journal.open_images() if name != ENGINE_IMAGE]
    return _after(Picture(seq, {}, None), journal, [*names, ENGINE_IMAGE], seq=seq)


def _after(old: Picture, journal: Journal, names: list[str], *, seq: int) -> Picture:
    found, state = dict(old.found), old.state
    for name in names:
        image = journal.image(name)
        if image is None or name.startswith(CLOSING_PREFIX):
            continue
        if name == ENGINE_IMAGE:
            state = decode_state(image)
        else:
            found.pop(name, None)
            found[name] = decode_trade(image)
    _forget(found)
    return Picture(seq, MappingProxyType(found), state)


def _forget(found: dict[str, Found]) -> None:
    """Keep the newest closed ones, and everything that is open."""
    closed = [n for n, one in found.items() if isinstance(one, Denial) or one.is_closed]
    for name in closed[: max(0, len(closed) - KEPT_MAX)]:
        del found[name]
