"""Price levels against the market: far limits, bands, the side of a stop, legs and their base.

What: the checks of spec 1.3 and 3.1 that compare prices of a request with each other and with the
market; each raises a `Refusal` or says nothing. All prices 1e-9 USD.
Must never: look at an account.
"""

from __future__ import annotations

from surefill.core.fix import Side
from surefill.core.units import CENT
from surefill.sim.shape import own_limit_px
from surefill.sim.state import Venue
from surefill.sim.types import OrderRequest, Refusal, RefusalKind


def check_far(venue: Venue, limit_px: int | None, side: Side, *, market_px: int | None) -> None:
    """A limit far worse than the market is taken for a mistake, where the switch says so (U13)."""
    if venue.switches.limit_far == "off" or limit_px is None or market_px is None:
        return
    if side.sign * (limit_px - market_px) * 100 > int(venue.switches.limit_far) * market_px:
        raise Refusal(RefusalKind.LIMIT_TOO_FAR, {"limit_px": limit_px, "base_px": market_px})


def check_bands(venue: Venue, request: OrderRequest) -> None:
    """A limit outside the price bands could never execute; refused where the switch says so."""
    bands, limit_px = venue.bands.get(request.symbol), own_limit_px(request)
    if venue.switches.band_rejects == "off" or bands is None or limit_px is None:
        return
    if not bands.down_px <= limit_px <= bands.up_px:
        raise Refusal(RefusalKind.OUTSIDE_BANDS, {"limit_px": limit_px})


def check_stop_side(venue: Venue, side: Side, stop_px: int, *, market_px: int | None) -> None:
    """A sell stop is below the market, a buy stop above (the mirror is U)."""
    if side is Side.BUY and venue.switches.buy_stop_side == "free":
        return
    if market_px is not None and side.sign * (stop_px - market_px) <= 0:
        context = {"side": side, "stop_px": stop_px, "base_px": market_px}
        raise Refusal(RefusalKind.STOP_THROUGH_MARKET, context)


def check_legs(
    position_side: Side,
    *,
    target: int | None,
    stop: int | None,
    entry: int | None,
    market: int | None,
    is_exit: bool,
) -> None:
    """Legs against each other and against the base price (spec 3.1). All prices 1e-9 USD."""
    sign = position_side.sign
    if target is not None and stop is not None and sign * (target - stop) <= 0:
        raise Refusal(RefusalKind.LEG_ORDER, {"side": position_side})
    if target is not None and not is_exit:
        base_px = entry if entry is not None else market
        if base_px is not None and sign * (target - base_px) < CENT:
            context = {"side": position_side, "base_px": base_px}
            raise Refusal(RefusalKind.TARGET_NOT_BEYOND_BASE, context)
    if stop is None:
        return
    bases = [px for px in ((target if is_exit else entry), market) if px is not None]
    if not bases:
        return
    base_px = min(bases) if sign > 0 else max(bases)
    if sign * (base_px - stop) < CENT:
        context = {"side": position_side, "base_px": base_px}
        raise Refusal(RefusalKind.STOP_NOT_BEYOND_BASE, context)
