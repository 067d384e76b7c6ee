"""The rule table beside a running engine: lines in the log, and nothing that could hold it up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest

from surefill.core.commands import QueryAccount
from surefill.core.events import Event
from surefill.core.trade import Trade, Uncovered
from surefill.ports import JournalEntry, JournalError
from surefill.runtime import alerting as module
from surefill.runtime.alerting import AlertWatch
from surefill.runtime.stepper import Decided, Stepper
from surefill.tca.recent import News, Recent
from surefill.tca.rules import RULES
from tests.support.core import START_NS, covered_bench
from tests.support.runtime import plan_of, readiness, stepper_of, submission


class Desk:
    """An engine on its journal and its alerts; every plan is denied."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self.stepper: Stepper = stepper_of()
        self.open: list[Trade] = []
        self.alerts = AlertWatch(self.stepper.journal, lambda: self.open)
        self.count = 0
        self._log = caplog
        caplog.set_level(logging.INFO)

    def decide(self, *events: Event) -> Decided:
        decided = self.stepper.handle(events, START_NS)
        self.alerts.notice(decided)
        return decided

    def refuse(self) -> None:
        self.count += 1
        self.decide(submission(plan_of(f"p{self.count}", rr="1")))

    async def settle(self) -> None:
        """Until nothing is under way."""
        for _ in range(200):
            await asyncio.sleep(0)

    @property
    def lines(self) -> list[tuple[str, str]]:
        """Level and text of what was logged, oldest first."""
        return [(record.levelname, record.getMessage()) for record in self._log.records]


@pytest.fixture
def desk(caplog: pytest.LogCaptureFixture) -> Desk:
    return Desk(caplog)


async def test_a_refused_plan_is_told_once(desk: Desk) -> None:
    desk.alerts.begin()
    desk.decide(*readiness())
    await desk.settle()
    assert desk.lines == []
    desk.refuse()
    await desk.settle()
    desk.refuse()
    await desk.settle()
    ((level, line),) = desk.lines
    assert level == "WARNING"
    assert line.startswith("alert WARNING REJECTION_HIGH: rejection rate (denied and rejected")
    assert line.endswith("is 100.0 %, above 20.0 % (docs/alerts.md#rejection_high)")
    await desk.alerts.close()


async def test_the_first_look_tells_what_was_broken_before(desk: Desk) -> None:
    desk.decide(*readiness())
    desk.refuse()
    await desk.settle()
    assert desk.lines == [], "nobody asked yet"
    desk.alerts.begin()
    await desk.settle()
    assert len(desk.lines) == 1
    await desk.alerts.close()


async def test_a_critical_one_is_an_error_line_and_its_end_is_told_too(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.alerts.begin()
    await desk.settle()
    desk.stepper.note("run began", "", now=START_NS)
    desk.stepper.start("test", "0" * 32, now=START_NS)  # the run before it crashed
    desk.decide(*readiness())
    desk.refuse()
    await desk.settle()
    assert {level for level, line in desk.lines if "SYSTEM_ERROR" in line} == {"ERROR"}
    rule = next(one for one in RULES if one.code == "REJECTION_HIGH")
    monkeypatch.setattr(Recent, "judge", lambda self: News((), (rule,)))
    desk.refuse()
    await desk.settle()
    assert ("INFO", "alert over: REJECTION_HIGH") in desk.lines
    await desk.alerts.close()


async def test_what_ends_no_plan_wakes_nobody(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.alerts.begin()
    await desk.settle()
    reads: list[int] = []
    records = desk.stepper.journal.records

    def noted(after_seq: int = 0) -> Iterator[JournalEntry]:
        reads.append(after_seq)
        return records(after_seq)

    monkeypatch.setattr(desk.stepper.journal, "records", noted)
    desk.decide(*readiness())
    desk.alerts.notice(Decided(commands=[QueryAccount()]))
    await desk.settle()
    assert reads == []
    desk.refuse()
    desk.refuse()  # while the first is still to be looked at
    await desk.settle()
    assert len(reads) in (1, 2)
    await desk.alerts.close()


async def test_what_lasts_is_looked_at_while_anything_is_written(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BEAT_S", 0.01)
    desk.alerts.begin()
    await desk.settle()
    trade = covered_bench().trade
    clock = Uncovered(since_ns=START_NS, at_ns=START_NS, longest_ns=2_000_000_000)
    desk.open.append(replace(trade, uncovered=clock))
    await asyncio.sleep(0.05)
    assert desk.lines == [], "nothing was written"
    desk.decide(*readiness())
    await asyncio.sleep(0.05)
    ((level, line),) = desk.lines
    assert level == "ERROR"
    assert "UNCOVERED_LONG: longest time without a working stop is 2.000 s" in line
    await desk.alerts.close()


async def test_other_channels_hear_the_same(desk: Desk) -> None:
    heard: list[News] = []
    alerts = AlertWatch(desk.stepper.journal, lambda: (), channels=(heard.append,))
    desk.decide(*readiness())
    desk.refuse()
    alerts.begin()
    await desk.settle()
    await alerts.close()
    assert [alert.rule.code for news in heard for alert in news.fired] == ["REJECTION_HIGH"]
    assert desk.lines == []


async def test_an_error_is_logged_and_the_next_plan_is_looked_at_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.alerts.begin()
    await desk.settle()
    records = desk.stepper.journal.records

    def broken(after_seq: int = 0) -> Iterator[JournalEntry]:
        raise JournalError("JOURNAL_UNWRITABLE", "a bad disk")

    monkeypatch.setattr(desk.stepper.journal, "records", broken)
    desk.decide(*readiness())
    desk.refuse()
    await desk.settle()
    assert desk.lines == [("ERROR", "the alerts could not be evaluated")]
    monkeypatch.setattr(desk.stepper.journal, "records", records)
    desk.refuse()
    await desk.settle()
    assert "REJECTION_HIGH" in desk.lines[-1][1]
    await desk.alerts.close()


async def test_the_engine_goes_first(desk: Desk) -> None:
    """Between any two slices whoever else waits for the loop gets it."""
    desk.decide(*readiness())
    for _ in range(30):
        desk.refuse()
    desk.alerts.begin()
    turns = 0
    while not desk.lines:
        await asyncio.sleep(0)
        turns += 1
    assert turns > 30
    await desk.alerts.close()


async def test_closing_tells_what_is_due_and_waits_no_longer(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.alerts.close()  # never begun
    desk.alerts.begin()
    await desk.settle()
    desk.decide(*readiness())
    desk.refuse()
    await desk.alerts.close()
    assert len(desk.lines) == 1
    monkeypatch.setattr(module, "CLOSE_S", 0.01)

    def endless(self: object) -> Iterator[None]:
        while True:
            yield

    monkeypatch.setattr(Recent, "read", endless)
    desk.refuse()
    await desk.alerts.close()
    assert len(desk.lines) == 1
