"""A scenario played: storm, death, healing, progress."""

from __future__ import annotations

from dataclasses import replace

from surefill.core.events import Act
from surefill.core.plan import SECOND_NS
from surefill.core.state import Mode
from surefill.core.trade import Outcome, Trade
from surefill.replay.simulate.play import BLOCKED_NS, Played, play
from surefill.replay.simulate.scenario import (
    Armed,
    Crashed,
    Given,
    Halted,
    Happening,
    Meddled,
    Meddling,
    Operated,
    Scenario,
    Tail,
)
from surefill.replay.simulate.scripts import scripted
from surefill.replay.simulate.verdict import ends_of, judge
from surefill.sim.faults import Fault, FaultCode


def with_more(*more: Happening, name: str = "limit, target", **changes: object) -> Scenario:
    """A script in which more happens."""
    scenario = scripted(name)
    happenings = (*scenario.happenings, *more)
    return replace(scenario, happenings=happenings, **changes)  # type: ignore[arg-type]


def outcome_of(played: Played) -> Outcome | None:
    """How its only trade ended."""
    end = ends_of(played)["p1"]
    assert isinstance(end, Trade)
    return end.outcome


def test_faults_strike_and_are_gone_after_the_healing() -> None:
    storm = Fault(FaultCode.N6, "GET", probability_ppb=10**9, params={"delay_ms": 40})
    played = play(with_more(Armed(0, storm)))
    strikes = played.faults.strikes
    assert strikes
    assert max(strike.at_ns for strike in strikes) <= played.scenario.heal_ns
    assert {phase for strike in strikes for phase in strike.phases} >= {"COVERED"}
    assert not played.faults.describe(played.run.edge.now_ns)


def test_a_dead_process_comes_back_and_goes_on() -> None:
    crash = Crashed(11_000, 700, sent=9)
    played = play(with_more(crash, name="bracket, time exit"))
    ((died_ns, started_ns),) = played.downs
    assert started_ns - died_ns == 700_000_000
    assert played.deaths == [("FLATTENING",)]
    assert played.run.starts == 2
    assert outcome_of(played) is Outcome.CLOSED_TIME
    assert judge(played)[1] == ()


def test_it_may_die_again_while_it_recovers_with_a_torn_tail() -> None:
    crash = Crashed(0, 700, skip=1, tail=Tail.LOST, again=(0, 2))
    played = play(with_more(crash))
    assert len(played.downs) == len(played.deaths) == 3
    assert played.deaths[1:] == [("RECOVERING",), ("RECOVERING",)]
    assert played.run.engine.state.mode is Mode.READY
    assert judge(played)[1] == ()


def test_the_very_first_append_may_be_the_last() -> None:
    played = play(with_more(Crashed(-10_000, 700)))
    assert played.deaths == [("RECOVERING",)]
    assert outcome_of(played) is Outcome.CLOSED_TARGET


def test_a_second_crash_waits_for_the_first() -> None:
    played = play(with_more(Crashed(10, 700, skip=2), Crashed(15, 700)))
    assert len(played.downs) == 1


def test_a_plan_whose_record_was_lost_is_handed_over_again() -> None:
    crash = Crashed(-100, 700, tail=Tail.LOST)
    played = play(with_more(crash))
    assert outcome_of(played) is Outcome.CLOSED_TARGET
    (entry,) = (
        line
        for line in played.run.log.lines
        if line["kind"] == "accept" and str(line["cl_ord_id"]).endswith("p1-E1")
    )
    assert entry["side"] == "BUY"


def test_operators_are_heard_when_there_is_a_process() -> None:
    played = play(
        with_more(Crashed(10, 5_000), Operated(3_000, Act.KILL), name="bracket, time exit")
    )
    (kill_ns, act), *rest = played.switched
    assert act is Act.KILL
    assert kill_ns >= played.downs[0][1]
    assert [what for _, what in rest] == [Act.UNKILL, Act.RESUME]
    assert played.run.engine.state.kill is None


def test_a_kill_that_died_with_its_process_is_pressed_again() -> None:
    """Found by simulation, seed 200002: its record was lost, nobody was told that it counts, and
    the entry that followed the restart was judged as one after the kill."""
    dying = (Crashed(2_990, 400, tail=Tail.LOST), Operated(3_000, Act.KILL))
    played = play(with_more(*dying, name="bracket, time exit"))
    (died_ns, started_ns), *_ = played.downs
    (kill_ns, act), *_ = played.switched
    assert (died_ns, act) == (played.scenario.at_ns(3_000), Act.KILL)
    assert kill_ns >= started_ns
    assert judge(played)[1] == ()


def test_what_would_go_on_for_ever_is_flattened_after_the_healing() -> None:
    scenario = scripted("bracket, time exit")
    (given,) = scenario.plans
    endless = Given(0, replace(given.plan, exit_at_ns=None), False)
    played = play(replace(scenario, happenings=(endless,)))
    assert outcome_of(played) is Outcome.CLOSED_FLATTEN


def test_what_the_close_catches_is_handed_over_under_its_cover() -> None:
    scenario = scripted("limit, target")
    (given,) = scenario.plans
    endless = Given(0, replace(given.plan, exit_at_ns=None), False)
    early_ns = scenario.close_ns - 6 * SECOND_NS
    closing = replace(
        scenario,
        start_ns=early_ns,
        happenings=(replace(endless, plan=replace(endless.plan, signal_ns=early_ns)),),
    )
    played = play(closing)
    assert outcome_of(played) is Outcome.HANDED_OVER
    assert judge(played)[1] == ()


def test_shares_that_an_order_of_somebody_elses_holds_over_the_night_are_his_to_close() -> None:
    """Found by simulation, seed 40521 with more hands: his order came after the close."""
    scenario = scripted("limit, target")
    (given,) = scenario.plans
    early_ns = scenario.close_ns - 6 * SECOND_NS
    endless = replace(given.plan, exit_at_ns=None, signal_ns=early_ns)
    closing = replace(
        scenario,
        start_ns=early_ns,
        happenings=(Given(0, endless, False), Meddled(6_500, Meddling.CLOSE_OUTSIDE, "ACME")),
    )
    played = play(closing)
    assert [what for _, what in played.meddled] == [Meddling.CLOSE_OUTSIDE.value]
    assert outcome_of(played) is None
    assert judge(played)[1] == ()


def test_a_blocked_account_is_free_again() -> None:
    played = play(with_more(Meddled(1_000, Meddling.BLOCK_ACCOUNT, "ACME")))
    ((blocked_ns, free_ns),) = played.blocks
    assert free_ns - blocked_ns == BLOCKED_NS
    assert outcome_of(played) is Outcome.CLOSED_TARGET


def test_meddling_that_finds_no_moment_does_nothing() -> None:
    played = play(with_more(Meddled(1_000, Meddling.REJECT_STOP, "ACME"), name="not entered"))
    assert played.meddled == []


def test_halts_stop_the_market() -> None:
    played = play(with_more(Halted(2_000, "ACME", 9_000), name="bracket, time exit"))
    (halt,) = played.halts
    fills = [line for line in played.run.log.lines if line["kind"] == "fill"]
    assert all(not halt.start_ns <= int(str(line["venue_ns"])) < halt.end_ns for line in fills)


def test_doubt_that_lasts_is_noted() -> None:
    # The entry is lost on the way and every read fails: the doubt has to last until the healing.
    lost = Armed(0, Fault(FaultCode.N1, "POST", count=1))
    blind = Armed(0, Fault(FaultCode.N3, "GET", probability_ppb=10**9, params={"for_ms": 400_000}))
    played = play(with_more(lost, blind))
    assert played.doubts == []
    late = play(with_more(lost, storm_ms=16_000))
    assert late.doubts == []
    assert outcome_of(late) is Outcome.NOT_ENTERED
