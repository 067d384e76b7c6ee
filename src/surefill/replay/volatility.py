"""How far a price moves: the root mean square of the mid's changes, from what was known before.

What: `move_px`, the move to expect within a time, from the seconds before an instant.
How: the mid at whole seconds back from the instant; the mean of the squared changes is the variance
of a second, and variance grows with time as long as changes are independent (Bachelier 1900).
Invariants: integers (1e-9 USD); a second whose quote is one-sided or crossed counts for nothing.
Must never: look at a quote after the instant, or call a price still that was not seen.
"""

from __future__ import annotations

from math import isqrt

import numpy as np

from surefill.sim.columns import TapeColumns

SECOND_NS = 1_000_000_000
WINDOW_S = 300
"""Five minutes back: long enough for a steady number, short enough for this part of the day."""
KNOWN_MIN = 30
"""Changes that must be known: of fewer the square root says nothing."""


def move_px(tape: TapeColumns, at_ns: int, within_s: int) -> int | None:
    """The move to expect within ``within_s`` seconds, 1e-9 USD; ``None`` where too little of the
    time before ``at_ns`` is known."""
    grid = at_ns - SECOND_NS * np.arange(WINDOW_S, -1, -1, dtype=np.int64)
    rows = np.searchsorted(tape.quote_ns, grid, side="right") - 1
    rows = rows[rows >= 0]
    bid_px, ask_px = tape.bid_px[rows], tape.ask_px[rows]
    # Twice the mid, so that no half is lost; 0 where there is none.
    twice = np.where((bid_px > 0) & (bid_px <= ask_px), bid_px + ask_px, 0)
    known = (twice[1:] > 0) & (twice[:-1] > 0)
    changes = (twice[1:] - twice[:-1])[known].tolist()
    if len(changes) < KNOWN_MIN:
        return None
    return isqrt(sum(change * change for change in changes) * within_s // (4 * len(changes)))
