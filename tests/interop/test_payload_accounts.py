"""Positions, account, world, watchlists and market data have the shape of recorded answers.

As `test_payload_shapes`, for everything that is not an order. The v1 data API is retired since.
"""

from __future__ import annotations

from typing import Any

from tests.interop.payloads import (
    SUNDAY_NS,
    cases,
    kind_of,
    open_bench,
    recorded,
    same_error,
    same_keys,
    same_order,
    same_types,
)
from tests.support.bench import Bench


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
