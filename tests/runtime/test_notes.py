from __future__ import annotations

from pathlib import Path

import pytest

from surefill.ports import JournalHeld
from surefill.runtime.notes import notes_in, write_note
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
