"""Positions, account, configurations, activities."""

from __future__ import annotations

import pytest

from tests.support.bench import SYM, Bench

DAY_MS = 86_400_000


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.quote(SYM, "99.99", "100.01", "100000")
    return bench


def test_positions_by_symbol_and_by_asset(bench: Bench) -> None:
    bench.filled()
    (row,) = bench.call("GET", "/v2/positions").json
    assert row["qty"] == "10"
    by_id = bench.call("GET", f"/v2/positions/{row['asset_id']}")
    assert by_id.json == bench.call("GET", f"/v2/positions/{SYM}").json == row
    assert bench.call("GET", "/v2/positions/NONE").error == (
        404,
        40410000,
        "position does not exist",
    )


@pytest.mark.parametrize(
    ("query", "left"), [("?qty=4", "6"), ("?percentage=50", "5"), ("?percentage=33.3", "6.67")]
)
def test_parts_are_closed(bench: Bench, query: str, left: str) -> None:
    bench.filled()
    assert bench.call("DELETE", f"/v2/positions/{SYM}{query}").status == 200
    bench.advance()
    assert bench.call("GET", f"/v2/positions/{SYM}").json["qty"] == left


def test_a_short_is_closed_by_buying(bench: Bench) -> None:
    bench.filled(side="sell")
    assert bench.call("GET", f"/v2/positions/{SYM}").json["side"] == "short"
    order = bench.call("DELETE", f"/v2/positions/{SYM}").json
    assert (order["side"], order["qty"], order["type"]) == ("buy", "10", "market")
    bench.advance()
    assert bench.call("GET", "/v2/positions").json == []


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("?qty=1&percentage=1", "only one of qty or percentage is accepted"),
        ("?qty=0", "qty must be > 0"),
        ("?qty=x", "invalid qty"),
        ("?percentage=0", "percentage must be between 0 and 100"),
        ("?percentage=101", "percentage must be between 0 and 100"),
    ],
)
def test_senseless_parts(bench: Bench, query: str, message: str) -> None:
    bench.filled()
    assert bench.call("DELETE", f"/v2/positions/{SYM}{query}").error == (422, 40010001, message)


def test_close_all_lists_what_it_did_and_what_it_could_not(bench: Bench) -> None:
    bench.quote("OTHER", "9.99", "10.01")
    bench.filled()
    bench.filled(symbol="OTHER")
    bench.filled(symbol="OTHER", side="sell", type="limit", limit_price="11")
    items = bench.call("DELETE", "/v2/positions").json
    assert [(item["symbol"], item["status"]) for item in items] == [(SYM, 200), ("OTHER", 403)]
    with_cancel = bench.call("DELETE", "/v2/positions?cancel_orders=True").json
    assert len(with_cancel) == 2
    assert with_cancel[0]["body"]["symbol"] == "OTHER"


def test_the_account_shows_its_own_settings(bench: Bench) -> None:
    account = bench.call("GET", "/v2/account").json
    assert (account["shorting_enabled"], account["trade_suspended_by_user"]) == (True, False)
    change = {"no_shorting": True, "suspend_trade": True, "max_margin_multiplier": 4}
    answer = bench.call("PATCH", "/v2/account/configurations", change)
    assert answer.json["no_shorting"]
    account = bench.call("GET", "/v2/account").json
    assert (account["shorting_enabled"], account["trade_suspended_by_user"]) == (False, True)


@pytest.mark.parametrize(
    "change",
    [
        {"dtbp_check": "never"},
        {"no_shorting": "yes"},
        {"max_margin_multiplier": "3"},
        {"max_options_trading_level": 2},
        {"colour": "red"},
    ],
)
def test_settings_change_all_or_nothing(bench: Bench, change: dict[str, object]) -> None:
    before = bench.call("GET", "/v2/account/configurations").json
    answer = bench.call(
        "PATCH", "/v2/account/configurations", {"trade_confirm_email": "none", **change}
    )
    assert answer.status == 422
    assert bench.call("GET", "/v2/account/configurations").json == before


def test_settings_bind_the_account(bench: Bench) -> None:
    path = "/v2/account/configurations"
    assert bench.call("PATCH", path, {"no_shorting": True}).json["no_shorting"]
    refused = bench.order(side="sell")
    assert refused.error == (403, 40310000, "account is not allowed to short")
    bench.call("PATCH", path, {"no_shorting": False, "fractional_trading": False})
    refused = bench.order(qty="1.5")
    message = "fractional trading is disabled for this account"
    assert refused.error == (403, 40310000, message)
    bench.call("PATCH", path, {"suspend_trade": True, "max_margin_multiplier": None})
    assert bench.order().error[:2] == (403, 40310000)
    assert not bench.call("GET", "/v2/account").json["trading_blocked"]
    answer = bench.call("PATCH", path, {"suspend_trade": False, "max_margin_multiplier": 1})
    assert answer.json["max_margin_multiplier"] == "1"
    account = bench.call("GET", "/v2/account").json
    assert (account["multiplier"], account["buying_power"]) == ("1", "100000")


def test_activities_page_in_both_directions(bench: Bench) -> None:
    for _ in range(5):
        bench.filled(qty="1")
    everything = bench.call("GET", "/v2/account/activities/FILL").json
    assert len(everything) == 5
    path = "/v2/account/activities?activity_types=FILL&page_size=2"
    seen = bench.call("GET", path).json
    while len(seen) < 5:
        seen += bench.call("GET", f"{path}&page_token={seen[-1]['id']}").json
    assert seen == everything
    oldest_first = bench.call("GET", "/v2/account/activities?direction=asc").json
    assert oldest_first == everything[::-1]


def test_activities_by_time_and_day(bench: Bench) -> None:
    bench.filled(qty="1")
    bench.advance(DAY_MS)
    bench.filled(qty="2")
    base = "/v2/account/activities/FILL"
    newest, oldest = bench.call("GET", base).json
    after = bench.call("GET", f"{base}?after={oldest['transaction_time']}").json
    until = bench.call("GET", f"{base}?until={newest['transaction_time']}").json
    day = bench.call("GET", f"{base}?date=2026-03-02").json
    assert (after, until, day) == ([newest], [oldest], [oldest])


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("/FFFFF", "invalid activity type: FFFFF"),
        ("?date=2026-03-02&after=2026-03-01", "date cannot be combined with after or until"),
        ("?direction=up", "invalid direction: up"),
        ("?page_size=101", "page_size must be between 1 and 100"),
        ("?page_token=nothing", "invalid page_token"),
    ],
)
def test_wrong_questions(bench: Bench, query: str, message: str) -> None:
    answer = bench.call("GET", f"/v2/account/activities{query}")
    assert answer.error == (422, 40010001, message)


def test_other_activities_are_empty(bench: Bench) -> None:
    bench.filled()
    assert bench.call("GET", "/v2/account/activities/DIV").json == []
