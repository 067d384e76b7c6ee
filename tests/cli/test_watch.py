"""``surefill watch``: one frame, its exit code, and the live screen of a real terminal."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from tests.support.counter import Counter
from tests.support.desk import plan_of
from tests.support.workplace import clean_environ

QUIET_S = 20.0
READS_MAX = 100


def test_nothing_was_started_yet(counter: Counter) -> None:
    code, out, _ = counter.run("watch", "--once")
    assert code == 3
    assert "no journal at" in out
    assert "surefill run" in out


def test_one_frame_of_a_covered_trade(counter: Counter) -> None:
    counter.exchange.quote("WATA", "99.99", "100.01")
    counter.trade(plan_of("WATA", "w1"))
    code, out, _ = counter.run("watch", "--once")
    assert code == 4  # covered, but nobody watches over it
    assert "WATA BUY COVERED 100 0" in out
    assert "control port CONTROL_UNREACHABLE" in out
    assert "NO ENGINE RUNS" in out


def test_an_account_without_trades_may_be_without_an_engine(counter: Counter) -> None:
    counter.trade()
    code, out, _ = counter.run("watch", "--once")
    assert (code, "NO ENGINE RUNS" in out) == (0, True)


def test_settings_that_are_wrong_are_said(counter: Counter) -> None:
    counter.use(SUREFILL_NONSENSE="1")
    code, _, err = counter.run("watch")
    assert (code, err.startswith("surefill watch: ")) == (2, True)


@pytest.mark.parametrize("way", ["q", "Ctrl-C"])
def test_a_terminal_is_left_as_it_was_found(way: str, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    process = subprocess.Popen(
        [sys.executable, "-m", "surefill", "watch"],
        cwd=tmp_path,
        env=clean_environ() | {"TERM": "xterm", "COLUMNS": "80", "LINES": "30"},
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
    )
    try:
        seen = read_until(ours, b"q ends it")
        assert b"no journal at" in seen
        if way == "q":
            os.write(ours, b"q")
        else:
            process.send_signal(signal.SIGINT)
        read_until(ours, b"\x1b[?1049l")  # the screen that was there before
        assert process.wait(timeout=QUIET_S) == 0
        assert termios.tcgetattr(theirs) == before
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)


def read_until(terminal: int, mark: bytes) -> bytes:
    """What stands on the terminal up to a mark, which must come."""
    seen = b""
    for _ in range(READS_MAX):
        if mark in seen:
            return seen
        assert select.select([terminal], [], [], QUIET_S)[0], seen
        seen += os.read(terminal, 65_536)
    raise AssertionError(f"{mark!r} never came: {seen[-500:]!r}")
