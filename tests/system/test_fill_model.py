"""The exchange's book against real orders, one day of the symbol it was not made on.

The whole of it: ``python -m benchmarks.fill_model``."""

from __future__ import annotations

from itertools import islice

import pytest

from benchmarks.fill_model import MODELS, TO_CANCEL, Tally, judge_day, tallies
from benchmarks.real_orders import Real, days_of
from tests.sim.tapes import tapes_root

pytestmark = pytest.mark.slow


@pytest.mark.skipif(
    not (tapes_root() / "l3").is_dir(), reason="the recorded tapes (SUREFILL_TAPES) are absent"
)
def test_most_real_fills_are_found_and_next_to_none_invented() -> None:
    events, orders = next(days_of("YHOO", 1))
    joins: list[Real] = list(islice((real for real in orders if real.is_join), 600))
    rows = judge_day(events, joins, ())
    last, displayed, first, *_ = tallies(rows, 60)
    assert displayed.right + displayed.missed > 60
    assert recall(displayed) >= 0.9
    assert displayed.false <= 0.01 * (displayed.false + displayed.none)
    assert last.right <= displayed.right <= first.right
    assert last.false <= displayed.false < first.false
    # The baselines as the tapes' README counts them: until the owner's cancel.
    by_model = dict(zip(MODELS, tallies(rows, TO_CANCEL), strict=True))
    prints, touch = by_model["displayed-queue"], by_model["touch"]
    assert 0.6 < recall(prints) < 0.9 <= recall(touch) == 1
    assert prints.false == 0 < first.false < touch.false


def recall(tally: Tally) -> float:
    return tally.right / (tally.right + tally.missed)
