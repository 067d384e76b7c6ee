"""What is not offered is refused, in Alpaca's shape, and never an empty success."""

from __future__ import annotations

import pytest

from tests.support.bench import SYM, Bench

UUID = "11111111-1111-4111-8111-111111111111"


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.quote(SYM, "99.99", "100.01")
    return bench


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v2/options/contracts"),
        ("GET", "/v2/options/contracts/AAPL240119C00100000"),
        ("POST", f"/v2/positions/{SYM}/exercise"),
        ("POST", f"/v2/positions/{SYM}/do-not-exercise"),
        ("GET", "/v2/corporate_actions/announcements"),
        ("GET", f"/v2/corporate_actions/announcements/{UUID}"),
        ("GET", "/v1/locates"),
        ("POST", "/v1/locates"),
    ],
)
def test_trading_routes(bench: Bench, method: str, path: str) -> None:
    answer = bench.call(method, path)
    assert answer.error[:2] == (403, 40310000)


@pytest.mark.parametrize(
    "path",
    [
        "/v1beta3/crypto/us/latest/quotes",
        "/v1beta1/options/snapshots",
        "/v1beta1/news",
        "/v1beta1/screener/stocks/movers",
    ],
)
def test_data_routes_have_no_code(bench: Bench, path: str) -> None:
    answer = bench.call("GET", path)
    assert answer.status == 403
    assert set(answer.json) == {"message"}


def test_crypto_orders_name_no_asset(bench: Bench) -> None:
    answer = bench.order(symbol="BTC/USD", time_in_force="gtc")
    assert answer.error == (422, 42210000, 'asset "BTC/USD" not found')
    answer = bench.order(order_class="mleg")
    assert answer.error == (422, 40010001, "invalid order_class")
