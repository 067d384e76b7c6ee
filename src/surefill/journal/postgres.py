"""The journal for more than one machine: PostgreSQL, one statement per batch of records.

What: `PostgresJournal`, a `Journal` and a `Lease`. One database holds the journals of any number of
accounts; the lease of an account is a row, so that it can be lost to another machine and taken over
by one. Layout: `journal.tables`.
Why one statement: it is one round trip and one transaction, and a process that is stopped at any
point leaves no lock behind it. It writes nothing unless its own token is still the account's, so a
process that lost the account cannot write, whatever it believes (I16).
Invariants: a returned `append` is committed and flushed (I8); after a lost connection the head says
whether it was; all lease times are the database server's, so no two clocks are compared.
Must never: repair what is damaged, or read this machine's clock: how long ago the lease was renewed
is measured with the counter that is handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from surefill.journal.address import DatabaseAddress
from surefill.journal.digest import EMPTY_HEAD, checked_head, image_digest, link
from surefill.journal.files import ProcessLock, this_process
from surefill.journal.rows import image_rows
from surefill.journal.session import Row, Session, SessionLost
from surefill.journal.tables import check_schema, lease_sentence, make_tables
from surefill.ports import JournalEntry, JournalError, JournalFenced, JournalHeld

LEASE_MS = 15_000
REQUEST_MS = 10_500
"""The longest life of a request to the broker. The lease is longer, and nothing is sent in its last
part: whatever the last holder sent is over when the next one begins."""
ROWS_PER_READ = 500
NS_PER_MS = 1_000_000

_APPEND = """
WITH mine AS (
    SELECT 1 FROM surefill_accounts
    WHERE account = %(account)s AND token = %(token)s
      AND head_seq = %(seq)s AND head_digest = %(digest)s
    FOR UPDATE
), kept AS (
    INSERT INTO surefill_records (account, seq, digest, record)
    SELECT %(account)s, * FROM unnest(%(seqs)s::bigint[], %(digests)s::text[], %(records)s::bytea[])
    WHERE EXISTS (SELECT 1 FROM mine)
), left_behind AS (
    INSERT INTO surefill_images AS old (account, trade_id, seq, is_open, digest, image)
    SELECT %(account)s, * FROM unnest(%(ids)s::bytea[], %(image_seqs)s::bigint[],
        %(opens)s::boolean[], %(image_digests)s::text[], %(images)s::bytea[])
    WHERE EXISTS (SELECT 1 FROM mine)
    ON CONFLICT (account, trade_id) DO UPDATE SET seq = excluded.seq, is_open = excluded.is_open,
        digest = excluded.digest, image = excluded.image
    RETURNING old.xmax = 0 AS is_new
)
UPDATE surefill_accounts SET head_seq = %(new_seq)s, head_digest = %(new_digest)s,
    images = images + (SELECT count(*) FROM left_behind WHERE is_new),
    until = clock_timestamp() + %(lease)s, backend = pg_backend_pid()
WHERE account = %(account)s AND EXISTS (SELECT 1 FROM mine)
RETURNING head_seq
"""
_ACQUIRE = """
UPDATE surefill_accounts SET token = token + 1, holder = %(holder)s, place = %(place)s,
    since = clock_timestamp(), until = clock_timestamp() + %(lease)s, backend = pg_backend_pid()
WHERE account = %(account)s
  AND (until <= clock_timestamp() OR (place = %(place)s AND place <> ''))
RETURNING token, head_seq, head_digest
"""
_RENEW = """
UPDATE surefill_accounts SET until = clock_timestamp() + %(lease)s
WHERE account = %(account)s AND token = %(token)s RETURNING token
"""
_RELEASE = """
UPDATE surefill_accounts SET until = clock_timestamp()
WHERE account = %(account)s AND token = %(token)s
"""
_END_HOLDER = """
SELECT pg_terminate_backend(backend) FROM surefill_accounts
WHERE account = %(account)s AND until <= clock_timestamp()
"""


class PostgresJournal:
    """The journal of ``account`` in the database at ``address``.

    ``lock`` is the sidecar on this machine: one process in each directory, and the proof that the
    last one there is dead. ``uptime_ns`` counts this machine's time, sleep included. ``read_only``
    looks at a journal: no table is made, no lease taken. Up to ``known``, the ``checked`` of an
    earlier look by this process, it is not walked again: a takeover must not wait for years of
    records. Raises `JournalError` when it cannot be trusted or used.
    """

    def __init__(
        self,
        address: DatabaseAddress,
        account: str,
        *,
        uptime_ns: Callable[[], int],
        lock: ProcessLock | None = None,
        read_only: bool = False,
        known: tuple[int, str] = EMPTY_HEAD,
    ) -> None:
        self._address = address
        self._account = account
        self._uptime_ns = uptime_ns
        self._lock = lock
        self._token: int | None = None
        self._renewed_ns = 0
        self._is_fenced = False
        self._lease_ms = LEASE_MS
        self._session = Session(address, name="surefill")
        self._heart = Session(address, name="surefill lease")
        try:
            if not read_only:
                make_tables(self._session, account)
            with self._session.snapshot():
                check_schema(self._session, address)
                self._head = self.checked = self._check_chain(known)
        except JournalError:
            self._session.close()
            raise

    # -------------------------------------------------------------------------------- lease

    def acquire(self, holder: str) -> int:
        """Take the lease for ``holder`` and return the fencing token, higher than any before.

        At once where the last holder let it go, or was in this directory and is dead; elsewhere
        once its lease is over. Raises `JournalHeld` naming the present holder.
        """
        if self._lock is not None:
            self._lock.take(holder)
        try:
            token, *head = self._taken(holder)
        except JournalError:
            if self._lock is not None:
                self._lock.release()
            raise
        self._token, self._head = token, (head[0], head[1])
        return int(token)

    def _taken(self, holder: str) -> Row:
        asked_ns = self._uptime_ns()
        values = self._values(
            holder=this_process(holder), place=self._lock.place if self._lock is not None else ""
        )
        try:
            found = self._session.rows(_ACQUIRE, values)
        except JournalError:
            # A holder that was stopped within a statement may have kept the row; its lease is over.
            self._session.rows(_END_HOLDER, values)
            found = self._session.rows(_ACQUIRE, values)
        if not found:
            raise JournalHeld(self._held_by())
        self._renewed_ns = asked_ns
        return found[0]

    def renew(self) -> None:
        """Keep the lease. From any thread, beside an `append` that waits.

        Raises `JournalFenced` when another process has the account; another `JournalError` when
        the database could not be asked: the lease may still be ours.
        """
        if self._token is None:
            return
        asked_ns = self._uptime_ns()
        if not self._heart.rows(_RENEW, self._values(token=self._token)):
            raise self._fenced()
        self._renewed_ns = max(self._renewed_ns, asked_ns)

    def may_send(self) -> bool:
        """Whether a request that leaves now is over before anybody else can have the account."""
        if self._token is None or self._is_fenced:
            return False
        return self._uptime_ns() - self._renewed_ns < (self._lease_ms - REQUEST_MS) * NS_PER_MS

    def close(self) -> None:
        """Release the lease and the connection."""
        token, self._token = self._token, None
        if token is not None:
            try:
                self._heart.rows(_RELEASE, self._values(token=token))
            except JournalError:
                pass  # it ends by itself
        self._session.close()
        self._heart.close()
        if self._lock is not None:
            self._lock.release()

    # ------------------------------------------------------------------------------- writing

    def append(self, entries: Sequence[JournalEntry]) -> None:
        """Make these entries durable, all or none."""
        if not entries:
            return
        head = checked_head(self._head, entries)
        if self._token is None:
            raise JournalHeld("this process does not hold the journal; nothing was written")
        values = self._append_values(entries, head)
        asked_ns = self._uptime_ns()
        try:
            found = self._session.write(_APPEND, values)
        except SessionLost as problem:
            found = self._settled(values, head, problem)
        if not found:
            raise self._fenced()
        self._head, self._renewed_ns = head, max(self._renewed_ns, asked_ns)

    def _settled(
        self, values: Mapping[str, object], head: tuple[int, str], problem: SessionLost
    ) -> list[Row]:
        """What became of an append whose answer was lost: the head knows. If nothing did, it is
        tried once more."""
        ours = (self._token, *head)
        if self._stored() == ours:
            return [ours]
        try:
            found = self._session.write(_APPEND, values)
        except SessionLost:
            sentence = f"{self._address}: the connection is lost again and again ({problem})"
            raise JournalError("JOURNAL_UNWRITABLE", sentence) from None
        # The first one may have been at work still, and the second one waited for it.
        return found or ([ours] if self._stored() == ours else [])

    def _append_values(
        self, entries: Sequence[JournalEntry], head: tuple[int, str]
    ) -> dict[str, object]:
        images = image_rows(entries)
        return self._values(
            token=self._token,
            seq=self._head[0],
            digest=self._head[1],
            new_seq=head[0],
            new_digest=head[1],
            seqs=[entry.seq for entry in entries],
            digests=[entry.digest for entry in entries],
            records=[entry.record for entry in entries],
            ids=[row[0].encode() for row in images],
            image_seqs=[row[1] for row in images],
            opens=[row[2] for row in images],
            image_digests=[row[3] for row in images],
            images=[row[4] for row in images],
        )

    # ------------------------------------------------------------------------------- reading

    def head(self) -> tuple[int, str]:
        """(last sequence number, last digest); (0, "") for an empty journal."""
        if self._token is not None:
            return self._head
        _, seq, digest = self._stored()
        return seq, digest

    def records(self, after_seq: int = 0) -> Iterator[JournalEntry]:
        """Entries after ``after_seq`` in order, each checked against the chain."""
        seq, digest = after_seq, self._digest_of(after_seq) if after_seq > 0 else ""
        while rows := self._rows(
            "SELECT seq, digest, record FROM surefill_records",
            f"AND seq > %(seq)s ORDER BY seq LIMIT {ROWS_PER_READ}",
            seq=seq,
        ):
            for row in rows:
                if row[0] != seq + 1 or row[1] != link(digest, row[2]):
                    raise self._corrupt(f"record {seq + 1} is missing or was changed")
                seq, digest = row[0], row[1]
                yield JournalEntry(seq=seq, record=row[2], digest=digest, images={}, is_open={})

    def open_images(self) -> Mapping[str, bytes]:
        """trade id -> image, of every trade that is not closed, oldest change first."""
        rows = self._images("AND is_open ORDER BY seq, trade_id")
        return {row[0].decode(): self._checked_image(row) for row in rows}

    def image(self, trade_id: str) -> bytes | None:
        """The last image of one trade, open or closed."""
        rows = self._images("AND trade_id = %(id)s", id=trade_id.encode())
        return self._checked_image(rows[0]) if rows else None

    def closed_ids(self) -> Iterator[str]:
        """Ids of all closed trades, oldest change first."""
        where = "AND NOT is_open ORDER BY seq, trade_id"
        for row in self._rows("SELECT trade_id FROM surefill_images", where):
            yield row[0].decode()

    # ------------------------------------------------------------------------------ integrity

    def _check_chain(self, known: tuple[int, str]) -> tuple[int, str]:
        """Walk every record and image after ``known``; return the head."""
        head = known
        if known != EMPTY_HEAD and self._digest_of(known[0]) != known[1]:
            raise self._corrupt(f"record {known[0]} is missing or was changed")
        for entry in self.records(known[0]):
            head = (entry.seq, entry.digest)
        _, *stored = self._stored()
        if list(head) != stored:
            raise self._corrupt(f"records after {head[0]} are missing")
        counted = self._rows("SELECT count(*) FROM surefill_images", "")
        if counted != self._rows("SELECT images FROM surefill_accounts", ""):
            raise self._corrupt("images of trades are missing")
        last = b""
        where = f"AND seq > %(seq)s AND trade_id > %(last)s ORDER BY trade_id LIMIT {ROWS_PER_READ}"
        while rows := self._images(where, seq=known[0], last=last):
            for row in rows:
                self._checked_image(row)
            last = rows[-1][0]
        return head

    def _digest_of(self, seq: int) -> str:
        """What the database has for this record; "" when it has none."""
        rows = self._rows("SELECT digest FROM surefill_records", "AND seq = %(seq)s", seq=seq)
        return rows[0][0] if rows else ""

    def _checked_image(self, row: Row) -> bytes:
        trade_id, digest, image = row
        if image_digest(image) != digest:
            raise self._corrupt(f"the image of trade {trade_id.decode()} was changed")
        return bytes(image)

    def _stored(self) -> Row:
        """(token, number of the last record, its digest) as the database has them."""
        found = self._rows("SELECT token, head_seq, head_digest FROM surefill_accounts", "")
        if not found:
            sentence = f"{self._address} holds no journal of this account"
            raise JournalError("JOURNAL_UNWRITABLE", sentence)
        return found[0]

    def _images(self, where: str, **values: object) -> list[Row]:
        return self._rows("SELECT trade_id, digest, image FROM surefill_images", where, **values)

    def _rows(self, select: str, where: str, **values: object) -> list[Row]:
        query = f"{select} WHERE account = %(account)s {where}"
        return self._session.rows(query.encode(), self._values(**values))

    def _values(self, **values: object) -> dict[str, object]:
        return {"account": self._account, "lease": f"{self._lease_ms} milliseconds", **values}

    def _held_by(self) -> str:
        who = lease_sentence(self._session, self._account) or "a process that has only just started"
        lease_s = self._lease_ms // 1_000
        return (
            f"the journal is held by {who}, whose lease ends {lease_s} s after its last "
            "sign of life; stop that process, use it instead of a second one, or wait for its end "
            "with `surefill run --standby`"
        )

    def _fenced(self) -> JournalFenced:
        self._is_fenced = True
        try:
            who = lease_sentence(self._heart, self._account) or "another process"
        except JournalError:
            who = "another process"
        return JournalFenced(
            f"this process has lost the account to {who}; nothing was written and nothing is sent"
        )

    def _corrupt(self, problem: str) -> JournalError:
        sentence = f"{self._address}: {problem}; restore it from a backup"
        return JournalError("JOURNAL_CORRUPT", sentence)
