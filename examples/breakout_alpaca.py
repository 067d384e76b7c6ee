"""A breakout: when the ask is above a level, buy, with a stop and a target.

Its arguments are a symbol and the level: ACME 100.00
"""

import os
import sys

from alpaca.data.historical import StockHistoricalDataClient
from alpaca.data.requests import StockLatestQuoteRequest
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderClass, OrderSide, TimeInForce
from alpaca.trading.requests import MarketOrderRequest, StopLossRequest, TakeProfitRequest

SHARES = 25
KEYS = os.environ["APCA_API_KEY_ID"], os.environ["APCA_API_SECRET_KEY"]


def main(symbol: str, level: float) -> None:
    quotes = StockHistoricalDataClient(*KEYS, url_override=os.environ.get("APCA_API_DATA_URL"))
    request = StockLatestQuoteRequest(symbol_or_symbols=symbol)
    ask = quotes.get_stock_latest_quote(request)[symbol].ask_price
    if ask <= level:
        print(f"{symbol}: no breakout, the ask is {ask}")
        return
    stop, target = round(level * 0.99, 2), round(level * 1.025, 2)
    trading = TradingClient(*KEYS, url_override=os.environ.get("APCA_API_BASE_URL"))
    order = MarketOrderRequest(
        symbol=symbol,
        qty=SHARES,
        side=OrderSide.BUY,
        time_in_force=TimeInForce.DAY,
        order_class=OrderClass.BRACKET,
        stop_loss=StopLossRequest(stop_price=stop),
        take_profit=TakeProfitRequest(limit_price=target),
    )
    print(trading.submit_order(order))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
