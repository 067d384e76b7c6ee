"""Switches on an account whose engine does not run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from surefill.core.events import Act, OperatorActed
from surefill.core.reasons import ReasonCode
from surefill.journal.record import Record
from surefill.ports import JournalHeld
from surefill.runtime.clock import SystemClock
from surefill.runtime.offline import SWITCHES, record_act
from surefill.runtime.standing import standing_of
from surefill.runtime.wiring import journal_path, open_journal
from surefill.smart_order_executor import SmartOrderExecutor
from tests.support.desk import Desk, plan_of
from tests.support.exchange_server import RunningExchange


@pytest.fixture(scope="module")
def exchange() -> Iterator[RunningExchange]:
    with RunningExchange() as running:
        running.quote("OFF", "99.99", "100.01")
        yield running


def test_a_kill_is_durable_before_the_next_start(exchange: RunningExchange, tmp_path: Path) -> None:
    settings = Desk(exchange, tmp_path).settings()
    seq = record_act(settings, Act.KILL, by="ann", why="drill", clock=SystemClock())
    state = standing_of(journal_path(settings)).state
    assert state is not None
    assert state.kill is not None
    journal = open_journal(settings, read_only=True)
    last = Record.from_bytes(list(journal.records())[-1].record)
    journal.close()
    assert last.seq == seq == 2
    assert isinstance(last.event, OperatorActed)
    assert last.commands == ()
    record_act(settings, Act.UNKILL, by="ann", why="over", clock=SystemClock())
    state = standing_of(journal_path(settings)).state
    assert state is not None
    assert state.kill is None


async def test_an_open_trade_is_found_as_it_was_by_the_next_start(
    exchange: RunningExchange, tmp_path: Path
) -> None:
    desk = Desk(exchange, tmp_path)
    settings = desk.settings()
    async with SmartOrderExecutor(settings) as executor:
        await executor.execute(plan_of("OFF", "open"))
        with pytest.raises(JournalHeld):
            record_act(settings, Act.KILL, by="ann", why="", clock=SystemClock())
    record_act(settings, Act.KILL, by="ann", why="drill", clock=SystemClock())
    async with SmartOrderExecutor(settings) as executor:
        assert executor.result("open").uncovered_qty == 0
        denied = await executor.execute(plan_of("OFF", "new"))
        assert denied.code is ReasonCode.KILL_ACTIVE
    assert len(desk.accepted("open", "X")) == 1


def test_what_needs_a_broker_is_refused(exchange: RunningExchange, tmp_path: Path) -> None:
    settings = Desk(exchange, tmp_path).settings()
    for act in set(Act) - SWITCHES:
        with pytest.raises(ValueError):
            record_act(settings, act, by="", why="", clock=SystemClock())
