"""One connection to PostgreSQL on which nothing waits for ever.

What: `Session`: connects when first used and again after a loss, bounds every wait, and turns the
driver's errors into `JournalError` with a sentence that shows no password.
Why: the engine's loop stands still while the journal writes; a database that hangs must end as an
error in seconds, not as a stop that nobody places.
Invariants: a reading statement is repeated once on a new connection; a writing one never by this
module, which raises `SessionLost` instead: its outcome is not known.
Must never: use a server that does not keep what it has committed (``fsync`` off), or lower the
durability that the server's owner chose.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import RLock
from typing import Any

import psycopg
from psycopg import errors
from psycopg.abc import PQGen, QueryNoTemplate
from psycopg.conninfo import make_conninfo

from surefill.journal.address import DatabaseAddress, without_password
from surefill.ports import JournalError

ANSWER_S = 4
"""The longest wait for an answer; about a thousand times what it takes."""
STATEMENT_MS = 3_000
"""The server gives a statement up before we do: then it is known that nothing was written."""
CONNECT_S = 3
LOCK_MS = 1_500
IDLE_MS = 5_000
"""A process that was stopped inside a transaction loses its connection, and the lock with it."""

Row = tuple[Any, ...]
Values = Mapping[str, object]

_SETTINGS = f"""
SELECT set_config('lock_timeout', '{LOCK_MS}', false),
       set_config('statement_timeout', '{STATEMENT_MS}', false),
       set_config('idle_in_transaction_session_timeout', '{IDLE_MS}', false),
       set_config('synchronous_commit', CASE current_setting('synchronous_commit')
           WHEN 'off' THEN 'on' WHEN 'local' THEN 'on'
           ELSE current_setting('synchronous_commit') END, false),
       current_setting('fsync')
"""
_DAMAGE = (errors.DataError, errors.IntegrityError, errors.DataCorrupted, errors.IndexCorrupted)


class SessionLost(Exception):
    """The connection ended under a statement that writes: it may have worked."""


class _Connection(psycopg.Connection[Row]):
    """Gives up after `ANSWER_S`; what the server does then, it does without us."""

    def wait(self, gen: PQGen[Any], *args: Any, **given: Any) -> Any:
        try:
            return super().wait(gen, *args, **{"timeout": ANSWER_S, **given})
        except errors.OperationalError:
            if self.pgconn.transaction_status == psycopg.pq.TransactionStatus.ACTIVE:
                self.pgconn.finish()  # an answer that comes later must answer nothing else
            raise


class Session:
    """A connection to ``address``, called ``name`` in the server's own lists. One user at a time,
    from any thread."""

    def __init__(self, address: DatabaseAddress, *, name: str) -> None:
        self._address = address
        self._name = name
        self._connection: _Connection | None = None
        self._lock = RLock()
        self._is_closed = False

    def rows(self, query: QueryNoTemplate, values: Values | None = None) -> list[Row]:
        """What a statement that changes nothing (or may be repeated) gives. Raises
        `JournalError`."""
        with self._lock, self._reported():
            try:
                return self._execute(query, values)
            except psycopg.OperationalError:
                if not self._is_lost:
                    raise
            return self._execute(query, values)

    def write(self, query: QueryNoTemplate, values: Values) -> list[Row]:
        """The same for one that must not be repeated blindly, in a transaction of its own.

        Raises `SessionLost`, and `JournalError` when it is known that nothing was written.
        """
        with self._lock, self._reported():
            self._connected()
            try:
                return self._execute(query, values)
            except psycopg.OperationalError as problem:
                if not self._is_lost:
                    raise
                raise SessionLost(self.told(problem)) from None

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Everything that is read inside is of one moment. Raises `JournalError`."""
        with self._lock, self._reported(), self._connected().transaction():
            self._execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY", None)
            yield

    @contextmanager
    def together(self) -> Iterator[None]:
        """Everything that is written inside is one transaction. Raises `JournalError`."""
        with self._lock, self._reported(), self._connected().transaction():
            yield

    def close(self) -> None:
        """End the connection; a closed session is not used again."""
        with self._lock:
            self._is_closed = True
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def told(self, problem: Exception) -> str:
        """The driver's words on one line, without a password."""
        text = without_password(" ".join(str(problem).split()))
        password = self._address.password
        return text.replace(password.reveal(), "***") if password else text

    @property
    def _is_lost(self) -> bool:
        return self._connection is None or self._connection.closed

    def _execute(self, query: QueryNoTemplate, values: Values | None) -> list[Row]:
        with self._connected().execute(query, values) as cursor:
            return cursor.fetchall() if cursor.description is not None else []

    def _connected(self) -> _Connection:
        if self._is_closed:
            raise JournalError("JOURNAL_UNWRITABLE", "this journal is closed")
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
        return self._connection

    def _connect(self) -> _Connection:
        connection = _Connection.connect(
            make_conninfo(**self._address.parameters()),
            application_name=self._name,
            connect_timeout=CONNECT_S,
            keepalives_idle=2,
            keepalives_interval=1,
            keepalives_count=3,
            tcp_user_timeout=ANSWER_S * 1_000,
            autocommit=True,
        )
        try:
            row = connection.execute(_SETTINGS).fetchone()
        except psycopg.Error:
            connection.close()
            raise
        if row is None or row[-1] != "on":
            connection.close()
            sentence = f"{self._address}: the server runs with fsync off, so what it says it has "
            sentence += "written may be lost; turn it on"
            raise JournalError("JOURNAL_UNWRITABLE", sentence)
        return connection

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except _DAMAGE as problem:
            sentence = f"{self._address}: {self.told(problem)}; restore it from a backup"
            raise JournalError("JOURNAL_CORRUPT", sentence) from None
        except psycopg.Error as problem:
            sentence = f"{self._address} cannot be used ({self.told(problem)}); "
            sentence += "nothing is sent without it: repair the database or its address"
            raise JournalError("JOURNAL_UNWRITABLE", sentence) from None
