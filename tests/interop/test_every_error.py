"""Every documented error of every public method of alpaca-py's two REST clients.

Any method may be answered 401 (wrong keys), 429 (request limit) and 500 (the broker's own trouble);
the table below holds what is particular to one. A method that stands in no table fails the test. A
refused request leaves nothing but its refusal in the exchange's log.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from alpaca.data.historical.stock import StockHistoricalDataClient
from alpaca.trading.client import TradingClient

from tests.interop.error_rows import ANY, DATA, OWN, Scene
from tests.interop.official import Truth, error_of, public
from tests.support.exchange_server import RunningExchange

pytestmark = pytest.mark.filterwarnings(
    # alpaca-py deprecates methods of its own; they are public all the same.
    "ignore::DeprecationWarning"
)
CASES = [(name, n) for name, rows in OWN.items() for n in range(len(rows))]


def trading(exchange: RunningExchange, key: str, secret: str = "secret") -> Any:
    """A client that does not wait and try again."""
    client = TradingClient(key, secret, url_override=exchange.url)
    client._retry = 0
    return client


def data_client(exchange: RunningExchange, key: str, secret: str = "secret") -> Any:
    """The same for market data."""
    client = StockHistoricalDataClient(key, secret, url_override=exchange.url)
    client._retry = 0
    return client


def test_every_public_method_is_in_the_tables() -> None:
    assert set(ANY) == public(TradingClient)
    assert set(OWN) <= set(ANY)
    assert set(DATA) == public(StockHistoricalDataClient)


@pytest.mark.parametrize(("name", "number"), CASES)
def test_an_error_of_its_own(
    exchange: RunningExchange, symbol: str, name: str, number: int
) -> None:
    prepare, status, code, message = OWN[name][number]
    key = f"{name}-{number}"
    act = prepare(Scene(trading(exchange, key), symbol))
    truth = Truth(exchange, key)
    before = truth.lines()
    told = error_of(act)
    assert told[:2] == (status, code)
    assert told[2].startswith(message), told[2]
    added = {line["kind"] for line in truth.lines()[len(before) :]}
    assert added <= {"account", "refused", "share_release"}


def refuses_anything(exchange: RunningExchange, act: Callable[[Any], Any], made: Any) -> None:
    """401, 429 and 500 for one method. ``made(secret)`` gives a client."""
    assert error_of(lambda: act(made("guess")))[:2] == (401, 40110000)
    exchange.arm("N4")
    assert error_of(lambda: act(made("secret")))[0] == 429
    exchange.arm("N3", params={"status": 500})
    assert error_of(lambda: act(made("secret")))[0] == 500


@pytest.mark.parametrize("name", sorted(ANY))
def test_wrong_keys_the_request_limit_and_trouble(exchange: RunningExchange, name: str) -> None:
    trading(exchange, "any").get_account()
    refuses_anything(exchange, ANY[name], lambda secret: trading(exchange, "any", secret))


@pytest.mark.parametrize("name", sorted(DATA))
def test_the_same_for_market_data(exchange: RunningExchange, name: str) -> None:
    trading(exchange, "any").get_account()
    act = DATA[name]
    refuses_anything(
        exchange, lambda c: act(c, "ANY"), lambda secret: data_client(exchange, "any", secret)
    )


@pytest.mark.parametrize("name", sorted(DATA))
def test_a_data_request_without_a_symbol(exchange: RunningExchange, name: str) -> None:
    assert error_of(lambda: DATA[name](data_client(exchange, "symbols"), ""))[0] == 400
