"""The old rule against day trades: off unless asked for, counted over five sessions."""

from __future__ import annotations

import pytest

from surefill.core.units import to_nano
from surefill.sim.day_trades import count
from surefill.sim.types import Refusal
from tests.sim.venue import ME, Floor

POOR = "10000"


def round_trips(floor: Floor, symbols: str) -> None:
    for symbol in symbols:
        floor.quote("9.99", "10", symbol=symbol)
        floor.order("buy", 1, "market", symbol=symbol)
        floor.order("sell", 1, "market", symbol=symbol)


@pytest.mark.parametrize(("switch", "cash"), [("off", POOR), ("on", "30000")])
def test_who_is_free(switch: str, cash: str) -> None:
    floor = Floor(f"day_trade_rule={switch}", cash=cash)
    round_trips(floor, "ABCDE")
    assert count(floor.exchange.venue, ME) == 5


def test_the_fourth_is_refused_and_may_be_closed_tomorrow() -> None:
    floor = Floor("day_trade_rule=on", cash=POOR)
    round_trips(floor, "ABC")
    floor.order("buy", 1, "market", symbol="C")
    floor.order("sell", 1, "market", symbol="C")
    floor.quote("9.99", "10", symbol="D")
    floor.order("buy", 2, "market", symbol="D")
    with pytest.raises(Refusal, match="DAY_TRADE"):
        floor.send("sell", 1, "market", symbol="D")
    floor.wait(24 * 3_600_000)
    floor.send("sell", 1, "market", symbol="D")


def test_closing_orders_that_wait_count() -> None:
    floor = Floor("day_trade_rule=on", cash=POOR)
    round_trips(floor, "AB")
    for symbol in "CD":
        floor.quote("9.99", "10", symbol=symbol)
        floor.order("buy", 2, "market", symbol=symbol)
    floor.order("sell", 1, limit="11", symbol="C")
    with pytest.raises(Refusal, match="DAY_TRADE"):
        floor.send("sell", 1, limit="11", symbol="D")


def test_a_broken_execution_is_no_trade_and_old_ones_are_forgotten() -> None:
    floor = Floor(cash=POOR)
    round_trips(floor, "A")
    venue = floor.exchange.venue
    floor.exchange.bust(floor.exchange.fills(ME)[-1].exec_id)
    assert count(venue, ME) == 0
    round_trips(floor, "B")
    assert count(venue, ME) == 1
    assert count(venue, "other") == 0
    venue.now_ns = 0
    assert count(venue, ME) == 0
    assert to_nano(POOR) == venue.ledgers[ME].opening_cash // 10**9
