"""Need, cover and reach of a plan's orders (diary A-20, A-21, A-26)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surefill.sim.auditor_book import ENTRY, FLATTEN, STOP, TARGET, Order, PlanBook
from surefill.sim.auditor_log import ARMED, HELD, read_line
from surefill.sim.auditor_terms import read_plan

UNIT = 1_000_000_000


def book(side: str = "BUY", held: int = 100) -> PlanBook:
    """A plan for 100 at 150.00 of which ``held`` shares are filled."""
    made = PlanBook(
        read_plan(
            {
                "plan_id": "a",
                "symbol": "IBM",
                "side": side,
                "qty": 100 * UNIT,
                "signal_px": 150 * UNIT,
                "risk_px": UNIT,
                "rr_ppb": 2 * UNIT,
            }
        )
    )
    entry = order("e", ENTRY, sign=made.terms.sign, px=150)
    made.add(entry)
    made.execute(entry, px=150 * UNIT, qty=held * UNIT)
    return made


def order(name: str, role: str, *, sign: int = -1, px: int = 149, **fields: object) -> Order:
    made = Order(
        order_id=name,
        role=role,
        group=name,
        chain=name,
        sign=sign,
        ord_type="STOP" if role == STOP else "LIMIT",
        contingency="OCO",
        status="NEW",
        order_qty=100 * UNIT,
        first_qty=100 * UNIT,
        carried_qty=0,
        limit_px=None if role == STOP else px * UNIT,
        stop_px=px * UNIT if role == STOP else None,
        market_px=150 * UNIT,
    )
    return replace(made, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("target", "stop", "covered"),
    [
        ("NEW", ARMED, 100),
        ("NEW", HELD, 0),
        ("PENDING_NEW", ARMED, 0),
        ("PARTIALLY_FILLED", ARMED, 100),
        ("PENDING_REPLACE", ARMED, 100),
        (ARMED, ARMED, 0),
        ("NEW", "NEW", 100),
        ("NEW", "PENDING_REPLACE", 100),
        ("NEW", "PENDING_CANCEL", 0),
        ("NEW", "PENDING_NEW", 0),
    ],
)
def test_cover_of_a_group_by_status(target: str, stop: str, covered: int) -> None:
    made = book()
    made.add(order("t", TARGET, px=152, group="g", status=target))
    made.add(order("s", STOP, group="g", status=stop))
    assert made.cover() == covered * UNIT


@pytest.mark.parametrize(
    ("side", "sign", "px", "market", "covered"),
    [
        ("BUY", -1, 149, 150, 100),
        ("BUY", 1, 149, 150, 0),
        ("BUY", -1, 151, 150, 0),
        ("BUY", -1, 151, 152, 100),  # tightened into profit
        ("BUY", -1, 149, None, 100),
        ("BUY", -1, 151, None, 0),
        ("SELL", 1, 151, 150, 100),
        ("SELL", -1, 151, 150, 0),
        ("SELL", 1, 149, 150, 0),
        ("SELL", 1, 149, 148, 100),
    ],
)
def test_cover_by_side_and_price(
    side: str, sign: int, px: int, market: int | None, covered: int
) -> None:
    made = book(side)
    market_px = None if market is None else market * UNIT
    made.add(order("s", STOP, sign=sign, px=px, market_px=market_px))
    assert made.cover() == covered * UNIT


def test_a_target_alone_or_a_stop_without_price_is_no_cover() -> None:
    made = book()
    made.add(order("t", TARGET, px=152))
    made.add(order("s", STOP, stop_px=None))
    assert made.cover() == 0
    assert made.reducing() == 200 * UNIT


def test_a_group_never_counts_more_than_it_was_made_for() -> None:
    made = book()
    target = order("t", TARGET, px=152, group="g")
    made.add(target)
    made.add(order("s", STOP, group="g"))
    made.execute(target, px=152 * UNIT, qty=40 * UNIT)
    assert (made.position, made.need()) == (60 * UNIT, 60 * UNIT)
    assert (made.cover(), made.reducing()) == (60 * UNIT, 60 * UNIT)
    assert not made.is_overfilled()
    made.execute(target, px=152 * UNIT, qty=61 * UNIT)
    assert made.is_overfilled()
    assert (made.need(), made.reducing()) == (0, 0)
    assert made.exit_by_role == {TARGET: 101 * UNIT}


def test_a_replacement_counts_once() -> None:
    made = book(held=30)
    made.add(order("e2", ENTRY, sign=1, px=150, chain="e", carried_qty=30 * UNIT))
    assert made.entry_leaves() == 70 * UNIT
    made.add(order("s", STOP))
    made.add(order("s2", STOP, group="s", chain="s", status="PENDING_NEW"))
    assert (made.cover(), made.reducing()) == (100 * UNIT, 100 * UNIT)


def test_a_flatten_reduces_and_does_not_cover() -> None:
    made = book()
    made.add(order("f", FLATTEN, px=148))
    assert (made.cover(), made.reducing()) == (0, 100 * UNIT)
    assert [one.order_id for one in made.working_exits(FLATTEN)] == ["f"]
    assert made.working_exits(STOP) == []


def test_legs_of_an_entry_that_works_reach_nothing() -> None:
    made = book(held=0)
    made.add(order("t", TARGET, group="e", px=152, status=HELD))
    made.add(order("s", STOP, group="e", status=HELD))
    assert (made.need(), made.cover(), made.reducing()) == (0, 0, 0)


def test_need_is_no_more_than_the_account_holds() -> None:
    made = book("SELL")
    made.account_position = -40 * UNIT
    assert made.need() == 40 * UNIT
    made.account_position = 10 * UNIT
    assert made.need() == 0


def test_a_dead_order_leaves_the_book() -> None:
    made = book(held=0)
    entry = made.live["e"]
    line = {"seq": 1, "venue_ns": 1, "kind": "canceled", "status": "CANCELED", "order_qty": UNIT}
    made.update(entry, read_line(line))
    assert not made.live
    assert entry.leaves_qty == 0


def test_shares_that_closing_orders_take_off() -> None:
    made = book()
    assert made.flattening() == 0
    made.add(order("f", FLATTEN, px=149, order_qty=60 * UNIT))
    assert made.flattening() == 60 * UNIT


def test_shares_that_orders_trade_back() -> None:
    held = book(held=0)
    held.add(order("back", FLATTEN, sign=1, filled_qty=40 * UNIT))
    held.add(order("out", FLATTEN))
    assert held.restoring() == 60 * UNIT


@pytest.mark.parametrize(
    ("external", "taken", "left"), [(100, 30, 70), (30, 100, 0), (100, 100, 0), (0, 30, 0)]
)
def test_of_an_entry_that_never_was_nobody_closed_a_share(
    external: int, taken: int, left: int
) -> None:
    held = book()
    held.external_qty = external * UNIT
    entry, stop = held.live["e"], order("s", STOP)
    held.give_back(entry, 30 * UNIT)
    assert held.external_qty == external * UNIT, "nothing was taken back yet"
    held.execute(entry, px=150 * UNIT, qty=-taken * UNIT)
    held.give_back(stop, taken * UNIT)
    assert held.external_qty == external * UNIT, "an exit"
    held.give_back(entry, taken * UNIT)
    assert held.external_qty == left * UNIT


def test_a_stop_inside_the_spread_protects() -> None:
    made = book("SELL_SHORT")
    stop = order("s", STOP, sign=1, px=150, stop_px=150 * UNIT - UNIT // 10)
    made.add(stop)
    assert made.cover() == 0  # at a profit, and at or below the market it was put in
    stop.base_px = 150 * UNIT - UNIT // 5
    assert made.cover() == 100 * UNIT
