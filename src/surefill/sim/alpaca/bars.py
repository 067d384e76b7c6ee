"""Bars: prints summed up by minute, and minutes by any longer step (alpaca.md 5).

What: `Bar`, `Timeframe` (``5Min``, ``1Hour``, ``1Day``, ``1Week``, ``3Month``) and `gathered`.
Invariants: a bar starts on the New York clock (hours count from midnight, weeks from Monday);
sums are exact, so a day made of minutes equals a day made of prints.
Must never: make a bar in which nothing was printed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from surefill.core.market import Print
from surefill.core.values import replace
from surefill.sim.alpaca.text import NEW_YORK, NS_PER_S, new_york_date

NS_PER_MINUTE = 60_000_000_000
NS_PER_HOUR = 60 * NS_PER_MINUTE

_UNITS = {"min": "Min", "t": "Min", "hour": "Hour", "h": "Hour", "day": "Day", "d": "Day"}
_LONG_UNITS = {"week": "Week", "w": "Week", "month": "Month", "m": "Month"}
_COUNTS = {
    "Min": range(1, 60),
    "Hour": range(1, 24),
    "Day": (1,),
    "Week": (1,),
    "Month": (1, 2, 3, 4, 6, 12),
}
_FORM = re.compile(r"([0-9]{1,2})([A-Za-z]+)")


@dataclass(slots=True)
class Bar:
    """Open, high, low, close (1e-9 USD), volume (1e-9 share), turnover (1e-18), prints."""

    start_ns: int
    open_px: int
    high_px: int
    low_px: int
    close_px: int
    qty: int = 0
    cost: int = 0
    prints: int = 0

    def add(self, print_: Print) -> None:
        """Take in one print."""
        self.high_px = max(self.high_px, print_.px)
        self.low_px = min(self.low_px, print_.px)
        self.close_px = print_.px
        self.qty += print_.qty
        self.cost += print_.px * print_.qty
        self.prints += 1

    def absorb(self, later: Bar) -> None:
        """Take in a later bar."""
        self.high_px = max(self.high_px, later.high_px)
        self.low_px = min(self.low_px, later.low_px)
        self.close_px = later.close_px
        self.qty += later.qty
        self.cost += later.cost
        self.prints += later.prints


@dataclass(frozen=True, slots=True)
class Timeframe:
    """How long a bar is: ``count`` of ``unit`` (Min, Hour, Day, Week, Month)."""

    count: int
    unit: str

    @staticmethod
    def of(text: str) -> Timeframe | None:
        """The timeframe of ``5Min`` or ``5T``; ``None`` when there is none."""
        match = _FORM.fullmatch(text)
        if match is None:
            return None
        word = match[2].lower()
        unit = _UNITS.get(word) or _LONG_UNITS.get(word)
        count = int(match[1])
        return Timeframe(count, unit) if unit and count in _COUNTS[unit] else None

    def start_ns(self, ns: int) -> int:
        """Start of the bar that holds ``ns``."""
        if self.unit == "Min" and self.count == 1:
            return ns // NS_PER_MINUTE * NS_PER_MINUTE
        day = date.fromisoformat(new_york_date(ns))
        if self.unit in ("Min", "Hour"):
            step_ns = self.count * (NS_PER_MINUTE if self.unit == "Min" else NS_PER_HOUR)
            midnight_ns = midnight_of(day)
            return midnight_ns + (ns - midnight_ns) // step_ns * step_ns
        if self.unit == "Week":
            day -= timedelta(days=day.weekday())
        elif self.unit == "Month":
            day = day.replace(month=(day.month - 1) // self.count * self.count + 1, day=1)
        return midnight_of(day)


def midnight_of(day: date) -> int:
    """UTC ns of the beginning of a New York day."""
    moment = datetime(day.year, day.month, day.day, tzinfo=NEW_YORK)
    return int(moment.timestamp()) * NS_PER_S


def gathered(minutes: Iterable[Bar], timeframe: Timeframe) -> list[Bar]:
    """Minute bars (in time order) as bars of a timeframe."""
    bars: list[Bar] = []
    for minute in minutes:
        start_ns = timeframe.start_ns(minute.start_ns)
        if bars and bars[-1].start_ns == start_ns:
            bars[-1].absorb(minute)
        else:
            bars.append(replace(minute, start_ns=start_ns))
    return bars
