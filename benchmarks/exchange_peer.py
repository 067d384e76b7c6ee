"""The exchange's POST /v2/orders beside FastAPI and beside a bare socket, in one run.

    python -m benchmarks.exchange_peer --requests 4000 --report docs/reports/2026-11-23-speed.md

Three servers take turns, each a process of its own on the same core: the exchange (a whole venue:
account, book, legs, streams, truth log), a mock in FastAPI that checks a body and keeps an order,
and a server that answers any bytes with the same bytes. One client, bare sockets. p50 is of one
request at a time; the rate is requests a second of the server's own processor time over eight
connections, so that what else the machine does does not count.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks.exchange_load import KEY
from benchmarks.exchange_rest import ORDER, serve_exchange
from benchmarks.peer_env import NoPeer, environment, program
from benchmarks.samples import Samples, ratio
from benchmarks.wire import cpu_s, latencies, rate, request, serve_floor
from tests.support.report import Row, Stopwatch, write_section

OPEN_MAX = 200
"""Requests in a turn, after which their orders are cancelled."""
OURS, FLOOR = "ours", "bare socket"


@dataclass
class Server:
    """One of the three, and what was measured of it."""

    port: int
    pid: int
    taken_s: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    used_s: float = 0.0
    served: int = 0


def start_servers(closing: ExitStack, *, with_peer: bool = True) -> dict[str, Server]:
    """All that can be had here, by title."""
    core = max(os.sched_getaffinity(0))
    context = multiprocessing.get_context("spawn")
    found = {}
    for title, target, args in ((OURS, serve_exchange, (core,)), (FLOOR, serve_floor, ())):
        near, far = context.Pipe()
        process = context.Process(target=target, args=(far, *args), daemon=True)
        process.start()
        closing.callback(process.join)
        closing.callback(process.terminate)
        found[title] = Server(near.recv(), process.pid or 0)
        os.sched_setaffinity(found[title].pid, {core})
    if with_peer:
        command = program("fastapi", "fastapi_orders")
        peer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment())
        closing.enter_context(peer)
        closing.callback(peer.terminate)
        assert peer.stdout is not None
        port, _, title = peer.stdout.readline().strip().partition(" ")
        found[title] = Server(int(port), peer.pid)
        os.sched_setaffinity(peer.pid, {core})
    return found


async def measure(servers: dict[str, Server], count: int) -> None:
    """``count`` requests to each in every mode, in turns."""
    body = json.dumps(ORDER).encode()
    asked = request("POST", "/v2/orders", body, KEY.items())
    clear = request("DELETE", "/v2/orders", b"", KEY.items())
    for server in servers.values():
        await latencies(server.port, asked, OPEN_MAX)
        await latencies(server.port, clear, 1)
    for turn in range(max(1, count // OPEN_MAX)):
        for server in servers.values():
            if turn % 2:
                server.taken_s += await latencies(server.port, asked, OPEN_MAX)
            else:
                before_s = cpu_s(server.pid)
                server.rates.append(await rate(server.port, asked, OPEN_MAX))
                server.used_s += cpu_s(server.pid) - before_s
                server.served += OPEN_MAX
            # So that no book grows with the number of requests; not measured.
            await latencies(server.port, clear, 1)


def rows_of(servers: dict[str, Server]) -> list[Row]:
    """Medians, spread, and ours in the others'."""
    rows = []
    ours = servers[OURS]
    our_rate = ours.served / max(0.01, ours.used_s)
    our_p50 = Samples.of(ours.taken_s).median * 1e6
    for title, server in servers.items():
        taken, cpu = Samples.of(server.taken_s), server.served / max(0.01, server.used_s)
        p50, p99 = taken.median * 1e6, taken.at(0.99) * 1e6
        told = f"p50 {p50:,.0f} us, p99 {p99:,.0f} us; "
        told += f"{cpu:,.0f} requests/s of processor time; "
        told += f"{Samples.of(server.rates).told('requests/s by the clock')}"
        if server is not ours:
            told += f"; ours: {ratio(our_p50, p50)} its p50, {ratio(our_rate, cpu)} its rate"
        rows.append((title, told))
    return rows


def run(count: int, *, with_peer: bool = True) -> list[Row]:
    """Start, measure, stop."""
    with ExitStack() as closing:
        servers = start_servers(closing, with_peer=with_peer)
        asyncio.run(measure(servers, count))
        return rows_of(servers)


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--requests", type=int, default=4_000)
    parser.add_argument("--report")
    args = parser.parse_args()
    watch = Stopwatch()
    try:
        rows = run(args.requests)
    except NoPeer as error:
        rows = [*run(args.requests, with_peer=False), ("FastAPI", f"not measured: {error}")]
    rows += watch.rows(6 * args.requests, "requests")
    write_section("Exchange", rows, path=args.report)


if __name__ == "__main__":
    main()
