"""The dictionary between the venue's words and Alpaca's, both ways, as tables.

What: order types, times in force, order classes, statuses, sides, event names.
Why: every Alpaca word the server knows stands here once, so the parser and the encoder cannot
disagree.
Must never: hold a default for an unknown word.
"""

from __future__ import annotations

from collections.abc import Mapping

from surefill.core.fix import Contingency, OrdStatus, OrdType, Side, TimeInForce
from surefill.sim.types import OrderEventKind, OrderSnapshot

SIDES: Mapping[str, Side] = {"buy": Side.BUY, "sell": Side.SELL}
SIDE_WORDS: Mapping[Side, str] = {
    Side.BUY: "buy",
    Side.SELL: "sell",
    Side.SELL_SHORT: "sell_short",
}

ORD_TYPES: Mapping[str, OrdType] = {ord_type.value.lower(): ord_type for ord_type in OrdType}
TIFS: Mapping[str, TimeInForce] = {tif.value.lower(): tif for tif in TimeInForce}

CONTINGENCIES: Mapping[str, Contingency] = {
    "": Contingency.NONE,
    "simple": Contingency.NONE,
    "bracket": Contingency.BRACKET,
    "oco": Contingency.OCO,
    "oto": Contingency.OTO,
}
CLASS_WORDS: Mapping[Contingency, str] = {
    Contingency.NONE: "",
    Contingency.BRACKET: "bracket",
    Contingency.OCO: "oco",
    Contingency.OTO: "oto",
}
"""A simple order says ``""``, as every recording does (alpaca.md 1.6)."""

EVENT_WORDS: Mapping[OrderEventKind, str] = {
    **{kind: kind.value.lower() for kind in OrderEventKind},
    OrderEventKind.CANCEL_REJECTED: "order_cancel_rejected",
    OrderEventKind.REPLACE_REJECTED: "order_replace_rejected",
}

EXECUTIONS = frozenset(
    {
        OrderEventKind.PARTIAL_FILL,
        OrderEventKind.FILL,
        OrderEventKind.TRADE_BUST,
        OrderEventKind.TRADE_CORRECT,
    }
)
"""Events that carry price, qty and position_qty."""


def status_word(order: OrderSnapshot) -> str:
    """Alpaca's status: ``held`` and ``accepted`` have no FIX status of their own."""
    if order.status.is_terminal:
        return order.status.value.lower()
    if order.held:
        return "held"
    if order.not_routed and order.status in (OrdStatus.PENDING_NEW, OrdStatus.NEW):
        return "accepted"
    return order.status.value.lower()


def event_word(kind: OrderEventKind, order: OrderSnapshot) -> str:
    """Alpaca's event name; an order not yet routed is announced as ``accepted``."""
    if kind is OrderEventKind.PENDING_NEW and order.not_routed:
        return "accepted"
    return EVENT_WORDS[kind]


def intent_word(side: Side, *, is_opening: bool) -> str:
    """``buy_to_open`` and its three siblings."""
    action = "buy" if side is Side.BUY else "sell"
    return f"{action}_to_{'open' if is_opening else 'close'}"
