"""Which account the settings mean, its journal and its limits: what one needs only to look.

What: the parts of the composition root that connect to nobody: `account_of`, the journal's path and
its opening, the machine's clock, `limits_of` and `engine_of`.
Why apart from `wiring`: a verb that only reads must not load a broker's client first, which takes
longer than the verb itself.
Invariants: the account's identity (its journal and the ids of its orders) is a digest of server and
key id, so it is known before anything connects; two spellings of this machine are one.
Must never: import what talks to a network.
"""

from __future__ import annotations

from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

from surefill.brokers.alpaca.endpoints import plays_own_time
from surefill.config import Settings
from surefill.core.engine import Engine, EngineConfig
from surefill.core.ids import account_tag
from surefill.core.risk import Limits
from surefill.journal.sqlite import SqliteJournal
from surefill.ports import WashExempts
from surefill.runtime.clock import SystemClock
from surefill.tactics.registry import TACTICS

BUILD = f"surefill {version('surefill')}"

IDLE_POLL_NS = 120_000_000_000
"""One request a minute while nothing is open: account and positions are two minutes old at most."""


def account_of(settings: Settings) -> str:
    """A stable name of the account: 32 hex digits of server and key id."""
    parts = urlsplit(settings.base_url)
    host = "localhost" if plays_own_time(parts.hostname or "") else parts.hostname
    text = f"{host}:{parts.port or ''}|{settings.key_id.reveal()}"
    return blake2b(text.encode(), digest_size=16).hexdigest()


def journal_path(settings: Settings) -> Path:
    """The journal of this account: one file for each, beside the path of the settings."""
    path = settings.journal_path
    return path.with_name(f"{path.stem}-{account_tag(account_of(settings))}{path.suffix}")


def open_journal(settings: Settings, *, read_only: bool = False) -> SqliteJournal:
    """The journal of this account. Raises `JournalError`."""
    path = journal_path(settings).absolute()
    return SqliteJournal(path, read_only=read_only, account=account_of(settings))


def read_journal(path: Path) -> SqliteJournal:
    """A journal to look at, beside whoever writes it. Raises `JournalError`."""
    return SqliteJournal(path.absolute(), read_only=True)


def journal_at(path: Path) -> SqliteJournal:
    """A journal by its path, to write into; made when there is none. Raises `JournalError`."""
    return SqliteJournal(path.absolute())


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
