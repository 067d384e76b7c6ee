"""What is said over the control port: one JSON object a line, both ways.

    -> {"$":"Hello","protocol":1,"build":"surefill 0.2.0","token":"...","name":"opening-range"}
    <- {"$":"Welcome","build":"surefill 0.2.0","pid":4711,"account":"3f9a01"}
    -> {"$":"Asked","n":1,"request":{"$":"ListOpen"}}
    <- {"$":"Told","n":1,"answer":{"$":"Trades","trades":[]}}

What: the requests, the answers and their codec, which is the journal's: exact integers, every field
named, nothing unknown taken. A trade travels as the image that the journal keeps of it, so that the
other side shows what the engine knows and nothing in between can differ.
Invariants: answers carry the number of their request and may come in any order; a request may be
sent again after a lost connection when it is `Repeatable`.
Must never: carry a credential, or be decoded leniently.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from surefill.core.events import Act
from surefill.core.plan import TradePlan
from surefill.core.preview import AtPrice, PlannedOrder, Preview, PriceRule
from surefill.core.reasons import Reason
from surefill.core.risk import RiskState, risk_state
from surefill.core.state import Denial, Mode
from surefill.core.trade import Trade
from surefill.journal.codec import CORE_MODULES, Codec, types_of
from surefill.ports import JournalError
from surefill.runtime.dry_run import PlanCheck
from surefill.runtime.flat import Flatness, FlatReport, FlatRow

PROTOCOL = 1
REQUEST_BYTES_MAX = 64 * 1024
"""A plan has some hundred bytes; more is no request (failures.md C.6, 18)."""
ANSWER_BYTES_MAX = 64 * 1024 * 1024
"""A thousand open trades with all their orders."""


@dataclass(frozen=True, slots=True)
class Hello:
    """The first line of a client. ``name`` stands in the journal beside what it asked for."""

    protocol: int
    build: str
    token: str
    name: str


@dataclass(frozen=True, slots=True)
class Welcome:
    """The first line of the engine. ``account`` is the tag in its orders' ids."""

    build: str
    pid: int
    account: str


@dataclass(frozen=True, slots=True)
class Execute:
    """Do this plan; answered when it is settled (`Found`), or after ``timeout_ms``."""

    plan: TradePlan
    timeout_ms: int | None


@dataclass(frozen=True, slots=True)
class AwaitClosed:
    """Answered when the trade is over (`Found`), or after ``timeout_ms``."""

    plan_id: str
    timeout_ms: int | None


@dataclass(frozen=True, slots=True)
class ReadTrade:
    """How a trade stands (`Found`)."""

    plan_id: str


@dataclass(frozen=True, slots=True)
class ListOpen:
    """Every open trade (`Trades`)."""


@dataclass(frozen=True, slots=True)
class Operate:
    """An operator's act (`Done`). ``target``: a symbol, a plan id or all."""

    act: Act
    target: str
    why: str


@dataclass(frozen=True, slots=True)
class FlattenAndWait:
    """Close what is meant and say what came of it within ``timeout_ms`` (`FlatReport`)."""

    target: str
    why: str
    timeout_ms: int


@dataclass(frozen=True, slots=True)
class Reduce:
    """Close ``qty`` (1e-9 shares) of a trade; answered when they are gone and the rest is covered
    (`Found`), or after ``timeout_ms``. ``key`` makes it the same request when it comes again."""

    plan_id: str
    qty: int
    why: str
    key: str
    timeout_ms: int


@dataclass(frozen=True, slots=True)
class Tighten:
    """Put a trade's stop at ``stop_px`` (1e-9 USD), which only tightens; answered when it rests
    there (`Found`), or after ``timeout_ms``."""

    plan_id: str
    stop_px: int
    why: str
    timeout_ms: int


@dataclass(frozen=True, slots=True)
class Check:
    """What would become of this plan now (`PlanCheck`); nothing is sent."""

    plan: TradePlan


@dataclass(frozen=True, slots=True)
class Adopt:
    """Cover shares that are there but not ours; answered when they are (`Found`)."""

    plan: TradePlan
    timeout_ms: int


@dataclass(frozen=True, slots=True)
class ReadStatus:
    """How the engine stands (`EngineStatus`)."""


@dataclass(frozen=True, slots=True)
class Found:
    """A trade, or a plan that was denied."""

    trade: Trade | Denial


@dataclass(frozen=True, slots=True)
class Trades:
    """Open trades in order of acceptance."""

    trades: tuple[Trade, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """It is recorded; whether it held can be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineStatus:
    """The engine at ``now_ns`` (UTC). Shares in 1e-9."""

    now_ns: int
    started_ns: int
    build: str
    pid: int
    mode: Mode
    records: int
    kill: Reason | None
    halt: Reason | None
    open_trades: int
    uncovered_qty: int
    in_doubt: int
    requests_left: int | None

    @property
    def risk_state(self) -> RiskState:
        """What new risk is allowed."""
        return risk_state(is_killed=self.kill is not None, is_halted=self.halt is not None)


@dataclass(frozen=True, slots=True)
class Failed:
    """It was not done. ``code`` is an `ErrorCode`, a journal's code or PLAN_INVALID."""

    code: str
    sentence: str
    problems: tuple[Reason, ...]


Request = (
    Execute
    | AwaitClosed
    | ReadTrade
    | ListOpen
    | Operate
    | FlattenAndWait
    | Reduce
    | Tighten
    | Check
    | Adopt
    | ReadStatus
)
Answer = Found | Trades | Done | FlatReport | PlanCheck | EngineStatus | Failed


@dataclass(frozen=True, slots=True)
class Asked:
    """A request and the number that its answer will carry."""

    n: int
    request: Request


@dataclass(frozen=True, slots=True)
class Told:
    """The answer to request ``n``."""

    n: int
    answer: Answer


Line = Hello | Welcome | Asked | Told

WIRE = Codec()
for _module in CORE_MODULES:
    WIRE.register(*types_of(_module))
WIRE.register(
    *(Hello, Welcome, Asked, Told, Execute, AwaitClosed, ReadTrade, ListOpen, Operate),
    *(
        FlattenAndWait,
        Reduce,
        Tighten,
        Check,
        Adopt,
        ReadStatus,
        Found,
        Trades,
        Done,
        EngineStatus,
        Failed,
    ),
    *(Flatness, FlatRow, FlatReport, PlanCheck, Preview, AtPrice, PlannedOrder, PriceRule),
)

M = TypeVar("M", Hello, Welcome, Asked, Told)

UNREPEATABLE = frozenset({Act.RESUME, Act.UNKILL, Act.FLATTEN, Act.REDUCE, Act.HAND_OVER})
"""Acts that could do more when they arrive twice: they would meet another state."""


class Malformed(Exception):
    """A line that is not of the protocol; the sentence says what does not fit."""


def is_repeatable(request: Request) -> bool:
    """Whether the request may be sent again when nobody knows if it arrived.

    A plan may: its id is its idempotency key (I9); a reduction with an id of its own likewise.
    """
    match request:
        case Operate(act=act):
            return act not in UNREPEATABLE
        case FlattenAndWait():
            return False
        case Reduce(key=key):
            return bool(key)
        case _:
            return True


def line_of(message: Line) -> bytes:
    """The message as a line."""
    return WIRE.encode(message) + b"\n"


def hello_of(line: bytes) -> Hello:
    """Raises `Malformed`."""
    return _read(line, Hello)


def welcome_of(line: bytes) -> Welcome:
    """Raises `Malformed`."""
    return _read(line, Welcome)


def asked_of(line: bytes) -> Asked:
    """Raises `Malformed`."""
    return _read(line, Asked)


def told_of(line: bytes) -> Told:
    """Raises `Malformed`."""
    return _read(line, Told)


def _read(line: bytes, expected: type[M]) -> M:
    try:
        return WIRE.decode(line, expected)
    except JournalError as error:
        text = str(error).removeprefix("JOURNAL_CORRUPT: ")
        raise Malformed(text.replace("a stored ", "a ").partition("; another version")[0]) from None
