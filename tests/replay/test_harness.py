"""The production engine over the simulated venue in virtual time."""

from __future__ import annotations

from surefill.core.commands import SubmitOrder
from surefill.core.events import Act, OperatorActed
from surefill.core.plan import SECOND_NS
from surefill.core.state import Denial, Mode
from surefill.core.trade import Outcome
from surefill.replay.harness import FEED_DELAY_NS, Arrival, Fate, VirtualRun
from surefill.runtime.stepper import Decided
from surefill.sim.calendar import us_equity_calendar
from surefill.sim.market import Halt, HaltedMarket, ScriptedMarket
from tests.support.stage import DATE, MS_NS, PLAN_ID, START_NS, SYMBOL, Stage, once_filled


def test_a_start_ends_ready_with_the_symbol_known() -> None:
    stage = Stage("buy", [(0, "100.00")])
    stage.run.start()
    state = stage.run.engine.state
    assert state.mode is Mode.READY
    assert state.is_stream_up
    assert state.instrument(SYMBOL) is not None
    assert stage.run.edge.now_ns < START_NS


def test_a_plan_is_played_to_its_outcome_and_told_on_the_way() -> None:
    stage = Stage("sell", [(0, "100.00"), (2, "101.10")])
    stage.run.start()
    told: list[int] = []
    until_ns = START_NS + 30 * SECOND_NS
    arrival = Arrival(START_NS, stage.plan)
    stage.run.play([arrival], until_ns=until_ns, on_progress=told.append)
    ended = stage.run.finished[PLAN_ID]
    assert not isinstance(ended, Denial)
    assert ended.outcome is Outcome.CLOSED_TARGET
    assert stage.run.settled[PLAN_ID].is_settled
    assert told[-1] == 1
    assert stage.run.edge.now_ns < until_ns


def test_the_feed_is_late_and_never_early() -> None:
    stage = Stage("buy", [(0, "100.10"), (3, "100.00")])
    stage.run.start()
    step_ns = START_NS + 3 * SECOND_NS
    for late_ns, bid in ((FEED_DELAY_NS - MS_NS, "100.10"), (FEED_DELAY_NS + MS_NS, "100.00")):
        stage.run.run_until(step_ns + late_ns)
        stage.run.submit(Arrival(step_ns + late_ns, stage.plan))
        stage.run.run_until(step_ns + late_ns + 1)
        nbbo = stage.run.engine.views[SYMBOL].nbbo
        assert nbbo is not None
        assert nbbo.bid_px == stage.px(bid)


def test_the_same_run_twice_is_the_same_history() -> None:
    heads = set()
    for _ in range(2):
        stage = Stage("buy", [(0, "100.00", 37)], seed=5)
        stage.play()
        heads.add((stage.run.log.lines[-1]["hash"], stage.run.journal.head()))
    assert len(heads) == 1


def test_acts_of_one_instant_keep_their_order() -> None:
    stage = Stage("buy", [(0, "100.00")])
    done: list[str] = []

    def act(name: str) -> None:
        stage.at(1, lambda run: done.append(f"{name} {run.edge.now_ns - START_NS}"))

    for name in ("a", "b"):
        act(name)
    stage.at(0.5, lambda run: done.append("first"))
    stage.play()
    assert done == ["first", f"a {SECOND_NS}", f"b {SECOND_NS}"]
    assert not stage.run.has_arrivals


def test_an_operator_flattens() -> None:
    stage = Stage("sell", [(0, "100.00")], exit_s=None)

    def flatten(run: VirtualRun) -> None:
        run.operate(OperatorActed(Act.FLATTEN, PLAN_ID, "test", "now", run.edge.now_ns))

    stage.when(once_filled(100), flatten, after_ms=1_000)
    assert stage.play().outcome is Outcome.CLOSED_FLATTEN
    stage.assert_clean()


def test_a_halt_reaches_the_gate() -> None:
    stage = Stage("buy", [(0, "100.00")])
    calm = Stage("buy", [(0, "100.00")])
    halt = Halt(SYMBOL, START_NS - 2 * SECOND_NS, START_NS + 5 * SECOND_NS)
    halted = HaltedMarket(ScriptedMarket(calm.events([(0, "100.00")])), [halt])
    run = VirtualRun(
        halted,
        us_equity_calendar(DATE, DATE),
        start_ns=START_NS - 10 * SECOND_NS,
        config=stage.run.config,
    )
    run.start()
    run.play([Arrival(START_NS, stage.plan)], until_ns=START_NS + 10 * SECOND_NS)
    denial = run.finished[PLAN_ID]
    assert isinstance(denial, Denial)
    assert [reason.code.name for reason in denial.reasons] == ["SYMBOL_HALTED"]


def test_a_quote_of_before_a_halt_is_not_current_after_it() -> None:
    """Found by simulation, seed 60595: a breakout entered on it, and the market had left."""
    calm = Stage("buy", [(0, "100.00")])
    halt = Halt(SYMBOL, START_NS - 6 * SECOND_NS, START_NS - SECOND_NS)
    first = [event for event in calm.events([(0, "100.00")]) if event.venue_ns < halt.start_ns]
    halted = HaltedMarket(ScriptedMarket(first), [halt])
    run = VirtualRun(
        halted,
        us_equity_calendar(DATE, DATE),
        start_ns=START_NS - 10 * SECOND_NS,
        config=calm.run.config,
    )
    run.start()
    run.play([Arrival(START_NS, calm.plan)], until_ns=START_NS + 10 * SECOND_NS)
    denial = run.finished[PLAN_ID]
    assert isinstance(denial, Denial)
    assert [reason.code.name for reason in denial.reasons] == ["QUOTE_STALE"]


def test_a_process_that_dies_loses_what_it_did_not_write_and_sends_no_more() -> None:
    stage = Stage("buy", [(0, "100.00")])
    died: list[int] = []

    def fate(decided: Decided, written: int) -> Fate | None:
        submits = [c for c in decided.commands if isinstance(c, SubmitOrder)]
        return Fate(sent=0, lost=written) if submits and not died else None

    def note(run: VirtualRun) -> None:
        died.append(run.stepper.journal.head()[0])
        run.at(run.edge.now_ns + SECOND_NS, VirtualRun.restart)

    stage.run.fated, stage.run.on_death = fate, note
    trade = stage.play()
    assert len(died) == 1
    assert stage.run.starts == 2
    assert trade.outcome is Outcome.CLOSED_TIME, "the caller handed the plan over again"
    assert trade.accepted_ns > START_NS + SECOND_NS
    stage.assert_clean()


def test_a_restart_takes_over_what_the_journal_remembers() -> None:
    stage = Stage("sell", [(0, "100.00")])
    stage.at(5, VirtualRun.crash)
    stage.at(6, VirtualRun.restart)
    stage.at(30, VirtualRun.crash)
    stage.at(31, VirtualRun.restart)
    trade = stage.play()
    assert trade.outcome is Outcome.CLOSED_TIME
    assert stage.run.finished[PLAN_ID] is trade
    assert stage.run.starts == 3
    assert stage.run.is_alive
    stage.assert_clean()


def test_the_dead_hear_and_do_nothing() -> None:
    stage = Stage("buy", [(0, "100.10"), (5, "100.00")])
    stage.at(3, VirtualRun.crash)
    stage.run.start()
    stage.run.submit(Arrival(START_NS, stage.plan))
    stage.run.run_until(START_NS + 9 * SECOND_NS)
    assert not stage.run.is_alive
    lines = [line["kind"] for line in stage.run.log.lines]
    assert "fill" in lines, "its order works on"
    assert lines.count("accept") == 1, "and nobody covers it"
