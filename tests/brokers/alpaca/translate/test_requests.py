"""Commands as Alpaca's requests, byte for byte."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from surefill.brokers.alpaca.translate import requests
from surefill.core.commands import CancelOrder, OrderSpec, QueryOrder, ReplaceOrder, SubmitOrder
from surefill.core.fix import Contingency, Feed, Leg, OrdType, Side, TimeInForce
from surefill.core.units import NANO
from tests.brokers.alpaca.support import CL_ORD_ID, ORDER_ID, submit

PLAIN = submit().spec


def sent(spec: OrderSpec) -> dict[str, Any]:
    request = requests.request_of(SubmitOrder("plan-1", spec, submit().priority))
    assert (request.method, request.path, request.query) == ("POST", "/v2/orders", ())
    assert request.body is not None
    body: dict[str, Any] = json.loads(request.body)
    return body


def test_a_plain_limit_entry() -> None:
    assert sent(PLAIN) == {
        "client_order_id": CL_ORD_ID,
        "symbol": "CRWD",
        "qty": "25",
        "side": "buy",
        "type": "limit",
        "time_in_force": "day",
        "limit_price": "150.07",
    }


def test_a_retry_is_byte_identical() -> None:
    assert requests.request_of(submit()) == requests.request_of(submit())


def test_a_bracket_carries_both_exits() -> None:
    spec = replace(
        PLAIN,
        contingency=Contingency.BRACKET,
        take_profit_px=160 * NANO,
        stop_loss_px=145_250_000_000,
    )
    body = sent(spec)
    assert body["order_class"] == "bracket"
    assert body["limit_price"] == "150.07"
    assert body["take_profit"] == {"limit_price": "160"}
    assert body["stop_loss"] == {"stop_price": "145.25"}


def test_an_oco_states_its_limit_once() -> None:
    spec = replace(
        PLAIN,
        side=Side.SELL,
        leg=Leg.TARGET,
        tif=TimeInForce.GTC,
        contingency=Contingency.OCO,
        limit_px=160 * NANO,
        take_profit_px=160 * NANO,
        stop_loss_px=145 * NANO,
    )
    body = sent(spec)
    assert body["order_class"] == "oco"
    assert body["type"] == "limit"
    assert body["side"] == "sell"
    assert body["time_in_force"] == "gtc"
    assert "limit_price" not in body
    assert body["take_profit"] == {"limit_price": "160"}
    assert body["stop_loss"] == {"stop_price": "145"}


def test_a_short_sale_is_a_sale() -> None:
    assert sent(replace(PLAIN, side=Side.SELL_SHORT))["side"] == "sell"


def test_a_lone_stop_and_extended_hours() -> None:
    stop = replace(PLAIN, ord_type=OrdType.STOP, limit_px=None, stop_px=99_990_000)
    assert sent(stop)["stop_price"] == "0.09999"
    assert "limit_price" not in sent(stop)
    assert sent(replace(PLAIN, extended_hours=True))["extended_hours"] is True


@pytest.mark.parametrize("ord_type", OrdType)
@pytest.mark.parametrize("tif", TimeInForce)
def test_every_type_and_time_in_force_has_a_word(ord_type: OrdType, tif: TimeInForce) -> None:
    body = sent(replace(PLAIN, ord_type=ord_type, tif=tif))
    assert body["type"] == ord_type.value.lower()
    assert body["time_in_force"] == tif.value.lower()


@pytest.mark.parametrize("contingency", [c for c in Contingency if c is not Contingency.NONE])
def test_every_contingency_has_a_word(contingency: Contingency) -> None:
    body = sent(replace(PLAIN, contingency=contingency))
    assert body["order_class"] == contingency.value.lower()


def test_cancel_and_replace() -> None:
    cancel = requests.request_of(CancelOrder("plan-1", CL_ORD_ID, ORDER_ID))
    assert (cancel.method, cancel.path, cancel.body) == ("DELETE", f"/v2/orders/{ORDER_ID}", None)
    change = ReplaceOrder("plan-1", CL_ORD_ID, ORDER_ID, "sf-0a1b2c-plan-1-S2", stop_px=146 * NANO)
    patch = requests.request_of(change)
    assert (patch.method, patch.path) == ("PATCH", f"/v2/orders/{ORDER_ID}")
    assert patch.body == b'{"client_order_id":"sf-0a1b2c-plan-1-S2","stop_price":"146"}'
    patch = requests.request_of(replace(change, stop_px=None, limit_px=161 * NANO))
    assert patch.body == b'{"client_order_id":"sf-0a1b2c-plan-1-S2","limit_price":"161"}'


def test_a_query_by_either_id() -> None:
    by_client = requests.request_of(QueryOrder("plan-1", CL_ORD_ID))
    assert by_client.path == "/v2/orders:by_client_order_id"
    assert by_client.query == (("client_order_id", CL_ORD_ID),)
    by_id = requests.request_of(QueryOrder("plan-1", CL_ORD_ID, ORDER_ID))
    assert by_id == requests.order_by_id(ORDER_ID)
    assert by_id.query == (("nested", "true"),)


def test_foreign_text_in_a_path_is_quoted() -> None:
    assert requests.order_by_id("../v2/account?x").path == "/v2/orders/..%2Fv2%2Faccount%3Fx"
    assert requests.asset("BRK/B").path == "/v2/assets/BRK%2FB"


def test_pages_ask_for_everything_in_order() -> None:
    page = requests.orders_page(1_625_755_845_332_349_001)
    assert dict(page.query) == {
        "status": "all",
        "limit": "500",
        "direction": "asc",
        "nested": "true",
        "after": "2021-07-08T14:50:45.332349001Z",
    }
    first, next_one = requests.fills_page(0, None), requests.fills_page(0, "2021::x")
    assert "page_token" not in dict(first.query)
    assert dict(next_one.query)["page_token"] == "2021::x"
    assert dict(first.query)["page_size"] == "100"


def test_the_plain_reads() -> None:
    assert requests.positions().path == "/v2/positions"
    assert requests.account().path == "/v2/account"
    assert requests.clock().path == "/v2/clock"
    calendar = requests.calendar(1_625_755_845 * NANO)
    assert calendar.query == (("start", "2021-06-28"), ("end", "2021-09-06"))


def test_the_feed_of_a_quote_is_named_unless_it_is_the_test_feed() -> None:
    assert requests.latest_quote("CRWD", Feed.IEX).query == (("feed", "iex"),)
    assert requests.latest_quote("CRWD", Feed.SIP).query == (("feed", "sip"),)
    assert requests.latest_quote("FAKEPACA", Feed.TEST).query == ()


def test_open_orders_are_one_page_with_their_legs() -> None:
    asked = requests.open_orders()
    assert (asked.method, asked.path, asked.body) == ("GET", "/v2/orders", None)
    assert dict(asked.query) == {"status": "open", "limit": "500", "nested": "true"}
