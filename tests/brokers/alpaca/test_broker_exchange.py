"""The broker trades on the real exchange over real sockets, in good and in bad times."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from surefill.brokers.alpaca import recovery, rest, stream
from surefill.brokers.alpaca.broker import AlpacaBroker
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
    TradingStatus,
)
from surefill.core.units import NANO, to_nano
from tests.brokers.alpaca.support import (
    FakeClock,
    Inbox,
    Json,
    started,
    until,
)
from tests.support.exchange_server import OPEN_NS, RunningExchange


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


async def test_the_market_of_a_watched_symbol() -> None:
    with RunningExchange() as exchange:
        exchange.quote("ACME", "99.99", "100.01")
        async with started(exchange.url, FakeClock(OPEN_NS, real=True)) as (broker, inbox):
            broker.watch("ACME")
            broker.watch("ACME")
            instrument = (await inbox.wait(InstrumentRead))[0].instrument
            assert instrument.is_tradable
            assert instrument.is_shortable
            await until(lambda: any(e.view.nbbo for e in inbox.of(MarketUpdated)))
            exchange.quote("ACME", "100.00", "100.02")
            await until(lambda: inbox.of(MarketUpdated)[-1].view.nbbo.ask_px == to_nano("100.02"))
            assert inbox.of(MarketUpdated)[-1].view.feed is Feed.IEX
            quiet_ns = inbox.of(MarketUpdated)[-1].view.alive_ns
            await until(lambda: inbox.of(MarketUpdated)[-1].view.alive_ns > quiet_ns)
            assert inbox.of(MarketUpdated)[-1].view.alive_ns - quiet_ns < 1_500_000_000
            for word, status in (("halt", TradingStatus.HALTED), ("resume", TradingStatus.TRADING)):
                exchange.control("POST", "status", {"symbol": "ACME", "status": word})
                await until(lambda: inbox.of(MarketUpdated)[-1].view.status is status)  # noqa: B023


async def entered(broker: AlpacaBroker, inbox: Inbox) -> ExecutionReport:
    """Buy 25 ACME; the fill as the stream told it."""
    broker.send(entry("sf-0a1b2c-p1-E1", limit_px=to_nano("100.05")))
    report = report_of(await answer_of(inbox, Verb.SUBMIT, "sf-0a1b2c-p1-E1"))
    assert report.order_qty == 25 * NANO
    await until(lambda: bool(streamed(inbox, ExecType.TRADE)))
    return streamed(inbox, ExecType.TRADE)[-1]


COVER = {
    "side": Side.SELL,
    "leg": Leg.TARGET,
    "tif": TimeInForce.GTC,
    "limit_px": None,
    "contingency": Contingency.OCO,
    "take_profit_px": 110 * NANO,
    "stop_loss_px": 95 * NANO,
}


async def test_a_trade_from_entry_to_cover_and_back() -> None:
    with RunningExchange() as exchange:
        exchange.quote("ACME", "99.99", "100.01")
        async with started(exchange.url, FakeClock(OPEN_NS, real=True)) as (broker, inbox):
            await inbox.wait(StreamChanged)
            fill = await entered(broker, inbox)
            assert (fill.ord_status, fill.last_px) == (OrdStatus.FILLED, to_nano("100.01"))
            assert fill.position_qty == 25 * NANO

            broker.send(entry("sf-0a1b2c-p1-X1", **COVER))
            oco = report_of(await answer_of(inbox, Verb.SUBMIT, "sf-0a1b2c-p1-X1"))
            assert oco.contingency is Contingency.OCO
            stop = oco.legs[0]
            assert stop.stop_px == 95 * NANO
            broker.send(QueryOrder("t1", "sf-0a1b2c-p1-X1"))
            asked = report_of(await answer_of(inbox, Verb.QUERY, "sf-0a1b2c-p1-X1"))
            assert asked.legs[0].order_id == stop.order_id

            change = ReplaceOrder("t1", stop.cl_ord_id, stop.order_id, "s2", stop_px=96 * NANO)
            broker.send(change)
            moved = report_of(await answer_of(inbox, Verb.REPLACE, stop.cl_ord_id))
            assert (moved.replaces, moved.stop_px) == (stop.order_id, 96 * NANO)

            broker.send(CancelOrder("t1", "sf-0a1b2c-p1-X1", oco.order_id))
            assert (await answer_of(inbox, Verb.CANCEL, "sf-0a1b2c-p1-X1")).answer == Accepted()
            await until(lambda: bool(streamed(inbox, ExecType.CANCELED)))
            broker.send(QueryOrder("t1", "sf-0a1b2c-p1-E9"))
            absent = (await answer_of(inbox, Verb.QUERY, "sf-0a1b2c-p1-E9")).answer
            assert isinstance(absent, Rejected)
            assert absent.kind is RejectKind.NOT_FOUND


async def test_the_account_is_read_at_the_start_and_when_asked() -> None:
    with RunningExchange() as exchange:
        exchange.quote("ACME", "99.99", "100.01")
        async with started(exchange.url, FakeClock(OPEN_NS, real=True)) as (broker, inbox):
            assert inbox.of(AccountRead)[0].account.buying_power_usd == 400_000 * NANO
            calendar = inbox.of(CalendarRead)[0].calendar
            assert calendar.session_at(OPEN_NS) is not None
            assert (await inbox.wait(StreamChanged))[0].is_up
            for kind in (OrdersRead, FillsRead, PositionsRead):
                assert len(inbox.of(kind)) == 1
            fill = await entered(broker, inbox)
            for query in (QueryOrders(OPEN_NS - NANO), QueryFills(OPEN_NS - NANO)):
                broker.send(query)
            broker.send(QueryPositions())
            broker.send(QueryAccount())
            await inbox.wait(AccountRead, 2)
            assert len((await inbox.wait(OrdersRead, 2))[-1].orders) == 1
            fills = (await inbox.wait(FillsRead, 2))[-1].fills
            positions = (await inbox.wait(PositionsRead, 2))[-1].positions
            assert [f.exec_id for f in fills] == [fill.exec_id]
            assert fills[0].cl_ord_id == "sf-0a1b2c-p1-E1"
            assert [(p.symbol, p.qty) for p in positions] == [("ACME", 25 * NANO)]


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
