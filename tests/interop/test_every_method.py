"""Every public method of alpaca-py's four clients once, on a served exchange, and its errors.

The venue runs sixty times as fast as the clock, so that minutes end while a test waits.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from alpaca.common.exceptions import APIError
from alpaca.common.rest import RESTClient
from alpaca.data.historical.stock import StockHistoricalDataClient
from alpaca.data.live.stock import StockDataStream
from alpaca.data.requests import (
    StockBarsRequest,
    StockLatestBarRequest,
    StockLatestQuoteRequest,
    StockLatestTradeRequest,
    StockQuotesRequest,
    StockSnapshotRequest,
    StockTradesRequest,
)
from alpaca.data.timeframe import TimeFrame
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import CorporateActionType, OrderSide, TimeInForce
from alpaca.trading.requests import (
    CreateWatchlistRequest,
    GetCorporateAnnouncementsRequest,
    GetOptionContractsRequest,
    GetPortfolioHistoryRequest,
    LimitOrderRequest,
    MarketOrderRequest,
    ReplaceOrderRequest,
    TrailingStopOrderRequest,
    UpdateWatchlistRequest,
)

from surefill.core.units import NANO
from surefill.sim.alpaca.app import ExchangeConfig
from tests.support.exchange_server import OPEN_NS, RunningExchange, wait_until

pytestmark = pytest.mark.filterwarnings(
    # alpaca-py calls deprecated parts of websockets; a peer of the suite, not ours to fix.
    "ignore::DeprecationWarning"
)
UNKNOWN = "11111111-1111-4111-8111-111111111111"
SYM = "EVERY"
DAY = TimeInForce.DAY


@pytest.fixture(scope="module")
def fast() -> Iterator[RunningExchange]:
    """A venue in which a minute takes a second."""
    with RunningExchange(ExchangeConfig(start_ns=OPEN_NS, speed_ppb=60 * NANO)) as running:
        running.quote(SYM, "99.99", "100.01", size="100000")
        running.print_(SYM, "100.00")
        yield running


@pytest.fixture
def client(fast: RunningExchange, request: pytest.FixtureRequest) -> Any:
    return TradingClient(request.node.name, "secret", url_override=fast.url)


def code_of(act: Callable[[], Any]) -> tuple[int, int]:
    """(status, code) of the error this raises."""
    with pytest.raises(APIError) as caught:
        act()
    return caught.value.status_code, caught.value.code


def bought(client: Any, qty: float = 10) -> Any:
    """A filled market buy."""
    request = MarketOrderRequest(symbol=SYM, qty=qty, side=OrderSide.BUY, time_in_force=DAY)
    order = client.submit_order(request)
    wait_until(lambda: client.get_order_by_id(order.id).status.value == "filled")
    return order


def resting(client: Any) -> Any:
    """A limit buy at the market."""
    order = client.submit_order(
        LimitOrderRequest(symbol=SYM, qty=1, side=OrderSide.BUY, time_in_force=DAY, limit_price=90)
    )
    wait_until(lambda: client.get_order_by_id(order.id).status.value == "new")
    return order


def orders(client: Any) -> None:
    order = resting(client)
    assert order.id in {row.id for row in client.get_orders()}
    assert client.get_order_by_client_id(order.client_order_id).id == order.id
    new = client.replace_order_by_id(order.id, ReplaceOrderRequest(limit_price=91))
    assert new.replaces == order.id
    wait_until(lambda: client.get_order_by_id(new.id).status.value == "new")
    client.cancel_order_by_id(new.id)
    assert client.cancel_orders() is not None
    for act in (
        lambda: client.get_order_by_id(UNKNOWN),
        lambda: client.get_order_by_client_id("nobody"),
        lambda: client.cancel_order_by_id(UNKNOWN),
        lambda: client.replace_order_by_id(UNKNOWN, ReplaceOrderRequest(limit_price=1)),
    ):
        assert code_of(act) == (404, 40410000)
    trail = client.submit_order(
        TrailingStopOrderRequest(
            symbol=SYM, qty=1, side=OrderSide.BUY, time_in_force=DAY, trail_percent=2
        )
    )
    assert (trail.hwm, trail.stop_price, trail.trail_percent) == ("100", "102", "2")
    client.cancel_order_by_id(trail.id)


def positions(client: Any) -> None:
    bought(client)
    assert client.get_open_position(SYM).qty == "10"
    assert [row.symbol for row in client.get_all_positions()] == [SYM]
    client.close_position(SYM)
    wait_until(lambda: not client.get_all_positions())
    bought(client)
    (closed,) = client.close_all_positions()
    assert closed.status == 200
    assert code_of(lambda: client.get_open_position("NONE")) == (404, 40410000)
    assert code_of(lambda: client.close_position("NONE")) == (404, 40410000)
    assert code_of(lambda: client.exercise_options_position("AAPL240119C00100000"))[0] == 403


def account(client: Any) -> None:
    assert client.get_account().cash == "100000"
    settings = client.get_account_configurations()
    settings.no_shorting = True
    assert client.set_account_configurations(settings).no_shorting
    bought(client)
    history = client.get_portfolio_history(GetPortfolioHistoryRequest(period="1D"))
    assert history.timeframe == "1Min"
    assert len(history.equity) == len(history.timestamp) > 0
    assert client.get_portfolio_history().base_value == 100_000
    bad = GetPortfolioHistoryRequest(period="1Y")
    assert code_of(lambda: client.get_portfolio_history(bad)) == (422, 40010001)


def world(client: Any) -> None:
    assert client.get_clock().is_open
    assert client.get_calendar()
    assert SYM in {asset.symbol for asset in client.get_all_assets()}
    assert client.get_asset(SYM).tradable
    assert code_of(lambda: client.get_asset("NONE")) == (404, 40410000)


def watchlists(client: Any) -> None:
    made = client.create_watchlist(CreateWatchlistRequest(name="mine", symbols=[SYM]))
    assert client.get_watchlist_by_id(made.id).assets[0].symbol == SYM
    assert [row.name for row in client.get_watchlists()] == ["mine"]
    assert client.remove_asset_from_watchlist_by_id(made.id, SYM).assets == []
    assert client.add_asset_to_watchlist_by_id(made.id, SYM).assets[0].symbol == SYM
    changed = client.update_watchlist_by_id(made.id, UpdateWatchlistRequest(name="yours"))
    assert changed.name == "yours"
    client.delete_watchlist_by_id(made.id)
    assert code_of(lambda: client.get_watchlist_by_id(made.id)) == (404, 40410000)


def not_offered(client: Any) -> None:
    announcements = GetCorporateAnnouncementsRequest(
        ca_types=[CorporateActionType.DIVIDEND], since=date(2026, 1, 1), until=date(2026, 2, 1)
    )
    for act in (
        lambda: client.get_corporate_announcements(announcements),
        lambda: client.get_corporate_announcement_by_id(UUID(UNKNOWN)),
        lambda: client.get_option_contracts(GetOptionContractsRequest()),
        lambda: client.get_option_contract("AAPL240119C00100000"),
    ):
        assert code_of(act) == (403, 40310000)


STORIES = (orders, positions, account, world, watchlists, not_offered)


class Counting:
    """A client that remembers which of its methods were called."""

    def __init__(self, client: Any, called: set[str]) -> None:
        self._client = client
        self._called = called

    def __getattr__(self, name: str) -> Any:
        self._called.add(name)
        return getattr(self._client, name)


def public(kind: type) -> set[str]:
    """Methods of a client that are its own and for its users."""
    return {
        name
        for name in dir(kind)
        if not name.startswith("_")
        and callable(getattr(kind, name))
        and not hasattr(RESTClient, name)
    }


def test_every_method_of_the_trading_client(fast: RunningExchange) -> None:
    called: set[str] = set()
    for story in STORIES:
        real = TradingClient(f"every-{story.__name__}", "secret", url_override=fast.url)
        story(Counting(real, called))
    assert called >= public(TradingClient)


def test_every_method_of_the_data_client(fast: RunningExchange) -> None:
    fast.print_(SYM, "100.00", size="42")
    called: set[str] = set()
    real = StockHistoricalDataClient("every-data", "secret", url_override=fast.url)
    data: Any = Counting(real, called)
    wait_until(
        lambda: data.get_stock_latest_bar(StockLatestBarRequest(symbol_or_symbols=SYM)),
        every_s=0.2,
    )
    bars = data.get_stock_bars(StockBarsRequest(symbol_or_symbols=SYM, timeframe=TimeFrame.Minute))
    assert bars[SYM][0].open == 100
    quotes = data.get_stock_quotes(StockQuotesRequest(symbol_or_symbols=SYM, limit=1))
    assert quotes[SYM][0].bid_price == 99.99
    trades = data.get_stock_trades(StockTradesRequest(symbol_or_symbols=[SYM, "NONE"]))
    assert trades[SYM][0].price == 100
    assert data.get_stock_latest_trade(StockLatestTradeRequest(symbol_or_symbols=SYM))[SYM].price
    assert data.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols=SYM))[SYM]
    snapshot = data.get_stock_snapshot(StockSnapshotRequest(symbol_or_symbols=SYM))[SYM]
    assert snapshot.daily_bar.open == 100
    assert called >= public(StockHistoricalDataClient)
    wrong = StockHistoricalDataClient("every-data", "wrong", url_override=fast.url)
    with pytest.raises(APIError):
        wrong.get_stock_snapshot(StockSnapshotRequest(symbol_or_symbols=SYM))


@contextmanager
def running(stream: Any) -> Iterator[None]:
    """Run an alpaca-py stream in a thread until the block ends."""
    thread = threading.Thread(target=lambda: asyncio.run(stream._run_forever()), daemon=True)
    thread.start()
    try:
        wait_until(lambda: stream._running)
        yield
    finally:
        stream.stop()
        thread.join(timeout=15)
        assert not thread.is_alive()


def test_every_subscription_of_the_data_stream(fast: RunningExchange) -> None:
    symbol = "STREAMED"
    heard: dict[str, Any] = {}

    def listener(name: str) -> Any:
        async def listen(message: Any) -> None:
            heard[name] = message

        return listen

    stream: Any = StockDataStream("every-stream", "s", url_override=fast.data_url)
    names = ("trades", "quotes", "bars", "updated_bars", "daily_bars", "trading_statuses")
    for name in names:
        getattr(stream, f"subscribe_{name}")(listener(name), symbol)
    stream.register_trade_corrections(listener("corrections"))
    stream.register_trade_cancels(listener("cancels"))
    with running(stream):

        def turn() -> bool:
            fast.quote(symbol, "9.99", "10.01")
            fast.print_(symbol, "10")
            fast.print_(symbol, "11")
            fast.control("POST", "status", {"symbol": symbol, "status": "resume"})
            return {"trades", "bars", "daily_bars", "trading_statuses", "quotes"} <= set(heard)

        wait_until(turn, every_s=0.2)
        fast.control(
            "POST", "correction", {"symbol": symbol, "number": 1, "price": "12", "size": "1"}
        )
        fast.control("POST", "correction", {"symbol": symbol, "number": 2})
        wait_until(lambda: {"corrections", "cancels", "updated_bars"} <= set(heard))
        for name in names:
            getattr(stream, f"unsubscribe_{name}")(symbol)
    assert heard["bars"].symbol == symbol
    assert (heard["corrections"].corrected_price, heard["cancels"].price) == (12.0, 11.0)
