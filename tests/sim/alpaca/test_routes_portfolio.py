"""Portfolio history: grid, values from the books, profit against its base."""

from __future__ import annotations

import pytest

from tests.support.bench import SYM, Bench

PATH = "/v2/account/portfolio/history"


@pytest.fixture
def bench() -> Bench:
    """Ten shares bought at 100.01, then marked at 101, 103 and, the next day, 102."""
    bench = Bench()
    bench.quote(SYM, "99.99", "100.01")
    bench.filled()  # 15:00:01
    bench.print_(SYM, "101")
    bench.advance(60_000)
    bench.print_(SYM, "103")
    bench.advance(86_400_000)
    bench.print_(SYM, "102")
    return bench


def test_days_and_the_value_now(bench: Bench) -> None:
    shown = bench.call("GET", f"{PATH}?timeframe=1D").json
    assert shown["timeframe"] == "1D"
    assert shown["equity"] == [100_029.9, 100_019.9]
    assert shown["profit_loss"] == [29.9, 19.9]
    assert shown["profit_loss_pct"] == [0.000299, 0.000199]
    assert (shown["base_value"], shown["base_value_asof"]) == (100_000, "2026-03-02")
    account = bench.call("GET", "/v2/account").json
    assert account["equity"] == "100019.9"


def test_minutes_of_a_day_and_their_base(bench: Bench) -> None:
    shown = bench.call("GET", f"{PATH}?period=2D&timeframe=1Min").json
    first = shown["timestamp"].index(1_772_463_600)  # 15:00 UTC
    assert shown["equity"][first : first + 3] == [100_009.9, 100_029.9, 100_029.9]
    assert shown["equity"][first - 1] == 100_000
    # The second day counts from where the first one ended.
    assert shown["profit_loss"][-1] == -10
    plain = bench.call("GET", f"{PATH}?period=2D&timeframe=1Min&pnl_reset=no_reset").json
    assert plain["profit_loss"][-1] == 19.9
    assert shown["timestamp"][0] == 1_772_461_800  # the opening at 14:30


def test_fees_are_part_of_the_books_and_a_flat_account_is_flat() -> None:
    bench = Bench()
    shown = bench.call("GET", f"{PATH}?period=1D").json
    assert (shown["timeframe"], set(shown["equity"]), set(shown["profit_loss"])) == (
        "1Min",
        {100_000},
        {0},
    )


def test_a_held_share_without_any_price_counts_at_cost(bench: Bench) -> None:
    bench.venue.face.desk.board._states.clear()
    shown = bench.call("GET", f"{PATH}?period=2D&timeframe=1D").json
    assert shown["equity"][0] == 100_000


@pytest.mark.parametrize(
    ("query", "points"),
    [
        ("period=1D&timeframe=1H&extended_hours=true", 7),
        ("period=1D&timeframe=1H&intraday_reporting=continuous", 11),
        ("start=2026-03-02T15:00:00Z&end=2026-03-02T15:04:00Z", 5),
        ("date_end=2026-03-02&timeframe=1D", 1),
        ("period=1W&timeframe=15Min", 29),
        ("start=2027-01-01T00:00:00Z", 0),
    ],
)
def test_periods(bench: Bench, query: str, points: int) -> None:
    answer = bench.call("GET", f"{PATH}?{query}")
    assert answer.status == 200, answer.raw
    assert len(answer.json["timestamp"]) == points


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("period=1Y", "invalid period: 1Y"),
        ("period=0D", "invalid period: 0D"),
        ("timeframe=2Min", "invalid timeframe: 2Min"),
        ("pnl_reset=never", "invalid pnl_reset: never"),
        ("timeframe=1Min&intraday_reporting=often", "invalid intraday_reporting: often"),
        ("start=x", "invalid start: x"),
        (
            "start=2026-03-02T15:00:00Z&period=1D",
            "only two of start, end and period may be specified",
        ),
    ],
)
def test_senseless_questions(bench: Bench, query: str, message: str) -> None:
    assert bench.call("GET", f"{PATH}?{query}").error == (422, 40010001, message)


def test_too_fine(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("surefill.sim.alpaca.routes_portfolio.POINTS_MAX", 10)
    answer = bench.call("GET", f"{PATH}?timeframe=1Min")
    assert answer.error[2] == "timeframe 1Min is too fine for this period"
