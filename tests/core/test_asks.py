"""Where many trades' cover is unanswered, they ask in turn, and none waits once one is answered."""

from __future__ import annotations

import pytest

from surefill.core.asks import APART_NS, FEW, LATE_NS, ask_from_ns, in_question
from surefill.core.fix import Leg
from surefill.core.order import OrderState
from surefill.core.plan import SECOND_NS
from surefill.core.trade import Trade
from surefill.core.values import replace
from surefill.replay.simulate.recovery import recover
from tests.support.core import START_NS, Bench, covered_bench

COVERED = covered_bench().trade
ENTERING = Bench().trade
NOW = START_NS + 60 * SECOND_NS
S = OrderState


def unanswered(plan_id: str, asked_ns: int = 0, **more: object) -> Trade:
    """A trade whose exits were sent, and never seen at the broker."""
    made = {"state": S.IN_DOUBT, "order_id": None, "sent_ns": NOW, "asked_ns": asked_ns} | more
    orders = tuple(
        one if one.leg is Leg.ENTRY else replace(one, **made)  # type: ignore[arg-type]
        for one in COVERED.orders
    )
    return replace(COVERED, plan=replace(COVERED.plan, plan_id=plan_id), orders=orders)


@pytest.mark.parametrize(
    ("more", "is_open"),
    [
        ({}, True),
        ({"state": S.IN_FLIGHT}, False),
        ({"state": S.IN_FLIGHT, "sent_ns": NOW - LATE_NS}, True),
        ({"state": S.IN_FLIGHT, "absent_since_ns": NOW}, True),
        ({"state": S.UNSENT}, False),
        ({"state": S.UNSENT, "absent_since_ns": NOW}, True),
        ({"state": S.REJECTED}, False),
        ({"order_id": "known"}, False),
        ({"replaces": "another"}, False),
    ],
    ids=lambda value: str(value),
)
def test_what_is_in_question(more: dict[str, object], is_open: bool) -> None:
    assert in_question(unanswered("p1", 0, **more), NOW) is is_open
    assert not in_question(COVERED, NOW)


def test_an_entry_in_doubt_is_no_question_of_cover() -> None:
    doubted = tuple(replace(one, state=S.IN_DOUBT, order_id=None) for one in ENTERING.orders)
    assert not in_question(replace(ENTERING, orders=doubted), NOW)


def test_a_few_ask_at_their_own_pace() -> None:
    few = [unanswered(f"p{n}", NOW) for n in range(FEW)]
    assert [ask_from_ns(one, [*few, COVERED], NOW) for one in few] == [0] * FEW
    assert ask_from_ns(COVERED, [*few, unanswered("more")], NOW) == 0


def test_many_ask_one_after_another_who_has_not_for_longest_first() -> None:
    many = [unanswered(f"p{n}", NOW - n * SECOND_NS) for n in range(FEW + 1)]
    from_ns = [ask_from_ns(one, many, NOW) for one in reversed(many)]
    assert from_ns == [NOW + place * APART_NS for place in range(1, FEW + 2)]
    assert ask_from_ns(unanswered("closed"), many, NOW) == NOW + (FEW + 2) * APART_NS


def test_of_those_that_never_asked_one_may_at_once() -> None:
    many = [unanswered(f"p{n}") for n in range(FEW + 1)]
    assert ask_from_ns(many[0], many, NOW) <= NOW


def test_many_bare_trades_leave_requests_for_their_cover() -> None:
    found = recover(25, lost_ms=6_000)
    assert found.covered_ns[-1] < 6_000_000_000 + 2 * SECOND_NS, "I3 c; 62 s when each asked alone"
    assert found.reads < 60
