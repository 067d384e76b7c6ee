"""The real server: sockets, faults on the wire, websockets, the pinned clock."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from surefill.sim.alpaca import server
from surefill.sim.alpaca.app import ExchangeConfig
from surefill.sim.alpaca.parse import MAX_BODY_BYTES
from surefill.sim.alpaca.server import listen
from tests.support.bench import Bench
from tests.support.exchange_server import OPEN_NS, RunningExchange

KEYS = {"APCA-API-KEY-ID": "KEY", "APCA-API-SECRET-KEY": "S"}
SYM = "ACME"
BUY = {"symbol": SYM, "qty": "10", "side": "buy", "type": "market", "time_in_force": "day"}


@pytest.fixture(scope="module")
def running() -> Iterator[RunningExchange]:
    with RunningExchange() as exchange:
        exchange.quote(SYM, "99.99", "100.01", size="1000000")
        yield exchange


@pytest.fixture
def exchange(running: RunningExchange) -> Iterator[RunningExchange]:
    """The same server for each test, without the faults of the one before."""
    yield running
    running.disarm()


def ask(exchange: RunningExchange, method: str, path: str, body: object = None) -> tuple[int, Any]:
    status, data, _ = exchange.call(method, path, body, headers=KEYS)
    return status, json.loads(data) if data else None


@asynccontextmanager
async def updates(exchange: RunningExchange) -> AsyncIterator[ClientConnection]:
    """A listening ``trade_updates`` connection."""
    async with connect(exchange.stream_url) as ws:
        await ws.send('{"action":"auth","key":"KEY","secret":"S"}')
        assert json.loads(await ws.recv())["data"]["status"] == "authorized"
        await ws.send('{"action":"listen","data":{"streams":["trade_updates"]}}')
        assert json.loads(await ws.recv())["stream"] == "listening"
        yield ws


async def event(ws: ClientConnection) -> str:
    """The name of the next event."""
    async with asyncio.timeout(5):
        return str(json.loads(await ws.recv())["data"]["event"])


async def rest(ws: ClientConnection) -> None:
    """Read until the connection ends."""
    while True:
        await event(ws)


async def buy(exchange: RunningExchange) -> None:
    """Place an order without blocking this loop."""
    await asyncio.to_thread(ask, exchange, "POST", "/v2/orders", BUY)


def test_headers_of_an_answer(exchange: RunningExchange) -> None:
    status, data, headers = exchange.call("GET", "/v2/clock", headers=KEYS)
    assert status == 200
    assert headers["content-type"] == "application/json; charset=UTF-8"
    assert headers["content-length"] == str(len(data))
    assert len(headers["x-request-id"]) == 32
    assert "server" not in headers
    assert "x-ratelimit-limit" in headers


def test_one_connection_serves_many_requests(exchange: RunningExchange) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", exchange.port, timeout=10)
    try:
        for _ in range(5):
            connection.request("GET", "/v2/clock", headers=KEYS)
            answer = connection.getresponse()
            assert answer.status == 200
            answer.read()
    finally:
        connection.close()


def test_bodies_have_a_limit(exchange: RunningExchange) -> None:
    status, answer = ask(exchange, "POST", "/v2/orders", "x" * (MAX_BODY_BYTES + 10))
    assert (status, answer["message"]) == (413, "request body is too large")


def test_no_keys_no_answer(exchange: RunningExchange) -> None:
    assert exchange.call("GET", "/v2/account")[0] == 401


def test_an_empty_204(exchange: RunningExchange) -> None:
    _, order = ask(exchange, "POST", "/v2/orders", {**BUY, "type": "limit", "limit_price": "90"})
    assert ask(exchange, "DELETE", f"/v2/orders/{order['id']}") == (204, None)


def test_a_swallowed_request_leaves_its_client_waiting(exchange: RunningExchange) -> None:
    exchange.arm("N1", "POST")
    with pytest.raises(TimeoutError):
        exchange.call("POST", "/v2/orders", BUY, headers=KEYS, timeout_s=0.5)
    assert exchange.counters()["N1"] == 1
    assert ask(exchange, "POST", "/v2/orders", BUY)[0] == 200


def test_a_lost_response_has_its_effect(exchange: RunningExchange) -> None:
    exchange.arm("N2", "POST")
    body = {**BUY, "client_order_id": "lost-response"}
    with pytest.raises(TimeoutError):
        exchange.call("POST", "/v2/orders", body, headers=KEYS, timeout_s=0.5)
    path = "/v2/orders:by_client_order_id?client_order_id=lost-response"
    status, order = ask(exchange, "GET", path)
    assert (status, order["symbol"]) == (200, SYM)


def test_a_504_may_have_worked(exchange: RunningExchange) -> None:
    exchange.arm("N3", "POST", params={"effect": True})
    body = {**BUY, "client_order_id": "after-504"}
    status, data, headers = exchange.call("POST", "/v2/orders", body, headers=KEYS)
    assert (status, headers["content-type"]) == (504, "text/html")
    assert b"Gateway" in data
    path = "/v2/orders:by_client_order_id?client_order_id=after-504"
    assert ask(exchange, "GET", path)[0] == 200


def test_resets_and_truncated_answers(exchange: RunningExchange) -> None:
    exchange.arm("N5", "GET")
    with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
        exchange.call("GET", "/v2/clock", headers=KEYS)
    exchange.arm("N5", "GET", params={"mode": "truncated"})
    with pytest.raises(http.client.IncompleteRead):
        exchange.call("GET", "/v2/clock", headers=KEYS)
    exchange.arm("N5", "GET", params={"mode": "empty"})
    assert exchange.call("GET", "/v2/clock", headers=KEYS)[:2] == (200, b"")


def test_an_outage_ends(exchange: RunningExchange) -> None:
    exchange.arm("N10")
    with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
        exchange.call("GET", "/v2/clock", headers=KEYS)

    async def refused() -> None:
        with pytest.raises(InvalidStatus):
            await connect(exchange.stream_url)
        await asyncio.to_thread(exchange.disarm)
        async with updates(exchange):
            pass

    asyncio.run(refused())
    assert ask(exchange, "GET", "/v2/clock")[0] == 200


def test_updates_arrive_on_the_socket(exchange: RunningExchange) -> None:
    async def story() -> list[str]:
        async with updates(exchange) as ws:
            await buy(exchange)
            return [await event(ws) for _ in range(3)]

    assert asyncio.run(story()) == ["pending_new", "new", "fill"]


@pytest.mark.parametrize(("mode", "code"), [("cut", 1006), ("close", 1001)])
def test_a_cut_stream_ends_with_or_without_a_word(
    exchange: RunningExchange, mode: str, code: int
) -> None:
    async def story() -> int:
        async with updates(exchange) as ws:
            exchange.arm("W5", "orders new", params={"mode": mode})
            await buy(exchange)
            with pytest.raises(ConnectionClosed) as caught:
                await rest(ws)
            return caught.value.rcvd.code if caught.value.rcvd else 1006

    assert asyncio.run(story()) == code


def test_a_half_open_stream_does_not_even_answer_pings(exchange: RunningExchange) -> None:
    async def story() -> str:
        async with updates(exchange) as ws:
            exchange.arm("W6", "orders")
            await buy(exchange)
            await asyncio.sleep(0.3)
            pong = await ws.ping()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.shield(pong), 0.3)
            await asyncio.to_thread(exchange.disarm)
            async with asyncio.timeout(5):
                await pong
            await buy(exchange)
            return await event(ws)

    assert asyncio.run(story()) == "pending_new"


class Wire(asyncio.Transport):
    """A connection that remembers whether it was cut."""

    was_cut = False

    def abort(self) -> None:
        self.was_cut = True


def test_who_does_not_read_is_thrown_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "WAITING_MAX", 20)
    bench = Bench()
    app = server.VenueServer(bench.venue, options=server.ServerOptions(with_control=False))
    wire, peer = Wire(), ("127.0.0.1", 5)

    async def story() -> int:
        app.transport_made(peer, wire)
        said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        for text in (
            '{"action":"auth","key":"KEY","secret":"S"}',
            '{"action":"subscribe","quotes":["*"]}',
        ):
            said.put_nowait({"type": "websocket.receive", "text": text})
        started = False

        async def receive() -> dict[str, Any]:
            nonlocal started
            if not started:
                started = True
                return {"type": "websocket.connect"}
            return await said.get()

        async def send(message: Any) -> None:
            if '"T":"q"' in (message.get("text") or ""):
                await asyncio.Event().wait()  # the client does not read

        scope = {"type": "websocket", "path": "/v2/iex", "headers": [], "client": peer}
        serving = asyncio.ensure_future(app(scope, receive, send))
        count = 0
        while not wire.was_cut and count < 200:
            count += 1
            bench.quote(SYM, "99.99", "100.01", size=str(count))
            app._pump()
            await asyncio.sleep(0)
        said.put_nowait({"type": "websocket.disconnect"})
        await serving
        return count

    count = asyncio.run(story())
    assert wire.was_cut
    assert 20 < count < 60
    assert (app._conns, app._peers) == ({}, {})


def test_garbage_and_duplicates_reach_the_client(exchange: RunningExchange) -> None:
    async def story() -> list[str]:
        async with updates(exchange) as ws:
            exchange.arm("W8", "orders pending_new", params={"mode": "text"})
            exchange.arm("W2", "orders pending_new")
            await buy(exchange)
            first = await ws.recv()
            assert first == "{not json"
            return [await event(ws) for _ in range(2)]

    assert asyncio.run(story()) == ["pending_new", "pending_new"]


def test_the_market_streams(exchange: RunningExchange) -> None:
    async def story(path: str) -> Any:
        async with connect(f"ws://127.0.0.1:{exchange.port}{path}") as ws:
            assert json.loads(await ws.recv())[0]["msg"] == "connected"
            await ws.send('{"action":"auth","key":"KEY","secret":"S"}')
            assert json.loads(await ws.recv())[0]["msg"] == "authenticated"
            await ws.send('{"action":"subscribe","quotes":["ZZZ"]}')
            assert json.loads(await ws.recv())[0]["quotes"] == ["ZZZ"]
            await asyncio.to_thread(exchange.quote, "ZZZ", "1.00", "1.01")
            return json.loads(await ws.recv())[0]

    for path in ("/v2/iex", "/v2/sip/", "/v2/test"):
        assert asyncio.run(story(path))["ap"] == 1.01


def test_unknown_websockets_are_refused(exchange: RunningExchange) -> None:
    async def story() -> None:
        with pytest.raises(InvalidStatus):
            await connect(f"ws://127.0.0.1:{exchange.port}/v2/nothing")

    asyncio.run(story())


def test_a_pinned_clock_moves_only_by_hand() -> None:
    config = ExchangeConfig(start_ns=OPEN_NS, pinned=True)
    with RunningExchange(config) as exchange:
        exchange.quote(SYM, "99.99", "100.01")
        with pytest.raises(TimeoutError):
            exchange.call("GET", "/v2/clock", headers=KEYS, timeout_s=0.3)

        async def lock_step() -> int:
            asked = asyncio.create_task(asyncio.to_thread(ask, exchange, "POST", "/v2/orders", BUY))
            while not asked.done():
                due = exchange.control("GET", "clock")["next_message_ns"]
                if isinstance(due, int):
                    now = exchange.control("GET", "clock")["now_ns"]
                    assert isinstance(now, int)
                    step = {"advance_ms": (due - now) // 1_000_000 + 1}
                    await asyncio.to_thread(exchange.control, "POST", "clock", step)
                await asyncio.sleep(0.005)
            return (await asked)[0]

        assert asyncio.run(lock_step()) == 200
        now = exchange.control("POST", "clock", {"advance_ms": 1_000})
        assert now["pinned"] is True
        assert [line["kind"] for line in exchange.log()][-1] == "fill"


def test_a_venue_that_is_behind_catches_up_in_slices() -> None:
    with RunningExchange(ExchangeConfig(seed=1, speed_ppb=200 * 10**9)) as exchange:
        before = exchange.control("GET", "clock")["now_ns"]
        after = exchange.control("POST", "clock", {"advance_ms": 5_000})["now_ns"]
        assert isinstance(before, int)
        assert isinstance(after, int)
        assert after - before >= 5_000 * 1_000_000


def test_without_control_the_routes_do_not_exist() -> None:
    with RunningExchange(with_control=False) as exchange:
        assert exchange.call("GET", "/sim/clock", headers=KEYS)[0] == 404


def test_no_web_page_may_use_the_control_routes(exchange: RunningExchange) -> None:
    headers = {"Origin": "http://example.org"}
    assert exchange.call("DELETE", "/sim/faults", headers=headers)[0] == 403


def test_a_taken_port_is_an_error() -> None:
    first = listen("127.0.0.1", 0)
    try:
        with pytest.raises(OSError, match="in use"):
            listen("127.0.0.1", first.getsockname()[1])
    finally:
        first.close()
    six = listen("::1", 0) if socket.has_ipv6 else None
    if six is not None:
        six.close()


def put(exchange: RunningExchange, body: bytes) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", exchange.port, timeout=10)
    try:
        connection.request("PUT", "/sim/snapshot", body=body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_another_exchange_may_be_loaded_into_a_running_one() -> None:
    async def story(exchange: RunningExchange) -> None:
        async with updates(exchange) as ws:
            status, told = await asyncio.to_thread(put, exchange, kept)
            assert (status, json.loads(told)["pinned"]) == (200, True)
            with pytest.raises(ConnectionClosed) as caught:
                await ws.recv()
            assert caught.value.rcvd is not None
            assert caught.value.rcvd.code == 1001
        async with updates(exchange):
            pass

    with RunningExchange(ExchangeConfig(start_ns=OPEN_NS, latency="none")) as exchange:
        exchange.control("POST", "clock", {"pin": "2026-03-02T15:00:05Z"})
        exchange.quote(SYM, "99.99", "100.01")
        rest = {**BUY, "type": "limit", "limit_price": "99"}
        first = ask(exchange, "POST", "/v2/orders", rest)[1]
        kept = exchange.call("GET", "/sim/snapshot")[1]
        assert put(exchange, kept[:-100])[0] == 422
        assert ask(exchange, "DELETE", "/v2/orders")[0] == 207
        exchange.control("POST", "clock", {"speed": 10})
        asyncio.run(story(exchange))
        assert ask(exchange, "GET", f"/v2/orders/{first['id']}")[1]["status"] == "new"


def test_loading_needs_the_control_routes() -> None:
    with RunningExchange(with_control=False) as exchange:
        assert exchange.call("PUT", "/sim/snapshot", {}, headers=KEYS)[0] == 404
