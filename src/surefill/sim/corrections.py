"""Busts and corrections of executions, up to the next day (fault V6).

What: the venue's operator breaks an execution or changes its price. Cash, position and the order
follow exactly; the execution stays on record with a mark.
Invariants: a busted quantity does not come back to life: ``order_qty = cum + leaves + busted``;
the status of the order stays; ``exec_id`` of the event is that of the execution it is about.
"""

from __future__ import annotations

from surefill.core.fix import Side
from surefill.core.values import replace
from surefill.sim.orders import VenueOrder
from surefill.sim.state import Venue
from surefill.sim.types import FillRecord, OrderEventKind


def bust_fill(venue: Venue, exec_id: str) -> None:
    """Undo an execution. Unknown: ``KeyError``; busted before: ``ValueError``."""
    fill, order = _open_fill(venue, exec_id)
    sign = 1 if fill.side is Side.BUY else -1
    venue.ledger_of(order).book(
        order.symbol, signed_qty=-sign * fill.qty, px=fill.px, at_ns=venue.now_ns
    )
    order.cum_qty -= fill.qty
    order.cost -= fill.px * fill.qty
    order.busted_qty += fill.qty
    event = venue.emit(
        OrderEventKind.TRADE_BUST, order, px=fill.px, qty=fill.qty, exec_id=exec_id, text="bust"
    )
    venue.fills[exec_id] = replace(fill, busted=True, position_qty=event.position_qty)


def correct_fill(venue: Venue, exec_id: str, px: int) -> None:
    """Change the price (1e-9 USD) of an execution. Errors as in `bust_fill`."""
    if px <= 0:
        raise ValueError("a corrected price is positive")
    fill, order = _open_fill(venue, exec_id)
    sign = 1 if fill.side is Side.BUY else -1
    ledger = venue.ledger_of(order)
    position_qty = ledger.position_qty(order.symbol)
    cost = 0
    if position_qty * sign > 0:
        # Only what this execution may still contribute to the open position moves its cost.
        cost = sign * min(fill.qty, abs(position_qty)) * (px - fill.px)
    cash = -sign * fill.qty * (px - fill.px)
    ledger.book_correction(order.symbol, cash=cash, cost=cost, at_ns=venue.now_ns)
    order.cost += fill.qty * (px - fill.px)
    venue.emit(
        OrderEventKind.TRADE_CORRECT, order, px=px, qty=fill.qty, exec_id=exec_id, text="correct"
    )
    venue.fills[exec_id] = replace(fill, px=px, corrected=True)


def _open_fill(venue: Venue, exec_id: str) -> tuple[FillRecord, VenueOrder]:
    fill = venue.fills[exec_id]
    if fill.busted:
        raise ValueError(f"execution {exec_id} is busted already")
    return fill, venue.orders[fill.order_id]
