"""Ratios of one plan: every benchmark, spreads, markouts, reward/risk, excursions."""

from __future__ import annotations

import pytest

from surefill.core.fix import Leg
from surefill.core.units import NANO
from surefill.tca.costs import (
    costs_of,
    effective_spread_ppb,
    markout_ppb,
    realized_spread_ppb,
    slippage_ppb,
)
from surefill.tca.parent import HORIZONS_NS, Closing, Marks, Parent
from tests.tca.parents import SECOND_NS, START_NS, USD, fill, parent, px, quote

BPS = 100_000


def test_slippage_against_every_benchmark() -> None:
    found = costs_of(
        parent(
            fills=(fill(50, "100.02"), fill(50, "100.04")),
            decision_px=px("99.93"),
            marks=Marks(
                arrival=quote("99.99", "100.01"),
                arrival_px=px("100.00"),
                traded_cost=300 * 10006 * USD // 100,
                traded_qty=300 * NANO,
            ),
        )
    )
    assert found.slippage_vs_signal_ppb == 3 * BPS
    assert found.slippage_vs_decision_ppb == 10 * px("0.01") * NANO // px("99.93")
    assert found.slippage_vs_arrival_ppb == 3 * BPS
    assert found.slippage_vs_near_ppb == 4 * px("0.01") * NANO // px("99.99")
    assert found.slippage_vs_far_ppb == 2 * px("0.01") * NANO // px("100.01")
    assert found.slippage_vs_vwap_ppb == -3 * px("0.01") * NANO // px("100.06")
    assert found.quoted_spread_ppb == 2 * BPS
    assert (found.fill_ppb, found.first_fill_ns, found.last_fill_ns) == (NANO, SECOND_NS, SECOND_NS)


def test_a_sale_pays_by_selling_lower() -> None:
    sold = parent(sign=-1, fills=(fill(100, "99.98"),), marks=Marks(arrival=quote("99.99", "100")))
    found = costs_of(sold)
    assert found.slippage_vs_signal_ppb == 2 * BPS
    assert found.slippage_vs_near_ppb == 2 * BPS
    assert found.slippage_vs_far_ppb == px("0.01") * NANO // px("99.99")


def test_nothing_entered_has_no_slippage() -> None:
    found = costs_of(parent(order_qty=0))
    assert (found.fill_ppb, found.first_fill_ns, found.slippage_vs_signal_ppb) == (0, None, None)
    assert found.effective_spread_ppb is None
    assert found.quoted_spread_ppb is None
    assert slippage_ppb(parent(fills=(fill(1, "9"),)), None) is None
    crossed = costs_of(parent(marks=Marks(arrival=quote("100.01", "100.00"))))
    assert crossed.quoted_spread_ppb is None
    one_sided = costs_of(parent(fills=(fill(1, "9"),), marks=Marks(arrival=quote("0", "9"))))
    assert one_sided.slippage_vs_near_ppb is None


@pytest.mark.parametrize(
    ("at", "mid", "cents"), [("9.98", "10.035", 11), ("9.92", "9.93", 2), ("9.91", "9.91", 0)]
)
def test_the_textbook_effective_spreads_of_sales(at: str, mid: str, cents: int) -> None:
    """CFA level III exercise: 0.11, 0.02 and 0.00 dollars."""
    fills = (fill(100, at, mid),)
    assert effective_spread_ppb(-1, fills) == cents * px("0.01") * NANO // px(mid)


def test_realized_spread_is_effective_less_twice_the_impact() -> None:
    """Bought at 100.02, mid 100.00, which went to 100.01: paid 4 bps, kept by the seller 2 bps."""
    fills = (fill(100, "100.02", "100.00", later="100.01"),)
    assert effective_spread_ppb(1, fills) == 4 * BPS
    assert realized_spread_ppb(1, fills, 0) == 2 * BPS
    assert markout_ppb(1, fills, 0) == -1 * BPS, "one cent under water: against us"
    assert markout_ppb(-1, fills, 0) == 1 * BPS
    impact = 1 * BPS
    assert realized_spread_ppb(1, fills, 0) == 4 * BPS - 2 * impact


def test_spreads_weigh_by_quantity_and_need_every_mid() -> None:
    fills = (fill(75, "100.02", "100.00"), fill(25, "99.98", "100.00"))
    assert effective_spread_ppb(1, fills) == 2 * BPS
    assert effective_spread_ppb(1, (*fills, fill(1, "100"))) is None
    assert realized_spread_ppb(1, fills, 0) is None
    assert markout_ppb(1, fills, len(HORIZONS_NS) - 1) is None


def crwd(**more: object) -> Parent:
    """The trade that started Surefill: signal 534.82, stop 529.47, target 536.87."""
    given: dict[str, object] = {
        "order_qty": 25 * NANO,
        "signal_px": px("534.82"),
        "stop_px": px("529.47"),
        "target_px": px("536.87"),
        "rest_stop_px": px("529.47"),
        "worst_px": px("535.35"),
    }
    return parent("crwd", **(given | more))


def test_the_three_figures_of_reward_to_risk() -> None:
    found = costs_of(crwd(fills=(fill(25, "536.00"),)))
    assert found.rr_planned_ppb == px("2.05") * NANO // px("5.35")
    assert found.rr_worst_ppb == px("1.52") * NANO // px("5.88")
    assert found.rr_fill_ppb == px("0.87") * NANO // px("6.53")
    assert (found.rr_fill_ppb or 0) // 10_000_000 == 13, "1:0.13"
    none = costs_of(crwd(stop_px=None, target_px=None, fills=(fill(25, "536.00"),)))
    assert (none.rr_planned_ppb, none.rr_fill_ppb) == (None, None)
    assert costs_of(crwd(target_px=None)).rr_planned_ppb is None
    assert costs_of(crwd(fills=(fill(25, "529.00"),))).rr_fill_ppb is None, "beyond the stop"


def stopped(out: str = "529.00", stop: str | None = "529.47", **more: object) -> Parent:
    exit_ = Closing(Leg.STOP, 25 * NANO, px(out), START_NS, px(stop) if stop else None)
    return crwd(fills=(fill(25, "534.82"),), closings=(exit_,), **more)


def test_exit_slippage_is_against_the_stop() -> None:
    assert costs_of(stopped()).exit_slippage_vs_stop_ppb == px("0.47") * NANO // px("529.47")
    assert costs_of(stopped(stop=None)).exit_slippage_vs_stop_ppb is None
    short = costs_of(stopped("530", sign=-1)).exit_slippage_vs_stop_ppb
    assert short == px("0.53") * NANO // px("529.47")


def test_result_and_excursions_in_r() -> None:
    marks = Marks(adverse_px=px("529.00"), favorable_px=px("535.89"))
    found = costs_of(stopped(marks=marks))
    assert found.r_ppb == -px("5.82") * NANO // px("5.35")
    assert found.mae_ppb == px("5.82") * NANO // px("5.35")
    assert found.mfe_ppb == px("1.07") * NANO // px("5.35")
    assert costs_of(stopped()).mae_ppb is None
    assert costs_of(stopped(rest_stop_px=None)).r_ppb is None
    assert costs_of(stopped(rest_stop_px=px("540"))).r_ppb is None, "no risk to divide by"
    gained = costs_of(stopped(marks=Marks(adverse_px=px("535"), favorable_px=px("536"))))
    assert gained.mae_ppb == 0
    still_open = crwd(fills=(fill(25, "534.82"),), marks=marks)
    assert costs_of(still_open).mfe_ppb is None
