"""Numbers of the dashboard for people, and how loud they are.

What: `Tone`, and texts of prices, shares, durations, ratios; one spelling on every page and in the
terminal.
Invariants: what is not known is a dash, never 0; prices are cut after four decimals, not rounded.
Must never: decide anything.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from surefill.core.units import NANO, to_text, to_usd_text

NOTHING = "-"
NEW_YORK = ZoneInfo("America/New_York")
PX_STEP = 100_000
"""1e-9 USD: four decimals."""


class Tone(StrEnum):
    """How loud something is."""

    GOOD = "good"
    PLAIN = "plain"
    WARN = "warn"
    BAD = "bad"


def px_text(nano: int | None) -> str:
    """A price (1e-9 USD)."""
    return NOTHING if nano is None else to_usd_text(nano // PX_STEP * PX_STEP)


def qty_text(nano: int | None) -> str:
    """Shares (1e-9)."""
    return NOTHING if nano is None else to_text(nano)


def usd_text(nano: int | None) -> str:
    """Money made or lost (1e-9 USD), cut to cents, signed."""
    if nano is None:
        return NOTHING
    cents = abs(nano) // 10_000_000
    sign = "-" if nano < 0 else "+"
    return f"{sign}{cents // 100}.{cents % 100:02d}"


def seconds_text(ns: int) -> str:
    """A duration: ``0.213 s``, ``12.4 s``, ``3 min 05 s``, ``2 h 07 min``."""
    if ns < 10 * NANO:
        return f"{ns // 1_000_000 / 1_000:.3f} s"
    if ns < 60 * NANO:
        return f"{ns // 100_000_000 / 10:.1f} s"
    minutes, seconds = divmod(ns // NANO, 60)
    if minutes < 60:
        return f"{minutes} min {seconds:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def clock_text(at_ns: int) -> str:
    """The time of day in New York: ``10:00:03``."""
    at = datetime.fromtimestamp(at_ns // NANO, tz=UTC).astimezone(NEW_YORK)
    return f"{at:%H:%M:%S}"


def date_text(at_ns: int) -> str:
    """Day and time in New York: ``2026-03-02 10:00``."""
    at = datetime.fromtimestamp(at_ns // NANO, tz=UTC).astimezone(NEW_YORK)
    return f"{at:%Y-%m-%d %H:%M}"


def signed_text(value: Decimal | None) -> str:
    """With its sign; positive slippage is cost."""
    return NOTHING if value is None else f"{value:+}"


def ratio_text(value: Decimal | None) -> str:
    """Reward/risk with two decimals, cut toward zero."""
    return NOTHING if value is None else f"{int(value * 100) / 100:.2f}"


def change_text(planned: Decimal | None, now: Decimal | None) -> str:
    """What was planned and what became of it: ``2.00 → 1.94``."""
    if now is None:
        return ratio_text(planned)
    return f"{ratio_text(planned)} → {ratio_text(now)}"


def plural(count: int, noun: str) -> str:
    """``1 share``, ``25 shares``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def shares_text(nano: int) -> str:
    """``1 share``, ``2.5 shares``."""
    return f"{to_text(nano)} share" + ("" if nano == NANO else "s")
