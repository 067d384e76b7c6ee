"""The paced clock: speed, pin, advance; never back."""

from __future__ import annotations

import pytest

from surefill.sim.pacing import ONE_PPB, PacedClock, PaceError, PatientReading

S = 1_000_000_000


class Reading:
    """A monotonic reading moved by hand."""

    def __init__(self) -> None:
        self.ns = 5_000

    def __call__(self) -> int:
        return self.ns


@pytest.fixture
def reading() -> Reading:
    return Reading()


def test_running_follows_the_reading_at_its_speed(reading: Reading) -> None:
    clock = PacedClock(reading, start_ns=100 * S, speed_ppb=ONE_PPB * 3 // 2)
    reading.ns += 2 * S
    assert clock.now_ns() == 103 * S
    assert clock.wait_ns(106 * S) == 2 * S
    assert clock.wait_ns(100 * S) == 0
    assert (clock.is_pinned, clock.speed_ppb) == (False, ONE_PPB * 3 // 2)


def test_waits_are_rounded_up_so_that_nothing_is_early(reading: Reading) -> None:
    clock = PacedClock(reading, start_ns=0, speed_ppb=3 * ONE_PPB)
    assert clock.wait_ns(10) == 4


def test_pinned_stands_still_until_moved(reading: Reading) -> None:
    clock = PacedClock(reading, start_ns=100 * S, pinned=True)
    reading.ns += 50 * S
    assert clock.now_ns() == 100 * S
    assert clock.wait_ns(101 * S) is None
    clock.advance(3 * S)
    assert clock.now_ns() == 103 * S
    assert clock.is_pinned
    clock.run(ONE_PPB)
    reading.ns += S
    assert clock.now_ns() == 104 * S


def test_a_fast_run_with_an_end_goes_on_in_real_time(reading: Reading) -> None:
    """A caller that oversleeps by a second is late by a second, not by thirty."""
    clock = PacedClock(reading, start_ns=100 * S)
    clock.run(30 * ONE_PPB, until_ns=160 * S)
    assert (clock.wait_ns(130 * S), clock.wait_ns(160 * S), clock.wait_ns(161 * S)) == (
        S,
        2 * S,
        3 * S,
    )
    reading.ns += S
    assert (clock.now_ns(), clock.wait_ns(161 * S)) == (130 * S, 2 * S)
    reading.ns += 2 * S
    assert clock.now_ns() == 161 * S
    assert clock.wait_ns(163 * S) == 2 * S
    clock.advance(S)
    reading.ns += S
    assert (clock.now_ns(), clock.speed_ppb) == (163 * S, ONE_PPB)
    clock.run(30 * ONE_PPB, until_ns=163 * S)
    reading.ns += S
    assert clock.now_ns() == 164 * S


def test_a_patient_reading_counts_little_of_a_stall(reading: Reading) -> None:
    patient = PatientReading(reading, most_ns=20)
    before = patient()
    reading.ns += 5
    assert patient() == before + 5
    reading.ns += 1_000
    assert patient() == before + 25
    reading.ns -= 500
    assert patient() == before + 25


def test_pin_jumps_forward_only(reading: Reading) -> None:
    clock = PacedClock(reading, start_ns=100 * S)
    clock.pin(200 * S)
    assert (clock.now_ns(), clock.is_pinned) == (200 * S, True)
    with pytest.raises(PaceError, match="go back"):
        clock.pin(199 * S)
    with pytest.raises(PaceError, match="go back"):
        clock.advance(-1)


def test_a_running_clock_keeps_running_after_a_jump(reading: Reading) -> None:
    clock = PacedClock(reading, start_ns=0)
    clock.advance(10 * S)
    reading.ns += S
    assert clock.now_ns() == 11 * S


@pytest.mark.parametrize("speed_ppb", [0, -1, 10_001 * ONE_PPB])
def test_a_senseless_speed_is_refused(reading: Reading, speed_ppb: int) -> None:
    with pytest.raises(PaceError, match="speed"):
        PacedClock(reading, start_ns=0, speed_ppb=speed_ppb)
