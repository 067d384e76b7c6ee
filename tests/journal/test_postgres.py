from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from surefill.journal import postgres as module
from surefill.journal import session
from surefill.journal.address import address_of
from surefill.journal.files import ProcessLock
from surefill.journal.postgres import LEASE_MS, REQUEST_MS, PostgresJournal
from surefill.journal.session import LOCK_MS, SessionLost
from surefill.ports import Journal, JournalError, JournalFenced, JournalHeld, Lease
from tests.journal.contract import (
    BATCHES,
    Batches,
    JournalContract,
    Open,
    check_reopened_is_what_was_written,
)
from tests.journal.support import chain, facts
from tests.support.postgres_server import PostgresServer

ACCOUNT = "0123456789abcdef"
NS_PER_MS = 1_000_000
_places = count(1)


class Uptime:
    """A counter that tests turn."""

    def __init__(self) -> None:
        self.ns = 10**15

    def __call__(self) -> int:
        return self.ns


@pytest.fixture
def uptime() -> Uptime:
    return Uptime()


@pytest.fixture(scope="module")
def shared(postgres: PostgresServer) -> str:
    """One database; every test has an account of its own there."""
    return postgres.database()


_accounts = count(1)
Place = Callable[..., PostgresJournal]


@pytest.fixture
def elsewhere(shared: str, uptime: Uptime) -> Iterator[Place]:
    """Journals of one account, each on a machine of its own."""
    account = f"account-{next(_accounts)}"
    with ExitStack() as ended:

        def open_one(**more: Any) -> PostgresJournal:
            journal = PostgresJournal(address_of(shared), account, **{"uptime_ns": uptime, **more})
            ended.callback(journal.close)
            return journal

        yield open_one


@pytest.fixture
def open_journal(elsewhere: Place) -> Open:
    return elsewhere


class TestPostgresJournal(JournalContract):
    """On different machines: the lease in the database decides."""


class TestPostgresJournalInOneDirectory(JournalContract):
    """On one machine: the lock beside it is asked first."""

    @pytest.fixture
    def open_journal(self, elsewhere: Place, tmp_path: Path) -> Open:
        return lambda: elsewhere(lock=ProcessLock(tmp_path / "journal.lock"))


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=BATCHES)
def test_reopened_it_is_what_was_written(shared: str, uptime: Uptime, batches: Batches) -> None:
    account = f"drawn-{next(_accounts)}"
    opened: list[PostgresJournal] = []

    def open_one() -> Journal:
        opened.append(PostgresJournal(address_of(shared), account, uptime_ns=uptime))
        return opened[-1]

    try:
        check_reopened_is_what_was_written(open_one, batches)
    finally:
        for journal in opened:
            journal.close()


def forget(journal: PostgresJournal) -> None:
    """End the connections as the kernel does with those of a dead process: the lease stays."""
    journal._token = None
    journal.close()


# ---------------------------------------------------------------------------------------- lease


def run_out(shared: str, postgres: PostgresServer, account: str = "") -> None:
    with postgres.admin(shared.partition("@/")[2].partition("?")[0]) as admin:
        admin.execute("UPDATE surefill_accounts SET until = clock_timestamp()")


def test_it_is_a_lease(elsewhere: Place) -> None:
    assert isinstance(elsewhere(), Lease)
    assert LEASE_MS > REQUEST_MS


def test_the_holder_is_named_with_machine_and_time(elsewhere: Place) -> None:
    first, second = elsewhere(), elsewhere()
    first.acquire("the first engine")
    with pytest.raises(JournalHeld) as held:
        second.acquire("the second engine")
    sentence = str(held.value)
    assert f"the first engine (process {os.getpid()} on {os.uname().nodename}) since 20" in sentence
    assert "whose lease ends 15 s after its last sign of life" in sentence
    assert "surefill run --standby" in sentence


def test_a_lease_that_ran_out_is_taken_over_and_the_old_holder_is_fenced(
    elsewhere: Place, shared: str, postgres: PostgresServer
) -> None:
    old, heir = elsewhere(), elsewhere()
    token = old.acquire("the old engine")
    entries = chain((b"1", {"a": (b"x", True)}), (b"2", {"a": (b"y", True)}))
    old.append(entries[:1])
    run_out(shared, postgres)
    assert heir.acquire("the heir") == token + 1
    for use in (partial(old.append, entries[1:]), old.renew):
        with pytest.raises(JournalFenced) as fenced:
            use()
        assert fenced.value.code == "JOURNAL_FENCED"
        assert "lost the account to the heir" in str(fenced.value)
    assert facts(list(heir.records())) == facts(entries[:1])
    old.close()  # frees nothing that is not its own
    with pytest.raises(JournalHeld):
        elsewhere().acquire("a third one")
    heir.append(entries[1:])
    assert heir.image("a") == b"y"


def test_the_old_token_fails_at_the_database_even_with_the_right_head(
    elsewhere: Place, shared: str, postgres: PostgresServer
) -> None:
    old, heir = elsewhere(), elsewhere()
    old.acquire("old")
    run_out(shared, postgres)
    heir.acquire("heir")
    heir.close()
    with pytest.raises(JournalFenced) as fenced:
        old.append(chain((b"1", {})))
    assert "another process" in str(fenced.value)
    assert elsewhere().head() == (0, "")


def test_a_lease_is_renewed_by_every_append_and_by_hand(elsewhere: Place, uptime: Uptime) -> None:
    journal = elsewhere()
    assert not journal.may_send()
    journal.renew()  # nothing to renew
    journal.acquire("engine")
    assert journal.may_send()
    for renew in (journal.renew, lambda: journal.append(chain((b"1", {})))):
        uptime.ns += (LEASE_MS - REQUEST_MS) * NS_PER_MS - 1
        assert journal.may_send()
        uptime.ns += 1
        assert not journal.may_send()
        renew()
        assert journal.may_send()
    journal.close()
    assert not journal.may_send()


def test_the_successor_of_a_dead_process_in_its_directory_need_not_wait(
    elsewhere: Place, tmp_path: Path
) -> None:
    path = tmp_path / "journal.lock"
    killed = elsewhere(lock=(lock := ProcessLock(path)))
    token = killed.acquire("killed")
    forget(killed)
    lock.release()
    assert elsewhere(lock=ProcessLock(path)).acquire("restarted") == token + 1


def test_a_process_in_another_directory_waits_the_lease_out(
    elsewhere: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LEASE_MS", 300)
    killed = elsewhere(lock=ProcessLock(tmp_path / "one"))
    killed.acquire("killed")
    forget(killed)
    heir = elsewhere(lock=(lock := ProcessLock(tmp_path / "two")))
    with pytest.raises(JournalHeld):
        heir.acquire("too early")
    lock.take("free again after the refusal")
    lock.release()
    time.sleep(0.35)
    heir.acquire("heir")


STOPPED = """
import os, signal, sys
import psycopg
connection = psycopg.connect(sys.argv[1])
connection.execute("UPDATE surefill_accounts SET until = clock_timestamp(), "
                   "backend = pg_backend_pid() WHERE account = %s", [sys.argv[2]])
connection.commit()
connection.execute("SELECT 1 FROM surefill_accounts WHERE account = %s FOR UPDATE", [sys.argv[2]])
print("stopped", flush=True)
os.kill(os.getpid(), signal.SIGSTOP)
"""


def test_a_holder_stopped_inside_a_transaction_keeps_nobody_out(
    elsewhere: Place, shared: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "_SETTINGS", session._SETTINGS.replace(f"'{LOCK_MS}'", "'20'"))
    heir = elsewhere()
    account = heir._account
    command = [sys.executable, "-c", STOPPED, shared, account]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as stopped:
        try:
            assert stopped.stdout is not None
            assert stopped.stdout.readline() == b"stopped\n"
            heir.acquire("heir")
        finally:
            stopped.send_signal(signal.SIGKILL)


def test_without_the_database_a_lease_ends_by_itself(
    elsewhere: Place, shared: str, postgres: PostgresServer
) -> None:
    """Neither the release nor the name of the successor can be had: no reason to go on."""
    leaving, old, heir = elsewhere(), elsewhere(), elsewhere()
    leaving.acquire("leaving")
    leaving._heart.close()
    leaving.close()
    run_out(shared, postgres)
    old.acquire("old")
    run_out(shared, postgres)
    heir.acquire("heir")
    old._heart.close()
    with pytest.raises(JournalFenced) as fenced:
        old.append(chain((b"1", {})))
    assert "lost the account to another process" in str(fenced.value)
    assert not old.may_send()


# ----------------------------------------------------------------------------------- connections


def cut(shared: str, postgres: PostgresServer, name: str = "surefill") -> None:
    """End connections of this name, as a firewall would."""
    query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s"
    with postgres.admin(shared.partition("@/")[2].partition("?")[0]) as admin:
        admin.execute(query, [name])


def test_a_connection_that_was_lost_in_between_is_made_again(
    elsewhere: Place, shared: str, postgres: PostgresServer
) -> None:
    journal = elsewhere()
    journal.acquire("engine")
    entries = chain((b"1", {}), (b"2", {}))
    for entry in entries:
        cut(shared, postgres)
        cut(shared, postgres, "surefill lease")
        journal.renew()
        journal.append([entry])
        cut(shared, postgres)
        assert journal.image("a") is None
    assert facts(list(journal.records())) == facts(entries)


def answers_lost(monkeypatch: pytest.MonkeyPatch, journal: PostgresJournal, *writes: bool) -> None:
    """Each of the next appends is written or not, and its answer is lost; later ones are whole."""
    line, todo = journal._session, list(writes)
    real = line.write

    def write(query: Any, values: Any) -> Any:
        if not todo:
            return real(query, values)
        if todo.pop(0):
            real(query, values)
        raise SessionLost("the line is dead")

    monkeypatch.setattr(line, "write", write)


@pytest.mark.parametrize("was_written", [True, False])
def test_an_append_whose_answer_was_lost_is_written_once(
    elsewhere: Place, monkeypatch: pytest.MonkeyPatch, was_written: bool
) -> None:
    journal = elsewhere()
    journal.acquire("engine")
    entries = chain((b"1", {"a": (b"x", True)}), (b"2", {}))
    answers_lost(monkeypatch, journal, was_written)
    journal.append(entries[:1])
    journal.append(entries[1:])
    assert facts(list(journal.records())) == facts(entries)


def test_an_append_that_was_still_at_work_is_taken_for_what_it_did(
    elsewhere: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = elsewhere()
    journal.acquire("engine")
    entries = chain((b"1", {}))
    real, looks = journal._stored, iter([(1, 0, "")])
    answers_lost(monkeypatch, journal, True)
    monkeypatch.setattr(journal, "_stored", lambda: next(looks, None) or real())
    journal.append(entries)
    assert facts(list(journal.records())) == facts(entries)


def test_a_line_that_is_lost_again_and_again_is_an_error(
    elsewhere: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = elsewhere()
    journal.acquire("engine")
    answers_lost(monkeypatch, journal, False, False)
    with pytest.raises(JournalError) as error:
        journal.append(chain((b"1", {})))
    assert error.value.code == "JOURNAL_UNWRITABLE"
    assert "again and again (the line is dead)" in str(error.value)


# --------------------------------------------------------------------------------------- damage


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE surefill_records SET record = 'x' WHERE seq = 2", "record 2 is missing or was"),
        ("DELETE FROM surefill_records WHERE seq = 2", "record 2 is missing or was changed"),
        ("DELETE FROM surefill_records WHERE seq = 3", "records after 2 are missing"),
        ("DELETE FROM surefill_images WHERE trade_id = 'b'", "images of trades are missing"),
        ("UPDATE surefill_images SET image = 'x' WHERE trade_id = 'b'", "the image of trade b was"),
        ("DELETE FROM surefill_schema", "names no schema version"),
    ],
)
def test_damage_is_noticed_and_never_repaired(
    postgres: PostgresServer, uptime: Uptime, statement: str, says: str
) -> None:
    address = postgres.database()
    opened = address_of(address)
    journal = PostgresJournal(opened, ACCOUNT, uptime_ns=uptime)
    journal.acquire("engine")
    journal.append(chain((b"1", {"a": (b"x", True)}), (b"2", {"b": (b"y", False)}), (b"3", {})))
    journal.close()
    with postgres.admin(address.partition("@/")[2].partition("?")[0]) as admin:
        admin.execute(statement.encode())
    for read_only in (True, False):
        with pytest.raises(JournalError) as damage:
            PostgresJournal(opened, ACCOUNT, uptime_ns=uptime, read_only=read_only)
        assert damage.value.code == "JOURNAL_CORRUPT"
        assert says in str(damage.value)


def test_what_this_process_has_checked_is_not_walked_again(
    elsewhere: Place, shared: str, postgres: PostgresServer
) -> None:
    journal = elsewhere()
    journal.acquire("engine")
    entries = chain((b"1", {"a": (b"x", True)}), (b"2", {"b": (b"y", False)}), (b"3", {}))
    journal.append(entries[:2])
    known = elsewhere().checked
    assert known == (2, entries[1].digest)
    journal.append(entries[2:])
    account = journal._account
    with postgres.admin(shared.partition("@/")[2].partition("?")[0]) as admin:
        admin.execute(
            b"UPDATE surefill_records SET record = 'x' WHERE seq = 1 AND account = %s", [account]
        )
        assert elsewhere(known=known).checked == (3, entries[2].digest)
        with pytest.raises(JournalError, match="record 1 is missing or was changed"):
            elsewhere()
        for wrong in ((2, "another"), (9, entries[1].digest)):
            with pytest.raises(JournalError, match="is missing or was changed"):
                elsewhere(known=wrong)


def test_a_reader_makes_nothing(postgres: PostgresServer, uptime: Uptime) -> None:
    address = address_of(postgres.database())
    with pytest.raises(JournalError) as missing:
        PostgresJournal(address, ACCOUNT, uptime_ns=uptime, read_only=True)
    assert "holds no journal of ours" in str(missing.value)
    PostgresJournal(address, ACCOUNT, uptime_ns=uptime).close()
    with pytest.raises(JournalError) as other:
        PostgresJournal(address, "another", uptime_ns=uptime, read_only=True)
    assert "holds no journal of this account" in str(other.value)
    reader = PostgresJournal(address, ACCOUNT, uptime_ns=uptime, read_only=True)
    assert reader.head() == (0, "")
    reader.close()
