"""A round trip in the words of ``alpaca-trade-api``, as its users write it; run by its own Python.

Everything it needs to find the exchange is in the environment variables that ``surefill exchange``
prints. It tells what it saw as one JSON object; what really happened the exchange's log knows.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from alpaca_trade_api import REST, Stream
from alpaca_trade_api.rest import APIError, TimeFrame

SYM = "OLDIE"
seen: dict[str, Any] = {"updates": [], "quotes": [], "trades": []}


def wait_until(condition: Callable[[], Any], what: str, timeout_s: float = 20.0) -> None:
    """Poll until true, or end with what was waited for."""
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"waited in vain for {what}")
        time.sleep(0.05)


async def on_update(update: Any) -> None:
    """A trade update."""
    raw = update._raw
    seen["updates"].append([raw["event"], raw["order"]["client_order_id"]])


async def on_quote(quote: Any) -> None:
    """A quote."""
    seen["quotes"].append([quote.symbol, quote.bid_price, quote.ask_price])


async def on_trade(trade: Any) -> None:
    """A print."""
    seen["trades"].append([trade.symbol, trade.price, trade.size])


def listen(api: REST) -> Stream:
    """Both streams, in a thread, once they are heard: the SDK does not tell when it is subscribed,
    so the market must have spoken, and an order that is sent and canceled again must be told."""
    stream = Stream()
    stream.subscribe_trade_updates(on_update)
    stream.subscribe_quotes(on_quote, SYM)
    stream.subscribe_trades(on_trade, SYM)
    threading.Thread(target=stream.run, daemon=True).start()
    wait_until(lambda: seen["quotes"] and seen["trades"], "market data")

    def heard() -> bool:
        order = api.submit_order(
            SYM, 1, type="limit", limit_price="1", client_order_id=f"probe {time.monotonic_ns()}"
        )
        wait_until(lambda: api.get_order(order.id).status == "new", "a probe")
        api.cancel_order(order.id)
        wait_until(lambda: api.get_order(order.id).status == "canceled", "the end of a probe")
        return bool(seen["updates"])

    wait_until(heard, "order updates")
    return stream


def filled(api: REST, order: Any) -> Any:
    """The order once it is filled."""
    wait_until(lambda: api.get_order(order.id).status == "filled", f"fill of {order.id}")
    return api.get_order(order.id)


def refused(act: Callable[[], Any]) -> list[Any]:
    """[status, code, message] of the error."""
    try:
        act()
    except APIError as error:
        return [error.status_code, error.code, str(error)]
    sys.exit("the exchange accepted what it should refuse")


def trade(api: REST) -> None:
    """Buy, protect, replace, cancel, close."""
    bought = filled(api, api.submit_order(SYM, 10, client_order_id="buy"))
    seen["bought"] = [bought.filled_avg_price, bought.filled_qty]
    position = api.get_position(SYM)
    seen["position"] = [position.qty, position.avg_entry_price]
    seen["listed"] = [row.symbol for row in api.list_positions()]
    resting = api.submit_order(SYM, 1, type="limit", limit_price="90", client_order_id="rest")
    wait_until(lambda: api.get_order(resting.id).status == "new", "a resting order")
    moved = api.replace_order(resting.id, limit_price="91", client_order_id="moved")
    wait_until(lambda: api.get_order(moved.id).status == "new", "its replacement")
    seen["open"] = [order.client_order_id for order in api.list_orders()]
    api.cancel_order(moved.id)
    wait_until(lambda: api.get_order(moved.id).status == "canceled", "its end")
    bracket = api.submit_order(
        SYM,
        5,
        client_order_id="bracket",
        order_class="bracket",
        take_profit={"limit_price": "120"},
        stop_loss={"stop_price": "80"},
    )
    seen["legs"] = [leg["status"] for leg in bracket._raw["legs"]]
    filled(api, bracket)
    nested = api.get_order(bracket.id, nested=True)._raw["legs"]
    wait_until(lambda: api.get_order(nested[0]["id"]).status == "new", "an armed target")
    api.cancel_all_orders()
    wait_until(lambda: not api.list_orders(), "an empty list")
    wait_until(lambda: api.get_position(SYM).qty_available == "15", "the shares of the exits")
    api.close_position(SYM, qty=5)
    wait_until(lambda: api.get_position(SYM).qty == "10", "a part closed")
    api.close_all_positions()
    wait_until(lambda: not api.list_positions(), "a flat account")
    seen["fills"] = len(api.get_activities("FILL"))
    seen["unknown"] = refused(lambda: api.get_order("11111111-1111-4111-8111-111111111111"))
    seen["too much"] = refused(lambda: api.submit_order(SYM, 10**6))
    seen["twice"] = refused(lambda: api.submit_order(SYM, 1, client_order_id="buy"))


def read(api: REST) -> None:
    """Market data and the world."""
    seen["clock"] = api.get_clock().is_open
    seen["calendar"] = len(api.get_calendar("2026-11-23", "2026-11-30"))
    seen["asset"] = api.get_asset(SYM).symbol
    seen["latest"] = [api.get_latest_quote(SYM).bp, api.get_latest_trade(SYM).p]
    seen["snapshot"] = api.get_snapshot(SYM).latest_quote.ap
    seen["history"] = [len(api.get_quotes(SYM)) > 0, len(api.get_trades(SYM)) > 0]
    seen["bars"] = len(api.get_bars(SYM, TimeFrame.Minute))
    made = api.create_watchlist("old", [SYM])
    seen["watchlist"] = [row["symbol"] for row in api.get_watchlist(made.id)._raw["assets"]]
    api.delete_watchlist(made.id)


def main() -> None:
    """The round trip."""
    api = REST()
    seen["cash"] = api.get_account().cash
    seen["settings"] = api.get_account_configurations().no_shorting
    stream = listen(api)
    trade(api)
    read(api)
    seen["last cash"] = api.get_account().cash
    del stream
    sys.stdout.write(json.dumps(seen) + "\n")


if __name__ == "__main__":
    main()
