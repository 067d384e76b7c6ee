"""The exchange's own OpenAPI document: what it serves, so that a machine can try all of it.

What: `document` describes every route of `surefill.sim.alpaca.api.ROUTES` that trades, reads or
serves data: parameters, bodies, the statuses a route answers with. Served at ``/openapi.json``.
Invariants: every route of the table is described (tested); every error has the schema ``Error``.
Must never: promise a status or a shape that no test has seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
NUMBER: Schema = {"type": ["string", "number"]}
ID: Schema = {"type": "string", "format": "uuid"}


def _words(*words: str) -> Schema:
    return {"type": "string", "enum": list(words)}


def _object(required: tuple[str, ...] = (), **fields: Schema) -> Schema:
    return {"type": "object", "properties": fields, "required": list(required)}


def _whole(low: int, high: int) -> Schema:
    return {"type": "integer", "minimum": low, "maximum": high}


TARGET = _object(limit_price=NUMBER)
STOP = _object(stop_price=NUMBER, limit_price=NUMBER)
ORDER = _object(
    ("symbol", "side", "type", "time_in_force"),
    symbol=TEXT,
    qty=NUMBER,
    notional=NUMBER,
    side=_words("buy", "sell"),
    type=_words("market", "limit", "stop", "stop_limit", "trailing_stop"),
    time_in_force=_words("day", "gtc", "opg", "cls", "ioc", "fok"),
    limit_price=NUMBER,
    stop_price=NUMBER,
    trail_price=NUMBER,
    trail_percent=NUMBER,
    extended_hours=FLAG,
    client_order_id={"type": "string", "maxLength": 128},
    order_class=_words("", "simple", "bracket", "oco", "oto"),
    take_profit=TARGET,
    stop_loss=STOP,
)
CHANGE = _object(
    qty=NUMBER,
    limit_price=NUMBER,
    stop_price=NUMBER,
    trail=NUMBER,
    time_in_force=_words("day", "gtc"),
    client_order_id=TEXT,
)
SETTINGS = _object(
    dtbp_check=_words("both", "entry", "exit"),
    trade_confirm_email=_words("all", "none"),
    fractional_trading=FLAG,
    no_shorting=FLAG,
    suspend_trade=FLAG,
    max_margin_multiplier=_words("1", "2", "4"),
)
WATCHLIST = _object(("name",), name=TEXT, symbols={"type": "array", "items": TEXT})
ADDED = _object(("symbol",), symbol=TEXT)

_RANGE = {"after": TEXT, "until": TEXT, "direction": _words("asc", "desc")}
LISTING = {
    "status": _words("open", "closed", "all"),
    "limit": _whole(1, 500),
    "nested": FLAG,
    "symbols": TEXT,
    "side": _words("buy", "sell"),
    **_RANGE,
}
FILLS = {"page_size": _whole(1, 100), "page_token": TEXT, "date": TEXT, **_RANGE}
PAST = {
    "start": TEXT,
    "end": TEXT,
    "limit": _whole(1, 10_000),
    "page_token": TEXT,
    "sort": _words("asc", "desc"),
    "timeframe": TEXT,
    "feed": _words("iex", "sip"),
}
SYMBOLS = {"symbols": TEXT}
PERIOD = {"period": TEXT, "timeframe": TEXT, "start": TEXT, "end": TEXT, "extended_hours": FLAG}
CLOSING = {"qty": TEXT, "percentage": TEXT}

Row = tuple[str, str, int, Mapping[str, Schema], Schema | None]
ROWS: tuple[Row, ...] = (
    ("post", "/v2/orders", 200, {}, ORDER),
    ("get", "/v2/orders", 200, LISTING, None),
    ("delete", "/v2/orders", 207, {}, None),
    ("get", "/v2/orders:by_client_order_id", 200, {"client_order_id": TEXT}, None),
    ("get", "/v2/orders/{order_id}", 200, {"nested": FLAG}, None),
    ("patch", "/v2/orders/{order_id}", 200, {}, CHANGE),
    ("delete", "/v2/orders/{order_id}", 204, {}, None),
    ("get", "/v2/positions", 200, {}, None),
    ("delete", "/v2/positions", 207, {"cancel_orders": FLAG}, None),
    ("get", "/v2/positions/{symbol}", 200, {}, None),
    ("delete", "/v2/positions/{symbol}", 200, CLOSING, None),
    ("get", "/v2/account", 200, {}, None),
    ("get", "/v2/account/configurations", 200, {}, None),
    ("patch", "/v2/account/configurations", 200, {}, SETTINGS),
    ("get", "/v2/account/portfolio/history", 200, PERIOD, None),
    ("get", "/v2/account/activities", 200, {"activity_types": TEXT, **FILLS}, None),
    ("get", "/v2/account/activities/{activity_type}", 200, FILLS, None),
    ("get", "/v2/assets", 200, {"status": TEXT, "asset_class": TEXT, "exchange": TEXT}, None),
    ("get", "/v2/assets/{symbol}", 200, {}, None),
    ("get", "/v2/clock", 200, {}, None),
    ("get", "/v2/calendar", 200, {"start": TEXT, "end": TEXT, "date_type": TEXT}, None),
    ("get", "/v2/watchlists", 200, {}, None),
    ("post", "/v2/watchlists", 200, {}, WATCHLIST),
    ("get", "/v2/watchlists/{watchlist_id}", 200, {}, None),
    ("put", "/v2/watchlists/{watchlist_id}", 200, {}, WATCHLIST),
    ("post", "/v2/watchlists/{watchlist_id}", 200, {}, ADDED),
    ("delete", "/v2/watchlists/{watchlist_id}", 204, {}, None),
    ("delete", "/v2/watchlists/{watchlist_id}/{symbol}", 200, {}, None),
    ("get", "/v2/watchlists:by_name", 200, {"name": TEXT}, None),
    ("put", "/v2/watchlists:by_name", 200, {"name": TEXT}, WATCHLIST),
    ("post", "/v2/watchlists:by_name", 200, {"name": TEXT}, ADDED),
    ("delete", "/v2/watchlists:by_name", 204, {"name": TEXT}, None),
    ("get", "/v2/stocks/{kind}", 200, {**SYMBOLS, **PAST}, None),
    ("get", "/v2/stocks/{symbol}/{kind}", 200, PAST, None),
    ("get", "/v2/stocks/{kind}/latest", 200, SYMBOLS, None),
    ("get", "/v2/stocks/{symbol}/{kind}/latest", 200, {}, None),
    ("get", "/v2/stocks/snapshots", 200, SYMBOLS, None),
    ("get", "/v2/stocks/{symbol}/snapshot", 200, {}, None),
)
"""method, path, status of success, query, body."""

MADE: Mapping[str, str] = {"/v2/orders": "order_id", "/v2/watchlists": "watchlist_id"}
"""path of a POST that makes something -> the parameter that its ``id`` goes into."""

PATH_SCHEMAS: Mapping[str, Schema] = {
    "order_id": ID,
    "watchlist_id": ID,
    "kind": _words("quotes", "trades", "bars"),
}
ERROR = _object(("message",), code={"type": "integer"}, message=TEXT)
FAILURES = ("400", "401", "403", "404", "422", "429")


def document() -> Schema:
    """The whole document, JSON-ready."""
    paths: dict[str, Schema] = {}
    for method, path, status, query, body in ROWS:
        operation = _operation(path, status, query, body=body)
        operation["operationId"] = _operation_id(method, path)
        if method == "post" and path in MADE:
            operation["responses"][str(status)]["links"] = _links(MADE[path])
        paths.setdefault(path, {})[method] = operation
    keys = {
        name: {"type": "apiKey", "in": "header", "name": header}
        for name, header in (("key", "APCA-API-KEY-ID"), ("secret", "APCA-API-SECRET-KEY"))
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Surefill exchange", "version": "1"},
        "paths": paths,
        "components": {"schemas": {"Error": ERROR}, "securitySchemes": keys},
        "security": [{"key": [], "secret": []}],
    }


def _operation(
    path: str, status: int, query: Mapping[str, Schema], *, body: Schema | None
) -> Schema:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": PATH_SCHEMAS.get(name, TEXT)}
        for name in _variables(path)
    ]
    parameters += [{"name": name, "in": "query", "schema": query[name]} for name in query]
    failure = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    success: Schema = {"description": "done"}
    if status != 204:
        success["content"] = {"application/json": {"schema": {}}}
    responses: Schema = {str(status): success}
    responses |= {code: {"description": "refused", "content": failure} for code in FAILURES}
    operation: Schema = {"parameters": parameters, "responses": responses}
    if body is not None:
        content = {"application/json": {"schema": body}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _operation_id(method: str, path: str) -> str:
    """``get_v2_orders_order_id``."""
    words = "".join(letter if letter.isalnum() else "_" for letter in path)
    return "_".join(word for word in (method, *words.split("_")) if word)


def _links(parameter: str) -> Schema:
    """What can be done with the thing that was just made."""
    linked: Schema = {}
    for method, path, _, _, _ in ROWS:
        if f"{{{parameter}}}" in path:
            name = _operation_id(method, path)
            parameters = {parameter: "$response.body#/id"}
            linked[name] = {"operationId": name, "parameters": parameters}
    return linked


def _variables(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]
