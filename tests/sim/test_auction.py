"""Opening and closing auctions: windows, price, what is left."""

from __future__ import annotations

import pytest

from surefill.core.units import NANO
from surefill.sim.types import RefusalKind
from tests.sim.venue import CLOSE_NS, HOUR_NS, OPEN_NS, SYM, Floor, refusal_of

MINUTE_NS = 60 * NANO
EARLY_NS = OPEN_NS - HOUR_NS


def at_dawn(*switches: str) -> Floor:
    """An hour before the open; a quote stands from the night."""
    return Floor(*switches, start_ns=EARLY_NS)


def test_the_first_print_is_the_opening_price() -> None:
    floor = at_dawn()
    market = floor.order("buy", 100, "market", tif="opg")
    good = floor.order("buy", 50, limit="101", tif="opg")
    poor = floor.order("buy", 25, limit="100.40", tif="opg")
    assert floor.at(market).not_routed
    assert floor.at(market).expires_ns == OPEN_NS
    floor.exchange.advance(OPEN_NS)
    assert [floor.status(order) for order in (market, good, poor)] == ["NEW"] * 3
    floor.quote("99.00", "99.02")
    assert floor.position() == 0, "a quote is not the auction"
    floor.print("100.50")
    assert floor.fills() == [(100, "100.5"), (50, "100.5")]
    assert floor.status(poor) == "CANCELED"
    floor.print("100.60")
    assert len(floor.fills()) == 2


def test_without_a_print_it_is_the_touch_after_a_minute() -> None:
    floor = at_dawn()
    floor.order("sell", 10, "market", tif="opg")
    floor.exchange.advance(OPEN_NS + MINUTE_NS)
    assert floor.fills() == [(10, "99.99")]


def test_model_paper_takes_the_touch_at_once() -> None:
    floor = at_dawn("fill_model=paper")
    floor.order("buy", 10, "market", tif="opg")
    floor.exchange.advance(OPEN_NS)
    assert floor.fills() == [(10, "100.01")]


def test_the_close() -> None:
    floor = Floor()
    floor.long(100)
    on_close = floor.order("sell", 60, "market", tif="cls")
    assert floor.status(on_close) == "NEW"
    floor.print("100.00")
    assert floor.position() == 100
    floor.exchange.advance(CLOSE_NS)
    floor.print("99.50")
    assert floor.fills()[-1] == (60, "99.5")


def test_two_of_a_kind_and_one_that_was_canceled() -> None:
    floor = at_dawn()
    gone = floor.order("buy", 10, "market", tif="opg")
    floor.cancel(gone)
    kept = floor.order("buy", 10, "market", tif="opg")
    floor.exchange.advance(OPEN_NS + 1)
    floor.print("100")
    assert (floor.status(gone), floor.status(kept)) == ("CANCELED", "FILLED")
    lonely = Floor(start_ns=EARLY_NS)
    lonely.cancel(lonely.order("buy", 1, "market", tif="opg"))
    lonely.exchange.advance(OPEN_NS + 2 * MINUTE_NS)
    assert lonely.fills() == []


def test_nothing_is_quoted() -> None:
    floor = at_dawn()
    order = floor.order("buy", 10, "market", tif="opg")
    floor.quote("99.99", "0", ask_size=0)
    floor.exchange.advance(OPEN_NS + MINUTE_NS)
    assert floor.status(order) == "CANCELED"


def test_a_halted_open_waits_for_the_reopening_a_halted_close_does_not() -> None:
    floor = at_dawn()
    order = floor.order("buy", 10, "market", tif="opg")
    floor.halt()
    floor.exchange.advance(OPEN_NS)
    floor.print("100")
    floor.wait(90_000)
    assert floor.status(order) == "NEW"
    floor.resume()
    floor.wait(90_000)
    assert floor.status(order) == "FILLED"
    late = Floor()
    closing = late.order("buy", 10, "market", tif="cls")
    late.halt()
    late.exchange.advance(CLOSE_NS + 2 * MINUTE_NS)
    assert late.status(closing) == "CANCELED"


@pytest.mark.parametrize(
    ("tif", "at_ns", "switch", "is_refused"),
    [
        ("opg", OPEN_NS - 3 * MINUTE_NS, "15:50", False),
        ("opg", OPEN_NS - 2 * MINUTE_NS, "15:50", True),
        ("opg", CLOSE_NS + 2 * HOUR_NS, "15:50", True),
        ("opg", CLOSE_NS + 3 * HOUR_NS, "15:50", False),
        ("cls", CLOSE_NS - 11 * MINUTE_NS, "15:50", False),
        ("cls", CLOSE_NS - 10 * MINUTE_NS, "15:50", True),
        ("cls", CLOSE_NS - 10 * MINUTE_NS, "15:55", False),
        ("cls", CLOSE_NS - 5 * MINUTE_NS, "15:55", True),
        ("cls", OPEN_NS - HOUR_NS, "15:50", False),
    ],
)
def test_windows(tif: str, at_ns: int, switch: str, is_refused: bool) -> None:
    floor = Floor(f"cls_cutoff={switch}", start_ns=at_ns)
    if is_refused:
        refusal = floor.refused("buy", 1, "market", tif=tif)
        assert refusal.kind is RefusalKind.AUCTION_WINDOW
    else:
        assert floor.send("buy", 1, "market", tif=tif).expires_ns


def test_an_auction_order_cannot_be_replaced_and_may_have_no_auction() -> None:
    floor = Floor(start_ns=EARLY_NS)
    order = floor.order("buy", 10, limit="99", tif="opg")
    floor.exchange.advance(OPEN_NS + 1)
    assert refusal_of(floor.replace, order, limit="98") is RefusalKind.NOT_REPLACEABLE
    beyond = Floor(start_ns=OPEN_NS + 30 * 24 * HOUR_NS)
    assert beyond.send("buy", 1, "market", tif="opg", symbol=SYM).expires_ns is None
