"""Public messages about a market that are neither quote, print nor status.

What: a print corrected or canceled, price bands, an auction's imbalance, the end of a minute. They
tell clients something; only price bands also bind the exchange (`Exchange.on_bands`).
Units: prices 1e-9 USD, quantities 1e-9 share, times UTC ns. ``number`` counts the prints of a
symbol from 1, in the order they were made.
Must never: execute anything.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PrintCorrection:
    """Print ``number`` was really ``px`` and ``qty``."""

    symbol: str
    number: int
    px: int
    qty: int
    venue_ns: int


@dataclass(frozen=True, slots=True)
class PrintCancel:
    """Print ``number`` never was."""

    symbol: str
    number: int
    venue_ns: int


@dataclass(frozen=True, slots=True)
class BandNotice:
    """Limit-up and limit-down prices; ``indicator`` is the tape's letter (B: bands published)."""

    symbol: str
    up_px: int
    down_px: int
    venue_ns: int
    indicator: str = "B"


@dataclass(frozen=True, slots=True)
class ImbalanceNotice:
    """The indicative price of the coming auction of a symbol."""

    symbol: str
    px: int
    venue_ns: int


@dataclass(frozen=True, slots=True)
class MinuteEnd:
    """The minute before ``venue_ns`` is over: its bars are final."""

    venue_ns: int


Notice = PrintCorrection | PrintCancel | BandNotice | ImbalanceNotice | MinuteEnd
