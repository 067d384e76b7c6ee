"""What the venue's operator and other people do, at moments at which they can."""

from __future__ import annotations

import pytest

from surefill.core.events import Act
from surefill.replay.drills import DrillMix, Drills
from surefill.replay.harness import VirtualRun
from surefill.replay.simulate.meddle import bust_late, meddle
from surefill.replay.simulate.play import play, run_of
from surefill.replay.simulate.scenario import BustedLate, Meddled, Meddling, Operated, Rested
from surefill.replay.simulate.scripts import scripted
from surefill.replay.simulate.strikes import StrikingFaults
from surefill.replay.simulate.verdict import judge
from tests.replay.simulate.test_play import with_more

KINDS = {
    Meddling.BUST: "trade_bust",
    Meddling.CORRECT: "trade_correct",
    Meddling.REJECT_STOP: "rejected",
    Meddling.CANCEL_LEG: "canceled",
    Meddling.CLOSE_OUTSIDE: "canceled",
}


@pytest.mark.parametrize("what", KINDS)
def test_a_covered_trade_is_meddled_with_once_and_ends_well(what: Meddling) -> None:
    played = play(with_more(Meddled(4_000, what, "ACME"), name="bracket, time exit"))
    assert [name for _, name in played.meddled] == [what.value]
    assert KINDS[what] in {line["kind"] for line in played.run.log.lines}
    assert judge(played)[1] == ()


def test_an_entry_is_rejected_after_it_was_accepted() -> None:
    played = play(with_more(Meddled(500, Meddling.REJECT_ENTRY, "ACME"), name="not entered"))
    assert [name for _, name in played.meddled] == ["REJECT_ENTRY"]
    assert judge(played)[1] == ()


@pytest.mark.parametrize("what", [one for one in Meddling if one is not Meddling.BLOCK_ACCOUNT])
def test_nothing_is_done_to_nobody(what: Meddling) -> None:
    run = run_of(scripted("not entered"), StrikingFaults(1))
    drills = Drills(run, DrillMix(), seed=1)
    assert not meddle(Meddled(0, what, "ACME"), run, drills), "the process is not alive"
    run.start()
    assert not meddle(Meddled(0, what, "ACME"), run, drills)
    assert not drills.others


@pytest.mark.parametrize("what", [one for one in Meddling if one is not Meddling.BLOCK_ACCOUNT])
def test_a_trade_at_the_wrong_moment_is_left_alone(what: Meddling) -> None:
    """Just accepted, or being closed: nobody could do it then."""
    done: list[bool] = []

    def look(run: VirtualRun) -> None:
        drills = Drills(run, DrillMix(), seed=1)
        done.append(meddle(Meddled(0, what, "ACME"), run, drills))

    scenario = with_more(Operated(5_000, Act.FLATTEN), name="not entered")
    run = run_of(scenario, StrikingFaults(1))
    run.at(scenario.at_ns(0) - 1, look)
    run.start()
    run.run_until(scenario.at_ns(100))
    assert done == [False]


def test_somebody_elses_order_rests_to_the_end() -> None:
    played = play(with_more(Rested(1_000, "DUNE")))
    lines = [line for line in played.run.log.lines if line["symbol"] == "DUNE"]
    assert [line["kind"] for line in lines] == ["accept", "pending_new", "new"]
    assert judge(played)[1] == ()


def test_an_execution_of_a_trade_that_is_over_is_taken_back() -> None:
    """Its trade opens again, buys back what it sold too much, and ends a second time (R22)."""
    played = play(with_more(BustedLate(0), name="bracket, time exit"))
    kinds = [str(line["kind"]) for line in played.run.log.lines]
    assert "trade_bust" in kinds
    last_fill = max(n for n, kind in enumerate(kinds) if kind == "fill")
    assert kinds.index("trade_bust") < last_fill
    assert judge(played)[1] == ()


def test_what_never_ended_is_not_taken_back() -> None:
    run = run_of(scripted("not entered"), StrikingFaults(1))
    assert not bust_late(run), "the process is not alive"
    run.start()
    assert not bust_late(run)
    played = play(with_more(BustedLate(0), name="not entered"))
    assert "trade_bust" not in {line["kind"] for line in played.run.log.lines}
