"""Seeds played, summed, and the same everywhere."""

from __future__ import annotations

import pytest

from surefill.ports import JournalError
from surefill.replay.simulate import seeds
from surefill.replay.simulate.draw import draw_scenario
from surefill.replay.simulate.scenario import Scenario
from surefill.replay.simulate.seeds import (
    BROKEN_JOURNAL,
    ERROR,
    SeedResult,
    Total,
    findings_of,
    play_seed,
    play_seeds,
)
from surefill.sim.auditor import Violation


def test_a_seed_gives_the_same_trace_twice_and_another_seed_another() -> None:
    first, again, other = play_seed(11), play_seed(11), play_seed(12)
    assert first == again
    assert len(first.trace) == 64
    assert first.trace != other.trace
    assert first.violations == ()
    assert first.simulated_ns > first.storm_ns > 0


def test_other_processes_play_the_same() -> None:
    apart = list(play_seeds([11, 12], workers=2))
    assert apart == list(play_seeds([11, 12]))


def test_an_exception_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(scenario: Scenario) -> None:
        raise KeyError("oops")

    monkeypatch.setattr(seeds, "play", broken)
    played, (found,) = findings_of(draw_scenario(1))
    assert played is None
    assert found.code == ERROR
    assert found.sentence.startswith("KeyError: 'oops' (broken, line ")
    assert play_seed(1).trace == ""


def test_a_journal_that_refuses_a_record_is_a_fault_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(scenario: Scenario) -> None:
        raise JournalError("JOURNAL_CORRUPT", "record 2 cannot follow record 0")

    monkeypatch.setattr(seeds, "play", broken)
    _, (found,) = findings_of(draw_scenario(1))
    assert found.code == BROKEN_JOURNAL


def test_the_sum_says_what_was_not_seen() -> None:
    total = Total()
    assert total.faults_per_hour == 0
    one = SeedResult(
        seed=1,
        trace="a",
        outcomes=(("DENIED", 2),),
        struck=(("N1", 3),),
        cells=((("N1", "WORKING"), 3),),
        deaths=1,
        storm_ns=3_600 * 10**9,
        simulated_ns=7_200 * 10**9,
    )
    total.add(one)
    total.add(SeedResult(seed=20, trace="b", is_calm=True))
    rows = dict(total.rows())
    assert rows["seeds"] == "2 (1 calm)"
    assert rows["so a seed fails"] == "at most 1500000 in a million seeds (95 %, 3/n)"
    assert rows["faults"] == "3, 3 an hour of storm"
    assert rows["simulated time"] == "2 h"
    assert rows["fault x phase cells"] == "1"
    trace = total.trace
    total.add(SeedResult(seed=3, trace="c", violations=(Violation("I3", "p", 1, "bare"),)))
    assert total.failing == (3,)
    assert total.trace != trace
    assert "so a seed fails" not in dict(total.rows())
