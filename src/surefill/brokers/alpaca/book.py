"""What the broker last said of each order: enough to complete executions and to bound reads.

What: order id -> the last report of it, legs included.
Why: a FILL activity names no client id, and after a lost stream the read must go back to the
submission of the oldest order that was still alive.
Invariants: bounded; orders that may still execute are never forgotten.
Must never: be asked whether an order exists; only the broker and the engine know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from surefill.core.events import (
    Accepted,
    Event,
    ExecutionReport,
    FillsRead,
    OrdersRead,
    ReportReceived,
    RequestAnswered,
)

FINISHED_MAX = 5_000
"""Terminal orders remembered for the headers of late executions."""


class OrderBook:
    """The last report of every order seen."""

    def __init__(self) -> None:
        self._live: dict[str, ExecutionReport] = {}  # order id -> last report
        self._finished: dict[str, ExecutionReport] = {}  # order id -> last report, oldest first

    def note(self, event: Event) -> None:
        """Learn from an event on its way to the engine."""
        for report in _reports(event):
            self._note(report)

    def known(self) -> Mapping[str, ExecutionReport]:
        """order id -> last report."""
        return {**self._finished, **self._live}

    def oldest_live_ns(self) -> int | None:
        """Earliest submission (venue time) among orders that may still execute."""
        stamps = [report.submitted_ns for report in self._live.values() if report.submitted_ns]
        return min(stamps, default=None)

    def _note(self, report: ExecutionReport) -> None:
        for leg in report.legs:
            self._note(leg)
        if report.order_id in self._finished:
            return
        if not report.ord_status.is_terminal:
            self._live[report.order_id] = report
            return
        self._live.pop(report.order_id, None)
        self._finished[report.order_id] = report
        while len(self._finished) > FINISHED_MAX:
            del self._finished[next(iter(self._finished))]


def _reports(event: Event) -> Iterator[ExecutionReport]:
    match event:
        case ReportReceived():
            yield event.report
        case OrdersRead():
            yield from event.orders
        case RequestAnswered(answer=Accepted(report=ExecutionReport() as report)):
            yield report
        case FillsRead():
            # An execution without its order's header would overwrite what is known of the order.
            return
        case _:
            return
