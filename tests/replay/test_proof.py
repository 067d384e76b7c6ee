"""Lanes: played, judged, summed. The proof itself is tests/system/test_proof.py."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from surefill.core.plan import SECOND_NS
from surefill.core.trade import Outcome
from surefill.replay.drills import DrillMix
from surefill.replay.proof import Lane, Proof, RecordedDay, SyntheticDay, play_lane, prove
from surefill.sim.auditor import Violation
from surefill.sim.calendar import session_on
from surefill.sim.market import TapeError
from surefill.sim.models import Delay, DelayRange
from surefill.sim.workload import Mix

DAY = SyntheticDay(20260302, (("MID", "mid"),), seed=3)
LANE = Lane(
    name="a",
    seed=3,
    market=DAY,
    length_s=120,
    mix=Mix(spacing_s=20, budget_s=(2, 5), hold_s=(9, 14), prefix="a-"),
    drills=DrillMix(hands_over=True),
    delays=((Delay.CANCEL, DelayRange(60, 180, 400)),),
)


@pytest.fixture(scope="module")
def proof() -> Proof:
    """Six plans, twice: calm, and with a halt and another rule of the venue."""
    halted = replace(
        LANE, name="b", halts=1, halt_s=(20, 20), switches=("wash_exempts=none",), seed=4
    )
    return prove([LANE, halted])


def test_every_plan_is_judged_and_nothing_is_found(proof: Proof) -> None:
    assert proof.count("plans") == 12
    assert not proof.violations, proof.render()
    assert sum(proof.outcomes.values()) == 12
    assert set(proof.outcomes) == set(Outcome)
    assert 0 < proof.window_max_ns <= 1_500_000_000
    assert all(lane.records > 20 and lane.requests > 10 for lane in proof.lanes)


def test_the_table_says_what_was_counted(proof: Proof) -> None:
    table = proof.render()
    for words in ("plans", "partial entries", "outcome HANDED_OVER", "cover a", "violations"):
        assert words in table
    lane = proof.lanes[0]
    bad = replace(lane.report, violations=(Violation("I3", "a-1", 5, "too late"),))
    spoiled = Proof((replace(lane, report=bad),))
    assert spoiled.violations == (("a", Violation("I3", "a-1", 5, "too late")),)
    assert "a I3 a-1: too late" in spoiled.render()


def test_a_lane_is_a_function_of_its_fields(proof: Proof) -> None:
    again = play_lane(LANE)
    first = proof.lanes[0]
    assert (again.truth, again.journal) == (first.truth, first.journal)
    other = play_lane(replace(LANE, seed=5))
    assert other.truth != first.truth


def test_other_processes_play_the_same(proof: Proof) -> None:
    apart = prove([LANE, LANE], workers=2)
    assert {lane.truth for lane in apart.lanes} == {proof.lanes[0].truth}


def test_a_synthetic_day_is_read_to_the_end_of_the_window() -> None:
    end_ns = session_on(20260302).open_ns + 30 * SECOND_NS
    (tape,) = DAY.columns((0, end_ns))
    assert tape.symbol == "MID"
    assert 0 < int(tape.quote_ns[-1]) < end_ns


def test_a_recorded_day_that_is_absent_is_said(tmp_path: Path) -> None:
    with pytest.raises(TapeError):
        RecordedDay(str(tmp_path), 20131007, ("AIG",)).columns((0, 1))
