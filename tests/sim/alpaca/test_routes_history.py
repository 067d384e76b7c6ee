"""Past quotes, trades and bars: ranges, directions, pages."""

from __future__ import annotations

from typing import Any

import pytest

from surefill.core.market import Print
from tests.support.bench import SYM, Bench


@pytest.fixture
def bench() -> Bench:
    """Two symbols over three minutes; the third minute runs."""
    bench = Bench()
    for minute in range(3):
        for symbol in (SYM, "OTHER"):
            bench.quote(symbol, f"99.9{minute}", "100.01")
            bench.print_(symbol, f"{100 + minute}", "10")
            bench.print_(symbol, f"{101 + minute}", "5")
        bench.advance(60_000 if minute < 2 else 30_000)
    return bench


def pages(bench: Bench, path: str, kind: str) -> list[Any]:
    """All pages of an answer."""
    found, token = [], ""
    for _ in range(50):
        answer = bench.call("GET", f"{path}{token}")
        assert answer.status == 200, answer.raw
        found.append(answer.json[kind])
        if answer.json["next_page_token"] is None:
            return found
        token = f"&page_token={answer.json['next_page_token']}"
    raise AssertionError("endless pages")


@pytest.mark.parametrize("kind", ["quotes", "trades", "bars"])
@pytest.mark.parametrize("sort", ["asc", "desc"])
def test_pages_joined_are_the_whole(bench: Bench, kind: str, sort: str) -> None:
    path = f"/v2/stocks/{kind}?symbols=OTHER,{SYM},NONE&timeframe=1Min&sort={sort}"
    (whole,) = pages(bench, path, kind)
    assert set(whole) == {SYM, "OTHER"}
    times = [row["t"] for row in whole[SYM]]
    assert times == sorted(times, reverse=sort == "desc")
    assert len(times) == {"quotes": 3, "trades": 6, "bars": 2}[kind]
    joined: dict[str, list[Any]] = {}
    for page in pages(bench, f"{path}&limit=2", kind):
        assert sum(len(rows) for rows in page.values()) <= 2
        for symbol, rows in page.items():
            joined.setdefault(symbol, []).extend(rows)
    assert joined == whole


def test_one_symbol_and_its_range(bench: Bench) -> None:
    path = f"/v2/stocks/{SYM}/bars?timeframe=1Min"
    both = bench.call("GET", path).json
    assert (both["symbol"], both["next_page_token"], len(both["bars"])) == (SYM, None, 2)
    first, second = both["bars"]
    assert (first["o"], first["c"], first["v"], first["n"]) == (100, 101, 15, 2)
    later = bench.call("GET", f"{path}&start={second['t']}").json["bars"]
    earlier = bench.call("GET", f"{path}&end={first['t']}").json["bars"]
    assert (later, earlier) == ([second], [first])
    (day,) = bench.call("GET", f"/v2/stocks/{SYM}/bars?timeframe=1Day&start=2026-03-01").json[
        "bars"
    ]
    assert (day["t"], day["v"]) == ("2026-03-02T05:00:00Z", 30)
    assert bench.call("GET", "/v2/stocks/NONE/trades").json["trades"] == []


def test_the_future_is_not_served(bench: Bench) -> None:
    path = f"/v2/stocks/{SYM}/trades?start=2026-03-01&end=2030-01-01"
    assert len(bench.call("GET", path).json["trades"]) == 6
    assert bench.call("GET", f"/v2/stocks/{SYM}/trades?start=2027-01-01").json["trades"] == []


def test_a_changed_print_says_so(bench: Bench) -> None:
    board = bench.venue.face.desk.board
    board.change_print(SYM, 1, Print(90 * 10**9, 10**9, 0, 0))
    board.change_print(SYM, 2, None)
    rows = bench.call("GET", f"/v2/stocks/{SYM}/trades").json["trades"]
    assert [row.get("u") for row in rows[:3]] == ["corrected", "canceled", None]
    assert (rows[0]["p"], rows[0]["i"]) == (90, 1)
    (first, _) = bench.call("GET", f"/v2/stocks/{SYM}/bars?timeframe=1Min").json["bars"]
    assert (first["o"], first["h"], first["v"], first["n"]) == (90, 90, 1, 1)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "timeframe is required"),
        ("timeframe=1Year", "invalid timeframe: 1Year"),
        ("timeframe=1Min&start=monday", "invalid start: monday"),
        ("timeframe=1Min&sort=up", "invalid sort: up"),
        ("timeframe=1Min&page_token=%25%25", "invalid page_token"),
        ("timeframe=1Min&page_token=YWJj", "invalid page_token"),
    ],
)
def test_senseless_questions(bench: Bench, query: str, message: str) -> None:
    answer = bench.call("GET", f"/v2/stocks/{SYM}/bars?{query}")
    assert (answer.status, answer.json["message"]) == (400, message)


def test_limits(bench: Bench) -> None:
    assert bench.call("GET", f"/v2/stocks/{SYM}/trades?limit=10001").status == 422
    assert bench.call("GET", "/v2/stocks/trades").status == 400
