"""The HTTP API under a flood, and killed: cover does not wait for it (failures.md C.6, 18).

Exchange, engine and API are processes of their own; the venue's truth log judges: from each fill to
the stop that works. While requests of every kind hit the API as fast as they can, plans go in
through the control port; then the API is killed between two plans, and they go on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from surefill.client import Client
from surefill.config import Settings
from tests.support.api_server import ApiProcess
from tests.support.engine_process import EngineProcess
from tests.support.exchange_process import ExchangeProcess
from tests.support.exchange_server import wait_until
from tests.support.flood import Flood, bare_ns_by_symbol
from tests.support.workplace import Workplace

pytestmark = pytest.mark.slow

SYMBOLS = ("FLA", "FLB", "FLC", "FLD", "FLE", "FLF")
TERMS: dict[str, Any] = {"signal_price": "100.00", "risk": "1", "rr": "2"}
REQUESTS_MIN = 300
"""Before the kill; the long one is `scripts/measure_flood.py`."""
BARE_NS_MAX = 1_500_000_000
"""What an entry's shares may wait for their stop (failures.md C.1), flood or not."""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    with ExchangeProcess("--start", "2026-03-02T15:00:00Z") as exchange:
        for symbol in SYMBOLS:
            exchange.quote(symbol, "99.99", "100.01")
        yield Workplace(exchange, tmp_path)


def test_cover_does_not_wait_for_the_api(place: Workplace) -> None:
    settings = Settings.load(
        {"SUREFILL_JOURNAL_PATH": str(place.folder / ".surefill" / "journal.db")}, place.env
    )
    before, after = SYMBOLS[:3], SYMBOLS[3:]
    with (
        EngineProcess(place.folder),
        Client(settings) as strategy,
        ApiProcess(place.folder) as api,
        Flood(api, SYMBOLS[0]) as flood,
    ):
        for symbol in before:
            result = strategy.trade(symbol, "buy", 10, plan_id=f"p-{symbol}", **TERMS)
            assert result.uncovered_qty == 0
        wait_until(lambda: flood.asked >= REQUESTS_MIN, timeout_s=300)
        asked = Counter(flood.answers)
        api.kill()
        for symbol in after:
            result = strategy.trade(symbol, "buy", 10, plan_id=f"p-{symbol}", **TERMS)
            assert result.uncovered_qty == 0
    bare_ns = bare_ns_by_symbol(place.exchange.log())
    bare_ms = {symbol: bare_ns[symbol] // 1_000_000 for symbol in SYMBOLS}
    print(f"answers {dict(asked)}, from fill to working stop in ms: {bare_ms}")
    assert asked[0] == 0, "the API gave way before it was killed"
    assert len(asked) >= 3, "the flood was of one kind"
    assert max(bare_ms.values()) * 1_000_000 <= BARE_NS_MAX
    assert len([line for line in place.exchange.log() if line["kind"] == "accept"]) >= len(SYMBOLS)
