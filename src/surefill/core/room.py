"""Whether a stop could rest after this entry: the room between the market and the stop.

What: `room_reasons`, one of the gate's questions.
Why: the broker refuses a stop that the market has passed already (alpaca.md 1.3, 3.2), so a trade
whose stop lies inside the spread is naked from its first share until it is closed again (I3 e).
It is better not begun.
Invariants: judged only against a consolidated quote; the spread of a single venue says nothing
about where a stop can rest, and would turn away sound trades.
"""

from __future__ import annotations

from collections.abc import Iterator

from surefill.core.fix import Feed
from surefill.core.market import MarketView
from surefill.core.plan import ExitsByLevel, TradePlan
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.units import to_text


def room_reasons(plan: TradePlan, market: MarketView | None) -> Iterator[Reason]:
    """The reason against an entry whose stop would stand at the near touch or beyond it.

    Exits by level: the level itself. Exits by distance: the entry pays the far touch at best, and
    the stop must still be on the losing side of the near one, so the distance has to exceed the
    spread.
    """
    nbbo = market.nbbo if market is not None else None
    if market is None or market.feed is Feed.IEX or nbbo is None or not nbbo.is_two_sided:
        return
    assert plan.exits is not None
    sign, near_px = plan.sign, nbbo.near_px(plan.sign)
    if isinstance(plan.exits, ExitsByLevel):
        stop_px = plan.exits.stop_px
    else:
        stop_px = nbbo.far_px(sign) - sign * plan.exits.risk_px
    if sign * (near_px - stop_px) <= 0:
        yield Reason.of(
            ReasonCode.STOP_INSIDE_SPREAD,
            stop=to_text(stop_px),
            bid=to_text(nbbo.bid_px),
            ask=to_text(nbbo.ask_px),
        )
