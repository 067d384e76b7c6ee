"""The pages of the documentation, word by word: every grey box is executed.

A comment before each box says where it runs and how it ends:

    <!-- run: background -->                     the exchange or the engine, kept running
    <!-- run: place -->                          sh, in the user's directory; must end with 0
    <!-- run: place, ends with 0, 1 or 3 -->     other exit codes are right too
    <!-- run: place python -->                   Python there
    <!-- run: checkout -->                       sh, in the repository
    <!-- run: checkout, with stand-ins -->       `sudo` only writes down what it was asked for
    <!-- run: setup -->                          what the tests' own environment stands for

A process that a page itself sends to the background leaves its number in a file `NAME.pid`.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.support.workplace import ROOT, clean_environ

DOCS = ROOT / "docs"
BOX = re.compile(
    r"<!-- run: (?P<where>\w+)(?P<how>[^>]*?) -->\n```(?P<kind>\w+)\n(?P<text>.*?)```", re.DOTALL
)
PORT, API_PORT = "8700", "8710"
TIMEOUT_S = 400
PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Box:
    """One grey box."""

    where: str
    how: str
    kind: str
    text: str

    @property
    def codes(self) -> set[int]:
        """Exit codes that are right."""
        return {int(digit) for digit in re.findall(r"\d", self.how)} or {0}


def boxes_of(name: str) -> list[Box]:
    """The boxes of a document, in order."""
    text = (DOCS / name).read_text(encoding="utf-8")
    return [Box(*match.group("where", "how", "kind", "text")) for match in BOX.finditer(text)]


class Reader:
    """Somebody who does what the documents say, in a directory of their own. Use it as ``with``."""

    def __init__(self, folder: Path) -> None:
        self.place = folder / "place"
        self.place.mkdir(mode=0o700)
        self.asked = folder / "sudo.txt"
        self._tools = folder / "tools"
        self._tools.mkdir()
        self.port, self.api_port = _free_port(), _free_port()
        self._kept: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        """End what still runs, the engine before its exchange."""
        for process in reversed(self._kept):
            process.terminate()
            process.wait(timeout=PATIENCE_S)
        numbers = sorted(self.place.glob("*.pid"), key=lambda path: path.stat().st_mtime)
        for path in reversed(numbers):
            _end(int(path.read_text()))

    def reads(self, name: str, *, without: str = "\0") -> str:
        """Run every box of a page but those with these words; their output."""
        return "\n".join(self.does(box) for box in boxes_of(name) if without not in box.text)

    def does(self, box: Box) -> str:
        """Run a box; its output."""
        if box.where == "setup":
            return ""
        text = box.text.replace(API_PORT, self.api_port).replace(PORT, self.port)
        if box.where == "background":
            return self._serve(text)
        environ = clean_environ()
        if "stand-ins" in box.how:
            self._stand_in()
            environ["PATH"] = f"{self._tools}:{environ['PATH']}"
        words = [sys.executable, "-c", text] if box.kind == "python" else ["sh", "-ec", text]
        if box.codes != {0} and box.kind == "sh":
            words[1] = "-c"  # each line is tried; the last one's code counts
        done = subprocess.run(
            words,
            cwd=ROOT if box.where == "checkout" else self.place,
            env=environ,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )
        assert done.returncode in box.codes, f"{text}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def _serve(self, text: str) -> str:
        words = text.split()
        assert words[0] == "surefill"
        process = subprocess.Popen(
            [sys.executable, "-m", *words],
            env=clean_environ(),
            cwd=self.place,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._kept.append(process)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if self._is_up(words[1]):
                return ""
            time.sleep(0.1)
        raise AssertionError(f"{text} did not start")

    def _is_up(self, verb: str) -> bool:
        if verb == "run":
            return bool(list(self.place.glob(".surefill/*.sock")))
        port = self.port if verb == "exchange" else self.api_port
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", int(port))) == 0

    def _stand_in(self) -> None:
        path = self._tools / "sudo"
        path.write_text(f'#!/bin/sh\necho "$@" >> {self.asked}\n')
        path.chmod(0o700)


def _end(number: int) -> None:
    """SIGTERM to a process of the page's, then SIGKILL; nothing if it is gone."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        end = time.monotonic() + PATIENCE_S
        try:
            os.kill(number, sign)
            while time.monotonic() < end:
                os.kill(number, 0)
                time.sleep(0.05)
        except ProcessLookupError:
            return


def _free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])
