from __future__ import annotations

from pathlib import Path

import pytest

from surefill.ports import JournalHeld
from surefill.runtime.notes import AT_ONCE, last_note, notes_in, write_note
from surefill.runtime.wiring import journal_at, read_journal


def write(path: Path, topic: str, now: int) -> int:
    return write_note(path, topic, by="ann", why="slippage", facts={"to": "legacy"}, now=now)


def test_notes_are_records_of_the_chain(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    assert [write(path, "rollback", 1), write(path, "sign-off", 2)] == [1, 2]
    journal = read_journal(path)
    found = list(notes_in(journal))
    assert [(seq, note.topic, note.by, note.why) for seq, note in found] == [
        (1, "rollback", "ann", "slippage"),
        (2, "sign-off", "ann", "slippage"),
    ]
    assert found[0][1].facts == (("to", "legacy"),)
    assert [seq for seq, _ in notes_in(journal, "sign-off")] == [2]
    assert journal.head()[0] == 2
    journal.close()


def test_a_journal_in_use_takes_no_note(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    owner = journal_at(path)
    owner.acquire("an engine")
    with pytest.raises(JournalHeld, match="an engine"):
        write(path, "rollback", 1)
    assert owner.head() == (0, "")
    owner.close()
    assert write(path, "rollback", 1) == 1


def test_the_newest_note_is_found_from_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("surefill.runtime.notes.AT_ONCE", 2)
    assert AT_ONCE > 2
    path = tmp_path / "journal.db"
    for n, topic in enumerate(("live", "else", "live", "else", "else", "else", "else"), 1):
        write(path, topic, n)
    journal = read_journal(path)
    found = last_note(journal, ("live", "ended"))
    assert found is not None
    assert (found[0], found[1].recv_ns) == (3, 3)
    assert last_note(journal, ("nothing",)) is None
    journal.close()
