"""The venue's values as Alpaca's JSON objects: orders, positions, account, activities, calendar.

What: one function per object of alpaca.md 1.6, each with the recorded key set plus newer keys.
Invariants: money and quantities are strings, times are text or null, flags are booleans; a value
the venue does not know is null, never a plausible number.
Must never: compute anything but the arithmetic an object shows (profit, percentages).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache

from surefill.core.session import Session
from surefill.core.units import NANO, to_text
from surefill.sim.alpaca.text import (
    activity_prefix,
    average_text,
    money_text,
    new_york_date,
    optional_text,
    ratio_text,
    stamp_new_york,
    stamp_ns,
    stamp_us,
)
from surefill.sim.alpaca.words import (
    CLASS_WORDS,
    EXECUTIONS,
    SIDE_WORDS,
    event_word,
    intent_word,
    status_word,
)
from surefill.sim.types import (
    AccountView,
    FillRecord,
    OrderEventKind,
    OrderSnapshot,
    PositionView,
    VenueEvent,
)
from surefill.sim.views import BooksView

Json = dict[str, object]

_ESCAPES = (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"))
"""Go's encoder writes these three so (alpaca.md 1.1); the same text after parsing."""

_COMPACT = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False)

T_PLUS_1_DATE = 20240528
"""First trade date that settles on the next business day; two days before it."""


def dump(value: object) -> bytes:
    """Compact JSON as a Go server writes it."""
    text = _COMPACT.encode(value)
    for char, escape in _ESCAPES:
        text = text.replace(char, escape)
    # A lone surrogate of a client's text has no UTF-8; it must not stop the answer.
    return text.encode(errors="replace")


def _average(order: OrderSnapshot) -> str | None:
    """Average price of what this order executed itself, or was handed on to it."""
    qty = order.cum_qty - order.carried_qty
    return average_text(order.cost, qty) if qty > 0 else None


def order_json(order: OrderSnapshot, *, nested: bool = False, fresh: bool = False) -> Json:
    """An order. ``nested`` shows its legs; ``fresh`` objects carry nanoseconds (PATCH, cancels)."""
    cut = stamp_ns if fresh else stamp_us
    legs = [order_json(leg, fresh=fresh) for leg in order.legs] if nested and order.legs else None
    ord_type = order.ord_type.value.lower()
    return {
        "id": order.order_id,
        "client_order_id": order.cl_ord_id,
        "created_at": stamp_us(order.created_ns),
        "updated_at": cut(order.updated_ns),
        "submitted_at": stamp_us(order.submitted_ns),
        "filled_at": stamp_us(order.filled_ns),
        "expired_at": stamp_us(order.expired_ns),
        "expires_at": stamp_us(order.expires_ns),
        "canceled_at": None if order.canceled_ns is None else cut(order.canceled_ns),
        "failed_at": stamp_us(order.failed_ns),
        "replaced_at": stamp_us(order.replaced_ns),
        "replaced_by": order.replaced_by,
        "replaces": order.replaces,
        "asset_id": order.asset_id,
        "symbol": order.symbol,
        "asset_class": "us_equity",
        "notional": optional_text(order.notional_usd),
        "qty": None if order.notional_usd is not None else to_text(order.order_qty),
        "filled_qty": to_text(order.cum_qty),
        "filled_avg_price": _average(order),
        "order_class": CLASS_WORDS[order.contingency],
        "order_type": ord_type,
        "type": ord_type,
        "side": "buy" if order.side.sign > 0 else "sell",
        "position_intent": intent_word(order.side, is_opening=order.is_opening),
        "time_in_force": order.tif.value.lower(),
        "limit_price": optional_text(order.limit_px),
        "stop_price": optional_text(order.stop_px),
        "status": status_word(order),
        "extended_hours": order.extended_hours,
        "legs": legs,
        "trail_percent": None if order.trail_ppb is None else to_text(order.trail_ppb * 100),
        "trail_price": optional_text(order.trail_px),
        "hwm": optional_text(order.hwm_px),
        "subtag": None,
        "source": None,
    }


def trade_update(event: VenueEvent) -> Json:
    """The ``data`` of one ``trade_updates`` message: the event and the whole order."""
    order = order_json(event.order, nested=True)
    order["cancel_requested_at"] = stamp_us(event.order.cancel_requested_ns)
    at_text = stamp_ns(event.venue_ns)
    data: Json = {
        "event": event_word(event.kind, event.order),
        "event_id": f"{event.seq:026d}",
        "execution_id": event.exec_id,
        "at": at_text,
        "timestamp": at_text,
        "order": order,
    }
    if event.kind in EXECUTIONS:
        data["price"] = to_text(event.px)
        data["qty"] = to_text(event.qty)
        data["position_qty"] = to_text(event.position_qty)
    if event.text and event.kind in (
        OrderEventKind.CANCEL_REJECTED,
        OrderEventKind.REPLACE_REJECTED,
        OrderEventKind.REJECTED,
    ):
        data["reason"] = event.text
    return data


def position_json(view: PositionView, *, exchange: str) -> Json:
    """A position listed on ``exchange``; a short has negative quantity, value and cost."""
    value = view.market_value_usd * NANO
    gain = value - view.cost
    gain_share = ratio_text(gain, abs(view.cost)) if view.cost else "0"
    change = None
    if view.current_px is not None and view.lastday_px:
        change = ratio_text(view.current_px - view.lastday_px, view.lastday_px)
    return {
        "asset_id": view.asset_id,
        "symbol": view.symbol,
        "exchange": exchange,
        "asset_class": "us_equity",
        "asset_marginable": view.marginable,
        "qty": to_text(view.qty),
        "avg_entry_price": average_text(view.cost, view.qty),
        "side": "long" if view.qty > 0 else "short",
        "market_value": to_text(view.market_value_usd),
        "cost_basis": money_text(view.cost),
        "unrealized_pl": money_text(gain),
        "unrealized_plpc": gain_share,
        "unrealized_intraday_pl": money_text(gain),
        "unrealized_intraday_plpc": gain_share,
        "current_price": optional_text(view.current_px),
        "lastday_price": optional_text(view.lastday_px),
        "change_today": change,
        "qty_available": to_text(view.available_qty),
    }


def account_json(view: AccountView, *, account_id: str, now_ns: int) -> Json:
    """The account; strings but for flags and the day-trade count."""
    equity = to_text(view.equity_usd)
    free_usd = max(0, view.equity_usd - view.initial_margin_usd)
    return {
        "id": account_id,
        "admin_configurations": {},
        "user_configurations": None,
        "account_number": view.account,
        "status": "ACTIVE",
        "crypto_status": "ACTIVE",
        "currency": "USD",
        "buying_power": to_text(view.buying_power_usd),
        "regt_buying_power": to_text(2 * free_usd),
        "daytrading_buying_power": to_text(view.buying_power_usd),
        "effective_buying_power": to_text(view.buying_power_usd),
        "non_marginable_buying_power": to_text(max(0, min(view.cash_usd, free_usd))),
        "options_buying_power": to_text(free_usd),
        "bod_dtbp": "0",
        "cash": money_text(view.cash_exact),
        "accrued_fees": "0",
        "portfolio_value": equity,
        "pattern_day_trader": False,
        "trading_blocked": view.blocked,
        "transfers_blocked": False,
        "account_blocked": view.blocked,
        "created_at": stamp_us(view.created_ns),
        "trade_suspended_by_user": False,
        "multiplier": str(view.multiplier),
        "shorting_enabled": view.shorting_enabled,
        "equity": equity,
        "last_equity": to_text(view.last_equity_usd),
        "long_market_value": to_text(view.long_value_usd),
        "short_market_value": to_text(view.short_value_usd),
        "position_market_value": to_text(view.long_value_usd + abs(view.short_value_usd)),
        "initial_margin": to_text(view.initial_margin_usd),
        "maintenance_margin": to_text(view.maintenance_margin_usd),
        "last_maintenance_margin": to_text(view.last_maintenance_usd),
        "sma": "0",
        "daytrade_count": 0,
        "balance_asof": new_york_date(now_ns),
        "crypto_tier": 0,
        "intraday_adjustments": "0",
        "pending_reg_taf_fees": "0",
    }


def books_json(books: BooksView) -> Json:
    """An account's books, exact: opening cash plus the entries is the cash."""
    return {
        "account": books.account,
        "opening_cash": money_text(books.opening_cash),
        "entries": [
            {
                "at": stamp_ns(entry.at_ns),
                "kind": entry.kind,
                "symbol": entry.symbol,
                "qty": to_text(entry.signed_qty),
                "cash": money_text(entry.cash),
                "fee": money_text(entry.fee),
            }
            for entry in books.entries
        ],
        "fees": money_text(books.fees),
        "cash": money_text(books.cash),
        "equity": money_text(books.equity),
        "breaks": list(books.breaks),
    }


def activity_json(fill: FillRecord) -> Json:
    """A FILL activity. The second part of its id is the stream's ``execution_id``."""
    done = fill.leaves_qty == 0
    return {
        "id": f"{activity_prefix(fill.venue_ns)}::{fill.exec_id}",
        "activity_type": "FILL",
        "transaction_time": stamp_us(fill.venue_ns),
        "type": "fill" if done else "partial_fill",
        "price": to_text(fill.px),
        "qty": to_text(fill.qty),
        "side": SIDE_WORDS[fill.side],
        "symbol": fill.symbol,
        "leaves_qty": to_text(fill.leaves_qty),
        "order_id": fill.order_id,
        "cum_qty": to_text(fill.cum_qty),
        "order_status": fill.order_status.value.lower(),
    }


def clock_json(now_ns: int, sessions: Sequence[Session]) -> Json:
    """The clock: ``is_open`` is the core session; while closed, next_close follows next_open."""
    at = next((s for s in sessions if s.open_ns <= now_ns < s.close_ns), None)
    after = next((s for s in sessions if s.open_ns > now_ns), None)
    closing = at if at is not None else after
    return {
        "timestamp": stamp_new_york(now_ns),
        "is_open": at is not None,
        "next_open": stamp_new_york(after.open_ns) if after else None,
        "next_close": stamp_new_york(closing.close_ns) if closing else None,
    }


def calendar_json(sessions: Sequence[Session], first: int, last: int) -> list[Json]:
    """Exchange days from ``first`` to ``last`` (yyyymmdd). Later sessions give settlement dates."""
    days: list[Json] = []
    for index, session in enumerate(sessions):
        if not first <= session.date <= last:
            continue
        step = 1 if session.date >= T_PLUS_1_DATE else 2
        settles = sessions[index + step].date if index + step < len(sessions) else None
        settled = None if settles is None else date_text(settles)
        days.append({**_hours(session), "settlement_date": settled})
    return days


@lru_cache(maxsize=32_768)
def _hours(session: Session) -> Json:
    """Date and hours of one day; without a memory, the sixty years of the calendar take half a
    second of a server that has other things to do."""
    return {
        "date": date_text(session.date),
        "open": _wall(session.open_ns),
        "close": _wall(session.close_ns),
        "session_open": _wall(session.pre_ns).replace(":", ""),
        "session_close": _wall(session.post_ns).replace(":", ""),
    }


def date_text(yyyymmdd: int) -> str:
    """``2026-03-02`` of 20260302."""
    return f"{yyyymmdd // 10_000:04d}-{yyyymmdd // 100 % 100:02d}-{yyyymmdd % 100:02d}"


def _wall(ns: int) -> str:
    return stamp_new_york(ns)[11:16]


def item_207(name: str, value: str, *, status: int, body: Mapping[str, object]) -> Json:
    """One item of a 207 answer; ``name`` is ``id`` (cancel-all) or ``symbol`` (close-all)."""
    return {name: value, "status": status, "body": body}
