"""``surefill serve`` for tests: on a thread of this process, or as a process of its own.

with ApiServer(settings) as api:
    status, body, headers = api.call("GET", "/v1/health", role="viewer")
"""

from __future__ import annotations

import asyncio
import http.client
import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import uvicorn

from surefill.config import Settings
from surefill.runtime.account import machine_clock, source_of
from surefill.service.app import application
from surefill.service.door import Door
from surefill.service.guard import Names
from surefill.service.reader import Reader
from surefill.service.routes import Desk
from surefill.service.server import Tls, listen, make_server
from surefill.service.tokens import Role, TokenFile, token_path
from tests.support.exchange_server import wait_until
from tests.support.workplace import clean_environ

HOST = "127.0.0.1"


class Caller:
    """One HTTP request at a time, each on a connection of its own."""

    port = 0
    tokens: TokenFile

    def token(self, role: str) -> str:
        """The token of a role."""
        return self.tokens.tokens()[Role(role)]

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        role: str | None = "operator",
        headers: Mapping[str, str | None] | None = None,
    ) -> tuple[int, Any, dict[str, str]]:
        """Status, decoded body, headers (lower case). A header of None is left out."""
        sent: dict[str, str | None] = {}
        if role is not None:
            sent["Authorization"] = f"Bearer {self.token(role)}"
        data = None
        if method not in ("GET", "HEAD", "OPTIONS"):
            data = body if isinstance(body, bytes) else json.dumps({} if body is None else body)
            sent["Content-Type"] = "application/json"
        sent |= headers or {}
        shown = {name: text for name, text in sent.items() if text is not None}
        connection = http.client.HTTPConnection(HOST, self.port, timeout=20)
        try:
            connection.request(method, path, body=data, headers=shown)
            answer = connection.getresponse()
            text = answer.read()
            found = {name.lower(): value for name, value in answer.getheaders()}
            is_json = found.get("content-type") == "application/json"
            return answer.status, json.loads(text) if is_json and text else text, found
        finally:
            connection.close()


class ApiServer(Caller):
    """On a thread, with the settings of a test."""

    def __init__(self, settings: Settings, *, tls: Tls | None = None, name: str = "") -> None:
        self._settings = settings
        self._tls = tls
        self._names = (name,) if name else ()
        self.source = source_of(settings)
        self.tokens = TokenFile(token_path(self.source.path.absolute()))
        self._server: uvicorn.Server
        self._thread: threading.Thread

    def __enter__(self) -> ApiServer:
        self.tokens.ensure()
        bound = listen(HOST, 0)
        self.port = bound.getsockname()[1]

        async def serve() -> None:
            desk = Desk(self._settings, Reader(self.source), Door(self._settings))
            names = Names.of(self.port, *self._names)
            now_ns = machine_clock().now_ns
            app = application(desk, tokens=self.tokens, names=names, now_ns=now_ns)
            self._server = make_server(app, tls=self._tls)
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
        self._thread.join(timeout=10)
        assert not self._thread.is_alive()


class ApiProcess(Caller):
    """As a process of its own, in a user's directory."""

    def __init__(self, folder: Path, *words: str) -> None:
        self._errors = open(folder / "serve.err", "a", encoding="utf-8")  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-m", "surefill", "serve", "--port", "0", "--json", *words],
            cwd=folder,
            env=clean_environ(),
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        self.folder = folder
        self.url = ""

    def __enter__(self) -> ApiProcess:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"ended with {self.process.wait()}: {self.said()}"
        ready = json.loads(line)
        self.url = ready["url"]
        self.port = int(self.url.rpartition(":")[2])
        self.tokens = TokenFile(Path(ready["tokens"]))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.terminate()
        self.process.wait(timeout=20)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._errors.close()

    def kill(self) -> None:
        """As a machine would that loses its power."""
        self.process.kill()
        self.process.wait()

    def said(self) -> str:
        """What it wrote to stderr so far."""
        return (self.folder / "serve.err").read_text(encoding="utf-8")
