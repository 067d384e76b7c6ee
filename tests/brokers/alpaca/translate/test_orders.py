"""Orders, updates, executions, positions, account: recorded, broken, unknown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from msgspec import Raw

from surefill.brokers.alpaca.translate import orders
from surefill.brokers.alpaca.wire import OrderKey, Unreadable
from surefill.core.events import Account, ExecutionReport, Position
from surefill.core.fix import Contingency, ExecType, OrdStatus, OrdType, Side, TimeInForce
from surefill.core.units import NANO
from tests.brokers.alpaca.support import (
    CL_ORD_ID,
    ORDER_ID,
    Json,
    account_json,
    activity_json,
    body,
    fill_update,
    order_json,
    payload_lines,
    update_json,
)

RECV_NS = 1_800_000_000 * NANO
UPDATED_NS = 1_625_755_845_335_034_000
EXEC_ID = "c86f104c-68b9-4bf7-a5fe-a6a06ba4af7d"

ODD_NUMBERS = [
    '"NaN"',
    '"Infinity"',
    "1e400",
    '"1e400"',
    "1e-400",
    '"1e999999999"',
    "1e-999999999",
    '"-25"',
    "-25",
    '"x"',
    '""',
    "true",
    "{}",
    '"0.0000000001"',
    "1" * 60,
]
"""Fault N7: what a number field may hold instead of a number of shares."""


def order(**changes: Any) -> ExecutionReport:
    report = orders.order_report(body(order_json(**changes)), RECV_NS)
    assert isinstance(report, ExecutionReport), report
    return report


def bad_order(**changes: Any) -> Unreadable:
    report = orders.order_report(body(order_json(**changes)), RECV_NS)
    assert isinstance(report, Unreadable)
    return report


def update(message: Json) -> ExecutionReport:
    report = orders.update_report(body(message["data"]), RECV_NS)
    assert isinstance(report, ExecutionReport), report
    return report


def with_raw(record: Json, field: str, raw: str) -> bytes:
    """The record with one field replaced by raw JSON text."""
    text = json.dumps(record | {field: "@@"})
    return text.replace('"@@"', raw).encode()


def recorded_orders() -> Iterator[Json]:
    """Every order object in the recordings, in answers and in the items of 207 answers."""
    for name in ("orders.jsonl", "positions.jsonl"):
        for record in payload_lines(name):
            response = record["response"]
            items = response if isinstance(response, list) else [response]
            found = [item.get("body", item) for item in items if isinstance(item, dict)]
            yield from (order for order in found if order and "client_order_id" in order)


def test_every_recorded_order_is_read() -> None:
    count = 0
    for record in recorded_orders():
        report = orders.order_report(body(record), RECV_NS)
        assert isinstance(report, ExecutionReport), (report, record)
        assert len(report.legs) == len(record["legs"] or ())
        assert report.working == (record["status"] != "held")
        assert Decimal(report.order_qty) / NANO == Decimal(record["qty"])
        count += 1
    assert count >= 30


def test_every_recorded_execution_is_read() -> None:
    count = 0
    for record in payload_lines("activities.jsonl"):
        for activity in record["response"] if record["status"] == 200 else []:
            report = orders.fill_report(body(activity), RECV_NS, {})
            assert isinstance(report, ExecutionReport), (report, activity)
            assert report.exec_id == activity["id"].split("::")[1]
            assert report.cum_qty >= (report.last_qty or 0)
            count += 1
    assert count >= 100


def test_every_recorded_position_and_account_is_read() -> None:
    for record in payload_lines("positions.jsonl"):
        response = record["response"]
        for item in response if isinstance(response, list) else [response]:
            if "avg_entry_price" in item:
                assert isinstance(orders.position(body(item)), Position)
    for record in payload_lines("account.jsonl"):
        if record["status"] == 200 and "account_number" in record["response"]:
            account = orders.account(body(record["response"]))
            assert isinstance(account, Account)
            assert account.equity_usd is not None


def test_an_order_as_it_stands() -> None:
    assert order(
        filled_qty="10", filled_avg_price="150.0512345678901", status="partially_filled"
    ) == (
        ExecutionReport(
            exec_type=ExecType.ORDER_STATUS,
            ord_status=OrdStatus.PARTIALLY_FILLED,
            order_id=ORDER_ID,
            cl_ord_id=CL_ORD_ID,
            symbol="CRWD",
            side=Side.BUY,
            ord_type=OrdType.LIMIT,
            tif=TimeInForce.DAY,
            order_qty=25 * NANO,
            cum_qty=10 * NANO,
            venue_ns=UPDATED_NS,
            recv_ns=RECV_NS,
            avg_px=150_051_234_567,
            limit_px=150_070_000_000,
            submitted_ns=1_625_755_845_332_349_000,
        )
    )


@pytest.mark.parametrize(("word", "status"), orders.STATUSES.items())
def test_every_status(word: str, status: OrdStatus) -> None:
    report = order(status=word)
    assert report.ord_status is status
    assert report.working == (word != "held")


def test_held_is_new_but_not_working() -> None:
    report = order(status="held")
    assert report.ord_status is OrdStatus.NEW
    assert not report.working


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "pending_purgatory"},
        {"status": None},
        {"side": "hold"},
        {"type": "iceberg"},
        {"type": None, "order_type": None},
        {"time_in_force": "whenever"},
        {"time_in_force": None},
        {"order_class": "mleg"},
        {"id": None},
        {"qty": None},
        {"qty": "0"},
        {"filled_qty": "26"},
        {"filled_qty": None},
        {"updated_at": "yesterday"},
        {"updated_at": None, "submitted_at": None, "created_at": None},
        {"limit_price": "1.0000000001"},
        {"filled_avg_price": "-1"},
        {"legs": [{}]},
        {"legs": 7},
        {"legs": [order_json(legs=[order_json()])]},
    ],
)
def test_unknown_and_missing_words_are_errors_and_never_defaults(changes: Json) -> None:
    assert bad_order(**changes).text


@pytest.mark.parametrize("raw", ODD_NUMBERS)
@pytest.mark.parametrize("field", ["qty", "filled_qty", "filled_avg_price", "limit_price"])
def test_broken_numbers_cost_the_record_alone(field: str, raw: str) -> None:
    found = orders.order_report(with_raw(order_json(), field, raw), RECV_NS)
    if isinstance(found, ExecutionReport):  # an average is cut, so a tiny one is 0
        assert field == "filled_avg_price"
        assert found.avg_px == 0
    listing = orders.items(
        b"[" + with_raw(order_json(), field, raw) + b"," + body(order_json()) + b"]", "orders"
    )
    assert not isinstance(listing, Unreadable)
    assert isinstance(orders.order_report(listing[1], RECV_NS), ExecutionReport)


def test_numbers_may_come_as_json_numbers() -> None:
    report = order(qty=25, filled_qty=0, limit_price=150.07)
    assert (report.order_qty, report.limit_px) == (25 * NANO, 150_070_000_000)


def test_missing_extra_and_duplicate_fields() -> None:
    record = order_json(something_new={"a": [1, 2]})
    del record["replaces"], record["legs"], record["order_class"], record["type"]
    assert isinstance(orders.order_report(body(record), RECV_NS), ExecutionReport)
    twice = body(order_json())[:-1] + b',"qty":"7"}'
    report = orders.order_report(twice, RECV_NS)
    assert isinstance(report, ExecutionReport)
    assert report.order_qty == 7 * NANO


def test_a_notional_order_of_somebody_else_is_known_by_what_it_executed() -> None:
    report = order(qty=None, notional="100", filled_qty="0.123456789")
    assert report.order_qty == report.cum_qty == 123_456_789


def test_times_fall_back_to_what_is_there() -> None:
    assert order(updated_at=None).venue_ns == 1_625_755_845_332_349_000
    assert order(submitted_at=None).submitted_ns == 0


def test_an_opening_sale_is_a_short_sale() -> None:
    assert order(side="sell", position_intent="sell_to_open").side is Side.SELL_SHORT
    assert order(side="sell", position_intent="sell_to_close").side is Side.SELL
    assert order(side="sell_short").side is Side.SELL_SHORT


def test_legs_are_reports_of_their_own() -> None:
    target = order_json(id="t", client_order_id="x", side="sell", order_class="oco")
    stop = target | {"id": "s", "type": "stop", "limit_price": None, "stop_price": "145"}
    report = order(order_class="oco", legs=[stop | {"status": "held"}], side="sell")
    assert report.contingency is Contingency.OCO
    assert report.legs[0].ord_type is OrdType.STOP
    assert report.legs[0].stop_px == 145 * NANO
    assert not report.legs[0].working


@pytest.mark.parametrize(("event", "exec_type"), orders.EVENTS.items())
def test_every_event(event: str, exec_type: ExecType) -> None:
    report = update(update_json(event, price="150.05", qty="25", position_qty="-25"))
    assert report.exec_type is exec_type
    assert report.position_qty == -25 * NANO
    assert report.venue_ns == 1_625_755_846_100_000_001
    assert report.exec_id == EXEC_ID
    assert not orders.is_incomplete(report)


def test_a_fill_carries_its_execution() -> None:
    report = update(fill_update())
    assert report.exec_type is ExecType.TRADE
    assert report.ord_status is OrdStatus.FILLED
    assert (report.exec_id, report.last_qty, report.last_px) == (
        EXEC_ID,
        25 * NANO,
        150_050_000_000,
    )
    assert report.position_qty == 25 * NANO


@pytest.mark.parametrize("raw", ["null", '"0"', *ODD_NUMBERS])
@pytest.mark.parametrize("field", ["price", "qty"])
def test_a_fill_without_its_numbers_is_evidence_but_no_execution(field: str, raw: str) -> None:
    found = orders.update_report(with_raw(fill_update()["data"], field, raw), RECV_NS)
    assert isinstance(found, ExecutionReport)
    assert found.exec_type is ExecType.ORDER_STATUS
    assert found.cum_qty == 25 * NANO
    assert found.last_px is None
    assert found.exec_id is None
    assert orders.is_incomplete(found)


@pytest.mark.parametrize("raw", [raw for raw in ODD_NUMBERS if "25" not in raw])
def test_an_unreadable_position_leaves_the_rest(raw: str) -> None:
    found = orders.update_report(with_raw(fill_update()["data"], "position_qty", raw), RECV_NS)
    assert isinstance(found, ExecutionReport)
    assert found.exec_type is ExecType.TRADE
    assert found.position_qty in (None, 0)


def test_an_unknown_event_is_the_state_of_its_order() -> None:
    report = update(update_json("order_sublimated"))
    assert report.exec_type is ExecType.ORDER_STATUS
    assert report.text == "unknown event: order_sublimated"
    assert orders.is_incomplete(report)


def test_a_bust_and_a_correction_name_the_earlier_execution() -> None:
    bust = update(update_json("trade_bust", previous_execution_id="older", qty="25", price="1"))
    assert (bust.exec_type, bust.exec_id, bust.last_qty) == (
        ExecType.TRADE_CANCEL,
        "older",
        25 * NANO,
    )
    right = update(update_json("trade_correct", price="150.07", qty="25"))
    assert (right.exec_type, right.exec_id) == (ExecType.TRADE_CORRECT, EXEC_ID)
    assert right.last_px == 150_070_000_000
    nameless = update(update_json("trade_bust", execution_id=None))
    assert nameless.exec_type is ExecType.ORDER_STATUS
    assert (
        update(fill_update() | {"data": fill_update()["data"] | {"execution_id": None}}).exec_id
        is None
    )


def test_a_refused_cancel_says_why() -> None:
    report = update(update_json("order_cancel_rejected", reason="TOO_LATE_TO_CANCEL"))
    assert report.exec_type is ExecType.CANCEL_REJECTED
    assert report.text == "TOO_LATE_TO_CANCEL"


def test_the_time_of_an_update_falls_back_to_its_orders() -> None:
    untimed = update_json("new", timestamp=None)
    assert update(untimed).venue_ns == UPDATED_NS
    at = update_json("new", timestamp=None, at="1970-01-01T00:00:01Z")
    assert update(at).venue_ns == NANO


@pytest.mark.parametrize(
    "data",
    [
        {"event": "fill"},
        {"event": None, "order": order_json()},
        {"event": "fill", "order": order_json(status="gone")},
        {"event": "fill", "order": order_json(), "timestamp": "soon"},
        [],
        7,
    ],
)
def test_an_update_without_a_readable_order_is_unreadable(data: Any) -> None:
    assert isinstance(orders.update_report(body(data), RECV_NS), Unreadable)


def test_an_execution_takes_its_header_from_the_order() -> None:
    known = {ORDER_ID: order(order_class="oco")}
    bare = orders.fill_report(body(activity_json()), RECV_NS, {})
    full = orders.fill_report(body(activity_json()), RECV_NS, known)
    assert isinstance(bare, ExecutionReport)
    assert isinstance(full, ExecutionReport)
    assert bare.cl_ord_id == ""
    assert full.cl_ord_id == CL_ORD_ID
    assert full.contingency is Contingency.OCO
    assert full.exec_id == bare.exec_id == EXEC_ID
    assert (full.last_qty, full.last_px) == (25 * NANO, 150_050_000_000)
    assert orders.with_headers([bare], known) == (full,)
    assert orders.with_headers([bare], {}) == (bare,)


def test_stream_and_rest_agree_on_the_execution() -> None:
    streamed, read = update(fill_update()), orders.fill_report(body(activity_json()), RECV_NS, {})
    assert isinstance(read, ExecutionReport)
    assert streamed.exec_id == read.exec_id
    assert (streamed.last_qty, streamed.last_px) == (read.last_qty, read.last_px)


def test_an_old_activity_without_status_is_judged_by_its_leaves() -> None:
    for leaves, status in (("0", OrdStatus.FILLED), ("5", OrdStatus.PARTIALLY_FILLED)):
        record = activity_json(leaves_qty=leaves)
        del record["order_status"]
        report = orders.fill_report(body(record), RECV_NS, {})
        assert isinstance(report, ExecutionReport)
        assert report.ord_status is status


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "20210708105046100"},
        {"id": "20210708105046100::"},
        {"price": None},
        {"price": "0"},
        {"qty": "-1"},
        {"cum_qty": None},
        {"leaves_qty": "-1"},
        {"side": "hold"},
        {"order_status": "gone"},
        {"transaction_time": None},
    ],
)
def test_a_broken_activity_is_unreadable(changes: Json) -> None:
    assert isinstance(orders.fill_report(body(activity_json(**changes)), RECV_NS, {}), Unreadable)


def test_the_token_of_the_next_page() -> None:
    assert orders.activity_id(Raw(body(activity_json()))) == activity_json()["id"]
    assert isinstance(orders.activity_id(Raw(b"{}")), Unreadable)


@pytest.mark.parametrize(
    ("record", "qty"),
    [
        ({"symbol": "A", "qty": "5", "side": "long"}, 5),
        ({"symbol": "A", "qty": "-5", "side": "short"}, -5),
        ({"symbol": "A", "qty": "5", "side": "short"}, -5),
        ({"symbol": "A", "qty": 5, "side": "long", "avg_entry_price": "3648.1242857142857143"}, 5),
    ],
)
def test_positions_are_signed(record: Json, qty: int) -> None:
    found = orders.position(body(record))
    assert isinstance(found, Position)
    assert found.qty == qty * NANO
    assert found.avg_px in (None, 3_648_124_285_714)


@pytest.mark.parametrize(
    "record",
    [
        {"symbol": "A", "qty": "-5", "side": "long"},
        {"symbol": "A", "qty": "5", "side": "sideways"},
        {"symbol": "A", "qty": "5"},
        {"symbol": "A", "side": "long"},
        {"qty": "5", "side": "long"},
    ],
)
def test_a_position_that_contradicts_itself_is_unreadable(record: Json) -> None:
    assert isinstance(orders.position(body(record)), Unreadable)


def test_the_account() -> None:
    found = orders.account(body(account_json()))
    assert found == Account(
        account_id="PA0000000000",
        equity_usd=100_000 * NANO,
        last_equity_usd=99_000_500_000_000,
        buying_power_usd=400_000 * NANO,
        shorting_enabled=True,
        is_blocked=False,
    )


@pytest.mark.parametrize("raw", [raw for raw in ODD_NUMBERS if "25" not in raw])
def test_a_broken_figure_of_the_account_is_unknown(raw: str) -> None:
    found = orders.account(with_raw(account_json(), "equity", raw))
    assert isinstance(found, Account)
    assert found.equity_usd in (None, 0)
    assert found.buying_power_usd == 400_000 * NANO


@pytest.mark.parametrize(
    "changes",
    [
        {"trading_blocked": True},
        {"account_blocked": True},
        {"trade_suspended_by_user": True},
        {"status": "ACCOUNT_CLOSED"},
    ],
)
def test_a_blocked_account(changes: Json) -> None:
    found = orders.account(body(account_json(**changes)))
    assert isinstance(found, Account)
    assert found.is_blocked


def test_fields_that_vanish_from_the_account() -> None:
    found = orders.account(b'{"id":"x","status":"ACTIVE"}')
    assert isinstance(found, Account)
    assert found.account_id == "x"
    assert found.buying_power_usd is None
    assert not found.shorting_enabled


def test_what_cannot_be_ours() -> None:
    assert orders.is_foreign(OrderKey(asset_class="crypto"))
    assert orders.is_foreign(OrderKey(order_class="mleg"))
    assert not orders.is_foreign(OrderKey(asset_class="us_equity", order_class="oco"))
    assert orders.order_key(Raw(body(order_json()))) == OrderKey(
        ORDER_ID, "2021-07-08T14:50:45.332349Z", "us_equity", ""
    )
    assert isinstance(orders.order_key(Raw(b"7")), Unreadable)
    assert isinstance(orders.items(b'{"message":"x"}', "orders"), Unreadable)
