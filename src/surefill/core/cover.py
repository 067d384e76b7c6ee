"""What covers a trade: the machine of an exit group, and the count of covered and claimed shares.

What: `group_state` (derived from the group's orders), `cover_of`.
Invariants: cover counts only when a stop is proven to work (A-20, A-26); claims count everything
that might still execute, so that new cover is never sent for shares that old exits still hold (I4).
A group's remaining quantity is its size minus what *any* of its legs closed: the broker shrinks the
sibling of a partly filled leg by itself (alpaca.md 3.4).
Must never: decide anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from surefill.core.fix import Leg
from surefill.core.memory import remembered
from surefill.core.order import ChildOrder, OrderState
from surefill.core.trade import ExitGroup, GroupKind, Trade


class GroupState(StrEnum):
    """Where an exit group stands. Derived from its orders."""

    WAITING = "WAITING"
    """Bracket legs that wait for the entry to fill completely."""
    DUE = "DUE"
    ASKED = "ASKED"
    DOUBTED = "DOUBTED"
    ARMED = "ARMED"
    BARE = "BARE"
    """Something of it works, but no stop: it holds shares without covering them."""
    ENDING = "ENDING"
    DONE = "DONE"


_G = GroupState

ARM_NS = 1_000_000_000
"""The broker arms the legs of a filled bracket within 45 ms (alpaca.md 3.3); this much later they
are not late but stuck."""

GROUP_TRANSITIONS: dict[GroupState, frozenset[GroupState]] = {
    # A bracket may fill, arm and finish between two looks.
    _G.WAITING: frozenset({_G.ARMED, _G.BARE, _G.ENDING, _G.DONE, _G.DOUBTED}),
    # To DOUBTED by a late answer to an earlier send of the same intent.
    _G.DUE: frozenset({_G.ASKED, _G.DONE, _G.ARMED, _G.BARE, _G.DOUBTED}),
    _G.ASKED: frozenset({_G.DUE, _G.DOUBTED, _G.ARMED, _G.BARE, _G.ENDING, _G.DONE}),
    # Back to DUE only after a read that did not find it (decision 0003).
    _G.DOUBTED: frozenset({_G.DUE, _G.ASKED, _G.ARMED, _G.BARE, _G.ENDING, _G.DONE, _G.WAITING}),
    # The stop fires or ends while a replacement of its sibling is still under way.
    _G.ARMED: frozenset({_G.BARE, _G.ENDING, _G.DONE, _G.DOUBTED, _G.ASKED}),
    # The stop leg becomes known after the answer, or its replacement is in doubt for a moment.
    _G.BARE: frozenset({_G.ARMED, _G.ENDING, _G.DONE, _G.DOUBTED, _G.ASKED}),
    _G.ENDING: frozenset({_G.DONE, _G.ARMED, _G.BARE}),
    # Evidence of a late appearance re-opens a group, as it re-opens an order (R22).
    _G.DONE: frozenset({_G.ARMED, _G.BARE, _G.ASKED, _G.ENDING}),
}
"""state -> states that may follow; checked after every step."""


@dataclass(frozen=True, slots=True)
class Cover:
    """Shares (1e-9) of a trade: held, covered by a proven stop, claimed by any open exit."""

    position_qty: int
    covered_qty: int
    claimed_qty: int

    @property
    def uncovered_qty(self) -> int:
        """The number this product exists to keep at zero."""
        return max(0, self.position_qty - self.covered_qty)


def group_state(trade: Trade, group: ExitGroup) -> GroupState:
    """Where a group stands, from its orders."""
    orders = trade.group_orders(group.n)
    entry = bracket_entry(trade, group)
    if entry is not None and not entry.is_terminal:
        return _G.WAITING
    if entry is not None and entry.state is not OrderState.FILLED and not _is_armed(orders):
        return _G.DONE
    open_orders = [order for order in orders if not order.is_terminal]
    if not open_orders:
        unknown_legs = entry is not None and not orders
        return _G.BARE if unknown_legs else _G.DONE
    if group.is_ended:
        return _G.ENDING
    states = {order.state for order in open_orders}
    if any(o.leg is Leg.STOP and o.state is OrderState.WORKING for o in open_orders):
        return _G.ARMED
    if OrderState.WORKING in states:
        return _G.BARE
    if OrderState.IN_DOUBT in states:
        return _G.DOUBTED
    return _G.ASKED if OrderState.IN_FLIGHT in states else _G.DUE


def _is_armed(orders: Sequence[ChildOrder]) -> bool:
    """Whether legs of an entry that ended early work all the same. The broker documents that they
    end with it, and is not known to do it always (alpaca.md 3.3): what its reports show decides."""
    return any(o.leg is not Leg.STOP and not o.is_terminal and not o.is_held for o in orders)


def bracket_entry(trade: Trade, group: ExitGroup) -> ChildOrder | None:
    if group.kind is not GroupKind.BRACKET:
        return None
    return next((order for order in trade.entries if order.group == group.n), None)


def is_held_back(trade: Trade, group: ExitGroup) -> bool:
    """Whether, as far as we know, the broker keeps every leg of a filled bracket back: then neither
    protects (A-20). Right after the fill that is the rule; after `ARM_NS` it is a fault (V20)."""
    entry = bracket_entry(trade, group)
    if entry is None or entry.state is not OrderState.FILLED:
        return False
    resting = [order for order in trade.group_orders(group.n) if not order.is_terminal]
    has_target = any(order.leg is not Leg.STOP for order in resting)
    return has_target and all(order.is_held for order in resting)


def filled_ns(order: ChildOrder) -> int:
    """Venue time (UTC ns) of an order's last execution, or of the last report that counted one."""
    return max((fill.venue_ns for fill in order.fills), default=order.reported_ns)


def group_covered(trade: Trade, group: ExitGroup) -> int:
    """Shares that a proven working stop of this group covers."""
    state = group_state(trade, group)
    return trade.group_rem(group) if state is _G.ARMED else 0


def group_claimed(trade: Trade, group: ExitGroup) -> int:
    """Shares that this group might still close: what new cover must not be sent for."""
    state = group_state(trade, group)
    if state is _G.DONE or group.kind is GroupKind.RESTORE:
        return 0
    if state is _G.WAITING:
        return min(trade.group_rem(group), max(0, trade.position_qty))
    return trade.group_rem(group)


@remembered
def cover_of(trade: Trade) -> Cover:
    """Held, covered and claimed shares of a trade."""
    covered = sum(group_covered(trade, group) for group in trade.groups)
    claimed = sum(group_claimed(trade, group) for group in trade.groups)
    position = max(0, trade.position_qty)
    return Cover(position, min(covered, position), claimed)
