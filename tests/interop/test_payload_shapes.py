"""Our answers have the shape of recorded ones: keys, types, null-ness, status, error body.

For every recorded request (but the v1 data API, retired since) the same kind of request is made
here, in a market that makes the same thing happen, and the answer is compared with the recording.
Values differ (other prices, other ids); what differs in shape is listed in the tables below with
its reason. Recordings are read from ``../shared/payloads`` (or SUREFILL_PAYLOADS), never copied.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.bench import START_NS, Answer, Bench

ROOT = Path(__file__).parents[2]
PAYLOADS = Path(os.environ.get("SUREFILL_PAYLOADS", ROOT.parent / "shared" / "payloads"))

NEWER_KEYS = {
    "order": {"expires_at", "position_intent", "subtag", "source"},
    "order_2020": {"notional", "trail_percent", "trail_price", "hwm"},
    "position": {"asset_marginable", "qty_available"},
    "account": {
        "accrued_fees",
        "admin_configurations",
        "balance_asof",
        "bod_dtbp",
        "crypto_status",
        "crypto_tier",
        "effective_buying_power",
        "intraday_adjustments",
        "non_marginable_buying_power",
        "options_buying_power",
        "pending_reg_taf_fees",
        "position_market_value",
        "user_configurations",
    },
    "asset": {
        "attributes",
        "borrow_status",
        "fractionable",
        "maintenance_margin_requirement",
        "margin_requirement_long",
        "margin_requirement_short",
    },
    "calendar": {"settlement_date"},
    "activity": {"order_status"},
}
"""Keys that came after the recordings (alpaca.md 1.6); ours may have them, theirs need not."""

ALLOWED_NULLS = {
    "lastday_price": "our market has no day before its first; never an invented price",
    "change_today": "follows lastday_price",
}
"""Null in ours, not in theirs."""

STATUS_SPELLINGS = {"accepted": {"pending_new"}, "new": {"pending_new", "new"}}
"""POST and PATCH answer ``pending_new`` since 2026 in regular hours (alpaca.md 2.1, switch U1)."""

SKIPPED_REQUESTS = {
    "ACCOUNT_NUMBER": "a masked recording: its key was capitalised by the masking",
}


def recorded(name: str) -> list[dict[str, Any]]:
    """All lines of one payload file."""
    path = PAYLOADS / f"{name}.jsonl"
    if not path.exists():
        pytest.skip(f"no recorded payloads at {PAYLOADS} (set SUREFILL_PAYLOADS)")
    return [json.loads(line) for line in path.read_text().splitlines()]


def cases(name: str) -> Iterator[dict[str, Any]]:
    """The recorded requests of a file that this version answers."""
    for line in recorded(name):
        text = json.dumps([line["request"], line["response"]])
        if not any(word in text for word in SKIPPED_REQUESTS):
            yield line


def kind_of(value: object) -> str:
    """JSON type, with numbers as text kept apart from other text."""
    if value is None or isinstance(value, bool | int | float | list | dict):
        return type(value).__name__
    text = str(value)
    if text.lstrip("-").replace(".", "", 1).isdigit():
        return "decimal"
    if len(text) > 19 and text[10:11] == "T":
        return "stamp"
    return "text"


def same_keys(ours: dict[str, Any], theirs: dict[str, Any], *newer: str) -> None:
    """Every recorded key is there; what we add is known to be newer."""
    allowed = set().union(*(NEWER_KEYS[name] for name in newer))
    assert set(theirs) <= set(ours), f"missing {set(theirs) - set(ours)}"
    assert set(ours) - set(theirs) <= allowed, f"not in the recording: {set(ours) - set(theirs)}"


def same_types(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Every value is null where theirs is, and of the same JSON type."""
    for key, value in theirs.items():
        mine, recorded_kind = kind_of(ours[key]), kind_of(value)
        if mine == "NoneType" and recorded_kind != mine:
            assert key in ALLOWED_NULLS, f"{key} is null, recorded {value!r}"
        elif key not in ("legs", "name", "symbol", "client_order_id"):
            assert mine == recorded_kind, f"{key}: {ours[key]!r}, recorded {value!r}"


def same_order(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """An order and its legs."""
    same_keys(ours, theirs, "order", *(() if "notional" in theirs else ("order_2020",)))
    same_types(ours, theirs)
    for key in ("order_class", "type", "side", "time_in_force", "extended_hours", "asset_class"):
        assert ours[key] == theirs[key], key
    spellings = STATUS_SPELLINGS.get(theirs["status"], set()) | {theirs["status"]}
    assert ours["status"] in spellings, (ours["status"], theirs["status"])
    assert (ours["legs"] is None) == (theirs["legs"] is None)
    for mine, recorded_leg in zip(ours["legs"] or [], theirs["legs"] or [], strict=True):
        same_order(mine, recorded_leg)


def same_error(answer: Answer, line: dict[str, Any]) -> None:
    """Status, code, message and extra keys of an error."""
    theirs = line["response"]
    assert answer.status == line["status"]
    assert set(answer.json) == set(theirs)
    assert answer.json["code"] == theirs["code"]


def open_bench(symbol: str, price: float, *pairs: str, start_ns: int = START_NS) -> Bench:
    """A market in which `symbol` trades around `price`."""
    bench = Bench(*pairs, start_ns=start_ns)
    bench.quote(symbol, f"{price - 0.01:.2f}", f"{price + 0.01:.2f}")
    bench.print_(symbol, f"{price:.2f}")
    return bench


def rounded(value: str) -> str:
    """A recorded price on today's grid: the recordings predate the sub-penny rule (1.9)."""
    return f"{float(value):.2f}"


def on_grid(request: dict[str, Any]) -> dict[str, Any]:
    """The request with its prices on the tick grid."""
    body = dict(request)
    for key in ("limit_price", "stop_price"):
        if isinstance(body.get(key), str):
            body[key] = rounded(body[key])
    for key in ("take_profit", "stop_loss"):
        if isinstance(body.get(key), dict):
            body[key] = on_grid(body[key])
    return body


PRICES = {"AMZN": 3648.12, "BYND": 140.93, "TSLA": 817.7, "AAPL": 321.0, "LSF": 29.2, "F": 6.0}
JUNE_BRACKET = {"3356.75025": 3197.71}
"""The recorded bracket of June 2021 was entered at another price than those of July."""

ORDER_POSTS = [
    (index, line)
    for index, line in enumerate(cases("orders") if (PAYLOADS / "orders.jsonl").exists() else [])
    if line["method"] == "POST"
]
SUNDAY_NS = START_NS - 86_400 * 10**9


@pytest.mark.parametrize(("index", "line"), ORDER_POSTS)
def test_order_submissions(index: int, line: dict[str, Any]) -> None:
    request = on_grid(line["request"])
    symbol = request["symbol"]
    take_profit = line["request"].get("take_profit", {}).get("limit_price")
    price = JUNE_BRACKET.get(take_profit, PRICES.get(symbol, 100.0))
    is_closed = "2020-05-24" in str(line["response"].get("created_at"))
    bench = open_bench("TSLA", PRICES["TSLA"], start_ns=SUNDAY_NS if is_closed else START_NS)
    if symbol in PRICES:
        bench.quote(symbol, f"{price - 0.01:.2f}", f"{price + 0.01:.2f}")
        bench.print_(symbol, f"{price:.2f}")
    if request["side"] == "sell":
        bench.filled(symbol=symbol, qty="4")
    answer = bench.call("POST", "/v2/orders", request)
    if line["status"] == 200:
        assert answer.status == 200, answer.raw
        same_order(answer.json, line["response"])
    elif line["response"]["message"].startswith("could not find asset"):
        # The older wording is a switch (U18); the default is today's.
        old = Bench("unknown_symbol_code=40010001").call("POST", "/v2/orders", request)
        same_error(old, line)
        assert old.json["message"] == line["response"]["message"]
        assert answer.json["code"] == 42210000
    else:
        same_error(answer, line)
        assert answer.json["message"] == line["response"]["message"]


def order_line(method: str, path_part: str, status: int) -> dict[str, Any]:
    """The first recorded exchange of this kind."""
    return next(
        line
        for line in recorded("orders")
        if line["method"] == method and path_part in line["path"] and line["status"] == status
    )


def test_order_errors() -> None:
    bench = open_bench("TSLA", 817.7)
    for line in cases("orders"):
        if line["method"] != "POST" and line["status"] in (404, 422) and not line["request"]:
            answer = bench.call(line["method"], line["path"])
            same_error(answer, line)
            assert answer.json["message"] == line["response"]["message"]


def test_a_patch_too_early() -> None:
    line = order_line("PATCH", "/v2/orders/", 422)
    bench = open_bench("AAPL", 321.0, start_ns=SUNDAY_NS)
    order = bench.order(symbol="AAPL", qty="1").json
    answer = bench.call("PATCH", f"/v2/orders/{order['id']}", {"qty": 3})
    same_error(answer, line)
    assert answer.json["message"] == line["response"]["message"]


def test_a_patch() -> None:
    line = order_line("PATCH", "/v2/orders/", 200)
    bench = open_bench("AMZN", 3648.12)
    bench.filled(symbol="AMZN", qty="2")
    stop = bench.filled(symbol="AMZN", qty="2", side="sell", type="stop", stop_price="3465.55")
    assert stop["status"] == "new"
    answer = bench.call("PATCH", f"/v2/orders/{stop['id']}", {"qty": "1", "stop_price": "3465.5"})
    assert answer.status == 200, answer.raw
    same_order(answer.json, line["response"])
    assert answer.json["replaces"] == stop["id"]


def test_single_cancels() -> None:
    line = order_line("DELETE", "/v2/orders/", 204)
    bench = open_bench("AMZN", 3648.12)
    order = bench.filled(symbol="AMZN", type="limit", limit_price="3000", qty="1")
    answer = bench.call("DELETE", f"/v2/orders/{order['id']}")
    assert (answer.status, answer.raw) == (line["status"], b"")


def test_cancel_all() -> None:
    lines = [x for x in recorded("orders") if x["method"] == "DELETE" and x["status"] == 207]
    bench = open_bench("BYND", 140.93)
    bench.filled(symbol="BYND", qty="2", order_class="oto", stop_loss={"stop_price": "135.23"})
    bench.filled(symbol="BYND", type="limit", limit_price="100", qty="1")
    answer = bench.call("DELETE", "/v2/orders")
    assert answer.status == 207
    by_class = {item["body"]["order_class"]: item for item in answer.json}
    compared = 0
    for line in lines:
        for item in line["response"]:
            mine = by_class.get(item["body"]["order_class"])
            if mine is None or item["body"]["type"] == "trailing_stop":
                continue
            assert set(mine) == set(item)
            assert mine["status"] == item["status"] == 200
            newer = () if "notional" in item["body"] else ("order_2020",)
            same_keys(mine["body"], item["body"], "order", *newer)
            compared += 1
    assert compared >= 2
    oto = by_class["oto"]
    # A leg's item carries the leg's id, but its parent with the nested legs as body (recorded).
    assert oto["id"] == oto["body"]["legs"][0]["id"]
    assert oto["body"]["status"] == "filled"


def test_order_reads() -> None:
    bench = open_bench("AMZN", 3648.12)
    filled = bench.filled(symbol="AMZN", qty="2")
    for line in cases("orders"):
        if line["method"] != "GET" or line["status"] != 200:
            continue
        if "by_client_order_id" in line["path"]:
            path = f"/v2/orders:by_client_order_id?client_order_id={filled['client_order_id']}"
        elif "?" not in line["path"]:
            path = f"/v2/orders/{filled['id']}"
        else:
            path = line["path"]
        answer = bench.call("GET", path)
        assert answer.status == 200
        theirs = line["response"] if isinstance(line["response"], list) else [line["response"]]
        mine = answer.json if isinstance(answer.json, list) else [answer.json]
        for row, other in list(zip(mine, theirs, strict=False))[:1]:
            same_keys(row, other, "order", *(() if "notional" in other else ("order_2020",)))
            if other["status"] == row["status"]:
                same_types(row, other)


def test_positions() -> None:
    bench = open_bench("AMZN", 3648.12)
    bench.filled(symbol="AMZN", qty="2")
    for line in cases("positions"):
        if line["method"] != "GET":
            continue
        if line["status"] == 404:
            answer = bench.call("GET", "/v2/positions/LSF")
            same_error(answer, line)
            assert answer.json == line["response"]
            continue
        is_list = isinstance(line["response"], list)
        answer = bench.call("GET", "/v2/positions" if is_list else "/v2/positions/AMZN")
        assert answer.status == 200
        mine = answer.json[0] if is_list else answer.json
        for theirs in line["response"] if is_list else [line["response"]]:
            same_keys(mine, theirs, "position")
            same_types(mine, theirs)


def test_closing_positions() -> None:
    for line in cases("positions"):
        if line["method"] != "DELETE" or "/v2/positions/" not in line["path"]:
            continue
        is_closed = "2020" in line["recorded"]
        bench = open_bench("AMZN", 3197.71, "post_status=accepted")
        bench.quote("AAPL", "321.00", "321.02")
        if line["status"] == 200:
            symbol = line["response"]["symbol"]
            bench.filled(symbol=symbol, qty=line["response"]["qty"])
            if is_closed:
                bench.advance(7 * 3600 * 1000)
        answer = bench.call("DELETE", line["path"])
        assert answer.status == line["status"]
        if line["status"] == 200:
            same_order(answer.json, line["response"])
        else:
            assert answer.json == line["response"]


def test_close_all_with_cancel_does_not_wait_for_the_release() -> None:
    line = next(x for x in recorded("positions") if "cancel_orders" in x["path"])
    bench = open_bench("AMZN", 3197.71)
    bench.filled(
        symbol="AMZN",
        qty="1",
        order_class="bracket",
        take_profit={"limit_price": "3356.75"},
        stop_loss={"limit_price": "3037.05", "stop_price": "3069.02"},
    )
    answer = bench.call("DELETE", line["path"])
    assert answer.status == line["status"] == 207
    for mine, theirs in zip(answer.json, line["response"], strict=True):
        assert set(mine) == set(theirs)
        assert mine["status"] == theirs["status"]
    order, refusal = answer.json
    same_keys(order["body"], line["response"][0]["body"], "order")
    theirs = line["response"][1]["body"]
    assert set(refusal["body"]) == set(theirs)
    assert refusal["body"]["message"] == theirs["message"]
    assert refusal["body"]["related_orders"] == [order["symbol"]]


def test_close_all_in_a_closed_market() -> None:
    line = next(
        x for x in recorded("positions") if x["path"] == "/v2/positions" and x["status"] == 207
    )
    bench = open_bench("TSLA", 886.5)
    bench.filled(symbol="TSLA", qty="5")
    bench.advance(7 * 3600 * 1000)
    answer = bench.call("DELETE", "/v2/positions")
    assert answer.status == 207
    mine, theirs = answer.json[0], line["response"][0]
    assert set(mine) == set(theirs)
    same_order(mine["body"], theirs["body"])


def test_account() -> None:
    bench = Bench()
    for line in cases("account"):
        if line["status"] == 200:
            mine = bench.call("GET", "/v2/account").json
            same_keys(mine, line["response"], "account")
            same_types(mine, line["response"])
        else:
            bench.call("GET", "/v2/account")
            answer = bench.call("GET", "/v2/account", secret="wrong")
            same_error(answer, line)
            assert answer.json == line["response"]


def test_clock() -> None:
    bench = Bench(start_ns=SUNDAY_NS + 123_456_789)
    for line in cases("clock"):
        mine = bench.call("GET", "/v2/clock").json
        same_keys(mine, line["response"])
        same_types(mine, line["response"])
        assert mine["is_open"] is line["response"]["is_open"] is False
        assert [len(mine[key]) for key in mine if key != "is_open"] == [35, 25, 25]


def test_calendar() -> None:
    bench = Bench()
    for line in cases("calendar"):
        mine = bench.call("GET", line["path"]).json
        theirs = line["response"]
        assert [day["date"] for day in mine] == [day["date"] for day in theirs]
        for day, other in zip(mine, theirs, strict=True):
            same_keys(day, other, "calendar")
            assert (day["open"], day["close"]) == (other["open"], other["close"])
            # Session hours have been 04:00-20:00 since; the form is the same.
            assert len(day["session_open"]) == len(other["session_open"])


def test_assets() -> None:
    bench = open_bench("TSLA", 817.7)
    for line in cases("assets"):
        if line["status"] == 404:
            answer = bench.call("GET", line["path"])
            same_error(answer, line)
            assert answer.json == line["response"]
        else:
            mine = bench.call("GET", "/v2/assets/TSLA").json
            same_keys(mine, line["response"], "asset")
            same_types(mine, line["response"])


def test_fill_activities() -> None:
    bench = open_bench("AMZN", 3220.88)
    bench.filled(symbol="AMZN", qty="1")
    compared = 0
    for line in cases("activities"):
        if line["status"] != 200:
            answer = bench.call("GET", line["path"])
            same_error(answer, line)
            assert answer.json == line["response"]
            continue
        mine = bench.call("GET", "/v2/account/activities/FILL").json[0]
        for theirs in line["response"]:
            if theirs["activity_type"] == "FILL":
                same_keys(mine, theirs, "activity")
                same_types(mine, theirs)
                prefix, _, exec_id = theirs["id"].partition("::")
                assert [len(prefix), len(exec_id)] == [len(x) for x in mine["id"].split("::")]
                compared += 1
    assert compared > 20


def test_configurations() -> None:
    bench = Bench()
    newer = {
        "ptp_no_exception_entry",
        "disable_overnight_trading",
        "max_options_trading_level",
        "max_margin_multiplier",
        "fractional_trading",
    }
    for line in cases("configurations"):
        answer = bench.call(line["method"], line["path"], line["request"])
        assert answer.status == line["status"] == 200, answer.raw
        mine, theirs = answer.json, line["response"]
        assert set(theirs) <= set(mine)
        assert set(mine) - set(theirs) <= newer
        same_types(mine, theirs)


def watch(bench: Bench, name: str, symbols: list[str]) -> str:
    """A watchlist of this name; returns its id."""
    return str(bench.call("POST", "/v2/watchlists", {"name": name, "symbols": symbols}).json["id"])


def test_watchlists() -> None:
    """Every recorded request, made of a venue in the state the recording shows."""
    compared = 0
    for line in cases("watchlists"):
        bench = Bench()
        for symbol in ("AAPL", "FB", "AMZN", "NFLX", "GOOG", "GOOGL", "TSLA", "F"):
            bench.quote(symbol, "99.99", "100.01")
        path, request = line["path"], line["request"]
        was_there = line["status"] in (200, 204) and path != "/v2/watchlists"
        if was_there and "by_name" in path:
            watch(bench, path.split("name=")[1], ["AAPL", "GOOGL"])
        elif was_there:
            old_id = path.split("/")[3]
            path = path.replace(old_id, watch(bench, "Watchlist to make money", ["F"]))
        elif line["method"] == "GET":
            watch(bench, "Primary", [])
        answer = bench.call(line["method"], path, request)
        compared += 1
        if line["status"] in (404, 422):
            same_error(answer, line)
            assert answer.json == line["response"]
            continue
        assert answer.status == line["status"], answer.raw
        if line["status"] == 204:
            assert answer.raw == b""
            continue
        mine = answer.json if isinstance(answer.json, list) else [answer.json]
        theirs = line["response"] if isinstance(line["response"], list) else [line["response"]]
        same_keys(mine[0], theirs[0])
        same_types(mine[0], theirs[0])
        for ours, other in zip(
            mine[0].get("assets", []), theirs[0].get("assets", []), strict=False
        ):
            same_keys(ours, other, "asset")
            same_types(ours, other)
        if line["method"] == "PUT":
            wanted = [row["symbol"] for row in theirs[0]["assets"]]
            assert [row["symbol"] for row in mine[0]["assets"]] == wanted
    assert compared == len(recorded("watchlists"))


NEWER_DATA_KEYS = {"n", "vw", "z"}
"""Bars have count and volume-weighted price since 2021, quotes their tape."""


def same_data(ours: Any, theirs: Any) -> None:
    """Market data: same keys all the way down; a JSON number is whole or not by its value."""
    if isinstance(theirs, dict):
        assert set(theirs) <= set(ours)
        assert set(ours) - set(theirs) <= NEWER_DATA_KEYS
        for key, value in theirs.items():
            same_data(ours[key], value)
    elif isinstance(theirs, list):
        assert isinstance(ours, list)
        assert bool(ours) == bool(theirs)
        for mine, other in zip(ours, theirs, strict=False):
            same_data(mine, other)
    elif isinstance(theirs, int | float):
        assert isinstance(ours, int | float)
    else:
        assert kind_of(ours) == kind_of(theirs)


def test_market_data() -> None:
    compared = 0
    for line in cases("market_data"):
        if not line["path"].startswith("/v2/stocks/"):
            continue
        bench = Bench()
        for _ in range(2):
            for symbol in ("AMZN", "SPOT", "BYND"):
                bench.quote(symbol, "99.99", "100.01")
                bench.print_(symbol, "100.005")
            bench.advance(60_000)
            bench.advance(86_340_000)
        for symbol in ("AMZN", "SPOT", "BYND"):
            bench.print_(symbol, "100.005")
        bench.advance(60_000)
        path, _, query = line["path"].partition("?")
        kept = [pair for pair in query.split("&") if not pair.startswith(("start=", "end="))]
        is_empty = line["response"].get("bars") == []
        kept.append("start=2026-01-01" + ("&end=2026-01-02" if is_empty else ""))
        answer = bench.call("GET", f"{path}?{'&'.join(kept)}")
        assert answer.status == line["status"] == 200, answer.raw
        same_data(answer.json, line["response"])
        compared += 1
    assert compared == 19
