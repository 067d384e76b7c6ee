"""From an admitted request to orders: the order itself, its legs, a replacement.

What: pure construction; the order desk puts the result in force.
Invariants: legs take side, quantity and time in force from their parent; the target of an OCO is
the parent order itself; client ids of legs are the venue's own.
"""

from __future__ import annotations

from surefill.core.fix import Contingency, Leg, OrdType, Side
from surefill.sim.complex_orders import copy_terms
from surefill.sim.orders import OrderGroup, VenueOrder
from surefill.sim.rules import Admission
from surefill.sim.shape import TRAIL_PER_PPB, own_limit_px, target_px
from surefill.sim.state import Venue
from surefill.sim.types import OrderRequest, ReplaceRequest


def build_order(
    venue: Venue, account: str, request: OrderRequest, *, admission: Admission
) -> VenueOrder:
    """The order of a request, with its group and legs when it is complex."""
    now_ns = venue.now_ns
    order = VenueOrder(
        seq=venue.next_seq(),
        order_id=venue.new_id("order"),
        cl_ord_id=request.cl_ord_id or venue.new_id("client"),
        account=account,
        symbol=admission.asset.symbol,
        asset_id=admission.asset.asset_id,
        side=request.side,
        is_short_sale=admission.is_short_sale,
        is_opening=admission.is_opening,
        ord_type=request.ord_type,
        tif=request.tif,
        order_qty=admission.order_qty,
        notional_usd=request.notional_usd,
        limit_px=own_limit_px(request),
        stop_px=request.stop_px if admission.stop_px is None else admission.stop_px,
        trail_px=request.trail_px,
        trail_ppb=request.trail_ppb,
        hwm_px=admission.hwm_px,
        extended_hours=request.extended_hours,
        contingency=request.contingency,
        created_ns=now_ns,
        submitted_ns=now_ns,
        updated_ns=now_ns,
        reserve_px=admission.reserve_px,
    )
    if request.contingency is not Contingency.NONE:
        _add_group(venue, order, request)
    return order


def _add_group(venue: Venue, order: VenueOrder, request: OrderRequest) -> None:
    group = OrderGroup(kind=request.contingency)
    order.group = group
    is_oco = request.contingency is Contingency.OCO
    if is_oco:
        order.leg = Leg.TARGET
        group.target = order
    else:
        order.leg = Leg.ENTRY
        group.entry = order
        if request.take_profit is not None:
            group.target = _leg(venue, order, Leg.TARGET, limit_px=target_px(request))
    stop = request.stop_loss
    if stop is not None:
        group.stop = _leg(venue, order, Leg.STOP, limit_px=stop.limit_px, stop_px=stop.stop_px)


def _leg(
    venue: Venue,
    parent: VenueOrder,
    leg: Leg,
    *,
    limit_px: int | None = None,
    stop_px: int | None = None,
) -> VenueOrder:
    is_oco = parent.contingency is Contingency.OCO
    ord_type = OrdType.LIMIT
    if stop_px is not None:
        ord_type = OrdType.STOP if limit_px is None else OrdType.STOP_LIMIT
    order = VenueOrder(
        seq=venue.next_seq(),
        order_id=venue.new_id("order"),
        cl_ord_id=venue.new_id("client"),
        account=parent.account,
        symbol=parent.symbol,
        asset_id=parent.asset_id,
        side=parent.side if is_oco else _opposite(parent.side),
        is_short_sale=False,
        is_opening=False,
        ord_type=ord_type,
        tif=parent.tif,
        order_qty=parent.order_qty,
        notional_usd=None,
        limit_px=limit_px,
        stop_px=stop_px,
        extended_hours=False,
        contingency=parent.contingency,
        created_ns=parent.created_ns,
        submitted_ns=parent.submitted_ns,
        updated_ns=parent.updated_ns,
        leg=leg,
        parent_id=parent.order_id,
        held=True,
    )
    order.group = parent.group
    return order


def _opposite(side: Side) -> Side:
    return Side.SELL if side is Side.BUY else Side.BUY


def build_replacement(
    venue: Venue, order: VenueOrder, change: ReplaceRequest, *, reserve_px: int
) -> VenueOrder:
    """The successor of an order: inherited terms with the changes, its creation time kept."""
    new = copy_terms(order, order_id=venue.new_id("order"), seq=venue.next_seq())
    new.cl_ord_id = change.cl_ord_id or venue.new_id("client")
    new.order_qty = change.order_qty or order.order_qty
    if change.limit_px is not None:
        new.limit_px = change.limit_px
    if change.stop_px is not None:
        new.stop_px = change.stop_px
    if change.trail is not None:
        if new.trail_px is not None:
            new.trail_px = change.trail
        else:
            new.trail_ppb = change.trail // TRAIL_PER_PPB
        new.place_stop()
    if change.tif is not None:
        new.tif = change.tif
    new.reserve_px = reserve_px
    new.submitted_ns = new.updated_ns = venue.now_ns
    return new
