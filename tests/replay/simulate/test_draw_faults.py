"""The faults that seeds draw."""

from __future__ import annotations

from random import Random

from surefill.replay.simulate.draw_faults import DRAWN, draw_faults
from surefill.sim.faults import WINDOWED

STORM_MS = 90_000


def test_every_code_is_drawn_by_some_seed_in_every_way() -> None:
    seen = set()
    for seed in range(300):
        armed = draw_faults(Random(seed), STORM_MS)
        assert len({one.fault.code for one in armed}) <= 6
        for one in armed:
            assert 0 <= one.at_ms < STORM_MS
            is_rate = one.fault.probability_ppb is not None
            assert not is_rate or one.fault.params["for_ms"] == STORM_MS
            seen.add((one.fault.code, is_rate))
    assert {code for code, _ in seen} == set(DRAWN)
    assert not {code for code, is_rate in seen if is_rate} & WINDOWED
    assert len({is_rate for _, is_rate in seen}) == 2


def test_the_same_chance_draws_the_same() -> None:
    assert draw_faults(Random(4), STORM_MS) == draw_faults(Random(4), STORM_MS)
