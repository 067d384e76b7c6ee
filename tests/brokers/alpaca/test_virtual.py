"""The adapter without sockets: work that waits, answers that never come, streams that go away.

What it shares with the adapter on sockets is held by tests/contract/test_broker.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from surefill.brokers.alpaca.transport import HttpOutcome, HttpRequest, HttpResponse, Lost
from surefill.brokers.alpaca.virtual import (
    HEARTBEAT_DEAD_NS,
    READ_AGAIN_NS,
    READ_TIMEOUT_NS,
    RECONNECT_NS,
    VirtualBroker,
)
from surefill.core.commands import OrderSpec, Priority, QueryAccount, SubmitOrder
from surefill.core.events import (
    BudgetChanged,
    CalendarRead,
    Event,
    InDoubt,
    InstrumentRead,
    ReadFailed,
    RequestAnswered,
    StreamChanged,
)
from surefill.core.fix import Leg, OrdType, Side, TimeInForce
from surefill.core.units import NANO
from surefill.core.values import replace

NOW = 1_772_463_600 * NANO
DAY = {"date": "2026-03-02", "open": "09:30", "close": "16:00", "session_open": "0400"}
CALENDAR = [DAY | {"session_close": "2000"}]
ACCOUNT = {"id": "a", "account_number": "n", "status": "ACTIVE"}
ASSET = {
    "id": "u",
    "class": "us_equity",
    "symbol": "ACME",
    "status": "active",
    "tradable": True,
    "shortable": True,
    "easy_to_borrow": True,
}
ENTRY = SubmitOrder(
    "t1",
    OrderSpec(
        cl_ord_id="c1",
        symbol="ACME",
        side=Side.BUY,
        ord_type=OrdType.LIMIT,
        tif=TimeInForce.DAY,
        order_qty=NANO,
        leg=Leg.ENTRY,
        limit_px=NANO,
    ),
    Priority.ENTRY,
)


class Wire:
    """A wire whose far end is the test."""

    def __init__(self) -> None:
        self.now = NOW
        self.asked: dict[int, HttpRequest] = {}
        self.sent: list[tuple[int, bytes]] = []
        self.closed: list[int] = []
        self.is_open = True

    def now_ns(self) -> int:
        return self.now

    def request(self, ticket: int, request: HttpRequest, headers: Mapping[str, str]) -> None:
        assert headers["apca-api-key-id"] == "K"
        self.asked[ticket] = request

    def open_stream(self, conn: int) -> bool:
        return self.is_open

    def stream_send(self, conn: int, data: bytes) -> None:
        self.sent.append((conn, data))

    def close_stream(self, conn: int) -> None:
        self.closed.append(conn)


class Rig:
    def __init__(self) -> None:
        self.wire = Wire()
        self.events: list[Event] = []
        self.broker = VirtualBroker(self.wire, key="K", secret="S", emit=self.events.append)

    def answer(self, body: object, status: int = 200) -> None:
        """Answer the oldest request."""
        ticket = min(self.wire.asked)
        del self.wire.asked[ticket]
        self.broker.answered(ticket, reply(body, self.wire.now, status))

    def say(self, stream: str, **data: object) -> None:
        frame = json.dumps({"stream": stream, "data": data}).encode()
        self.broker.framed(len({conn for conn, _ in self.wire.sent}), frame)

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]

    def up(self) -> None:
        self.say("listening", streams=["trade_updates"])
        for _ in range(3):
            self.answer([])


def reply(body: object, now: int, status: int = 200) -> HttpOutcome:
    return HttpResponse(status, json.dumps(body).encode(), now)


def test_a_command_without_an_answer_is_in_doubt_after_the_read_timeout() -> None:
    rig = Rig()
    rig.broker.send(ENTRY)
    assert rig.broker.requests == {"POST": 1}
    assert rig.broker.next_ns() == NOW + READ_TIMEOUT_NS
    rig.wire.now += READ_TIMEOUT_NS
    rig.broker.wake()
    (answered,) = rig.of(RequestAnswered)
    assert isinstance(answered, RequestAnswered)
    assert isinstance(answered.answer, InDoubt)
    assert rig.broker.next_ns() is None
    rig.answer({})
    assert len(rig.events) == 1, "an answer after the timeout is nobody's"


def test_reference_data_is_asked_for_until_it_is_complete() -> None:
    rig = Rig()
    rig.wire.is_open = False
    rig.broker.start()
    rig.answer({"message": "no"}, 503)
    assert not rig.wire.asked, "a venue that is down is not hammered"
    rig.wire.now += READ_AGAIN_NS
    rig.broker.wake()
    rig.answer(CALENDAR)
    assert len(rig.of(CalendarRead)) == 1
    rig.answer({"message": "no"}, 500)
    assert len(rig.of(ReadFailed)) == 1
    rig.broker.watch("ACME")
    rig.answer(ASSET)
    assert len(rig.of(InstrumentRead)) == 1


def test_what_cannot_be_read_is_not_told() -> None:
    rig = Rig()
    rig.wire.is_open = False
    rig.broker.start()
    rig.answer({"no": "calendar"})
    rig.broker.watch("ACME")
    rig.broker.send(QueryAccount())
    rig.answer(ACCOUNT)
    rig.answer([])
    assert not rig.of(CalendarRead)
    assert not rig.of(InstrumentRead)


def test_a_calendar_that_was_cut_to_nothing_is_read_again() -> None:
    """Found by simulation, seed 12181: a restarted engine never took plans again."""
    rig = Rig()
    rig.wire.is_open = False
    rig.broker.start()
    rig.answer([])
    rig.wire.now += READ_AGAIN_NS
    rig.broker.wake()
    rig.answer(CALENDAR)
    assert len(rig.of(CalendarRead)) == 1


def test_a_stream_is_up_after_the_reads_and_down_when_it_ends() -> None:
    rig = Rig()
    rig.broker.start()
    rig.wire.asked.clear()
    rig.up()
    rig.broker.framed(1, b"\x00garbage")
    rig.say("somebody", else_="news")
    rig.say("trade_updates", event="new", order={})
    rig.broker.closed(7)
    assert [e.is_up for e in rig.events if isinstance(e, StreamChanged)] == [True]
    rig.broker.closed(1)
    assert [e.is_up for e in rig.events if isinstance(e, StreamChanged)] == [True, False]
    assert rig.broker.next_ns() is not None
    rig.wire.now += RECONNECT_NS
    rig.broker.wake()
    assert {conn for conn, _ in rig.wire.sent} == {1, 2}


def test_a_refused_a_mute_and_a_deaf_stream_are_opened_again() -> None:
    rig = Rig()
    rig.wire.is_open = False
    rig.broker.start()
    rig.wire.is_open = True
    rig.wire.now += RECONNECT_NS
    rig.broker.wake()
    (conn,) = {conn for conn, _ in rig.wire.sent}
    rig.wire.now += HEARTBEAT_DEAD_NS
    rig.broker.wake()
    assert rig.wire.closed == [conn], "nobody said that it listens"
    rig.wire.now += RECONNECT_NS
    rig.broker.wake()
    last = max(conn for conn, _ in rig.wire.sent)
    rig.broker.muted(last + 1)
    rig.broker.muted(last)
    assert rig.wire.closed[-1] == last


def test_incomplete_reads_close_the_stream_that_asked_for_them() -> None:
    rig = Rig()
    rig.broker.start()
    rig.wire.asked.clear()
    rig.say("listening", streams=["trade_updates"])
    for _ in range(3):
        rig.answer({"message": "no"}, 500)
    assert rig.wire.closed == [1]
    assert not rig.of(StreamChanged)


def test_reads_of_a_stream_that_is_gone_do_not_call_it_up() -> None:
    rig = Rig()
    rig.broker.start()
    rig.wire.asked.clear()
    rig.say("listening", streams=["trade_updates"])
    rig.broker.closed(1)
    for _ in range(3):
        rig.answer([])
    assert not rig.of(StreamChanged)


def test_it_does_not_know_the_simulation() -> None:
    source = Path(__file__).parents[3] / "src/surefill/brokers/alpaca/virtual.py"
    assert "surefill.sim" not in source.read_text()


def test_a_process_that_is_gone_reads_nothing_and_asks_nothing() -> None:
    rig = Rig()
    rig.broker.start()
    rig.up()
    rig.broker.send(ENTRY)
    rig.broker.watch("ACME")
    rig.answer({"message": "no"}, 503)
    told = len(rig.events)
    rig.broker.stop()
    assert rig.wire.closed == [1]
    assert rig.broker.next_ns() is None
    rig.wire.now += 60 * NANO
    rig.broker.wake()
    for _ in list(rig.wire.asked):
        rig.answer({})
    assert len(rig.events) == told


def test_the_next_process_counts_on() -> None:
    wire = Wire()
    broker = VirtualBroker(wire, key="K", secret="S", emit=lambda event: None, first_ticket=500)
    broker.start()
    assert min(wire.asked) == 501
    assert wire.sent[0][0] == 501
    broker.stop()
    broker.stop()
    assert wire.closed == [501]


def test_with_a_budget_what_is_beyond_it_is_not_sent() -> None:
    rig = Rig()
    rig.broker.limit_requests(10)  # 9 usable, 2 of them for what protects
    for _ in range(8):
        rig.broker.send(QueryAccount(Priority.ROUTINE))
    assert rig.broker.requests == {"GET": 7}
    assert [type(event) for event in rig.of(ReadFailed)] == [ReadFailed]
    changes = rig.of(BudgetChanged)
    assert isinstance(changes[-1], BudgetChanged)
    assert (changes[-1].left, changes[-1].reserved) == (2, 2)
    rig.wire.now += READ_TIMEOUT_NS
    rig.broker.wake()
    assert len(rig.of(ReadFailed)) == 8, "what was not sent is answered, and what was lost as well"


def test_after_a_429_only_what_protects_is_sent() -> None:
    rig = Rig()
    rig.broker.limit_requests(10)
    rig.broker.send(QueryAccount(Priority.ROUTINE))
    rig.answer({}, status=429)
    rig.broker.send(QueryAccount(Priority.ROUTINE))
    assert rig.broker.requests == {"GET": 1}
    rig.broker.send(replace(ENTRY, priority=Priority.PROTECT))
    rig.broker.answered(min(rig.wire.asked), Lost("cut"))
    assert rig.broker.requests == {"GET": 1, "POST": 1}
    (answered,) = rig.of(RequestAnswered)
    assert isinstance(answered, RequestAnswered)
    assert isinstance(answered.answer, InDoubt)
