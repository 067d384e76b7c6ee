"""The client against a server, and against one that leaves."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from itertools import islice

import pytest

from surefill.config import Settings
from surefill.service import client as module
from surefill.service import door
from surefill.service.client import ApiClient, ApiError
from surefill.smart_order_executor import SmartOrderExecutor
from tests.support.api_server import HOST, ApiServer
from tests.support.desk import Desk, plan_of
from tests.support.exchange_server import RunningExchange


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """An account that traded once and rests now."""
    with RunningExchange() as exchange:
        exchange.quote("CLNT", "99.99", "100.01")
        found = Desk(exchange, tmp_path_factory.mktemp("client")).settings()

        async def play() -> None:
            async with SmartOrderExecutor(found) as executor:
                await executor.execute(plan_of("CLNT", "p1"))

        asyncio.run(play())
        return found


@pytest.fixture
def server(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    monkeypatch.setattr(door, "RECONNECT_S", 0.02)
    with ApiServer(settings) as running:
        yield running


@pytest.fixture
def api(server: ApiServer) -> Iterator[ApiClient]:
    url = f"http://{HOST}:{server.port}"
    with ApiClient.on_this_machine(url, tokens=server.tokens.path) as found:
        yield found


def test_what_is_there_can_be_read(api: ApiClient) -> None:
    assert api.health()["open_trades"] == 1
    assert [row["plan_id"] for row in api.trades(state="open", symbol="CLNT")] == ["p1"]
    assert api.trade("p1")["position_qty"] == "100"
    assert {row["leg"] for row in api.rows("orders")} == {"ENTRY", "STOP", "TARGET"}


def test_every_act_reaches_its_route(api: ApiClient) -> None:
    """No engine runs: the door says so, which is as far as a request can get."""
    acts: tuple[Callable[[], object], ...] = (
        lambda: api.submit("k", symbol="CLNT", side="buy", quantity=1, signal_price="1"),
        lambda: api.check(symbol="CLNT", side="buy", quantity=1, signal_price="1"),
        lambda: api.reduce("p1", 1, key="k"),
        lambda: api.act("halt", "why"),
        lambda: api.act("unkill", "why", confirm="UNKILL"),
        lambda: api.cancel_entry("p1"),
        lambda: api.tighten("p1", "99"),
        lambda: api.adopt("k", symbol="CLNT", quantity=1, stop="99", target="101"),
        lambda: api.flatten("CLNT"),
        lambda: api.flatten(plan_id="p1", why="x"),
        lambda: api.flatten(confirm="FLATTEN"),
    )
    for act in acts:
        with pytest.raises(ApiError) as error:
            act()
        assert (error.value.status, error.value.code) == (503, "CONTROL_UNREACHABLE")


def test_errors_are_coded(api: ApiClient, server: ApiServer) -> None:
    with pytest.raises(ApiError) as error:
        api.submit("k", symbol="CLNT", side="buy", quantity=1, signal_price="one")
    assert (error.value.code, error.value.problems[0]["code"]) == (
        "PLAN_INVALID",
        "PLAN_NUMBER_INVALID",
    )
    with (
        ApiClient(f"http://{HOST}:{server.port}", token="wrong") as stranger,
        pytest.raises(ApiError) as wrong,
    ):
        list(stranger.events())
    assert (wrong.value.status, wrong.value.code) == (401, "TOKEN_WRONG")


def test_events_go_on_where_they_were(settings: Settings) -> None:
    with ApiServer(settings) as one:
        port = one.port
        api = ApiClient.on_this_machine(f"http://{HOST}:{port}", tokens=one.tokens.path)
        feed = api.events(0)
        first = [row["seq"] for row in islice(feed, 4)]
    with ApiServer(settings) as two:
        api._port = two.port  # a server that comes back has its old one
        rest = [row["seq"] for row in islice(feed, 6)]
        feed.close()
    assert [*first, *rest] == list(range(1, 11))


def deaf_server(answers: list[bytes]) -> tuple[int, threading.Thread, list[int]]:
    """Takes one connection for each answer, and hangs up."""
    bound = socket.create_server((HOST, 0))
    seen: list[int] = []

    def serve() -> None:
        with bound:
            for answer in answers:
                wire, _ = bound.accept()
                with wire:
                    seen.append(len(wire.recv(65_536)))
                    wire.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    return bound.getsockname()[1], thread, seen


def test_what_has_a_key_is_asked_again_and_an_act_is_not() -> None:
    good = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
    port, thread, seen = deaf_server([b"", good, b"", b"HTTP/1.1 302 Found\r\n\r\nx"])
    with ApiClient(f"http://{HOST}:{port}/", token="t") as api:
        assert api.submit("k") == {}
        with pytest.raises(ApiError) as error:
            api.flatten("CLNT")
        assert (error.value.status, error.value.code) == (0, "LOST")
        with pytest.raises(ApiError) as moved:
            api.health()
        assert (moved.value.status, moved.value.code) == (302, "MALFORMED")
    thread.join(timeout=10)
    assert len(seen) == 4


def test_a_server_that_stays_away_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LISTEN_TRIES", 2)
    monkeypatch.setattr(module, "PAUSE_S", 0.001)
    with socket.create_server((HOST, 0)) as bound:
        port = bound.getsockname()[1]
    with ApiClient(f"http://{HOST}:{port}", token="t") as api:
        with pytest.raises(ApiError, match="LOST"):
            next(api.events())
        with pytest.raises(ApiError, match="LOST"):
            api.health()


@pytest.mark.parametrize(
    "url",
    ["ftp://localhost", "http://", "http://localhost/v1", "http://desk.example", "http://8.8.8.8"],
)
def test_no_token_leaves_unencrypted(url: str) -> None:
    with pytest.raises(ValueError, match=r"not an address|unencrypted"):
        ApiClient(url, token="t")


def test_https_to_anywhere() -> None:
    api = ApiClient("https://desk.example:8710", token="t")
    assert type(api._connected()).__name__ == "HTTPSConnection"
    api.close()
