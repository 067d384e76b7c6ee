"""Shares that the broker's position does not show: closed elsewhere, or is the read an old one?

What: `absorb_position` compares a read of the positions with our ledger and, when all doubt is
gone, puts the missing shares down as closed by somebody else (R19).
Why: to believe one stale read is the worse mistake: working cover is given up for shares that are
there (I11). Source: decision 0011, R19 and N8 of the failure diary, simulation.
Must never: conclude from one read, or from reads that may be older than a fill of ours.
"""

from __future__ import annotations

from collections.abc import Mapping

from surefill.core.events import PositionsRead
from surefill.core.fix import Leg
from surefill.core.memory import remembered_once
from surefill.core.order import ChildOrder, OrderState
from surefill.core.plan import SECOND_NS
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.trade import Trade
from surefill.core.turn import BREAK_CONFIRM_NS, Turn
from surefill.core.units import to_text
from surefill.core.values import replace

LAG_NS = 30 * SECOND_NS
"""So far a read may lag behind what it should show (N8)."""
TOLD_NS = 5 * SECOND_NS
"""So long what reads show of the position, or not yet, holds back a plain closing order."""
SOLD_NS = LAG_NS + TOLD_NS
"""So long the stream's word that all shares are gone does: until the reads that settle it can no
longer be older than our own fill (simulation, seed 31392)."""


@remembered_once
def _qty_by_symbol(event: PositionsRead) -> Mapping[str, int]:
    """Each open trade asks."""
    return {position.symbol: position.qty for position in event.positions}


def listed_qty(event: PositionsRead, symbol: str) -> int:
    """Signed shares (1e-9) of a symbol in a read of the positions."""
    return _qty_by_symbol(event).get(symbol, 0)


def absorb_position(turn: Turn, event: PositionsRead) -> None:
    """The broker's position against ours. Shares missing there were closed elsewhere (R19).

    Believed only when two reads agree, both newer than our last request and fill, when every exit
    that could have closed them has been read since (the stream may owe us its execution), and when
    the reads cannot be old ones (`_may_be_old`).
    """
    trade = turn.trade
    theirs = listed_qty(event, trade.symbol)
    ours = trade.position_qty
    entry = trade.open_entry
    if entry is not None and entry.is_long_absent(event.sent_ns):
        turn.update(replace(entry, is_unmoved=trade.sign * theirs == ours))
        trade = turn.trade
    missing = ours - max(0, trade.sign * theirs)
    is_short = ours > 0 and missing > 0 and not _is_moving(trade, event.sent_ns)
    short_ns = (trade.short_ns or event.sent_ns) if is_short else 0
    if short_ns != trade.short_ns:
        turn.trade = trade = replace(trade, short_ns=short_ns)
    if not is_short or _is_in_doubt(trade):
        turn.trade = replace(trade, break_qty=0, break_since_ns=None)
        return
    confirmed = trade.break_since_ns is not None and trade.break_qty == missing
    if not confirmed:
        turn.trade = replace(trade, break_qty=missing, break_since_ns=event.sent_ns)
    elif unread_orders(trade) or _may_be_old(trade, ours - missing, event.sent_ns):
        pass  # `closing` asks again
    elif event.sent_ns >= (trade.break_since_ns or 0) + BREAK_CONFIRM_NS:
        turn.alarm(Reason.of(ReasonCode.CLOSED_ELSEWHERE, qty=to_text(missing)))
        turn.trade = replace(
            turn.trade,
            external_qty=trade.external_qty + missing,
            break_qty=0,
            break_since_ns=None,
            short_ns=0,
        )


def may_be_sold(turn: Turn, qty: int) -> bool:
    """Whether somebody else may have sold what a plain order for ``qty`` (1e-9 share) is to close:
    it would open a position. So it waits where the venue has just told of that (`_is_told_sold`),
    where reads of the positions begin to show too few shares, and in a new process until they were
    read at all (simulation, seed 15573). Never longer than `SOLD_NS`."""
    trade, now = turn.trade, turn.now
    is_short = now < trade.short_ns + TOLD_NS
    return not turn.context.is_held_known or is_short or _is_told_sold(trade, qty, now)


def _is_told_sold(trade: Trade, qty: int, now: int) -> bool:
    """Whether the venue has just told, with an execution of somebody else, of fewer shares than
    ``qty`` (1e-9). The reads that settle it are on their way; after `TOLD_NS`, or `SOLD_NS` where
    none are left, they have the word, or nobody has."""
    # Of his order and its execution at the same instant, the later one tells of the position.
    told = [
        (stray.venue_ns, n, trade.sign * stray.position_qty, stray.recv_ns)
        for n, stray in enumerate(trade.strays)
        if stray.exec_id is not None and stray.position_qty is not None
    ]
    if not told:
        return False
    venue_ns, _, held_qty, recv_ns = max(told)
    own_ns = max((fill.venue_ns for order in trade.orders for fill in order.fills), default=0)
    wait_ns = TOLD_NS if held_qty > 0 else SOLD_NS  # what is left of them is bare
    return now < recv_ns + wait_ns and own_ns < venue_ns and held_qty < qty


def unread_orders(trade: Trade) -> tuple[ChildOrder, ...]:
    """Orders that may explain a position in question and were not read since: exits that are open
    (they may have executed unseen), entries that filled (the venue may have taken a fill back)."""
    since_ns = trade.break_since_ns or 0
    return tuple(
        order
        for order in trade.orders
        if (order.cum_qty if order.leg is Leg.ENTRY else order.state is OrderState.WORKING)
        and order.read_ns < since_ns
    )


def _may_be_old(trade: Trade, held_qty: int, read_ns: int) -> bool:
    """Whether ``held_qty`` (1e-9 share) is what we held before a fill of the last `LAG_NS`.

    A read may lag so far behind the writes (N8), and two reads may lag alike: then they agree on
    the position before the fill, and cover that works would be given up (I11; simulation, seed
    2407). Traces of somebody else are evidence that they are not old: an execution of his on this
    symbol since that fill, or cover that ended and not by us, which he has to cancel before he can
    sell (R19; simulation, seed 183). Where cover of ours works again the broker has found the
    shares, and it is no evidence.
    """
    if _has_lost_cover(trade):
        return False
    fills = [
        (fill.venue_ns, fill.qty if order.leg is Leg.ENTRY else -fill.qty)
        for order in trade.orders
        for fill in order.fills
    ]
    before_qty = trade.position_qty
    for venue_ns, qty in sorted(fills, reverse=True):
        if read_ns >= venue_ns + LAG_NS or _has_stranger_since(trade, venue_ns):
            return False
        before_qty -= qty
        if before_qty == held_qty:
            return True
    return False


def _has_stranger_since(trade: Trade, since_ns: int) -> bool:
    """Whether an order that is none of ours executed on this symbol."""
    return any(stray.exec_id is not None and stray.venue_ns >= since_ns for stray in trade.strays)


def _has_lost_cover(trade: Trade) -> bool:
    """Whether all exits of a group were cancelled, nobody here asked for it, and none works."""
    if any(o.leg is not Leg.ENTRY and o.state is OrderState.WORKING for o in trade.orders):
        return False
    for group in trade.groups:
        exits = trade.group_orders(group.n)
        if exits and all(_is_taken_away(order) for order in exits):
            return True
    return False


def _is_taken_away(order: ChildOrder) -> bool:
    is_unasked = order.cancel_ns is None and not order.cum_qty
    return order.state is OrderState.CANCELED and is_unasked and order.order_id is not None


def _is_moving(trade: Trade, read_ns: int) -> bool:
    """Whether fills of ours that we know of may explain a difference: recent or unpriced ones."""
    if trade.unpriced_qty or trade.is_disputed:
        return True
    last_ns = max((f.venue_ns for o in trade.orders for f in o.fills), default=0)
    return read_ns < last_ns + SECOND_NS // 2


def _is_in_doubt(trade: Trade) -> bool:
    """Whether an exit of ours that nobody has shown yet may explain a difference."""
    exits = (o for o in trade.orders if o.leg is not Leg.ENTRY)
    return any(o.state in (OrderState.IN_FLIGHT, OrderState.IN_DOUBT) for o in exits)
