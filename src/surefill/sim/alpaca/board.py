"""The last known state of every symbol, as the market-data routes and streams show it.

What: `Board` keeps the last quote, last print, trading status, the bars of minutes and days and
every quote and print (`SymbolHistory`), and encodes them as Alpaca's ``q``, ``t``, ``b`` and ``s``
objects (alpaca.md 5).
Invariants: prices are JSON numbers made from the decimal text; sizes are in shares; a side nobody
quotes is 0, as on the wire.
Must never: serve a symbol that never had a market event.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from surefill.core.fix import TradingStatus
from surefill.core.market import Nbbo, Print
from surefill.core.units import NANO
from surefill.sim.alpaca.bars import NS_PER_MINUTE, Bar, Timeframe, gathered, midnight_of
from surefill.sim.alpaca.encode import Json
from surefill.sim.alpaca.history import SymbolHistory
from surefill.sim.alpaca.text import new_york_date, wire_number
from surefill.sim.luld import PAUSE_REASON
from surefill.sim.market import MarketEvent, PrintEvent, QuoteEvent
from surefill.sim.notices import BandNotice

STATUS_WORDS: Mapping[TradingStatus, tuple[str, str]] = {
    TradingStatus.HALTED: ("H", "Trading Halt"),
    TradingStatus.TRADING: ("T", "Trading Resumption"),
    TradingStatus.LIMIT_STATE: ("P", "Volatility Trading Pause"),
    TradingStatus.UNKNOWN: ("Q", "Quotation Resumption"),
}
"""UTP codes (alpaca.md 5.1)."""
PAUSE_WORDS = ("P", "Volatility Trading Pause")
REASON_WORDS: Mapping[str, str] = {PAUSE_REASON: "Volatility Trading Pause"}


@dataclass(slots=True)
class SymbolState:
    """What the board knows of one symbol. ``minute`` and ``day`` run; ``minutes`` and ``days`` are
    those before them."""

    nbbo: Nbbo | None = None
    print_: Print | None = None
    status: TradingStatus = TradingStatus.UNKNOWN
    minute: Bar | None = None
    minutes: list[Bar] = field(default_factory=list)
    day: Bar | None = None
    days: list[Bar] = field(default_factory=list)
    day_text: str = ""
    print_count: int = field(default=0)
    history: SymbolHistory = field(default_factory=SymbolHistory)

    def closed_minutes(self, now_ns: int) -> list[Bar]:
        """Bars of the minutes that are over at ``now_ns``."""
        bars = self.minutes if self.minute is None else [*self.minutes, self.minute]
        return [bar for bar in bars if bar.start_ns + NS_PER_MINUTE <= now_ns]

    def last_minute(self, now_ns: int) -> Bar | None:
        """Bar of the last minute that is over at ``now_ns``."""
        for bar in (self.minute, *reversed(self.minutes)):
            if bar is not None and bar.start_ns + NS_PER_MINUTE <= now_ns:
                return bar
        return None


class Board:
    """symbol -> `SymbolState`, fed by every market event."""

    def __init__(self) -> None:
        self._states: dict[str, SymbolState] = {}
        # (symbol, number) -> the last change of that print
        self.changes: dict[tuple[str, int], Change] = {}

    def get(self, symbol: str) -> SymbolState | None:
        """The state of a symbol; ``None`` before its first event."""
        return self._states.get(symbol)

    def put(self, symbol: str, state: SymbolState) -> None:
        """The state of a symbol as a snapshot has it."""
        self._states[symbol] = state

    def symbols(self) -> list[str]:
        """Every symbol that had an event, in order."""
        return sorted(self._states)

    def apply(self, event: MarketEvent) -> None:
        """Take in one market event."""
        state = self._states.setdefault(event.symbol, SymbolState())
        if isinstance(event, QuoteEvent):
            state.nbbo = event.nbbo
            state.history.add_quote(event.nbbo)
        elif isinstance(event, PrintEvent):
            state.history.add_print(event.print_)
            _add_print(state, event.print_)
        else:
            state.status = event.status

    def change_print(self, symbol: str, number: int, print_: Print | None) -> Change:
        """Correct or cancel (``None``) a print. ``KeyError`` when there is none to change."""
        state = self._states[symbol]
        old = state.history.change_print(number, print_)
        bar = _minute_again(state, old.venue_ns // NS_PER_MINUTE * NS_PER_MINUTE)
        change = Change(old, None if bar is state.minute else bar)
        self.changes[symbol, number] = change
        return change


@dataclass(frozen=True, slots=True)
class Change:
    """A changed print: what it was, and the finished bar that changed with it (``None``: the
    running one did, or no print is left in it)."""

    old: Print
    bar: Bar | None


def _add_print(state: SymbolState, print_: Print) -> None:
    state.print_ = print_
    state.print_count += 1
    minute_ns = print_.venue_ns // NS_PER_MINUTE * NS_PER_MINUTE
    if state.minute is None or state.minute.start_ns != minute_ns:
        if state.minute is not None:
            state.minutes.append(state.minute)
        state.minute = _new_bar(minute_ns, print_)
    state.minute.add(print_)
    # The New York day is only computed once a minute changes: dates are slow.
    if state.minute.prints == 1:
        day_text = new_york_date(print_.venue_ns)
        if day_text != state.day_text:
            if state.day is not None:
                state.days.append(state.day)
            day_ns = midnight_of(date.fromisoformat(day_text))
            state.day_text, state.day = day_text, _new_bar(day_ns, print_)
    if state.day is not None:
        state.day.add(print_)


def _minute_again(state: SymbolState, minute_ns: int) -> Bar | None:
    """Sum up a minute again from its prints, and the days from the minutes."""
    bar: Bar | None = None
    for print_ in state.history.prints_between(minute_ns, minute_ns + NS_PER_MINUTE):
        bar = bar if bar is not None else _new_bar(minute_ns, print_)
        bar.add(print_)
    every = [*state.minutes, *([state.minute] if state.minute is not None else [])]
    fresh = [bar if old.start_ns == minute_ns else old for old in every]
    bars = [each for each in fresh if each is not None]
    if state.minute is not None and state.minute.start_ns == minute_ns:
        state.minute, state.minutes = bar, bars[: len(bars) - (bar is not None)]
    else:
        state.minutes = [each for each in bars if each is not state.minute]
    days = gathered(bars, Timeframe(1, "Day"))
    state.days, state.day = days[:-1], (days[-1] if days else None)
    if state.day is None:
        state.day_text = ""
    return bar


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


def status_fields(status: TradingStatus, reason: str = "") -> Json:
    """A trading status without its time; clients need ``rc``, ``rm`` and ``z`` present."""
    code, message = STATUS_WORDS[status]
    if reason == PAUSE_REASON and status is TradingStatus.HALTED:
        code, message = PAUSE_WORDS
    return {"sc": code, "sm": message, "rc": reason, "rm": REASON_WORDS.get(reason, ""), "z": "C"}


def band_fields(bands: BandNotice) -> Json:
    """Limit-up and limit-down prices."""
    return {
        "u": wire_number(bands.up_px),
        "d": wire_number(bands.down_px),
        "i": bands.indicator,
        "z": "C",
    }


def cancel_fields(number: int, old: Print) -> Json:
    """A canceled print."""
    return {
        "i": number,
        "x": "V",
        "p": wire_number(old.px),
        "s": wire_number(old.qty),
        "a": "C",
        "z": "C",
    }


def correction_fields(number: int, old: Print, new: Print) -> Json:
    """A corrected print: what it was and what it is. It keeps its number."""
    return {
        "x": "V",
        "oi": number,
        "op": wire_number(old.px),
        "os": wire_number(old.qty),
        "oc": ["@"],
        "ci": number,
        "cp": wire_number(new.px),
        "cs": wire_number(new.qty),
        "cc": ["@"],
        "z": "C",
    }
