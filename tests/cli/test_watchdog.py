"""``surefill watchdog`` in this process; with real engines it is in tests/system."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from surefill.cli import watchdog
from surefill.cli.watchdog import write_line
from surefill.runtime import watchdog as limits
from tests.support.counter import Counter
from tests.support.desk import plan_of
from tests.support.exchange_server import RunningExchange, wait_until


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
    for name in ("HEARTBEAT_NS", "UNCOVERED_NS", "UNREADABLE_NS"):
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
