"""One bracket order on loopback, from the command to its answer: ours, alpaca-py, bare sockets.

    python -m benchmarks.one_order --orders 500 --report docs/reports/2026-11-23-speed.md

All three ask the same server, which answers any request with the bytes of an accepted bracket and
knows nothing else, so that what differs is the client. Ours is the engine's own way: the command is
translated, passes the budget and goes through `brokers.alpaca.rest`; its answer is translated back.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from random import Random

from benchmarks import wire
from benchmarks.exchange_load import KEY, made_venue
from benchmarks.peer_env import NoPeer, ask
from benchmarks.samples import Samples, ratio
from surefill.brokers.alpaca.budget import LIMIT_MAX, RequestBudget
from surefill.brokers.alpaca.credentials import Credentials
from surefill.brokers.alpaca.rest import Rest
from surefill.brokers.alpaca.translate.answers import order_answer
from surefill.brokers.alpaca.translate.requests import request_of
from surefill.core.commands import OrderSpec, Priority, SubmitOrder
from surefill.core.events import Accepted, Verb
from surefill.core.fix import Contingency, Leg, OrdType, Side, TimeInForce
from surefill.core.market import Nbbo
from surefill.core.units import NANO
from surefill.runtime.clock import SystemClock
from surefill.sim.market import QuoteEvent
from surefill.sim.wire import WireRequest
from tests.support.exchange_server import OPEN_NS
from tests.support.report import Row, Stopwatch, write_section


def bracket() -> SubmitOrder:
    """The order that all of them send."""
    spec = OrderSpec(
        cl_ord_id="sf-000000-bench-E1",
        symbol="ACME",
        side=Side.BUY,
        ord_type=OrdType.LIMIT,
        order_qty=NANO,
        tif=TimeInForce.DAY,
        leg=Leg.ENTRY,
        contingency=Contingency.BRACKET,
        limit_px=90 * NANO,
        take_profit_px=95 * NANO,
        stop_loss_px=85 * NANO,
    )
    return SubmitOrder("bench", spec, Priority.ENTRY)


def accepted() -> bytes:
    """What the exchange answers to it."""
    venue = made_venue()
    quote = Nbbo(100 * NANO - NANO // 100, 10**12, 100 * NANO, 10**12, OPEN_NS, OPEN_NS)
    venue.edge.inject(QuoteEvent("ACME", quote))
    asked = request_of(bracket())
    answer = venue.face.handle(WireRequest("POST", asked.path, (), KEY, asked.body or b""))
    assert answer.status == 200, answer.body
    return answer.body


@contextmanager
def floor_server(body: bytes) -> Iterator[int]:
    """A process that answers with these bytes; its port."""
    context = multiprocessing.get_context("spawn")
    near, far = context.Pipe()
    process = context.Process(target=wire.serve_floor, args=(far, body), daemon=True)
    process.start()
    try:
        yield near.recv()
    finally:
        process.terminate()
        process.join()


async def ours(port: int, count: int) -> list[float]:
    """Seconds of each order by the engine's own client."""
    clock = SystemClock()
    rest = Rest(
        base_url=f"http://{wire.HOST}:{port}",
        credentials=Credentials(key_id="KEY", secret="secret"),
        budget=RequestBudget(limit=LIMIT_MAX),
        clock=clock,
        random=Random(1),
        sleep=asyncio.sleep,
        on_budget=lambda: None,
    )
    await rest.open()
    taken = []
    for _ in range(count):
        start_s = time.perf_counter()
        command = bracket()
        outcome = await rest.send(request_of(command), command.priority)
        answer = order_answer(Verb.SUBMIT, outcome, cl_ord_id="", now=clock.now_ns())
        taken.append(time.perf_counter() - start_s)
        assert isinstance(answer, Accepted), answer
    await rest.close()
    return taken


def rows_of(count: int, *, with_peer: bool = True) -> list[Row]:
    """The three, in turns of a tenth of the orders (alpaca-py in one, after its own first)."""
    command = request_of(bracket())
    asked = wire.request("POST", command.path, command.body or b"", KEY.items())
    mine: list[float] = []
    floor: list[float] = []
    rows: list[Row] = []
    with floor_server(accepted()) as port:
        for _ in range(10):
            mine += asyncio.run(ours(port, max(2, count // 10)))[1:]
            floor += asyncio.run(wire.latencies(port, asked, max(2, count // 10)))[1:]
        us = Samples.of([value * 1e6 for value in mine])
        bare = Samples.of([value * 1e6 for value in floor])
        rows.append(
            (
                f"ours (aiohttp {version('aiohttp')})",
                f"p50 {us.median:,.0f} us, p99 {us.at(0.99):,.0f} us",
            )
        )
        ours_in = ratio(us.median, bare.median)
        told = f"p50 {bare.median:,.0f} us, p99 {bare.at(0.99):,.0f} us; ours is {ours_in}"
        rows.append(("bare sockets of asyncio", told))
        if with_peer:
            rows.append(_peer_row(port, count, us))
    return rows


def _peer_row(port: int, count: int, us: Samples) -> Row:
    try:
        told = ask("alpaca-py", "alpaca_orders", port, count)
    except NoPeer as error:
        return ("alpaca-py", f"not measured: {error}")
    peer = Samples.of([value * 1e6 for value in told["taken_s"][1:]])
    text = f"p50 {peer.median:,.0f} us, p99 {peer.at(0.99):,.0f} us"
    return (told["version"], f"{text}; ours is {ratio(us.median, peer.median)}")


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--orders", type=int, default=500)
    parser.add_argument("--report")
    args = parser.parse_args()
    watch = Stopwatch()
    rows = rows_of(args.orders)
    write_section("One order", [*rows, *watch.rows(3 * args.orders, "orders")], path=args.report)


if __name__ == "__main__":
    main()
