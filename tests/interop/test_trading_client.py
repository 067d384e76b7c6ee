"""alpaca-py's ``TradingClient`` trades on our server with only its URL changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from alpaca.common.exceptions import APIError
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import (
    AssetStatus,
    OrderClass,
    OrderSide,
    OrderStatus,
    OrderType,
    QueryOrderStatus,
    TimeInForce,
)
from alpaca.trading.models import Order
from alpaca.trading.requests import (
    ClosePositionRequest,
    GetAssetsRequest,
    GetCalendarRequest,
    GetOrderByIdRequest,
    GetOrdersRequest,
    LimitOrderRequest,
    MarketOrderRequest,
    ReplaceOrderRequest,
    StopLossRequest,
    StopOrderRequest,
    TakeProfitRequest,
)

from tests.support.exchange_server import RunningExchange, wait_until

DAY = TimeInForce.DAY


@pytest.fixture
def client(exchange: RunningExchange, request: pytest.FixtureRequest) -> TradingClient:
    """A client with a key pair of its own: an account with $100,000."""
    return TradingClient(request.node.name, "secret", url_override=exchange.url)


def buy(client: TradingClient, symbol: str, qty: float = 10) -> Order:
    """A market buy, filled."""
    order = client.submit_order(
        MarketOrderRequest(symbol=symbol, qty=qty, side=OrderSide.BUY, time_in_force=DAY)
    )
    assert isinstance(order, Order)
    return settled(client, order.id)


def limit(symbol: str, price: float, *, side: OrderSide = OrderSide.BUY) -> LimitOrderRequest:
    """A limit order for ten shares."""
    return LimitOrderRequest(symbol=symbol, qty=10, side=side, time_in_force=DAY, limit_price=price)


def read(client: TradingClient, order_id: UUID | str) -> Order:
    """The order with its legs."""
    order = client.get_order_by_id(order_id, GetOrderByIdRequest(nested=True))
    assert isinstance(order, Order)
    return order


def settled(
    client: TradingClient, order_id: UUID | str, status: OrderStatus = OrderStatus.FILLED
) -> Order:
    """The order once it has this status."""
    wait_until(lambda: read(client, order_id).status is status, every_s=0.02)
    return read(client, order_id)


def refused(act: Callable[[], Any]) -> tuple[int, int, str]:
    """(HTTP status, code, message) of the error this raises."""
    with pytest.raises(APIError) as caught:
        act()
    return caught.value.status_code, caught.value.code, caught.value.message


def test_the_account_starts_with_100_000(client: TradingClient) -> None:
    account: Any = client.get_account()
    assert account.cash == "100000"
    assert account.equity == "100000"
    assert account.multiplier == "4"
    assert not account.trading_blocked
    settings: Any = client.get_account_configurations()
    changed: Any = client.set_account_configurations(settings)
    assert changed == settings


def test_a_market_order_fills_at_the_touch(client: TradingClient, symbol: str) -> None:
    order = buy(client, symbol)
    assert order.filled_avg_price == "100.01"
    assert order.filled_qty == "10"
    position: Any = client.get_open_position(symbol)
    assert (position.qty, position.avg_entry_price) == ("10", "100.01")
    assert position.cost_basis == "1000.1"
    account: Any = client.get_account()
    assert account.cash == "98999.9"


def test_a_limit_order_rests_is_replaced_and_canceled(client: TradingClient, symbol: str) -> None:
    first = client.submit_order(limit(symbol, 99.5))
    assert isinstance(first, Order)
    settled(client, first.id, OrderStatus.NEW)
    second = client.replace_order_by_id(first.id, ReplaceOrderRequest(limit_price=99.6))
    assert isinstance(second, Order)
    assert second.replaces == first.id
    old = settled(client, first.id, OrderStatus.REPLACED)
    assert old.replaced_by == second.id
    new = settled(client, second.id, OrderStatus.NEW)
    assert new.limit_price == "99.6"
    assert new.created_at == first.created_at
    same: Any = client.get_order_by_client_id(new.client_order_id)
    assert same.id == new.id
    assert refused(
        lambda: client.replace_order_by_id(second.id, ReplaceOrderRequest(limit_price=99.6))
    ) == (422, 42210000, "order parameters are not changed")
    client.cancel_order_by_id(second.id)
    assert settled(client, second.id, OrderStatus.CANCELED).canceled_at is not None


def test_a_stop_waits_for_a_print_through_it(
    exchange: RunningExchange, client: TradingClient, symbol: str
) -> None:
    buy(client, symbol)
    stop = client.submit_order(
        StopOrderRequest(
            symbol=symbol, qty=10, side=OrderSide.SELL, time_in_force=DAY, stop_price=99.50
        )
    )
    assert isinstance(stop, Order)
    assert stop.order_type is OrderType.STOP
    settled(client, stop.id, OrderStatus.NEW)
    exchange.quote(symbol, "99.45", "99.50")
    exchange.print_(symbol, "99.48")
    done = settled(client, stop.id)
    assert done.filled_avg_price == "99.45"
    assert client.get_all_positions() == []


def bracket(symbol: str, qty: float = 10) -> MarketOrderRequest:
    """A market entry with target 102 and stop 98."""
    return MarketOrderRequest(
        symbol=symbol,
        qty=qty,
        side=OrderSide.BUY,
        time_in_force=DAY,
        order_class=OrderClass.BRACKET,
        take_profit=TakeProfitRequest(limit_price=102),
        stop_loss=StopLossRequest(stop_price=98),
    )


def test_a_bracket_arms_after_the_fill_and_its_target_closes_it(
    exchange: RunningExchange, client: TradingClient, symbol: str
) -> None:
    entry = client.submit_order(bracket(symbol))
    assert isinstance(entry, Order)
    assert [leg.status for leg in entry.legs or []] == [OrderStatus.HELD, OrderStatus.HELD]
    filled = settled(client, entry.id)
    target, stop = filled.legs or []
    settled(client, target.id, OrderStatus.NEW)
    assert read(client, stop.id).status is OrderStatus.HELD
    assert (target.limit_price, stop.stop_price) == ("102", "98")
    assert target.order_class is OrderClass.BRACKET
    exchange.quote(symbol, "102.05", "102.10")
    settled(client, target.id)
    settled(client, stop.id, OrderStatus.CANCELED)
    assert client.get_all_positions() == []


def test_an_oco_protects_a_position_and_reserves_its_shares(
    client: TradingClient, symbol: str
) -> None:
    buy(client, symbol)
    oco = client.submit_order(
        LimitOrderRequest(
            symbol=symbol,
            qty=10,
            side=OrderSide.SELL,
            time_in_force=TimeInForce.GTC,
            order_class=OrderClass.OCO,
            take_profit=TakeProfitRequest(limit_price=102),
            stop_loss=StopLossRequest(stop_price=98),
        )
    )
    assert isinstance(oco, Order)
    assert oco.limit_price == "102"
    settled(client, oco.id, OrderStatus.NEW)
    position: Any = client.get_open_position(symbol)
    assert position.qty_available == "0"
    status, code, message = refused(lambda: client.close_position(symbol))
    assert (status, code) == (403, 40310000)
    assert message == "insufficient qty available for order (requested: 10, available: 0)"
    client.cancel_order_by_id(oco.id)
    settled(client, oco.id, OrderStatus.CANCELED)


def test_an_oco_without_a_position_is_refused(client: TradingClient, symbol: str) -> None:
    oco = LimitOrderRequest(
        symbol=symbol,
        qty=10,
        side=OrderSide.SELL,
        time_in_force=DAY,
        order_class=OrderClass.OCO,
        take_profit=TakeProfitRequest(limit_price=102),
        stop_loss=StopLossRequest(stop_price=98),
    )
    expected = (422, 42210000, "oco orders must be exit orders")
    assert refused(lambda: client.submit_order(oco)) == expected


def test_lists_nest_and_filter(client: TradingClient, symbol: str) -> None:
    entry = client.submit_order(bracket(symbol))
    assert isinstance(entry, Order)
    settled(client, entry.id)
    resting = client.submit_order(limit(symbol, 90.0))
    assert isinstance(resting, Order)
    settled(client, resting.id, OrderStatus.NEW)
    flat: Any = client.get_orders(GetOrdersRequest(status=QueryOrderStatus.OPEN))
    held = [order for order in flat if order.status is OrderStatus.HELD]
    assert resting.id in {order.id for order in flat}
    assert held == []
    nested: Any = client.get_orders(GetOrdersRequest(status=QueryOrderStatus.ALL, nested=True))
    family = next(order for order in nested if order.id == entry.id)
    assert len(family.legs) == 2
    one: Any = client.get_orders(
        GetOrdersRequest(status=QueryOrderStatus.ALL, limit=1, symbols=[symbol])
    )
    assert [order.id for order in one] == [resting.id]


def test_cancel_all_names_every_order(client: TradingClient, symbol: str) -> None:
    orders = [client.submit_order(limit(symbol, price)) for price in (90.0, 91.0)]
    ids = {order.id for order in orders if isinstance(order, Order)}
    for order_id in ids:
        settled(client, order_id, OrderStatus.NEW)
    answers: Any = client.cancel_orders()
    assert {answer.id for answer in answers} == ids
    assert {answer.status for answer in answers} == {200}
    for order_id in ids:
        settled(client, order_id, OrderStatus.CANCELED)
    assert client.cancel_orders() == []


def test_positions_close_in_part_and_in_whole(client: TradingClient, symbol: str) -> None:
    buy(client, symbol)
    half = client.close_position(symbol, ClosePositionRequest(percentage="50"))
    assert isinstance(half, Order)
    settled(client, half.id)
    position: Any = client.get_open_position(symbol)
    assert position.qty == "5"
    answers: Any = client.close_all_positions(cancel_orders=True)
    assert [(answer.symbol, answer.status) for answer in answers] == [(symbol, 200)]
    wait_until(lambda: client.get_all_positions() == [], every_s=0.02)
    assert refused(lambda: client.get_open_position(symbol)) == (
        404,
        40410000,
        "position does not exist",
    )


def test_fills_are_activities_with_pages(client: TradingClient, symbol: str) -> None:
    for _ in range(3):
        buy(client, symbol, 1)
    rows: Any = client.get("/account/activities/FILL", {"page_size": 2})
    assert [row["type"] for row in rows] == ["fill", "fill"]
    rest: Any = client.get("/account/activities/FILL", {"page_token": rows[-1]["id"]})
    assert len(rest) == 1
    assert rest[0]["symbol"] == symbol
    since: Any = client.get(
        "/account/activities/FILL",
        {"after": rest[0]["transaction_time"], "direction": "asc"},
    )
    assert [row["id"] for row in since] == [rows[1]["id"], rows[0]["id"]]


def test_the_world_is_described(client: TradingClient, symbol: str) -> None:
    clock: Any = client.get_clock()
    assert clock.is_open
    days: Any = client.get_calendar(
        GetCalendarRequest(start=date(2026, 11, 23), end=date(2026, 11, 30))
    )
    assert [day.date.day for day in days] == [23, 24, 25, 27, 30]
    assert days[3].close.hour == 13
    asset: Any = client.get_asset(symbol)
    assert (asset.symbol, asset.status, asset.tradable) == (symbol, AssetStatus.ACTIVE, True)
    listed: Any = client.get_all_assets(GetAssetsRequest(status=AssetStatus.ACTIVE))
    assert symbol in {item.symbol for item in listed}
    assert refused(lambda: client.get_asset("NOSUCH"))[0] == 404


def test_refusals_arrive_as_api_errors(client: TradingClient, symbol: str) -> None:
    assert refused(lambda: buy(client, symbol, 100_000))[:2] == (403, 40310000)
    assert refused(lambda: client.submit_order(limit("NOSUCH", 1.0))) == (
        422,
        42210000,
        'asset "NOSUCH" not found',
    )
    assert refused(lambda: client.get_order_by_id(UUID(int=7)))[:2] == (404, 40410000)
    first = limit(symbol, 90.0)
    first.client_order_id = "only-once"
    client.submit_order(first)
    assert refused(lambda: client.submit_order(first)) == (
        422,
        40010001,
        "client_order_id must be unique",
    )


def test_a_wrong_secret_is_refused(exchange: RunningExchange, client: TradingClient) -> None:
    client.get_account()
    thief = TradingClient(client._api_key, "guess", url_override=exchange.url)
    assert refused(thief.get_account)[0] == 401
