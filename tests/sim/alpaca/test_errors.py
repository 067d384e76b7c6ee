"""Every refusal in Alpaca's words: status, code, message, extra keys."""

from __future__ import annotations

import json
from typing import Any

import pytest

from surefill.core.fix import Contingency, OrdStatus, OrdType, Side
from surefill.core.units import NANO, to_nano
from surefill.sim.alpaca.errors import (
    WORDINGS,
    RequestError,
    error_response,
    fault_answer,
    not_found,
    refusal_body,
    refusal_response,
)
from surefill.sim.types import Refusal, RefusalKind

K = RefusalKind


@pytest.mark.parametrize("kind", list(RefusalKind))
def test_every_refusal_has_a_wording(kind: RefusalKind) -> None:
    status, body = refusal_body(Refusal(kind))
    assert status in (403, 404, 422)
    code = body["code"]
    assert isinstance(code, int)
    assert code // 100_000 in (400, 403, 404, 422)
    assert body["message"]
    assert set(WORDINGS) == set(RefusalKind)


@pytest.mark.parametrize(
    ("kind", "context", "status", "body"),
    [
        (
            K.INSUFFICIENT_BUYING_POWER,
            {"buying_power_usd": to_nano("400000"), "cost_usd": 8177000000 * NANO},
            403,
            {
                "code": 40310000,
                "message": "insufficient buying power",
                "buying_power": "400000",
                "cost_basis": "8177000000",
            },
        ),
        (
            K.INSUFFICIENT_QTY,
            {
                "symbol": "AMZN",
                "requested_qty": to_nano(1),
                "available_qty": 0,
                "existing_qty": to_nano(1),
                "held_qty": to_nano(1),
                "related_order_ids": ("x",),
            },
            403,
            {
                "code": 40310000,
                "message": "insufficient qty available for order (requested: 1, available: 0)",
                "available": "0",
                "existing_qty": "1",
                "held_for_orders": "1",
                "symbol": "AMZN",
                "related_orders": ["x"],
            },
        ),
        (
            K.WASH_TRADE,
            {"existing_order_id": "x", "existing": "market/stop"},
            403,
            {
                "code": 40310000,
                "message": "potential wash trade detected. use complex orders",
                "existing_order_id": "x",
                "reject_reason": "opposite side market/stop order exists",
            },
        ),
        (
            K.STOP_NOT_BEYOND_BASE,
            {"side": Side.BUY, "base_px": to_nano("483.505")},
            422,
            {
                "code": 42210000,
                "message": "stop_loss.stop_price must be <= base_price - 0.01",
                "base_price": "483.505",
            },
        ),
    ],
)
def test_bodies_with_extra_keys(
    kind: RefusalKind, context: dict[str, Any], status: int, body: dict[str, Any]
) -> None:
    response = refusal_response(Refusal(kind, context))
    assert (response.status, json.loads(response.body)) == (status, body)


@pytest.mark.parametrize(
    ("kind", "context", "message"),
    [
        (K.WASH_TRADE, {"existing": "limit"}, "potential wash trade detected. use complex orders"),
        (
            K.OPPOSITE_INTENT,
            {"opening": Side.SELL},
            "cannot open a short sell while a long buy order is open",
        ),
        (
            K.OPPOSITE_INTENT,
            {"opening": Side.BUY},
            "cannot open a long buy while a short sell order is open",
        ),
        (K.NOT_FRACTIONABLE, {"symbol": "OCGN"}, 'asset "OCGN" is not fractionable'),
        (K.QTY_OR_NOTIONAL, {"given": "both"}, "only one of qty or notional is accepted"),
        (K.QTY_OR_NOTIONAL, {"given": "none"}, "qty or notional is required"),
        (K.BAD_PRICE, {"field": "limit_px"}, "limit price must be > 0"),
        (
            K.BAD_PRICE,
            {"field": "take_profit.limit_px"},
            "take_profit.limit_price must be > 0",
        ),
        (
            K.STOP_PX_UNWANTED,
            {"ord_type": OrdType.LIMIT},
            "limit orders must not have stop_price",
        ),
        (
            K.LIMIT_PX_UNWANTED,
            {"ord_type": OrdType.MARKET},
            "market orders require no stop or limit price",
        ),
        (
            K.LIMIT_PX_UNWANTED,
            {"ord_type": OrdType.STOP},
            "stop orders must not have limit_price",
        ),
        (
            K.SUB_PENNY,
            {"field": "limit_px", "px": to_nano("290.123")},
            "invalid limit_price 290.123. sub-penny increment does not fulfill minimum "
            "pricing criteria",
        ),
        (
            K.STOP_THROUGH_MARKET,
            {"side": Side.SELL},
            "stop price must be less than current price",
        ),
        (
            K.STOP_THROUGH_MARKET,
            {"side": Side.BUY},
            "stop price must be greater than current price",
        ),
        (
            K.STOP_NOT_BEYOND_BASE,
            {"side": Side.SELL_SHORT},
            "stop_loss.stop_price must be >= base_price + 0.01",
        ),
        (
            K.TARGET_NOT_BEYOND_BASE,
            {"side": Side.BUY},
            "take_profit.limit_price must be >= base_price + 0.01",
        ),
        (
            K.TARGET_NOT_BEYOND_BASE,
            {"side": Side.SELL},
            "take_profit.limit_price must be <= base_price - 0.01",
        ),
        (
            K.LEG_ORDER,
            {"side": Side.BUY},
            "take_profit.limit_price must be > stop_loss.stop_price",
        ),
        (
            K.LEG_ORDER,
            {"side": Side.SELL},
            "take_profit.limit_price must be < stop_loss.stop_price",
        ),
        (
            K.TARGET_MISSING,
            {"contingency": Contingency.BRACKET},
            "bracket orders require take_profit.limit_price",
        ),
        (
            K.STOP_LEG_MISSING,
            {"contingency": Contingency.OCO},
            "oco orders require stop_loss.stop_price",
        ),
        (
            K.LEG_UNWANTED,
            {"contingency": Contingency.OTO},
            "oto orders require exactly one of take_profit or stop_loss",
        ),
        (
            K.LEG_UNWANTED,
            {"contingency": Contingency.NONE},
            "simple orders must not have take_profit or stop_loss",
        ),
        (
            K.NOT_ENTRY,
            {"contingency": Contingency.BRACKET},
            "bracket orders must be entry orders",
        ),
        (
            K.EXTENDED_ILLEGAL,
            {"ord_type": OrdType.STOP},
            "stop orders are not eligible for extended hours trading",
        ),
        (
            K.EXTENDED_ILLEGAL,
            {"ord_type": OrdType.MARKET},
            "extended hours order must be DAY or GTC limit orders",
        ),
        (K.NOT_CANCELABLE, {"status": OrdStatus.FILLED}, 'order is already in "filled" state'),
        (
            K.NOT_REPLACEABLE,
            {"status": OrdStatus.PENDING_NEW},
            "cannot replace order in pending_new status",
        ),
        (K.NOT_SHORTABLE, {"symbol": "TXN"}, 'asset "TXN" cannot be sold short'),
        (K.NOT_TRADABLE, {"symbol": "X"}, 'asset "X" is not tradable'),
        (K.UNKNOWN_SYMBOL, {"symbol": "X"}, 'asset "X" not found'),
        (K.ORDER_NOT_FOUND, {"cl_ord_id": "abc"}, "order not found for abc"),
        (K.NOT_CANCELABLE, {"not_routed": True}, 'order is already in "accepted" state'),
    ],
)
def test_messages(kind: RefusalKind, context: dict[str, Any], message: str) -> None:
    assert refusal_body(Refusal(kind, context))[1]["message"] == message


def test_a_patch_too_early_keeps_its_recorded_code() -> None:
    status, body = refusal_body(Refusal(K.NOT_REPLACEABLE, {"not_routed": True}))
    assert (status, body["code"]) == (422, 40010001)
    assert body["message"] == "unable to replace order, order isn't sent to exchange yet"


def test_errors_of_the_protocol() -> None:
    error = RequestError("qty must be > 0")
    assert (error.status, error.code, str(error)) == (422, 40010001, "qty must be > 0")
    with pytest.raises(RequestError) as caught:
        not_found("asset not found for X")
    assert (caught.value.status, caught.value.code) == (404, 40410000)
    assert json.loads(error_response(401, None, "unauthorized.").body) == {
        "message": "unauthorized."
    }


def test_a_broken_broker_answers_in_json_or_as_nginx() -> None:
    assert json.loads(fault_answer(429, {"retry-after": "3"}).body)["code"] == 42910000
    assert fault_answer(429, {"retry-after": "3"}).headers["retry-after"] == "3"
    assert json.loads(fault_answer(500, {}).body)["code"] == 50010000
    for status, title in ((502, b"Bad Gateway"), (503, b"Unavailable"), (504, b"Time-out")):
        page = fault_answer(status, {})
        assert page.status == status
        assert title in page.body
        assert page.headers["content-type"] == "text/html"
