from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from surefill.journal import session as module
from surefill.journal.address import address_of
from surefill.journal.session import Session, SessionLost
from surefill.ports import JournalError
from tests.support.postgres_server import PostgresServer


@pytest.fixture(scope="module")
def database(postgres: PostgresServer) -> str:
    return postgres.database()


@pytest.fixture
def session(database: str) -> Iterator[Session]:
    found = Session(address_of(database), name="session test")
    yield found
    found.close()


def problem_of(session: Session, query: bytes) -> JournalError:
    with pytest.raises(JournalError) as error:
        session.rows(query)
    return error.value


def test_durability_is_never_lower_than_on(postgres: PostgresServer, database: str) -> None:
    query = b"SELECT current_setting('synchronous_commit')"
    for set_by_owner, ours in (("off", "on"), ("local", "on"), ("remote_apply", "remote_apply")):
        with postgres.admin() as admin:
            admin.execute(f"ALTER ROLE surefill SET synchronous_commit = {set_by_owner}".encode())
        session = Session(address_of(database), name="session test")
        assert session.rows(query) == [(ours,)]
        session.close()
    with postgres.admin() as admin:
        admin.execute(b"ALTER ROLE surefill RESET synchronous_commit")


def test_a_server_that_keeps_nothing_is_refused(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = module._SETTINGS.replace("current_setting('fsync')", "'off'")
    monkeypatch.setattr(module, "_SETTINGS", changed)
    assert "runs with fsync off" in str(problem_of(session, b"SELECT 1"))
    monkeypatch.setattr(module, "_SETTINGS", "SELEKT")
    assert "syntax error" in str(problem_of(session, b"SELECT 1"))


def test_a_refused_password_shows_nowhere(
    postgres: PostgresServer, database: str, canary: str
) -> None:
    good = postgres.by_password(database)
    session = Session(address_of(good), name="session test")
    assert session.rows(b"SELECT 1") == [(1,)]
    assert canary not in session.told(ValueError(f"cannot use {good}, not even {canary}"))
    session.close()
    bad = Session(address_of(good.replace(canary, "x" + canary)), name="session test")
    text = str(problem_of(bad, b"SELECT 1"))
    assert text.startswith("JOURNAL_UNWRITABLE: postgresql://surefill@127.0.0.1:")
    assert "password authentication failed" in text
    assert canary not in text
    without = Session(address_of(good.replace(f":{canary}", "")), name="session test")
    assert "no password supplied" in str(problem_of(without, b"SELECT 1"))
    bad.close()


def test_a_server_that_is_not_there_is_an_error_with_a_sentence() -> None:
    session = Session(address_of("postgresql://127.0.0.1:9/x"), name="session test")
    text = str(problem_of(session, b"SELECT 1"))
    assert text.startswith("JOURNAL_UNWRITABLE: postgresql://127.0.0.1:9/x cannot be used (")
    assert "\n" not in text
    with pytest.raises(JournalError):
        session.write(b"SELECT 1", {})  # never sent, so nothing is in doubt


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (b"SELECT 1/0", "JOURNAL_CORRUPT"),
        (b"SELECT * FROM nothing", "JOURNAL_UNWRITABLE"),
        (b"SELECT pg_sleep(1)", "JOURNAL_UNWRITABLE"),
    ],
)
def test_the_drivers_errors_are_sorted(session: Session, query: bytes, code: str) -> None:
    if b"sleep" in query:
        session.rows(b"SELECT set_config('statement_timeout', '50', false)")
        with pytest.raises(JournalError, match="statement timeout"):
            session.write(query, {})  # the server's own word: nothing was written
    assert problem_of(session, query).code == code


def test_a_server_that_does_not_answer_is_given_up(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.rows(b"SELECT 1")
    monkeypatch.setattr(module, "ANSWER_S", 0.1)
    with pytest.raises(SessionLost):
        session.write(b"SELECT pg_sleep(0.5)", {})
    assert problem_of(session, b"SELECT pg_sleep(0.5)").code == "JOURNAL_UNWRITABLE"
    monkeypatch.undo()
    assert session.rows(b"SELECT 2") == [(2,)], "the next answer is that of the next question"


def test_a_lost_connection_is_in_doubt_for_a_write_only(
    session: Session, postgres: PostgresServer
) -> None:
    cut = b"SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    cut += b"WHERE application_name = 'session test'"
    session.rows(b"SELECT 1")
    with postgres.admin() as admin:
        admin.execute(cut)
    assert session.rows(b"SELECT 1") == [(1,)]
    with postgres.admin() as admin:
        admin.execute(cut)
    with pytest.raises(SessionLost):
        session.write(b"SELECT 1", {})


def test_a_snapshot_is_one_moment(session: Session, postgres: PostgresServer) -> None:
    session.rows(b"CREATE TABLE IF NOT EXISTS moment (n integer)")
    with session.snapshot():
        before = session.rows(b"SELECT count(*) FROM moment")
        with postgres.admin(session._address.database) as admin:
            admin.execute(b"INSERT INTO moment VALUES (1)")
        assert session.rows(b"SELECT count(*) FROM moment") == before
    with pytest.raises(JournalError), session.snapshot():
        session.rows(b"INSERT INTO moment VALUES (2)")
    with pytest.raises(JournalError), session.together():
        session.rows(b"INSERT INTO moment SELECT n / 0 FROM moment")
    assert session.rows(b"SELECT n FROM moment") == [(1,)]


def test_a_closed_session_is_not_used_and_threads_wait_for_each_other(session: Session) -> None:
    found: list[object] = []
    threads = [
        threading.Thread(target=lambda: found.extend(session.rows(b"SELECT pg_sleep(0.01), 7")))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    session.close()
    session.close()
    assert "is closed" in str(problem_of(session, b"SELECT 1"))
