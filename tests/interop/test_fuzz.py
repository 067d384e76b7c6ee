"""A little random input at each run; ``python -m tests.support.fuzz 1000000`` for a lot."""

from __future__ import annotations

from tests.support.fuzz import Fuzzer


def test_nothing_breaks_and_refusals_change_nothing() -> None:
    fuzzer = Fuzzer(3)
    fuzzer.run(1_000)
    assert fuzzer.statuses[200] > 100
    assert sum(count for status, count in fuzzer.statuses.items() if status >= 400) > 100
