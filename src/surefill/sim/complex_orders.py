"""Brackets, OCO and OTO: what happens to the other members of a group.

What: the rules of spec section 3.
* Exits of a bracket or OTO stay ``held`` until the entry is *completely* filled; a partly filled
  entry that is canceled leaves its shares naked and takes its legs with it (surprise B-01).
* Then the target goes to the market; the stop beside it stays held and the venue watches the
  price (``armed``). An OTO stop, without a target, goes to the market itself.
* A partial fill of the target shrinks the stop; a complete one cancels it.
* A triggered stop pulls the target first, then is sent for what is left; with switch
  ``exit_race=overlapping`` at once, so that both may fill (B-02).
* Exits whose shares another order holds by the time the entry completes are rejected.
* Cancel of any member cancels the group; the sibling follows a moment after the first.
Invariant: once ``closing``, nothing of the group may trigger.
"""

from __future__ import annotations

from typing import Protocol

from surefill.core.fix import Contingency, OrdStatus
from surefill.sim.agenda import StepKind
from surefill.sim.faults import FaultCode
from surefill.sim.models import Delay
from surefill.sim.orders import OrderGroup, VenueOrder
from surefill.sim.state import Venue
from surefill.sim.types import OrderEventKind


class LegActions(Protocol):
    """What a group may do to its members (the order desk does it)."""

    def go_live(self, order: VenueOrder) -> None:
        """Send a leg to the market."""

    def watch(self, order: VenueOrder) -> None:
        """Watch the price for a held stop."""

    def unwatch(self, order: VenueOrder) -> None:
        """Stop watching."""

    def begin_cancel(self, order: VenueOrder) -> None:
        """Ask for a cancel."""

    def finish(
        self, order: VenueOrder, status: OrdStatus, *, text: str = "", stream: bool = True
    ) -> None:
        """End an order."""

    def install(self, old: VenueOrder, new: VenueOrder) -> None:
        """Put a replacement in force."""


class GroupDesk:
    """Consequences inside groups. Called by the order desk after each transition."""

    def __init__(self, venue: Venue, desk: LegActions) -> None:
        self._venue = venue
        self._desk = desk
        venue.agenda.does(StepKind.ARM_GROUP, self._arm)
        venue.agenda.does(StepKind.END_SIBLING, self._end_sibling)

    # --- requests -------------------------------------------------------------------------

    def cancel(self, order: VenueOrder) -> None:
        """Cancel the whole group, starting with the member at the market."""
        group = order.group
        assert group is not None
        order.cancel_requested_ns = self._venue.now_ns
        first = order if order.working else self._front(group)
        if first.status is not OrdStatus.PENDING_CANCEL:
            self._desk.begin_cancel(first)

    @staticmethod
    def _front(group: OrderGroup) -> VenueOrder:
        """The live member that is, or would be, at the market: entry, target, stop."""
        return next(member for member in group.members() if member.is_live)

    # --- consequences ---------------------------------------------------------------------

    def on_new(self, order: VenueOrder) -> None:
        """An OCO is in force as soon as its target is at the market."""
        group = order.group
        if group is None or group.entry is not None or order is not group.target:
            return
        assert group.stop is not None, "an OCO has a stop"
        group.armed = True
        self._desk.watch(group.stop)

    def on_fill(self, order: VenueOrder) -> None:
        """An execution of a member."""
        group = order.group
        if group is None:
            return
        if order is group.entry:
            if order.status is OrdStatus.FILLED and self._has_shares(group):
                self._venue.after(Delay.ARM, StepKind.ARM_GROUP, group)
        elif order is group.target and group.stop is not None and group.stop.is_live:
            if order.status is OrdStatus.FILLED:
                self._dismiss(group, group.stop, Delay.ARM)
            elif group.stop.held:
                self._resize_stop(group, order.open_qty)

    def on_end(self, order: VenueOrder) -> None:
        """A member ended without an execution."""
        group = order.group
        if group is None or order.status is OrdStatus.REPLACED:
            return
        if order is group.entry:
            self._on_entry_end(group, order)
            return
        stop = group.stop
        if order is group.target and stop is not None and stop.triggered and stop.is_live:
            if stop.held:
                self._desk.go_live(stop)
            return
        group.closing = True
        for sibling in group.live_exits():
            if order.status is OrdStatus.EXPIRED:
                self._end_sibling(sibling, order.status)
            else:
                self._dismiss(group, sibling, Delay.SIBLING)

    def on_stop_triggered(self, stop: VenueOrder) -> None:
        """The watched price was reached: pull the target, then send the stop."""
        group = stop.group
        assert group is not None
        target = group.target
        assert target is not None, "a held stop is armed beside its target"
        if target.status is not OrdStatus.PENDING_CANCEL:
            self._desk.begin_cancel(target)
        is_race = (
            self._venue.switches.exit_race == "overlapping"
            or self._venue.trouble(FaultCode.V17, stop.symbol) is not None
        )
        if stop.held and stop.is_live and is_race:
            self._desk.go_live(stop)

    def on_replace(self, old: VenueOrder, new: VenueOrder) -> None:
        """A member has a replacement: it takes the place in the group."""
        group = old.group
        if group is None:
            return
        new.group = group
        group.put(new, instead_of=old)
        for member in group.members():
            if member.parent_id == old.order_id:
                member.parent_id = new.order_id

    # --- inside ---------------------------------------------------------------------------

    def _on_entry_end(self, group: OrderGroup, entry: VenueOrder) -> None:
        if entry.cum_qty and self._venue.switches.partial_arms_legs == "on":
            for leg in group.live_exits():
                leg.order_qty = entry.cum_qty
            group.armed = True
            if self._has_shares(group):
                self._arm(group)
            return
        group.closing = True
        for leg in group.live_exits():
            self._end_sibling(leg, OrdStatus.CANCELED)

    def _has_shares(self, group: OrderGroup) -> bool:
        """Whether the exits find their shares free; else they are rejected.

        Shares of a partly filled entry are free until it completes: somebody may have covered
        them with another group by then. What the broker does is not known; holding more shares
        than there are would let exits open a position, so the later group loses.
        """
        leg = group.exits()[0]
        ledger = self._venue.ledger_of(leg)
        if ledger.ordered_qty(leg.symbol) <= abs(ledger.position_qty(leg.symbol)):
            return True
        group.closing = True
        for exit_ in group.live_exits():
            text = "insufficient qty available for order"
            self._desk.finish(exit_, OrdStatus.REJECTED, text=text)
        return False

    def _arm(self, group: OrderGroup) -> None:
        if group.closing or not group.live_exits():
            return
        if self._venue.trouble(FaultCode.V20, group.exits()[0].symbol) is not None:
            return
        group.armed = True
        target, stop = group.target, group.stop
        if stop is not None and stop.is_live:
            if target is None:
                self._desk.go_live(stop)
            else:
                self._desk.watch(stop)
        if target is not None and target.is_live:
            self._desk.go_live(target)

    def _resize_stop(self, group: OrderGroup, leaves_qty: int) -> None:
        stop = group.stop
        assert stop is not None
        if stop.armed and self._venue.trouble(FaultCode.V18, stop.symbol) is not None:
            self._desk.unwatch(stop)
        if self._venue.switches.tp_partial_resize == "in_place" or stop.successor is not None:
            stop.order_qty = leaves_qty
            self._venue.note("resized", stop)
            return
        new = copy_terms(stop, order_id=self._venue.new_id("order"), seq=self._venue.next_seq())
        new.cl_ord_id = self._venue.new_id("client")
        new.order_qty = leaves_qty
        new.submitted_ns = new.updated_ns = self._venue.now_ns
        self._venue.orders[new.order_id] = new
        self._venue.cl_ord_ids[new.account, new.cl_ord_id] = new.order_id
        self._desk.install(stop, new)

    def _dismiss(self, group: OrderGroup, leg: VenueOrder, delay: Delay) -> None:
        """The leg loses its force now and is canceled a moment later."""
        group.closing = True
        if leg.held:
            self._desk.unwatch(leg)
        elif leg.on_book:
            if leg.status is not OrdStatus.PENDING_CANCEL:
                self._desk.begin_cancel(leg)
            return
        self._venue.after(delay, StepKind.END_SIBLING, leg, OrdStatus.CANCELED)

    def _end_sibling(self, leg: VenueOrder, status: OrdStatus) -> None:
        if leg.is_live:
            in_stream = self._venue.switches.sibling_cancel_event == "on"
            self._desk.finish(leg, status, stream=in_stream)

    def announce(self, group: OrderGroup) -> None:
        """Tell that the legs of a fresh group are held."""
        in_stream = self._venue.switches.stream_held == "on"
        for leg in group.exits():
            if leg.held:
                self._venue.emit(OrderEventKind.HELD, leg, stream=in_stream)


def copy_terms(order: VenueOrder, *, order_id: str, seq: int) -> VenueOrder:
    """A fresh order with the terms of another and its place in the group, as its replacement."""
    return VenueOrder(
        seq=seq,
        order_id=order_id,
        cl_ord_id="",
        account=order.account,
        symbol=order.symbol,
        asset_id=order.asset_id,
        side=order.side,
        is_short_sale=order.is_short_sale,
        is_opening=order.is_opening,
        ord_type=order.ord_type,
        tif=order.tif,
        order_qty=order.order_qty,
        notional_usd=order.notional_usd,
        limit_px=order.limit_px,
        stop_px=order.stop_px,
        extended_hours=order.extended_hours,
        contingency=order.contingency,
        created_ns=order.created_ns,
        submitted_ns=order.submitted_ns,
        updated_ns=order.updated_ns,
        leg=order.leg,
        parent_id=order.parent_id,
        reserve_px=order.reserve_px,
        replaces=order.order_id,
        trail_px=order.trail_px,
        trail_ppb=order.trail_ppb,
        hwm_px=order.hwm_px,
    )


def is_complex(order: VenueOrder) -> bool:
    """Whether the order belongs to a bracket, OCO or OTO."""
    return order.contingency is not Contingency.NONE
