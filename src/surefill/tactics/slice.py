"""`slice`: a large entry in pieces: no more shown than others show, no faster than planned.

Source: three rules of every broker's toolbox, together. *Iceberg*: an order larger than what others
display tells who is there, so a piece is as large as the side that it joins (Esser and Mönch 2007).
*TWAP*: with a deadline and no opinion, even pieces over the time cost least (Bertsimas and Lo
1998): a piece rests on the near side until the plan falls a piece behind the clock, then a piece
is taken from the far side, at most what is displayed there. *POV*: where the feed knows the volume,
a piece is at most `SHARE_PERCENT` of what trades in one step (Almgren and Chriss 2000).
The request budget bounds all three: `quoting.QUOTES_MAX` orders are enough for the whole plan, so
pieces grow where they would be too many.
Needs a broker that lets exits rest beside a working entry (`EntryView.may_slice`): each piece is
covered as it fills. Where it does not, the entry is one order, and only the clock is left.
Must never: leave what is missing to the last second: it is taken when time runs out, as by every
tactic that follows the market.
"""

from __future__ import annotations

from dataclasses import dataclass

from surefill.core.fix import OrdType
from surefill.core.market import Nbbo
from surefill.core.plan import SECOND_NS
from surefill.core.tactic import EntryView, ProtectionStyle, WantedEntry
from surefill.core.units import NANO
from surefill.core.values import replace
from surefill.tactics.quoting import QUOTES_MAX, asked_again, cross_ns, quoted, touch

SHARE_PERCENT = 20
"""Of the volume: more than a fifth of what trades is said to move prices."""
VOLUME_S = 300
"""`MarketView.volume_qty` counts so many seconds."""
STEPS = QUOTES_MAX - 2
"""Pieces of an even schedule; two orders are left for the end."""


@dataclass(frozen=True, slots=True)
class SliceTactic:
    """Pieces by displayed size, volume and clock."""

    name: str = "slice"
    style: ProtectionStyle = ProtectionStyle.OCO
    is_reactive: bool = True

    def wanted(self, view: EntryView, now: int) -> WantedEntry | None:
        """The piece of this moment, resting or taking."""
        if now >= view.deadline_ns:
            return None
        nbbo = touch(view, now)
        if nbbo is None:
            return view.working
        far_px, late_ns = nbbo.far_px(view.sign), cross_ns(view)
        is_inside = view.sign * (view.terms.worst_px - far_px) >= 0
        if is_inside and now >= late_ns:
            return WantedEntry(OrdType.LIMIT, view.terms.worst_px)
        near_qty, far_qty = nbbo.bid_qty, nbbo.ask_qty
        if view.sign < 0:
            near_qty, far_qty = far_qty, near_qty
        piece_qty = _piece_qty(view, near_qty)
        behind_ns = _behind_ns(view, piece_qty)
        if is_inside and now >= behind_ns:
            taken = _reaching(view, far_px) or WantedEntry(OrdType.LIMIT, far_px)
            return asked_again(replace(taken, order_qty=_piece_qty(view, far_qty)), late_ns)
        wanted = replace(quoted(view, now, _near_px(view, nbbo)), order_qty=piece_qty)
        wakes = [at_ns for at_ns in (behind_ns, late_ns) if at_ns > now]
        return asked_again(wanted, min(wakes)) if wakes else wanted


def _near_px(view: EntryView, nbbo: Nbbo) -> int:
    return nbbo.near_px(view.sign)


def _reaching(view: EntryView, far_px: int) -> WantedEntry | None:
    """The order of this moment, if it takes from the far side already."""
    working = view.working
    if working is None or working.limit_px is None:
        return None
    return working if view.sign * (working.limit_px - far_px) >= 0 else None


def _piece_qty(view: EntryView, shown_qty: int) -> int:
    """Whole shares (1e-9) of the next piece beside ``shown_qty`` displayed ones."""
    left_orders = STEPS - view.quotes
    if not view.may_slice or left_orders <= 1:
        return view.leaves_qty
    piece_qty = shown_qty
    volume_qty = view.market.volume_qty if view.market is not None else None
    if volume_qty is not None:
        step_ns = (cross_ns(view) - view.started_ns) // STEPS
        traded_qty = volume_qty * step_ns // (VOLUME_S * SECOND_NS)
        piece_qty = min(piece_qty, traded_qty * SHARE_PERCENT // 100)
    piece_qty = max(piece_qty, -(-view.leaves_qty // left_orders))
    return min(view.leaves_qty, -(-piece_qty // NANO) * NANO)


def _behind_ns(view: EntryView, piece_qty: int) -> int:
    """When the clock is a piece ahead of what has filled (UTC ns)."""
    total_qty = view.terms.order_qty
    done_qty = total_qty - view.leaves_qty
    span_ns = cross_ns(view) - view.started_ns
    return view.started_ns + span_ns * (done_qty + piece_qty) // total_qty
