"""Every public method of alpaca-py's two REST clients, compared with the exchange's own log.

The venue runs sixty times as fast as the clock, so that minutes end while a test waits. A method
that no story calls fails the test.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest
from alpaca.data.historical.stock import StockHistoricalDataClient
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
    ClosePositionRequest,
    CreateWatchlistRequest,
    GetCalendarRequest,
    GetCorporateAnnouncementsRequest,
    GetOptionContractsRequest,
    GetPortfolioHistoryRequest,
    LimitOrderRequest,
    MarketOrderRequest,
    ReplaceOrderRequest,
    TrailingStopOrderRequest,
    UpdateWatchlistRequest,
)

from surefill.core.units import NANO, to_nano
from surefill.sim.alpaca.app import ExchangeConfig
from surefill.sim.calendar import us_equity_calendar
from tests.interop.official import UNKNOWN, Counting, Truth, error_of, public
from tests.support.exchange_server import OPEN_NS, RunningExchange, wait_until

pytestmark = pytest.mark.filterwarnings(
    # alpaca-py deprecates methods of its own; they are public all the same.
    "ignore::DeprecationWarning"
)
SYM = "EVERY"
DAY = TimeInForce.DAY


@pytest.fixture(scope="module")
def fast() -> Iterator[RunningExchange]:
    """A venue in which a minute takes a second."""
    with RunningExchange(ExchangeConfig(start_ns=OPEN_NS, speed_ppb=60 * NANO)) as running:
        running.quote(SYM, "99.99", "100.01", size="100000")
        running.print_(SYM, "100.00")
        yield running


@dataclass(frozen=True)
class Trader:
    """A client and the truth about its account."""

    client: Any
    truth: Truth

    def buy(self, qty: float = 10) -> Any:
        """A market buy, filled."""
        request = MarketOrderRequest(symbol=SYM, qty=qty, side=OrderSide.BUY, time_in_force=DAY)
        order = self.client.submit_order(request)
        self.wait_for(order, "filled")
        return order

    def rest(self, price: float = 90) -> Any:
        """A limit buy at the market."""
        order = self.client.submit_order(
            LimitOrderRequest(
                symbol=SYM, qty=1, side=OrderSide.BUY, time_in_force=DAY, limit_price=price
            )
        )
        self.wait_for(order, "new")
        return order

    def wait_for(self, order: Any, status: str) -> None:
        """Until the client sees the order so; then the truth must say the same."""
        wait_until(lambda: self.client.get_order_by_id(order.id).status.value == status)
        assert self.truth.last(order.id)["status"] == status.upper()


def orders(trader: Trader) -> None:
    client, truth = trader.client, trader.truth
    order = trader.rest()
    told = truth.lines("accept")[-1]
    assert (told["order_id"], told["cl_ord_id"]) == (str(order.id), order.client_order_id)
    assert (told["limit_px"], told["order_qty"]) == (90 * NANO, NANO)
    assert {str(row.id) for row in client.get_orders()} == truth.open_ids() == {str(order.id)}
    assert client.get_order_by_client_id(order.client_order_id).id == order.id
    new = client.replace_order_by_id(order.id, ReplaceOrderRequest(limit_price=91))
    trader.wait_for(new, "new")
    (replaced,) = truth.lines("replaced")
    assert (replaced["order_id"], replaced["replaced_by"]) == (str(order.id), str(new.id))
    assert (truth.last(new.id)["limit_px"], new.limit_price) == (91 * NANO, "91")
    client.cancel_order_by_id(new.id)
    trader.wait_for(new, "canceled")
    others = {trader.rest().id, trader.rest(89).id}
    assert {row.id for row in client.cancel_orders()} == others
    wait_until(lambda: not truth.open_ids())
    assert all("canceled" in truth.kinds(order_id) for order_id in others)
    trail = client.submit_order(
        TrailingStopOrderRequest(
            symbol=SYM, qty=1, side=OrderSide.BUY, time_in_force=DAY, trail_percent=2
        )
    )
    assert (trail.hwm, trail.stop_price, trail.trail_percent) == ("100", "102", "2")
    assert truth.last(trail.id)["stop_px"] == 102 * NANO
    client.cancel_order_by_id(trail.id)


def positions(trader: Trader) -> None:
    client, truth = trader.client, trader.truth
    trader.buy()
    (fill,) = truth.fills()
    held = client.get_open_position(SYM)
    assert (held.qty, to_nano(held.avg_entry_price)) == ("10", fill["px"])
    assert [Fraction(row.qty) for row in client.get_all_positions()] == [truth.position(SYM)]
    part = client.close_position(SYM, ClosePositionRequest(qty="4"))
    trader.wait_for(part, "filled")
    assert Fraction(client.get_open_position(SYM).qty) == truth.position(SYM) == 6
    (closed,) = client.close_all_positions()
    assert closed.status == 200
    wait_until(lambda: not client.get_all_positions())
    assert truth.position(SYM) == 0
    assert error_of(lambda: client.exercise_options_position("AAPL240119C00100000"))[0] == 403


def account(trader: Trader) -> None:
    client, truth = trader.client, trader.truth
    assert Fraction(client.get_account().cash) == truth.cash() == 100_000
    settings = client.get_account_configurations()
    assert not settings.no_shorting
    settings.no_shorting = True
    assert client.set_account_configurations(settings).no_shorting
    assert client.get_account_configurations().no_shorting
    trader.buy()
    assert Fraction(client.get_account().cash) == truth.cash() < 100_000
    history = client.get_portfolio_history(GetPortfolioHistoryRequest(period="1D"))
    assert history.timeframe == "1Min"
    assert len(history.equity) == len(history.timestamp) > 0
    assert client.get_portfolio_history().base_value == 100_000
    # The last print is at 100.
    assert Fraction(client.get_account().equity) == truth.cash() + 100 * truth.position(SYM)


def world(trader: Trader) -> None:
    client = trader.client
    clock = client.get_clock()
    assert clock.is_open
    told = trader.truth.exchange.control("GET", "clock")
    assert abs(clock.timestamp.timestamp() * 10**9 - int(str(told["now_ns"]))) < 600 * NANO
    asked = GetCalendarRequest(start=date(2026, 11, 23), end=date(2026, 11, 30))
    days = [int(f"{day.date:%Y%m%d}") for day in client.get_calendar(asked)]
    assert days == [session.date for session in us_equity_calendar(20261123, 20261130).sessions]
    assert SYM in {asset.symbol for asset in client.get_all_assets()}
    assert client.get_asset(SYM).tradable


def watchlists(trader: Trader) -> None:
    client = trader.client
    made = client.create_watchlist(CreateWatchlistRequest(name="mine", symbols=[SYM]))
    assert client.get_watchlist_by_id(made.id).assets[0].symbol == SYM
    assert [row.name for row in client.get_watchlists()] == ["mine"]
    assert client.remove_asset_from_watchlist_by_id(made.id, SYM).assets == []
    assert client.add_asset_to_watchlist_by_id(made.id, SYM).assets[0].symbol == SYM
    changed = client.update_watchlist_by_id(made.id, UpdateWatchlistRequest(name="yours"))
    assert changed.name == "yours"
    client.delete_watchlist_by_id(made.id)
    assert client.get_watchlists() == []


def not_offered(trader: Trader) -> None:
    client = trader.client
    announcements = GetCorporateAnnouncementsRequest(
        ca_types=[CorporateActionType.DIVIDEND], since=date(2026, 1, 1), until=date(2026, 2, 1)
    )
    for act in (
        lambda: client.get_corporate_announcements(announcements),
        lambda: client.get_corporate_announcement_by_id(UUID(UNKNOWN)),
        lambda: client.get_option_contracts(GetOptionContractsRequest()),
        lambda: client.get_option_contract("AAPL240119C00100000"),
    ):
        assert error_of(act)[:2] == (403, 40310000)


STORIES = (orders, positions, account, world, watchlists, not_offered)


def test_every_method_of_the_trading_client(fast: RunningExchange) -> None:
    called: set[str] = set()
    for story in STORIES:
        key = f"every-{story.__name__}"
        real = TradingClient(key, "secret", url_override=fast.url)
        story(Trader(Counting(real, called), Truth(fast, key)))
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
    assert (quotes[SYM][0].bid_price, quotes[SYM][0].ask_price) == (99.99, 100.01)
    trades = data.get_stock_trades(StockTradesRequest(symbol_or_symbols=[SYM, "NONE"]))
    assert [(row.price, row.size) for row in trades[SYM]] == [(100, 100), (100, 42)]
    latest = data.get_stock_latest_trade(StockLatestTradeRequest(symbol_or_symbols=SYM))[SYM]
    assert (latest.price, latest.size) == (100, 42)
    quote = data.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols=SYM))[SYM]
    assert (quote.bid_price, quote.ask_price, quote.ask_size) == (99.99, 100.01, 100_000)
    snapshot = data.get_stock_snapshot(StockSnapshotRequest(symbol_or_symbols=SYM))[SYM]
    assert (snapshot.daily_bar.open, snapshot.latest_trade.size) == (100, 42)
    assert called >= public(StockHistoricalDataClient)
