"""R6..R14, R16..R19 of the race matrix: what can cross between exits, fills and their news."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surefill.core.events import Accepted, PositionsRead, Verb
from surefill.core.fix import ExecType, OrdStatus, TimeInForce
from surefill.core.order import OrderState
from surefill.core.trade import Outcome
from surefill.core.units import CENT, NANO
from tests.support.core import CLOSE_NS, MINUTE, MS, Bench, Kind, S, covered_bench

SIDES = pytest.mark.parametrize("side", ["buy", "sell"])


def oco(b: Bench, name: str, qty: int, cents: int = 5) -> str:
    """The line of an OCO for a position entered at ``cents``."""
    exits = f"target {b.px(cents + 400)} stop {b.px(cents - 200)}"
    return f"submit {name} {b.out} {qty} OCO {exits} GTC"


def late_better_fill(side: str) -> Bench:
    """100 at 100.05 covered, then a correction to 99.95: the stop wants to follow."""
    b = covered_bench(side)
    execution = b.history[0]
    b.rows["E1"].cost -= b.sign * 10 * CENT * 100 * NANO
    corrected = replace(
        execution,
        exec_type=ExecType.TRADE_CORRECT,
        last_px=b.at(-5),
        avg_px=b.at(-5),
    )
    b.streams(corrected)
    assert b.news() == ["ALARM VENUE_CORRECTED", f"replace X1.stop -> S1 stop {b.px(-205)}"]
    return b


@SIDES
def test_r6_the_leg_fills_before_its_replacement_arrives(side: str) -> None:
    b = late_better_fill(side)
    b.fills("X1.stop", 100, -196)
    b.refuses("X1.stop", Kind.NOT_REPLACEABLE, Verb.REPLACE)
    b.run(3)
    assert b.news() == ["CLOSED"]
    assert b.trade.outcome is Outcome.CLOSED_STOP
    assert b.position() == 0
    assert b.trade.order(b.key("S1")).state is OrderState.REJECTED  # type: ignore[union-attr]


@SIDES
def test_r7_replace_accepted_and_its_answer_lost(side: str) -> None:
    b = late_better_fill(side)
    b.replaces("X1.stop", "S1", told=False)
    b.loses("X1.stop", Verb.REPLACE)
    b.run(2)
    assert b.trade.order(b.key("S1")).state is OrderState.WORKING  # type: ignore[union-attr]
    old = b.trade.order(b.key("X1.stop"))
    assert old is not None
    assert old.state is OrderState.REPLACED
    assert b.covered == 100
    assert b.news() == [f"replace X1 -> T1 limit {b.px(395)}"]


@SIDES
def test_r7_replace_lost_and_without_effect(side: str) -> None:
    b = late_better_fill(side)
    b.loses("X1.stop", Verb.REPLACE)
    b.run(3)
    assert b.covered == 100, "the old stop still works"
    assert b.news() == [f"replace X1.stop -> S2 stop {b.px(-205)}"]
    assert b.trade.order(b.key("S1")).state is OrderState.ABSENT  # type: ignore[union-attr]


@SIDES
def test_r8_a_second_change_waits_for_the_first(side: str) -> None:
    b = late_better_fill(side)
    again = replace(
        b.history[0], exec_type=ExecType.TRADE_CORRECT, last_px=b.at(-15), avg_px=b.at(-15)
    )
    b.streams(again)
    b.run(0.2)
    assert b.news() == [], "queued, not sent"
    b.replaces("X1.stop", "S1")
    assert b.news() == [f"replace S1 -> S2 stop {b.px(-215)}"]


@SIDES
def test_r9_replacement_answered_and_then_rejected(side: str) -> None:
    b = late_better_fill(side)
    row = b.replaces("X1.stop", "S1", told=False)
    b.answers("X1.stop", Accepted(b.report(row)), verb=Verb.REPLACE)
    # The new leg is rejected at the venue and the old one works on.
    row.status = OrdStatus.REJECTED
    b.rows["X1.stop"].status = OrdStatus.NEW
    b.rows["X1"].legs = [b.rows["X1.stop"]]
    b.streams(b.report(row, ExecType.REJECTED))
    b.run(3)
    assert b.covered == 100
    live = [o.key for o in b.trade.orders if o.state is OrderState.WORKING]
    assert len([key for key in live if "stop" in key or "-S" in key]) == 1


@SIDES
def test_r10_target_partly_filled_then_the_stop(side: str) -> None:
    b = covered_bench(side)
    b.fills("X1", 40)
    assert b.news() == []
    assert (b.held, b.covered, b.phase) == (60, 60, "EXITING")
    b.rows["X1.stop"].spec = replace(b.rows["X1.stop"].spec, order_qty=60 * NANO)
    b.fills("X1.stop", 60, -196)
    b.run(3)
    assert b.news() == ["CLOSED"]
    assert b.trade.outcome is Outcome.CLOSED_MIXED
    assert b.position() == 0


@SIDES
def test_r11_both_legs_fill(side: str) -> None:
    b = covered_bench(side)
    b.fills("X1", 60)
    b.executes("X1.stop", 100, -196)
    b.streams(b.history[-1])
    # 60 too many were sold: the venue's own double fill (B-02) is bought back at once.
    assert b.held == -60
    assert b.position() == -60 * b.sign
    b.ends("X1")
    b.run(1)
    news = b.news()
    assert news[0] == "ALARM VENUE_OVERFILL"
    back = [line for line in news if line.startswith("submit")]
    side_back = "BUY" if side == "buy" else "SELL"
    assert len(back) == 1
    assert back[0].startswith(f"submit F1 {side_back} 60 LIMIT")
    b.accepts("F1")
    b.fills("F1", 60)
    b.run(3)
    assert b.position() == 0
    assert b.trade.outcome is Outcome.CLOSED_MIXED


@SIDES
def test_r12_oco_refused_while_shares_are_not_released(side: str) -> None:
    b = Bench(side)
    b.accepts("E1")
    b.fills("E1", 100)
    for _ in range(3):
        b.refuses("X1", Kind.QTY_UNAVAILABLE)
        b.run(0.3)
    b.accepts("X1")
    b.run(1)
    submits = [line for line in b.news() if line.startswith("submit X1")]
    assert submits == [oco(b, "X1", 100)] * 4, "the same intent, the same id, the same body"
    assert (b.held, b.covered) == (100, 100)
    assert b.alarms == []


@SIDES
def test_r12_cover_waits_for_shares_that_are_never_released(side: str) -> None:
    """Another kind of exit would be refused for the same reason; it may only be worse (0016)."""
    b = Bench(side)
    b.quote(-1, 1)
    b.accepts("E1")
    b.fills("E1", 100)
    for _ in range(12):
        b.refuses("X1", Kind.QTY_UNAVAILABLE)
        b.run(1)
    assert b.news().count(oco(b, "X1", 100)) == 12
    assert b.alarms == ["COVER_REFUSED"], "a human is told, once"
    for _ in range(5):
        b.run(1.1)
        b.refuses("X1", Kind.QTY_UNAVAILABLE)
        b.run(0.9)
    assert b.news() == [oco(b, "X1", 100)] * 5, "every two seconds, the same intent"
    b.run(1.1)
    b.accepts("X1")
    b.run(1)
    assert (b.covered, b.phase, b.trade.exit_reason) == (100, "COVERED", None)


@SIDES
def test_r13_stop_through_the_market(side: str) -> None:
    b = Bench(side)
    b.accepts("E1")
    b.fills("E1", 100)
    b.quote(-230, -225)
    refused_ns = b.now
    b.refuses("X1", Kind.PRICE_THROUGH)
    b.run(1)
    news = b.news()
    # Near side 97.70 less 50 bp = 97.2115, floored for a sale: 97.21; for a short's buy ceiled.
    collar = "97.21" if side == "buy" else "102.82"
    assert news[-1] == f"submit F1 {b.out} 100 LIMIT {collar} DAY"
    assert b.times("submit F1")[0] - refused_ns < S
    b.accepts("F1")
    b.fills("F1", 100, -230)
    b.run(1)
    assert b.trade.outcome is Outcome.CLOSED_FLATTEN
    assert b.position() == 0


@SIDES
def test_r14_expires_at_the_close_with_a_partial(side: str) -> None:
    b = Bench(side, start_ns=CLOSE_NS - 10 * MINUTE, beside=True)
    b.accepts("E1")
    b.fills("E1", 37)
    b.run(0.3)
    b.accepts("X1")
    assert b.rows["X1"].spec.tif is TimeInForce.GTC
    b.cancelled("E1", OrdStatus.EXPIRED)
    b.run(1)
    assert b.news()[1:] == [oco(b, "X1", 37), "SETTLED"]
    b.run(15 * 60)
    assert (b.held, b.covered) == (37, 37), "good until canceled, over the close"


@SIDES
def test_r14_expires_before_cover_could_rest(side: str) -> None:
    b = Bench(side, start_ns=CLOSE_NS - 6 * MINUTE)
    b.accepts("E1")
    b.fills("E1", 37)
    b.cancelled("E1", OrdStatus.EXPIRED)
    b.accepts("X1")
    assert b.news()[1:] == [oco(b, "X1", 37), "SETTLED"]
    assert b.covered == 37


@SIDES
def test_r16_bust_of_30_after_cover(side: str) -> None:
    b = Bench(side)
    b.accepts("E1")
    b.fills("E1", 70)
    b.fills("E1", 30)
    b.accepts("X1")
    b.run(1)
    b.news()
    start = b.now
    b.rows["E1"].cum_qty -= 30 * NANO
    busted = replace(
        b.history[-1], exec_type=ExecType.TRADE_CANCEL, cum_qty=70 * NANO, venue_ns=b.now
    )
    b.streams(busted)
    assert b.news() == ["ALARM VENUE_BUST", "cancel X1"]
    b.cancelled("X1")
    assert b.news() == [oco(b, "X2", 70)]
    b.accepts("X2")
    b.run(1)
    assert (b.held, b.covered) == (70, 70)
    assert b.times("submit X2")[0] - start < 1500 * MS
    b.streams(replace(b.history[-1], cum_qty=100 * NANO))
    assert b.held == 70, "the busted execution does not come back"


@SIDES
def test_r17_price_corrected(side: str) -> None:
    b = covered_bench(side)
    b.rows["E1"].cost += b.sign * 2 * CENT * 100 * NANO
    fixed = replace(b.history[0], exec_type=ExecType.TRADE_CORRECT, last_px=b.at(7), avg_px=b.at(7))
    b.streams(fixed)
    assert b.trade.entry_cost == 100 * NANO * b.at(7)
    assert b.news() == ["ALARM VENUE_CORRECTED", f"replace X1.stop -> S1 stop {b.px(-193)}"]
    b.replaces("X1.stop", "S1")
    assert b.news() == [f"replace X1 -> T1 limit {b.px(407)}"]
    b.replaces("X1", "T1")
    b.run(5)
    assert b.news() == []
    assert (b.held, b.covered) == (100, 100)


@SIDES
def test_the_price_of_an_exit_corrected_moves_nothing(side: str) -> None:
    b = covered_bench(side)
    told = b.fills("X1", 40)
    b.run(1)
    b.news()
    fixed = replace(told, exec_type=ExecType.TRADE_CORRECT, last_px=b.at(390), avg_px=b.at(390))
    b.streams(fixed)
    b.run(1)
    target = b.trade.order(b.key("X1"))
    assert target is not None
    assert target.cost == 40 * NANO * b.at(390)
    assert b.news() == ["ALARM VENUE_CORRECTED"]
    assert (b.held, b.covered) == (60, 60)


@SIDES
@pytest.mark.parametrize("leg", ["X1", "X1.stop"])
def test_r18_somebody_cancels_one_leg(side: str, leg: str) -> None:
    b = covered_bench(side)
    start = b.now
    b.ends(leg)
    b.streams(b.report(b.rows[leg], ExecType.CANCELED))
    b.run(0.6)
    news = [line for line in b.news() if not line.startswith("cancel")]
    assert news == ["ALARM COVER_LOST", oco(b, "X2", 100)]
    b.accepts("X2")
    b.run(1)
    assert (b.held, b.covered) == (100, 100)
    assert b.times("submit X2")[0] - start < 1500 * MS


@SIDES
def test_r19_somebody_closes_the_position(side: str) -> None:
    b = covered_bench(side)
    b.foreign_qty = -100 * b.sign
    start = b.now
    stranger = replace(
        b.history[0],
        order_id="foreign",
        cl_ord_id="dashboard",
        exec_id="y1",
        cum_qty=100 * NANO,
    )
    b.streams(stranger)
    b.run(1.6)
    assert b.news()[:2] == ["ALARM CLOSED_ELSEWHERE", "cancel X1"]
    assert b.times("cancel X1")[0] - start <= 2 * S
    reads = [at for at in b.times("? positions") if at >= start]
    assert len(reads) >= 2
    b.cancelled("X1")
    b.run(1)
    assert b.trade.outcome is Outcome.CLOSED_EXTERNAL
    assert b.news() == ["CLOSED"]


@SIDES
def test_r19_one_read_alone_is_not_believed(side: str) -> None:
    b = covered_bench(side)
    b.feed(PositionsRead((), b.now, b.now))  # one listing without our shares
    b.run(5)
    assert b.news() == []
    assert (b.held, b.covered) == (100, 100)


@SIDES
def test_r19_reads_for_others_are_not_answered_by_more_reads(side: str) -> None:
    """Every trade sees every listing; two of them once asked again at each, without end."""
    b = covered_bench(side)
    before = len(b.times("? positions"))
    for _ in range(30):
        b.feed(PositionsRead((), b.now, b.now))
        b.now += 10 * MS
    assert len(b.times("? positions")) == before
    b.run(0.3)
    assert len(b.times("? positions")) == before + 1
