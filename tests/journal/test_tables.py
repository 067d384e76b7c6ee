from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from surefill.journal import tables as module
from surefill.journal.address import DatabaseAddress, address_of
from surefill.journal.session import Session
from surefill.journal.tables import (
    SCHEMA_VERSION,
    has_account,
    has_journal,
    holder_in,
    make_tables,
    migrate_tables,
    schema_of,
)
from surefill.ports import JournalError, JournalHeld
from tests.support.postgres_server import PostgresServer

ACCOUNT = "account"


@pytest.fixture
def address(postgres: PostgresServer) -> DatabaseAddress:
    return address_of(postgres.database())


@pytest.fixture
def session(address: DatabaseAddress) -> Iterator[Session]:
    found = Session(address, name="tables test")
    yield found
    found.close()


def test_tables_are_made_once_by_whoever_comes_first(
    address: DatabaseAddress, session: Session
) -> None:
    def make(name: str) -> None:
        one = Session(address, name="tables test")
        try:
            make_tables(one, name)
        finally:
            one.close()

    assert not has_account(address, ACCOUNT)
    assert holder_in(address, ACCOUNT) is None
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(make, [ACCOUNT, ACCOUNT, "b", "c"]))
    assert session.rows("SELECT count(*) FROM surefill_accounts") == [(3,)]
    assert has_account(address, ACCOUNT)
    assert not has_journal(session, "d")
    assert schema_of(session, address) == SCHEMA_VERSION


def hold(session: Session, place: str = "") -> None:
    session.rows(
        "UPDATE surefill_accounts SET holder = 'engine (process 7 on h)', place = %(place)s, "
        "since = '2026-03-02T15:00:00Z', until = clock_timestamp() + '1 minute'",
        {"place": place},
    )


def test_the_holder_is_told_but_for_a_dead_one_of_ones_own_place(
    address: DatabaseAddress, session: Session
) -> None:
    make_tables(session, ACCOUNT)
    assert holder_in(address, ACCOUNT) is None
    for place, own_place, is_told in (
        ("", "", True),
        ("here", "", True),
        ("here", "there", True),
        ("here", "here", False),
    ):
        hold(session, place)
        holder = holder_in(address, ACCOUNT, own_place=own_place)
        assert (holder == "engine (process 7 on h) since 2026-03-02 15:00:00 UTC") is is_told


def test_current_tables_are_not_touched_and_newer_ones_refused(
    address: DatabaseAddress, session: Session
) -> None:
    with pytest.raises(JournalError, match="holds no journal of ours"):
        migrate_tables(address)
    make_tables(session, ACCOUNT)
    assert migrate_tables(address) == (SCHEMA_VERSION, SCHEMA_VERSION)
    session.rows("DELETE FROM surefill_schema")
    with pytest.raises(JournalError, match="names no schema version"):
        migrate_tables(address)
    session.rows("INSERT INTO surefill_schema (version) VALUES (1)")
    for version in (SCHEMA_VERSION + 1, SCHEMA_VERSION - 1):
        session.rows("UPDATE surefill_schema SET version = %(n)s", {"n": version})
        with pytest.raises(JournalError) as strange:
            migrate_tables(address)
        assert strange.value.code == "JOURNAL_VERSION"


@pytest.fixture
def newer(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """A program that knows one version more, and this way to it."""

    def set_step(step: bytes) -> None:
        monkeypatch.setattr(module, "SCHEMA_VERSION", 2)
        monkeypatch.setattr(module, "STEPS", {1: step})

    return set_step


def test_older_tables_are_brought_forward_while_nobody_holds_them(
    address: DatabaseAddress, session: Session, newer: Callable[[bytes], None]
) -> None:
    make_tables(session, ACCOUNT)
    newer(b"ALTER TABLE surefill_accounts ADD COLUMN more text")
    hold(session)
    with pytest.raises(JournalHeld, match=r"in use by engine \(process 7 on h\)"):
        migrate_tables(address)
    session.rows("UPDATE surefill_accounts SET until = clock_timestamp()")
    assert migrate_tables(address) == (1, 2)
    assert session.rows("SELECT more FROM surefill_accounts") == [(None,)]


def test_a_step_that_fails_changes_nothing(
    address: DatabaseAddress, session: Session, newer: Callable[[bytes], None]
) -> None:
    make_tables(session, ACCOUNT)
    newer(b"ALTER TABLE surefill_accounts ADD COLUMN more text; SELECT 1 FROM nothing")
    with pytest.raises(JournalError):
        migrate_tables(address)
    assert schema_of(session, address) == 1
    with pytest.raises(JournalError):
        session.rows("SELECT more FROM surefill_accounts")
