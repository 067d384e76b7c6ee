from __future__ import annotations

from collections.abc import Callable

import pytest

from surefill.core.commands import QueryOrders, SubmitOrder
from surefill.core.events import BudgetChanged, NoteWritten, ReadFailed
from surefill.core.order import OrderState
from surefill.core.state import Mode
from surefill.journal.digest import link
from surefill.journal.memory import MemoryDisk, MemoryJournal
from surefill.journal.record import Record
from surefill.ports import JournalEntry, JournalError
from tests.journal.support import in_first_shape
from tests.support.core import START_NS
from tests.support.runtime import plan_of, readiness, stepper_of, submission


def test_a_start_is_recorded_and_asks_for_everything() -> None:
    stepper = stepper_of()
    (entry,) = stepper.journal.records()
    record = Record.from_bytes(entry.record)
    assert (record.seq, record.token, stepper.seq) == (1, stepper.token, 1)
    assert any(isinstance(command, QueryOrders) for command in record.commands)
    assert stepper.engine.state.mode is Mode.RECONCILING


def test_every_command_is_in_the_journal_when_it_is_returned() -> None:
    stepper = stepper_of()
    decided = stepper.handle([*readiness(), submission(plan_of())], START_NS)
    assert any(isinstance(command, SubmitOrder) for command in decided.commands)
    assert list(decided.trades) == ["p1"]
    entries = list(stepper.journal.records(after_seq=1))
    recorded = [c for entry in entries for c in Record.from_bytes(entry.record).commands]
    assert recorded == decided.commands
    assert stepper.journal.head()[0] == stepper.seq == entries[-1].seq


def test_a_denial_is_remembered_as_closed() -> None:
    stepper = stepper_of()
    decided = stepper.handle([*readiness(), submission(plan_of(rr="1"))], START_NS)
    assert [denial.plan.plan_id for denial in decided.denials] == ["p1"]
    assert list(stepper.journal.closed_ids()) == ["p1"]


def test_what_changes_nothing_leaves_no_record() -> None:
    stepper = stepper_of()
    stepper.handle([BudgetChanged(5, 1, START_NS)], START_NS)
    before = stepper.seq
    decided = stepper.handle(
        [ReadFailed("orders", "late", START_NS), BudgetChanged(5, 1, START_NS)], START_NS
    )
    assert stepper.seq == before
    assert not decided.commands


def test_a_failed_append_returns_no_command(monkeypatch: pytest.MonkeyPatch) -> None:
    stepper = stepper_of()

    def full(entries: object) -> None:
        raise JournalError("JOURNAL_UNWRITABLE", "no space left")

    monkeypatch.setattr(stepper.journal, "append", full)
    with pytest.raises(JournalError):
        stepper.handle([*readiness(), submission(plan_of())], START_NS)


def test_the_next_process_takes_over_where_the_journal_ends() -> None:
    disk = MemoryDisk()
    first = stepper_of(disk)
    first.handle([*readiness(), submission(plan_of()), submission(plan_of("p2", rr="1"))], START_NS)
    first.journal.close()
    second = stepper_of(disk)
    assert second.token > first.token
    (trade,) = second.engine.book.open.values()
    assert trade.orders[0].state is OrderState.IN_DOUBT
    assert second.engine.book.known_as("p2") is not None
    assert second.seq == first.seq + 1


def rewritten(disk: MemoryDisk, change: Callable[[bytes], bytes]) -> MemoryDisk:
    """The same journal with every record and image changed, and a chain that is whole."""
    old, journal = MemoryJournal(disk), MemoryJournal()
    journal.acquire("a program of another version")
    digest = ""
    images = {name: change(kept.image) for name, kept in disk.images.items()}
    is_open = {name: kept.is_open for name, kept in disk.images.items()}
    for entry in old.records():
        is_last = entry.seq == len(disk.entries)
        record = change(entry.record)
        digest = link(digest, record)
        mine = (images, is_open) if is_last else ({}, {})
        journal.append([JournalEntry(entry.seq, record, digest, *mine)])
    journal.close()
    return journal.disk


def test_an_open_trade_survives_the_upgrade_from_the_first_version() -> None:
    disk = MemoryDisk()
    first = stepper_of(disk)
    first.handle([*readiness(), submission(plan_of())], START_NS)
    first.journal.close()
    second = stepper_of(rewritten(disk, in_first_shape))
    (trade,) = second.engine.book.open.values()
    assert trade.orders[0].state is OrderState.IN_DOUBT
    (before,) = first.engine.book.open.values()
    assert trade.plan == before.plan
    assert [Record.from_bytes(entry.record).seq for entry in second.journal.records()]


def test_what_a_later_version_wrote_is_refused() -> None:
    disk = MemoryDisk()
    first = stepper_of(disk)
    first.handle([*readiness(), submission(plan_of())], START_NS)
    first.journal.close()

    def later(data: bytes) -> bytes:
        return data.replace(b'{"$":"Trade",', b'{"$":"Trade","moon_phase":1,')

    with pytest.raises(JournalError, match="moon_phase; another version of Surefill") as foreign:
        stepper_of(rewritten(disk, later))
    assert foreign.value.code == "JOURNAL_VERSION"


def test_a_note_of_our_own_goes_on_from_what_is_durable(monkeypatch: pytest.MonkeyPatch) -> None:
    stepper = stepper_of()
    append = stepper.journal.append

    def full(entries: object) -> None:
        raise JournalError("JOURNAL_UNWRITABLE", "no space left")

    monkeypatch.setattr(stepper.journal, "append", full)
    with pytest.raises(JournalError):
        stepper.handle([*readiness(), submission(plan_of())], START_NS)
    monkeypatch.setattr(stepper.journal, "append", append)
    before = stepper.journal.head()[0]
    stepper.note("run failed", "JOURNAL_UNWRITABLE at sqlite.py:1", now=START_NS + 5)
    entry = list(stepper.journal.records())[-1]
    record = Record.from_bytes(entry.record)
    assert (record.seq, record.now_ns, record.commands) == (before + 1, START_NS + 5, ())
    assert record.event == NoteWritten(
        "run failed", "surefill", "JOURNAL_UNWRITABLE at sqlite.py:1", (), START_NS + 5
    )
    assert stepper.seq == stepper.journal.head()[0] == before + 1
