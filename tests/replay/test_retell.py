"""A trade retold from its records ends with the ledger of its image, whatever happened to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from surefill.core.events import Act, RateLimited
from surefill.core.risk import Limits
from surefill.core.trade import Outcome, Trade
from surefill.core.units import NANO
from surefill.replay.harness import Arrival, VirtualConfig, VirtualRun
from surefill.replay.retell import moments
from surefill.sim.calendar import session_on, us_equity_calendar
from surefill.sim.market import MergedMarket
from surefill.sim.profiles import MID, TIGHT
from surefill.sim.synthetic import SyntheticTape
from surefill.sim.workload import Mix, sample_plans
from tests.support.core import Kind
from tests.support.told import ToldBench, arrival, crwd_plan, crwd_run, records_of, retold

MINUTE_NS = 60 * NANO


def ledger(trade: Trade) -> object:
    """What a trade executed, where its orders stand, how long it was bare."""
    orders = [
        (o.key, o.order_id, o.leg, o.group, o.state, o.cum_qty, o.fills) for o in trade.orders
    ]
    return orders, trade.position_qty, trade.entry_cost, trade.uncovered


def covered(side: str) -> ToldBench:
    b = ToldBench(side)
    b.accepts("E1")
    b.fills("E1", 100)
    b.accepts("X1")
    return b


def target_hit(side: str) -> ToldBench:
    b = covered(side)
    b.fills("X1", 100)
    b.run(2)
    return b


def flattened_then_cover_again(side: str) -> ToldBench:
    b = covered(side)
    b.operator(Act.FLATTEN, "p1")
    b.replaces("X1", "T1")
    b.fills("T1", 60)
    b.run(2)
    b.cancelled("T1")
    b.run(1)
    return b


def cover_lost_and_restart(side: str) -> ToldBench:
    b = covered(side)
    b.cancelled("X1")
    b.run(1)
    b.accepts("X2")
    b.restart()
    b.run(1)
    return b


def bracket(side: str) -> ToldBench:
    b = ToldBench(side, tactic="marketable")
    b.accepts("E1")
    b.fills("E1", 100, 5)
    b.run(1)
    b.replaces("E1.stop", "S1")
    b.run(1)
    b.replaces("E1.target", "T1")
    b.run(1)
    return b


def answers_lost(side: str) -> ToldBench:
    b = ToldBench(side)
    b.loses("E1")
    b.run(5)
    b.takes("E1")
    b.run(3)
    b.executes("E1", 37)
    b.run(61)
    b.cancelled("E1")
    b.run(0.3)
    b.answers("X1", RateLimited(b.now + NANO))
    b.run(2)
    b.refuses("X1", Kind.OTHER)
    b.run(1)
    b.accepts("S1")
    b.run(1)
    return b


def never_arrived(side: str) -> ToldBench:
    b = ToldBench(side)
    b.loses("E1")
    b.run(400)
    assert b.trade.outcome is Outcome.NOT_ENTERED
    return b


STORIES = [
    target_hit,
    flattened_then_cover_again,
    cover_lost_and_restart,
    bracket,
    answers_lost,
    never_arrived,
]


@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize("play", STORIES)
def test_the_ledger_of_the_image(side: str, play: Callable[[str], ToldBench]) -> None:
    b = play(side)
    assert ledger(b.retold) == ledger(b.trade)


def test_a_trade_begins_with_its_plan() -> None:
    b = covered("buy")
    told = list(moments(records_of(b.journal), b.trade))
    assert told[0].before is None
    assert all(m.before is not None for m in told[1:])
    assert [m.after for m in told[:-1]] == [m.before for m in told[1:]]
    assert told[0].after.orders[0].sends == 1


def test_the_crwd_morning_on_the_legacy_path() -> None:
    run = crwd_run(arrival(crwd_plan(by_level=True), is_legacy=True))
    final = run.finished["crwd-1"]
    assert isinstance(final, Trade)
    assert final.outcome is Outcome.CLOSED_STOP
    assert ledger(retold(run.journal, final)) == ledger(final)


@pytest.mark.slow
def test_a_busy_five_minutes() -> None:
    session, calendar = session_on(20260302), us_equity_calendar(20260220, 20260310)
    profiles = (("TIGHT", TIGHT), ("MID", MID))

    def tapes() -> list[SyntheticTape]:
        return [SyntheticTape(3, name, session, profile=p) for name, p in profiles]

    mix = Mix(legacy_percent=15, spacing_s=45, budget_s=(2, 10), hold_s=(15, 28))
    window = (session.open_ns + MINUTE_NS, session.open_ns + 6 * MINUTE_NS)
    draws = sample_plans([tape.columns() for tape in tapes()], mix, seed=3, window=window)
    run = VirtualRun(
        MergedMarket(tapes()),
        calendar,
        start_ns=session.open_ns - 5 * NANO,
        config=VirtualConfig(
            seed=3,
            requests_per_minute=0,
            exits_beside_entry=True,
            limits=Limits(order_notional_max_usd=10**16, total_notional_max_usd=10**18),
        ),
    )
    run.start()
    run.play(
        [Arrival(draw.at_ns, draw.plan, draw.is_legacy) for draw in draws],
        until_ns=session.open_ns + 9 * MINUTE_NS,
    )
    traded = [found for found in run.finished.values() if isinstance(found, Trade)]
    assert len(traded) > 8
    assert len({trade.outcome for trade in traded}) > 2
    records = records_of(run.journal)
    for trade in traded:
        told = list(moments(records, trade))
        assert ledger(told[-1].after) == ledger(trade)


def test_a_breakout_is_triggered_where_it_was() -> None:
    b = ToldBench(submit=False)
    b.submit_plan(replace(b.plan, trigger_px=b.at(0)))
    b.run(300)
    b.quote(0, 2)
    b.accepts("E1")
    found = list(moments(records_of(b.journal), b.trade))
    waited = [moment.after.is_waiting for moment in found]
    assert waited[0]
    assert waited.count(True) < len(waited)
    assert not waited[-1]
    assert found[-1].after.triggered_ns == b.trade.triggered_ns
