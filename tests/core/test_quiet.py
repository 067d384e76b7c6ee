"""Whom a listing concerns: nobody twice for the same words, everybody for whom anything is open."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surefill.core.events import (
    ExecutionReport,
    FillsRead,
    OrdersRead,
    Position,
    PositionsRead,
)
from surefill.core.fix import ExecType
from surefill.core.management import Distance, Management
from surefill.core.quiet import Listing, Quiet, around_of
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.reconcile import sort_reports
from surefill.core.trade import Trade, Uncovered
from surefill.core.units import NANO
from surefill.tactics.registry import TACTICS
from tests.support.core import Bench, S, covered_bench

ASKED = Reason.of(ReasonCode.TIME_EXIT)


def orders_of(b: Bench) -> tuple[ExecutionReport, ...]:
    """What a listing shows now; the same values as long as nothing changes."""
    legs = {leg.order_id for row in b.rows.values() for leg in row.legs}
    return tuple(b.report(row) for row in b.rows.values() if row.order_id not in legs)


def listing_of(b: Bench, event: OrdersRead | FillsRead | PositionsRead) -> Listing:
    """This read as the engine deals with it."""
    book = b.engine.book
    mine = sort_reports(event.orders, book)[0] if isinstance(event, OrdersRead) else {}
    return Listing(event, mine, around_of(b.engine.state, b.now), b.now)


def listed(b: Bench, orders: tuple[ExecutionReport, ...]) -> Listing:
    """A complete listing of these orders."""
    return listing_of(b, OrdersRead(orders, 0, b.now, b.now))


def concerned(b: Bench, listing: Listing) -> list[str]:
    """Whom the engine would step."""
    return [trade.trade_id for trade in b.engine.quiet.others(b.engine.book, listing)]


@pytest.fixture
def quiet() -> tuple[Bench, tuple[ExecutionReport, ...]]:
    """A covered trade, long since, and a listing that it has seen."""
    b = covered_bench()
    b.run(60)
    orders = orders_of(b)
    assert concerned(b, listed(b, orders)) == ["p1"], "the first listing is new to everybody"
    for _ in range(2):
        b.feed(OrdersRead(orders, 0, b.now, b.now))
    return b, orders


Seen = tuple[Bench, tuple[ExecutionReport, ...]]


def test_the_same_words_again_concern_nobody(quiet: Seen) -> None:
    b, orders = quiet
    assert concerned(b, listed(b, orders)) == []
    b.now += 5 * S
    again = tuple(replace(report) for report in orders)
    assert concerned(b, listed(b, again)) == [], "equal values say the same"


def test_whatever_is_new_concerns_the_trade(quiet: Seen) -> None:
    b, orders = quiet
    other = (replace(orders[0], cum_qty=orders[0].cum_qty + NANO), *orders[1:])
    assert concerned(b, listed(b, other)) == ["p1"]
    assert concerned(b, listed(b, orders[:-1])) == ["p1"]
    trade = b.trade
    b.engine.book.put(replace(trade, flatten_step=1))
    assert concerned(b, listed(b, orders)) == ["p1"], "another value of the trade"
    b.engine.book.put(trade)
    assert concerned(b, listed(b, orders)) == []
    b.engine.state = replace(b.engine.state, halt=ASKED)
    assert concerned(b, listed(b, orders)) == ["p1"], "the account is in another state"


def test_a_trade_whose_time_has_come_is_not_passed_over(quiet: Seen) -> None:
    b, orders = quiet
    trade = replace(b.trade, wake_ns=b.now + S)
    b.engine.book.put(trade)
    b.engine.quiet.note(trade, listed(b, orders))
    assert concerned(b, listed(b, orders)) == []
    b.now += S
    assert concerned(b, listed(b, orders)) == ["p1"]


def test_positions_concern_whoever_misses_shares(quiet: Seen) -> None:
    b, _ = quiet
    for shares, expected in ((100, []), (120, []), (99, ["p1"]), (0, ["p1"])):
        held = (Position(b.trade.symbol, shares * NANO, None),) if shares else ()
        assert concerned(b, listing_of(b, PositionsRead(held, b.now, b.now))) == expected


def test_executions_concern_whoever_does_not_know_them(quiet: Seen) -> None:
    b, _ = quiet
    known = tuple(b.history)
    assert known
    assert concerned(b, listing_of(b, FillsRead(known, 0, b.now, b.now))) == []
    other = (*known, replace(known[0], exec_id="another"))
    assert concerned(b, listing_of(b, FillsRead(other, 0, b.now, b.now))) == ["p1"]
    busted = (replace(known[0], exec_type=ExecType.TRADE_CANCEL),)
    assert concerned(b, listing_of(b, FillsRead(busted, 0, b.now, b.now))) == ["p1"]


def _trailing(trade: Trade) -> Trade:
    manage = Management(trail=Distance(r_ppb=NANO))
    return replace(trade, plan=replace(trade.plan, manage=manage))


@pytest.mark.parametrize(
    "change",
    [
        {"exit_reason": ASKED},
        {"keep_qty": 0},
        {"alarms": ("told",)},
        {"external_qty": NANO},
        {"external_qty": 101 * NANO},
        {"short_ns": 1},
        {"break_qty": 1},
        {"break_since_ns": 1},
        {"uncovered": Uncovered(1, 1)},
        {"through_since_ns": 1},
        {"ratchet_px": 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_trade_with_anything_open_is_never_quiet(quiet: Seen, change: dict[str, object]) -> None:
    b, orders = quiet
    trade = replace(b.trade, **change)  # type: ignore[arg-type]
    assert _is_remembered(b, trade, orders) is False


def test_nor_is_one_whose_orders_are_under_way_or_in_question(quiet: Seen) -> None:
    b, orders = quiet
    trade = b.trade
    assert _is_remembered(b, trade, orders)
    asked = tuple(replace(o, cancel_ns=1) if not o.is_terminal else o for o in trade.orders)
    assert not _is_remembered(b, replace(trade, orders=asked), orders)
    entry = trade.orders[0]
    disputed = (replace(entry, disputed_qty=0), *trade.orders[1:])
    assert not _is_remembered(b, replace(trade, orders=disputed), orders)
    unpriced = (replace(entry, reported_qty=entry.cum_qty + NANO), *trade.orders[1:])
    assert not _is_remembered(b, replace(trade, orders=unpriced), orders)
    assert not _is_remembered(b, trade, ()), "the listing misses what works"
    assert not _is_remembered(b, _trailing(trade), orders), "its stop follows the market"


def _is_remembered(b: Bench, trade: Trade, orders: tuple[ExecutionReport, ...]) -> bool:
    fresh = Quiet(TACTICS)
    b.engine.book.put(trade)
    listing = listed(b, orders)
    fresh.note(trade, listing)
    return fresh.others(b.engine.book, listing) == []


@pytest.mark.parametrize(("tactic", "expected"), [("limit", True), ("mid", False)])
def test_an_entry_that_quotes_may_move_is_never_quiet(tactic: str, expected: bool) -> None:
    b = Bench(tactic=tactic)
    b.accepts("E1")
    b.run(1)
    assert _is_remembered(b, b.trade, orders_of(b)) is expected


def test_only_listings_of_orders_are_remembered(quiet: Seen) -> None:
    b, orders = quiet
    fresh = Quiet(TACTICS)
    fresh.note(b.trade, listing_of(b, PositionsRead((), b.now, b.now)))
    assert [trade.trade_id for trade in fresh.others(b.engine.book, listed(b, orders))] == ["p1"]


def test_who_is_closed_is_forgotten(quiet: Seen) -> None:
    b, orders = quiet
    fresh, listing = Quiet(TACTICS), listed(b, orders)
    for n in range(3):
        plan = replace(b.trade.plan, plan_id=f"gone{n}")
        fresh.note(replace(b.trade, plan=plan), listing)
    fresh.note(b.trade, listing)
    assert len(fresh) == 4
    fresh.others(b.engine.book, listing)
    assert len(fresh) == 1
