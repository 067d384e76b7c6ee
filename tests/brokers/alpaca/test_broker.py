"""The broker's own work: starting, answering once, keeping the calendar, closing."""

from __future__ import annotations

import asyncio
import logging
import re
from random import Random
from typing import Any

import pytest
from aiohttp import web

from surefill.brokers.alpaca import broker as module
from surefill.brokers.alpaca.broker import AlpacaBroker
from surefill.brokers.alpaca.credentials import Credentials
from surefill.brokers.alpaca.endpoints import endpoints_of
from surefill.core.commands import (
    CancelOrder,
    QueryOrder,
    ReplaceOrder,
)
from surefill.core.events import (
    Accepted,
    AccountRead,
    Act,
    CalendarRead,
    OperatorActed,
    RequestAnswered,
    Verb,
)
from surefill.core.fix import (
    Feed,
)
from surefill.core.units import NANO
from surefill.ports import Broker, KeysRefused
from tests.brokers.alpaca.support import (
    CL_ORD_ID,
    KEYS,
    ORDER_ID,
    FakeClock,
    Inbox,
    account_json,
    day_json,
    order_json,
    serving,
    started,
    submit,
    until,
)


def unstarted(clock: FakeClock) -> AlpacaBroker:
    """A broker before a venue that is not there."""
    return AlpacaBroker(
        endpoints=endpoints_of("http://127.0.0.1:1", feed=Feed.IEX),
        credentials=KEYS,
        feed=Feed.IEX,
        clock=clock,
        random=Random(1),
        sleep=brief,
    )


async def test_it_is_a_broker() -> None:
    clock = FakeClock()
    broker = unstarted(clock)
    assert isinstance(broker, Broker)
    assert broker.capabilities.has_brackets
    with pytest.raises(ConnectionError, match="cannot read the account"):
        await broker.start(Inbox())


async def test_a_wrong_key_is_refused_at_the_start() -> None:
    async def refuse(request: web.Request) -> web.Response:
        return web.json_response({"message": "unauthorized."}, status=401)

    async with serving(web.get("/v2/account", refuse)) as url:
        with pytest.raises(KeysRefused, match="AUTHORIZATION: 401: unauthorized") as caught:
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


async def test_a_start_waits_out_a_limit_and_a_short_outage() -> None:
    said: list[int] = []

    async def limited(request: web.Request) -> web.Response:
        said.append({0: 429, 1: 503}.get(len(said), 200))
        headers = {"Retry-After": "1"} if said[-1] == 429 else {}
        body = account_json() if said[-1] == 200 else {"message": "too many requests."}
        return web.json_response(body, status=said[-1], headers=headers)

    routes = [web.get("/v2/account", limited), *reference()[1:]]
    clock, waits = FakeClock(real=True), []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        clock.advance(round(seconds * NANO))
        await asyncio.sleep(0)

    async with serving(*routes) as url, started(url, clock, sleep=sleep) as (_, inbox):
        assert len(inbox.of(AccountRead)) == 1
        assert said == [429, 503, 200]
        assert 0.9 <= waits[0] <= 1


async def test_an_account_that_cannot_be_understood_is_no_start() -> None:
    async with serving(*reference(account={"message": "x"})) as url:
        with pytest.raises(ConnectionError, match="cannot read the account: "):
            async with started(url, FakeClock(real=True)):
                raise AssertionError("started")


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


async def test_a_clock_that_differs_keeps_entries_out_until_a_person_resumes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """C.6, 24: deadlines and quote ages mean nothing on such a clock. A venue on this machine may
    play another day, and is followed."""
    async with serving(*reference()) as url, started(url, FakeClock(real=True)) as (_, inbox):
        assert not inbox.of(OperatorActed)
    monkeypatch.setattr(module, "plays_own_time", lambda host: False)
    async with serving(*reference()) as url, started(url, FakeClock(real=True)) as (_, inbox):
        (halt,) = inbox.of(OperatorActed)
    assert (halt.act, halt.target, halt.by) == (Act.HALT, "", "surefill")
    assert re.fullmatch(r"our clock is -\d+ ms off the broker's: set it, then resume", halt.why)


@pytest.mark.parametrize(
    ("asked_ms", "venue_ms", "off_ms"),
    [(-5_000, -4_000, None), (-5_000, -7_001, 2_001), (-5_000, 2_001, -2_001), (-50, -2_000, None)],
    ids=["a slow answer", "behind it all", "ahead of it all", "two seconds at most"],
)
async def test_the_way_of_an_answer_is_no_difference_of_clocks(
    monkeypatch: pytest.MonkeyPatch, asked_ms: int, venue_ms: int, off_ms: int | None
) -> None:
    monkeypatch.setattr(module, "plays_own_time", lambda host: False)
    broker, inbox = unstarted(FakeClock()), Inbox()
    monkeypatch.setattr(broker, "_inbox", inbox)
    now = 1_772_463_600 * NANO
    broker._set_skew(now + venue_ms * 1_000_000, now + asked_ms * 1_000_000, now)
    expected = [] if off_ms is None else [f"our clock is {off_ms:+d} ms off the broker's"]
    assert [halt.why.partition(":")[0] for halt in inbox.of(OperatorActed)] == expected


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


async def test_no_key_in_events_or_logs(canary: str, caplog: pytest.LogCaptureFixture) -> None:
    """I27: refused on both streams, echoed by the server, logged at the finest level."""
    caplog.set_level(logging.DEBUG)

    async def refuse(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        said = await ws.receive_str()
        await ws.send_str(said)
        await ws.send_json({"stream": "authorization", "data": {"status": "unauthorized"}})
        await ws.receive()
        return ws

    async def echo(request: web.Request) -> web.Response:
        return web.json_response({"code": 1, "message": "no"}, status=422)

    routes = [*reference(), web.get("/stream", refuse), web.post("/v2/orders", echo)]
    keys = Credentials(key_id=canary, secret=canary[::-1])
    async with serving(*routes) as url:
        broker = AlpacaBroker(
            endpoints=endpoints_of(url, feed=Feed.IEX),
            credentials=keys,
            feed=Feed.IEX,
            clock=FakeClock(real=True),
            random=Random(1),
        )
        inbox = Inbox()
        await broker.start(inbox)
        broker.send(submit())
        await inbox.wait(RequestAnswered)
        await until(lambda: "refused the login" in caplog.text)
        await broker.close()
    shown = caplog.text + repr(inbox.events) + repr(broker)
    pieces = [key[at : at + 8] for key in (canary, canary[::-1]) for at in range(len(key) - 7)]
    assert not [piece for piece in pieces if piece in shown]
