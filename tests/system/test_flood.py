"""The HTTP API under a flood, and killed: cover does not wait for it (failures.md C.6, 18).

Exchange, engine and API are processes of their own; the venue's truth log judges: from each fill to
the stop that works. While requests of every kind hit the API as fast as they can, plans go in
through the control port; then the API is killed between two plans, and they go on.
"""

from __future__ import annotations

import http.client
import itertools
import os
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from surefill.client import Client
from surefill.config import Settings
from tests.support.api_server import HOST, ApiProcess
from tests.support.engine_process import EngineProcess
from tests.support.exchange_process import ExchangeProcess
from tests.support.exchange_server import wait_until
from tests.support.workplace import Workplace

pytestmark = pytest.mark.slow

SYMBOLS = ("FLA", "FLB", "FLC", "FLD", "FLE", "FLF")
TERMS: dict[str, Any] = {"signal_price": "100.00", "risk": "1", "rr": "2"}
FLOODERS = 4
REQUESTS_MIN = int(os.environ.get("FLOOD_REQUESTS", "300"))
"""Before the kill; `FLOOD_REQUESTS=10000` for a long one."""
BARE_NS_MAX = 1_500_000_000
"""What an entry's shares may wait for their stop (failures.md C.1), flood or not."""


class Flood:
    """Threads that ask as fast as they can, until told to stop or nobody answers."""

    def __init__(self, api: ApiProcess) -> None:
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
        body = '{"symbol": "FLA", "side": "buy", "signal_price": "100", "quantity": 1}'
        while not self._stop.is_set():
            method, path, token = next(self._kinds)
            headers = {"Authorization": token, "Content-Type": "application/json"}
            try:
                connection.request(method, path, body if method == "POST" else None, headers)
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


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    with ExchangeProcess("--start", "2026-03-02T15:00:00Z") as exchange:
        for symbol in SYMBOLS:
            exchange.quote(symbol, "99.99", "100.01")
        yield Workplace(exchange, tmp_path)


def bare_ns(place: Workplace, symbol: str) -> int:
    """By the venue: from the first fill of the entry until a stop for all of it works."""
    lines = [line for line in place.exchange.log() if line["symbol"] == symbol]
    fill = next(line for line in lines if line["kind"] == "fill")
    armed = next(line for line in lines if line["kind"] == "armed")
    return int(str(armed["venue_ns"])) - int(str(fill["venue_ns"]))


def test_cover_does_not_wait_for_the_api(place: Workplace) -> None:
    settings = Settings.load(
        {"SUREFILL_JOURNAL_PATH": str(place.folder / ".surefill" / "journal.db")}, place.env
    )
    before, after = SYMBOLS[:3], SYMBOLS[3:]
    with (
        EngineProcess(place.folder),
        Client(settings) as strategy,
        ApiProcess(place.folder) as api,
        Flood(api) as flood,
    ):
        for symbol in before:
            result = strategy.trade(symbol, "buy", 10, plan_id=f"p-{symbol}", **TERMS)
            assert result.uncovered_qty == 0
        wait_until(lambda: sum(flood.answers.values()) >= REQUESTS_MIN, timeout_s=300)
        asked = Counter(flood.answers)
        api.kill()
        for symbol in after:
            result = strategy.trade(symbol, "buy", 10, plan_id=f"p-{symbol}", **TERMS)
            assert result.uncovered_qty == 0
    bare_ms = {symbol: bare_ns(place, symbol) // 1_000_000 for symbol in SYMBOLS}
    print(f"answers {dict(asked)}, from fill to working stop in ms: {bare_ms}")
    assert asked[0] == 0, "the API gave way before it was killed"
    assert len(asked) >= 3, "the flood was of one kind"
    assert max(bare_ms.values()) * 1_000_000 <= BARE_NS_MAX
    assert len([line for line in place.exchange.log() if line["kind"] == "accept"]) >= len(SYMBOLS)
