"""A seeded random day of one exchange: requests of two accounts, market, faults, jumps of time.

`History` decides everything by its own generator and by what was answered, so the same seed drives
two exchanges alike as long as they answer alike; `heard` is every byte that reached the clients.
"""

from __future__ import annotations

import json
from random import Random
from typing import Any

from surefill.core.fix import TradingStatus
from surefill.core.market import Nbbo, Print
from surefill.core.units import NANO
from surefill.sim.alpaca.app import Venue
from surefill.sim.faults import Fault, FaultCode
from surefill.sim.market import PrintEvent, QuoteEvent, StatusEvent
from surefill.sim.notices import BandNotice, PrintCancel
from surefill.sim.wire import Delivery, WireRequest

MS = 1_000_000
SYMBOLS = ("ACME", "BETA")
CLASSES = ("simple", "simple", "simple", "bracket", "oco", "oto")
FAULTS = (
    *("N2", "N3", "N4", "N6", "N8", "N11", "N12", "W10", "V26", "V27"),
    *("V1", "V2", "V3", "V4", "V5", "V6", "V9", "V16", "V17", "V18", "V19", "V20"),
)
INCIDENTS = ("V7", "V8", "V10", "V12", "V13", "V14", "V15", "V21", "V23", "V24", "V25")
CENT = NANO // 100


class History:
    """Acts on one exchange. Two of the same seed and venue do and hear the same."""

    def __init__(self, venue: Venue, seed: int) -> None:
        self.venue = venue
        self.heard: list[Delivery] = []
        self._chance = Random(f"history:{seed}")
        self._mid = dict.fromkeys(SYMBOLS, 100 * NANO)
        self._ids: list[str] = []
        self._ticket = 0
        self._lost = 0

    def hang_up(self, venue: Venue) -> None:
        """The clients' connections end, with the answers under way; go on at this exchange."""
        self._lost = self._ticket
        self.venue = venue

    def act(self, times: int) -> None:
        """So many random acts."""
        for _ in range(times):
            act = self._chance.choices(
                (self._quote, self._print, self._submit, self._change, self._read, self._other),
                (30, 20, 25, 15, 10, 6),
            )[0]
            act()
            self._wait(self._chance.choice((0, 0, 1, 5, 20, 60, 300, 4_000)))

    def end(self) -> None:
        """Let everything come to rest, until the day after tomorrow."""
        for _ in range(3):
            self._wait(26 * 3_600_000)

    def _wait(self, ms: int) -> None:
        edge = self.venue.edge
        for delivery in edge.advance(edge.now_ns + ms * MS):
            if (delivery.ticket or 0) <= self._lost:
                continue
            self.heard.append(delivery)
            if delivery.response is not None:
                self._learn(delivery.response.body)

    def _learn(self, body: bytes) -> None:
        data = json.loads(body) if body[:1] in (b"{", b"[") else None
        rows = data if isinstance(data, list) else [data]
        for row in rows:
            if isinstance(row, dict) and "order_class" in row:
                self._ids += [row["id"], *(leg["id"] for leg in row["legs"] or ())]

    def _send(self, method: str, path: str, body: object = None) -> None:
        self._ticket += 1
        key = self._chance.choice(("ONE", "ONE", "TWO"))
        headers = {"apca-api-key-id": key, "apca-api-secret-key": f"secret {key}"}
        path, _, query = path.partition("?")
        pairs = tuple(tuple(pair.split("=")) for pair in query.split("&") if pair)
        data = b"" if body is None else json.dumps(body).encode()
        request = WireRequest(method, path, pairs, headers, data)  # type: ignore[arg-type]
        self.venue.edge.send(self.venue.edge.now_ns, self._ticket, request)

    # -- market -------------------------------------------------------------------------------

    def _symbol(self) -> str:
        return self._chance.choice(SYMBOLS)

    def _quote(self) -> None:
        symbol, ns = self._symbol(), self.venue.edge.now_ns
        self._mid[symbol] += self._chance.randint(-30, 30) * CENT
        half = self._chance.randint(1, 4) * CENT
        bid, ask = self._mid[symbol] - half, self._mid[symbol] + half
        qty = self._chance.choice((5, 100, 1_000)) * NANO
        self.venue.edge.inject(QuoteEvent(symbol, Nbbo(bid, qty, ask, qty, ns, ns)))

    def _print(self) -> None:
        symbol, ns = self._symbol(), self.venue.edge.now_ns
        px = self._mid[symbol] + self._chance.randint(-4, 4) * CENT
        qty = self._chance.choice((1, 50, 400)) * NANO
        self.venue.edge.inject(PrintEvent(symbol, Print(px, qty, ns, ns)))

    # -- requests -----------------------------------------------------------------------------

    def _submit(self) -> None:
        chance = self._chance
        symbol, side = self._symbol(), chance.choice(("buy", "sell"))
        sign = 1 if side == "buy" else -1
        mid = self._mid[symbol]

        def away(cents: int) -> str:
            return f"{(mid + sign * cents * CENT) / NANO:.2f}"

        kind = chance.choice(("market", "limit", "limit", "stop", "stop_limit", "trailing_stop"))
        body: dict[str, Any] = {"symbol": symbol, "side": side, "type": kind}
        body |= {
            "qty": str(chance.choice((1, 7, 30))),
            "time_in_force": chance.choice(("day", "gtc")),
        }
        group = chance.choice(CLASSES)
        if kind in ("limit", "stop_limit"):
            body["limit_price"] = away(chance.randint(-40, 10))
        if kind in ("stop", "stop_limit"):
            body["stop_price"] = away(chance.randint(5, 40))
        if kind == "trailing_stop":
            body["trail_price"] = "0.25"
        elif kind in ("market", "limit") and group == "simple":
            body["time_in_force"] = chance.choice(("day", "gtc", "ioc", "fok", "opg", "cls"))
        if group != "simple" and kind in ("market", "limit"):
            far, near = chance.randint(20, 80), -chance.randint(20, 80)
            turned = (near, far) if group == "oco" else (far, near)
            target, stop = {"limit_price": away(turned[0])}, {"stop_price": away(turned[1])}
            body |= {"order_class": group, "take_profit": target, "stop_loss": stop}
            if group == "oto":
                del body["take_profit"]
            if group == "oco":
                body |= {"type": "limit", "limit_price": target["limit_price"]}
        self._send("POST", "/v2/orders", body)

    def _change(self) -> None:
        chance = self._chance
        path = f"/v2/orders/{chance.choice(self._ids[-12:])}" if self._ids else "/v2/orders"
        price = f"{(self._mid['ACME'] + chance.randint(-60, 60) * CENT) / NANO:.2f}"
        asked = chance.randrange(8)
        if asked < 3 and self._ids:
            name = chance.choice(("limit_price", "stop_price", "qty"))
            self._send("PATCH", path, {name: "9" if name == "qty" else price})
        elif asked < 6 and self._ids:
            self._send("DELETE", path)
        elif asked == 6:
            self._send("DELETE", chance.choice(("/v2/orders", "/v2/positions/ACME")))
        else:
            self._send("POST", "/v2/watchlists", {"name": f"w{price}", "symbols": ["ACME"]})

    def _read(self) -> None:
        self._send("GET", self._chance.choice(READS))

    def _other(self) -> None:
        chance, edge = self._chance, self.venue.edge
        asked, symbol = chance.randrange(9), self._symbol()
        if asked < 2:
            code = FaultCode(chance.choice(FAULTS))
            edge.arm(Fault(code, probability_ppb=NANO // 3, count=2))
        elif asked == 7:
            code = FaultCode(chance.choice(INCIDENTS))
            edge.arm(Fault(code, probability_ppb=NANO // 2, params={"for_ms": 20_000}))
        elif asked == 2:
            status = chance.choice((TradingStatus.HALTED, TradingStatus.TRADING))
            edge.inject(StatusEvent(symbol, status, edge.now_ns))
        elif asked == 3:
            self._send(
                "PATCH", "/v2/account/configurations", {"no_shorting": chance.random() < 0.3}
            )
        elif asked == 4:
            state = self.venue.face.desk.board.get(symbol)
            updates = state.history.updates if state else {}
            if state is not None and state.print_count and state.print_count not in updates:
                edge.announce(PrintCancel(symbol, state.print_count, edge.now_ns))
        elif asked == 5:
            mid = self._mid[symbol]
            bands = BandNotice(symbol, mid * 21 // 20, mid * 19 // 20, edge.now_ns)
            edge.announce(bands)
        else:
            self._wait(chance.choice((60_000, 3_600_000)))


READS = (
    "/v2/account",
    "/v2/positions",
    "/v2/orders?status=all&limit=500&nested=true",
    "/v2/orders?status=open",
    "/v2/account/activities/FILL",
    "/v2/account/portfolio/history?timeframe=1Min&period=1D",
    "/v2/watchlists",
    "/v2/account/configurations",
    "/v2/stocks/snapshots?symbols=ACME,BETA",
    "/v2/stocks/trades?symbols=ACME&limit=50",
    "/v2/stocks/bars?symbols=ACME,BETA&timeframe=1Min",
    "/v2/clock",
)
