"""What is read from a journal."""

from __future__ import annotations

from surefill.core.commands import RaiseAlarm
from surefill.core.events import (
    Act,
    EngineStarted,
    Event,
    NoteWritten,
    OperatorActed,
    PositionAdopted,
    TimePassed,
)
from surefill.core.reasons import Reason, ReasonCode
from surefill.journal.digest import EMPTY_HEAD
from surefill.journal.memory import MemoryJournal
from surefill.journal.record import Record
from surefill.tca.facts import Fate
from surefill.tca.history import IncidentKind, Noted, read_history
from surefill.tca.runs import BEGAN, FAILED, OURSELVES
from tests.support.told import ToldBench, arrival, crwd_plan, crwd_run
from tests.tca.support import BPS, closed_bench, missed_bench


def test_a_closed_trade_and_the_records_that_tell_it() -> None:
    b = closed_bench()
    history = read_history(b.journal)
    (fact,) = history.facts
    assert fact.fate is Fate.ENTERED
    assert len(fact.seqs) == 3
    assert fact.start_far_ppb == 1 * BPS, "the ask stood one cent above the signal"
    assert history.head == b.journal.head()
    assert history.end_ns <= b.now
    assert history.state is not None
    (start,) = history.starts
    assert (start.build, start.settings_digest) == ("test", "settings")


def test_a_position_that_was_there_before_is_no_entry() -> None:
    b = ToldBench(submit=False)
    b.feed(PositionAdopted(b.plan, b.policy, "ann", b.now))  # refused: no such shares
    b.submit_plan(crwd_plan("ours"))
    assert [fact.plan_id for fact in read_history(b.journal).facts] == ["ours"]


def test_a_missed_trade_knows_the_far_side_at_its_end() -> None:
    for side in ("buy", "sell"):
        (fact,) = read_history(missed_bench(side).journal).facts
        assert fact.shortfall_ppb == 20 * BPS


def test_the_crwd_morning() -> None:
    run = crwd_run(arrival(crwd_plan("a")), arrival(crwd_plan("b", by_level=True)))
    history = read_history(run.journal)
    fates = {fact.plan_id: fact.fate for fact in history.facts}
    assert fates == {"a": Fate.NOT_ENTERED, "b": Fate.DENIED}
    late = history.facts[0]
    assert late.shortfall_ppb is not None
    assert late.shortfall_ppb > late.cap_ppb
    assert late.start_far_ppb == (536_00 - 534_82) * 10**9 // 534_82
    assert all(fact.seqs for fact in history.facts)


def test_a_plan_refused_for_its_own_shape_has_no_market() -> None:
    b = ToldBench(submit=False)
    b.submit_plan(b.plan)
    b.submit_plan(crwd_plan("x"))
    facts = read_history(b.journal).facts
    assert [(fact.plan_id, fact.start_far_ppb) for fact in facts][1] == ("x", None)


def test_incidents() -> None:
    b = ToldBench()
    b.loses("E1")
    b.operator(Act.HALT, why="a desk's halt is no fault")
    b.feed(OperatorActed(Act.HALT, "", "surefill", "a background task failed", b.now))
    broken = Reason.of(ReasonCode.INVARIANT_BROKEN, name="I4", text="two stops")
    bare = Reason.of(ReasonCode.EXPOSED, qty="5", symbol="ACME")
    stuck = Reason.of(ReasonCode.COVER_LOST, qty="5", by="nobody")
    alarms = tuple(RaiseAlarm("p1", reason) for reason in (broken, bare, stuck))
    seq, digest = b.journal.head()
    record = Record(seq + 1, b.now + 7, 1, TimePassed(), (), alarms, ())
    b.journal.append([record.entry(digest, {}, is_open={})])
    history = read_history(b.journal)
    kinds = [one.kind for one in history.incidents]
    assert kinds == [
        IncidentKind.IN_DOUBT,
        IncidentKind.FAULT,
        IncidentKind.INVARIANT,
        IncidentKind.EXPOSED,
    ]
    assert history.incidents[0].lasted_ns == b.now + 7 - history.incidents[0].at_ns


def test_notes() -> None:
    b = closed_bench()
    seq, digest = b.journal.head()
    note = NoteWritten("sign-off", "ann", "first", (("stage", "first"),), b.now)
    record = Record(seq + 1, b.now, 1, note, (), (), ())
    b.journal.append([record.entry(digest, {}, is_open={})])
    assert read_history(b.journal).notes == (Noted(seq + 1, note),)


def test_what_the_program_says_of_its_own_runs() -> None:
    b = ToldBench(submit=False)

    def write(event: Event) -> None:
        seq, digest = b.journal.head()
        record = Record(seq + 1, b.now, 1, event, (), (), ())
        b.journal.append([record.entry(digest, {}, is_open={})])

    started = EngineStarted(2, "test", "settings", b.now)
    write(NoteWritten(BEGAN, OURSELVES, "", (), b.now))
    write(NoteWritten(FAILED, "ann", "not ours to say", (), b.now))
    write(NoteWritten(FAILED, OURSELVES, "TypeError at engine.py:7", (), b.now))
    write(started)
    write(NoteWritten(BEGAN, OURSELVES, "", (), b.now))
    write(started)
    found = read_history(b.journal).incidents
    assert [(one.kind, one.trade_id) for one in found] == [
        (IncidentKind.FAULT, None),
        (IncidentKind.CRASH, None),
    ]
    assert found[0].text == "TypeError at engine.py:7"
    assert "ended without closing" in found[1].text
    assert found[1].seq == b.journal.head()[0]


def test_a_period() -> None:
    b = closed_bench()
    history = read_history(b.journal)
    at_ns = history.facts[0].at_ns
    assert len(history.between(at_ns, at_ns + 1).facts) == 1
    assert history.between(at_ns + 1).facts == ()
    assert history.between(None, at_ns).facts == ()
    assert history.between() == history


def test_an_empty_journal() -> None:
    history = read_history(MemoryJournal())
    assert (history.facts, history.head, history.state) == ((), EMPTY_HEAD, None)
