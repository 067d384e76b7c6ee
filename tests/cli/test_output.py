"""Tables, JSON and progress: plain in a pipe, coloured on a terminal, never on the wrong stream."""

from __future__ import annotations

import builtins
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from surefill.cli.output import WIDTH, Progress, Table, clean, emit, plain, plain_text, say, show


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


TABLE = Table(
    "Orders",
    [("1", "ENTRY", "word " * 30), ("22", "STOP")],
    head=("n", "leg", "why"),
    right=frozenset({0}),
)


def test_plain_tables_fit_and_wrap_their_last_column() -> None:
    text = plain(TABLE)
    lines = text.splitlines()
    assert lines[:3] == ["", "Orders", "   n  leg    why"]
    assert lines[3].startswith("   1  ENTRY  word word")
    assert lines[4].startswith("             word")
    assert lines[-1] == "  22  STOP"
    assert all(len(line) <= WIDTH for line in lines)


def test_a_number_in_the_last_column_is_flush_right() -> None:
    text = plain(Table("", [("a", "1.00"), ("b", "100.00")], right=frozenset({1})))
    assert text == "  a    1.00\n  b  100.00\n"


def test_an_empty_table_is_its_title() -> None:
    assert plain(Table("Nothing", [])) == "\nNothing\n"


def test_show_without_a_terminal_is_plain() -> None:
    out = io.StringIO()
    show(["CRWD: denied", TABLE, ""], out)
    assert out.getvalue() == "CRWD: denied\n" + plain(TABLE) + "\n"


def test_show_on_a_terminal_uses_rich() -> None:
    out = Terminal()
    show([TABLE, "done"], out)
    assert "\x1b[" in out.getvalue()
    assert "ENTRY" in out.getvalue()


def test_show_on_a_terminal_without_rich_is_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    real: Callable[..., Any] = builtins.__import__

    def without_rich(name: str, *args: Any, **more: Any) -> Any:
        if name.partition(".")[0] == "rich":
            raise ModuleNotFoundError(name, name=name)
        return real(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", without_rich)
    out = Terminal()
    show([TABLE], out)
    assert out.getvalue() == plain(TABLE)


def test_json_is_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    emit({"a": "1", "b": ["x\ny"]})
    shown = capsys.readouterr()
    assert json.loads(shown.out) == {"a": "1", "b": ["x\ny"]}
    assert shown.out.count("\n") == 1
    assert shown.err == ""


def test_words_for_people_go_to_stderr_without_control_characters(
    capsys: pytest.CaptureFixture[str],
) -> None:
    say("broker said \x1b[2Jboo\r\nbar")
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == "broker said  [2Jboo  bar\n"
    assert clean("a\x00b") == "a b"
    assert all(len(line) <= WIDTH for line in plain_text("word " * 40).splitlines())


def test_a_sentence_is_wrapped_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for stderr in (Terminal(), io.StringIO()):
        monkeypatch.setattr("sys.stderr", stderr)
        say("word " * 40)
        is_wrapped = max(map(len, stderr.getvalue().splitlines())) <= WIDTH
        assert is_wrapped is stderr.isatty()


def test_progress_in_a_pipe_is_a_line_for_each_change() -> None:
    out = io.StringIO()
    with Progress(out) as progress:
        for stage in ("sent", "sent", "filled"):
            progress.at(stage)
    assert out.getvalue() == "sent\nfilled\n"


def test_progress_on_a_terminal_is_a_spinner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    out = Terminal()
    with Progress(out) as progress:
        progress.at("entry working")
    assert "\x1b[" in out.getvalue()


def test_progress_goes_to_stderr_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress() as progress:
        progress.at("sent")
    assert capsys.readouterr() == ("", "sent\n")
