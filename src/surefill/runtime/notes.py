"""Notes in the journal: who did what around the engine, and why.

What: `write_note` puts a `NoteWritten` at the end of the account's journal; `notes_in` reads them.
Why: a rollback or a sign-off belongs into the same unbroken record as the trades that it is about.
Invariants: only while no engine holds the journal (`JournalHeld` otherwise), under a fencing token
of its own, linked into the same hash chain; it changes no trade, so a re-step passes over it.
Must never: be written after the deed that it announces.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from surefill.core.events import NoteWritten
from surefill.journal.record import Record
from surefill.ports import Journal
from surefill.runtime.account import JournalSource, journal_at

HOLDER = "surefill, to write a note"
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
    for entry in journal.records():
        if _MENTION not in entry.record:
            continue
        event = Record.from_bytes(entry.record).event
        if isinstance(event, NoteWritten) and topic in ("", event.topic):
            yield entry.seq, event
