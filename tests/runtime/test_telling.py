from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from surefill.alerts import courier
from surefill.alerts.channels import Channels
from surefill.alerts.courier import Courier
from surefill.alerts.mailbox import Pace
from surefill.alerts.notice import CHANNEL_FAILING, Notice
from surefill.config import Settings
from surefill.journal.memory import MemoryJournal
from surefill.ports import JournalError
from surefill.runtime import telling as module
from surefill.runtime import wiring
from surefill.runtime.alerting import AlertWatch
from surefill.runtime.clock import SystemClock
from surefill.runtime.errors import ErrorCode, SurefillError
from surefill.runtime.telling import (
    CODES,
    courier_of,
    log_report,
    notice_of_alarm,
    place_of,
    telling,
)
from surefill.runtime.watchdog import ADVICE, Alarm, AlarmCode
from surefill.smart_order_executor import SmartOrderExecutor
from surefill.tca.recent import News
from surefill.tca.rules import RULES, Alert, Severity
from tests.support.desk import Desk, plan_of
from tests.support.exchange_server import RunningExchange, wait_until
from tests.support.hooks import Webhook
from tests.support.wire import Wire


class Ear(Courier):
    """Keeps what it is told."""

    def __init__(self, folder: Path) -> None:
        self.heard: list[Notice] = []
        super().__init__(
            Channels(),
            clock=SystemClock(),
            where="here",
            journal=folder / "j",
            role="engine",
            report=log_report,
            pace=Pace(),
            post=Wire,
        )

    def tell(self, notice: Notice) -> None:
        self.heard.append(notice)


def test_news_become_notices_and_their_ends(tmp_path: Path) -> None:
    ear = Ear(tmp_path)
    rule = next(rule for rule in RULES if rule.code == "UNCOVERED_LONG")
    telling(ear)(News((Alert(rule, 2_400_000_000, (7,)),), (RULES[0],)))
    fired, over = ear.heard
    assert (fired.code, fired.severity, fired.is_over) == (rule.code, Severity.CRITICAL, False)
    assert fired.sentence == "longest time without a working stop is 2.400 s, above 1.500 s"
    assert (fired.advice, over.is_over) == (rule.advice, True)
    assert over.sentence == "average slippage against the signal is good again"


def test_every_alarm_of_the_watchdog_has_advice_and_is_critical() -> None:
    assert ADVICE.keys() == set(AlarmCode)
    alarm = Alarm(AlarmCode.SHARES_UNCOVERED, "ACME", "10 ACME without a stop for 4 s")
    notice = notice_of_alarm(alarm, 5)
    assert (notice.what, notice.at_ns, notice.severity) == ("ACME", 5, Severity.CRITICAL)
    assert {*AlarmCode, CHANNEL_FAILING} < set(CODES)


async def test_an_engine_that_stops_by_itself_says_so_whatever_its_journal_can(
    tmp_path: Path,
) -> None:
    ear = Ear(tmp_path)
    watch = AlertWatch(MemoryJournal(), lambda: (), courier=ear)
    await watch.close("the engine stopped (JOURNAL_UNWRITABLE: a full disk)")
    await watch.deliver()
    (told,) = ear.heard
    assert (told.code, told.severity) == ("SYSTEM_ERROR", Severity.CRITICAL)
    assert "a full disk" in told.sentence
    await AlertWatch(MemoryJournal(), lambda: ()).close("nobody to tell")


def test_channels_that_cannot_be_read_are_a_coded_error(tmp_path: Path) -> None:
    settings = Settings.load({"SUREFILL_ALERTS": str(tmp_path / "none.toml")})
    with pytest.raises(SurefillError) as error:
        courier_of(settings, role="engine")
    assert error.value.code is ErrorCode.ALERTS_INVALID
    assert "cannot be read" in error.value.sentence
    assert place_of(settings, "engine").startswith("engine on ")


@pytest.fixture(scope="module")
def exchange() -> Iterator[RunningExchange]:
    with RunningExchange() as running:
        running.quote("TELL", "99.99", "100.01")
        yield running


async def test_an_engine_trades_while_one_channel_hangs_and_shows_no_address(
    exchange: RunningExchange,
    tmp_path: Path,
    canary: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(courier, "CLOSE_S", 0.1)
    monkeypatch.setattr(module, "Post", Wire)
    monkeypatch.setattr(module, "PACE", Pace(gather_ns=20_000_000, gap_ns=20_000_000))
    with Webhook() as good, Webhook() as hung:
        hung.gate.clear()
        channels = tmp_path / "alerts.toml"
        text = f'[channels.good]\nurl = "{good.url(canary)}"\n'
        channels.write_text(text + f'[channels.hung]\nurl = "{hung.url(canary)}"\n')
        channels.chmod(0o600)
        desk = Desk(exchange, tmp_path / "desk")
        settings = desk.settings(SUREFILL_ALERTS=str(channels))
        try:
            async with SmartOrderExecutor(settings) as executor:
                result = await executor.execute(plan_of("TELL", "t1"))
                denied = await executor.execute(plan_of("TELL", "t2", rr="1"))
                await asyncio.to_thread(wait_until, lambda: "REJECTION_HIGH" in good.last)
        finally:
            channels.unlink()
    assert result.entry_qty
    assert denied.outcome is not None
    told = good.last
    assert "WARNING REJECTION_HIGH" in told
    assert "Runbook: docs/alerts.md#rejection_high" in told
    assert canary not in told
    assert "alert channel good works" in desk.log_text()
    assert "alert channel hung: 1 not told" in desk.log_text()


async def test_the_engine_that_stops_tells_it_before_it_is_gone(
    exchange: RunningExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ear = Ear(tmp_path)
    monkeypatch.setattr(wiring, "courier_of", lambda settings, role: ear)
    executor = SmartOrderExecutor(Desk(exchange, tmp_path).settings())

    def broken(*_: object, **__: object) -> None:
        raise JournalError("JOURNAL_UNWRITABLE", "a full disk")

    async with executor:
        monkeypatch.setattr(executor.runtime.stepper, "handle", broken)
        with pytest.raises(SurefillError):
            await executor.execute(plan_of("TELL", "t3"))
    told = [one.sentence for one in ear.heard if one.code == "SYSTEM_ERROR"]
    assert any("the engine stopped (JOURNAL_UNWRITABLE: a full disk)" in one for one in told)
