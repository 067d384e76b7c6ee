"""Exported pages: every form, overlaps, legs, fees, what is foreign and what cannot be read."""

from __future__ import annotations

import json

import pytest

from surefill.brokers.alpaca.history import read_export
from surefill.brokers.alpaca.translate.times import to_ns
from surefill.core.fix import OrdType
from surefill.core.units import NANO
from surefill.tca.imported import parents_of
from tests.brokers.alpaca.support import ORDER_ID, activity_json, body, order_json
from tests.interop.payloads import PAYLOADS

FILLED_AT = "2021-07-08T14:50:46.1Z"


def test_pages_lines_and_single_objects_are_one_history() -> None:
    order, fill = order_json(status="filled", filled_qty="25"), activity_json()
    lines = body(order) + b"\n\n" + body([order]) + b"\n"
    given = ([body([order, fill])], [body(order), body(fill)], [lines, body([fill, fill])])
    for found in map(read_export, given):
        assert (len(found.orders), len(found.fills), found.unreadable) == (1, 1, ())
        assert found.fills[0].ord_type is OrdType.LIMIT, "it has its order's header"
        assert found.passed == 0


def test_an_order_is_dated_by_its_fill_and_so_are_its_legs() -> None:
    leg = order_json(id="leg", type="stop", stop_price="140", limit_price=None, filled_at=FILLED_AT)
    late = order_json(id="late", type="limit")
    order = order_json(
        status="filled", filled_qty="25", updated_at="2021-07-08T15:50:45Z", legs=[leg, late]
    ) | {"filled_at": FILLED_AT}
    (found,) = read_export([body([order])]).orders
    assert found.venue_ns == found.legs[0].venue_ns == to_ns(FILLED_AT, "")
    assert found.legs[1].venue_ns == to_ns("2021-07-08T14:50:45.335034Z", "")
    (odd,) = read_export([body([order | {"filled_at": "soon"}])]).orders
    assert odd.venue_ns == to_ns("2021-07-08T15:50:45Z", "")
    (other,) = read_export([body([order | {"legs": [leg | {"legs": None}], "x": 1}])]).orders
    assert len(other.legs) == 1


def test_fees_are_summed_once_and_positive() -> None:
    fee = {"activity_type": "FEE", "id": "f1", "net_amount": "-0.37"}
    odd = {"activity_type": "FEE", "id": "f2", "net_amount": "1e40"}
    none = {"activity_type": "CFEE", "id": "f3"}
    found = read_export([body([fee, odd, none]), body([fee])])
    assert found.fees_usd == 37 * NANO // 100
    assert found.orders == ()


def test_other_kinds_are_passed_over_and_damage_is_named() -> None:
    crypto = order_json(asset_class="crypto", symbol="BTC/USD")
    dividend = {"activity_type": "DIV", "id": "d"}
    found = read_export([body([crypto, dividend]), b"{", b"[1]"])
    assert (found.passed, len(found.unreadable)) == (2, 2)
    bad = read_export([body([order_json(qty="x"), activity_json(price="-1")])])
    assert len(bad.unreadable) == 2


def test_the_recorded_pages_are_read_without_a_rest() -> None:
    if not PAYLOADS.is_dir():
        pytest.skip(f"no recordings at {PAYLOADS} (SUREFILL_PAYLOADS)")
    pages = []
    for name in ("activities", "orders"):
        for line in (PAYLOADS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if row["method"] == "GET" and row["status"] == 200:
                pages.append(body(row["response"]))
    found = read_export(pages)
    assert found.unreadable == ()
    parents = parents_of(found.orders, found.fills)
    told = {(one.exec_id, one.last_qty) for one in found.fills}
    executed = sum(qty or 0 for _, qty in told)
    counted = sum(one.qty + sum(c.qty for c in one.closings) for one in parents)
    alone = {one.order_id: one for one in found.orders}
    averaged = sum(
        one.cum_qty
        for one in alone.values()
        if one.avg_px and one.order_id not in {fill.order_id for fill in found.fills}
    )
    assert counted == executed + averaged, "every execution is in exactly one entry or exit"
    assert ORDER_ID not in alone
