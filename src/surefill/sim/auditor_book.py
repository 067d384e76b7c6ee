"""The auditor's own book of one plan: its orders, executions, groups and what they cover.

What: `Order` and `PlanBook`, folded from log lines. The questions of failures.md C.0 are methods:
`need`, `cover`, `reducing`, `entry_leaves`.
Why: invariants I2 to I4 are arithmetic on these four numbers at every instant; they are worked out
here from executions and order states alone, not from the totals the venue prints beside them.
Invariants: a replacement and the order it replaces count once (they share a chain, and exits a
group); a group whose legs are one-cancels-other never counts more than it was made for.
Must never: import anything of ours, or judge (that is `auditor_plan`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from surefill.sim.auditor_log import ARMED, DEAD, HELD, UNARMED, Line
from surefill.sim.auditor_terms import PlanTerms

ENTRY, TARGET, STOP, FLATTEN = "ENTRY", "TARGET", "STOP", "FLATTEN"


@dataclass(slots=True)
class Order:
    """One venue order of a plan. Quantities 1e-9 share, prices 1e-9 USD.

    ``carried_qty`` is what a replacement inherits as already executed; ``market_px`` the touch on
    the other side (bid for a sale) when the order last got its price.
    """

    order_id: str
    role: str
    group: str
    chain: str
    sign: int
    ord_type: str
    contingency: str
    status: str
    order_qty: int
    first_qty: int
    carried_qty: int
    limit_px: int | None
    stop_px: int | None
    market_px: int | None
    filled_qty: int = 0
    busted_qty: int = 0
    is_cancel_asked: bool = False
    base_px: int | None = None
    """middle of the market when the order last got its price: what the broker measures stops by"""

    @property
    def is_live(self) -> bool:
        """Whether it may still execute; pending states count as live."""
        return self.status not in DEAD

    @property
    def leaves_qty(self) -> int:
        """Shares it may still execute."""
        if not self.is_live:
            return 0
        return max(0, self.order_qty - self.carried_qty - self.filled_qty - self.busted_qty)


@dataclass(slots=True)
class Group:
    """Exit orders of which at most ``order_qty`` shares may execute together."""

    order_qty: int = 0
    filled_qty: int = 0
    roles: set[str] = field(default_factory=set)


Numbers = tuple[int, int, int, int]
"""(entry quantity, entry cost, exit quantity, exit proceeds)"""


_IN_FORCE = frozenset({"new", "held"})


class PlanBook:
    """Orders and executions of one plan, in venue truth."""

    def __init__(self, terms: PlanTerms) -> None:
        self.terms = terms
        self.live: dict[str, Order] = {}
        """order id -> order that may still execute"""
        self.groups: dict[str, Group] = {}
        self.entry_qty = 0
        self.entry_cost = 0
        self.exit_qty = 0
        self.exit_cost = 0
        self.exit_by_role: dict[str, int] = {}
        self.external_qty = 0
        """Shares that somebody else closed (R19): gone, whatever the account holds later."""
        self.told: list[tuple[int, Numbers]] = []
        """(venue ns, numbers after it) of each execution"""
        self.account_position: int | None = None
        """Signed position of account and symbol, all owners."""

    def add(self, order: Order) -> None:
        """A new order of this plan."""
        self.live[order.order_id] = order
        if order.role != ENTRY:
            group = self.groups.setdefault(order.group, Group())
            group.roles.add(order.role)
            group.order_qty = max(group.order_qty, order.first_qty - order.carried_qty)

    def update(self, order: Order, line: Line) -> None:
        """Status, quantity and prices of an order after a line about it."""
        order.status = line.status or order.status
        order.order_qty = line.order_qty or order.order_qty
        order.limit_px = line.limit_px
        order.stop_px = line.stop_px
        if line.kind in _IN_FORCE and not order.filled_qty:
            order.carried_qty = line.cum_qty  # its predecessor executed while it was pending
        if not order.is_live:
            self.live.pop(order.order_id, None)

    def execute(self, order: Order, *, px: int, qty: int, at_ns: int = 0) -> None:
        """An execution of ``qty`` at ``px``; a bust comes with a negative quantity."""
        self._count(order, px=px, qty=qty)
        self.told.append((at_ns, self.numbers()))

    def numbers(self) -> Numbers:
        """Entry quantity and cost, exit quantity and proceeds."""
        return (self.entry_qty, self.entry_cost, self.exit_qty, self.exit_cost)

    def numbers_since(self, since_ns: int) -> set[Numbers]:
        """What stood at ``since_ns`` and everything that has stood from then on."""
        before = [numbers for at_ns, numbers in self.told if at_ns <= since_ns]
        later = {numbers for at_ns, numbers in self.told if at_ns > since_ns}
        return {before[-1] if before else (0, 0, 0, 0)} | later

    def give_back(self, order: Order, qty: int) -> None:
        """``qty`` of an entry never was: nobody else can have closed it, and what he traded beyond
        the rest is his own position (I16)."""
        if order.role == ENTRY and self.position < 0:
            self.external_qty -= min(self.external_qty, qty, -self.position)

    def _count(self, order: Order, *, px: int, qty: int) -> None:
        order.filled_qty += qty
        if order.role == ENTRY:
            self.entry_qty += qty
            self.entry_cost += px * qty
            return
        self.groups[order.group].filled_qty += qty
        back = -1 if self.restores(order) else 1
        self.exit_qty += back * qty
        self.exit_cost += back * px * qty
        self.exit_by_role[order.role] = self.exit_by_role.get(order.role, 0) + qty

    def restores(self, order: Order) -> bool:
        """Whether an order trades back what the venue executed too much (I4b)."""
        return order.role == FLATTEN and order.sign == self.terms.sign

    @property
    def position(self) -> int:
        """Shares of this plan still held: entry minus exit executions, minus what somebody else
        closed (negative: reversed)."""
        return self.entry_qty - self.exit_qty - self.external_qty

    def need(self) -> int:
        """Shares that must be covered: what is held, and no more than the account really holds.

        The second half matters when somebody closes the position by hand (R19).
        """
        held = max(0, self.position)
        if self.account_position is None:
            return held
        return min(held, max(0, self.terms.sign * self.account_position))

    def flattening(self) -> int:
        """Shares that marketable closing orders are about to take off (the ladder at work)."""
        closing = (one for one in self.live.values() if one.role == FLATTEN)
        return sum(order.leaves_qty for order in closing if not self.restores(order))

    def restoring(self) -> int:
        """Shares that marketable orders are about to trade back (I4b)."""
        back = (one for one in self.live.values() if one.role == FLATTEN)
        return sum(order.leaves_qty for order in back if self.restores(order))

    def entry_leaves(self) -> int:
        """Shares that entry orders may still add; a replacement and its original count once."""
        by_chain: dict[str, int] = {}
        for order in self.live.values():
            if order.role == ENTRY:
                by_chain[order.chain] = max(by_chain.get(order.chain, 0), order.leaves_qty)
        return sum(by_chain.values())

    def cover(self) -> int:
        """cov(P, t): shares behind a working stop on the right side."""
        best: dict[str, int] = {}
        for order in self.live.values():
            if self._is_working_stop(order):
                covered = min(order.leaves_qty, self._group_leaves(order.group, order.leaves_qty))
                best[order.group] = max(best.get(order.group, 0), covered)
        return sum(best.values())

    def reducing(self) -> int:
        """Sum of rem(g): shares that our exit groups may still take off the position."""
        most: dict[str, int] = {}
        for order in self.live.values():
            is_exit = order.role != ENTRY and not self.restores(order)
            if is_exit and self._may_execute(order):
                most[order.group] = max(most.get(order.group, 0), order.leaves_qty)
        return sum(self._group_leaves(group, leaves) for group, leaves in most.items())

    def is_overfilled(self) -> bool:
        """Whether the venue executed more of one group than it was made for (B-02, V17)."""
        return any(group.filled_qty > group.order_qty for group in self.groups.values())

    def working_exits(self, role: str) -> list[Order]:
        """Live exit orders of a role that can execute (armed), for the check of their prices."""
        return [
            order
            for order in self.live.values()
            if order.role == role and order.status != "PENDING_NEW" and self._may_execute(order)
        ]

    def is_protective(self, order: Order) -> bool:
        """Whether the stop lies on the losing side of the entry, or of the market it was put in.

        The second half admits a stop that was tightened past the entry price.
        """
        if order.stop_px is None or order.sign == self.terms.sign:
            return False
        sign = self.terms.sign
        if sign * (self.entry_cost - order.stop_px * self.entry_qty) > 0:
            return True
        base_px = order.base_px if order.base_px is not None else order.market_px
        return base_px is not None and sign * (base_px - order.stop_px) > 0

    def _is_working_stop(self, order: Order) -> bool:
        if order.role != STOP or not self.is_protective(order):
            return False
        return order.status not in ("PENDING_NEW", "PENDING_CANCEL") and self._may_execute(order)

    def _may_execute(self, order: Order) -> bool:
        """Whether an exit is in force. A leg kept back is only if the venue watches it."""
        if order.status == ARMED:
            return self._has_live_sibling(order)
        return order.status != HELD

    def _has_live_sibling(self, order: Order) -> bool:
        """An armed stop counts while its target works: the venue watches the price (A-20)."""
        return any(
            other.group == order.group and other.role != order.role and other.status not in UNARMED
            for other in self.live.values()
        )

    def _group_leaves(self, group_id: str, leaves_qty: int) -> int:
        group = self.groups[group_id]
        if len(group.roles) < 2:
            return leaves_qty
        return min(leaves_qty, max(0, group.order_qty - group.filled_qty))
