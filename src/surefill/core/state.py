"""What the engine knows beside its trades: the account, the feeds, the switches that stop new risk.

What: `EngineConfig` (fixed at the start), `EngineState` (journaled and imaged like a trade),
`Denial` (a plan that never became one), `Closing` (a closing request under an id of its caller).
Invariants: kill and halt survive restarts (I6); what has not been read since the start is unknown,
not empty (I11, I25).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from surefill.core.events import Account, Instrument, Position
from surefill.core.limits import Entered, Limits
from surefill.core.plan import SECOND_NS, TradePlan
from surefill.core.reasons import Reason
from surefill.core.session import Calendar

NO_SESSIONS = Calendar()
HELD_WAIT_NS = 5 * SECOND_NS
"""So long after a start a plain closing order waits for the first read of the positions."""


class Mode(StrEnum):
    """How far the start has come (I25). Entries are accepted in READY only."""

    STARTING = "STARTING"
    RECONCILING = "RECONCILING"
    READY = "READY"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConfig:
    """What the engine is told once. ``exits_beside_entry``: the broker lets an OCO rest beside a
    working entry of the same symbol (U19). ``idle_poll_ns``: how often the account is read while
    nothing is open, 0 for never; a process that runs for days must not judge by yesterday."""

    account: str
    limits: Limits
    exits_beside_entry: bool = False
    idle_poll_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineState:
    """The engine's own memory. Times UTC ns; ``*_read_ns`` is when the last complete read was
    asked for. ``entered``: entries of late, for the limits over time."""

    mode: Mode = Mode.STARTING
    token: int = 0
    started_ns: int = 0
    is_stream_up: bool = False
    account: Account | None = None
    instruments: tuple[Instrument, ...] = ()
    calendar: Calendar = NO_SESSIONS
    foreign: tuple[Position, ...] = ()
    orders_read_ns: int = 0
    positions_read_ns: int = 0
    account_read_ns: int = 0
    kill: Reason | None = None
    halt: Reason | None = None
    requests_left: int | None = None
    requests_reserved: int = 0
    unknown_orders: tuple[str, ...] = ()
    entered: tuple[Entered, ...] = ()

    def instrument(self, symbol: str) -> Instrument | None:
        """Instrument data of a symbol, if read."""
        return next((i for i in self.instruments if i.symbol == symbol), None)

    @property
    def is_complete(self) -> bool:
        """Whether a start has read everything that it has to, and the stream is attached (I25)."""
        return (
            self.mode is Mode.RECONCILING
            and self.is_stream_up
            and self.account is not None
            and self.orders_read_ns >= self.started_ns
            and self.positions_read_ns >= self.started_ns
            and bool(self.calendar.sessions)
        )

    def is_held_known(self, now: int) -> bool:
        """Whether the positions were read since the start, or that was waited for long enough: who
        held our shares while nobody looked is not in our books."""
        return self.positions_read_ns > 0 or now >= self.started_ns + HELD_WAIT_NS


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """A plan that was refused before anything was sent: every reason, and when (UTC ns)."""

    plan: TradePlan
    is_legacy: bool
    reasons: tuple[Reason, ...]
    at_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """A request to close shares that was taken (UTC ns): its caller's own id for it makes a second
    one with the same id the same request. ``qty``: shares (1e-9) of ``trade_id`` that were to go.
    """

    key: str
    trade_id: str
    qty: int
    at_ns: int
