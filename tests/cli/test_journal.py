from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from sqlite3 import connect

import pytest

from surefill.cli.account import load
from surefill.runtime.wiring import journal_path, open_journal
from tests.support.counter import Counter
from tests.support.desk import plan_of
from tests.support.exchange_server import RunningExchange
from tests.support.postgres_server import PostgresServer


@pytest.fixture(scope="module")
def exchange() -> Iterator[RunningExchange]:
    with RunningExchange() as running:
        running.quote("JRN", "99.99", "100.01")
        yield running


@pytest.fixture
def counter(counter: Counter) -> Counter:
    counter.trade(plan_of("JRN", "kept"), plan_of("JRN", "denied", rr="1"))
    return counter


def test_a_backup_is_checked_verifies_and_restores(counter: Counter) -> None:
    dest = counter.folder / "backups"
    dest.mkdir(mode=0o700)
    found = counter.json("journal", "backup", str(dest))
    copy = Path(found["backup"])
    assert copy.parent == dest
    assert copy.stat().st_mode & 0o777 == 0o600
    code, out, _ = counter.run("journal", "verify", "--journal", str(copy))
    assert code == 0
    assert "decided again: the same commands, the same images" in out
    ours = journal_path(load())
    ours.rename(ours.with_name("lost.db"))
    copy.rename(ours)
    assert counter.json("status")["trades"][0]["trade"] == "kept"


def test_a_backup_beside_a_running_engine_never_overwrites(counter: Counter) -> None:
    owner = open_journal(load())
    owner.acquire("an engine")
    name = str(counter.folder / "copy.db")
    code, out, _ = counter.run("journal", "backup", name)
    assert code == 0
    assert "chain unbroken" in out
    code, _, err = counter.run("journal", "backup", name)
    owner.close()
    assert code == 3
    assert "overwrites nothing" in err


def test_verify_finds_an_exchanged_image(counter: Counter) -> None:
    assert counter.json("journal", "verify")["proven"]
    with closing(connect(journal_path(load()))) as database, database:
        rows = "SELECT image, digest FROM images WHERE trade_id = 'denied'"
        values = database.execute(rows).fetchone()
        change = "UPDATE images SET image = ?, digest = ? WHERE trade_id = 'kept'"
        database.execute(change, values)
    code, out, _ = counter.run("journal", "verify")
    assert code == 3
    assert "NOT PROVEN from record" in out
    assert "the stored image of kept is not what was decided" in out


def test_other_settings_prove_nothing_and_say_so(counter: Counter) -> None:
    counter.use(SUREFILL_MAX_ORDER_QTY="1")
    found = counter.json("journal", "verify")
    assert (found["proven"], found["comparable"]) == (False, False)
    code, out, _ = counter.run("journal", "verify")
    assert code == 0
    assert "this proves nothing" in out


def test_a_broken_chain_is_3(counter: Counter) -> None:
    with closing(connect(journal_path(load()))) as database, database:
        database.execute("DELETE FROM records WHERE seq = 3")
    code, _, err = counter.run("journal", "verify")
    assert code == 3
    assert "JOURNAL_CORRUPT" in err


def test_migrate_leaves_a_current_file_and_refuses_a_newer_one(counter: Counter) -> None:
    code, out, _ = counter.run("journal", "migrate")
    assert code == 0
    assert "schema 1 is current, nothing to do" in out
    with closing(connect(journal_path(load()))) as database, database:
        database.execute("UPDATE meta SET value = '9' WHERE key = 'schema'")
    code, _, err = counter.run("journal", "migrate")
    assert code == 3
    assert "JOURNAL_VERSION" in err


def test_what_is_not_there_and_what_is_wrong(counter: Counter) -> None:
    assert counter.run("journal")[0] == 2
    code, _, err = counter.run("journal", "verify", "--journal", "nowhere.db")
    assert code == 3
    assert "no journal at nowhere.db" in err
    counter.use(SMART_EXECUTOR_FILL_TIMEOUT="soon")
    assert counter.run("journal", "verify")[0] == 2


def test_a_journal_in_a_database_is_verified_here_and_backed_up_by_its_own_tools(
    counter: Counter, postgres: PostgresServer, canary: str
) -> None:
    database = postgres.by_password(postgres.database())
    counter.use(SUREFILL_JOURNAL_PATH=database, SUREFILL_RESTRICTED_SYMBOLS="")
    code, _, err = counter.run("journal", "verify")
    assert code == 3
    assert "no journal at postgresql://surefill@127.0.0.1:" in err
    journal_path(load()).unlink(missing_ok=True)
    journal = open_journal(load())
    journal.acquire("an engine")
    code, out, _ = counter.run("journal", "verify")
    assert code == 0
    assert "chain unbroken to record 0" in out
    assert counter.run("journal", "migrate")[0] == 0
    code, _, err = counter.run("journal", "backup", "copy")
    journal.close()
    assert code == 3
    assert "pg_dump" in err
    code, _, err = counter.run("journal", "verify", "--journal", database)
    assert code == 3
    assert "--journal takes a file" in err
    assert canary not in err


def test_a_database_that_is_away_is_an_error_of_every_reader(counter: Counter) -> None:
    counter.use(SUREFILL_JOURNAL_PATH="postgresql://ann:hunter22@127.0.0.1:9/x")
    for words in (["status"], ["why", "x"], ["metrics"], ["journal", "verify"], ["rollback"]):
        code, out, err = counter.run(*words)
        assert code == 3, words
        assert "JOURNAL_UNWRITABLE" in err
        assert "hunter22" not in out + err
    assert counter.run("doctor")[0] == 3
