"""Price levels: each rule at its edge, for buys and sales."""

from __future__ import annotations

import pytest

from surefill.core.fix import Side
from surefill.core.units import to_nano
from surefill.sim.levels import check_bands, check_far, check_legs, check_stop_side
from surefill.sim.types import Refusal, RefusalKind
from tests.sim.venue import SYM, Floor, px, request

K = RefusalKind


@pytest.mark.parametrize(
    ("side", "limit", "refused"),
    [
        (Side.BUY, "110", False),
        (Side.BUY, "110.01", True),
        (Side.BUY, "1", False),
        (Side.SELL, "90", False),
        (Side.SELL, "89.99", True),
    ],
)
def test_limits_far_from_the_market(side: Side, limit: str, refused: bool) -> None:
    venue = Floor("limit_far=10").exchange.venue
    market_px = to_nano("100")
    if not refused:
        check_far(venue, px(limit), side, market_px=market_px)
        return
    with pytest.raises(Refusal, match="LIMIT_TOO_FAR"):
        check_far(venue, px(limit), side, market_px=market_px)
    check_far(Floor().exchange.venue, px(limit), side, market_px=market_px)


def test_limits_outside_the_bands() -> None:
    floor = Floor("band_rejects=on")
    order = request("buy", 1, "limit", limit="94.99")
    check_bands(floor.exchange.venue, order)
    floor.exchange.on_bands(SYM, up_px=to_nano("105"), down_px=to_nano("95"))
    with pytest.raises(Refusal, match="OUTSIDE_BANDS"):
        check_bands(floor.exchange.venue, order)
    check_bands(floor.exchange.venue, request("buy", 1, "limit", limit="95"))
    check_bands(floor.exchange.venue, request("buy", 1, "market"))


@pytest.mark.parametrize(("side", "at"), [(Side.BUY, "100"), (Side.SELL, "100")])
def test_stops_on_the_wrong_side(side: Side, at: str) -> None:
    venue, market_px = Floor().exchange.venue, to_nano("100")
    with pytest.raises(Refusal, match="STOP_THROUGH_MARKET"):
        check_stop_side(venue, side, to_nano(at), market_px=market_px)
    check_stop_side(venue, side, to_nano(at) + side.sign, market_px=market_px)
    check_stop_side(venue, side, to_nano(at), market_px=None)
    free = Floor("buy_stop_side=free").exchange.venue
    check_stop_side(free, Side.BUY, to_nano("1"), market_px=market_px)


@pytest.mark.parametrize(
    ("target", "stop", "entry", "kind"),
    [
        ("102", "98", "100", None),
        ("98", "98", "100", K.LEG_ORDER),
        ("100", "98", "100", K.TARGET_NOT_BEYOND_BASE),
        ("102", "100", "100", K.STOP_NOT_BEYOND_BASE),
        ("102", None, None, None),
        (None, "99.99", None, None),
        (None, "100", None, K.STOP_NOT_BEYOND_BASE),
    ],
)
def test_legs_and_their_base(
    target: str | None, stop: str | None, entry: str | None, kind: RefusalKind | None
) -> None:
    def check() -> None:
        check_legs(
            Side.BUY,
            target=px(target),
            stop=px(stop),
            entry=px(entry),
            market=to_nano("100"),
            is_exit=False,
        )

    if kind is None:
        check()
        return
    with pytest.raises(Refusal, match=kind.value):
        check()


def test_without_any_market_a_stop_has_no_base() -> None:
    check_legs(Side.BUY, target=None, stop=1, entry=None, market=None, is_exit=False)
