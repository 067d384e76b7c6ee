"""``surefill trade`` where an engine holds the account."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests.support.counter import Counter
from tests.support.exchange_server import RunningExchange
from tests.support.port import engine_beside


@pytest.fixture(scope="module")
def exchange() -> Iterator[RunningExchange]:
    with RunningExchange() as running:
        running.quote("REM", "99.99", "100.01")
        running.quote("FAR", "100.90", "101.00")
        yield running


TERMS = ("--signal", "100", "--risk", "1", "--rr", "2")


def test_the_running_engine_trades_and_goes_on(counter: Counter) -> None:
    with engine_beside(counter.desk) as port:
        code, out, err = counter.run("trade", "REM", "buy", "10", *TERMS, "--plan-id", "r1")
        assert (code, "entered and covered" in out) == (0, True)
        assert "connecting to the running engine" in err
        assert "The running engine goes on with it" in err
        assert port.executor.result("r1").strategy == "cli"
        assert counter.run("trade", "REM", "buy", "10", *TERMS, "--plan-id", "r1")[0] == 0
        code, _, err = counter.run("trade", "REM", "buy", "11", *TERMS, "--plan-id", "r1")
        assert (code, "PLAN_ID_REUSED" in err) == (2, True)


def test_when_time_is_over_the_entry_is_ended(counter: Counter) -> None:
    with engine_beside(counter.desk, SMART_EXECUTOR_FILL_TIMEOUT="30") as port:
        code, out, _ = counter.run("trade", "FAR", "buy", "10", *TERMS, "--timeout", "0.6")
        assert (code, "NOT_ENTERED" in out) == (1, True)
        assert not port.executor.open_trades()


def test_waiting_for_the_outcome(counter: Counter) -> None:
    with engine_beside(counter.desk):
        words = ("trade", "REM", "buy", "10", *TERMS, "--plan-id", "r2", "--wait-closed")
        threading.Timer(2.0, lambda: counter.exchange.quote("REM", "102.50", "102.60")).start()
        code, out, _ = counter.run(*words)
        assert (code, "CLOSED_TARGET" in out) == (0, True)
        counter.exchange.quote("REM", "99.99", "100.01")
