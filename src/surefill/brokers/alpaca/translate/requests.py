"""Commands to HTTP requests: what we ask Alpaca, byte for byte.

Invariants: the same command always makes the same bytes (a retry of an intent is identical, I9);
prices and quantities leave as decimal text, never as a double; foreign text in a path is quoted.
Must never: decide anything; an order that Alpaca would refuse is still translated faithfully.
"""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from surefill.brokers.alpaca.translate.times import to_new_york_date, to_rfc3339
from surefill.brokers.alpaca.transport import HttpRequest
from surefill.core.commands import CancelOrder, OrderSpec, QueryOrder, ReplaceOrder, SubmitOrder
from surefill.core.fix import Contingency, Feed, OrdType, Side, TimeInForce
from surefill.core.units import NANO, to_text

ORDERS_PER_PAGE = 500
FILLS_PER_PAGE = 100
"""The largest pages that Alpaca serves (alpaca.md 1.5, 1.6)."""

CALENDAR_BACK_DAYS = 10
CALENDAR_AHEAD_DAYS = 60
"""Enough that a plan, its cover and a long outage stay inside the loaded sessions."""

_DAY_NS = 86_400 * NANO

SIDE_WORDS = {Side.BUY: "buy", Side.SELL: "sell", Side.SELL_SHORT: "sell"}
TYPE_WORDS = {
    OrdType.MARKET: "market",
    OrdType.LIMIT: "limit",
    OrdType.STOP: "stop",
    OrdType.STOP_LIMIT: "stop_limit",
    OrdType.TRAILING_STOP: "trailing_stop",
}
TIF_WORDS = {
    TimeInForce.DAY: "day",
    TimeInForce.GTC: "gtc",
    TimeInForce.IOC: "ioc",
    TimeInForce.FOK: "fok",
    TimeInForce.OPG: "opg",
    TimeInForce.CLS: "cls",
}
CLASS_WORDS = {
    Contingency.OCO: "oco",
    Contingency.OTO: "oto",
    Contingency.BRACKET: "bracket",
}
FEED_WORDS = {Feed.SIP: "sip", Feed.IEX: "iex", Feed.TEST: "test"}

OrderRequest = SubmitOrder | CancelOrder | ReplaceOrder | QueryOrder


def request_of(command: OrderRequest) -> HttpRequest:
    """The request that carries out this command about one order."""
    match command:
        case SubmitOrder():
            return HttpRequest("POST", "/v2/orders", (), _submit_body(command.spec))
        case CancelOrder():
            return HttpRequest("DELETE", _order_path(command.order_id))
        case ReplaceOrder():
            return HttpRequest("PATCH", _order_path(command.order_id), (), _replace_body(command))
        case _:
            return _query(command)


def order_by_id(order_id: str) -> HttpRequest:
    """Read one order with its legs, by Alpaca's id."""
    return HttpRequest("GET", _order_path(order_id), (("nested", "true"),))


def orders_page(after_ns: int) -> HttpRequest:
    """Orders of all states submitted strictly after ``after_ns``, oldest first, legs nested."""
    query = (
        ("status", "all"),
        ("limit", str(ORDERS_PER_PAGE)),
        ("direction", "asc"),
        ("nested", "true"),
        ("after", to_rfc3339(after_ns)),
    )
    return HttpRequest("GET", "/v2/orders", query)


def open_orders() -> HttpRequest:
    """Orders that still work, whoever sent them, legs nested; one page."""
    query = (("status", "open"), ("limit", str(ORDERS_PER_PAGE)), ("nested", "true"))
    return HttpRequest("GET", "/v2/orders", query)


def fills_page(after_ns: int, page_token: str | None) -> HttpRequest:
    """Executions after ``after_ns``, oldest first; ``page_token`` is the last id already read."""
    query: tuple[tuple[str, str], ...] = (
        ("direction", "asc"),
        ("page_size", str(FILLS_PER_PAGE)),
        ("after", to_rfc3339(after_ns)),
    )
    if page_token is not None:
        query = (*query, ("page_token", page_token))
    return HttpRequest("GET", "/v2/account/activities/FILL", query)


def positions() -> HttpRequest:
    """All positions."""
    return HttpRequest("GET", "/v2/positions")


def account() -> HttpRequest:
    """The account."""
    return HttpRequest("GET", "/v2/account")


def clock() -> HttpRequest:
    """The venue's clock."""
    return HttpRequest("GET", "/v2/clock")


def calendar(now: int) -> HttpRequest:
    """Sessions around ``now`` (UTC ns)."""
    start = to_new_york_date(now - CALENDAR_BACK_DAYS * _DAY_NS)
    end = to_new_york_date(now + CALENDAR_AHEAD_DAYS * _DAY_NS)
    return HttpRequest(
        "GET", "/v2/calendar", (("start", start.isoformat()), ("end", end.isoformat()))
    )


def asset(symbol: str) -> HttpRequest:
    """Instrument data of one symbol."""
    return HttpRequest("GET", f"/v2/assets/{quote(symbol, safe='')}")


def latest_quote(symbol: str, feed: Feed) -> HttpRequest:
    """The last quote of one symbol, from this feed."""
    query = () if feed is Feed.TEST else (("feed", FEED_WORDS[feed]),)
    return HttpRequest("GET", f"/v2/stocks/{quote(symbol, safe='')}/quotes/latest", query)


def _query(command: QueryOrder) -> HttpRequest:
    if command.order_id is not None:
        return order_by_id(command.order_id)
    query = (("client_order_id", command.cl_ord_id),)
    return HttpRequest("GET", "/v2/orders:by_client_order_id", query)


def _order_path(order_id: str) -> str:
    return f"/v2/orders/{quote(order_id, safe='')}"


def _submit_body(spec: OrderSpec) -> bytes:
    body: dict[str, object] = {
        "client_order_id": spec.cl_ord_id,
        "symbol": spec.symbol,
        "qty": to_text(spec.order_qty),
        "side": SIDE_WORDS[spec.side],
        "type": TYPE_WORDS[spec.ord_type],
        "time_in_force": TIF_WORDS[spec.tif],
    }
    if spec.contingency is not Contingency.NONE:
        body["order_class"] = CLASS_WORDS[spec.contingency]
    # An OCO's limit is its take-profit: Alpaca takes it there, not on the parent (alpaca.md 3.1).
    if spec.limit_px is not None and spec.contingency is not Contingency.OCO:
        body["limit_price"] = to_text(spec.limit_px)
    if spec.stop_px is not None:
        body["stop_price"] = to_text(spec.stop_px)
    if spec.take_profit_px is not None:
        body["take_profit"] = {"limit_price": to_text(spec.take_profit_px)}
    if spec.stop_loss_px is not None:
        body["stop_loss"] = {"stop_price": to_text(spec.stop_loss_px)}
    if spec.extended_hours:
        body["extended_hours"] = True
    return msgspec.json.encode(body)


def _replace_body(command: ReplaceOrder) -> bytes:
    body: dict[str, object] = {"client_order_id": command.new_cl_ord_id}
    if command.limit_px is not None:
        body["limit_price"] = to_text(command.limit_px)
    if command.stop_px is not None:
        body["stop_price"] = to_text(command.stop_px)
    return msgspec.json.encode(body)
