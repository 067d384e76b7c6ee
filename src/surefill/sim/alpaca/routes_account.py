"""Routes of the account: positions, account, configurations, activities.

After alpaca.md 1.5, 1.6, 2.5 (closing). A close is a plain market order: resting exits must be
canceled first, and a close-all with ``cancel_orders`` does not wait for their release (recorded).
Must never: close more than the position holds.
"""

from __future__ import annotations

from dataclasses import asdict

from surefill.core.fix import OrdType, Side, TimeInForce
from surefill.core.units import NANO
from surefill.sim.alpaca.context import Call, Configuration, reply
from surefill.sim.alpaca.encode import (
    Json,
    account_json,
    activity_json,
    item_207,
    position_json,
)
from surefill.sim.alpaca.errors import RequestError, refusal_body
from surefill.sim.alpaca.parse import (
    decimal_of,
    query_after,
    query_flag,
    query_int,
    query_until,
    query_value,
    read_body,
)
from surefill.sim.alpaca.routes_orders import cancel_items, many
from surefill.sim.alpaca.text import new_york_date
from surefill.sim.day_trades import count as day_trades
from surefill.sim.types import AccountSettings, OrderRequest, OrderSnapshot, PositionView, Refusal
from surefill.sim.wire import WireResponse

MAX_PAGE = 100
_ACTIVITY_WORDS = """
FILL TRANS MISC ACATC ACATS CFEE CSD CSW DIV DIVCGL DIVCGS DIVFEE DIVFT DIVNRA DIVROC DIVTW
DIVTXEX FEE INT INTNRA INTTW JNL JNLC JNLS MA NC OPASN OPCA OPCSH OPEXC OPEXP OPTRD PTC PTR REORG
SC SPIN SSO SSP
"""
ACTIVITY_TYPES = frozenset(_ACTIVITY_WORDS.split())
"""Types Alpaca knows; this server only ever has fills."""

TEXT_SETTINGS = {
    "dtbp_check": ("both", "entry", "exit"),
    "pdt_check": ("both", "entry", "exit"),
    "trade_confirm_email": ("all", "none"),
}
FLAG_SETTINGS = frozenset(
    {
        "fractional_trading",
        "no_shorting",
        "suspend_trade",
        "ptp_no_exception_entry",
        "disable_overnight_trading",
    }
)
MULTIPLIERS = ("1", "2", "4")
"""Values of ``max_margin_multiplier``; clients send text or a number (recorded: 4 -> "4")."""
FIXED_SETTINGS = frozenset({"max_options_trading_level"})
"""Accepted when unchanged, because alpaca-py sends the whole object back."""


# -- positions --------------------------------------------------------------------------------


def list_positions(call: Call) -> WireResponse:
    """GET /v2/positions."""
    views = call.desk.reads.positions(call.account, as_of_ns=call.as_of_ns)
    return reply([_shown(call, view) for view in views])


def get_position(call: Call) -> WireResponse:
    """GET /v2/positions/{symbol or asset id}."""
    view = call.desk.reads.position(call.account, call.args[0], as_of_ns=call.as_of_ns)
    return reply(_shown(call, view))


def _shown(call: Call, view: PositionView) -> Json:
    asset = call.desk.exchange.asset(view.symbol)
    return position_json(view, exchange=asset.exchange if asset is not None else "")


def close_position(call: Call) -> WireResponse:
    """DELETE /v2/positions/{symbol}: 200 with a market order for all of it, or a part."""
    view = call.desk.exchange.position(call.account, call.args[0])
    order = _close(call, view, _part(call, view))
    return reply(call.desk.order(order))


def close_all(call: Call) -> WireResponse:
    """DELETE /v2/positions: 207; canceled orders come first when asked for."""
    items: list[Json] = []
    if query_flag(call.request.query, "cancel_orders"):
        items += cancel_items(call, "symbol")
    for view in call.desk.exchange.positions(call.account):
        try:
            order = _close(call, view, abs(view.qty))
        except Refusal as refusal:
            status, body = refusal_body(refusal)
            items.append(item_207("symbol", view.symbol, status=status, body=body))
        else:
            body = call.desk.order(order)
            items.append(item_207("symbol", view.symbol, status=200, body=body))
    return many(call, items)


def _close(call: Call, view: PositionView, qty: int) -> OrderSnapshot:
    request = OrderRequest(
        symbol=view.symbol,
        side=Side.SELL if view.qty > 0 else Side.BUY,
        ord_type=OrdType.MARKET,
        tif=TimeInForce.DAY,
        order_qty=qty,
    )
    return call.desk.exchange.submit(call.account, request)


def _part(call: Call, view: PositionView) -> int:
    """How much to close: ``qty`` xor ``percentage`` (0-100], else everything."""
    qty_text = query_value(call.request.query, "qty")
    share_text = query_value(call.request.query, "percentage")
    if qty_text is not None and share_text is not None:
        raise RequestError("only one of qty or percentage is accepted")
    if qty_text is not None:
        qty = decimal_of(qty_text, "qty")
        if qty <= 0:
            raise RequestError("qty must be > 0")
        return qty
    if share_text is None:
        return abs(view.qty)
    share = decimal_of(share_text, "percentage")
    if not 0 < share <= 100 * NANO:
        raise RequestError("percentage must be between 0 and 100")
    return max(1, abs(view.qty) * share // (100 * NANO))


# -- account ----------------------------------------------------------------------------------


def get_account(call: Call) -> WireResponse:
    """GET /v2/account."""
    exchange = call.desk.exchange
    body = account_json(
        exchange.account_view(call.account),
        account_id=call.owner.account_id,
        now_ns=exchange.now_ns,
    )
    settings = call.desk.configuration(call.account)
    body["trade_suspended_by_user"] = settings.suspend_trade
    if exchange.switches.day_trade_rule == "on":
        body["daytrade_count"] = day_trades(exchange.venue, call.account)
    return reply(body)


def get_configuration(call: Call) -> WireResponse:
    """GET /v2/account/configurations."""
    return reply(asdict(call.desk.configuration(call.account)))


def patch_configuration(call: Call) -> WireResponse:
    """PATCH /v2/account/configurations: all changes or none."""
    body = read_body(call.request.body)
    settings = call.desk.configuration(call.account)
    for name, value in body.items():
        _check_setting(settings, name, value)
    for name, value in body.items():
        if name == "max_margin_multiplier":
            if value is not None:
                settings.max_margin_multiplier = _multiplier(value)
        elif name not in FIXED_SETTINGS:
            setattr(settings, name, value)
    call.desk.exchange.configure_account(
        call.account,
        AccountSettings(
            multiplier=int(settings.max_margin_multiplier),
            suspended=settings.suspend_trade,
            may_short=not settings.no_shorting,
            may_trade_fractions=settings.fractional_trading,
        ),
    )
    return reply(asdict(settings))


def _check_setting(settings: Configuration, name: str, value: object) -> None:
    if name in TEXT_SETTINGS:
        legal = value in TEXT_SETTINGS[name]
    elif name in FLAG_SETTINGS:
        legal = isinstance(value, bool)
    elif name == "max_margin_multiplier":
        legal = value is None or _multiplier(value) in MULTIPLIERS
    elif name in FIXED_SETTINGS:
        legal = value is None or str(value) == str(getattr(settings, name))
    else:
        legal = False
    if not legal:
        raise RequestError(f"invalid {name}")


def _multiplier(value: object) -> str:
    """``"4"`` of 4, 4.0 and "4"; nonsense stays nonsense and is refused."""
    return str(value).removesuffix(".0")


# -- activities -------------------------------------------------------------------------------


def activities(call: Call) -> WireResponse:
    """GET /v2/account/activities[/{type}]: fills, newest first unless asked otherwise."""
    wanted = _types(call)
    if wanted and "FILL" not in wanted:
        return reply([])
    query = call.request.query
    if query_value(query, "date") and (query_value(query, "after") or query_value(query, "until")):
        raise RequestError("date cannot be combined with after or until")
    direction = query_value(query, "direction") or "desc"
    if direction not in ("asc", "desc"):
        raise RequestError(f"invalid direction: {direction[:20]}")
    rows = _rows_in_range(call)
    if direction == "desc":
        rows.reverse()
    page_size = query_int(query, "page_size", default=MAX_PAGE, bounds=(1, MAX_PAGE))
    start = _page_start(rows, query_value(query, "page_token"))
    return reply(rows[start : start + page_size])


def _types(call: Call) -> set[str]:
    text = call.args[0] if call.args else query_value(call.request.query, "activity_types")
    names = {name for name in (text or "").split(",") if name}
    for name in sorted(names):
        if name not in ACTIVITY_TYPES:
            raise RequestError(f"invalid activity type: {name[:20]}")
    return names


def _rows_in_range(call: Call) -> list[Json]:
    """Fills between ``after`` and ``until`` (exclusive), or of one New York day; oldest first."""
    query = call.request.query
    after_ns, until_ns = query_after(query, "after"), query_until(query, "until")
    date = query_value(query, "date")
    rows: list[Json] = []
    for fill in call.desk.reads.fills(call.account, as_of_ns=call.as_of_ns):
        if after_ns is not None and fill.venue_ns <= after_ns:
            continue
        if until_ns is not None and fill.venue_ns >= until_ns:
            continue
        if date is not None and new_york_date(fill.venue_ns) != date[:10]:
            continue
        rows.append(activity_json(fill))
    return rows


def _page_start(rows: list[Json], token: str | None) -> int:
    """Index after the row whose id is ``token``; an unknown token is an error, not page one."""
    if token is None:
        return 0
    for index, row in enumerate(rows):
        if row["id"] == token:
            return index + 1
    raise RequestError("invalid page_token")
