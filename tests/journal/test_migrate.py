from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from surefill.journal import migrate as module
from surefill.journal.migrate import migrate, schema_of
from surefill.journal.sqlite import SCHEMA_VERSION, SqliteJournal
from surefill.ports import JournalError, JournalHeld


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal of the present version."""
    SqliteJournal(tmp_path / "journal.db").close()
    return tmp_path / "journal.db"


def run_sql(path: Path, script: str) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.executescript(script)


def set_schema(path: Path, version: str) -> None:
    run_sql(path, f"UPDATE meta SET value = '{version}' WHERE key = 'schema'")


def code_of(path: Path) -> str:
    with pytest.raises(JournalError) as caught:
        migrate(path, holder="test")
    return caught.value.code


def test_a_current_file_is_not_touched(path: Path) -> None:
    before = path.read_bytes()
    assert migrate(path, holder="test") == (SCHEMA_VERSION, SCHEMA_VERSION)
    assert path.read_bytes() == before


def test_a_newer_file_is_refused(path: Path) -> None:
    set_schema(path, "99")
    assert schema_of(path) == 99
    assert code_of(path) == "JOURNAL_VERSION"


def test_an_older_file_without_a_known_step_is_refused(path: Path) -> None:
    set_schema(path, "0")
    assert code_of(path) == "JOURNAL_VERSION"


def test_an_older_file_is_brought_forward(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STEPS", {0: "CREATE TABLE added (n INTEGER);"})
    set_schema(path, "0")
    assert migrate(path, holder="test") == (0, SCHEMA_VERSION)
    assert schema_of(path) == SCHEMA_VERSION
    run_sql(path, "INSERT INTO added VALUES (1)")
    SqliteJournal(path, read_only=True).close()


def test_a_failed_step_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STEPS", {0: "CREATE TABLE added (n INTEGER); nonsense;"})
    set_schema(path, "0")
    assert code_of(path) == "JOURNAL_UNWRITABLE"
    assert schema_of(path) == 0
    with pytest.raises(sqlite3.OperationalError):
        run_sql(path, "INSERT INTO added VALUES (1)")


def test_a_file_in_use_is_left_alone(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STEPS", {0: ""})
    owner = SqliteJournal(path)
    owner.acquire("an engine")
    set_schema(path, "0")
    with pytest.raises(JournalHeld, match="an engine"):
        migrate(path, holder="test")
    owner.close()


def test_what_is_no_journal_is_said(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    other.write_bytes(b"not a database, whatever its name says" * 40)
    other.chmod(0o600)
    assert code_of(other) == "JOURNAL_CORRUPT"
    set_schema(path, "one")
    assert code_of(path) == "JOURNAL_CORRUPT"
