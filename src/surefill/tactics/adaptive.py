"""`adaptive`: post while the book is for us, cross when it is about to leave.

Source: queue imbalance tells the next price move (Gould and Bonart 2016; the microprice of Stoikov
2018); posting against it means being filled just before the price is gone (adverse selection:
Glosten and Milgrom 1985). So: cross when the sizes say that the far side is about to move away,
when little is left of the time, or when one more tick would put the far side beyond the worst
price; otherwise join the near side, and improve it where the spread has room.
"""

from __future__ import annotations

from dataclasses import dataclass

from surefill.core.market import Nbbo
from surefill.core.tactic import EntryView, ProtectionStyle, WantedEntry
from surefill.tactics.quoting import followed

LEAVING_PERCENT = 85
"""Share of the near side in the displayed size from which the far side is about to move away."""
IMPROVE_PERCENT = 60
"""Share from which a better price than the near side is worth its tick."""


@dataclass(frozen=True, slots=True)
class AdaptiveTactic:
    """Post or cross by imbalance, time left, spread and distance to the worst price."""

    name: str = "adaptive"
    style: ProtectionStyle = ProtectionStyle.OCO
    is_reactive: bool = True

    def wanted(self, view: EntryView, now: int) -> WantedEntry | None:
        """The near side, one tick better, or the far side; see the module."""
        return followed(view, now, lambda nbbo: _price(view, nbbo))


def _price(view: EntryView, nbbo: Nbbo) -> int | None:
    """The limit to rest at (1e-9 USD), or ``None`` to cross."""
    pressure = _near_percent(view, nbbo)
    if pressure >= LEAVING_PERCENT or _is_at_the_edge(view, nbbo):
        return None
    near_px = nbbo.near_px(view.sign)
    tick_px = view.ticks.tick_at(near_px)
    has_room = nbbo.ask_px - nbbo.bid_px >= 2 * tick_px
    return near_px + view.sign * tick_px if has_room and pressure >= IMPROVE_PERCENT else near_px


def _near_percent(view: EntryView, nbbo: Nbbo) -> int:
    """Share of the near side in the displayed size; 0 where no size is known."""
    near_qty, far_qty = nbbo.bid_qty, nbbo.ask_qty
    if view.sign < 0:
        near_qty, far_qty = far_qty, near_qty
    return 100 * near_qty // (near_qty + far_qty) if near_qty + far_qty else 0


def _is_at_the_edge(view: EntryView, nbbo: Nbbo) -> bool:
    """The far side is inside the worst price; one more tick against us and it is not."""
    far_px = nbbo.far_px(view.sign)
    left_px = view.sign * (view.terms.worst_px - far_px)
    return 0 <= left_px < view.ticks.tick_at(far_px)
