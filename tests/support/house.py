"""``surefill serve`` with its pages on a thread of this process, and somebody who is logged in.

with HouseServer(settings) as house:
    cookie = house.login("viewer")
    status, text, headers = house.get("/", cookie)
"""

from __future__ import annotations

import asyncio
import html
import http.client
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from urllib.parse import urlencode

import uvicorn

from surefill.config import Settings
from surefill.dashboard.gate import Gate
from surefill.dashboard.site import State, furnish, running
from surefill.replay.checklist import Checklist
from surefill.runtime.account import machine_clock, source_of
from surefill.service.door import Door
from surefill.service.guard import Names
from surefill.service.reader import Reader
from surefill.service.routes import Desk
from surefill.service.server import listen, make_server
from surefill.service.tokens import Role, TokenFile, token_path
from tests.support.exchange_server import wait_until

HOST = "127.0.0.1"
FORM = "application/x-www-form-urlencoded"


class HouseServer:
    """One at a time in a process: the page library has one loop."""

    def __init__(
        self, settings: Settings, *, checklist: Callable[[], Checklist] | None = None
    ) -> None:
        self._settings = settings
        self._checklist = checklist
        self.source = source_of(settings)
        self.tokens = TokenFile(token_path(self.source.path.absolute()))
        self.port = 0
        self.state: State
        self.gate: Gate
        self._server: uvicorn.Server
        self._thread: threading.Thread

    def __enter__(self) -> HouseServer:
        self.tokens.ensure()
        bound = listen(HOST, 0)
        self.port = bound.getsockname()[1]

        async def serve() -> None:
            desk = Desk(self._settings, Reader(self.source), Door(self._settings))
            house = furnish(
                desk,
                self.source,
                tokens=self.tokens,
                names=Names.of(self.port),
                port=self.port,
                now_ns=machine_clock().now_ns,
                checklist=self._checklist,
            )
            self.state, self.gate = house.state, house.app
            async with running(house.site, house.state):
                self._server = make_server(house.app, has_pages=True)
                await self._server.serve(sockets=[bound])

        self._thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
        self._thread.start()
        wait_until(lambda: getattr(self, "_server", None) is not None and self._server.started)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=15)
        assert not self._thread.is_alive()

    @property
    def origin(self) -> str:
        """As a browser writes it."""
        return f"http://{HOST}:{self.port}"

    def token(self, role: str) -> str:
        """The token of a role."""
        return self.tokens.tokens()[Role(role)]

    def ask(
        self, method: str, path: str, body: str = "", headers: Mapping[str, str] | None = None
    ) -> tuple[int, str, dict[str, str]]:
        """Status, text, headers (lower case)."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=20)
        try:
            connection.request(method, path, body=body or None, headers=dict(headers or {}))
            answer = connection.getresponse()
            text = answer.read().decode("utf-8", "replace")
            return answer.status, text, {n.lower(): v for n, v in answer.getheaders()}
        finally:
            connection.close()

    def post_token(self, token: str, **headers: str) -> tuple[int, str, dict[str, str]]:
        """What the login form sends."""
        shown = {"Origin": self.origin, "Content-Type": FORM}
        shown |= {name.replace("_", "-"): text for name, text in headers.items()}
        return self.ask("POST", "/login", urlencode({"token": token}), shown)

    def login(self, role: str = "operator") -> str:
        """The cookie of a new session."""
        status, _, headers = self.post_token(self.token(role))
        assert status == 303
        return headers["set-cookie"].partition(";")[0]

    def get(self, path: str, cookie: str = "") -> tuple[int, str, dict[str, str]]:
        """A page as a browser gets it first, with the texts of its elements readable."""
        status, text, headers = self.ask("GET", path, headers={"Cookie": cookie} if cookie else {})
        return status, html.unescape(text), headers
