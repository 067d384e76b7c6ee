"""R1..R5, R15, R20..R24 of the race matrix: what can cross between an entry and its news."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surefill.core.events import Accepted, Act, RequestAnswered, Unavailable, Verb
from surefill.core.fix import ExecType, OrdStatus
from surefill.core.order import OrderState
from surefill.core.trade import Outcome
from tests.support.core import START_NS, Bench, Kind, S

SIDES = pytest.mark.parametrize("side", ["buy", "sell"])
BESIDE = pytest.mark.parametrize("beside", [False, True])


def oco(b: Bench, name: str, qty: int, cents: int = 5) -> str:
    """The line of an OCO for a position entered at ``cents``."""
    exits = f"target {b.px(cents + 400)} stop {b.px(cents - 200)}"
    return f"submit {name} {b.out} {qty} OCO {exits} GTC"


@SIDES
@BESIDE
def test_r1_fill_before_the_answer_to_the_submit(side: str, beside: bool) -> None:
    b = Bench(side, beside=beside)
    assert b.news() == [f"submit E1 {b.into} 100 LIMIT {b.px(5)} DAY"]
    row = b.takes("E1")
    b.fills("E1", 100)
    assert b.news() == [oco(b, "X1", 100)]
    b.answers("E1", Accepted(replace(b.report(row), cum_qty=0, ord_status=OrdStatus.NEW)))
    b.accepts("X1")
    b.run(1)
    assert b.news() == ["SETTLED"]
    assert (b.held, b.covered, b.phase) == (100, 100, "COVERED")


@SIDES
@BESIDE
def test_r2_the_rest_fills_before_the_cancel_arrives(side: str, beside: bool) -> None:
    b = Bench(side, beside=beside)
    b.accepts("E1")
    b.fills("E1", 37)
    b.run(0.5)
    if beside:
        b.accepts("X1")
        b.run(60)
        assert b.news()[1:] == [oco(b, "X1", 37), "cancel E1"]
    else:
        assert b.news()[1:] == ["cancel E1"]
    b.fills("E1", 63)
    b.answers("E1", Accepted(None), verb=Verb.CANCEL)
    last = "X2" if beside else "X1"
    assert b.news() == [oco(b, last, 63 if beside else 100)]
    b.accepts(last)
    b.run(2)
    assert b.news() == ["SETTLED"]
    assert (b.held, b.covered) == (100, 100)
    assert b.trade.order(b.key("E1")).state is OrderState.FILLED  # type: ignore[union-attr]


@SIDES
def test_r3_another_partial_between_cancel_and_its_confirmation(side: str) -> None:
    b = Bench(side)
    b.accepts("E1")
    b.fills("E1", 37)
    b.run(0.41)
    assert b.news()[1:] == ["cancel E1"]
    b.fills("E1", 20, 3)
    assert b.news() == []
    b.cancelled("E1")
    # 37 at 100.05 and 20 at 100.03 are 100.042982 each: stop up, target up for a long.
    stop, target = (b.px(-195), b.px(405))
    assert b.news() == [f"submit X1 {b.out} 57 OCO target {target} stop {stop} GTC"]
    b.accepts("X1")
    assert b.news() == ["SETTLED"]
    b.run(60)
    assert (b.held, b.covered, b.trade.entry_qty // 10**9) == (57, 57, 57)
    assert b.news() == []


@SIDES
def test_r4_cancel_and_acknowledgement_cross(side: str) -> None:
    b = Bench(side)
    b.run(0.02)
    b.operator(Act.CANCEL_ENTRY)
    assert "cancel E1" not in b.news()  # not yet named by the broker
    b.accepts("E1")
    assert b.news() == ["cancel E1"]
    b.cancelled("E1")
    assert b.news() == ["SETTLED", "CLOSED"]
    assert b.trade.outcome is Outcome.NOT_ENTERED
    assert b.position() == 0


@SIDES
def test_r4_cancel_and_fill_cross(side: str) -> None:
    b = Bench(side)
    b.operator(Act.CANCEL_ENTRY)
    b.accepts("E1")
    b.fills("E1", 100)
    b.refuses("E1", Kind.ALREADY_TERMINAL, Verb.CANCEL)
    b.accepts("X1")
    b.run(1)
    assert b.news()[1:] == ["cancel E1", oco(b, "X1", 100), "SETTLED"]
    assert (b.held, b.covered) == (100, 100)


@SIDES
def test_r5_nothing_is_cancelled_that_has_no_name_yet(side: str) -> None:
    b = Bench(side)
    b.news()
    b.loses("E1")
    b.operator(Act.CANCEL_ENTRY)
    b.run(5)  # reads say "not found": the submit still travels
    assert b.trade.order(b.key("E1")).state is OrderState.IN_DOUBT  # type: ignore[union-attr]
    assert b.news() == []
    b.takes("E1")
    b.run(5)
    assert set(b.news()) == {"cancel E1"}
    b.refuses("E1", Kind.NOT_FOUND, Verb.CANCEL)
    b.run(3)
    assert set(b.news()) == {"cancel E1"}, "asked again until its end is seen"
    b.cancelled("E1")
    assert b.trade.outcome is Outcome.NOT_ENTERED


@SIDES
def test_r15_rejected_after_it_was_accepted(side: str) -> None:
    b = Bench(side)
    row = b.accepts("E1", status=OrdStatus.PENDING_NEW)
    row.status = OrdStatus.REJECTED
    b.streams(b.report(row, ExecType.REJECTED, text="symbol is not borrowable"))
    assert b.news()[1:] == ["SETTLED", "CLOSED"]
    trade = b.trade
    assert (trade.outcome, trade.entry_qty) == (Outcome.NOT_ENTERED, 0)
    assert trade.reason is not None
    assert trade.reason.code.name == "ENTRY_REJECTED"


@SIDES
def test_refused_at_once(side: str) -> None:
    b = Bench(side)
    b.refuses("E1", Kind.BUYING_POWER)
    assert b.news()[1:] == ["SETTLED", "CLOSED"]
    assert b.trade.outcome is Outcome.NOT_ENTERED


@SIDES
def test_r20_duplicates_disorder_and_one_missing(side: str) -> None:
    b = Bench(side)
    b.accepts("E1")
    first, second, third = b.executes("E1", 30), b.executes("E1", 30, 4), b.executes("E1", 40, 3)
    for report in (third, first, third, first, third):
        b.streams(report)
    assert b.trade.entry_qty == 100 * 10**9, "the broker's own count"
    assert b.trade.unpriced_qty == 30 * 10**9
    assert b.trade.orders[0].priced_qty == 70 * 10**9
    # 30 x 100.05 + 30 x 100.04 + 40 x 100.03 = 100.039 each; the exits are on the tick already.
    assert b.news()[1:] == [oco(b, "X1", 100, 4)]
    b.accepts("X1")
    b.run(2)
    assert "? fills" in b.asked()[4:]
    assert b.trade.unpriced_qty == 0
    assert [fill.exec_id for fill in b.trade.orders[0].fills] == ["x1", "x2", "x3"]
    b.streams(second)
    assert b.trade.entry_qty == 100 * 10**9
    assert b.news() == ["SETTLED"]


@SIDES
def test_r21_must_be_unique_means_look(side: str) -> None:
    b = Bench(side)
    b.takes("E1")
    b.refuses("E1", Kind.DUPLICATE_ID)
    b.run(1)
    assert "? E1" in b.asked()
    assert b.trade.order(b.key("E1")).state is OrderState.WORKING  # type: ignore[union-attr]
    b.fills("E1", 100)
    b.accepts("X1")
    assert [line for line in b.news() if line.startswith("submit")][1:] == [oco(b, "X1", 100)]
    assert (b.held, b.covered) == (100, 100)


def absent(side: str) -> Bench:
    """A bench whose entry was proven never to have reached the broker."""
    b = Bench(side)
    b.loses("E1")
    b.run(119)
    assert b.trade.outcome is None, "no way out by a few reads"
    b.run(15)
    return b


@SIDES
def test_i10_absent_needs_three_reads_over_120_s_a_listing_and_the_positions(side: str) -> None:
    b = absent(side)
    assert b.news()[1:] == ["ALARM IN_DOUBT", "SETTLED", "CLOSED"]
    assert b.trade.outcome is Outcome.NOT_ENTERED
    assert b.trade.reason is not None
    assert b.trade.reason.code.name == "ENTRY_ABSENT"
    closed_ns = b.trade.closed_ns or 0
    settled_ns = START_NS + 120 * S
    assert closed_ns > settled_ns
    assert len([at for at in b.times("? E1") if at < closed_ns]) >= 3
    assert [at for at in b.times("? orders") if settled_ns < at < closed_ns]
    assert [at for at in b.times("? positions") if settled_ns < at < closed_ns]


def test_i10_a_listing_that_fails_is_no_listing() -> None:
    b = Bench()
    b.loses("E1")
    b.run(30)
    b.reads = False
    b.run(3600)
    assert b.trade.outcome is None
    assert b.phase == "IN_DOUBT"
    b.reads = True
    b.run(60)
    assert b.trade.outcome is Outcome.NOT_ENTERED


def test_i10_a_position_that_moved_is_no_absence() -> None:
    b = Bench()
    b.loses("E1")
    b.foreign_qty = 100
    b.run(600)
    assert b.trade.outcome is None
    assert b.phase == "IN_DOUBT"


@SIDES
def test_r22_fill_for_an_order_closed_as_absent(side: str) -> None:
    b = absent(side)
    b.news()
    b.takes("E1")
    b.fills("E1", 100)
    assert b.news() == ["ALARM LATE_FILL", oco(b, "X1", 100)]
    b.accepts("X1")
    b.run(1)
    assert b.news() == ["SETTLED"]
    assert (b.held, b.covered) == (100, 100)


@SIDES
def test_r22_an_open_order_closed_as_absent_is_cancelled(side: str) -> None:
    b = absent(side)
    b.news()
    row = b.takes("E1")
    b.streams(b.report(row, ExecType.NEW))
    assert b.news() == ["ALARM LATE_FILL", "cancel E1"]
    b.cancelled("E1")
    assert b.trade.outcome is Outcome.NOT_ENTERED


@SIDES
@pytest.mark.parametrize("after_s", [1, 45])
def test_r23_504_then_the_order_appears(side: str, after_s: int) -> None:
    b = Bench(side)
    b.loses("E1")
    b.run(after_s)
    assert b.phase == "IN_DOUBT"
    row = b.takes("E1")
    b.run(6)
    assert b.trade.order(b.key("E1")).order_id == row.order_id  # type: ignore[union-attr]
    b.fills("E1", 100)
    b.accepts("X1")
    b.run(1)
    submits = [line for line in b.news() if line.startswith("submit")]
    assert submits == [f"submit E1 {b.into} 100 LIMIT {b.px(5)} DAY", oco(b, "X1", 100)]
    assert (b.held, b.covered) == (100, 100)


@SIDES
def test_response_lost_and_filled_at_once(side: str) -> None:
    b = Bench(side)
    b.takes("E1")
    b.executes("E1", 100)
    b.loses("E1")
    b.run(0.1)
    assert b.held == 100, "a read at once"
    assert b.news()[1:] == [oco(b, "X1", 100)]


@SIDES
@BESIDE
def test_r24_kill_between_submit_and_answer(side: str, beside: bool) -> None:
    b = Bench(side, beside=beside)
    b.operator(Act.KILL)
    b.news()
    b.accepts("E1")
    b.fills("E1", 37)
    assert b.news() == ["cancel E1"]
    b.cancelled("E1")
    assert b.news() == [oco(b, "X1", 37)]
    b.accepts("X1")
    b.run(2)
    assert (b.held, b.covered) == (37, 37)
    assert b.engine.state.kill is not None


def test_kill_and_halt_stop_new_risk_and_survive_a_restart() -> None:
    for act, back in ((Act.KILL, Act.UNKILL), (Act.HALT, Act.RESUME)):
        b = Bench(submit=False)
        b.operator(act)
        b.restart()
        b.news()
        b.submit_plan(b.plan)
        assert b.news() == ["DENIED"]
        b.operator(back)
        b.submit_plan(replace(b.plan, plan_id="p2"))
        assert [line.partition(" ")[0] for line in b.news()] == ["submit"]


@SIDES
def test_nothing_fills_and_the_budget_ends(side: str) -> None:
    b = Bench(side)
    b.accepts("E1")
    b.run(60)
    assert b.news()[1:] == ["cancel E1"]
    b.answers("E1", Accepted(None), verb=Verb.CANCEL)
    b.ends("E1")
    b.run(1)  # the confirmation is lost: the read finds it
    assert b.news() == ["SETTLED", "CLOSED"]
    assert b.trade.outcome is Outcome.NOT_ENTERED
    assert b.trade.reason is not None
    assert b.trade.reason.sentence == f"not filled within 60 s inside {b.px(10)}"


@SIDES
def test_a_fill_after_the_cancel_was_confirmed_is_covered(side: str) -> None:
    b = Bench(side)
    b.accepts("E1")
    b.run(60)
    b.cancelled("E1")
    assert b.trade.outcome is Outcome.NOT_ENTERED
    b.news()
    b.run(300)
    b.fills("E1", 100)
    assert b.news() == ["ALARM LATE_FILL", oco(b, "X1", 100)]


@SIDES
def test_an_entry_that_could_not_leave_goes_once_under_the_same_id(side: str) -> None:
    b = Bench(side)
    b.answers("E1", Unavailable("connection refused"))
    b.run(1)
    lines = [line for line in b.news() if line.startswith("submit")]
    assert lines == [f"submit E1 {b.into} 100 LIMIT {b.px(5)} DAY"] * 2
    b.accepts("E1")
    assert b.phase == "WORKING"


def test_late_and_foreign_answers_change_nothing() -> None:
    b = Bench()
    b.accepts("E1")
    step = b.feed(
        RequestAnswered("p1", Verb.SUBMIT, "sf-000000-p1-E9", Accepted(None), b.now, b.now)
    )
    assert step.is_empty
    step = b.feed(RequestAnswered("p9", Verb.SUBMIT, "x", Accepted(None), b.now, b.now))
    assert step.is_empty


@SIDES
@pytest.mark.parametrize("is_closed", [False, True], ids=["covered", "closed"])
def test_shares_are_not_bare_while_the_next_entry_is_in_doubt(side: str, is_closed: bool) -> None:
    """Found by simulation, seed 30346: the first order filled in part and ended, the request for
    the next was lost with the process, and for the 120 s that settle its doubt nothing covered or
    closed the shares. Were it at the broker, the exit would be refused, which is evidence too."""
    b = Bench(side, tactic="passive")
    b.accepts("E1")
    b.quote(1, 3)
    b.run(3)
    b.quote(1, 3)
    assert b.news()[-1] == "cancel E1"
    b.fills("E1", 37)
    b.cancelled("E1")
    assert b.news()[-1].startswith("submit E2")
    if is_closed:
        b.operator(Act.FLATTEN)
    b.restart()
    b.run(0.5)
    (exit_sent,) = (line for line in b.news() if line.startswith("submit"))
    assert exit_sent.startswith(f"submit {'F1' if is_closed else 'X1'} {b.out} 37 OCO")
    assert b.trade.open_entry is not None, "its doubt is settled as before (I10)"
