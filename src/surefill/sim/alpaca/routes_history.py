"""Routes of past market data: quotes, trades and bars with pages (alpaca.md 5.2).

What: ``GET /v2/stocks/{kind}?symbols=`` and ``GET /v2/stocks/{symbol}/{kind}``. The past is what
the exchange has played since it started. ``start`` and ``end`` are both included; without ``start``
it is the present New York day. ``limit`` counts rows over all symbols, one after the other.
Invariants: pages joined are the whole answer, without a row twice; a page token names the last row
given, so rows that come later do not shift it. A running minute has no bar yet.
Must never: give a row from the future of the venue's clock.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import islice

from surefill.core.values import replace
from surefill.sim.alpaca.bars import NS_PER_MINUTE, Timeframe, gathered, midnight_of
from surefill.sim.alpaca.board import SymbolState, bar_fields, quote_fields, trade_fields
from surefill.sim.alpaca.context import Call, reply
from surefill.sim.alpaca.encode import Json
from surefill.sim.alpaca.errors import RequestError
from surefill.sim.alpaca.parse import query_int, query_value, symbol_set
from surefill.sim.alpaca.text import new_york_date, parse_stamp, stamp_ns
from surefill.sim.wire import WireResponse

LIMIT_DEFAULT, LIMIT_MAX = 1_000, 10_000

RECENT_NS = 15 * NS_PER_MINUTE

Row = tuple[int, Json]
"""A key that orders the rows of a symbol and never changes, and the row."""


@dataclass(frozen=True, slots=True)
class Window:
    """What is asked of one symbol: both times included; rows beyond ``after_key``."""

    start_ns: int
    end_ns: int
    now_ns: int
    is_descending: bool
    timeframe: Timeframe
    after_key: int | None = None

    def is_beyond(self, key: int) -> bool:
        """Whether a row comes after the last one of the page before."""
        if self.after_key is None:
            return True
        return key < self.after_key if self.is_descending else key > self.after_key


def many(call: Call) -> WireResponse:
    """GET /v2/stocks/{quotes|trades|bars}?symbols=A,B."""
    kind = call.args[0]
    symbols = symbol_set(call.request.query)
    if symbols is None:
        raise RequestError("at least one symbol is required", status=400)
    rows, token = _page(call, kind, sorted(symbols))
    return reply({kind: rows, "next_page_token": token})


def one(call: Call) -> WireResponse:
    """GET /v2/stocks/{symbol}/{quotes|trades|bars}."""
    symbol, kind = call.args
    rows, token = _page(call, kind, [symbol])
    return reply({kind: rows.get(symbol, []), "symbol": symbol, "next_page_token": token})


# -- pages ------------------------------------------------------------------------------------


def _page(call: Call, kind: str, symbols: list[str]) -> tuple[dict[str, list[Json]], str | None]:
    """Rows by symbol, and the token of the next page."""
    limit = query_int(call.request.query, "limit", default=LIMIT_DEFAULT, bounds=(1, LIMIT_MAX))
    at = _token(query_value(call.request.query, "page_token"))
    window = _window(call, kind)
    found: dict[str, list[Json]] = {}
    for symbol in symbols:
        if at is not None and symbol < at[0]:
            continue
        key = at[1] if at is not None and symbol == at[0] else None
        page = list(islice(_rows(call, kind, symbol, window=_after(window, key)), limit))
        if not page:
            continue
        found[symbol] = [row for _, row in page]
        limit -= len(page)
        if limit == 0:
            return found, _token_text(symbol, page[-1][0])
    return found, None


def _after(window: Window, key: int | None) -> Window:
    return replace(window, after_key=key)


def _rows(call: Call, kind: str, symbol: str, *, window: Window) -> Iterator[Row]:
    state = call.desk.board.get(symbol)
    return iter(()) if state is None else SOURCES[kind](state, window)


def _token_text(symbol: str, key: int) -> str:
    return base64.urlsafe_b64encode(f"{symbol}|{key}".encode()).decode()


def _token(text: str | None) -> tuple[str, int] | None:
    if text is None:
        return None
    try:
        symbol, _, key = base64.urlsafe_b64decode(text.encode()).decode().rpartition("|")
        return symbol, int(key)
    except (binascii.Error, ValueError):
        raise RequestError("invalid page_token", status=400) from None


# -- what is asked ----------------------------------------------------------------------------


def _window(call: Call, kind: str) -> Window:
    query = call.request.query
    now_ns = call.desk.exchange.now_ns if call.as_of_ns is None else call.as_of_ns
    today_ns = midnight_of(date.fromisoformat(new_york_date(now_ns)))
    start_ns = _moment(call, "start", today_ns)
    end_ns = min(now_ns, _moment(call, "end", now_ns))
    _check_feed(call, end_ns)
    sort = query_value(query, "sort") or "asc"
    if sort not in ("asc", "desc"):
        raise RequestError(f"invalid sort: {sort[:20]}", status=400)
    text = query_value(query, "timeframe")
    timeframe = Timeframe(1, "Min") if kind != "bars" else Timeframe.of(text or "")
    if timeframe is None:
        problem = "timeframe is required" if text is None else f"invalid timeframe: {text[:20]}"
        raise RequestError(problem, status=400)
    return Window(start_ns, end_ns, now_ns, sort == "desc", timeframe)


def _check_feed(call: Call, end_ns: int) -> None:
    """Without the subscription, SIP data of the last 15 minutes is not served (alpaca.md 5.2)."""
    is_sip = query_value(call.request.query, "feed") == "sip"
    is_recent = end_ns > call.desk.exchange.now_ns - RECENT_NS
    if call.desk.switches.sip_access == "off" and is_sip and is_recent:
        message = "subscription does not permit querying recent SIP data"
        raise RequestError(message, status=403, code=None)


def _moment(call: Call, name: str, default: int) -> int:
    text = query_value(call.request.query, name)
    ns = default if text is None else parse_stamp(text)
    if ns is None:
        raise RequestError(f"invalid {name}: {str(text)[:40]}", status=400)
    return ns


# -- rows -------------------------------------------------------------------------------------


def _numbers(first: int, last: int, window: Window) -> Iterator[int]:
    """Numbers from ``first`` to ``last`` in the direction asked for, beyond the last page."""
    if window.is_descending:
        top = last if window.after_key is None else min(last, window.after_key - 1)
        return iter(range(top, first - 1, -1))
    bottom = first if window.after_key is None else max(first, window.after_key + 1)
    return iter(range(bottom, last + 1))


def _quotes(state: SymbolState, window: Window) -> Iterator[Row]:
    rows = state.history.quotes
    first, last = rows.number_from(window.start_ns), rows.number_from(window.end_ns + 1) - 1
    for number in _numbers(first, last, window):
        nbbo = state.history.quote(number)
        yield number, {"t": stamp_ns(nbbo.venue_ns), **quote_fields(nbbo)}


def _trades(state: SymbolState, window: Window) -> Iterator[Row]:
    rows = state.history.prints
    first, last = rows.number_from(window.start_ns), rows.number_from(window.end_ns + 1) - 1
    for number in _numbers(first, last, window):
        print_ = state.history.print_(number)
        row: Json = {"t": stamp_ns(print_.venue_ns), **trade_fields(print_, number)}
        if number in state.history.updates:
            row["u"] = state.history.updates[number]
        yield number, row


def _bars(state: SymbolState, window: Window) -> Iterator[Row]:
    bars = gathered(state.closed_minutes(window.now_ns), window.timeframe)
    for bar in reversed(bars) if window.is_descending else bars:
        in_time = window.start_ns <= bar.start_ns <= window.end_ns
        if in_time and window.is_beyond(bar.start_ns):
            yield bar.start_ns, {"t": stamp_ns(bar.start_ns), **bar_fields(bar)}


SOURCES: Mapping[str, Callable[[SymbolState, Window], Iterator[Row]]] = {
    "quotes": _quotes,
    "trades": _trades,
    "bars": _bars,
}
