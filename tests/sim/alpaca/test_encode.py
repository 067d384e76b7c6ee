"""Alpaca's JSON objects from the venue's values."""

from __future__ import annotations

import json
from dataclasses import replace

from surefill.core.fix import Contingency, OrdStatus, Side
from surefill.core.session import Session
from surefill.core.units import to_nano
from surefill.sim.alpaca.encode import (
    account_json,
    activity_json,
    calendar_json,
    clock_json,
    date_text,
    dump,
    item_207,
    order_json,
    position_json,
    trade_update,
)
from surefill.sim.alpaca.text import parse_stamp
from surefill.sim.types import OrderEventKind
from tests.sim.alpaca.samples import ACCOUNT, FILL, POSITION, event, order
from tests.support.bench import START_NS

HOUR_NS = 3_600 * 10**9


def session(date: int, opens: str, closes: str) -> Session:
    open_ns, close_ns = parse_stamp(opens) or 0, parse_stamp(closes) or 0
    return Session(date, open_ns - 11 * HOUR_NS // 2, open_ns, close_ns, close_ns + 4 * HOUR_NS)


SESSIONS = [
    session(20260302, "2026-03-02T14:30:00Z", "2026-03-02T21:00:00Z"),
    session(20260303, "2026-03-03T14:30:00Z", "2026-03-03T21:00:00Z"),
]


def test_json_is_compact_and_escaped_as_go_does() -> None:
    raw = dump({"message": 'must be <= base & "x" é'})
    assert raw == '{"message":"must be \\u003c= base \\u0026 \\"x\\" é"}'.encode()
    assert json.loads(raw)["message"] == 'must be <= base & "x" é'


def test_an_order_is_all_text() -> None:
    body = order_json(order())
    assert (body["qty"], body["filled_qty"], body["limit_price"]) == ("10", "0", "100.5")
    assert (body["order_class"], body["type"], body["side"]) == ("", "limit", "buy")
    assert body["submitted_at"] == "2026-03-02T15:00:00.001234Z"
    assert body["filled_avg_price"] is body["legs"] is body["canceled_at"] is None
    assert body["position_intent"] == "buy_to_open"


def test_fresh_orders_carry_nanoseconds() -> None:
    canceled = order(canceled_ns=START_NS + 7_654_321)
    assert order_json(canceled, fresh=True)["updated_at"] == "2026-03-02T15:00:00.007654321Z"
    assert order_json(canceled, fresh=True)["canceled_at"] == "2026-03-02T15:00:00.007654321Z"
    assert order_json(canceled)["canceled_at"] == "2026-03-02T15:00:00.007654Z"


def test_a_filled_short_and_a_notional_order() -> None:
    short = order(
        side=Side.SELL,
        is_short_sale=True,
        status=OrdStatus.PARTIALLY_FILLED,
        cum_qty=to_nano(3),
        cost=to_nano("300.01") * 10**9,
    )
    body = order_json(short)
    assert (body["side"], body["position_intent"]) == ("sell", "sell_to_open")
    assert body["filled_avg_price"] == "100.0033333333333333"
    notional = order_json(order(notional_usd=to_nano("250")))
    assert (notional["qty"], notional["notional"]) == (None, "250")


def test_legs_show_only_when_nested() -> None:
    parent = order(contingency=Contingency.BRACKET, legs=(order(held=True),))
    assert order_json(parent)["legs"] is None
    legs = order_json(parent, nested=True)["legs"]
    assert isinstance(legs, list)
    assert legs[0]["status"] == "held"
    assert legs[0]["legs"] is None


def test_trade_updates_carry_the_execution_only_when_there_is_one() -> None:
    plain = trade_update(event(OrderEventKind.NEW))
    assert plain["event"] == "new"
    assert "price" not in plain
    assert plain["timestamp"] == plain["at"] == "2026-03-02T15:00:00.000000009Z"
    fill = trade_update(
        event(
            OrderEventKind.PARTIAL_FILL,
            px=to_nano("100.01"),
            qty=to_nano(4),
            position_qty=to_nano(-4),
        )
    )
    assert (fill["price"], fill["qty"], fill["position_qty"]) == ("100.01", "4", "-4")
    inner = fill["order"]
    assert isinstance(inner, dict)
    assert inner["cancel_requested_at"] is None


def test_rejections_carry_a_reason() -> None:
    assert trade_update(event(OrderEventKind.CANCEL_REJECTED, text="too late"))["reason"] == (
        "too late"
    )
    assert "reason" not in trade_update(event(OrderEventKind.NEW, text="x"))


def test_positions() -> None:
    body = position_json(POSITION, exchange="NYSE")
    assert (body["qty"], body["qty_available"], body["side"]) == ("10", "4", "long")
    assert body["exchange"] == "NYSE"
    assert (body["cost_basis"], body["unrealized_pl"]) == ("1000.1", "-10.1")
    assert body["unrealized_plpc"] == "-0.0100989901009899"
    assert (body["avg_entry_price"], body["change_today"]) == ("100.01", "0.1")
    short = position_json(
        replace(
            POSITION,
            qty=-POSITION.qty,
            cost=-POSITION.cost,
            market_value_usd=-POSITION.market_value_usd,
            lastday_px=None,
        ),
        exchange="NYSE",
    )
    assert (short["qty"], short["side"], short["unrealized_pl"]) == ("-10", "short", "10.1")
    assert (short["avg_entry_price"], short["change_today"]) == ("100.01", None)


def test_the_account() -> None:
    body = account_json(ACCOUNT, account_id="A", now_ns=START_NS)
    assert (body["cash"], body["equity"], body["multiplier"]) == ("99000.5", "100000.5", "4")
    assert body["regt_buying_power"] == "198501"
    assert body["position_market_value"] == "1500"
    assert body["balance_asof"] == "2026-03-02"
    assert body["trading_blocked"] is False


def test_activities_join_stream_and_rest() -> None:
    body = activity_json(FILL)
    assert body["id"] == f"20260302100000001::{FILL.exec_id}"
    assert (body["type"], body["side"], body["order_status"]) == (
        "partial_fill",
        "sell_short",
        "partially_filled",
    )
    assert activity_json(replace(FILL, leaves_qty=0))["type"] == "fill"


def test_the_clock_before_during_and_after() -> None:
    before = clock_json(SESSIONS[0].open_ns - 1, SESSIONS)
    assert (before["is_open"], before["next_open"]) == (False, "2026-03-02T09:30:00-05:00")
    assert before["next_close"] == "2026-03-02T16:00:00-05:00"
    during = clock_json(SESSIONS[0].open_ns, SESSIONS)
    assert (during["is_open"], during["next_open"]) == (True, "2026-03-03T09:30:00-05:00")
    assert during["next_close"] == "2026-03-02T16:00:00-05:00"
    after = clock_json(SESSIONS[1].close_ns, SESSIONS)
    assert (after["is_open"], after["next_open"], after["next_close"]) == (False, None, None)


def test_the_calendar_names_settlement_days() -> None:
    days = calendar_json(SESSIONS, 20260302, 20260303)
    assert days[0] == {
        "date": "2026-03-02",
        "open": "09:30",
        "close": "16:00",
        "session_open": "0400",
        "session_close": "2000",
        "settlement_date": "2026-03-03",
    }
    assert days[1]["settlement_date"] is None
    assert calendar_json(SESSIONS, 20260303, 20260303)[0]["date"] == "2026-03-03"
    old = [replace(SESSIONS[0], date=20240501), replace(SESSIONS[1], date=20240502)]
    assert calendar_json(old, 20240501, 20240501)[0]["settlement_date"] is None
    assert date_text(20260302) == "2026-03-02"


def test_items_of_207() -> None:
    assert item_207("id", "x", status=200, body={}) == {"id": "x", "status": 200, "body": {}}


def test_a_lone_surrogate_does_not_stop_an_answer() -> None:
    """Found by the fuzzer: a client's text comes back in an error message."""
    assert dump({"message": "\ud800"}) == b'{"message":"?"}'
