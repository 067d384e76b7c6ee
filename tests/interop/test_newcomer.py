"""The newcomer's page, followed to the letter: its commands and its program, on a real exchange."""

from __future__ import annotations

import http.client
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from alpaca.trading.enums import QueryOrderStatus
from alpaca.trading.requests import GetOrdersRequest

from surefill.sim.alpaca.app import ExchangeConfig
from tests.support.exchange_server import OPEN_NS, RunningExchange, wait_until

PAGE = (Path(__file__).parents[2] / "docs" / "exchange.md").read_text(encoding="utf-8")
FIRST = PAGE.partition("## Your first five minutes")[2].partition("\n## ")[0]
PROGRAM = dedent(FIRST.partition("   ```python\n")[2].partition("   ```")[0])
EVERY = GetOrdersRequest(status=QueryOrderStatus.ALL)
THERE = "http://127.0.0.1:8700"


def commands() -> list[list[str]]:
    """Every ``curl`` of the page, as words."""
    joined = FIRST.replace("\\\n", " ")
    return [
        shlex.split(line.strip(), comments=True)
        for line in joined.splitlines()
        if line.strip().startswith("curl ")
    ]


@pytest.fixture
def exchange() -> Iterator[RunningExchange]:
    """One of our own, without a market."""
    with RunningExchange(ExchangeConfig(start_ns=OPEN_NS)) as running:
        yield running


def run(exchange: RunningExchange, words: list[str]) -> bytes:
    """What ``curl`` would do."""
    url = next(word for word in words if word.startswith("http"))
    assert url.startswith(THERE)
    host = exchange.url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=20)
    method = words[words.index("-X") + 1] if "-X" in words else "GET"
    body = words[words.index("-d") + 1] if "-d" in words else None
    connection.request(method, url.removeprefix(THERE), body=body)
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    assert answer.status == 200, data
    return data


def play(exchange: RunningExchange, capsys: pytest.CaptureFixture[str]) -> tuple[Any, list[str]]:
    """Run the program of the page; its client, and what it printed."""
    names: dict[str, Any] = {}
    exec(PROGRAM.replace(THERE, exchange.url), names)
    return names["client"], capsys.readouterr().out.splitlines()


def test_the_first_five_minutes(
    exchange: RunningExchange, capsys: pytest.CaptureFixture[str]
) -> None:
    quote, trade, fault, told = commands()
    run(exchange, quote)
    client, printed = play(exchange, capsys)
    assert len(printed) == 2

    def bought() -> str | None:
        held = [row for row in client.get_all_positions() if row.symbol == "ACME"]
        return str(held[0].qty) if held else None

    wait_until(lambda: bought() == "10")
    wait_until(lambda: {row.status.value for row in client.get_orders()} == {"new"})
    run(exchange, trade)
    wait_until(lambda: bought() == "15")
    run(exchange, fault)
    client._retry_wait = 0  # the three seconds of the page
    before = len(client.get_orders(EVERY))
    play(exchange, capsys)
    assert len(client.get_orders(EVERY)) == before + 3, "one of the two came twice"
    assert b'"N3":1' in run(exchange, told)


def test_the_page_says_what_the_banner_says() -> None:
    exports = re.findall(r"export (\w+)=(\S+)", FIRST)
    assert dict(exports)["APCA_API_STREAM_URL"] == "ws://127.0.0.1:8700/stream"
    assert [name for name, _ in exports] == [
        "APCA_API_KEY_ID",
        "APCA_API_SECRET_KEY",
        "APCA_API_BASE_URL",
        "APCA_API_DATA_URL",
        "APCA_API_STREAM_URL",
    ]
