"""Costs, ratios and counts by hand, then of whole runs."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from surefill.core.plan import SECOND_NS, Policy, TradePlan
from surefill.core.units import NANO, to_nano
from surefill.replay import comparison
from surefill.replay.comparison import play_path, synthetic_stream
from surefill.replay.measure import (
    Entry,
    Measures,
    entries_of,
    far_px,
    measure,
    plan_cost,
    rr_at_fill,
    rr_rested,
)
from surefill.sim.columns import columns_of_rows
from surefill.sim.synthetic import QUOTE


def crwd(side: str = "buy", **exits: str) -> TradePlan:
    """The plan that started it."""
    shape = exits or {"stop": "529.47", "target": "536.87"}
    return TradePlan.of("CRWD", side, 25, plan_id="p", signal_price="534.82", signal_ns=0, **shape)  # type: ignore[arg-type]  # exits only


def bought(qty: int, px: str) -> Entry:
    """Shares at one price."""
    return Entry(qty * NANO, qty * NANO * to_nano(px))


def test_fees_count_in_the_whole_cost_alone() -> None:
    one = plan_cost(
        crwd(), bought(25, "534.82"), wanted_qty=25 * NANO, end_px=None, fee_usd=5348200
    )
    assert (one.entered_bps, one.all_in_bps) == (Decimal(0), Decimal("0.1"))
    whole = replace(bought(25, "534.82"), closed_qty=25 * NANO)
    both = plan_cost(crwd(), whole, wanted_qty=25 * NANO, end_px=None, fee_usd=5348200)
    assert (both.entered_bps, both.all_in_bps) == (Decimal(0), Decimal("0.2"))
    none = plan_cost(crwd(), Entry(), wanted_qty=0, end_px=None, fee_usd=NANO)
    assert none.all_in_bps is None


def test_slippage_of_the_crwd_trade() -> None:
    cost = plan_cost(crwd(), bought(25, "536.00"), wanted_qty=25 * NANO, end_px=None)
    assert cost.entered_bps is not None
    assert round(cost.entered_bps, 2) == Decimal("22.06")
    assert cost.unfilled_bps is None
    assert cost.all_in_bps == cost.entered_bps


def test_a_missed_plan_is_charged_the_far_side() -> None:
    cost = plan_cost(crwd(), Entry(), wanted_qty=25 * NANO, end_px=to_nano("536.40"))
    assert cost.entered_bps is None
    assert cost.unfilled_bps == cost.all_in_bps
    assert cost.all_in_bps is not None
    assert round(cost.all_in_bps, 1) == Decimal("29.5")


def test_a_part_is_charged_for_both_halves() -> None:
    cost = plan_cost(crwd(), bought(5, "534.82"), wanted_qty=25 * NANO, end_px=to_nano("536.40"))
    assert cost.entered_bps == 0
    assert cost.all_in_bps is not None
    assert round(cost.all_in_bps, 2) == round(Decimal(158) * 20 / 25 * 10_000 / 53482, 2)


def test_waiting_can_pay_and_a_short_counts_the_other_way() -> None:
    cost = plan_cost(
        crwd("sell", risk="5.35", rr="2"), Entry(), wanted_qty=NANO, end_px=to_nano("536")
    )
    assert cost.all_in_bps is not None
    assert cost.all_in_bps < 0


def test_an_unknown_market_is_not_invented() -> None:
    cost = plan_cost(crwd(), Entry(), wanted_qty=NANO, end_px=None)
    assert cost.all_in_bps is None


def test_reward_risk_of_the_crwd_trade_is_one_to_0_13() -> None:
    ratio = rr_at_fill(crwd(), bought(25, "536.00"))
    assert ratio is not None
    assert round(ratio, 2) == Decimal("0.13")
    assert rr_rested(crwd(), bought(25, "536.00"), is_legacy=True) == ratio


@pytest.mark.parametrize("px", ["537.00", "529.00"])
def test_nothing_is_left_to_win_beyond_target_or_stop(px: str) -> None:
    assert rr_at_fill(crwd(), bought(25, px)) == 0


def test_exits_by_distance_move_with_the_fill() -> None:
    plan = crwd(risk="5.35", rr="2")
    entry = bought(25, "535.08")
    assert rr_rested(plan, entry, is_legacy=False) == 2
    at_signal = rr_at_fill(plan, entry)
    assert at_signal is not None
    assert at_signal < 2


def test_a_fill_beyond_the_levels_has_no_rested_ratio() -> None:
    assert rr_rested(crwd(), bought(25, "529.00"), is_legacy=False) is None


def test_entries_are_summed_from_the_log() -> None:
    def line(
        kind: str, cl_ord_id: str | None, qty: int = 1, px: int = 7, **more: str
    ) -> dict[str, object]:
        return {"kind": kind, "cl_ord_id": cl_ord_id, "qty": qty, "px": px, **more}

    lines = [
        line("accept", "sf-0123ab-p1-E1", order_id="o"),
        line("partial_fill", "sf-0123ab-p1-E1", 2, 10),
        line("fill", "sf-0123ab-p1-E1", 3, 20),
        line("fill", "sf-0123ab-p1-X1", 3, 30),
        line("fill", "a leg of the bracket", 2, 30, order_id="leg", parent_id="o"),
        line("fill", "sf-0123ab-p2-X1", 4, 30),
        line("fill", "somebody else"),
        line("fill", None),
    ]
    assert entries_of(lines) == {"p1": Entry(5, 80, 5)}


def test_the_far_side_is_that_of_the_last_quote() -> None:
    tape = columns_of_rows("T", [(5, QUOTE, 10_000, 1, 10_100, 1), (9, QUOTE, 0, 0, 10_200, 1)])
    assert far_px(tape, 1, 4) is None
    assert far_px(tape, 1, 5) == to_nano("1.01")
    assert far_px(tape, -1, 8) == to_nano("1")
    assert far_px(tape, -1, 9) is None
    assert isinstance(tape.quote_ns, np.ndarray)


@pytest.fixture(scope="module")
def both() -> tuple[Measures, Measures]:
    """A short stream on both paths."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparison, "WINDOW_NS_MAX", 900 * SECOND_NS)
        stream = synthetic_stream(7)
        legacy, smart = (
            measure(stream, play_path(stream, seed=7, is_legacy=is_legacy), Policy())
            for is_legacy in (True, False)
        )
    return legacy, smart


def test_the_counts_of_a_run_add_up(both: tuple[Measures, Measures]) -> None:
    for one in both:
        assert one.entered + one.missed + one.denied == one.plans > 0
        assert sum(count for _, count in one.outcomes) == one.plans
        assert sum(count for _, count in one.reasons) == one.missed + one.denied
        assert one.partly <= one.entered
        assert one.violations == 0


def test_the_smart_path_keeps_its_promises(both: tuple[Measures, Measures]) -> None:
    legacy, smart = both
    assert smart.slippage_worst_bps is not None
    assert smart.slippage_worst_bps <= 10, "the cap"
    assert smart.rr_rested_worst is not None
    assert smart.rr_rested_worst >= 2
    assert legacy.entered >= smart.entered
    assert legacy.uncovered_longest_ms < 1_500
    assert smart.uncovered_longest_ms < 1_500


def test_the_row_is_json(both: tuple[Measures, Measures]) -> None:
    row = both[1].to_dict()
    assert row["path"] == "smart"
    assert isinstance(row["outcomes"], dict)
    assert isinstance(row["slippage_mean_bps"], str)
    assert both[0].to_dict()["denied_mean_bps"] is None
