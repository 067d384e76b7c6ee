"""The bracket rule alone, over columns: what a market would have done with entries and exits.

What: `brackets` takes columns of bids and asks, the rows at which somebody would like to enter, and
the distance of stop and target; it enters at the far side when flat, leaves at the near side that
reached the stop or at the target's own price, and says row by row how that went.
Why: a study begins with a thousand settings of which nine hundred are hopeless; this finds them at
memory speed. What is left is played by the production engine (`surefill sweep`), because this
knows no latency, no queue, no partial fill, no rejection and no cover that takes time.
How: `scan` is plain Python and the reference. With the extra `kernel` the same source is compiled
by numba; both are held against an independent rule in the tests.
Must never: be taken for a replay; nothing here has been at a venue.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

Ticks = npt.NDArray[np.integer[Any]]
Rows = npt.NDArray[np.int64]
Scan = Callable[..., int]


@dataclass(frozen=True, slots=True, eq=False)
class Brackets:
    """Round trips in order: rows of entry and exit, and their prices in the unit of the columns.

    One that is still open at the end is none.
    """

    entry: Rows
    exit: Rows
    entry_px: Rows
    exit_px: Rows
    sign: int

    @property
    def made(self) -> Rows:
        """What each made a share, in the unit of the columns; positive is gain."""
        found: Rows = self.sign * (self.exit_px - self.entry_px)
        return found

    def __len__(self) -> int:
        return len(self.entry)


def brackets(
    bid: Ticks,
    ask: Ticks,
    starts: Rows,
    *,
    sign: int,
    stop: int,
    target: int,
    compiled: bool = True,
) -> Brackets:
    """Trade the columns by the rule. ``starts``: rows, ascending, at which to enter if flat;
    ``sign``: +1 long, -1 short; ``stop`` and ``target``: distances from the entry, above zero.

    ``compiled``: by numba where it is installed (extra `kernel`); the result is the same.
    Raises ``ValueError`` for columns that are not of one length, for rows that are out of order or
    not there, and for a distance or sign that makes no bracket.
    """
    if len(bid) != len(ask):
        raise ValueError(f"{len(bid)} bids and {len(ask)} asks are no quotes")
    if sign not in (1, -1) or stop <= 0 or target <= 0:
        raise ValueError(f"sign {sign}, stop {stop}, target {target}: no bracket")
    if len(starts) and not (
        starts[0] >= 0 and starts[-1] < len(bid) and np.all(np.diff(starts) > 0)
    ):
        raise ValueError("the rows to enter at have to be ascending rows of the columns")
    out = np.empty((4, len(starts)), dtype=np.int64)
    near, far = (bid, ask) if sign > 0 else (ask, bid)
    rule, found = (sign, stop, target), compiled_scan() if compiled else None
    if found is not None:
        count = found((near, far, starts), rule, out)
    else:
        # Lists, because plain Python reads an array's element ten times slower than a list's.
        count = scan((near.tolist(), far.tolist(), starts.tolist()), rule, out)
    entry, left, entry_px, exit_px = (row[:count].copy() for row in out)
    return Brackets(entry, left, entry_px, exit_px, sign)


def scan(columns: Any, rule: Any, out: Any) -> int:
    """Round trips done; their rows and prices go into ``out``. The same source for Python and for
    numba: plain loops, no objects. ``columns``: the near side, the far side, the starts."""
    near, far, starts = columns
    sign, stop, target = rule
    count, row, rows = 0, 0, len(near)
    for start in starts:
        if start < row:
            continue
        paid = far[start]
        low, high = paid - sign * stop, paid + sign * target
        if sign < 0:
            low, high = high, low
        row = start + 1
        while row < rows and low < near[row] < high:
            row += 1
        if row >= rows:
            break
        is_target = near[row] >= high if sign > 0 else near[row] <= low
        out[0, count], out[1, count], out[2, count] = start, row, paid
        out[3, count] = paid + sign * target if is_target else near[row]
        count += 1
    return count


@cache
def compiled_scan() -> Scan | None:
    """`scan` compiled; ``None`` without the extra `kernel`."""
    try:
        import numba
    except ImportError:
        return None
    found: Scan = numba.njit(scan)
    return found
