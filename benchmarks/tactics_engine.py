"""The same plans through the production engine: a check of `benchmarks.entries`, and what it adds.

    python -m benchmarks.tactics_engine --symbol IBM --date 20131007 --path legacy --path adaptive

Replays plans of `tactics_plans` (fresh signals, one side a slot in turn, far enough apart that one
trade has ended when the next comes) with cover, requests, latencies and the auditor, cover resting
beside the entry. Prints a row a path: plans, mean shortfall in bps, complete plans, violations.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks.entries import terms_of
from benchmarks.tactics import reachable
from benchmarks.tactics_plans import Part, columns_of, day_of, plans_of, tapes_root
from surefill.core.plan import SECOND_NS
from surefill.replay.comparison import demo_scope, play_path, stream_of_day
from surefill.replay.execution import market_of, parents_of_path
from surefill.replay.plan_source import FilePlans
from surefill.sim.tape import find_tape
from surefill.tca.analysis import analysis_of

SEED, EVERY_S = 7, 150


def main() -> None:
    """Play and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--symbol", required=True)
    parser.add_argument("--date", type=int, required=True)
    parser.add_argument("--path", action="append", required=True)
    parser.add_argument("--hours", type=int, default=24, help="of the day, from the open")
    args = parser.parse_args()
    part = Part(args.symbol, args.date, to_ns=args.hours * 3_600 * SECOND_NS)
    tape = columns_of(part)
    day = day_of(tape)
    both = [
        draw for draw in plans_of(part, day, every_s=EVERY_S) if draw.plan.signal_ns == draw.at_ns
    ]
    draws = [pair for n, pair in enumerate(both) if n % 2 == n // 2 % 2]
    reach = {
        draw.plan.plan_id: reachable(day, draw, terms_of(draw.plan).worst_px) for draw in draws
    }
    found = find_tape(tapes_root(), part.symbol, part.date)
    stream = stream_of_day(found, SEED, demo_scope(), source=FilePlans(tuple(draws)))
    markets = {tape.symbol: market_of(tape, stream.session.close_ns)}
    for path in args.path:
        is_legacy = path == "legacy"
        result = play_path(
            stream,
            seed=SEED,
            is_legacy=is_legacy,
            tactic=None if is_legacy else path,
            beside=True,
        )
        parents = parents_of_path(stream, result, path, markets=markets)
        costs = [one.shortfall.ppb for one in map(analysis_of, parents) if one.shortfall]
        within = [one for one in parents if reach[one.plan_id]]
        whole = sum(one.qty == one.order_qty for one in within)
        sys.stdout.write(
            f"| {part.name} | {path} | {len(costs)} | {sum(costs) / len(costs) / 100_000:+.2f} | "
            f"{100 * whole / len(within):.1f} % | {len(result.report.violations)} |\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main()
