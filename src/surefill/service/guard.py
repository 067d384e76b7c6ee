"""The door of the HTTP API: every request passes here before anything of ours looks at it.

What: `Guard`, an ASGI application around another one: host, origin, token, lock-out, pace, body.
What it found stands in the scope (`ROLE`, `BODY`); every answer gets the same headers.
Why in this order: a page that was lured here by its name (DNS rebinding) or sent by another site
is refused before its token is looked at, and a stranger learns nothing, not even which paths exist.
Invariants: no answer without `HEADERS`; no body above `BODY_BYTES_MAX` or after `BODY_S`; the kill
switch passes lock-out and pace (failures.md C.6, 1 to 9 and 18).
Must never: write a header or a body anywhere: tokens travel in them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from surefill.runtime.logs import LOGGER_NAME
from surefill.service.pacing import ACTS_PER_S, READS_PER_S, LockOut, NowNs, Pace
from surefill.service.problems import ApiProblem
from surefill.service.tokens import Role, TokenError, TokenFile

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

logger = logging.getLogger(LOGGER_NAME)

ROLE, BODY, IS_CURRENT = "surefill.role", "surefill.body", "surefill.is_current"
"""Where the scope of a request that passed holds its role, its body, and a function that tells
whether its token is still that role's."""
KILL_PATH = "/v1/kill"
BODY_BYTES_MAX = 64 * 1024
BODY_S = 5.0
TARGET_BYTES_MAX = 2_048
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
HEADERS = (
    # Stricter than the 'self' of a page: nothing here is one.
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)


@dataclass(frozen=True, slots=True)
class Names:
    """By which names this server may be addressed: ``host:port``, lower case."""

    hosts: frozenset[str]

    @classmethod
    def of(cls, port: int, *more: str) -> Names:
        """This machine's names, and ``more``."""
        names = ("localhost", "127.0.0.1", "[::1]", *more)
        return cls(frozenset(f"{name.lower()}:{port}" for name in names))

    def is_origin(self, origin: str) -> bool:
        """Whether a browser's ``Origin`` is this server itself."""
        scheme, _, host = origin.partition("://")
        return scheme in ("http", "https") and host.lower() in self.hosts


class Guard:
    """Lets in who may come in."""

    def __init__(self, app: App, *, tokens: TokenFile, names: Names, now_ns: NowNs) -> None:
        self._app = app
        self._tokens = tokens
        self._names = names
        self._lock_out = LockOut(now_ns)
        self._reads = Pace(now_ns, per_s=READS_PER_S)
        self._acts = Pace(now_ns, per_s=ACTS_PER_S)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *HEADERS]}
            await send(message)

        try:
            headers = headers_of(scope)
            check_sender(scope, headers, self._names)
            scope[ROLE] = self._role(scope, headers)
            self._check_pace(scope)
            if scope["method"] not in SAFE_METHODS:
                _check_body_kind(headers)
                scope[BODY] = await body_of(receive)
        except ApiProblem as problem:
            await refuse(send_guarded, problem)
            return
        await self._app(scope, receive, send_guarded)

    def _role(self, scope: Scope, headers: dict[str, str]) -> Role:
        address = scope["client"][0] if scope.get("client") else ""
        wait_s = 0 if scope["path"] == KILL_PATH else self._lock_out.wait_s(address)
        if wait_s:
            text = f"too many wrong tokens from this address; wait {wait_s} s"
            later = (("retry-after", str(wait_s)),)
            raise ApiProblem(429, "LOCKED_OUT", text, headers=later)
        kind, _, shown = headers.get("authorization", "").partition(" ")
        challenge = (("www-authenticate", "Bearer"),)
        if kind.lower() != "bearer" or not shown:
            raise ApiProblem(
                401, "TOKEN_MISSING", "send Authorization: Bearer TOKEN", headers=challenge
            )
        try:
            role = self._tokens.role_of(shown.strip())
        except TokenError as error:
            logger.error("API: %s", error)
            raise ApiProblem(503, "TOKENS_UNUSABLE", "see the server's own output") from None
        if role is None:
            self._lock_out.failed(address, shown)
            logger.warning("API: a wrong token from %s was refused", address)
            raise ApiProblem(401, "TOKEN_WRONG", "no role has this token", headers=challenge)
        scope[IS_CURRENT] = lambda: self._is_current(role, shown.strip())
        return role

    def _is_current(self, role: Role, shown: str) -> bool:
        try:
            return self._tokens.role_of(shown) is role
        except TokenError:
            return False

    def _check_pace(self, scope: Scope) -> None:
        if scope["path"] == KILL_PATH:
            return
        pace = self._reads if scope["method"] in SAFE_METHODS else self._acts
        if not pace.takes(scope[ROLE]):
            later = (("retry-after", "1"),)
            raise ApiProblem(429, "TOO_FAST", "more requests than a second takes", headers=later)


def check_sender(scope: Scope, headers: dict[str, str], names: Names) -> None:
    """Was it meant for us, and sent by a program or by a page of ours? A scope without a method (a
    websocket) changes something. Raises `ApiProblem`."""
    if len(scope["raw_path"]) + len(scope["query_string"]) > TARGET_BYTES_MAX:
        raise ApiProblem(414, "TARGET_TOO_LONG", f"at most {TARGET_BYTES_MAX} bytes")
    if headers.get("host", "").lower() not in names.hosts:
        raise ApiProblem(421, "HOST_UNKNOWN", "this server has other names")
    origin = headers.get("origin")
    if origin is not None and not names.is_origin(origin):
        raise ApiProblem(403, "ORIGIN_REFUSED", "another site's page may ask nothing here")
    if scope.get("method") in SAFE_METHODS:
        return
    if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        raise ApiProblem(403, "SITE_REFUSED", "another site's page may change nothing here")
    is_browser = any(name.startswith("sec-fetch-") for name in headers)
    is_browser = is_browser or headers.get("user-agent", "").startswith("Mozilla/")
    if is_browser and origin is None:
        raise ApiProblem(403, "ORIGIN_MISSING", "a browser says where a change comes from")


async def refuse(send: Send, problem: ApiProblem) -> None:
    """Answer with a problem; what the client still sends is not read."""
    body = problem.body()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        *((name.encode(), text.encode()) for name, text in problem.headers),
    ]
    if problem.status in (408, 413):
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def headers_of(scope: Scope) -> dict[str, str]:
    """name (lower case) -> text; what decides may come only once. Raises `ApiProblem`."""
    found: dict[str, str] = {}
    for raw_name, raw in scope["headers"]:
        name = raw_name.decode("latin-1").lower()
        if name in found and name in (
            "host",
            "origin",
            "authorization",
            "content-length",
            "cookie",
        ):
            raise ApiProblem(400, "HEADER_TWICE", f"{name} came twice")
        found[name] = raw.decode("latin-1")
    return found


def _check_body_kind(headers: dict[str, str]) -> None:
    if headers.get("content-type", "").lower() not in (
        "application/json",
        "application/json; charset=utf-8",
    ):
        raise ApiProblem(415, "NOT_JSON", "send Content-Type: application/json")
    if "content-encoding" in headers:
        raise ApiProblem(415, "BODY_ENCODED", "send the body as it is")
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length[:12]) > BODY_BYTES_MAX:
        raise ApiProblem(413, "BODY_TOO_LARGE", f"at most {BODY_BYTES_MAX} bytes")


async def body_of(receive: Receive) -> bytes:
    """The whole body, soon and not too much of it. Raises `ApiProblem`."""
    try:
        async with asyncio.timeout(BODY_S):
            return await _whole(receive)
    except TimeoutError:
        raise ApiProblem(408, "BODY_TOO_SLOW", f"within {BODY_S:.0f} s") from None


async def _whole(receive: Receive) -> bytes:
    body, has_more = bytearray(), True
    while has_more:
        message = await receive()  # "http.disconnect" has neither
        body += message.get("body", b"")
        has_more = message.get("more_body", False)
        if len(body) > BODY_BYTES_MAX:
            raise ApiProblem(413, "BODY_TOO_LARGE", f"at most {BODY_BYTES_MAX} bytes")
    return bytes(body)
