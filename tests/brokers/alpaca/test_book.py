"""What is remembered of orders."""

from __future__ import annotations

from dataclasses import replace

from surefill.brokers.alpaca import book
from surefill.brokers.alpaca.book import OrderBook
from surefill.brokers.alpaca.translate import orders
from surefill.core.events import (
    Accepted,
    ExecutionReport,
    FillsRead,
    InDoubt,
    OrdersRead,
    ReportReceived,
    RequestAnswered,
    TimePassed,
    Verb,
)
from surefill.core.fix import OrdStatus
from tests.brokers.alpaca.support import body, order_json


def report(order_id: str, status: str = "new", submitted_ns: int = 7) -> ExecutionReport:
    found = orders.order_report(body(order_json(id=order_id, status=status)), 1)
    assert isinstance(found, ExecutionReport)
    return replace(found, submitted_ns=submitted_ns)


def test_reports_from_everywhere_are_noted() -> None:
    known = OrderBook()
    known.note(ReportReceived(report("a")))
    known.note(OrdersRead((report("b"), replace(report("c"), legs=(report("leg"),))), 0, 1, 2))
    known.note(RequestAnswered("t", Verb.SUBMIT, "x", Accepted(report("d")), 1, 2))
    known.note(RequestAnswered("t", Verb.SUBMIT, "x", Accepted(), 1, 2))
    known.note(RequestAnswered("t", Verb.SUBMIT, "x", InDoubt("?"), 1, 2))
    known.note(FillsRead((report("e"),), 0, 1, 2))
    known.note(TimePassed())
    assert sorted(known.known()) == ["a", "b", "c", "d", "leg"]


def test_the_oldest_order_alive_bounds_a_read() -> None:
    known = OrderBook()
    assert known.oldest_live_ns() is None
    for order_id, at_ns in (("a", 30), ("b", 10), ("c", 20), ("unknown", 0)):
        known.note(ReportReceived(report(order_id, submitted_ns=at_ns)))
    assert known.oldest_live_ns() == 10
    known.note(ReportReceived(report("b", "canceled", 10)))
    assert known.oldest_live_ns() == 20


def test_a_late_report_does_not_revive_a_finished_order() -> None:
    known = OrderBook()
    known.note(ReportReceived(report("a", "filled")))
    known.note(ReportReceived(report("a", "new")))
    assert known.oldest_live_ns() is None
    assert known.known()["a"].ord_status is OrdStatus.FILLED


def test_finished_orders_are_forgotten_in_order_and_live_ones_never() -> None:
    known = OrderBook()
    known.note(ReportReceived(report("live")))
    for number in range(book.FINISHED_MAX + 1):
        known.note(ReportReceived(report(f"o{number}", "canceled")))
    assert "live" in known.known()
    assert "o0" not in known.known()
    assert "o1" in known.known()
    assert len(known.known()) == book.FINISHED_MAX + 1
