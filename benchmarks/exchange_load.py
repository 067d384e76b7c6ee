"""Does the exchange keep up: 1,000 open orders on 50 symbols at 5,000 quotes a second, on one core?

    python -m benchmarks.exchange_load --seconds 30 --report REPORT.md

A server in a process of its own, held on one core, plays a made market in real time to websockets
of another process, which also reads an order ten times a second. Lag is how long after its own time
a quote reaches the book. Capacity is the same market without sockets and without waiting, per
second of processor time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection

import aiohttp

from benchmarks.made_market import MadeMarket, order_bodies
from surefill.core.units import NANO
from surefill.sim.alpaca.app import ExchangeConfig, Venue, build
from surefill.sim.alpaca.server import listen, make_server
from surefill.sim.alpaca.switches import split_pairs
from surefill.sim.wire import WireRequest
from tests.support.exchange_server import HOST, OPEN_NS
from tests.support.report import Row, Stopwatch, write_section

KEY = {"apca-api-key-id": "LOAD", "apca-api-secret-key": "S"}
LEAD_S = 25
"""For placing the orders, before the quotes run."""
WITHIN_MS = 50
"""Behind is who is later than this at the end."""


@dataclass(frozen=True)
class Load:
    """What is asked for."""

    symbols: tuple[str, ...]
    orders: int
    rate: int
    seconds: int
    sockets: int

    def market(self, venue: Venue, *, lead_s: int, is_timed: bool) -> MadeMarket:
        """The market of this load on a venue that stands at `OPEN_NS`."""
        return MadeMarket(
            self.symbols,
            start_ns=OPEN_NS,
            begin_ns=OPEN_NS + lead_s * NANO,
            rate=self.rate,
            seconds=self.seconds,
            reading_ns=venue.clock.now_ns if is_timed else None,
        )

    def bodies(self) -> list[dict[str, str]]:
        """The orders."""
        return order_bodies(self.symbols, self.orders // len(self.symbols))


def made_venue() -> Venue:
    """An empty venue without latency or limits."""
    venue, face = split_pairs(["rate_limit_per_min=0"])
    config = ExchangeConfig(start_ns=OPEN_NS, latency="none", switches=venue, face=face)
    return build(config, reading_ns=time.monotonic_ns, wall_ns=time.time_ns)


def serve(load: Load, pipe: Connection, core: int) -> None:
    """The server's process: one core, one market; tells its lags when the market is over."""
    os.sched_setaffinity(0, {core})
    venue = made_venue()
    market = load.market(venue, lead_s=LEAD_S, is_timed=True)
    venue.edge._market = market
    server = make_server(venue, with_control=False)
    bound = listen(HOST, 0)
    spent_s: list[float] = []

    async def watch() -> None:
        pipe.send(bound.getsockname()[1])
        for end_ns in (market.begin_ns, market.begin_ns + load.seconds * NANO):
            while venue.clock.now_ns() < end_ns:
                await asyncio.sleep(0.02)
            spent_s.append(time.process_time())
        while market.next_ns() is not None:
            await asyncio.sleep(0.02)
        open_orders = sum(
            len(orders)
            for ledger in venue.exchange._venue.ledgers.values()
            for orders in ledger.open_orders.values()
        )
        pipe.send((market.lags_ns, spent_s[1] - spent_s[0], open_orders))
        server.should_exit = True

    async def both() -> None:
        watching = asyncio.create_task(watch())
        await server.serve(sockets=[bound])
        await watching

    with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        runner.run(both())


class Client:
    """Places the orders, listens, reads."""

    def __init__(self, load: Load, port: int) -> None:
        self.load = load
        self.base = f"{HOST}:{port}"
        self.answers_s: list[float] = []
        self.frames = 0

    async def run(self, is_over: asyncio.Event) -> None:
        """Until the server has said what there is to say."""
        async with aiohttp.ClientSession(headers=KEY) as session:
            await self._place(session)
            listeners = [
                asyncio.create_task(self._listen(session)) for _ in range(self.load.sockets)
            ]
            while not is_over.is_set():
                await self._read(session)
                await asyncio.sleep(0.1)
            for listener in listeners:
                listener.cancel()

    async def _place(self, session: aiohttp.ClientSession) -> None:
        for body in self.load.bodies():
            async with session.post(f"http://{self.base}/v2/orders", json=body) as answer:
                assert answer.status == 200, await answer.text()

    async def _listen(self, session: aiohttp.ClientSession) -> None:
        async with session.ws_connect(f"ws://{self.base}/v2/iex", max_msg_size=0) as socket:
            await socket.send_json({"action": "auth", "key": "LOAD", "secret": "S"})
            await socket.send_json({"action": "subscribe", "quotes": list(self.load.symbols)})
            async for _ in socket:
                self.frames += 1

    async def _read(self, session: aiohttp.ClientSession) -> None:
        start_s = time.perf_counter()
        async with session.get(f"http://{self.base}/v2/orders", params={"limit": "10"}) as answer:
            await answer.read()
        self.answers_s.append(time.perf_counter() - start_s)


def measure(load: Load) -> list[Row]:
    """One real-time run."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    core = max(os.sched_getaffinity(0))
    args = (load, theirs, core)
    process = multiprocessing.get_context("spawn").Process(target=serve, args=args, daemon=True)
    process.start()
    client = Client(load, ours.recv())

    async def drive() -> tuple[list[int], float, int]:
        is_over = asyncio.Event()
        running = asyncio.create_task(client.run(is_over))
        while not ours.poll():
            if running.done():
                running.result()
            await asyncio.sleep(0.1)
        is_over.set()
        await running
        told: tuple[list[int], float, int] = ours.recv()
        return told

    lags_ns, cpu_s, open_orders = asyncio.run(drive())
    process.join(timeout=20)
    last_ms = lags_ns[-1] / 1e6
    return [
        ("open orders at the end", f"{open_orders:,} on {len(load.symbols)} symbols"),
        ("quotes", f"{len(lags_ns):,} at {load.rate:,}/s, {load.sockets} socket(s) on all of them"),
        ("frames to the sockets", f"{client.frames:,}"),
        ("lag p50 / p99 / p99.9 / max", percentiles([ns / 1e6 for ns in lags_ns])),
        ("lag of the last quote", f"{last_ms:.1f} ms"),
        ("falls behind", "no" if last_ms < WITHIN_MS else "YES"),
        ("processor of the server", f"{100 * cpu_s / load.seconds:.0f} % of one core"),
        (
            "REST beside it, p50 / p99 / p99.9 / max",
            percentiles([s * 1e3 for s in client.answers_s]),
        ),
    ]


def capacity(load: Load) -> Row:
    """Quotes per second of processor time, in process."""
    venue = made_venue()
    market = load.market(venue, lead_s=1, is_timed=False)
    venue.edge._market = market
    venue.edge.advance(OPEN_NS)
    for body in load.bodies():
        request = WireRequest("POST", "/v2/orders", (), KEY, json.dumps(body).encode())
        assert venue.face.handle(request).status == 200
    venue.edge.advance(OPEN_NS + NANO - 1)
    start_s = time.process_time()
    venue.edge.advance(market.begin_ns + load.seconds * NANO)
    rate = market.count / (time.process_time() - start_s)
    return ("capacity without sockets", f"{rate:,.0f} quotes a second of processor time")


def percentiles(values: Sequence[float]) -> str:
    """p50 / p99 / p99.9 / max in ms."""
    ordered = sorted(values)
    picked = [ordered[min(len(ordered) - 1, int(len(ordered) * p))] for p in (0.5, 0.99, 0.999)]
    return " / ".join(f"{value:.2f}" for value in (*picked, ordered[-1])) + " ms"


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--rate", type=int, default=5_000)
    parser.add_argument("--symbols", type=int, default=50)
    parser.add_argument("--orders", type=int, default=1_000)
    parser.add_argument("--sockets", type=int, default=1)
    parser.add_argument("--capacity-only", action="store_true")
    parser.add_argument("--report")
    args = parser.parse_args()
    watch = Stopwatch()
    symbols = tuple(f"L{n:02d}" for n in range(args.symbols))
    load = Load(symbols, args.orders, args.rate, args.seconds, args.sockets)
    rows = [] if args.capacity_only else measure(load)
    rows.append(capacity(load))
    rows += watch.rows(args.rate * args.seconds, "quotes")
    write_section("Load", rows, path=args.report)


if __name__ == "__main__":
    main()
