"""Progress of the demo: lines where there is no terminal, a bar that leaves nothing on one."""

from __future__ import annotations

import io
import sys

import pytest

from surefill.cli import demo_bar
from surefill.cli.demo_bar import DemoBar


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_lines_for_what_changes_and_each_quarter() -> None:
    out = io.StringIO()
    with DemoBar(out) as bar:
        bar.say("preparing")
        bar.say("preparing")
        bar.count("8 plans", 8)
        bar.note("seen on a terminal alone")
        for done in range(9):
            bar.at(done)
    assert out.getvalue().splitlines() == [
        "preparing",
        "8 plans",
        "8 plans: 25 %",
        "8 plans: 50 %",
        "8 plans: 75 %",
        "8 plans: 100 %",
    ]


def test_nothing_to_count_is_no_division_by_zero() -> None:
    out = io.StringIO()
    with DemoBar(out) as bar:
        bar.count("no plans", 0)
        bar.at(0)
    assert out.getvalue() == "no plans\n"


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    out = Terminal()
    with DemoBar(out) as bar:
        bar.say("preparing")
        bar.count("8 plans", 8)
        bar.note("the eighth")
        bar.at(8)
    assert "8 plans" in out.getvalue() or "the eighth" in out.getvalue()


def test_without_rich_a_terminal_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rich.console", None)
    assert demo_bar._rich_bar(Terminal()) is None


def test_it_writes_to_stderr_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    with DemoBar() as bar:
        bar.say("preparing")
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "preparing\n")
