"""The table of prices that a trader can check by hand, and how its rows are read."""

from __future__ import annotations

from dataclasses import replace

from surefill.core.fix import Side
from surefill.core.plan import ExitsByDistance, ExitsByLevel, Policy, TradePlan
from surefill.core.pricing import EntryTerms, entry_terms
from surefill.core.units import (
    CENT,
    NANO,
    US_EQUITY_TICKS,
    TickBand,
    TickSchedule,
    to_nano,
    to_text,
)

# Exits "by" risk and ratio (by distance), or "at" stop and target (by level). ``first`` is the
# limit that is sent; stop and target are those of a fill at ``worst``. Unless told otherwise the
# cap is 0.10 %, the buffer 0.05 %, the tick $0.01 from $1.00 on and $0.0001 below, the minimum
# ratio 2.
# ``under``: what is less than one tick, so that the limit is the signal price.
TABLE = """
name             | side, signal, exits         | cap worst first stop target        | unlike
150 buy          | long 150 by 1 2             | 150.15 150.15 150.07 149.15 152.15 |
150 sell         | short 150 by 1 2            | 149.85 149.85 149.93 150.85 147.85 |
CRWD             | long 534.82 by 5.35 2       | 535.35 535.35 535.08 530 546.05 |
bound below cap  | long 100 at 98 104.06       | 100.1 100.02 100.02 98 104.06 |
bound is signal  | long 100 at 98 104          | 100.1 100 100 98 104 |
bound off tick   | long 100 at 98 104.05       | 100.1 100.01 100.01 98 104.05 |
bound beyond cap | long 100 at 98 110          | 100.1 100.1 100.05 98 110 |
bound between    | long 100 at 98 104.21       | 100.1 100.07 100.05 98 104.21 |
short bound      | short 100 at 102 95.94      | 99.9 99.98 99.98 102 95.94 |
short, is signal | short 100 at 102 96         | 99.9 100 100 102 96 |
short, off tick  | short 100 at 102 95.95      | 99.9 99.99 99.99 102 95.95 |
short beyond cap | short 100 at 102 90         | 99.9 99.9 99.95 102 90 |
levels off tick  | long 100 at 98.005 104.001  | 100.1 100.01 100.01 98.01 104.01 |
the same, short  | short 100 at 101.996 95.999 | 99.9 99.99 99.99 101.99 95.99 |
thirds           | long 50 by 0.333 2          | 50.05 50.05 50.02 49.72 50.72 |
thirds short     | short 50 by 0.333 2         | 49.95 49.95 49.98 50.28 49.28 |
odd ratio        | long 50 by 0.5 2.01         | 50.05 50.05 50.02 49.55 51.06 |
odd ratio, short | short 50 by 0.5 2.01        | 49.95 49.95 49.98 50.45 48.94 |
sub-dollar       | long 0.8462 by 0.02 2       | 0.847 0.847 0.8466 0.827 0.887 |
sub-dollar short | short 0.8462 by 0.02 2      | 0.8454 0.8454 0.8458 0.8654 0.8054 |
penny stock      | long 0.0999 by 0.01 2       | 0.0999 0.0999 0.0999 0.0899 0.1199 | under=both
up through $1    | long 0.9995 by 0.05 2       | 1 1 0.9999 0.95 1.1 |
down through $1  | short 1.0004 by 0.05 2      | 0.9994 0.9994 0.9999 1.04 0.8994 |
level below $1   | short 1.0004 at 1.02 0.9591 | 0.9994 0.9997 0.9999 1.02 0.9591 |
stop below $1    | long 1.02 by 0.05 2         | 1.02 1.02 1.02 0.97 1.12           | under=both
half-cent tick   | long 20.005 by 0.5 2        | 20.025 20.025 20.015 19.525 21.025 | ticks=half
half-cent, short | short 20.005 by 0.5 2       | 19.985 19.985 19.995 20.485 18.985 | ticks=half
half-cent bound  | long 20 at 19.5 21.02       | 20.02 20.005 20.005 19.5 21.02     | ticks=half
$5               | long 5 by 0.1 2             | 5 5 5 4.9 5.2                      | under=both
$5 short         | short 5 by 0.1 2            | 5 5 5 5.1 4.8                      | under=both
$10              | long 10 by 0.1 2            | 10.01 10.01 10 9.91 10.21          | under=buffer
$9.99            | long 9.99 by 0.1 2          | 9.99 9.99 9.99 9.89 10.19          | under=both
$19.99           | short 19.99 by 0.1 2        | 19.98 19.98 19.99 20.08 19.78      | under=buffer
$20              | long 20 by 0.1 2            | 20.02 20.02 20.01 19.92 20.22 |
no cap at all    | long 150 by 1 2             | 150 150 150 149 152               | cap=0 under=cap
buffer > cap     | long 150 by 1 2             | 150.15 150.15 150.15 149.15 152.15 | buffer=0.01
extended hours   | long 150 by 1 2             | 150.15 150.15 150.03 149.15 152.15 | buffer=0.0002
extended, short  | short 150 by 1 2            | 149.85 149.85 149.97 150.85 147.85 | buffer=0.0002
signal off tick  | long 150.005 by 1 2         | 150.15 150.15 150.08 149.15 152.15 |
off tick, short  | short 150.005 by 1 2        | 149.86 149.86 149.93 150.86 147.86 |
five digits      | long 61234.56 by 1000 3     | 61295.79 61295.79 61265.17 60295.79 64295.79 |
"""
CASES = [
    tuple(column.strip() for column in line.split("|")) for line in TABLE.strip().splitlines()[1:]
]

HALF_CENT = TickSchedule((TickBand(0, NANO // 10_000), TickBand(NANO, CENT // 2)))
SCHEDULES = {"us": US_EQUITY_TICKS, "half": HALF_CENT}
Exits = ExitsByDistance | ExitsByLevel


def level(stop: str, target: str) -> ExitsByLevel:
    return ExitsByLevel(to_nano(stop), to_nano(target))


def distance(risk: str, rr: str = "2") -> ExitsByDistance:
    return ExitsByDistance(to_nano(risk), to_nano(rr))


def plan_of(side: str, signal: str, exits: Exits | None, **changes: object) -> TradePlan:
    plan = TradePlan(
        plan_id="p",
        symbol="X",
        side=Side.BUY if side == "long" else Side.SELL_SHORT,
        signal_px=to_nano(signal),
        exits=exits,
        order_qty=100 * NANO,
    )
    return replace(plan, **changes)  # type: ignore[arg-type]


def terms_of(plan: TradePlan, *, cap: str, buffer: str, ticks: str = "us") -> EntryTerms:
    policy = Policy(max_slippage_ppb=to_nano(cap))
    terms = entry_terms(plan, policy, SCHEDULES[ticks], buffer_ppb=to_nano(buffer))
    assert isinstance(terms, EntryTerms), terms
    return terms


def reasons_of(plan: TradePlan, policy: Policy | None = None) -> list[str]:
    reasons = entry_terms(plan, policy or Policy(), US_EQUITY_TICKS, buffer_ppb=NANO // 2000)
    assert isinstance(reasons, tuple), reasons
    return [str(reason) for reason in reasons]


def under_one_tick(name: str, ratio: str, signal: str) -> str:
    """What a plan is told whose cap or buffer the tick leaves nothing of."""
    percent = to_text(to_nano(ratio) * 100)
    what = f"{name} {percent} % of {signal} is less than one tick"
    return f"CAP_UNDER_ONE_TICK: {what}; the limit is the signal price"
