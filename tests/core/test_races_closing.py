"""Getting out and starting again: flatten, time exits, kill, hand over, restarts in every phase."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from surefill.core.events import Act, Verb
from surefill.core.fix import ExecType, OrdStatus
from surefill.core.order import OrderState
from surefill.core.trade import Outcome
from surefill.core.units import NANO
from tests.support.core import CLOSE_NS, MINUTE, Bench, Kind, covered_bench

SIDES = pytest.mark.parametrize("side", ["buy", "sell"])
FIRST_COLLAR = {"buy": "99.49", "sell": "100.52"}
STOP_OF = {"buy": "stop 98.05", "sell": "stop 101.95"}


def oco(b: Bench, name: str, qty: int, cents: int = 5) -> str:
    """The line of an OCO for a position entered at ``cents``."""
    exits = f"target {b.px(cents + 400)} stop {b.px(cents - 200)}"
    return f"submit {name} {b.out} {qty} OCO {exits} GTC"


@SIDES
def test_flatten_moves_the_target_and_keeps_the_stop(side: str) -> None:
    b = covered_bench(side)
    b.operator(Act.FLATTEN, "ACME")
    assert b.news() == [f"replace X1 -> T1 limit {FIRST_COLLAR[side]}"]
    assert b.covered == 100, "the stop covers meanwhile"
    b.replaces("X1", "T1")
    b.fills("T1", 100, -1)
    b.run(2)
    assert b.news() == ["CLOSED"]
    assert b.trade.outcome is Outcome.CLOSED_FLATTEN
    assert b.trade.reason is not None
    assert b.trade.reason.sentence == "flatten: desk: asked"
    assert b.position() == 0


@SIDES
def test_flatten_whose_first_step_does_not_fill_widens(side: str) -> None:
    b = covered_bench(side)
    b.operator(Act.FLATTEN, "p1")
    b.replaces("X1", "T1")
    b.news()
    b.run(5)
    assert b.news() == [], "the market can still meet it"
    b.quote(-120, -118)
    b.run(1.6)
    assert b.news()[0] == "cancel X1.stop", "with any member the whole group ends"
    b.cancelled("X1.stop")
    nearest = "98.06" if side == "buy" else "101.94"  # one tick before the stop
    assert b.news() == [f"submit F1 {b.out} 100 OCO target {nearest} {STOP_OF[side]} GTC"]
    b.accepts("F1")
    b.fills("F1", 100)
    b.run(2)
    assert b.trade.outcome is Outcome.CLOSED_FLATTEN


@SIDES
def test_flatten_asks_about_a_cancel_that_nobody_confirms(side: str) -> None:
    b = covered_bench(side)
    b.fills("X1", 40)
    b.operator(Act.FLATTEN)
    before = len(b.asked())
    b.run(3)
    assert b.news()[0] == "cancel X1"
    assert len(b.asked()) > before
    b.ends("X1")
    b.run(3)
    assert b.news()[-1].startswith(f"submit F1 {b.out} 60 OCO")


@SIDES
def test_flatten_leaves_a_stop_alone_that_is_firing(side: str) -> None:
    b = covered_bench(side)
    target = b.rows["X1"]
    target.status = OrdStatus.CANCELED  # the venue lets the target go when it elects the stop
    b.streams(b.report(target, ExecType.CANCELED))
    b.news()
    b.operator(Act.FLATTEN)
    b.run(2)
    assert b.news() == [], "to cancel it would only leave the shares bare"
    b.fills("X1.stop", 100, -200)
    b.run(2)
    assert b.trade.outcome is Outcome.CLOSED_STOP


@SIDES
def test_flatten_after_the_target_took_some(side: str) -> None:
    b = covered_bench(side)
    b.fills("X1", 40)
    b.operator(Act.FLATTEN)
    assert b.news() == ["cancel X1"]
    b.cancelled("X1")
    assert b.news() == [f"submit F1 {b.out} 60 OCO target {FIRST_COLLAR[side]} {STOP_OF[side]} GTC"]
    b.accepts("F1")
    b.fills("F1", 60, -2)
    b.run(2)
    assert b.trade.outcome is Outcome.CLOSED_MIXED
    assert b.position() == 0


@SIDES
def test_flatten_while_the_entry_works_ends_the_entry_first(side: str) -> None:
    b = Bench(side)
    b.accepts("E1")
    b.fills("E1", 37)
    b.operator(Act.FLATTEN)
    assert b.news()[1:] == ["cancel E1"]
    b.cancelled("E1")
    assert b.news() == [f"submit F1 {b.out} 37 OCO target {FIRST_COLLAR[side]} {STOP_OF[side]} GTC"]
    b.accepts("F1")
    b.fills("F1", 37, -2)
    b.run(2)
    assert b.trade.outcome is Outcome.CLOSED_FLATTEN


@SIDES
def test_flatten_target_replacement_refused_takes_the_other_way(side: str) -> None:
    b = covered_bench(side)
    b.operator(Act.FLATTEN)
    b.refuses("X1", Kind.NOT_REPLACEABLE, Verb.REPLACE)
    b.run(1.6)
    assert b.news()[1:2] == ["cancel X1"]
    b.cancelled("X1")
    b.run(1)
    pair = f"target {FIRST_COLLAR[side]} {STOP_OF[side]} GTC"
    assert b.news()[-1] == f"submit F1 {b.out} 100 OCO {pair}"


@SIDES
def test_flatten_waits_while_the_symbol_is_halted(side: str) -> None:
    b = covered_bench(side)
    b.quote(halted=True)
    b.operator(Act.FLATTEN)
    b.run(5)
    assert b.news() == []
    assert b.covered == 100
    b.quote()
    assert b.news() == [f"replace X1 -> T1 limit {FIRST_COLLAR[side]}"]


@SIDES
def test_flatten_without_a_quote_waits_under_its_stop(side: str) -> None:
    b = covered_bench(side)
    b.engine.views.clear()
    b.operator(Act.FLATTEN)
    b.run(10)
    assert b.news() == []
    assert b.covered == 100
    b.quote()
    assert b.news() == [f"replace X1 -> T1 limit {FIRST_COLLAR[side]}"]


@SIDES
def test_flatten_of_bare_shares_without_a_quote_uses_the_plans_own_stop(side: str) -> None:
    b = Bench(side)
    b.engine.views.clear()
    b.accepts("E1")
    b.operator(Act.FLATTEN)
    b.fills("E1", 100)
    # The stop 98.05 (101.95) less 50 bp, toward the far side.
    first = "97.55" if side == "buy" else "102.46"
    assert b.news()[-1] == f"submit F1 {b.out} 100 LIMIT {first} DAY"


@SIDES
def test_flatten_near_the_stop_leaves_the_exit_to_the_stop(side: str) -> None:
    b = covered_bench(side)
    b.quote(-195, -193)
    b.operator(Act.FLATTEN)
    b.run(5)
    assert b.news() == []
    b.fills("X1.stop", 100, -196)
    b.run(2)
    assert b.trade.outcome is Outcome.CLOSED_STOP


@SIDES
def test_flatten_with_a_lone_stop(side: str) -> None:
    b = Bench(side)
    b.accepts("E1")
    b.fills("E1", 100)
    b.refuses("X1", Kind.OTHER)
    b.accepts("S1")
    b.run(1)
    b.news()
    b.operator(Act.FLATTEN)
    assert b.news() == ["cancel S1"]
    b.cancelled("S1")
    assert b.news() == [f"submit F1 {b.out} 100 LIMIT {FIRST_COLLAR[side]} DAY"]


@SIDES
def test_time_exit(side: str) -> None:
    b = covered_bench(side, exit_in_s=300)
    b.run(295)
    assert b.news() == []
    b.run(5)
    assert b.news() == [f"replace X1 -> T1 limit {FIRST_COLLAR[side]}"]
    b.replaces("X1", "T1")
    b.fills("T1", 100, -1)
    b.run(2)
    assert b.trade.outcome is Outcome.CLOSED_TIME


@SIDES
def test_flat_by_the_close(side: str) -> None:
    b = covered_bench(side, flat_by_close=True, start_ns=CLOSE_NS - 10 * MINUTE)
    b.run(297)
    assert b.news() == []
    b.run(3)
    assert b.news() == [f"replace X1 -> T1 limit {FIRST_COLLAR[side]}"]


@SIDES
def test_hand_over_needs_full_cover_and_leaves_it(side: str) -> None:
    b = Bench(side)
    b.accepts("E1")
    b.fills("E1", 100)
    b.operator(Act.HAND_OVER)
    assert b.trade.outcome is None, "not covered yet"
    b.accepts("X1")
    b.run(1)
    b.news()
    b.operator(Act.HAND_OVER)
    assert b.news() == ["CLOSED"]
    assert b.trade.outcome is Outcome.HANDED_OVER
    b.fills("X1", 100)
    b.run(60)
    assert b.news() == []
    assert b.trade.outcome is Outcome.HANDED_OVER


@SIDES
def test_kill_covers_what_filled_and_never_cancels_cover(side: str) -> None:
    b = covered_bench(side)
    b.operator(Act.KILL)
    b.run(60)
    assert b.news() == []
    assert b.covered == 100
    b.operator(Act.FLATTEN)
    assert b.news() == [f"replace X1 -> T1 limit {FIRST_COLLAR[side]}"], "reducing always passes"


@SIDES
def test_late_fill_of_the_entry_while_exiting(side: str) -> None:
    """More shares than the exits stand for: they get an additional group (I20)."""
    b = Bench(side)
    b.accepts("E1")
    b.fills("E1", 37)
    b.run(0.45)
    b.cancelled("E1")
    b.accepts("X1")
    b.run(1)
    b.news()
    b.fills("E1", 20)
    assert b.news() == [oco(b, "X2", 20)]
    b.accepts("X2")
    b.run(1)
    assert (b.held, b.covered) == (57, 57)


# -- restarts ----------------------------------------------------------------------------------


def before_the_answer(b: Bench) -> None:
    b.takes("E1")


def lost_before_the_broker(b: Bench) -> None:
    b.run(0.01)


def working(b: Bench) -> None:
    b.accepts("E1")


def partial(b: Bench) -> None:
    b.accepts("E1")
    b.fills("E1", 37)


def partial_unseen(b: Bench) -> None:
    b.accepts("E1")
    b.executes("E1", 37)


def cancelling(b: Bench) -> None:
    partial(b)
    b.run(0.41)
    b.ends("E1")


def filled_uncovered(b: Bench) -> None:
    b.accepts("E1")
    b.executes("E1", 100)


def cover_in_flight(b: Bench) -> None:
    b.accepts("E1")
    b.fills("E1", 100)
    b.takes("X1")


def cover_lost(b: Bench) -> None:
    b.accepts("E1")
    b.fills("E1", 100)


def covered(b: Bench) -> None:
    cover_lost(b)
    b.accepts("X1")
    b.run(1)


def stop_filled_unseen(b: Bench) -> None:
    covered(b)
    b.executes("X1.stop", 100, -195)


def exiting(b: Bench) -> None:
    covered(b)
    b.operator(Act.FLATTEN)
    b.replaces("X1", "T1", told=False)


def bracket(b: Bench) -> None:
    b.accepts("E1")
    b.executes("E1", 100)


PHASES: dict[str, tuple[Callable[[Bench], None], str]] = {
    "in flight, accepted": (before_the_answer, "limit"),
    "in flight, lost": (lost_before_the_broker, "limit"),
    "working": (working, "limit"),
    "partial": (partial, "limit"),
    "partial, unseen": (partial_unseen, "limit"),
    "cancelling": (cancelling, "limit"),
    "filled and uncovered": (filled_uncovered, "limit"),
    "cover in flight": (cover_in_flight, "limit"),
    "cover lost": (cover_lost, "limit"),
    "covered": (covered, "limit"),
    "stop filled, unseen": (stop_filled_unseen, "limit"),
    "exiting": (exiting, "limit"),
    "bracket filled, unseen": (bracket, "marketable"),
}


def finish(b: Bench, seen: int) -> None:
    """For 65 s the broker does what it is asked; what was lost before stays lost."""
    for _ in range(260):
        b.run(0.25)
        while seen < len(b.lines):
            obey(b, b.lines[seen])
            seen += 1


def obey(b: Bench, line: str) -> None:
    """Do what one line asks for; a closing order fills at once."""
    verb, _, rest = line.partition(" ")
    name = rest.split(" ")[0]
    if verb == "submit" and name not in b.rows:
        row = b.accepts(name)
        if name.startswith("F"):
            b.fills(name, row.spec.order_qty // NANO)
    elif verb == "cancel" and not b.rows[name].status.is_terminal:
        b.cancelled(name)
    elif verb == "replace" and not b.rows[name].status.is_terminal:
        b.replaces(name, rest.split(" ")[2])


@SIDES
@pytest.mark.parametrize("phase", PHASES)
def test_restart_in_every_phase(side: str, phase: str) -> None:
    prepare, tactic = PHASES[phase]
    b = Bench(side, tactic=tactic)
    prepare(b)
    seen = len(b.lines)
    restarted_ns = b.now
    b.restart()
    finish(b, seen)
    trade = b.trade
    held = b.position() * b.sign
    assert (b.held, b.covered) == (held, held)
    submits = [line for line in b.lines if line.startswith("submit E")]
    assert len(submits) == 1, "never a second entry"
    assert held in (0, 37, 100)
    ended = trade.is_closed or (trade.is_settled and held > 0)
    assert ended or trade.entries[0].state is OrderState.IN_DOUBT
    covers = [at for at in b.times("submit X") if at > restarted_ns]
    assert len(covers) <= 1
    assert [a for a in b.alarms if a not in ("IN_DOUBT",)] == []


def test_restart_reads_before_it_acts() -> None:
    b = Bench()
    b.accepts("E1")
    b.executes("E1", 100)
    b.reads = False
    b.restart()
    b.run(30)
    assert [line for line in b.news() if line.startswith("submit X")] == []
    b.reads = True
    b.run(5)
    assert {line for line in b.news() if line.startswith("submit X")} == {oco(b, "X1", 100)}


def test_restart_with_an_absent_entry_under_watch() -> None:
    b = Bench()
    b.loses("E1")
    b.run(135)
    assert b.trade.outcome is Outcome.NOT_ENTERED
    b.restart()
    b.news()
    b.takes("E1")
    b.fills("E1", 100)
    assert b.news() == ["ALARM LATE_FILL", oco(b, "X1", 100)]


def test_a_busted_entry_closes_as_not_entered_and_never_enters_again() -> None:
    b = Bench()
    b.accepts("E1")
    b.fills("E1", 100)
    b.accepts("X1")
    b.run(1)
    b.news()
    row = b.rows["E1"]
    row.cum_qty = row.cost = 0

    b.streams(replace(b.history[0], exec_type=ExecType.TRADE_CANCEL, cum_qty=0, venue_ns=b.now))
    assert b.news() == ["ALARM VENUE_BUST", "cancel X1"]
    b.cancelled("X1")
    b.run(60)
    assert b.trade.outcome is Outcome.NOT_ENTERED
    assert [line for line in b.news() if line.startswith("submit")] == []


def test_day_cover_that_expired_is_renewed_the_next_morning() -> None:
    b = covered_bench(tactic="limit", start_ns=CLOSE_NS - 10 * MINUTE)
    b.cancelled("X1", OrdStatus.EXPIRED)
    assert b.news() == ["ALARM COVER_LOST", oco(b, "X2", 100)]


@SIDES
def test_a_refused_closing_pair_is_followed_by_the_plain_order_at_once(side: str) -> None:
    b = covered_bench(side)
    b.fills("X1", 40)
    b.operator(Act.FLATTEN)
    b.cancelled("X1")
    b.news()
    b.refuses("F1", Kind.PRICE_THROUGH)
    assert b.news()[-1] == f"submit F2 {b.out} 60 LIMIT {FIRST_COLLAR[side]} DAY"


@SIDES
def test_a_close_does_not_wait_for_ever_beside_a_stop_that_nothing_elects(side: str) -> None:
    b = covered_bench(side)
    b.quote(-200, -150)  # the near side is through the stop at -195, the far side is not
    b.operator(Act.FLATTEN, "p1")
    assert b.news() == [], "no target can be turned: the stop is the exit"
    b.run(29)
    assert b.news() == []
    b.run(3)
    assert b.news()[:1] == ["cancel X1"]
    b.cancelled("X1")
    b.run(1)
    assert b.news()[-1].startswith(f"submit F1 {b.out} 100 LIMIT")


@SIDES
def test_a_closing_order_beside_its_stop_is_not_given_up_when_price_passes_both(side: str) -> None:
    b = covered_bench(side)
    b.quote(-190, -185)
    b.operator(Act.FLATTEN, "p1")
    b.replaces("X1", "T1")  # one tick before the stop at -195
    b.news()
    b.quote(-200, -150)
    b.run(20)
    assert b.news() == [], "the stop fires with the next print; it is not cancelled for an order"
    assert b.covered == 100
    b.run(12)
    assert b.news()[0].startswith("cancel"), "but nobody waits for ever"
