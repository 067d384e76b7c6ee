"""The application: the feed over real sockets, and answers that are no success."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from random import Random
from typing import Any

import pytest

from surefill.config import Settings
from surefill.service import app, door, feed, guard
from surefill.service.routes import ROUTES
from surefill.service.schemas import PlanBody
from surefill.service.tokens import Role
from surefill.smart_order_executor import SmartOrderExecutor
from tests.support.api_server import HOST, ApiServer
from tests.support.desk import Desk, plan_of
from tests.support.exchange_server import RunningExchange, wait_until


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """An account that traded once and rests now."""
    with RunningExchange() as exchange:
        exchange.quote("FEED", "99.99", "100.01")
        found = Desk(exchange, tmp_path_factory.mktemp("app")).settings()

        async def play() -> None:
            async with SmartOrderExecutor(found) as executor:
                await executor.execute(plan_of("FEED", "p1"))

        asyncio.run(play())
        return found


@pytest.fixture(scope="module")
def api(settings: Settings) -> Iterator[ApiServer]:
    with ApiServer(settings) as running:
        yield running


def listen(
    api: ApiServer, query: str = "", **headers: str
) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    shown = {"Authorization": f"Bearer {api.token('viewer')}"}
    shown |= {name.replace("_", "-"): text for name, text in headers.items()}
    connection = http.client.HTTPConnection(HOST, api.port, timeout=20)
    connection.request("GET", f"/v1/events{query}", headers=shown)
    return connection, connection.getresponse()


def events(answer: http.client.HTTPResponse, until_seq: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while not found or found[-1]["seq"] < until_seq:
        line = answer.readline()
        assert line
        if line.startswith(b"data: "):
            found.append(json.loads(line[6:]))
    return found


def test_the_feed_begins_where_the_listener_left(api: ApiServer) -> None:
    head = api.call("GET", "/v1/health", role="viewer")[1]["seq"]
    connection, answer = listen(api, "?after=0")
    with closing(connection), closing(answer):
        assert answer.getheader("Content-Type") == "text/event-stream; charset=utf-8"
        assert answer.getheader("Cache-Control") == "no-store"
        everything = events(answer, head)
    assert [row["seq"] for row in everything] == list(range(1, head + 1))
    connection, answer = listen(api, "?after=0", Last_Event_ID=str(head - 3))
    with closing(connection), closing(answer):
        assert events(answer, head) == everything[-3:]


def test_without_a_number_it_begins_now(api: ApiServer) -> None:
    connection, answer = listen(api)
    with closing(connection), closing(answer):
        assert answer.readline() == b"retry: 1000\n"


def test_a_rotated_token_ends_its_feed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "SILENCE_S", 0.2)
    with ApiServer(settings) as own:
        connection, answer = listen(own)
        with closing(connection), closing(answer):
            assert answer.readline() == b"retry: 1000\n"
            own.tokens.rotate(Role.VIEWER)
            assert any(answer.readline() == b"" for _ in range(50))


@pytest.mark.parametrize("last", ["-1", "x", "1" * 30, ""])
def test_a_number_that_is_none_is_refused(api: ApiServer, last: str) -> None:
    status, body, _ = api.call("GET", "/v1/events", headers={"Last-Event-ID": last})
    assert (status, body["code"]) == (422, "EVENT_ID_INVALID")


def test_another_journals_number_is_said(api: ApiServer) -> None:
    status, body, _ = api.call("GET", "/v1/events?after=999999")
    assert (status, body["code"]) == (409, "EVENT_ID_AHEAD")


def test_s9_listeners_are_bounded_and_leave_their_place(
    api: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "LISTENERS_MAX", 0)
    status, body, headers = api.call("GET", "/v1/events")
    assert (status, body["code"], headers["retry-after"]) == (503, "LISTENERS_FULL", "5")
    monkeypatch.setattr(app, "LISTENERS_MAX", 1)

    def gets_in() -> bool:
        connection, answer = listen(api, "?after=0")
        with closing(connection), closing(answer):
            return answer.status == 200

    for _ in range(3):  # each has left when the next one comes
        wait_until(gets_in)


def test_a_role_is_looked_at_before_key_query_and_body(api: ApiServer) -> None:
    status, body, _ = api.call("POST", "/v1/plans?x=1", b"{", role="viewer")
    assert (status, body["code"]) == (403, "ROLE_REFUSED")
    status, body, _ = api.call("POST", "/v1/plans?x=1", b"{")
    assert (status, body["code"]) == (422, "QUERY_INVALID")
    status, body, _ = api.call("POST", "/v1/plans", b"{", headers={"Idempotency-Key": "a b"})
    assert (status, body["code"]) == (422, "ID_INVALID")


def test_methods_and_paths_that_are_none_of_ours(api: ApiServer) -> None:
    status, body, headers = api.call("DELETE", "/v1/plans")
    assert (status, body["code"], headers["allow"]) == (405, "METHOD_UNKNOWN", "POST")
    assert api.call("GET", "/docs")[1]["code"] == "PATH_UNKNOWN"
    assert api.call("HEAD", "/v1/limits")[:2] == (200, b"")


def test_the_description_needs_a_token(api: ApiServer) -> None:
    assert api.call("GET", "/v1/openapi.json", role="viewer")[1]["openapi"] == "3.1.0"
    assert api.call("GET", "/v1/openapi.json", role="kill-only")[0] == 403


def test_a_journal_that_cannot_be_read_is_a_coded_answer(
    settings: Settings, api: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = api.source.path
    path.chmod(0o644)
    try:
        with ApiServer(settings) as other:
            status, body, _ = other.call("GET", "/v1/trades")
    finally:
        path.chmod(0o600)
    assert (status, body["code"]) == (503, "JOURNAL_UNWRITABLE")


def test_a_bug_of_ours_is_a_coded_answer_too(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("within")

    monkeypatch.setattr("surefill.service.views.limit_rows", broken)
    with ApiServer(settings) as other:
        status, body, headers = other.call("GET", "/v1/limits")
    assert (status, body["code"]) == (500, "BUG")
    assert "within" not in str(body)
    assert headers["cache-control"] == "no-store"
    assert "ZeroDivisionError" in caplog.text


def test_no_nonsense_is_a_bug(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every route, fields of its schema with values of any kind (G7)."""
    monkeypatch.setattr(guard, "ACTS_PER_S", 10_000)
    monkeypatch.setattr(guard, "READS_PER_S", 10_000)
    monkeypatch.setattr(door, "RECONNECT_S", 0.0)
    random = Random(7)
    words: tuple[object, ...] = (
        *(None, True, -1, 0, 1, 2**70, 1.5, "", "x", "1e400", "nan", "ACME", "buy", "\u0000"),
        *(
            "9" * 64,
            [],
            [[]],
            {},
            {"a": 1},
            {"min_rr_ppb": 10**18},
            "-1",
            "\ud83d\ude00",
            "FLATTEN",
        ),
    )
    with ApiServer(settings) as other:
        for route in [one for one in ROUTES if one.path != "/v1/events"] * 6:
            names = [*getattr(route.body, "__struct_fields__", ()), "x"]
            body = {name: random.choice(words) for name in names if random.random() < 0.7}
            if route.body is PlanBody and random.random() < 0.7:
                body |= {"symbol": "ACME", "side": "buy", "signal_price": str(random.choice(words))}
            text = random.choice(("p1", "%00", "..", "x" * 70, "a%20b"))
            query = random.choice(("", "", "?limit=0", "?state=x&x", "?%00=%ff"))
            status, _, _ = other.call(
                route.method,
                route.path.replace("{plan_id}", text) + query,
                body,
                headers={"Idempotency-Key": random.choice(("k", "k k", "x" * 70))},
            )
            assert status in (200, 403, 404, 422, 503), (route.path, text, query, body)
