"""Which account the settings mean, its journal and its limits: what one needs only to look.

What: the parts of the composition root that connect to nobody: `account_of`, the journal's path and
its opening, the machine's clock, `limits_of` and `engine_of`.
Why apart from `wiring`: a verb that only reads must not load a broker's client first, which takes
longer than the verb itself.
Invariants: the account's identity (its journal and the ids of its orders) is a digest of server and
key id, so it is known before anything connects; two spellings of this machine are one.
Must never: import what talks to a network, unless the journal is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from surefill import __version__
from surefill.brokers.alpaca.endpoints import is_practice, plays_own_time
from surefill.config import Settings
from surefill.core.engine import Engine, EngineConfig
from surefill.core.ids import account_tag
from surefill.core.risk import Limits
from surefill.journal.address import DatabaseAddress
from surefill.journal.files import ProcessLock, held_by, lock_beside, place_of, private_folder
from surefill.journal.migrate import migrate
from surefill.journal.sqlite import SqliteJournal
from surefill.ports import JournalError, WashExempts
from surefill.runtime.clock import SystemClock, uptime_ns
from surefill.tactics.registry import TACTICS

if TYPE_CHECKING:
    from surefill.journal.postgres import PostgresJournal

BUILD = f"surefill {__version__}"

IDLE_POLL_NS = 120_000_000_000
"""One request a minute while nothing is open: account and positions are two minutes old at most."""


def account_of(settings: Settings) -> str:
    """A stable name of the account: 32 hex digits of server and key id."""
    parts = urlsplit(settings.base_url)
    host = "localhost" if plays_own_time(parts.hostname or "") else parts.hostname
    text = f"{host}:{parts.port or ''}|{settings.key_id.reveal()}"
    return blake2b(text.encode(), digest_size=16).hexdigest()


def host_of(base_url: str) -> str:
    """The host's name, in small letters."""
    return (urlsplit(base_url).hostname or "").lower()


def is_real_money(base_url: str) -> bool:
    """Whether orders to this address may cost money."""
    return not is_practice(host_of(base_url))


def journal_path(settings: Settings) -> Path:
    """The journal of this account: one file for each, beside the path of the settings."""
    path = settings.local_path
    return path.with_name(f"{path.stem}-{account_tag(account_of(settings))}{path.suffix}")


@dataclass(frozen=True, slots=True)
class JournalSource:
    """Where a journal is. ``path``: its file; of one in a database, the file that it would be:
    lock, control port and heartbeat on this machine stand beside that. ``str`` is for people."""

    path: Path
    address: DatabaseAddress | None = None
    account: str = ""

    def __str__(self) -> str:
        return str(self.path if self.address is None else self.address)

    def exists(self) -> bool:
        """Whether there is one. Raises `JournalError` when the database cannot say."""
        if self.address is None:
            return self.path.exists()
        with _driver():
            from surefill.journal.tables import has_account

            return has_account(self.address, self.account)

    def holder(self) -> str | None:
        """Who holds it at this moment, as a sentence. Raises `JournalError`."""
        here = self.holder_here()
        if self.address is None:
            return here
        place = place_of(lock_beside(self.path.absolute())) if here is None else ""
        with _driver():
            from surefill.journal.tables import holder_in

            return holder_in(self.address, self.account, own_place=place)

    def holder_here(self) -> str | None:
        """The same of this machine alone, by the lock beside the path. Raises `JournalError`."""
        return held_by(lock_beside(self.path.absolute()))


def source_of(settings: Settings) -> JournalSource:
    """Where the journal of this account is."""
    place = settings.journal_path
    address = place if isinstance(place, DatabaseAddress) else None
    return JournalSource(journal_path(settings), address, account_of(settings) if address else "")


def open_journal(settings: Settings, *, read_only: bool = False) -> SqliteJournal | PostgresJournal:
    """The journal of this account. Raises `JournalError`."""
    source = source_of(settings)
    if read_only:
        return read_journal(source)
    if source.address is None:
        return SqliteJournal(source.path.absolute(), account=account_of(settings))
    journal = _in_database(source)
    try:
        if journal.head()[0] == 0:
            _refuse_to_leave_behind(source.path)
    except JournalError:
        journal.close()
        raise
    return journal


def source_at(place: JournalSource | Path) -> JournalSource:
    """A file by its path, or the place itself."""
    return JournalSource(place) if isinstance(place, Path) else place


def read_journal(place: JournalSource | Path) -> SqliteJournal | PostgresJournal:
    """A journal to look at, beside whoever writes it. Raises `JournalError`."""
    source = source_at(place)
    if source.address is None:
        return SqliteJournal(source.path.absolute(), read_only=True)
    return _in_database(source, read_only=True)


def journal_at(place: JournalSource | Path) -> SqliteJournal | PostgresJournal:
    """A journal by its place, to write into; made when there is none. Raises `JournalError`."""
    source = source_at(place)
    if source.address is None:
        return SqliteJournal(source.path.absolute())
    return _in_database(source)


def migrate_journal(source: JournalSource) -> tuple[int, int]:
    """Bring it to this version's schema; (version found, version now). Raises `JournalError`."""
    if source.address is None:
        return migrate(source.path, holder=f"{BUILD}, to migrate")
    with _driver():
        from surefill.journal.tables import migrate_tables

        return migrate_tables(source.address)


_checked: dict[tuple[str, str], tuple[int, str]] = {}
"""(database, account) -> the head up to which this process has walked the chain."""


def _in_database(source: JournalSource, *, read_only: bool = False) -> PostgresJournal:
    assert source.address is not None
    path, name = source.path.absolute(), (str(source.address), source.account)
    if not read_only:
        private_folder(path)
    with _driver():
        from surefill.journal.postgres import PostgresJournal as Chosen

        journal = Chosen(
            source.address,
            source.account,
            uptime_ns=uptime_ns,
            lock=None if read_only else ProcessLock(lock_beside(path)),
            read_only=read_only,
            known=_checked.get(name, (0, "")),
        )
    _checked[name] = journal.checked
    return journal


def _refuse_to_leave_behind(path: Path) -> None:
    """A new journal knows nothing of the trades of the old one, which would be nobody's."""
    if not path.exists():
        return
    old = read_journal(path)
    try:
        left = [name for name in old.open_images() if "@" not in name]
    finally:
        old.close()
    if left:
        sentence = (
            f"{len(left)} trades are open in {path}, and the journal in the database is new: "
        )
        sentence += f"end them with the old setting first ({', '.join(left[:5])})"
        raise JournalError("JOURNAL_UNWRITABLE", sentence)


@contextmanager
def _driver() -> Iterator[None]:
    """The driver is an extra, loaded by who needs it."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != "psycopg":
            raise
        sentence = "a journal in PostgreSQL needs its driver: pip install 'surefill[postgres]'"
        raise JournalError("JOURNAL_UNWRITABLE", sentence) from None


def machine_clock() -> SystemClock:
    """This machine's clock, whatever the broker's says."""
    return SystemClock()


def limits_of(settings: Settings) -> Limits:
    """The gate's limits: those with a setting of their own, the list, and its symbols."""
    general = {one.field: one.value for one in settings.limits if not one.symbol}
    return Limits(
        order_qty_max=settings.max_order_qty,
        order_notional_max_usd=settings.max_order_notional_usd,
        total_notional_max_usd=settings.max_total_notional_usd,
        open_trades_max=settings.max_open_trades,
        daily_loss_max_usd=settings.daily_loss_limit_usd,
        signal_age_max_ns=settings.signal_age_max_ns,
        quote_age_max_ns=settings.quote_age_max_ns,
        entry_cutoff_ns=settings.entry_cutoff_ns,
        restricted=settings.restricted_symbols,
        overrides=tuple(one for one in settings.limits if one.symbol),
        **general,
    )


def engine_of(settings: Settings) -> Engine:
    """An engine that knows nothing yet."""
    config = EngineConfig(
        account=account_of(settings),
        limits=limits_of(settings),
        exits_beside_entry=settings.wash_exempts is not WashExempts.NONE,
        idle_poll_ns=IDLE_POLL_NS,
    )
    return Engine(config, TACTICS)


def has_own_time(settings: Settings) -> bool:
    """Whether the broker is a venue on this machine, which may play another day."""
    return plays_own_time(urlsplit(settings.base_url).hostname or "")
