"""``surefill alerts`` in this process; what it sends goes by real processes to real servers."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from surefill.alerts.health import ChannelHealth, HealthFile
from surefill.cli.main import main
from surefill.config import Settings
from surefill.runtime.account import journal_path
from tests.support.counter import OURS
from tests.support.hooks import MailServer, Webhook


class Shell:
    """The verb, its settings and what it printed."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.file = folder / "alerts.toml"
        self._capsys = capsys
        monkeypatch.chdir(folder)
        for name in [name for name in os.environ if name.startswith(OURS)]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("SUREFILL_ALERTS", "alerts.toml")

    def channels(self, **urls: str) -> None:
        """Write the file."""
        rows = (f'[channels.{name}]\nurl = "{url}"\n' for name, url in urls.items())
        self.file.write_text("".join(rows))
        self.file.chmod(0o600)

    def run(self, *words: str) -> tuple[int, str, str]:
        """(exit code, stdout, stderr), spaces and line ends as one space."""
        code = main(["alerts", *words])
        shown = self._capsys.readouterr()
        return code, " ".join(shown.out.split()), " ".join(shown.err.split())

    def rows(self, *words: str) -> list[dict[str, object]]:
        """The JSON objects of the verb."""
        main(["alerts", *words, "--json"])
        return [json.loads(line) for line in self._capsys.readouterr().out.splitlines()]


@pytest.fixture
def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Shell]:
    made = Shell(tmp_path, monkeypatch, capsys)
    yield made
    made.file.unlink(missing_ok=True)


def test_a_test_reaches_mail_and_webhook_and_names_the_one_that_fails(
    shell: Shell, canary: str
) -> None:
    with Webhook() as hook, MailServer() as mail:
        gone = f"json://127.0.0.1:9/{canary}"
        shell.channels(hook=hook.url(canary), mail=mail.url(), gone=gone)
        code, out, err = shell.run("test")
        assert (code, err) == (3, "")
        assert out == "hook: works mail: works gone: fails: UNREACHABLE"
        assert "Channel hook works" in hook.last
        assert "Channel mail works" in mail.mails[0]


def test_without_channels_or_with_wrong_ones_it_is_usage(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, canary: str
) -> None:
    shell.channels(hook=canary)
    code, _, err = shell.run("test")
    assert (code, "[channels.hook] url is not an address" in err) == (2, True)
    shell.channels(hook="json://127.0.0.1/x")
    assert "there is no channel desk" in shell.run("test", "desk")[2]
    monkeypatch.setenv("SUREFILL_ALERTS", "")
    for words in ((), ("test",)):
        code, _, err = shell.run(*words)
        assert (code, "SUREFILL_ALERTS names a file" in err) == (2, True)


def test_how_the_engine_found_the_channels_is_shown(shell: Shell) -> None:
    shell.channels(hook="json://127.0.0.1/x")
    health = ChannelHealth().after("HTTP_404", 1_772_463_600_000_000_000)
    HealthFile(journal_path(Settings()), "engine").write({"hook": health})
    code, out, _ = shell.run()
    assert code == 0
    assert "hook WARNING fails (HTTP_404) since 2026-03-02 15:00 UTC not tried yet" in out
    assert "One channel only" in out
    (row,) = shell.rows()
    engine = row["engine"]
    assert isinstance(engine, dict)
    assert (engine["state"], row["watchdog"]) == ("FAILS", None)


def test_a_silence_is_put_shown_and_taken_back(shell: Shell) -> None:
    shell.channels(hook="json://127.0.0.1/x", more="json://127.0.0.1/y")
    code, out, _ = shell.run("silence", "DOUBT_LONG", "--by", "ann", "--why", "known")
    assert code == 0
    assert out.startswith("DOUBT_LONG is not told until 20")
    assert "by ann: known" in shell.run()[1]
    assert shell.rows()[-1]["silenced"] == "DOUBT_LONG"
    assert shell.run("silence", "DOUBT_LONG", "--undo")[1] == "DOUBT_LONG is told again."
    assert "silenced" not in shell.run()[1]
    (row,) = shell.rows("silence", "DOUBT_LONG")
    assert row["code"] == "DOUBT_LONG"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("silence", "EVERYTHING"), "EVERYTHING is no alert; one of SLIPPAGE_HIGH"),
        (("silence", "DOUBT_LONG", "--minutes", "1441"), "--minutes is 1 to 1440"),
        (("silence", "DOUBT_LONG", "--minutes", "0"), "--minutes is 1 to 1440"),
    ],
)
def test_a_silence_is_of_one_alert_and_has_an_end(
    shell: Shell, words: tuple[str, ...], says: str
) -> None:
    shell.channels(hook="json://127.0.0.1/x")
    code, _, err = shell.run(*words)
    assert (code, says in err) == (2, True)


def test_a_silence_that_cannot_be_written_is_said(shell: Shell, tmp_path: Path) -> None:
    shell.channels(hook="json://127.0.0.1/x")
    (tmp_path / ".surefill").write_text("")
    code, _, err = shell.run("silence", "DOUBT_LONG")
    assert (code, "cannot be written" in err) == (3, True)
