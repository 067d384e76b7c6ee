"""Implementation shortfall: what a plan cost against a paper portfolio, split without a rest.

What: `ImplementationShortfall` and `shortfall_of`.
Formula, with s = +1 for a purchase and -1 for a sale, q the quantity and p the price of each fill,
D the paper (decision) price, A the arrival mid, m the mid just before the fill, U the missed
quantity, E what a missed share would have cost at the end, F the fees:

    shortfall   = sum s q (p - D) + s U (E - D) + F
    delay       = sum s q (A - D)        the market moved before the plan arrived
    timing      = sum s q (m - A)        it moved between arrival and the fill
    spread      = sum s q (p - m)        what was paid beyond the mid; negative: earned
    opportunity = s U (E - D)            what was not entered, on the far side with its depth
    fees        = F

    delay + timing + spread + opportunity + fees = shortfall, to the last unit

Sign: positive is cost. Unit: 1e-18 USD; `ImplementationShortfall.ppb` relates it to the paper
value. Sources: Perold, "The Implementation Shortfall: Paper Versus Reality", J. Portfolio
Management 14(3), 1988 (execution and opportunity cost); Wagner & Edwards, Financial Analysts
Journal 49(1), 1993, and Kissell, J. Trading 1(3), 2006 (delay apart); Almgren & Chriss, J. Risk 3,
2000 (cost against arrival). The part between arrival and fill is called timing, not impact: a
replayed market does not react, so nothing here measures impact.
Invariants: a part that cannot be known is ``None``, and so is what depends on it; a missed share is
never free.
Must never: round before the sum is made.
"""

from __future__ import annotations

from dataclasses import dataclass

from surefill.core.units import NANO
from surefill.tca.facts import COSTLESS
from surefill.tca.parent import Parent


@dataclass(frozen=True, slots=True, kw_only=True)
class ImplementationShortfall:
    """All in 1e-18 USD, positive is cost. ``execution`` = delay + timing + spread; the three are
    ``None`` together where a mid is unknown. ``paper``: the value of the paper portfolio."""

    execution: int
    opportunity: int
    fees: int
    paper: int
    delay: int | None
    timing: int | None
    spread: int | None

    @property
    def total(self) -> int:
        """The whole shortfall."""
        return self.execution + self.opportunity + self.fees

    @property
    def ppb(self) -> int:
        """The whole, of the paper value, rounded down."""
        return self.total * NANO // self.paper

    def part_ppb(self, part: int | None) -> int | None:
        """One part, of the paper value, rounded down."""
        return None if part is None else part * NANO // self.paper


def shortfall_of(
    parent: Parent, *, missed_cost: int | None = None
) -> ImplementationShortfall | None:
    """The shortfall of a plan; ``None`` while it works, without a paper price, or where nobody
    knows what the missed shares would have cost. ``missed_cost`` (1e-18 USD) stands in for what
    they would have cost when the budget ended: the sensitivities."""
    paper_px = parent.paper_px
    if paper_px is None or parent.fate in COSTLESS or not parent.order_qty:
        return None
    sign, missed_qty = parent.sign, parent.missed_qty
    end_cost = missed_cost if missed_cost is not None else parent.marks.end_cost
    if missed_qty and end_cost is None:
        return None
    execution = sign * (parent.cost - paper_px * parent.qty)
    delay, timing, spread = _parts(parent, paper_px)
    return ImplementationShortfall(
        execution=execution,
        opportunity=sign * ((end_cost or 0) - paper_px * missed_qty) if missed_qty else 0,
        fees=parent.fees,
        paper=paper_px * (parent.qty + missed_qty),
        delay=delay,
        timing=timing,
        spread=spread,
    )


def _parts(parent: Parent, paper_px: int) -> tuple[int | None, int | None, int | None]:
    """(delay, timing, spread); of nothing entered all are 0."""
    if not parent.fills:
        return 0, 0, 0
    arrival_px = parent.marks.arrival_px
    mids = [(fill.qty, fill.mid_px) for fill in parent.fills]
    if arrival_px is None or any(mid_px is None for _, mid_px in mids):
        return None, None, None
    sign, qty = parent.sign, parent.qty
    at_mid = sum(last_qty * (mid_px or 0) for last_qty, mid_px in mids)
    return (
        sign * (arrival_px - paper_px) * qty,
        sign * (at_mid - arrival_px * qty),
        sign * (parent.cost - at_mid),
    )
