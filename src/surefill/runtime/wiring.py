"""The composition root: from settings to a running engine. The only place that knows the mode.

What: `assemble` puts engine, journal, broker, outbox and driver together; the parts that connect to
nobody stand in `runtime.account`.
Why one place: whatever a setting means, it means it here, so that nothing else can differ between
one kind of account and another.
Must never: decide, or keep a secret in anything that prints.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from random import Random
from urllib.parse import urlsplit

from surefill.brokers.alpaca.broker import AlpacaBroker as ChosenBroker
from surefill.brokers.alpaca.credentials import Credentials
from surefill.brokers.alpaca.endpoints import (
    EndpointError,
    Endpoints,
    endpoints_of,
)
from surefill.brokers.alpaca.picture import CoverLook, picture_of
from surefill.brokers.alpaca.rest import always
from surefill.brokers.alpaca.venue_time import venue_offset_ns
from surefill.config import Settings
from surefill.core.engine import Engine
from surefill.ports import START_S, AccountPicture, Broker, Capabilities, Clock, KeysRefused, Lease
from surefill.runtime.account import (
    BUILD,
    account_of,
    engine_of,
    has_own_time,
    journal_at,
    journal_path,
    limits_of,
    machine_clock,
    open_journal,
    read_journal,
)
from surefill.runtime.alerting import AlertWatch
from surefill.runtime.clock import SystemClock
from surefill.runtime.driver import Driver
from surefill.runtime.errors import ErrorCode, SurefillError
from surefill.runtime.live import Permit, permit_of
from surefill.runtime.logs import LogSinks
from surefill.runtime.outbox import Outbox
from surefill.runtime.stepper import Stepper
from surefill.runtime.telling import courier_of
from surefill.runtime.waiters import Waiters
from surefill.tactics.registry import PLAN_TACTICS


@dataclass(frozen=True, slots=True)
class Runtime:
    """One engine with everything around it."""

    settings: Settings
    clock: Clock
    engine: Engine
    stepper: Stepper
    broker: Broker
    outbox: Outbox
    waiters: Waiters
    driver: Driver
    logs: LogSinks
    alerts: AlertWatch
    permit: Permit | None = None


async def clock_for(settings: Settings, *, within_s: float = START_S) -> SystemClock:
    """This machine's clock; set by the venue's when the venue is on this machine too and answers
    ``within_s``.

    Raises `SurefillError` when keys are missing or that venue does not answer.
    """
    clock = SystemClock()
    credentials, endpoints = _credentials(settings), _endpoints(settings)
    if not has_own_time(settings):
        return clock
    try:
        offset_ns = await venue_offset_ns(endpoints, credentials, clock=clock, within_s=within_s)
    except ConnectionError as error:
        raise unavailable(settings, error) from None
    return SystemClock(offset_ns=offset_ns)


async def look_at_account(settings: Settings, *, clock: Clock, after_ns: int) -> AccountPicture:
    """What the broker says now, in reads alone: no stream, no journal. ``after_ns``: how far back
    orders and fills go.

    Raises `SurefillError` when keys or address cannot be used.
    """
    return await picture_of(
        endpoints=_endpoints(settings),
        credentials=_credentials(settings),
        clock=clock,
        after_ns=after_ns,
    )


def cover_look(settings: Settings, *, clock: Clock) -> CoverLook:
    """Eyes for the watchdog: positions and working orders, nothing else.

    Raises `SurefillError` when keys or address cannot be used.
    """
    return CoverLook(
        endpoints=_endpoints(settings), credentials=_credentials(settings), clock=clock
    )


def assemble(settings: Settings, *, clock: Clock) -> Runtime:
    """Everything built and the journal taken; nothing started. Call it inside a running loop.

    Raises `SurefillError` and `JournalError` (`JournalHeld` when another process has it).
    """
    credentials, endpoints = _credentials(settings), _endpoints(settings)
    courier = courier_of(settings, role="engine")
    hidden = (*settings.secrets, *courier.secrets)
    logs = LogSinks(settings.log_dir, secrets=hidden, clock=clock)
    engine = engine_of(settings)
    journal = open_journal(settings)
    with ExitStack() as on_failure:
        on_failure.callback(journal.close)
        permit = permit_of(journal, settings.base_url)
        stepper = Stepper(engine, journal, holder=BUILD)
        stepper.restore()
        logs.open()
        on_failure.pop_all()
    lease = journal if isinstance(journal, Lease) else None
    broker = ChosenBroker(
        endpoints=endpoints,
        credentials=credentials,
        feed=settings.data_feed,
        clock=clock,
        random=Random(clock.now_ns()),
        requests_per_minute=settings.requests_per_minute,
        capabilities=Capabilities(wash_exempts=settings.wash_exempts),
        may_send=lease.may_send if lease is not None else always,
    )
    waiters = Waiters()
    outbox = Outbox(broker, journal, waiters)
    alerts = AlertWatch(journal, lambda: engine.book.open.values(), courier=courier)
    driver = Driver(stepper, outbox, waiters, clock=clock, notice=alerts.notice, lease=lease)
    parts = (engine, stepper, broker, outbox, waiters, driver, logs, alerts, permit)
    return Runtime(settings, clock, *parts)


def unavailable(settings: Settings, error: ConnectionError) -> SurefillError:
    """What to say when the broker cannot be reached or refuses us."""
    host = urlsplit(settings.base_url).netloc
    if isinstance(error, KeysRefused):
        sentence = f"{host}: {error}; check APCA_API_KEY_ID and APCA_API_SECRET_KEY, and that they "
        sentence += "belong to APCA_API_BASE_URL (a paper key does not fit the live address). "
        return SurefillError(ErrorCode.KEYS_REFUSED, sentence + "Nothing was sent")
    sentence = f"{host}: {error}; check APCA_API_BASE_URL and the network. Nothing was sent"
    return SurefillError(ErrorCode.BROKER_UNAVAILABLE, sentence)


def _credentials(settings: Settings) -> Credentials:
    if not settings.key_id:
        sentence = "set APCA_API_KEY_ID and APCA_API_SECRET_KEY (environment or a private .env)"
        raise SurefillError(ErrorCode.KEYS_MISSING, sentence)
    return Credentials(key_id=settings.key_id.reveal(), secret=settings.secret_key.reveal())


def _endpoints(settings: Settings) -> Endpoints:
    try:
        return endpoints_of(settings.base_url, feed=settings.data_feed)
    except EndpointError as error:
        raise SurefillError(ErrorCode.BROKER_UNAVAILABLE, f"{error}. Nothing was sent") from None


__all__ = [
    "BUILD",
    "PLAN_TACTICS",
    "Runtime",
    "account_of",
    "assemble",
    "clock_for",
    "cover_look",
    "engine_of",
    "has_own_time",
    "journal_at",
    "journal_path",
    "limits_of",
    "look_at_account",
    "machine_clock",
    "open_journal",
    "read_journal",
    "unavailable",
]
