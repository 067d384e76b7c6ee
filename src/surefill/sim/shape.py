"""Checks of a request by itself: fields, types, time in force, legs, price grid.

What: `check_shape` raises the first `Refusal` that needs nothing but the request and its asset.
Source: spec 1.3 (422 family), 1.9 (increments), 1.10 (time-in-force matrix), 3.1 (shapes).
Must never: look at accounts, orders or the market.
"""

from __future__ import annotations

from surefill.core.fix import Contingency, OrdType, TimeInForce
from surefill.core.units import NANO
from surefill.sim.assets import Asset
from surefill.sim.orders import STOPS
from surefill.sim.switches import Switches
from surefill.sim.types import OrderRequest, Refusal, RefusalKind

ID_LENGTH_MAX = 128
NOTIONAL_USD_MIN = NANO

_NEEDS_LIMIT = frozenset({OrdType.LIMIT, OrdType.STOP_LIMIT})
_NEEDS_STOP = frozenset({OrdType.STOP, OrdType.STOP_LIMIT})
_LASTING = frozenset({TimeInForce.DAY, TimeInForce.GTC})
_AT_ONCE = frozenset({TimeInForce.IOC, TimeInForce.FOK})

AUCTIONS = frozenset({TimeInForce.OPG, TimeInForce.CLS})
"""Orders for the opening or the closing auction."""

LEGAL_TIFS: dict[OrdType, frozenset[TimeInForce]] = {
    OrdType.MARKET: _LASTING | _AT_ONCE | AUCTIONS,
    OrdType.LIMIT: _LASTING | _AT_ONCE | AUCTIONS,
    OrdType.STOP: _LASTING,
    OrdType.STOP_LIMIT: _LASTING,
    OrdType.TRAILING_STOP: _LASTING,
}
"""The matrix of spec 1.10."""

TRAIL_PER_PPB = 100
"""A changed trail comes in 1e-9 of a percent; orders keep 1e-9 of the whole."""
TRAIL_PPB_MIN = 1_000_000
"""The smallest trail: 0.1 % (spec 1.3)."""


def target_px(request: OrderRequest) -> int | None:
    """Limit price of the target leg; an OCO may carry it as its own limit price."""
    if request.take_profit is not None and request.take_profit.limit_px is not None:
        return request.take_profit.limit_px
    return request.limit_px if request.contingency is Contingency.OCO else None


def own_limit_px(request: OrderRequest) -> int | None:
    """Limit price of the order itself; for an OCO that is its target."""
    return target_px(request) if request.contingency is Contingency.OCO else request.limit_px


def check_shape(request: OrderRequest, asset: Asset, switches: Switches) -> None:
    """Raise `Refusal` when the request cannot be right whatever the state of the venue."""
    check_id(request.cl_ord_id)
    _check_legs(request)
    _check_entry(request, switches)
    _check_size(request)
    _check_price_fields(request)
    _check_tif(request)
    _check_fraction(request, asset)
    _check_grid(request, asset, switches)


def check_id(cl_ord_id: str | None) -> None:
    """Client ids have at most 128 characters."""
    if cl_ord_id is not None and len(cl_ord_id) > ID_LENGTH_MAX:
        raise Refusal(RefusalKind.ID_TOO_LONG)


def check_px(field: str, px: int, asset: Asset) -> None:
    """A price is positive and on the grid of its band."""
    if px <= 0:
        raise Refusal(RefusalKind.BAD_PRICE, {"field": field})
    if not asset.ticks.holds(px):
        raise Refusal(RefusalKind.SUB_PENNY, {"field": field, "px": px})


def check_trail(trail_px: int | None, trail_ppb: int | None) -> None:
    """Exactly one of the two, and large enough."""
    if (trail_px is None) == (trail_ppb is None):
        raise Refusal(RefusalKind.TRAIL_MISSING)
    if trail_px is not None and trail_px <= 0:
        raise Refusal(RefusalKind.BAD_PRICE, {"field": "trail_px"})
    if trail_ppb is not None and not TRAIL_PPB_MIN <= trail_ppb < NANO:
        raise Refusal(RefusalKind.TRAIL_TOO_SMALL)


def _check_size(request: OrderRequest) -> None:
    has_qty, has_notional = request.order_qty != 0, request.notional_usd is not None
    if has_qty == has_notional:
        given = "both" if has_qty else "none"
        raise Refusal(RefusalKind.QTY_OR_NOTIONAL, {"given": given})
    if has_qty and request.order_qty < 0:
        raise Refusal(RefusalKind.BAD_QTY)
    if request.notional_usd is not None and request.notional_usd < NOTIONAL_USD_MIN:
        raise Refusal(RefusalKind.BAD_NOTIONAL)


def _check_price_fields(request: OrderRequest) -> None:
    wants_limit = request.ord_type in _NEEDS_LIMIT
    wants_stop = request.ord_type in _NEEDS_STOP
    has_limit, has_stop = own_limit_px(request) is not None, request.stop_px is not None
    context = {"ord_type": request.ord_type}
    if wants_limit and wants_stop and not (has_limit and has_stop):
        raise Refusal(RefusalKind.STOP_LIMIT_PX_MISSING, context)
    if wants_limit and not has_limit:
        raise Refusal(RefusalKind.LIMIT_PX_MISSING, context)
    if wants_stop and not has_stop:
        raise Refusal(RefusalKind.STOP_PX_MISSING, context)
    if has_limit and not wants_limit:
        raise Refusal(RefusalKind.LIMIT_PX_UNWANTED, context)
    if has_stop and not wants_stop:
        raise Refusal(RefusalKind.STOP_PX_UNWANTED, context)
    if request.ord_type is OrdType.TRAILING_STOP:
        check_trail(request.trail_px, request.trail_ppb)
    elif request.trail_px is not None or request.trail_ppb is not None:
        raise Refusal(RefusalKind.TRAIL_UNWANTED, context)


def _check_tif(request: OrderRequest) -> None:
    context = {
        "tif": request.tif,
        "ord_type": request.ord_type,
        "contingency": request.contingency,
    }
    if request.tif not in LEGAL_TIFS[request.ord_type]:
        raise Refusal(RefusalKind.TIF_ILLEGAL, context)
    is_simple = request.contingency is Contingency.NONE
    if not is_simple and request.tif not in _LASTING:
        raise Refusal(RefusalKind.TIF_ILLEGAL, context)
    if not request.extended_hours:
        return
    if request.ord_type is not OrdType.LIMIT or request.tif not in _LASTING or not is_simple:
        raise Refusal(RefusalKind.EXTENDED_ILLEGAL, context)


def _check_legs(request: OrderRequest) -> None:
    context = {"contingency": request.contingency}
    stop_px = request.stop_loss.stop_px if request.stop_loss else None
    if request.contingency is Contingency.NONE:
        if request.take_profit is not None or request.stop_loss is not None:
            raise Refusal(RefusalKind.LEG_UNWANTED, context)
        return
    if request.contingency is Contingency.OTO:
        if (request.take_profit is None) == (request.stop_loss is None):
            raise Refusal(RefusalKind.LEG_UNWANTED, context)
        if request.take_profit is not None and target_px(request) is None:
            raise Refusal(RefusalKind.TARGET_MISSING, context)
        if request.stop_loss is not None and stop_px is None:
            raise Refusal(RefusalKind.STOP_LEG_MISSING, context)
        return
    if request.contingency is Contingency.OCO and request.ord_type is not OrdType.LIMIT:
        raise Refusal(RefusalKind.OCO_NOT_LIMIT)
    if target_px(request) is None:
        raise Refusal(RefusalKind.TARGET_MISSING, context)
    if stop_px is None:
        raise Refusal(RefusalKind.STOP_LEG_MISSING, context)


def _check_entry(request: OrderRequest, switches: Switches) -> None:
    """What 3.1 leaves open: stop entries, and an OCO whose target is only its own limit."""
    context = {"contingency": request.contingency}
    is_stop = request.ord_type in STOPS
    is_entry = request.contingency in (Contingency.BRACKET, Contingency.OTO)
    if is_entry and is_stop and switches.bracket_stop_entry == "refused":
        raise Refusal(RefusalKind.STOP_ENTRY, context)
    target = request.take_profit.limit_px if request.take_profit is not None else None
    is_bare = request.contingency is Contingency.OCO and target is None
    if is_bare and switches.oco_parent_limit == "refused":
        raise Refusal(RefusalKind.TARGET_MISSING, context)


def _check_fraction(request: OrderRequest, asset: Asset) -> None:
    if request.notional_usd is None and request.order_qty % NANO == 0:
        return
    if not asset.fractionable:
        raise Refusal(RefusalKind.NOT_FRACTIONABLE, {"symbol": asset.symbol})
    is_trailing = request.ord_type is OrdType.TRAILING_STOP
    if request.contingency is not Contingency.NONE or is_trailing:
        raise Refusal(RefusalKind.FRACTIONAL_NOT_SIMPLE)
    if request.tif is not TimeInForce.DAY:
        raise Refusal(RefusalKind.FRACTIONAL_NOT_DAY)


def _check_grid(request: OrderRequest, asset: Asset, switches: Switches) -> None:
    prices = {"limit_px": own_limit_px(request), "stop_px": request.stop_px}
    legs: dict[str, int | None] = {}
    if request.take_profit is not None:
        legs["take_profit.limit_px"] = request.take_profit.limit_px
    if request.stop_loss is not None:
        legs["stop_loss.stop_px"] = request.stop_loss.stop_px
        legs["stop_loss.limit_px"] = request.stop_loss.limit_px
    for field, px in (prices | legs).items():
        if px is None:
            continue
        if field in legs and switches.leg_sub_penny == "off" and px > 0:
            continue
        check_px(field, px, asset)
