"""One plan's numbers, against trades of the real engine and against the caller's result."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surefill.core.fix import Feed
from surefill.core.market import MarketView, Nbbo
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.state import Denial
from surefill.core.trade import Outcome
from surefill.core.units import NANO
from surefill.runtime.result import result_of
from surefill.tca.facts import VIEW_AGE_MAX_NS, Fate, Seen, fact_of, far_px
from surefill.tca.history import read_history
from surefill.tca.journaled import parent_of
from surefill.tca.parent import Marks
from surefill.tca.shadow import shadow_of
from surefill.tca.shortfall import shortfall_of
from tests.support.core import Bench, covered_bench
from tests.support.told import ToldBench
from tests.tca.support import BPS, closed_bench, missed_bench, rejected_bench

SIDES = pytest.mark.parametrize("side", ["buy", "sell"])
QUOTE = Nbbo(100 * NANO, 500 * NANO, 101 * NANO, 500 * NANO, 1, 1)


@SIDES
def test_a_closed_trade_agrees_with_what_the_caller_was_told(side: str) -> None:
    trade = closed_bench(side).trade
    fact, told = fact_of(trade, Seen(3, 9, 12)), result_of(trade)
    assert (fact.fate, fact.outcome, fact.seqs) == (
        Fate.ENTERED,
        Outcome.CLOSED_TARGET,
        (3, 9, 12),
    )
    assert fact.slippage_vs_signal_ppb == fact.shortfall_ppb == 5 * BPS
    assert told.slippage_vs_signal_bps == 5
    assert fact.rr_signal_ppb is not None
    assert told.rr_at_fill is not None
    assert fact.rr_signal_ppb // 100_000 == int(told.rr_at_fill * 10_000)
    assert fact.rr_exits_ppb == 2 * NANO
    assert fact.r_ppb == 2 * NANO
    assert told.r_realized == 2
    assert fact.pnl_usd == told.pnl_usd
    assert fact.has_stop_at_broker
    assert not fact.has_fill_beyond
    assert 0 < fact.uncovered_ns == trade.uncovered.longest_ns
    assert fact.uncovered_share_ms == fact.uncovered_ns // 1_000_000 * 100
    assert (fact.path, fact.code, fact.missed_qty) == ("smart", "ENTRY_FILLED", 0)


@SIDES
def test_a_missed_trade_costs_what_entering_it_late_would_have(side: str) -> None:
    b = missed_bench(side)
    fact = fact_of(b.trade, Seen(end_far_px=b.at(20)))
    assert (fact.fate, fact.outcome, fact.code) == (
        Fate.NOT_ENTERED,
        Outcome.NOT_ENTERED,
        "ENTRY_TIMEOUT",
    )
    assert fact.shortfall_ppb == fact.end_far_ppb == 20 * BPS
    assert fact.missed_qty == 100 * NANO
    assert fact.slippage_vs_signal_ppb is fact.rr_signal_ppb is fact.r_ppb is None


def test_an_unknown_market_is_an_unknown_cost() -> None:
    fact = fact_of(missed_bench().trade, Seen())
    assert fact.shortfall_ppb is fact.end_far_ppb is None


def test_a_partial_entry_counts_both_parts() -> None:
    b = Bench()
    b.accepts("E1")
    b.fills("E1", 25)
    b.run(1)
    b.cancelled("E1")
    b.accepts("X1")
    b.run(1)
    fact = fact_of(b.trade, Seen(end_far_px=b.at(25)))
    assert fact.fate is Fate.ENTERED
    assert fact.outcome is None
    assert fact.shortfall_ppb == (25 * 5 + 75 * 25) * BPS // 100
    assert fact.r_ppb is fact.pnl_usd is None


def test_what_is_still_entering_is_pending() -> None:
    b = Bench()
    assert fact_of(b.trade, Seen()).fate is Fate.PENDING
    b.accepts("E1")
    b.fills("E1", 10)
    fact = fact_of(b.trade, Seen())
    assert fact.fate is Fate.PENDING
    assert fact.slippage_vs_signal_ppb is fact.shortfall_ppb is None
    assert fact.missed_qty == 0
    assert fact.code == "PENDING"


def test_an_open_trade_is_entered() -> None:
    assert fact_of(covered_bench().trade, Seen()).fate is Fate.ENTERED


def test_rejected_by_the_broker() -> None:
    fact = fact_of(rejected_bench().trade, Seen())
    assert (fact.fate, fact.code) == (Fate.REJECTED, "ENTRY_REJECTED")


def test_denied() -> None:
    plan = Bench().plan
    reasons = (Reason.of(ReasonCode.QUOTE_STALE), Reason.of(ReasonCode.KILL_ACTIVE))
    fact = fact_of(Denial(plan=plan, is_legacy=True, reasons=reasons, at_ns=5), Seen(4))
    assert (fact.fate, fact.path, fact.code) == (Fate.DENIED, "legacy", "QUOTE_STALE")
    assert (fact.seqs, fact.at_ns) == ((4,), 5)


def test_a_fill_beyond_the_worst_price() -> None:
    b = Bench()
    b.may_break = True
    b.accepts("E1")
    b.fills("E1", 100, 11)
    b.accepts("X1")
    b.run(1)
    assert fact_of(b.trade, Seen()).has_fill_beyond
    assert not fact_of(replace(b.trade, is_legacy=True), Seen()).has_fill_beyond


def test_a_fill_through_the_stop_has_no_ratio() -> None:
    """The legacy path can enter where no risk is left to measure."""
    trade = closed_bench(legacy=False).trade
    orders = tuple(
        replace(o, fills=tuple(replace(f, px=f.px - 10 * NANO) for f in o.fills))
        for o in trade.orders
    )
    fact = fact_of(replace(trade, is_legacy=True, orders=orders), Seen())
    assert fact.rr_signal_ppb is fact.rr_exits_ppb is fact.r_ppb is None
    assert fact.pnl_usd is not None


def test_far_side_only_of_a_current_quote() -> None:
    nbbo = Nbbo(99, 1, 101, 1, 0, 10)
    view = MarketView("ACME", Feed.TEST, nbbo, alive_ns=10)
    assert far_px(view, 1, 20) == 101
    assert far_px(view, -1, 20) == 99
    assert far_px(view, 1, 11 + VIEW_AGE_MAX_NS) is None
    assert far_px(replace(view, nbbo=replace(nbbo, ask_px=0)), 1, 20) is None
    assert far_px(replace(view, nbbo=None), 1, 20) is None


@SIDES
def test_excursions_run_from_the_average_entry(side: str) -> None:
    """Entered 5 cents beyond the signal, risk 2.00 a share; the near side went 40 cents against
    the signal and 150 in favour; the target filled at 4.05 in favour of it."""
    b = ToldBench(side)
    b.accepts("E1")
    b.fills("E1", 100)
    b.accepts("X1")
    for near in (-40, 150):
        b.run(1)
        b.quote(near, near + 2)
    b.fills("X1", 100)
    b.run(5)
    fact = fact_of(b.trade, Seen())
    cent = NANO // 100
    assert (fact.mae_px, fact.mae_ppb) == (45 * cent, 225_000_000)
    assert (fact.mfe_px, fact.mfe_ppb) == (400 * cent, 2 * NANO)
    assert fact.r_ppb == 2 * NANO  # the target was the best price of the trade


@SIDES
def test_a_loss_is_at_least_as_far_as_its_exit_filled(side: str) -> None:
    """No quote saw the price at which the stop filled; the fill did."""
    b = ToldBench(side)
    b.accepts("E1")
    b.fills("E1", 100)
    b.accepts("X1")
    b.run(1)
    b.quote(-190, -188)
    b.fills("X1.stop", 100, -210)
    b.run(5)
    fact = fact_of(b.trade, Seen())
    assert fact.mae_px == 215 * NANO // 100
    assert fact.mfe_px == 0  # the market never stood beyond the entry on the closing side
    assert fact.mae_ppb == -(fact.r_ppb or 0)


def test_what_nobody_watched_has_no_excursion() -> None:
    b = covered_bench()
    assert fact_of(b.trade, Seen()).mae_px is None  # still open
    ended = closed_bench().trade
    assert ended.excursion is not None
    assert fact_of(ended, Seen()).mae_px is not None
    for gone in (None, replace(ended.excursion, unseen_ns=1)):
        fact = fact_of(replace(ended, excursion=gone), Seen())
        assert fact.mae_px is fact.mfe_px is fact.mae_ppb is fact.mfe_ppb is None
        assert fact.r_ppb == 2 * NANO


def breakout(side: str) -> ToldBench:
    """A trade that waits for its market at the signal."""
    b = ToldBench(side, submit=False)
    b.submit_plan(replace(b.plan, trigger_px=b.at(0), trigger_for_ns=900 * NANO))
    b.run(300)
    return b


@SIDES
def test_a_breakout_that_never_triggered_costs_nothing(side: str) -> None:
    b = breakout(side)
    b.run(600)
    fact = fact_of(b.trade, Seen(end_far_px=b.at(50)))
    assert (fact.fate, fact.outcome) == (Fate.NOT_TRIGGERED, Outcome.NOT_ENTERED)
    assert (fact.missed_qty, fact.shortfall_ppb) == (0, None)
    parent = parent_of(b.trade)
    assert parent is not None
    assert (parent.missed_qty, shortfall_of(parent)) == (0, None)
    assert shadow_of(replace(parent, marks=Marks(arrival=QUOTE))).fate is Fate.PENDING


@SIDES
def test_a_breakout_that_was_triggered_is_measured_from_there(side: str) -> None:
    b = breakout(side)
    b.quote(0, 2)
    triggered_ns = b.now
    b.accepts("E1")
    b.run(61)
    b.cancelled("E1")
    fact = fact_of(b.trade, Seen(end_far_px=b.at(50)))
    assert (fact.fate, fact.at_ns) == (Fate.NOT_ENTERED, triggered_ns)
    assert fact.shortfall_ppb == 50 * BPS
    parent = parent_of(b.trade)
    assert parent is not None
    assert (parent.arrival_ns, parent.budget_ns) == (triggered_ns, triggered_ns + 60 * NANO)
    assert parent.marks.arrival_px == b.at(1)
    (found,) = read_history(b.journal).facts
    assert found.start_far_ppb == 2 * BPS, "the far side where its entry began"
