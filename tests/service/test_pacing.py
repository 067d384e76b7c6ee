"""Rates and lock-out, on a clock that the test moves."""

from __future__ import annotations

from surefill.service import pacing
from surefill.service.pacing import FREE_GUESSES, SECOND_NS, LockOut, Pace


class Hands:
    """A clock."""

    def __init__(self) -> None:
        self.now = 1_000 * SECOND_NS

    def __call__(self) -> int:
        return self.now

    def pass_s(self, seconds: int) -> None:
        """Let time pass."""
        self.now += seconds * SECOND_NS


def test_guessing_gets_slower_and_slower() -> None:
    clock = Hands()
    lock_out = LockOut(clock)
    for n in range(FREE_GUESSES):
        lock_out.failed("a", f"guess {n}")
    assert lock_out.wait_s("a") == 0
    waits = []
    for n in range(8):
        lock_out.failed("a", f"more {n}")
        waits.append(lock_out.wait_s("a"))
        clock.pass_s(waits[-1])
        assert lock_out.wait_s("a") == 0
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    assert lock_out.wait_s("b") == 0


def test_the_same_wrong_token_again_is_no_guess() -> None:
    lock_out = LockOut(Hands())
    for n in range(FREE_GUESSES - 1):
        lock_out.failed("a", f"guess {n}")
    for _ in range(1_000):
        lock_out.failed("a", "rotated")
    assert lock_out.wait_s("a") == 0
    lock_out.failed("a", "another")
    assert lock_out.wait_s("a") == 1


def test_old_guesses_are_forgotten() -> None:
    clock = Hands()
    lock_out = LockOut(clock)
    for n in range(FREE_GUESSES):
        lock_out.failed("a", f"guess {n}")
    clock.pass_s(601)
    lock_out.failed("a", "another")
    assert lock_out.wait_s("a") == 0


def test_memory_is_bounded() -> None:
    lock_out = LockOut(Hands())
    for n in range(pacing.PEERS_MAX + 50):
        lock_out.failed(f"address {n}", "guess")
    assert len(lock_out._peers) == pacing.PEERS_MAX


def test_a_second_takes_so_many_of_one_name() -> None:
    clock = Hands()
    pace = Pace(clock, per_s=3)
    assert [pace.takes("a") for _ in range(5)] == [True] * 3 + [False] * 2
    assert pace.takes("b")
    clock.pass_s(1)
    assert pace.takes("a")
