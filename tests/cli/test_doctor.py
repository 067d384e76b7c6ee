from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError

import pytest

from surefill.alerts.health import ChannelHealth, HealthFile
from surefill.cli import doctor
from surefill.cli.account import load
from surefill.runtime.wiring import journal_at, journal_path
from tests.support.counter import Counter
from tests.support.desk import plan_of
from tests.support.exchange_server import RunningExchange, wait_until


@pytest.fixture(scope="module")
def exchange() -> Iterator[RunningExchange]:
    with RunningExchange() as running:
        running.quote("DOC", "99.99", "100.01")
        yield running


def test_a_healthy_account_has_no_fail(counter: Counter, canary: str) -> None:
    counter.trade(plan_of("DOC", "healthy"))
    code, out, _ = counter.run("doctor")
    assert code == 0, out
    for words in (
        "OK mode a local exchange",
        "OK account status ACTIVE, margin",
        "OK session regular hours",
        "OK trade DOC healthy: holds 100, all of it covered by a stop at the broker",
        "OK foreign no position and no order of anybody else",
        "WARN engine not running, with open trades",
        "checks: 0 FAIL, 2 WARN.",
        "What to do",
    ):
        assert words in out
    assert canary not in out


def test_before_the_first_start(counter: Counter, capsys: pytest.CaptureFixture[str]) -> None:
    assert counter.run("doctor", "--json")[0] == 0
    doctor_lines = counter.run("doctor", "--json")[1]
    assert '"check": "journal", "level": "OK", "found": "none yet at' in doctor_lines
    first = json.loads(doctor_lines.split("} {")[0] + "}")
    assert first["check"] == "versions"


def test_bare_shares_are_a_fail(counter: Counter) -> None:
    counter.trade(plan_of("DOC", "bare"))
    counter.bare("bare")
    wait_until(lambda: counter.desk.truth(kind="share_release", symbol="DOC"))
    code, out, _ = counter.run("doctor")
    assert code == 1
    assert "FAIL trade DOC bare: holds 100, 100 WITHOUT cover" in out


def test_a_dead_broker_and_a_damaged_journal_are_3(counter: Counter) -> None:
    counter.use(APCA_API_BASE_URL="http://127.0.0.1:9")
    code, out, _ = counter.run("doctor")
    assert code == 3
    assert "FAIL broker 127.0.0.1:9" in out
    path = journal_path(load())
    journal_at(path).close()
    path.write_bytes(b"")
    assert "JOURNAL_CORRUPT" in counter.run("doctor")[1]


def test_no_keys_wrong_settings_and_an_open_file(counter: Counter, canary: str) -> None:
    counter.forget_keys()
    code, out, _ = counter.run("doctor")
    assert code == 1
    assert "FAIL keys no key pair is set" in out
    env = counter.folder / ".env"
    env.write_text(f"APCA_API_SECRET_KEY={canary[:4]}\n")
    env.chmod(0o644)
    code, out, _ = counter.run("doctor")
    assert code == 1
    assert "chmod 600" in out
    assert "FAIL settings" in out
    env.unlink()


def test_a_missing_package_is_named(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(doctor, "version", version)
    assert "install aiohttp, msgspec, python-dotenv" in counter.run("doctor")[1]


def test_alert_channels_that_fail_or_cannot_be_read_are_named(
    counter: Counter, canary: str
) -> None:
    file = counter.folder / "alerts.toml"
    file.write_text('[channels.desk]\nurl = "json://127.0.0.1/x"\n')
    file.chmod(0o600)
    counter.use(SUREFILL_ALERTS="alerts.toml")
    health = ChannelHealth().after("HTTP_404", 1)
    HealthFile(journal_path(load()), "watchdog").write({"desk": health, "gone": health})
    code, out, _ = counter.run("doctor")
    assert (code, "FAIL alerts desk fails (HTTP_404)" in out) == (1, True)
    assert "gone" not in out
    file.write_text(f'[channels.desk]\nurl = "{canary}"\n')
    code, out, _ = counter.run("doctor")
    file.unlink()
    assert (code, "FAIL alerts SUREFILL_ALERTS [channels.desk] url is not" in out) == (1, True)
    assert canary not in out
