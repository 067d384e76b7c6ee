"""The shape of the outside world: Broker, MarketData, Journal, Clock.

What: the protocols that every implementation passes one contract suite for, and `Capabilities`.
Why: live, simulation, replay and recovery are the same loop with other ports (design section 3).
The broker port is event-shaped: `Broker.send` never blocks and never raises for a broker's answer;
answers, reports and reads arrive as events in the inbox, so that no hanging request can delay cover
(diary A-08). Its errors are values, sorted by what to do next: `Rejected`, `RateLimited`,
`Unavailable`, `InDoubt` (core.events).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from surefill.core.commands import BrokerCommand
from surefill.core.events import (
    Accepted,
    AccountRead,
    Answer,
    BrokerError,
    CalendarRead,
    Event,
    FillsRead,
    InDoubt,
    OrdersRead,
    PositionsRead,
    RateLimited,
    ReadFailed,
    Rejected,
    Unavailable,
)

__all__ = [
    "Accepted",
    "AccountPicture",
    "Answer",
    "Broker",
    "BrokerError",
    "Capabilities",
    "Clock",
    "InDoubt",
    "Inbox",
    "Journal",
    "JournalEntry",
    "JournalError",
    "JournalFenced",
    "JournalHeld",
    "KeysRefused",
    "Lease",
    "RateLimited",
    "Rejected",
    "Unavailable",
    "WashExempts",
]

START_S = 30.0
"""For the first reads of a start: half a window of a request limit, or a short outage."""


class KeysRefused(ConnectionError):
    """The broker answers and does not accept the keys: no later try will help."""


Inbox = Callable[[Event], None]
"""Where an adapter puts what it learnt. Must be callable from the event loop only."""


class WashExempts(StrEnum):
    """Which complex orders the broker's wash-trade check lets pass (alpaca.md U19)."""

    ALL_COMPLEX = "all_complex"
    NEW_ONLY = "new_only"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a broker can do, as far as a decision depends on it."""

    wash_exempts: WashExempts = WashExempts.NONE
    has_brackets: bool = True


class Clock(Protocol):
    """The only source of time. UTC and monotonic nanoseconds."""

    def now_ns(self) -> int:
        """UTC nanoseconds, never going backwards within a process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPicture:
    """What a broker says about an account at one moment, for people. A part that could not be read
    is its `ReadFailed`, never empty (I11). ``kind``: cash or margin, in words. ``open_orders``
    are all working ones whoever sent them; ``orders`` and ``fills`` those of our open trades.
    ``clock_ahead_ns``: the broker's clock minus ours."""

    account: AccountRead | ReadFailed
    status: str
    kind: str
    orders: OrdersRead | ReadFailed
    open_orders: OrdersRead | ReadFailed
    fills: FillsRead | ReadFailed
    positions: PositionsRead | ReadFailed
    calendar: CalendarRead | ReadFailed
    clock_ahead_ns: int | None
    requests_left: int | None
    requests_limit: int | None


@runtime_checkable
class Broker(Protocol):
    """An account at a broker, with its order stream and market data."""

    @property
    def capabilities(self) -> Capabilities:
        """What decisions may rely on."""

    def send(self, command: BrokerCommand) -> None:
        """Start this request. Never blocks; the answer arrives in the inbox exactly once."""

    def watch(self, symbol: str) -> None:
        """Read the symbol's instrument and quote, and keep its market flowing into the inbox."""

    async def start(self, inbox: Inbox, *, within_s: float = START_S) -> None:
        """Connect; read account, calendar and clock; then attach the streams.

        The reads are asked again for ``within_s`` where waiting can help. Raises `KeysRefused`, and
        ``ConnectionError`` with a sentence when the broker cannot be reached or read.
        """

    async def close(self) -> None:
        """Disconnect. Orders at the broker stay as they are."""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One durable step: ``record`` is canonical text, ``digest`` its link in the hash chain.

    ``images``: trade id -> canonical text of each trade as this record left it; ``is_open``: trade
    id -> whether that trade is still open. ``images`` is empty when entries are read back.
    """

    seq: int
    record: bytes
    digest: str
    images: Mapping[str, bytes]
    is_open: Mapping[str, bool]


class JournalError(Exception):
    """The journal cannot be used; ``code`` is JOURNAL_CORRUPT, JOURNAL_UNWRITABLE,
    JOURNAL_VERSION, JOURNAL_HELD or JOURNAL_FENCED. The sentence says what to do."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code = code


class JournalHeld(JournalError):
    """Another process owns this account's journal; the sentence says who."""

    def __init__(self, sentence: str, *, code: str = "JOURNAL_HELD") -> None:
        super().__init__(code, sentence)


class JournalFenced(JournalHeld):
    """This process owned it, and lost it to another: nothing more may be written or sent."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, code="JOURNAL_FENCED")


@runtime_checkable
class Journal(Protocol):
    """What was decided, in order, durable before it is acted on."""

    def acquire(self, holder: str) -> int:
        """Take the account's lease and return the fencing token (rising). Raises `JournalHeld`."""

    def append(self, entries: Sequence[JournalEntry]) -> None:
        """Make these entries durable, all or none. Returns only after they are on disk.

        Raises `JournalError`; a gap or repeat in ``seq`` and a lost lease are errors.
        """

    def head(self) -> tuple[int, str]:
        """(last sequence number, last digest); (0, "") for an empty journal."""

    def records(self, after_seq: int = 0) -> Iterator[JournalEntry]:
        """Entries after ``after_seq`` in order, images omitted. Raises `JournalError` on
        corruption."""

    def open_images(self) -> Mapping[str, bytes]:
        """trade id -> image, of every trade that is not closed."""

    def image(self, trade_id: str) -> bytes | None:
        """The last image of one trade, open or closed."""

    def closed_ids(self) -> Iterator[str]:
        """Ids of all closed trades."""

    def close(self) -> None:
        """Release the lease and the file."""


@runtime_checkable
class Lease(Protocol):
    """An account that is held for a time, and lost unless it is renewed. (A lock of this machine's
    kernel cannot be lost; a journal on one has no lease.)"""

    def renew(self) -> None:
        """Hold it longer. From any thread. Raises `JournalFenced` when another process has it, and
        other `JournalError` when nobody could be asked."""

    def may_send(self) -> bool:
        """Whether a request to the broker that leaves now is over before anybody else can have
        the account."""
