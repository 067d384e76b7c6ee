"""The journal on one machine: a SQLite file, one transaction per batch of records.

What: `SqliteJournal`, the embedded default of the `Journal` port.
Why: WAL with ``synchronous=FULL`` makes a returned `append` durable (I8) at the price of one fsync
for the whole batch, and a reader (``surefill why``, the web process) never blocks the writer.
Layout: ``meta`` key -> value (schema, head, number of images) · ``records`` seq -> record, digest ·
``images`` trade id -> last image of each trade, its digest, whether open · ``lease`` the fencing
token.
Invariants: all or nothing per batch; the chain is checked from the first record when the file is
opened and again as records are read; head and image count move in the same transaction as the rows,
so rows missing at the end or in ``images`` are noticed too.
Must never: repair, skip or truncate what is damaged: broken history means JOURNAL_CORRUPT and a
person decides. Runs on the caller's thread, one call at a time; the driver decides about threads.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from surefill.journal.digest import checked_head, image_digest, link
from surefill.journal.files import ProcessLock, check_private, prepare, unwritable
from surefill.journal.rows import image_rows
from surefill.ports import JournalEntry, JournalError, JournalHeld

SCHEMA_VERSION = 1
BUSY_TIMEOUT_S = 5
"""Longer than any checkpoint of a reader; a lock held longer is a fault to report (P9)."""
ROWS_PER_READ = 500

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE records (seq INTEGER PRIMARY KEY, digest TEXT NOT NULL, record BLOB NOT NULL);
CREATE TABLE images (
    trade_id TEXT PRIMARY KEY, seq INTEGER NOT NULL, is_open INTEGER NOT NULL,
    digest TEXT NOT NULL, image BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX images_open ON images (is_open, seq);
CREATE TABLE lease (only INTEGER PRIMARY KEY CHECK (only = 1), token INTEGER NOT NULL);
INSERT INTO lease VALUES (1, 0);
INSERT INTO meta VALUES ('schema', '1'), ('head_seq', '0'), ('head_digest', ''), ('images', '0');
"""
_DAMAGE_CODES = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR})
_RESTORE = "restore it from a backup, or move it away to start empty after checking every position"


class SqliteJournal:
    """A `Journal` in the file ``path``; ``<path>.lock`` beside it belongs to the lease holder.

    ``read_only`` opens an existing journal to look at it: no lease, no append. With ``account`` the
    lease is that of the account too, whatever the path.
    Raises `JournalError` when the file cannot be trusted or used.
    """

    def __init__(self, path: Path, *, read_only: bool = False, account: str = "") -> None:
        self._path = path
        self._lock = ProcessLock(path.with_name(path.name + ".lock"), account=account)
        self._token: int | None = None
        with self._reported():
            if read_only:
                check_private(path, stat.S_ISREG, forbidden=0o077)
            else:
                prepare(path, _create_schema)
            self._db = _connect(path, mode="ro" if read_only else "rw")
        try:
            with self._reported(), self._transaction("BEGIN"):  # one snapshot beside a writer
                self._check_schema()
                self._head = self._check_chain()
        except JournalError:
            self._db.close()
            raise

    # -------------------------------------------------------------------------------- lease

    def acquire(self, holder: str) -> int:
        """Take the lease for ``holder`` and return the fencing token, higher than any before."""
        self._lock.take(holder)
        try:
            with self._reported(), self._transaction("BEGIN IMMEDIATE"):
                self._db.execute("UPDATE lease SET token = token + 1")
                token, head = self._stored_token(), self._stored_head()
        except JournalError:
            self._lock.release()
            raise
        self._token, self._head = token, head
        return token

    def close(self) -> None:
        """Release the lease and the file."""
        self._db.close()
        self._lock.release()
        self._token = None

    # ------------------------------------------------------------------------------- writing

    def append(self, entries: Sequence[JournalEntry]) -> None:
        """Make these entries durable, all or none."""
        if not entries:
            return
        head = checked_head(self._head, entries)
        with self._reported(), self._transaction("BEGIN IMMEDIATE"):
            if self._token is None or self._stored_token() != self._token:
                raise JournalHeld("this process does not hold the journal; nothing was written")
            self._db.executemany(
                "INSERT INTO records VALUES (?, ?, ?)",
                [(entry.seq, entry.digest, entry.record) for entry in entries],
            )
            added = self._write_images(entries)
            self._db.executemany(
                "UPDATE meta SET value = ? WHERE key = ?",
                [(str(head[0]), "head_seq"), (head[1], "head_digest")],
            )
            self._db.execute("UPDATE meta SET value = value + ? WHERE key = 'images'", (added,))
        self._head = head

    def _write_images(self, entries: Sequence[JournalEntry]) -> int:
        """Store the last image of each trade; return how many trades are new."""
        rows = image_rows(entries)
        added = 0
        for row in rows:
            known = self._db.execute("SELECT 1 FROM images WHERE trade_id = ?", row[:1]).fetchone()
            added += known is None
        self._db.executemany("INSERT OR REPLACE INTO images VALUES (?, ?, ?, ?, ?)", rows)
        return added

    # ------------------------------------------------------------------------------- reading

    def head(self) -> tuple[int, str]:
        """(last sequence number, last digest); (0, "") for an empty journal."""
        return self._head if self._token is not None else self._stored_head()

    def records(self, after_seq: int = 0) -> Iterator[JournalEntry]:
        """Entries after ``after_seq`` in order, each checked against the chain."""
        seq, digest = after_seq, ""
        if after_seq > 0:
            rows = self._rows("SELECT digest FROM records WHERE seq = ?", after_seq)
            digest = rows[0][0] if rows else ""
        while rows := self._rows(
            "SELECT seq, digest, record FROM records WHERE seq > ? ORDER BY seq LIMIT ?",
            seq,
            ROWS_PER_READ,
        ):
            for row in rows:
                is_ours = row[0] == seq + 1 and isinstance(row[2], bytes)  # SQLite types are loose
                if not is_ours or row[1] != link(digest, row[2]):
                    raise self._corrupt(f"record {seq + 1} is missing or was changed")
                seq, digest = row[0], row[1]
                yield JournalEntry(seq=seq, record=row[2], digest=digest, images={}, is_open={})

    def open_images(self) -> Mapping[str, bytes]:
        """trade id -> image, of every trade that is not closed, oldest change first."""
        rows = self._rows(
            "SELECT trade_id, digest, image FROM images WHERE is_open = 1 ORDER BY seq, trade_id"
        )
        return {row[0]: self._checked_image(row) for row in rows}

    def image(self, trade_id: str) -> bytes | None:
        """The last image of one trade, open or closed."""
        rows = self._rows("SELECT trade_id, digest, image FROM images WHERE trade_id = ?", trade_id)
        return self._checked_image(rows[0]) if rows else None

    def closed_ids(self) -> Iterator[str]:
        """Ids of all closed trades, oldest change first."""
        for row in self._rows(
            "SELECT trade_id FROM images WHERE is_open = 0 ORDER BY seq, trade_id"
        ):
            yield row[0]

    def copy_to(self, target: Path) -> None:
        """A consistent copy of everything in the new file ``target``, beside a writer too.

        Raises `JournalError`; a file that exists is never overwritten.
        """
        if os.path.lexists(target):
            sentence = f"{target} exists; a backup overwrites nothing, give another name"
            raise JournalError("JOURNAL_UNWRITABLE", sentence)
        with self._reported():
            prepare(target, self._fill)

    def _fill(self, draft: Path) -> None:
        with closing(_connect(draft, mode="rw")) as database:
            self._db.backup(database)

    # ------------------------------------------------------------------------------ integrity

    def _check_schema(self) -> None:
        tables = self._rows("SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'meta'")
        found = tables and self._rows("SELECT value FROM meta WHERE key = 'schema'")
        if not found:
            raise self._corrupt("it is not a journal of ours")
        if found[0][0] != str(SCHEMA_VERSION):
            raise JournalError(
                "JOURNAL_VERSION",
                f"{self._path} has schema {found[0][0]}, this program knows {SCHEMA_VERSION}; "
                "start the version that wrote it",
            )

    def _check_chain(self) -> tuple[int, str]:
        """Walk every record and image; return the head."""
        head = (0, "")
        for entry in self.records():
            head = (entry.seq, entry.digest)
        if head != self._stored_head():
            raise self._corrupt(f"records after {head[0]} are missing")
        rows = self._rows("SELECT value FROM meta WHERE key = 'images'")
        if not rows or rows != self._rows("SELECT CAST(count(*) AS TEXT) FROM images"):
            raise self._corrupt("images of trades are missing")
        for row in self._db.execute("SELECT trade_id, digest, image FROM images"):
            self._checked_image(row)
        return head

    def _checked_image(self, row: tuple[str, str, object]) -> bytes:
        trade_id, digest, image = row
        if not isinstance(image, bytes) or image_digest(image) != digest:
            raise self._corrupt(f"the image of trade {trade_id} was changed")
        return image

    def _stored_head(self) -> tuple[int, str]:
        values = dict(self._rows("SELECT key, value FROM meta"))
        seq = values.get("head_seq", "")
        if not seq.isdigit() or "head_digest" not in values:
            raise self._corrupt("its head is missing")
        return int(seq), values["head_digest"]

    def _stored_token(self) -> int:
        rows = self._rows("SELECT token FROM lease")
        if not rows:
            raise self._corrupt("its lease is missing")
        return int(rows[0][0])

    def _corrupt(self, problem: str) -> JournalError:
        return JournalError("JOURNAL_CORRUPT", f"{self._path}: {problem}; {_RESTORE}")

    # -------------------------------------------------------------------------------- SQLite

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with self._reported():
            return self._db.execute(query, values).fetchall()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[None]:
        self._db.execute(begin)
        try:
            yield
            self._db.execute("COMMIT")
        finally:
            # After a failed write SQLite may have rolled back by itself.
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")

    @contextmanager
    def _reported(self) -> Iterator[None]:
        """Say what to do about SQLite's errors, sorted by whether the data or the disk is bad."""
        try:
            yield
        except sqlite3.Error as problem:
            code = getattr(problem, "sqlite_errorcode", sqlite3.SQLITE_IOERR) & 0xFF
            if code in _DAMAGE_CODES:
                raise self._corrupt(str(problem)) from None
            raise unwritable(self._path, problem) from None


def _connect(path: Path, *, mode: str) -> sqlite3.Connection:
    database = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,  # transactions are ours, explicit
        check_same_thread=False,
    )
    try:
        database.execute("PRAGMA synchronous = FULL")
        database.execute("PRAGMA fullfsync = 1")  # macOS: through the drive's own cache as well
        database.execute("PRAGMA trusted_schema = 0")
    except sqlite3.Error:
        database.close()
        raise
    return database


def _create_schema(draft: Path) -> None:
    with closing(_connect(draft, mode="rw")) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.executescript(f"BEGIN; {_SCHEMA} COMMIT;")
