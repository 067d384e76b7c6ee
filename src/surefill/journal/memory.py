"""The journal's twin in memory: same contract, nothing survives the process.

What: `MemoryJournal` on a `MemoryDisk`. The disk outlives the journal object, as a file outlives a
process, so a test can stop one engine and start the next on what the first one wrote.
Why: thousands of simulated trades a minute need no fsync, and a crash must be reproducible to the
record: `MemoryDisk.crash` loses the tail that a disk without its promised fsync would lose (P3).
Invariants: passes the contract suite of every journal.
Must never: forget or keep more at a crash than it was told to.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from surefill.journal.digest import EMPTY_HEAD, checked_head, link
from surefill.ports import JournalEntry, JournalError, JournalHeld

UNDO_RECORDS_MAX = 1000
"""How far back a crash can reach; bounds the memory of long simulations."""


@dataclass(frozen=True, slots=True)
class _Image:
    seq: int
    is_open: bool
    image: bytes


class MemoryDisk:
    """What a file would hold. ``images``: trade id -> last image; ``undo``: per record, what its
    images replaced (``None``: nothing)."""

    def __init__(self) -> None:
        self.entries: list[JournalEntry] = []
        self.images: dict[str, _Image] = {}
        self.undo: deque[dict[str, _Image | None]] = deque(maxlen=UNDO_RECORDS_MAX)
        self.token = 0
        self.holder: str | None = None

    def crash(self, *, lose_after: int | None = None) -> None:
        """The process dies: its lease is free, its journal object is dead.

        With ``lose_after`` the records after that sequence number never reached the disk. Raises
        ``ValueError`` when that is farther back than `UNDO_RECORDS_MAX` records.
        """
        self.holder = None
        self.token += 1  # whoever wrote before the crash is fenced off
        keep = len(self.entries) if lose_after is None else lose_after
        if not len(self.entries) - len(self.undo) <= keep <= len(self.entries):
            raise ValueError(f"cannot lose the records after {keep} of {len(self.entries)}")
        while len(self.entries) > keep:
            self.entries.pop()
            self._take_back(self.undo.pop())

    def _take_back(self, replaced: Mapping[str, _Image | None]) -> None:
        for trade_id, before in replaced.items():
            if before is None:
                del self.images[trade_id]
            else:
                self.images[trade_id] = before

    def write(self, entry: JournalEntry) -> None:
        """Keep one entry and the images it leaves."""
        self.undo.append({trade_id: self.images.get(trade_id) for trade_id in entry.images})
        for trade_id, image in entry.images.items():
            self.images[trade_id] = _Image(entry.seq, entry.is_open[trade_id], image)
        self.entries.append(
            JournalEntry(
                seq=entry.seq, record=entry.record, digest=entry.digest, images={}, is_open={}
            )
        )


class MemoryJournal:
    """A `Journal` on ``disk`` (its own, when none is given)."""

    def __init__(self, disk: MemoryDisk | None = None) -> None:
        self.disk = disk if disk is not None else MemoryDisk()
        self._token: int | None = None
        self._is_closed = False

    def acquire(self, holder: str) -> int:
        """Take the lease for ``holder`` and return the fencing token, higher than any before."""
        self._check_usable()
        if self.disk.holder is not None:
            raise JournalHeld(f"the journal is held by {self.disk.holder}")
        self.disk.holder = holder
        self.disk.token += 1
        self._token = self.disk.token
        return self._token

    def append(self, entries: Sequence[JournalEntry]) -> None:
        """Keep these entries, all or none."""
        self._check_usable()
        if not entries:
            return
        checked_head(self.head(), entries)
        if self._token is None or self._token != self.disk.token:
            raise JournalHeld("this process does not hold the journal; nothing was written")
        for entry in entries:
            self.disk.write(entry)

    def head(self) -> tuple[int, str]:
        """(last sequence number, last digest); (0, "") for an empty journal."""
        if not self.disk.entries:
            return EMPTY_HEAD
        last = self.disk.entries[-1]
        return last.seq, last.digest

    def records(self, after_seq: int = 0) -> Iterator[JournalEntry]:
        """Entries after ``after_seq`` in order, each checked against the chain."""
        self._check_usable()
        entries = self.disk.entries
        digest = entries[after_seq - 1].digest if 0 < after_seq <= len(entries) else ""
        for entry in entries[after_seq:]:
            if entry.digest != link(digest, entry.record):
                raise JournalError("JOURNAL_CORRUPT", f"record {entry.seq} was changed")
            digest = entry.digest
            yield entry

    def open_images(self) -> Mapping[str, bytes]:
        """trade id -> image, of every trade that is not closed, oldest change first."""
        self._check_usable()
        return {trade_id: self.disk.images[trade_id].image for trade_id in self._ids(is_open=True)}

    def image(self, trade_id: str) -> bytes | None:
        """The last image of one trade, open or closed."""
        self._check_usable()
        found = self.disk.images.get(trade_id)
        return found.image if found else None

    def closed_ids(self) -> Iterator[str]:
        """Ids of all closed trades, oldest change first."""
        self._check_usable()
        yield from self._ids(is_open=False)

    def close(self) -> None:
        """Release the lease."""
        if self._token is not None and self._token == self.disk.token:
            self.disk.holder = None
        self._token = None
        self._is_closed = True

    def _ids(self, *, is_open: bool) -> list[str]:
        return sorted(
            (trade_id for trade_id, kept in self.disk.images.items() if kept.is_open is is_open),
            key=lambda trade_id: (self.disk.images[trade_id].seq, trade_id),
        )

    def _check_usable(self) -> None:
        if self._is_closed:
            raise JournalError("JOURNAL_UNWRITABLE", "this journal is closed")
