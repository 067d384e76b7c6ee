"""The trade as a value: quantities, ids, exits wanted, phases."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surefill.core.fix import Leg, OrdType, Side
from surefill.core.ids import IdLeg
from surefill.core.order import ChildOrder, Fill, OrderState
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.trade import (
    PHASES,
    Arrival,
    ExitGroup,
    GroupKind,
    Outcome,
    Phase,
    Trade,
    arrival_of,
    phase_of,
    reopened,
)
from surefill.core.units import NANO
from tests.support.core import Bench

St, P = OrderState, Phase


def trade_with(*orders: ChildOrder, side: str = "buy", **more: object) -> Trade:
    """A trade with these orders."""
    return replace(Bench(side).trade, orders=orders, **more)  # type: ignore[arg-type]


def entry(state: OrderState, qty: int = 0, **more: object) -> ChildOrder:
    """The entry, filled by ``qty`` shares at 100.05."""
    order = Bench().trade.orders[0]
    fills = (Fill("x", qty * NANO, 100_050_000_000, 1),) if qty else ()
    return replace(order, state=state, order_id="e", fills=fills, **more)  # type: ignore[arg-type]


def stop(state: OrderState = St.WORKING, qty: int = 0, **more: object) -> ChildOrder:
    """A lone stop for 100 in group 1, filled by ``qty`` shares at 98.05."""
    spec = replace(
        entry(St.UNSENT).spec,
        cl_ord_id="s",
        side=Side.SELL,
        ord_type=OrdType.STOP,
        leg=Leg.STOP,
        limit_px=None,
        stop_px=98_050_000_000,
    )
    fills = (Fill("y", qty * NANO, 98_050_000_000, 2),) if qty else ()
    order = ChildOrder(key="s", spec=spec, state=state, group=1, order_id="s", fills=fills)
    return replace(order, **more)  # type: ignore[arg-type]


def test_quantities_come_from_the_orders() -> None:
    trade = trade_with(entry(St.FILLED, 100), stop(qty=30), external_qty=20 * NANO)
    assert trade.entry_qty == 100 * NANO
    assert trade.entry_cost == 100 * NANO * 100_050_000_000
    assert trade.position_qty == 50 * NANO
    assert trade.exit_qty == 30 * NANO
    assert trade.unpriced_qty == 0
    assert trade.entry_leaves_qty == 0
    assert trade_with(entry(St.WORKING, 40)).entry_leaves_qty == 60 * NANO


def test_lookups() -> None:
    trade = trade_with(entry(St.FILLED, 100), stop(), groups=(group(),))
    assert trade.order("s") == stop()
    assert trade.order("nobody") is None
    assert trade.order_by_id("e") is trade.entries[0]
    assert trade.order_by_id("nobody") is None
    assert trade.group(1) == group()
    assert trade.group(2) is None
    assert trade.group_orders(1) == (stop(),)
    assert (trade.trade_id, trade.symbol, trade.sign) == ("p1", "ACME", 1)
    assert trade.open_entry is None
    assert not trade.is_closed


def group(qty: int = 100) -> ExitGroup:
    """Group 1."""
    return ExitGroup(1, GroupKind.STOP, qty * NANO, 98_050_000_000, 0)


def test_group_remainder_is_never_negative() -> None:
    trade = trade_with(entry(St.FILLED, 100), stop(qty=100))
    assert trade.group_rem(group()) == 0
    assert trade.group_rem(group(60)) == 0
    assert trade.group_rem(group(130)) == 30 * NANO


def test_next_id_counts_our_own_orders_of_that_letter() -> None:
    trade = trade_with(entry(St.FILLED, 100), stop())
    tag = trade.tag
    assert trade.next_id(IdLeg.ENTRY) == f"sf-{tag}-p1-E2"
    assert trade.next_id(IdLeg.STOP) == f"sf-{tag}-p1-S1", "the broker's own names do not count"


def test_successors() -> None:
    old, new = stop(), stop(order_id="s2", key="s2", replaces="s")
    assert not trade_with(old).has_successor(old)
    assert trade_with(old, new).has_successor(old)
    assert not trade_with(old, replace(new, order_id=None)).has_successor(old)
    assert not trade_with(old, replace(new, state=St.REJECTED)).has_successor(old)


def test_an_entry_that_was_never_there() -> None:
    assert trade_with(entry(St.ABSENT, sends=1)).is_absent_entry
    assert not trade_with(entry(St.ABSENT, sends=0)).is_absent_entry
    assert not trade_with(entry(St.CANCELED, sends=1)).is_absent_entry


TRADE = Bench().trade


def test_what_a_trade_that_goes_on_forgets() -> None:
    over = replace(
        TRADE,
        outcome=Outcome.CLOSED_STOP,
        reason=Reason.of(ReasonCode.TIME_EXIT),
        closed_ns=5,
        is_settled=True,
        flat_since_ns=4,
    )
    assert reopened(over) == replace(
        TRADE, outcome=None, reason=None, closed_ns=None, is_settled=False, flat_since_ns=None
    )


def test_wanted_exits() -> None:
    before = trade_with(entry(St.WORKING)).wanted_exits()
    assert (before.stop_px, before.target_px) == (98_100_000_000, 104_100_000_000)
    after = trade_with(entry(St.FILLED, 100)).wanted_exits()
    assert (after.stop_px, after.target_px) == (98_050_000_000, 104_050_000_000)
    for ratchet_px in (98_060_000_000, 98_050_000_000, 98_040_000_000):
        tight = trade_with(entry(St.FILLED, 100), ratchet_px=ratchet_px).wanted_exits()
        assert (tight.stop_px, tight.target_px) == (max(ratchet_px, after.stop_px), after.target_px)
    legacy = trade_with(entry(St.FILLED, 100), is_legacy=True).wanted_exits()
    assert (legacy.stop_px, legacy.target_px) == (98_000_000_000, 104_000_000_000)


FLATTEN = Reason.of(ReasonCode.FLATTEN_REQUESTED, by="desk")


@pytest.mark.parametrize(
    ("trade", "covered", "claimed", "phase"),
    [
        (trade_with(), 0, 0, P.PRE_SEND),
        (trade_with(entry(St.UNSENT)), 0, 0, P.PRE_SEND),
        (trade_with(entry(St.IN_FLIGHT)), 0, 0, P.IN_FLIGHT),
        (trade_with(entry(St.IN_DOUBT)), 0, 0, P.IN_DOUBT),
        (trade_with(entry(St.WORKING)), 0, 0, P.WORKING),
        (trade_with(entry(St.WORKING, cancel_ns=1)), 0, 0, P.CANCELLING),
        (trade_with(entry(St.WORKING, 37)), 0, 0, P.PARTIAL),
        (trade_with(entry(St.FILLED, 100)), 0, 0, P.FILLED_UNCOVERED),
        (trade_with(entry(St.FILLED, 100)), 0, 100, P.COVER_IN_FLIGHT),
        (trade_with(entry(St.FILLED, 100), stop()), 100, 100, P.COVERED),
        (trade_with(entry(St.FILLED, 100), stop(qty=30)), 70, 70, P.EXITING),
        (
            trade_with(entry(St.FILLED, 100), stop(), stop(St.IN_FLIGHT, key="t", replaces="s")),
            100,
            100,
            P.AMENDING,
        ),
        (trade_with(entry(St.FILLED, 100), exit_reason=FLATTEN), 0, 0, P.FLATTENING),
        (trade_with(entry(St.CANCELED)), 0, 0, P.SETTLING),
        (trade_with(entry(St.CANCELED), outcome=Outcome.NOT_ENTERED), 0, 0, P.CLOSED),
    ],
)
def test_phases(trade: Trade, covered: int, claimed: int, phase: Phase) -> None:
    found = phase_of(trade, covered_qty=covered * NANO, claimed_qty=claimed * NANO)
    assert found is phase
    assert trade.is_closed == (phase is P.CLOSED)


def test_the_table_names_every_phase() -> None:
    assert set(PHASES) == set(Phase)
    assert all(Phase.CLOSED in after for after in PHASES.values())


def test_a_breakout_waits_until_it_is_triggered_or_over() -> None:
    plain = trade_with()
    assert not plain.is_waiting
    assert plain.started_ns == plain.accepted_ns
    waiting = replace(plain, plan=replace(plain.plan, trigger_px=NANO))
    assert waiting.is_waiting
    assert phase_of(waiting, covered_qty=0, claimed_qty=0) is P.AWAITING_TRIGGER
    reason = Reason.of(ReasonCode.ENTRY_CANCELED, by="test")
    assert not replace(waiting, entry_end=reason).is_waiting
    assert not replace(waiting, exit_reason=reason).is_waiting
    triggered = replace(waiting, triggered_ns=7)
    assert not triggered.is_waiting
    assert triggered.started_ns == 7
    assert phase_of(triggered, covered_qty=0, claimed_qty=0) is P.PRE_SEND
    assert all(P.AWAITING_TRIGGER not in after for after in PHASES.values()), "it is never undone"


def test_the_arrival_is_the_market_as_it_is_found() -> None:
    assert arrival_of(None) == Arrival(None, None)
    view = Bench().engine.views["ACME"]
    assert arrival_of(view) == Arrival(100 * NANO, view.feed)
    assert arrival_of(replace(view, nbbo=None)) == Arrival(None, view.feed)
