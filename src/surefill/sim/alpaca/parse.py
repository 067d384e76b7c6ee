"""Request bodies and query strings of Alpaca clients, read into the venue's values.

What: `order_request`, `replace_request`, `order_query` and the small readers the routes share.
Numbers arrive as text or as JSON numbers; a JSON number is read by its digits, never as a double.
Why: shape errors are worded here (alpaca.md 1.3, 40010001), so that the venue only ever sees
well-formed values.
Must never: guess a missing value, or check what depends on the venue's state.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal

from surefill.core.fix import Contingency
from surefill.core.units import UnitError, to_nano
from surefill.sim.alpaca.errors import RequestError
from surefill.sim.alpaca.text import parse_stamp, whole_text
from surefill.sim.alpaca.words import CONTINGENCIES, ORD_TYPES, SIDES, TIFS
from surefill.sim.types import LegRequest, OrderQuery, OrderRequest, OrderScope, ReplaceRequest

MAX_BODY_BYTES = 64 * 1024
"""More than any order needs; larger bodies are refused before they are parsed."""
DEFAULT_LIMIT = 50
MAX_LIMIT = 500
NS_PER_US = 1_000
TRUE_WORDS = frozenset({"true", "1"})

Body = Mapping[str, object]
Query = tuple[tuple[str, str], ...]

SCOPES: Mapping[str, OrderScope] = {
    "open": OrderScope.OPEN,
    "closed": OrderScope.CLOSED,
    "all": OrderScope.ALL,
}


def read_body(raw: bytes) -> Body:
    """The JSON object of a body; an empty body is an empty object."""
    if len(raw) > MAX_BODY_BYTES:
        raise RequestError("request body is too large", status=413, code=41310000)
    if not raw.strip():
        return {}
    try:
        value = whole_text(json.loads(raw, parse_float=Decimal, parse_constant=str))
    except (ValueError, RecursionError):
        raise RequestError("request body format is invalid", status=400) from None
    if not isinstance(value, dict):
        raise RequestError("request body format is invalid", status=400)
    return value


def query_value(query: Query, name: str) -> str | None:
    """The last value of a query parameter; ``None`` when absent or empty."""
    found = None
    for key, value in query:
        if key == name and value != "":
            found = value
    return found


def query_flag(query: Query, name: str) -> bool:
    """A yes/no parameter as any client spells it (``True``, ``true``, ``TRUE``, ``1``)."""
    return (query_value(query, name) or "").lower() in TRUE_WORDS


def query_stamp(query: Query, name: str) -> int | None:
    """A time parameter, UTC ns."""
    text = query_value(query, name)
    if text is None:
        return None
    ns = parse_stamp(text)
    if ns is None:
        raise RequestError(f"invalid {name}: {text[:40]}")
    return ns


def query_after(query: Query, name: str) -> int | None:
    """An exclusive lower time bound. Rows show microseconds, so a row's own stamp excludes it."""
    ns = query_stamp(query, name)
    return None if ns is None else ns // NS_PER_US * NS_PER_US + NS_PER_US - 1


def query_until(query: Query, name: str) -> int | None:
    """An exclusive upper time bound, in the microseconds that rows show."""
    ns = query_stamp(query, name)
    return None if ns is None else ns // NS_PER_US * NS_PER_US


def query_int(query: Query, name: str, *, default: int, bounds: tuple[int, int]) -> int:
    """A whole number within ``bounds`` (inclusive)."""
    text = query_value(query, name)
    if text is None:
        return default
    low, high = bounds
    if not text.isascii() or not text.isdigit() or not low <= int(text[:9]) <= high:
        raise RequestError(f"{name} must be between {low} and {high}")
    return int(text)


def order_request(body: Body) -> OrderRequest:
    """The order of a ``POST /v2/orders``."""
    symbol = _text(body, "symbol")
    if not symbol:
        raise RequestError("symbol is required")
    side = SIDES.get(_text(body, "side") or "")
    if side is None:
        raise RequestError("invalid side" if _text(body, "side") else "side is required")
    ord_type = ORD_TYPES.get(_text(body, "type") or "")
    if ord_type is None:
        raise RequestError("invalid order type" if _text(body, "type") else "type is required")
    tif = TIFS.get(_text(body, "time_in_force") or "")
    if tif is None:
        missing = _text(body, "time_in_force") is None
        raise RequestError("time_in_force is required" if missing else "invalid time_in_force")
    return OrderRequest(
        symbol=symbol,
        side=side,
        ord_type=ord_type,
        tif=tif,
        order_qty=_qty(body) or 0,
        notional_usd=_number(body, "notional"),
        limit_px=_number(body, "limit_price"),
        stop_px=_number(body, "stop_price"),
        trail_px=_number(body, "trail_price"),
        trail_ppb=_percent(_number(body, "trail_percent")),
        contingency=_contingency(body),
        take_profit=_leg(body, "take_profit"),
        stop_loss=_leg(body, "stop_loss"),
        cl_ord_id=_text(body, "client_order_id") or None,
        extended_hours=_flag(body, "extended_hours"),
    )


def replace_request(body: Body) -> ReplaceRequest:
    """The change of a ``PATCH /v2/orders/{id}``; unknown fields change nothing (alpaca-py#412)."""
    tif_word = _text(body, "time_in_force")
    if tif_word is not None and tif_word not in TIFS:
        raise RequestError("invalid time_in_force")
    return ReplaceRequest(
        order_qty=_qty(body),
        limit_px=_number(body, "limit_price"),
        stop_px=_number(body, "stop_price"),
        trail=_number(body, "trail"),
        tif=None if tif_word is None else TIFS[tif_word],
        cl_ord_id=_text(body, "client_order_id") or None,
    )


def order_query(query: Query) -> OrderQuery:
    """The filter of a ``GET /v2/orders``."""
    status = query_value(query, "status") or "open"
    if status not in SCOPES:
        raise RequestError(f"invalid status: {status[:20]}")
    direction = query_value(query, "direction") or "desc"
    if direction not in ("asc", "desc"):
        raise RequestError(f"invalid direction: {direction[:20]}")
    side_word = query_value(query, "side")
    if side_word is not None and side_word not in SIDES:
        raise RequestError(f"invalid side: {side_word[:20]}")
    return OrderQuery(
        scope=SCOPES[status],
        limit=query_int(query, "limit", default=DEFAULT_LIMIT, bounds=(1, MAX_LIMIT)),
        after_ns=query_after(query, "after"),
        until_ns=query_until(query, "until"),
        after_order_id=query_value(query, "after_order_id"),
        before_order_id=query_value(query, "before_order_id"),
        descending=direction == "desc",
        nested=query_flag(query, "nested"),
        symbols=symbol_set(query),
        side=None if side_word is None else SIDES[side_word],
    )


def symbol_set(query: Query) -> frozenset[str] | None:
    """The ``symbols`` parameter, comma separated and repeatable; ``None`` when absent."""
    names = [
        name.strip()
        for key, value in query
        if key == "symbols"
        for name in value.split(",")
        if name.strip()
    ]
    return frozenset(names) if names else None


def decimal_of(text: str, name: str) -> int:
    """A decimal parameter as nano integer; ``name`` is what the error calls it."""
    try:
        return to_nano(text)
    except UnitError:
        raise RequestError(f"invalid {name}") from None


def _text(body: Body, name: str) -> str | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise RequestError(f"invalid {name}")
    return value


def _number(body: Body, name: str) -> int | None:
    """A price or an amount of money; a wrong one is named as its field is."""
    value = body.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise RequestError(f"invalid {name}")
    try:
        return to_nano(value)
    except UnitError as error:
        if "decimals" in str(error) and name.endswith("_price"):
            raise RequestError(
                f"invalid {name} {value}. "
                "sub-penny increment does not fulfill minimum pricing criteria",
                code=42210000,
            ) from None
        raise RequestError(f"invalid {name}") from None


def _percent(nano: int | None) -> int | None:
    """A percentage (1e-9 of a percent) as 1e-9 of the whole."""
    return None if nano is None else nano // 100


def _qty(body: Body) -> int | None:
    """The quantity. Zero and negative are refused here: absent is the venue's own case."""
    qty = _number(body, "qty")
    if qty is not None and qty <= 0:
        raise RequestError("qty must be > 0")
    return qty


def _contingency(body: Body) -> Contingency:
    word = _text(body, "order_class") or ""
    if word not in CONTINGENCIES:
        raise RequestError("invalid order_class")
    return CONTINGENCIES[word]


def _leg(body: Body, name: str) -> LegRequest | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, dict):
        raise RequestError(f"invalid {name}")
    return LegRequest(limit_px=_number(value, "limit_price"), stop_px=_number(value, "stop_price"))


def _flag(body: Body, name: str) -> bool:
    value = body.get(name)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise RequestError(f"invalid {name}")
    return value
