"""Repeated measurements, and how they are told: median, spread, ratio."""

from __future__ import annotations

import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Samples:
    """Measurements of one thing, all in one unit."""

    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Sequence[float]) -> Samples:
        """Any sequence of at least one number."""
        return cls(tuple(values))

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.values)

    @property
    def spread(self) -> str:
        """The smallest and the largest."""
        return f"{number(min(self.values))} to {number(max(self.values))}"

    def told(self, unit: str) -> str:
        """``12.3 ms (11.9 to 14.0, n=15)``."""
        return f"{number(self.median)} {unit} ({self.spread}, n={len(self.values)})"

    def at(self, share: float) -> float:
        """The value below which this share of them lies."""
        ordered = sorted(self.values)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def number(value: float) -> str:
    """Three digits that matter."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def ratio(ours: float, theirs: float) -> str:
    """``0.25 x``: ours in theirs."""
    return f"{number(ours / theirs)} x" if theirs else "?"


def python() -> str:
    """The interpreter that measures."""
    return f"Python {platform.python_version()}"


def peak_mb() -> float:
    """The most memory that this process has had. Not ``ru_maxrss``: a child has that from whoever
    started it."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024
