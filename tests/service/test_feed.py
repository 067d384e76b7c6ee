"""Server-sent events from records."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from surefill.core.events import (
    Accepted,
    Act,
    Event,
    ExecutionReport,
    NoteWritten,
    OperatorActed,
    PlanSubmitted,
    PositionAdopted,
    ReadFailed,
    ReportReceived,
    RequestAnswered,
    StreamChanged,
    TimePassed,
    Verb,
)
from surefill.core.fix import ExecType, OrdStatus, OrdType, Side, TimeInForce
from surefill.core.plan import Policy
from surefill.core.units import NANO
from surefill.journal.record import Record
from surefill.ports import JournalError
from surefill.runtime.account import JournalSource
from surefill.service import feed
from surefill.service.feed import event_text, facts_of, stream
from surefill.service.reader import Reader
from tests.support.desk import plan_of


def record(seq: int, event: Event = TimePassed()) -> Record:  # noqa: B008 - a frozen value
    return Record(seq, 5, 1, event, (), (), (("p1", "x"), ("@engine", "y")))


def test_a_record_as_an_event() -> None:
    lines = event_text(record(7)).split("\n")
    assert lines[:2] == ["id: 7", "event: TimePassed"]
    assert lines[3:] == ["", ""]
    row: dict[str, Any] = json.loads(lines[2].removeprefix("data: "))
    assert row == {
        "seq": 7,
        "now_ns": 5,
        "trades": ["p1"],
        "is_engine_changed": True,
        "commands": [],
        "facts": {},
    }


def test_s8_a_line_feed_in_a_text_makes_no_second_event() -> None:
    event = OperatorActed(Act.KILL, "", "ann", "why\n\nid: 9\nevent: X\u2028", 5)
    assert event_text(record(8, event)).count("\n") == 4


@pytest.mark.parametrize(
    ("event", "facts"),
    [
        (
            PlanSubmitted(plan_of("ACME", "p1"), Policy(), False, 1),
            {"plan_id": "p1", "symbol": "ACME", "strategy": ""},
        ),
        (
            PositionAdopted(plan_of("ACME", "p1"), Policy(), "ann", 1),
            {"plan_id": "p1", "symbol": "ACME", "strategy": ""},
        ),
        (
            RequestAnswered("p1", Verb.SUBMIT, "c", Accepted(), 1, 2),
            {"plan_id": "p1", "verb": "SUBMIT", "cl_ord_id": "c", "answer": "Accepted"},
        ),
        (
            OperatorActed(Act.HALT, "t", "ann", "news", 1),
            {"act": "HALT", "target": "t", "by": "ann", "why": "news"},
        ),
        (StreamChanged(True, 1), {"is_up": True}),
        (ReadFailed("orders", "a broker's words", 1), {"what": "orders"}),
        (NoteWritten("live", "ann", "", (("account", "123"),), 1), {"topic": "live", "by": "ann"}),
        (TimePassed(), {}),
    ],
)
def test_facts_are_listed_one_by_one(event: Event, facts: dict[str, object]) -> None:
    assert facts_of(event) == facts


REPORT = ExecutionReport(
    exec_type=ExecType.NEW,
    ord_status=OrdStatus.NEW,
    order_id="o",
    cl_ord_id="c",
    symbol="ACME",
    side=Side.BUY,
    ord_type=OrdType.LIMIT,
    tif=TimeInForce.DAY,
    order_qty=NANO,
    cum_qty=0,
    venue_ns=1,
    recv_ns=2,
)


def test_reports_with_and_without_an_execution() -> None:
    seen = facts_of(ReportReceived(REPORT))
    assert "last_px" not in seen
    assert seen["cl_ord_id"]
    fill = replace(REPORT, exec_type=ExecType.TRADE, last_qty=NANO, last_px=2 * NANO, exec_id="e")
    shown = facts_of(ReportReceived(fill))
    assert (shown["last_qty"], shown["last_px"]) == ("1", "2")


class Shelf(Reader):
    """Records that a test puts there."""

    def __init__(self, *batches: list[Record] | JournalError) -> None:
        super().__init__(JournalSource.__new__(JournalSource))
        self._batches = list(batches)
        self.asked: list[int] = []

    async def records(self, after_seq: int, *, at_most: int) -> list[Record]:
        self.asked.append(after_seq)
        found = self._batches.pop(0) if self._batches else []
        if isinstance(found, JournalError):
            raise found
        return found


async def test_a_stream_goes_on_through_silence_and_trouble(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feed, "LOOK_S", 0.001)
    monkeypatch.setattr(feed, "TROUBLE_S", 0.001)
    monkeypatch.setattr(feed, "SILENCE_S", 0.002)
    trouble = JournalError("JOURNAL_CORRUPT", "x")
    shelf = Shelf([record(3), record(4)], trouble, [record(5)])
    found = stream(shelf, 2)
    shown = [await anext(found) for _ in range(5)]
    assert shown[0] == b"retry: 1000\n\n"
    assert shown[1].count(b"id: ") == 2
    assert shown[2] == b": JOURNAL_CORRUPT\n\n"
    assert b"id: 5\n" in shown[3]
    assert shown[4] == b": still here\n\n"
    assert shelf.asked[:4] == [2, 4, 4, 5]
    await found.aclose()
