"""alpaca-py's two streams and its data client on our server, with only their URL changed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from alpaca.data.historical.stock import StockHistoricalDataClient
from alpaca.data.live.stock import StockDataStream
from alpaca.data.requests import (
    StockLatestBarRequest,
    StockLatestQuoteRequest,
    StockLatestTradeRequest,
)
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderSide, TimeInForce, TradeEvent
from alpaca.trading.requests import LimitOrderRequest, MarketOrderRequest
from alpaca.trading.stream import TradingStream

from tests.support.exchange_server import RunningExchange, wait_until

SUBSCRIBED_S = 0.6
"""Travel of a subscription and its answer (155 ms at most), with room for a busy machine."""

pytestmark = pytest.mark.filterwarnings(
    # alpaca-py calls deprecated parts of websockets; a peer of the suite, not ours to fix.
    "ignore::DeprecationWarning"
)


def status_of(client: TradingClient, order_id: Any) -> str:
    """The status word of an order."""
    order: Any = client.get_order_by_id(order_id)
    return str(order.status.value)


@contextmanager
def running(stream: TradingStream | StockDataStream) -> Iterator[None]:
    """Run an alpaca-py stream in a thread of its own until the block ends."""
    thread = threading.Thread(target=lambda: asyncio.run(stream._run_forever()), daemon=True)
    thread.start()
    try:
        wait_until(lambda: stream._running)
        yield
    finally:
        stream.stop()
        thread.join(timeout=15)
        assert not thread.is_alive()


def test_trade_updates_tell_the_story_of_an_order(exchange: RunningExchange, symbol: str) -> None:
    key = f"stream-{symbol}"
    updates: list[Any] = []

    async def on_update(update: Any) -> None:
        updates.append(update)

    client = TradingClient(key, "s", url_override=exchange.url)
    stream = TradingStream(key, "s", url_override=exchange.stream_url)
    stream.subscribe_trade_updates(on_update)
    with running(stream):
        wait_until(lambda: stream._running)
        # The acknowledgement of `listen` travels too; orders sent before it would be missed.
        asyncio.run(asyncio.sleep(SUBSCRIBED_S))
        order: Any = client.submit_order(
            MarketOrderRequest(
                symbol=symbol, qty=7, side=OrderSide.BUY, time_in_force=TimeInForce.DAY
            )
        )
        wait_until(lambda: any(update.event == TradeEvent.FILL for update in updates))
        resting: Any = client.submit_order(
            LimitOrderRequest(
                symbol=symbol,
                qty=1,
                side=OrderSide.BUY,
                time_in_force=TimeInForce.DAY,
                limit_price=90,
            )
        )
        wait_until(lambda: status_of(client, resting.id) == "new")
        client.cancel_order_by_id(resting.id)
        wait_until(lambda: any(update.event == TradeEvent.CANCELED for update in updates))
    mine = [update for update in updates if update.order.id == order.id]
    assert [str(getattr(update.event, "value", update.event)) for update in mine] == [
        "pending_new",
        "new",
        "fill",
    ]
    fill = mine[-1]
    assert (fill.price, fill.qty, fill.position_qty) == (100.01, 7.0, 7.0)
    assert fill.order.filled_avg_price == "100.01"
    rows: Any = client.get("/account/activities/FILL")
    assert rows[0]["id"].endswith(f"::{fill.execution_id}")


def test_quotes_and_trades_arrive_as_models(exchange: RunningExchange, symbol: str) -> None:
    quotes: list[Any] = []
    trades: list[Any] = []
    statuses: list[Any] = []

    async def on_quote(quote: Any) -> None:
        quotes.append(quote)

    async def on_trade(trade: Any) -> None:
        trades.append(trade)

    async def on_status(status: Any) -> None:
        statuses.append(status)

    stream = StockDataStream(f"data-{symbol}", "s", url_override=exchange.data_url)
    stream.subscribe_quotes(on_quote, symbol)
    stream.subscribe_trades(on_trade, symbol)
    stream.subscribe_trading_statuses(on_status, symbol)
    with running(stream):
        asyncio.run(asyncio.sleep(SUBSCRIBED_S))
        exchange.quote("OTHER", "1.00", "1.01")
        exchange.quote(symbol, "99.98", "100.02", size="300")
        exchange.print_(symbol, "100.00", size="42")
        exchange.control("POST", "status", {"symbol": symbol, "status": "halt"})
        wait_until(lambda: quotes and trades and statuses)
    assert {quote.symbol for quote in quotes} == {symbol}
    assert (quotes[-1].bid_price, quotes[-1].ask_price, quotes[-1].ask_size) == (
        99.98,
        100.02,
        300.0,
    )
    assert (trades[0].price, trades[0].size) == (100.0, 42.0)
    assert trades[0].timestamp.year == 2026
    assert statuses[0].status_code == "H"


def test_a_wrong_key_is_told_so(exchange: RunningExchange, symbol: str) -> None:
    key = f"known-{symbol}"
    TradingClient(key, "right", url_override=exchange.url).get_account()
    stream: Any = TradingStream(key, "wrong", url_override=exchange.stream_url)

    async def try_once() -> None:
        await stream._connect()
        try:
            with pytest.raises(ValueError, match="failed to authenticate"):
                await stream._auth()
        finally:
            await stream.close()

    asyncio.run(try_once())


def test_latest_quote_trade_and_bar(exchange: RunningExchange, symbol: str) -> None:
    exchange.print_(symbol, "100.00", size="42")
    client = StockHistoricalDataClient(f"hist-{symbol}", "s", url_override=exchange.url)
    quote: Any = client.get_stock_latest_quote(
        StockLatestQuoteRequest(symbol_or_symbols=[symbol, "SILENT"])
    )
    assert set(quote) == {symbol}
    assert (quote[symbol].bid_price, quote[symbol].ask_price) == (99.99, 100.01)
    trade: Any = client.get_stock_latest_trade(StockLatestTradeRequest(symbol_or_symbols=symbol))
    assert trade[symbol].price == 100.0
    bar: Any = client.get_stock_latest_bar(StockLatestBarRequest(symbol_or_symbols=symbol))
    assert bar == {}, "the running minute is no bar yet"
