"""Matching of one symbol: the recorded touch, our orders, who is ahead of us.

What: `Book` knows the last quote and print and the orders at the market, and says what executes.
The default model ``queue``:

* An arriving order takes the displayed size at the touch, at the touch price. What it took stays
  taken until the quote of that side changes. The rest of a market order (and of an elected stop)
  waits for that change, or for `REFRESH_NS` of quiet tape; the rest of a limit waits for the
  change alone and takes again at the touch while it crosses; it rests once it crosses no more.
* A resting order joins behind the displayed size at its price, is first when it improves the
  touch, and learns its place when the touch comes to it. Prints at its price shorten the queue,
  then fill it; a print through its price, or the far touch reaching it, fills it at its own limit,
  never for more than the print or the displayed size. ``queue_place`` bounds what is not known:
  ``last`` believes no displayed size after the first, ``first`` has nobody ahead.
* Stops are elected by prints inside the NBBO, in regular hours (spec 3.7); trailing stops follow
  the same prints.

Models ``touch`` (any size at the touch) and ``paper`` (any size, one evaluation in ten partial)
ignore queue and prints. Best price first, then first come.
Orders of ours never trade with each other, whoever owns them; they share the displayed size.
Invariants: what is executed against one quote or one print is at most its size (model ``queue``).
Must never: change an order otherwise than its place in the queue; `BookHost` does.
"""

from __future__ import annotations

from random import Random
from typing import Protocol

from surefill.core.fix import OrdType, TimeInForce, TradingStatus
from surefill.core.market import Nbbo, Print
from surefill.core.session import SessionKind
from surefill.core.units import NANO
from surefill.sim.orders import VenueOrder
from surefill.sim.reach import AT_ONCE, SWEEPING, Reach, reach_of
from surefill.sim.switches import Switches

REFRESH_NS = 100_000_000
"""On a quiet tape the displayed size behind a taken one is taken to be back after 100 ms."""

PAPER_PARTIAL_ONE_IN = 10
"""Model ``paper``: one eligible evaluation in ten is partial (spec 6.4)."""


class BookHost(Protocol):
    """Who acts on what the book finds."""

    def fill(self, order: VenueOrder, px: int, qty: int) -> None:
        """An execution."""

    def elect(self, order: VenueOrder) -> None:
        """A stop was elected."""

    def trailed(self, order: VenueOrder) -> None:
        """A trailing stop has a new stop price."""

    def end_remainder(self, order: VenueOrder) -> None:
        """An IOC or FOK order has had its chance."""

    def session_kind(self) -> SessionKind:
        """Regular, extended or closed, now."""

    def is_short_filled(self, symbol: str) -> bool:
        """Whether an execution is cut to one share here (fault V1)."""

    def refresh_later(self, book: Book, sign: int, version: int) -> None:
        """Call ``book.refresh(sign, version)`` after `REFRESH_NS`."""


class Book:
    """One symbol. ``orders``: order id -> order at the market or armed stop, by arrival."""

    __slots__ = (
        "_host",
        "_model",
        "_outside_fill",
        "_own_px_at_rest",
        "_place",
        "_reach",
        "_refreshing",
        "_taken_qty",
        "_version",
        "bands",
        "chance",
        "last_print",
        "lastday_px",
        "nbbo",
        "orders",
        "status",
        "symbol",
    )

    def __init__(self, symbol: str, *, host: BookHost, switches: Switches, seed: int) -> None:
        self.symbol = symbol
        self.nbbo: Nbbo | None = None
        self.last_print: Print | None = None
        self.lastday_px: int | None = None
        self.status = TradingStatus.TRADING
        self.bands: tuple[int, int] | None = None
        """(lower, upper): nothing executes outside."""
        self.orders: dict[str, VenueOrder] = {}
        self._host = host
        self._model = switches.fill_model
        self._own_px_at_rest = self._model == "queue" or (
            self._model == "paper" and switches.paper_resting_px == "limit"
        )
        self._place = switches.queue_place
        self._outside_fill = switches.outside_prints == "fill"
        self.chance = Random(f"{seed}:{symbol}:paper")
        # Per sign of the taker: +1 takes from the ask, -1 from the bid.
        self._taken_qty = {1: 0, -1: 0}
        self._version = {1: 0, -1: 0}
        self._refreshing = {1: -1, -1: -1}
        self._reach: Reach | None = None
        """``None`` until somebody asks again, after an order came, went or changed its state."""

    # --- reads ----------------------------------------------------------------------------

    def mark_px(self) -> int | None:
        """Value of a share: last print, else the mid."""
        if self.last_print is not None:
            return self.last_print.px
        return self.nbbo.mid_px if self.nbbo else None

    def reference_px(self) -> int | None:
        """Current market price for price checks: the mid, else the last print (spec 3.1)."""
        mid_px = self.nbbo.mid_px if self.nbbo else None
        if mid_px is not None:
            return mid_px
        return self.last_print.px if self.last_print else None

    # --- market ---------------------------------------------------------------------------

    def on_quote(self, nbbo: Nbbo) -> None:
        """A new quote: sizes taken from a changed side are back, then everybody is tried."""
        old = self.nbbo
        self.nbbo = nbbo
        if old is None or (old.ask_px, old.ask_qty) != (nbbo.ask_px, nbbo.ask_qty):
            self._renew(1)
        if old is None or (old.bid_px, old.bid_qty) != (nbbo.bid_px, nbbo.bid_qty):
            self._renew(-1)
        if self.orders and self._reach_now().quote_wakes(nbbo):
            for order in self.orders.values():
                self._learn_place(order, nbbo)
            self.match_all()

    def on_print(self, print_: Print) -> None:
        """A public trade: resting orders it reaches, then stops it elects."""
        self.last_print = print_
        if not self.orders or self.status is TradingStatus.HALTED:
            return
        kind = self._host.session_kind()
        if kind is SessionKind.CLOSED:
            return
        inside = self._is_inside(print_.px)
        can_trade = self._model == "queue" and (inside or self._outside_fill)
        if can_trade and self._reach_now().print_trades(print_.px):
            self._trade_with(print_, kind)
        if inside and kind is SessionKind.RTH:
            if self._reach_now().print_elects(print_.px):
                self._elect_by(print_.px)
            if self._reach_now().trails:
                self._trail_by(print_.px)

    def on_status(self, status: TradingStatus) -> None:
        """Halt or resume. After a halt nobody has rested: the reopening sets the price."""
        self.status = status
        if status is TradingStatus.HALTED:
            self.forget_rest()
        elif self.orders:
            self.match_all()

    def forget_rest(self) -> None:
        """Halt or close: the next meeting with the market is an arrival at the touch price."""
        for order in self.orders.values():
            order.rested = False
            order.queue_ahead_qty = None
        self._reach = None

    def refresh(self, sign: int, version: int) -> None:
        """The tape has been quiet since ``version``: the size of that side is back."""
        if self._version[sign] == version:
            self._renew(sign)
            self.match_all()

    # --- orders ---------------------------------------------------------------------------

    def add(self, order: VenueOrder) -> None:
        """The order is at the market (or an armed stop); `attempt` gives it its first chance."""
        order.on_book = True
        self.orders[order.order_id] = order
        self._reach = None

    def remove(self, order: VenueOrder) -> None:
        """The order is no longer at the market."""
        order.on_book = False
        self.orders.pop(order.order_id, None)
        self._reach = None

    def attempt(self, order: VenueOrder) -> None:
        """First chance of an arriving order, a replacement or an elected stop."""
        self._reach = None
        if self._may_execute(order, self._host.session_kind()):
            self._take(order)
        elif order.tif in AT_ONCE:
            self._host.end_remainder(order)

    def match_all(self) -> None:
        """Give everybody at the market a chance against the present quote."""
        kind = self._host.session_kind()
        if kind is SessionKind.CLOSED or self.status is TradingStatus.HALTED:
            return
        for order in self._by_priority():
            if self._may_execute(order, kind):
                self._take(order)

    # --- inside ---------------------------------------------------------------------------

    def _reach_now(self) -> Reach:
        if self._reach is None:
            self._reach = reach_of(self.orders.values())
        return self._reach

    def _renew(self, sign: int) -> None:
        self._taken_qty[sign] = 0
        self._version[sign] += 1

    def _by_priority(self) -> list[VenueOrder]:
        orders = list(self.orders.values())
        if len(orders) > 1:
            orders.sort(key=_priority)
        return orders

    def _may_execute(self, order: VenueOrder, kind: SessionKind) -> bool:
        if not order.on_book or order.is_dormant_stop or order.held:
            return False
        if self.status is TradingStatus.HALTED or kind is SessionKind.CLOSED:
            return False
        return kind is SessionKind.RTH or order.extended_hours

    def _is_inside(self, px: int) -> bool:
        nbbo = self.nbbo
        if nbbo is None:
            return True
        return nbbo.bid_px <= px and (nbbo.ask_px <= 0 or px <= nbbo.ask_px)

    def _take(self, order: VenueOrder) -> None:
        """Trade with the touch as far as price and size allow; then rest or end."""
        sign = order.sign
        touch_px = self.nbbo.far_px(sign) if self.nbbo else 0
        bound_px = order.bound_px
        crosses = touch_px > 0 and (bound_px is None or sign * (bound_px - touch_px) >= 0)
        if crosses:
            self._execute_at_touch(order, touch_px)
        if not order.on_book:
            return
        if order.tif in AT_ONCE:
            self._host.end_remainder(order)
            return
        if not order.rested and not crosses:
            order.rested = True
            self._reach = None
            self._join(order)
        if crosses and _sweeps(order):
            self._ask_refresh(sign)

    def _execute_at_touch(self, order: VenueOrder, touch_px: int) -> None:
        qty = self._size_for(order)
        if order.tif is TimeInForce.FOK and qty < order.open_qty:
            return
        if qty <= 0:
            return
        px = touch_px
        if order.rested and self._own_px_at_rest and not _sweeps(order):
            # It was here first: the far side came to it, at its price.
            assert order.bound_px is not None
            px = order.bound_px
        if not self._allows(px):
            return
        self._taken_qty[order.sign] += qty
        self._host.fill(order, px, qty)

    def _allows(self, px: int) -> bool:
        """Whether the price bands let an execution happen there."""
        return self.bands is None or self.bands[0] <= px <= self.bands[1]

    def _size_for(self, order: VenueOrder) -> int:
        qty = self._free_size_for(order)
        if qty > NANO and self._host.is_short_filled(self.symbol):
            return NANO
        return qty

    def _free_size_for(self, order: VenueOrder) -> int:
        if self._model == "queue":
            return _tradable(order, self._displayed(order.sign) - self._taken_qty[order.sign])
        lots = order.open_qty // NANO
        if self._model == "paper" and lots > 1 and not self.chance.randrange(PAPER_PARTIAL_ONE_IN):
            return self.chance.randrange(1, lots) * NANO
        return order.open_qty

    def _displayed(self, sign: int) -> int:
        """Displayed size (1e-9 share) that an order of this sign may take."""
        if self.nbbo is None:
            return 0
        return self.nbbo.ask_qty if sign > 0 else self.nbbo.bid_qty

    def _ask_refresh(self, sign: int) -> None:
        version = self._version[sign]
        if self._displayed(sign) > 0 and self._refreshing[sign] != version:
            self._refreshing[sign] = version
            self._host.refresh_later(self, sign, version)

    def _join(self, order: VenueOrder) -> None:
        if self.nbbo is not None:
            order.queue_ahead_qty = None
            self._learn_place(order, self.nbbo)

    def _learn_place(self, order: VenueOrder, nbbo: Nbbo) -> None:
        """Set or shorten the queue ahead from the displayed size at the order's price."""
        limit_px = order.limit_px
        if limit_px is None or not order.rested or order.is_dormant_stop:
            return
        near_px = nbbo.near_px(order.sign)
        if near_px == limit_px:
            displayed_qty = nbbo.bid_qty if order.sign > 0 else nbbo.ask_qty
            order.queue_ahead_qty = self._ahead_qty(order.queue_ahead_qty, displayed_qty)
        elif near_px <= 0 or order.sign * (limit_px - near_px) > 0:
            order.queue_ahead_qty = 0

    def _ahead_qty(self, known_qty: int | None, displayed_qty: int) -> int:
        """Shares ahead when the touch shows ``displayed_qty`` at the order's price."""
        if self._place == "first":
            return 0
        if known_qty is None or self._place == "last":
            return displayed_qty if known_qty is None else known_qty
        return min(known_qty, displayed_qty)

    def _trade_with(self, print_: Print, kind: SessionKind) -> None:
        budget_qty = print_.qty
        for order in self._by_priority():
            if budget_qty <= 0:
                return
            if not order.rested or _sweeps(order) or not self._may_execute(order, kind):
                continue
            if order.limit_px is None or not self._allows(order.limit_px):
                continue
            qty = _qty_by_print(order, print_.px, budget_qty)
            if qty > 0:
                budget_qty -= qty
                self._host.fill(order, order.limit_px, qty)

    def _elect_by(self, px: int) -> None:
        for order in list(self.orders.values()):
            if not order.on_book or not order.is_dormant_stop or order.stop_px is None:
                continue
            if order.sign * (px - order.stop_px) >= 0:
                self._host.elect(order)

    def _trail_by(self, px: int) -> None:
        for order in self.orders.values():
            trails = order.ord_type is OrdType.TRAILING_STOP and order.is_dormant_stop
            if trails and order.trail_behind(px):
                self._reach = None
                self._host.trailed(order)


def _sweeps(order: VenueOrder) -> bool:
    """Market orders and elected stops go on taking at the touch; they never rest at a limit."""
    return order.ord_type in SWEEPING


def _priority(order: VenueOrder) -> tuple[int, int, int]:
    bound_px = order.bound_px
    if bound_px is None or _sweeps(order):
        return (0, 0, order.seq)
    return (1, -order.sign * bound_px, order.seq)


def _qty_by_print(order: VenueOrder, px: int, budget_qty: int) -> int:
    """Shares of a resting order that a print of ``budget_qty`` at ``px`` executes."""
    assert order.limit_px is not None
    distance_px = order.sign * (order.limit_px - px)
    if distance_px < 0:
        return 0
    if distance_px > 0:
        order.queue_ahead_qty = 0
        return _tradable(order, budget_qty)
    if order.queue_ahead_qty is None:
        return 0
    ahead_qty = min(order.queue_ahead_qty, budget_qty)
    order.queue_ahead_qty -= ahead_qty
    return _tradable(order, budget_qty - ahead_qty)


def _tradable(order: VenueOrder, size_qty: int) -> int:
    """What an order takes of a size; a whole number of shares when it asks for whole shares."""
    qty = min(order.open_qty, size_qty)
    return qty if order.open_qty % NANO else qty // NANO * NANO
