"""Who asks the venue whether what the engine concluded is true."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from surefill.core.commands import Priority, SubmitOrder
from surefill.core.events import Event, OrdersRead, TimePassed
from surefill.core.order import ChildOrder, OrderState
from surefill.core.trade import Trade
from surefill.replay.harness import Arrival, VirtualRun
from surefill.replay.simulate.play import play, run_of
from surefill.replay.simulate.scripts import scripted
from surefill.replay.simulate.strikes import StrikingFaults
from surefill.replay.simulate.witness import Witness
from surefill.runtime.stepper import Decided
from surefill.sim.alpaca.keys import owner_of
from tests.replay.simulate.test_play import with_more

LISTING = OrdersRead((), 0, 1, 2)


def trade_at_rest() -> tuple[VirtualRun, Trade]:
    """A run in which exits rest at the venue, and the trade that knows it."""
    scenario = scripted("bracket, time exit")
    run = run_of(scenario, StrikingFaults(1))
    run.start()
    assert owner_of("VIRTUALKEY").account == run.account
    arrivals = [Arrival(scenario.at_ns(one.at_ms), one.plan) for one in scenario.plans]
    run.play(arrivals, until_ns=scenario.at_ns(5_000))
    (trade,) = run.engine.book.open.values()
    return run, trade


def put_down(trade: Trade, change: Callable[[ChildOrder], ChildOrder]) -> Decided:
    """A decision that changes one order that works."""
    order = next(o for o in trade.orders if o.state is OrderState.WORKING)
    orders = tuple(change(o) if o is order else o for o in trade.orders)
    return Decided(trades={trade.trade_id: replace(trade, orders=orders)})


def as_canceled(order: ChildOrder) -> ChildOrder:
    return replace(order, state=OrderState.CANCELED)


@pytest.mark.parametrize(("events", "code"), [((LISTING,), "I11"), ((TimePassed(),), "I10")])
def test_an_order_that_the_venue_still_has_is_not_over(
    events: tuple[Event, ...], code: str
) -> None:
    run, trade = trade_at_rest()
    witness = Witness(run.exchange.venue, run.account)
    witness.see([LISTING], Decided(trades={trade.trade_id: trade}), 1)
    assert not witness.violations
    over = put_down(trade, as_canceled)
    for _ in range(2):  # told once
        witness.see(events, over, 2)
    assert [one.code for one in witness.violations] == [code]
    witness.see(events, Decided(trades={trade.trade_id: trade}), 3)
    witness.see(events, over, 4)  # taken back, and put down again
    assert [one.code for one in witness.violations] == [code, code]


@pytest.mark.parametrize(("moved_from", "codes"), [(None, ["I10"]), ("an exit", [])])
def test_what_never_arrived_must_not_arrive_later(moved_from: str | None, codes: list[str]) -> None:
    """The move of an exit may, also of one that is no pair: it takes its place (decision 0003)."""
    run, trade = trade_at_rest()
    witness = Witness(run.exchange.venue, run.account)

    def as_absent(order: ChildOrder) -> ChildOrder:
        order = replace(order, key="sf-1-p1-E9", order_id=None, replaces=moved_from)
        return replace(order, state=OrderState.ABSENT)

    witness.see([LISTING], put_down(trade, as_absent), 1)
    witness.finish(2)
    assert not witness.violations
    run.exchange.venue.cl_ord_ids[run.account, "sf-1-p1-E9"] = "later"
    witness.finish(3)
    assert [one.code for one in witness.violations] == codes


def test_nothing_is_asked_of_the_broker_before_the_first_listing() -> None:
    run, trade = trade_at_rest()
    witness = Witness(run.exchange.venue, run.account)
    order = trade.orders[0]
    sends = Decided(commands=[SubmitOrder(trade.trade_id, order.spec, Priority.ENTRY)])
    witness.see([], Decided(), 1)
    witness.see([TimePassed()], sends, 2)
    assert [one.code for one in witness.violations] == ["I25"]
    witness.see([LISTING], sends, 3)
    witness.see([], sends, 4)  # another process
    assert [one.code for one in witness.violations] == ["I25", "I25"]


def test_a_sound_run_shows_it_nothing() -> None:
    assert not play(with_more()).witness.violations
