"""Random input for the exchange: requests and stream messages, sensible, broken and mixed.

    python -m tests.support.fuzz 1000000 --seed 1 --workers 2 --report REPORT.md

Checked for each input: no exception, no 5xx, an answer; and one that is refused (4xx), like any
message on a stream, leaves the venue exactly as it was but for the refusal in the truth log
(`tests.support.state_digest`). The books are added up at the end of every venue. Each chunk of
inputs is a function of (seed, its number) and of nothing else; every venue draws other switches.
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from random import Random

from surefill.core.fix import TradingStatus
from surefill.sim.alpaca.switches import FACE_CHOICES
from surefill.sim.switches import CHOICES
from surefill.sim.wire import StreamKind, StreamSession
from tests.support.bench import MS, Bench
from tests.support.chunks import run_chunks
from tests.support.fuzz_inputs import SYMBOLS, Inputs
from tests.support.report import Stopwatch, write_section
from tests.support.state_digest import state_of

CHUNK = 2_500
"""Inputs of one task; the last is shorter."""
LINES_MAX = 4_000
"""A venue with more truth lines makes room for a fresh one with other switches."""
HARMLESS = frozenset({"refused", "account"})
"""Kinds of truth lines that a refused request may leave."""
WAITS_MS = {0: 10, 1: 10, 50: 20, 1_000: 20, 20_000: 6, 3_600_000: 1}
"""Milliseconds between two turns of the market, and how often."""


@dataclass
class Tally:
    """What was sent and what was answered."""

    inputs: int = 0
    messages: int = 0
    venues: int = 0
    orders: int = 0
    fills: int = 0
    statuses: Counter[int] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        """Sum up."""
        for name in ("inputs", "messages", "venues", "orders", "fills"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.statuses.update(other.statuses)

    def rows(self) -> list[tuple[str, str]]:
        """(what, how many) for people."""
        made = [
            ("inputs", f"{self.inputs:,}"),
            ("of which stream messages", f"{self.messages:,}"),
            ("venues, each with other switches", f"{self.venues:,}"),
            ("orders accepted", f"{self.orders:,}"),
            ("executions", f"{self.fills:,}"),
        ]
        return made + [(f"answers {code}", f"{n:,}") for code, n in sorted(self.statuses.items())]


class Fuzzer:
    """Venues under random input, one after the other."""

    def __init__(self, seed: int | str) -> None:
        self.random = Random(f"fuzz:{seed}")
        self.tally = Tally()
        self._open()

    def run(self, count: int) -> None:
        """``count`` inputs; then the books must add up."""
        for number in range(count):
            if number % 20 == 0:
                self._market()
            if self.random.random() < 0.15:
                self._stream()
            else:
                self._request()
        self.tally.inputs += count
        self._close()

    # --- venues ---------------------------------------------------------------------------

    def _open(self) -> None:
        choices = {**CHOICES, **FACE_CHOICES}
        pairs = [
            f"{name}={self.random.choice(words)}"
            for name, words in choices.items()
            if self.random.random() < 0.25
        ]
        latency = self.random.choice(("none", "default"))
        seed = self.random.randrange(1 << 30)
        self.bench = Bench("rate_limit_per_min=0", *pairs, latency=latency, id_seed=seed)
        self.inputs = Inputs(self.random)
        self.session: StreamSession
        self.conn = 0
        for symbol in SYMBOLS:
            self._quote(symbol)

    def _close(self) -> None:
        venue = self.bench.exchange._venue
        for owner in self.bench.venue.keys.opened():
            assert self.bench.exchange.books(owner.account).breaks == ()
        self.tally.venues += 1
        self.tally.orders += len(venue.orders)
        self.tally.fills += len(venue.fills)

    def _market(self) -> None:
        if len(self.bench.venue.log.lines) > LINES_MAX:
            self._close()
            self._open()
        symbol = self.random.choice(SYMBOLS)
        self.inputs.mid = min(15_000, max(7_500, self.inputs.mid + self.random.randrange(-60, 61)))
        self._quote(symbol)
        if self.random.random() < 0.7:
            self.bench.print_(symbol, f"{self.inputs.mid / 100:.2f}", "200")
        if self.random.random() < 0.02:
            self.bench.status(symbol, self.random.choice(list(TradingStatus)))
        self.bench.advance(self.random.choices(*zip(*WAITS_MS.items(), strict=True))[0])

    def _quote(self, symbol: str) -> None:
        mid, wide = self.inputs.mid, self.random.choice((1, 1, 3, 10))
        size = self.random.choice(("0", "5", "100", "500"))
        self.bench.quote(symbol, f"{(mid - wide) / 100:.2f}", f"{(mid + wide) / 100:.2f}", size)

    # --- requests -------------------------------------------------------------------------

    def _request(self) -> None:
        request = self.inputs.request()
        venue = self.bench.venue
        lines, before = len(venue.log.lines), state_of(venue)
        answer = venue.face.handle(request)
        self.tally.statuses[answer.status] += 1
        assert answer.status < 500, (request, answer)
        if answer.status >= 400:
            after = state_of(venue)
            kinds = {str(line["kind"]) for line in venue.log.lines[lines:]}
            assert kinds <= HARMLESS, (request, kinds)
            # A first use of a key opens its account: the one thing a refusal may leave behind.
            assert "account" in kinds or after[1:] == before[1:], (request, answer, before, after)
        elif answer.status == 200 and request.method in ("POST", "PATCH"):
            self.inputs.learn(request, answer.body)
        self.bench.edge.settle()

    # --- streams --------------------------------------------------------------------------

    def _stream(self) -> None:
        self.tally.messages += 1
        edge = self.bench.edge
        if self.conn == 0 or self.random.random() < 0.02:
            self.conn += 1
            kind = self.random.choice((StreamKind.ORDERS, StreamKind.MARKET))
            coded = self.random.random() < 0.3
            headers = {"content-type": "application/msgpack"} if coded else {}
            edge.open_stream(edge.now_ns, self.conn, kind, headers=headers)
            self.session = self.bench.venue.face.open_stream(kind, headers)
        if self.random.random() < 0.3:
            # The whole way of a message: it travels, and so does its answer.
            edge.stream_send(edge.now_ns, self.conn, self.inputs.message())
            edge.advance(edge.now_ns + MS)
            return
        venue = self.bench.venue
        lines, before = len(venue.log.lines), state_of(venue)
        list(self.session.receive(self.inputs.message()))
        kinds = {line["kind"] for line in venue.log.lines[lines:]}
        assert kinds <= {"account"}, kinds
        assert kinds or state_of(venue) == before, before


def fuzz_chunk(seed: int, inputs: int, number: int) -> Tally:
    """The ``number``-th chunk of a run."""
    fuzzer = Fuzzer(f"{seed}:{number}")
    fuzzer.run(inputs)
    return fuzzer.tally


def main() -> None:
    """Fuzz as often as asked for and say what was answered."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("count", type=int, nargs="?", default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--report")
    args = parser.parse_args()
    watch = Stopwatch()
    chunks = max(1, -(-args.count // CHUNK))
    total = Tally()
    for tally in run_chunks(
        partial(fuzz_chunk, args.seed, min(CHUNK, args.count)),
        range(chunks),
        workers=args.workers,
        title="fuzz",
    ):
        total.add(tally)
    rows = [
        ("seeds", f"fuzz:{args.seed}:0 to fuzz:{args.seed}:{chunks - 1}, {CHUNK:,} inputs each"),
        *total.rows(),
        ("crashes, 5xx, changes by a refused input", "0"),
        *watch.rows(total.inputs, "inputs"),
    ]
    write_section("Random input", rows, path=args.report)


if __name__ == "__main__":
    main()
