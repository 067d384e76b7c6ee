"""Routes of ``/v2/orders``: submit, read, list, replace, cancel, cancel all.

Statuses, bodies and quirks after alpaca.md 1.5, 2.4, 2.5, 2.6.
Must never: decide whether an order is legal; the exchange does, this translates.
"""

from __future__ import annotations

from surefill.core.fix import Side
from surefill.core.units import NANO
from surefill.sim.alpaca.context import Call, no_content, reply
from surefill.sim.alpaca.encode import Json, item_207
from surefill.sim.alpaca.errors import BAD_STATE, FORBIDDEN, RequestError, refusal_body
from surefill.sim.alpaca.parse import (
    Body,
    order_query,
    order_request,
    query_flag,
    query_value,
    read_body,
    replace_request,
)
from surefill.sim.alpaca.reads import position_qty, would_be_short
from surefill.sim.alpaca.text import is_uuid
from surefill.sim.alpaca.words import intent_word
from surefill.sim.types import OrderRequest, OrderSnapshot
from surefill.sim.wire import WireResponse


def submit(call: Call) -> WireResponse:
    """POST /v2/orders: 200 with the order and its legs."""
    body = read_body(call.request.body)
    request = order_request(body)
    _check_configuration(call, request)
    _check_intent(call, request, body)
    order = call.desk.exchange.submit(call.account, request)
    return reply(call.desk.order(order, nested=True))


def list_orders(call: Call) -> WireResponse:
    """GET /v2/orders: by default the 50 latest open ones."""
    query = order_query(call.request.query)
    classes = query_value(call.request.query, "asset_class")
    if classes is not None and not {"us_equity", "all"} & set(classes.split(",")):
        return reply([])  # nothing else trades here
    orders = call.desk.reads.orders(call.account, query, as_of_ns=call.as_of_ns)
    if query.nested and call.desk.switches.nested_limit == "rows":
        orders = _rows(orders, query.limit)
    return reply([call.desk.order(order, nested=query.nested) for order in orders])


def get(call: Call) -> WireResponse:
    """GET /v2/orders/{id}; legs only when nested."""
    nested = query_flag(call.request.query, "nested")
    order = call.desk.reads.order(
        call.account, _order_id(call), nested=nested, as_of_ns=call.as_of_ns
    )
    return reply(call.desk.order(order, nested=nested))


def get_by_client_id(call: Call) -> WireResponse:
    """GET /v2/orders:by_client_order_id?client_order_id="""
    cl_ord_id = query_value(call.request.query, "client_order_id")
    if cl_ord_id is None:
        raise RequestError("client_order_id is missing")
    order = call.desk.reads.order_by_cl_ord_id(call.account, cl_ord_id, as_of_ns=call.as_of_ns)
    return reply(call.desk.order(order, nested=True))


def replace(call: Call) -> WireResponse:
    """PATCH /v2/orders/{id}: 200 with the *new* order, which is not yet in force."""
    order_id = _order_id(call)
    change = replace_request(read_body(call.request.body))
    order = call.desk.exchange.replace(call.account, order_id, change)
    body = call.desk.order(order, nested=True, fresh=True)
    if call.desk.switches.patch_status == "new":
        body["status"] = "new"
    return reply(body)


def _rows(orders: list[OrderSnapshot], limit: int) -> list[OrderSnapshot]:
    """As many of the first orders as have, with their legs, no more rows than ``limit``."""
    count, kept = 0, []
    for order in orders:
        count += 1 + len(order.legs)
        if count > limit:
            break
        kept.append(order)
    return kept


def cancel(call: Call) -> WireResponse:
    """DELETE /v2/orders/{id}: 204, the confirmation comes by stream."""
    call.desk.exchange.cancel(call.account, _order_id(call))
    return no_content()


def cancel_all(call: Call) -> WireResponse:
    """DELETE /v2/orders: 207, one item per open order."""
    return many(call, cancel_items(call, "id"))


def many(call: Call, items: list[Json]) -> WireResponse:
    """The answer of cancel-all and close-all."""
    is_empty_ok = not items and call.desk.switches.empty_cancel_all == "200"
    return reply(items, 200 if is_empty_ok else 207)


def cancel_items(call: Call, name: str) -> list[Json]:
    """Cancel everything; the items of the 207 answer, their id under ``name``."""
    items: list[Json] = []
    for result in call.desk.exchange.cancel_all(call.account):
        if result.refusal is not None:
            _, body = refusal_body(result.refusal)
            items.append(item_207(name, result.order_id, status=500, body=body))
        else:
            shown = call.desk.order(result.order, nested=True, fresh=True)
            items.append(item_207(name, result.order_id, status=200, body=shown))
    return items


def _order_id(call: Call) -> str:
    """The id of the path; anything but a UUID is ``missing`` (recorded)."""
    if not is_uuid(call.args[0]):
        raise RequestError("order_id is missing")
    return call.args[0]


def _check_configuration(call: Call, request: OrderRequest) -> None:
    """What the account's own settings forbid."""
    settings = call.desk.configuration(call.account)
    exchange = call.desk.exchange
    if settings.no_shorting and would_be_short(exchange, call.account, request):
        raise RequestError("account is not allowed to short", status=403, code=FORBIDDEN)
    is_fraction = request.notional_usd is not None or request.order_qty % NANO != 0
    if is_fraction and not settings.fractional_trading:
        raise RequestError(
            "fractional trading is disabled for this account", status=403, code=FORBIDDEN
        )


def _check_intent(call: Call, request: OrderRequest, body: Body) -> None:
    """``position_intent`` is optional; when given it must be what the position says."""
    specified = body.get("position_intent")
    if specified is None:
        return
    qty = position_qty(call.desk.exchange, call.account, request.symbol)
    is_opening = qty >= 0 if request.side is Side.BUY else qty <= 0
    inferred = intent_word(request.side, is_opening=is_opening)
    if specified != inferred:
        raise RequestError(
            f"position intent mismatch, inferred: {inferred}, specified: {specified}",
            code=BAD_STATE,
        )
