"""Which runs told their end."""

from __future__ import annotations

from surefill.core.events import EngineStarted, Event, NoteWritten, TimePassed
from surefill.journal.record import Record
from surefill.tca.runs import BEGAN, ENDED, FAILED, OURSELVES, Runs


def note(topic: str, by: str = OURSELVES) -> NoteWritten:
    return NoteWritten(topic, by, "", (), 1)


STARTED = EngineStarted(1, "b", "d", 1)
BEGUN = (STARTED, note(BEGAN))


def crashes(*events: Event) -> list[str]:
    runs = Runs()
    records = (Record(n, n, 1, event, (), (), ()) for n, event in enumerate(events, start=1))
    return [said for record in records if (said := runs.take(record)) is not None]


def test_a_run_that_does_not_tell_its_end_crashed() -> None:
    assert crashes(*BEGUN, TimePassed(), *BEGUN) == [
        "the process that began at record 2 ended without closing"
    ]
    assert len(crashes(*BEGUN, *BEGUN, *BEGUN)) == 2


def test_an_orderly_end_and_one_that_was_put_on_record_are_none() -> None:
    assert crashes(*BEGUN, note(ENDED), *BEGUN, note(FAILED), *BEGUN) == []


def test_a_run_that_promised_nothing_is_not_missed() -> None:
    assert crashes(STARTED, STARTED, *BEGUN) == []


def test_other_peoples_notes_end_nothing() -> None:
    told = crashes(
        *BEGUN, note(ENDED, by="ann"), note("sign-off"), note("rollback", "bob"), STARTED
    )
    assert len(told) == 1
