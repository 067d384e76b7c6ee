"""What the auditor is told about a plan and its end."""

from __future__ import annotations

from dataclasses import replace

from surefill.core.fix import Side
from surefill.core.management import Distance, Management, ScaleOut
from surefill.core.plan import ExitsByLevel, Policy
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.state import Denial
from surefill.core.trade import Outcome
from surefill.core.units import NANO, to_nano
from surefill.replay.evidence import claim_row, plan_row, rows_of
from tests.support.stage import START_NS, Stage


def test_a_plan_by_distance_and_by_level() -> None:
    plan = Stage("buy", [(0, "100.00")]).plan
    row = plan_row(plan, Policy(), order_qty=7 * NANO, is_legacy=False, accepted_ns=5)
    assert (row["risk_px"], row["rr_ppb"], row["path"]) == (to_nano("0.5"), 2 * NANO, "smart")
    assert (row["qty"], row["accepted_ns"], row["entry_budget_ns"]) == (7 * NANO, 5, 10 * NANO)
    levels = ExitsByLevel(to_nano("99"), to_nano("103"))
    by_level = plan_row(
        replace(plan, exits=levels), Policy(), order_qty=NANO, is_legacy=True, accepted_ns=5
    )
    assert (by_level["stop_px"], by_level["target_px"]) == (to_nano("99"), to_nano("103"))
    assert by_level["path"] == "legacy"
    bare = plan_row(
        replace(plan, exits=None), Policy(), order_qty=NANO, is_legacy=False, accepted_ns=5
    )
    assert not {"stop_px", "risk_px", "may_tighten"} & bare.keys()
    scaled = replace(plan, manage=Management(scale_outs=(ScaleOut(5, NANO),)))
    row = plan_row(scaled, Policy(), order_qty=NANO, is_legacy=False, accepted_ns=5)
    assert row["scale_outs"] == [[5, NANO]]
    follows = replace(plan, manage=Management(trail=Distance(px=NANO)))
    row = plan_row(follows, Policy(), order_qty=NANO, is_legacy=False, accepted_ns=5)
    assert row["may_tighten"] is True


def test_a_denied_plan_claims_nothing() -> None:
    plan = Stage("buy", [(0, "100.00")]).plan
    denial = Denial(
        plan=plan, is_legacy=False, reasons=(Reason.of(ReasonCode.SESSION_CLOSED),), at_ns=5
    )
    asked, claim = rows_of(denial, Policy(), accepted_ns=5)
    assert asked["qty"] == 100 * NANO
    assert claim["outcome"] == "DENIED"
    assert not any(claim[name] for name in ("entry_qty", "entry_cost", "exit_qty", "exit_cost"))


def test_a_trade_claims_its_books_and_trades_back_with_a_minus() -> None:
    stage = Stage("buy", [(0, "100.00"), (3, "101.10")])
    trade = stage.play()
    asked, claim = rows_of(trade, Policy(), accepted_ns=START_NS)
    assert asked["qty"] == claim["entry_qty"] == claim["exit_qty"] == 100 * NANO
    assert claim["entry_cost"] == to_nano("100.02") * 100 * NANO
    assert claim["outcome"] == "CLOSED_TARGET"
    again = next(order for order in trade.orders if order.cum_qty and order not in trade.entries)
    back = replace(again, spec=replace(again.spec, side=Side.BUY))
    both = replace(trade, orders=(*trade.orders, back), outcome=None)
    assert claim_row(both)["outcome"] == "OPEN"
    assert claim_row(both)["exit_qty"] == 0
    assert claim_row(both)["exit_cost"] == 0
    assert claim_row(both)["ended_ns"] is None
    by_hand = replace(trade, ratchet_px=to_nano("99.90"))
    assert rows_of(by_hand, Policy(), accepted_ns=START_NS)[0]["may_tighten"] is True
    handed = replace(both, outcome=Outcome.HANDED_OVER, closed_ns=7)
    assert claim_row(handed)["ended_ns"] == 7
