"""Quotes that are current, and the proof of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest

from surefill.brokers.alpaca import market_feed as module
from surefill.brokers.alpaca.market_feed import MarketFeed
from surefill.brokers.alpaca.stream import StreamLost
from surefill.brokers.alpaca.transport import HttpOutcome, HttpRequest, HttpResponse, Lost
from surefill.core.commands import Priority
from surefill.core.events import InstrumentRead, MarketUpdated, ReadFailed
from surefill.core.fix import Feed, TradingStatus
from surefill.core.market import MarketView
from surefill.core.units import NANO
from tests.brokers.alpaca.support import (
    KEYS,
    START_NS,
    FakeClock,
    Inbox,
    Json,
    body,
    quote_json,
    until,
)

ASSET: Json = {"symbol": "CRWD", "class": "us_equity", "status": "active", "tradable": True}
OLD: Json = quote_json(ap=535.5, t="2026-03-02T14:29:00Z")
CONNECTED = [{"T": "success", "msg": "connected"}]
AUTHENTICATED = [{"T": "success", "msg": "authenticated"}]
SUBSCRIBED = [{"T": "subscription", "trades": [], "quotes": ["CRWD", "XYZ"], "bars": []}]


class Servers:
    """Trading and data server in one."""

    def __init__(self) -> None:
        self.asset: HttpOutcome = HttpResponse(200, body(ASSET), START_NS)
        self.quote: HttpOutcome = self.quoted(OLD)
        self.asked: list[HttpRequest] = []

    def quoted(self, quote: Json, recv_ns: int = START_NS) -> HttpResponse:
        return HttpResponse(200, body({"symbol": "CRWD", "quote": quote}), recv_ns)

    async def read(self, request: HttpRequest, priority: Priority) -> HttpOutcome:
        self.asked.append(request)
        await asyncio.sleep(0)
        return self.asset if "assets" in request.path else self.quote


class Wire:
    """A socket whose peer is a list of messages."""

    def __init__(self, *messages: Any, is_dead: bool = False) -> None:
        self.messages = list(messages)
        self.sent: list[Any] = []
        self.is_dead = is_dead

    async def send(self, message: object) -> None:
        if self.is_dead:
            raise StreamLost("dead")
        self.sent.append(message)

    async def receive(self) -> bytes:
        if not self.messages:
            raise StreamLost("end")
        found = self.messages.pop(0)
        return found if isinstance(found, bytes) else json.dumps(found).encode()


class Bench:
    """A market feed with everything around it."""

    def __init__(self) -> None:
        self.clock, self.servers, self.inbox = FakeClock(), Servers(), Inbox()
        self.tasks: set[asyncio.Task[None]] = set()
        self.slept: list[float] = []
        self.feed = MarketFeed(
            credentials=KEYS,
            feed=Feed.IEX,
            trading=self.servers,
            data=self.servers,
            emit=self.inbox,
            clock=self.clock,
            sleep=self.sleep,
            random=Random(1),
            spawn=self.spawn,
        )

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0.001)

    def spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        return task

    async def settle(self) -> None:
        """Let the background work finish."""
        await asyncio.gather(*self.tasks)

    def frame(self, *messages: Any) -> None:
        self.feed.on_frame(json.dumps(list(messages)).encode())
        self.feed.on_alive()

    async def watched(self) -> None:
        """CRWD watched, subscribed and read."""
        self.feed.watch("CRWD")
        self.feed.on_up(Wire())
        self.frame(*SUBSCRIBED)
        await self.settle()
        self.inbox.events.clear()

    def view(self) -> MarketView:
        found: MarketView = self.inbox.of(MarketUpdated)[-1].view
        return found


@asynccontextmanager
async def benched() -> AsyncIterator[Bench]:
    bench = Bench()
    try:
        yield bench
    finally:
        for task in bench.tasks:
            task.cancel()
        for result in await asyncio.gather(*bench.tasks, return_exceptions=True):
            assert result is None or isinstance(result, asyncio.CancelledError)


async def test_the_login() -> None:
    async with benched() as bench:
        wire = Wire(b"garbage", [{"T": 7}], CONNECTED, [{"T": "subscription"}], AUTHENTICATED)
        await bench.feed.handshake(wire)
        assert wire.sent == [KEYS.market_stream_login()]


@pytest.mark.parametrize("code", [402, 404, 406, 409])
async def test_a_refused_login_is_a_lost_stream(code: int) -> None:
    async with benched() as bench:
        error = [{"T": "error", "code": code, "msg": "no\nway"}]
        with pytest.raises(StreamLost, match=f"market stream: {code} no way"):
            await bench.feed.handshake(Wire(CONNECTED, error))


async def test_watching_reads_instrument_and_quote_and_subscribes() -> None:
    async with benched() as bench:
        wire = Wire()
        bench.feed.on_up(wire)
        bench.feed.watch("CRWD")
        bench.feed.watch("CRWD")
        await bench.settle()
        assert wire.sent == [
            {
                "action": "subscribe",
                "trades": ["CRWD"],
                "quotes": ["CRWD"],
                "statuses": ["CRWD"],
            }
        ]
        assert bench.inbox.of(InstrumentRead)[0].instrument.symbol == "CRWD"
        assert len(bench.servers.asked) == 2
        view = bench.view()
        assert (view.feed, view.status, view.alive_ns) == (
            Feed.IEX,
            TradingStatus.UNKNOWN,
            START_NS,
        )
        assert view.nbbo is not None
        assert view.nbbo.ask_px == 535_500_000_000


async def test_an_instrument_is_read_again_when_somebody_asks_a_minute_later() -> None:
    """An engine runs for days: a symbol that was not tradable when it was first asked may be."""
    async with benched() as bench:
        bench.servers.asset = HttpResponse(
            404, body({"code": 40410000, "message": "asset not found for CRWD"}), START_NS
        )
        await bench.watched()
        bench.servers.asset = HttpResponse(200, body(ASSET), START_NS)
        bench.clock.advance(module.ASSET_AGE_NS - 1)
        bench.feed.watch("CRWD")
        await bench.settle()
        assert not bench.inbox.of(InstrumentRead)
        bench.clock.advance(1)
        bench.feed.watch("CRWD")
        bench.feed.watch("CRWD")
        await bench.settle()
        assert [read.instrument.is_tradable for read in bench.inbox.of(InstrumentRead)] == [True]


async def test_what_was_watched_before_the_connection_is_subscribed_with_it() -> None:
    async with benched() as bench:
        bench.feed.watch("CRWD")
        wire = Wire()
        bench.feed.on_up(wire)
        await bench.settle()
        assert wire.sent[0]["quotes"] == ["CRWD"]
        bench.feed.on_up(empty := Wire())
        assert not empty.sent


async def test_a_connection_that_dies_while_subscribing_is_no_error() -> None:
    async with benched() as bench:
        bench.feed.watch("CRWD")
        bench.feed.on_up(Wire(is_dead=True))
        await bench.settle()


async def test_quotes_flow_and_the_last_of_a_frame_is_told() -> None:
    async with benched() as bench:
        await bench.watched()
        bench.clock.advance(NANO)
        bench.frame(quote_json(ap=536.1), quote_json(ap=536.2), quote_json(S="OTHER"))
        assert len(bench.inbox.of(MarketUpdated)) == 1
        view = bench.view()
        assert view.nbbo is not None
        assert view.nbbo.ask_px == 536_200_000_000
        assert view.nbbo.recv_ns == view.alive_ns == START_NS + NANO
        bench.feed.on_frame(json.dumps(quote_json(ap=536.3)).encode())  # one message, no array
        assert bench.view().nbbo != view.nbbo


async def test_prints_add_up_to_the_recent_volume() -> None:
    async with benched() as bench:
        await bench.watched()
        tape_print = {"T": "t", "S": "CRWD", "p": 536.0, "s": 100, "t": "2026-03-02T14:30:00Z"}
        bench.frame(quote_json(ap=536.1))
        assert bench.view().volume_qty is None  # not watched long enough
        bench.clock.advance(300 * NANO)
        bench.frame(tape_print, tape_print, tape_print | {"S": "OTHER"}, tape_print | {"s": None})
        bench.frame(quote_json(ap=536.2, t="2026-03-02T14:36:00Z"))
        assert bench.view().volume_qty == 200 * NANO


async def test_a_late_quote_does_not_replace_a_newer_one() -> None:
    async with benched() as bench:
        await bench.watched()
        bench.frame(quote_json())
        bench.inbox.events.clear()
        bench.frame(OLD)
        assert not bench.inbox.events


async def test_a_quote_from_the_far_future_does_not_block_all_others() -> None:
    async with benched() as bench:
        await bench.watched()
        bench.frame(quote_json(t="2099-01-01T00:00:00Z", ap=999))
        bench.frame(quote_json())
        assert bench.view().nbbo.ask_px == 536 * NANO  # type: ignore[union-attr]


async def test_a_quiet_symbol_on_a_live_feed_stays_current_at_one_event_a_second() -> None:
    async with benched() as bench:
        await bench.watched()
        bench.frame(quote_json())
        told_ns = [START_NS]
        for _ in range(20):  # ten seconds of pongs
            bench.clock.advance(NANO // 2)
            bench.feed.on_alive()
            told_ns.append(bench.view().alive_ns)
            assert bench.clock.now_ns() - told_ns[-1] <= NANO // 2
        assert len(set(told_ns)) == 11
        view = bench.view()
        assert view.nbbo is not None
        assert view.nbbo.recv_ns == START_NS


async def test_a_busy_feed_does_not_sweep_on_every_frame() -> None:
    async with benched() as bench:
        await bench.watched()
        bench.clock.advance(5 * NANO)
        bench.feed.on_alive()
        bench.clock.advance(NANO // 1_000)
        bench.feed.on_alive()
        assert len(bench.inbox.of(MarketUpdated)) == 1


async def test_a_lost_feed_vouches_for_nothing_until_it_is_read_anew() -> None:
    async with benched() as bench:
        await bench.watched()
        bench.frame(quote_json())
        bench.feed.on_down("cut")
        bench.inbox.events.clear()
        bench.clock.advance(60 * NANO)
        bench.feed.on_up(Wire())
        bench.feed.on_alive()
        assert not bench.inbox.events
        later = quote_json(t="2026-03-02T14:31:00Z", ap=540)
        bench.servers.quote = bench.servers.quoted(later, bench.clock.now_ns())
        bench.frame(*SUBSCRIBED)
        await bench.settle()
        assert bench.view().nbbo.ask_px == 540 * NANO  # type: ignore[union-attr]
        bench.clock.advance(NANO)
        bench.feed.on_alive()
        assert bench.view().alive_ns == bench.clock.now_ns()


async def test_a_read_from_before_the_subscription_is_not_vouched_for() -> None:
    async with benched() as bench:
        bench.feed.watch("CRWD")
        await bench.settle()
        bench.feed.on_up(Wire())
        bench.inbox.events.clear()
        bench.clock.advance(10 * NANO)
        bench.feed.on_alive()
        assert not bench.inbox.of(MarketUpdated)


async def test_a_slower_read_does_not_undo_a_streamed_quote() -> None:
    async with benched() as bench:
        bench.feed.watch("CRWD")
        bench.feed.on_up(Wire())
        bench.frame(*SUBSCRIBED, quote_json())
        await bench.settle()
        assert bench.view().nbbo.ask_px == 536 * NANO  # type: ignore[union-attr]


@pytest.mark.parametrize("bad", [{"ap": None}, {"bp": -1}, {"t": "x"}, {"as": "NaN"}])
async def test_an_unreadable_quote_ends_the_vouching(bad: Json) -> None:
    async with benched() as bench:
        await bench.watched()
        bench.frame(quote_json(**bad), quote_json(S="XYZ"))
        bench.clock.advance(10 * NANO)
        bench.feed.on_alive()
        assert not bench.inbox.events
        bench.frame(quote_json())
        assert bench.inbox.of(MarketUpdated)


async def test_garbage_costs_itself(caplog: pytest.LogCaptureFixture) -> None:
    async with benched() as bench:
        await bench.watched()
        for data in (b"\xff", b"[", b"", b"7", b'{"T":7}'):
            bench.feed.on_frame(data)
        bench.frame(7, {"T": "q"}, {"S": "CRWD"}, {"T": "new_kind", "S": "CRWD"}, quote_json())
        assert len(bench.inbox.of(MarketUpdated)) == 1
        assert caplog.text.count("unreadable") == 1


async def test_halts_are_told() -> None:
    async with benched() as bench:
        await bench.watched()
        bench.frame({"T": "s", "S": "CRWD", "sc": "H"})
        assert bench.view().status is TradingStatus.HALTED
        bench.frame({"T": "s", "S": "CRWD"})
        bench.frame({"T": "s", "S": "CRWD", "sc": "unheard-of"})
        assert bench.view().status is TradingStatus.HALTED
        bench.frame({"T": "s", "S": "CRWD", "sc": "T"})
        assert bench.view().status is TradingStatus.TRADING


async def test_a_quote_of_before_a_halt_is_not_current_after_it() -> None:
    """Found by simulation, seed 60595: a breakout entered on it, and the market had left."""
    async with benched() as bench:
        await bench.watched()
        bench.frame(quote_json())
        bench.clock.advance(NANO)
        bench.frame({"T": "s", "S": "CRWD", "sc": "H"}, {"T": "s", "S": "CRWD", "sc": "P"})
        bench.clock.advance(5 * NANO)
        bench.frame({"T": "s", "S": "CRWD", "sc": "T"})
        assert bench.view().quote_age_ns(bench.clock.now_ns()) == 6 * NANO
        bench.clock.advance(NANO)
        bench.frame()
        assert bench.view().quote_age_ns(bench.clock.now_ns()) == 7 * NANO, "nobody vouches for it"
        bench.feed.on_down("reset")
        bench.servers.quote = bench.servers.quoted(OLD, bench.clock.now_ns())
        await bench.watched()
        bench.frame({"T": "t", "S": "CRWD", "p": 536.0, "s": 1, "t": "2026-03-02T14:30:00Z"})
        assert not bench.inbox.of(MarketUpdated), "nor does a read that shows the same"
        bench.frame(quote_json(ap=536.1))
        assert bench.view().quote_age_ns(bench.clock.now_ns()) == 0
        bench.frame({"T": "s", "S": "CRWD", "sc": "H"}, quote_json(ap=536.2))
        bench.clock.advance(NANO)
        bench.frame({"T": "s", "S": "CRWD", "sc": "T"})
        assert bench.view().quote_age_ns(bench.clock.now_ns()) == 0, "quoted in the halt"


async def test_an_error_of_the_stream_is_told() -> None:
    async with benched() as bench:
        await bench.watched()
        bench.frame({"T": "error", "code": 405, "msg": "symbol limit exceeded"})
        failed = bench.inbox.of(ReadFailed)[0]
        assert (failed.what, failed.text) == ("market stream", "405 symbol limit exceeded")


async def test_an_unreadable_subscription_changes_nothing() -> None:
    async with benched() as bench:
        await bench.watched()
        asked = len(bench.servers.asked)
        bench.frame({"T": "subscription", "quotes": 7})
        bench.frame(*SUBSCRIBED)
        await bench.settle()
        assert len(bench.servers.asked) == asked


@pytest.mark.parametrize(
    "bad",
    [
        Lost("timeout"),
        HttpResponse(500, b"", 1),
        HttpResponse(200, b"<html>", 1),
        HttpResponse(403, body({"message": "subscription does not permit"}), 1),
    ],
)
async def test_reads_that_fail_are_told_and_tried_again(bad: HttpOutcome) -> None:
    async with benched() as bench:
        good_asset, good_quote = bench.servers.asset, bench.servers.quote
        bench.servers.asset = bench.servers.quote = bad
        bench.feed.watch("CRWD")
        await bench.inbox.wait(ReadFailed, 6)
        assert {event.what for event in bench.inbox.of(ReadFailed)} == {
            "instrument CRWD",
            "quote CRWD",
        }
        bench.servers.asset, bench.servers.quote = good_asset, good_quote
        await bench.inbox.wait(InstrumentRead)
        await bench.inbox.wait(MarketUpdated)
        assert all(wait <= module.RETRY_S_MAX for wait in bench.slept)


async def test_a_streamed_quote_ends_the_retries_of_the_read() -> None:
    async with benched() as bench:
        bench.servers.quote = Lost("timeout")
        bench.feed.watch("CRWD")
        bench.feed.on_up(Wire())
        bench.frame(*SUBSCRIBED)
        await bench.inbox.wait(ReadFailed)
        bench.frame(quote_json())
        await until(lambda: all(task.done() for task in bench.tasks))


async def test_an_asset_that_does_not_exist_is_an_answer() -> None:
    async with benched() as bench:
        answer = {"code": 40410000, "message": "asset not found for CRWD"}
        bench.servers.asset = HttpResponse(404, body(answer), START_NS)
        bench.feed.watch("CRWD")
        await bench.settle()
        assert not bench.inbox.of(InstrumentRead)[0].instrument.is_tradable
