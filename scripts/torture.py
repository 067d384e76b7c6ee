"""Torture real engines: ``kill -9`` at random, full disks, failing fsync, broken networks, clocks.

    nice -n 19 .venv/bin/python scripts/torture.py --seed 1 --kills 500 --report docs/reports/...

What: several accounts at one real exchange process, each with a real ``surefill run`` that is
killed and started again while it trades; the auditor judges the exchange's own log.
Why a script: it takes half an hour; CI runs a small one (``tests/system/test_torture.py``).
Exit code 1 when anything was violated. The seed draws lives, faults and trades; when they meet on
real processes is the machine's affair.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the helpers of the tests

from tests.support.exchange_process import ExchangeProcess
from tests.support.report import Stopwatch, write_section
from tests.support.torture.run import Wanted, torture
from tests.support.torture.venue import VenueSide

VENUE = ("--start", "2026-03-02T15:00:00Z", "--switch", "rate_limit_per_min=1000")
"""Restarts every few seconds are reads every few seconds: more than the usual 200 a minute."""

NOTE = """\
Real: the processes, `kill -9`, the sockets between engine and exchange (a proxy resets them, lets
them hang half open, or swallows everything), the full disk (a small file system of its own), the
file size limit, the failing fsync and the jumping wall clock (a library preloaded into the engine).
Judged: the exchange's own log, by the auditor. Time in which an engine waited for a processor of
this machine, as the kernel counts it, does not count against a limit, and is told apart.

Not run: power loss (a killed process loses nothing that the kernel has), a damaged disk, two
machines, PostgreSQL (see the takeover report), a real broker. The request limit was 1,000 a minute,
because restarts every few seconds are reads every few seconds."""


def main() -> int:
    """Torture, judge, write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--lanes", type=int, default=4, help="accounts whose engine is killed")
    parser.add_argument(
        "--keep", type=Path, help="leave log, journals and stderr in this new folder"
    )
    parser.add_argument("--report", help="write the table into this file")
    args = parser.parse_args()
    wanted = Wanted(seed=args.seed, kills=args.kills, minutes=args.minutes, lanes=args.lanes)
    watch = Stopwatch()
    with tempfile.TemporaryDirectory() as name, ExchangeProcess(*VENUE) as exchange:
        work = torture(
            wanted,
            VenueSide(exchange),
            Path(name),
            tell=_bar,
            exchange_pid=exchange.pid,
            kept=args.keep,
        )
        result = asyncio.run(work)
    sys.stderr.write("\n")
    for fault in result.faults:
        sys.stderr.write(fault + "\n")
    rows = [*watch.rows(result.kills, "kills"), ("seed", str(args.seed)), *result.rows]
    write_section(f"Torture, seed {args.seed}", rows, path=args.report, note=NOTE)
    return int(bool(result.faults))


def _bar(text: str) -> None:
    """How far it is, on one line."""
    end = "\r" if sys.stderr.isatty() else "\n"
    sys.stderr.write(f"{text}   {end}")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
