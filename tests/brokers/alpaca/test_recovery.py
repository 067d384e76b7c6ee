"""The order stream across gaps: nothing readable is lost, nothing unread is claimed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest

from surefill.brokers.alpaca import recovery as module
from surefill.brokers.alpaca.book import OrderBook
from surefill.brokers.alpaca.reads import AccountReads
from surefill.brokers.alpaca.recovery import OrderStream
from surefill.brokers.alpaca.stream import StreamLost
from surefill.brokers.alpaca.translate.times import to_rfc3339
from surefill.brokers.alpaca.transport import HttpOutcome, HttpRequest, HttpResponse, Lost
from surefill.core.commands import Priority
from surefill.core.events import (
    Event,
    FillsRead,
    OrdersRead,
    PositionsRead,
    ReadFailed,
    ReportReceived,
    StreamChanged,
)
from surefill.core.units import NANO
from tests.brokers.alpaca.support import (
    CL_ORD_ID,
    KEYS,
    START_NS,
    FakeClock,
    Inbox,
    activity_json,
    body,
    fill_update,
    order_json,
    until,
    update_json,
)

LOOKBACK_NS = 100 * NANO
READS = [OrdersRead, FillsRead, PositionsRead]


class Desk:
    """Answers the three reads; can hold them up or fail them."""

    def __init__(self) -> None:
        self.orders: list[Any] = [order_json(status="filled", filled_qty="25")]
        self.fills: list[Any] = [activity_json()]
        self.gate = asyncio.Event()
        self.gate.set()
        self.failing = False
        self.asked: list[HttpRequest] = []

    async def read(self, request: HttpRequest, priority: Priority) -> HttpOutcome:
        assert priority is Priority.EVIDENCE
        self.asked.append(request)
        await self.gate.wait()
        if self.failing:
            return Lost("down")
        answers = {"/v2/orders": self.orders, "/v2/positions": []}
        return HttpResponse(200, body(answers.get(request.path, self.fills)), START_NS)

    def after(self, path: str) -> str:
        """``after`` of the last request of this path."""
        return next(dict(r.query)["after"] for r in reversed(self.asked) if r.path == path)


class Wire:
    """A socket whose peer is a list of messages."""

    def __init__(self, *messages: Any) -> None:
        self.messages = list(messages)
        self.sent: list[Any] = []

    async def send(self, message: object) -> None:
        self.sent.append(message)

    async def receive(self) -> bytes:
        if not self.messages:
            raise StreamLost("end")
        found = self.messages.pop(0)
        return found if isinstance(found, bytes) else json.dumps(found).encode()


class Bench:
    """An order stream with everything around it."""

    def __init__(self) -> None:
        self.clock, self.desk, self.inbox, self.book = FakeClock(), Desk(), Inbox(), OrderBook()
        self.tasks: set[asyncio.Task[None]] = set()
        self.connects = 0
        self.slept: list[float] = []
        self.stream = OrderStream(
            credentials=KEYS,
            reads=AccountReads(rest=self.desk, clock=self.clock),
            book=self.book,
            emit=self.emit,
            clock=self.clock,
            sleep=self.sleep,
            random=Random(1),
            venue_now=self.clock.now_ns,
            lookback_ns=LOOKBACK_NS,
            on_connect=self.connect,
            spawn=self.spawn,
        )

    def emit(self, event: Event) -> None:
        self.book.note(event)
        self.inbox(event)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0.001)

    async def connect(self) -> None:
        self.connects += 1

    def spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        return task

    def frame(self, message: Any) -> None:
        data = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.stream.on_frame(data)
        self.stream.on_alive()

    def kinds(self) -> list[type[Any]]:
        return [type(event) for event in self.inbox.events]

    async def up(self) -> None:
        self.stream.on_up(Wire())
        await self.inbox.wait(StreamChanged)


@asynccontextmanager
async def benched() -> AsyncIterator[Bench]:
    bench = Bench()
    try:
        yield bench
    finally:
        await bench.stream.close()
        for result in await asyncio.gather(*bench.tasks, return_exceptions=True):
            assert result is None or isinstance(result, asyncio.CancelledError)


AUTHORIZED = {"stream": "authorization", "data": {"status": "authorized", "action": "auth"}}
REFUSED = {"stream": "authorization", "data": {"status": "unauthorized", "action": "auth"}}
LISTENING = {"stream": "listening", "data": {"streams": ["trade_updates"]}}


async def test_the_login() -> None:
    async with benched() as bench:
        wire = Wire(b"\x01", b"garbage", AUTHORIZED, fill_update(), LISTENING)
        await bench.stream.handshake(wire)
        assert [message["action"] for message in wire.sent] == ["authenticate", "listen"]
        assert wire.sent[1]["data"] == {"streams": ["trade_updates"]}


async def test_a_refused_login_tries_the_other_form_next() -> None:
    async with benched() as bench:
        actions = []
        for _ in range(3):
            wire = Wire(REFUSED)
            with pytest.raises(StreamLost, match="refused"):
                await bench.stream.handshake(wire)
            actions.append(wire.sent[0]["action"])
        assert actions == ["authenticate", "auth", "authenticate"]


@pytest.mark.parametrize(
    "messages",
    [
        [AUTHORIZED, {"stream": "listening", "data": {"streams": []}}],
        [{"stream": "authorization", "data": 7}],
        [],
    ],
)
async def test_a_login_that_goes_wrong_is_a_lost_stream(messages: list[Any]) -> None:
    async with benched() as bench:
        with pytest.raises(StreamLost):
            await bench.stream.handshake(Wire(*messages))


async def test_reads_come_first_then_up_then_what_was_held() -> None:
    async with benched() as bench:
        bench.desk.gate.clear()
        bench.stream.on_up(Wire())
        bench.frame(fill_update())
        await asyncio.sleep(0.01)
        assert not bench.inbox.events
        bench.desk.gate.set()
        await bench.inbox.wait(ReportReceived)
        assert bench.kinds() == [*READS, StreamChanged, ReportReceived]
        await until(lambda: bench.connects == 1)
        fills = bench.inbox.of(FillsRead)[0].fills
        assert fills[0].cl_ord_id == CL_ORD_ID  # from the order read beside it
        bench.frame(fill_update(execution="x2"))
        assert bench.kinds()[-1] is ReportReceived


async def test_a_report_is_handed_on_when_the_reads_take_too_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "HOLD_S", 0.05)
    async with benched() as bench:
        bench.desk.gate.clear()
        bench.stream.on_up(Wire())
        bench.frame(fill_update())
        await bench.inbox.wait(ReportReceived)
        bench.frame(fill_update(execution="x2"))
        assert bench.kinds() == [ReportReceived, ReportReceived]
        bench.desk.gate.set()
        await bench.inbox.wait(StreamChanged)


async def test_reports_flow_while_reads_fail_and_the_stream_is_up_after_complete_ones() -> None:
    async with benched() as bench:
        bench.desk.failing = True
        bench.stream.on_up(Wire())
        bench.frame(fill_update())
        await bench.inbox.wait(ReadFailed, 9)
        assert bench.inbox.of(ReportReceived)
        assert not bench.inbox.of(StreamChanged)
        assert bench.slept[0] < module.RETRY_S
        assert max(bench.slept) <= module.RETRY_S_MAX
        bench.desk.failing = False
        await bench.inbox.wait(StreamChanged)
        assert bench.kinds()[-1] is StreamChanged


async def test_a_flood_before_the_reads_is_not_held_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "HELD_MAX", 3)
    async with benched() as bench:
        bench.desk.gate.clear()
        bench.stream.on_up(Wire())
        for number in range(4):
            bench.frame(fill_update(execution=f"x{number}"))
        assert len(bench.inbox.of(ReportReceived)) == 4


async def test_a_lost_stream_hands_on_what_it_held_and_says_so_once() -> None:
    async with benched() as bench:
        bench.desk.gate.clear()
        bench.stream.on_up(Wire())
        bench.frame(fill_update())
        bench.stream.on_down("cut")
        assert bench.kinds() == [ReportReceived]
        bench.desk.gate.set()
        bench.inbox.events.clear()
        await bench.up()
        bench.stream.on_down("cut")
        bench.stream.on_down("refused")
        assert [event.is_up for event in bench.inbox.of(StreamChanged)] == [True, False]


async def test_the_first_read_looks_back_and_the_next_to_the_last_sign_of_life() -> None:
    async with benched() as bench:
        await bench.up()
        first_ns = START_NS - LOOKBACK_NS - module.GAP_MARGIN_NS
        assert bench.desk.after("/v2/orders") == to_rfc3339(first_ns)
        bench.clock.advance(1_000 * NANO)
        bench.stream.on_alive()
        bench.stream.on_down("cut")
        bench.clock.advance(500 * NANO)
        bench.stream.on_alive()
        bench.stream.on_up(Wire())
        await bench.inbox.wait(StreamChanged, 3)
        gap_ns = START_NS + 1_000 * NANO - module.GAP_MARGIN_NS
        assert bench.desk.after("/v2/orders") == to_rfc3339(gap_ns)


async def test_a_read_goes_back_to_the_oldest_order_alive() -> None:
    async with benched() as bench:
        await bench.up()
        old = order_json(id="old", submitted_at="2021-07-08T14:50:45.332349Z")
        bench.frame(update_json("new", old))
        bench.stream.on_down("cut")
        bench.stream.on_up(Wire())
        await bench.inbox.wait(StreamChanged, 3)
        assert bench.desk.after("/v2/orders") == "2021-07-08T14:50:45.332348999Z"
        assert bench.desk.after("/v2/account/activities/FILL") > "2027"


@pytest.mark.parametrize(
    "message",
    [
        b"\xff\x00garbage",
        b"[]",
        update_json("fill", order_json(status="sublimated")),
        {"stream": "trade_updates", "data": None},
    ],
)
async def test_an_unreadable_message_is_told_and_read_over_rest(message: Any) -> None:
    async with benched() as bench:
        await bench.up()
        bench.inbox.events.clear()
        bench.frame(message)
        assert bench.inbox.of(ReadFailed)[0].what == "stream"
        await bench.inbox.wait(OrdersRead)
        await bench.inbox.wait(FillsRead)
        bench.frame(fill_update())
        assert bench.inbox.of(ReportReceived)
        assert not bench.inbox.of(StreamChanged)


async def test_a_fill_without_numbers_is_evidence_and_is_read_over_rest() -> None:
    async with benched() as bench:
        await bench.up()
        bench.inbox.events.clear()
        bench.frame(fill_update(price=None))
        assert bench.kinds() == [ReportReceived]
        await bench.inbox.wait(FillsRead)


async def test_a_burst_of_bad_messages_shares_its_reads() -> None:
    async with benched() as bench:
        await bench.up()
        await until(lambda: bench.connects == 1)
        asked = len(bench.desk.asked)
        for _ in range(200):
            bench.frame(b"garbage")
        await bench.inbox.wait(OrdersRead, 2)
        await asyncio.sleep(0.02)
        assert len(bench.desk.asked) - asked <= 6
        assert len(bench.inbox.of(ReadFailed)) == 1
        assert module.REREAD_GAP_S in bench.slept


async def test_a_bad_message_during_the_first_reads_is_repaired_after_them() -> None:
    async with benched() as bench:
        bench.desk.gate.clear()
        bench.stream.on_up(Wire())
        await asyncio.sleep(0.01)
        bench.frame(b"garbage")
        bench.desk.gate.set()
        await bench.inbox.wait(OrdersRead, 2)


async def test_a_gap_that_is_not_repaired_yet_stays_open() -> None:
    """A sign of life after a bad message does not close the gap that the message left."""
    async with benched() as bench:
        await bench.up()
        await until(lambda: bench.connects == 1)
        bench.desk.failing = True
        bench.frame(b"garbage")
        for _ in range(5):
            bench.clock.advance(10_000 * NANO)
            count = len(bench.inbox.of(ReadFailed))
            bench.stream.on_alive()
            await bench.inbox.wait(ReadFailed, count + 2)
        assert bench.desk.after("/v2/account/activities/FILL") < to_rfc3339(START_NS)


async def test_other_streams_and_heartbeats_are_no_news() -> None:
    async with benched() as bench:
        await bench.up()
        bench.inbox.events.clear()
        for message in (b"\x01", LISTENING, AUTHORIZED, {"stream": "account_updates", "data": {}}):
            bench.frame(message)
        assert not bench.inbox.events


async def test_closing_twice_is_harmless() -> None:
    async with benched() as bench:
        bench.desk.gate.clear()
        bench.stream.on_up(Wire())
        await bench.stream.close()
        await bench.stream.close()
