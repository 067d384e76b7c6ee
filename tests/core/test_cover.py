"""What counts as cover: 24 combinations and the machine of a group (A-20, A-26)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surefill.core.cover import (
    GROUP_TRANSITIONS,
    Cover,
    GroupState,
    bracket_entry,
    cover_of,
    filled_ns,
    group_claimed,
    group_covered,
    group_state,
    is_held_back,
)
from surefill.core.fix import Contingency, Leg, OrdType, Side
from surefill.core.order import ChildOrder, Fill, OrderState
from surefill.core.trade import ExitGroup, GroupKind, Trade
from surefill.core.units import NANO
from tests.support.core import Bench

G, St = GroupState, OrderState


def holding(qty: int = 100) -> Trade:
    """A trade that holds ``qty`` shares and has no exits."""
    trade = Bench().trade
    entry = replace(
        trade.orders[0],
        state=St.FILLED,
        order_id="e",
        fills=(Fill("x", qty * NANO, 100 * NANO, 1),),
    )
    return replace(trade, orders=(entry,))


def exit_order(
    trade: Trade, leg: Leg, state: OrderState, *, n: int = 1, cum: int = 0
) -> ChildOrder:
    """An exit of 100 shares in group ``n``."""
    spec = replace(
        trade.orders[0].spec,
        cl_ord_id=f"{leg}{n}",
        leg=leg,
        side=Side.SELL,
        ord_type=OrdType.STOP if leg is Leg.STOP else OrdType.LIMIT,
        contingency=Contingency.OCO,
    )
    fills = (Fill(f"{leg}{n}", cum * NANO, 99 * NANO, 2),) if cum else ()
    return ChildOrder(key=f"{leg}{n}", spec=spec, state=state, group=n, order_id=leg, fills=fills)


def group(kind: GroupKind = GroupKind.OCO, *, n: int = 1, qty: int = 100) -> ExitGroup:
    """An exit group."""
    return ExitGroup(n, kind, qty * NANO, 98 * NANO, 104 * NANO)


@pytest.mark.parametrize(
    ("target", "stop", "state", "covered"),
    [
        (St.WORKING, St.WORKING, G.ARMED, 100),  # {new, held}: covered
        (St.WORKING, St.CANCELED, G.BARE, 0),
        (St.FILLED, St.WORKING, G.ARMED, 100),
        (St.CANCELED, St.WORKING, G.ARMED, 100),
        (St.WORKING, St.IN_DOUBT, G.BARE, 0),
        (St.WORKING, St.IN_FLIGHT, G.BARE, 0),
        (St.IN_FLIGHT, None, G.ASKED, 0),
        (St.IN_DOUBT, None, G.DOUBTED, 0),
        (St.IN_DOUBT, St.IN_FLIGHT, G.DOUBTED, 0),
        (St.UNSENT, None, G.DUE, 0),
        (St.WORKING, None, G.BARE, 0),
        (St.REJECTED, None, G.DONE, 0),
        (St.CANCELED, St.CANCELED, G.DONE, 0),
        (St.ABSENT, None, G.DONE, 0),
        (None, St.WORKING, G.ARMED, 100),
        (None, St.IN_FLIGHT, G.ASKED, 0),
    ],
)
def test_group_states(
    target: OrderState | None, stop: OrderState | None, state: GroupState, covered: int
) -> None:
    trade = holding()
    orders = list(trade.orders)
    if target is not None:
        orders.append(exit_order(trade, Leg.TARGET, target))
    if stop is not None:
        orders.append(exit_order(trade, Leg.STOP, stop))
    trade = replace(trade, orders=tuple(orders), groups=(group(),))
    assert group_state(trade, trade.groups[0]) is state
    assert group_covered(trade, trade.groups[0]) == covered * NANO
    claimed = 0 if state is G.DONE else 100
    assert group_claimed(trade, trade.groups[0]) == claimed * NANO
    assert cover_of(trade) == Cover(100 * NANO, covered * NANO, claimed * NANO)
    assert cover_of(trade).uncovered_qty == (100 - covered) * NANO


def test_an_ending_group_covers_nothing_and_claims_everything() -> None:
    trade = holding()
    orders = (*trade.orders, exit_order(trade, Leg.STOP, St.WORKING))
    trade = replace(trade, orders=orders, groups=(replace(group(), is_ended=True),))
    assert group_state(trade, trade.groups[0]) is G.ENDING
    assert cover_of(trade) == Cover(100 * NANO, 0, 100 * NANO)


def test_any_leg_that_fills_shrinks_the_group() -> None:
    trade = holding()
    orders = (
        *trade.orders,
        exit_order(trade, Leg.TARGET, St.WORKING, cum=40),
        exit_order(trade, Leg.STOP, St.WORKING),
    )
    trade = replace(trade, orders=orders, groups=(group(),))
    assert cover_of(trade) == Cover(60 * NANO, 60 * NANO, 60 * NANO)


@pytest.mark.parametrize(
    ("entry", "legs", "state", "claimed"),
    [
        (St.WORKING, False, G.WAITING, 37),
        (St.IN_DOUBT, False, G.WAITING, 37),
        (St.CANCELED, True, G.DONE, 0),
        (St.FILLED, False, G.BARE, 100),  # the legs exist; we have not been told of them
        (St.FILLED, True, G.ARMED, 100),
    ],
)
def test_brackets(entry: OrderState, legs: bool, state: GroupState, claimed: int) -> None:
    trade = holding(37)
    first = replace(trade.orders[0], state=entry, group=1)
    orders = [first]
    if legs:
        orders.append(exit_order(trade, Leg.STOP, St.WORKING))
    trade = replace(trade, orders=tuple(orders), groups=(group(GroupKind.BRACKET),))
    assert bracket_entry(trade, trade.groups[0]) == first
    assert group_state(trade, trade.groups[0]) is state
    assert group_claimed(trade, trade.groups[0]) == claimed * NANO


@pytest.mark.parametrize(
    ("entry", "legs", "is_back"),
    [
        (St.FILLED, {Leg.TARGET: True, Leg.STOP: True}, True),
        (St.FILLED, {Leg.TARGET: False, Leg.STOP: True}, False),  # {new, held}: covered
        (St.FILLED, {Leg.STOP: True}, False),  # the target is over: its stop is about to work
        (St.FILLED, {}, False),
        (St.WORKING, {Leg.TARGET: True, Leg.STOP: True}, False),  # not armed before the whole fill
    ],
)
def test_legs_that_are_all_held_protect_nothing(
    entry: OrderState, legs: dict[Leg, bool], is_back: bool
) -> None:
    trade = holding()
    exits = [
        replace(exit_order(trade, leg, St.WORKING), is_held=held) for leg, held in legs.items()
    ]
    over = replace(exit_order(trade, Leg.TARGET, St.CANCELED), key="over", is_held=True)
    other = exit_order(trade, Leg.TARGET, St.WORKING, n=2)
    first = replace(trade.orders[0], state=entry, group=1)
    trade = replace(trade, orders=(first, *exits, over, other))
    assert is_held_back(trade, group(GroupKind.BRACKET)) is is_back
    assert not is_held_back(trade, group(GroupKind.OCO))


def test_when_an_order_filled() -> None:
    entry = holding().orders[0]
    assert filled_ns(entry) == 1
    assert filled_ns(replace(entry, fills=(), reported_ns=7)) == 7


def test_a_flat_trade_holds_nothing() -> None:
    trade = holding()
    assert cover_of(replace(trade, external_qty=100 * NANO)) == Cover(0, 0, 0)


def test_what_buys_back_claims_nothing() -> None:
    trade = holding()
    orders = (*trade.orders, exit_order(trade, Leg.FLATTEN, St.WORKING))
    trade = replace(trade, orders=orders, groups=(group(GroupKind.RESTORE),))
    assert bracket_entry(trade, trade.groups[0]) is None
    assert group_claimed(trade, trade.groups[0]) == 0


def test_several_groups_add_up_and_never_cover_more_than_is_held() -> None:
    trade = holding()
    orders = [*trade.orders]
    for n in (1, 2):
        orders.append(exit_order(trade, Leg.STOP, St.WORKING, n=n))
    groups = (group(n=1, qty=60), group(n=2, qty=60))
    trade = replace(trade, orders=tuple(orders), groups=groups)
    assert cover_of(trade) == Cover(100 * NANO, 100 * NANO, 120 * NANO)


def test_the_machine_names_every_state() -> None:
    assert set(GROUP_TRANSITIONS) == set(GroupState)
    reached = {state for after in GROUP_TRANSITIONS.values() for state in after}
    assert set(GroupState) - reached == set()
