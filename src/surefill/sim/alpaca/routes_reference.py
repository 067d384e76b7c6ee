"""Routes that describe the world: assets, clock, calendar (alpaca.md 1.6, 7).

Must never: name an asset the exchange does not have.
"""

from __future__ import annotations

from datetime import date, timedelta

from surefill.sim.alpaca.context import Call, reply
from surefill.sim.alpaca.encode import Json, calendar_json, clock_json, date_text
from surefill.sim.alpaca.errors import RequestError, not_found
from surefill.sim.alpaca.parse import query_value
from surefill.sim.alpaca.text import new_york_date, parse_stamp
from surefill.sim.assets import Asset
from surefill.sim.wire import WireResponse

CALENDAR_FIRST, CALENDAR_LAST = 20030101, 20351101
"""Bounds of what the calendar knows; a request is cut to them."""


def list_assets(call: Call) -> WireResponse:
    """GET /v2/assets?status=&asset_class=&exchange=&attributes="""
    query = call.request.query
    status = query_value(query, "status")
    exchange = query_value(query, "exchange")
    if query_value(query, "asset_class") not in (None, "us_equity"):
        return reply([])
    if query_value(query, "attributes") is not None:
        return reply([])  # no asset of this exchange has any attribute
    rows = [asset_json(asset) for asset in call.desk.exchange.assets.all()]
    return reply(
        [
            row
            for row in rows
            if (status in (None, "all") or row["status"] == status)
            and exchange in (None, row["exchange"])
        ]
    )


def get_asset(call: Call) -> WireResponse:
    """GET /v2/assets/{symbol or id}; symbols may hold a slash."""
    asset = call.desk.exchange.asset(call.args[0])
    if asset is None:
        not_found(f"asset not found for {call.args[0]}")
    return reply(asset_json(asset))


def asset_json(asset: Asset) -> Json:
    """An asset with the recorded keys and the newer margin ones."""
    return {
        "id": asset.asset_id,
        "class": "us_equity",
        "exchange": asset.exchange,
        "symbol": asset.symbol,
        "name": asset.name,
        "status": "active" if asset.active else "inactive",
        "tradable": asset.tradable,
        "marginable": asset.marginable,
        "maintenance_margin_requirement": 30 if asset.marginable else 100,
        "margin_requirement_long": "30" if asset.marginable else "100",
        "margin_requirement_short": "30" if asset.marginable else "100",
        "shortable": asset.shortable,
        "easy_to_borrow": asset.easy_to_borrow,
        "borrow_status": "easy_to_borrow" if asset.easy_to_borrow else "hard_to_borrow",
        "fractionable": asset.fractionable,
        "attributes": [],
    }


def clock(call: Call) -> WireResponse:
    """GET /v2/clock, at venue time."""
    exchange = call.desk.exchange
    return reply(clock_json(exchange.now_ns, exchange.calendar.sessions))


def calendar(call: Call) -> WireResponse:
    """GET /v2/calendar?start=&end=&date_type=; both days included, of trading or of settlement."""
    first = _day(call, "start", CALENDAR_FIRST)
    last = _day(call, "end", CALENDAR_LAST)
    date_type = (query_value(call.request.query, "date_type") or "TRADING").upper()
    if date_type not in ("TRADING", "SETTLEMENT"):
        raise RequestError("invalid date_type")
    if first > last:
        return reply([])
    # Days beyond the last one give the settlement dates of the last ones.
    by_trade = date_type == "TRADING"
    earliest = first if by_trade else max(CALENDAR_FIRST, _weeks_before(first))
    sessions = call.desk.sessions_between(earliest, min(CALENDAR_LAST, last + 100))
    days = calendar_json(sessions, earliest, last)
    if not by_trade:
        bounds = date_text(first), date_text(last)
        days = [day for day in days if bounds[0] <= str(day["settlement_date"]) <= bounds[1]]
    if call.desk.switches.half_day_session_close == "2000":
        for day in days:
            day["session_close"] = "2000"
    return reply(days)


def _weeks_before(yyyymmdd: int) -> int:
    """A day by which all that settles from this one on had not yet been traded."""
    day = date.fromisoformat(date_text(yyyymmdd)) - timedelta(days=21)
    return int(f"{day:%Y%m%d}")


def _day(call: Call, name: str, default: int) -> int:
    text = query_value(call.request.query, name)
    if text is None:
        return default
    ns = parse_stamp(text)
    if ns is None:
        raise RequestError(f"invalid {name}: {text[:40]}")
    day = int(new_york_date(ns).replace("-", ""))
    return max(CALENDAR_FIRST, min(CALENDAR_LAST, day))
