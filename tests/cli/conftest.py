"""A counter at an account of its own, before an exchange that the tests of a file share.

A file whose tests need symbols has an ``exchange`` of its own; ``counter`` stands before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.counter import Counter
from tests.support.desk import Desk
from tests.support.exchange_server import RunningExchange


@pytest.fixture(scope="module")
def exchange() -> Iterator[RunningExchange]:
    """An exchange with an empty market."""
    with RunningExchange() as running:
        yield running


@pytest.fixture
def counter(
    exchange: RunningExchange,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Counter]:
    """The command line in this process, with the settings of an account that nobody else uses."""
    yield Counter(Desk(exchange, tmp_path), monkeypatch, capsys)
    exchange.disarm()
