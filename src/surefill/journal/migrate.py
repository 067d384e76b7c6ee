"""Schema versions of the SQLite journal: which file this is, and the steps to the present one.

What: `schema_of` and `migrate`. Each step is one SQL script from a version to the next, all of them
in one transaction under the journal's own lock.
Why: a program must refuse a file that it only half understands, and bring an older one forward in
one deliberate act, after a backup, never in passing at a start.
Invariants: a current file is not touched; a newer one is refused; a failed step changes nothing.
Must never: change a record, whose digest is its identity.
"""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from surefill.journal.files import ProcessLock, check_private, unwritable
from surefill.journal.sqlite import SCHEMA_VERSION
from surefill.ports import JournalError

STEPS: Mapping[int, str] = {}
"""version -> the SQL that leads to the next one. There has been one version so far."""


def schema_of(path: Path) -> int:
    """The schema version of a journal file. Raises `JournalError` when it is none of ours."""
    check_private(path, stat.S_ISREG, forbidden=0o077)
    try:
        with closing(_open(path, "ro")) as database:
            rows = database.execute("SELECT value FROM meta WHERE key = 'schema'").fetchall()
    except sqlite3.DatabaseError as problem:
        raise _strange(path, str(problem)) from None
    if not rows or not str(rows[0][0]).isdigit():
        raise _strange(path, "it names no schema version")
    return int(rows[0][0])


def migrate(path: Path, *, holder: str) -> tuple[int, int]:
    """Bring the file to `SCHEMA_VERSION`; (version found, version now).

    Raises `JournalError` (`JournalHeld` while somebody uses it, JOURNAL_VERSION for a newer file).
    """
    found = schema_of(path)
    if found == SCHEMA_VERSION:
        return found, found
    if found > SCHEMA_VERSION or any(n not in STEPS for n in range(found, SCHEMA_VERSION)):
        sentence = f"{path} has schema {found}, this program knows {SCHEMA_VERSION}"
        raise JournalError("JOURNAL_VERSION", f"{sentence}; start the version that wrote it")
    lock = ProcessLock(path.with_name(path.name + ".lock"))
    lock.take(holder)
    try:
        _apply(path, found)
    except sqlite3.Error as problem:
        raise unwritable(path, problem) from None
    finally:
        lock.release()
    return found, SCHEMA_VERSION


def _apply(path: Path, found: int) -> None:
    steps = " ".join(STEPS[n] for n in range(found, SCHEMA_VERSION))
    done = f"UPDATE meta SET value = '{SCHEMA_VERSION}' WHERE key = 'schema';"  # noqa: S608 - an int
    with closing(_open(path, "rw")) as database:
        database.executescript(f"BEGIN IMMEDIATE; {steps} {done} COMMIT;")


def _open(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(uri, uri=True, isolation_level=None)


def _strange(path: Path, problem: str) -> JournalError:
    return JournalError("JOURNAL_CORRUPT", f"{path} is no journal of ours: {problem}")
