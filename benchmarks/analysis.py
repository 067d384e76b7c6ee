"""Simulation and analysis: seeds a second, a million trades measured, a sweep on two cores.

    python -m benchmarks.analysis --trades 50000 --report docs/reports/2026-11-23-speed.md

The sweep's figure means something only while nothing else runs: it is wall time.
"""

from __future__ import annotations

import argparse
import os
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from benchmarks.samples import Samples, number, peak_mb, ratio
from surefill.core.fix import Leg
from surefill.core.market import Nbbo
from surefill.core.units import NANO
from surefill.replay.comparison import Scope
from surefill.replay.simulate.seeds import play_seed
from surefill.replay.sweep import Choice, play_tasks, synthetic_tasks
from surefill.tca.analysis import analysis_of, rows_of
from surefill.tca.facts import Fate
from surefill.tca.parent import HORIZONS_NS, Closing, Execution, Marks, Parent
from tests.support.report import Row, Stopwatch, write_section

SECOND_NS = 1_000_000_000
CENT_PX = NANO // 100
MILLION = 1_000_000


def made_parent(n: int) -> Parent:
    """A purchase of 100 shares in two fills, closed by its stop: every measure is known."""
    px = 10_000 * CENT_PX + n % 97 * CENT_PX
    later = (px + (n % 7 - 3) * CENT_PX,) * len(HORIZONS_NS)
    at_ns = n * SECOND_NS
    fills = tuple(
        Execution(50 * NANO, px + k * CENT_PX, at_ns + k, px - CENT_PX, later) for k in (0, 1)
    )
    quote = Nbbo(px - CENT_PX, 10**12, px + CENT_PX, 10**12, at_ns, at_ns)
    return Parent(
        plan_id=f"p{n}",
        symbol="ACME",
        sign=1,
        path="smart",
        fate=Fate.ENTERED,
        code="ENTRY_FILLED",
        order_qty=100 * NANO,
        arrival_ns=at_ns,
        end_ns=at_ns + SECOND_NS,
        budget_ns=at_ns + 60 * SECOND_NS,
        signal_px=px,
        fills=fills,
        closings=(Closing(Leg.STOP, 100 * NANO, px - 9 * CENT_PX, at_ns + 9, px - 8 * CENT_PX),),
        stop_px=px - 8 * CENT_PX,
        target_px=px + 20 * CENT_PX,
        worst_px=px + 10 * CENT_PX,
        rest_stop_px=px - 8 * CENT_PX,
        rest_target_px=px + 20 * CENT_PX,
        marks=Marks(arrival=quote, arrival_px=px, adverse_px=px - 9 * CENT_PX, favorable_px=px),
    )


def tca_rows(count: int) -> list[Row]:
    """Measuring plans one by one, and together."""
    parents = [made_parent(n) for n in range(count)]
    before_mb = peak_mb()
    start_s = time.process_time()
    found = [analysis_of(parent) for parent in parents]
    each_s = time.process_time() - start_s
    rows = rows_of(found)
    both_s = time.process_time() - start_s
    assert rows[-1].plans == count
    kept = (peak_mb() - before_mb) * 2**20 / count
    told = f"{each_s / count * 1e6:.0f} us a plan to measure, "
    told += f"{(both_s - each_s) / count * 1e6:.0f} us to sum up; "
    told += f"a million at this rate: {both_s / count * MILLION:,.0f} s of processor time"
    return [
        (f"TCA of {count:,} plans of two fills", told),
        ("memory that measuring a plan takes, beside the plan itself", f"{kept:,.0f} bytes"),
    ]


def seed_rows(count: int) -> list[Row]:
    """Whole simulated days of faults, each judged."""
    taken = []
    for seed in range(count):
        start_s = time.process_time()
        result = play_seed(seed)
        taken.append(time.process_time() - start_s)
        assert not result.violations, result
    told = Samples.of(taken)
    rate = f"{number(len(taken) / sum(taken))} seeds a second of one core"
    return [("simulation", f"{rate}; {told.told('s a seed')}")]


def sweep_rows(days: int) -> list[Row]:
    """The same sweep on one core and on two, wall time, without starting the processes."""
    scope = Scope(plans_max=30, window_ns_max=1800 * SECOND_NS, events_max=20_000)
    choices = [Choice("limit"), Choice("adaptive")]
    tasks = synthetic_tasks(choices, days, model="queue", seed=1, scope=scope)
    taken: dict[int, float] = {}
    cells: dict[int, list[object]] = {}
    for workers in (1, 2):
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            list(pool.map(abs, range(8 * workers)))
            list(play_tasks(tasks[:workers], pool))
            start_s = time.perf_counter()
            found = dict(play_tasks(tasks, pool))
            taken[workers] = time.perf_counter() - start_s
        cells[workers] = [found[n] for n in sorted(found)]
    assert cells[1] == cells[2], "a sweep does not depend on who plays it"
    load = f"load average {os.getloadavg()[0]:.1f}"
    told = f"{number(taken[1])} s / {number(taken[2])} s = {ratio(taken[1], taken[2])} ({load})"
    return [(f"sweep of {len(tasks)} tasks, one core / two", told)]


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--trades", type=int, default=50_000)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--days", type=int, default=6, help="of the sweep")
    parser.add_argument("--report")
    args = parser.parse_args()
    watch = Stopwatch()
    rows = [*tca_rows(args.trades), *seed_rows(args.seeds), *sweep_rows(args.days)]
    rows += watch.rows(args.trades, "trades")
    write_section("Simulation and analysis", rows, path=args.report)


if __name__ == "__main__":
    main()
