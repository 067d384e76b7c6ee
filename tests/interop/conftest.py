"""One real exchange for all tests here; each test takes its own key pair and its own symbol."""

from __future__ import annotations

from collections.abc import Iterator
from zlib import crc32

import pytest

from tests.support.exchange_server import RunningExchange


@pytest.fixture(scope="session")
def exchange() -> Iterator[RunningExchange]:
    """A served exchange at 10:00 New York, default latency, running at speed 1."""
    with RunningExchange() as running:
        yield running


@pytest.fixture
def symbol(exchange: RunningExchange, request: pytest.FixtureRequest) -> str:
    """A symbol of this test's own, quoted 99.99 x 100.01, 1,000 a side."""
    name = f"T{crc32(request.node.nodeid.encode())}"
    exchange.quote(name, "99.99", "100.01")
    return name
