"""Bodies and query strings: text or numbers, exact, and every shape error in its words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from surefill.core.fix import Contingency, OrdType, Side, TimeInForce
from surefill.core.units import to_nano
from surefill.sim.alpaca.errors import RequestError
from surefill.sim.alpaca.parse import (
    MAX_BODY_BYTES,
    decimal_of,
    order_query,
    order_request,
    query_after,
    query_flag,
    query_int,
    query_until,
    query_value,
    read_body,
    replace_request,
    symbol_set,
)
from surefill.sim.alpaca.text import parse_stamp
from surefill.sim.types import LegRequest, OrderScope

PLAIN: dict[str, Any] = {
    "symbol": "ACME",
    "qty": "10",
    "side": "buy",
    "type": "market",
    "time_in_force": "day",
}


def parsed(**more: Any) -> Any:
    return order_request(read_body(json.dumps({**PLAIN, **more}).encode()))


def refused(**more: Any) -> str:
    with pytest.raises(RequestError) as caught:
        parsed(**more)
    return str(caught.value)


def test_a_plain_order() -> None:
    request = parsed()
    assert (request.symbol, request.side, request.order_qty) == ("ACME", Side.BUY, to_nano(10))
    assert (request.ord_type, request.tif) == (OrdType.MARKET, TimeInForce.DAY)
    assert request.contingency is Contingency.NONE
    assert request.cl_ord_id is request.take_profit is request.limit_px is None


def test_numbers_are_read_by_their_digits() -> None:
    body = b'{"symbol":"A","qty":0.1,"side":"sell","type":"limit","time_in_force":"gtc",'
    body += b'"limit_price":534.82,"client_order_id":"x","extended_hours":true}'
    request = order_request(read_body(body))
    assert request.order_qty == 100_000_000
    assert request.limit_px == 534_820_000_000
    assert request.extended_hours
    assert request.cl_ord_id == "x"


def test_a_bracket() -> None:
    request = parsed(
        order_class="bracket",
        take_profit={"limit_price": "102"},
        stop_loss={"stop_price": 98, "limit_price": "97.5"},
    )
    assert request.contingency is Contingency.BRACKET
    assert request.take_profit == LegRequest(limit_px=to_nano(102))
    assert request.stop_loss == LegRequest(limit_px=to_nano("97.5"), stop_px=to_nano(98))


def test_null_and_empty_are_absent() -> None:
    request = parsed(qty=None, notional="250", limit_price="", order_class="simple", stop_loss=None)
    assert (request.order_qty, request.notional_usd) == (0, to_nano(250))
    assert request.limit_px is None
    assert request.stop_loss is None


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"symbol": ""}, "symbol is required"),
        ({"symbol": 7}, "invalid symbol"),
        ({"side": "hold"}, "invalid side"),
        ({"side": None}, "side is required"),
        ({"type": "hopeful"}, "invalid order type"),
        ({"type": None}, "type is required"),
        ({"time_in_force": "forever"}, "invalid time_in_force"),
        ({"time_in_force": None}, "time_in_force is required"),
        ({"qty": "0"}, "qty must be > 0"),
        ({"qty": "-1"}, "qty must be > 0"),
        ({"qty": "many"}, "invalid qty"),
        ({"qty": True}, "invalid qty"),
        ({"qty": "1e400"}, "invalid qty"),
        ({"limit_price": "NaN"}, "invalid limit_price"),
        ({"limit_price": []}, "invalid limit_price"),
        ({"order_class": "trio"}, "invalid order_class"),
        ({"take_profit": "102"}, "invalid take_profit"),
        ({"extended_hours": "yes"}, "invalid extended_hours"),
    ],
)
def test_shape_errors(more: dict[str, Any], message: str) -> None:
    assert refused(**more) == message


def test_more_than_nine_decimals_are_a_sub_penny_price() -> None:
    with pytest.raises(RequestError) as caught:
        parsed(limit_price="1.00000000001")
    assert caught.value.code == 42210000
    assert "sub-penny" in str(caught.value)
    assert refused(qty="1.00000000001") == "invalid qty"


@pytest.mark.parametrize("raw", [b"{", b"[1]", b'"x"', b"[" * 50_000])
def test_a_body_is_a_json_object(raw: bytes) -> None:
    with pytest.raises(RequestError) as caught:
        read_body(raw)
    assert caught.value.status == 400


def test_a_body_may_be_empty_but_not_huge() -> None:
    assert read_body(b" ") == {}
    with pytest.raises(RequestError) as caught:
        read_body(b" " * (MAX_BODY_BYTES + 1))
    assert caught.value.status == 413


def test_replacements() -> None:
    change = replace_request({"qty": 3, "limit_price": "1.5", "time_in_force": "gtc"})
    assert (change.order_qty, change.limit_px) == (to_nano(3), to_nano("1.5"))
    assert change.tif is TimeInForce.GTC
    assert (change.stop_px, change.cl_ord_id) == (None, None)
    with pytest.raises(RequestError, match="time_in_force"):
        replace_request({"time_in_force": "never"})


def test_the_default_listing() -> None:
    query = order_query(())
    assert (query.scope, query.limit, query.descending) == (OrderScope.OPEN, 50, True)
    assert not query.nested
    assert (query.symbols, query.side, query.after_ns) == (None, None, None)


def test_a_full_listing() -> None:
    query = order_query(
        (
            ("status", "all"),
            ("limit", "500"),
            ("direction", "asc"),
            ("nested", "TRUE"),
            ("symbols", "A,B"),
            ("symbols", "C"),
            ("side", "sell"),
            ("after", "2026-03-02T15:00:00.000001Z"),
            ("until", "2026-03-02T15:00:01.000001999Z"),
            ("before_order_id", "x"),
            ("after_order_id", "y"),
        )
    )
    assert (query.scope, query.limit, query.descending) == (OrderScope.ALL, 500, False)
    assert query.nested
    assert query.symbols == frozenset("ABC")
    assert query.side is Side.SELL
    assert query.after_ns == (parse_stamp("2026-03-02T15:00:00.000001999Z"))
    assert query.until_ns == (parse_stamp("2026-03-02T15:00:01.000001Z"))
    assert (query.before_order_id, query.after_order_id) == ("x", "y")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "some"),
        ("direction", "up"),
        ("side", "both"),
        ("limit", "0"),
        ("limit", "501"),
        ("limit", "x"),
        ("after", "soon"),
    ],
)
def test_wrong_listings(name: str, value: str) -> None:
    with pytest.raises(RequestError):
        order_query(((name, value),))


def test_small_readers() -> None:
    query = (("a", "1"), ("a", "2"), ("b", ""))
    assert query_value(query, "a") == "2"
    assert query_value(query, "b") is None
    assert query_flag((("n", "True"),), "n")
    assert not query_flag((("n", "no"),), "n")
    assert query_int((), "page_size", default=100, bounds=(1, 100)) == 100
    assert query_after((), "after") is query_until((), "until") is None
    assert symbol_set((("symbols", " , "),)) is None
    assert decimal_of("2.5", "qty") == to_nano("2.5")
    with pytest.raises(RequestError, match="invalid qty"):
        decimal_of("x", "qty")
