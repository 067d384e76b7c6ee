"""How far the market went against a trade and with it while its shares were held: MAE and MFE.

What: `Excursion`, the extremes of one trade's market with the time for which it was not seen.
Definition: John Sweeney, *Maximum Adverse Excursion* (Wiley 1996): the farthest that price moved
against (MAE) and in favour of (MFE) a position between its entry and its exit. Price is here the
side at which the position could have been closed: the bid of a long, the ask of a short, in regular
hours, by the feed that the engine trades on. `tca.facts` turns it into USD a share and into R.
Invariants: nothing is known of a stretch in which no current quote came (a feed that stopped, a
process that was down): regular time of that kind is counted in ``unseen_ns``, so that an extreme
that nobody saw is never taken for known.
Must never: fill a stretch with a price that was not quoted in it.
"""

from __future__ import annotations

from dataclasses import dataclass

from surefill.core.session import Calendar


@dataclass(frozen=True, slots=True)
class Excursion:
    """``adverse_px`` and ``favorable_px`` (1e-9 USD): the worst and the best at which the position
    could have been closed; ``None`` before the first look. ``seen_ns``: the last look (UTC);
    ``unseen_ns``: regular market time for which there was none."""

    seen_ns: int
    adverse_px: int | None = None
    favorable_px: int | None = None
    unseen_ns: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether the market was seen for as long as the shares were held."""
        return self.adverse_px is not None and self.unseen_ns == 0


def regular_ns(calendar: Calendar, start_ns: int, end_ns: int) -> int:
    """Regular market time between two instants, as far as the calendar reaches."""
    return sum(
        max(0, min(end_ns, one.close_ns) - max(start_ns, one.open_ns)) for one in calendar.sessions
    )
