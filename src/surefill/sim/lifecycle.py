"""The life of an order at the venue: routed, executed, canceled, replaced, expired.

What: `OrderDesk` performs every transition of an order; `Book` tells it what executes and
`surefill.sim.complex_orders.GroupDesk` what follows for the other members of a group.
Why: cancels and replaces take a moment, and an execution may come first: then it wins, and the
request is answered by CANCEL_REJECTED or REPLACE_REJECTED (spec 2.2, 2.4, 2.5).
Invariants: `OrderDesk.fill` is the only place that executes, and it asserts the limit;
`OrderDesk.finish` and `ReplaceDesk.install` alone end an order without an execution; shares
held by an order that ended stay held for the release delay (spec 1.7).
Must never: refuse a request (`surefill.sim.rules` has already let it pass).
"""

from __future__ import annotations

from surefill.core.fix import OrdStatus, OrdType, Side, TimeInForce, TradingStatus
from surefill.core.session import SessionKind
from surefill.core.units import NANO, TickSchedule, to_text
from surefill.sim.agenda import StepKind
from surefill.sim.auction import AuctionDesk
from surefill.sim.book import REFRESH_NS, Book
from surefill.sim.catalogue import FaultCode
from surefill.sim.complex_orders import GroupDesk
from surefill.sim.expiry import end_ns, end_status, is_open, opens_ns
from surefill.sim.models import NO_FEES, Delay, FeeModel
from surefill.sim.orders import VenueOrder, stamp_end
from surefill.sim.replacing import ReplaceDesk
from surefill.sim.state import Venue
from surefill.sim.types import FillRecord, OrderEventKind

_STOP_CAP_FROM_50_PPB = 25_000_000
_STOP_CAP_BELOW_50_PPB = 40_000_000
_STOP_CAP_BAND_PX = 50 * NANO

_TERMINAL_EVENT = {
    OrdStatus.CANCELED: OrderEventKind.CANCELED,
    OrdStatus.EXPIRED: OrderEventKind.EXPIRED,
    OrdStatus.REJECTED: OrderEventKind.REJECTED,
    OrdStatus.REPLACED: OrderEventKind.REPLACED,
}


def stop_cap_px(stop_px: int) -> int:
    """Worst price (not yet on the grid) of an elected buy stop: +2.5 % from $50, +4 % below."""
    ppb = _STOP_CAP_FROM_50_PPB if stop_px >= _STOP_CAP_BAND_PX else _STOP_CAP_BELOW_50_PPB
    return stop_px * (NANO + ppb) // NANO


class OrderDesk:
    """All transitions. Also the `BookHost` of every book."""

    def __init__(self, venue: Venue, *, fees: FeeModel = NO_FEES) -> None:
        self._venue = venue
        self._fees = fees
        self.groups = GroupDesk(venue, self)
        self.auctions = AuctionDesk(venue, self)
        self._replacing = ReplaceDesk(venue, self)
        for kind, doer in (
            (StepKind.ROUTE, self._route),
            (StepKind.EXPIRE, self._expire),
            (StepKind.REFRESH, self._refresh),
            (StepKind.CONFIRM_CANCEL, self._confirm_cancel),
            (StepKind.RELEASE, self._release),
        ):
            venue.agenda.does(kind, doer)

    # --- entering the market --------------------------------------------------------------

    def accept(self, order: VenueOrder) -> None:
        """Take an order into the books: it reserves, and its client id is used up."""
        venue = self._venue
        venue.orders[order.order_id] = order
        venue.cl_ord_ids[order.account, order.cl_ord_id] = order.order_id
        venue.ledger_of(order).add_order(order)
        venue.note("accept", order)

    def launch(self, order: VenueOrder) -> None:
        """Send an accepted order on its way: now, or at the next open."""
        venue = self._venue
        if order.tif in (TimeInForce.OPG, TimeInForce.CLS):
            self.auctions.enter(order)
            return
        at_ns = opens_ns(venue, order)
        self.set_expiry(order)
        if order.ord_type is OrdType.TRAILING_STOP and is_open(venue, order):
            # The broker watches the price itself: new at once (recorded).
            self._route(order)
            return
        if is_open(venue, order):
            order.not_routed = venue.switches.post_status == "accepted"
            venue.after(Delay.ROUTE, StepKind.ROUTE, order)
        else:
            order.not_routed = True
            if at_ns is not None:
                venue.at(at_ns, StepKind.ROUTE, order)
        in_stream = venue.switches.stream_pending_new == "on"
        venue.emit(OrderEventKind.PENDING_NEW, order, stream=in_stream)

    def set_expiry(self, order: VenueOrder) -> None:
        """Let it end by itself when its time is over."""
        ends_ns = end_ns(self._venue, order)
        if ends_ns is not None:
            order.expires_ns = ends_ns
            self._venue.at(ends_ns, StepKind.EXPIRE, order)

    def _route(self, order: VenueOrder) -> None:
        if not order.is_live or order.on_book:
            return
        order.not_routed = False
        if self._venue.trouble(FaultCode.V9, order.symbol) is not None:
            self.finish(order, OrdStatus.REJECTED, text="rejected by the market")
            return
        self._start_trail(order)
        self._book(order).add(order)
        if order.status is OrdStatus.PENDING_NEW:
            order.status = OrdStatus.NEW
            self._venue.emit(OrderEventKind.NEW, order)
        self.groups.on_new(order)
        self._book(order).attempt(order)

    def _start_trail(self, order: VenueOrder) -> None:
        """A trailing stop starts from the last trade when it comes to the market."""
        px = self._book(order).mark_px()
        if order.ord_type is OrdType.TRAILING_STOP and px is not None:
            order.hwm_px = None
            order.trail_behind(px)

    def go_live(self, order: VenueOrder) -> None:
        """A leg reaches the market: armed target, or stop that is sent."""
        order.held = False
        order.armed = False
        order.status = OrdStatus.NEW
        order.submitted_ns = self._venue.now_ns
        self._book(order).add(order)
        self._venue.emit(OrderEventKind.NEW, order)
        self._book(order).attempt(order)

    def watch(self, order: VenueOrder) -> None:
        """The venue watches the price for a held stop leg: it protects from now on."""
        order.armed = True
        self._book(order).add(order)
        self._venue.note("armed", order)

    def unwatch(self, order: VenueOrder) -> None:
        """The held stop leg protects no longer."""
        was_armed = order.armed
        order.armed = False
        self._book(order).remove(order)
        if was_armed:
            self._venue.note("disarmed", order)

    # --- BookHost -------------------------------------------------------------------------

    def session_kind(self) -> SessionKind:
        """Regular, extended or closed, now."""
        return self._venue.session_kind()

    def is_short_filled(self, symbol: str) -> bool:
        """See `BookHost`."""
        return self._venue.trouble(FaultCode.V1, symbol) is not None

    def refresh_later(self, book: Book, sign: int, version: int) -> None:
        """See `BookHost`."""
        refresh_ns = self._venue.now_ns + REFRESH_NS
        self._venue.at(refresh_ns, StepKind.REFRESH, book.symbol, sign, version)

    def _refresh(self, symbol: str, sign: int, version: int) -> None:
        self._venue.books[symbol].refresh(sign, version)

    def fill(self, order: VenueOrder, px: int, qty: int) -> None:
        """Execute. The one place; a price beyond the limit is a bug in matching, not a fill."""
        venue = self._venue
        bound_px = order.bound_px
        assert bound_px is None or order.sign * (bound_px - px) >= 0, (
            f"{order.side} {order.order_id} at {to_text(px)} beyond its limit {to_text(bound_px)}"
        )
        assert 0 < qty <= order.leaves_qty, f"{order.order_id}: {qty} of {order.leaves_qty}"
        assert self._book(order).status is not TradingStatus.HALTED, "no executions while halted"
        ledger = venue.ledger_of(order)
        ledger.book(
            order.symbol,
            signed_qty=order.sign * qty,
            px=px,
            fee=self._fees.fee(qty),
            at_ns=venue.now_ns,
        )
        order.cum_qty += qty
        order.cost += px * qty
        is_final = order.open_qty == 0
        if is_final:
            order.status = OrdStatus.FILLED
            order.filled_ns = venue.now_ns
            self._book(order).remove(order)
            ledger.drop_order(order)
        elif order.status is OrdStatus.NEW:
            order.status = OrdStatus.PARTIALLY_FILLED
        kind = OrderEventKind.FILL if is_final else OrderEventKind.PARTIAL_FILL
        event = venue.emit(kind, order, px=px, qty=qty)
        venue.fills[event.exec_id] = FillRecord(
            seq=len(venue.fills) + 1,
            exec_id=event.exec_id,
            venue_ns=venue.now_ns,
            account=order.account,
            order_id=order.order_id,
            cl_ord_id=order.cl_ord_id,
            symbol=order.symbol,
            side=event.order.fill_side,
            px=px,
            qty=qty,
            cum_qty=order.cum_qty,
            leaves_qty=order.leaves_qty,
            order_status=order.status,
            position_qty=event.position_qty,
        )
        self.groups.on_fill(order)
        bust_after_ns = venue.trouble(FaultCode.V6, order.symbol)
        if bust_after_ns is not None:
            venue.at(venue.now_ns + bust_after_ns, StepKind.BUST, event.exec_id)

    def elect(self, order: VenueOrder) -> None:
        """A stop was elected: it becomes a market order, capped for a buy, or a limit."""
        if order.group is not None and order.group.closing:
            return
        order.triggered = True
        if order.ord_type is OrdType.STOP and order.side is Side.BUY:
            assert order.stop_px is not None
            ticks = self._venue.assets.note_quote(order.symbol).ticks
            order.cap_px = ticks.floor(stop_cap_px(order.stop_px))
            if self._venue.trouble(FaultCode.V16, order.symbol) is not None:
                order.cap_px = self._cap_below_market(order, order.cap_px, ticks)
        self._venue.note("triggered", order)
        if order.held:
            self.groups.on_stop_triggered(order)
        else:
            if self._venue.switches.elected_event == "new" and order.status is OrdStatus.NEW:
                self._venue.emit(OrderEventKind.NEW, order)
            self._book(order).attempt(order)

    def _cap_below_market(self, order: VenueOrder, cap_px: int, ticks: TickSchedule) -> int:
        """Fault V16: the market has jumped over the cap; what the order could pay buys nothing."""
        nbbo = self._book(order).nbbo
        bid_px = nbbo.bid_px if nbbo is not None else 0
        return min(cap_px, max(ticks.tick_at(0), ticks.floor(bid_px - 1))) if bid_px else cap_px

    def trailed(self, order: VenueOrder) -> None:
        """A trailing stop follows the market: the order changes, no event tells of it."""
        order.updated_ns = self._venue.now_ns
        self._venue.note("trailed", order)

    def end_remainder(self, order: VenueOrder) -> None:
        """What an IOC or FOK order could not take is canceled."""
        self.finish(order, OrdStatus.CANCELED)

    # --- leaving the market ---------------------------------------------------------------

    def begin_cancel(self, order: VenueOrder) -> None:
        """Ask the market to cancel; queued and held orders end at once, nobody else has them."""
        venue = self._venue
        order.cancel_requested_ns = venue.now_ns
        is_watched = order.ord_type is OrdType.TRAILING_STOP and not order.triggered
        is_queued = order.not_routed and not order.on_book and not is_open(venue, order)
        if order.held or is_watched or is_queued:
            self.finish(order, OrdStatus.CANCELED)
            return
        order.status = OrdStatus.PENDING_CANCEL
        in_stream = venue.switches.stream_pending_cancel == "on"
        venue.emit(OrderEventKind.PENDING_CANCEL, order, stream=in_stream)
        venue.after(Delay.CANCEL, StepKind.CONFIRM_CANCEL, order)

    def _confirm_cancel(self, order: VenueOrder) -> None:
        venue = self._venue
        if order.is_live and venue.trouble(FaultCode.V3, order.symbol) is not None:
            order.status, order.cancel_requested_ns = order.resting_status, None
            venue.emit(OrderEventKind.CANCEL_REJECTED, order, text="cancel rejected")
            return
        if order.is_live and venue.trouble(FaultCode.V2, order.symbol) is not None:
            self.execute_now(order)
        if order.is_live:
            self.finish(order, OrdStatus.CANCELED)
        elif order.status is OrdStatus.FILLED:
            self._venue.emit(OrderEventKind.CANCEL_REJECTED, order, text="too late to cancel")

    def execute_now(self, order: VenueOrder) -> None:
        """Faults V2 and V5: what is left is executed at its own limit, or at the touch."""
        book = self._book(order)
        px = order.bound_px or (book.nbbo.far_px(order.sign) if book.nbbo else 0)
        is_halted = book.status is TradingStatus.HALTED
        if order.on_book and not order.is_dormant_stop and px > 0 and not is_halted:
            self.fill(order, px, order.open_qty)

    def _expire(self, order: VenueOrder) -> None:
        if order.is_live:
            self.finish(order, end_status(self._venue.switches, order))

    def end_order(self, order: VenueOrder, status: OrdStatus | None, text: str) -> None:
        """The venue or the broker ends an order; ``None``: as its time in force ends."""
        if status is None:
            self._expire(order)
        elif order.is_live:
            self.finish(order, status, text=text)

    def finish(
        self, order: VenueOrder, status: OrdStatus, *, text: str = "", stream: bool = True
    ) -> None:
        """End an order without an execution; its shares come back after the release delay."""
        venue = self._venue
        ledger = venue.ledger_of(order)
        held_before_qty = ledger.ordered_qty(order.symbol)
        order.status = status
        order.not_routed = False
        order.armed = False
        stamp_end(order, now_ns=venue.now_ns)
        self._book(order).remove(order)
        ledger.drop_order(order)
        venue.emit(_TERMINAL_EVENT[status], order, text=text, stream=stream)
        self.free_shares(order, held_before_qty)
        self.groups.on_end(order)

    def free_shares(self, order: VenueOrder, held_before_qty: int) -> None:
        """Let the shares go, a moment later, that are ordered no more."""
        ledger = self._venue.ledger_of(order)
        freed_qty = held_before_qty - ledger.ordered_qty(order.symbol)
        if freed_qty > 0:
            ledger.hold_back(order.symbol, freed_qty)
            self._venue.after(Delay.RELEASE, StepKind.RELEASE, order, freed_qty)

    def _release(self, order: VenueOrder, qty: int) -> None:
        self._venue.ledger_of(order).release(order.symbol, qty)
        self._venue.note("share_release", order, qty=qty)

    # --- replace --------------------------------------------------------------------------

    def begin_replace(self, old: VenueOrder, new: VenueOrder) -> None:
        """``new`` is accepted as the successor of ``old``, which keeps working until settled."""
        self._replacing.begin(old, new)

    def install(self, old: VenueOrder, new: VenueOrder) -> None:
        """The replacement is in force; the old order is REPLACED."""
        self._replacing.install(old, new)

    def _book(self, order: VenueOrder) -> Book:
        return self._venue.books[order.symbol]
