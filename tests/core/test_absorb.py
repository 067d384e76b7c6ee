"""Taking in answers and reads: what counts, what is old, what is not ours (I10, I11, R1, R7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from surefill.core.absorb import (
    STRAYS_MAX,
    _carry,
    absorb_listing,
    step_down,
)
from surefill.core.events import (
    Accepted,
    Act,
    Answer,
    FillsRead,
    InDoubt,
    OrdersRead,
    RateLimited,
    Rejected,
    RequestAnswered,
    Unavailable,
    Verb,
)
from surefill.core.fix import ExecType, OrdStatus
from surefill.core.order import OrderState
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.trade import Rung
from surefill.core.turn import Context, Turn
from surefill.core.units import NANO
from surefill.tactics.registry import TACTICS
from tests.support.core import Bench, Kind, S, covered_bench

NO = Rejected(Kind.OTHER, "no")
EARLY: list[Answer] = [NO, RateLimited(0), Unavailable("x"), InDoubt("x"), Accepted(None)]


def state_of(b: Bench, name: str) -> OrderState:
    """Where an order stands."""
    order = b.trade.order(b.key(name))
    assert order is not None
    return order.state


@pytest.mark.parametrize("answer", EARLY)
def test_whatever_is_answered_after_the_stream_showed_the_order_it_works(answer: Answer) -> None:
    b = Bench()
    row = b.takes("E1")
    b.streams(b.report(row, ExecType.NEW))
    b.answers("E1", answer)
    assert state_of(b, "E1") is OrderState.WORKING


@pytest.mark.parametrize("answer", EARLY)
def test_whatever_is_answered_after_the_end_it_is_over(answer: Answer) -> None:
    b = Bench()
    b.takes("E1")
    b.cancelled("E1")
    b.answers("E1", answer)
    assert state_of(b, "E1") is OrderState.CANCELED


def test_the_answer_to_a_cancel_decides_nothing_but_a_refusal_looks_at_once() -> None:
    b = Bench()
    b.accepts("E1")
    b.run(60)
    assert b.news()[1:] == ["cancel E1"]
    for answer in (Accepted(None), InDoubt("x"), Unavailable("x")):
        b.answers("E1", answer, verb=Verb.CANCEL)
        assert state_of(b, "E1") is OrderState.WORKING
    asked = len(b.asked())
    b.refuses("E1", Kind.NOT_FOUND, Verb.CANCEL)
    assert b.asked()[asked:] == ["? E1"]
    b.cancelled("E1")
    b.refuses("E1", Kind.ALREADY_TERMINAL, Verb.CANCEL)
    assert state_of(b, "E1") is OrderState.CANCELED


@pytest.mark.parametrize("answer", EARLY)
def test_late_answers_to_a_replace_whose_successor_is_known(answer: Answer) -> None:
    b = Bench(tactic="marketable")
    b.accepts("E1")
    b.fills("E1", 100, 4)
    row = b.replaces("E1.stop", "S1", told=False)
    b.streams(b.report(b.rows["E1.stop"], ExecType.REPLACED))
    b.streams(b.report(row, ExecType.NEW))
    b.answers("E1.stop", answer, verb=Verb.REPLACE)
    assert state_of(b, "S1") is OrderState.WORKING
    assert b.covered == 100


@pytest.mark.parametrize(
    "answer", [Accepted(None), Rejected(Kind.NOT_FOUND, "no"), NO, Unavailable("x")]
)
def test_reads_of_an_order_that_is_not_in_doubt_change_nothing(answer: Answer) -> None:
    b = Bench()
    b.accepts("E1")
    before = b.trade
    b.feed(RequestAnswered("p1", Verb.QUERY, b.key("E1"), answer, b.now, b.now))
    assert b.trade == before


def test_a_read_that_is_older_than_the_send_is_no_evidence() -> None:
    b = Bench()
    b.loses("E1")
    old = Rejected(Kind.NOT_FOUND, "no")
    b.feed(RequestAnswered("p1", Verb.QUERY, b.key("E1"), old, b.trade.orders[0].sent_ns, b.now))
    assert b.trade.orders[0].absent_reads == 0


def test_a_replacement_of_an_order_that_is_not_ours_is_a_stray() -> None:
    b = covered_bench()
    stranger = replace(
        b.report(b.rows["X1"], ExecType.NEW), order_id="z", cl_ord_id="z", replaces="nobody"
    )
    b.streams(stranger)
    assert b.trade.strays == (stranger,)
    b.streams(stranger)
    assert b.trade.strays == (stranger,), "once"


def test_a_replacement_that_the_broker_named_itself_is_the_one_we_asked_for() -> None:
    b = Bench(tactic="marketable")
    b.accepts("E1")
    b.fills("E1", 100, 4)
    row = b.replaces("E1.stop", "S1", told=False)
    b.answers("E1.stop", Accepted(replace(b.report(row), cl_ord_id="broker")), verb=Verb.REPLACE)
    order = b.trade.order(f"sf-{b.engine.tag}-p1-S1")
    assert order is not None
    assert (order.state, order.order_id) == (OrderState.WORKING, row.order_id)


def test_strays_are_bounded() -> None:
    b = covered_bench()
    for n in range(STRAYS_MAX + 5):
        b.streams(
            replace(b.report(b.rows["X1"], ExecType.NEW), order_id=f"z{n}", cl_ord_id=f"z{n}")
        )
    assert len(b.trade.strays) == STRAYS_MAX


def test_a_leg_that_filled_before_we_were_told_of_it() -> None:
    b = Bench()
    b.accepts("E1")
    b.fills("E1", 100)
    row = b.takes("X1")
    b.executes("X1.stop", 100, -195)
    b.streams(b.history[-1])
    assert len(b.trade.strays) == 1
    first = replace(b.report(row), ord_status=OrdStatus.NEW)
    leg = replace(first.legs[0], cum_qty=0, ord_status=OrdStatus.NEW)
    b.answers("X1", Accepted(replace(first, legs=(leg,))))
    assert not b.trade.strays
    assert b.held == 0


def test_a_listing_is_a_reason_to_look_and_nothing_more() -> None:
    b = covered_bench()
    for name in ("X1", "X1.stop"):
        assert state_of(b, name) is OrderState.WORKING
    asked = len(b.asked())
    b.feed(OrdersRead((), b.now - 3600 * S, b.now, b.now))
    assert state_of(b, "X1") is OrderState.WORKING
    assert b.asked()[asked:] == ["? X1"]
    b.feed(OrdersRead((), b.now, b.now, b.now))
    assert b.asked()[asked:] == ["? X1"], "sent before the listing's window"


def test_a_listing_before_the_settle_time_does_not_make_an_order_absent() -> None:
    b = Bench()
    b.loses("E1")
    turn = Turn(b.trade, Context(now=b.now, tactic=TACTICS["limit"]))
    absorb_listing(turn, OrdersRead((), 0, b.now, b.now), ())
    assert not turn.trade.orders[0].is_unlisted


def test_executions_of_others_are_not_ours() -> None:
    b = covered_bench()
    before = b.trade
    stranger = replace(b.history[0], order_id="z", exec_id="z")
    b.feed(FillsRead((stranger,), 0, b.now, b.now))
    assert b.trade == before


def test_what_fills_while_a_replacement_is_pending_is_not_counted_twice() -> None:
    """R10. Found by simulation, seed 14276: both orders showed 274 shares, the executor took the
    second for an over-fill, bought shares back, and left them bare."""
    for order_of_news in ((0, 1), (1, 0)):
        b = covered_bench()
        b.operator(Act.FLATTEN)
        filled = b.executes("X1", 40)
        later: list[Callable[[], object]] = [
            partial(b.streams, filled),
            partial(b.replaces, "X1", "T1"),
        ]
        for n in order_of_news:
            later[n]()
        assert b.held == 60
        b.fills("T1", 60)
        b.run(2)
        assert b.held == 0
        assert "VENUE_OVERFILL" not in b.alarms
        assert b.trade.exit_qty == 100 * NANO


def test_what_is_carried_is_carried_on() -> None:
    b = covered_bench()
    b.operator(Act.FLATTEN)
    b.replaces("X1", "T1")
    old, new = (b.trade.order(b.rows[name].cl_ord_id) for name in ("X1", "T1"))
    assert old is not None
    assert new is not None
    third = replace(new, key="T2", order_id="t2", replaces=new.order_id)
    trade = replace(b.trade, orders=(*b.trade.orders, third))
    turn = Turn(trade, Context(now=b.now, tactic=TACTICS["limit"]))
    _carry(turn, replace(old, reported_qty=40 * NANO))
    carried = [order.carried_qty for order in turn.trade.orders if order.replaces]
    assert carried == [40 * NANO, 40 * NANO]


def test_the_ladder() -> None:
    trade = Bench().trade
    second = step_down(trade, "no")
    assert (second.rung, second.exit_reason) == (Rung.STOP, None)
    third = step_down(second, "no")
    reason = Reason.of(ReasonCode.COVER_REFUSED, rung="STOP", text="no")
    assert (third.rung, third.exit_reason) == (Rung.FLATTEN, reason)
    flatten = Reason.of(ReasonCode.TIME_EXIT)
    assert step_down(replace(second, exit_reason=flatten), "no").exit_reason == flatten


def reads(b: Bench, name: str, sent_ns: int) -> None:
    """A targeted read of an order, sent then, is answered now."""
    answer = Accepted(b.report(b.rows[name]))
    b.feed(RequestAnswered("p1", Verb.QUERY, b.key(name), answer, sent_ns, b.now))


def test_legs_that_are_held_right_after_the_fill_are_not_given_up() -> None:
    b = Bench(tactic="marketable")
    b.accepts("E1")
    b.streams(b.executes("E1", 100))
    for leg in b.rows["E1"].legs:
        leg.working = False
    reads(b, "E1", b.now)
    assert not b.trade.groups[0].is_ended
    reads(b, "E1", b.now + 2 * S)
    assert b.trade.groups[0].is_ended, "held for so long they protect nothing (V20)"


def test_executions_listed_from_later_on_settle_no_dispute() -> None:
    b = covered_bench()
    b.rows["E1"].cum_qty -= 30 * NANO
    b.run(0.1)
    reads(b, "E1", b.now)
    entry = b.trade.order(b.key("E1"))
    assert entry is not None
    assert entry.is_disputed
    b.feed(FillsRead((), b.trade.accepted_ns + S, b.now, b.now))
    assert b.held == 100, "what is not asked for is not missing"


def test_a_listing_that_agrees_with_nobody_proves_nothing() -> None:
    b = covered_bench()
    b.rows["E1"].cum_qty -= 30 * NANO
    b.run(0.1)
    reads(b, "E1", b.now)
    b.feed(FillsRead((), b.trade.accepted_ns - S, b.now, b.now))
    entry = b.trade.order(b.key("E1"))
    assert entry is not None
    assert (b.held, entry.is_disputed) == (100, True)


@pytest.mark.parametrize(
    ("answer", "is_spent"),
    [
        (Rejected(Kind.PENDING, "pending"), False),
        (RateLimited(0), False),
        (Unavailable("reset"), False),
        (Rejected(Kind.PRICE_THROUGH, "through"), True),
        (NO, True),
    ],
)
def test_a_refused_move_spends_the_limit_unless_only_the_moment_was_wrong(
    answer: Answer, is_spent: bool
) -> None:
    b = Bench(tactic="marketable")
    b.accepts("E1")
    b.fills("E1", 100, 4)
    assert len(b.trade.exit_changes) == 1
    b.answers("E1.stop", answer, verb=Verb.REPLACE)
    assert len(b.trade.exit_changes) == is_spent
    assert b.trade.change_failures == 1
    b.answers("E1.stop", answer, verb=Verb.REPLACE)  # told twice, given back once
    assert len(b.trade.exit_changes) == is_spent


def test_a_move_that_was_lost_on_its_way_stays_spent() -> None:
    """It may still arrive (N2): only a refusal proves that it will not."""
    b = Bench(tactic="marketable")
    b.accepts("E1")
    b.fills("E1", 100, 4)
    b.loses("E1.stop", Verb.REPLACE)
    b.run(0.5)
    assert state_of(b, "S1") is OrderState.ABSENT
    assert len(b.trade.exit_changes) == 1
    assert b.trade.change_failures == 1
    b.run(1)
    b.replaces("E1.stop", "S2")
    assert b.trade.change_failures == 0


def moving(side: str) -> Bench:
    """A trade being closed by its target, whose move was sent and never answered."""
    b = covered_bench(side)
    b.run(1)
    b.operator(Act.FLATTEN)
    assert b.news()[0].startswith("replace X1 -> T1")
    return b


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_move_that_the_broker_is_seen_to_have_is_not_lost(side: str) -> None:
    """Found by simulation, seed 15476: a read from the past did not find it, and when its order was
    replaced the stop beside it was cancelled."""
    b = moving(side)
    b.rows["X1"].status = OrdStatus.PENDING_REPLACE
    b.streams(b.report(b.rows["X1"], ExecType.PENDING_REPLACE))
    b.loses("X1", Verb.REPLACE)
    b.run(1)
    assert state_of(b, "T1") is OrderState.IN_DOUBT
    b.replaces("X1", "T1", told=False)
    b.streams(b.report(b.rows["X1"], ExecType.REPLACED))
    b.run(3)
    assert state_of(b, "T1") is OrderState.WORKING
    assert b.news() == []


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_move_put_down_as_lost_is_looked_for_when_its_order_is_replaced(side: str) -> None:
    b = moving(side)
    b.loses("X1", Verb.REPLACE)
    b.run(0.1)
    assert state_of(b, "T1") is OrderState.ABSENT
    b.replaces("X1", "T1", told=False)
    b.reads = False
    b.streams(b.report(b.rows["X1"], ExecType.REPLACED))
    assert state_of(b, "T1") is OrderState.IN_DOUBT
    b.feed(
        RequestAnswered(
            "p1", Verb.QUERY, b.key("T1"), Rejected(Kind.NOT_FOUND, "old"), b.now, b.now
        )
    )
    assert state_of(b, "T1") is OrderState.IN_DOUBT, "somebody stands in its place"
    b.reads = True
    b.run(6)
    assert state_of(b, "T1") is OrderState.WORKING
    assert b.news() == []
