"""Skipping what wakes nobody changes nothing: the same log with and without it."""

from __future__ import annotations

from random import Random

import pytest

from surefill.core.fix import TradingStatus
from surefill.core.market import Nbbo
from surefill.sim.reach import FAR_PX, Reach, reach_of
from surefill.sim.types import Refusal
from tests.sim.venue import HOUR_NS, ME, OPEN_NS, SYM, Floor

HOURS_MS = 3_600_000
LAST_NS = OPEN_NS + 24 * HOUR_NS
SWITCHES = ((), ("fill_model=touch",), ("fill_model=paper",), ("outside_prints=ignore",))


def nbbo(bid_px: int, ask_px: int) -> Nbbo:
    return Nbbo(bid_px, 1, ask_px, 1, 0, 0)


def test_an_empty_book_sleeps() -> None:
    reach = reach_of([])
    assert reach == Reach()
    assert not reach.quote_wakes(nbbo(10, 11))
    assert not reach.quote_wakes(nbbo(0, 0))
    assert not reach.print_trades(10)
    assert not reach.print_elects(10)


@pytest.mark.parametrize(
    ("bid_px", "ask_px", "wakes"),
    [(10, 11, False), (9, 11, True), (8, 11, True), (0, 11, True), (12, 9, True), (10, 0, False)],
)
def test_a_buy_at_nine(bid_px: int, ask_px: int, wakes: bool) -> None:
    assert Reach(top_buy_px=9).quote_wakes(nbbo(bid_px, ask_px)) is wakes
    assert Reach(top_buy_px=9, restless=True).quote_wakes(nbbo(bid_px, ask_px))


@pytest.mark.parametrize(
    ("bid_px", "ask_px", "wakes"),
    [
        (10, 11, False),
        (10, 12, True),
        (10, 13, True),
        (10, 0, True),
        (12, 11, True),
        (0, 11, False),
    ],
)
def test_a_sale_at_twelve(bid_px: int, ask_px: int, wakes: bool) -> None:
    assert Reach(low_sell_px=12).quote_wakes(nbbo(bid_px, ask_px)) is wakes


def test_prints() -> None:
    reach = Reach(top_buy_px=9, low_sell_px=12, low_buy_stop_px=14, top_sell_stop_px=7)
    assert [px for px in range(6, 16) if not reach.print_trades(px)] == [10, 11]
    assert [px for px in range(6, 16) if reach.print_elects(px)] == [6, 7, 14, 15]


class Everything(Reach):
    """Sees every price."""

    def quote_wakes(self, nbbo: Nbbo) -> bool:
        return True

    def print_trades(self, px: int) -> bool:
        return True

    def print_elects(self, px: int) -> bool:
        return True


def history(seed: int, *switches: str) -> str:
    """Hash of the log of a random history with every kind of order, halts and jumps."""
    random, floor = Random(seed), Floor(*switches)
    sent: list[str] = []

    def price(reach: int) -> str:
        return f"{(10_000 + random.randrange(-reach, reach + 1)) / 100:.2f}"

    def send() -> None:
        side, qty = random.choice(("buy", "sell")), random.randrange(1, 30)
        away = 30 if side == "buy" else -30
        near, far = f"{100 + away / 100:.2f}", f"{100 - away / 100:.2f}"
        kind = random.choice(("limit", "limit", "market", "stop", "stop_limit", "trail", "group"))
        if kind == "group":
            floor.send(side, qty, "market", tp=near, sl=far, group="bracket")
        elif kind == "trail":
            sent.append(floor.send(side, qty, "trailing_stop", trail="0.05").order_id)
        else:
            limit = price(8) if "limit" in kind else None
            stop = f"{100 + away / 300:.2f}" if "stop" in kind else None
            tif = random.choice(("day", "gtc", "gtc", "ioc")) if kind == "limit" else "day"
            sent.append(floor.send(side, qty, kind, limit=limit, stop=stop, tif=tif).order_id)

    for _ in range(120):
        choice = random.randrange(12)
        try:
            if choice < 4:
                mid, wide = 10_000 + random.randrange(-12, 13), random.randrange(1, 4)
                bid, ask = f"{(mid - wide) / 100:.2f}", f"{(mid + wide) / 100:.2f}"
                bid_size, ask_size = random.randrange(30), random.randrange(30)
                floor.quote(bid, ask, bid_size=bid_size, ask_size=ask_size)
            elif choice < 7:
                floor.print(price(15), random.randrange(1, 60))
            elif choice < 10:
                send()
            elif choice == 10 and sent:
                floor.exchange.cancel(ME, random.choice(sent))
            elif random.randrange(4) == 0:
                status = random.choice((TradingStatus.HALTED, TradingStatus.TRADING))
                floor.exchange.on_status(SYM, status)
        except Refusal:
            pass
        is_over_night = not random.randrange(60) and floor.exchange.now_ns < LAST_NS
        floor.wait(HOURS_MS * 24 if is_over_night else random.choice((0, 1, 30, 200)))
    return str(floor.log.lines[-1]["hash"])


@pytest.mark.parametrize("switches", SWITCHES)
def test_skipping_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, switches: tuple[str, ...]
) -> None:
    seeds = range(12)
    skipping = [history(seed, *switches) for seed in seeds]

    def seeing(orders: object) -> Reach:
        return Everything(restless=True, trails=True)

    monkeypatch.setattr("surefill.sim.book.reach_of", seeing)
    assert [history(seed, *switches) for seed in seeds] == skipping
    assert FAR_PX > 10**15


def test_a_morning_quote_that_touches_nobody_puts_them_to_rest() -> None:
    floor = Floor()
    floor.order("buy", 10, "limit", limit="99.00", tif="gtc")
    floor.quote("99.99", "100.01")
    floor.wait(24 * HOURS_MS)
    floor.quote("99.98", "100.02")
    floor.quote("98.80", "98.90")
    assert floor.fills() == [(10, "99")]
