"""The simulation's seeds as CI plays them. Its name puts it first: the longest of its stage."""

from __future__ import annotations

import os

import pytest

from surefill.replay.simulate.draw_faults import DRAWN
from surefill.replay.simulate.seeds import Total, play_seeds

pytestmark = pytest.mark.slow

WORKERS = 1 if "PYTEST_XDIST_WORKER" in os.environ else os.cpu_count() or 1
"""Beside tests that time what a venue sees, no more processes than cores."""
CI_SEEDS = range(0, 500)


def test_seeds_break_nothing() -> None:
    total = Total()
    for result in play_seeds(CI_SEEDS, workers=WORKERS):
        total.add(result)
    assert not total.violations, total.rows()
    assert total.calm == len(CI_SEEDS) // 10
    assert total.faults_per_hour >= 60
    assert set(total.struck) == {code.value for code in DRAWN}
    assert {"CLOSED_TARGET", "CLOSED_STOP", "CLOSED_TIME", "NOT_ENTERED"} <= set(total.outcomes)
    assert total.deaths > len(CI_SEEDS) // 4
