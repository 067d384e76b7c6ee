"""Whether a flood of `surefill serve` delays cover: real processes, judged by the venue's log.

    .venv/bin/python scripts/measure_flood.py --requests 10000 --report docs/reports/...

Twenty trades while nobody asks the API anything, then twenty while requests of every kind hit it as
fast as they can: good and bad tokens, reads, checks, plans without a key, long paths. Trades go in
through the engine's control port, spread over the flood. Counted at the venue: from the first fill
of a trade until a stop for it works.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the helpers of the tests

from surefill.client import Client
from surefill.config import Settings
from tests.support.api_server import ApiProcess
from tests.support.engine_process import EngineProcess
from tests.support.exchange_process import ExchangeProcess
from tests.support.exchange_server import wait_until
from tests.support.flood import Flood, bare_ns_by_symbol
from tests.support.report import Stopwatch, write_section
from tests.support.workplace import Workplace

TRADES = 20
CALM = tuple(f"FC{chr(65 + n)}" for n in range(TRADES))
FLOODED = tuple(f"FF{chr(65 + n)}" for n in range(TRADES))
TERMS: dict[str, Any] = {"signal_price": "100.00", "risk": "1", "rr": "2"}
VENUE = ("--start", "2026-03-02T15:00:00Z", "--switch", "rate_limit_per_min=0")
ROOM = {"SUREFILL_REQUESTS_PER_MINUTE": "6000"}
MS_NS = 1_000_000
LONG_NS = 1_500 * MS_NS
PATIENCE_S = 900
TITLE = "10,000 requests against the API while trades open"
NOTE = (
    "Exchange, engine and API in processes of their own; the flood comes from four threads of a"
    " fifth. Milliseconds from the first fill of a trade until a stop for it works, by the venue's"
    " log; allowed are 1,500. Written by `scripts/measure_flood.py`; the small version of it is"
    " `tests/system/test_flood.py`, which also kills the API."
)


def spread(bare_ns: dict[str, int], symbols: tuple[str, ...]) -> str:
    """Least, middle and most in ms, and how many trades."""
    found = sorted(bare_ns[symbol] // MS_NS for symbol in symbols)
    return f"{found[0]} / {found[len(found) // 2]} / {found[-1]} ms, {len(found)} trades"


def trade(strategy: Client, symbol: str) -> None:
    """One covered trade."""
    result = strategy.trade(symbol, "buy", 10, plan_id=f"p-{symbol}", **TERMS)
    assert result.uncovered_qty == 0, result


def trade_under(flood: Flood, strategy: Client, requests: int) -> None:
    """Trades spread over so many requests."""
    for n, symbol in enumerate(FLOODED):
        due = n * requests // TRADES
        wait_until(lambda due=due: flood.asked >= due, timeout_s=PATIENCE_S)
        trade(strategy, symbol)
    wait_until(lambda: flood.asked >= requests, timeout_s=PATIENCE_S)


def measured(folder: Path, requests: int) -> tuple[dict[str, int], Counter[int]]:
    """Bare times by symbol (ns), and the API's answers by status."""
    with ExchangeProcess(*VENUE) as exchange:
        for symbol in (*CALM, *FLOODED):
            exchange.quote(symbol, "99.99", "100.01")
        place = Workplace(exchange, folder)
        place.write_env(**ROOM)
        journal = {"SUREFILL_JOURNAL_PATH": str(folder / ".surefill" / "journal.db")}
        settings = Settings.load(journal, place.env)
        with EngineProcess(folder), Client(settings) as strategy, ApiProcess(folder) as api:
            for symbol in CALM:
                trade(strategy, symbol)
            strategy.flatten("", "measured")
            with Flood(api, CALM[0]) as flood:
                trade_under(flood, strategy, requests)
            strategy.flatten("", "measured")
        return bare_ns_by_symbol(exchange.log()), flood.answers


def main() -> int:
    """Measure; exit code 1 when cover came late or the API gave way."""
    parser = argparse.ArgumentParser(description="cover while the API is flooded")
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--report", metavar="FILE")
    args = parser.parse_args()
    watch = Stopwatch()
    with tempfile.TemporaryDirectory() as name:
        bare_ns, answers = measured(Path(name), args.requests)
    kinds = ", ".join(f"{status}: {count:,}" for status, count in sorted(answers.items()))
    load = os.getloadavg()[0]
    rows = [
        *watch.rows(sum(answers.values()), "requests"),
        ("load of the machine at the end", f"{load:.0f}"),
        ("requests answered, by status", kinds),
        ("fill to cover, nobody asks: least / middle / most", spread(bare_ns, CALM)),
        ("fill to cover under the flood: least / middle / most", spread(bare_ns, FLOODED)),
    ]
    write_section(TITLE, rows, path=args.report, note=NOTE)
    return 1 if max(bare_ns.values()) > LONG_NS or answers[0] else 0


if __name__ == "__main__":
    sys.exit(main())
