"""Closing a part of a position, so that the rest stays covered (decision 0006).

What: `reduce_position`, which brings a trade down to the shares that an operator wants to keep.
Why: the broker changes no quantity of an exit pair, so a part can be closed only by a whole group.
Groups that are small enough close their shares under their own stop; at most one is cut in two:
ended, and its shares covered and closed by two new groups.
Invariants: never sells below ``keep_qty``: what is to go is counted from the position each time,
so that fills of the stop, sales by others and late fills of the entry count by themselves; waits
for the entry to be over, because a sale beside an own buy is a wash trade.
Must never: take cover from shares that are kept for longer than the cut needs.
"""

from __future__ import annotations

from surefill.core.cover import GroupState, cover_of, group_claimed, group_state
from surefill.core.exits import (
    STEP_NS,
    close_by_group,
    end_group,
    firing_stop,
    may_close,
    send_closing,
)
from surefill.core.fix import Leg
from surefill.core.trade import ExitGroup, GroupKind, Trade
from surefill.core.turn import Turn
from surefill.core.values import replace


def is_reducing(trade: Trade) -> bool:
    """Whether shares beyond those to keep are still held and only they are to go."""
    return trade.keep_qty is not None and trade.position_qty > trade.keep_qty


def due_qty(trade: Trade) -> int:
    """Shares (1e-9) that have to go and that no closing group stands for yet."""
    if trade.keep_qty is None or trade.open_entry is not None:
        return 0
    closing = sum(group_claimed(trade, g) for g in trade.groups if _is_closing(trade, g))
    return max(0, trade.position_qty - trade.keep_qty - closing)


def reduce_position(turn: Turn) -> None:
    """Bring the position down to ``keep_qty``. Shares of a cut group that are kept find their cover
    in the same turn."""
    trade = turn.trade
    if trade.keep_qty is None or trade.open_entry is not None:
        return
    if not is_reducing(trade):
        turn.trade = replace(trade, keep_qty=None, closing_since_ns=None, flatten_step=0)
        return
    if not may_close(turn):
        return
    for group in trade.groups:
        if _is_closing(trade, group):
            _go_on(turn, group)
    due = due_qty(turn.trade)
    cover = cover_of(turn.trade)
    bare_qty = cover.position_qty - cover.claimed_qty
    if due and bare_qty > 0:
        send_closing(turn, min(due, bare_qty))
    elif due:
        _release(turn, due)


def _is_closing(trade: Trade, group: ExitGroup) -> bool:
    """Whether a group is there to close its shares now."""
    orders = trade.group_orders(group.n) if group.kind is not GroupKind.RESTORE else ()
    return any(order.leg is Leg.FLATTEN and not order.is_terminal for order in orders)


def _go_on(turn: Turn, group: ExitGroup) -> None:
    match group_state(turn.trade, group):
        case GroupState.ARMED | GroupState.BARE:
            close_by_group(turn, group)
        case GroupState.ENDING:
            end_group(turn, group)
        case _:
            pass


def _release(turn: Turn, due: int) -> None:
    """Turn the largest group that fits into a closing one; where none fits, end the smallest, and
    the next look finds its shares bare and divides them."""
    trade = turn.trade
    states = [(group_state(trade, group), group) for group in trade.groups]
    if any(state is GroupState.ENDING for state, _ in states):
        return  # its end is being observed; what it held comes next
    firing = next((stop for g in trade.groups if (stop := firing_stop(trade, g))), None)
    if firing is not None:  # it sells already: what it leaves is looked at again
        turn.ask(firing)
        turn.wake_at(turn.now + STEP_NS)
        return
    armed = [(group_claimed(trade, g), g) for state, g in states if state is GroupState.ARMED]
    fitting = [claim for claim in armed if claim[0] <= due]
    if fitting:
        close_by_group(turn, max(fitting, key=lambda claim: claim[0])[1])
    elif armed:
        end_group(turn, min(armed, key=lambda claim: claim[0])[1])
