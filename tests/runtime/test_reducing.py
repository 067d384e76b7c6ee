"""A closing request is carried out once, also by an engine that started since."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from surefill.core.events import Act, OperatorActed
from surefill.core.plan import PlanError
from surefill.core.reasons import ReasonCode
from surefill.core.trade import Outcome
from surefill.runtime.errors import ErrorCode, SurefillError
from surefill.runtime.reducing import reduce_and_wait
from surefill.smart_order_executor import SmartOrderExecutor
from tests.support.desk import Desk, plan_of, shares
from tests.support.exchange_server import RunningExchange


@pytest.fixture(scope="module")
def exchange() -> Iterator[RunningExchange]:
    with RunningExchange() as running:
        running.quote("ONCE", "99.99", "100.01")
        running.quote("LATE", "99.99", "100.01")
        running.quote("HALT", "99.99", "100.01")
        yield running


@pytest.fixture
def desk(exchange: RunningExchange, tmp_path: Path) -> Desk:
    return Desk(exchange, tmp_path)


async def test_the_same_request_closes_once_across_restarts(desk: Desk) -> None:
    async with SmartOrderExecutor(desk.settings()) as executor:
        await executor.execute(plan_of("ONCE", "p1", qty=10))
        first = await executor.reduce("p1", 4, key="exit-1")
        assert first.position_qty == shares(6)
        assert (await executor.reduce("p1", 4, key="exit-1")).position_qty == shares(6)
        with pytest.raises(SurefillError) as other:
            await executor.reduce("p1", 5, key="exit-1")
        assert other.value.code is ErrorCode.PLAN_ID_REUSED
        assert "to close 4 shares of p1" in other.value.sentence
        with pytest.raises(PlanError, match="PLAN_ID_INVALID"):
            await executor.reduce("p1", 1, key="two words")
    async with SmartOrderExecutor(desk.settings()) as executor:
        assert (await executor.reduce("p1", 4, key="exit-1")).position_qty == shares(6)
        assert executor.closing("exit-1") == executor.result("p1")
        assert executor.closing("exit-2") is None
        closed = await executor.reduce("p1", 6, key="exit-2")
        assert closed.outcome is Outcome.CLOSED_FLATTEN
        assert await executor.reduce("p1", 6, key="exit-2") == closed
    sold = [line["qty"] for line in desk.truth(kind="fill", symbol="ONCE", side="SELL")]
    assert sum(sold) == shares(10)


async def test_two_at_once_are_one_and_another_body_is_refused(desk: Desk) -> None:
    """The engine itself takes an id once, whoever was faster on the way to it."""
    async with SmartOrderExecutor(desk.settings()) as executor:
        await executor.execute(plan_of("LATE", "p2", qty=10))
        runtime = executor.runtime
        now = runtime.clock.now_ns()
        runtime.driver.post(OperatorActed(Act.REDUCE, "p2", "b", "", now, shares(3), "x"))
        act = OperatorActed(Act.REDUCE, "p2", "a", "", now, shares(4), "x")
        with pytest.raises(SurefillError) as late:
            await reduce_and_wait(runtime, act, timeout_s=20)
        assert late.value.code is ErrorCode.PLAN_ID_REUSED
        same = OperatorActed(Act.REDUCE, "p2", "a", "", now, shares(3), "x")
        await reduce_and_wait(runtime, same, timeout_s=20)
        assert executor.result("p2").position_qty == shares(7)


async def test_a_reduction_whose_time_is_over_says_so(desk: Desk) -> None:
    async with SmartOrderExecutor(desk.settings()) as executor:
        await executor.execute(plan_of("HALT", "p3", qty=10))
        desk.exchange.control("POST", "status", {"symbol": "HALT", "status": "halt"})
        driver, views = executor.runtime.driver, executor.runtime.engine.views
        assert await driver.until(lambda: views["HALT"].status.value == "HALTED", timeout_s=10)
        pending = await executor.reduce("p3", 4, timeout_s=0.05)
        assert (pending.outcome, pending.code) == (None, ReasonCode.CLOSE_PENDING)
        assert (pending.closing_qty, pending.position_qty) == (shares(4), shares(10))
        assert "4 of the 10 shares held are still to be closed" in pending.line
        desk.exchange.control("POST", "status", {"symbol": "HALT", "status": "resume"})
        done = await executor.reduce("p3", 1, timeout_s=20)
        assert (done.position_qty, done.closing_qty) == (shares(5), 0)
        assert done.code is not ReasonCode.CLOSE_PENDING
