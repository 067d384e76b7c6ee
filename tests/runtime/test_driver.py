from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from surefill.core.commands import BrokerCommand, Milestone, QueryOrders, SubmitOrder
from surefill.core.events import BudgetChanged, StreamChanged, TimePassed
from surefill.core.state import Mode
from surefill.ports import JournalEntry, JournalError, JournalFenced
from surefill.runtime import driver as module
from surefill.runtime import lease
from surefill.runtime.driver import Driver
from surefill.runtime.errors import ErrorCode, SurefillError
from surefill.runtime.outbox import Outbox
from surefill.runtime.stepper import Decided
from surefill.runtime.waiters import Waiters
from surefill.tca.history import IncidentKind, read_history
from tests.support.core import START_NS
from tests.support.runtime import (
    HandClock,
    NotingBroker,
    plan_of,
    readiness,
    stepper_of,
    submission,
)


class Engine:
    """A driver with everything around it but a real broker."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.stepper = stepper_of()
        self.broker = NotingBroker()
        self.waiters = Waiters()
        outbox = Outbox(self.broker, self.stepper.journal, self.waiters)
        self.driver = Driver(self.stepper, outbox, self.waiters, clock=self.clock)

    def post(self, *events: object) -> None:
        for event in events:
            self.driver.post(event)  # type: ignore[arg-type]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Driver]:
        task = asyncio.create_task(self.driver.run())
        yield self.driver
        self.driver.stop()
        await asyncio.wait_for(task, 5)

    def submits(self) -> list[SubmitOrder]:
        return [command for command in self.broker.sent if isinstance(command, SubmitOrder)]


async def test_events_become_records_and_then_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine()
    heads: list[int] = []
    send = engine.broker.send

    def noted(command: BrokerCommand) -> None:
        heads.append(engine.stepper.journal.head()[0])
        send(command)

    monkeypatch.setattr(engine.broker, "send", noted)
    async with engine.running() as driver:
        engine.post(*readiness(), submission(plan_of()))
        await driver.drained()
        assert engine.stepper.engine.state.mode is Mode.READY
        assert len(engine.submits()) == 1
    assert heads == [engine.stepper.seq]


async def test_a_deadline_of_the_engine_wakes_it() -> None:
    engine = Engine()
    async with engine.running() as driver:
        engine.post(*readiness(), submission(plan_of()))
        await driver.drained()
        deadline_ns = engine.stepper.engine.next_deadline()
        assert deadline_ns is not None
        engine.clock.now = deadline_ns  # the loop still sleeps on the old time
        engine.post(BudgetChanged(100, 10, deadline_ns))
        await driver.drained()
        assert any(isinstance(command, QueryOrders) for command in engine.broker.sent)


async def test_a_deadline_that_is_due_needs_no_event(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine()
    batches: list[list[object]] = []
    handle = engine.stepper.handle

    def noted(events: Sequence[object], now: int) -> object:
        batches.append(list(events))
        return handle(events, now)  # type: ignore[arg-type]

    monkeypatch.setattr(engine.stepper, "handle", noted)
    engine.post(*readiness(), submission(plan_of()))
    async with engine.running() as driver:
        await driver.drained()
        engine.clock.now += 10_000_000_000
        engine.post(BudgetChanged(99, 10, engine.clock.now))
        assert await driver.until(lambda: [TimePassed()] in [b[-1:] for b in batches], timeout_s=5)


async def test_who_waits_for_a_condition_learns_when_it_holds() -> None:
    engine = Engine()
    state = engine.stepper.engine
    async with engine.running() as driver:
        assert await driver.until(lambda: True, timeout_s=0)
        assert not await driver.until(lambda: False, timeout_s=0.01)
        waiting = asyncio.create_task(driver.until(lambda: state.state.is_stream_up, timeout_s=5))
        await asyncio.sleep(0)
        engine.post(BudgetChanged(1, 1, START_NS), StreamChanged(True, START_NS))
        assert await waiting


async def test_milestones_reach_their_waiters() -> None:
    engine = Engine()
    async with engine.running():
        future = engine.waiters.expect("p9", Milestone.SETTLED)
        engine.post(*readiness(), submission(plan_of("p9", rr="1")))
        await asyncio.wait_for(future, 5)


async def test_what_has_arrived_is_handled_before_the_end() -> None:
    engine = Engine()
    async with engine.running():
        engine.post(*readiness(), submission(plan_of()))
    assert len(engine.submits()) == 1
    with pytest.raises(SurefillError) as caught:
        await engine.driver.until(lambda: False, timeout_s=1)
    assert caught.value.code is ErrorCode.ENGINE_STOPPED


class FullDisk:
    """A journal's append that fails."""

    def __call__(self, entries: Sequence[JournalEntry]) -> None:
        raise JournalError("JOURNAL_UNWRITABLE", "no space left")


async def test_a_failed_append_sends_nothing_and_stops_the_engine(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    engine = Engine()
    async with engine.running() as driver:
        engine.post(*readiness())
        await driver.drained()
        monkeypatch.setattr(engine.stepper.journal, "append", FullDisk())
        waiting = engine.waiters.expect("p1", Milestone.SETTLED)
        hoping = asyncio.create_task(driver.until(lambda: False, timeout_s=5))
        await asyncio.sleep(0)
        engine.post(submission(plan_of()))
        for outcome in (waiting, hoping):
            with pytest.raises(SurefillError, match="JOURNAL_UNWRITABLE: no space left"):
                await asyncio.wait_for(outcome, 5)
        assert driver.error is not None
        engine.post(BudgetChanged(1, 1, START_NS))  # nobody listens any more
    assert not engine.broker.sent
    assert driver.has_failed
    assert "orders at the broker stay as they are" in caplog.text
    assert "the halt could not be put on record: JOURNAL_UNWRITABLE" in caplog.text


async def test_an_error_of_ours_stops_the_engine_with_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = Engine()
    monkeypatch.setattr(module, "INBOX_MAX", 1)
    engine.post(*readiness())
    async with engine.running() as driver:
        await asyncio.sleep(0.01)
        assert driver.error is not None
        assert "OverflowError" in driver.error.sentence
    assert driver.has_failed
    (found,) = read_history(engine.stepper.journal).incidents
    assert found.kind is IncidentKind.FAULT
    assert re.fullmatch(r"OverflowError at driver\.py:\d+", found.text)
    assert "events wait" not in found.text, "an error's own words may hold anything"


async def test_an_orderly_end_is_no_fault() -> None:
    engine = Engine()
    async with engine.running() as driver:
        engine.post(*readiness())
    assert not driver.has_failed
    assert read_history(engine.stepper.journal).incidents == ()


async def test_what_was_decided_is_told_after_it_was_sent() -> None:
    engine = Engine()
    told: list[tuple[int, int]] = []

    def notice(decided: Decided) -> None:
        told.append((len(decided.commands), len(engine.broker.sent)))

    outbox = Outbox(engine.broker, engine.stepper.journal, engine.waiters)
    engine.driver = Driver(
        engine.stepper, outbox, engine.waiters, clock=engine.clock, notice=notice
    )
    async with engine.running() as driver:
        engine.post(*readiness(), submission(plan_of()))
        await driver.drained()
    ((decided, sent),) = told
    assert decided == sent == 1


def test_an_error_that_was_never_raised_has_no_place() -> None:
    assert module._place_of(ValueError("x")) == "?"


async def test_a_stalled_loop_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WATCH_NS", 10_000_000)
    engine = Engine()
    clock = HandClock()
    clock.now_ns = time.monotonic_ns  # type: ignore[method-assign]
    engine.driver = Driver(
        engine.stepper,
        Outbox(engine.broker, engine.stepper.journal, engine.waiters),
        engine.waiters,
        clock=clock,
    )
    async with engine.running() as driver:
        await asyncio.sleep(0.02)
        time.sleep(0.2)  # noqa: ASYNC251  this is the stall
        await asyncio.sleep(0.02)
    assert driver.stalls.count >= 1
    assert driver.stalls.longest_ns > module.STALL_NS


class Lost:
    """A lease that another process takes when it is next renewed."""

    def renew(self) -> None:
        raise JournalFenced("this process has lost the account to another")

    def may_send(self) -> bool:
        return False


async def test_a_lost_lease_ends_the_engine_with_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "RENEW_S", 0.001)
    engine = Engine()
    outbox = Outbox(engine.broker, engine.stepper.journal, engine.waiters)
    engine.driver = Driver(engine.stepper, outbox, engine.waiters, clock=engine.clock, lease=Lost())
    async with engine.running() as driver:
        with pytest.raises(SurefillError) as fenced:
            await driver.until(lambda: False, timeout_s=5)
        assert fenced.value.code is ErrorCode.FENCED
        assert "lost the account to another" in fenced.value.sentence
        assert driver.has_failed
        engine.post(*readiness(), submission(plan_of()))
    assert not engine.broker.sent
