"""Latest quotes, trades, bars and snapshots, for one symbol and for many."""

from __future__ import annotations

import pytest

from tests.support.bench import SYM, Bench


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.quote(SYM, "99.99", "100.01", "300")
    bench.print_(SYM, "100", "42")
    bench.quote("QUIET", "1", "2")
    return bench


def test_many_leave_out_the_silent(bench: Bench) -> None:
    path = f"/v2/stocks/quotes/latest?symbols={SYM},QUIET,NONE"
    quotes = bench.call("GET", path).json["quotes"]
    assert set(quotes) == {SYM, "QUIET"}
    assert quotes[SYM] == {
        "t": "2026-03-02T15:00:00Z",
        "bx": "V",
        "bp": 99.99,
        "bs": 300,
        "ax": "V",
        "ap": 100.01,
        "as": 300,
        "c": ["R"],
        "z": "C",
    }
    trades = bench.call("GET", f"/v2/stocks/trades/latest?symbols={SYM},QUIET").json["trades"]
    assert list(trades) == [SYM]
    assert trades[SYM]["s"] == 42


def test_one(bench: Bench) -> None:
    assert bench.call("GET", f"/v2/stocks/{SYM}/quotes/latest").json["quote"]["bp"] == 99.99
    assert bench.call("GET", f"/v2/stocks/{SYM}/trades/latest").json["trade"]["p"] == 100
    assert bench.call("GET", f"/v2/stocks/{SYM}/bars/latest").status == 404
    bench.advance(60_000)
    bar = bench.call("GET", f"/v2/stocks/{SYM}/bars/latest").json
    assert (bar["symbol"], bar["bar"]["v"], bar["bar"]["vw"]) == (SYM, 42, 100)
    for path in ("NONE/quotes", "QUIET/trades", "QUIET/bars"):
        symbol = path.partition("/")[0]
        assert bench.call("GET", f"/v2/stocks/{path}/latest").error == (
            404,
            40410000,
            f"symbol not found: {symbol}",
        )


def test_snapshots(bench: Bench) -> None:
    both = bench.call("GET", f"/v2/stocks/snapshots?symbols={SYM},QUIET").json
    assert both[SYM]["dailyBar"]["o"] == 100
    assert both["QUIET"]["latestTrade"] is None
    bench.print_("PRINTED", "5")
    printed = bench.call("GET", "/v2/stocks/snapshots?symbols=PRINTED").json["PRINTED"]
    assert printed["latestQuote"] is None
    one = bench.call("GET", f"/v2/stocks/{SYM}/snapshot").json
    assert one["symbol"] == SYM
    assert (one["minuteBar"], one["prevDailyBar"]) == (None, None)
    bench.advance(86_400_000)
    bench.print_(SYM, "101", "1")
    later = bench.call("GET", f"/v2/stocks/{SYM}/snapshot").json
    assert (later["minuteBar"]["v"], later["prevDailyBar"]["t"]) == (42, "2026-03-02T05:00:00Z")
    assert bench.call("GET", "/v2/stocks/NONE/snapshot").status == 404


def test_somebody_must_be_named(bench: Bench) -> None:
    assert bench.call("GET", "/v2/stocks/quotes/latest").error == (
        400,
        40010001,
        "at least one symbol is required",
    )
