"""Closing a part: only what is to go goes, and what stays is covered."""

from __future__ import annotations

import pytest

from surefill.core.events import Accepted, Act, Verb
from surefill.core.fix import ExecType, OrdStatus
from surefill.core.reduction import due_qty, is_reducing
from surefill.core.trade import Outcome
from surefill.core.units import NANO
from tests.support.core import Bench, Kind, covered_bench

SIDES = pytest.mark.parametrize("side", ["buy", "sell"])
FIRST_COLLAR = {"buy": "99.49", "sell": "100.52"}
STOP_OF = {"buy": "stop 98.05", "sell": "stop 101.95"}


def closing(b: Bench, name: str, qty: int) -> str:
    """The line of an exit pair that closes now, under a stop."""
    side = "buy" if b.out == "SELL" else "sell"
    return f"submit {name} {b.out} {qty} OCO target {FIRST_COLLAR[side]} {STOP_OF[side]} GTC"


def cover(b: Bench, name: str, qty: int, cents: int = 5) -> str:
    """The line of ordinary cover for a position entered at ``cents``."""
    exits = f"target {b.px(cents + 400)} stop {b.px(cents - 200)}"
    return f"submit {name} {b.out} {qty} OCO {exits} GTC"


def two_groups(side: str, first: int = 37) -> Bench:
    """A bench that holds 100 shares under two exit pairs: 37 (X1) and 63 (X2)."""
    b = Bench(side, beside=True)
    b.accepts("E1")
    b.fills("E1", first)
    b.run(0.6)
    b.accepts("X1")
    b.fills("E1", 100 - first)
    b.run(0.6)
    b.accepts("X2")
    b.run(1)
    assert (b.held, b.covered) == (100, 100)
    b.news()
    return b


@SIDES
def test_one_group_is_cut_in_two(side: str) -> None:
    b = covered_bench(side)
    b.operator(Act.REDUCE, "ACME", qty=40)
    assert b.news() == ["cancel X1"]
    b.cancelled("X1")
    assert b.news() == [closing(b, "F1", 40), cover(b, "X2", 60)]
    b.accepts("X2")
    b.accepts("F1")
    assert b.covered == 100, "both halves stand under a stop"
    b.fills("F1", 40, -2)
    b.run(2)
    assert (b.held, b.covered, b.trade.keep_qty) == (60, 60, None)
    assert b.trade.closing_since_ns is None
    assert b.trade.outcome is None
    b.fills("X2", 60)
    b.run(2)
    assert b.trade.outcome is Outcome.CLOSED_MIXED
    assert b.position() == 0


@SIDES
def test_a_group_that_fits_closes_under_its_own_stop(side: str) -> None:
    b = two_groups(side)
    b.operator(Act.REDUCE, "p1", qty=37)
    assert b.news() == [f"replace X1 -> T1 limit {FIRST_COLLAR[side]}"]
    b.replaces("X1", "T1")
    assert b.covered == 100
    b.fills("T1", 37, -1)
    b.run(2)
    assert b.news() == []
    assert (b.held, b.covered) == (63, 63)


@SIDES
def test_the_largest_that_fits_goes_whole_and_the_rest_is_cut(side: str) -> None:
    b = two_groups(side)
    b.operator(Act.REDUCE, "p1", qty=70)
    assert b.news() == [f"replace X2 -> T1 limit {FIRST_COLLAR[side]}"]
    b.replaces("X2", "T1")
    assert b.news() == ["cancel X1"]
    b.cancelled("X1")
    assert b.news() == [closing(b, "F1", 7), cover(b, "X3", 30)]
    b.accepts("X3")
    b.accepts("F1")
    b.fills("T1", 63, -1)
    b.fills("F1", 7, -1)
    b.run(2)
    assert (b.held, b.covered, b.trade.keep_qty) == (30, 30, None)


@SIDES
@pytest.mark.parametrize(("qty", "line"), [(60, "replace X1 -> T1 limit {px}"), (30, "cancel X1")])
def test_of_two_alike_the_first_is_taken(side: str, qty: int, line: str) -> None:
    b = two_groups(side, 50)
    b.operator(Act.REDUCE, "p1", qty=qty)
    assert b.news() == [line.format(px=FIRST_COLLAR[side])]


@SIDES
def test_all_of_it_or_more_is_a_flatten(side: str) -> None:
    b = covered_bench(side)
    b.operator(Act.REDUCE, qty=250)
    assert b.news() == [f"replace X1 -> T1 limit {FIRST_COLLAR[side]}"]
    assert b.trade.exit_reason is not None
    b.replaces("X1", "T1")
    b.fills("T1", 100, -1)
    b.run(2)
    assert b.trade.outcome is Outcome.CLOSED_FLATTEN


@SIDES
def test_twice_adds_up(side: str) -> None:
    b = covered_bench(side)
    b.operator(Act.REDUCE, qty=10)
    b.operator(Act.REDUCE, qty=20)
    assert b.trade.keep_qty == 70 * NANO
    b.operator(Act.REDUCE, qty=0)
    assert b.trade.keep_qty == 70 * NANO, "nothing is no reduction"
    b.operator(Act.REDUCE, qty=70)
    assert b.trade.exit_reason is not None, "and with this nothing stays"


def test_without_shares_there_is_nothing_to_reduce() -> None:
    b = covered_bench()
    b.fills("X1", 100)
    b.operator(Act.REDUCE, qty=10)
    assert b.trade.keep_qty is None
    assert due_qty(b.trade) == 0
    assert not is_reducing(b.trade)


def test_after_a_flatten_it_says_nothing_new() -> None:
    b = covered_bench()
    b.operator(Act.FLATTEN)
    b.operator(Act.REDUCE, qty=10)
    assert b.trade.keep_qty is None


@SIDES
def test_the_entry_ends_first(side: str) -> None:
    b = Bench(side, beside=True)
    b.accepts("E1")
    b.fills("E1", 37)
    b.run(0.6)
    b.accepts("X1")
    b.news()
    b.operator(Act.REDUCE, qty=7)
    assert b.news() == ["cancel E1"], "nobody buys what he is selling"
    b.executes("E1", 3)
    b.cancelled("E1")
    b.run(0.5)
    assert b.held == 40
    assert b.news()[-2:] == [closing(b, "F1", 3), "cancel X1"], "the late fill goes first"
    assert due_qty(b.trade) == 7 * NANO, "30 were to stay"


@SIDES
def test_a_halted_symbol_keeps_its_cover(side: str) -> None:
    b = covered_bench(side)
    b.quote(halted=True)
    b.operator(Act.REDUCE, qty=40)
    b.run(5)
    assert b.news() == []
    assert b.covered == 100
    b.quote()
    assert b.news() == ["cancel X1"]


@SIDES
def test_shares_that_the_stop_sold_count(side: str) -> None:
    b = covered_bench(side)
    b.operator(Act.REDUCE, qty=40)
    b.fills("X1.stop", 100, -200)
    b.run(3)
    assert b.trade.outcome is Outcome.CLOSED_STOP
    assert b.position() == 0


@SIDES
def test_a_stop_that_fires_is_not_cut(side: str) -> None:
    b = covered_bench(side)
    b.fills("X1.stop", 30, -200)
    target = b.rows["X1"]
    target.status = OrdStatus.CANCELED  # the venue has let it go when the stop was elected
    b.streams(b.report(target, ExecType.CANCELED))
    b.news()
    b.operator(Act.REDUCE, qty=40)
    b.run(2)
    assert b.news() == [], "it is selling already"
    b.fills("X1.stop", 70, -200)
    b.run(2)
    assert b.trade.outcome is Outcome.CLOSED_STOP


@SIDES
def test_a_stop_that_fires_while_its_pair_is_cut_is_left_to_finish(side: str) -> None:
    b = covered_bench(side)
    b.operator(Act.REDUCE, qty=40)
    assert b.news() == ["cancel X1"]
    target = b.rows["X1"]
    target.status = OrdStatus.CANCELED
    b.streams(b.report(target, ExecType.CANCELED))
    b.fills("X1.stop", 30, -200)
    b.run(2)
    assert b.news() == [], "to cancel it would leave the rest bare"
    b.fills("X1.stop", 70, -200)
    b.run(2)
    assert b.trade.outcome is Outcome.CLOSED_STOP


@SIDES
def test_a_closing_order_that_the_market_left_takes_a_wider_step(side: str) -> None:
    b = two_groups(side)
    b.operator(Act.REDUCE, "p1", qty=37)
    b.replaces("X1", "T1")
    b.news()
    b.quote(-120, -118)
    b.run(3)
    assert b.news()[0] == "cancel X1.stop"
    assert due_qty(b.trade) == 0, "it stands for its shares until its end is observed"
    b.cancelled("X1.stop")
    nearest = "98.06" if side == "buy" else "101.94"
    assert b.news() == [f"submit F1 {b.out} 37 OCO target {nearest} {STOP_OF[side]} GTC"]
    b.accepts("F1")
    b.fills("F1", 37)
    b.run(2)
    assert (b.held, b.covered, b.trade.flatten_step) == (63, 63, 0)


@SIDES
def test_a_refused_replacement_takes_the_other_way(side: str) -> None:
    b = two_groups(side)
    b.operator(Act.REDUCE, "p1", qty=37)
    b.refuses("X1", Kind.NOT_REPLACEABLE, Verb.REPLACE)
    b.run(1.6)
    assert "cancel X1" in b.news()
    b.cancelled("X1")
    b.run(1)
    assert b.news()[-1] == closing(b, "F1", 37)
    b.accepts("F1")
    b.fills("F1", 37, -1)
    b.run(2)
    assert (b.held, b.covered) == (63, 63)


def test_a_deferred_closing_order_is_dropped_when_enough_is_gone() -> None:
    b = covered_bench()
    b.operator(Act.REDUCE, qty=40)
    b.cancelled("X1")
    b.accepts("X2")
    b.news()
    b.fills("X2.stop", 60, -200)
    b.refuses("F1", Kind.QTY_UNAVAILABLE)
    b.run(3)
    assert (b.held, b.trade.keep_qty) == (40, None), "60 were to stay, and the stop sold them"
    assert set(b.news()) == {cover(b, "X3", 40)}, "again under its id while nobody answers"


def test_a_stop_that_is_being_moved_is_waited_for() -> None:
    b = Bench(beside=True)
    b.accepts("E1")
    b.fills("E1", 37)
    b.run(0.6)
    b.takes("X1")
    b.fills("E1", 63)
    b.operator(Act.REDUCE, qty=40)
    b.run(0.1)
    assert not any(line.startswith("cancel X1") for line in b.news()), "its cover is on its way"
    b.answers("X1", Accepted(b.report(b.rows["X1"])))
    b.run(0.5)
    assert is_reducing(b.trade)
