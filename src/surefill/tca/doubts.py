"""How long orders were in doubt, from the records alone.

What: `Doubts` follows every order that was sent until something is known of it: an answer, a report
or a listing that names it, of an exit also a later read that does not find it. An answer "in
doubt", a duplicate id and a restart open a doubt; the first evidence, a new send of the same
intent, or the end of the trade closes it.
Why: an order in doubt may have worked while nobody watches it (I10); how long that lasted is a
number that an operator is owed.
Must never: decide anything, or read more of a record than it was given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from surefill.core.commands import Announce, ReplaceOrder, SubmitOrder
from surefill.core.events import (
    Accepted,
    EngineStarted,
    ExecutionReport,
    InDoubt,
    OrdersRead,
    Rejected,
    RejectKind,
    ReportReceived,
    RequestAnswered,
    Verb,
)
from surefill.core.fix import Leg
from surefill.core.values import replace
from surefill.journal.record import Record


@dataclass(frozen=True, slots=True)
class Doubt:
    """One order in doubt since record ``seq``; ``end_ns`` is ``None`` while it lasts (UTC ns)."""

    cl_ord_id: str
    trade_id: str
    seq: int
    since_ns: int
    end_ns: int | None = None


class Doubts:
    """``_sent``: client order id -> trade id of orders that nothing is known of yet; ``_successor``
    : id of a replaced order -> id of its replacement; ``_open``: id -> its doubt; ``_exit_ns``: id
    of an order that is no entry -> when it was last sent (UTC ns)."""

    def __init__(self) -> None:
        self._sent: dict[str, str] = {}
        self._exit_ns: dict[str, int] = {}
        self._successor: dict[str, str] = {}
        self._open: dict[str, Doubt] = {}
        self.ended: list[Doubt] = []

    def concern(self, record: bytes) -> bool:
        """Whether these bytes may say something about an order that is followed."""
        return any(key.encode() in record for key in (*self._sent, *self._open))

    def take(self, record: Record) -> None:
        """Follow one record."""
        event = record.event
        match event:
            case EngineStarted():
                for key in list(self._sent):
                    self._doubt(key, record)
            case RequestAnswered():
                self._answered(event, record)
            case ReportReceived(report):
                self._known(report, record.now_ns)
            case OrdersRead(orders=orders):
                for report in orders:
                    self._known(report, record.now_ns)
            case _:
                pass
        for command in record.commands:
            match command:
                case SubmitOrder(trade_id, spec):
                    self._end([spec.cl_ord_id], record.now_ns)
                    self._sent[spec.cl_ord_id] = trade_id
                    if spec.leg is not Leg.ENTRY:
                        self._exit_ns[spec.cl_ord_id] = record.now_ns
                case ReplaceOrder(trade_id, old_key, _, new_key):
                    self._successor[old_key] = new_key
                    self._sent[new_key] = trade_id
                    self._exit_ns[new_key] = record.now_ns
                case Announce(trade_id):
                    mine = [key for key, one in self._open.items() if one.trade_id == trade_id]
                    self._end(mine, record.now_ns)
                case _:
                    pass

    def all(self) -> tuple[Doubt, ...]:
        """Every doubt, by the record that opened it."""
        return tuple(sorted((*self.ended, *self._open.values()), key=lambda one: one.seq))

    def _answered(self, event: RequestAnswered, record: Record) -> None:
        key = event.cl_ord_id
        if event.verb is Verb.REPLACE:
            key = self._successor.get(key, key)
        match event.answer:
            case Accepted(report) if report is not None:
                self._known(report, record.now_ns)
                self._end([key], record.now_ns)
            case InDoubt() | Rejected(kind=RejectKind.DUPLICATE_ID) if event.verb in (
                Verb.SUBMIT,
                Verb.REPLACE,
            ):
                self._doubt(key, record)
            case Rejected() if event.verb in (Verb.SUBMIT, Verb.REPLACE):
                self._end([key], record.now_ns)
            case Rejected(kind=RejectKind.NOT_FOUND) if event.sent_ns > self._exit_ns.get(
                key, event.sent_ns
            ):
                self._end([key], record.now_ns)  # an exit may go again (decision 0003)
            case _:
                pass  # of an entry, one read that found it nowhere is no evidence yet (I10)

    def _doubt(self, key: str, record: Record) -> None:
        """Only an order that nothing is known of: the stream may have been faster (R1)."""
        trade_id = self._sent.pop(key, None)
        if trade_id is not None:
            self._open[key] = Doubt(key, trade_id, record.seq, record.now_ns)

    def _known(self, report: ExecutionReport, now: int) -> None:
        self._end((one.cl_ord_id for one in _with_legs(report)), now)

    def _end(self, keys: Iterable[str], now: int) -> None:
        for key in keys:
            self._sent.pop(key, None)
            doubt = self._open.pop(key, None)
            if doubt is not None:
                self.ended.append(replace(doubt, end_ns=now))


def _with_legs(report: ExecutionReport) -> Iterator[ExecutionReport]:
    yield report
    for leg in report.legs:
        yield from _with_legs(leg)
