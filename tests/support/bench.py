"""Alpaca's face without sockets: requests by value, time by hand, no latency.

bench = Bench()
bench.quote("ACME", "99.99", "100.01")
bench.call("GET", "/v2/account").json["cash"]
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from surefill.core.fix import TradingStatus
from surefill.core.market import Nbbo, Print
from surefill.core.units import to_nano
from surefill.sim.alpaca.app import ExchangeConfig, Venue, build
from surefill.sim.alpaca.switches import split_pairs
from surefill.sim.alpaca.text import parse_stamp
from surefill.sim.market import PrintEvent, QuoteEvent, StatusEvent
from surefill.sim.wire import Delivery, DeliveryKind, WireRequest

START_NS = parse_stamp("2026-03-02T15:00:00Z") or 0
"""10:00 New York on a Monday with a full session."""
MS = 1_000_000
SYM = "ACME"


@dataclass(frozen=True)
class Answer:
    """An answer as a client sees it."""

    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        """The parsed body."""
        return json.loads(self.raw)

    @property
    def error(self) -> tuple[int, int, str]:
        """(status, code, message)."""
        return self.status, self.json.get("code"), self.json["message"]


class Bench:
    """One venue with Alpaca's face, driven by hand."""

    def __init__(
        self, *pairs: str, start_ns: int = START_NS, latency: str = "none", id_seed: int = 0
    ) -> None:
        switches, face = split_pairs(pairs)
        config = ExchangeConfig(
            start_ns=start_ns, switches=switches, face=face, latency=latency, id_seed=id_seed
        )
        self.venue: Venue = build(config, reading_ns=lambda: 0, wall_ns=lambda: start_ns)
        self.edge = self.venue.edge
        self.exchange = self.venue.exchange
        self.tickets = 0
        self.heard: list[Delivery] = []  # what streams brought while a request was answered

    def quote(self, symbol: str, bid: str, ask: str, size: str = "1000") -> None:
        """Set the touch."""
        ns, qty = self.edge.now_ns, to_nano(size)
        self.edge.inject(QuoteEvent(symbol, Nbbo(to_nano(bid), qty, to_nano(ask), qty, ns, ns)))

    def print_(self, symbol: str, price: str, size: str = "100") -> None:
        """Print a trade."""
        ns = self.edge.now_ns
        self.edge.inject(PrintEvent(symbol, Print(to_nano(price), to_nano(size), ns, ns)))

    def status(self, symbol: str, status: TradingStatus) -> None:
        """Halt or resume."""
        self.edge.inject(StatusEvent(symbol, status, self.edge.now_ns))

    def advance(self, ms: int = 1_000) -> list[Delivery]:
        """Let time pass."""
        return self.edge.advance(self.edge.now_ns + ms * MS)

    def call(
        self, method: str, path: str, body: object = None, *, key: str = "KEY", secret: str = "S"
    ) -> Answer:
        """One request and its answer, at once when there is no latency."""
        path, _, query = path.partition("?")
        self.tickets += 1
        request = WireRequest(
            method,
            path,
            tuple(parse_qsl(query, keep_blank_values=True)),
            {"apca-api-key-id": key, "apca-api-secret-key": secret},
            b"" if body is None else json.dumps(body).encode(),
        )
        self.edge.send(self.edge.now_ns, self.tickets, request)
        deliveries = self.edge.advance(self.edge.now_ns)
        self.heard += [delivery for delivery in deliveries if delivery.conn is not None]
        for delivery in deliveries:
            if delivery.ticket == self.tickets and delivery.kind is DeliveryKind.RESPONSE:
                assert delivery.response is not None
                answer = delivery.response
                return Answer(answer.status, answer.headers, answer.body)
        raise AssertionError("no answer arrived")

    def order(self, **more: object) -> Answer:
        """POST an order; by default a market buy of ten `SYM` for the day."""
        body: dict[str, object] = {
            "symbol": SYM,
            "qty": "10",
            "side": "buy",
            "type": "market",
            "time_in_force": "day",
        }
        body.update(more)
        return self.call("POST", "/v2/orders", {k: v for k, v in body.items() if v is not None})

    def filled(self, **more: object) -> Any:
        """An order that fills: its JSON after a second."""
        order = self.order(**more)
        assert order.status == 200, order.raw
        self.advance()
        return self.call("GET", f"/v2/orders/{order.json['id']}?nested=true").json
