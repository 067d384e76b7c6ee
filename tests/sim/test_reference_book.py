"""The fast book and the naive one agree on random histories."""

from __future__ import annotations

import os
from random import Random

import pytest

from surefill.core.fix import OrdType, Side, TimeInForce
from surefill.core.market import Nbbo, Print
from surefill.core.units import NANO
from surefill.sim.exchange import Exchange
from surefill.sim.models import MS, LatencyModel
from tests.sim.reference_book import Mine, ReferenceBook
from tests.sim.venue import SYM, Floor, request

CENT_PX = NANO // 100
HISTORIES = int(os.environ.get("SUREFILL_HISTORIES", "150"))
"""``SUREFILL_HISTORIES=100000`` for the long run."""
EVENTS = 60


class Pair:
    """The same events to both books. Every order has an account of its own."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.floor = Floor(quote=False, latency=LatencyModel.none())
        self.exchange: Exchange = self.floor.exchange
        self.naive = ReferenceBook()
        self.names = 0

    def step(self) -> None:
        choice = self.random.random()
        if choice < 0.35 or self.naive.bid == 0:
            self.quote()
        elif choice < 0.55:
            self.print_()
        elif choice < 0.8:
            self.order()
        else:
            ms = self.random.choice((0, 1, 40, 99, 100, 250))
            self.naive.wait(ms)
            self.exchange.advance(self.exchange.now_ns + ms * MS)

    def quote(self) -> None:
        bid = 10_000 + self.random.randrange(-3, 4)
        ask = bid + self.random.randrange(1, 4)
        sizes = [self.random.choice((0, 1, 5, 20)) for _ in range(2)]
        self.naive.quote(bid, sizes[0], ask, sizes[1])
        now_ns = self.exchange.now_ns
        quote = (bid * CENT_PX, sizes[0] * NANO, ask * CENT_PX, sizes[1] * NANO)
        self.exchange.on_quote(SYM, Nbbo(*quote, now_ns, now_ns))

    def print_(self) -> None:
        price, size = 10_000 + self.random.randrange(-4, 6), self.random.randrange(1, 30)
        self.naive.print_(price, size)
        now_ns = self.exchange.now_ns
        self.exchange.on_print(SYM, Print(price * CENT_PX, size * NANO, now_ns, now_ns))

    def order(self) -> None:
        self.names += 1
        name = f"trader {self.names}"
        self.exchange.open_account(name)
        sign, qty = self.random.choice((1, -1)), self.random.randrange(1, 12)
        limit = None
        if self.random.random() < 0.75:
            limit = 10_000 + self.random.randrange(-5, 7)
        tif = self.random.choice(("day", "day", "day", "ioc", "fok"))
        kind = "market" if limit is None else "limit"
        text = None if limit is None else f"{limit / 100:.2f}"
        side = "buy" if sign > 0 else "sell"
        self.exchange.submit(name, request(side, qty, kind, limit=text, tif=tif))
        self.exchange.advance(self.exchange.now_ns)
        self.naive.submit(
            Mine(name, sign, limit, qty, at_once=tif != "day", all_or_none=tif == "fok")
        )

    def fills(self) -> list[tuple[str, int, int]]:
        rows = self.exchange._venue.fills.values()
        return [(row.account, row.px // CENT_PX, row.qty // NANO) for row in rows]


@pytest.mark.parametrize("block", range(3))
def test_both_books_agree(block: int) -> None:
    filled = 0
    for seed in range(block * HISTORIES // 3, (block + 1) * HISTORIES // 3):
        pair = Pair(seed)
        for _ in range(EVENTS):
            pair.step()
            assert pair.fills() == pair.naive.fills, f"seed {seed}"
        filled += len(pair.naive.fills)
    assert filled > HISTORIES


def test_the_words_of_both_mean_the_same() -> None:
    sent = request("buy", 1, "limit", limit="100.01", tif="ioc")
    assert (sent.side, sent.ord_type, sent.tif) == (Side.BUY, OrdType.LIMIT, TimeInForce.IOC)
