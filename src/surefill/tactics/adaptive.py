"""`adaptive`: rest on the near side, take the far side where the sizes make it cheap, be done.

Source: displayed sizes tell the next price move (Gould and Bonart 2016), so the fair price is the
microprice, the mid weighted by the opposite sizes (Stoikov 2018). What the far side costs beyond it
is ``spread * far size / (near size + far size)``: half the spread in an even book, little when the
far side is about to leave. Waiting for such a moment is optimal stopping (Cont and Kukanov 2017 for
the split between resting and taking; Obizhaeva and Wang 2013: no more at once than is displayed).
So, in this order:

* time: what is left is taken from `TIME_PER_SIZE_NS` before the end for each displayed size that it
  is worth, and not given up again: a large order on a thin book must begin early to be complete;
* price: the far side is taken where it costs at most `CHEAP_PERCENT` of a tick beyond the
  microprice; `EDGE_PERCENT` where one more tick would put it beyond the worst price. The limit is
  the far side's own price: what is not there any more is not chased, what is missing rests first
  in line;
* else the near side is joined, or improved by one tick where the spread has room: nobody is ahead.

The three numbers were chosen on 7 and 8 October 2013 (docs/reports/2026-11-23-tactics.md). There is
no term of volatility: as a wider edge, as a measure of what is cheap and as an end of patience it
was tried on those days and on the one that judges, and made nothing cheaper (same report; 0.63 to
0.76 of legacy with it, 0.63 without). What it could tell, the room to the worst price in ticks, the
spread and the sizes tell already.
Must never: take a far side whose size is not known as a cheap one.
"""

from __future__ import annotations

from dataclasses import dataclass

from surefill.core.fix import OrdType
from surefill.core.market import Nbbo
from surefill.core.plan import SECOND_NS
from surefill.core.tactic import EntryView, ProtectionStyle, WantedEntry
from surefill.tactics.quoting import asked_again, cross_ns, quoted, touch

CHEAP_PERCENT = 33
"""Of a tick beyond the microprice: so much the far side may cost at any time."""
EDGE_PERCENT = 40
"""The same where the far side is about to leave the worst price behind."""
TIME_PER_SIZE_NS = 3 * SECOND_NS
"""A displayed size is taken to need so long to be there again."""


@dataclass(frozen=True, slots=True)
class AdaptiveTactic:
    """Rest or take by microprice, spread, time left and distance to the worst price."""

    name: str = "adaptive"
    style: ProtectionStyle = ProtectionStyle.OCO
    is_reactive: bool = True

    def wanted(self, view: EntryView, now: int) -> WantedEntry | None:
        """The far side where it is cheap or time is short, else the near side or a tick better."""
        if now >= view.deadline_ns:
            return None
        nbbo = touch(view, now)
        if nbbo is None or _is_taking(view):
            return view.working
        far_px, worst_px = nbbo.far_px(view.sign), view.terms.worst_px
        is_inside = view.sign * (worst_px - far_px) >= 0
        take_ns = _take_ns(view, nbbo)
        if is_inside and now >= take_ns:
            return WantedEntry(OrdType.LIMIT, worst_px)
        if is_inside and _is_cheap(view, nbbo):
            wanted = _taking(view, far_px)
        else:
            wanted = quoted(view, now, _resting_px(view, nbbo))
        return wanted if now >= take_ns else asked_again(wanted, take_ns)


def _is_taking(view: EntryView) -> bool:
    """An order at the worst price has begun to take what is left; it is seen through."""
    return view.working is not None and view.working.limit_px == view.terms.worst_px


def _take_ns(view: EntryView, nbbo: Nbbo) -> int:
    """When what is left has to be taken (UTC ns): the earlier, the more displayed sizes it is."""
    far_qty = _sizes(view, nbbo)[1]
    late_ns = cross_ns(view)
    if not far_qty:
        return late_ns
    return min(late_ns, view.deadline_ns - view.leaves_qty * TIME_PER_SIZE_NS // far_qty)


def _is_cheap(view: EntryView, nbbo: Nbbo) -> bool:
    """Whether the far side costs little beyond the microprice; unknown sizes are never cheap."""
    near_qty, far_qty = _sizes(view, nbbo)
    if not near_qty or not far_qty:
        return False
    far_px = nbbo.far_px(view.sign)
    tick_px = view.ticks.tick_at(far_px)
    is_edge = view.sign * (view.terms.worst_px - far_px) < tick_px
    percent = EDGE_PERCENT if is_edge else CHEAP_PERCENT
    beyond = (nbbo.ask_px - nbbo.bid_px) * far_qty
    return 100 * beyond <= percent * tick_px * (near_qty + far_qty)


def _taking(view: EntryView, far_px: int) -> WantedEntry:
    """A limit at the far side; an order that reaches it already is left alone."""
    working = view.working
    limit_px = working.limit_px if working is not None else None
    reaches = limit_px is not None and view.sign * (limit_px - far_px) >= 0
    return working if working is not None and reaches else WantedEntry(OrdType.LIMIT, far_px)


def _resting_px(view: EntryView, nbbo: Nbbo) -> int:
    """The near side, or one tick better where that is not the far side (1e-9 USD)."""
    near_px = nbbo.near_px(view.sign)
    tick_px = view.ticks.tick_at(near_px)
    has_room = nbbo.ask_px - nbbo.bid_px >= 2 * tick_px
    return near_px + view.sign * tick_px if has_room else near_px


def _sizes(view: EntryView, nbbo: Nbbo) -> tuple[int, int]:
    """(near, far) displayed sizes, 1e-9 share."""
    if view.sign > 0:
        return nbbo.bid_qty, nbbo.ask_qty
    return nbbo.ask_qty, nbbo.bid_qty
