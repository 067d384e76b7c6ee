"""One turn: the last gate, waking, sending, cancelling and asking at a distance."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surefill.core.commands import (
    Announce,
    CancelOrder,
    Milestone,
    OrderSpec,
    Priority,
    QueryOrder,
    RaiseAlarm,
    ReplaceOrder,
    SubmitOrder,
)
from surefill.core.fix import Leg, OrdType, Side
from surefill.core.order import ChildOrder, OrderState
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.trade import Trade
from surefill.core.turn import (
    ASK_BACKOFF_NS,
    CONFIRM_NS,
    MS_NS,
    Context,
    Turn,
    backoff,
    spec_problem,
)
from surefill.core.units import NANO
from surefill.tactics.registry import TACTICS
from tests.support.core import Bench, covered_bench

NOW = 10**18
COVERED = covered_bench().trade
ENTERING = Bench().trade
ENTRY = ENTERING.orders[0].spec
EXIT = COVERED.orders[1].spec


def turn(trade: Trade = ENTERING, now: int = NOW) -> Turn:
    """A turn at ``now``."""
    return Turn(trade, Context(now=now, tactic=TACTICS["limit"]))


def test_backoff_repeats_its_last_gap() -> None:
    assert [backoff((1, 2, 3), n) for n in (0, 1, 2, 3, 9)] == [1, 2, 3, 3, 3]


def test_the_earliest_wish_to_wake_wins_and_the_past_means_soon() -> None:
    one = turn()
    assert one.finish().wake_ns is None
    one.wake_at(NOW + 5000 * MS_NS)
    one.wake_at(NOW + 9000 * MS_NS)
    assert one.finish().wake_ns == NOW + 5000 * MS_NS
    one.wake_at(NOW - 1)
    woken_ns = one.finish().wake_ns
    assert woken_ns is not None
    assert NOW < woken_ns <= NOW + MS_NS


NOTHING = replace(ENTERING, orders=())


@pytest.mark.parametrize(
    ("trade", "spec", "problem"),
    [
        (NOTHING, ENTRY, None),
        (NOTHING, replace(ENTRY, order_qty=0), "quantity 0"),
        (NOTHING, replace(ENTRY, order_qty=NANO // 2), "quantity 0.5"),
        (NOTHING, replace(ENTRY, limit_px=100_051_000_000), "price 100.051 is off the tick"),
        (NOTHING, replace(ENTRY, side=Side.SELL), "entry side SELL"),
        (NOTHING, replace(ENTRY, order_qty=101 * NANO), "entry of 101 beside 0"),
        (ENTERING, replace(ENTRY, cl_ord_id="other", order_qty=NANO), "entry of 1 beside 100"),
        (NOTHING, replace(ENTRY, ord_type=OrdType.MARKET), "entry type MARKET"),
        (NOTHING, replace(ENTRY, limit_px=None), "entry type LIMIT"),
        (NOTHING, replace(ENTRY, limit_px=100_110_000_000), "entry limit 100.11 beyond 100.1"),
        (replace(NOTHING, is_legacy=True), replace(ENTRY, limit_px=None), None),
        (COVERED, EXIT, None),
        (COVERED, replace(EXIT, side=Side.BUY), "side BUY does not reduce"),
        (COVERED, replace(EXIT, order_qty=101 * NANO), "exit for 101 of 100"),
        (COVERED, replace(EXIT, stop_loss_px=98_001_000_000), "price 98.001 is off the tick"),
        (NOTHING, EXIT, "exit for 100 of 0"),
    ],
)
def test_the_last_gate(trade: Trade, spec: OrderSpec, problem: str | None) -> None:
    assert spec_problem(trade, spec) == problem


def test_buying_back_what_the_venue_sold_too_much() -> None:
    reversed_ = replace(COVERED, external_qty=160 * NANO)
    spec = replace(EXIT, side=Side.BUY, order_qty=60 * NANO)
    assert spec_problem(reversed_, spec) is None
    assert spec_problem(reversed_, replace(spec, order_qty=61 * NANO)) == "exit for 61 of -60"


def test_what_the_gate_holds_back_is_not_sent_and_is_said() -> None:
    one = turn(NOTHING)
    spec = replace(ENTRY, order_qty=101 * NANO)
    one.submit(spec, group=None, priority=Priority.ENTRY)
    assert one.trade.orders == ()
    assert one.broken == ["entry of 101 beside 0"]
    said = Reason.of(ReasonCode.INVARIANT_BROKEN, name="I13", text="entry of 101 beside 0")
    assert one.commands == [RaiseAlarm("p1", said)]
    order = replace(ENTERING.orders[0], state=OrderState.UNSENT, spec=spec)
    again = turn(replace(ENTERING, orders=(order,)))
    again.resend(order, Priority.ENTRY)
    assert again.trade.orders == (order,)


def test_an_alarm_is_raised_once() -> None:
    one = turn()
    reason = Reason.of(ReasonCode.EXPOSED, qty=1, symbol="ACME")
    one.alarm(reason)
    one.alarm(reason)
    assert one.commands == [RaiseAlarm("p1", reason)]
    one.announce(Milestone.SETTLED)
    assert one.commands[-1] == Announce("p1", Milestone.SETTLED)


def test_cancel_keeps_its_distance() -> None:
    order = replace(ENTERING.orders[0], state=OrderState.WORKING, order_id="id1")
    one = turn(replace(ENTERING, orders=(order,)))
    one.cancel(order)
    one.cancel(one.trade.orders[0])
    assert one.commands == [CancelOrder("p1", order.key, "id1")]
    later = turn(one.trade, NOW + 10**9)
    later.cancel(later.trade.orders[0])
    assert len(later.commands) == 1


def test_cancel_of_what_has_no_name_waits_and_of_what_never_left_is_a_drop() -> None:
    one = turn()
    one.cancel(ENTERING.orders[0])
    assert one.commands == []
    order = replace(ENTERING.orders[0], state=OrderState.UNSENT)
    one = turn(replace(ENTERING, orders=(order,)))
    one.cancel(order)
    assert one.trade.orders[0].state is OrderState.ABSENT


def test_ask_keeps_its_distance() -> None:
    order = replace(ENTERING.orders[0], order_id="id1")
    one = turn(replace(ENTERING, orders=(order,)))
    one.ask(order)
    one.ask(one.trade.orders[0])
    assert one.commands == [QueryOrder("p1", order.key, "id1")]
    assert one.finish().wake_ns == NOW + 250 * MS_NS


def test_replace_moves_one_price_and_remembers_when() -> None:
    target = COVERED.orders[1]
    one = turn(COVERED)
    one.replace_order(target, replace(target.spec, cl_ord_id="t", limit_px=103_000_000_000))
    made = one.trade.orders[-1]
    assert (made.replaces, made.state) == (target.order_id, OrderState.IN_FLIGHT)
    assert one.trade.exit_changes == (NOW,)
    command = one.commands[0]
    assert (getattr(command, "limit_px", 0), getattr(command, "stop_px", 0)) == (103 * NANO, None)
    stop = COVERED.orders[2]
    assert stop.leg is Leg.STOP
    one.replace_order(stop, replace(stop.spec, cl_ord_id="s", stop_px=99 * NANO))
    command = one.commands[1]
    assert (getattr(command, "limit_px", 0), getattr(command, "stop_px", 0)) == (None, 99 * NANO)


def test_what_an_exit_closed_stays_with_it_through_every_replacement() -> None:
    """R10: the broker's count of a replacement begins where that of its predecessor ended."""
    one = turn(COVERED)
    target = next(order for order in one.trade.orders if order.leg is Leg.TARGET)
    target = replace(target, reported_qty=40 * NANO, carried_qty=15 * NANO)
    one.replace_order(target, replace(target.spec, cl_ord_id="t", limit_px=103 * NANO))
    assert one.trade.orders[-1].carried_qty == 40 * NANO


def test_a_deferred_intent_goes_again_as_it_was() -> None:
    order = replace(ENTERING.orders[0], state=OrderState.UNSENT)
    one = turn(replace(ENTERING, orders=(order,)))
    one.resend(order, Priority.ENTRY)
    assert one.commands == [SubmitOrder("p1", ENTRY, Priority.ENTRY)]
    assert one.trade.orders[0].sends == 2


def test_groups_change_in_their_place() -> None:
    one = turn(COVERED)
    first = COVERED.groups[0]
    one.add_group(replace(first, n=2))
    one.update_group(replace(first, is_ended=True))
    assert one.trade.groups == (replace(first, is_ended=True), replace(first, n=2))


# ------------------------------------------------------------------------------- field by field


def test_an_order_that_is_sent_and_one_that_is_cancelled() -> None:
    one = turn(NOTHING)
    one.submit(ENTRY, group=None, priority=Priority.ENTRY)
    assert one.commands == [SubmitOrder("p1", ENTRY, Priority.ENTRY)]
    (sent,) = one.trade.orders
    fresh = ChildOrder(key=ENTRY.cl_ord_id, spec=ENTRY, group=0)
    assert sent == replace(fresh, state=OrderState.IN_FLIGHT, sent_ns=NOW, sends=1)
    deferred = replace(fresh, state=OrderState.UNSENT, asks=3, sends=1, sent_ns=5)
    again = turn(replace(ENTERING, orders=(deferred,)))
    again.resend(deferred, Priority.ENTRY)
    assert again.trade.orders == (
        replace(deferred, state=OrderState.IN_FLIGHT, sent_ns=NOW, sends=2, asks=0),
    )
    order = replace(sent, state=OrderState.WORKING, order_id="id1", asks=3, cancels=2)
    gone = turn(replace(ENTERING, orders=(order,)))
    gone.cancel(order)
    assert gone.trade.orders == (
        replace(order, cancel_ns=NOW, cancels=3, asked_ns=NOW + CONFIRM_NS, asks=0),
    )
    assert gone.finish().wake_ns == NOW + CONFIRM_NS


@pytest.mark.parametrize("asks", [0, 1, 2, 9])
def test_reads_take_their_distance_to_the_nanosecond(asks: int) -> None:
    gap_ns, next_ns = backoff(ASK_BACKOFF_NS, asks), backoff(ASK_BACKOFF_NS, asks + 1)
    order = replace(ENTERING.orders[0], order_id="id1", asks=asks, asked_ns=NOW - gap_ns)
    due = turn(replace(ENTERING, orders=(order,)))
    due.ask(order)
    assert due.trade.orders == (replace(order, asked_ns=NOW, asks=asks + 1),)
    assert due.finish().wake_ns == NOW + next_ns
    early = turn(replace(ENTERING, orders=(order,)), NOW - MS_NS)
    early.ask(order)
    assert (early.commands, early.finish().wake_ns) == ([], NOW)
    again_ns = backoff(ASK_BACKOFF_NS, order.cancels + 2)
    asked = replace(order, state=OrderState.WORKING, cancel_ns=NOW - again_ns)
    for now, is_sent in ((NOW, True), (NOW - 1, False)):
        one = turn(replace(ENTERING, orders=(asked,)), now)
        one.cancel(asked)
        assert bool(one.commands) is is_sent


@pytest.mark.parametrize("is_repair", [True, False])
@pytest.mark.parametrize("leg", [Leg.TARGET, Leg.STOP])
def test_a_successor_and_the_request_for_it(leg: Leg, is_repair: bool) -> None:
    old = next(order for order in COVERED.orders if order.leg is leg)
    price = {"limit_px": 103 * NANO} if leg is Leg.TARGET else {"stop_px": 99 * NANO}
    spec = replace(old.spec, cl_ord_id="n", **price)  # type: ignore[arg-type]
    minute_ns = 60 * 1000 * MS_NS
    changes = (NOW - minute_ns, NOW - minute_ns + 1, NOW - 1)
    one = turn(replace(COVERED, exit_changes=changes))
    one.replace_order(old, spec, is_repair=is_repair)
    assert one.trade.orders[-1] == ChildOrder(
        key="n",
        spec=spec,
        state=OrderState.IN_FLIGHT,
        group=old.group,
        replaces=old.order_id,
        sent_ns=NOW,
        sends=1,
    )
    assert old.order_id is not None
    assert one.commands == [
        ReplaceOrder(
            "p1",
            old.key,
            old.order_id,
            "n",
            limit_px=price.get("limit_px"),
            stop_px=price.get("stop_px"),
            priority=Priority.PROTECT if is_repair else Priority.ROUTINE,
        )
    ]
    assert one.trade.exit_changes == ((*changes[1:], NOW) if is_repair else changes)


def test_a_flat_trade_is_not_reduced_further() -> None:
    flat = replace(COVERED, external_qty=COVERED.position_qty)
    wrong = replace(EXIT, side=Side.BUY)
    assert spec_problem(flat, wrong) == "side BUY does not reduce"
