"""Build a whole venue from one configuration: market, exchange, edge, protocol, clock.

What: `ExchangeConfig` (what was asked for) and `build` (the one place of the simulation that puts
the parts together). Used by the command line, the demo and the tests alike.
Invariants: the same configuration and the same requests at the same venue times give the same
truth log. With neither tape nor seed the market is empty.
Must never: open a socket or read a clock; the caller passes a monotonic reading and the wall time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from surefill.core.session import Calendar, Session
from surefill.core.values import replace
from surefill.sim.alpaca.api import AlpacaFace
from surefill.sim.alpaca.fault_file import Planned, read_scenario
from surefill.sim.alpaca.keys import KeyRing, Owner, read_keys
from surefill.sim.alpaca.switches import FaceSwitches
from surefill.sim.alpaca.text import new_york_date
from surefill.sim.assets import Asset, AssetTable
from surefill.sim.calendar import session_on, us_equity_calendar
from surefill.sim.edge import Edge
from surefill.sim.exchange import Exchange
from surefill.sim.faults import FaultPlan
from surefill.sim.market import MarketSource, MergedMarket
from surefill.sim.models import (
    DEFAULT_DELAYS,
    NO_FEES,
    Delay,
    DelayRange,
    Delays,
    DelaySamples,
    FeeModel,
    LatencyModel,
    constant_delays,
)
from surefill.sim.pacing import ONE_PPB, PacedClock
from surefill.sim.profiles import MID, TIGHT, WIDE
from surefill.sim.switches import Switches
from surefill.sim.synthetic import SyntheticTape
from surefill.sim.tape import list_tapes, open_tape
from surefill.sim.truth import TruthLog

NS_PER_S = 1_000_000_000
LEAD_NS = 60 * NS_PER_S
"""A tape is read from this long before the start, so that there is a market when clients come."""
AFTER_OPEN_NS = NS_PER_S
"""A day starts this long after its opening: regular hours, and every symbol is quoted."""

SYNTHETIC_DATE = 20260302
"""The New York day a seeded market plays on (a Monday, full session)."""
SYNTHETIC_SYMBOLS = (("TIGHT", TIGHT), ("MID", MID), ("WIDE", WIDE))
"""What trades on a seeded market: one symbol per profile of liquidity."""


class ConfigError(ValueError):
    """A configuration that cannot be built; the message says what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeConfig:
    """What to build. ``start_ns`` (UTC) overrides where the venue's clock starts."""

    tape: Path | None = None
    tape_date: int | None = None
    seed: int | None = None
    start_ns: int | None = None
    speed_ppb: int = ONE_PPB
    pinned: bool = False
    switches: Switches = field(default_factory=Switches)
    face: FaceSwitches = field(default_factory=FaceSwitches)
    keys_path: Path | None = None
    faults_path: Path | None = None
    fee_per_share_usd: int = 0
    """1e-9 USD per executed share, taken out of cash with each execution."""
    borrow_bps: int = 0
    """Yearly cost of short positions, 1e-4 of their value."""
    latency: str = "default"
    """``default`` (log-normal), ``none``, or ``constant:MS``."""
    latency_samples: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Kind of delay -> recorded delays in microseconds; these kinds are drawn from them."""
    id_seed: int = 0

    def __post_init__(self) -> None:
        if self.tape is not None and self.seed is not None:
            raise ConfigError("choose a tape or a seed, not both")
        if self.borrow_bps < 0:
            raise ConfigError("the borrow fee is not negative")
        self.delays()

    def delays(self) -> Delays:
        """How long things take."""
        word, _, rest = self.latency.partition(":")
        base: dict[Delay, DelayRange | DelaySamples] = dict(DEFAULT_DELAYS)
        if word == "constant" and rest.isascii() and rest.isdigit() and len(rest) < 7:
            base = dict(constant_delays(int(rest)))
        elif self.latency == "none":
            base = {}
        elif self.latency != "default":
            raise ConfigError("latency is default, none, constant:MS or the name of a JSON file")
        try:
            for kind, samples in self.latency_samples.items():
                base[Delay(kind)] = DelaySamples(tuple(samples))
        except ValueError as error:
            raise ConfigError(f"recorded latency: {error}") from None
        return base

    def with_model(self, model: str) -> ExchangeConfig:
        """The same with this fill model (``queue``, ``touch``, ``paper``)."""
        return replace(self, switches=replace(self.switches, fill_model=model))


@dataclass(frozen=True, slots=True)
class Venue:
    """Everything behind the sockets. ``title`` says in words what market is played."""

    config: ExchangeConfig
    title: str
    exchange: Exchange
    edge: Edge
    face: AlpacaFace
    keys: KeyRing
    clock: PacedClock
    log: TruthLog
    first_ns: int
    """Where the exchange started, before the lead of its market."""


@dataclass(frozen=True, slots=True)
class _Market:
    source: MarketSource | None
    first_ns: int
    start_ns: int
    title: str
    symbols: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueParts:
    """What an assembled venue is made of beside its market; see the fields' types."""

    switches: Switches = field(default_factory=Switches)
    face: FaceSwitches = field(default_factory=FaceSwitches)
    delays: Delays = field(default_factory=lambda: DEFAULT_DELAYS)
    id_seed: int = 0
    cash_usd: int | None = None
    """Starting cash of every account, 1e-9 USD; ``None`` = as its key says."""
    keys_path: Path | None = None
    symbols: tuple[str, ...] = ()
    """Assets that exist before their first quote."""
    faults: FaultPlan | None = None
    fees: FeeModel = NO_FEES


@dataclass(frozen=True, slots=True)
class Assembled:
    """A venue without a clock of its own: whoever holds it moves its time through `Edge`."""

    exchange: Exchange
    edge: Edge
    face: AlpacaFace
    keys: KeyRing
    log: TruthLog


def assemble(
    market: MarketSource | None, *, calendar: Calendar, start_ns: int, parts: VenueParts
) -> Assembled:
    """Put exchange, protocol and edge together; the server and the virtual harness share this."""
    log = TruthLog()
    exchange = Exchange(
        seed=parts.id_seed,
        calendar=calendar,
        start_ns=start_ns,
        switches=parts.switches,
        latency=LatencyModel(seed=f"{parts.id_seed}:venue", delays=parts.delays),
        log=log,
        assets=AssetTable(Asset(symbol=symbol, name=symbol) for symbol in parts.symbols),
        fees=parts.fees,
    )

    def open_account(owner: Owner) -> None:
        cash_usd = owner.cash_usd if parts.cash_usd is None else parts.cash_usd
        exchange.open_account(owner.account, cash_usd=cash_usd)

    named = read_keys(parts.keys_path) if parts.keys_path is not None else None
    keys = KeyRing(open_account, named)
    face = AlpacaFace(exchange, keys=keys, switches=parts.face, sessions_between=_sessions_between)
    edge = Edge(
        exchange=exchange,
        market=market,
        face=face,
        latency=LatencyModel(seed=f"{parts.id_seed}:edge", delays=parts.delays),
        faults=parts.faults if parts.faults is not None else FaultPlan(parts.id_seed),
    )
    return Assembled(exchange, edge, face, keys, log)


def build(
    config: ExchangeConfig, *, reading_ns: Callable[[], int], wall_ns: Callable[[], int]
) -> Venue:
    """A venue ready to serve. ``wall_ns`` is asked once, when nothing else gives a start."""
    market = _market(config, wall_ns)
    # A year ahead: GTC orders expire after 90 days and the clock names the next opening.
    calendar = _calendar_around(market.start_ns)
    parts = _parts(config, market)
    made = assemble(market.source, calendar=calendar, start_ns=market.first_ns, parts=parts)
    made.edge.advance(market.start_ns)
    if config.faults_path is not None:
        _plan_faults(made.edge, read_scenario(config.faults_path))
    clock = PacedClock(
        reading_ns, start_ns=market.start_ns, speed_ppb=config.speed_ppb, pinned=config.pinned
    )
    return _venue(config, market, made=made, clock=clock)


def open_venue(
    config: ExchangeConfig, *, first_ns: int, clock_ns: int, reading_ns: Callable[[], int]
) -> Venue:
    """A venue that has played nothing yet and holds nothing, for a snapshot to fill."""
    market = _market(config, lambda: first_ns)
    if market.first_ns != first_ns:
        raise ConfigError("the market does not start where it started before")
    calendar = Calendar()
    parts = _parts(config, market)
    made = assemble(market.source, calendar=calendar, start_ns=first_ns, parts=parts)
    clock = PacedClock(
        reading_ns, start_ns=clock_ns, speed_ppb=config.speed_ppb, pinned=config.pinned
    )
    return _venue(config, market, made=made, clock=clock)


def _parts(config: ExchangeConfig, market: _Market) -> VenueParts:
    return VenueParts(
        switches=config.switches,
        face=config.face,
        delays=config.delays(),
        id_seed=config.id_seed,
        keys_path=config.keys_path,
        symbols=tuple(market.symbols),
        fees=FeeModel(config.fee_per_share_usd, config.borrow_bps),
    )


def _venue(config: ExchangeConfig, market: _Market, *, made: Assembled, clock: PacedClock) -> Venue:
    return Venue(
        config=config,
        title=market.title,
        exchange=made.exchange,
        edge=made.edge,
        face=made.face,
        keys=made.keys,
        clock=clock,
        log=made.log,
        first_ns=market.first_ns,
    )


def _plan_faults(edge: Edge, planned: list[Planned]) -> None:
    """Arm each fault when its time comes."""
    for item in planned:
        edge.arm_later(item.after_ms, item.fault)


def _market(config: ExchangeConfig, wall_ns: Callable[[], int]) -> _Market:
    if config.tape is not None:
        return _recorded(config, config.tape)
    if config.seed is not None:
        return _synthetic(config, config.seed)
    start_ns = config.start_ns if config.start_ns is not None else wall_ns()
    return _Market(None, start_ns, start_ns, "empty market; quotes come from /sim/nbbo")


def _synthetic(config: ExchangeConfig, seed: int) -> _Market:
    session = session_on(SYNTHETIC_DATE)
    tapes = [
        SyntheticTape(seed, symbol, session, profile=profile)
        for symbol, profile in SYNTHETIC_SYMBOLS
    ]
    names = tuple(symbol for symbol, _ in SYNTHETIC_SYMBOLS)
    title = f"synthetic market, seed {seed}: {', '.join(names)} on {SYNTHETIC_DATE}"
    start_ns = _start_ns(config, session)
    return _Market(MergedMarket(tapes), min(start_ns, session.open_ns), start_ns, title, names)


def _recorded(config: ExchangeConfig, path: Path) -> _Market:
    days = list_tapes(path)
    if not days:
        raise ConfigError(f"no tape in {path}: one is named X_nbbo.parquet or X_quotes_l1.parquet")
    dates = sorted({day.date for day in days})
    date = config.tape_date if config.tape_date is not None else dates[0]
    chosen = [day for day in days if day.date == date]
    if not chosen:
        known = ", ".join(map(str, dates))
        raise ConfigError(f"no tape of {date} in {path}; there are {known}")
    start_ns = _start_ns(config, session_on(date))
    first_ns = start_ns - LEAD_NS
    tapes = [open_tape(day, start_ns=first_ns) for day in chosen]
    names = tuple(sorted({day.symbol for day in chosen}))
    title = f"recorded market: {', '.join(names)} on {date}"
    return _Market(MergedMarket(tapes), first_ns, start_ns, title, names)


def _start_ns(config: ExchangeConfig, session: Session) -> int:
    return config.start_ns if config.start_ns is not None else session.open_ns + AFTER_OPEN_NS


def _calendar_around(ns: int) -> Calendar:
    day = datetime.fromtimestamp(ns // NS_PER_S, UTC)
    first, last = day - timedelta(days=10), day + timedelta(days=370)
    return us_equity_calendar(int(f"{first:%Y%m%d}"), int(f"{last:%Y%m%d}"))


def _sessions_between(first: int, last: int) -> tuple[Session, ...]:
    return us_equity_calendar(first, _real_date(last)).sessions


def _real_date(yyyymmdd: int) -> int:
    """The last real day not after a number that may name no day (20260132 -> 20260131)."""
    year, month, day = yyyymmdd // 10_000, yyyymmdd // 100 % 100, yyyymmdd % 100
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    for last in (day, 31, 30, 29, 28):
        try:
            moment = datetime(year, month, last, 12, tzinfo=UTC)
        except ValueError:
            continue
        return int(new_york_date(int(moment.timestamp()) * NS_PER_S).replace("-", ""))
    raise ConfigError(f"not a date: {yyyymmdd}")
