"""The tables of the PostgreSQL journal: made, versioned, and asked who holds an account.

Layout: ``surefill_schema`` the version, one row · ``surefill_accounts`` one row an account: head,
number of images, lease (token, holder, since, until, by the server's clock) · ``surefill_records``
and ``surefill_images`` as in the file, with the account in front. Trade ids are bytes, because a
``text`` cannot hold every character.
Invariants: a current database is not touched; a newer one is refused; a failed step changes nothing
(the server takes back what a transaction did to tables too).
Must never: change a record, whose digest is its identity.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from datetime import UTC

from surefill.journal.address import DatabaseAddress
from surefill.journal.session import Session
from surefill.ports import JournalError, JournalHeld

SCHEMA_VERSION = 1
STEPS: Mapping[int, bytes] = {}
"""version -> the SQL that leads to the next one. There has been one version so far."""
LOCK_KEY = 0x5375726566696C6C
"""Of the server's advisory locks: whoever makes or changes the tables is alone."""

_TABLES = b"""
CREATE TABLE surefill_schema (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row), version integer NOT NULL
);
CREATE TABLE surefill_accounts (
    account text PRIMARY KEY,
    head_seq bigint NOT NULL DEFAULT 0, head_digest text NOT NULL DEFAULT '',
    images bigint NOT NULL DEFAULT 0,
    token bigint NOT NULL DEFAULT 0,
    holder text NOT NULL DEFAULT '', place text NOT NULL DEFAULT '',
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    until timestamptz NOT NULL DEFAULT '-infinity', backend integer NOT NULL DEFAULT 0
);
CREATE TABLE surefill_records (
    account text NOT NULL, seq bigint NOT NULL, digest text NOT NULL, record bytea NOT NULL,
    PRIMARY KEY (account, seq)
);
CREATE TABLE surefill_images (
    account text NOT NULL, trade_id bytea NOT NULL, seq bigint NOT NULL, is_open boolean NOT NULL,
    digest text NOT NULL, image bytea NOT NULL, PRIMARY KEY (account, trade_id)
);
CREATE INDEX surefill_images_open ON surefill_images (account, is_open, seq);
INSERT INTO surefill_schema (version) VALUES (1)
"""


def make_tables(session: Session, account: str) -> None:
    """Make what is missing: the tables, the account's row. Raises `JournalError`."""
    if not _has_tables(session):
        with session.together():
            session.rows("SELECT pg_advisory_xact_lock(%(key)s)", {"key": LOCK_KEY})
            if not _has_tables(session):  # another process was first; its tables are as new as ours
                session.rows(_TABLES)
    query = "INSERT INTO surefill_accounts (account) VALUES (%(account)s) ON CONFLICT DO NOTHING"
    session.rows(query, {"account": account})


def has_journal(session: Session, account: str) -> bool:
    """Whether anything was ever kept there for this account. Raises `JournalError`."""
    query = "SELECT 1 FROM surefill_accounts WHERE account = %(account)s"
    return _has_tables(session) and bool(session.rows(query, {"account": account}))


def lease_sentence(session: Session, account: str, *, own_place: str = "") -> str | None:
    """Who holds the account at this moment and since when; ``None`` when nobody does, or the dead
    process of ``own_place``. Raises `JournalError`.
    """
    found = session.rows(
        "SELECT holder, since FROM surefill_accounts WHERE account = %(account)s "
        "AND until > clock_timestamp() AND (place = '' OR place <> %(place)s)",
        {"account": account, "place": own_place},
    )
    if not found:
        return None
    holder, since = found[0]
    return f"{holder} since {since.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def has_account(address: DatabaseAddress, account: str) -> bool:
    """`has_journal` with a connection of its own."""
    with closing(Session(address, name="surefill look")) as session:
        return has_journal(session, account)


def holder_in(address: DatabaseAddress, account: str, *, own_place: str = "") -> str | None:
    """`lease_sentence` with a connection of its own; nobody holds what is not there."""
    with closing(Session(address, name="surefill look")) as session:
        if not has_journal(session, account):
            return None
        return lease_sentence(session, account, own_place=own_place)


def schema_of(session: Session, address: DatabaseAddress) -> int:
    """The version of the tables. Raises `JournalError` when there are none of ours."""
    if not _has_tables(session):
        raise JournalError("JOURNAL_UNWRITABLE", f"{address} holds no journal of ours")
    rows = session.rows("SELECT version FROM surefill_schema")
    if not rows:
        raise JournalError("JOURNAL_CORRUPT", f"{address}: it names no schema version")
    return int(rows[0][0])


def check_schema(session: Session, address: DatabaseAddress) -> None:
    """Raises `JournalError` unless the tables are those that this program knows."""
    found = schema_of(session, address)
    if found != SCHEMA_VERSION:
        raise _strange(found, address)


def migrate_tables(address: DatabaseAddress) -> tuple[int, int]:
    """Bring the tables to `SCHEMA_VERSION`; (version found, version now).

    Raises `JournalError`: JOURNAL_HELD while any account is held, JOURNAL_VERSION for a newer one.
    """
    with closing(Session(address, name="surefill migrate")) as session, session.together():
        session.rows("SELECT pg_advisory_xact_lock(%(key)s)", {"key": LOCK_KEY})
        found = schema_of(session, address)
        if found == SCHEMA_VERSION:
            return found, found
        if found > SCHEMA_VERSION or any(n not in STEPS for n in range(found, SCHEMA_VERSION)):
            raise _strange(found, address)
        _refuse_while_held(session)
        for version in range(found, SCHEMA_VERSION):
            session.rows(STEPS[version])
        session.rows("UPDATE surefill_schema SET version = %(n)s", {"n": SCHEMA_VERSION})
    return found, SCHEMA_VERSION


def _refuse_while_held(session: Session) -> None:
    session.rows("LOCK TABLE surefill_accounts")
    query = "SELECT holder FROM surefill_accounts WHERE until > clock_timestamp()"
    holders = ", ".join(row[0] for row in session.rows(query))
    if holders:
        raise JournalHeld(f"the database is in use by {holders}; stop it first")


def _has_tables(session: Session) -> bool:
    # Not `to_regclass`: what that has not found once it may go on not finding in a transaction.
    query = "SELECT 1 FROM pg_class WHERE relname = 'surefill_schema' AND pg_table_is_visible(oid)"
    return bool(session.rows(query))


def _strange(found: int, address: DatabaseAddress) -> JournalError:
    sentence = f"{address} has schema {found}, this program knows {SCHEMA_VERSION}"
    return JournalError("JOURNAL_VERSION", f"{sentence}; start the version that wrote it")
