"""The opening and the closing auction, as far as a tape shows them.

What: `AuctionDesk` keeps OPG and CLS orders until their auction and executes them at its price: the
first print from the open (or the close) on; when none comes within `WAIT_NS`, the touch that stands
then, far side. Under model ``paper`` it is the touch at once (spec 6.7). Market orders and limits
at that price or better trade in full, everything else is canceled (spec 2.3).
Not modelled: imbalance, the auction's own size, orders of others in it.
Invariants: an order trades at one price, never beyond its limit; nobody trades while halted.
Must never: keep an order after its auction.
"""

from __future__ import annotations

from typing import Protocol

from surefill.core.fix import OrdStatus, TimeInForce, TradingStatus
from surefill.core.market import Print
from surefill.core.session import Session, SessionKind
from surefill.core.units import NANO
from surefill.sim.agenda import StepKind
from surefill.sim.orders import VenueOrder
from surefill.sim.state import Venue
from surefill.sim.types import OrderEventKind

MINUTE_NS = 60 * NANO
WAIT_NS = MINUTE_NS
"""How long the auction's own print may take; official prints come seconds after the bell."""
OPEN_CUTOFF_NS = 2 * MINUTE_NS
"""No OPG order from 9:28 on (spec 1.10)."""
EVENING_NS = (9 * 60 + 30) * MINUTE_NS
"""From the open to 19:00 New York, when orders for the next auction are taken again."""


class AuctionHost(Protocol):
    """Who executes and ends orders."""

    def fill(self, order: VenueOrder, px: int, qty: int) -> None:
        """An execution."""

    def finish(self, order: VenueOrder, status: OrdStatus, *, text: str = "") -> None:
        """The end of an order without an execution."""


def is_too_late(venue: Venue, tif: TimeInForce) -> bool:
    """Whether an auction order is refused now: between its cutoff and 19:00 New York."""
    for session in venue.calendar.sessions:
        cutoff_ns = session.open_ns - OPEN_CUTOFF_NS
        if tif is TimeInForce.CLS:
            minutes = 5 if venue.switches.cls_cutoff == "15:55" else 10
            cutoff_ns = session.close_ns - minutes * MINUTE_NS
        if cutoff_ns <= venue.now_ns < session.open_ns + EVENING_NS:
            return True
    return False


class AuctionDesk:
    """Waiting auction orders: symbol -> orders, by arrival; ``open`` auctions: symbol -> kinds."""

    def __init__(self, venue: Venue, host: AuctionHost) -> None:
        self._venue = venue
        self._host = host
        self._waiting: dict[str, list[VenueOrder]] = {}
        self._open: dict[str, set[TimeInForce]] = {}
        venue.agenda.does(StepKind.TAKE_AUCTION, self._take)
        venue.agenda.does(StepKind.BEGIN_AUCTION, self._begin)
        venue.agenda.does(StepKind.CROSS_AUCTION, self._end_wait)

    def enter(self, order: VenueOrder) -> None:
        """Keep an accepted order for the next auction of its kind."""
        venue = self._venue
        is_opening = order.tif is TimeInForce.OPG
        session = self._session(is_opening=is_opening)
        order.not_routed = True
        in_stream = venue.switches.stream_pending_new == "on"
        venue.emit(OrderEventKind.PENDING_NEW, order, stream=in_stream)
        if session is None:
            return
        at_ns = session.open_ns if is_opening else session.close_ns
        order.expires_ns = at_ns
        self._waiting.setdefault(order.symbol, []).append(order)
        taken_ns = at_ns if is_opening else max(venue.now_ns, session.open_ns)
        venue.at(taken_ns, StepKind.TAKE_AUCTION, order)
        venue.at(at_ns, StepKind.BEGIN_AUCTION, order.symbol, order.tif)

    def on_print(self, symbol: str, print_: Print) -> None:
        """The first print of an open auction is its price."""
        for tif in sorted(self._open.get(symbol, ())):
            self._cross(symbol, tif, print_.px)

    def state(self) -> tuple[dict[str, list[str]], dict[str, set[TimeInForce]]]:
        """Ids of the waiting orders and open auctions, both by symbol."""
        waiting = {
            symbol: [order.order_id for order in orders] for symbol, orders in self._waiting.items()
        }
        return waiting, self._open

    def restore(
        self, waiting: dict[str, list[VenueOrder]], opened: dict[str, set[TimeInForce]]
    ) -> None:
        """Go on with these."""
        self._waiting, self._open = waiting, opened

    def _session(self, *, is_opening: bool) -> Session | None:
        for session in self._venue.calendar.sessions:
            at_ns = session.open_ns if is_opening else session.close_ns
            if at_ns > self._venue.now_ns:
                return session
        return None

    def _take(self, order: VenueOrder) -> None:
        """The exchange has the order: from now on it is new."""
        if order.status is OrdStatus.PENDING_NEW:
            order.not_routed = False
            order.status = OrdStatus.NEW
            self._venue.emit(OrderEventKind.NEW, order)

    def _begin(self, symbol: str, tif: TimeInForce) -> None:
        kinds = self._open.setdefault(symbol, set())
        if tif in kinds or not self._members(symbol, tif):
            return
        kinds.add(tif)
        if self._venue.switches.fill_model == "paper":
            self._cross(symbol, tif, None)
        else:
            self._wait(symbol, tif)

    def _wait(self, symbol: str, tif: TimeInForce) -> None:
        """For the auction's print, but not for ever."""
        self._venue.at(self._venue.now_ns + WAIT_NS, StepKind.CROSS_AUCTION, symbol, tif)

    def _end_wait(self, symbol: str, tif: TimeInForce) -> None:
        self._cross(symbol, tif, None)

    def _cross(self, symbol: str, tif: TimeInForce, px: int | None) -> None:
        """Trade at ``px`` (or, without one, at the touch), then end what is left."""
        if tif not in self._open.get(symbol, ()):
            return
        book = self._venue.books[symbol]
        is_halted = book.status is TradingStatus.HALTED
        if is_halted and self._venue.session_kind() is SessionKind.RTH:
            # A halted open: the auction is the reopening.
            self._wait(symbol, tif)
            return
        self._open[symbol].discard(tif)
        for order in self._members(symbol, tif):
            self._waiting[symbol].remove(order)
            own_px = 0 if is_halted else px
            if own_px is None and book.nbbo is not None:
                own_px = book.nbbo.far_px(order.sign)
            limit_px = order.limit_px
            if own_px and (limit_px is None or order.sign * (limit_px - own_px) >= 0):
                self._host.fill(order, own_px, order.leaves_qty)
            else:
                self._host.finish(order, OrdStatus.CANCELED)

    def _members(self, symbol: str, tif: TimeInForce) -> list[VenueOrder]:
        """Live orders of an auction; those that ended meanwhile are forgotten."""
        waiting = [order for order in self._waiting.get(symbol, []) if order.is_live]
        self._waiting[symbol] = waiting
        return [order for order in waiting if order.tif is tif]
