"""Cover under pressure: partials, wash trades, the ladder, brackets, re-anchoring."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surefill.core.commands import RaiseAlarm
from surefill.core.events import RateLimited, Unavailable, Verb
from surefill.core.fix import ExecType, OrdStatus, TimeInForce
from surefill.core.order import OrderState
from surefill.core.protection import EXIT_CHANGES_PER_MINUTE
from surefill.core.trade import Outcome
from surefill.core.units import NANO
from tests.support.core import CLOSE_NS, MINUTE, MS, Bench, Kind, S, covered_bench

SIDES = pytest.mark.parametrize("side", ["buy", "sell"])
BESIDE = pytest.mark.parametrize("beside", [False, True])


def oco(b: Bench, name: str, qty: int, cents: int = 5) -> str:
    """The line of an OCO for a position entered at ``cents``."""
    exits = f"target {b.px(cents + 400)} stop {b.px(cents - 200)}"
    return f"submit {name} {b.out} {qty} OCO {exits} GTC"


def bracket(b: Bench) -> str:
    """The line of a bracket entry at the worst price."""
    exits = f"target {b.px(410)} stop {b.px(-190)}"
    return f"submit E1 {b.into} 100 LIMIT {b.px(10)} BRACKET {exits} DAY"


@SIDES
@BESIDE
def test_price_improvement_triggers_nothing(side: str, beside: bool) -> None:
    b = Bench(side, beside=beside)
    b.accepts("E1")
    b.fills("E1", 100, -60)  # 60 cents better than the signal
    assert b.news()[1:] == [oco(b, "X1", 100, -60)]
    b.accepts("X1")
    b.run(120)
    assert b.news() == ["SETTLED"]
    assert (b.held, b.covered, b.alarms) == (100, 100, [])


@SIDES
@BESIDE
def test_37_of_100_and_then_nothing(side: str, beside: bool) -> None:
    b = Bench(side, beside=beside)
    b.accepts("E1")
    b.fills("E1", 37)
    filled_ns = b.now
    b.run(0.45)
    if beside:
        assert b.news()[1:] == [oco(b, "X1", 37)]
        b.accepts("X1")
        assert b.now - filled_ns < 1500 * MS
        b.run(60)
        b.cancelled("E1")
        b.run(1)
        assert b.news() == ["cancel E1", "SETTLED"]
    else:
        assert b.news()[1:] == ["cancel E1"]
        b.cancelled("E1")
        b.accepts("X1")
        assert b.now - filled_ns < 1500 * MS
        b.run(1)
        assert b.news() == [oco(b, "X1", 37), "SETTLED"]
    assert (b.held, b.covered) == (37, 37)
    b.fills("X1", 37)
    b.run(2)
    assert b.trade.outcome is Outcome.CLOSED_TARGET


@SIDES
def test_every_fill_gets_its_own_group_beside_the_entry(side: str) -> None:
    b = Bench(side, beside=True)
    b.accepts("E1")
    b.fills("E1", 30)
    b.run(0.25)
    b.accepts("X1")
    b.fills("E1", 30)
    b.run(0.25)
    b.accepts("X2")
    b.fills("E1", 40)
    b.accepts("X3")
    b.run(1)
    assert b.news()[1:] == [oco(b, "X1", 30), oco(b, "X2", 30), oco(b, "X3", 40), "SETTLED"]
    assert (b.held, b.covered) == (100, 100)


@SIDES
def test_a_fill_during_the_cancel_is_covered(side: str) -> None:
    b = Bench(side, beside=True)
    b.accepts("E1")
    b.run(60)
    assert b.news()[1:] == ["cancel E1"]
    b.executes("E1", 20)
    b.cancelled("E1")  # the stream lost the fill; the confirmation carries the count
    assert b.news() == [oco(b, "X1", 20)]
    b.accepts("X1")
    b.run(2)
    assert (b.held, b.covered, b.trade.unpriced_qty) == (20, 20, 0)
    assert b.news() == ["SETTLED"]


@SIDES
def test_wash_refusal_cancels_the_remainder_and_repeats_the_same_oco(side: str) -> None:
    b = Bench(side, beside=True)
    b.accepts("E1")
    b.fills("E1", 37)
    b.run(0.25)
    b.refuses("X1", Kind.WASH_TRADE)
    assert b.news()[1:] == [oco(b, "X1", 37), "cancel E1"]
    b.cancelled("E1")
    b.run(0.06)
    assert b.news() == [oco(b, "X1", 37)], "the same id, the same body"
    b.accepts("X1")
    b.run(1)
    assert (b.held, b.covered) == (37, 37)


@SIDES
def test_wash_refusal_and_more_fills_before_the_remainder_ends(side: str) -> None:
    b = Bench(side, beside=True)
    b.accepts("E1")
    b.fills("E1", 37)
    b.run(0.25)
    b.refuses("X1", Kind.WASH_TRADE)
    b.fills("E1", 63)
    b.run(0.1)
    b.accepts("X1")
    b.accepts("X2")
    b.run(1)
    submits = [line for line in b.news() if line.startswith("submit X")]
    assert submits == [oco(b, "X1", 37), oco(b, "X1", 37), oco(b, "X2", 63)]
    assert (b.held, b.covered) == (100, 100)


@SIDES
def test_after_a_wash_refusal_nothing_is_sent_beside_the_remainder(side: str) -> None:
    b = Bench(side, beside=True)
    b.accepts("E1")
    b.fills("E1", 37)
    b.run(0.25)
    b.refuses("X1", Kind.WASH_TRADE)
    b.fills("E1", 20)
    b.run(0.3)
    assert b.news()[1:] == [oco(b, "X1", 37), "cancel E1"]
    b.cancelled("E1")
    b.run(0.06)
    assert b.news() == [oco(b, "X1", 37), oco(b, "X2", 20)]


@SIDES
def test_cover_lost_on_the_way_goes_again_under_its_own_id(side: str) -> None:
    b = Bench(side)
    b.accepts("E1")
    b.fills("E1", 100)
    b.loses("X1")
    b.run(1)
    submits = [line for line in b.news() if line.startswith("submit X")]
    assert submits == [oco(b, "X1", 100)] * 2
    b.accepts("X1")
    b.run(1)
    assert (b.held, b.covered) == (100, 100)


@SIDES
def test_cover_lost_after_accept_is_adopted(side: str) -> None:
    b = Bench(side)
    b.accepts("E1")
    b.fills("E1", 100)
    b.takes("X1")
    b.loses("X1")
    b.run(1)
    assert [line for line in b.news() if line.startswith("submit X")] == [oco(b, "X1", 100)]
    assert (b.held, b.covered) == (100, 100)


@SIDES
def test_second_copy_of_cover_meets_the_first(side: str) -> None:
    b = Bench(side)
    b.accepts("E1")
    b.fills("E1", 100)
    b.loses("X1")
    b.run(0.3)  # a read did not find it: it is sent again, and then the first copy is there
    b.takes("X1")
    b.refuses("X1", Kind.DUPLICATE_ID)
    b.run(1)
    assert (b.held, b.covered) == (100, 100)
    assert [o.state for o in b.trade.orders if o.group] == [OrderState.WORKING] * 2


@SIDES
def test_ladder_to_the_alarm(side: str) -> None:
    b = Bench(side)
    b.accepts("E1")
    b.fills("E1", 100)
    b.refuses("X1", Kind.OTHER)
    assert b.news()[1:] == [
        oco(b, "X1", 100),
        "ALARM COVER_REFUSED",
        f"submit S1 {b.out} 100 STOP {b.px(-195)} GTC",
    ]
    b.refuses("S1", Kind.OTHER)
    # Near side 99.99 (100.01 for the short) less 50 bp: 99.49005 down, 100.51005 up.
    first = "99.49" if side == "buy" else "100.52"
    assert b.news() == ["ALARM COVER_REFUSED", f"submit F1 {b.out} 100 LIMIT {first} DAY"]
    b.refuses("F1", Kind.OTHER)
    b.run(0.1)
    assert b.news() == ["ALARM COVER_REFUSED", "ALARM EXPOSED"]
    b.run(1)
    assert b.news() == [f"submit F2 {b.out} 100 LIMIT {first} DAY"]
    b.accepts("F2")
    b.fills("F2", 100, -2)
    b.run(1)
    assert b.trade.outcome is Outcome.CLOSED_FLATTEN
    assert b.position() == 0


@SIDES
def test_flatten_widens_to_its_bound_and_then_calls_a_human(side: str) -> None:
    b = Bench(side)
    b.accepts("E1")
    b.fills("E1", 100)
    b.refuses("X1", Kind.PRICE_THROUGH)
    prices = []
    for n in range(1, 6):
        line = next(line for line in b.news() if line.startswith(f"submit F{n}"))
        prices.append(line.split()[5])
        b.accepts(f"F{n}")
        touch = (-200, -500, -1000, -2000, -3000)[n - 1]
        b.quote(touch, touch + 2)  # the market runs away from it
        b.run(1.6)
        assert ("EXPOSED" in b.alarms) == (n >= 4)
        b.cancelled(f"F{n}")
    # The near side less 0.5, 1, 2, 5 and again 5 %.
    longs = ["99.49", "97.02", "93.1", "85.5", "76"]
    shorts = ["100.52", "103.02", "107.1", "115.5", "126"]
    assert prices == (longs if side == "buy" else shorts)


@SIDES
def test_bracket_fills_at_once_and_is_covered_without_us(side: str) -> None:
    b = Bench(side, tactic="marketable")
    assert b.news() == [bracket(b)]
    b.accepts("E1")
    b.fills("E1", 100)
    assert (b.held, b.covered) == (100, 100)
    assert b.news() == ["SETTLED"]
    b.fills("E1.stop", 100, -195)
    b.run(2)
    assert b.trade.outcome is Outcome.CLOSED_STOP


@SIDES
def test_bracket_partial_is_cancelled_after_the_grace_and_covered_by_an_own_oco(side: str) -> None:
    b = Bench(side, tactic="marketable")
    b.accepts("E1")
    b.fills("E1", 37)
    b.run(0.3)
    assert b.news() == [bracket(b)], "time for the rest to fill"
    b.run(0.15)
    assert b.news() == ["cancel E1"]
    b.cancelled("E1")
    assert b.news() == [oco(b, "X1", 37, 10)]
    b.accepts("X1")
    b.run(1)
    assert b.news() == ["SETTLED"]
    assert (b.held, b.covered, b.alarms) == (37, 37, [])


@SIDES
def test_bracket_legs_that_arm_for_a_part_are_kept(side: str) -> None:
    """alpaca.md 3.3 documents that they end with the entry; the venue's reports decide (U)."""
    b = Bench(side, tactic="marketable")
    b.accepts("E1")
    b.fills("E1", 37)
    b.run(0.5)
    entry = b.rows["E1"]
    entry.status = OrdStatus.CANCELED
    target, stop = entry.legs
    target.working = True
    for leg in (target, stop):
        leg.spec = replace(leg.spec, order_qty=37 * NANO)
    b.streams(b.report(entry, ExecType.CANCELED))
    b.streams(b.report(target, ExecType.NEW))
    b.refuses("X1", Kind.QTY_UNAVAILABLE)
    b.run(0.2)
    assert b.covered == 37
    lines = [line for line in b.news() if not line.startswith("replace")]
    assert not any(line.startswith(("cancel E1.", "submit X2")) for line in lines), lines
    b.fills("E1.target", 37)
    b.run(3)
    assert b.trade.outcome is Outcome.CLOSED_TARGET


@SIDES
def test_bracket_is_re_anchored_stop_first_then_target(side: str) -> None:
    b = Bench(side, tactic="marketable")
    b.accepts("E1")
    b.fills("E1", 100, 4)  # six cents better than the worst price
    assert b.news()[1:] == [f"replace E1.stop -> S1 stop {b.px(-196)}", "SETTLED"]
    b.replaces("E1.stop", "S1")
    assert b.news() == [f"replace E1.target -> T1 limit {b.px(404)}"]
    b.replaces("E1.target", "T1")
    b.run(120)
    assert b.news() == []
    assert (b.held, b.covered, b.alarms) == (100, 100, [])
    b.fills("T1", 100)
    b.run(2)
    assert b.trade.outcome is Outcome.CLOSED_TARGET


@SIDES
def test_exits_change_at_most_three_times_a_minute_and_the_anchoring(side: str) -> None:
    b = covered_bench(side)
    last = EXIT_CHANGES_PER_MINUTE + 2 + 1  # the final place of both legs of one group comes on top
    for n in range(1, last + 1):  # a person keeps moving the stop away
        b.moves("X1.stop" if n == 1 else f"S{n - 1}", f"H{n}", -250)
        if n < last:
            assert b.news() == [f"replace H{n} -> S{n} stop {b.px(-195)}"]
            b.replaces(f"H{n}", f"S{n}")
    b.run(55)
    assert b.news() == ["ALARM REPAIR_LIMIT"]
    count = EXIT_CHANGES_PER_MINUTE + 2
    alarms = [command for _, command in b.sent if isinstance(command, RaiseAlarm)]
    says = f"{count} exit changes within a minute, limit {count}"
    assert alarms[-1].reason.sentence == says
    assert b.covered == 100, "the best cover there is stays"
    b.run(6)
    assert b.news() == [f"replace H{last} -> S{last} stop {b.px(-195)}"]


@SIDES
@pytest.mark.parametrize("answer", ["limited", "unavailable", "refused"])
def test_a_change_that_failed_is_tried_again_later(side: str, answer: str) -> None:
    b = Bench(side, tactic="marketable")
    b.accepts("E1")
    b.fills("E1", 100, 4)
    if answer == "limited":
        b.answers("E1.stop", RateLimited(b.now + S), verb=Verb.REPLACE)
    elif answer == "unavailable":
        b.answers("E1.stop", Unavailable("reset"), verb=Verb.REPLACE)
    else:
        b.refuses("E1.stop", Kind.PENDING, Verb.REPLACE)
    assert b.covered == 100, "the old stop covers meanwhile"
    b.run(1)
    assert b.news()[-1] == f"replace E1.stop -> S2 stop {b.px(-196)}"


@SIDES
def test_day_bracket_is_renewed_good_until_canceled_before_the_close(side: str) -> None:
    b = Bench(side, tactic="marketable", start_ns=CLOSE_NS - 10 * MINUTE)
    b.accepts("E1")
    b.fills("E1", 100)
    b.run(299)
    assert b.news()[1:] == ["SETTLED"]
    b.run(0.9)
    news = b.news()
    assert news[0].startswith("cancel E1.")
    b.cancelled(news[0].removeprefix("cancel "))
    assert oco(b, "X1", 100, 10) in b.news()
    b.accepts("X1")
    b.run(1)
    assert b.rows["X1"].spec.tif is TimeInForce.GTC
    assert (b.held, b.covered, b.alarms) == (100, 100, [])


@SIDES
def test_legacy_path_one_market_bracket_with_exits_from_the_signal(side: str) -> None:
    b = Bench(side, legacy=True)
    exits = f"target {b.px(400)} stop {b.px(-200)}"
    assert b.news() == [f"submit E1 {b.into} 100 MARKET BRACKET {exits} DAY"]
    b.accepts("E1")
    b.fills("E1", 100, 118)  # far beyond any cap: the legacy path has none
    b.run(60)
    assert b.news() == ["SETTLED"], "no re-anchoring"
    assert (b.held, b.covered, b.alarms) == (100, 100, [])


@SIDES
def test_legacy_partial_is_covered_too(side: str) -> None:
    b = Bench(side, legacy=True)
    b.accepts("E1")
    b.fills("E1", 50, 20)
    b.run(0.45)
    b.cancelled("E1")
    b.accepts("X1")
    b.run(1)
    exits = f"target {b.px(400)} stop {b.px(-200)}"
    assert b.news()[1:] == ["cancel E1", f"submit X1 {b.out} 50 OCO {exits} GTC", "SETTLED"]
    assert (b.held, b.covered) == (50, 50)


@SIDES
def test_levels_stay_where_the_strategy_drew_them(side: str) -> None:
    b = Bench(side, levels=(-200, 500))
    b.accepts("E1")
    b.fills("E1", 100, -30)
    exits = f"target {b.px(500)} stop {b.px(-200)}"
    assert b.news()[1:] == [f"submit X1 {b.out} 100 OCO {exits} GTC"]


@SIDES
def test_stop_that_does_not_fire_is_proven_dead_and_closed(side: str) -> None:
    b = covered_bench(side)
    b.quote(-230, -225)
    b.run(2.9)
    assert b.news() == []
    b.run(0.2)
    assert b.news() == ["ALARM COVER_STUCK", "cancel X1"]
    b.cancelled("X1")
    first = "97.21" if side == "buy" else "102.82"
    assert b.news() == [f"submit F1 {b.out} 100 LIMIT {first} DAY"]
    b.accepts("F1")
    b.fills("F1", 100, -230)
    b.run(2)
    assert b.trade.outcome is Outcome.CLOSED_FLATTEN
    assert b.position() == 0


@SIDES
def test_stop_through_for_a_moment_only(side: str) -> None:
    b = covered_bench(side)
    b.quote(-230, -225)
    b.run(2)
    b.quote(-20, -10)
    b.run(10)
    assert b.news() == []


@SIDES
def test_fill_beyond_the_limit_is_a_broker_fault(side: str) -> None:
    b = Bench(side)
    b.may_break = True
    b.accepts("E1")
    b.fills("E1", 100, 50)
    assert "FILL_BEYOND_LIMIT" in b.alarms
    assert b.engine.state.halt is not None, "no new risk"
    b.accepts("X1")
    b.run(1)
    assert (b.held, b.covered) == (100, 100), "and still covered"


def test_group_quantities_follow_a_partial_target() -> None:
    b = covered_bench()
    b.fills("X1", 40)
    assert b.trade.group_rem(b.trade.groups[0]) == 60 * NANO
    b.ends("X1.stop")
    b.streams(b.report(b.rows["X1.stop"], ExecType.CANCELED))
    b.run(1)
    assert [line for line in b.news() if line.startswith("submit")] == [oco(b, "X2", 60)]


def test_status_is_not_a_price() -> None:
    b = Bench()
    row = b.accepts("E1")
    row.status = OrdStatus.PENDING_CANCEL
    b.streams(b.report(row, ExecType.PENDING_CANCEL))
    assert b.phase == "WORKING"
