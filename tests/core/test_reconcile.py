"""Ours, foreign, unknown: the comparisons over complete listings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surefill.core.book import Book
from surefill.core.events import Position, PositionsRead, ReportReceived
from surefill.core.fix import ExecType
from surefill.core.reconcile import (
    SETTLING_NS,
    foreign_after,
    foreign_positions,
    foreign_qty,
    sort_reports,
    unknown_ours,
)
from surefill.core.trade import Outcome, Trade
from surefill.core.units import NANO
from tests.support.core import Bench, S, covered_bench

BENCH = covered_bench()
COVERED = BENCH.trade
REPORT = BENCH.report(BENCH.rows["E1"])
LATER = BENCH.now + 60 * S


def book(*trades: Trade) -> Book:
    """A book of these trades."""
    made = Book()
    for trade in trades:
        made.put(trade)
    return made


def read(qty: int, at_ns: int = LATER, symbol: str = "ACME") -> PositionsRead:
    """A listing that shows ``qty`` shares."""
    held = (Position(symbol, qty * NANO, 100 * NANO),) if qty else ()
    return PositionsRead(held, at_ns, at_ns)


def test_reports_are_sorted_by_trade() -> None:
    stranger = replace(REPORT, order_id="z", cl_ord_id="dashboard")
    second = BENCH.report(BENCH.rows["X1"])
    mine, others = sort_reports([REPORT, stranger, second], book(COVERED))
    assert mine == {"p1": (REPORT, second)}
    assert others == [stranger]


def test_unknown_orders_with_our_prefix() -> None:
    tag = COVERED.tag
    ours = replace(REPORT, order_id="z", cl_ord_id=f"sf-{tag}-p9-E1")
    elsewhere = replace(REPORT, order_id="z", cl_ord_id="sf-ffffff-p9-E1")
    stranger = replace(REPORT, order_id="z", cl_ord_id="dashboard")
    found = unknown_ours([REPORT, ours, elsewhere, stranger], tag, book(COVERED))
    assert found == (f"sf-{tag}-p9-E1",)


@pytest.mark.parametrize(
    ("qty", "foreign"),
    [(100, 0), (150, 50), (60, 0), (0, 0)],  # fewer than ours is a break, not a foreign position
)
def test_foreign_shares_of_a_symbol_that_we_hold(qty: int, foreign: int) -> None:
    found = foreign_positions(read(qty), book(COVERED), ())
    assert foreign_qty(found, "ACME") == foreign * NANO


def test_foreign_shares_of_other_symbols() -> None:
    found = foreign_positions(read(-7, symbol="ZED"), book(COVERED), ())
    assert found == (Position("ZED", -7 * NANO, 100 * NANO),)
    assert foreign_qty(found, "ACME") == 0
    assert foreign_positions(read(0), book(), found) == (), "gone again"


def test_a_short_of_ours() -> None:
    short = covered_bench("sell")
    one = book(short.trade)
    assert foreign_positions(read(-100, short.now + 60 * S), one, ()) == ()
    found = foreign_positions(read(-130, short.now + 60 * S), one, ())
    assert found == (Position("ACME", -30 * NANO, 100 * NANO),)


def test_a_symbol_in_motion_is_not_judged() -> None:
    before = (Position("ACME", 5 * NANO),)
    entering = Bench().trade
    assert foreign_positions(read(37), book(entering), ()) == ()
    assert foreign_positions(read(37), book(entering), before) == before
    fill_ns = COVERED.orders[0].fills[-1].venue_ns
    assert foreign_positions(read(150, fill_ns + SETTLING_NS - 1), book(COVERED), ()) == ()
    unpriced = replace(COVERED.orders[0], fills=())
    moving = replace(COVERED, orders=(unpriced, *COVERED.orders[1:]))
    assert foreign_positions(read(150), book(moving), before) == before


def test_a_trade_that_closed_a_moment_ago_explains_what_the_listing_still_shows() -> None:
    gone = replace(COVERED, outcome=Outcome.CLOSED_STOP, closed_ns=LATER)
    other = replace(gone, plan=replace(gone.plan, plan_id="p2", symbol="ZED"))
    old = replace(gone, plan=replace(gone.plan, plan_id="p0"), closed_ns=LATER - 10 * S)
    one = book(old, other, gone)
    assert foreign_positions(read(100, LATER + S), one, ()) == ()
    found = foreign_positions(read(100, LATER + 3 * S), one, ())
    assert foreign_qty(found, "ACME") == 100 * NANO


@pytest.mark.parametrize(
    ("position", "foreign"),
    [(None, "before"), (100, "none"), (130, 30), (60, "none")],
)
def test_an_execution_of_somebody_else_is_known_at_once(
    position: int | None, foreign: int | str
) -> None:
    before = (Position("ACME", 7 * NANO), Position("QC", 5 * NANO))
    held = None if position is None else position * NANO
    theirs = replace(REPORT, position_qty=held, last_px=101 * NANO)
    found = foreign_after(theirs, book(COVERED), before)
    if foreign == "before":
        assert found == before
    elif foreign == "none":
        assert found == before[1:], "a break of ours is not a foreign position"
    else:
        assert found == (before[1], Position("ACME", 30 * NANO, 101 * NANO))


def test_the_engine_remembers_a_foreign_fill_before_any_read() -> None:
    b = Bench()
    fill = replace(
        REPORT,
        cl_ord_id="theirs",
        order_id="o-theirs",
        exec_type=ExecType.TRADE,
        exec_id="x-1",
        last_qty=5 * NANO,
        last_px=10 * NANO,
        position_qty=5 * NANO,
        symbol="QC",
    )
    b.engine.step(ReportReceived(fill), b.now)
    assert foreign_qty(b.engine.state.foreign, "QC") == 5 * NANO


def test_of_several_symbols_each_is_judged_by_itself() -> None:
    moving = Bench().trade
    held = (Position("ACME", 37 * NANO), Position("ZED", 5 * NANO))
    found = foreign_positions(PositionsRead(held, LATER, LATER), book(moving), ())
    assert found == (Position("ZED", 5 * NANO),)
    stranger = replace(REPORT, order_id="z", cl_ord_id="dashboard")
    ours = replace(REPORT, order_id="y", cl_ord_id=f"sf-{COVERED.tag}-p9-E1")
    assert len(unknown_ours([stranger, ours], COVERED.tag, book())) == 1
    denied = book()
    denied.close_plan(replace(COVERED.plan, plan_id="p9"))
    assert unknown_ours([ours], COVERED.tag, denied) == (), "a plan of ours, whatever became of it"


def test_how_long_a_fill_and_a_close_explain_what_is_listed() -> None:
    fill_ns = COVERED.orders[0].fills[-1].venue_ns
    found = foreign_positions(read(150, fill_ns + SETTLING_NS), book(COVERED), ())
    assert foreign_qty(found, "ACME") == 50 * NANO
    gone = replace(COVERED, outcome=Outcome.CLOSED_STOP, closed_ns=LATER)
    assert foreign_positions(read(100, LATER + SETTLING_NS), book(gone), ()) == ()
    late = foreign_positions(read(100, LATER + SETTLING_NS + 1), book(gone), ())
    assert foreign_qty(late, "ACME") == 100 * NANO
    other = replace(gone, plan=replace(gone.plan, symbol="ZED"))
    found = foreign_positions(read(100, LATER + 1), book(other), ())
    assert foreign_qty(found, "ACME") == 100 * NANO, "a close of another symbol explains nothing"


def test_a_flat_trade_takes_no_share_of_what_is_listed() -> None:
    flat = replace(COVERED, external_qty=COVERED.position_qty)
    over = replace(COVERED, external_qty=COVERED.position_qty + NANO)
    for trade in (flat, over):
        assert foreign_positions(read(0), book(trade), ()) == ()
        theirs = replace(REPORT, position_qty=0, last_px=101 * NANO)
        assert foreign_after(theirs, book(trade), ()) == ()
