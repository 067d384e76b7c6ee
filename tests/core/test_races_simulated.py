"""Races that the simulation found (docs/simulation.md), each as small as it gets; seeds in the
docstrings are those of the day on which they were found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surefill.core.events import Accepted, Act, PositionsRead, ReportReceived, Verb
from surefill.core.fix import ExecType, OrdStatus
from surefill.core.reasons import ReasonCode
from surefill.core.trade import PHASES, Outcome, Phase
from surefill.core.units import NANO
from tests.support.core import CLOSE_NS, MINUTE, MS, Bench, Kind, covered_bench

SIDES = pytest.mark.parametrize("side", ["buy", "sell"])


def oco(b: Bench, name: str, qty: int, cents: int = 5) -> str:
    """The line of an OCO for a position entered at ``cents``."""
    exits = f"target {b.px(cents + 400)} stop {b.px(cents - 200)}"
    return f"submit {name} {b.out} {qty} OCO {exits} GTC"


def held_bracket(side: str) -> Bench:
    """A bracket whose entry is filled and whose legs the broker keeps back (V20)."""
    b = Bench(side, tactic="marketable")
    b.accepts("E1")
    report = b.executes("E1", 100)
    for leg in b.rows["E1"].legs:
        leg.working = False
    b.run(0.04)
    b.streams(report)
    return b


@SIDES
def test_bracket_legs_that_stay_held_protect_nothing(side: str) -> None:
    """Found by simulation, seed 69: both exits held, taken for cover until the time exit."""
    b = held_bracket(side)
    b.run(0.9)
    assert "cancel" not in " ".join(b.news()), "arming takes a moment"
    b.run(0.2)
    assert b.news() == ["ALARM COVER_LOST", "cancel E1.target"]
    b.cancelled("E1.target")
    assert b.news() == [oco(b, "X1", 100, 10)]
    b.accepts("X1")
    assert (b.held, b.covered) == (100, 100)


@SIDES
def test_legs_that_were_armed_without_a_word_are_left_alone(side: str) -> None:
    b = held_bracket(side)
    b.run(0.5)
    b.rows["E1.target"].working = True  # its event was lost
    b.run(30)
    assert b.news()[1:] == ["SETTLED"]
    assert (b.held, b.covered, b.alarms) == (100, 100, [])


@SIDES
def test_the_end_of_useless_exits_is_asked_for_until_it_comes(side: str) -> None:
    """The request to cancel may be lost like any other; nothing else would ever repeat it."""
    b = held_bracket(side)
    b.run(5)
    cancels = [line for line in b.news() if line.startswith("cancel")]
    assert cancels[0] == "cancel E1.target"
    assert len(cancels) > 1


@SIDES
def test_a_target_that_fills_before_its_answer_leaves_no_unknown_stop_behind(side: str) -> None:
    """Found by simulation, seed 40: closed, and 2 ms later re-opened by the answer's stop leg."""
    b = Bench(side)
    b.accepts("E1")
    b.fills("E1", 100)
    b.takes("X1")
    b.fills("X1", 100)
    assert b.held == 0
    assert b.trade.outcome is None, "the stop beside it has not been heard of"
    b.run(1)
    assert b.trade.outcome is Outcome.CLOSED_TARGET
    assert b.trade.order(b.rows["X1.stop"].cl_ord_id) is not None
    assert b.alarms == []


@SIDES
def test_an_exit_that_filled_unseen_is_not_taken_for_a_close_elsewhere(side: str) -> None:
    """Found by simulation, seed 174: the stream was down, the position was flat, and the executor
    bought back what its own target had sold."""
    b = covered_bench(side)
    b.executes("X1", 100)  # and the stream does not say so
    b.run(0.6)
    for _ in range(3):
        b.feed(PositionsRead((), b.now - MS, b.now))
        b.run(0.5)
    assert "ALARM CLOSED_ELSEWHERE" not in b.news()
    assert b.trade.external_qty == 0
    assert b.trade.outcome is Outcome.CLOSED_TARGET


@SIDES
def test_in_the_last_minute_no_stop_is_given_up_for_a_closing_order(side: str) -> None:
    """Found by simulation, seed 391: the stop was cancelled a moment before the close, what should
    have closed the shares came too late, and they were bare all night."""
    b = covered_bench(side, start_ns=CLOSE_NS - 6 * MINUTE)
    b.run(5 * 60)
    b.quote(-200, -150)  # as above: no target can be turned, nothing elects the stop
    b.operator(Act.FLATTEN)
    b.run(120)
    assert not [line for line in b.news() if line.startswith("cancel")]
    assert (b.held, b.covered) == (100, 100)


def taken_back(b: Bench) -> None:
    """The venue busts the entry's first execution; the message is lost."""
    gone = b.history.pop(0)
    row = b.rows["E1"]
    assert gone.last_qty is not None
    assert gone.last_px is not None
    row.cum_qty -= gone.last_qty
    row.cost -= gone.last_qty * gone.last_px


def two_fills(side: str) -> Bench:
    """30 and 70 shares, covered by one OCO."""
    b = Bench(side)
    b.accepts("E1")
    b.fills("E1", 30)
    b.fills("E1", 70)
    b.accepts("X1")
    b.run(1)
    assert (b.held, b.covered) == (100, 100)
    b.news()
    return b


@SIDES
def test_a_bust_that_the_stream_lost_is_found_by_reading(side: str) -> None:
    """Found by simulation, seed 71: taken for a close elsewhere, and the books were wrong."""
    b = two_fills(side)
    taken_back(b)
    b.run(40)
    assert b.news()[:2] == ["ALARM VENUE_BUST", "cancel X1"]
    assert b.held == 70
    assert b.trade.external_qty == 0


@SIDES
def test_a_correction_that_the_stream_lost_is_found_by_reading(side: str) -> None:
    b = two_fills(side)
    first, row = b.history[0], b.rows["E1"]
    assert first.last_qty is not None
    b.history[0] = replace(first, last_px=b.at(-20))
    row.cost += first.last_qty * (b.at(-20) - b.at(5))
    b.run(40)
    news = b.news()
    assert news[0] == "ALARM VENUE_CORRECTED"
    assert news[1].startswith("replace X1.stop")
    assert b.trade.entry_cost == row.cost


@SIDES
def test_a_bust_is_not_believed_on_one_read_alone(side: str) -> None:
    b = two_fills(side)
    kept = list(b.history)
    taken_back(b)
    b.history[:] = kept  # the executions still say otherwise
    b.run(40)
    assert b.held == 100
    assert "VENUE_BUST" not in " ".join(b.news())


@SIDES
def test_a_stop_that_fires_is_not_cancelled_by_the_time_exit(side: str) -> None:
    b = covered_bench(side)
    b.fills("X1.stop", 40, -195)
    b.cancelled("X1")
    b.news()
    b.operator(Act.FLATTEN, "p1")
    assert b.news() == [], "it is read, not ended"
    b.fills("X1.stop", 60, -195)
    b.run(2)
    assert b.trade.outcome is Outcome.CLOSED_STOP


def pending(b: Bench, name: str, new: str) -> None:
    """The broker has taken a replacement and is not done with it."""
    row = b.replaces(name, new, told=False)
    b.rows[name].status = OrdStatus.NEW
    b.answers(name, Accepted(b.report(row)), verb=Verb.REPLACE)


def settles(b: Bench, name: str) -> None:
    """The replacement takes effect, and the stream says so."""
    b.rows[name].status = OrdStatus.REPLACED
    b.streams(b.report(b.rows[name], ExecType.REPLACED))


def corrected(b: Bench, cents: int) -> None:
    """The price of the entry's one execution is corrected, and the stream says so."""
    px, row = b.at(cents), b.rows["E1"]
    row.cost = px * row.cum_qty
    b.history[0] = replace(b.history[0], last_px=px, avg_px=px)
    b.streams(replace(b.history[0], exec_type=ExecType.TRADE_CORRECT, recv_ns=b.now))


@SIDES
def test_a_target_waits_for_its_stop_however_long_and_then_moves_at_once(side: str) -> None:
    """Found by simulation, seed 1217: a venue that kept the stop's replacement pending for 10 s
    refused the target's four times, that used up our own limit, and the target stayed off its
    place for the rest of the minute."""
    b = Bench(side, tactic="marketable")
    b.accepts("E1")
    b.fills("E1", 100, 4)
    pending(b, "E1.stop", "S1")
    b.news()
    for n, pause in enumerate((0.7, 1.4, 2.8, 5.0), start=2):
        b.refuses("E1.target", Kind.PENDING, Verb.REPLACE)
        b.run(pause - 0.05)
        assert f"T{n}" not in " ".join(b.news()), "ever less often"
        b.run(0.1)
        assert b.news() == [f"replace E1.target -> T{n} limit {b.px(404)}"]
    b.refuses("E1.target", Kind.PENDING, Verb.REPLACE)
    b.run(1)
    assert b.news() == ["ALARM EXIT_MOVE_REFUSED"]
    settles(b, "E1.stop")
    assert b.news() == [f"replace E1.target -> T6 limit {b.px(404)}"], "evidence, not time"
    b.replaces("E1.target", "T6")
    b.run(120)
    assert b.news() == []
    assert (b.held, b.covered, b.trade.change_failures) == (100, 100, 0)


@SIDES
def test_targets_that_were_refused_for_the_moment_leave_the_limit_of_changes_alone(
    side: str,
) -> None:
    """Found by simulation, seed 991: a correction after the anchoring; with each move of the target
    refused once for its stop's sake, the last one had no room in the limit."""
    b = Bench(side, tactic="marketable")
    b.accepts("E1")
    b.fills("E1", 100, 4)
    stop, target = "E1.stop", "E1.target"
    for n, cents in enumerate((4, 3), start=1):
        pending(b, stop, f"S{n}")
        b.refuses(target, Kind.PENDING, Verb.REPLACE)
        settles(b, stop)
        b.run(1)
        assert b.news()[-1] == f"replace {target} -> T{2 * n} limit {b.px(cents + 400)}"
        b.replaces(target, f"T{2 * n}")
        stop, target = f"S{n}", f"T{2 * n}"
        if n == 1:
            corrected(b, cents - 1)
    assert b.alarms == ["VENUE_CORRECTED"], "and no REPAIR_LIMIT"
    assert b.covered == 100


@SIDES
def test_shares_that_somebody_else_sells_are_not_sold_by_us_as_well(side: str) -> None:
    """Found by simulation, seeds 2025 and 2802: somebody cancelled our cover and sold at the market
    in a halt. Our cover was refused twelve times, then a lone stop, and when the halt ended a plain
    closing order of ours arrived 30 ms after his execution, and reversed the position."""
    b = covered_bench(side)
    b.run(1)
    b.quote(halted=True)
    b.cancelled("X1")
    b.news()
    for _ in range(20):
        b.refuses("X2", Kind.QTY_UNAVAILABLE)
        b.run(2)
    assert set(b.news()) == {oco(b, "X2", 100), "ALARM COVER_REFUSED"}
    b.quote()
    b.run(0.1)
    b.refuses("X2", Kind.NOT_AN_EXIT)  # he has sold; the broker takes no pair without shares
    b.run(2)
    assert b.news() == [oco(b, "X2", 100)], "and we ask on, until the positions are read"


@SIDES
def test_where_the_broker_finds_no_position_no_lone_stop_opens_one(side: str) -> None:
    """Found by simulation, seed 11058: the shares were sold by hand, the reads of the positions
    failed for ten seconds, and a lone stop was taken after twelve refusals of the pair."""
    b = covered_bench(side)
    b.run(1)
    b.cancelled("X1")
    b.news()
    for _ in range(20):
        b.refuses("X2", Kind.NOT_AN_EXIT)
        b.run(2)
    assert set(b.news()) == {oco(b, "X2", 100), "ALARM COVER_REFUSED"}


@SIDES
def test_a_pair_that_should_close_shares_others_hold_stays_a_pair(side: str) -> None:
    """As above, for a trade that is being closed: the plain order would be taken without shares."""
    b = covered_bench(side)
    b.run(1)
    b.cancelled("X1")
    b.operator(Act.FLATTEN)
    b.refuses("X2", Kind.QTY_UNAVAILABLE)
    b.run(1)
    for n in (1, 2):
        for _ in range(12):
            b.refuses(f"F{n}", Kind.QTY_UNAVAILABLE)
            b.run(1)
    news = [line for line in b.news() if line.startswith("submit F")]
    assert len(news) == 25
    assert all(" OCO " in line for line in news)
    assert b.alarms.count("COVER_REFUSED") == 1
    assert "EXPOSED" in b.alarms


@SIDES
def test_a_closing_pair_that_the_market_outruns_is_nobody_s_alarm(side: str) -> None:
    """Found by simulation, seed 3210, a calm one: its stop was within a cent of the market when it
    arrived. The plain order follows at once."""
    b = covered_bench(side)
    b.run(1)
    b.cancelled("X1")
    b.operator(Act.FLATTEN)
    b.refuses("X2", Kind.QTY_UNAVAILABLE)
    b.run(1)
    before = list(b.alarms)
    b.refuses("F1", Kind.PRICE_THROUGH)
    b.run(0.1)
    assert "DAY" in next(line for line in b.news() if line.startswith("submit F2"))
    assert b.alarms == before


@SIDES
def test_an_answer_that_the_stream_has_outrun_says_nothing_of_what_is_held(side: str) -> None:
    """Found by simulation, seed 3192: both legs of a bracket were kept back (V20), their moved
    target too. The stream said so; the answer to the move, written before and read after, showed a
    target that seemed to work, and nobody asked again for 20 s."""
    b = held_bracket(side)
    b.news()
    row = b.rows["E1.target"]
    held = b.report(row, ExecType.NEW)
    assert not held.working
    b.streams(held)
    early = replace(held, exec_type=ExecType.ORDER_STATUS, ord_status=OrdStatus.PENDING_NEW)
    b.answers("E1", Accepted(replace(early, working=True, venue_ns=held.venue_ns - 12 * MS)))
    order = b.trade.order(row.cl_ord_id)
    assert order is not None
    assert order.is_held
    b.run(1.2)
    assert b.news() == ["ALARM COVER_LOST", "cancel E1.target"]


@SIDES
def test_groups_that_close_together_widen_their_collar_once(side: str) -> None:
    """Found by simulation, seed 11810, a calm one: four targets were moved to the market together,
    it moved away by a tick, and the collar went four steps at once to its end, with an alarm."""
    b = Bench(side, beside=True)
    b.accepts("E1")
    for n, qty in enumerate((20, 30, 50), start=1):
        b.fills("E1", qty)
        b.run(0.6)
        b.accepts(f"X{n}")
    b.operator(Act.FLATTEN)
    for n in (1, 2, 3):
        b.replaces(f"X{n}", f"T{n}")
    b.quote(-120, -118)
    b.run(1.6)
    cancels = [line for line in b.news() if line.startswith("cancel")]
    assert len(cancels) == 3
    assert b.trade.flatten_step == 1
    assert "EXPOSED" not in b.alarms


@SIDES
def test_an_entry_is_over_when_an_exit_has_closed_a_part_of_it(side: str) -> None:
    """Found by simulation, seed 11876: the stop had sold all that had filled so far, and the tactic
    went on buying."""
    b = Bench(side, beside=True)
    b.accepts("E1")
    b.fills("E1", 37)
    b.run(0.6)
    b.accepts("X1")
    b.news()
    b.fills("X1.stop", 37, -195)
    assert b.news()[0] == "cancel E1"
    b.cancelled("E1")
    b.run(2)
    assert b.trade.entry_end is not None
    assert b.trade.entry_end.code is ReasonCode.ENTRY_EXITED
    assert b.trade.outcome is Outcome.CLOSED_STOP


def stranger(b: Bench, position: int) -> None:
    """Somebody else's order executes; the account holds ``position`` shares afterwards."""
    report = b.report(b.rows["E1"], ExecType.TRADE)
    b.feed(
        ReportReceived(
            replace(
                report,
                order_id="his",
                cl_ord_id="his",
                exec_id=f"his-{position}",
                venue_ns=b.now,
                recv_ns=b.now,
                position_qty=b.sign * position * NANO,
            )
        )
    )


@SIDES
def test_a_plain_closing_order_waits_where_the_stream_tells_of_a_sale(side: str) -> None:
    """Found by simulation, seed 11974: cover had been refused for good, somebody cancelled the rest
    of it and sold; our plain order, deferred while his held the shares, went 130 ms after it."""
    b = covered_bench(side)
    b.run(1)
    b.cancelled("X1")
    b.refuses("X2", Kind.PRICE_THROUGH)
    b.refuses("F1", Kind.QTY_UNAVAILABLE)
    stranger(b, 30)
    b.news()
    b.run(0.2)
    assert b.news() == []
    stranger(b, 0)
    b.run(34.5)
    assert b.news() == []
    b.run(1)
    assert b.news()[0].startswith("submit F1"), "the reads have the word"
    b.refuses("F1", Kind.OTHER)
    stranger(b, 50)
    b.run(4)
    assert not [line for line in b.news() if line.startswith("submit")]
    b.run(2)
    assert b.news()[0].startswith("submit F2")


@SIDES
def test_every_correction_may_anchor_all_exits(side: str) -> None:
    """Found by simulation, seed 12371: the price of the entry was corrected twice in a minute, and
    the limit of exit changes kept stop and target on the first correction for half a minute."""
    b = Bench(side, tactic="marketable")
    b.accepts("E1")
    b.fills("E1", 100, 4)
    stop, target = "E1.stop", "E1.target"
    for n, cents in enumerate((4, 3, 2, 1), start=1):
        b.replaces(stop, f"S{n}")
        b.replaces(target, f"T{n}")
        stop, target = f"S{n}", f"T{n}"
        b.run(1)
        corrected(b, cents - 1)
    assert b.news()[-1].startswith(f"replace {stop} -> S5")
    assert "REPAIR_LIMIT" not in b.alarms


@SIDES
def test_while_the_entry_works_a_full_limit_of_changes_is_nobody_s_alarm(side: str) -> None:
    """Found by simulation, seed 12510, a calm one: fills at ever other prices moved the stops of
    three groups; the end of the entry brings room to anchor them all."""
    b = Bench(side, beside=True)
    b.accepts("E1")
    for n, cents in enumerate((5, 1, -3, -7), start=1):
        b.fills("E1", 20, cents)
        b.run(0.6)
        for line in b.news():
            if line.startswith("replace"):
                b.replaces(line.split()[1], line.split()[3])
        b.accepts(f"X{n}")
    assert len(b.trade.exit_changes) == 3
    b.run(2)
    assert "REPAIR_LIMIT" not in b.alarms


@SIDES
def test_an_exit_that_may_yet_arrive_keeps_its_id(side: str) -> None:
    """Found by simulation, seed 12577: the account was blocked, a closing order was refused whose
    first copy had been lost on the way, the next one closed the shares, and 90 s after it was sent
    the first copy was taken and reversed the position."""
    b = covered_bench(side)
    b.run(1)
    b.cancelled("X1")
    b.refuses("X2", Kind.PRICE_THROUGH)
    b.loses("F1")
    b.run(0.5)  # it is looked for and not found
    b.news()
    b.refuses("F1", Kind.ACCOUNT)
    b.run(1.1)
    assert b.news()[-1].startswith("submit F1"), "the same id"
    b.run(120)
    b.refuses("F1", Kind.ACCOUNT)
    b.run(2)
    assert b.news()[-1].startswith("submit F2"), "by now it would have come"


def test_a_tactic_s_next_order_may_be_out_when_the_exits_are_done() -> None:
    """Found by simulation, seed 12558: the order that follows was in doubt, the target closed what
    the one before had bought, and the engine called its own phases broken."""
    for phase in (Phase.PARTIAL, Phase.COVER_IN_FLIGHT, Phase.COVERED, Phase.AMENDING):
        assert {Phase.IN_FLIGHT, Phase.IN_DOUBT, Phase.PRE_SEND} <= PHASES[phase]
    assert {Phase.IN_FLIGHT, Phase.IN_DOUBT} <= PHASES[Phase.FLATTENING]
