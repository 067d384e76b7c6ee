"""The path not taken: what a market order at a plan's arrival would have met.

What: `shadow_of` prices one plan as the old path's market order: at the far side of the quote that
stood when the plan arrived, with depth as in `tca.market`.
Why: a rollout gives each plan one path; its shadow says for every plan of the smart path, on the
same quote, what the other one asked. `surefill compare legacy@JOURNAL shadow@JOURNAL` says how well
that pricing meets what market orders really got.
What it cannot say: what a resting order would have got (nobody knows its queue), and what became of
the trade afterwards. Hence there is a shadow of the market order alone, and it has no outcome.
Invariants: denied plans have one too (the old path had no gate); a plan without a quote at its
arrival, or without a quantity, has a shadow whose cost is unknown.
Must never: take a quote that came after the plan.
"""

from __future__ import annotations

from surefill.core.values import replace
from surefill.tca.facts import Fate
from surefill.tca.market import far_cost
from surefill.tca.parent import Execution, Marks, Parent

SHADOW = "shadow"
"""The name of this path."""


def shadow_of(parent: Parent) -> Parent:
    """The same plan as a market order at its arrival; pending where nobody knows its price, or
    where the plan never asked for an order."""
    marks, qty = parent.marks, parent.order_qty
    cost = None
    if marks.arrival is not None and qty > 0 and parent.fate is not Fate.NOT_TRIGGERED:
        cost = far_cost(marks.arrival, parent.sign, qty=qty)
    fills: tuple[Execution, ...] = ()
    if cost is not None:
        # Rounded toward cost, by less than 1e-9 USD a share.
        px = parent.sign * -(-parent.sign * cost // qty)
        fills = (Execution(qty, px, parent.arrival_ns, marks.arrival_px),)
    return replace(
        parent,
        path=SHADOW,
        fate=Fate.ENTERED if fills else Fate.PENDING,
        code=SHADOW,
        end_ns=parent.arrival_ns,
        fills=fills,
        closings=(),
        orders=(),
        fees=0,
        worst_px=None,
        rest_stop_px=None,
        rest_target_px=None,
        uncovered_share_ns=None,
        uncovered_ns=None,
        marks=Marks(arrival=marks.arrival, arrival_px=marks.arrival_px),
    )
