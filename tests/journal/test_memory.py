from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given

from surefill.journal import memory
from surefill.journal.memory import MemoryDisk, MemoryJournal
from surefill.ports import Journal, JournalError, JournalHeld
from tests.journal.contract import (
    BATCHES,
    Batches,
    JournalContract,
    Open,
    check_reopened_is_what_was_written,
)
from tests.journal.support import chain, facts


class TestMemoryJournal(JournalContract):
    @pytest.fixture
    def open_journal(self) -> Open:
        return partial(MemoryJournal, MemoryDisk())


@given(batches=BATCHES)
def test_reopened_it_is_what_was_written(batches: Batches) -> None:
    check_reopened_is_what_was_written(partial(MemoryJournal, MemoryDisk()), batches)


STEPS = chain(
    (b"1", {"a": (b"a1", True)}),
    (b"2", {"a": (b"a2", True), "b": (b"b2", True)}),
    (b"3", {"a": (b"a3", False)}),
)


def written() -> MemoryJournal:
    journal = MemoryJournal()
    journal.acquire("engine")
    journal.append(STEPS)
    return journal


def test_a_crash_frees_the_lease_and_fences_the_dead_off() -> None:
    dead = written()
    dead.disk.crash()
    heir: Journal = MemoryJournal(dead.disk)
    heir.acquire("heir")
    assert facts(list(heir.records())) == facts(STEPS)
    with pytest.raises(JournalHeld):
        dead.append(chain((b"4", {}), after=dead.head()))
    dead.close()
    heir.append(chain((b"4", {}), after=heir.head()))


@pytest.mark.parametrize(
    ("lose_after", "images"),
    [
        (3, {"b": b"b2"}),
        (2, {"a": b"a2", "b": b"b2"}),
        (1, {"a": b"a1"}),
        (0, {}),
    ],
)
def test_a_crash_loses_the_tail_and_the_images_it_left(
    lose_after: int, images: dict[str, bytes]
) -> None:
    disk = written().disk
    disk.crash(lose_after=lose_after)
    heir = MemoryJournal(disk)
    assert facts(list(heir.records())) == facts(STEPS[:lose_after])
    assert dict(heir.open_images()) == images


@pytest.mark.parametrize("lose_after", [-1, 4])
def test_a_crash_cannot_invent_records(lose_after: int) -> None:
    with pytest.raises(ValueError):
        written().disk.crash(lose_after=lose_after)


def test_a_crash_reaches_back_a_bounded_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "UNDO_RECORDS_MAX", 2)
    disk = written().disk
    with pytest.raises(ValueError):
        disk.crash(lose_after=0)
    disk.crash(lose_after=1)


def test_a_changed_record_is_noticed() -> None:
    journal = written()
    journal.disk.entries[1] = replace(journal.disk.entries[1], record=b"other")
    with pytest.raises(JournalError) as corrupt:
        list(journal.records())
    assert corrupt.value.code == "JOURNAL_CORRUPT"
