"""Does the engine keep up: 1,000 open trades and 5,000 quotes a second on one core?

    python -m benchmarks.load --trades 1000 --seconds 30 --report REPORT.md

The production market feed, stepper and SQLite journal in one process, fed from a timetable: quotes
as bytes round all symbols, a listing of all orders every three seconds (as while an entry works),
positions and account every minute, and executions in between. The time of the timetable is not
waited for: each turn of the loop takes what is due, its cost in processor time is measured, and the
next turn begins when it is over (or when the next thing is due). A stall is how long somebody who
comes at any millisecond waits for the running turn. The processor's time does not hold the disk's:
what a durable append takes is told beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import gc
import heapq
import subprocess
import sys
import tempfile
import time
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

from benchmarks.open_trades import FEED, Desk
from surefill.brokers.alpaca.credentials import Credentials
from surefill.brokers.alpaca.market_feed import MarketFeed, _Symbol
from surefill.brokers.alpaca.stream import FRAMES_IN_A_ROW
from surefill.brokers.alpaca.translate.times import to_rfc3339
from surefill.brokers.alpaca.volume import RecentVolume
from surefill.core.cover import cover_of
from surefill.core.events import Event
from surefill.core.units import NANO
from tests.support.report import Row, Stopwatch, write_section

MS_NS = NANO // 1_000
LISTING_NS = 3 * NANO
POSITIONS_NS = 60 * NANO
TICK_NS = MS_NS

START = """
import asyncio, resource, sys
from pathlib import Path
from surefill.config import Settings
from surefill.runtime import wiring
async def main():
    settings = Settings.load({
        "APCA_API_KEY_ID": "BENCH", "APCA_API_SECRET_KEY": "not-a-secret",
        "APCA_API_BASE_URL": "http://127.0.0.1:9", "SUREFILL_JOURNAL_PATH": sys.argv[1] + "/j.db",
        "SUREFILL_LOG_DIR": sys.argv[1]})
    runtime = wiring.assemble(settings, clock=wiring.machine_clock())
    print(Path("/proc/self/statm").read_text().split()[1])
    runtime.stepper.journal.close()
    runtime.logs.close()
asyncio.run(main())
"""


def rss_bytes() -> int:
    """What this process holds in memory, without what it has given back."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)  # of the C library of Linux
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4_096


def start_rss_bytes() -> int:
    """A production engine that has everything built and nothing to do."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", START, folder]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout) * 4_096


class HandClock:
    """The timetable's time."""

    def __init__(self, now: int) -> None:
        self.now = now

    def now_ns(self) -> int:
        """UTC ns."""
        return self.now


class Load:
    """A desk with open trades, and what comes to it."""

    def __init__(self, path: Path, *, trades: int, rate: int) -> None:
        self.desk = Desk(path, trades)
        self.bytes_each = 0.0
        names, half = self.desk.names, trades // 2
        for part in (names[:half], names[half:]):  # the second half finds every memory full
            before = rss_bytes()
            self.desk.names = part
            self.desk.enter_all()
            self.desk.take(self.desk.listing())  # every order is known from now on
            self.bytes_each = (rss_bytes() - before) / len(part)
        self.desk.names = names
        self.rate = rate
        self.clock = HandClock(self.desk.now)
        self.came: list[Event] = []
        self.feed = self._feed()
        self.turns: list[tuple[int, int]] = []  # (begin, end) of each turn, ns of the timetable
        self.behind_ns: list[int] = []

    def _feed(self) -> MarketFeed:
        feed = MarketFeed(
            credentials=Credentials(key_id="K", secret="S"),
            feed=FEED,
            trading=None,  # type: ignore[arg-type]
            data=None,  # type: ignore[arg-type]
            emit=self.came.append,
            clock=self.clock,
            sleep=asyncio.sleep,
            random=Random(1),
            spawn=None,  # type: ignore[arg-type]
        )
        for name in self.desk.names:
            state = _Symbol(RecentVolume(self.desk.now - 400 * NANO), self.desk.now)
            state.is_subscribed = True
            feed._symbols[name] = state
        return feed

    def frames(self, begin_ns: int, end_ns: int) -> Iterator[tuple[int, bytes]]:
        """(when, bytes) of each quote."""
        names, gap_ns, random = self.desk.names, NANO // self.rate, Random("load")
        for n, at_ns in enumerate(range(begin_ns, end_ns, gap_ns)):
            cents = random.randrange(-20, 21)
            bid, ask = f"{100 + (cents - 1) / 100:.2f}", f"{100 + (cents + 1) / 100:.2f}"
            size = random.randrange(1, 50) * 100
            yield (
                at_ns,
                (
                    f'[{{"T":"q","S":"{names[n % len(names)]}","bx":"V","ax":"V","bp":{bid},'
                    f'"bs":{size},"ap":{ask},"as":{size},"c":["R"],"z":"B",'
                    f'"t":"{to_rfc3339(at_ns)}"}}]'
                ).encode(),
            )

    def run(self, seconds: int) -> None:
        """Play so many seconds of the timetable."""
        begin_ns = self.desk.now
        end_ns = begin_ns + seconds * NANO
        frames = self.frames(begin_ns, end_ns)
        waiting = next(frames, None)
        due = [(begin_ns + LISTING_NS, "orders"), (begin_ns + NANO, "positions")]
        heapq.heapify(due)
        now = begin_ns
        while waiting is not None:
            now = max(now, min(waiting[0], due[0][0]))
            self.clock.now = self.desk.now = now
            self.behind_ns.append(now - waiting[0])
            taken: list[bytes] = []
            while waiting is not None and waiting[0] <= now and len(taken) < FRAMES_IN_A_ROW:
                taken.append(waiting[1])
                waiting = next(frames, None)
            events: list[Event] = []
            while due[0][0] <= now:
                at_ns, what = heapq.heappop(due)
                is_orders = what == "orders"
                events.append(self.desk.listing() if is_orders else self.desk.positions())
                gap_ns = LISTING_NS if is_orders else POSITIONS_NS
                heapq.heappush(due, (at_ns + gap_ns, what))
            spent_s = time.process_time()
            for data in taken:
                self.feed.on_frame(data)
                self.feed.on_alive()
            self.desk.take(*self.came, *events)
            took_ns = int((time.process_time() - spent_s) * NANO)
            self.came.clear()
            self.turns.append((now, now + took_ns))
            now += took_ns

    def stalls_ms(self) -> list[float]:
        """How long each millisecond's comer waits for the turn that runs."""
        begins = [begin for begin, _ in self.turns]
        found = []
        for at_ns in range(begins[0], self.turns[-1][1], TICK_NS):
            _, end_ns = self.turns[bisect_right(begins, at_ns) - 1]
            found.append(max(0, end_ns - at_ns) / 1e6)
        return found


def percentiles(values: Sequence[float]) -> str:
    """p50 / p99 / p99.9 / max, ms."""
    ordered = sorted(values)
    picked = [ordered[min(len(ordered) - 1, int(len(ordered) * p))] for p in (0.5, 0.99, 0.999)]
    return " / ".join(f"{value:.2f}" for value in (*picked, ordered[-1])) + " ms"


def histogram(values: Sequence[float]) -> str:
    """How many milliseconds of a thousand saw a stall of at least this."""
    edges = (1, 2, 5, 10, 20, 50, 100, 200)
    shares = (1_000 * sum(value >= edge for value in values) / len(values) for edge in edges)
    return ", ".join(f"{edge} ms: {share:.2f}" for edge, share in zip(edges, shares, strict=True))


def measured(trades: int, *, seconds: int, rate: int) -> list[Row]:
    """One number of trades."""
    with tempfile.TemporaryDirectory() as folder:
        load = Load(Path(folder) / "journal.db", trades=trades, rate=rate)
        wall_s, spent_s = time.perf_counter(), time.process_time()
        load.run(seconds)
        wall_s, spent_s = time.perf_counter() - wall_s, time.process_time() - spent_s
        engine = load.desk.stepper.engine
        covered = sum(cover_of(one).covered_qty for one in engine.book.open.values()) // NANO
        last_ms = max(load.behind_ns[-100:]) / 1e6
        stalls = load.stalls_ms()
        busy_ns = sum(end_ns - begin_ns for begin_ns, end_ns in load.turns)
        load.desk.journal.close()
    name = f"{trades:,} trades"
    return [
        (f"{name}: open / covered at the end", f"{len(engine.book.open):,} / {covered:,}"),
        (f"{name}: loop stall p50 / p99 / p99.9 / max", percentiles(stalls)),
        (f"{name}: of 1,000 ms so many see a stall of", histogram(stalls)),
        (f"{name}: processor", f"{100 * busy_ns / seconds / NANO:.0f} % of one core"),
        (
            f"{name}: waiting for the disk beside it",
            f"{1e3 * (wall_s - spent_s) / seconds:.1f} ms/s",
        ),
        (f"{name}: behind at the end", f"{last_ms:.1f} ms"),
        (f"{name}: memory", f"{load.bytes_each / 1_000:.1f} kB a trade"),
    ]


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--trades", type=int, nargs="+", default=[50, 1_000])
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--rate", type=int, default=5_000)
    parser.add_argument("--report")
    args = parser.parse_args()
    watch = Stopwatch()
    rows: list[Row] = [("an engine at its start", f"{start_rss_bytes() / 1e6:.1f} MB resident")]
    for trades in args.trades:
        rows += measured(trades, seconds=args.seconds, rate=args.rate)
    rows += watch.rows(len(args.trades) * args.seconds * args.rate, "quotes")
    write_section("Engine under load", rows, path=args.report)


if __name__ == "__main__":
    main()
