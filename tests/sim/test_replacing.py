"""Replacements at the venue: in force a moment later, or lost to a fill (spec 2.4)."""

from __future__ import annotations

from surefill.core.fix import OrdStatus
from surefill.core.units import to_nano
from surefill.sim.types import OrderEventKind, ReplaceRequest
from tests.sim.venue import ME, Floor, shares


def asked(floor: Floor, order_id: str, limit: str) -> str:
    change = ReplaceRequest(limit_px=to_nano(limit))
    return floor.exchange.replace(ME, order_id, change).order_id


def test_the_old_order_works_until_the_new_one_is_in_force() -> None:
    floor = Floor()
    old = floor.send("buy", 10, limit="99.50")
    floor.wait()
    new = asked(floor, old.order_id, "99.60")
    venue = floor.exchange.venue
    assert venue.orders[old.order_id].working
    assert not venue.orders[new].on_book
    floor.wait()
    assert venue.orders[old.order_id].status is OrdStatus.REPLACED
    assert venue.orders[old.order_id].replaced_by == new
    assert venue.orders[new].working


def test_a_fill_that_comes_first_wins_and_both_orders_say_so() -> None:
    floor = Floor()
    old = floor.send("buy", 10, limit="99.50")
    floor.wait()
    floor.exchange.drain()
    new = asked(floor, old.order_id, "99.60")
    floor.print("99.40", 500)
    floor.wait()
    venue = floor.exchange.venue
    assert venue.orders[old.order_id].status is OrdStatus.FILLED
    assert venue.orders[new].status is OrdStatus.REJECTED
    kinds = [event.kind for event in floor.exchange.drain()]
    assert kinds[-2:] == [OrderEventKind.REJECTED, OrderEventKind.REPLACE_REJECTED]
    assert venue.ledgers[ME].position_qty("AAPL") == shares(10)


def test_a_smaller_replacement_lets_shares_go_after_a_moment() -> None:
    floor = Floor()
    floor.long(30)
    old = floor.send("sell", 30, limit="101")
    floor.wait()
    change = ReplaceRequest(order_qty=shares(10))
    floor.exchange.replace(ME, old.order_id, change)
    floor.wait(61)
    ledger = floor.exchange.venue.ledgers[ME]
    assert ledger.available_qty("AAPL") == 0
    floor.wait()
    assert ledger.available_qty("AAPL") == shares(20)
