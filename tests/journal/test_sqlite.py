from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings

from surefill.journal import sqlite
from surefill.journal.sqlite import SqliteJournal
from surefill.ports import JournalError, JournalHeld
from tests.journal.contract import (
    BATCHES,
    Batches,
    JournalContract,
    Open,
    check_reopened_is_what_was_written,
)
from tests.journal.support import chain, facts

STEPS = chain(
    *[
        (b"record %d " % n * 40, {f"t{n % 7}": (b"image %d " % n * 20, n % 3 > 0)})
        for n in range(1, 60)
    ]
)


class TestSqliteJournal(JournalContract):
    @pytest.fixture
    def open_journal(self, tmp_path: Path) -> Iterator[Open]:
        opened: list[SqliteJournal] = []

        def open_journal() -> SqliteJournal:
            opened.append(SqliteJournal(tmp_path / "journal.db"))
            return opened[-1]

        yield open_journal
        for journal in opened:
            journal.close()


@settings(max_examples=25, deadline=None)
@given(batches=BATCHES)
def test_reopened_it_is_what_was_written(batches: Batches) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory) / "journal.db"
        check_reopened_is_what_was_written(partial(SqliteJournal, path), batches)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal with `STEPS`, closed."""
    path = tmp_path / "journal.db"
    journal = SqliteJournal(path)
    journal.acquire("engine")
    journal.append(STEPS)
    journal.close()
    return path


def sentence_of(path: Path, code: str) -> str:
    """What opening says; it must refuse with ``code``."""
    with pytest.raises(JournalError) as refusal:
        SqliteJournal(path).close()
    assert refusal.value.code == code
    return str(refusal.value)


def tamper(path: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute(statement, values)


# ---------------------------------------------------------------------------------- durability


def test_commits_are_synced_before_append_returns(path: Path) -> None:
    journal = SqliteJournal(path)
    (mode,) = journal._db.execute("PRAGMA journal_mode").fetchone()
    (synchronous,) = journal._db.execute("PRAGMA synchronous").fetchone()
    assert (mode, synchronous) == ("wal", 2)
    journal.close()


def test_files_are_private(tmp_path: Path) -> None:
    path = tmp_path / "state" / "journal.db"
    journal = SqliteJournal(path)
    journal.acquire("engine")
    journal.append(STEPS)
    modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    assert modes == dict.fromkeys(
        ["journal.db", "journal.db-shm", "journal.db-wal", "journal.db.lock"], 0o600
    )
    assert path.parent.stat().st_mode & 0o777 == 0o700
    journal.close()


def test_many_rows_are_read_in_pages(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "ROWS_PER_READ", 4)
    journal = SqliteJournal(path)
    assert facts(list(journal.records(after_seq=11))) == facts(STEPS[11:])
    journal.close()


def test_a_reader_beside_the_writer(path: Path) -> None:
    writer = SqliteJournal(path)
    writer.acquire("engine")
    reader = SqliteJournal(path, read_only=True)
    with pytest.raises(JournalHeld):
        reader.append(chain((b"x", {}), after=reader.head()))
    writer.append(chain((b"60", {}), after=writer.head()))
    assert reader.head() == writer.head()
    assert len(list(reader.records())) == 60
    writer.close()
    with pytest.raises(JournalError) as refusal:
        reader.acquire("a reader")
    assert refusal.value.code == "JOURNAL_UNWRITABLE"
    reader.close()


def test_a_reader_needs_a_journal(tmp_path: Path) -> None:
    with pytest.raises(JournalError) as refusal:
        SqliteJournal(tmp_path / "none.db", read_only=True)
    assert refusal.value.code == "JOURNAL_UNWRITABLE"
    assert not (tmp_path / "none.db").exists()


# -------------------------------------------------------------------------------------- damage


def test_a_flipped_byte_anywhere_in_a_row_is_noticed(path: Path) -> None:
    data = path.read_bytes()
    for needle in (b"record 31 ", b"image 56 ", STEPS[30].digest.encode()):
        at = data.index(needle) + len(needle) // 2
        path.write_bytes(data[:at] + bytes([data[at] ^ 0x04]) + data[at + 1 :])
        assert "journal.db: " in sentence_of(path, "JOURNAL_CORRUPT")
    path.write_bytes(data)
    SqliteJournal(path).close()


@pytest.mark.parametrize("share", [0.0, 0.001, 0.2, 0.5, 0.9])
def test_a_truncated_file_is_noticed(path: Path, share: float) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    assert "restore it from a backup" in sentence_of(path, "JOURNAL_CORRUPT")


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("DELETE FROM records WHERE seq = 30", "record 30 is missing or was changed"),
        ("DELETE FROM records WHERE seq = 1", "record 1 is missing or was changed"),
        ("DELETE FROM records WHERE seq > 57", "records after 57 are missing"),
        ("DELETE FROM records", "records after 0 are missing"),
        ("DELETE FROM images WHERE trade_id = 't3'", "images of trades are missing"),
        ("UPDATE images SET image = x'00' WHERE trade_id = 't3'", "image of trade t3 was changed"),
        ("UPDATE records SET record = x'00' WHERE seq = 5", "record 5 is missing or was changed"),
        (
            "UPDATE records SET record = CAST(record AS TEXT) WHERE seq = 5",
            "record 5 is missing or",
        ),
        (
            "UPDATE images SET image = CAST(image AS TEXT) WHERE trade_id = 't3'",
            "trade t3 was changed",
        ),
        ("DELETE FROM meta WHERE key = 'head_seq'", "its head is missing"),
        ("DELETE FROM meta WHERE key = 'head_digest'", "its head is missing"),
        ("DELETE FROM meta WHERE key = 'images'", "images of trades are missing"),
        ("DELETE FROM meta WHERE key = 'schema'", "it is not a journal of ours"),
        ("DROP TABLE meta", "it is not a journal of ours"),
        ("DROP TABLE images", "no such table"),
    ],
)
def test_missing_and_changed_rows_are_noticed(path: Path, statement: str, says: str) -> None:
    tamper(path, statement)
    assert says in sentence_of(path, "JOURNAL_CORRUPT")


def test_a_missing_lease_is_noticed(path: Path) -> None:
    tamper(path, "DELETE FROM lease")
    journal = SqliteJournal(path)
    with pytest.raises(JournalError) as refusal:
        journal.acquire("engine")
    assert refusal.value.code == "JOURNAL_CORRUPT"
    journal.close()
    tamper(path, "INSERT INTO lease VALUES (1, 5)")
    journal = SqliteJournal(path)
    assert journal.acquire("engine") == 6  # the failed attempt left no lock behind
    journal.close()


def test_damage_behind_our_back_is_noticed_while_reading(path: Path) -> None:
    journal = SqliteJournal(path)
    tamper(path, "DELETE FROM records WHERE seq = 30")
    with pytest.raises(JournalError) as refusal:
        list(journal.records())
    assert refusal.value.code == "JOURNAL_CORRUPT"
    with pytest.raises(JournalError):
        list(journal.records(after_seq=30))
    journal.close()


def test_a_newer_schema_is_left_alone(path: Path) -> None:
    tamper(path, "UPDATE meta SET value = '2' WHERE key = 'schema'")
    assert "start the version that wrote it" in sentence_of(path, "JOURNAL_VERSION")


def test_a_file_of_another_kind_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.write_text("not a database, but long enough to look like one " * 40)
    path.chmod(0o600)
    before = path.read_bytes()
    sentence_of(path, "JOURNAL_CORRUPT")
    assert path.read_bytes() == before


def test_a_link_is_not_followed(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(path)
    assert "symbolic link" in sentence_of(link, "JOURNAL_UNWRITABLE")


# ------------------------------------------------------------------------------- a disk that fails


def test_a_full_database_refuses_and_stays_whole(path: Path) -> None:
    journal = SqliteJournal(path)
    journal.acquire("engine")
    (pages,) = journal._db.execute("PRAGMA page_count").fetchone()
    journal._db.execute(f"PRAGMA max_page_count = {pages}")
    big = chain((b"x" * 100_000, {"t": (b"y" * 100_000, True)}), after=journal.head())
    with pytest.raises(JournalError) as refusal:
        journal.append(big)
    assert refusal.value.code == "JOURNAL_UNWRITABLE"
    assert "full" in str(refusal.value)
    assert journal.head() == (59, STEPS[-1].digest)
    journal._db.execute("PRAGMA max_page_count = 1000000")
    journal.append(big)
    assert journal.head() == (60, big[-1].digest)
    journal.close()


FULL_DISK = """
import resource, sys
from pathlib import Path
from surefill.journal.sqlite import SqliteJournal
from surefill.ports import JournalError
from tests.journal.support import chain
journal = SqliteJournal(Path(sys.argv[1]))
journal.acquire("engine")
limit = Path(sys.argv[1]).stat().st_size + 50_000
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
for n in range(100):
    try:
        journal.append(chain((b"z" * 8000, {"big": (b"i" * 500, True)}), after=journal.head()))
    except JournalError as refusal:
        print(n, refusal.code, journal.head()[0])
        break
"""


def test_a_write_that_the_system_refuses_loses_nothing_before_it(path: Path) -> None:
    done = run(FULL_DISK, path)
    written, code, head = done.stdout.split()
    assert code == "JOURNAL_UNWRITABLE", done.stderr
    assert int(head) == 59 + int(written)
    journal = SqliteJournal(path)
    assert journal.head()[0] == int(head)
    journal.close()


def test_a_locked_database_is_reported(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_S", 0.05)
    journal = SqliteJournal(path)
    journal.acquire("engine")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalError) as refusal:
            journal.append(chain((b"x", {}), after=journal.head()))
    assert refusal.value.code == "JOURNAL_UNWRITABLE"
    journal.close()


def test_a_place_where_no_file_can_be_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot be used" in sentence_of(tmp_path / "file" / "journal.db", "JOURNAL_UNWRITABLE")


# ------------------------------------------------------------------------------------ processes

HOLDER = """
import sys
from pathlib import Path
from surefill.journal.sqlite import SqliteJournal
from tests.journal.support import chain
journal = SqliteJournal(Path(sys.argv[1]))
print(journal.acquire("engine of account 42"), flush=True)
while True:
    journal.append(chain((b"r" * 300, {"t": (b"i" * 3000, True)}), after=journal.head()))
    print(journal.head()[0], flush=True)
"""


def run(script: str, path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, timeout=60
    )


def test_a_second_process_is_told_who_holds_it_and_a_kill_frees_it(path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    with holder.stdout as output:
        token = int(output.readline())
        while int(output.readline()) < 80:
            pass
        journal = SqliteJournal(path)
        with pytest.raises(JournalHeld) as held:
            journal.acquire("second")
        says = str(held.value)
        assert (
            f"engine of account 42 (process {holder.pid} on {os.uname().nodename}) since " in says
        )
        assert " UTC; " in says
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        told = [int(line) for line in output.read().split()]
    assert journal.acquire("second") == token + 1
    seen = journal.head()[0]
    assert seen >= max(told, default=80)  # what was acknowledged is there
    assert [entry.seq for entry in journal.records()] == list(range(1, seen + 1))
    journal.append(chain((b"after", {}), after=journal.head()))
    journal.close()
    SqliteJournal(path).close()


def test_a_stolen_lease_stops_the_old_holder(path: Path) -> None:
    journal = SqliteJournal(path)
    journal.acquire("engine")
    tamper(path, "UPDATE lease SET token = token + 1")
    with pytest.raises(JournalHeld):
        journal.append(chain((b"x", {}), after=journal.head()))
    assert journal.head()[0] == 59
    journal.close()


def test_a_copy_is_whole_beside_a_writer(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "journal.db")
    journal.acquire("writer")
    journal.append(STEPS[:30])
    reader = SqliteJournal(tmp_path / "journal.db", read_only=True)
    copy_path = tmp_path / "backups" / "copy.db"
    reader.copy_to(copy_path)
    journal.append(STEPS[30:])
    journal.close()
    reader.close()
    assert copy_path.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in copy_path.parent.iterdir()] == ["copy.db"]
    copy = SqliteJournal(copy_path, read_only=True)
    assert facts(list(copy.records())) == facts(STEPS[:30])
    with pytest.raises(JournalError, match="overwrites nothing"):
        copy.copy_to(copy_path)
    copy.close()
