from __future__ import annotations

import pytest

from surefill import ports
from surefill.core.commands import BrokerCommand
from surefill.journal.memory import MemoryJournal
from surefill.ports import (
    Broker,
    Capabilities,
    Clock,
    Inbox,
    Journal,
    JournalEntry,
    JournalError,
    JournalHeld,
    WashExempts,
)


class StandingClock:
    def now_ns(self) -> int:
        return 17


class SilentBroker:
    capabilities = Capabilities()

    def send(self, command: BrokerCommand) -> None:
        raise AssertionError(f"not asked for: {command}")

    def watch(self, symbol: str) -> None:
        raise AssertionError(f"not asked for: {symbol}")

    async def start(self, inbox: Inbox, *, within_s: float = 0) -> None:
        raise AssertionError("not asked for")

    async def close(self) -> None:
        raise AssertionError("not asked for")


def test_what_has_the_shape_is_a_port() -> None:
    assert isinstance(SilentBroker(), Broker)
    assert isinstance(MemoryJournal(), Journal)
    clock: Clock = StandingClock()
    assert clock.now_ns() == 17


def test_what_lacks_a_method_is_none() -> None:
    # Diary A-01: an adapter without a method was found out only when it was called.
    class Halfway:
        def send(self, command: BrokerCommand) -> None:
            raise AssertionError

    assert not isinstance(Halfway(), Broker)
    assert not isinstance(StandingClock(), Journal)


def test_the_careful_capabilities_are_the_default() -> None:
    assert Capabilities() == Capabilities(wash_exempts=WashExempts.NONE, has_brackets=True)
    assert [word.value for word in WashExempts] == ["all_complex", "new_only", "none"]


def test_journal_errors_have_codes() -> None:
    error = JournalError("JOURNAL_CORRUPT", "record 7 is missing")
    assert error.code == "JOURNAL_CORRUPT"
    assert str(error) == "JOURNAL_CORRUPT: record 7 is missing"
    held = JournalHeld("held by process 5")
    assert held.code == "JOURNAL_HELD"
    with pytest.raises(JournalError, match="held by process 5"):
        raise held


def test_entries_are_values() -> None:
    first = JournalEntry(1, b"r", "d", {}, {})
    assert first == JournalEntry(1, b"r", "d", {}, {})


def test_the_module_offers_what_it_names() -> None:
    assert all(hasattr(ports, name) for name in ports.__all__)
