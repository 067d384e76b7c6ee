"""FIX words for FIX ideas: the enumerations that orders and reports are written in.

What: the closed vocabularies shared by core, adapters and simulator, named after FIX 4.4 / 5.0 SP2
(tag numbers in the docstrings; the glossary has the full list).
Must never: hold a broker's own word. Adapters translate; an unknown word there is an error event.
"""

from __future__ import annotations

from enum import StrEnum


class Side(StrEnum):
    """FIX 54. Quantities are unsigned; positions are signed."""

    BUY = "BUY"
    SELL = "SELL"
    SELL_SHORT = "SELL_SHORT"

    @property
    def sign(self) -> int:
        """+1 for a buy, -1 for a sale: the ``s`` of every formula."""
        return 1 if self is Side.BUY else -1

    @property
    def exit_side(self) -> Side:
        """The side that reduces a position opened by this one."""
        return Side.SELL if self is Side.BUY else Side.BUY


class OrdType(StrEnum):
    """FIX 40."""

    MARKET = "MARKET"
    LIMIT = "LIMIT"
    STOP = "STOP"
    STOP_LIMIT = "STOP_LIMIT"
    TRAILING_STOP = "TRAILING_STOP"


class TimeInForce(StrEnum):
    """FIX 59."""

    DAY = "DAY"
    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    OPG = "OPG"
    CLS = "CLS"


class Contingency(StrEnum):
    """FIX 1385. ``BRACKET`` is an OTO whose triggered orders are an OCO pair."""

    NONE = "NONE"
    OCO = "OCO"
    OTO = "OTO"
    BRACKET = "BRACKET"


class OrdStatus(StrEnum):
    """FIX 39: where an order stands after a report."""

    PENDING_NEW = "PENDING_NEW"
    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    DONE_FOR_DAY = "DONE_FOR_DAY"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REPLACED = "REPLACED"
    REJECTED = "REJECTED"
    PENDING_CANCEL = "PENDING_CANCEL"
    PENDING_REPLACE = "PENDING_REPLACE"
    STOPPED = "STOPPED"
    SUSPENDED = "SUSPENDED"
    CALCULATED = "CALCULATED"

    @property
    def is_terminal(self) -> bool:
        """Whether the broker says that the order can no longer execute."""
        return self in _TERMINAL


_TERMINAL = frozenset(
    {
        OrdStatus.FILLED,
        OrdStatus.CANCELED,
        OrdStatus.EXPIRED,
        OrdStatus.REPLACED,
        OrdStatus.REJECTED,
    }
)


class ExecType(StrEnum):
    """FIX 150: what a report says happened. Since FIX 4.4 every fill is ``TRADE``."""

    PENDING_NEW = "PENDING_NEW"
    NEW = "NEW"
    TRADE = "TRADE"
    TRADE_CANCEL = "TRADE_CANCEL"
    TRADE_CORRECT = "TRADE_CORRECT"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REPLACED = "REPLACED"
    REJECTED = "REJECTED"
    RESTATED = "RESTATED"
    DONE_FOR_DAY = "DONE_FOR_DAY"
    PENDING_CANCEL = "PENDING_CANCEL"
    PENDING_REPLACE = "PENDING_REPLACE"
    CANCEL_REJECTED = "CANCEL_REJECTED"
    REPLACE_REJECTED = "REPLACE_REJECTED"
    STOPPED = "STOPPED"
    SUSPENDED = "SUSPENDED"
    CALCULATED = "CALCULATED"
    ORDER_STATUS = "ORDER_STATUS"
    """FIX ``I``: an answer to a read, no new happening."""


class Leg(StrEnum):
    """The purpose of a child order inside a trade."""

    ENTRY = "ENTRY"
    TARGET = "TARGET"
    STOP = "STOP"
    FLATTEN = "FLATTEN"


class TradingStatus(StrEnum):
    """FIX 326, as far as it changes what may be sent."""

    TRADING = "TRADING"
    HALTED = "HALTED"
    LIMIT_STATE = "LIMIT_STATE"
    UNKNOWN = "UNKNOWN"


class Feed(StrEnum):
    """Where a quote comes from: the consolidated tape, one venue (IEX), or a simulated one."""

    SIP = "SIP"
    IEX = "IEX"
    TEST = "TEST"
