"""The door of the dashboard, beside the API's: every request of a browser passes here first.

What: `Gate`, an ASGI application before two others: paths of the API go to its own guard, all the
rest needs a session, apart from the login page and its style.
Invariants: host, origin and fetch metadata are checked as for the API; a websocket needs our own
origin and a session; pages are only read (GET), what acts goes through the websocket and is
checked again by `deeds.Hands`; at most `SOCKETS_MAX` websockets and `MESSAGES_PER_S` each; wrong
tokens lock an address out. Every answer carries `headers_for` its path.
Why 'unsafe-eval' and inline styles: the page library compiles its templates in the browser and
writes styles; scripts still need this answer's own nonce, and everything comes from this server.
Must never: let a token into an address or a line of the log.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from surefill.dashboard.assets import ASSETS
from surefill.dashboard.login import (
    POLICY,
    cookie_in,
    cookie_name,
    cookie_text,
    login_page,
    token_in,
)
from surefill.dashboard.sessions import Sessions
from surefill.runtime.logs import LOGGER_NAME
from surefill.runtime.token import fresh_token
from surefill.service.guard import (
    SAFE_METHODS,
    App,
    Message,
    Names,
    Receive,
    Scope,
    Send,
    body_of,
    check_sender,
    headers_of,
    refuse,
)
from surefill.service.pacing import LockOut, NowNs, Pace
from surefill.service.problems import ApiProblem
from surefill.service.tokens import Role, TokenError, TokenFile

logger = logging.getLogger(LOGGER_NAME)

SESSION, SITE = "surefill.session", "surefill.site"
"""Where the scope of a request that passed holds its session's id, and what pages work with."""
API_PATHS = ("/v1/", "/metrics")
LIBRARY = "/_nicegui/"
SOCKET = "/_nicegui_ws/"
SOCKETS_MAX = 32
MESSAGES_PER_S = 50
LOST_MESSAGES = 1008
"""The websocket's code for a policy that was not kept."""
FORM = "application/x-www-form-urlencoded"
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    # With no-referrer a browser sends "Origin: null" with a form, which could be anybody's.
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=()"),
)
PAGE_POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
Pairs = list[tuple[bytes, bytes]]


class Gate:
    """Lets browsers in. ``site``: the pages' application; ``state``: what stands in the scope for
    them (`SITE`)."""

    def __init__(
        self, api: App, site: App, *, state: object, sessions: Sessions, tokens: TokenFile,
        names: Names, port: int, now_ns: NowNs, is_tls: bool = False,
    ) -> None:  # fmt: skip
        self._api = api
        self._site = site
        self._state = state
        self._sessions = sessions
        self._tokens = tokens
        self._names = names
        self._is_tls = is_tls
        self._cookie = cookie_name(port, is_tls=is_tls)
        self._now_ns = now_ns
        self._lock_out = LockOut(now_ns)
        self._sockets = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or scope["path"].startswith(API_PATHS):
            await self._api(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._http(scope, receive, send)

    # ------------------------------------------------------------------------------------ pages

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        nonce = fresh_token()
        try:
            headers = headers_of(scope)
            check_sender(scope, headers, self._names)
            if scope["path"] in ASSETS and scope["method"] in SAFE_METHODS:
                await _answer(send, 200, ASSETS[scope["path"]], headers=_plain())
            elif scope["path"] == "/login":
                await self._login(scope, headers, receive=receive, send=send)
            elif scope["path"] == "/logout" and scope["method"] == "POST":
                self._sessions.close(cookie_in(headers.get("cookie", ""), self._cookie))
                await _move(send, "/login", [self._set_cookie("")])
            else:
                await self._page(scope, headers, receive=receive, send=_dressed(send, scope, nonce))
        except ApiProblem as problem:
            await refuse(_dressed(send, scope, nonce), problem)

    async def _page(
        self, scope: Scope, headers: dict[str, str], *, receive: Receive, send: Send
    ) -> None:
        if scope["method"] not in SAFE_METHODS:
            raise ApiProblem(405, "METHOD_UNKNOWN", "pages are only read")
        name = self._session(headers)
        path = scope["path"]
        if not name:
            if path.startswith((LIBRARY, SOCKET)):
                raise ApiProblem(401, "SESSION_MISSING", "log in first")
            await _move(send, "/login")
            return
        if path.startswith(SOCKET):
            raise ApiProblem(403, "SOCKET_ONLY", "this is a websocket")
        if not path.startswith(LIBRARY) and "nicegui-check" not in headers:
            self._sessions.touch(name)
        scope[SESSION], scope[SITE] = name, self._state
        await self._site(scope, receive, send)

    async def _login(
        self, scope: Scope, headers: dict[str, str], *, receive: Receive, send: Send
    ) -> None:
        if scope["method"] in SAFE_METHODS:
            await self._ask_for_token(send, 200, "")
            return
        if scope["method"] != "POST" or headers.get("content-type", "") != FORM:
            raise ApiProblem(415, "NOT_A_FORM", "this page is for people; see the API")
        if "origin" not in headers:
            raise ApiProblem(403, "ORIGIN_MISSING", "a browser says where a change comes from")
        address = scope["client"][0] if scope.get("client") else ""
        wait_s = self._lock_out.wait_s(address)
        if wait_s:
            await self._ask_for_token(send, 429, f"Too many wrong tokens: wait {wait_s} s.")
            return
        token = token_in(await body_of(receive))
        role = self._role_of(token)
        if role is None:
            self._lock_out.failed(address, token)
            logger.warning("dashboard: a wrong token from %s was refused", address)
            await self._ask_for_token(send, 401, "No role has this token.")
            return
        self._sessions.close(cookie_in(headers.get("cookie", ""), self._cookie))
        name = self._sessions.open(role, token)
        logger.info("dashboard: %s logged in from %s", role, address)
        await _move(send, "/", [self._set_cookie(name)])

    async def _ask_for_token(self, send: Send, status: int, problem: str) -> None:
        page = login_page(problem)
        content = ("text/html; charset=utf-8", page)
        await _answer(send, status, content, headers=_plain(POLICY))

    def _role_of(self, token: str) -> Role | None:
        try:
            return self._tokens.role_of(token)
        except TokenError as error:
            logger.error("dashboard: %s", error)
            raise ApiProblem(503, "TOKENS_UNUSABLE", "see the server's own output") from None

    def _session(self, headers: dict[str, str]) -> str:
        """The id of the session that the cookie names; "" without one."""
        name = cookie_in(headers.get("cookie", ""), self._cookie)
        try:
            return name if self._sessions.find(name) is not None else ""
        except TokenError as error:
            logger.error("dashboard: %s", error)
            raise ApiProblem(503, "TOKENS_UNUSABLE", "see the server's own output") from None

    def _set_cookie(self, value: str) -> tuple[bytes, bytes]:
        text = cookie_text(self._cookie, value, is_tls=self._is_tls)
        return b"set-cookie", text.encode()

    # ------------------------------------------------------------------------------- websockets

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            headers = headers_of(scope)
            check_sender(scope, headers, self._names)
            if "origin" not in headers:
                raise ApiProblem(403, "ORIGIN_MISSING", "a page says where it comes from")
            name = self._session(headers)
            is_full = self._sockets >= SOCKETS_MAX
        except ApiProblem as problem:
            logger.info("dashboard: a websocket was refused (%s)", problem.code)
            name, is_full = "", False
        if not name or is_full or not scope["path"].startswith(SOCKET):
            await receive()
            await send({"type": "websocket.close", "code": LOST_MESSAGES})
            return
        scope[SESSION], scope[SITE] = name, self._state
        self._sockets += 1
        try:
            await self._site(scope, _paced(receive, Pace(self._now_ns, per_s=MESSAGES_PER_S)), send)
        finally:
            self._sockets -= 1


def _paced(receive: Receive, pace: Pace) -> Receive:
    """Messages of one page; one that floods is told to have left."""

    async def paced() -> Message:
        message = await receive()
        if message["type"] == "websocket.receive" and not pace.takes("page"):
            return {"type": "websocket.disconnect", "code": LOST_MESSAGES}
        return message

    return paced


def _plain(policy: str = "default-src 'none'; frame-ancestors 'none'") -> Pairs:
    return [
        *HEADERS,
        (b"content-security-policy", policy.encode()),
        (b"cache-control", b"no-store"),
    ]


def _dressed(send: Send, scope: Scope, nonce: str) -> Send:
    """Send with the headers of this path; scripts of a page get the nonce."""
    is_library = scope["path"].startswith(LIBRARY)
    is_page = False

    async def dressed(message: Message) -> None:
        nonlocal is_page
        if message["type"] == "http.response.start":
            found: Iterable[tuple[bytes, bytes]] = message.get("headers", ())
            is_page = any(pair[1].startswith(b"text/html") for pair in found)
            ours = _plain(PAGE_POLICY.format(nonce=nonce)) if is_page else _plain()
            if is_library:
                # Versioned files of the library: megabytes that no page must load again.
                ours = [pair for pair in ours if pair[0] != b"cache-control"]
            taken = {name for name, _ in ours} | ({b"content-length"} if is_page else set())
            kept = [pair for pair in found if pair[0].lower() not in taken]
            message = {**message, "headers": [*kept, *ours]}
        elif is_page and message["type"] == "http.response.body":
            body = bytes(message.get("body", b""))
            marked = body.replace(b"<script", b'<script nonce="' + nonce.encode() + b'"')
            message = {**message, "body": marked}
        await send(message)

    return dressed


async def _answer(send: Send, status: int, content: tuple[str, bytes], *, headers: Pairs) -> None:
    kind, body = content
    headers = [
        (b"content-type", kind.encode()),
        (b"content-length", str(len(body)).encode()),
        *headers,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _move(send: Send, to: str, headers: Pairs | None = None) -> None:
    """See another page."""
    more: Pairs = [(b"location", to.encode()), (b"content-length", b"0"), *(headers or [])]
    start = {"type": "http.response.start", "status": 303, "headers": [*more, *_plain()]}
    await send(start)
    await send({"type": "http.response.body", "body": b""})
