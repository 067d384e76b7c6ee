"""Which processes ended as they should: notes at both ends of a run, and what their lack means.

What: the topics of those notes and `Runs`, which finds the runs that never told their end.
Why: a process that is killed, or dies of a fault that its journal could not take, writes nothing;
the next start is the first that can know.
Invariants: only a run that promised to tell its end (`BEGAN`) is missed; journals of programs that
did not promise, and of harnesses, know no crash. Notes change nothing, so older versions read them.
Must never: write.
"""

from __future__ import annotations

from surefill.core.events import EngineStarted, NoteWritten
from surefill.journal.record import Record

OURSELVES = "surefill"
"""The name under which the program itself halts and writes notes."""
BEGAN = "run began"
ENDED = "run ended"
FAILED = "run failed"
"""The program stopped itself after an error of its own; why stands in the note."""
TOPICS = frozenset({BEGAN, ENDED, FAILED})


class Runs:
    """``_began``: the record at which the present run promised to tell its end; ``None`` when it
    did, or never promised."""

    def __init__(self) -> None:
        self._began: int | None = None

    def take(self, record: Record) -> str | None:
        """Follow one record; a sentence when it shows that the run before it crashed."""
        match record.event:
            case EngineStarted():
                began, self._began = self._began, None
                if began is not None:
                    return f"the process that began at record {began} ended without closing"
            case NoteWritten(topic=topic, by=by) if by == OURSELVES and topic in TOPICS:
                self._began = record.seq if topic == BEGAN else None
            case _:
                pass
        return None
