"""Random input for the exchange: requests and stream messages, sensible, broken and mixed.

    python -m tests.support.fuzz 1000000 [SEED]

Checked for each: no exception, no 5xx, an answer; and a refused request (4xx) leaves no line in the
truth log but its refusal. The books are added up at the end.
"""

from __future__ import annotations

import json
import sys
from random import Random
from typing import Any

import msgspec

from surefill.sim.alpaca.openapi import ROWS
from surefill.sim.wire import StreamKind, WireRequest, WireResponse
from tests.support.bench import MS, SYM, Bench

VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 10, 0.1, 1e300, 10**30, "", "0", "1", "-1", "10", "99.99",
    "100.01", "100.001", "1e9", "NaN", "Infinity", "x", "\u0000", "\ud800", "buy", "sell", "market",
    "limit", "stop", "stop_limit", "trailing_stop", "day", "gtc", "ioc", "fok", "opg", "cls",
    "bracket", "oco", "oto", SYM, "NONE", [], {}, [1], {"limit_price": "105"}, {"stop_price": "95"},
    {"stop_price": "95", "limit_price": "94"}, "2026-03-02", "2026-03-02T15:00:00Z", "1Min",
    "9" * 400,
)  # fmt: skip
STREAM_WORDS = (
    "action", "auth", "authenticate", "listen", "subscribe", "unsubscribe", "data", "streams",
    "trade_updates", "key", "secret", "key_id", "secret_key", "trades", "quotes", "bars", "*", SYM,
)  # fmt: skip
KEY = {"apca-api-key-id": "KEY", "apca-api-secret-key": "S"}


class Fuzzer:
    """One venue under random input."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.bench = Bench("rate_limit_per_min=0")
        self.known: list[str] = ["11111111-1111-4111-8111-111111111111"]
        self.statuses: dict[int, int] = {}
        self.conn = 0

    def run(self, count: int) -> None:
        """``count`` inputs; then the books must add up."""
        for number in range(count):
            if number % 50 == 0:
                self._market()
            if self.random.random() < 0.15:
                self._stream()
            else:
                self._request()
        for owner in self.bench.venue.keys.opened():
            assert self.bench.exchange.books(owner.account).breaks == ()

    def _market(self) -> None:
        mid = 10_000 + self.random.randrange(-300, 300)
        self.bench.quote(SYM, f"{(mid - 1) / 100:.2f}", f"{(mid + 1) / 100:.2f}", "500")
        self.bench.print_(SYM, f"{mid / 100:.2f}")
        self.bench.advance(self.random.choice((1, 50, 1_000)))
        if len(self.bench.venue.log.lines) > 20_000:
            fresh = Fuzzer(self.random.randrange(1 << 30))
            self.bench, self.known, self.conn = fresh.bench, fresh.known, 0

    def _request(self) -> None:
        request = self._made()
        log = self.bench.venue.log.lines
        before = len(log)
        answer = self.bench.venue.face.handle(request)
        self.bench.edge.settle()
        self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
        assert answer.status < 500, (request, answer)
        if answer.status >= 400:
            kinds = {str(line["kind"]) for line in log[before:]}
            assert kinds <= {"refused", "account"}, (request, kinds)
        self._learn(answer)

    def _made(self) -> WireRequest:
        method, path, _, query, body = self.random.choice(ROWS)
        parts = [self._part(part) for part in path.split("/")]
        names = [name for name in query if self.random.random() < 0.4]
        pairs = tuple((name, str(self.random.choice(VALUES))) for name in names)
        raw = b"" if body is None else self._body(body)
        if self.random.random() < 0.03:
            raw = self.random.randbytes(self.random.randrange(40))
        verb = method if self.random.random() < 0.97 else "put"
        return WireRequest(verb.upper(), "/".join(parts), pairs, KEY, raw)

    def _part(self, part: str) -> str:
        if not part.startswith("{"):
            return part
        if part == "{kind}":
            return self.random.choice(("quotes", "trades", "bars", "x"))
        choices = (self.random.choice(self.known), SYM, "NONE", "%00", "a" * 300)
        return choices[min(4, int(self.random.expovariate(1.0)))]

    def _body(self, schema: dict[str, Any]) -> bytes:
        """Mostly a sound order, with some fields replaced, dropped or added."""
        fields = schema["properties"]
        made: dict[str, Any] = {}
        for name, field in fields.items():
            if name in schema["required"] or self.random.random() < 0.25:
                words = field.get("enum")
                made[name] = self.random.choice(words) if words else self._sound(name)
        for name in list(made):
            if self.random.random() < 0.06:
                made[name] = self.random.choice(VALUES)
        return json.dumps(made).encode()

    def _sound(self, name: str) -> Any:
        price = f"{100 + self.random.randrange(-500, 500) / 100:.2f}"
        sound: dict[str, Any] = {
            "symbol": SYM,
            "symbols": [SYM],
            "qty": str(self.random.randrange(1, 50)),
            "notional": "50",
            "take_profit": {"limit_price": "105"},
            "stop_loss": {"stop_price": "95"},
            "extended_hours": False,
            "client_order_id": f"id-{self.random.randrange(2000)}",
            "name": f"list-{self.random.randrange(20)}",
        }
        return sound.get(name, price)

    def _learn(self, answer: WireResponse) -> None:
        if answer.status == 200 and answer.body.startswith(b'{"id":"') and len(self.known) < 500:
            self.known.append(str(json.loads(answer.body)["id"]))

    def _stream(self) -> None:
        edge = self.bench.edge
        if self.conn == 0 or self.random.random() < 0.02:
            self.conn += 1
            kind = self.random.choice((StreamKind.ORDERS, StreamKind.MARKET))
            coded = self.random.random() < 0.3
            headers = {"content-type": "application/msgpack"} if coded else {}
            edge.open_stream(edge.now_ns, self.conn, kind, headers=headers)
        before = len(self.bench.venue.log.lines)
        edge.stream_send(edge.now_ns, self.conn, self._message())
        edge.advance(edge.now_ns + MS)
        kinds = {str(line["kind"]) for line in self.bench.venue.log.lines[before:]}
        assert not kinds & {"accept", "refused", "pending_cancel"}, kinds

    def _message(self) -> bytes:
        choice = self.random.random()
        if choice < 0.2:
            return self.random.randbytes(self.random.randrange(60))
        if choice < 0.4:
            return b'{"action":"auth","key":"KEY","secret":"S"}'
        message = self._value(3)
        return msgspec.msgpack.encode(message) if choice < 0.6 else json.dumps(message).encode()

    def _value(self, depth: int) -> Any:
        if depth == 0 or self.random.random() < 0.3:
            return self.random.choice(STREAM_WORDS)
        if self.random.random() < 0.4:
            return [self._value(depth - 1) for _ in range(self.random.randrange(4))]
        names = self.random.sample(STREAM_WORDS, self.random.randrange(1, 5))
        return {name: self._value(depth - 1) for name in names}


def main() -> None:
    """Fuzz as often as asked for and say what was answered."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    fuzzer = Fuzzer(seed)
    fuzzer.run(count)
    sys.stdout.write(
        f"{count} inputs, seed {seed}, answers {dict(sorted(fuzzer.statuses.items()))}\n"
    )


if __name__ == "__main__":
    main()
