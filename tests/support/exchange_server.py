"""A real exchange server for tests: own thread, own event loop, free port, control client.

with RunningExchange() as exchange:
    exchange.quote("ACME", "99.99", "100.01")
    TradingClient("K", "S", url_override=exchange.url)
"""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
import time
from collections.abc import Mapping
from types import TracebackType

import uvicorn

from surefill.sim.alpaca.app import ExchangeConfig, Venue, build
from surefill.sim.alpaca.server import listen, make_server
from surefill.sim.alpaca.text import parse_stamp

OPEN_NS = parse_stamp("2026-03-02T15:00:00Z") or 0
"""10:00 New York on a Monday with a full session."""

HOST = "127.0.0.1"


class RunningExchange:
    """Start and stop a real server around a test; the clock runs from `OPEN_NS` by default."""

    def __init__(self, config: ExchangeConfig | None = None, *, with_control: bool = True) -> None:
        self.config = config if config is not None else ExchangeConfig(start_ns=OPEN_NS)
        self._with_control = with_control
        self.venue: Venue
        self.port = 0
        self._server: uvicorn.Server
        self._thread: threading.Thread

    def __enter__(self) -> RunningExchange:
        self.venue = build(self.config, reading_ns=time.monotonic_ns, wall_ns=time.time_ns)
        bound = listen(HOST, 0)
        self.port = bound.getsockname()[1]
        self._server = make_server(self.venue, with_control=self._with_control)
        factory = self._server.config.get_loop_factory()

        def serve() -> None:
            with asyncio.Runner(loop_factory=factory) as runner:
                runner.run(self._server.serve(sockets=[bound]))

        self._thread = threading.Thread(target=serve, name="exchange", daemon=True)
        self._thread.start()
        wait_until(lambda: self._server.started)
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

    @property
    def url(self) -> str:
        """``url_override`` of the REST clients."""
        return f"http://{HOST}:{self.port}"

    @property
    def stream_url(self) -> str:
        """``url_override`` of ``TradingStream``."""
        return f"ws://{HOST}:{self.port}/stream"

    @property
    def data_url(self) -> str:
        """``url_override`` of ``StockDataStream``."""
        return f"ws://{HOST}:{self.port}/v2/iex"

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 10.0,
    ) -> tuple[int, bytes, dict[str, str]]:
        """One plain HTTP request: status, body, headers (lower case)."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=timeout_s)
        try:
            data = None if body is None else json.dumps(body)
            connection.request(method, path, body=data, headers=dict(headers or {}))
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, answer.read(), found
        finally:
            connection.close()

    def control(self, method: str, name: str, body: object = None) -> dict[str, object]:
        """One control request; its answer must be 200."""
        status, data, _ = self.call(method, f"/sim/{name}", body)
        assert status == 200, data
        answer = json.loads(data)
        assert isinstance(answer, dict)
        return answer

    def quote(self, symbol: str, bid: str, ask: str, *, size: str = "1000") -> None:
        """Set the touch of a symbol."""
        self.control(
            "POST",
            "nbbo",
            {"symbol": symbol, "bid": bid, "bid_size": size, "ask": ask, "ask_size": size},
        )

    def print_(self, symbol: str, price: str, *, size: str = "100") -> None:
        """Print a trade on the public tape."""
        self.control("POST", "print", {"symbol": symbol, "price": price, "size": size})

    def arm(self, code: str, target: str = "*", **more: object) -> None:
        """Arm a fault."""
        self.control("POST", "faults", {"code": code, "target": target, **more})

    def disarm(self) -> None:
        """Disarm all faults."""
        self.control("DELETE", "faults")

    def counters(self) -> dict[str, int]:
        """How often each fault struck."""
        counters = self.control("GET", "faults")["counters"]
        assert isinstance(counters, dict)
        return counters

    def log(self, after: int = 0) -> list[dict[str, object]]:
        """The ground truth after this line."""
        status, data, _ = self.call("GET", f"/sim/log?after={after}")
        assert status == 200
        return [json.loads(line) for line in data.splitlines()]


def wait_until(condition: object, *, timeout_s: float = 30.0, every_s: float = 0.005) -> None:
    """Poll ``condition()`` until it is true; a test fails when it never is."""
    assert callable(condition)
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "condition did not come true in time"
        time.sleep(every_s)
