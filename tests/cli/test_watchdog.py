"""``surefill watchdog`` in this process; with real engines it is in tests/system."""

from __future__ import annotations

import os
import signal
import stat
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from shutil import disk_usage

import pytest

from surefill.alerts import courier
from surefill.cli import watchdog
from surefill.cli.watchdog import write_line
from surefill.ports import Journal, JournalError
from surefill.runtime import watchdog as limits
from surefill.runtime.account import JournalSource, read_journal
from tests.support.counter import Counter
from tests.support.desk import plan_of
from tests.support.exchange_server import RunningExchange, wait_until
from tests.support.hooks import Webhook


@pytest.fixture(scope="module")
def exchange() -> Iterator[RunningExchange]:
    with RunningExchange() as running:
        running.quote("WDOG", "99.99", "100.01")
        yield running


@pytest.fixture
def counter(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> Counter:
    monkeypatch.setattr(watchdog, "TICK_S", 0.05)
    monkeypatch.setattr(watchdog, "FAST_NS", 50_000_000)
    monkeypatch.setattr(watchdog, "SLOW_NS", 100_000_000)
    for name in ("HEARTBEAT_NS", "UNCOVERED_NS", "UNREADABLE_NS", "JOURNAL_NS"):
        monkeypatch.setattr(limits, name, 300_000_000)
    return counter


def test_bare_shares_and_a_missing_engine_go_to_every_channel(counter: Counter) -> None:
    counter.trade(plan_of("WDOG", "w1"))
    counter.bare("w1")
    wait_until(lambda: counter.desk.truth(kind="share_release", symbol="WDOG"))
    code, out, err = counter.run("watchdog", "--seconds", "3", "--json", "--run", "touch")
    assert code == 4
    assert "ALARM HEARTBEAT_LOST" in err
    assert '"code": "SHARES_UNCOVERED", "what": "WDOG"' in out
    log = counter.folder / "logs" / "watchdog.log"
    assert "100 WDOG without a stop" in log.read_text()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert list(counter.folder.glob("ALARM SHARES_UNCOVERED*"))


def test_a_broker_that_is_away_is_an_alarm_of_its_own(counter: Counter) -> None:
    counter.trade()
    counter.exchange.arm("N3", "GET /v2/positions", count=500, params={"status": 500})
    code, _, err = counter.run("watchdog", "--seconds", "6")
    assert (code, "ALARM BROKER_UNREADABLE" in err) == (4, True)


def test_a_disk_that_is_nearly_full_is_told(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter.trade(plan_of("WDOG", "w9"))
    full = disk_usage(counter.folder)._replace(free=123_000_000)
    monkeypatch.setattr(watchdog, "disk_usage", lambda place: full)
    _, _, err = counter.run("watchdog", "--seconds", "0.2")
    assert "ALARM DISK_LOW: 123 MB are free where the journal lies" in err


def test_a_folder_that_is_away_does_not_end_the_watch(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(place: Path) -> None:
        raise FileNotFoundError(place)

    counter.trade(plan_of("WDOG", "w8"))
    monkeypatch.setattr(watchdog, "disk_usage", gone)
    code, _, err = counter.run("watchdog", "--seconds", "0.2")
    assert (code, "DISK_LOW" in err) == (0, False)


def test_a_journal_that_breaks_under_it_is_told_and_its_shares_are_watched_on(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter.trade(plan_of("WDOG", "w2"))
    looks = count(1)
    read = watchdog._remembered
    log = counter.folder / "logs" / "watchdog.log"

    def is_told(text: str) -> bool:
        return log.exists() and text in log.read_text()

    def breaks(journal: Journal) -> watchdog.Known:
        if (look := next(looks)) == 2:
            counter.bare("w2")
        if look >= 2 and not is_told("WDOG without a stop"):
            raise JournalError("JOURNAL_CORRUPT", "record 7 is missing")
        if is_told("over JOURNAL_UNREADABLE"):
            os.kill(os.getpid(), signal.SIGTERM)  # seen enough
        return read(journal)

    monkeypatch.setattr(watchdog, "_remembered", breaks)
    code, _, err = counter.run("watchdog", "--seconds", "30")
    assert code == 4, "it went on to the end"
    assert "ALARM JOURNAL_UNREADABLE: the journal could not be read for" in err
    assert "JOURNAL_CORRUPT" in err
    assert "over JOURNAL_UNREADABLE" in err, "it was read again"
    told = err.index("ALARM JOURNAL_UNREADABLE"), err.index("over JOURNAL_UNREADABLE")
    assert told[0] < err.index("WDOG without a stop") < told[1]


def test_a_journal_that_was_moved_away_is_opened_again(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter.trade(plan_of("WDOG", "w3"))
    opened: list[int] = []
    real = read_journal

    def opens(place: JournalSource) -> Journal:
        opened.append(1)
        if len(opened) in (2, 3):
            raise JournalError("JOURNAL_UNWRITABLE", "gone")
        return real(place)

    def fails_once(journal: Journal) -> watchdog.Known:
        if len(opened) == 1:
            raise JournalError("JOURNAL_UNWRITABLE", "gone")
        return [], None

    monkeypatch.setattr(watchdog, "read_journal", opens)
    monkeypatch.setattr(watchdog, "_remembered", fails_once)
    assert counter.run("watchdog", "--seconds", "1")[0] == 4
    assert len(opened) == 4


def test_without_a_journal_or_with_wrong_settings_it_ends(counter: Counter) -> None:
    assert counter.run("watchdog")[0] == 3
    counter.use(SUREFILL_TYPO="1")
    assert counter.run("watchdog")[0] == 2


def test_a_command_that_does_not_run_is_said(counter: Counter) -> None:
    counter.trade()
    code, _, err = counter.run("watchdog", "--seconds", "1", "--run", "/none/such")
    assert (code, "/none/such did not run" in err) == (4, True)


def test_a_log_that_cannot_be_written_does_not_stop_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    write_line(tmp_path / "file" / "x.log", "alarm")
    assert "cannot be written" in capsys.readouterr().err
    write_line(tmp_path / "new" / "x.log", "one\ntwo")
    assert (tmp_path / "new" / "x.log").read_text() == "one two\n"


def test_alarms_reach_people_by_the_alert_channels(
    counter: Counter, canary: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "CLOSE_S", 30.0)  # for a machine that is busy
    counter.trade(plan_of("WDOG", "w3"))
    counter.bare("w3")
    file = counter.folder / "alerts.toml"
    with Webhook() as hook:
        file.write_text(f'[channels.desk]\nurl = "{hook.url(canary)}"\n')
        file.chmod(0o600)
        counter.use(SUREFILL_ALERTS="alerts.toml")
        _, _, err = counter.run("watchdog", "--seconds", "1.5")
        file.unlink()
    told = "\n".join(hook.texts)
    assert "alert channel desk works" in err
    assert "CRITICAL SHARES_UNCOVERED WDOG" in told
    assert "#shares_uncovered" in told
    assert "place a stop" in told
