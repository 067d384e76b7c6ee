"""The executor for scripts, against the real exchange over real sockets."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import count
from pathlib import Path

import pytest

from surefill.blocking_executor import BlockingExecutor
from surefill.core.trade import Outcome
from surefill.runtime.errors import ErrorCode, SurefillError
from tests.support.desk import Desk, plan_of
from tests.support.exchange_server import RunningExchange

_symbols = (f"SYM{n}" for n in count(1))


@pytest.fixture(scope="module")
def exchange() -> Iterator[RunningExchange]:
    """One exchange for all; every test has its own account and symbol."""
    with RunningExchange() as running:
        yield running


@pytest.fixture
def desk(exchange: RunningExchange, tmp_path: Path) -> Desk:
    """An account of this test."""
    return Desk(exchange, tmp_path)


@pytest.fixture
def symbol(exchange: RunningExchange) -> str:
    """A symbol of this test, 99.99 x 100.01 on 1,000 shares."""
    name = next(_symbols)
    exchange.quote(name, "99.99", "100.01")
    return name


def test_the_blocking_twin_trades_from_a_script(desk: Desk, symbol: str) -> None:
    with BlockingExecutor(desk.settings()) as executor:
        result = executor.execute_trade(symbol, "buy", 10, 100.00, 1, 2.0, plan_id="script")
        assert (result.stop, result.target) == (Decimal("99.01"), Decimal("102.01"))
        assert executor.execute(plan_of(symbol, "script", qty=10)) == result
        assert executor.result("script") == executor.open_trades()[0] == result
        assert executor.check(plan_of(symbol, "other")).gate_reasons
        executor.start()  # again changes nothing
        assert executor.tighten("script", 99.5).stop == Decimal("99.5")
        desk.exchange.quote(symbol, "102.01", "102.03")
        assert executor.closed(result, timeout_s=10).outcome is Outcome.CLOSED_TARGET


def test_the_blocking_twin_passes_errors_on(desk: Desk) -> None:
    with pytest.raises(SurefillError) as caught, BlockingExecutor.from_env({}):
        pass
    assert caught.value.code is ErrorCode.KEYS_MISSING
    closed = BlockingExecutor(desk.settings())
    with pytest.raises(SurefillError) as early:
        closed.result("x")
    assert early.value.code is ErrorCode.NOT_STARTED
    closed.close()
