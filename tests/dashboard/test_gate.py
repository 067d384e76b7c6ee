"""The door of the pages: sessions, origins, headers, websockets; on a real server."""

from __future__ import annotations

import base64
import logging
import socket
from collections.abc import Iterator

import pytest

from surefill.dashboard import gate
from surefill.dashboard.login import cookie_name
from surefill.runtime.account import machine_clock
from surefill.runtime.logs import LOGGER_NAME
from surefill.service.guard import Message
from surefill.service.pacing import LockOut, Pace
from tests.dashboard.days import settings_in
from tests.support.house import FORM, HouseServer

pytest.importorskip("nicegui", reason="the dashboard's extra is not installed")

PAGES = ("/", "/trade/p1", "/costs", "/refusals", "/checklist", "/system")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HouseServer]:
    with HouseServer(settings_in(tmp_path_factory.mktemp("gate"))) as running:
        yield running


def upgrade(house: HouseServer, path: str = "/_nicegui_ws/socket.io/", **headers: str) -> int:
    """The status that an attempt at a websocket gets."""
    shown = {
        "Host": f"127.0.0.1:{house.port}",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(b"0123456789abcdef").decode(),
        "Origin": house.origin,
    } | {name.replace("_", "-"): text for name, text in headers.items()}
    lines = [f"{name}: {text}" for name, text in shown.items() if text]
    query = "?EIO=4&transport=websocket"
    with socket.create_connection(("127.0.0.1", house.port), timeout=10) as wire:
        wire.sendall("\r\n".join([f"GET {path}{query} HTTP/1.1", *lines, "", ""]).encode())
        return int(wire.recv(4096).split()[1])


@pytest.mark.parametrize("path", PAGES)
def test_a_stranger_is_sent_to_the_login(house: HouseServer, path: str) -> None:
    status, text, headers = house.get(path)
    assert (status, text, headers["location"]) == (303, "", "/login")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/_nicegui/x/static/nicegui.js", 401),
        ("/_nicegui_ws/socket.io/", 401),
        ("/login", 200),
        ("/assets/style.css", 200),
        ("/v1/health", 401),
        ("/metrics", 401),
    ],
)
def test_what_a_stranger_gets(house: HouseServer, path: str, status: int) -> None:
    assert house.get(path)[0] == status


def test_an_address_with_a_token_in_it_is_not_logged(
    house: HouseServer, caplog: pytest.LogCaptureFixture
) -> None:
    token = house.token("viewer")
    with caplog.at_level(logging.DEBUG, logger=LOGGER_NAME):
        for path in (f"/nowhere?token={token}", f"/trade/{token}/x", f"/?token={token}"):
            house.get(path, house.login("viewer"))
    assert token not in caplog.text


def test_the_cookie_is_no_token_and_no_script_sees_it(house: HouseServer) -> None:
    status, _, headers = house.post_token(house.token("operator"))
    assert (status, headers["location"]) == (303, "/")
    cookie = headers["set-cookie"]
    assert cookie.startswith(cookie_name(house.port, is_tls=False) + "=")
    assert cookie.endswith("; Path=/; HttpOnly; SameSite=Strict")
    assert not any(token in cookie for token in house.tokens.tokens().values())


def test_a_cookie_is_worth_nothing_at_the_api(house: HouseServer) -> None:
    assert house.get("/v1/health", house.login())[0] == 401


def test_wrong_tokens_are_not_told_apart_and_lock_out(
    house: HouseServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(house.gate, "_lock_out", LockOut(machine_clock().now_ns))
    for n in range(10):
        status, text, _ = house.post_token(f"{n:064x}")
        assert (status, "No role has this token." in text) == (401, True)
    house.post_token("f" * 64)
    status, text, _ = house.post_token(house.token("operator"))
    assert (status, "Too many wrong tokens" in text) == (429, True)
    assert not any(token in caplog.text for token in house.tokens.tokens().values())


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Host": "evil.example"}, 421),
        ({"Content-Type": "application/json"}, 415),
    ],
)
def test_another_sites_page_cannot_log_in(
    house: HouseServer, headers: dict[str, str], status: int
) -> None:
    found = house.post_token(house.token("operator"), **headers)
    assert (found[0], "set-cookie" in found[2]) == (status, False)


def test_a_form_without_an_origin_is_refused(house: HouseServer) -> None:
    headers = {"Content-Type": FORM}
    status, _, _ = house.ask("POST", "/login", f"token={house.token('operator')}", headers)
    assert status == 403


def test_pages_are_only_read(house: HouseServer) -> None:
    cookie = house.login()
    headers = {"Origin": house.origin, "Cookie": cookie, "Content-Type": FORM}
    for path in ("/", "/_nicegui_ws/socket.io/"):
        assert house.ask("POST", path, "a=1", headers)[0] == 405
    assert house.get("/_nicegui_ws/socket.io/", cookie)[0] == 403


def test_the_headers_of_a_page(house: HouseServer) -> None:
    """Scripts need the nonce of this very answer; everything comes from this server."""
    status, text, headers = house.get("/", house.login())
    policy = headers["content-security-policy"]
    assert status == 200
    nonce = policy.partition("'nonce-")[2].partition("'")[0]
    assert len(nonce) == 64
    assert text.count("<script") == text.count(f'<script nonce="{nonce}"')
    assert policy == gate.PAGE_POLICY.format(nonce=nonce)
    assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]
    assert "http" not in policy
    assert headers["cache-control"] == "no-store"
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert nonce != house.get("/", house.login())[2]["content-security-policy"][40:104]


def test_the_login_page_has_the_strictest_policy(house: HouseServer) -> None:
    policy = house.get("/login")[2]["content-security-policy"]
    assert "script-src" not in policy
    assert policy.startswith("default-src 'none'; style-src 'self'")


def test_only_the_librarys_files_may_be_kept(house: HouseServer) -> None:
    cookie = house.login()
    _, text, _ = house.get("/", cookie)
    path = text.partition('"vue":"')[2].partition('"')[0]
    status, _, headers = house.get(path, cookie)
    assert (status, "immutable" in headers["cache-control"]) == (200, True)


def test_logging_out_takes_the_cookie(house: HouseServer) -> None:
    cookie = house.login()
    headers = {"Origin": house.origin, "Cookie": cookie, "Content-Type": FORM}
    status, _, found = house.ask("POST", "/logout", "", headers)
    assert (status, found["location"], "Max-Age=0" in found["set-cookie"]) == (303, "/login", True)
    assert house.get("/", cookie)[0] == 303


def test_a_websocket_needs_a_session_and_our_own_origin(
    house: HouseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    cookie = house.login("viewer")
    assert upgrade(house, Cookie=cookie) == 101
    assert upgrade(house) == 403
    assert upgrade(house, Cookie=cookie, Origin="http://evil.example") == 403
    assert upgrade(house, Cookie=cookie, Origin="") == 403
    assert upgrade(house, Cookie=cookie, Sec_Fetch_Site="same-site") == 403
    assert upgrade(house, Cookie=cookie, Host="evil.example") == 403
    assert upgrade(house, "/elsewhere", Cookie=cookie) == 403
    monkeypatch.setattr(gate, "SOCKETS_MAX", 0)
    assert upgrade(house, Cookie=cookie) == 403


async def test_a_page_that_floods_is_told_to_have_left() -> None:
    async def receive() -> Message:
        return {"type": "websocket.receive", "text": "x"}

    paced = gate._paced(receive, Pace(lambda: 7, per_s=2))
    kinds = [(await paced())["type"] for _ in range(3)]
    assert kinds == ["websocket.receive", "websocket.receive", "websocket.disconnect"]


def test_tokens_that_others_could_read_let_nobody_in(house: HouseServer) -> None:
    cookie = house.login()
    house.tokens.path.chmod(0o644)
    try:
        assert house.get("/", cookie)[0] == 503
        assert house.post_token("x")[0] == 503
    finally:
        house.tokens.path.chmod(0o600)
    assert house.get("/", cookie)[0] == 200
