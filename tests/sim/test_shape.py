"""Refusals that need nothing but the request: one row per rule of the broker."""

from __future__ import annotations

from typing import Any

import pytest

from surefill.core.fix import Contingency, OrdType, Side, TimeInForce
from surefill.core.units import NANO, to_nano
from surefill.sim.assets import Asset
from surefill.sim.shape import check_shape
from surefill.sim.switches import Switches
from surefill.sim.types import LegRequest, OrderRequest, Refusal, RefusalKind
from tests.sim.venue import SYM, Floor, request

K = RefusalKind
ASSET = Asset(symbol=SYM)

REFUSED = [
    (("buy", 1, "limit"), {}, K.LIMIT_PX_MISSING),
    (("buy", 1, "limit"), {"limit": "0"}, K.BAD_PRICE),
    (("buy", 1, "limit"), {"limit": "-1"}, K.BAD_PRICE),
    (("buy", 1, "limit"), {"limit": "1", "stop": "1"}, K.STOP_PX_UNWANTED),
    (("buy", 1, "stop"), {}, K.STOP_PX_MISSING),
    (("buy", 1, "stop"), {"stop": "1", "limit": "1"}, K.LIMIT_PX_UNWANTED),
    (("buy", 1, "stop_limit"), {"stop": "1"}, K.STOP_LIMIT_PX_MISSING),
    (("buy", 1, "stop_limit"), {"limit": "1"}, K.STOP_LIMIT_PX_MISSING),
    (("buy", 1, "market"), {"limit": "1"}, K.LIMIT_PX_UNWANTED),
    (("buy", 1, "market"), {"stop": "1"}, K.STOP_PX_UNWANTED),
    (("buy", 1, "trailing_stop"), {}, K.TRAIL_MISSING),
    (("buy", 1, "trailing_stop"), {"trail": "1", "trail_ppb": 10_000_000}, K.TRAIL_MISSING),
    (("buy", 1, "trailing_stop"), {"trail": "0"}, K.BAD_PRICE),
    (("buy", 1, "trailing_stop"), {"trail_ppb": 999_999}, K.TRAIL_TOO_SMALL),
    (("buy", 1, "trailing_stop"), {"trail": "1", "limit": "5"}, K.LIMIT_PX_UNWANTED),
    (("buy", 1, "trailing_stop"), {"trail": "1", "tif": "ioc"}, K.TIF_ILLEGAL),
    (("buy", "1.5", "trailing_stop"), {"trail": "1"}, K.FRACTIONAL_NOT_SIMPLE),
    (("buy", 1, "market"), {"trail": "1"}, K.TRAIL_UNWANTED),
    (("buy", 1, "stop"), {"stop": "1", "tif": "opg"}, K.TIF_ILLEGAL),
    (("buy", 0, "market"), {}, K.QTY_OR_NOTIONAL),
    (("buy", 1, "market"), {"notional": "5"}, K.QTY_OR_NOTIONAL),
    (("buy", -1, "market"), {}, K.BAD_QTY),
    (("buy", 0, "market"), {"notional": "0.99"}, K.BAD_NOTIONAL),
    (("buy", 1, "limit"), {"limit": "290.123"}, K.SUB_PENNY),
    (("buy", 1, "limit"), {"limit": "0.12345"}, K.SUB_PENNY),
    (("buy", 1, "stop"), {"stop": "290.123"}, K.SUB_PENNY),
    (("buy", 1, "limit"), {"limit": "1", "id": "x" * 129}, K.ID_TOO_LONG),
    (("buy", 1, "stop"), {"stop": "1", "tif": "ioc"}, K.TIF_ILLEGAL),
    (("buy", 1, "stop_limit"), {"stop": "1", "limit": "1", "tif": "fok"}, K.TIF_ILLEGAL),
    (("buy", 1, "market"), {"tp": "2", "sl": "1", "group": "bracket", "tif": "ioc"}, K.TIF_ILLEGAL),
    (("buy", 1, "market"), {"eth": True}, K.EXTENDED_ILLEGAL),
    (("buy", 1, "stop"), {"stop": "1", "eth": True}, K.EXTENDED_ILLEGAL),
    (("buy", 1, "limit"), {"limit": "1", "tif": "ioc", "eth": True}, K.EXTENDED_ILLEGAL),
    (
        ("buy", 1, "limit"),
        {"limit": "2", "tp": "3", "sl": "1", "group": "bracket", "eth": True},
        K.EXTENDED_ILLEGAL,
    ),
    (("buy", 1, "market"), {"tp": "2"}, K.LEG_UNWANTED),
    (("buy", 1, "market"), {"sl": "2"}, K.LEG_UNWANTED),
    (("buy", 1, "market"), {"tp": "2", "sl": "1", "group": "oto"}, K.LEG_UNWANTED),
    (("buy", 1, "market"), {"group": "oto"}, K.LEG_UNWANTED),
    (("buy", 1, "market"), {"sl": "1", "group": "bracket"}, K.TARGET_MISSING),
    (("buy", 1, "market"), {"tp": "2", "group": "bracket"}, K.STOP_LEG_MISSING),
    (("sell", 1, "market"), {"tp": "2", "sl": "1", "group": "oco"}, K.OCO_NOT_LIMIT),
    (("sell", 1, "limit"), {"sl": "1", "group": "oco"}, K.TARGET_MISSING),
    (("sell", 1, "limit"), {"limit": "2", "sl": "1", "group": "oco"}, K.TARGET_MISSING),
    (("buy", "0.5", "market"), {"tif": "gtc"}, K.FRACTIONAL_NOT_DAY),
    (("buy", "0.5", "market"), {"tp": "2", "sl": "1", "group": "bracket"}, K.FRACTIONAL_NOT_SIMPLE),
    (("buy", 1, "market"), {"tp": "2.001", "sl": "1", "group": "bracket"}, K.SUB_PENNY),
    (("buy", 1, "market"), {"tp": "2", "sl": "1.001", "group": "bracket"}, K.SUB_PENNY),
    (
        ("buy", 1, "market"),
        {"tp": "2", "sl": "1.5", "sl_limit": "1.401", "group": "bracket"},
        K.SUB_PENNY,
    ),
]

ACCEPTED = [
    (("buy", 1, "market"), {"tif": "gtc"}),
    (("buy", 1, "limit"), {"limit": "0.1234", "tif": "fok"}),
    (("buy", 1, "limit"), {"limit": "1.01", "tif": "gtc", "eth": True}),
    (("buy", "0.5", "limit"), {"limit": "1.01"}),
    (("buy", 0, "market"), {"notional": "1"}),
    (("buy", 1, "stop_limit"), {"stop": "1", "limit": "1.10", "tif": "gtc"}),
    (("buy", 1, "market"), {"sl": "1", "group": "oto"}),
    (("buy", 1, "market"), {"tp": "1", "group": "oto"}),
    (("sell", 1, "limit"), {"tp": "2", "sl": "1", "group": "oco", "tif": "gtc"}),
]


@pytest.mark.parametrize(("words", "terms", "kind"), REFUSED)
def test_refused(words: tuple[str, int, str], terms: dict[str, Any], kind: RefusalKind) -> None:
    with pytest.raises(Refusal) as caught:
        check_shape(request(*words, **terms), ASSET, Switches())
    assert caught.value.kind is kind


@pytest.mark.parametrize(("words", "terms"), ACCEPTED)
def test_accepted(words: tuple[str, int, str], terms: dict[str, Any]) -> None:
    check_shape(request(*words, **terms), ASSET, Switches())


def test_open_questions_of_complex_orders() -> None:
    oco = request("sell", 1, "limit", limit="2", sl="1", group="oco")
    check_shape(oco, ASSET, Switches(oco_parent_limit="accepted"))
    entry = request("buy", 1, "stop", stop="2", tp="3", sl="1", group="bracket")
    check_shape(entry, ASSET, Switches())
    with pytest.raises(Refusal, match="STOP_ENTRY"):
        check_shape(entry, ASSET, Switches(bracket_stop_entry="refused"))


@pytest.mark.parametrize(
    ("target", "stop", "kind"),
    [
        (LegRequest(), None, K.TARGET_MISSING),
        (None, LegRequest(limit_px=NANO), K.STOP_LEG_MISSING),
    ],
)
def test_empty_legs_of_an_oto(
    target: LegRequest | None, stop: LegRequest | None, kind: RefusalKind
) -> None:
    order = OrderRequest(
        symbol=SYM,
        side=Side.BUY,
        ord_type=OrdType.MARKET,
        tif=TimeInForce.DAY,
        order_qty=NANO,
        contingency=Contingency.OTO,
        take_profit=target,
        stop_loss=stop,
    )
    with pytest.raises(Refusal) as caught:
        check_shape(order, ASSET, Switches())
    assert caught.value.kind is kind


def test_leg_grid_is_a_switch() -> None:
    """U9: legs of 2021 kept four decimals."""
    lax = Switches.from_pairs(["leg_sub_penny=off"])
    check_shape(request("buy", 1, "market", tp="2.001", sl="1", group="bracket"), ASSET, lax)
    with pytest.raises(Refusal):
        check_shape(request("buy", 1, "market", tp="2", sl="-1", group="bracket"), ASSET, lax)


def test_whole_share_asset() -> None:
    whole = Asset(symbol=SYM, fractionable=False)
    with pytest.raises(Refusal) as caught:
        check_shape(request("buy", "0.5", "market"), whole, Switches())
    assert caught.value.kind is K.NOT_FRACTIONABLE
    assert caught.value.context == {"symbol": SYM}


def test_sub_penny_context_names_field_and_price() -> None:
    refusal = Floor().refused("buy", 1, limit="290.123")
    assert refusal.context == {"field": "limit_px", "px": to_nano("290.123")}
