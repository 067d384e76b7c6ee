"""Plans sampled from a tape."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from surefill.core.fix import Side
from surefill.core.plan import SECOND_NS, ExitsByDistance, ExitsByLevel, plan_problems
from surefill.core.units import NANO
from surefill.sim.calendar import session_on
from surefill.sim.columns import TapeColumns, columns_of_rows
from surefill.sim.profiles import MID
from surefill.sim.synthetic import SyntheticTape
from surefill.sim.workload import Mix, sample_plans

SESSION = session_on(20260302)
WINDOW = (SESSION.open_ns + 60 * SECOND_NS, SESSION.open_ns + 1_260 * SECOND_NS)


@pytest.fixture(scope="module")
def tape() -> TapeColumns:
    """Twenty minutes of a synthetic stock."""
    rows = SyntheticTape(3, "MID", SESSION, profile=MID).rows()
    kept = []
    for row in rows:
        if row[0] > WINDOW[1]:
            break
        kept.append(row)
    return columns_of_rows("MID", kept)


def test_the_same_seed_gives_the_same_plans(tape: TapeColumns) -> None:
    mix = Mix(spacing_s=20)
    first = sample_plans([tape], mix, seed=1, window=WINDOW)
    assert first == sample_plans([tape], mix, seed=1, window=WINDOW)
    assert first != sample_plans([tape], mix, seed=2, window=WINDOW)
    assert len(first) == 60
    assert list(first) == sorted(first, key=lambda draw: draw.at_ns)
    assert len({draw.plan.plan_id for draw in first}) == 60


def test_every_plan_is_one_that_a_strategy_could_mean(tape: TapeColumns) -> None:
    mix = Mix(spacing_s=5, legacy_percent=20)
    draws = sample_plans([tape], mix, seed=1, window=WINDOW)
    known = frozenset({"limit", "marketable"})
    assert not any(plan_problems(draw.plan, known) for draw in draws)
    longs = [draw for draw in draws if draw.plan.side is Side.BUY]
    assert 0.4 < len(longs) / len(draws) < 0.7
    assert 0.1 < sum(draw.is_legacy for draw in draws) / len(draws) < 0.3
    assert {type(draw.plan.exits) for draw in draws} == {ExitsByDistance, ExitsByLevel}
    assert {draw.plan.tactic for draw in draws} == known


def test_patient_tactics_are_drawn_evenly_and_change_nothing_else(tape: TapeColumns) -> None:
    mix = Mix(spacing_s=5, patient=("passive", "mid"))
    plans = [draw.plan for draw in sample_plans([tape], mix, seed=1, window=WINDOW)]
    names = [plan.tactic for plan in plans if plan.tactic != "marketable"]
    assert 0.3 < names.count("mid") / len(names) < 0.7
    assert set(names) == {"passive", "mid"}
    first = sample_plans([tape], replace(mix, patient=("limit",)), seed=1, window=WINDOW)[0].plan
    assert first == replace(plans[0], tactic=first.tactic)


def test_signals_come_from_quotes_that_were_there(tape: TapeColumns) -> None:
    for draw in sample_plans([tape], Mix(spacing_s=10), seed=4, window=WINDOW):
        plan = draw.plan
        assert plan.signal_ns is not None
        assert 0 <= draw.at_ns - plan.signal_ns <= 5 * SECOND_NS
        at = int(np.searchsorted(tape.quote_ns, plan.signal_ns, side="right")) - 1
        assert tape.bid_px[at] <= plan.signal_px <= tape.ask_px[at]
        assert plan.order_qty is not None
        assert plan.order_qty % NANO == 0
        assert plan.exit_at_ns is not None
        assert draw.at_ns < plan.exit_at_ns


def test_without_a_market_there_is_no_plan(tape: TapeColumns) -> None:
    mix = Mix(spacing_s=60)
    before = (SESSION.open_ns - 600 * SECOND_NS, SESSION.open_ns - 300 * SECOND_NS)
    assert sample_plans([tape], mix, seed=1, window=before) == ()
    one_sided = replace(tape, bid_px=np.zeros_like(tape.bid_px))
    assert sample_plans([one_sided], mix, seed=1, window=WINDOW) == ()
