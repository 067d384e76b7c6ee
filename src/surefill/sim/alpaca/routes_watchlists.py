"""Routes of watchlists, by id and by name (alpaca.md 1.5; shapes as recorded).

A PUT replaces the symbols; one that names none empties the list (recorded). Lists are shown without
their assets, single ones with them.
Must never: touch an order or an account.
"""

from __future__ import annotations

from surefill.sim.alpaca.context import Call, no_content, reply
from surefill.sim.alpaca.encode import Json
from surefill.sim.alpaca.errors import BAD_STATE, RequestError, not_found
from surefill.sim.alpaca.parse import Body, query_value, read_body
from surefill.sim.alpaca.routes_reference import asset_json
from surefill.sim.alpaca.text import is_uuid, stamp_us
from surefill.sim.alpaca.watchlists import LISTS_MAX, NAME_LENGTH_MAX, Watchlist
from surefill.sim.wire import WireResponse


def list_watchlists(call: Call) -> WireResponse:
    """GET /v2/watchlists."""
    return reply([_head(call, each) for each in call.desk.watchlists.all(call.account)])


def create(call: Call) -> WireResponse:
    """POST /v2/watchlists {"name", "symbols"}."""
    body = read_body(call.request.body)
    name = _new_name(call, body, None)
    if len(call.desk.watchlists.all(call.account)) >= LISTS_MAX:
        raise RequestError(f"no more than {LISTS_MAX} watchlists")
    symbols = _symbols(call, body)
    made = call.desk.watchlists.create(
        call.account, name, symbols, now_ns=call.desk.exchange.now_ns
    )
    return _shown(call, made)


def get(call: Call) -> WireResponse:
    """GET /v2/watchlists/{id} and GET /v2/watchlists:by_name?name=."""
    return _shown(call, _wanted(call))


def put(call: Call) -> WireResponse:
    """PUT: new name and symbols."""
    wanted = _wanted(call)
    body = read_body(call.request.body)
    name = _new_name(call, body, wanted)
    symbols = _symbols(call, body)
    wanted.put(name, symbols, now_ns=call.desk.exchange.now_ns)
    return _shown(call, wanted)


def add(call: Call) -> WireResponse:
    """POST /v2/watchlists/{id} {"symbol"}."""
    wanted = _wanted(call)
    symbol = read_body(call.request.body).get("symbol")
    if not isinstance(symbol, str) or not symbol:
        raise RequestError("symbol is required")
    wanted.add(_known(call, symbol), now_ns=call.desk.exchange.now_ns)
    return _shown(call, wanted)


def remove(call: Call) -> WireResponse:
    """DELETE /v2/watchlists/{id}/{symbol}."""
    wanted = _wanted(call)
    symbol = call.args[-1]
    if symbol not in wanted.symbols:
        not_found(f"symbol not found: {symbol}")
    wanted.remove(symbol, now_ns=call.desk.exchange.now_ns)
    return _shown(call, wanted)


def delete(call: Call) -> WireResponse:
    """DELETE: the list is gone."""
    call.desk.watchlists.delete(call.account, _wanted(call))
    return no_content()


def _wanted(call: Call) -> Watchlist:
    """The list the path or the query names."""
    lists = call.desk.watchlists
    if ":by_name" in call.request.path:
        name = query_value(call.request.query, "name")
        if name is None:
            raise RequestError("name is required")
        found, wanted = lists.by_name(call.account, name), name
    else:
        wanted = call.args[0]
        if not is_uuid(wanted):
            raise RequestError("watchlist is required")  # recorded wording
        found = lists.by_id(call.account, wanted)
    if found is None:
        not_found(f"watchlist not found: {wanted}")
    return found


def _new_name(call: Call, body: Body, keeper: Watchlist | None) -> str:
    """The name of a body; a change may leave it out and then keeps the old one."""
    name = body.get("name")
    if name is None and keeper is not None:
        return keeper.name
    if not isinstance(name, str) or not name:
        raise RequestError("name is required")
    if len(name) > NAME_LENGTH_MAX:
        raise RequestError(f"name must be no more than {NAME_LENGTH_MAX} characters")
    other = call.desk.watchlists.by_name(call.account, name)
    if other is not None and other is not keeper:
        raise RequestError("watchlist name must be unique")
    return name


def _symbols(call: Call, body: Body) -> list[str]:
    symbols = body.get("symbols") or []
    if not isinstance(symbols, list) or not all(isinstance(item, str) for item in symbols):
        raise RequestError("invalid symbols")
    return [_known(call, symbol) for symbol in symbols]


def _known(call: Call, symbol: str) -> str:
    asset = call.desk.exchange.asset(symbol)
    if asset is None:
        raise RequestError(f'asset "{symbol[:40]}" not found', code=BAD_STATE)
    return asset.symbol


def _head(call: Call, watchlist: Watchlist) -> Json:
    return {
        "id": watchlist.watchlist_id,
        "account_id": call.owner.account_id,
        "created_at": stamp_us(watchlist.created_ns),
        "updated_at": stamp_us(watchlist.updated_ns),
        "name": watchlist.name,
    }


def _shown(call: Call, watchlist: Watchlist) -> WireResponse:
    assets = [call.desk.exchange.asset(symbol) for symbol in watchlist.symbols]
    rows = [asset_json(asset) for asset in assets if asset is not None]
    return reply({**_head(call, watchlist), "assets": rows})
