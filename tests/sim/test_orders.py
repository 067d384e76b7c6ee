"""The venue's record of an order: what counts as leaves, as worst price, as reserved."""

from __future__ import annotations

from surefill.core.fix import OrdStatus
from surefill.core.units import NANO, to_nano
from surefill.sim.orders import OrderGroup, snapshot
from tests.sim.venue import Floor


def test_leaves_are_zero_when_terminal() -> None:
    floor = Floor()
    order = floor.exchange._venue.orders[floor.order("buy", 5, limit="99")]
    assert (order.leaves_qty, order.open_qty, order.is_live) == (5 * NANO, 5 * NANO, True)
    order.status = OrdStatus.CANCELED
    assert (order.leaves_qty, order.open_qty, order.working) == (0, 5 * NANO, False)


def test_worst_price_by_type() -> None:
    floor = Floor()
    orders = floor.exchange._venue.orders
    market = orders[floor.send("buy", 1, "market").order_id]
    limit = orders[floor.send("buy", 1, limit="99").order_id]
    stop = orders[floor.send("buy", 1, "stop", stop="101").order_id]
    assert (market.bound_px, limit.bound_px, stop.bound_px) == (None, to_nano("99"), None)
    assert stop.is_dormant_stop
    assert not limit.is_dormant_stop


def test_group_members_and_replacement_of_each() -> None:
    floor = Floor()
    orders = floor.exchange._venue.orders
    sent = floor.send("buy", 5, limit="99", tp="102", sl="98", group="bracket")
    entry = orders[sent.order_id]
    group = entry.group
    assert isinstance(group, OrderGroup)
    target, stop = group.exits()
    assert group.members() == [entry, target, stop]
    assert group.reserved_qty() == 0, "the entry has not filled"
    for member in (entry, target, stop):
        group.put(member, instead_of=member)
    assert group.members() == [entry, target, stop]


def test_snapshot_does_not_change_afterwards() -> None:
    floor = Floor()
    sent = floor.send("buy", 5, limit="99")
    floor.wait()
    assert sent.status is OrdStatus.PENDING_NEW
    order = floor.exchange._venue.orders[sent.order_id]
    assert snapshot(order).status is OrdStatus.NEW
    assert snapshot(order, [order]).legs[0].order_id == sent.order_id
