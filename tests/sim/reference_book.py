"""A naive book: model ``queue`` of docs/assumptions.md, written again from its sentences.

One list of orders, everything looked at again at every event, whole shares; prices and times are
whole numbers of any unit (``quiet`` is in that of the times). Slow and short on purpose; it shares
no line with `surefill.sim.book`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

BUY, SELL = 1, -1
QUIET_MS = 100


@dataclass
class Mine:
    """An order. ``limit`` is ``None`` for a market order; ``ahead`` is ``None`` until learnt."""

    name: str
    sign: int
    limit: int | None
    left: int
    at_once: bool = False
    all_or_none: bool = False
    waits: bool = False
    ahead: int | None = None
    done: bool = False


@dataclass
class ReferenceBook:
    """Quotes, prints and orders in; ``fills`` (name, price, shares) out."""

    quiet: int = QUIET_MS
    now: int = 0
    bid: int = 0
    bid_size: int = 0
    ask: int = 0
    ask_size: int = 0
    taken: dict[int, int] = field(default_factory=lambda: {BUY: 0, SELL: 0})
    version: dict[int, int] = field(default_factory=lambda: {BUY: 0, SELL: 0})
    promised: dict[int, int] = field(default_factory=lambda: {BUY: -1, SELL: -1})
    agenda: list[tuple[int, int, int]] = field(default_factory=list)
    orders: list[Mine] = field(default_factory=list)
    fills: list[tuple[str, int, int]] = field(default_factory=list)

    def quote(self, bid: int, bid_size: int, ask: int, ask_size: int) -> None:
        if (ask, ask_size) != (self.ask, self.ask_size):
            self.put_back(BUY)
        if (bid, bid_size) != (self.bid, self.bid_size):
            self.put_back(SELL)
        self.bid, self.bid_size, self.ask, self.ask_size = bid, bid_size, ask, ask_size
        for order in self.alive():
            self.place(order)
        self.everybody()

    def put_back(self, sign: int) -> None:
        self.taken[sign] = 0
        self.version[sign] += 1

    def wait(self, time: int) -> None:
        end = self.now + time
        while due := [item for item in self.agenda if item[0] <= end]:
            first = min(due, key=lambda item: item[0])
            self.agenda.remove(first)
            self.now, sign, version = first
            if self.version[sign] == version:
                self.put_back(sign)
                self.everybody()
        self.now = end

    def submit(self, order: Mine) -> None:
        self.orders.append(order)
        self.meet(order)

    def print_(self, price: int, size: int) -> None:
        for order in self.by_priority():
            if order.limit is None or not order.waits or size <= 0:
                continue
            better = order.sign * (order.limit - price)
            passed = 0
            if better > 0:
                order.ahead = 0
            elif better < 0 or order.ahead is None:
                continue
            else:
                # The shares ahead of two orders of ours are the same ones: they pass for both.
                passed = min(order.ahead, size)
                order.ahead -= passed
            got = min(order.left, size - passed)
            size -= got
            self.fill(order, order.limit, got)

    def alive(self) -> list[Mine]:
        self.orders = [order for order in self.orders if not order.done]
        return list(self.orders)

    def by_priority(self) -> list[Mine]:
        markets = [order for order in self.alive() if order.limit is None]
        limits = [order for order in self.alive() if order.limit is not None]
        return markets + sorted(limits, key=lambda order: -order.sign * (order.limit or 0))

    def everybody(self) -> None:
        for order in self.by_priority():
            self.meet(order)

    def meet(self, order: Mine) -> None:
        far, size = (self.ask, self.ask_size) if order.sign == BUY else (self.bid, self.bid_size)
        is_market = order.limit is None
        crosses = far > 0 and (order.limit is None or order.sign * (order.limit - far) >= 0)
        if crosses:
            free = size - self.taken[order.sign]
            got = min(order.left, free)
            if got > 0 and not (order.all_or_none and got < order.left):
                price = far if is_market or not order.waits else (order.limit or 0)
                self.taken[order.sign] += got
                self.fill(order, price, got)
        if order.done:
            return
        if order.at_once:
            order.done = True
        elif not crosses and not order.waits:
            order.waits = True
            self.place(order)
        elif crosses and is_market and size > 0:
            version = self.version[order.sign]
            if self.promised[order.sign] != version:
                self.promised[order.sign] = version
                self.agenda.append((self.now + self.quiet, order.sign, version))

    def place(self, order: Mine) -> None:
        if order.limit is None or not order.waits:
            return
        near, size = (self.bid, self.bid_size) if order.sign == BUY else (self.ask, self.ask_size)
        if near == order.limit:
            order.ahead = size if order.ahead is None else min(order.ahead, size)
        elif near <= 0 or order.sign * (order.limit - near) > 0:
            order.ahead = 0

    def fill(self, order: Mine, price: int, shares: int) -> None:
        if shares <= 0:
            return
        order.left -= shares
        order.done = order.left == 0
        self.fills.append((order.name, price, shares))
