"""Alpaca's assets, calendar, clock, quotes and trading statuses to the core's market values.

Invariants: a price of 0 is an absent side, a negative one an error; sizes are shares (since
2025-11-03); the tick schedule is data: US equities follow SEC Rule 612 unless the asset states its
own increment; a status code outside the table never turns a halt into trading.
Must never: guess extended hours that the calendar does not give: unknown is closed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from msgspec import Raw

from surefill.brokers.alpaca.translate.times import new_york_ns, to_ns
from surefill.brokers.alpaca.wire import (
    AssetWire,
    ClockWire,
    DayWire,
    LatestQuoteWire,
    LatestTradeWire,
    QuoteWire,
    StatusWire,
    TradeWire,
    Unreadable,
    WireError,
    attempt,
    decode,
    exact,
    not_negative,
    positive,
    split,
)
from surefill.core.events import Instrument
from surefill.core.fix import TradingStatus
from surefill.core.market import Nbbo, Print
from surefill.core.session import Calendar, Session
from surefill.core.units import NANO, US_EQUITY_TICKS, TickBand, TickSchedule

STATUS_CODES: Mapping[str, TradingStatus] = {
    "T": TradingStatus.TRADING,  # UTP: trading
    "3": TradingStatus.TRADING,  # CTA: resume
    "H": TradingStatus.HALTED,  # UTP: halt
    "P": TradingStatus.HALTED,  # UTP: volatility pause
    "Q": TradingStatus.HALTED,  # UTP: quotation only, before a reopening
    "2": TradingStatus.HALTED,  # CTA: halt
    "5": TradingStatus.HALTED,  # CTA: price indication, during a halt
    "F": TradingStatus.LIMIT_STATE,  # CTA: limit up - limit down
}
"""``sc`` of status messages (alpaca.md 5.1)."""

EASY_WORDS = frozenset({"easy_to_borrow", "etb", "easy"})


def instrument(raw: bytes | Raw, symbol: str) -> Instrument | Unreadable:
    """What may be traded, and on which grid. An answer about another symbol is unreadable."""
    return attempt("asset", lambda: _instrument(decode(AssetWire, raw), symbol))


def unknown_instrument(symbol: str) -> Instrument:
    """An asset that Alpaca says does not exist."""
    return Instrument(symbol, is_tradable=False, is_shortable=False, is_easy_to_borrow=False)


def calendar(raw: bytes | Raw) -> Calendar | Unreadable:
    """Trading sessions in UTC. One bad day spoils the listing: a hole would look like a holiday.
    Weeks without a session are no calendar but a listing that was cut (I11)."""

    def read() -> Calendar:
        sessions = [_session(decode(DayWire, day)) for day in split(raw)]
        if not sessions:
            raise WireError("it has no sessions")
        return Calendar.of(sessions)

    return attempt("calendar", read)


def clock_ns(raw: bytes | Raw) -> int | Unreadable:
    """The venue's time, UTC ns."""
    return attempt("clock", lambda: to_ns(decode(ClockWire, raw).timestamp, "timestamp"))


def nbbo(raw: bytes | Raw, recv_ns: int) -> Nbbo | Unreadable:
    """A quote of the stream."""
    return attempt("quote", lambda: _nbbo(decode(QuoteWire, raw), recv_ns))


def latest_nbbo(raw: bytes | Raw, symbol: str, recv_ns: int) -> Nbbo | Unreadable:
    """The quote of a latest-quote answer about this symbol."""

    def read() -> Nbbo:
        answer = decode(LatestQuoteWire, raw)
        if answer.symbol != symbol:
            raise WireError("symbol is another one")
        return _nbbo(decode(QuoteWire, answer.quote), recv_ns)

    return attempt("quote", read)


def tape_print(raw: bytes | Raw, recv_ns: int) -> Print | Unreadable:
    """A trade of the stream."""
    return attempt("trade", lambda: _print(decode(TradeWire, raw), recv_ns))


def latest_print(raw: bytes | Raw, symbol: str, recv_ns: int) -> Print | Unreadable:
    """The trade of a latest-trade answer about this symbol."""

    def read() -> Print:
        answer = decode(LatestTradeWire, raw)
        if answer.symbol != symbol:
            raise WireError("symbol is another one")
        return _print(decode(TradeWire, answer.trade), recv_ns)

    return attempt("trade", read)


def status(raw: bytes | Raw, before: TradingStatus) -> TradingStatus | Unreadable:
    """The trading status after a status message. An unknown code keeps a halt and otherwise makes
    the status unknown."""

    def read() -> TradingStatus:
        found = STATUS_CODES.get(decode(StatusWire, raw).sc)
        if found is not None:
            return found
        return before if before is TradingStatus.HALTED else TradingStatus.UNKNOWN

    return attempt("status", read)


def _instrument(asset: AssetWire, symbol: str) -> Instrument:
    if asset.symbol != symbol:
        raise WireError("symbol is another one")
    easy = asset.easy_to_borrow
    if easy is None:
        easy = asset.borrow_status in EASY_WORDS
    return Instrument(
        symbol,
        is_tradable=asset.tradable is True and asset.status == "active",
        is_shortable=asset.shortable is True,
        is_easy_to_borrow=easy,
        ticks=_ticks(asset),
    )


def _ticks(asset: AssetWire) -> TickSchedule:
    if asset.price_increment is None:
        return US_EQUITY_TICKS
    tick_px = positive(exact(asset.price_increment, "price_increment"), "price_increment")
    below_px = US_EQUITY_TICKS.bands[0].tick_px
    if asset.class_ != "us_equity" or tick_px < below_px:
        return TickSchedule((TickBand(0, tick_px),))
    # An equity's own increment is about prices from $1.00; below, Rule 612's four decimals hold.
    return TickSchedule((TickBand(0, below_px), TickBand(NANO, tick_px)))


def _session(day: DayWire) -> Session:
    on = date.fromisoformat(day.date)
    open_ns = new_york_ns(on, day.open, "open")
    close_ns = new_york_ns(on, day.close, "close")
    pre_ns = new_york_ns(on, day.session_open, "session_open") if day.session_open else open_ns
    post_ns = new_york_ns(on, day.session_close, "session_close") if day.session_close else close_ns
    if not pre_ns <= open_ns < close_ns <= post_ns:
        raise WireError(f"{on} is not in order")
    return Session(on.year * 10_000 + on.month * 100 + on.day, pre_ns, open_ns, close_ns, post_ns)


def _nbbo(quote: QuoteWire, recv_ns: int) -> Nbbo:
    return Nbbo(
        bid_px=not_negative(exact(quote.bp, "bp"), "bp"),
        bid_qty=not_negative(exact(quote.bs, "bs"), "bs"),
        ask_px=not_negative(exact(quote.ap, "ap"), "ap"),
        ask_qty=not_negative(exact(quote.as_, "as"), "as"),
        venue_ns=to_ns(quote.t, "t"),
        recv_ns=recv_ns,
    )


def _print(trade: TradeWire, recv_ns: int) -> Print:
    return Print(
        px=positive(exact(trade.p, "p"), "p"),
        qty=not_negative(exact(trade.s, "s"), "s"),
        venue_ns=to_ns(trade.t, "t"),
        recv_ns=recv_ns,
    )
