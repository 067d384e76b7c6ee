"""Every public method of alpaca-py's two streams, and the errors that a stream can be told.

What a stream tells is compared with the exchange's log, or with what was put on the market. A
public method that is not called fails the test of its class.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from alpaca.data.live.stock import StockDataStream
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderSide, TimeInForce
from alpaca.trading.requests import LimitOrderRequest, MarketOrderRequest, ReplaceOrderRequest
from alpaca.trading.stream import TradingStream

from surefill.core.units import NANO
from surefill.sim.alpaca.app import ExchangeConfig
from surefill.sim.alpaca.switches import split_pairs
from tests.interop.official import Counting, Truth, public
from tests.support.exchange_server import OPEN_NS, RunningExchange, wait_until

pytestmark = pytest.mark.filterwarnings(
    # alpaca-py calls deprecated parts of websockets; a peer of the suite, not ours to fix.
    "ignore::DeprecationWarning"
)
DAY = TimeInForce.DAY
NAMES = ("trades", "quotes", "bars", "updated_bars", "daily_bars", "trading_statuses")


@contextmanager
def run(stream: Any) -> Iterator[None]:
    """As a user runs it: in a thread of its own, until it is stopped."""
    thread = threading.Thread(target=stream.run, daemon=True)
    thread.start()
    try:
        wait_until(lambda: stream._running)
        yield
    finally:
        stream.stop()
        thread.join(timeout=15)
        assert not thread.is_alive()


@pytest.fixture(scope="module")
def fast() -> Iterator[RunningExchange]:
    """A venue in which a minute takes a second."""
    with RunningExchange(ExchangeConfig(start_ns=OPEN_NS, speed_ppb=60 * NANO)) as exchange:
        yield exchange


@pytest.fixture(scope="module")
def narrow() -> Iterator[RunningExchange]:
    """A venue that grants little: one socket, two symbols, no SIP."""
    venue, face = split_pairs(
        ["data_streams_max=1", "symbols_max=2", "sip_access=off", "order_streams_max=1"]
    )
    config = ExchangeConfig(start_ns=OPEN_NS, switches=venue, face=face)
    with RunningExchange(config) as exchange:
        yield exchange


class Listener:
    """Remembers what handlers were given."""

    def __init__(self) -> None:
        self.heard: dict[str, list[Any]] = {}

    def on(self, name: str) -> Any:
        """A handler under this name."""

        async def listen(message: Any) -> None:
            self.heard.setdefault(name, []).append(message)

        return listen


def word(update: Any) -> str:
    """The event of a trade update, known to the client or not."""
    return str(getattr(update.event, "value", update.event))


def trade(client: Any, symbol: str) -> None:
    """A fill, a replacement and a cancel."""
    asked: dict[str, Any] = {"symbol": symbol, "side": OrderSide.BUY, "time_in_force": DAY}
    bought = client.submit_order(MarketOrderRequest(qty=7, **asked))
    wait_until(lambda: client.get_order_by_id(bought.id).status.value == "filled")
    first = client.submit_order(LimitOrderRequest(qty=1, limit_price=90, **asked))
    wait_until(lambda: client.get_order_by_id(first.id).status.value == "new")
    second = client.replace_order_by_id(first.id, ReplaceOrderRequest(limit_price=91))
    wait_until(lambda: client.get_order_by_id(second.id).status.value == "new")
    client.cancel_order_by_id(second.id)
    wait_until(lambda: client.get_order_by_id(second.id).status.value == "canceled")


def test_every_method_of_the_trading_stream(exchange: RunningExchange, symbol: str) -> None:
    key, called = f"told-{symbol}", set[str]()
    client = TradingClient(key, "s", url_override=exchange.url)
    client.get_account()
    listener = Listener()
    made = TradingStream(key, "s", url_override=exchange.stream_url)
    stream: Any = Counting(made, called)
    stream.subscribe_trade_updates(listener.on("updates"))
    truth = Truth(exchange, key)
    with run(stream):
        asyncio.run(asyncio.sleep(0.6))  # `listen` and its answer travel
        trade(client, symbol)
        told = {"pending_new", "new", "fill", "replaced", "canceled", "pending_cancel"}
        lines = [(line["kind"], line["order_id"]) for line in truth.lines(*told)]
        wait_until(lambda: len(listener.heard["updates"]) >= len(lines))
    updates = listener.heard["updates"]
    heard = [(word(update), str(update.order.id)) for update in updates]
    assert sorted(row for row in heard if row[0] in told) == sorted(lines)
    (fill,) = [update for update in updates if word(update) == "fill"]
    (line,) = truth.fills()
    assert (str(fill.execution_id), fill.qty) == (line["exec_id"], line["qty"] / NANO)
    assert (fill.price, fill.position_qty) == (line["px"] / NANO, line["position"] / NANO)
    asyncio.run(end_by_hand(stream))
    assert called >= public(TradingStream)


async def end_by_hand(stream: Any) -> None:
    """The two public coroutines that end a stream."""
    await stream._start_ws()
    await stream.stop_ws()
    await stream.close()


def test_every_method_of_the_data_stream(fast: RunningExchange) -> None:
    symbol, listener, called = "STREAMED", Listener(), set[str]()
    made = StockDataStream("every-stream", "s", url_override=fast.data_url)
    stream: Any = Counting(made, called)
    for name in NAMES:
        getattr(stream, f"subscribe_{name}")(listener.on(name), symbol)
    stream.register_trade_corrections(listener.on("corrections"))
    stream.register_trade_cancels(listener.on("cancels"))
    with run(stream):

        def turn() -> bool:
            fast.quote(symbol, "9.99", "10.01")
            fast.print_(symbol, "10")
            fast.print_(symbol, "11")
            fast.control("POST", "status", {"symbol": symbol, "status": "resume"})
            wanted = {"trades", "bars", "daily_bars", "trading_statuses", "quotes"}
            return wanted <= set(listener.heard)

        wait_until(turn, every_s=0.2)
        correction = {"symbol": symbol, "number": 1, "price": "12", "size": "1"}
        fast.control("POST", "correction", correction)
        fast.control("POST", "correction", {"symbol": symbol, "number": 2})
        wait_until(lambda: {"corrections", "cancels", "updated_bars"} <= set(listener.heard))
        for name in NAMES:
            getattr(stream, f"unsubscribe_{name}")(symbol)
    heard = {name: messages[-1] for name, messages in listener.heard.items()}
    assert {message.symbol for message in heard.values()} == {symbol}
    assert (heard["quotes"].bid_price, heard["quotes"].ask_price) == (9.99, 10.01)
    assert {trade.price for trade in listener.heard["trades"]} == {10, 11}
    assert (heard["bars"].low, heard["bars"].high) == (10, 11)
    assert (heard["corrections"].corrected_price, heard["cancels"].price) == (12.0, 11.0)
    asyncio.run(end_by_hand(stream))
    assert called >= public(StockDataStream)


def test_wrong_keys(narrow: RunningExchange) -> None:
    TradingClient("known", "right", url_override=narrow.url).get_account()

    async def refused(stream: Any, message: str) -> None:
        await stream._connect()
        with pytest.raises(ValueError, match=message):
            await stream._auth()
        await stream.close()

    orders = TradingStream("known", "wrong", url_override=narrow.stream_url)
    data = StockDataStream("known", "wrong", url_override=narrow.data_url)
    asyncio.run(refused(orders, "failed to authenticate"))
    asyncio.run(refused(data, "auth failed"))


def test_one_connection_too_many(narrow: RunningExchange) -> None:
    async def two(first: Any, second: Any, message: str) -> None:
        await first._connect()
        await first._auth()
        await second._connect()
        with pytest.raises(ValueError, match=message):
            await second._auth()
        await second.close()
        await first.close()

    made: Any
    for made, message in (
        (
            lambda: StockDataStream("two", "s", url_override=narrow.data_url),
            "connection limit exceeded",
        ),
        (
            lambda: TradingStream("two", "s", url_override=narrow.stream_url),
            "failed to authenticate",
        ),
    ):
        asyncio.run(two(made(), made(), message))


def test_a_feed_that_is_not_paid_for(narrow: RunningExchange) -> None:
    stream: Any = StockDataStream("sip", "s", url_override=narrow.data_url.replace("iex", "sip"))

    async def refused() -> None:
        await stream._connect()
        with pytest.raises(ValueError, match="insufficient subscription"):
            await stream._auth()
        await stream.close()

    asyncio.run(refused())


def test_too_many_symbols_are_logged(
    narrow: RunningExchange, caplog: pytest.LogCaptureFixture
) -> None:
    stream = StockDataStream("symbols", "s", url_override=narrow.data_url)
    stream.subscribe_quotes(Listener().on("quotes"), "A", "B", "C")
    with caplog.at_level(logging.ERROR), run(stream):
        wait_until(lambda: "symbol limit exceeded (405)" in caplog.text)
