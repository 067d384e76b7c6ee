"""Routes of market data: latest quote, trade and bar, snapshots (alpaca.md 5.2).

Both forms: many symbols by query, or one in the path.
Must never: answer from anything but the board, or invent a value for a silent symbol.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from surefill.sim.alpaca.bars import Bar
from surefill.sim.alpaca.board import SymbolState, bar_fields, quote_fields, trade_fields
from surefill.sim.alpaca.context import Call, reply
from surefill.sim.alpaca.encode import Json
from surefill.sim.alpaca.errors import RequestError, not_found
from surefill.sim.alpaca.parse import symbol_set
from surefill.sim.alpaca.text import stamp_ns
from surefill.sim.wire import WireResponse


def _quote(state: SymbolState, _: int) -> Json | None:
    if state.nbbo is None:
        return None
    return {"t": stamp_ns(state.nbbo.venue_ns), **quote_fields(state.nbbo)}


def _trade(state: SymbolState, _: int) -> Json | None:
    if state.print_ is None:
        return None
    fields = trade_fields(state.print_, state.print_count)
    return {"t": stamp_ns(state.print_.venue_ns), **fields}


def _bar_json(bar: Bar | None) -> Json | None:
    return None if bar is None else {"t": stamp_ns(bar.start_ns), **bar_fields(bar)}


def _bar(state: SymbolState, now_ns: int) -> Json | None:
    """The last minute that is over: a running one is not a bar yet."""
    return _bar_json(state.last_minute(now_ns))


def _snapshot(state: SymbolState, now_ns: int) -> Json | None:
    return {
        "latestTrade": _trade(state, now_ns),
        "latestQuote": _quote(state, now_ns),
        "minuteBar": _bar(state, now_ns),
        "dailyBar": _bar_json(state.day),
        "prevDailyBar": _bar_json(state.days[-1] if state.days else None),
    }


Encoder = Callable[[SymbolState, int], Json | None]
"""(state, venue time) -> the object, or nothing to show."""


KINDS: Mapping[str, tuple[str, Encoder]] = {
    "quotes": ("quote", _quote),
    "trades": ("trade", _trade),
    "bars": ("bar", _bar),
}
"""Plural of the path -> (singular key, encoder)."""


def latest_many(call: Call) -> WireResponse:
    """GET /v2/stocks/{quotes|trades|bars}/latest?symbols=A,B; silent symbols are left out."""
    kind = call.args[0]
    _, encode = KINDS[kind]
    return reply({kind: _encode_all(call, encode)})


def latest_one(call: Call) -> WireResponse:
    """GET /v2/stocks/{symbol}/{quotes|trades|bars}/latest."""
    symbol, kind = call.args
    singular, encode = KINDS[kind]
    state = call.desk.board.get(symbol)
    value = encode(state, call.desk.exchange.now_ns) if state is not None else None
    if value is None:
        not_found(f"symbol not found: {symbol}")
    return reply({"symbol": symbol, singular: value})


def snapshots(call: Call) -> WireResponse:
    """GET /v2/stocks/snapshots?symbols=A,B."""
    return reply(_encode_all(call, _snapshot))


def snapshot(call: Call) -> WireResponse:
    """GET /v2/stocks/{symbol}/snapshot."""
    state = call.desk.board.get(call.args[0])
    if state is None:
        not_found(f"symbol not found: {call.args[0]}")
    return reply({"symbol": call.args[0], **(_snapshot(state, call.desk.exchange.now_ns) or {})})


def _encode_all(call: Call, encode: Encoder) -> Json:
    symbols = symbol_set(call.request.query)
    if symbols is None:
        raise RequestError("at least one symbol is required", status=400)
    found: Json = {}
    for symbol in sorted(symbols):
        state = call.desk.board.get(symbol)
        value = encode(state, call.desk.exchange.now_ns) if state is not None else None
        if value is not None:
            found[symbol] = value
    return found
