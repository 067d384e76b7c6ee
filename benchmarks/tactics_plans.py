"""The plans of the tactics' evidence: the same for every path and model, sizes and signals in turn.

At each slot of time a purchase and a sale of one size on one age of signal: what the market does
afterwards hits one of the two, so that luck of direction falls out. The signal is the mid, exactly
(half a tick where the spread is one): neither side of the book is flattered. The parts of the days:
7 and 8 October 2013 to choose, 9 October to judge; AMZN has one day, its morning is for choosing
and its afternoon for judging.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from random import Random

from benchmarks.entries import Day, Row
from surefill.core.fix import Side
from surefill.core.plan import SECOND_NS, ExitsByDistance, TradePlan
from surefill.core.units import CENT, NANO
from surefill.sim.calendar import session_on
from surefill.sim.columns import TapeColumns, merged_ns, only_evidence
from surefill.sim.tape import find_tape, open_tape
from surefill.sim.workload import Draw

SIZES = (100, 500, 2_000)
STALE_S = (0, 60)
BUDGET_S, HOLD_S = 60, 75
WARM_UP_S, CUTOFF_S = 120, 900
RISK_PPM = 10_000
"""The stop is a hundredth of the price away: nothing reaches it in a minute."""
NOON_NS = 3 * 3_600 * SECOND_NS + 900 * SECOND_NS
"""12:45, from the open: the middle of AMZN's day."""


@dataclass(frozen=True, slots=True)
class Part:
    """A symbol-day, or a part of one: from and to in ns after the open."""

    symbol: str
    date: int
    from_ns: int = 0
    to_ns: int = 1 << 60

    @property
    def name(self) -> str:
        """Unique."""
        half = "" if self.to_ns - self.from_ns == 1 << 60 else "-pm" if self.from_ns else "-am"
        return f"{self.symbol}-{self.date}{half}"


PARTS: Mapping[str, tuple[Part, ...]] = {
    "fit": (
        *(Part(symbol, date) for date in (20131007, 20131008) for symbol in ("AIG", "BAC", "IBM")),
        Part("AMZN", 20120621, to_ns=NOON_NS),
    ),
    "check": (
        *(Part(symbol, 20131009) for symbol in ("AIG", "BAC", "IBM")),
        Part("AMZN", 20120621, from_ns=NOON_NS),
    ),
}


def tapes_root() -> Path:
    """Where recorded tapes are looked for."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "tapes"
    return Path(os.environ.get("SUREFILL_TAPES") or beside)


def columns_of(part: Part) -> TapeColumns:
    """The regular hours of the day, without prints that prove nothing."""
    session = session_on(part.date)
    found = find_tape(tapes_root(), part.symbol, part.date)
    tape = open_tape(found, start_ns=session.open_ns, end_ns=session.close_ns)
    return only_evidence(tape.columns())


def day_of(tape: TapeColumns) -> Day:
    """The same as rows in merged order."""
    times, is_print = merged_ns(tape)
    quote_columns = (tape.quote_ns, tape.bid_px, tape.bid_qty, tape.ask_px, tape.ask_qty)
    quotes: list[Row] = list(zip(*(one.tolist() for one in quote_columns), strict=True))
    print_columns = (tape.print_ns, tape.print_px, tape.print_qty)
    prints: list[Row] = list(zip(*(one.tolist() for one in print_columns), strict=True))
    next_quote, next_print = iter(quotes), iter(prints)
    rows = [next(next_print) if flag else next(next_quote) for flag in is_print.tolist()]
    return Day(tape.symbol, rows, times.tolist(), quotes, tape.quote_ns.tolist())


def plans_of(part: Part, day: Day, *, every_s: int, seed: int = 7) -> Iterator[Draw]:
    """A purchase and a sale a slot; none where the market is locked, crossed or one-sided."""
    session = session_on(part.date)
    chance = Random(f"{seed}:{part.symbol}:{part.date}")
    first_ns = session.open_ns + WARM_UP_S * SECOND_NS
    last_ns = session.close_ns - CUTOFF_S * SECOND_NS
    every_ns = every_s * SECOND_NS
    kinds: list[tuple[int, int]] = []
    for n, slot_ns in enumerate(range(first_ns, last_ns, every_ns)):
        if not kinds:
            kinds = list(product(SIZES, STALE_S))
            chance.shuffle(kinds)
        size, stale_s = kinds.pop()
        at_ns = slot_ns + chance.randrange(every_ns // 4)
        is_inside = part.from_ns <= at_ns - session.open_ns < part.to_ns
        signal_px = _mid_px(day, at_ns - stale_s * SECOND_NS)
        if not is_inside or signal_px is None or _mid_px(day, at_ns) is None:
            continue
        for side in (Side.BUY, Side.SELL_SHORT):
            plan = TradePlan(
                plan_id=f"{part.symbol}-{n:04d}-{size}-{stale_s}-{side.sign}",
                symbol=part.symbol,
                side=side,
                signal_px=signal_px,
                exits=_exits(signal_px),
                order_qty=size * NANO,
                signal_ns=at_ns - stale_s * SECOND_NS,
                overrides=(("fill_timeout_ns", BUDGET_S * SECOND_NS),),
                exit_at_ns=at_ns + HOLD_S * SECOND_NS,
            )
            yield Draw(at_ns, plan, False)


def _exits(signal_px: int) -> ExitsByDistance:
    risk_px = signal_px * RISK_PPM // 1_000_000 // CENT * CENT
    return ExitsByDistance(max(3 * CENT, risk_px), 3 * NANO)


def _mid_px(day: Day, at_ns: int) -> int | None:
    """The mid of a two-sided, not locked market at this instant, 1e-9 USD."""
    _, bid_px, _, ask_px, _ = day.quote_at(at_ns)
    return (bid_px + ask_px) // 2 if 0 < bid_px < ask_px else None
