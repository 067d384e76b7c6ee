"""The venue's own record of an order, and of a group of orders tied together.

What: `VenueOrder` is mutable state inside the venue; `snapshot` is what anybody else gets.
`OrderGroup` ties a bracket, OCO or OTO: an optional entry, a target and a stop.
Invariants: ``order_qty = cum_qty + leaves_qty + busted_qty`` while an order is not terminal, and
``leaves_qty = 0`` when it is. ``seq`` is the time priority.
Must never: leave the venue (faces and tests hold `OrderSnapshot`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from surefill.core.fix import Contingency, Leg, OrdStatus, OrdType, Side, TimeInForce
from surefill.core.units import NANO
from surefill.sim.types import OrderSnapshot

STOPS = frozenset({OrdType.STOP, OrdType.STOP_LIMIT, OrdType.TRAILING_STOP})
"""Types that wait for an election."""


@dataclass(slots=True, kw_only=True, eq=False)
class OrderGroup:
    """Members of one bracket, OCO or OTO. ``entry`` is ``None`` for an OCO.

    ``armed``: the exits are in force. ``closing``: the group is being canceled or has resolved;
    nothing in it may trigger any more.
    """

    kind: Contingency
    entry: VenueOrder | None = None
    target: VenueOrder | None = None
    stop: VenueOrder | None = None
    armed: bool = False
    closing: bool = False

    def exits(self) -> list[VenueOrder]:
        """Target and stop, as far as they exist."""
        return [leg for leg in (self.target, self.stop) if leg is not None]

    def live_exits(self) -> list[VenueOrder]:
        """Exits that are not terminal."""
        return [leg for leg in self.exits() if not leg.status.is_terminal]

    def members(self) -> list[VenueOrder]:
        """Entry and exits."""
        return ([self.entry] if self.entry is not None else []) + self.exits()

    def reserves_shares(self) -> bool:
        """Whether the exits hold shares: always for an OCO, else once the entry has filled."""
        return self.entry is None or self.armed or self.entry.status is OrdStatus.FILLED

    def reserved_qty(self) -> int:
        """Shares (1e-9) held by the exits: the larger leg, they exclude each other."""
        is_resolved = any(leg.status is OrdStatus.FILLED for leg in self.exits())
        if is_resolved or not self.reserves_shares():
            return 0
        return max((leg.reserved_qty() for leg in self.live_exits()), default=0)

    def put(self, leg: VenueOrder, *, instead_of: VenueOrder) -> None:
        """Exchange a member for its replacement."""
        if self.entry is instead_of:
            self.entry = leg
        elif self.target is instead_of:
            self.target = leg
        else:
            self.stop = leg


@dataclass(slots=True, kw_only=True, eq=False)
class VenueOrder:
    """One order inside the venue. Units as in `surefill.sim.types`.

    ``held``: kept back by the venue (leg). ``not_routed``: accepted, not at the market yet.
    ``on_book``: may execute or, as a stop, be elected. ``rested``: has met the market once, so
    that a later crossing quote fills it at its own limit. ``queue_ahead_qty``: shares displayed
    ahead at its price; ``None``: not yet learnt. ``cap_px``: worst price of an elected buy stop.
    ``reserve_px``: price at which an opening order reserves buying power.
    """

    seq: int
    order_id: str
    cl_ord_id: str
    account: str
    symbol: str
    asset_id: str
    side: Side
    is_short_sale: bool
    is_opening: bool
    ord_type: OrdType
    tif: TimeInForce
    order_qty: int
    notional_usd: int | None
    limit_px: int | None
    stop_px: int | None
    extended_hours: bool
    contingency: Contingency
    created_ns: int
    submitted_ns: int
    updated_ns: int
    leg: Leg | None = None
    parent_id: str | None = None
    group: OrderGroup | None = None
    status: OrdStatus = OrdStatus.PENDING_NEW
    held: bool = False
    armed: bool = False
    not_routed: bool = False
    triggered: bool = False
    on_book: bool = False
    rested: bool = False
    queue_ahead_qty: int | None = None
    cap_px: int | None = None
    trail_px: int | None = None
    trail_ppb: int | None = None
    hwm_px: int | None = None
    reserve_px: int = 0
    cum_qty: int = 0
    cost: int = 0
    carried_qty: int = 0
    """Shares of ``cum_qty`` whose price stays with the order that was replaced."""
    busted_qty: int = 0
    expires_ns: int | None = None
    filled_ns: int | None = None
    canceled_ns: int | None = None
    cancel_requested_ns: int | None = None
    expired_ns: int | None = None
    failed_ns: int | None = None
    replaced_ns: int | None = None
    replaced_by: str | None = None
    replaces: str | None = None
    successor: VenueOrder | None = None
    """The pending replacement of this order."""

    @property
    def sign(self) -> int:
        """+1 buy, -1 sale."""
        return 1 if self.side is Side.BUY else -1

    @property
    def is_live(self) -> bool:
        """Not terminal."""
        return not self.status.is_terminal

    @property
    def open_qty(self) -> int:
        """Shares not executed and not busted, whatever the status."""
        return self.order_qty - self.cum_qty - self.busted_qty

    @property
    def leaves_qty(self) -> int:
        """FIX 151: shares that may still execute; 0 when terminal."""
        return 0 if self.status.is_terminal else self.open_qty

    @property
    def is_dormant_stop(self) -> bool:
        """A stop or stop-limit not elected yet."""
        return not self.triggered and self.ord_type in STOPS

    def trail_behind(self, px: int) -> bool:
        """A trailing stop follows a print at ``px``; whether its stop moved. It never goes back."""
        if self.hwm_px is not None and self.sign * (px - self.hwm_px) >= 0:
            return False
        self.hwm_px = px
        self.place_stop()
        return True

    def place_stop(self) -> None:
        """The stop of a trailing stop from its best print (not on the grid: recorded so)."""
        assert self.hwm_px is not None
        away_px = self.trail_px
        if away_px is None:
            assert self.trail_ppb is not None
            away_px = self.hwm_px * self.trail_ppb // NANO
        self.stop_px = self.hwm_px + self.sign * away_px

    @property
    def bound_px(self) -> int | None:
        """The price no execution may be worse than; ``None`` for a market order."""
        return self.cap_px if self.ord_type is OrdType.STOP else self.limit_px

    @property
    def working(self) -> bool:
        """May execute or be elected at the venue now (an armed held stop counts as ``armed``)."""
        return self.on_book and not self.held and not self.status.is_terminal

    @property
    def resting_status(self) -> OrdStatus:
        """Status with no request pending."""
        if self.held:
            return OrdStatus.PENDING_NEW
        return OrdStatus.PARTIALLY_FILLED if self.cum_qty else OrdStatus.NEW

    def reserved_qty(self) -> int:
        """Shares this order alone would hold; during a replacement the larger of old and new."""
        if self.successor is None:
            return self.leaves_qty
        return max(self.leaves_qty, self.successor.order_qty - self.cum_qty)


def stamp_end(order: VenueOrder, *, now_ns: int) -> None:
    """Note when an order became what its terminal status says."""
    match order.status:
        case OrdStatus.CANCELED:
            order.canceled_ns = now_ns
        case OrdStatus.EXPIRED:
            order.expired_ns = now_ns
        case OrdStatus.REPLACED:
            order.replaced_ns = now_ns
        case _:
            order.failed_ns = now_ns


def snapshot(order: VenueOrder, legs: Iterable[VenueOrder] = ()) -> OrderSnapshot:
    """Frozen copy of an order, with its legs when asked for."""
    return OrderSnapshot(
        order_id=order.order_id,
        cl_ord_id=order.cl_ord_id,
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
        parent_id=order.parent_id,
        leg=order.leg,
        status=order.status,
        held=order.held and order.is_live,
        armed=order.armed,
        not_routed=order.not_routed,
        triggered=order.triggered,
        working=order.working,
        cum_qty=order.cum_qty,
        cost=order.cost,
        leaves_qty=order.leaves_qty,
        created_ns=order.created_ns,
        submitted_ns=order.submitted_ns,
        updated_ns=order.updated_ns,
        expires_ns=order.expires_ns,
        filled_ns=order.filled_ns,
        canceled_ns=order.canceled_ns,
        cancel_requested_ns=order.cancel_requested_ns,
        expired_ns=order.expired_ns,
        failed_ns=order.failed_ns,
        replaced_ns=order.replaced_ns,
        replaced_by=order.replaced_by,
        replaces=order.replaces,
        trail_px=order.trail_px,
        trail_ppb=order.trail_ppb,
        hwm_px=order.hwm_px,
        carried_qty=order.carried_qty,
        legs=tuple(snapshot(leg) for leg in legs),
    )
