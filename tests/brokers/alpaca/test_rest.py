"""HTTP over real sockets: one attempt, bounded waits, slots of one's own."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest
from aiohttp import web

from surefill.brokers.alpaca import rest as module
from surefill.brokers.alpaca.budget import RequestBudget
from surefill.brokers.alpaca.credentials import Credentials
from surefill.brokers.alpaca.rest import MaySend, Rest, always
from surefill.brokers.alpaca.transport import HttpRequest, HttpResponse, Lost, NotSent, Throttled
from surefill.core.commands import Priority
from surefill.journal.postgres import REQUEST_MS
from tests.brokers.alpaca.support import KEYS, START_NS, FakeClock, Handler, answering_raw, serving
from tests.support.certificate import self_signed

GET = HttpRequest("GET", "/v2/thing", (("a", "b c"),))
POST = HttpRequest("POST", "/v2/orders", (), b'{"qty":"1"}')


@asynccontextmanager
async def client(
    base_url: str,
    *,
    limit: int = 10_000,
    keys: Credentials = KEYS,
    may_send: MaySend = always,
) -> AsyncIterator[Rest]:
    """A `Rest` whose back-off does not really wait."""

    async def no_wait(seconds: float) -> None:
        assert seconds < 2
        await asyncio.sleep(0)

    rest = Rest(
        base_url=base_url,
        credentials=keys,
        budget=RequestBudget(limit=limit),
        clock=FakeClock(),
        random=Random(1),
        sleep=no_wait,
        on_budget=lambda: None,
        may_send=may_send,
    )
    await rest.open()
    try:
        yield rest
    finally:
        await rest.close()


def counting(status: int, seen: list[web.Request], *, remaining: int = 9_000) -> Handler:
    async def answer(request: web.Request) -> web.Response:
        seen.append(request)
        return web.Response(
            status=status, text="{}", headers={"X-RateLimit-Remaining": str(remaining)}
        )

    return answer


async def test_a_request_carries_keys_query_and_body() -> None:
    seen: list[web.Request] = []
    bodies: list[bytes] = []

    async def take(request: web.Request) -> web.Response:
        seen.append(request)
        bodies.append(await request.read())
        return web.json_response({"x": 1}, headers={"X-RateLimit-Limit": "200", "Server": "nginx"})

    async with serving(web.route("*", "/{any:.*}", take)) as url, client(url) as rest:
        found = await rest.send(GET, Priority.ROUTINE)
        await rest.send(POST, Priority.ENTRY)
    assert found == HttpResponse(200, b'{"x": 1}', START_NS, {"x-ratelimit-limit": "200"})
    assert dict(seen[0].query) == {"a": "b c"}
    assert seen[0].headers["APCA-API-KEY-ID"] == KEYS.headers()["APCA-API-KEY-ID"]
    assert "Content-Type" not in seen[0].headers
    assert seen[1].headers["Content-Type"] == "application/json"
    assert bodies[1] == POST.body


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_a_submit_is_sent_once_whatever_the_answer(status: int) -> None:
    seen: list[web.Request] = []
    async with serving(web.post("/v2/orders", counting(status, seen))) as url, client(url) as rest:
        found = await rest.send(POST, Priority.ENTRY)
    assert isinstance(found, HttpResponse)
    assert (found.status, found.headers) == (status, {"x-ratelimit-remaining": "9000"})
    assert len(seen) == 1


@pytest.mark.parametrize(("status", "tries"), [(500, 3), (504, 3), (429, 1), (404, 1), (200, 1)])
async def test_a_read_is_repeated_a_few_times(status: int, tries: int) -> None:
    seen: list[web.Request] = []
    async with serving(web.get("/v2/thing", counting(status, seen))) as url, client(url) as rest:
        await rest.read(GET, Priority.ROUTINE)
    assert len(seen) == tries


async def test_only_a_get_is_a_read() -> None:
    async with client("http://127.0.0.1:1") as rest:
        with pytest.raises(ValueError):
            await rest.read(POST, Priority.ROUTINE)


async def test_redirects_are_not_followed() -> None:
    seen: list[web.Request] = []

    async def elsewhere(request: web.Request) -> web.Response:
        raise web.HTTPFound("/v2/stolen")

    routes = (web.get("/v2/thing", elsewhere), web.get("/v2/stolen", counting(200, seen)))
    async with serving(*routes) as url, client(url) as rest:
        found = await rest.send(GET, Priority.ROUTINE)
    assert isinstance(found, HttpResponse)
    assert found.status == 302
    assert not seen


async def test_no_proxy_of_the_environment_sees_the_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[web.Request] = []
    async with serving(web.get("/{any:.*}", counting(200, seen))) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy)
        async with serving(web.get("/v2/thing", counting(200, []))) as url, client(url) as rest:
            assert isinstance(await rest.send(GET, Priority.ROUTINE), HttpResponse)
    assert not seen


async def test_a_certificate_that_nobody_vouches_for_gets_nothing(tmp_path: Path) -> None:
    seen: list[web.Request] = []
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(*self_signed(tmp_path, "127.0.0.1"))
    app = web.Application()
    app.router.add_get("/v2/thing", counting(200, seen))
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    try:
        await site.start()
        port = runner.addresses[0][1]
        async with client(f"https://127.0.0.1:{port}") as rest:
            assert isinstance(await rest.send(GET, Priority.ROUTINE), NotSent)
    finally:
        await runner.cleanup()
    assert not seen


async def test_no_connection_means_not_sent() -> None:
    async with serving() as url:
        pass
    async with client(url) as rest:
        assert isinstance(await rest.send(POST, Priority.ENTRY), NotSent)
        assert isinstance(await rest.read(GET, Priority.ENTRY), NotSent)


async def test_a_host_that_does_not_answer_the_connect_is_not_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A full backlog: the connection is never accepted."""
    monkeypatch.setattr(module, "CONNECT_S", 0.2)
    server = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0, backlog=1)
    sock = server.sockets[0]
    asyncio.get_running_loop().remove_reader(sock.fileno())
    port = sock.getsockname()[1]
    fillers = [asyncio.create_task(asyncio.open_connection("127.0.0.1", port)) for _ in range(8)]
    await asyncio.sleep(0.1)
    async with client(f"http://127.0.0.1:{port}") as rest:
        assert isinstance(await rest.send(POST, Priority.ENTRY), NotSent)
    for filler in fillers:
        filler.cancel()
    for result in await asyncio.gather(*fillers, return_exceptions=True):
        if isinstance(result, tuple):
            result[1].close()
    server.close()


async def test_silence_after_sending_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "READ_S", 0.1)

    async def never(request: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    async with serving(web.post("/v2/orders", never)) as url, client(url) as rest:
        found = await rest.send(POST, Priority.ENTRY)
    assert isinstance(found, Lost)


async def test_an_answer_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TOTAL_S", 0.3)

    async def drip(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        for _ in range(100):
            await answer.write(b" ")
            await asyncio.sleep(0.05)
        return answer

    async with serving(web.post("/v2/orders", drip)) as url, client(url) as rest:
        assert isinstance(await rest.send(POST, Priority.ENTRY), Lost)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"garbage\r\n\r\n",
        HEAD,
        HEAD + b'Content-Length: 500\r\n\r\n{"id":',
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
        HEAD + b"Content-Encoding: gzip\r\nContent-Length: 7\r\n\r\ngarbage",
        HEAD + b"Content-Encoding: gzip\r\nContent-Length: 500\r\n\r\n" + gzip.compress(b"{}"),
    ],
)
async def test_a_broken_answer_is_lost(answer: bytes) -> None:
    """Reset before, inside the head, inside the body; wrong length; garbage (N5)."""
    async with answering_raw(answer) as url, client(url) as rest:
        assert isinstance(await rest.send(POST, Priority.ENTRY), Lost)


async def test_an_endless_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BODY_BYTES_MAX", 100_000)

    async def flood(request: web.Request) -> web.Response:
        return web.Response(body=b"x" * 200_000)

    async with serving(web.get("/v2/thing", flood)) as url, client(url) as rest:
        assert await rest.send(GET, Priority.ROUTINE) == Lost("the answer is too large")


async def test_twenty_entries_do_not_hold_up_cover(monkeypatch: pytest.MonkeyPatch) -> None:
    """A-08: as many entries as there are connections hang, the stop goes out all the same, and more
    entries give up."""
    monkeypatch.setattr(module, "SLOT_WAIT_S", {**module.SLOT_WAIT_S, Priority.ENTRY: 0.1})
    all_hang, release = asyncio.Event(), asyncio.Event()
    entries, covers = 0, 0

    async def take(request: web.Request) -> web.Response:
        nonlocal entries, covers
        if (await request.read()) == b"cover":
            covers += 1
            return web.Response(text="{}")
        entries += 1
        if entries == 16:
            all_hang.set()
        await release.wait()
        return web.Response(text="{}")

    async with serving(web.post("/v2/orders", take)) as url, client(url) as rest:
        hanging = [asyncio.create_task(rest.send(POST, Priority.ENTRY)) for _ in range(16)]
        await all_hang.wait()
        cover = HttpRequest("POST", "/v2/orders", (), b"cover")
        assert isinstance(await rest.send(cover, Priority.PROTECT), HttpResponse)
        late = await asyncio.gather(*(rest.send(POST, Priority.ENTRY) for _ in range(4)))
        assert late == [NotSent("waited too long for a free connection")] * 4
        assert not any(task.done() for task in hanging)
        release.set()
        outcomes = await asyncio.gather(*hanging)
    assert (entries, covers) == (16, 1)
    assert all(isinstance(outcome, HttpResponse) for outcome in outcomes)


async def test_an_empty_budget_sends_nothing_but_cover() -> None:
    seen: list[web.Request] = []
    async with (
        serving(web.post("/v2/orders", counting(200, seen, remaining=7))) as url,
        client(url, limit=10) as rest,
    ):
        outcomes = [await rest.send(POST, Priority.ENTRY) for _ in range(10)]
        last = outcomes[-1]
        assert isinstance(last, Throttled)
        assert last.until_ns > START_NS
        assert len(seen) == 7  # of nine usable ones, two are reserved
        assert isinstance(await rest.read(GET, Priority.ROUTINE), Throttled)
        assert isinstance(await rest.send(POST, Priority.PROTECT), HttpResponse)


async def test_after_close_nothing_is_sent() -> None:
    async with client("http://127.0.0.1:1") as rest:
        await rest.close()
        await rest.close()
        assert isinstance(await rest.send(POST, Priority.ENTRY), NotSent)


async def test_no_outcome_shows_a_key(canary: str) -> None:
    keys = Credentials(key_id=canary, secret=canary[::-1])

    async def echo(request: web.Request) -> web.Response:
        raise web.HTTPFound(f"/{canary}", headers={"X-Request-Id": canary})

    broken = b"HTTP/1.1 200 OK\r\nX: " + canary.encode()
    async with answering_raw(broken) as url, client(url, keys=keys) as rest:
        lost = await rest.send(POST, Priority.ENTRY)
    async with serving(web.post("/v2/orders", echo)) as url, client(url, keys=keys) as rest:
        redirected = await rest.send(POST, Priority.ENTRY)
        shown = repr(rest)
    async with client(url, keys=keys) as rest:
        refused = await rest.send(POST, Priority.ENTRY)
    for text in (repr(lost), repr(redirected), repr(refused), shown):
        assert canary not in text
        assert canary[::-1] not in text


async def test_what_writes_is_held_back_in_the_last_moment_when_the_account_may_be_lost() -> None:
    """Reads go on: they change nothing, and somebody may want to know."""
    seen: list[web.Request] = []
    answers = [True, False]
    async with (
        serving(web.route("*", "/{path:.*}", counting(200, seen))) as url,
        client(url, may_send=lambda: answers.pop(0)) as rest,
    ):
        assert isinstance(await rest.send(POST, Priority.PROTECT), HttpResponse)
        outcome = await rest.send(POST, Priority.PROTECT)
        assert outcome == NotSent("the lease of the account was not renewed in time")
        assert isinstance(await rest.read(GET, Priority.EVIDENCE), HttpResponse)
    assert [request.method for request in seen] == ["POST", "GET"]
    assert not answers


def test_a_request_is_over_before_a_lease_that_let_it_go() -> None:
    assert module.TOTAL_S * 1_000 < REQUEST_MS
