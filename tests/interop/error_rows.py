"""Errors of alpaca-py's REST methods as rows: what has to be there, the call, what it is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

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
from alpaca.trading.enums import (
    CorporateActionType,
    DTBPCheck,
    OrderClass,
    OrderSide,
    PDTCheck,
    TimeInForce,
    TradeConfirmationEmail,
)
from alpaca.trading.models import AccountConfiguration
from alpaca.trading.requests import (
    ClosePositionRequest,
    CreateWatchlistRequest,
    GetCorporateAnnouncementsRequest,
    GetOptionContractsRequest,
    GetPortfolioHistoryRequest,
    LimitOrderRequest,
    MarketOrderRequest,
    ReplaceOrderRequest,
    StopOrderRequest,
    UpdateWatchlistRequest,
)

from tests.interop.official import UNKNOWN
from tests.support.exchange_server import wait_until

BUY, SELL = OrderSide.BUY, OrderSide.SELL
DAY, GTC = TimeInForce.DAY, TimeInForce.GTC
NOBODY = UUID(UNKNOWN)


@dataclass
class Scene:
    """A client with a symbol of its own, quoted 99.99 x 100.01."""

    client: Any
    symbol: str

    def market(self, qty: float | None, side: OrderSide = BUY, **more: Any) -> Any:
        """Submit a market order."""
        asked = {"qty": qty, "time_in_force": DAY, **more}
        return self.client.submit_order(MarketOrderRequest(symbol=self.symbol, side=side, **asked))

    def limit(self, price: float, qty: float = 1, side: OrderSide = BUY, **more: Any) -> Any:
        """Submit a limit order."""
        asked = {"time_in_force": DAY, **more}
        return self.client.submit_order(
            LimitOrderRequest(symbol=self.symbol, qty=qty, side=side, limit_price=price, **asked)
        )

    def stop(self, price: float, side: OrderSide, **more: Any) -> Any:
        """Submit a stop order."""
        return self.client.submit_order(
            StopOrderRequest(
                symbol=self.symbol, qty=1, side=side, stop_price=price, time_in_force=DAY, **more
            )
        )

    def group(self, kind: OrderClass, target: float, stop: float, **more: Any) -> Any:
        """Submit a bracket or OCO."""
        exits = {"take_profit": {"limit_price": target}, "stop_loss": {"stop_price": stop}}
        side = SELL if kind is OrderClass.OCO else BUY
        return self.limit(100, 1, side, **{"order_class": kind, **exits, **more})

    def until(self, order: Any, status: str) -> Any:
        """The order once it has this status."""
        wait_until(lambda: self.client.get_order_by_id(order.id).status.value == status)
        return order

    def resting(self) -> Any:
        """A limit buy at the market."""
        return self.until(self.limit(90), "new")

    def filled(self) -> Any:
        """Ten shares bought."""
        return self.until(self.market(10), "filled")

    def protected(self) -> Any:
        """Ten shares with an OCO on one of them."""
        self.filled()
        return self.until(self.group(OrderClass.OCO, 110, 90), "new")


Act = Callable[[Scene], Callable[[], Any]]
"""What has to be there before; the call that is refused."""
Row = tuple[Act, int, int, str]


def shape(act: Act, message: str) -> Row:
    """An error in the shape of a request."""
    return (act, 422, 40010001, message)


def state(act: Act, message: str) -> Row:
    """A well-formed request that does not fit."""
    return (act, 422, 42210000, message)


def forbidden(act: Act, message: str) -> Row:
    """What the account may not do."""
    return (act, 403, 40310000, message)


def missing(act: Act, message: str) -> Row:
    """Something that is not there."""
    return (act, 404, 40410000, message)


def duplicate(scene: Scene) -> Callable[[], Any]:
    """A client order id for the second time."""
    first = scene.limit(90)
    return lambda: scene.limit(90, client_order_id=first.client_order_id)


def wash(scene: Scene) -> Callable[[], Any]:
    """A sale into one's own buy."""
    scene.filled()
    scene.until(scene.limit(99, 1), "new")
    return lambda: scene.market(1, SELL)


def both_ways(scene: Scene) -> Callable[[], Any]:
    """A short sale beside an opening buy."""
    scene.resting()
    return lambda: scene.limit(110, 1, SELL)


def change(**fields: Any) -> Act:
    """A replacement of a resting order."""

    def prepare(scene: Scene) -> Callable[[], Any]:
        order = scene.resting()
        return lambda: scene.client.replace_order_by_id(order.id, ReplaceOrderRequest(**fields))

    return prepare


def change_done(scene: Scene) -> Callable[[], Any]:
    """A replacement of a filled order."""
    order, wanted = scene.filled(), ReplaceOrderRequest(limit_price=91)
    return lambda: scene.client.replace_order_by_id(order.id, wanted)


def change_group(scene: Scene) -> Callable[[], Any]:
    """Another quantity for a member of a group."""
    order, wanted = scene.protected(), ReplaceOrderRequest(qty=3)
    return lambda: scene.client.replace_order_by_id(order.id, wanted)


def cancel_done(scene: Scene) -> Callable[[], Any]:
    """A cancel of a filled order."""
    order = scene.filled()
    return lambda: scene.client.cancel_order_by_id(order.id)


def close_held(**asked: Any) -> Act:
    """Closing shares that an exit holds, or in a wrong shape."""

    def prepare(scene: Scene) -> Callable[[], Any]:
        scene.protected()
        wanted = ClosePositionRequest(**asked) if asked else None
        return lambda: scene.client.close_position(scene.symbol, wanted)

    return prepare


def listed(act: Callable[[Scene, Any], Any]) -> Act:
    """With a watchlist."""

    def prepare(scene: Scene) -> Callable[[], Any]:
        asked = CreateWatchlistRequest(name="mine", symbols=[scene.symbol])
        made = scene.client.create_watchlist(asked)
        return lambda: act(scene, made.id)

    return prepare


def call(act: Callable[[Scene], Any]) -> Act:
    """Nothing has to be there before."""
    return lambda scene: lambda: act(scene)


OPTION = "AAPL240119C00100000"
ACTIONS = GetCorporateAnnouncementsRequest(
    ca_types=[CorporateActionType.DIVIDEND], since=date(2026, 1, 1), until=date(2026, 2, 1)
)
SETTINGS = AccountConfiguration(
    dtbp_check=DTBPCheck.ENTRY,
    fractional_trading=True,
    max_margin_multiplier="4",
    no_shorting=False,
    pdt_check=PDTCheck.ENTRY,
    suspend_trade=False,
    trade_confirm_email=TradeConfirmationEmail.ALL,
    ptp_no_exception_entry=False,
)


def minute_bars(symbol: str) -> StockBarsRequest:
    """Minute bars."""
    return StockBarsRequest(symbol_or_symbols=symbol, timeframe=TimeFrame.Minute)


BRACKET, OCO = OrderClass.BRACKET, OrderClass.OCO
NONE = 'asset "NONE" not found'
NO_ORDER = f"order not found for {UNKNOWN}"
NO_LIST = f"watchlist not found: {UNKNOWN}"
OWN: dict[str, tuple[Row, ...]] = {
    "submit_order": (
        forbidden(call(lambda s: s.market(10**6)), "insufficient buying power"),
        forbidden(
            lambda s: (s.filled(), lambda: s.market(11, SELL))[1],
            "insufficient qty available for order (requested: 11, available: 10)",
        ),
        forbidden(wash, "potential wash trade detected. use complex orders"),
        forbidden(both_ways, "cannot open a short sell while a long buy order is open"),
        forbidden(
            call(lambda s: s.limit(99, time_in_force=TimeInForce.OPG)),
            "opg orders must be submitted after 7:00pm and before 9:28am",
        ),
        shape(duplicate, "client_order_id must be unique"),
        shape(call(lambda s: s.market(1, client_order_id="x" * 129)), "client_order_id must be "),
        shape(call(lambda s: s.limit(-1)), "limit price must be > 0"),
        shape(call(lambda s: s.market(0.0)), "qty must be > 0"),
        shape(call(lambda s: s.market(None, notional=0.5)), "notional must be >= 1.00"),
        state(call(lambda s: Scene(s.client, "NONE").market(1)), NONE),
        state(call(lambda s: s.limit(90.001)), "invalid limit_price 90.001. sub-penny increment"),
        state(call(lambda s: s.stop(101, SELL)), "stop price must be less than current price"),
        state(call(lambda s: s.group(OCO, 110, 90)), "oco orders must be exit orders"),
        state(call(lambda s: s.group(BRACKET, 110, 100.5)), "stop_loss.stop_price must be <= "),
        state(call(lambda s: s.group(BRACKET, 99, 90)), "take_profit.limit_price must be >= "),
        state(
            lambda s: (s.until(s.market(1, SELL), "filled"), lambda: s.group(BRACKET, 110, 90))[1],
            "bracket orders must be entry orders",
        ),
        state(call(lambda s: s.market(0.5, time_in_force=GTC)), "fractional orders must be DAY"),
        state(call(lambda s: s.market(0.5, SELL)), "fractional orders cannot be sold short"),
        state(
            call(lambda s: s.stop(101, BUY, extended_hours=True)),
            "stop orders are not eligible for extended hours trading",
        ),
        state(
            call(lambda s: s.market(1, extended_hours=True)),
            "extended hours order must be DAY or GTC limit orders",
        ),
    ),
    "get_orders": (
        shape(call(lambda s: s.client.get("/orders", {"limit": 501})), "limit must be between "),
        shape(call(lambda s: s.client.get("/orders", {"status": "x"})), "invalid status: x"),
        shape(call(lambda s: s.client.get("/orders", {"after": "x"})), "invalid after: x"),
    ),
    "get_order_by_id": (
        missing(call(lambda s: s.client.get_order_by_id(UNKNOWN)), NO_ORDER),
        shape(call(lambda s: s.client.get("/orders/7")), "order_id is missing"),
    ),
    "get_order_by_client_id": (
        missing(call(lambda s: s.client.get_order_by_client_id("nobody")), "order not found for "),
        shape(call(lambda s: s.client.get_order_by_client_id("")), "client_order_id is missing"),
    ),
    "replace_order_by_id": (
        missing(
            call(lambda s: s.client.replace_order_by_id(UNKNOWN, ReplaceOrderRequest(qty=1))),
            NO_ORDER,
        ),
        state(change(limit_price=90), "order parameters are not changed"),
        state(change(limit_price=90.001), "invalid limit_price 90.001. sub-penny increment"),
        state(change_done, "cannot replace order in filled status"),
        state(change_group, "qty cannot be changed for advanced orders"),
        forbidden(change(qty=10**6), "insufficient buying power"),
    ),
    "cancel_order_by_id": (
        missing(call(lambda s: s.client.cancel_order_by_id(UNKNOWN)), NO_ORDER),
        state(cancel_done, 'order is already in "filled" state'),
    ),
    "get_open_position": (
        missing(call(lambda s: s.client.get_open_position("NONE")), "position does not exist"),
    ),
    "close_position": (
        missing(call(lambda s: s.client.close_position("NONE")), "position does not exist"),
        forbidden(close_held(), "insufficient qty available for order (requested: 10, "),
        shape(close_held(percentage="101"), "percentage must be between 0 and 100"),
        shape(close_held(qty="0"), "qty must be > 0"),
    ),
    "exercise_options_position": (
        forbidden(
            call(lambda s: s.client.exercise_options_position(OPTION)),
            "account is not authorized to trade options",
        ),
    ),
    "get_option_contracts": (
        forbidden(
            call(lambda s: s.client.get_option_contracts(GetOptionContractsRequest())),
            "account is not authorized to trade options",
        ),
    ),
    "get_option_contract": (
        forbidden(
            call(lambda s: s.client.get_option_contract(OPTION)),
            "account is not authorized to trade options",
        ),
    ),
    "get_corporate_announcements": (
        forbidden(call(lambda s: s.client.get_corporate_announcements(ACTIONS)), "corporate "),
    ),
    "get_corporate_announcement_by_id": (
        forbidden(call(lambda s: s.client.get_corporate_announcement_by_id(NOBODY)), "corporate "),
    ),
    "set_account_configurations": (
        shape(
            call(lambda s: s.client.patch("/account/configurations", {"no_shorting": "perhaps"})),
            "invalid no_shorting",
        ),
    ),
    "get_portfolio_history": (
        shape(
            call(lambda s: s.client.get_portfolio_history(GetPortfolioHistoryRequest(period="1Y"))),
            "invalid period: 1Y",
        ),
        shape(
            call(
                lambda s: s.client.get_portfolio_history(
                    GetPortfolioHistoryRequest(timeframe="7Min")
                )
            ),
            "invalid timeframe: 7Min",
        ),
    ),
    "get_asset": (missing(call(lambda s: s.client.get_asset("NONE")), "asset not found for NONE"),),
    "get_calendar": (
        shape(call(lambda s: s.client.get("/calendar", {"start": "x"})), "invalid start: x"),
    ),
    "create_watchlist": (
        shape(
            listed(
                lambda s, _: s.client.create_watchlist(
                    CreateWatchlistRequest(name="mine", symbols=[s.symbol])
                )
            ),
            "watchlist name must be unique",
        ),
        state(
            call(
                lambda s: s.client.create_watchlist(
                    CreateWatchlistRequest(name="new", symbols=["NONE"])
                )
            ),
            NONE,
        ),
    ),
    "get_watchlist_by_id": (
        missing(call(lambda s: s.client.get_watchlist_by_id(UNKNOWN)), NO_LIST),
    ),
    "update_watchlist_by_id": (
        missing(
            call(
                lambda s: s.client.update_watchlist_by_id(UNKNOWN, UpdateWatchlistRequest(name="x"))
            ),
            NO_LIST,
        ),
    ),
    "add_asset_to_watchlist_by_id": (
        missing(call(lambda s: s.client.add_asset_to_watchlist_by_id(UNKNOWN, s.symbol)), NO_LIST),
        state(listed(lambda s, made: s.client.add_asset_to_watchlist_by_id(made, "NONE")), NONE),
    ),
    "remove_asset_from_watchlist_by_id": (
        missing(
            call(lambda s: s.client.remove_asset_from_watchlist_by_id(UNKNOWN, s.symbol)), NO_LIST
        ),
    ),
    "delete_watchlist_by_id": (
        missing(call(lambda s: s.client.delete_watchlist_by_id(UNKNOWN)), NO_LIST),
    ),
}
"""method -> errors of its own."""

ANY: dict[str, Callable[[Any], Any]] = {
    "submit_order": lambda c: Scene(c, "ANY").market(1),
    "get_orders": lambda c: c.get_orders(),
    "get_order_by_id": lambda c: c.get_order_by_id(UNKNOWN),
    "get_order_by_client_id": lambda c: c.get_order_by_client_id("x"),
    "replace_order_by_id": lambda c: c.replace_order_by_id(UNKNOWN, ReplaceOrderRequest(qty=1)),
    "cancel_orders": lambda c: c.cancel_orders(),
    "cancel_order_by_id": lambda c: c.cancel_order_by_id(UNKNOWN),
    "get_all_positions": lambda c: c.get_all_positions(),
    "get_open_position": lambda c: c.get_open_position("ANY"),
    "close_all_positions": lambda c: c.close_all_positions(),
    "close_position": lambda c: c.close_position("ANY"),
    "exercise_options_position": lambda c: c.exercise_options_position(OPTION),
    "get_account": lambda c: c.get_account(),
    "get_account_configurations": lambda c: c.get_account_configurations(),
    "set_account_configurations": lambda c: c.set_account_configurations(SETTINGS),
    "get_portfolio_history": lambda c: c.get_portfolio_history(),
    "get_all_assets": lambda c: c.get_all_assets(),
    "get_asset": lambda c: c.get_asset("ANY"),
    "get_clock": lambda c: c.get_clock(),
    "get_calendar": lambda c: c.get_calendar(),
    "get_watchlists": lambda c: c.get_watchlists(),
    "create_watchlist": lambda c: c.create_watchlist(CreateWatchlistRequest(name="x", symbols=[])),
    "get_watchlist_by_id": lambda c: c.get_watchlist_by_id(UNKNOWN),
    "update_watchlist_by_id": lambda c: c.update_watchlist_by_id(
        UNKNOWN, UpdateWatchlistRequest(name="x")
    ),
    "add_asset_to_watchlist_by_id": lambda c: c.add_asset_to_watchlist_by_id(UNKNOWN, "ANY"),
    "remove_asset_from_watchlist_by_id": (
        lambda c: c.remove_asset_from_watchlist_by_id(UNKNOWN, "ANY")
    ),
    "delete_watchlist_by_id": lambda c: c.delete_watchlist_by_id(UNKNOWN),
    "get_corporate_announcements": lambda c: c.get_corporate_announcements(ACTIONS),
    "get_corporate_announcement_by_id": lambda c: c.get_corporate_announcement_by_id(NOBODY),
    "get_option_contracts": lambda c: c.get_option_contracts(GetOptionContractsRequest()),
    "get_option_contract": lambda c: c.get_option_contract(OPTION),
}
"""method -> a call of it."""

DATA: dict[str, Callable[[Any, str], Any]] = {
    "get_stock_bars": lambda c, s: c.get_stock_bars(minute_bars(s)),
    "get_stock_quotes": lambda c, s: c.get_stock_quotes(StockQuotesRequest(symbol_or_symbols=s)),
    "get_stock_trades": lambda c, s: c.get_stock_trades(StockTradesRequest(symbol_or_symbols=s)),
    "get_stock_latest_bar": (
        lambda c, s: c.get_stock_latest_bar(StockLatestBarRequest(symbol_or_symbols=s))
    ),
    "get_stock_latest_quote": (
        lambda c, s: c.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols=s))
    ),
    "get_stock_latest_trade": (
        lambda c, s: c.get_stock_latest_trade(StockLatestTradeRequest(symbol_or_symbols=s))
    ),
    "get_stock_snapshot": (
        lambda c, s: c.get_stock_snapshot(StockSnapshotRequest(symbol_or_symbols=s))
    ),
}
"""method of the data client -> a call of it for a symbol; without one it is a 400."""
