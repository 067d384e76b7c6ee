"""What the fuzzer sends: sound orders and changes, and everything between sound and noise.

Most inputs begin as something a client would send, so that they reach the rules behind the parser;
then fields are dropped, replaced or added, bytes are cut, ids are mixed up.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from random import Random
from typing import Any

import msgpack  # type: ignore[import-untyped]  # says surrogates too, as msgspec will not

from surefill.sim.alpaca.openapi import ROWS
from surefill.sim.wire import WireRequest
from tests.support.bench import SYM

SYMBOLS = (SYM, "BETA", "GAMMA")
KEYS = ("KEY", "SECOND")
KEY_HEADER = "apca-api-key-id"
NOBODY = "11111111-1111-4111-8111-111111111111"
VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 10, 0.1, 1e300, 10**30, "", "0", "1", "-1", "10", "99.99",
    "100.01", "100.001", "1e9", "NaN", "Infinity", "x", "\u0000", "\ud800", "buy", "sell", "market",
    "limit", "stop", "stop_limit", "trailing_stop", "day", "gtc", "ioc", "fok", "opg", "cls",
    "bracket", "oco", "oto", SYM, "NONE", [], {}, [1], {"limit_price": "105"}, {"stop_price": "95"},
    {"stop_price": "95", "limit_price": "94"}, "2026-03-02", "2026-03-02T15:00:00Z", "1Min",
    "9" * 400,
)  # fmt: skip
STREAM_WORDS: tuple[Any, ...] = (
    "action", "auth", "authenticate", "listen", "subscribe", "unsubscribe", "data", "streams",
    "trade_updates", "key", "secret", "key_id", "secret_key", "trades", "quotes", "bars", "*", SYM,
    "\ud800", "", "NONE", 1,
)  # fmt: skip
WEIGHTS = {
    ("post", "/v2/orders"): 30,
    ("patch", "/v2/orders/{order_id}"): 12,
    ("delete", "/v2/orders/{order_id}"): 6,
    ("delete", "/v2/positions/{symbol}"): 3,
    ("delete", "/v2/orders"): 0.3,
    ("delete", "/v2/positions"): 0.3,
    ("get", "/v2/calendar"): 0.2,
}
"""How often a route is taken; any other counts as 1. What ends everything at once is rare, and so
is the calendar, which is sixty years long."""

Fields = dict[str, Any]


class Inputs:
    """Requests and stream messages.

    ``known``: key -> ids of its orders and lists; ``mid``: the market, in cents."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.known: dict[str, list[str]] = {key: [NOBODY] for key in KEYS}
        self.mid = 10_000
        self._weights = [WEIGHTS.get(row[:2], 1) for row in ROWS]

    def learn(self, request: WireRequest, body: bytes) -> None:
        """Remember the ids of a good answer."""
        found = json.loads(body)
        rows = [found, *(found.get("legs") or ())] if isinstance(found, dict) else []
        known = self.known[request.headers[KEY_HEADER]]
        known += [str(row["id"]) for row in rows if isinstance(row, dict) and "id" in row]
        del known[1:-60]

    def request(self) -> WireRequest:
        """One request of any route, mostly of those that trade."""
        method, path, _, query, body = self.random.choices(ROWS, self._weights)[0]
        key = self.random.choice(KEYS)
        parts = [self._part(part, self.known[key]) for part in path.split("/")]
        names = [name for name in query if self._one_in(3)]
        pairs = tuple((name, str(self.random.choice(VALUES))) for name in names)
        raw = b"" if body is None else self._body(path, body)
        verb = method if not self._one_in(60) else "put"
        return WireRequest(verb.upper(), "/".join(parts), pairs, self._headers(key), raw)

    def message(self) -> bytes:
        """One message of a stream client."""
        choice = self.random.random()
        if choice < 0.2:
            return self.random.randbytes(self.random.randrange(60))
        if choice < 0.4:
            return b'{"action":"auth","key":"KEY","secret":"S"}'
        if choice < 0.5:
            return b'{"action":"listen","data":{"streams":["trade_updates"]}}'
        message = self._value(3) if choice < 0.8 else self._meant()
        packed = json.dumps(message).encode()
        if choice < 0.65 or choice > 0.9:
            return packed
        return bytes(msgpack.packb(message, unicode_errors="surrogatepass"))

    # --- parts of a request ---------------------------------------------------------------

    def _one_in(self, count: int) -> bool:
        return not self.random.randrange(count)

    def _headers(self, key: str) -> Mapping[str, str]:
        secret = "S" if not self._one_in(50) else "wrong"
        return {KEY_HEADER: key, "apca-api-secret-key": secret}

    def _part(self, part: str, known: Sequence[str]) -> str:
        if not part.startswith("{"):
            return part
        if part == "{kind}":
            return self.random.choice(("quotes", "trades", "bars", "x"))
        recent = known[-1 - min(len(known) - 1, int(self.random.expovariate(0.15)))]
        first, second = (self.random.choice(SYMBOLS), recent)
        if part.endswith("_id}"):
            first, second = second, first
        stranger = self.random.choice(self.known[self.random.choice(KEYS)])
        choices = (first, stranger, second, "NONE", "%00", "a" * 300)
        return choices[min(5, int(self.random.expovariate(1.8)))]

    def _body(self, path: str, schema: Fields) -> bytes:
        made = self._fields(path, schema)
        if self._one_in(3):
            for _ in range(self.random.choice((1, 1, 2, 4))):
                self._mutate(made, schema["properties"])
        raw = json.dumps(made).encode()
        if self._one_in(40):
            cut = self.random.randrange(len(raw) + 1)
            raw = self.random.choice((raw[:cut], self.random.randbytes(cut), raw + raw))
        return raw

    def _mutate(self, made: Fields, fields: Fields) -> None:
        """Drop, replace, add or borrow one field."""
        inner = [value for value in made.values() if isinstance(value, dict) and value]
        if inner and self._one_in(3):
            self._mutate(self.random.choice(inner), fields)
            return
        name = self.random.choice((*made, *fields))
        choice = self.random.randrange(4)
        if choice == 0:
            made.pop(name, None)
        elif choice == 1 and "enum" in fields.get(name, {}):
            made[name] = self.random.choice(fields[name]["enum"])
        elif choice == 2:
            made[name] = self._px(self.random.randrange(-600, 600))
        else:
            made[name] = deepcopy(self.random.choice(VALUES))

    def _fields(self, path: str, schema: Fields) -> Fields:
        if path == "/v2/orders":
            return self._order()
        if path.startswith("/v2/orders"):
            return self._change()
        made: Fields = {}
        for name, field in schema["properties"].items():
            if name in schema["required"] or self._one_in(2):
                words = field.get("enum") or self._sound(name)
                made[name] = self.random.choice(words)
        return made

    def _sound(self, name: str) -> tuple[Any, ...]:
        if name == "symbols":
            return ([SYM], ["BETA", SYM], [])
        if name == "name":
            return (f"list-{self.random.randrange(20)}",)
        if name in ("suspend_trade", "no_shorting", "fractional_trading"):
            is_usual = not self._one_in(12)
            return (is_usual == (name == "fractional_trading"),)
        return SYMBOLS

    # --- orders ---------------------------------------------------------------------------

    def _px(self, away: int) -> str:
        return f"{(self.mid + away) / 100:.2f}"

    def _near(self) -> str:
        return self._px(self.random.randrange(-40, 40))

    def _order(self) -> Fields:
        """An order that a client may mean seriously."""
        made: Fields = {
            "symbol": self.random.choice(SYMBOLS),
            "qty": str(self.random.randrange(1, 60)),
            "side": self.random.choice(("buy", "sell")),
            "type": "market",
            "time_in_force": self.random.choice(("day", "day", "gtc")),
        }
        if self._one_in(6):
            made["client_order_id"] = f"id-{self.random.randrange(2_000)}"
        self.random.choice(self._shapes())(made)
        return made

    def _shapes(self) -> tuple[Callable[[Fields], None], ...]:
        return (
            self._limit,
            self._limit,
            self._stop,
            self._stop_limit,
            self._trailing,
            self._at_once,
            self._small,
            self._bracket,
            self._bracket,
            self._oco,
            self._oto,
            self._extended,
        )

    def _limit(self, made: Fields) -> None:
        made |= {"type": "limit", "limit_price": self._near()}

    def _stop(self, made: Fields) -> None:
        away = 20 if made["side"] == "buy" else -20
        made |= {"type": "stop", "stop_price": self._px(away)}

    def _stop_limit(self, made: Fields) -> None:
        self._stop(made)
        made |= {"type": "stop_limit", "limit_price": self._near()}

    def _trailing(self, made: Fields) -> None:
        name = self.random.choice(("trail_price", "trail_percent"))
        made |= {"type": "trailing_stop", name: self.random.choice(("0.25", "1", 2))}

    def _at_once(self, made: Fields) -> None:
        if self._one_in(2):
            self._limit(made)
        made["time_in_force"] = self.random.choice(("ioc", "fok", "opg", "cls"))

    def _small(self, made: Fields) -> None:
        """A part of a share, or dollars of it."""
        made["time_in_force"] = "day"
        if self._one_in(2):
            made["qty"] = self.random.choice(("0.5", "1.25", 0.000000001))
        else:
            del made["qty"]
            made["notional"] = self.random.choice(("50", 12.34, "0.5"))

    def _exits(self, made: Fields) -> tuple[Fields, Fields]:
        sign = 1 if made["side"] == "buy" else -1
        target = {"limit_price": self._px(sign * self.random.randrange(2, 200))}
        stop = {"stop_price": self._px(-sign * self.random.randrange(2, 200))}
        if self._one_in(4):
            stop["limit_price"] = self._px(-sign * 210)
        return target, stop

    def _bracket(self, made: Fields) -> None:
        target, stop = self._exits(made)
        if self._one_in(2):
            self._limit(made)
        made |= {"order_class": "bracket", "take_profit": target, "stop_loss": stop}

    def _oco(self, made: Fields) -> None:
        closing = {"side": "buy" if made["side"] == "sell" else "sell"}
        target, stop = self._exits(closing)
        made |= {"order_class": "oco", "type": "limit", "take_profit": target, "stop_loss": stop}

    def _oto(self, made: Fields) -> None:
        target, stop = self._exits(made)
        made["order_class"] = "oto"
        made |= {"take_profit": target} if self._one_in(2) else {"stop_loss": stop}

    def _extended(self, made: Fields) -> None:
        self._limit(made)
        made["extended_hours"] = True

    def _change(self) -> Fields:
        """A replacement that a client may mean seriously."""
        made: Fields = {}
        for name in ("limit_price", "stop_price"):
            if self._one_in(2):
                made[name] = self._px(self.random.randrange(-200, 200))
        if self._one_in(4):
            made["qty"] = str(self.random.randrange(1, 80))
        if self._one_in(8):
            made["trail"] = "1.5"
        if self._one_in(8):
            made["client_order_id"] = f"id-{self.random.randrange(2_000)}"
        return made

    def _meant(self) -> Fields:
        """A message in the right shape with words that may be anything."""
        action = self.random.choice(("auth", "subscribe", "unsubscribe", "listen"))
        names = self.random.sample(("key", "secret", "trades", "quotes", "bars", "data"), 3)
        return {"action": action, **{name: self._value(1) for name in names}}

    def _value(self, depth: int) -> Any:
        if depth == 0 or self.random.random() < 0.3:
            return self.random.choice(STREAM_WORDS)
        if self.random.random() < 0.4:
            return [self._value(depth - 1) for _ in range(self.random.randrange(4))]
        names = self.random.sample(STREAM_WORDS, self.random.randrange(1, 5))
        return {str(name): self._value(depth - 1) for name in names}
