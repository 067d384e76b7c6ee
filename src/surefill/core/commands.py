"""Commands: what the engine wants done, in the imperative. Each leaves only after its record is
durable (I8).

What: requests to the broker (`BrokerCommand`) and words to people (`RaiseAlarm`, `Announce`).
Invariants: a submit carries its whole order, so that a retry of the same intent is byte-identical
(I9); ``priority`` decides who may use the reserved part of the request budget (I17).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from surefill.core.fix import Contingency, Leg, OrdType, Side, TimeInForce
from surefill.core.reasons import Reason


class Priority(IntEnum):
    """Lower goes first. `PROTECT` and `REDUCE` may use the reserved share of the budget."""

    PROTECT = 0
    REDUCE = 1
    EVIDENCE = 2
    ENTRY = 3
    ROUTINE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSpec:
    """One order as we ask for it. Prices 1e-9 USD, quantity 1e-9 share.

    A bracket carries both ``take_profit_px`` and ``stop_loss_px``; an OCO is a pair of exits whose
    limit is ``take_profit_px``. ``side`` of an exit is the closing side.
    """

    cl_ord_id: str
    symbol: str
    side: Side
    ord_type: OrdType
    tif: TimeInForce
    order_qty: int
    leg: Leg
    limit_px: int | None = None
    stop_px: int | None = None
    contingency: Contingency = Contingency.NONE
    take_profit_px: int | None = None
    stop_loss_px: int | None = None
    extended_hours: bool = False


@dataclass(frozen=True, slots=True)
class SubmitOrder:
    """Send a new order."""

    trade_id: str
    spec: OrderSpec
    priority: Priority


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Ask for the end of an order. ``cl_ord_id`` is our key of it, ``order_id`` the broker's."""

    trade_id: str
    cl_ord_id: str
    order_id: str
    priority: Priority = Priority.REDUCE


@dataclass(frozen=True, slots=True)
class ReplaceOrder:
    """Ask for other prices of a working order. ``cl_ord_id`` is our key of the order to change;
    ``new_cl_ord_id`` names its successor. Only the given prices (1e-9 USD) change."""

    trade_id: str
    cl_ord_id: str
    order_id: str
    new_cl_ord_id: str
    limit_px: int | None = None
    stop_px: int | None = None
    priority: Priority = Priority.PROTECT


@dataclass(frozen=True, slots=True)
class QueryOrder:
    """Read one order, with its legs: by the broker's id when known, else by client order id."""

    trade_id: str
    cl_ord_id: str
    order_id: str | None = None
    priority: Priority = Priority.EVIDENCE


@dataclass(frozen=True, slots=True)
class QueryOrders:
    """Read every order submitted after ``after_ns`` (UTC), all states, nested, all pages."""

    after_ns: int
    priority: Priority = Priority.ROUTINE


@dataclass(frozen=True, slots=True)
class QueryFills:
    """Read every execution after ``after_ns`` (UTC), all pages."""

    after_ns: int
    priority: Priority = Priority.EVIDENCE


@dataclass(frozen=True, slots=True)
class QueryPositions:
    """Read all positions of the account."""

    priority: Priority = Priority.ROUTINE


@dataclass(frozen=True, slots=True)
class QueryAccount:
    """Read buying power, equity and permissions."""

    priority: Priority = Priority.ROUTINE


@dataclass(frozen=True, slots=True)
class RaiseAlarm:
    """Tell a human now."""

    trade_id: str | None
    reason: Reason


class Milestone(StrEnum):
    """Points in a trade's life that callers wait for."""

    DENIED = "DENIED"
    SETTLED = "SETTLED"
    """The entry is terminal and every filled share is covered (or nothing filled)."""
    CLOSED = "CLOSED"


@dataclass(frozen=True, slots=True)
class Announce:
    """Tell whoever waits for this trade that it has come this far."""

    trade_id: str
    milestone: Milestone


BrokerCommand = (
    SubmitOrder
    | CancelOrder
    | ReplaceOrder
    | QueryOrder
    | QueryOrders
    | QueryFills
    | QueryPositions
    | QueryAccount
)
Command = BrokerCommand | RaiseAlarm | Announce
