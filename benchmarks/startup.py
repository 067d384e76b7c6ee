"""How long a start takes: the interpreter, the import, the help, the first order.

    python -m benchmarks.startup --report docs/reports/2026-11-23-speed.md

Fresh processes, one after the other. "First order ready": from the start of the process until the
engine stands connected before an exchange on loopback and would take a plan; the exchange is
another process. Processor time is what the process itself used; the clock counts what else the
machine did as well.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.peer_env import NoPeer, environment, python_of
from benchmarks.samples import Samples, number, ratio
from surefill.sim.alpaca.app import ExchangeConfig
from tests.support.exchange_server import OPEN_NS, RunningExchange
from tests.support.report import Row, Stopwatch, write_section

READY = """
import asyncio, os, sys
from pathlib import Path
from surefill import Settings, SmartOrderExecutor

async def main():
    async with SmartOrderExecutor(Settings.load(os.environ, Path("none"))):
        status = Path("/proc/self/status").read_text().partition("VmHWM:")[2]
        sys.stdout.write(status.split()[0])  # not ru_maxrss, which a child has from its parent
        sys.stdout.flush()
        os._exit(0)  # what comes after is no start

asyncio.run(main())
"""
BARE = (sys.executable, "-c", "pass")


@dataclass
class Case:
    """One kind of start. ``said``: what its processes printed."""

    command: tuple[str, ...]
    wall_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def run(self, env: Mapping[str, str], folder: str) -> None:
        """Once more. ``subprocess.CalledProcessError`` when it fails."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start_s = time.perf_counter()
        done = subprocess.run(
            self.command, env=env, cwd=folder, capture_output=True, text=True, check=True
        )
        self.wall_s.append(time.perf_counter() - start_s)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.cpu_s.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        self.said.append(done.stdout)


def cases(*, with_engine: bool = True) -> dict[str, Case]:
    """Title -> what is started."""
    found = {
        "bare Python": Case(BARE),
        "import surefill": Case((sys.executable, "-c", "import surefill")),
        "from surefill import SmartOrderExecutor": Case(
            (sys.executable, "-c", "from surefill import SmartOrderExecutor")
        ),
        "surefill --help": Case((sys.executable, "-m", "surefill", "--help")),
    }
    if with_engine:
        found["first order ready"] = Case((sys.executable, "-c", READY))
    try:
        peer = str(python_of("alpaca-py"))
        found["alpaca-py: import of its trading client"] = Case(
            (peer, "-c", "import alpaca.trading.client")
        )
    except NoPeer:
        pass
    return found


def measure(found: Mapping[str, Case], runs: int, env: Mapping[str, str]) -> list[Row]:
    """Every case in turns."""
    with tempfile.TemporaryDirectory() as folder:
        for n in range(runs):
            for case in found.values():
                fresh = dict(env) | {"SUREFILL_JOURNAL_PATH": str(Path(folder) / f"{n}.db")}
                case.run(fresh, folder)
    bare = Samples.of(found["bare Python"].cpu_s).median
    rows = []
    for title, case in found.items():
        cpu = Samples.of([value * 1e3 for value in case.cpu_s])
        wall = Samples.of([value * 1e3 for value in case.wall_s])
        told = f"{cpu.told('ms of processor time')}; {wall.told('ms by the clock')}; "
        rows.append((title, told + f"{ratio(cpu.median / 1e3, bare)} bare Python"))
    ready = found.get("first order ready")
    if ready is not None:
        rss = Samples.of([int(said) / 1024 for said in ready.said])
        rows.append(("memory of the engine when it is ready", f"{number(rss.median)} MB"))
    return rows


def settings(base_url: str) -> dict[str, str]:
    """The surroundings of an engine before the exchange at this address."""
    return environment() | {
        "APCA_API_KEY_ID": "START",
        "APCA_API_SECRET_KEY": "secret",
        "APCA_API_BASE_URL": base_url,
    }


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--report")
    args = parser.parse_args()
    watch = Stopwatch()
    config = ExchangeConfig(start_ns=OPEN_NS, latency="none")
    with RunningExchange(config, with_control=False) as exchange:
        rows = measure(cases(), args.runs, settings(exchange.url))
    rows += watch.rows(args.runs, "rounds")
    write_section("Start-up", rows, path=args.report)


if __name__ == "__main__":
    main()
