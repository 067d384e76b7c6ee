"""Looks at every decision when it is made, and asks the venue whether what it rests on is true.

What: `Witness.see`, told of each decision before its commands leave; it keeps violations. An order
that the engine puts down as over must be over at the venue at that instant: if it is not, the
engine concluded from a request whose outcome it did not know (I10) or from what a read did not show
(I11). Before the first complete listing of a process nothing may be asked of the broker (I25).
Why here: what was concluded too early is often repaired later, and then the end of the run looks
right. The venue is asked directly: it cannot be mistaken about its own orders.
Invariants: asks and never changes; told of the same decisions it finds the same.
Must never: believe the engine about an order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from surefill.core.commands import CancelOrder, ReplaceOrder, SubmitOrder
from surefill.core.events import (
    Event,
    FillsRead,
    OrdersRead,
    PositionsRead,
    ReadFailed,
)
from surefill.core.fix import Contingency, Leg
from surefill.core.order import ChildOrder, OrderState
from surefill.runtime.stepper import Decided
from surefill.sim.auditor import Violation
from surefill.sim.state import Venue

_READS = (OrdersRead, FillsRead, PositionsRead, ReadFailed)


@dataclass(slots=True)
class Witness:
    """One account's. ``violations`` in order of time, each order's once."""

    venue: Venue
    account: str
    violations: list[Violation] = field(default_factory=list)
    _over: set[tuple[str, str | None]] = field(default_factory=set)
    """(key, broker id) of orders that were put down as over"""
    _absent: set[tuple[str, str]] = field(default_factory=set)
    """(trade id, key) of orders that were put down as never arrived"""
    _has_listing: bool = False

    def see(self, events: Sequence[Event], decided: Decided, now: int) -> None:
        """A decision of ``now`` (UTC ns) on these events is on record; nothing of it has left."""
        if not events:  # the record of a process that has just started
            self._has_listing = False
        self._has_listing |= any(isinstance(event, OrdersRead) for event in events)
        if not self._has_listing:
            self._check_start(decided, now)
        code = "I11" if any(isinstance(event, _READS) for event in events) else "I10"
        for trade in decided.trades.values():
            for order in trade.orders:
                name = order.key, order.order_id
                if not order.is_terminal:
                    self._over.discard(name)
                elif name not in self._over:
                    self._over.add(name)
                    self._check_over(trade.trade_id, order, code=code, now=now)

    def finish(self, now: int) -> None:
        """The run is over: what was put down as never arrived must not have arrived later (I10)."""
        for trade_id, key in sorted(self._absent):
            if (self.account, key) in self.venue.cl_ord_ids:
                sentence = f"{key} was put down as never arrived, and the venue took it later"
                self.violations.append(Violation("I10", trade_id, now, sentence))

    def _check_over(self, trade_id: str, order: ChildOrder, *, code: str, now: int) -> None:
        if self._is_live(order):
            sentence = f"{order.key} is put down as {order.state}, and the venue has it"
            self.violations.append(Violation(code, trade_id, now, sentence))
        elif order.state is OrderState.ABSENT and not _is_harmless_late(order):
            self._absent.add((trade_id, order.key))

    def _check_start(self, decided: Decided, now: int) -> None:
        for command in decided.commands:
            if isinstance(command, SubmitOrder | CancelOrder | ReplaceOrder):
                sentence = f"{type(command).__name__} before the first complete listing"
                self.violations.append(Violation("I25", command.trade_id, now, sentence))

    def _is_live(self, order: ChildOrder) -> bool:
        """Whether the venue may still execute it. An order that it never took is not."""
        venue = self.venue
        order_id = order.order_id or venue.cl_ord_ids.get((self.account, order.key))
        known = venue.orders.get(order_id) if order_id is not None else None
        return known is not None and known.is_live


def _is_harmless_late(order: ChildOrder) -> bool:
    """Whether the venue takes a late order only for shares that nothing else stands for: it is
    a pair of exits, or the move of an exit, also of one that rests alone (decision 0003). What it
    did is the auditor's to judge."""
    is_pair = order.spec.contingency is Contingency.OCO
    return order.leg is not Leg.ENTRY and (is_pair or order.replaces is not None)
