from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from surefill.core.events import Act
from surefill.core.fix import Leg
from surefill.core.management import Management, ScaleOut
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.trade import Outcome, Phase
from surefill.core.units import NANO, to_text, to_usd_text
from surefill.runtime.recovery import remembered
from surefill.runtime.result import TradeResult, result_of
from tests.support.core import START_NS, Bench, covered_bench
from tests.support.runtime import plan_of, readiness, stepper_of, submission


def entered(side: str, *, legacy: bool = False) -> Bench:
    """100 shares entered 5 cents beyond the signal, not yet covered."""
    bench = Bench(side, legacy=legacy)
    bench.accepts("E1")
    bench.fills("E1", 100, 5)
    return bench


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_costs_are_positive_on_both_sides(side: str) -> None:
    result = result_of(entered(side).trade)
    assert result.quantity == 100
    assert result.vwap == (Decimal("100.05") if side == "buy" else Decimal("99.95"))
    assert result.slippage_vs_signal_bps == Decimal("5.00")
    assert result.rr_planned == Decimal("2.0000")
    # Against the signal's own levels: reward 3.95 over risk 2.05.
    assert result.rr_at_fill == Decimal("1.9268")
    assert result.r_realized is None


def test_an_open_trade_shows_its_orders_and_how_bare_it_is() -> None:
    bench = entered("buy")
    bench.run(0.3)
    result = result_of(bench.trade)
    assert result.outcome is None
    assert result.uncovered_qty == 100 * NANO
    assert result.phase is Phase.COVER_IN_FLIGHT
    assert [order.leg for order in result.orders] == [Leg.ENTRY, Leg.TARGET]
    assert result.orders[1].order_id is None
    bench.accepts("X1")
    bench.run(1)
    covered = result_of(bench.trade)
    assert covered.uncovered_qty == 0
    assert covered.uncovered_ns > 0
    assert covered.uncovered_share_s == (Decimal(covered.uncovered_ns) / 10**7).quantize(
        Decimal("0.0001")
    )
    assert covered.is_settled
    assert covered.code is ReasonCode.ENTRY_FILLED


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_several_targets_are_all_there_nearest_first(side: str) -> None:
    bench = entered(side)
    parts = (ScaleOut(NANO // 2, NANO), ScaleOut(NANO // 4, 3 * NANO // 2))
    manage = Management(scale_outs=parts)
    trade = replace(bench.trade, plan=replace(bench.trade.plan, manage=manage))
    found = result_of(trade)
    assert len(found.targets_px) == 3
    assert found.targets_px[-1] == found.target_px
    assert sorted(found.targets_px, key=lambda px: trade.sign * px) == list(found.targets_px)
    assert found.targets == tuple(Decimal(px).scaleb(-9) for px in found.targets_px)
    assert found.to_dict()["targets_px"] == [to_text(px) for px in found.targets_px]
    assert f"target {'/'.join(map(to_usd_text, found.targets_px))}," in found.line
    waiting = replace(trade, orders=trade.orders[:0])
    assert not waiting.entry_qty
    assert len(result_of(waiting).targets_px) == 3


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_closed_trade_has_its_outcome_in_money_and_in_r(side: str) -> None:
    bench = entered(side)
    bench.run(0.3)
    bench.accepts("X1")
    bench.run(1)
    bench.fills("X1", 100)
    bench.run(2)
    result = result_of(bench.trade)
    assert result.outcome is Outcome.CLOSED_TARGET
    assert result.exit_qty == 100 * NANO
    assert result.pnl_usd == 400 * NANO
    assert result.r_realized == Decimal("2.0000")
    assert result.exit_vwap == (Decimal("104.05") if side == "buy" else Decimal("95.95"))
    assert "CLOSED_TARGET @ " in str(result)
    assert result.closed_ns is not None


def test_what_was_closed_elsewhere_has_no_invented_money() -> None:
    bench = entered("buy")
    bench.run(0.3)
    bench.accepts("X1")
    bench.run(1)
    trade = bench.trade
    from dataclasses import replace

    gone = replace(trade, external_qty=100 * NANO, outcome=Outcome.CLOSED_EXTERNAL, closed_ns=1)
    result = result_of(gone)
    assert result.pnl_usd is None
    assert result.r_realized is None
    assert result.exit_vwap is None
    assert "CLOSED_EXTERNAL @ ? R ?" in str(result)


def test_a_working_entry_has_no_price_yet() -> None:
    bench = Bench("buy")
    bench.accepts("E1")
    result = result_of(bench.trade)
    assert (result.vwap, result.rr_at_fill, result.slippage_vs_signal_bps) == (None, None, None)
    assert result.stop is not None
    assert result.target is not None
    assert str(result).endswith("WORKING")


def denial() -> TradeResult:
    stepper = stepper_of()
    stepper.handle([*readiness(), submission(plan_of(rr="1"))], START_NS)
    found = remembered(stepper, "p1")
    assert found is not None
    return result_of(found)


def test_a_denial_says_every_reason_and_has_no_orders() -> None:
    result = denial()
    assert result.is_denied
    assert result.is_settled
    assert not result.is_entered
    assert result.trade_id == "p1"
    assert result.code is ReasonCode.RR_BELOW_MIN
    assert result.reason is result.reasons[0]
    assert result.sentence == "reward/risk 1 is below the minimum 2"
    assert result.orders == ()
    assert result.line == "ACME BUY plan=p1 DENIED: RR_BELOW_MIN: " + result.sentence


def test_shares_that_are_to_go_come_first() -> None:
    bench = covered_bench()
    bench.operator(Act.REDUCE, "p1", qty=40)
    result = result_of(bench.trade)
    assert (result.closing_qty, result.code) == (40 * NANO, ReasonCode.CLOSE_PENDING)
    assert "CLOSE_PENDING: 40 of the 100 shares held are still to be closed" in result.line
    bench.operator(Act.FLATTEN, "p1")
    result = result_of(bench.trade)
    assert result.closing_qty == 100 * NANO
    codes = [reason.code for reason in result.reasons[:2]]
    assert codes == [ReasonCode.CLOSE_PENDING, ReasonCode.FLATTEN_REQUESTED]
    refused = Reason.of(ReasonCode.COVER_REFUSED, rung="STOP", text="no")
    partly = result_of(replace(covered_bench().trade, exit_reason=refused))
    assert partly.closing_qty == 0, "only shares without cover are to go then"


def test_printed_it_fits_a_terminal_and_logged_it_is_one_line() -> None:
    for result in (result_of(covered_bench().trade), denial()):
        assert max(map(len, str(result).splitlines())) <= 80
        assert "\n" not in result.line
        assert str(result).split() == result.line.split()


def test_the_dictionary_is_json_with_exact_text() -> None:
    bench = entered("buy", legacy=True)
    for result in (result_of(bench.trade), denial()):
        shown = json.loads(json.dumps(result.to_dict()))
        assert shown["signal_px"] == "100"
        assert shown["entry_qty"] == str(result.quantity)
        assert not any(isinstance(value, float) for value in shown.values())
    traded = result_of(bench.trade).to_dict()
    assert traded["notes"] == [
        {
            "code": "UNCAPPED",
            "sentence": "the legacy path sends a market order without a price cap",
            "context": {},
        }
    ]
    assert traded["side"] == "BUY"


def test_without_a_reason_there_is_no_code() -> None:
    bench = Bench("buy")
    result = result_of(bench.trade)
    assert result.reason is None
    assert result.code is None


def test_a_fill_beyond_the_signals_stop_has_no_reward_over_risk() -> None:
    bench = Bench("buy", legacy=True)
    bench.accepts("E1")
    bench.fills("E1", 100, -300)
    assert result_of(bench.trade).rr_at_fill is None


def test_a_breakout_says_its_trigger_and_when_it_came() -> None:
    b = Bench(submit=False)
    b.submit_plan(replace(b.plan, trigger_px=b.at(0)))
    found = result_of(b.trade)
    assert (found.trigger_px, found.triggered_ns) == (b.at(0), None)
    assert found.phase is Phase.AWAITING_TRIGGER
    assert found.line == "ACME BUY plan=p1 AWAITING_TRIGGER"
    b.quote(0, 2)
    assert result_of(b.trade).triggered_ns == b.now
