from __future__ import annotations

import time

import pytest

from surefill.runtime.clock import STEP_NS, SystemClock, uptime_ns


class Machine:
    """A machine whose two clocks are set by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall_ns, self.steady_ns = 1_000 * STEP_NS, 5
        monkeypatch.setattr(time, "time_ns", lambda: self.wall_ns)
        monkeypatch.setattr(time, "monotonic_ns", lambda: self.steady_ns)

    def pass_(self, ns: int) -> None:
        self.wall_ns += ns
        self.steady_ns += ns


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def test_it_is_utc_in_nanoseconds() -> None:
    assert abs(SystemClock().now_ns() - time.time_ns()) < STEP_NS


def test_uptime_only_goes_forward() -> None:
    first = uptime_ns()
    assert 0 < first <= uptime_ns()


def test_time_passes_with_the_monotonic_counter(machine: Machine) -> None:
    ours = SystemClock()
    first = ours.now_ns()
    machine.pass_(7)
    assert ours.now_ns() == first + 7


def test_a_wall_clock_set_back_does_not_take_us_back(machine: Machine) -> None:
    ours = SystemClock()
    first = ours.now_ns()
    machine.wall_ns -= 100 * STEP_NS
    machine.steady_ns += 1
    assert ours.now_ns() == first + 1


def test_a_machine_that_slept_is_caught_up_with(machine: Machine) -> None:
    ours = SystemClock()
    machine.wall_ns += 3 * STEP_NS
    assert ours.now_ns() == machine.wall_ns
    machine.pass_(9)
    assert ours.now_ns() == machine.wall_ns


def test_the_offset_stays(machine: Machine) -> None:
    ours = SystemClock(offset_ns=-42)
    machine.wall_ns += 3 * STEP_NS
    assert ours.now_ns() == machine.wall_ns - 42


async def test_sleeping_lets_time_pass() -> None:
    ours = SystemClock()
    before = ours.now_ns()
    await ours.sleep(0.01)
    assert ours.now_ns() - before >= 9_000_000
