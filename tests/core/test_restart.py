"""What a new process makes of a trade, also on a clock that was set back meanwhile."""

from __future__ import annotations

import pytest

from surefill.core.order import OrderState
from surefill.core.plan import SECOND_NS
from surefill.core.restart import restarted
from surefill.core.values import replace
from tests.support.core import START_NS, Bench, covered_bench

DAY_NS = 86_400 * SECOND_NS
DOUBT_S = 8.0


def test_a_restart_puts_what_was_in_flight_in_doubt() -> None:
    b = Bench()
    assert [o.state for o in restarted(b.trade, b.now).orders] == [OrderState.IN_DOUBT]
    b.accepts("E1")
    assert [o.state for o in restarted(b.trade, b.now).orders] == [OrderState.WORKING]
    b.cancelled("E1")
    assert restarted(b.trade, b.now).orders == b.trade.orders


def test_nothing_of_ours_lies_in_the_future() -> None:
    b = covered_bench()
    now = START_NS - DAY_NS
    trade = replace(b.trade, exit_changes=(now, b.now), through_since_ns=b.now, held_since_ns=now)
    after = restarted(trade, now)
    assert (after.accepted_ns, after.deadline_ns) == (now - DAY_NS, now)
    assert (after.exit_changes, after.through_since_ns) == ((now,), now)
    assert (after.held_since_ns, after.flat_since_ns) == (now, None)
    assert all(order.sent_ns <= now for order in after.orders if not order.is_terminal)
    assert [order.fills for order in after.orders] == [order.fills for order in trade.orders]


@pytest.mark.parametrize("ahead_ns", [0, 3_600 * SECOND_NS, DAY_NS], ids=["0", "hour", "day"])
def test_cover_that_was_lost_goes_again_after_a_clock_was_set_back(ahead_ns: int) -> None:
    """A process ran ahead and died with its cover in flight; the next one runs a day behind it."""
    b = Bench()
    b.accepts("E1")
    b.now += ahead_ns
    b.fills("E1", 100)
    b.run(0.3)
    assert b.news()[-1] == "submit X1 SELL 100 OCO target 104.05 stop 98.05 GTC"
    b.now -= DAY_NS
    b.restart()
    b.run(DOUBT_S)
    assert "submit X1 SELL 100 OCO target 104.05 stop 98.05 GTC" in b.news()


def test_cover_goes_again_within_a_process_whose_clock_leaps_a_day() -> None:
    b = Bench()
    b.accepts("E1")
    b.fills("E1", 100)
    b.run(0.3)
    b.news()
    b.now += DAY_NS
    b.run(1)
    assert b.news() == ["submit X1 SELL 100 OCO target 104.05 stop 98.05 GTC"]
