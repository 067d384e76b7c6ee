"""How long a filled share waits for its cover: the engine, and a program of alpaca-py.

    python -m benchmarks.fill_to_cover --report REPORT.md

Each trader is a process of its own before a server of its own on loopback without latency. In every
cycle 40 entries rest, the market falls through them one symbol after the other, a millisecond apart
(dense) or fifty (sparse), their covers work, and the market rises to the targets; ten trades more
are held all the time, and 5,000 quotes a second come on all 50 symbols. Measured with the machine's
monotonic clock, from the server handing the frame of a fill to its socket: until the bytes of the
OCO reach the trader's socket (wire), and until the server has read that request (venue), which
holds the server's own queue as well.
The peer writes each fill to SQLite (WAL, synchronous=FULL) and submits an OCO, straight from its
stream's handler; it is spared the quotes.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import multiprocessing
import re
import socket
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from multiprocessing.connection import Connection
from typing import Any

from surefill.core.market import Nbbo
from surefill.core.units import NANO
from surefill.sim.alpaca import server as venue_server
from surefill.sim.alpaca.app import ExchangeConfig, build
from surefill.sim.alpaca.server import listen, make_server
from surefill.sim.alpaca.switches import split_pairs
from surefill.sim.market import MarketEvent, QuoteEvent
from surefill.sim.wire import WireRequest
from tests.support.exchange_server import HOST, OPEN_NS
from tests.support.report import Row, Stopwatch, write_section

MS_NS = NANO // 1_000
CENT_PX = NANO // 100
HELD, TRADED = 10, 40
"""50 open trades: some that only rest, and those that are measured."""
SETTLE_NS = 1_000 * MS_NS
"""Between the entries and the first fill, the last fill and the targets, the targets and the next
cycle: longer than anything that is measured."""
GAPS_NS = {"dense": MS_NS, "sparse": 50 * MS_NS}
SIGNAL, RISK, RATIO = "100.00", "1.00", "2"
RESTING, FALLEN, RISEN = (10_008, 10_010), (9_999, 10_001), (10_260, 10_262)
"""Touches in cents: above the entries, through them, through the targets."""
OCO = b'"oco"'
FILL = b'"event":"fill"'
SYMBOL = re.compile(rb'"symbol": ?"([A-Z0-9]+)"')
Stamp = tuple[str, int]
"""(symbol, monotonic ns)"""


@dataclass(frozen=True)
class Cycle:
    """One wave of entries. Venue times, UTC ns."""

    n: int
    kind: str
    start_ns: int

    @property
    def fall_ns(self) -> int:
        """The first entry fills."""
        return self.start_ns + SETTLE_NS

    @property
    def rise_ns(self) -> int:
        """All targets fill."""
        return self.fall_ns + TRADED * GAPS_NS[self.kind] + SETTLE_NS

    @property
    def end_ns(self) -> int:
        """Flat, and the next one may begin."""
        return self.rise_ns + SETTLE_NS

    def symbols(self) -> list[str]:
        """Whom it concerns, in the order of their fills."""
        return [f"T{n:02d}" for n in range(TRADED)]


@dataclass(frozen=True)
class Script:
    """When what happens."""

    cycles: int
    rate: int
    lead_ns: int

    def all(self) -> list[Cycle]:
        """Dense and sparse in turns."""
        made: list[Cycle] = []
        at_ns = OPEN_NS + self.lead_ns
        for n in range(2 * self.cycles):
            made.append(Cycle(n, list(GAPS_NS)[n % 2], at_ns))
            at_ns = made[-1].end_ns
        return made

    @property
    def end_ns(self) -> int:
        """Everything is over."""
        return self.all()[-1].end_ns

    def levels(self) -> Iterator[tuple[int, str, tuple[int, int]]]:
        """(venue time, symbol, touch) of every change, in order."""
        held = [f"H{n:02d}" for n in range(HELD)]
        traded = [f"T{n:02d}" for n in range(TRADED)]
        yield from ((OPEN_NS, symbol, RESTING) for symbol in held + traded)
        yield from ((OPEN_NS + self.lead_ns - NANO, symbol, FALLEN) for symbol in held)
        for cycle in self.all():
            for n, symbol in enumerate(cycle.symbols()):
                yield cycle.fall_ns + n * GAPS_NS[cycle.kind], symbol, FALLEN
            yield from ((cycle.rise_ns, symbol, RISEN) for symbol in cycle.symbols())
            back_ns = cycle.rise_ns + SETTLE_NS // 2
            yield from ((back_ns, symbol, RESTING) for symbol in cycle.symbols())

    def quotes(self) -> Iterator[tuple[int, str, tuple[int, int]]]:
        """The changes, and between them the rate, round the symbols."""
        now: dict[str, tuple[int, int]] = {}
        gap_ns, count, at_ns = NANO // self.rate, 0, OPEN_NS + NANO
        for change_ns, symbol, touch in self.levels():
            while at_ns < change_ns:
                names = list(now)
                name = names[count % len(names)]
                yield at_ns, name, now[name]
                count, at_ns = count + 1, at_ns + gap_ns
            now[symbol] = touch
            yield change_ns, symbol, touch


class ScriptedMarket:
    """`MarketSource` of a script; ``late_ns``: how late each quote was asked for."""

    def __init__(self, script: Script) -> None:
        self._quotes = script.quotes()
        self._next = next(self._quotes, None)
        self._count = 0

    def next_ns(self) -> int | None:
        """Venue time of the next quote."""
        return None if self._next is None else self._next[0]

    def pop(self) -> MarketEvent:
        """The next quote; sizes move, so that none repeats the one before."""
        assert self._next is not None
        at_ns, symbol, (bid, ask) = self._next
        self._next = next(self._quotes, None)
        self._count += 1
        size = (10_000 + self._count % 50 * 100) * NANO
        return QuoteEvent(symbol, Nbbo(bid * CENT_PX, size, ask * CENT_PX, size, at_ns, at_ns))


def serve(script: Script, pipe: Connection) -> None:
    """The server's process: tells its port and when it opened, and what it saw when all is over."""
    venue_switches, face = split_pairs(["rate_limit_per_min=0"])
    config = ExchangeConfig(start_ns=OPEN_NS, latency="none", switches=venue_switches, face=face)
    venue = build(config, reading_ns=time.monotonic_ns, wall_ns=time.time_ns)
    venue.edge._market = ScriptedMarket(script)
    server = make_server(venue, with_control=False)
    server.config.ws_per_message_deflate = False
    bound = listen(HOST, 0)
    told: list[Stamp] = []
    made_frame = venue_server._frame

    def stamped(data: bytes, *, is_text: bool) -> Any:
        if FILL in data and (found := SYMBOL.search(data)):
            told.append((found[1].decode(), time.monotonic_ns()))
        return made_frame(data, is_text=is_text)

    venue_server._frame = stamped
    reached: list[Stamp] = []
    take = venue.edge.send

    def noted(now_ns: int, ticket: int, request: WireRequest) -> None:
        if OCO in request.body and (found := SYMBOL.search(request.body)):
            reached.append((found[1].decode(), time.monotonic_ns()))
        take(now_ns, ticket, request)

    venue.edge.send = noted  # type: ignore[method-assign]

    async def watch() -> None:
        opened_ns = time.monotonic_ns() - (venue.clock.now_ns() - OPEN_NS)
        pipe.send((bound.getsockname()[1], opened_ns))
        while venue.clock.now_ns() < script.end_ns:
            await asyncio.sleep(0.1)
        lag_ns = venue.clock.now_ns() - (venue.edge.next_ns() or venue.clock.now_ns())
        pipe.send((told, reached, time.process_time(), lag_ns))
        server.should_exit = True

    async def both() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(server.serve(sockets=[bound]))
            group.create_task(watch())

    with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        runner.run(both())


# ----------------------------------------------------------------------------------- the traders


class Tap:
    """Notes when the bytes of an OCO reach a socket of this process, whoever sends them."""

    def __init__(self) -> None:
        self.sent: list[Stamp] = []
        for name in ("send", "sendall", "sendmsg"):
            self._wrap(name)

    def _wrap(self, name: str) -> None:
        plain = getattr(socket.socket, name)

        def noted(bound: socket.socket, data: Any, *rest: Any) -> Any:
            done = plain(bound, data, *rest)
            now_ns = time.monotonic_ns()
            text = b"".join(data) if name == "sendmsg" else bytes(data)
            if OCO in text and (found := SYMBOL.search(text)):
                self.sent.append((found[1].decode(), now_ns))
            return done

        setattr(socket.socket, name, noted)


@dataclass(frozen=True)
class Venue:
    """Where a trader trades, since when (monotonic ns), and where its files are."""

    port: int
    opened_ns: int
    folder: str
    options: dict[str, str] = field(default_factory=dict)

    def wait_s(self, venue_ns: int) -> float:
        """Seconds until a venue time."""
        return max(0.0, (self.opened_ns + venue_ns - OPEN_NS - time.monotonic_ns()) / 1e9)


def trade_with_surefill(script: Script, venue: Venue, pipe: Connection) -> None:
    """The production engine; a plan for each symbol of each cycle."""
    from surefill.config import Settings
    from surefill.core.plan import TradePlan
    from surefill.smart_order_executor import SmartOrderExecutor

    tap = Tap()
    settings = Settings.load(
        {
            "APCA_API_KEY_ID": "BENCH",
            "APCA_API_SECRET_KEY": "not-a-secret",
            "APCA_API_BASE_URL": f"http://{HOST}:{venue.port}",
            "SUREFILL_JOURNAL_PATH": f"{venue.folder}/journal.db",
            "SUREFILL_LOG_DIR": venue.folder,
            "SUREFILL_MAX_OPEN_TRADES": str(2 * (HELD + TRADED)),
            "SUREFILL_MAX_TOTAL_NOTIONAL_USD": "1000000000",
            "SUREFILL_REQUESTS_PER_MINUTE": "10000",
            "SUREFILL_LIMITS": "entries_per_minute=0 symbol_entries_per_minute=0",
        }
    )
    odd: list[str] = []

    async def run() -> None:
        async with SmartOrderExecutor(settings) as executor:

            async def one(symbol: str, plan_id: str) -> None:
                plan = TradePlan.of(
                    symbol, "buy", 1, plan_id=plan_id, signal_price=SIGNAL, risk=RISK, rr=RATIO
                )
                result = await executor.execute(plan)
                if result.entry_qty == 0:
                    odd.append(str(result))

            runtime, symbols = executor.runtime, {symbol for _, symbol, _ in script.levels()}
            for symbol in symbols:
                runtime.broker.watch(symbol)

            def are_known() -> bool:
                return len(runtime.engine.state.instruments) == len(symbols)

            await runtime.driver.until(are_known, timeout_s=venue.wait_s(script.all()[0].start_ns))
            tasks = [asyncio.create_task(one(f"H{n:02d}", f"H{n:02d}")) for n in range(HELD)]
            for cycle in script.all():
                await asyncio.sleep(venue.wait_s(cycle.start_ns))
                for symbol in cycle.symbols():
                    tasks.append(asyncio.create_task(one(symbol, f"{symbol}-{cycle.n}")))
            await asyncio.sleep(venue.wait_s(script.end_ns))
            if profile is not None:
                profile.disable()
                profile.dump_stats(venue.options["profile"])
            stalls = executor.runtime.driver.stalls
            pipe.send((tap.sent, time.process_time(), odd[:3], stalls.longest_ns))
            await asyncio.to_thread(pipe.recv)  # nobody answers: this process is ended

    profile = cProfile.Profile(time.process_time) if "profile" in venue.options else None
    if profile is not None:
        profile.enable()
    asyncio.run(run())


def trade_with_alpaca_py(script: Script, venue: Venue, pipe: Connection) -> None:
    """What a careful user of alpaca-py writes: journal first, then the cover, per fill."""
    from alpaca.trading.client import TradingClient
    from alpaca.trading.enums import OrderClass, OrderSide, TimeInForce
    from alpaca.trading.requests import (
        LimitOrderRequest,
        StopLossRequest,
        TakeProfitRequest,
    )
    from alpaca.trading.stream import TradingStream

    tap = Tap()
    database = sqlite3.connect(
        f"{venue.folder}/peer.db", isolation_level=None, check_same_thread=False
    )
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE records (seq INTEGER PRIMARY KEY, text TEXT)")
    server = f"{HOST}:{venue.port}"
    client = TradingClient("PEER", "not-a-secret", url_override=f"http://{server}")
    entering = TradingClient("PEER", "not-a-secret", url_override=f"http://{server}")
    stream = TradingStream("PEER", "not-a-secret", url_override=f"ws://{server}/stream")

    async def on_update(update: Any) -> None:
        order = update.order
        if update.event != "fill" or order.side is not OrderSide.BUY:
            return
        fill_px = float(order.filled_avg_price)
        database.execute("INSERT INTO records (text) VALUES (?)", (update.model_dump_json(),))
        client.submit_order(
            LimitOrderRequest(
                symbol=order.symbol,
                qty=1,
                side=OrderSide.SELL,
                time_in_force=TimeInForce.GTC,
                order_class=OrderClass.OCO,
                client_order_id=f"cover-{order.client_order_id}",
                take_profit=TakeProfitRequest(limit_price=round(fill_px + 2.0, 2)),
                stop_loss=StopLossRequest(stop_price=round(fill_px - 1.0, 2)),
            )
        )

    def enter(symbol: str, name: str) -> None:
        entering.submit_order(
            LimitOrderRequest(
                symbol=symbol,
                qty=1,
                side=OrderSide.BUY,
                time_in_force=TimeInForce.DAY,
                limit_price=100.05,
                client_order_id=name,
            )
        )

    stream.subscribe_trade_updates(on_update)
    threading.Thread(target=stream.run, daemon=True).start()
    while not stream._running:  # logged in and subscribed; it has no other word for that
        time.sleep(0.01)
    for n in range(HELD):
        enter(f"H{n:02d}", f"H{n:02d}")
    for cycle in script.all():
        time.sleep(venue.wait_s(cycle.start_ns))
        for symbol in cycle.symbols():
            enter(symbol, f"{symbol}-{cycle.n}")
    time.sleep(venue.wait_s(script.end_ns))
    pipe.send((tap.sent, time.process_time(), [], 0))
    pipe.recv()


TRADERS = {"surefill": trade_with_surefill, "alpaca-py": trade_with_alpaca_py}


# -------------------------------------------------------------------------------------- judging


@dataclass
class Seen:
    """What one run gave. Waits in ms by (what, kind of cycle)."""

    waits: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def waits_of(begins: Sequence[Stamp], ends: Sequence[Stamp]) -> list[tuple[int, float]]:
    """(when it began, ms until the first end of the same symbol after it) of each begin."""
    found: list[tuple[int, float]] = []
    later: dict[str, list[int]] = {}
    for symbol, at_ns in ends:
        later.setdefault(symbol, []).append(at_ns)
    for symbol, at_ns in begins:
        after = [end_ns for end_ns in later.get(symbol, ()) if end_ns >= at_ns]
        if after:
            found.append((at_ns, (min(after) - at_ns) / 1e6))
    return found


def play(trader: str, script: Script, options: dict[str, str]) -> Seen:
    """One trader before one server."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    mine, traders = context.Pipe()
    server = context.Process(target=serve, args=(script, theirs), daemon=True)
    server.start()
    port, opened_ns = ours.recv()
    with tempfile.TemporaryDirectory() as folder:
        venue = Venue(port, opened_ns, folder, options)
        process = context.Process(target=TRADERS[trader], args=(script, venue, traders))
        process.start()
        while not ours.poll(1.0):
            if not process.is_alive():
                server.kill()
                raise SystemExit(f"{trader} ended with {process.exitcode} before the market did")
        told, reached, server_s, lag_ns = ours.recv()
        sent, trader_s, odd, stall_ns = mine.recv()
        process.kill()  # it would end its entries first; nothing of that is measured
        process.join(timeout=30)
    server.kill()
    server.join(timeout=20)
    seen = Seen()
    took_s = (script.end_ns - OPEN_NS) / 1e9
    seen.notes.append(f"processor {100 * trader_s / took_s:.0f} %")
    seen.notes.append(f"server's {100 * server_s / took_s:.0f} %, behind {lag_ns / 1e6:.0f} ms")
    seen.notes += [f"longest stall {stall_ns / 1e6:.0f} ms", *odd]
    for cycle in script.all():
        first_ns, last_ns = (
            opened_ns + at_ns - OPEN_NS for at_ns in (cycle.fall_ns, cycle.rise_ns)
        )
        begins = [one for one in told if first_ns <= one[1] < last_ns]
        for what, ends in (("wire", sent), ("venue", reached)):
            waits = [ms for _, ms in waits_of(begins, [one for one in ends if one[1] >= first_ns])]
            seen.waits.setdefault((what, cycle.kind), []).extend(waits)
    return seen


def told(waits: Sequence[float], fills: int) -> str:
    """Percentiles and how many were covered at all."""
    if not waits:
        return f"0 of {fills} covered"
    picked = [percentile(waits, share) for share in (0.5, 0.99, 0.999, 1.0)]
    return " / ".join(f"{ms:.2f}" for ms in picked) + f" ms, {len(waits)} of {fills} covered"


def percentile(values: Sequence[float], share: float) -> float:
    """Of what was measured, nothing between two values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def main() -> None:
    """Both traders in turns, then the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cycles", type=int, default=7, help="of each kind, 40 fills each")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--rate", type=int, default=5_000)
    parser.add_argument("--lead", type=int, default=10, help="seconds for the start of a trader")
    parser.add_argument("--only", choices=TRADERS)
    parser.add_argument("--profile", help="where the engine's cProfile goes")
    parser.add_argument("--report")
    args = parser.parse_args()
    watch, script = Stopwatch(), Script(args.cycles, args.rate, args.lead * NANO)
    names = [args.only] if args.only else list(TRADERS)
    found = {name: Seen() for name in names}
    options = {"profile": args.profile} if args.profile else {}
    for _ in range(args.rounds):
        for trader, total in found.items():
            seen = play(trader, script, options)
            total.notes += seen.notes
            for key, waits in seen.waits.items():
                total.waits.setdefault(key, []).extend(waits)
    fills = TRADED * args.cycles * args.rounds
    rows: list[Row] = []
    for kind in GAPS_NS:
        for what in ("wire", "venue"):
            rows += [
                (
                    f"{kind}, {name}, {what}: p50 / p99 / p99.9 / max",
                    told(seen.waits[what, kind], fills),
                )
                for name, seen in found.items()
            ]
        if all(seen.waits["wire", kind] for seen in found.values()) and len(found) == 2:
            middles = [percentile(seen.waits["wire", kind], 0.5) for seen in found.values()]
            rows.append((f"{kind}, ratio of the medians", f"{middles[0] / middles[1]:.2f}"))
    rows += [(f"{name}, beside it", "; ".join(seen.notes)) for name, seen in found.items()]
    rows.append(("peer", f"alpaca-py {version('alpaca-py')}"))
    write_section("Fill to cover", rows + watch.rows(2 * fills, "fills"), path=args.report)


if __name__ == "__main__":
    main()
