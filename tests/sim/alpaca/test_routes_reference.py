"""Assets, clock and calendar."""

from __future__ import annotations

import pytest

from surefill.sim.assets import Asset
from tests.support.bench import SYM, Bench


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.quote(SYM, "99.99", "100.01")
    bench.exchange.assets.put(
        Asset(symbol="BTC/USD", exchange="CRYPTO", active=False, easy_to_borrow=False)
    )
    return bench


def test_assets_by_symbol_by_id_and_with_a_slash(bench: Bench) -> None:
    asset = bench.call("GET", f"/v2/assets/{SYM}").json
    assert (asset["class"], asset["status"], asset["borrow_status"]) == (
        "us_equity",
        "active",
        "easy_to_borrow",
    )
    assert bench.call("GET", f"/v2/assets/{asset['id']}").json == asset
    assert bench.call("GET", "/v2/assets/BTC/USD").json["symbol"] == "BTC/USD"
    assert bench.call("GET", "/v2/assets/NONE").error[2] == "asset not found for NONE"


@pytest.mark.parametrize(
    ("query", "symbols"),
    [
        ("", [SYM, "BTC/USD"]),
        ("?status=active", [SYM]),
        ("?status=inactive", ["BTC/USD"]),
        ("?status=all&exchange=CRYPTO", ["BTC/USD"]),
        ("?asset_class=us_equity&status=active", [SYM]),
        ("?asset_class=crypto", []),
        ("?attributes=ptp", []),
    ],
)
def test_assets_are_filtered(bench: Bench, query: str, symbols: list[str]) -> None:
    rows = bench.call("GET", f"/v2/assets{query}").json
    assert [row["symbol"] for row in rows] == symbols


def test_the_clock_follows_the_venue(bench: Bench) -> None:
    assert bench.call("GET", "/v2/clock").json["is_open"]
    bench.advance(6 * 3_600_000)
    clock = bench.call("GET", "/v2/clock").json
    assert clock["timestamp"] == "2026-03-02T16:00:00-05:00"
    assert (clock["is_open"], clock["next_open"]) == (False, "2026-03-03T09:30:00-05:00")


def test_half_days_and_settlement(bench: Bench) -> None:
    days = bench.call("GET", "/v2/calendar?start=2026-11-25&end=2026-11-27").json
    assert [(day["date"], day["close"]) for day in days] == [
        ("2026-11-25", "16:00"),
        ("2026-11-27", "13:00"),
    ]
    assert [day["settlement_date"] for day in days] == ["2026-11-27", "2026-11-30"]


def test_days_may_come_as_times(bench: Bench) -> None:
    path = "/v2/calendar?start=2026-03-02T23:00:00-05:00&end=2026-03-03T01:00:00-05:00"
    assert [day["date"] for day in bench.call("GET", path).json] == ["2026-03-02", "2026-03-03"]


def test_the_end_of_a_year_and_of_a_short_month(bench: Bench) -> None:
    days = bench.call("GET", "/v2/calendar?start=2025-12-31&end=2026-01-31").json
    assert (days[0]["date"], days[-1]["date"]) == ("2025-12-31", "2026-01-30")
    assert days[-1]["settlement_date"] == "2026-02-02"


def test_days_by_the_date_they_settle_on(bench: Bench) -> None:
    def settled(start: str, end: str) -> list[tuple[str, str]]:
        path = f"/v2/calendar?start={start}&end={end}&date_type=SETTLEMENT"
        days = bench.call("GET", path).json
        return [(day["date"], day["settlement_date"]) for day in days]

    assert settled("2026-11-27", "2026-11-30") == [
        ("2026-11-25", "2026-11-27"),
        ("2026-11-27", "2026-11-30"),
    ]
    assert settled("2026-01-02", "2026-01-02") == [("2025-12-31", "2026-01-02")]
    assert settled("2026-03-31", "2026-03-31") == [("2026-03-30", "2026-03-31")]
    wrong = bench.call("GET", "/v2/calendar?date_type=MOON").error
    assert wrong == (422, 40010001, "invalid date_type")


def test_wrong_and_empty_ranges(bench: Bench) -> None:
    assert bench.call("GET", "/v2/calendar?start=2026-03-03&end=2026-03-02").json == []
    assert bench.call("GET", "/v2/calendar?start=soon").error == (
        422,
        40010001,
        "invalid start: soon",
    )
