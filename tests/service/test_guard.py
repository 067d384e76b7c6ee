"""The door, on a real server over real sockets (failures.md C.6 and S1 to S8). No engine runs."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from surefill.config import Settings
from surefill.service import door, guard, pacing
from surefill.service.guard import BODY_BYTES_MAX, HEADERS, TARGET_BYTES_MAX, Names
from surefill.service.tokens import Role
from tests.support.api_server import HOST, ApiServer


def settings_in(folder: Path) -> Settings:
    return Settings.load({"SUREFILL_JOURNAL_PATH": str(folder / "state" / "journal.db")})


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    patch = pytest.MonkeyPatch()
    patch.setattr(guard, "ACTS_PER_S", 10_000)  # the pace has a test of its own
    patch.setattr(door, "RECONNECT_S", 0.05)
    with ApiServer(settings_in(tmp_path_factory.mktemp("guard"))) as running:
        yield running
    patch.undo()


def test_every_answer_carries_the_headers_and_none_of_cors(api: ApiServer) -> None:
    for status, role, path in (
        (200, "viewer", "/v1/limits"),
        (401, None, "/v1/limits"),
        (404, "viewer", "/nothing"),
        (405, "viewer", "/v1/halt"),
        (503, "viewer", "/v1/trades"),
    ):
        found, _, headers = api.call("GET", path, role=role)
        assert found == status, path
        assert {name: headers[name] for name in sorted(headers)} == {
            name.decode(): text.decode() for name, text in sorted(HEADERS)
        } | {
            name: headers[name]
            for name in ("content-type", "content-length", "allow", "www-authenticate")
            if name in headers
        }
        assert not [name for name in headers if name.startswith("access-control")]
        assert "server" not in headers


def test_a_preflight_gets_nothing(api: ApiServer) -> None:
    asked = {"Origin": f"http://{HOST}:{api.port}", "Access-Control-Request-Method": "POST"}
    status, _, headers = api.call("OPTIONS", "/v1/kill", role=None, headers=asked)
    assert status == 401
    assert not [name for name in headers if name.startswith("access-control")]
    assert api.call("OPTIONS", "/v1/kill", role="operator", headers=asked)[0] == 405


@pytest.mark.parametrize("host", ["evil.example", "localhost", "localhost:1", "", "127.0.0.1.x"])
def test_s2_another_host_is_not_ours(api: ApiServer, host: str) -> None:
    status, body, _ = api.call("GET", "/v1/limits", headers={"Host": host})
    assert (status, body["code"]) == (421, "HOST_UNKNOWN")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "[::1]"])
def test_our_own_names_are_taken(api: ApiServer, host: str) -> None:
    assert api.call("GET", "/v1/limits", headers={"Host": f"{host}:{api.port}"})[0] == 200


@pytest.mark.parametrize("origin", ["null", "http://evil.example", "file://", "http://localhost"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_s3_another_origin_is_refused(api: ApiServer, method: str, origin: str) -> None:
    path = "/v1/limits" if method == "GET" else "/v1/kill"
    status, body, _ = api.call(method, path, headers={"Origin": origin})
    assert (status, body["code"]) == (403, "ORIGIN_REFUSED")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, "SITE_REFUSED"),
        ({"Sec-Fetch-Site": "same-site"}, "SITE_REFUSED"),
        ({"Sec-Fetch-Site": "same-origin"}, "ORIGIN_MISSING"),
        ({"Sec-Fetch-Mode": "cors"}, "ORIGIN_MISSING"),
        ({"User-Agent": "Mozilla/5.0"}, "ORIGIN_MISSING"),
        ({"Content-Type": "text/plain"}, "NOT_JSON"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, "NOT_JSON"),
        ({"Content-Type": None}, "NOT_JSON"),
        ({"Content-Encoding": "gzip"}, "BODY_ENCODED"),
    ],
)
def test_s1_a_cross_site_post_fails(
    api: ApiServer, headers: dict[str, str | None], code: str
) -> None:
    status, body, _ = api.call("POST", "/v1/kill", headers=headers)
    assert (status, body["code"]) == (415 if code.startswith(("NOT", "BODY")) else 403, code)


def test_a_page_of_ours_may_ask(api: ApiServer) -> None:
    headers = {"Origin": f"http://localhost:{api.port}", "Sec-Fetch-Site": "same-origin"}
    status, body, _ = api.call("POST", "/v1/kill", headers=headers | {"User-Agent": "Mozilla/5.0"})
    assert (status, body["code"]) == (503, "CONTROL_UNREACHABLE")  # it came through to the engine


def test_s4_an_oversized_body_is_refused(api: ApiServer) -> None:
    big = b'{"why": "' + b"x" * BODY_BYTES_MAX + b'"}'
    status, body, _ = api.call("POST", "/v1/kill", big)
    assert (status, body["code"]) == (413, "BODY_TOO_LARGE")
    chunks = b"".join(b"%x\r\n" % len(part) + part + b"\r\n" for part in (big[:40_000], big))
    head = f"POST /v1/kill HTTP/1.1\r\nHost: {HOST}:{api.port}\r\nTransfer-Encoding: chunked\r\n"
    head += f"Content-Type: application/json\r\nAuthorization: Bearer {api.token('operator')}\r\n"
    with socket.create_connection((HOST, api.port), timeout=10) as wire:
        wire.sendall(head.encode() + b"\r\n" + chunks)
        assert wire.recv(100).startswith(b"HTTP/1.1 413")


def test_s5_a_slow_body_is_given_up(api: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "BODY_S", 0.1)
    head = f"POST /v1/kill HTTP/1.1\r\nHost: {HOST}:{api.port}\r\nContent-Length: 9\r\n"
    head += f"Content-Type: application/json\r\nAuthorization: Bearer {api.token('operator')}\r\n"
    with socket.create_connection((HOST, api.port), timeout=10) as wire:
        wire.sendall(head.encode() + b"\r\n{")
        assert wire.recv(100).startswith(b"HTTP/1.1 408")


def test_s6_an_old_token_is_worth_nothing(api: ApiServer) -> None:
    old = api.token("viewer")
    api.tokens.rotate(Role.VIEWER)
    status, body, _ = api.call(
        "GET", "/v1/limits", role=None, headers={"Authorization": f"Bearer {old}"}
    )
    assert (status, body["code"]) == (401, "TOKEN_WRONG")
    assert api.call("GET", "/v1/limits", role="viewer")[0] == 200


@pytest.mark.parametrize(
    "shown", [None, "", "Bearer", "Bearer ", "Basic YTpi", "bearer\t", "Token x"]
)
def test_without_a_token_nothing_is_told(api: ApiServer, shown: str | None) -> None:
    for path in ("/v1/health", "/v1/openapi.json", "/nothing", "/"):
        status, body, headers = api.call("GET", path, role=None, headers={"Authorization": shown})
        assert (status, body["code"]) == (401, "TOKEN_MISSING")
        assert headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/trades/../../etc/passwd",
        "/v1/trades/%2e%2e%2fetc%2fpasswd",
        "/v1/trades/..",
        "/v1/trades/%00",
        "/v1//trades",
        "/v1/trades/",
        "//evil.example/v1/trades",
        "/V1/trades",
    ],
)
def test_s7_a_path_is_a_route_or_nothing(api: ApiServer, path: str) -> None:
    status, body, _ = api.call("GET", path)
    assert (status, body["code"]) in ((404, "PATH_UNKNOWN"), (422, "ID_INVALID"))


def test_a_target_has_a_bound(api: ApiServer) -> None:
    status, body, _ = api.call("GET", "/v1/limits?" + "x" * TARGET_BYTES_MAX)
    assert (status, body["code"]) == (414, "TARGET_TOO_LONG")


def test_a_header_that_decides_comes_once(api: ApiServer) -> None:
    token = api.token("operator")
    head = f"GET /v1/limits HTTP/1.1\r\nHost: {HOST}:{api.port}\r\nAuthorization: Bearer x\r\n"
    with socket.create_connection((HOST, api.port), timeout=10) as wire:
        wire.sendall(f"{head}Authorization: Bearer {token}\r\n\r\n".encode())
        assert wire.recv(100).startswith(b"HTTP/1.1 400")


def test_lock_out_hits_guessers_and_never_the_kill_switch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pacing, "FREE_GUESSES", 2)
    monkeypatch.setattr(pacing, "SECOND_NS", 60 * pacing.SECOND_NS)  # no race with the clock
    monkeypatch.setattr(door, "RECONNECT_S", 0.05)
    with (
        caplog.at_level(logging.WARNING),
        ApiServer(settings_in(tmp_path)) as api,
    ):
        for n in range(8):
            api.call("GET", "/v1/limits", role=None, headers={"Authorization": f"Bearer {n}"})
        status, body, headers = api.call("GET", "/v1/limits")
        assert (status, body["code"]) == (429, "LOCKED_OUT")
        assert int(headers["retry-after"]) >= 1
        status, body, _ = api.call("POST", "/v1/kill", role="kill-only")
        assert (status, body["code"]) == (503, "CONTROL_UNREACHABLE")
    assert "a wrong token from 127.0.0.1 was refused" in caplog.text
    assert "Bearer" not in caplog.text


def test_tokens_that_cannot_be_used_let_nobody_in(tmp_path: Path) -> None:
    with ApiServer(settings_in(tmp_path)) as api:
        token = api.token("viewer")
        api.tokens.path.chmod(0o644)
        shown = {"Authorization": f"Bearer {token}"}
        status, body, _ = api.call("GET", "/v1/limits", role=None, headers=shown)
        assert (status, body["code"]) == (503, "TOKENS_UNUSABLE")
        assert str(tmp_path) not in json.dumps(body)


def test_a_pace_bounds_each_role_but_not_the_kill_switch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "READS_PER_S", 1)
    monkeypatch.setattr(guard, "ACTS_PER_S", 0)
    monkeypatch.setattr(door, "RECONNECT_S", 0.05)
    with ApiServer(settings_in(tmp_path)) as api:
        found = [api.call("GET", "/v1/limits", role="viewer") for _ in range(8)]
        assert {status for status, _, _ in found} == {200, 429}
        assert {body["code"] for status, body, _ in found if status == 429} == {"TOO_FAST"}
        assert api.call("POST", "/v1/halt")[1]["code"] == "TOO_FAST"
        assert api.call("POST", "/v1/kill", role="kill-only")[1]["code"] == "CONTROL_UNREACHABLE"


def test_names() -> None:
    names = Names.of(7, "Desk.Example")
    assert names.is_origin("https://desk.example:7")
    assert names.is_origin("http://[::1]:7")
    for origin in ("desk.example:7", "ftp://desk.example:7", "https://desk.example", ""):
        assert not names.is_origin(origin)
