"""Time the kill switch: real engine process, real exchange process, a working entry each round.

    .venv/bin/python scripts/measure_kill.py --rounds 20

What: from the call of `Client.kill` until it is durable (the answer), and until the venue's truth
log shows the entry's end (which includes the default latency of the venue, 15 to 150 ms).
Why a script: kill <= 100 ms is a promise about a running system, on this machine, today.
Must never: be read as a promise about another machine.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the helpers of the tests

from surefill.client import Client
from surefill.config import Settings
from surefill.runtime.clock import SystemClock
from tests.support.engine_process import EngineProcess
from tests.support.exchange_process import ExchangeProcess
from tests.support.exchange_server import wait_until
from tests.support.workplace import Workplace

CLOCK = SystemClock()
LIMIT_MS = 100
SYMBOL = "KILL"
LIMITS = "symbol_entries_per_minute=0 entries_per_minute=0 duplicate_s=0 collar=0"


def main() -> int:
    """Print the figures; 1 when the 99th percentile of the durable answer is above the limit."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    durable_ms: list[float] = []
    venue_ms: list[float] = []
    with (
        tempfile.TemporaryDirectory() as name,
        ExchangeProcess("--start", "2026-03-02T15:00:00Z") as exchange,
    ):
        exchange.quote(SYMBOL, "100.90", "101.00")
        place = Workplace(exchange, Path(name))
        place.write_env(SMART_EXECUTOR_FILL_TIMEOUT="60", SUREFILL_LIMITS=LIMITS)
        settings = Settings.load({"SUREFILL_JOURNAL_PATH": str(_journal(place))}, place.env)
        with EngineProcess(place.folder), Client(settings, strategy="kill") as client:
            for n in range(rounds):
                durable, venue = _round(client, place, n)
                durable_ms.append(durable)
                venue_ms.append(venue)
    _show("durable and answered", durable_ms)
    _show("entry ended at the venue", venue_ms)
    return int(max(durable_ms) > LIMIT_MS)


def _journal(place: Workplace) -> Path:
    return place.folder / ".surefill" / "journal.db"


def _round(client: Client, place: Workplace, n: int) -> tuple[float, float]:
    """One entry that works, one kill: (ms until durable, ms until the venue ended the entry)."""
    plan_id = f"k-{n}"
    terms = {"signal_price": "100.00", "risk": "1", "rr": "2", "plan_id": plan_id}
    client.trade(SYMBOL, "buy", 10, timeout_s=0.5, **terms)
    before = len(_ends(place))
    began = CLOCK.now_ns()
    client.kill("measured")
    durable_ns = CLOCK.now_ns() - began
    wait_until(lambda: len(_ends(place)) > before)
    venue_ns = CLOCK.now_ns() - began
    client.closed(plan_id, timeout_s=10)
    client.unkill("measured")
    return durable_ns / 1e6, venue_ns / 1e6


def _ends(place: Workplace) -> list[object]:
    lines = place.exchange.log()
    return [x for x in lines if x["kind"] == "canceled" and x["symbol"] == SYMBOL]


def _show(what: str, values_ms: list[float]) -> None:
    ordered = sorted(values_ms)
    print(
        f"{what}: median {statistics.median(ordered):.1f} ms, max {ordered[-1]:.1f} ms, "
        f"{len(ordered)} rounds"
    )


if __name__ == "__main__":
    sys.exit(main())
