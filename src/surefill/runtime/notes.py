"""Notes in the journal: who did what around the engine, and why.

What: `write_note` puts a `NoteWritten` at the end of the account's journal; `notes_in` reads them,
`last_note` the newest of some topics.
Why: a rollback or a sign-off belongs into the same unbroken record as the trades that it is about.
Invariants: only while no engine holds the journal (`JournalHeld` otherwise), under a fencing token
of its own, linked into the same hash chain; it changes no trade, so a re-step passes over it.
Must never: be written after the deed that it announces.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path

from surefill.core.events import NoteWritten
from surefill.journal.record import Record
from surefill.ports import Journal, JournalEntry
from surefill.runtime.account import JournalSource, journal_at

HOLDER = "surefill, to write a note"
AT_ONCE = 1_000
"""Records that `last_note` reads before it looks further back."""
_MENTION = b'"event":{"$":"NoteWritten"'


def write_note(
    place: JournalSource | Path,
    topic: str,
    *,
    by: str,
    why: str,
    facts: Mapping[str, str],
    now: int,
) -> int:
    """Make a note durable in the journal at ``place`` (``now`` UTC ns); the number of its record.

    Raises `JournalError`; `JournalHeld` says which process to stop first.
    """
    journal = journal_at(place)
    try:
        token = journal.acquire(HOLDER)
        seq, digest = journal.head()
        event = NoteWritten(topic, by, why, tuple(facts.items()), now)
        record = Record(seq + 1, now, token, event, (), (), ())
        journal.append([record.entry(digest, {}, is_open={})])
        return record.seq
    finally:
        journal.close()


def notes_in(journal: Journal, topic: str = "") -> Iterator[tuple[int, NoteWritten]]:
    """(record number, note) of every note, or of every one of this topic, oldest first."""
    for seq, note in _notes_of(journal.records()):
        if topic in ("", note.topic):
            yield seq, note


def last_note(journal: Journal, topics: Collection[str]) -> tuple[int, NoteWritten] | None:
    """The newest note of these topics with its record number; read from the end, so that a note of
    the last days costs the same in a journal of years."""
    end, _ = journal.head()
    while end > 0:
        start = max(0, end - AT_ONCE)
        entries = islice(journal.records(start), end - start)
        found = [(seq, note) for seq, note in _notes_of(entries) if note.topic in topics]
        if found:
            return found[-1]
        end = start
    return None


def _notes_of(entries: Iterable[JournalEntry]) -> Iterator[tuple[int, NoteWritten]]:
    for entry in entries:
        if _MENTION not in entry.record:
            continue
        event = Record.from_bytes(entry.record).event
        if isinstance(event, NoteWritten):
            yield entry.seq, event
