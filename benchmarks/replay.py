"""Backtests of the same work: our production engine, NautilusTrader and hftbacktest.

    python -m benchmarks.replay                    # 100,000 quotes; --quotes 1000000 for the whole
    python -m benchmarks.replay --report docs/reports/2026-11-23-speed.md

Everybody trades the same quotes by the same rule (benchmarks/bracket_work.py), once every 100
quotes and once every 10,000, and must come to the same trades, wins and cents as the rule itself;
a path that does not is said to be wrong and has no rate. Rates are quotes a second of processor
time of one core; what else the machine does makes all of them slower.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from benchmarks.bracket_work import REACH, Trade, bids, rule, summary
from benchmarks.peer_env import NoPeer, ask
from benchmarks.replay_work import Played, plans_of, play, tape_of
from benchmarks.samples import Samples, number, python, ratio
from surefill.replay.kernel import brackets
from tests.support.report import Row, Stopwatch, write_section

PEERS = {
    "NautilusTrader": ("nautilus", "nautilus_brackets"),
    "hftbacktest": ("hftbacktest", "hft_brackets"),
}
DENSE = 100
FEW, MANY = 0.1, 1.0
"""Shares of the work between which time a trade is compared."""

Ask = Callable[..., Mapping[str, Any]]


def peer_rows(count: int, every: int, *, runs: int, ask: Ask = ask) -> dict[str, Samples | str]:
    """Peer -> quotes a second of processor time, or why there is none."""
    expected = summary(rule(bids(count), every))
    rates: dict[str, Samples | str] = {}
    for title, (name, script) in PEERS.items():
        try:
            told = [ask(name, script, count, every) for _ in range(runs)]
        except NoPeer as error:
            rates[title] = f"not measured: {error}"
            continue
        if any({key: one[key] for key in expected} != expected for one in told):
            rates[title] = f"WRONG: {told[0]} where the rule finds {expected}"
            continue
        rates[f"{told[0]['version']}"] = Samples.of([count / one["cpu_s"] for one in told])
    return rates


def our_runs(count: int, every: int, runs: int) -> tuple[list[Played], list[Trade]]:
    """Our runs, each of which has found what the rule finds. ``AssertionError`` otherwise."""
    bid = bids(count)
    trades = rule(bid, every)
    tape, arrivals = tape_of(bid), plans_of(trades)
    played = [play([tape], arrivals) for _ in range(runs)]
    for one in played:
        assert one.found() == summary(trades), (one, summary(trades))
    return played, trades


def rows_of(count: int, every: int, *, runs: int, ask: Ask = ask) -> list[Row]:
    """Ours and the peers' on one density of trades."""
    played, trades = our_runs(count, every, runs)
    ours = Samples.of([count / one.cpu_s for one in played])
    each = Samples.of([one.cpu_s / max(1, len(trades)) * 1e3 for one in played])
    what = f"{len(trades):,} round trips in {count:,} quotes"
    rows = [
        (f"{what}: ours", f"{ours.told('quotes/s')}; {each.told('ms')} a trade"),
        (
            f"{what}: passed over",
            f"{100 * played[0].skipped / (1.5 * count):.0f} % of quotes and prints",
        ),
    ]
    for title, found in peer_rows(count, every, runs=runs, ask=ask).items():
        if isinstance(found, str):
            rows.append((f"{what}: {title}", found))
            continue
        told = f"{found.told('quotes/s')}; ours is {ratio(ours.median, found.median)}"
        rows.append((f"{what}: {title}", told))
    return rows


def shape_rows(count: int) -> list[Row]:
    """How time a trade grows with their number, and what a second policy costs."""
    few, _ = our_runs(int(count * FEW), DENSE, 3)
    many, _ = our_runs(count, DENSE, 1)
    small = Samples.of([one.cpu_s / one.trades for one in few]).median
    large = many[0].cpu_s / many[0].trades
    bid = bids(int(count * FEW))
    tape, trades = tape_of(bid), rule(bid, DENSE)
    one = play([tape], plans_of(trades))
    legacy = play([tape], plans_of(trades), is_legacy=True)
    columns = sum(getattr(tape, name).nbytes for name in ("quote_ns", "bid_px", "bid_qty"))
    columns += tape.ask_px.nbytes + tape.ask_qty.nbytes
    return [
        (
            f"time a trade, {many[0].trades:,} against {few[0].trades:,}",
            f"{number(large * 1e3)} / {number(small * 1e3)} ms = {ratio(large, small)}",
        ),
        (
            "a second policy on the same tape (limit, then limit and the legacy bracket)",
            f"{ratio(one.cpu_s + legacy.cpu_s, one.cpu_s)} the time of one",
        ),
        ("memory of a quote on the tape", f"{columns / len(bid):.0f} bytes"),
        ("most memory of the process", f"{many[0].rss_mb:.0f} MB"),
    ]


def kernel_rows(count: int, runs: int = 15) -> list[Row]:
    """The rule alone as a scan over columns, compiled and not, and what the columns hold."""
    bid = bids(count)
    starts = np.arange(0, count, DENSE)
    expected = summary(rule(bid, DENSE))
    rows: list[Row] = []
    for title, compiled, times in (("compiled", True, runs), ("plain Python", False, 2)):
        rates = []
        for n in range(times + 1):
            start_s = time.process_time()
            found = brackets(
                bid, bid + 1, starts, sign=1, stop=REACH, target=REACH, compiled=compiled
            )
            if n:  # the first one compiles
                rates.append(count / (time.process_time() - start_s))
            made = {"trades": len(found), "wins": int((found.made > 0).sum())}
            assert made | {"cents": int(found.made.sum())} == expected, made
        rows.append((f"the rule alone, {title}", Samples.of(rates).told("quotes/s")))
    return rows


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--quotes", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--report")
    args = parser.parse_args()
    watch = Stopwatch()
    rows: list[Row] = [("ours", python())]
    rows += rows_of(args.quotes, DENSE, runs=args.runs)
    rows += rows_of(args.quotes, max(DENSE, args.quotes // 100), runs=args.runs)
    rows += shape_rows(args.quotes)
    rows += kernel_rows(max(args.quotes, 1_000_000))
    rows += watch.rows(args.quotes, "quotes")
    write_section("Replay", rows, path=args.report)


if __name__ == "__main__":
    main()
