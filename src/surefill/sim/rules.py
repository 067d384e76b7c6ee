"""Checks against the state of the venue: position, shares, opposite orders, prices, money.

What: `check_submission` and `check_replacement` raise the first `Refusal`; `check_cancel` tells
whether a cancel may go out. Nothing here changes anything.
Source: spec 1.7 (shares, buying power), 1.8 (wash trade), 2.1, 2.4 (replace), 3.1 (base price).
Must never: be more lenient than the real broker where that is known (C.5.6 of the diary).
"""

from __future__ import annotations

from dataclasses import dataclass

from surefill.core.fix import Contingency, OrdStatus, OrdType, Side, TimeInForce
from surefill.core.session import SessionKind
from surefill.core.units import NANO
from surefill.sim.assets import Asset
from surefill.sim.auction import is_too_late
from surefill.sim.complex_orders import is_complex
from surefill.sim.day_trades import check as check_day_trades
from surefill.sim.ledger import Ledger
from surefill.sim.levels import check_bands, check_far, check_legs, check_stop_side
from surefill.sim.lifecycle import stop_cap_px
from surefill.sim.orders import VenueOrder
from surefill.sim.shape import (
    AUCTIONS,
    TRAIL_PER_PPB,
    check_id,
    check_px,
    check_shape,
    check_trail,
    own_limit_px,
    target_px,
)
from surefill.sim.state import Venue
from surefill.sim.types import OrderRequest, Refusal, RefusalKind, ReplaceRequest

SHORT_RESERVE_PPB = 1_030_000_000
"""A short sale reserves at max(limit, ask * 1.03) (spec 1.7)."""

_AGGRESSIVE = frozenset({OrdType.MARKET, OrdType.STOP})


@dataclass(frozen=True, slots=True)
class Admission:
    """What the checks found out about a submission they let pass. ``stop_px`` and ``hwm_px``: where
    a trailing stop starts."""

    asset: Asset
    order_qty: int
    is_opening: bool
    is_short_sale: bool
    reserve_px: int
    stop_px: int | None = None
    hwm_px: int | None = None


def check_submission(venue: Venue, ledger: Ledger, request: OrderRequest) -> Admission:
    """All checks of a new order, in the order the broker is seen to make them."""
    if ledger.blocked or ledger.suspended:
        raise Refusal(RefusalKind.ACCOUNT_BLOCKED)
    asset = venue.assets.get(request.symbol)
    if asset is None:
        raise Refusal(RefusalKind.UNKNOWN_SYMBOL, {"symbol": request.symbol})
    check_shape(request, asset, venue.switches)
    is_fraction = request.notional_usd is not None or request.order_qty % NANO != 0
    if is_fraction and not ledger.may_trade_fractions:
        raise Refusal(RefusalKind.FRACTIONAL_DISABLED)
    if not (asset.active and asset.tradable):
        raise Refusal(RefusalKind.NOT_TRADABLE, {"symbol": asset.symbol})
    if request.tif in AUCTIONS and is_too_late(venue, request.tif):
        raise Refusal(RefusalKind.AUCTION_WINDOW, {"tif": request.tif})
    _check_unique(venue, ledger.account, request.cl_ord_id)
    order_qty = request.order_qty or _qty_of_notional(venue, request)
    position_qty = ledger.position_qty(asset.symbol)
    is_opening = position_qty * request.side.sign >= 0
    _check_intent(request, is_opening=is_opening)
    if is_opening:
        _check_opening(venue, ledger, request, asset=asset)
    else:
        _check_shares(ledger, asset.symbol, order_qty)
        check_day_trades(venue, ledger, asset.symbol, is_opening=is_opening)
    _check_wash(venue, ledger, request)
    _check_levels(venue, request)
    hwm_px, stop_px = _trail_start(venue, request)
    reserve_px = _reserve_px(venue, request, stop_px=stop_px) if is_opening else 0
    _check_money(venue, ledger, reserve_px * order_qty)
    return Admission(
        asset=asset,
        order_qty=order_qty,
        is_opening=is_opening,
        is_short_sale=is_opening and request.side is Side.SELL,
        reserve_px=reserve_px,
        stop_px=stop_px,
        hwm_px=hwm_px,
    )


def _trail_start(venue: Venue, request: OrderRequest) -> tuple[int | None, int | None]:
    """Best print and stop with which a trailing stop starts: the last trade (spec 3.7)."""
    if request.ord_type is not OrdType.TRAILING_STOP:
        return None, None
    book = venue.books.get(request.symbol)
    px = book.mark_px() if book is not None else None
    if px is None:
        raise Refusal(RefusalKind.NOT_TRADABLE, {"symbol": request.symbol})
    away_px = request.trail_px
    if away_px is None:
        away_px = px * (request.trail_ppb or 0) // NANO
    return px, px + request.side.sign * away_px


# --- identity and intent ------------------------------------------------------------------


def _check_unique(venue: Venue, account: str, cl_ord_id: str | None) -> None:
    """An accepted order uses its client id up, for ever or while it lives (U10)."""
    if cl_ord_id is None:
        return
    existing = venue.cl_ord_ids.get((account, cl_ord_id))
    may_reuse = venue.switches.cl_ord_id_reuse == "when_done"
    if existing is not None and not (may_reuse and not venue.orders[existing].is_live):
        raise Refusal(RefusalKind.DUPLICATE_CL_ORD_ID, {"existing_order_id": existing})


def _qty_of_notional(venue: Venue, request: OrderRequest) -> int:
    """Shares (1e-9, rounded down) that the amount buys at the limit or the present price."""
    assert request.notional_usd is not None
    px = request.limit_px or _far_px(venue, request.symbol, request.side.sign)
    if not px:
        raise Refusal(RefusalKind.NOT_TRADABLE, {"symbol": request.symbol})
    return request.notional_usd * NANO // px


def _check_intent(request: OrderRequest, *, is_opening: bool) -> None:
    if request.contingency is Contingency.OCO and is_opening:
        raise Refusal(RefusalKind.NOT_EXIT)
    if request.contingency in (Contingency.BRACKET, Contingency.OTO) and not is_opening:
        raise Refusal(RefusalKind.NOT_ENTRY, {"contingency": request.contingency})


def _check_opening(venue: Venue, ledger: Ledger, request: OrderRequest, *, asset: Asset) -> None:
    for order in ledger.live_orders(asset.symbol):
        if order.is_opening and order.side is not request.side:
            context = {"existing_order_id": order.order_id, "opening": request.side}
            raise Refusal(RefusalKind.OPPOSITE_INTENT, context)
        if request.notional_usd is not None and not order.is_opening:
            raise Refusal(RefusalKind.NOTIONAL_BESIDE_CLOSE, {"symbol": asset.symbol})
    if ledger.is_overextended(venue.mark_px):
        raise Refusal(RefusalKind.LIQUIDATION_ONLY)
    if request.side is Side.BUY:
        return
    if request.notional_usd is not None or request.order_qty % NANO:
        raise Refusal(RefusalKind.FRACTIONAL_SHORT)
    if not (ledger.may_short and ledger.has_margin(venue.mark_px)):
        raise Refusal(RefusalKind.ACCOUNT_NOT_SHORTABLE)
    if not (asset.shortable and asset.easy_to_borrow):
        raise Refusal(RefusalKind.NOT_SHORTABLE, {"symbol": asset.symbol})


# --- shares and money ---------------------------------------------------------------------


def _check_shares(ledger: Ledger, symbol: str, qty: int, *, own_qty: int = 0) -> None:
    """``own_qty``: shares the order to be replaced already holds."""
    available_qty = ledger.available_qty(symbol) + own_qty
    if qty <= available_qty:
        return
    related = [
        order.order_id
        for order in ledger.live_orders(symbol)
        if not order.is_opening and not order.held
    ]
    raise Refusal(
        RefusalKind.INSUFFICIENT_QTY,
        {
            "symbol": symbol,
            "requested_qty": qty,
            "available_qty": available_qty,
            "existing_qty": abs(ledger.position_qty(symbol)),
            "held_qty": ledger.held_qty(symbol),
            "related_order_ids": related,
        },
    )


def _check_money(venue: Venue, ledger: Ledger, cost: int) -> None:
    """``cost`` in 1e-18 USD; what reserves nothing needs nothing."""
    if cost <= 0:
        return
    buying_power = venue.buying_power(ledger)
    if cost > buying_power:
        context = {"buying_power_usd": buying_power // NANO, "cost_usd": cost // NANO}
        raise Refusal(RefusalKind.INSUFFICIENT_BUYING_POWER, context)


def _reserve_px(venue: Venue, request: OrderRequest, *, stop_px: int | None = None) -> int:
    """Price at which an opening order reserves buying power, 1e-9 USD; 0 when unknown."""
    ask_px = _far_px(venue, request.symbol, 1)
    limit_px = own_limit_px(request)
    if request.side is Side.SELL:
        return max(
            limit_px or 0, request.stop_px or stop_px or 0, ask_px * SHORT_RESERVE_PPB // NANO
        )
    if limit_px is not None:
        return limit_px
    # Market buys carry the same collar as buy stops (2.5 % from $50, 4 % below).
    return stop_cap_px(request.stop_px or stop_px or ask_px)


def _far_px(venue: Venue, symbol: str, sign: int) -> int:
    """Reference of spec 1.7: the far touch in regular hours, else the present price; or 0."""
    book = venue.books.get(symbol)
    if book is None:
        return 0
    touch_px = book.nbbo.far_px(sign) if book.nbbo else 0
    if venue.session_kind() is SessionKind.RTH and touch_px > 0:
        return touch_px
    return book.reference_px() or touch_px


# --- wash trade ---------------------------------------------------------------------------


def _check_wash(venue: Venue, ledger: Ledger, request: OrderRequest) -> None:
    """Spec 1.8, with the three readings of who is exempt (U19)."""
    if request.ord_type is OrdType.TRAILING_STOP:
        return  # exempt, like complex orders
    is_new_complex = request.contingency is not Contingency.NONE
    candidates = [(request.ord_type, own_limit_px(request))]
    if request.contingency is Contingency.OCO:
        candidates.append((OrdType.STOP, None))
    for existing in ledger.live_orders(request.symbol):
        if existing.side is request.side or (existing.held and not existing.armed):
            continue
        if existing.ord_type is OrdType.TRAILING_STOP:
            continue
        if _is_exempt(venue, is_new_complex, is_complex(existing)):
            continue
        for ord_type, limit_px in candidates:
            _check_wash_pair(existing, ord_type, limit_px)


def _is_exempt(venue: Venue, is_new_complex: bool, is_existing_complex: bool) -> bool:
    match venue.switches.wash_exempts:
        case "all_complex":
            return is_new_complex or is_existing_complex
        case "new_only":
            return is_new_complex
        case _:
            return False


def _check_wash_pair(existing: VenueOrder, ord_type: OrdType, limit_px: int | None) -> None:
    """An existing order against the type and limit of a new one on the other side."""
    is_existing_aggressive = existing.ord_type in _AGGRESSIVE
    if not is_existing_aggressive and ord_type not in _AGGRESSIVE:
        assert existing.limit_px is not None
        assert limit_px is not None
        if existing.sign * (existing.limit_px - limit_px) < 0:
            return
    reason = "market/stop" if is_existing_aggressive else "limit"
    context = {"existing_order_id": existing.order_id, "existing": reason}
    raise Refusal(RefusalKind.WASH_TRADE, context)


# --- price levels -------------------------------------------------------------------------


def _check_levels(venue: Venue, request: OrderRequest) -> None:
    book = venue.books.get(request.symbol)
    market_px = book.reference_px() if book else None
    check_far(venue, own_limit_px(request), request.side, market_px=market_px)
    check_bands(venue, request)
    if request.contingency is Contingency.NONE:
        if request.stop_px is not None:
            check_stop_side(venue, request.side, request.stop_px, market_px=market_px)
        return
    is_oco = request.contingency is Contingency.OCO
    position_side = request.side.exit_side if is_oco else request.side
    stop_px = request.stop_loss.stop_px if request.stop_loss else None
    entry_px = None if is_oco else (request.limit_px or request.stop_px)
    check_legs(
        position_side,
        target=target_px(request),
        stop=stop_px,
        entry=entry_px,
        market=market_px,
        is_exit=is_oco,
    )


# --- cancel and replace -------------------------------------------------------------------


def check_cancel(venue: Venue, order: VenueOrder) -> bool:
    """Whether a cancel has to go out; ``False``: accepted, but nothing is left to do."""
    if order.status.is_terminal:
        if order.status is OrdStatus.CANCELED and venue.switches.cancel_of_canceled == "204":
            return False
        context = {"status": order.status, "is_leg": order.parent_id is not None}
        raise Refusal(RefusalKind.NOT_CANCELABLE, context)
    _check_chain(venue, order)
    is_unknown = order.status is OrdStatus.PENDING_NEW and not (order.held or order.not_routed)
    if is_unknown and venue.switches.cancel_of_pending_new == "422":
        raise Refusal(RefusalKind.NOT_CANCELABLE, {"status": OrdStatus.PENDING_NEW})
    is_pending = order.status is OrdStatus.PENDING_CANCEL or (
        order.held and order.cancel_requested_ns is not None
    )
    if is_pending and venue.switches.cancel_of_pending_cancel == "422":
        raise Refusal(RefusalKind.NOT_CANCELABLE, {"status": OrdStatus.PENDING_CANCEL})
    return not is_pending


def _check_chain(venue: Venue, order: VenueOrder) -> None:
    """A replacement under way, of the order or inside its group, refuses cancel and replace."""
    members = order.group.members() if order.group is not None else [order]
    # A leg that is armed while it is being replaced is NEW, and still being replaced.
    if any(m.status is OrdStatus.PENDING_REPLACE or m.successor is not None for m in members):
        raise Refusal(RefusalKind.PENDING_REPLACE)
    if order.replaces is not None and venue.orders[order.replaces].successor is order:
        raise Refusal(RefusalKind.PENDING_REPLACE)


def check_replacement(venue: Venue, order: VenueOrder, change: ReplaceRequest) -> int:
    """All checks of a replace; returns the price at which the new order reserves money."""
    ledger = venue.ledger_of(order)
    asset = venue.assets.get(order.symbol)
    assert asset is not None
    _check_replaceable(venue, order)
    check_id(change.cl_ord_id)
    _check_change(order, change, asset)
    _check_unique(venue, ledger.account, change.cl_ord_id)
    order_qty = change.order_qty or order.order_qty
    limit_px = order.limit_px if change.limit_px is None else change.limit_px
    stop_px = order.stop_px if change.stop_px is None else change.stop_px
    if order.group is not None:
        _check_leg_change(venue, order, limit_px=limit_px, stop_px=stop_px)
    elif change.stop_px is not None and not order.triggered:
        market_px = _market_px(venue, order.symbol)
        check_stop_side(venue, order.side, change.stop_px, market_px=market_px)
    _check_replacement_wash(venue, order, limit_px)
    if not order.is_opening:
        if order_qty > order.order_qty:
            more_qty = order_qty - order.cum_qty
            _check_shares(ledger, order.symbol, more_qty, own_qty=order.leaves_qty)
        return 0
    reserve_px = order.reserve_px
    if change.limit_px is not None or change.stop_px is not None:
        reserve_px = max(limit_px or 0, stop_cap_px(stop_px) if stop_px else 0)
    new_cost = reserve_px * (order_qty - order.cum_qty)
    _check_money(venue, ledger, new_cost - order.reserve_px * order.leaves_qty)
    return reserve_px


def _market_px(venue: Venue, symbol: str) -> int | None:
    book = venue.books.get(symbol)
    return book.reference_px() if book else None


def _check_replaceable(venue: Venue, order: VenueOrder) -> None:
    if order.status is OrdStatus.REPLACED:
        raise Refusal(RefusalKind.ALREADY_REPLACED)
    if order.replaces is not None and venue.orders[order.replaces].successor is order:
        raise Refusal(RefusalKind.CHAIN_NOT_SETTLED)
    _check_chain(venue, order)
    is_replaceable = order.status in (OrdStatus.NEW, OrdStatus.PARTIALLY_FILLED) or (
        order.held and order.is_live and not order.triggered
    )
    is_closing = order.group is not None and order.group.closing
    if not is_replaceable or is_closing or order.tif in AUCTIONS:
        context = {"status": order.status, "not_routed": order.not_routed}
        raise Refusal(RefusalKind.NOT_REPLACEABLE, context)


def _check_change(order: VenueOrder, change: ReplaceRequest, asset: Asset) -> None:
    """The changed fields exist on this order, are well formed, and differ."""
    if change.order_qty is not None and change.order_qty != order.order_qty:
        is_fraction = order.notional_usd is not None or order.order_qty % NANO != 0
        if order.group is not None or is_fraction:
            raise Refusal(RefusalKind.QTY_FIXED)
        if change.order_qty <= 0 or change.order_qty % NANO:
            raise Refusal(RefusalKind.BAD_QTY)
        if change.order_qty <= order.cum_qty:
            raise Refusal(RefusalKind.QTY_NOT_ABOVE_FILLED)
    context = {"ord_type": order.ord_type}
    if change.limit_px is not None:
        if order.limit_px is None:
            raise Refusal(RefusalKind.LIMIT_PX_UNWANTED, context)
        check_px("limit_px", change.limit_px, asset)
    if change.stop_px is not None:
        is_trailing = order.ord_type is OrdType.TRAILING_STOP
        if order.stop_px is None or order.triggered or is_trailing:
            raise Refusal(RefusalKind.STOP_PX_UNWANTED, context)
        check_px("stop_px", change.stop_px, asset)
    trail = _check_trail_change(order, change)
    if change.tif not in (None, order.tif, TimeInForce.DAY, TimeInForce.GTC):
        raise Refusal(RefusalKind.TIF_ILLEGAL, {**context, "tif": change.tif})
    wanted = (change.order_qty, change.limit_px, change.stop_px, change.trail, change.tif)
    present = (order.order_qty, order.limit_px, order.stop_px, trail, order.tif)
    if all(new in (None, old) for new, old in zip(wanted, present, strict=True)):
        raise Refusal(RefusalKind.UNCHANGED)


def _check_trail_change(order: VenueOrder, change: ReplaceRequest) -> int | None:
    """The present trail in the unit of the change (see `ReplaceRequest`)."""
    if order.trail_px is None and order.trail_ppb is None:
        if change.trail is not None:
            raise Refusal(RefusalKind.TRAIL_UNWANTED, {"ord_type": order.ord_type})
        return None
    if change.trail is not None and order.triggered:
        raise Refusal(RefusalKind.TRAIL_UNWANTED, {"ord_type": order.ord_type})
    if order.trail_px is not None:
        if change.trail is not None:
            check_trail(change.trail, None)
        return order.trail_px
    assert order.trail_ppb is not None
    if change.trail is not None:
        check_trail(None, change.trail // TRAIL_PER_PPB)
    return order.trail_ppb * TRAIL_PER_PPB


def _check_leg_change(
    venue: Venue, order: VenueOrder, *, limit_px: int | None, stop_px: int | None
) -> None:
    group = order.group
    assert group is not None
    is_entry = order is group.entry
    target_leg, stop_leg = group.target, group.stop
    target = limit_px if order is target_leg else (target_leg.limit_px if target_leg else None)
    stop = stop_px if order is stop_leg else (stop_leg.stop_px if stop_leg else None)
    exit_side = group.exits()[0].side
    position_side = Side.BUY if exit_side is Side.SELL else Side.SELL
    entry = (limit_px or stop_px) if is_entry else None
    is_target_change = order is target_leg
    # A target may be moved to the market (that is how a group is flattened): only its stop, which
    # stays where it was, is then compared with it and not with the market.
    market = None if is_target_change else _market_px(venue, order.symbol)
    check_legs(
        position_side,
        target=target,
        stop=None if is_target_change and target is None else stop,
        entry=entry,
        market=market,
        is_exit=not is_entry,
    )


def _check_replacement_wash(venue: Venue, order: VenueOrder, limit_px: int | None) -> None:
    """A replacement meets the same opposite orders as a new one (spec 2.4.9)."""
    if order.ord_type is OrdType.TRAILING_STOP:
        return
    ord_type = OrdType.LIMIT if order.triggered and limit_px is not None else order.ord_type
    for existing in venue.ledger_of(order).live_orders(order.symbol):
        if existing.side is order.side or (existing.held and not existing.armed):
            continue
        if existing.group is not None and existing.group is order.group:
            continue
        if existing.ord_type is OrdType.TRAILING_STOP:
            continue
        if _is_exempt(venue, is_complex(order), is_complex(existing)):
            continue
        _check_wash_pair(existing, ord_type, limit_px)
