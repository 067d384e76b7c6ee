"""Alpaca's JSON as it arrives: tolerant of what is new, strict about what we use.

What: one struct per record, and decoding that answers with `Unreadable` instead of raising.
Why: the official client's strict models kill a whole stream for one unknown word (failures.md
B-09); here a bad record costs that record, and the next one is still read.
Invariants: unknown fields are ignored, missing ones are ``None``; numbers may be strings or JSON
numbers and become exact ``Decimal`` from their own text, never through a double (fault N7); lists
are split before their items are looked at.
Must never: raise on anything that a peer can send, or put a default where a word was unknown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
from msgspec import Raw, Struct

from surefill.core.units import MAX_NANO, NANO

TEXT_LENGTH_MAX = 200
"""Characters of foreign text kept in a message: enough to explain, too little to flood a log."""
LENGTH_MAX = 48
"""A longer number is nonsense; an average with 16 decimals is the longest recorded."""
EXPONENT_MAX = 30
"""Bounds 10**exponent before anything computes it: ``1e-999999999`` must not eat the machine."""

NULL = Raw(b"null")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that could not be understood: a typed absence, never a default."""

    what: str
    text: str


class WireError(ValueError):
    """A field that is missing, of an unknown word, or no usable number. Never leaves here."""


def printable(text: str) -> str:
    """Foreign text made safe for one log line: printable, single-line, bounded (S8)."""
    return "".join(char if char.isprintable() else " " for char in text[:TEXT_LENGTH_MAX])


def attempt(what: str, make: Callable[[], T]) -> T | Unreadable:
    """``make()``, or `Unreadable` for anything a malformed record makes it raise."""
    try:
        return make()
    except RecursionError:
        return Unreadable(what, "nested too deeply")
    except ValueError as error:
        return Unreadable(what, printable(str(error)))


_ITEMS = msgspec.json.Decoder(list[Raw])
_NUMBER = msgspec.json.Decoder(Decimal | None)
_DECODERS: dict[type, msgspec.json.Decoder[Any]] = {}  # struct -> its decoder, made once


def decode(kind: type[T], raw: bytes | Raw) -> T:
    """One record of JSON. Raises ``ValueError`` or ``RecursionError``: call inside `attempt`."""
    decoder = _DECODERS.get(kind)
    if decoder is None:
        decoder = _DECODERS.setdefault(kind, msgspec.json.Decoder(kind))
    record: T = decoder.decode(raw)
    return record


def split(raw: bytes | Raw) -> list[Raw]:
    """The items of a JSON array, unread. Raises like `decode`."""
    return _ITEMS.decode(raw)


def _nano(value: Decimal, name: str) -> tuple[int, int]:
    """(nano integer cut toward minus infinity, what was cut). Quotes arrive by the thousand a
    second: this is `units.to_nano` for a `Decimal` at a third of its time, with tighter bounds."""
    if not value.is_finite():
        raise WireError(f"{name} is not finite")
    if not value:
        return 0, 0
    if abs(value.adjusted()) > EXPONENT_MAX or len(str(value)) > LENGTH_MAX:
        raise WireError(f"{name} is out of range")
    numerator, denominator = value.as_integer_ratio()
    nano, rest = divmod(numerator * NANO, denominator)
    if abs(nano) > MAX_NANO:
        raise WireError(f"{name} is out of range")
    return nano, rest


def exact(value: Decimal | None, name: str) -> int:
    """Exact nano integer of a required number. Raises `WireError`."""
    if value is None:
        raise WireError(f"{name} is missing")
    nano, rest = _nano(value, name)
    if rest:
        raise WireError(f"{name} has more than nine decimals")
    return nano


def exact_or_none(value: Decimal | None, name: str) -> int | None:
    """Exact nano integer of an optional number."""
    return None if value is None else exact(value, name)


def floor_or_none(value: Decimal | None, name: str) -> int | None:
    """Nano integer of a broker's average, cut at the ninth decimal (never for an order)."""
    return None if value is None else _nano(value, name)[0]


def not_negative(value: int, name: str) -> int:
    """``value``, refused below zero."""
    if value < 0:
        raise WireError(f"{name} is negative")
    return value


def positive(value: int, name: str) -> int:
    """``value``, refused at or below zero."""
    if value <= 0:
        raise WireError(f"{name} is not positive")
    return value


def lone_number(raw: Raw) -> Decimal | None:
    """A number of a record whose other fields matter more: ``None`` when it cannot be read."""
    found = attempt("number", lambda: _NUMBER.decode(raw))
    if isinstance(found, Decimal) and found.is_finite():
        return found
    return None


class OrderWire(Struct, frozen=True):
    """An order, with nested legs left unread."""

    id: str
    symbol: str
    side: str
    status: str
    client_order_id: str = ""
    type: str | None = None
    order_type: str | None = None
    time_in_force: str | None = None
    order_class: str | None = None
    position_intent: str | None = None
    qty: Decimal | None = None
    notional: Decimal | None = None
    filled_qty: Decimal | None = None
    filled_avg_price: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    created_at: str | None = None
    updated_at: str | None = None
    submitted_at: str | None = None
    replaces: str | None = None
    replaced_by: str | None = None
    legs: list[Raw] | None = None


class OrderKey(Struct, frozen=True):
    """As much of an order as tells whether it could concern us at all."""

    id: str = ""
    submitted_at: str | None = None
    asset_class: str | None = None
    order_class: str | None = None


class ErrorWire(Struct, frozen=True):
    """The body of a refusal; ``code`` is absent in the 401s of 2026."""

    code: int | None = None
    message: str = ""
    reject_reason: str | None = None
    existing_order_id: str | None = None
    available: str | None = None
    existing_qty: str | None = None
    held_for_orders: str | None = None
    base_price: str | None = None
    buying_power: str | None = None
    cost_basis: str | None = None


class StreamWire(Struct, frozen=True):
    """The envelope of the order stream."""

    stream: str = ""
    data: Raw = NULL


class ControlWire(Struct, frozen=True):
    """``data`` of the order stream's own messages."""

    status: str = ""
    action: str = ""
    streams: list[str] = []


class UpdateWire(Struct, frozen=True):
    """``data`` of a trade update. The execution's numbers stay unread: one bad price must not hide
    the order beside it."""

    event: str
    order: Raw
    execution_id: str | None = None
    previous_execution_id: str | None = None
    timestamp: str | None = None
    at: str | None = None
    price: Raw = NULL
    qty: Raw = NULL
    position_qty: Raw = NULL
    reason: str | None = None


class FillWire(Struct, frozen=True):
    """A FILL activity."""

    id: str
    symbol: str
    side: str
    order_id: str
    price: Decimal | None = None
    qty: Decimal | None = None
    cum_qty: Decimal | None = None
    leaves_qty: Decimal | None = None
    transaction_time: str | None = None
    type: str | None = None
    order_status: str | None = None
    activity_type: str | None = None


class PositionWire(Struct, frozen=True):
    """A position; ``qty`` is negative for a short one."""

    symbol: str
    qty: Decimal | None = None
    side: str | None = None
    avg_entry_price: Decimal | None = None


class AccountWire(Struct, frozen=True):
    """The account. Its numbers stay unread: a field that vanishes or breaks (B-18) is unknown."""

    id: str
    account_number: str = ""
    status: str = ""
    equity: Raw = NULL
    last_equity: Raw = NULL
    buying_power: Raw = NULL
    shorting_enabled: bool | None = None
    trading_blocked: bool | None = None
    account_blocked: bool | None = None
    trade_suspended_by_user: bool | None = None


class AssetWire(Struct, frozen=True):
    """An asset; ``easy_to_borrow`` is announced to give way to ``borrow_status``."""

    symbol: str
    class_: str | None = msgspec.field(default=None, name="class")
    status: str | None = None
    tradable: bool | None = None
    shortable: bool | None = None
    easy_to_borrow: bool | None = None
    borrow_status: str | None = None
    price_increment: Decimal | None = None


class ClockWire(Struct, frozen=True):
    """The venue's clock."""

    timestamp: str
    is_open: bool | None = None


class DayWire(Struct, frozen=True):
    """A calendar day, New York local: ``09:30`` or ``0930``."""

    date: str
    open: str
    close: str
    session_open: str | None = None
    session_close: str | None = None


class QuoteWire(Struct, frozen=True):
    """A quote, from REST or the stream. Price 0 means that nobody quotes that side."""

    S: str = ""
    t: str | None = None
    bp: Decimal | None = None
    bs: Decimal | None = None
    ap: Decimal | None = None
    as_: Decimal | None = msgspec.field(default=None, name="as")


class LatestQuoteWire(Struct, frozen=True):
    """The answer to the latest-quote request of one symbol."""

    symbol: str
    quote: Raw


class TradeWire(Struct, frozen=True):
    """A trade on the tape."""

    S: str = ""
    t: str | None = None
    p: Decimal | None = None
    s: Decimal | None = None


class LatestTradeWire(Struct, frozen=True):
    """The answer to the latest-trade request of one symbol."""

    symbol: str
    trade: Raw


class StatusWire(Struct, frozen=True):
    """A trading status message: ``sc`` is the tape's own code."""

    S: str
    sc: str
    t: str | None = None


class MarketWire(Struct, frozen=True):
    """What every message of the market-data stream starts with, and the control fields."""

    T: str
    S: str = ""
    msg: str = ""
    code: int = 0


class SubscriptionWire(Struct, frozen=True):
    """The market stream's present subscription."""

    quotes: list[str] = []
