"""The exchange's REST against a bare server of the same framework, in the same run.

    python -m benchmarks.exchange_rest --requests 3000 --report REPORT.md

Both are uvicorn with httptools and the same loop, each in a process of its own on the same core,
asked by the same client in turns, so that what else the machine does strikes both. The bare one
reads the body and answers with as many constant bytes as the exchange did.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import statistics
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

import aiohttp
import uvicorn

from benchmarks.exchange_load import KEY, made_venue
from surefill.core.market import Nbbo
from surefill.core.units import NANO
from surefill.sim.alpaca.server import listen, make_server
from surefill.sim.market import QuoteEvent
from tests.support.exchange_server import HOST, OPEN_NS
from tests.support.report import Row, Stopwatch, write_section

ORDER = {
    "symbol": "ACME",
    "qty": "1",
    "side": "buy",
    "type": "limit",
    "limit_price": "90",
    "time_in_force": "day",
}
TURN = 50
"""Requests to one server before the other has its turn."""
SIZES = {"clock": 170, "order": 900, "submit": 900}
"""Bytes of the bare server's answers, about those of the exchange's."""


def serve_exchange(pipe: Connection, core: int) -> None:
    """The exchange, with one quoted symbol."""
    os.sched_setaffinity(0, {core})
    venue = made_venue()
    quote = Nbbo(100 * NANO - NANO // 100, 10**12, 100 * NANO, 10**12, OPEN_NS, OPEN_NS)
    venue.edge.inject(QuoteEvent("ACME", quote))
    _run(make_server(venue, with_control=False), pipe)


def serve_bare(pipe: Connection, core: int) -> None:
    """Nothing but the framework."""
    os.sched_setaffinity(0, {core})

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for step in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{step}.complete"})
            return
        while (await receive()).get("more_body", False):
            pass
        body = b"x" * SIZES[scope["path"].strip("/")]
        headers = [(b"content-length", str(len(body)).encode()), (b"content-type", b"text/plain")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    config = uvicorn.Config(app, http="httptools", log_config=None, access_log=False)
    _run(uvicorn.Server(config), pipe)


def _run(server: uvicorn.Server, pipe: Connection) -> None:
    bound = listen(HOST, 0)
    pipe.send(bound.getsockname()[1])
    with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        runner.run(server.serve(sockets=[bound]))


@dataclass
class Times:
    """Seconds of each request of one kind, at each server."""

    ours: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)

    def row(self, name: str) -> Row:
        """Medians, the 99th percentiles, and their ratio."""
        told = []
        for title, pick in (("p50", 0.5), ("p99", 0.99)):
            ours, bare = (
                sorted(values)[int(len(values) * pick)] * 1e3 for values in (self.ours, self.bare)
            )
            told.append(f"{title} {ours:.2f} / {bare:.2f} ms = {ours / bare:.1f}x")
        rates = [len(values) / sum(values) for values in (self.ours, self.bare)]
        told.append(f"{rates[0]:,.0f} / {rates[1]:,.0f} a second = {rates[0] / rates[1]:.2f}")
        return (f"{name}, exchange / bare", "; ".join(told))


async def timed(act: Any) -> float:
    """Seconds of one request."""
    start_s = time.perf_counter()
    async with act as answer:
        await answer.read()
        assert answer.status == 200, answer.status
    return time.perf_counter() - start_s


async def measure(ports: tuple[int, int], count: int) -> dict[str, Times]:
    """``count`` requests of each kind to both servers, in turns, one at a time."""
    ours, bare = (f"http://{HOST}:{port}" for port in ports)
    times = {name: Times() for name in SIZES}
    async with aiohttp.ClientSession(headers=KEY) as session:
        async with session.post(f"{ours}/v2/orders", json=ORDER) as answer:
            order_id = (await answer.json())["id"]
        for _ in range(count // TURN):
            for name, kept in times.items():
                body = json.dumps(ORDER).encode() if name == "submit" else None
                method = "POST" if body else "GET"
                path = {
                    "clock": "/v2/clock",
                    "order": f"/v2/orders/{order_id}",
                    "submit": "/v2/orders",
                }[name]
                for url, values in ((ours + path, kept.ours), (f"{bare}/{name}", kept.bare)):
                    for _ in range(TURN):
                        values.append(await timed(session.request(method, url, data=body)))
            async with session.delete(f"{ours}/v2/orders"):
                pass  # so that the book does not grow with the number of requests
            async with session.post(f"{ours}/v2/orders", json=ORDER) as answer:
                order_id = (await answer.json())["id"]
    return times


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--requests", type=int, default=1_000)
    parser.add_argument("--report")
    args = parser.parse_args()
    watch = Stopwatch()
    context = multiprocessing.get_context("spawn")
    core = max(os.sched_getaffinity(0))
    ports = []
    for target in (serve_exchange, serve_bare):
        ours, theirs = context.Pipe()
        context.Process(target=target, args=(theirs, core), daemon=True).start()
        ports.append(ours.recv())
    times = asyncio.run(measure((ports[0], ports[1]), args.requests))
    rows = [kept.row(name) for name, kept in times.items()]
    ratio = statistics.mean(sum(t.ours) / sum(t.bare) for t in times.values())
    rows.append(("time of a request, mean ratio", f"{ratio:.1f}x the bare server"))
    rows += watch.rows(6 * args.requests, "requests")
    write_section("REST", rows, path=args.report)


if __name__ == "__main__":
    main()
