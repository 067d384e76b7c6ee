"""What the switches share."""

from __future__ import annotations

import argparse
import io

import pytest

from surefill.cli.act import complaint, confirmed, who
from surefill.cli.exits import Exit
from surefill.config import ConfigError
from surefill.ports import JournalError
from surefill.runtime.errors import ErrorCode, SurefillError


class Terminal(io.StringIO):
    """Somebody sits there."""

    def isatty(self) -> bool:
        return True


def test_a_name_is_made_one_that_the_journal_takes() -> None:
    assert who(argparse.Namespace(by="Ann B. <x>")) == "Ann-B.--x-"
    assert who(argparse.Namespace(by=None))


@pytest.mark.parametrize(("typed", "sure"), [("RESUME\n", True), ("yes\n", False), ("", False)])
def test_only_the_word_itself_confirms(
    typed: str, sure: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(typed))
    assert confirmed("RESUME", "killed.", is_sure=False) is sure


def test_a_script_has_to_say_yes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("RESUME\n"))
    assert not confirmed("RESUME", "killed.", is_sure=False)
    assert "--yes" in capsys.readouterr().err
    assert confirmed("RESUME", "killed.", is_sure=True)


def test_errors_have_the_exit_codes_of_trade() -> None:
    assert complaint("x", ConfigError([])) is Exit.USAGE
    assert complaint("x", JournalError("JOURNAL_HELD", "")) is Exit.UNAVAILABLE
    lost = SurefillError(ErrorCode.CONTROL_LOST, "")
    assert complaint("x", lost) is Exit.EXPOSED
    gone = SurefillError(ErrorCode.CONTROL_UNREACHABLE, "")
    assert complaint("x", gone) is Exit.UNAVAILABLE
