"""Sampled plans: slots, sides, signals of an age, exits from volatility."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from surefill.core.fix import Side
from surefill.core.plan import ExitsByDistance
from surefill.core.units import NANO
from surefill.replay.plan_sampled import CUTOFF_S, WARM_UP_S, SampledPlans
from surefill.replay.volatility import move_px
from surefill.sim.calendar import session_on
from surefill.sim.columns import TapeColumns, columns_of_rows
from surefill.sim.synthetic import QUOTE, Row

SESSION = session_on(20261120)
FIRST_NS = SESSION.open_ns + WARM_UP_S * NANO


def tape(seconds: int = 1_000) -> TapeColumns:
    """The mid rises 3 cents in a second and falls 2: each second shows its own price."""
    rows: list[Row] = []
    for n in range(seconds):
        px = 1_000_000 + 50 * n + 300 * (n % 2)
        rows.append((SESSION.open_ns + n * NANO, QUOTE, px, 100, px + 100, 100))
    return columns_of_rows("ACME", rows)


def test_a_plan_a_slot_long_and_short_in_turn() -> None:
    given = SampledPlans(every_s=120).given((tape(),), SESSION)
    assert given.left_out == ()
    assert [draw.at_ns for draw in given.draws] == [FIRST_NS + n * 120 * NANO for n in range(6)]
    sides = [draw.plan.side for draw in given.draws]
    assert sides == [Side.BUY, Side.SELL_SHORT] * 3
    assert "every 120 s" in given.notes[0]
    assert SampledPlans().places is None


def test_the_signal_is_as_old_as_asked_and_the_stop_as_far_as_the_price_moves() -> None:
    sampling = SampledPlans(every_s=120, stale_s=7, hold_s=50, rr_ppb=3 * NANO)
    draw = sampling.given((tape(),), SESSION).draws[0]
    plan, signal_ns = draw.plan, draw.at_ns - 7 * NANO
    assert plan.signal_ns == signal_ns
    second = WARM_UP_S - 7
    mid = (1_000_000 + 50 * second + 300 * (second % 2) + 50) * 100_000
    assert plan.signal_px == mid, "between ticks: rounding would be a cost of every path"
    expected = move_px(tape(), signal_ns, 50)
    assert expected is not None
    assert plan.exits == ExitsByDistance(-(-expected // 10_000_000) * 10_000_000, 3 * NANO)
    assert plan.exit_at_ns == draw.at_ns + 50 * NANO


def test_what_comes_after_a_signal_changes_nothing_of_it() -> None:
    plain, sampling = tape(), SampledPlans(every_s=120)
    first = sampling.given((plain,), SESSION).draws[0]
    later = np.where(plain.quote_ns > first.at_ns, plain.ask_px * 2, plain.ask_px)
    again = sampling.given((replace(plain, ask_px=later),), SESSION).draws[0]
    assert again == first


def test_a_slot_without_a_market_is_named() -> None:
    blind = replace(tape(), bid_px=np.zeros(1_000, dtype=np.int64))
    given = SampledPlans(every_s=300).given((blind,), SESSION)
    assert given.draws == ()
    assert [one.code for one in given.left_out] == ["PLAN_NO_QUOTE"] * 3
    assert SampledPlans().given((columns_of_rows("ACME", []),), SESSION).draws == ()


def test_a_day_ends_before_its_close_and_where_it_is_cut() -> None:
    long_day = tape(23_400)
    every = SampledPlans(every_s=600).given((long_day,), SESSION).draws
    assert every[-1].at_ns < SESSION.close_ns - CUTOFF_S * NANO
    brief = SampledPlans(every_s=60, minutes_max=3).given((long_day,), SESSION).draws
    assert len(brief) == 3


def test_a_still_market_has_a_stop_of_some_ticks() -> None:
    still = replace(
        tape(), bid_px=np.full(1_000, 100 * NANO), ask_px=np.full(1_000, 100_010_000_000)
    )
    plan = SampledPlans(every_s=300).given((still,), SESSION).draws[0].plan
    assert isinstance(plan.exits, ExitsByDistance)
    assert plan.exits.risk_px == 30_000_000
