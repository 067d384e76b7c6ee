"""What the tactics that follow the market share: the touch they may trust, and when to quote anew.

Why: every re-quote costs two of the broker's requests (cancel and new) and the place in the queue,
and a quote that is stale or one-sided must never make an entry more aggressive (design 4.4).
Invariants: no price between ticks, whatever a feed shows; no price beyond ``terms.worst_px``; at
most `QUOTES_MAX` entry orders a plan; an order rests at least `REST_NS` unless time is running out.
Must never: cross on a market that is not known.
"""

from __future__ import annotations

from collections.abc import Callable

from surefill.core.fix import OrdType
from surefill.core.market import Nbbo
from surefill.core.plan import SECOND_NS
from surefill.core.pricing import tighter
from surefill.core.tactic import EntryView, WantedEntry
from surefill.core.values import replace

REST_NS = 2 * SECOND_NS
"""An order keeps its place at least so long."""
QUOTES_MAX = 12
"""Entry orders of one plan: with their cancels a tenth of the broker's requests of a minute."""
AGE_NS_MAX = 3 * SECOND_NS // 2
"""An older quote is not acted on (the gate's default limit)."""
CROSS_LEFT_NS = 5 * SECOND_NS
"""So long before the budget ends, what is missing is taken from the far side; of a budget below
20 s it is the last quarter."""

Price = Callable[[Nbbo], int | None]


def touch(view: EntryView, now: int) -> Nbbo | None:
    """The two-sided current quote, or ``None`` when there is nothing to act on.

    A price between ticks (where else an order could not stand) counts as the next tick outside it.
    """
    market = view.market
    if market is None or market.nbbo is None or not market.nbbo.is_two_sided:
        return None
    age_ns = market.quote_age_ns(now)
    return _on_ticks(view, market.nbbo) if age_ns is not None and age_ns <= AGE_NS_MAX else None


def _on_ticks(view: EntryView, nbbo: Nbbo) -> Nbbo | None:
    bid_px, ask_px = view.ticks.floor(nbbo.bid_px), view.ticks.ceil(nbbo.ask_px)
    if (bid_px, ask_px) == (nbbo.bid_px, nbbo.ask_px):
        return nbbo
    return replace(nbbo, bid_px=bid_px, ask_px=ask_px) if bid_px > 0 else None


def cross_ns(view: EntryView) -> int:
    """When the patience ends and the far side is taken (UTC ns)."""
    return view.deadline_ns - min(CROSS_LEFT_NS, (view.deadline_ns - view.started_ns) // 4)


def followed(view: EntryView, now: int, price: Price) -> WantedEntry | None:
    """What a tactic that follows the market wants: ``price`` while there is time, then the rest.

    ``price`` gives the limit (1e-9 USD) for a current two-sided quote, or ``None`` to take the far
    side now. At `cross_ns` the far side is taken in any case. It is taken only where it stands
    inside the worst price; without a current quote everything stays as it is.
    """
    if now >= view.deadline_ns:
        return None
    nbbo = touch(view, now)
    if nbbo is None:
        return view.working
    is_late = now >= cross_ns(view)
    limit_px = None if is_late else price(nbbo)
    if limit_px is None and view.sign * nbbo.far_px(view.sign) <= view.sign * view.terms.worst_px:
        # Like `marketable`: what the far side does in the meantime is inside the plan, or a rest.
        return WantedEntry(OrdType.LIMIT, view.terms.worst_px)
    wanted = quoted(view, now, limit_px if limit_px is not None else nbbo.near_px(view.sign))
    return wanted if is_late else asked_again(wanted, cross_ns(view))


def asked_again(wanted: WantedEntry, at_ns: int) -> WantedEntry:
    """``wanted``, and at ``at_ns`` at the latest the tactic is asked again."""
    until_ns = at_ns if wanted.until_ns is None else min(at_ns, wanted.until_ns)
    return replace(wanted, until_ns=until_ns)


def quoted(view: EntryView, now: int, limit_px: int) -> WantedEntry:
    """A limit at ``limit_px`` (no further than the worst price), or the present order while it may
    not be given up."""
    fresh = WantedEntry(OrdType.LIMIT, tighter(view.sign, limit_px, view.terms.worst_px))
    working = view.working
    if working is None or working == fresh:
        return fresh
    if view.quotes >= QUOTES_MAX:
        return working
    rested_ns = view.working_ns + REST_NS
    return fresh if now >= rested_ns else asked_again(working, rested_ns)
