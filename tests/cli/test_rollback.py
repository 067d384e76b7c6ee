"""The verb in this process; that it does what it says after a restart is in tests/system."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from surefill.cli import rollback
from surefill.cli.account import load
from surefill.runtime.wiring import journal_path, open_journal
from tests.support.counter import Counter
from tests.support.desk import plan_of
from tests.support.exchange_server import RunningExchange, wait_until

NAME = "USE_SMART_EXECUTOR"


@pytest.fixture(scope="module")
def exchange() -> Iterator[RunningExchange]:
    with RunningExchange() as running:
        running.quote("ROLL", "99.99", "100.01")
        yield running


def env_text(counter: Counter) -> str:
    path = counter.folder / ".env"
    return path.read_text() if path.exists() else ""


def test_before_the_first_start_it_is_put_on_record_too(counter: Counter) -> None:
    code, out, _ = counter.run("rollback", "--by", "ann", "--why", "first day")
    assert code == 0
    assert out.startswith("No open trade.")
    assert env_text(counter) == f"{NAME}=False\n"
    found = counter.json("rollback", "--undo", "--by", "ann")
    assert (found["before"], found["after"], found["record"]) == ("legacy", "smart", 2)
    again = counter.json("rollback", "--undo")
    assert (again["changed"], again["record"]) == (False, None)


def test_another_file_may_be_named(counter: Counter) -> None:
    other = counter.folder / "prod.env"
    other.write_text("# mine\n")
    assert counter.run("rollback", "--env", str(other))[0] == 0
    assert other.read_text() == f"# mine\n{NAME}=False\n"
    assert env_text(counter) == ""


def test_a_bare_trade_is_told_and_ends_with_4(counter: Counter) -> None:
    counter.trade(plan_of("ROLL", "bare"))
    counter.bare("bare")
    wait_until(lambda: counter.desk.truth(kind="share_release", symbol="ROLL"))
    code, out, _ = counter.run("rollback")
    assert code == 4
    assert "ROLL smart FILLED_UNCOVERED 100 100" in out
    assert "cover as the broker shows it now" in out
    journal = open_journal(load(), read_only=True)
    last = list(journal.records())[-1].record
    journal.close()
    assert b'["without full cover","1"]' in last


def test_what_the_broker_does_not_show_is_said(counter: Counter) -> None:
    counter.trade(plan_of("ROLL", "half"))
    counter.exchange.arm("N3", "GET /v2/positions", count=50, params={"status": 500})
    code, out, _ = counter.run("rollback")
    assert code == 0
    assert "cover as far as the broker could be read (missing: positions)" in out


def test_a_silent_broker_and_a_file_that_says_so_already(counter: Counter) -> None:
    assert counter.run("rollback")[0] == 0
    counter.use(APCA_API_BASE_URL="http://127.0.0.1:9")
    code, out, _ = counter.run("rollback")
    assert code == 0
    assert f".env already says {NAME}=False" in out


def test_without_keys_the_journal_is_the_source(counter: Counter) -> None:
    counter.trade(plan_of("ROLL", "nokeys"))
    counter.forget_keys()
    code, out, _ = counter.run("rollback")
    assert code == 0
    assert "the broker was not asked: no keys" in out
    assert env_text(counter) == f"{NAME}=False\n"


def test_whose_account_it_is_must_be_known(counter: Counter) -> None:
    counter.forget_keys()
    code, _, err = counter.run("rollback")
    assert code == 2
    assert "whose account is it?" in err
    assert env_text(counter) == ""


def test_a_held_journal_changes_nothing(counter: Counter) -> None:
    owner = open_journal(load())
    owner.acquire("an engine")
    code, _, err = counter.run("rollback")
    owner.close()
    assert code == 3
    assert "the engine is running: an engine" in err
    assert env_text(counter) == ""


def test_a_damaged_journal_changes_nothing(counter: Counter) -> None:
    path = journal_path(load())
    open_journal(load()).close()
    path.write_bytes(b"")
    path.chmod(0o600)
    code, _, err = counter.run("rollback")
    assert code == 3
    assert "JOURNAL_CORRUPT" in err
    assert env_text(counter) == ""


def test_a_variable_of_the_shell_wins_and_is_named(counter: Counter) -> None:
    counter.use(USE_SMART_EXECUTOR="True")
    code, _, err = counter.run("rollback")
    assert code == 2
    assert "wins over .env" in err


def test_wrong_settings_are_told(counter: Counter) -> None:
    counter.use(SMART_EXECUTOR_FILL_TIMEOUT="soon")
    assert counter.run("rollback")[0] == 2


def test_a_file_that_cannot_be_replaced_stays(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "no space left")

    monkeypatch.setattr(rollback, "set_line", refuse)
    code, _, err = counter.run("rollback")
    assert code == 3
    assert "no space left. It is as it was" in " ".join(err.split()).replace("] ", "")


def test_a_file_that_still_says_otherwise_is_no_success(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollback, "set_line", lambda *_: True)
    code, _, err = counter.run("rollback")
    assert code == 2
    assert "still asks for smart" in err
