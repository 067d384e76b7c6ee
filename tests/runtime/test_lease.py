from __future__ import annotations

import asyncio
import logging

import pytest

from surefill.ports import JournalError, JournalFenced, Lease
from surefill.runtime import lease as module
from surefill.runtime.lease import keep_lease
from surefill.runtime.logs import LOGGER_NAME


class Answers:
    """A lease whose renewals end as told, the last way for ever."""

    def __init__(self, *ends: JournalError | None) -> None:
        self.ends = list(ends)
        self.asked = 0

    def renew(self) -> None:
        self.asked += 1
        end = self.ends.pop(0) if len(self.ends) > 1 else self.ends[0]
        if end is not None:
            raise end

    def may_send(self) -> bool:
        return True


AWAY = JournalError("JOURNAL_UNWRITABLE", "the database is away")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RENEW_S", 0.001)


async def test_a_lease_is_renewed_until_it_is_lost() -> None:
    lease: Lease = Answers(None, None, JournalFenced("another has it"))
    with pytest.raises(JournalFenced, match="another has it"):
        await keep_lease(lease)
    assert isinstance(lease, Answers)
    assert lease.asked == 3


async def test_a_database_that_is_away_is_asked_again_and_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    lease = Answers(AWAY, AWAY, None, None, AWAY, JournalFenced("another has it"))
    with caplog.at_level(logging.INFO, LOGGER_NAME), pytest.raises(JournalFenced):
        await keep_lease(lease)
    told = [record.getMessage() for record in caplog.records]
    away = (
        "the lease is not renewed, soon nothing is sent: JOURNAL_UNWRITABLE: the database is away"
    )
    assert told == [away, "the lease is renewed again", away]


async def test_it_ends_when_it_is_told_to() -> None:
    task = asyncio.create_task(keep_lease(Answers(None)))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
