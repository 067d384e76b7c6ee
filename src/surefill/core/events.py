"""Events: facts that reached the engine, past tense. Everything the core knows comes from these.

What: execution reports and answers from the broker, complete or failed reads, market views,
operator acts, the passing of time. Times are UTC ns: ``venue_ns`` theirs, ``recv_ns`` ours.
Invariants: absence is typed (a failed or truncated read is `ReadFailed`, never an empty list, I11);
a refusal is only `Rejected` when it is definitive for that very body (I10).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from surefill.core.fix import Contingency, ExecType, OrdStatus, OrdType, Side, TimeInForce
from surefill.core.market import MarketView
from surefill.core.plan import Policy, TradePlan
from surefill.core.session import Calendar
from surefill.core.units import US_EQUITY_TICKS, TickSchedule


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionReport:
    """FIX 8: what the broker says about one order. Prices 1e-9 USD, quantities 1e-9 share.

    ``avg_px`` is the broker's own average rounded down to 1e-9: evidence that shares filled, never
    the ledger. ``working`` is False for a leg that waits for its trigger (FIX 636). ``legs`` are
    the children that this message showed; () says nothing about whether there are any.
    ``position_qty`` is the signed position after the fill.
    """

    exec_type: ExecType
    ord_status: OrdStatus
    order_id: str
    cl_ord_id: str
    symbol: str
    side: Side
    ord_type: OrdType
    tif: TimeInForce
    order_qty: int
    cum_qty: int
    venue_ns: int
    recv_ns: int
    avg_px: int | None = None
    limit_px: int | None = None
    stop_px: int | None = None
    contingency: Contingency = Contingency.NONE
    working: bool = True
    submitted_ns: int = 0
    last_qty: int | None = None
    last_px: int | None = None
    exec_id: str | None = None
    position_qty: int | None = None
    replaces: str | None = None
    replaced_by: str | None = None
    legs: tuple[ExecutionReport, ...] = ()
    text: str = ""


class RejectKind(StrEnum):
    """Why the broker definitively refused, sorted by what to do next."""

    DUPLICATE_ID = "DUPLICATE_ID"
    QTY_UNAVAILABLE = "QTY_UNAVAILABLE"
    NOT_AN_EXIT = "NOT_AN_EXIT"
    WASH_TRADE = "WASH_TRADE"
    PRICE_THROUGH = "PRICE_THROUGH"
    BUYING_POWER = "BUYING_POWER"
    NOT_FOUND = "NOT_FOUND"
    ALREADY_TERMINAL = "ALREADY_TERMINAL"
    NOT_REPLACEABLE = "NOT_REPLACEABLE"
    PENDING = "PENDING"
    UNCHANGED = "UNCHANGED"
    NOT_SHORTABLE = "NOT_SHORTABLE"
    NOT_TRADABLE = "NOT_TRADABLE"
    ACCOUNT = "ACCOUNT"
    AUTHORIZATION = "AUTHORIZATION"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The broker took the request; ``report`` is the order it answered with, if any."""

    report: ExecutionReport | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """The broker refused this very request: it had no effect, and repeating it would not help."""

    kind: RejectKind
    text: str


@dataclass(frozen=True, slots=True)
class RateLimited:
    """The request had no effect; not before ``until_ns`` (UTC)."""

    until_ns: int


@dataclass(frozen=True, slots=True)
class Unavailable:
    """The request provably had no effect (it never left, or only a read failed)."""

    text: str


@dataclass(frozen=True, slots=True)
class InDoubt:
    """The request may have worked: ask before acting."""

    text: str


BrokerError = Rejected | RateLimited | Unavailable | InDoubt
Answer = Accepted | BrokerError


class Verb(StrEnum):
    """The request that an answer belongs to."""

    SUBMIT = "SUBMIT"
    CANCEL = "CANCEL"
    REPLACE = "REPLACE"
    QUERY = "QUERY"


@dataclass(frozen=True, slots=True)
class PlanSubmitted:
    """A caller asked for a trade. ``policy`` is the effective one, before the plan's overrides."""

    plan: TradePlan
    policy: Policy
    is_legacy: bool
    recv_ns: int


@dataclass(frozen=True, slots=True)
class PositionAdopted:
    """Somebody asked for cover of shares that are there but not ours. ``plan`` says how many, its
    signal price what they cost (1e-9 USD), its exits where they end."""

    plan: TradePlan
    policy: Policy
    by: str
    recv_ns: int


Submission = PlanSubmitted | PositionAdopted
"""What can become a trade."""


@dataclass(frozen=True, slots=True)
class RequestAnswered:
    """The answer to one command; ``cl_ord_id`` is the key that the command carried."""

    trade_id: str
    verb: Verb
    cl_ord_id: str
    answer: Answer
    sent_ns: int
    recv_ns: int


@dataclass(frozen=True, slots=True)
class ReportReceived:
    """An execution report from the stream."""

    report: ExecutionReport


@dataclass(frozen=True, slots=True)
class OrdersRead:
    """A complete listing of the orders submitted after ``after_ns``, asked for at ``sent_ns``."""

    orders: tuple[ExecutionReport, ...]
    after_ns: int
    sent_ns: int
    recv_ns: int


@dataclass(frozen=True, slots=True)
class FillsRead:
    """A complete listing of the executions after ``after_ns``.

    ``cum_qty`` of each report is the order's after that execution.
    """

    fills: tuple[ExecutionReport, ...]
    after_ns: int
    sent_ns: int
    recv_ns: int


@dataclass(frozen=True, slots=True)
class Position:
    """A holding at the broker: signed ``qty`` (1e-9 share)."""

    symbol: str
    qty: int
    avg_px: int | None = None


@dataclass(frozen=True, slots=True)
class PositionsRead:
    """A complete listing of the account's positions."""

    positions: tuple[Position, ...]
    sent_ns: int
    recv_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What the gate needs to know of the account; ``None`` = the broker did not say (A-19)."""

    account_id: str
    equity_usd: int | None
    last_equity_usd: int | None
    buying_power_usd: int | None
    shorting_enabled: bool
    is_blocked: bool


@dataclass(frozen=True, slots=True)
class AccountRead:
    """The account as read."""

    account: Account
    recv_ns: int


@dataclass(frozen=True, slots=True)
class ReadFailed:
    """A read that did not complete: it says nothing about what exists."""

    what: str
    text: str
    recv_ns: int


@dataclass(frozen=True, slots=True)
class Instrument:
    """What may be traded, and on which grid."""

    symbol: str
    is_tradable: bool
    is_shortable: bool
    is_easy_to_borrow: bool
    ticks: TickSchedule = US_EQUITY_TICKS


@dataclass(frozen=True, slots=True)
class InstrumentRead:
    """Instrument data as read."""

    instrument: Instrument
    recv_ns: int


@dataclass(frozen=True, slots=True)
class CalendarRead:
    """Trading sessions as read from the venue's calendar."""

    calendar: Calendar
    recv_ns: int


@dataclass(frozen=True, slots=True)
class MarketUpdated:
    """A symbol's market changed, or its feed proved alive."""

    view: MarketView


@dataclass(frozen=True, slots=True)
class StreamChanged:
    """The order stream attached (gap-checked reads follow) or was lost."""

    is_up: bool
    recv_ns: int


@dataclass(frozen=True, slots=True)
class BudgetChanged:
    """Broker requests left in the window, and how many of them only protection may use."""

    left: int
    reserved: int
    recv_ns: int


@dataclass(frozen=True, slots=True)
class EngineStarted:
    """A process took over the account: whatever was in flight is now in doubt."""

    token: int
    build: str
    settings_digest: str
    recv_ns: int


@dataclass(frozen=True, slots=True)
class TimePassed:
    """A deadline was reached."""


class Act(StrEnum):
    """What an operator may ask for."""

    HALT = "HALT"
    RESUME = "RESUME"
    KILL = "KILL"
    UNKILL = "UNKILL"
    FLATTEN = "FLATTEN"
    CANCEL_ENTRY = "CANCEL_ENTRY"
    HAND_OVER = "HAND_OVER"
    REDUCE = "REDUCE"
    TIGHTEN = "TIGHTEN"


@dataclass(frozen=True, slots=True)
class OperatorActed:
    """A human (or a script in their name) gave an order. ``target`` is a symbol, a trade id or
    empty for all; ``qty`` the shares (1e-9) of each trade that a `REDUCE` closes. ``key``: the
    caller's own id of a `REDUCE` of one trade; the same again is the same request, not another.
    ``px``: where a `TIGHTEN` puts the stop (1e-9 USD)."""

    act: Act
    target: str
    by: str
    why: str
    recv_ns: int
    qty: int = 0
    key: str = ""
    px: int = 0


@dataclass(frozen=True, slots=True)
class NoteWritten:
    """Somebody put something on record that changes nothing here: a rollback, a sign-off.

    ``topic`` says what, ``facts`` are (name, text) pairs. Written by tools while no engine runs.
    """

    topic: str
    by: str
    why: str
    facts: tuple[tuple[str, str], ...]
    recv_ns: int


Event = (
    PlanSubmitted
    | PositionAdopted
    | RequestAnswered
    | ReportReceived
    | OrdersRead
    | FillsRead
    | PositionsRead
    | AccountRead
    | ReadFailed
    | InstrumentRead
    | CalendarRead
    | MarketUpdated
    | StreamChanged
    | BudgetChanged
    | EngineStarted
    | TimePassed
    | OperatorActed
    | NoteWritten
)
