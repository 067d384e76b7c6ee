"""Real ends of alert channels: a webhook server and a mail server, each on a free port.

with Webhook() as hook, MailServer() as mail:
    Channel("hook", Secret(hook.url()), Severity.WARNING)
"""

from __future__ import annotations

import asyncio
import json
import threading
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

HOST = "127.0.0.1"


class Webhook:
    """Takes JSON messages. ``status``: what it answers; ``gate``: cleared, it never answers."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.status = 200
        self.gate = threading.Event()
        self.gate.set()
        self._server = ThreadingHTTPServer((HOST, 0), _handler_of(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> Webhook:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.gate.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def url(self, token: str = "token") -> str:
        """An address of the notification library; the token is a part of the path."""
        return f"json://{HOST}:{self._server.server_port}/hook/{token}"

    @property
    def texts(self) -> list[str]:
        """Title and text of each message that was taken."""
        return [f"{one['title']}\n{one['message']}" for one in self.got]

    @property
    def last(self) -> str:
        """The newest of them, or nothing."""
        return self.texts[-1] if self.got else ""


def _handler_of(hook: Webhook) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.gate.wait(30)
            hook.paths.append(self.path)
            if hook.status == 200:
                hook.got.append(json.loads(body))
            self.send_response(hook.status)
            self.end_headers()
            try:
                self.wfile.write(f"your address is {self.path}".encode())
            except BrokenPipeError:
                pass  # the client was killed, as the test wanted

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    return Handler


class MailServer:
    """Takes mails, in a loop of its own."""

    def __init__(self) -> None:
        self.mails: list[str] = []
        self._port = 0
        self._is_up = threading.Event()
        self._loop: asyncio.AbstractEventLoop
        self._end: asyncio.Event
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        inbox = _Inbox(self)
        server = await self._loop.create_server(lambda: SMTP(inbox, loop=self._loop), HOST, 0)
        self._port = server.sockets[0].getsockname()[1]
        self._is_up.set()
        async with server:
            await self._end.wait()

    def __enter__(self) -> MailServer:
        self._thread.start()
        self._is_up.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    def url(self) -> str:
        """An address of the notification library."""
        return f"mailto://{HOST}:{self._port}/desk@mail.example?from=surefill@mail.example"


class _Inbox:
    """The handler that the library calls."""

    def __init__(self, server: MailServer) -> None:
        self._server = server

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=default)
        part = mail.get_body(("plain", "html"))
        assert part is not None
        self._server.mails.append(f"{mail['subject']}\n{part.get_content()}")
        return "250 taken"
