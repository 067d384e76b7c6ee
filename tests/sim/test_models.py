"""Delays: bounded, seeded, independent by kind; fees."""

from __future__ import annotations

import pytest

from surefill.sim.models import (
    DEFAULT_DELAYS,
    MS,
    Delay,
    DelaySamples,
    FeeModel,
    LatencyModel,
    constant_delays,
)


def test_default_delays_stay_in_their_ranges() -> None:
    latency = LatencyModel(seed=1)
    for kind, bounds in DEFAULT_DELAYS.items():
        drawn = [latency.draw(kind) for _ in range(500)]
        assert bounds.low_ms * MS <= min(drawn)
        assert max(drawn) <= bounds.high_ms * MS
    assert set(DEFAULT_DELAYS) == set(Delay)


def test_acknowledgement_and_stream_are_those_of_the_design() -> None:
    up, down = DEFAULT_DELAYS[Delay.UP], DEFAULT_DELAYS[Delay.DOWN]
    assert (up.low_ms + down.low_ms, up.high_ms + down.high_ms) == (15, 150)
    stream = DEFAULT_DELAYS[Delay.STREAM]
    assert (stream.low_ms, stream.high_ms) == (5, 80)
    assert LatencyModel(seed=1).draw(Delay.RELEASE) == 78 * MS


def test_same_seed_same_delays() -> None:
    first = [LatencyModel(seed=5).draw(Delay.UP) for _ in range(3)]
    assert first[0] == first[1] == first[2]
    assert LatencyModel(seed=5).draw(Delay.UP) != LatencyModel(seed=6).draw(Delay.UP)


def test_one_kind_does_not_shift_another() -> None:
    quiet, busy = LatencyModel(seed=5), LatencyModel(seed=5)
    for _ in range(10):
        busy.draw(Delay.STREAM)
    assert quiet.draw(Delay.UP) == busy.draw(Delay.UP)


def test_none_takes_no_time() -> None:
    assert all(LatencyModel.none().draw(kind) == 0 for kind in Delay)


def test_fees_are_exact() -> None:
    assert FeeModel().fee(10**9) == 0
    assert FeeModel(per_share_usd=35_000).fee(10**9) == 35_000 * 10**9


def test_constant_delays() -> None:
    latency = LatencyModel(seed=1, delays=constant_delays(20))
    assert {latency.draw(kind) for kind in Delay for _ in range(3)} == {20 * MS}


def test_recorded_delays_are_drawn_from_the_record() -> None:
    samples = DelaySamples((100, 2_500, 40_000))
    latency = LatencyModel(seed=1, delays={Delay.UP: samples})
    drawn = [latency.draw(Delay.UP) for _ in range(200)]
    assert set(drawn) == {100_000, 2_500_000, 40_000_000}
    assert (
        drawn
        == [LatencyModel(seed=1, delays={Delay.UP: samples}).draw(Delay.UP) for _ in range(1)]
        + drawn[1:]
    )
    for wrong in ((), (-1,)):
        with pytest.raises(ValueError, match="recorded delays"):
            DelaySamples(wrong)


def test_borrow_fees_are_exact_days_of_a_year() -> None:
    fees = FeeModel(borrow_bps=360)
    assert fees.borrow(10_000 * 10**18, 1) == 10**18
    assert fees.borrow(10_000 * 10**18, 3) == 3 * 10**18
    assert FeeModel().borrow(10**30, 1) == 0
