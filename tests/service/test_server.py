"""What a stranger could use up, on a real server (S5, S9)."""

from __future__ import annotations

import asyncio
import http.client
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from surefill.config import Settings
from surefill.service import server
from surefill.service.guard import Receive, Scope, Send
from surefill.service.server import HEAD_BYTES_MAX, Tls, listen, make_server
from tests.support.api_server import HOST, ApiServer
from tests.support.certificate import self_signed
from tests.support.exchange_server import wait_until


def settings_in(folder: Path) -> Settings:
    return Settings.load({"SUREFILL_JOURNAL_PATH": str(folder / "state" / "journal.db")})


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    monkeypatch.setattr(server, "HEAD_S", 0.2)
    with ApiServer(settings_in(tmp_path)) as running:
        yield running


def is_hung_up(wire: socket.socket) -> bool:
    """Wait for the other side to end it."""
    wire.settimeout(10)
    try:
        return wire.recv(1_000) == b""
    except ConnectionResetError:
        return True


def is_gone(wire: socket.socket) -> bool:
    """Whether the other side has ended it already."""
    wire.setblocking(False)
    try:
        return wire.recv(1_000) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


def test_only_loopback_is_listened_on(api: ApiServer) -> None:
    """From the kernel's own list (C.6, 1)."""
    port = f"{api.port:04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    bound = {row[1] for row in rows if row[3] == "0A" and row[1].endswith(f":{port}")}
    assert bound == {f"0100007F:{port}"}
    six = Path("/proc/net/tcp6")
    assert not six.exists() or f":{port} " not in six.read_text()


@pytest.mark.parametrize("begun", [b"", b"GET /v1/limits HTTP/1.1\r\nHost: x\r\n"])
def test_s5_a_head_that_does_not_end_is_given_up(api: ApiServer, begun: bytes) -> None:
    with socket.create_connection((HOST, api.port)) as wire:
        wire.sendall(begun)
        assert is_hung_up(wire)


def test_s5_also_after_an_answer(api: ApiServer) -> None:
    token = api.token("viewer")
    head = f"GET /v1/limits HTTP/1.1\r\nHost: {HOST}:{api.port}\r\nAuthorization: Bearer {token}"
    with socket.create_connection((HOST, api.port), timeout=10) as wire:
        wire.sendall(head.encode() + b"\r\n\r\n")
        assert wire.recv(65_536).startswith(b"HTTP/1.1 200")
        wire.sendall(b"GET /v1/lim")
        while wire.recv(65_536):
            pass


def test_a_head_has_a_bound(api: ApiServer) -> None:
    with socket.create_connection((HOST, api.port), timeout=10) as wire:
        wire.sendall(b"GET / HTTP/1.1\r\nX: " + b"x" * HEAD_BYTES_MAX * 2)
        assert wire.recv(100).startswith(b"HTTP/1.1 400")


def test_a_request_that_takes_longer_is_not_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "HEAD_S", 0.05)
    with ApiServer(settings_in(tmp_path)) as api:
        started = time.monotonic()
        status, body, _ = api.call("POST", "/v1/kill")  # looks for an engine for a second
        assert (status, body["code"]) == (503, "CONTROL_UNREACHABLE")
        assert time.monotonic() - started > 0.05


def test_idle_connections_give_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "CONNECTIONS_MAX", 3)
    monkeypatch.setattr(server, "HEAD_S", 600.0)  # not because they were slow
    with ApiServer(settings_in(tmp_path)) as api:
        wires = [socket.create_connection((HOST, api.port)) for _ in range(12)]
        try:
            assert api.call("GET", "/v1/limits")[0] == 200
            wait_until(lambda: sum(is_gone(wire) for wire in wires) >= 9)
        finally:
            for wire in wires:
                wire.close()


def test_tls(tmp_path: Path) -> None:
    tls = Tls(*self_signed(tmp_path, "desk.example"))
    trusted = ssl.create_default_context(cafile=str(tls.certificate))
    trusted.check_hostname = False  # the name leads nowhere here; the certificate is checked
    with ApiServer(settings_in(tmp_path), tls=tls, name="desk.example") as api:
        connection = http.client.HTTPSConnection(HOST, api.port, context=trusted, timeout=10)
        headers = {
            "Host": f"desk.example:{api.port}",
            "Authorization": f"Bearer {api.token('viewer')}",
        }
        connection.request("GET", "/v1/limits", headers=headers)
        assert connection.getresponse().status == 200
        connection.close()


def test_listening_says_what_it_cannot_have() -> None:
    with listen(HOST, 0) as bound, pytest.raises(OSError, match="in use"):
        listen(HOST, bound.getsockname()[1])
    with listen("::1", 0) as six:
        assert six.family == socket.AF_INET6


async def test_a_connection_that_became_a_websocket_is_not_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its head was there; what comes now is no business of HTTP's."""
    monkeypatch.setattr(server, "HEAD_S", 0.05)

    async def echo(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            said = await receive()
            await send({"type": "websocket.send", "text": said["text"]})

    with listen(HOST, 0) as bound:
        running = make_server(echo, has_pages=True)
        running.config.lifespan = "off"
        serving = asyncio.create_task(running.serve(sockets=[bound]))
        async with connect(f"ws://{HOST}:{bound.getsockname()[1]}") as wire:
            await asyncio.sleep(0.2)
            await wire.send("still here")
            assert await wire.recv() == "still here"
        running.should_exit = True
        await serving
