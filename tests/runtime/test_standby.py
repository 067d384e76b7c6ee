from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from surefill.journal.address import address_of
from surefill.journal.files import ProcessLock, lock_beside
from surefill.ports import JournalError, JournalHeld
from surefill.runtime import standby as module
from surefill.runtime.account import JournalSource, _checked, journal_at
from surefill.runtime.standby import refuse_neighbour, stand_by
from tests.support.postgres_server import PostgresServer


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL_S", 0.001)


async def test_it_waits_while_somebody_holds_the_file_and_tells_each_reason_once(
    tmp_path: Path,
) -> None:
    source = JournalSource(tmp_path / "journal.db")
    holder = journal_at(source)
    holder.acquire("the engine")
    told: list[str] = []

    def tell(why: str) -> None:
        told.append(why)
        holder.close()

    await stand_by(source, tell=tell)
    assert len(told) == 1
    assert told[0].startswith("standing by; the account is held by the engine (process ")


async def test_it_waits_for_a_journal_that_cannot_be_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: Iterator[str | JournalError | None] = iter(
        [JournalError("JOURNAL_UNWRITABLE", "away"), "an engine", "an engine", None]
    )

    def holder(source: JournalSource) -> str | None:
        answer = next(answers)
        if isinstance(answer, JournalError):
            raise answer
        return answer

    monkeypatch.setattr(JournalSource, "holder", holder)
    told: list[str] = []
    await stand_by(JournalSource(tmp_path / "journal.db"), tell=told.append)
    assert told == [
        "waiting for the journal: JOURNAL_UNWRITABLE: away",
        "standing by; the account is held by an engine",
    ]


async def test_a_lease_in_a_database_is_waited_for_from_another_directory(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    address = address_of(postgres.database())
    here = JournalSource(tmp_path / "one" / "journal.db", address, "account")
    there = JournalSource(tmp_path / "two" / "journal.db", address, "account")
    holder = journal_at(here)
    holder.acquire("the engine")
    with pytest.raises(JournalHeld, match="a directory of its own"):
        refuse_neighbour(here)
    refuse_neighbour(there)
    told: list[str] = []

    def tell(why: str) -> None:
        told.append(why)
        holder.close()

    await stand_by(there, tell=tell)
    assert "held by the engine (process " in told[0]
    assert _checked[(str(address), "account")] == (0, "")
    await stand_by(there, tell=told.append)
    assert len(told) == 1


def test_a_file_has_no_neighbours(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    lock = ProcessLock(lock_beside(path))
    lock.take("the engine")
    refuse_neighbour(JournalSource(path))
    lock.release()
