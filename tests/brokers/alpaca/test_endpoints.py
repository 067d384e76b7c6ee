"""The keys go to Alpaca's hosts and to this machine, nowhere else."""

from __future__ import annotations

import pytest

from surefill.brokers.alpaca.endpoints import EndpointError, endpoints_of, plays_own_time
from surefill.core.fix import Feed


@pytest.mark.parametrize("base", ["https://paper-api.alpaca.markets", "https://api.alpaca.markets"])
@pytest.mark.parametrize("end", ["", "/", "/v2", "/v2/"])
def test_alpacas_own_hosts(base: str, end: str) -> None:
    found = endpoints_of(base + end, feed=Feed.IEX)
    assert found.trading_url == base
    assert found.data_url == "https://data.alpaca.markets"
    assert found.order_stream_url == base.replace("https", "wss") + "/stream"
    assert found.market_stream_url == "wss://stream.data.alpaca.markets/v2/iex"
    assert not found.shares_budget


@pytest.mark.parametrize("host", ["127.0.0.1:8700", "localhost:8700", "[::1]:8700"])
def test_a_local_exchange_is_all_four(host: str) -> None:
    found = endpoints_of(f"http://{host}", feed=Feed.TEST)
    assert found.trading_url == found.data_url == f"http://{host}"
    assert found.order_stream_url == f"ws://{host}/stream"
    assert found.market_stream_url == f"ws://{host}/v2/test"
    assert found.shares_budget


def test_an_encrypted_local_exchange_stays_encrypted() -> None:
    found = endpoints_of("https://localhost:8443", feed=Feed.SIP)
    assert found.order_stream_url == "wss://localhost:8443/stream"
    assert found.market_stream_url == "wss://localhost:8443/v2/sip"


def test_data_and_stream_may_stand_beside_it() -> None:
    found = endpoints_of(
        "https://api.alpaca.markets",
        feed=Feed.SIP,
        data_url="http://127.0.0.1:9000",
        stream_url="ws://127.0.0.1:9001",
    )
    assert found.data_url == "http://127.0.0.1:9000"
    assert found.market_stream_url == "ws://127.0.0.1:9001/v2/sip"


@pytest.mark.parametrize(
    "url",
    [
        "http://api.alpaca.markets",
        "https://api.alpaca.markets:8443",
        "https://api.alpaca.markets.evil.example",
        "https://evil.example",
        "https://10.0.0.5:8700",
        "https://user:password@api.alpaca.markets",
        "https://api.alpaca.markets/elsewhere",
        "https://api.alpaca.markets?x=1",
        "https://api.alpaca.markets#x",
        "ftp://127.0.0.1",
        "https://api.alpaca.markets:port",
        "https://[",
        "",
    ],
)
def test_any_other_address_is_refused(url: str) -> None:
    with pytest.raises(EndpointError):
        endpoints_of(url, feed=Feed.IEX)


@pytest.mark.parametrize(
    ("data", "stream"),
    [("https://evil.example", None), (None, "wss://evil.example"), (None, "https://127.0.0.1")],
)
def test_the_side_addresses_are_held_to_the_same(data: str | None, stream: str | None) -> None:
    with pytest.raises(EndpointError):
        endpoints_of("https://api.alpaca.markets", feed=Feed.IEX, data_url=data, stream_url=stream)


def test_only_this_machine_may_play_another_day() -> None:
    assert plays_own_time("127.0.0.1")
    assert plays_own_time("localhost")
    assert not plays_own_time("api.alpaca.markets")
