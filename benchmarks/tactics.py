"""What each way in costs on recorded days: the evidence behind the default tactic.

    python -m benchmarks.tactics --days fit --cache DIR
    python -m benchmarks.tactics --days check --cache DIR
    python -m benchmarks.tactics_report DIR docs/reports/2026-11-23-tactics.md

Every plan of `tactics_plans` down every path under every model of fills (`entries`). A finished
(part, model, path) is a file of the cache and is not played again, so a run may be stopped at any
time. One process, one symbol-day in memory.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.entries import Day, enter, terms_of
from benchmarks.tactics_plans import BUDGET_S, PARTS, columns_of, day_of, plans_of
from surefill.core.plan import SECOND_NS
from surefill.core.units import NANO
from surefill.replay.comparison import MODELS
from surefill.replay.execution import market_of
from surefill.sim.calendar import session_on
from surefill.sim.workload import Draw
from surefill.tactics.registry import TACTICS
from surefill.tca.market import Market

ALONE = "-alone"
"""Suffix of a path on which no exit rests beside a working entry: the default of the settings."""
PATHS = (
    *("legacy", "adaptive", "limit", "passive", "slice", "marketable", "mid", "ladder"),
    *(f"adaptive{ALONE}", f"limit{ALONE}"),
)
FEW = ("legacy", "adaptive", "limit", "passive", "slice")
RUNS = (
    *(("queue", path) for path in PATHS),
    *(("last", path) for path in FEW),
    *(("first", path) for path in FEW),
)
EVERY_S = 120


@dataclass(frozen=True, slots=True)
class Result:
    """One plan. ``shortfall_ppb``: of the signal's value, missed shares at the far side with depth
    when the time is up; ``beyond_ppb``: what its fills paid beyond the mid (what price improvement
    gives a part of back); ``is_reachable``: the far side showed its size inside the worst price."""

    plan_id: str
    at_ns: int
    size: int
    stale_s: int
    filled: int
    shortfall_ppb: int
    beyond_ppb: int
    is_reachable: bool
    filled_ns: int | None


def reachable(day: Day, draw: Draw, worst_px: int) -> bool:
    """Whether the far side showed, at or inside the worst price and within the plan's time, at
    least its size in sum: each change of that side counts anew, as the exchange refills it."""
    sign, end_ns = draw.plan.sign, draw.at_ns + BUDGET_S * SECOND_NS
    shown, before = 0, (0, 0)
    first = bisect_right(day.quote_times, draw.at_ns) - 1
    last = bisect_right(day.quote_times, end_ns)
    for _, bid_px, bid_qty, ask_px, ask_qty in day.quotes[first:last]:
        px, qty = (ask_px, ask_qty) if sign > 0 else (bid_px, bid_qty)
        if (px, qty) != before and px > 0 and sign * (worst_px - px) >= 0:
            shown += qty
        before = (px, qty)
    return shown >= (draw.plan.order_qty or 0)


def play(
    day: Day,
    market: Market,
    draw: Draw,
    *,
    path: str,
    model: str,
    reach: bool,
    prints_percent: int = 100,
) -> Result:
    """One plan down one path. ``prints_percent``: as in `enter`."""
    plan, tactic = draw.plan, TACTICS[path.removesuffix(ALONE)]
    beside = not path.endswith(ALONE)
    fills = enter(
        day,
        plan,
        tactic,
        at_ns=draw.at_ns,
        model=MODELS[model],
        beside=beside,
        prints_percent=prints_percent,
    )
    sign, wanted_qty = plan.sign, plan.order_qty or 0
    qty = sum(fill_qty for _, _, fill_qty in fills)
    assert qty <= wanted_qty
    cost = sum(px * fill_qty for _, px, fill_qty in fills)
    end_ns = draw.at_ns + BUDGET_S * SECOND_NS
    missed = market.far_cost(sign, end_ns, qty=wanted_qty - qty) if qty < wanted_qty else 0
    beyond = 0
    for ns, px, fill_qty in fills:
        before = market.before(ns)
        mid_px = before.mid_px if before is not None else None
        beyond += max(0, sign * (px - mid_px)) * fill_qty if mid_px is not None else 0
    value = plan.signal_px * wanted_qty
    return Result(
        plan.plan_id,
        draw.at_ns,
        wanted_qty // NANO,
        (draw.at_ns - (plan.signal_ns or 0)) // SECOND_NS,
        qty // NANO,
        sign * (cost + (missed or 0) - value) * NANO // value,
        beyond * NANO // value,
        reach,
        fills[-1][0] - draw.at_ns if fills else None,
    )


def play_all(cache: Path, days: str, runs: Sequence[tuple[str, str]], *, every_s: int) -> None:
    """What is missing, part by part."""
    for part in PARTS[days]:
        missing = [run for run in runs if not file_of(cache, part.name, run).exists()]
        if not missing:
            continue
        tape = columns_of(part)
        day = day_of(tape)
        market = market_of(tape, session_on(part.date).close_ns)
        draws = list(plans_of(part, day, every_s=every_s))
        reach = [reachable(day, draw, terms_of(draw.plan).worst_px) for draw in draws]
        for model, path in missing:
            started_s = time.monotonic()
            found = [
                play(day, market, draw, path=path, model=model, reach=is_reachable)
                for draw, is_reachable in zip(draws, reach, strict=True)
            ]
            place = file_of(cache, part.name, (model, path))
            place.parent.mkdir(parents=True, exist_ok=True)
            beside = place.with_suffix(".new")
            beside.write_text("".join(json.dumps(asdict(one)) + "\n" for one in found))
            beside.replace(place)
            took_s = time.monotonic() - started_s
            sys.stderr.write(f"{part.name} {model} {path}: {len(found)} plans, {took_s:.0f} s\n")


def file_of(cache: Path, part: str, run: tuple[str, str]) -> Path:
    """Where the results of a part are kept."""
    return cache / part / f"{run[0]}-{run[1]}.jsonl"


def main() -> None:
    """Play."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--days", choices=tuple(PARTS), required=True)
    parser.add_argument("--cache", type=Path, required=True, help="what is kept between runs")
    parser.add_argument("--every", type=int, default=EVERY_S, help="seconds from slot to slot")
    parser.add_argument("--path", action="append", choices=PATHS, help="only these paths")
    parser.add_argument("--model", action="append", choices=tuple(MODELS), help="only these models")
    args = parser.parse_args()
    runs = [
        (model, path)
        for model, path in RUNS
        if (not args.path or path in args.path) and (not args.model or model in args.model)
    ]
    play_all(args.cache, args.days, runs, every_s=args.every)


if __name__ == "__main__":
    main()
