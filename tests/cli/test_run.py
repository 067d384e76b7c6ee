"""``surefill run`` in this process; what other processes see of it is in tests/system."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from surefill.client import Client
from surefill.runtime.errors import ErrorCode, SurefillError
from surefill.runtime.heartbeat import Heartbeat
from surefill.smart_order_executor import SmartOrderExecutor
from tests.support.counter import Counter
from tests.support.desk import plan_of
from tests.support.exchange_server import RunningExchange
from tests.support.port import engine_beside


@pytest.fixture(scope="module")
def exchange() -> Iterator[RunningExchange]:
    with RunningExchange() as running:
        running.quote("RUN", "99.99", "100.01")
        yield running


def while_running(work: object) -> threading.Thread:
    """Do this beside the verb, then send it the signal that systemd would."""

    def go() -> None:
        try:
            assert callable(work)
            work()
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=go)
    thread.start()
    return thread


def test_it_serves_until_the_signal_and_says_what_it_leaves(counter: Counter) -> None:
    seen = []

    def work() -> None:
        with Client(counter.desk.settings()) as engine:
            engine.execute(plan_of("RUN", "left"))
            engine.kill("drill")
            seen.append(engine.status())

    thread = while_running(work)
    code, out, err = counter.run("run")
    thread.join()
    assert (code, out) == (0, "")
    assert seen[0].open_trades == 1
    assert "ready: 0 open trades, requests at" in err
    assert "leaving 100 shares of RUN, 100 covered at the broker" in err
    assert err.endswith("stopped; cover stays at the broker")
    counter.desk.exchange.quote("RUN", "99.99", "100.01")
    thread = while_running(lambda: Client(counter.desk.settings()).__enter__().close())
    code, out, err = counter.run("run", "--json")
    thread.join()
    assert code == 0
    assert '"open_trades": ["left"]' in out
    assert "KILL_ACTIVE" in err


def test_an_early_signal_ends_it_before_it_traded(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow(self: SmartOrderExecutor) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio_forever()

    monkeypatch.setattr(SmartOrderExecutor, "start", slow)
    code, _, err = counter.run("run")
    assert (code, "nothing was sent" in err) == (0, True)


async def asyncio_forever() -> None:
    """A start that hangs."""
    import asyncio

    await asyncio.Event().wait()


def test_an_engine_that_stops_by_itself_ends_with_4(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def over(self: object, driver: object) -> None:
        raise SurefillError(ErrorCode.ENGINE_STOPPED, "a bug")

    monkeypatch.setattr(Heartbeat, "keep_beating", over)
    code, _, err = counter.run("run")
    assert (code, "ENGINE_STOPPED: a bug" in err) == (4, True)


def test_who_holds_the_account_is_said(counter: Counter) -> None:
    with engine_beside(counter.desk):
        code, _, err = counter.run("run")
    assert (code, "held by" in err) == (3, True)
    counter.forget_keys()
    assert counter.run("run")[0] == 2
    counter.use(SUREFILL_TYPO="1")
    assert counter.run("run")[0] == 2
