"""Who may ask about cover that nobody answers, and when: the account shares one request limit.

What: `in_question` (a trade's cover was sent, and the broker has not shown it) and `ask_from_ns`.
Why: one trade asks every second, because its shares are bare (I3 c). When fifty did, they would
spend the account's requests within two seconds, and when the broker is back there would be none
left for the cover itself.
Invariants: up to `FEW` trades ask on their own; of more, one asks every `APART_NS`, whoever has not
for longest. A function of the trades: a history decides itself again to the same bytes (I7).
Must never: hold back a request that covers; only reads wait here.
"""

from __future__ import annotations

from collections.abc import Iterable

from surefill.core.fix import Leg
from surefill.core.order import ChildOrder, OrderState
from surefill.core.plan import SECOND_NS
from surefill.core.trade import Trade

FEW = 3
APART_NS = SECOND_NS
LATE_NS = 700 * 1_000_000
"""An answer takes 150 ms and the stream 80 ms at most; after this long something is wrong."""


def in_question(trade: Trade, now: int) -> bool:
    """Whether cover of this trade was sent that the broker has neither shown nor refused."""
    return any(_is_unanswered(order, now) for order in trade.orders)


def _is_unanswered(order: ChildOrder, now: int) -> bool:
    if order.order_id is not None or order.replaces is not None or order.leg is Leg.ENTRY:
        return False
    match order.state:
        case OrderState.IN_DOUBT:
            return True
        case OrderState.IN_FLIGHT:
            return order.absent_since_ns is not None or now >= order.sent_ns + LATE_NS
        case OrderState.UNSENT:
            return order.absent_since_ns is not None
        case _:
            return False


def ask_from_ns(trade: Trade, trades: Iterable[Trade], now: int) -> int:
    """The instant (UTC ns) from which ``trade``, one of the open ``trades``, may ask about its
    cover; 0: at its own pace."""
    if not in_question(trade, now):
        return 0
    asking = [one for one in trades if in_question(one, now)]
    if len(asking) <= FEW:
        return 0
    asking.sort(key=_asked_ns)  # of equals the one that was accepted first
    before = (n for n, one in enumerate(asking) if one.trade_id == trade.trade_id)
    place = next(before, len(asking))
    return _asked_ns(asking[-1]) + (place + 1) * APART_NS


def _asked_ns(trade: Trade) -> int:
    return max((order.asked_ns for order in trade.orders if order.leg is not Leg.ENTRY), default=0)
