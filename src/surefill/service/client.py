"""A program's end of the HTTP API, with the standard library alone.

    from surefill.service.client import ApiClient

    with ApiClient("http://127.0.0.1:8710", token=token) as api:
        trade = api.submit("or-1", symbol="CRWD", side="buy", quantity=25,
                           signal_price="534.82", risk="5.35", rr=2)
        print(trade["phase"], trade["uncovered_qty"])

What: `ApiClient`, blocking, for one thread; `events` is the feed, which goes on after a lost
connection where it was.
Why not `surefill.Client`: that one needs the engine's machine, user and version; this one a token.
Invariants: what is repeated after a lost connection is a read, or carries a key that makes it the
same request; an act that could do more when repeated ends with `LOST`.
Must never: follow a redirect, use a proxy, or send a token unencrypted to another machine.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import ssl
from collections.abc import Generator, Iterator
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

Row = dict[str, Any]
LOST, MALFORMED = "LOST", "MALFORMED"
TIMEOUT_S = 45.0
"""A plan's answer may wait for 30 s, and the engine's for another 10."""
LINE_BYTES_MAX = 4 * 1024 * 1024
LISTEN_TRIES = 10
PAUSE_S = 0.5
"""Before the feed is asked for again; each time longer."""


class ApiError(Exception):
    """The answer was no success. ``code`` to branch on, ``sentence`` to read; ``status`` 0: none
    came (`LOST`): an act may have happened, look before you repeat it."""

    def __init__(
        self,
        status: int,
        code: str,
        sentence: str,
        *,
        problems: tuple[dict[str, Any], ...] = (),
    ) -> None:
        super().__init__(f"{code}: {sentence}")
        self.status = status
        self.code = code
        self.sentence = sentence
        self.problems = problems


class ApiClient:
    """Asks the HTTP API at ``url`` with one role's ``token``. Use it as ``with``."""

    def __init__(
        self,
        url: str,
        *,
        token: str,
        timeout_s: float = TIMEOUT_S,
        context: ssl.SSLContext | None = None,
    ) -> None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme not in ("http", "https") or not host or parts.path not in ("", "/"):
            raise ValueError(f"{url!r} is not an address like http://127.0.0.1:8710")
        if parts.scheme == "http" and not _is_this_machine(host):
            raise ValueError(f"{host} would get the token unencrypted; use https")
        self._host, self._port = host, parts.port
        self._timeout_s = timeout_s
        self._context = context
        self._is_tls = parts.scheme == "https"
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self._connection: http.client.HTTPConnection | None = None

    @classmethod
    def on_this_machine(cls, url: str, *, tokens: Path, role: str = "operator") -> ApiClient:
        """With the token of a role from the server's own file, which ``surefill serve`` names."""
        return cls(url, token=json.loads(tokens.read_text(encoding="ascii"))[role])

    def __enter__(self) -> ApiClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    # ------------------------------------------------------------------------------- trading

    def submit(self, key: str, **plan: Any) -> Row:
        """Submit a plan under this id; the same again gives the first result. Raises `ApiError`."""
        return self._object("POST", "/v1/plans", plan, key=key)

    def check(self, **plan: Any) -> Row:
        """What would become of a plan; nothing is sent."""
        return self._object("POST", "/v1/plans/check", plan)

    def reduce(self, plan_id: str, quantity: object, *, key: str, why: str = "") -> Row:
        """Close so many shares of a trade, once for each key."""
        body = {"quantity": str(quantity), "why": why}
        return self._object("POST", f"/v1/trades/{quote(plan_id)}/reduce", body, key=key)

    def tighten(self, plan_id: str, stop: object, why: str = "") -> Row:
        """Move a trade's stop nearer; it only tightens."""
        body = {"stop": str(stop), "why": why}
        return self._object("POST", f"/v1/trades/{quote(plan_id)}/tighten", body)

    def adopt(self, key: str, **terms: Any) -> Row:
        """Cover shares that are there but not ours: ``symbol``, ``quantity``, ``stop``, ``target``.
        The same key again gives the first result."""
        return self._object("POST", "/v1/adopt", terms, key=key)

    def trade(self, plan_id: str) -> Row:
        """How a trade stands."""
        return self._object("GET", f"/v1/trades/{quote(plan_id)}")

    def trades(self, **query: object) -> list[Row]:
        """Open trades, or ``state="all"``, ``symbol=...``, ``strategy=...``."""
        return self.rows("trades", **query)

    def rows(self, name: str, **query: object) -> list[Row]:
        """``orders``, ``fills``, ``positions``, ``refusals``, ``limits`` or ``settings``."""
        path = f"/v1/{name}" + (f"?{urlencode(query)}" if query else "")
        found: list[Row] = self.call("GET", path)
        return found

    def health(self) -> Row:
        """How it stands."""
        return self._object("GET", "/v1/health")

    # ------------------------------------------------------------------------------ operator

    def act(self, name: str, why: str = "", **more: str) -> Row:
        """``halt``, ``resume``, ``kill`` or ``unkill`` (with ``confirm="UNKILL"``)."""
        return self._object("POST", f"/v1/{name}", {"why": why, **more})

    def cancel_entry(self, plan_id: str, why: str = "") -> Row:
        """End the entry of a trade; what has filled stays covered."""
        return self._object("POST", f"/v1/trades/{quote(plan_id)}/cancel-entry", {"why": why})

    def flatten(self, symbol: str | None = None, *, plan_id: str | None = None, **more: Any) -> Row:
        """Close a symbol, a trade, or everything (with ``confirm="FLATTEN"``)."""
        if plan_id is not None:
            return self._object("POST", f"/v1/trades/{quote(plan_id)}/flatten", more)
        return self._object("POST", "/v1/flatten", {"symbol": symbol, **more})

    # ---------------------------------------------------------------------------------- feed

    def events(self, after: int | None = None) -> Generator[Row, None, None]:
        """Every record after number ``after`` (default: from now on), as it is made, on a
        connection of its own. Raises `ApiError` when the server stays away."""
        last, tries = after, 0
        while True:
            try:
                for event in self._listen(last):
                    last, tries = event["seq"], 0
                    yield event
            except (OSError, http.client.HTTPException) as error:
                tries += 1
                if tries >= LISTEN_TRIES:
                    raise _lost(error) from None
                Event().wait(PAUSE_S * tries)

    def _listen(self, after: int | None) -> Iterator[Row]:
        connection = self._connected()
        headers = self._headers | ({} if after is None else {"Last-Event-ID": str(after)})
        try:
            connection.request("GET", "/v1/events", headers=headers)
            answer = connection.getresponse()
            if answer.status != 200:
                raise _error(answer.status, answer.read(LINE_BYTES_MAX))
            kind = ""
            while line := answer.readline(LINE_BYTES_MAX):
                name, _, text = line.decode().rstrip("\n").partition(": ")
                if name == "event":
                    kind = text
                elif name == "data":
                    yield {"event": kind, **json.loads(text)}
            raise ConnectionResetError("the server ended the feed")
        finally:
            connection.close()

    # ------------------------------------------------------------------------------- helpers

    def _object(self, method: str, path: str, body: object = None, *, key: str = "") -> Row:
        found: Row = self.call(method, path, body, key=key)
        return found

    def call(self, method: str, path: str, body: object = None, *, key: str = "") -> Any:
        """One request; its answer. Raises `ApiError`."""
        data = None if method == "GET" else json.dumps({} if body is None else body)
        headers = self._headers | ({"Content-Type": "application/json"} if data else {})
        headers |= {"Idempotency-Key": key} if key else {}
        may_repeat = method == "GET" or bool(key)
        for is_last in (not may_repeat, True):
            try:
                return self._asked(method, path, data=data, headers=headers)
            except (OSError, http.client.HTTPException) as error:
                self.close()
                if is_last:
                    raise _lost(error) from None
        raise AssertionError("the last try returns or raises")

    def _asked(self, method: str, path: str, *, data: str | None, headers: dict[str, str]) -> Any:
        if self._connection is None:
            self._connection = self._connected()
        self._connection.request(method, path, body=data, headers=headers)
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise _error(answer.status, text)
        return json.loads(text)

    def _connected(self) -> http.client.HTTPConnection:
        if self._is_tls:
            return http.client.HTTPSConnection(
                self._host, self._port, timeout=self._timeout_s, context=self._context
            )
        return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _lost(error: Exception) -> ApiError:
    sentence = f"no answer ({error}); look before you repeat what could do more when repeated"
    return ApiError(0, LOST, sentence)


def _error(status: int, text: bytes) -> ApiError:
    try:
        row = json.loads(text)
        return ApiError(status, row["code"], row["sentence"], problems=tuple(row["problems"]))
    except (ValueError, KeyError, TypeError):
        return ApiError(status, MALFORMED, f"status {status} without a coded answer")
