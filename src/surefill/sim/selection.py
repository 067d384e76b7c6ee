"""What of a recorded tape is asked for, where it lies, and what comes back: shared by the readers.

Must never: import numpy (readers do, when they are used).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

RECORD = "record.json"
"""Beside a recorded partition: where it comes from, what was counted, where it has gaps."""

if TYPE_CHECKING:
    from surefill.sim.columns import TapeColumns


@dataclass(frozen=True, slots=True)
class TapeDay:
    """Where one recorded day lies: the two files (or one twice, where one file holds both), the
    symbol and the New York date (yyyymmdd)."""

    quotes_path: Path
    trades_path: Path
    symbol: str
    date: int


@dataclass(frozen=True, slots=True)
class Selection:
    """What to read: one symbol, one New York date (yyyymmdd), optionally a window in UTC ns."""

    symbol: str
    date: int
    start_ns: int | None = None
    end_ns: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """One selection. ``dropped``: (cause, prints) of prints that are no evidence; ``noted``: (what,
    how many) of whatever else the format says about itself; ``beyond_count``: rows of the symbol
    and day outside the window; ``gaps``: (start, end) in UTC ns in which nothing was recorded."""

    columns: TapeColumns
    dropped: tuple[tuple[str, int], ...] = ()
    noted: tuple[tuple[str, int], ...] = ()
    beyond_count: int = 0
    gaps: tuple[tuple[int, int], ...] = ()
