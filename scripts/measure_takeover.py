"""How long an account has no engine when its engine dies or hangs: real processes, the real lease.

    .venv/bin/python scripts/measure_takeover.py --rounds 10 --report docs/reports/...

Each run: an engine with a covered trade and an open entry is stopped, a part of the entry fills,
and the engine is killed (every other run) or stays stopped and goes on later. A standby with a
directory of its own takes over. Times count from the fill; the venue's truth log tells when the
shares had a stop again and whether anything was sent twice. Needs a PostgreSQL server here.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the helpers of the tests

from surefill.runtime.clock import uptime_ns
from tests.support.exchange_server import RunningExchange, wait_until
from tests.support.postgres_server import PostgresServer
from tests.support.report import Stopwatch, write_section
from tests.support.takeover import TERMS, Account

S_PER_NS = 1e-9


def one_run(exchange: RunningExchange, folder: Path, database: str, *, kills: bool) -> list[float]:
    """Seconds from the stop to ready, and to cover at the venue."""
    account = Account(exchange, folder, database, program="surefill")
    with (
        ThreadPoolExecutor(1) as pool,
        account.engine(0) as first,
        account.engine(1, "--standby") as second,
        account.client(0) as strategy,
    ):
        strategy.trade("ALFA", "buy", 10, plan_id="covered", **TERMS)
        pool.submit(strategy.trade, "BRAV", "buy", 20, plan_id="first", **TERMS)
        seq = account.stops_with_bare_shares(first, "BRAV", "4")
        stopped_ns = uptime_ns()
        if kills:
            first.kill()
        second.becomes_ready()
        ready_ns = uptime_ns()
        wait_until(lambda: account.covers(seq))
        covered_ns = uptime_ns()
        if not kills:
            time.sleep(1)
            seq = account.log()[-1]["seq"]
            os.kill(first.process.pid, signal.SIGCONT)
            assert first.process.wait(timeout=20) == 3, first.said()
            assert account.log(seq) == [], "the fenced engine sent something"
        with account.client(1) as successor:
            assert successor.flatten("", "measured").is_flat
        second.stop()
    assert len(account.places[0].entries("BRAV")) == 1, "an entry was sent twice"
    return [(at - stopped_ns) * S_PER_NS for at in (ready_ns, covered_ns)]


def main() -> None:
    """Run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--report", help="write the table into this file")
    args = parser.parse_args()
    watch = Stopwatch()
    found: dict[bool, list[list[float]]] = {True: [], False: []}
    with PostgresServer("only-for-this-measurement") as server:
        for number in range(args.rounds):
            kills = number % 2 == 0
            with RunningExchange() as exchange, tempfile.TemporaryDirectory() as folder:
                times = one_run(exchange, Path(folder), server.database(), kills=kills)
            found[kills].append(times)
            print("killed " if kills else "stopped", *(f"{one:.2f} s" for one in times), flush=True)
    rows = [*watch.rows(args.rounds, "runs")[:3]]
    for kills, name in ((True, "killed"), (False, "stopped, then fenced")):
        for at, what in enumerate(("ready", "shares covered at the venue")):
            times = sorted(one[at] for one in found[kills])
            if times:
                shown = f"{times[0]:.2f} / {median(times):.2f} / {times[-1]:.2f} s"
                rows.append((f"{name} ({len(times)} runs): {what}, min / median / max", shown))
    write_section("Takeover by a standby, lease 15 s", rows, path=args.report)


if __name__ == "__main__":
    main()
