"""Every refusal as Alpaca words it: status, code, message, extra keys.

What: the message catalogue of alpaca.md 1.3 as one table from the venue's `RefusalKind`, plus the
errors the protocol itself raises (`RequestError`) and the answers of a broken broker (429, 5xx).
Why: clients classify by status, code, message prefix and extra keys; all four stand in one place.
Invariants: every `RefusalKind` has an entry (tested). Wordings marked unsure in alpaca.md follow
its suggested default.
Must never: leak a secret or a stack trace into a body.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NoReturn

from surefill.core.fix import OrdType, Side, TimeInForce
from surefill.core.units import to_text
from surefill.sim.alpaca.encode import Json, dump
from surefill.sim.alpaca.words import CLASS_WORDS
from surefill.sim.types import Refusal, RefusalKind
from surefill.sim.wire import WireResponse

BAD_REQUEST = 40010001
BAD_STATE = 42210000
FORBIDDEN = 40310000
DAY_TRADE_DENIED = 40310100
NOT_FOUND = 40410000
UNAUTHORIZED = 40110000
RATE_LIMITED = 42910000
INTERNAL = 50010000

JSON_HEADERS: Mapping[str, str] = {"content-type": "application/json; charset=UTF-8"}


class RequestError(Exception):
    """A request the protocol refuses before the venue sees it."""

    def __init__(self, message: str, *, status: int = 422, code: int | None = BAD_REQUEST) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def not_found(message: str) -> NoReturn:
    """Raise the 404 of this message."""
    raise RequestError(message, status=404, code=NOT_FOUND)


def error_body(code: int | None, message: str, extra: Mapping[str, object] | None = None) -> Json:
    """``{"code", "message", ...}``; some answers of 2026 carry no code."""
    body: Json = {} if code is None else {"code": code}
    body["message"] = message
    body.update(extra or {})
    return body


def error_response(status: int, code: int | None, message: str) -> WireResponse:
    """An error answer without extra keys."""
    return WireResponse(status, JSON_HEADERS, dump(error_body(code, message)))


Context = Mapping[str, object]
Wording = tuple[int, int, Callable[[Context], str], Callable[[Context], Json]]


def _field(context: Context) -> str:
    """Alpaca's name of a price field: ``limit_px`` -> ``limit_price``, legs keep their prefix."""
    return str(context.get("field", "limit_px")).replace("_px", "_price")


def _text(context: Context, key: str) -> str:
    value = context.get(key)
    return to_text(value) if isinstance(value, int) else str(value or "")


def _symbol(context: Context) -> str:
    return str(context.get("symbol", ""))


def _is_long(context: Context) -> bool:
    return context.get("side") is not Side.SELL and context.get("side") is not Side.SELL_SHORT


def _class(context: Context) -> str:
    for contingency, word in CLASS_WORDS.items():
        if context.get("contingency") is contingency:
            return word or "simple"
    return "complex"


def _status(context: Context) -> str:
    if context.get("not_routed") is True:
        return "accepted"
    return str(context.get("status", "")).lower()


def _ids(context: Context, key: str) -> list[str]:
    value = context.get(key)
    return [str(item) for item in value] if isinstance(value, (list, tuple)) else []


def _insufficient(context: Context) -> str:
    asked, free = _text(context, "requested_qty"), _text(context, "available_qty")
    return f"insufficient qty available for order (requested: {asked}, available: {free})"


def _insufficient_extra(context: Context) -> Json:
    return {
        "available": _text(context, "available_qty"),
        "existing_qty": _text(context, "existing_qty"),
        "held_for_orders": _text(context, "held_qty"),
        "symbol": _symbol(context),
        "related_orders": _ids(context, "related_order_ids"),
    }


def _wash_extra(context: Context) -> Json:
    existing = "market/stop" if context.get("existing") == "market/stop" else "limit"
    return {
        "existing_order_id": str(context.get("existing_order_id", "")),
        "reject_reason": f"opposite side {existing} order exists",
    }


def _opposite(context: Context) -> str:
    if context.get("opening") is Side.BUY:
        return "cannot open a long buy while a short sell order is open"
    return "cannot open a short sell while a long buy order is open"


def _stop_through(context: Context) -> str:
    return f"stop price must be {'less' if not _is_long(context) else 'greater'} than current price"


def _stop_base(context: Context) -> str:
    bound = "<= base_price - 0.01" if _is_long(context) else ">= base_price + 0.01"
    return f"stop_loss.stop_price must be {bound}"


def _target_base(context: Context) -> str:
    bound = ">= base_price + 0.01" if _is_long(context) else "<= base_price - 0.01"
    return f"take_profit.limit_price must be {bound}"


def _base_extra(context: Context) -> Json:
    return {"base_price": _text(context, "base_px")}


def _leg_order(context: Context) -> str:
    above, below = (">", "<") if _is_long(context) else ("<", ">")
    if context.get("text") == "stop_first":
        return f"stop_loss.stop_price must be {below} take_profit.limit_price"
    return f"take_profit.limit_price must be {above} stop_loss.stop_price"


def _extended(context: Context) -> str:
    if context.get("ord_type") in (OrdType.STOP, OrdType.STOP_LIMIT):
        return "stop orders are not eligible for extended hours trading"
    return "extended hours order must be DAY or GTC limit orders"


def _bad_price(context: Context) -> str:
    name = _field(context)
    return f"{name if '.' in name else name.replace('_', ' ')} must be > 0"


def _sub_penny(context: Context) -> str:
    return (
        f"invalid {_field(context)} {_text(context, 'px')}. "
        "sub-penny increment does not fulfill minimum pricing criteria"
    )


def _unwanted(context: Context) -> str:
    ord_type = context.get("ord_type")
    if ord_type is OrdType.MARKET:
        return "market orders require no stop or limit price"
    if ord_type is OrdType.LIMIT:
        return "limit orders must not have stop_price"
    return "stop orders must not have limit_price"


def _not_replaceable(context: Context) -> str:
    if context.get("not_routed") is True:
        return "unable to replace order, order isn't sent to exchange yet"
    return f"cannot replace order in {_status(context)} status"


def _already(context: Context) -> str:
    if context.get("is_leg") is True:
        return f"leg order is already in {_status(context)} state"
    return f'order is already in "{_status(context)}" state'


def _order_missing(context: Context) -> str:
    return f"order not found for {context.get('order_id') or context.get('cl_ord_id') or ''}"


def _qty_or_notional(context: Context) -> str:
    if context.get("given") == "both":
        return "only one of qty or notional is accepted"
    return "qty or notional is required"


def _leg_unwanted(context: Context) -> str:
    if _class(context) == "oto":
        return "oto orders require exactly one of take_profit or stop_loss"
    return f"{_class(context)} orders must not have take_profit or stop_loss"


def _auction_window(context: Context) -> str:
    if context.get("tif") is TimeInForce.OPG:
        return "opg orders must be submitted after 7:00pm and before 9:28am"
    return "cls orders must be submitted after 7:00pm and before 3:55pm"


def _none(_: Context) -> Json:
    return {}


def _says(message: str) -> Callable[[Context], str]:
    return lambda _: message


Message = str | Callable[[Context], str]
Extra = Callable[[Context], Json]


def _row(status: int, code: int, message: Message, *, extra: Extra = _none) -> Wording:
    return (status, code, _says(message) if isinstance(message, str) else message, extra)


def _forbidden(message: Message, extra: Extra = _none) -> Wording:
    return _row(403, FORBIDDEN, message, extra=extra)


def _shape(message: Message) -> Wording:
    return _row(422, BAD_REQUEST, message)


def _state(message: Message, extra: Extra = _none) -> Wording:
    return _row(422, BAD_STATE, message, extra=extra)


K = RefusalKind
WORDINGS: Mapping[RefusalKind, Wording] = {
    K.INSUFFICIENT_BUYING_POWER: _forbidden(
        "insufficient buying power",
        lambda c: {
            "buying_power": _text(c, "buying_power_usd"),
            "cost_basis": _text(c, "cost_usd"),
        },
    ),
    K.INSUFFICIENT_QTY: _forbidden(_insufficient, _insufficient_extra),
    K.WASH_TRADE: _forbidden("potential wash trade detected. use complex orders", _wash_extra),
    K.OPPOSITE_INTENT: _forbidden(_opposite),
    K.ACCOUNT_NOT_SHORTABLE: _forbidden("account is not allowed to short"),
    K.ACCOUNT_BLOCKED: _forbidden("account is not authorized to trade"),
    K.LIQUIDATION_ONLY: _forbidden("account is restricted to liquidation only"),
    K.FRACTIONAL_DISABLED: _forbidden("fractional trading is disabled for this account"),
    K.DAY_TRADE: _row(403, DAY_TRADE_DENIED, "trade denied due to pattern day trading protection"),
    K.NOT_FRACTIONABLE: _forbidden(lambda c: f'asset "{_symbol(c)}" is not fractionable'),
    K.DUPLICATE_CL_ORD_ID: _shape("client_order_id must be unique"),
    K.ID_TOO_LONG: _shape("client_order_id must be no more than 128 characters"),
    K.BAD_QTY: _shape("qty must be > 0"),
    K.BAD_NOTIONAL: _shape("notional must be >= 1.00"),
    K.QTY_OR_NOTIONAL: _shape(_qty_or_notional),
    K.BAD_PRICE: _shape(_bad_price),
    K.LIMIT_PX_MISSING: _shape("limit orders require a limit price"),
    K.STOP_PX_MISSING: _shape("stop orders require a stop price"),
    K.STOP_LIMIT_PX_MISSING: _shape("stop limit orders require both stop and limit price"),
    K.LIMIT_PX_UNWANTED: _shape(_unwanted),
    K.STOP_PX_UNWANTED: _shape(_unwanted),
    K.TRAIL_MISSING: _shape(
        "trailing stop orders must specify one of trail_price or trail_percent"
    ),
    K.TRAIL_TOO_SMALL: _shape("trail_percent must be greater than or equal to 0.1"),
    K.TRAIL_UNWANTED: _shape("only trailing stop orders may have a trail, and always in one unit"),
    K.AUCTION_WINDOW: _forbidden(_auction_window),
    K.TIF_ILLEGAL: _shape("invalid time_in_force"),
    K.UNKNOWN_SYMBOL: _state(lambda c: f'asset "{_symbol(c)}" not found'),
    K.SUB_PENNY: _state(_sub_penny),
    K.STOP_THROUGH_MARKET: _state(_stop_through),
    K.STOP_NOT_BEYOND_BASE: _state(_stop_base, _base_extra),
    K.TARGET_NOT_BEYOND_BASE: _state(_target_base, _base_extra),
    K.LIMIT_TOO_FAR: _state("limit price is too far away from the market price"),
    K.OUTSIDE_BANDS: _state("limit price is outside of the limit up-limit down price bands"),
    K.STOP_ENTRY: _state(lambda c: f"{_class(c)} orders must be market or limit orders"),
    K.LEG_ORDER: _state(_leg_order),
    K.TARGET_MISSING: _state(lambda c: f"{_class(c)} orders require take_profit.limit_price"),
    K.STOP_LEG_MISSING: _state(lambda c: f"{_class(c)} orders require stop_loss.stop_price"),
    K.LEG_UNWANTED: _state(_leg_unwanted),
    K.NOT_EXIT: _state("oco orders must be exit orders"),
    K.NOT_ENTRY: _state(lambda c: f"{_class(c)} orders must be entry orders"),
    K.OCO_NOT_LIMIT: _state("oco orders must be limit orders"),
    K.EXTENDED_ILLEGAL: _state(_extended),
    K.FRACTIONAL_NOT_DAY: _state("fractional orders must be DAY orders"),
    K.FRACTIONAL_NOT_SIMPLE: _state("fractional orders must be simple orders"),
    K.FRACTIONAL_SHORT: _state("fractional orders cannot be sold short"),
    K.NOTIONAL_BESIDE_CLOSE: _state(
        "unable to open new notional orders while having open closing position orders"
    ),
    K.NOT_TRADABLE: _state(lambda c: f'asset "{_symbol(c)}" is not tradable'),
    K.NOT_SHORTABLE: _state(lambda c: f'asset "{_symbol(c)}" cannot be sold short'),
    K.ORDER_NOT_FOUND: _row(404, NOT_FOUND, _order_missing),
    K.POSITION_NOT_FOUND: _row(404, NOT_FOUND, "position does not exist"),
    K.NOT_CANCELABLE: _state(_already),
    K.NOT_REPLACEABLE: _state(_not_replaceable),
    K.ALREADY_REPLACED: _state("order already replaced"),
    K.PENDING_REPLACE: _state("original order pending replacement"),
    K.CHAIN_NOT_SETTLED: _state("order chain not fully replaced"),
    K.UNCHANGED: _state("order parameters are not changed"),
    K.QTY_FIXED: _state("qty cannot be changed for advanced orders"),
    K.QTY_NOT_ABOVE_FILLED: _state("qty must be > filled_qty"),
}


def refusal_body(refusal: Refusal) -> tuple[int, Json]:
    """(HTTP status, body) of a refusal of the venue."""
    status, code, message, extra = WORDINGS[refusal.kind]
    context = refusal.context
    if refusal.kind is RefusalKind.NOT_REPLACEABLE and context.get("not_routed") is True:
        code = BAD_REQUEST  # the one recorded wording of a PATCH too early
    return status, error_body(code, message(context), extra(context))


def refusal_response(refusal: Refusal) -> WireResponse:
    """The answer to a refused request."""
    status, body = refusal_body(refusal)
    return WireResponse(status, JSON_HEADERS, dump(body))


def fault_answer(status: int, headers: Mapping[str, str]) -> WireResponse:
    """What the broker sends when it fails by itself (faults N3, N4): JSON, or nginx's page."""
    if status == 429:
        answer = error_response(429, RATE_LIMITED, "rate limit exceeded")
        return WireResponse(429, {**answer.headers, **headers}, answer.body)
    if status == 500:
        answer = error_response(500, INTERNAL, "internal server error occurred")
        return WireResponse(500, {**answer.headers, **headers}, answer.body)
    title = {502: "502 Bad Gateway", 503: "503 Service Temporarily Unavailable"}.get(
        status, "504 Gateway Time-out"
    )
    page = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{title}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )
    return WireResponse(status, {"content-type": "text/html", **headers}, page.encode())
