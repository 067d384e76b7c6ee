"""The broker against the real exchange over real sockets, and against servers that misbehave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest
from aiohttp import web

from surefill.brokers.alpaca import broker as module
from surefill.brokers.alpaca import recovery, rest, stream
from surefill.brokers.alpaca.broker import AlpacaBroker
from surefill.brokers.alpaca.endpoints import endpoints_of
from surefill.core.commands import (
    CancelOrder,
    OrderSpec,
    Priority,
    QueryAccount,
    QueryFills,
    QueryOrder,
    QueryOrders,
    QueryPositions,
    ReplaceOrder,
    SubmitOrder,
)
from surefill.core.events import (
    Accepted,
    AccountRead,
    BudgetChanged,
    CalendarRead,
    ExecutionReport,
    FillsRead,
    InDoubt,
    InstrumentRead,
    MarketUpdated,
    OrdersRead,
    PositionsRead,
    RateLimited,
    ReadFailed,
    Rejected,
    RejectKind,
    ReportReceived,
    RequestAnswered,
    StreamChanged,
    Verb,
)
from surefill.core.fix import (
    Contingency,
    ExecType,
    Feed,
    Leg,
    OrdStatus,
    OrdType,
    Side,
    TimeInForce,
)
from surefill.core.units import NANO, to_nano
from surefill.ports import Broker
from tests.brokers.alpaca.support import (
    CL_ORD_ID,
    KEYS,
    ORDER_ID,
    FakeClock,
    Inbox,
    Json,
    account_json,
    day_json,
    order_json,
    serving,
    submit,
    until,
)
from tests.support.exchange_server import OPEN_NS, RunningExchange


@asynccontextmanager
async def started(
    url: str, clock: FakeClock, **more: Any
) -> AsyncIterator[tuple[AlpacaBroker, Inbox]]:
    """A broker connected to this server, and what it told."""
    broker = AlpacaBroker(
        endpoints=endpoints_of(url, feed=Feed.IEX),
        credentials=KEYS,
        feed=Feed.IEX,
        clock=clock,
        random=Random(1),
        **more,
    )
    inbox = Inbox()
    await broker.start(inbox)
    try:
        yield broker, inbox
    finally:
        await broker.close()


def entry(cl_ord_id: str, **changes: Any) -> SubmitOrder:
    fields: dict[str, Any] = {
        "cl_ord_id": cl_ord_id,
        "symbol": "ACME",
        "side": Side.BUY,
        "ord_type": OrdType.LIMIT,
        "tif": TimeInForce.DAY,
        "order_qty": 25 * NANO,
        "leg": Leg.ENTRY,
        "limit_px": 100 * NANO,
    }
    return SubmitOrder("t1", OrderSpec(**(fields | changes)), Priority.ENTRY)


async def answer_of(inbox: Inbox, verb: Verb, key: str) -> RequestAnswered:
    def found() -> list[RequestAnswered]:
        return [e for e in inbox.of(RequestAnswered) if (e.verb, e.cl_ord_id) == (verb, key)]

    await until(lambda: bool(found()))
    return found()[-1]


def report_of(answered: RequestAnswered) -> ExecutionReport:
    assert isinstance(answered.answer, Accepted), answered
    assert answered.answer.report is not None
    return answered.answer.report


def streamed(inbox: Inbox, exec_type: ExecType) -> list[ExecutionReport]:
    return [e.report for e in inbox.of(ReportReceived) if e.report.exec_type is exec_type]


async def test_it_is_a_broker() -> None:
    clock = FakeClock()
    broker = AlpacaBroker(
        endpoints=endpoints_of("http://127.0.0.1:1", feed=Feed.IEX),
        credentials=KEYS,
        feed=Feed.IEX,
        clock=clock,
        random=Random(1),
    )
    assert isinstance(broker, Broker)
    assert broker.capabilities.has_brackets
    with pytest.raises(ConnectionError, match="cannot read the account"):
        await broker.start(Inbox())


async def test_a_trade_from_entry_to_cover_on_the_real_exchange() -> None:
    with RunningExchange() as exchange:
        exchange.quote("ACME", "99.99", "100.01")
        async with started(exchange.url, FakeClock(OPEN_NS, real=True)) as (broker, inbox):
            assert inbox.of(AccountRead)[0].account.buying_power_usd == 400_000 * NANO
            calendar = inbox.of(CalendarRead)[0].calendar
            assert calendar.session_at(OPEN_NS) is not None
            assert (await inbox.wait(StreamChanged))[0].is_up
            assert inbox.of(OrdersRead)
            assert inbox.of(FillsRead)
            assert inbox.of(PositionsRead)

            broker.watch("ACME")
            broker.watch("ACME")
            instrument = (await inbox.wait(InstrumentRead))[0].instrument
            assert instrument.is_tradable
            assert instrument.is_shortable
            await until(lambda: any(e.view.nbbo for e in inbox.of(MarketUpdated)))
            exchange.quote("ACME", "100.00", "100.02")
            await until(lambda: inbox.of(MarketUpdated)[-1].view.nbbo.ask_px == to_nano("100.02"))
            assert inbox.of(MarketUpdated)[-1].view.feed is Feed.IEX

            broker.send(entry("sf-0a1b2c-p1-E1", limit_px=to_nano("100.05")))
            report = report_of(await answer_of(inbox, Verb.SUBMIT, "sf-0a1b2c-p1-E1"))
            assert report.order_qty == 25 * NANO
            await until(lambda: bool(streamed(inbox, ExecType.TRADE)))
            fill = streamed(inbox, ExecType.TRADE)[-1]
            assert (fill.ord_status, fill.last_px) == (OrdStatus.FILLED, to_nano("100.02"))
            assert fill.position_qty == 25 * NANO

            cover = entry(
                "sf-0a1b2c-p1-X1",
                side=Side.SELL,
                leg=Leg.TARGET,
                tif=TimeInForce.GTC,
                limit_px=None,
                contingency=Contingency.OCO,
                take_profit_px=to_nano("110"),
                stop_loss_px=to_nano("95"),
            )
            broker.send(cover)
            oco = report_of(await answer_of(inbox, Verb.SUBMIT, "sf-0a1b2c-p1-X1"))
            assert oco.contingency is Contingency.OCO
            assert oco.legs[0].stop_px == to_nano("95")

            broker.send(QueryOrder("t1", "sf-0a1b2c-p1-X1"))
            asked = report_of(await answer_of(inbox, Verb.QUERY, "sf-0a1b2c-p1-X1"))
            assert asked.legs[0].order_id == oco.legs[0].order_id
            broker.send(
                ReplaceOrder(
                    "t1",
                    oco.legs[0].cl_ord_id,
                    oco.legs[0].order_id,
                    "sf-0a1b2c-p1-S2",
                    stop_px=to_nano("96"),
                )
            )
            moved = report_of(await answer_of(inbox, Verb.REPLACE, oco.legs[0].cl_ord_id))
            assert moved.replaces == oco.legs[0].order_id
            assert moved.stop_px == to_nano("96")

            broker.send(QueryOrders(OPEN_NS - NANO))
            broker.send(QueryFills(OPEN_NS - NANO))
            broker.send(QueryPositions())
            broker.send(QueryAccount())
            await inbox.wait(AccountRead, 2)
            await inbox.wait(OrdersRead, 2)
            fills = (await inbox.wait(FillsRead, 2))[-1].fills
            positions = (await inbox.wait(PositionsRead, 2))[-1].positions
            assert [f.exec_id for f in fills] == [fill.exec_id]
            assert fills[0].cl_ord_id == "sf-0a1b2c-p1-E1"
            assert [(p.symbol, p.qty) for p in positions] == [("ACME", 25 * NANO)]

            broker.send(CancelOrder("t1", "sf-0a1b2c-p1-X1", oco.order_id))
            assert (await answer_of(inbox, Verb.CANCEL, "sf-0a1b2c-p1-X1")).answer == Accepted()
            await until(lambda: bool(streamed(inbox, ExecType.CANCELED)))
            broker.send(QueryOrder("t1", "sf-0a1b2c-p1-E9"))
            absent = (await answer_of(inbox, Verb.QUERY, "sf-0a1b2c-p1-E9")).answer
            assert isinstance(absent, Rejected)
            assert absent.kind is RejectKind.NOT_FOUND


async def test_refusals_of_the_real_exchange_have_their_kind() -> None:
    with RunningExchange() as exchange:
        exchange.quote("ACME", "99.99", "100.01")
        async with started(exchange.url, FakeClock(OPEN_NS, real=True)) as (broker, inbox):
            await inbox.wait(StreamChanged)
            broker.send(entry("a"))
            await answer_of(inbox, Verb.SUBMIT, "a")
            cases = [
                (entry("b", order_qty=1_000_000 * NANO), RejectKind.BUYING_POWER),
                (entry("c", limit_px=to_nano("99.991")), RejectKind.OTHER),
                (
                    entry(
                        "d",
                        side=Side.SELL,
                        limit_px=None,
                        contingency=Contingency.OCO,
                        take_profit_px=110 * NANO,
                        stop_loss_px=95 * NANO,
                    ),
                    RejectKind.NOT_AN_EXIT,
                ),
                (entry("e", symbol="NOSUCH"), RejectKind.NOT_TRADABLE),
            ]
            for command, kind in cases:
                broker.send(command)
                answered = await answer_of(inbox, Verb.SUBMIT, command.spec.cl_ord_id)
                assert isinstance(answered.answer, Rejected), answered
                assert answered.answer.kind is kind, answered
            inbox.events.clear()
            broker.send(entry("a"))
            again = (await answer_of(inbox, Verb.SUBMIT, "a")).answer
            assert isinstance(again, Rejected)
            assert again.kind is RejectKind.DUPLICATE_ID


async def test_a_fill_during_a_gap_is_read_after_it() -> None:
    """W5: the stream is cut, the order fills, the reconnect reads it."""
    with RunningExchange() as exchange:
        exchange.quote("ACME", "99.99", "100.01")
        async with started(exchange.url, FakeClock(OPEN_NS, real=True)) as (broker, inbox):
            await inbox.wait(StreamChanged)
            broker.send(entry("sf-0a1b2c-p1-E1", limit_px=to_nano("99.50")))
            await answer_of(inbox, Verb.SUBMIT, "sf-0a1b2c-p1-E1")
            await until(lambda: bool(streamed(inbox, ExecType.NEW)))
            exchange.arm("W5", "orders", count=1, params={"mode": "cut", "refuse_ms": 300})
            exchange.quote("ACME", "99.40", "99.45")
            await until(
                lambda: [e.is_up for e in inbox.of(StreamChanged)] == [True, False, True],
                within_s=15,
            )
            seen = [f for read in inbox.of(FillsRead) for f in read.fills]
            seen += streamed(inbox, ExecType.TRADE)
            assert (
                sum((f.last_qty or 0) for f in {f.exec_id: f for f in seen}.values()) == 25 * NANO
            )
            assert {f.cl_ord_id for f in seen} == {"sf-0a1b2c-p1-E1"}


@pytest.mark.parametrize(
    ("code", "params"),
    [
        ("N2", {}),
        ("N3", {"status": 504, "effect": True}),
        ("N3", {"status": 500, "effect": False}),
        ("N5", {"mode": "reset"}),
        ("N5", {"mode": "truncated"}),
        ("N5", {"mode": "html"}),
        ("N5", {"mode": "empty"}),
    ],
)
async def test_an_unproven_submit_is_in_doubt_and_sent_once(
    code: str, params: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest, "READ_S", 0.5)
    with RunningExchange() as exchange:
        exchange.quote("ACME", "99.99", "100.01")
        async with started(exchange.url, FakeClock(OPEN_NS, real=True)) as (broker, inbox):
            await inbox.wait(StreamChanged)
            exchange.arm(code, "POST", count=1, params=params)
            broker.send(entry("sf-0a1b2c-p1-E1", limit_px=to_nano("99.50")))
            answered = await answer_of(inbox, Verb.SUBMIT, "sf-0a1b2c-p1-E1")
            assert isinstance(answered.answer, InDoubt)
            await asyncio.sleep(0.2)
            broker.send(QueryOrder("t1", "sf-0a1b2c-p1-E1"))
            found = (await answer_of(inbox, Verb.QUERY, "sf-0a1b2c-p1-E1")).answer
            if params.get("effect", True):
                assert isinstance(found, Accepted)
            else:
                assert isinstance(found, Rejected)
                assert found.kind is RejectKind.NOT_FOUND
            posts = [line for line in exchange.log() if line["kind"] == "accepted"]
            assert len(posts) <= 1


async def test_a_429_holds_back_entries_and_lets_cover_pass() -> None:
    with RunningExchange() as exchange:
        exchange.quote("ACME", "99.99", "100.01")
        clock = FakeClock(OPEN_NS, real=True)
        async with started(exchange.url, clock) as (broker, inbox):
            await inbox.wait(StreamChanged)
            exchange.arm("N4", "POST", count=1)
            broker.send(entry("a"))
            limited = (await answer_of(inbox, Verb.SUBMIT, "a")).answer
            assert isinstance(limited, RateLimited)
            broker.send(entry("b"))
            held = (await answer_of(inbox, Verb.SUBMIT, "b")).answer
            assert isinstance(held, RateLimited)
            assert held.until_ns > OPEN_NS + NANO
            cover = SubmitOrder("t1", entry("c").spec, Priority.PROTECT)
            broker.send(cover)
            report_of(await answer_of(inbox, Verb.SUBMIT, "c"))
            change = inbox.of(BudgetChanged)[-1]
            assert change.left <= change.reserved
            exchange.arm("N4", "POST", count=1)
            broker.send(SubmitOrder("t1", entry("d").spec, Priority.PROTECT))
            soon = (await answer_of(inbox, Verb.SUBMIT, "d")).answer
            assert isinstance(soon, RateLimited)
            assert soon.until_ns <= clock.now_ns() + NANO


@pytest.mark.parametrize(
    ("code", "params"),
    [
        ("W2", {"copies": 3}),
        ("W3", {"delay_ms": 300}),
        ("W8", {"mode": "binary"}),
        ("W8", {"mode": "text"}),
        ("W8", {"mode": "huge"}),
        ("W9", {}),
    ],
)
async def test_an_odd_stream_still_tells_every_fill_once(code: str, params: Json) -> None:
    with RunningExchange() as exchange:
        exchange.quote("ACME", "99.99", "100.01")
        async with started(exchange.url, FakeClock(OPEN_NS, real=True)) as (broker, inbox):
            await inbox.wait(StreamChanged)
            exchange.arm(code, "orders", count=2, params=params)
            broker.send(entry("sf-0a1b2c-p1-E1", limit_px=to_nano("100.01")))

            def told() -> dict[str | None, ExecutionReport]:
                fills = [f for read in inbox.of(FillsRead) for f in read.fills]
                return {f.exec_id: f for f in fills + streamed(inbox, ExecType.TRADE)}

            await until(lambda: sum(f.last_qty or 0 for f in told().values()) == 25 * NANO)
            if code in ("W8", "W9") and params.get("mode") != "huge":
                assert len(inbox.of(StreamChanged)) == 1
            if params.get("mode") in ("binary", "text"):
                assert any(e.what == "stream" for e in inbox.of(ReadFailed))


async def test_a_silent_stream_is_noticed_within_ten_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """W6, with the heartbeat ten times as fast."""
    monkeypatch.setattr(recovery, "TICK_S", recovery.TICK_S / 10)
    monkeypatch.setattr(stream, "HANDSHAKE_S", 0.5)
    with RunningExchange() as exchange:
        exchange.quote("ACME", "99.99", "100.01")
        async with started(exchange.url, FakeClock(OPEN_NS, real=True)) as (broker, inbox):
            await inbox.wait(StreamChanged)
            exchange.arm("W6", "orders", params={"for_ms": 2_500})
            broker.send(entry("sf-0a1b2c-p1-E1", limit_px=to_nano("100.01")))
            await until(lambda: len(inbox.of(StreamChanged)) >= 2, within_s=4)
            assert not inbox.of(StreamChanged)[1].is_up
            await until(lambda: inbox.of(StreamChanged)[-1].is_up, within_s=8)
            assert [f.exec_id for read in inbox.of(FillsRead) for f in read.fills]


async def test_a_wrong_key_is_refused_at_the_start() -> None:
    async def refuse(request: web.Request) -> web.Response:
        return web.json_response({"message": "unauthorized."}, status=401)

    async with serving(web.get("/v2/account", refuse)) as url:
        with pytest.raises(ConnectionError, match="AUTHORIZATION: 401: unauthorized") as caught:
            async with started(url, FakeClock(real=True)):
                raise AssertionError("started")
    assert KEYS.headers()["APCA-API-KEY-ID"] not in str(caught.value)


def reference(**answers: Any) -> list[web.RouteDef]:
    """Account, clock and calendar of a server that is otherwise up to the test."""

    def route(path: str, value: Any) -> web.RouteDef:
        async def answer(request: web.Request) -> web.StreamResponse:
            if isinstance(value, int):
                return web.Response(status=value)
            return web.json_response(value)

        return web.get(path, answer)

    known: dict[str, Any] = {
        "account": account_json(),
        "clock": {"timestamp": "2027-01-15T03:00:03.5-05:00"},
        "calendar": [day_json()],
        "positions": [],
        "orders": [],
    }
    return [route(f"/v2/{name}", value) for name, value in (known | answers).items()]


@pytest.mark.parametrize("calendar", [[day_json(open="?")], 500, {"message": "x"}])
async def test_no_start_without_a_calendar(calendar: Any) -> None:
    async with serving(*reference(calendar=calendar)) as url:
        with pytest.raises(ConnectionError, match="calendar"):
            async with started(url, FakeClock(real=True), sleep=brief):
                raise AssertionError("started")


async def brief(seconds: float) -> None:
    """Waits of the adapter, shortened."""
    await asyncio.sleep(min(seconds, 0.01))


async def test_a_clock_that_differs_is_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(*reference()) as url, started(url, FakeClock(real=True)):
        assert "differ by" in caplog.text
    caplog.clear()
    odd = reference(clock={"timestamp": "noon"})
    async with serving(*odd) as url, started(url, FakeClock(real=True)):
        assert "differ by" not in caplog.text
    caplog.clear()
    gone = reference(clock=404)
    async with serving(*gone) as url, started(url, FakeClock(real=True)):
        assert "read failed" in caplog.text


async def test_the_calendar_is_read_again_before_it_runs_out() -> None:
    clock = FakeClock(real=True)
    async with serving(*reference()) as url, started(url, clock, sleep=brief) as (_, inbox):
        assert len(inbox.of(CalendarRead)) == 1
        clock.advance(module.CALENDAR_NS)
        await inbox.wait(CalendarRead, 2)


async def test_events_after_close_go_nowhere() -> None:
    async with serving(*reference()) as url:
        async with started(url, FakeClock(real=True)) as (broker, inbox):
            pass
        count = len(inbox.events)
        broker.send(submit())
        await asyncio.sleep(0.05)
        assert len(inbox.events) == count


async def test_a_bug_in_the_background_reaches_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """A-01: a programming error is neither a network error nor lost."""
    contexts: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: contexts.append(context))

    def bug(*args: object, **kwargs: object) -> None:
        raise TypeError("a bug")

    monkeypatch.setattr(module, "order_answer", bug)
    async with serving(*reference()) as url, started(url, FakeClock(real=True)) as (broker, _):
        broker.send(submit())
        await until(lambda: bool(contexts))
    assert isinstance(contexts[0]["exception"], TypeError)


async def test_every_order_command_is_answered_once_under_its_key() -> None:
    async def take(request: web.Request) -> web.Response:
        if request.method == "DELETE":
            return web.Response(status=204)
        if request.method == "PATCH":
            return web.json_response(order_json(client_order_id="new", replaces=ORDER_ID))
        return web.json_response(order_json())

    orders = [web.route("*", "/v2/orders{rest:.*}", take)]
    async with (
        serving(*reference()[:4], *orders) as url,
        started(url, FakeClock(real=True)) as (broker, inbox),
    ):
        broker.send(submit())
        broker.send(CancelOrder("plan-1", "c", ORDER_ID))
        broker.send(ReplaceOrder("plan-1", "r", ORDER_ID, "new", stop_px=NANO))
        broker.send(QueryOrder("plan-1", "q", ORDER_ID))
        answered = await inbox.wait(RequestAnswered, 4)
        await asyncio.sleep(0.05)
    keys = {(event.verb, event.cl_ord_id) for event in answered}
    assert keys == {
        (Verb.SUBMIT, CL_ORD_ID),
        (Verb.CANCEL, "c"),
        (Verb.REPLACE, "r"),
        (Verb.QUERY, "q"),
    }
    assert len(inbox.of(RequestAnswered)) == 4
    assert all(isinstance(event.answer, Accepted) for event in answered)
    assert all(event.sent_ns <= event.recv_ns for event in answered)
