"""A flood of the HTTP API, and how long the venue saw shares without a stop meanwhile.

with Flood(api, "ACME") as flood:
    ...
sum(flood.answers.values())
"""

from __future__ import annotations

import http.client
import itertools
import json
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from tests.support.api_server import HOST, ApiProcess

FLOODERS = 4
PLAN = {"side": "buy", "signal_price": "100", "quantity": 1, "risk": "1", "rr": "2"}


class Flood:
    """Threads that ask as fast as they can, until told to stop or nobody answers; plans that are
    checked are of a ``symbol`` that has a market."""

    def __init__(self, api: ApiProcess, symbol: str) -> None:
        self._body = json.dumps(PLAN | {"symbol": symbol})
        self.answers: Counter[int] = Counter()
        self._port = api.port
        self._stop = threading.Event()
        operator, viewer = api.token("operator"), api.token("viewer")
        self._kinds = itertools.cycle(
            [
                ("GET", "/v1/trades?state=all", f"Bearer {viewer}"),
                ("GET", "/v1/health", f"Bearer {operator}"),
                ("GET", "/v1/orders", "Bearer wrong"),
                ("POST", "/v1/plans", ""),
                ("POST", "/v1/plans/check", f"Bearer {operator}"),
                ("GET", "/" + "x" * 1_000, f"Bearer {viewer}"),
            ]
        )
        self._threads = [threading.Thread(target=self._ask) for _ in range(FLOODERS)]

    @property
    def asked(self) -> int:
        """Answers so far."""
        return sum(self.answers.values())

    def __enter__(self) -> Flood:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=20)

    def _ask(self) -> None:
        connection = http.client.HTTPConnection(HOST, self._port, timeout=10)
        while not self._stop.is_set():
            method, path, token = next(self._kinds)
            headers = {"Authorization": token, "Content-Type": "application/json"}
            try:
                connection.request(method, path, self._body if method == "POST" else None, headers)
                answer = connection.getresponse()
                answer.read()
                self.answers[answer.status] += 1
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                connection.close()  # one that was idle for seconds may be let go of
            except (OSError, http.client.HTTPException):
                connection.close()
                self.answers[0] += 1
                self._stop.wait(0.01)  # nobody is there
        connection.close()


def bare_ns_by_symbol(log: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """By the venue: from the first fill of a symbol until a stop for it works."""
    fills, bare = dict[str, int](), dict[str, int]()
    for line in log:
        symbol, at_ns = line.get("symbol"), int(line["venue_ns"])
        if symbol and line["kind"] == "fill":
            fills.setdefault(symbol, at_ns)
        elif symbol and line["kind"] == "armed" and symbol in fills:
            bare.setdefault(symbol, at_ns - fills[symbol])
    return bare
