"""Replacements: asked for, accepted as a new order, in force a moment later or lost to a fill.

What: `ReplaceDesk` begins a replacement and settles it (spec 2.4).
Invariants: until it is settled the old order works on; a fill that comes first wins, and then both
orders say so (`Switches.lost_replace_events`); group and book know one of the two, never both.
Must never: refuse a replacement (`surefill.sim.rules` has already let it pass).
"""

from __future__ import annotations

from typing import Protocol

from surefill.core.fix import OrdStatus
from surefill.sim.agenda import StepKind
from surefill.sim.catalogue import FaultCode
from surefill.sim.complex_orders import GroupDesk
from surefill.sim.models import Delay
from surefill.sim.orders import VenueOrder, stamp_end
from surefill.sim.state import Venue
from surefill.sim.types import OrderEventKind


class ReplaceHost(Protocol):
    """What a replacement asks of the order desk."""

    groups: GroupDesk

    def set_expiry(self, order: VenueOrder) -> None:
        """Let it end by itself when its time is over."""

    def execute_now(self, order: VenueOrder) -> None:
        """What is left is executed."""

    def free_shares(self, order: VenueOrder, held_before_qty: int) -> None:
        """Let the shares go, a moment later, that are ordered no more."""


class ReplaceDesk:
    """Replacements of one venue."""

    def __init__(self, venue: Venue, host: ReplaceHost) -> None:
        self._venue = venue
        self._host = host
        venue.agenda.does(StepKind.SETTLE_REPLACE, self._settle)

    def begin(self, old: VenueOrder, new: VenueOrder) -> None:
        """``new`` is accepted as the successor of ``old``, which keeps working until settled."""
        venue = self._venue
        venue.orders[new.order_id] = new
        venue.cl_ord_ids[new.account, new.cl_ord_id] = new.order_id
        new.not_routed = venue.switches.post_status == "accepted"
        venue.unsettled[new.order_id] = new
        old.successor = new
        venue.note("accept", new)
        old.status = OrdStatus.PENDING_REPLACE
        venue.emit(OrderEventKind.PENDING_REPLACE, old)
        venue.after(Delay.REPLACE, StepKind.SETTLE_REPLACE, old, new)

    def _settle(self, old: VenueOrder, new: VenueOrder) -> None:
        venue = self._venue
        if venue.trouble(FaultCode.V5, old.symbol) is not None and old.is_live:
            self._host.execute_now(old)
        old.successor = None
        del venue.unsettled[new.order_id]
        is_refused = venue.trouble(FaultCode.V4, old.symbol) is not None
        is_possible = (
            not is_refused
            and old.status is OrdStatus.PENDING_REPLACE
            and new.order_qty > old.cum_qty + old.busted_qty
            and not (old.held and old.triggered)
            and not (old.group is not None and old.group.closing)
        )
        if is_possible:
            self.install(old, new)
            return
        new.status = OrdStatus.REJECTED
        new.not_routed = False
        new.failed_ns = self._venue.now_ns
        told = self._venue.switches.lost_replace_events
        text = "replace rejected" if is_refused else "original order is done"
        self._venue.emit(OrderEventKind.REJECTED, new, text=text, stream=told != "replace_rejected")
        if old.status is OrdStatus.PENDING_REPLACE:
            old.status = old.resting_status
        text = "replace rejected" if is_refused else "too late to replace"
        self._venue.emit(OrderEventKind.REPLACE_REJECTED, old, text=text, stream=told != "rejected")

    def install(self, old: VenueOrder, new: VenueOrder) -> None:
        """The replacement is in force; the old order is REPLACED."""
        venue = self._venue
        ledger = venue.ledger_of(old)
        held_before_qty = ledger.ordered_qty(old.symbol)
        was_on_book, book = old.on_book, venue.books[old.symbol]
        if venue.switches.replace_carries_cum == "on":
            new.cum_qty, new.cost, new.busted_qty = old.cum_qty, old.cost, old.busted_qty
            new.carried_qty = old.carried_qty
            if venue.switches.replace_carries_avg == "off":
                new.cost, new.carried_qty = 0, old.cum_qty
        new.held, new.armed, new.triggered = old.held, old.armed, old.triggered
        new.cap_px, new.not_routed = old.cap_px, False
        new.status = new.resting_status
        if old.hwm_px is not None:
            new.hwm_px = old.hwm_px  # it may have moved since the replacement was asked for
            new.place_stop()
        self._host.groups.on_replace(old, new)
        old.status, old.replaced_by, old.armed = OrdStatus.REPLACED, new.order_id, False
        stamp_end(old, now_ns=venue.now_ns)
        book.remove(old)
        ledger.drop_order(old)
        ledger.add_order(new)
        self._host.set_expiry(new)
        if was_on_book:
            book.add(new)
        birth = OrderEventKind.HELD if new.held else OrderEventKind.NEW
        first, second = (OrderEventKind.REPLACED, old), (birth, new)
        if venue.switches.replace_event_order == "new_first":
            first, second = second, first
        venue.emit(*first)
        venue.emit(*second)
        self._host.free_shares(old, held_before_qty)
        if was_on_book:
            book.attempt(new)
