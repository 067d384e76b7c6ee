"""Price bands: nothing executes outside, 15 s at the band is a pause, a pause ends."""

from __future__ import annotations

import pytest

from surefill.core.fix import OrdStatus, TradingStatus
from surefill.core.market import Nbbo
from surefill.core.units import to_nano
from surefill.sim.luld import LIMIT_STATE_NS, PAUSE_NS, indicator_of
from surefill.sim.notices import BandNotice
from tests.sim.venue import SYM, Floor

UP, DOWN = to_nano("105"), to_nano("95")


def said(floor: Floor) -> list[str]:
    """What the public was told: letters of the bands, statuses."""
    return [
        item.indicator if isinstance(item, BandNotice) else f"{item.status.name} {item.reason}"
        for item in floor.exchange.drain_public()
    ]


def banded(*switches: str) -> Floor:
    floor = Floor(*switches)
    floor.exchange.on_bands(SYM, up_px=UP, down_px=DOWN)
    return floor


@pytest.mark.parametrize(
    ("bid", "ask", "letter"),
    [
        ("99", "101", "B"),
        ("94", "101", "C"),
        ("99", "106", "D"),
        ("94", "106", "E"),
        ("105", "105", "F"),
        ("95", "95", "G"),
        ("105", "106", "H"),
        ("94", "95", "I"),
        ("0", "101", "B"),
        ("99", "0", "B"),
    ],
)
def test_letters_of_the_tape(bid: str, ask: str, letter: str) -> None:
    nbbo = Nbbo(to_nano(bid), 1, to_nano(ask), 1, 0, 0)
    assert indicator_of(nbbo, UP, DOWN) == letter
    assert indicator_of(None, UP, DOWN) == "B"


@pytest.mark.parametrize("model", ["queue", "touch", "paper"])
def test_nothing_executes_outside_the_bands(model: str) -> None:
    floor = banded(f"fill_model={model}")
    floor.quote("104.99", "105.02")
    buy = floor.send("buy", 10, "market")
    floor.wait()
    assert floor.at(buy.order_id).cum_qty == 0
    floor.quote("104.98", "105")
    floor.wait()
    assert floor.at(buy.order_id).status is OrdStatus.FILLED


def test_a_print_outside_fills_nobody() -> None:
    floor = banded()
    sale = floor.send("buy", 10, limit="94.50")
    floor.wait()
    floor.print("94", 500)
    assert floor.at(sale.order_id).cum_qty == 0


def test_a_limit_state_becomes_a_pause_and_the_pause_ends() -> None:
    floor = banded()
    floor.long(10)
    floor.exchange.drain_public()
    floor.quote("105", "105.10")
    assert said(floor) == ["H"]
    floor.wait(LIMIT_STATE_NS // 10**6 - 1)
    assert said(floor) == []
    floor.wait(1)
    assert said(floor) == ["HALTED LUDP"]
    assert floor.exchange.status(SYM) is TradingStatus.HALTED
    sale = floor.send("sell", 10, "market")
    floor.wait(PAUSE_NS // 10**6 - 2)
    assert floor.at(sale.order_id).cum_qty == 0
    floor.wait(1_000)
    assert said(floor) == ["TRADING LUDP"]
    assert floor.at(sale.order_id).status is OrdStatus.FILLED
    assert floor.exchange.venue.bands == {}


def test_a_touch_that_leaves_the_band_in_time_is_no_pause() -> None:
    floor = banded()
    floor.quote("94.80", "95")
    floor.wait(14_000)
    floor.quote("95", "95.10")
    assert said(floor) == ["I", "B"]
    floor.quote("94.80", "95")
    floor.wait(2_000)
    assert said(floor) == ["I"], "the timer of the first limit state is void"
    floor.wait(13_000)
    assert said(floor) == ["HALTED LUDP"]


def test_new_bands_take_the_place_of_the_old() -> None:
    floor = banded()
    floor.quote("105", "105.10")
    floor.exchange.on_bands(SYM, up_px=to_nano("110"), down_px=DOWN)
    floor.wait(20_000)
    assert floor.exchange.status(SYM) is TradingStatus.TRADING


def test_a_symbol_without_a_market_has_no_limit_state() -> None:
    floor = Floor(quote=False)
    floor.exchange.on_bands(SYM, up_px=UP, down_px=DOWN)
    floor.exchange._bands.impose("NONE", is_upper=True, again=0)
    assert floor.exchange.drain_public() == []


def test_a_forced_limit_state_ends_in_a_pause_wherever_the_tape_goes() -> None:
    floor = Floor()
    floor.exchange._bands.impose(SYM, is_upper=True, again=0)
    floor.quote("99.50", "99.60")
    floor.wait(15_000)
    assert floor.exchange.status(SYM) is TradingStatus.HALTED


def test_it_may_come_back_after_the_pause() -> None:
    floor = Floor()
    floor.exchange._bands.impose(SYM, is_upper=False, again=1)
    assert said(floor) == ["B", "I"]
    floor.wait(315_000)
    assert said(floor) == ["HALTED LUDP", "TRADING LUDP", "B", "I"]
    floor.wait(315_000)
    assert said(floor) == ["HALTED LUDP", "TRADING LUDP"]
