"""The ``trade_updates`` protocol as a state machine (alpaca.md 4).

What: `OrderSession`: authenticate (both spellings), listen, then one message per order event of
the account. JSON in binary frames by default (paper), text by switch (live), MessagePack when the
handshake asked for it.
Invariants: nothing is sent before both authorization and listen; the listen list replaces the
previous one; unknown streams are dropped from the acknowledgement.
Must never: show an event of another account, or repeat a secret.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import msgspec

from surefill.core.values import replace
from surefill.sim.alpaca.context import Desk
from surefill.sim.alpaca.encode import Json, dump, trade_update
from surefill.sim.alpaca.keys import Credentials, Owner
from surefill.sim.alpaca.text import uuid_of, whole_text
from surefill.sim.market import MarketEvent
from surefill.sim.notices import Notice
from surefill.sim.types import VenueEvent
from surefill.sim.wire import Frame

TRADE_UPDATES = "trade_updates"
KNOWN_STREAMS = (TRADE_UPDATES,)
NEVER_HEARD = "order_reviewed"


class OrderSession:
    """One client's ``trade_updates`` socket."""

    def __init__(
        self, desk: Desk, headers: Mapping[str, str], *, others: Sequence[OrderSession] = ()
    ) -> None:
        """``others``: sessions opened before, for the switch that limits their number."""
        self._desk = desk
        self._is_msgpack = headers.get("content-type", "") == "application/msgpack"
        self._others = others
        self._owner: Owner | None = None
        self._streams: list[str] = []
        self._last: Json = {}

    @property
    def account(self) -> str | None:
        """The account, once authorized."""
        return self._owner.account if self._owner else None

    @property
    def is_listed(self) -> bool:
        """Whether this session counts against the number of sockets."""
        return self._owner is not None

    def opened(self) -> Sequence[Frame]:
        """No greeting on this stream."""
        return ()

    def closed(self) -> None:
        """The connection ended: it no longer counts."""
        self._owner = None

    def receive(self, data: bytes) -> Sequence[Frame]:
        """Answer one client message; unreadable ones get the protocol's error."""
        message = _read(data)
        action = message.get("action") if message is not None else None
        if message is None or action not in ("authenticate", "auth", "listen"):
            return self._say({"stream": "error", "data": {"error": "invalid message"}})
        if action == "listen":
            return self._listen(message)
        return self._authenticate(message)

    def on_order(self, event: VenueEvent) -> Sequence[Frame]:
        """One message per event of this account while listening."""
        if event.account != self.account or TRADE_UPDATES not in self._streams:
            return ()
        data = trade_update(event)
        order = data["order"]
        is_simple_word = self._desk.exchange.switches.simple_class == "simple"
        if is_simple_word and isinstance(order, dict) and not order["order_class"]:
            order["order_class"] = "simple"
        self._last = data
        return self._say({"stream": TRADE_UPDATES, "data": data})

    def on_market(self, event: MarketEvent) -> Sequence[Frame]:
        """Not this stream's business."""
        return ()

    def on_notice(self, notice: Notice) -> Sequence[Frame]:
        """Not this stream's business."""
        return ()

    def auth_refused(self) -> Sequence[Frame]:
        """Unauthorized, whatever was sent."""
        return self._say(
            {
                "stream": "authorization",
                "data": {"status": "unauthorized", "action": "authenticate"},
            }
        )

    def auth_expired(self) -> Sequence[Frame]:
        """This stream waits for ever."""
        return ()

    def thrown_out(self) -> Sequence[Frame]:
        """This stream has no word for it: the connection ends."""
        return ()

    def foreign(self, event: VenueEvent) -> Sequence[Frame]:
        """The event of an order placed by somebody else with the same account."""
        order_id = uuid_of("foreign", event.order.order_id)
        order = replace(
            event.order, order_id=order_id, cl_ord_id=f"manual-{order_id[:8]}", parent_id=None
        )
        shown = replace(event, order=order, exec_id=uuid_of("foreign", event.exec_id))
        return self._say({"stream": TRADE_UPDATES, "data": trade_update(shown)})

    def unknown(self) -> Frame:
        """The last message again under an event name no client knows (fault W9)."""
        return self._say({"stream": TRADE_UPDATES, "data": {**self._last, "event": NEVER_HEARD}})[0]

    def _authenticate(self, message: Mapping[str, object]) -> Sequence[Frame]:
        owner = self._desk.keys.find(_pair(message))
        if owner is not None and self._is_one_too_many(owner):
            owner = None
        if owner is not None:
            self._owner = owner
        status = "authorized" if owner is not None else "unauthorized"
        return self._say(
            {"stream": "authorization", "data": {"status": status, "action": "authenticate"}}
        )

    def _is_one_too_many(self, owner: Owner) -> bool:
        limit = self._desk.switches.order_streams_max
        mine = sum(other.account == owner.account for other in self._others if other is not self)
        return 0 < limit <= mine

    def _listen(self, message: Mapping[str, object]) -> Sequence[Frame]:
        if self._owner is None:
            return self._say(
                {
                    "stream": "authorization",
                    "data": {"status": "unauthorized", "action": "listen"},
                }
            )
        data = message.get("data")
        wanted = data.get("streams") if isinstance(data, dict) else None
        names = wanted if isinstance(wanted, list) else []
        self._streams = [name for name in KNOWN_STREAMS if name in names]
        return self._say({"stream": "listening", "data": {"streams": list(self._streams)}})

    def _say(self, message: Json) -> Sequence[Frame]:
        if self._is_msgpack:
            return (Frame(msgspec.msgpack.encode(message)),)
        return (Frame(dump(message), is_text=self._desk.switches.stream_frames == "text"),)


def _pair(message: Mapping[str, object]) -> Credentials | None:
    """Key pair of either spelling: ``data.key_id, secret_key`` or ``key, secret``."""
    data = message.get("data")
    inner = data if isinstance(data, dict) else message
    key = inner.get("key_id", inner.get("key"))
    secret = inner.get("secret_key", inner.get("secret"))
    if isinstance(key, str) and isinstance(secret, str) and key and secret:
        return Credentials(key, secret)
    return None


def _read(data: bytes) -> Mapping[str, object] | None:
    """A client message: JSON, or MessagePack from clients that speak it."""
    try:
        value: object = whole_text(json.loads(data))
    except (ValueError, RecursionError):
        try:
            value = msgspec.msgpack.decode(data)
        except (msgspec.DecodeError, ValueError, TypeError, RecursionError):
            # Also text that is not UTF-8, and maps whose keys cannot be keys.
            return None
    return value if isinstance(value, dict) else None
