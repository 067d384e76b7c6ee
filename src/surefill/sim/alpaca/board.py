"""The last known state of every symbol, as the market-data routes and streams show it.

What: `Board` keeps the last quote, last print, trading status and the bars of the running minute
and day, and encodes them as Alpaca's ``q``, ``t``, ``b`` and ``s`` objects (alpaca.md 5).
Invariants: prices are JSON numbers made from the decimal text; sizes are in shares; a side nobody
quotes is 0, as on the wire.
Must never: serve a symbol that never had a market event.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from surefill.core.fix import TradingStatus
from surefill.core.market import Nbbo, Print
from surefill.core.units import NANO
from surefill.sim.alpaca.encode import Json
from surefill.sim.alpaca.text import new_york_date, wire_number
from surefill.sim.market import MarketEvent, PrintEvent, QuoteEvent

NS_PER_MINUTE = 60_000_000_000

STATUS_WORDS: Mapping[TradingStatus, tuple[str, str]] = {
    TradingStatus.HALTED: ("H", "Trading Halt"),
    TradingStatus.TRADING: ("T", "Trading Resumption"),
    TradingStatus.LIMIT_STATE: ("P", "Volatility Trading Pause"),
    TradingStatus.UNKNOWN: ("Q", "Quotation Resumption"),
}
"""UTP codes (alpaca.md 5.1)."""


@dataclass(slots=True)
class Bar:
    """Open, high, low, close (1e-9 USD), volume (1e-9 share), turnover (1e-18), prints."""

    start_ns: int
    open_px: int
    high_px: int
    low_px: int
    close_px: int
    qty: int = 0
    cost: int = 0
    prints: int = 0

    def add(self, print_: Print) -> None:
        """Take in one print."""
        self.high_px = max(self.high_px, print_.px)
        self.low_px = min(self.low_px, print_.px)
        self.close_px = print_.px
        self.qty += print_.qty
        self.cost += print_.px * print_.qty
        self.prints += 1


@dataclass(slots=True)
class SymbolState:
    """What the board knows of one symbol."""

    nbbo: Nbbo | None = None
    print_: Print | None = None
    status: TradingStatus = TradingStatus.UNKNOWN
    minute: Bar | None = None
    day: Bar | None = None
    day_text: str = ""
    print_count: int = field(default=0)


class Board:
    """symbol -> `SymbolState`, fed by every market event."""

    def __init__(self) -> None:
        self._states: dict[str, SymbolState] = {}

    def get(self, symbol: str) -> SymbolState | None:
        """The state of a symbol; ``None`` before its first event."""
        return self._states.get(symbol)

    def apply(self, event: MarketEvent) -> None:
        """Take in one market event."""
        state = self._states.setdefault(event.symbol, SymbolState())
        if isinstance(event, QuoteEvent):
            state.nbbo = event.nbbo
        elif isinstance(event, PrintEvent):
            _add_print(state, event.print_)
        else:
            state.status = event.status


def _add_print(state: SymbolState, print_: Print) -> None:
    state.print_ = print_
    state.print_count += 1
    minute_ns = print_.venue_ns // NS_PER_MINUTE * NS_PER_MINUTE
    if state.minute is None or state.minute.start_ns != minute_ns:
        state.minute = _new_bar(minute_ns, print_)
    state.minute.add(print_)
    # The New York day is only computed once a minute changes: dates are slow.
    if state.minute.prints == 1:
        day_text = new_york_date(print_.venue_ns)
        if day_text != state.day_text:
            state.day_text, state.day = day_text, _new_bar(minute_ns, print_)
    if state.day is not None:
        state.day.add(print_)


def _new_bar(start_ns: int, print_: Print) -> Bar:
    return Bar(start_ns, print_.px, print_.px, print_.px, print_.px)


def quote_fields(nbbo: Nbbo) -> Json:
    """A quote without its time: exchanges, prices, sizes in shares, conditions, tape."""
    return {
        "bx": "V",
        "bp": wire_number(nbbo.bid_px),
        "bs": wire_number(nbbo.bid_qty),
        "ax": "V",
        "ap": wire_number(nbbo.ask_px),
        "as": wire_number(nbbo.ask_qty),
        "c": ["R"],
        "z": "C",
    }


def trade_fields(print_: Print, number: int) -> Json:
    """A print without its time; ``number`` counts the prints of its symbol."""
    return {
        "i": number,
        "x": "V",
        "p": wire_number(print_.px),
        "s": wire_number(print_.qty),
        "c": ["@"],
        "z": "C",
    }


def bar_fields(bar: Bar) -> Json:
    """A bar without its time. ``vw`` is cut to 1e-9."""
    return {
        "o": wire_number(bar.open_px),
        "h": wire_number(bar.high_px),
        "l": wire_number(bar.low_px),
        "c": wire_number(bar.close_px),
        "v": bar.qty // NANO,
        "n": bar.prints,
        "vw": wire_number(bar.cost // bar.qty) if bar.qty else 0,
    }


def status_fields(status: TradingStatus) -> Json:
    """A trading status without its time; clients need ``rc``, ``rm`` and ``z`` present."""
    code, message = STATUS_WORDS[status]
    return {"sc": code, "sm": message, "rc": "", "rm": "", "z": "C"}
