"""A little random input at each run; ``python -m tests.support.fuzz 1000000`` for a lot."""

from __future__ import annotations

from tests.support.fuzz import Fuzzer


def test_nothing_breaks_and_refusals_change_nothing() -> None:
    fuzzer = Fuzzer(3)
    fuzzer.run(4_000)
    assert fuzzer.tally.statuses[200] > 400
    assert sum(n for status, n in fuzzer.tally.statuses.items() if status >= 400) > 1_000
    assert fuzzer.tally.orders > 200
    assert fuzzer.tally.fills > 40
