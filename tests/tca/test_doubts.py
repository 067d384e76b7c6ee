"""How long orders were in doubt: from journals of the real engine, and by hand."""

from __future__ import annotations

from surefill.core.commands import Announce, Command, Milestone, ReplaceOrder
from surefill.core.events import (
    Accepted,
    EngineStarted,
    Event,
    InDoubt,
    RateLimited,
    Rejected,
    RejectKind,
    RequestAnswered,
    TimePassed,
    Verb,
)
from surefill.journal.record import Record
from surefill.tca.doubts import Doubt, Doubts
from tests.support.told import ToldBench, records_of


def doubts_of(b: ToldBench) -> tuple[Doubt, ...]:
    found = Doubts()
    for record in records_of(b.journal):
        found.take(record)
    return found.all()


def record(n: int, event: Event, *commands: Command) -> Record:
    return Record(n, n * 1000, 1, event, (), commands, ())


def answered(answer: object, verb: Verb = Verb.SUBMIT, key: str = "A") -> RequestAnswered:
    return RequestAnswered("t", verb, key, answer, 0, 0)  # type: ignore[arg-type]


REPLACE = ReplaceOrder("t", "A", "id", "B")


def test_a_lost_answer_is_a_doubt_until_the_order_is_read() -> None:
    b = ToldBench()
    b.takes("E1")
    b.loses("E1")
    b.run(2)
    (doubt,) = doubts_of(b)
    assert doubt.trade_id == "p1"
    assert doubt.cl_ord_id == b.key("E1")
    assert doubt.end_ns is not None
    assert 0 < doubt.end_ns - doubt.since_ns < 500_000_000


def test_a_doubt_that_lasts() -> None:
    b = ToldBench()
    b.loses("E1")
    b.run(20)
    (doubt,) = doubts_of(b)
    assert doubt.end_ns is None
    b.run(200)
    assert b.trade.is_closed, "proven absent"
    (doubt,) = doubts_of(b)
    assert doubt.end_ns is not None
    assert doubt.end_ns - doubt.since_ns > 100_000_000_000


def test_an_answered_order_was_never_in_doubt() -> None:
    b = ToldBench()
    b.accepts("E1")
    b.fills("E1", 100)
    b.accepts("X1")
    b.run(3)
    assert doubts_of(b) == ()


def test_a_fill_that_outran_the_lost_answer_leaves_no_doubt() -> None:
    b = ToldBench()
    b.takes("E1")
    b.fills("E1", 100)
    b.loses("E1")
    assert doubts_of(b) == ()


def test_cover_in_doubt_ends_when_it_is_sent_again() -> None:
    b = ToldBench()
    b.accepts("E1")
    b.fills("E1", 100)
    b.loses("X1")
    b.run(2)
    (doubt,) = doubts_of(b)
    assert doubt.end_ns is not None


def test_a_restart_puts_what_was_in_flight_in_doubt() -> None:
    b = ToldBench()
    b.takes("E1")
    b.restart()
    b.run(2)
    (doubt,) = doubts_of(b)
    assert doubt.end_ns is not None


def test_a_duplicate_id_is_a_doubt_and_a_plain_refusal_is_none() -> None:
    for kind, count in ((RejectKind.DUPLICATE_ID, 1), (RejectKind.OTHER, 0)):
        b = ToldBench()
        b.refuses("E1", kind)
        assert len(doubts_of(b)) == count


def test_a_replacement_in_doubt_is_its_successor() -> None:
    found = Doubts()
    found.take(record(1, TimePassed(), REPLACE))
    assert found.concern(b"... B ...")
    assert not found.concern(b"...")
    found.take(record(2, answered(InDoubt("?"), Verb.REPLACE)))
    assert found.all() == (Doubt("B", "t", 2, 2000),)
    found.take(record(3, TimePassed(), Announce("other", Milestone.CLOSED)))
    found.take(record(4, TimePassed(), Announce("t", Milestone.CLOSED)))
    assert found.all() == (Doubt("B", "t", 2, 2000, 4000),)


def test_what_is_no_evidence() -> None:
    found = Doubts()
    found.take(record(1, TimePassed(), REPLACE))
    found.take(record(2, EngineStarted(2, "b", "s", 0)))
    for n, answer in enumerate((InDoubt("?"), Rejected(RejectKind.OTHER, ""), Accepted(None))):
        found.take(record(3 + n, answered(answer, Verb.QUERY, "B")))
    found.take(record(7, answered(RateLimited(0), Verb.CANCEL, "B")))
    assert [doubt.end_ns for doubt in found.all()] == [None]


def test_an_exit_that_a_later_read_does_not_find_is_known() -> None:
    found = Doubts()
    found.take(record(1, TimePassed(), REPLACE))
    found.take(record(2, answered(InDoubt("?"), Verb.REPLACE)))
    missing = Rejected(RejectKind.NOT_FOUND, "")
    found.take(record(3, RequestAnswered("t", Verb.QUERY, "B", missing, 1000, 0)))
    assert found.all()[0].end_ns is None, "asked before it was sent"
    found.take(record(4, RequestAnswered("t", Verb.QUERY, "B", missing, 1001, 0)))
    assert found.all()[0].end_ns == 4000


def test_nothing_is_in_doubt_of_an_unknown_order() -> None:
    found = Doubts()
    found.take(record(1, answered(InDoubt("?"), key="Z")))
    assert found.all() == ()


def test_legs_of_a_bracket_are_known_with_it() -> None:
    b = ToldBench(legacy=True)
    b.accepts("E1")
    b.fills("E1", 100, 3)
    b.run(3)
    assert doubts_of(b) == ()
