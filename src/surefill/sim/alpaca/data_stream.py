"""The market-data v2 protocol as a state machine (alpaca.md 5.1).

What: `DataSession`: greeting, auth (message or handshake headers), subscribe and unsubscribe with
the full set as answer, then quotes, trades, statuses and bars of the subscribed symbols. Text JSON,
or MessagePack with timestamp extensions when the handshake asked for it.
Invariants: every server message is an array; ``T`` is the first key of each object (the Go client
needs that); a control message stands alone in its array.
Must never: send data of a symbol that was not subscribed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import msgspec

from surefill.core.market import Print
from surefill.sim.alpaca.bars import NS_PER_MINUTE
from surefill.sim.alpaca.board import (
    band_fields,
    bar_fields,
    cancel_fields,
    correction_fields,
    quote_fields,
    status_fields,
    trade_fields,
)
from surefill.sim.alpaca.context import Desk
from surefill.sim.alpaca.encode import Json, dump
from surefill.sim.alpaca.keys import Credentials, Owner, credentials_of
from surefill.sim.alpaca.text import NS_PER_S, stamp_ns, whole_text, wire_number
from surefill.sim.market import MarketEvent, PrintEvent, QuoteEvent
from surefill.sim.notices import (
    BandNotice,
    ImbalanceNotice,
    MinuteEnd,
    Notice,
    PrintCancel,
    PrintCorrection,
)
from surefill.sim.types import VenueEvent
from surefill.sim.wire import Frame

CHANNELS = ("trades", "quotes", "bars", "updatedBars", "dailyBars", "statuses", "lulds")
"""What may be subscribed and is always confirmed; corrections and cancelErrors follow trades."""
IMBALANCES = "imbalances"
"""May be subscribed as well; confirmed only when it was."""

ERRORS: Mapping[int, str] = {
    400: "invalid syntax",
    401: "not authenticated",
    402: "auth failed",
    403: "already authenticated",
    404: "auth timeout",
    405: "symbol limit exceeded",
    406: "connection limit exceeded",
    407: "slow client",
    409: "insufficient subscription",
    410: "invalid subscribe action for this feed",
    500: "internal error",
}

Names = dict[str, None]
TIMESTAMP_EXT = -1
"""MessagePack's own extension type for timestamps."""


class DataSession:
    """One client's market-data socket."""

    def __init__(
        self, desk: Desk, headers: Mapping[str, str], *, others: Sequence[DataSession] = ()
    ) -> None:
        """``others``: sessions opened before; ``:path`` of the headers names the feed."""
        self._desk = desk
        self._others = others
        self.feed = headers.get(":path", "").rstrip("/").rpartition("/")[2]
        self._is_msgpack = headers.get("content-type", "") == "application/msgpack"
        self._owner: Owner | None = desk.keys.find(credentials_of(headers))
        # channel -> symbols in the order of subscription; "*" means every symbol. Keys of a
        # dictionary: a client may name thirty thousand, and every event asks for one.
        self._symbols: dict[str, Names] = {channel: {} for channel in (*CHANNELS, IMBALANCES)}

    def opened(self) -> Sequence[Frame]:
        """The greeting; handshake headers that authenticate add their own word."""
        greeting = self._say([{"T": "success", "msg": "connected"}])
        if self._owner is None:
            return greeting
        refused = self._refused(self._owner)
        if refused is not None:
            self._owner = None
            return [*greeting, *self._error(refused)]
        return [*greeting, *self._say([{"T": "success", "msg": "authenticated"}])]

    def receive(self, data: bytes) -> Sequence[Frame]:
        """Answer one client message."""
        message = self._read(data)
        action = message.get("action") if message is not None else None
        if message is None or not isinstance(action, str):
            return self._error(400)
        if action == "auth":
            return self._authenticate(message)
        if self._owner is None:
            return self._error(401)
        if action not in ("subscribe", "unsubscribe"):
            return self._error(400)
        return self._change(message, is_adding=action == "subscribe")

    def on_market(self, event: MarketEvent) -> Sequence[Frame]:
        """The event as a data message, when its channel and symbol are subscribed."""
        if isinstance(event, QuoteEvent):
            channel, letter = "quotes", "q"
        elif isinstance(event, PrintEvent):
            channel, letter = "trades", "t"
        else:
            channel, letter = "statuses", "s"
        if self._owner is None or not self._wants(channel, event.symbol):
            return ()
        return self._say(
            [self._timed(letter, event.symbol, self._fields(event), ns=event.venue_ns)]
        )

    def on_notice(self, notice: Notice) -> Sequence[Frame]:
        """Corrections and cancels follow trades; bars come when their minute is over."""
        if self._owner is None:
            return ()
        if isinstance(notice, MinuteEnd):
            return self._bars(notice.venue_ns)
        if isinstance(notice, ImbalanceNotice):
            if not self._wants(IMBALANCES, notice.symbol):
                return ()
            fields: Json = {"p": wire_number(notice.px), "z": "C"}
            return self._say([self._timed("i", notice.symbol, fields, ns=notice.venue_ns)])
        if isinstance(notice, BandNotice):
            if not self._wants("lulds", notice.symbol):
                return ()
            return self._say(
                [self._timed("l", notice.symbol, band_fields(notice), ns=notice.venue_ns)]
            )
        return self._changed_print(notice)

    def on_order(self, event: VenueEvent) -> Sequence[Frame]:
        """Not this stream's business."""
        return ()

    def auth_refused(self) -> Sequence[Frame]:
        """402, whatever was sent."""
        return self._error(402)

    def auth_expired(self) -> Sequence[Frame]:
        """404 when nobody has authenticated."""
        return self._error(404) if self._owner is None else ()

    @property
    def account(self) -> str | None:
        """The account, once authenticated."""
        return self._owner.account if self._owner else None

    def closed(self) -> None:
        """The connection ended: no more data."""
        self._owner = None

    def thrown_out(self) -> Sequence[Frame]:
        """407: slow client."""
        return self._error(407)

    def foreign(self, event: VenueEvent) -> Sequence[Frame]:
        """Not this stream's business."""
        return ()

    def unknown(self) -> Frame:
        """A message of a type no client knows."""
        return self._say([{"T": "zz", "S": "ZZZZ", "v": 1}])[0]

    def _wants(self, channel: str, symbol: str) -> bool:
        wanted = self._symbols[channel]
        return symbol in wanted or "*" in wanted

    def _timed(self, letter: str, symbol: str, fields: Json, *, ns: int) -> Json:
        """A data object: ``T`` first, the time last."""
        return {"T": letter, "S": symbol, **fields, "t": self._time(ns)}

    def _bars(self, minute_ns: int) -> Sequence[Frame]:
        """Bars of the minute that ended, and the running day, of whoever traded in it."""
        rows: list[Json] = []
        for symbol in self._desk.board.symbols():
            state = self._desk.board.get(symbol)
            minute = state.last_minute(minute_ns) if state is not None else None
            if state is None or minute is None or minute.start_ns + NS_PER_MINUTE != minute_ns:
                continue
            if self._wants("bars", symbol):
                rows.append(self._timed("b", symbol, bar_fields(minute), ns=minute.start_ns))
            if self._wants("dailyBars", symbol) and state.day is not None:
                rows.append(self._timed("d", symbol, bar_fields(state.day), ns=state.day.start_ns))
        return self._say(rows) if rows else ()

    def _changed_print(self, notice: PrintCorrection | PrintCancel) -> Sequence[Frame]:
        """The change itself, and the bar that is another one because of it."""
        change = self._desk.board.changes[notice.symbol, notice.number]
        rows: list[Json] = []
        if self._wants("trades", notice.symbol):
            if isinstance(notice, PrintCancel):
                letter, fields = "x", cancel_fields(notice.number, change.old)
            else:
                new = Print(notice.px, notice.qty, notice.venue_ns, notice.venue_ns)
                letter, fields = "c", correction_fields(notice.number, change.old, new)
            rows.append(self._timed(letter, notice.symbol, fields, ns=notice.venue_ns))
        if change.bar is not None and self._wants("updatedBars", notice.symbol):
            bar = change.bar
            rows.append(self._timed("u", notice.symbol, bar_fields(bar), ns=bar.start_ns))
        return self._say(rows) if rows else ()

    def _fields(self, event: MarketEvent) -> Json:
        if isinstance(event, QuoteEvent):
            return quote_fields(event.nbbo)
        if isinstance(event, PrintEvent):
            state = self._desk.board.get(event.symbol)
            return trade_fields(event.print_, state.print_count if state else 0)
        return status_fields(event.status, event.reason)

    def _authenticate(self, message: Mapping[str, object]) -> Sequence[Frame]:
        if self._owner is not None:
            return self._error(403)
        key, secret = message.get("key"), message.get("secret")
        owner = None
        if isinstance(key, str) and isinstance(secret, str) and key and secret:
            owner = self._desk.keys.find(Credentials(key, secret))
        if owner is None:
            return self._error(402)
        refused = self._refused(owner)
        if refused is not None:
            return self._error(refused)
        self._owner = owner
        return self._say([{"T": "success", "msg": "authenticated"}])

    def _refused(self, owner: Owner) -> int | None:
        """Error code of a limit that this account has reached."""
        switches = self._desk.switches
        per_feed = switches.data_streams_per == "feed"
        mine = sum(
            x.account == owner.account and not (per_feed and x.feed != self.feed)
            for x in self._others
            if x is not self
        )
        if 0 < switches.data_streams_max <= mine:
            return 406
        if self.feed == "sip" and switches.sip_access == "off":
            return 409
        return None

    def _change(self, message: Mapping[str, object], *, is_adding: bool) -> Sequence[Frame]:
        asked: dict[str, list[str]] = {}
        for channel in self._symbols:
            names = message.get(channel, [])
            if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
                return self._error(400)
            asked[channel] = names
        changed = {
            channel: _changed(self._symbols[channel], names, is_adding=is_adding)
            for channel, names in asked.items()
        }
        limit = self._desk.switches.symbols_max
        count = len({name for names in changed.values() for name in names})
        if 0 < limit < count:
            return self._error(405)
        self._symbols = changed
        return self._say([self._subscription()])

    def _subscription(self) -> Json:
        body: Json = {"T": "subscription"}
        for channel, names in self._symbols.items():
            if channel != IMBALANCES or names:
                body[channel] = list(names)
        body["corrections"] = list(self._symbols["trades"])
        body["cancelErrors"] = list(self._symbols["trades"])
        return body

    def _error(self, code: int) -> Sequence[Frame]:
        return self._say([{"T": "error", "code": code, "msg": ERRORS[code]}])

    def _time(self, ns: int) -> object:
        """Data times: text in JSON, MessagePack timestamp extension otherwise (ns kept)."""
        if not self._is_msgpack:
            return stamp_ns(ns)
        seconds, rest_ns = divmod(ns, NS_PER_S)
        # Timestamp 64: 30 bits of nanoseconds, 34 bits of seconds.
        return msgspec.msgpack.Ext(TIMESTAMP_EXT, (rest_ns << 34 | seconds).to_bytes(8, "big"))

    def _say(self, messages: list[Json]) -> Sequence[Frame]:
        if self._is_msgpack:
            return [Frame(msgspec.msgpack.encode(messages))]
        return [Frame(dump(messages), is_text=True)]

    def _read(self, data: bytes) -> Mapping[str, object] | None:
        try:
            read = msgspec.msgpack.decode if self._is_msgpack else json.loads
            value: object = whole_text(read(data))
        except (msgspec.DecodeError, ValueError, TypeError, RecursionError):
            # Also text that is not UTF-8, and maps whose keys cannot be keys.
            return None
        return value if isinstance(value, dict) else None


def _changed(now: Names, names: list[str], *, is_adding: bool) -> Names:
    asked = dict.fromkeys(names)
    if is_adding:
        return {**now, **asked}
    return {name: None for name in now if name not in asked}
