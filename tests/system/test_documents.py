"""The documents about running it, word by word: every grey box is executed.

A comment before each box says where it runs and how it ends:

    <!-- run: background -->                     the exchange or the engine, kept running
    <!-- run: place -->                          sh, in the user's directory; must end with 0
    <!-- run: place, ends with 0, 1 or 3 -->     other exit codes are right too
    <!-- run: place python -->                   Python there
    <!-- run: checkout -->                       sh, in the repository
    <!-- run: checkout, with stand-ins -->       `sudo` only writes down what it was asked for
"""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from surefill.cli.main import VERBS
from surefill.core.reasons import ReasonCode
from surefill.runtime.errors import ErrorCode
from tests.support.workplace import ROOT, clean_environ

pytestmark = pytest.mark.slow

DOCS = ROOT / "docs"
QUICK = "SMART_EXECUTOR_QUICK_START.md"
DEPLOYED = "SMART_ORDER_EXECUTOR_DEPLOYED.md"
SUMMARY = "SMART_EXECUTOR_EXECUTIVE_SUMMARY.md"
CHECKLIST = "SMART_EXECUTOR_DEPLOYMENT_CHECKLIST.md"
RUNNING = "running.md"
COSTS = "tca.md"
API = "api.md"
CHANNELS = "channels.md"
ALL = (QUICK, DEPLOYED, SUMMARY, CHECKLIST, RUNNING, COSTS, API, CHANNELS)
BOX = re.compile(
    r"<!-- run: (?P<where>\w+)(?P<how>[^>]*?) -->\n```(?P<kind>\w+)\n(?P<text>.*?)```", re.DOTALL
)
PORT, API_PORT = "8700", "8710"
TIMEOUT_S = 400


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
    """Somebody who does what the documents say, in a directory of their own."""

    def __init__(self, folder: Path) -> None:
        self.place = folder / "place"
        self.place.mkdir(mode=0o700)
        self.asked = folder / "sudo.txt"
        self._tools = folder / "tools"
        self._tools.mkdir()
        self.port, self.api_port = _free_port(), _free_port()
        self._kept: list[subprocess.Popen[bytes]] = []

    def close(self) -> None:
        """End what still runs, the engine before its exchange."""
        for process in reversed(self._kept):
            process.terminate()
            process.wait(timeout=30)

    def does(self, box: Box) -> str:
        """Run a box; its output."""
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


def _free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """One reader for the quick start and the deployment guide, in this order."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    found = Reader(tmp_path_factory.mktemp("documents"))
    yield found
    found.close()


def test_the_quick_start_and_the_guide_do_what_they_say(reader: Reader) -> None:
    shown = "".join(reader.does(box) for box in boxes_of(QUICK))
    for words in (
        "checks: 0 FAIL",
        "entered and covered",
        "CLOSED_FLATTEN @",
        "RR_BELOW_MIN",
        "Smart executor trade successful: ACME BUY plan=monday-1 25 @ 100.01",
        "slippage doubled since noon",
        "now ask for legacy: restart",
    ):
        assert words in " ".join(shown.split()) or words in shown, words
    for box in boxes_of(DEPLOYED):
        if "systemd-analyze" in box.text and shutil.which("systemd-analyze") is None:
            continue  # said by the test of the unit
        if "test_smart_order_executor.py" in box.text:
            continue  # has a test of its own below
        reader.does(box)
    asked = reader.asked.read_text().splitlines()
    assert "systemctl enable --now surefill.service" in asked
    assert (reader.place / "backups").is_dir()


def test_running_the_engine_goes_as_told(tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    reader = Reader(tmp_path)
    try:
        shown = " ".join("".join(reader.does(box) for box in boxes_of(RUNNING)).split())
    finally:
        reader.close()
    for words in (
        "plan=or-1 25 @ 100.01",
        "['opening-range']",
        "BETA 30 100.01 0 0 30",
        "COVERED 30 0 98.50 104.00 adopt-",
        "halt: the running engine",
        "resume: the running engine",
        "FLAT",
    ):
        assert words in shown, words
    logged = (reader.place / "logs" / "surefill.log").read_text(encoding="utf-8")
    assert logged.count("Smart executor trade successful: ACME") == 1


def test_costs_are_measured_as_told(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    shown = "\n".join(reader.does(box) for box in boxes_of(COSTS))
    told = (DOCS / COSTS).read_text(encoding="utf-8")
    sample = [line.strip() for line in told.splitlines() if line.startswith("    legacy:")]
    sample += [line.strip() for line in told.splitlines() if line.startswith("      entered")]
    assert len(sample) == 2
    for words in (*sample, "+22.06", "1   0.13", "in pairs; 0 left out", "improved by 50 %"):
        assert words in shown, words
    assert (reader.place / "run" / "report.html").stat().st_size < 6_000_000
    assert "<script src" not in (reader.place / "run" / "report.html").read_text(encoding="utf-8")
    reader.close()


def test_the_api_does_what_its_page_says(tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    reader = Reader(tmp_path)
    try:
        shown = " ".join("".join(reader.does(box) for box in boxes_of(API)).split())
    finally:
        reader.close()
    for words in (
        "COVERED 25 @ 100.01 bare 0",
        '"risk_state":"ACTIVE"',
        '"covered_qty":"25"',
        '"last_px":"100.01"',
        '{"act":"KILL","by":"api-kill-only"}',
        '{"act":"UNKILL","by":"api-operator"}',
        '"state":"FLAT"',
        "surefill_uncovered_shares 0.0",
    ):
        assert words in shown, (words, shown)
    logged = (reader.place / "logs" / "surefill.log").read_text(encoding="utf-8")
    assert logged.count("Smart executor trade successful: ACME") == 1


def test_alerts_are_silenced_as_told(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    shown = " ".join("".join(reader.does(box) for box in boxes_of(CHANNELS)).split())
    assert "REJECTION_HIGH is not told until" in shown
    assert "REJECTION_HIGH is told again." in shown


def test_the_executors_tests_run_alone_as_a_readable_list(reader: Reader) -> None:
    (box,) = [box for box in boxes_of(DEPLOYED) if "python tests/" in box.text]
    shown = reader.does(box)
    assert '"USE_SMART_EXECUTOR=True"' in shown
    names = (
        "limit price",
        "dynamic stop and target",
        "slippage limit",
        "reward risk limit",
        "crwd",
        "excessive slippage refused",
        "acceptable slippage accepted",
        "order manager routing",
        "configuration loading",
        "alpaca compatibility",
    )
    for name in names:
        assert f"  ok    {name}  (" in shown
    assert "FAIL" not in shown


def test_the_summary_plays_its_demo(reader: Reader) -> None:
    (box,) = boxes_of(SUMMARY)
    assert "0 violations" in " ".join(reader.does(box).split())


@pytest.mark.parametrize(
    "name", ["surefill.service", "surefill-watchdog.service", "surefill-api.service"]
)
def test_the_unit_is_one_that_systemd_takes(name: str, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    text = (ROOT / "deploy" / name).read_text(encoding="utf-8")
    unit = tmp_path / name
    unit.write_text(re.sub(r"(?m)^ExecStart=\S+", f"ExecStart={sys.executable}", text))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("name", ALL)
def test_every_box_is_executed_and_every_verb_exists(name: str) -> None:
    text = (DOCS / name).read_text(encoding="utf-8")
    assert text.count("```") == 2 * len(boxes_of(name)), "a grey box without its `run` comment"
    verbs = {verb.name for verb in VERBS}
    named = re.findall(r"(?:^|`)surefill (?:--)?([a-z]+)", text, re.MULTILINE)
    assert set(named) <= verbs, f"{name} names verbs that do not exist"


def test_codes_in_the_guide_exist() -> None:
    text = (DOCS / DEPLOYED).read_text(encoding="utf-8")
    codes = {code.name for code in (*ReasonCode, *ErrorCode)}
    codes |= {"JOURNAL_HELD", "JOURNAL_CORRUPT", "JOURNAL_UNWRITABLE", "JOURNAL_VERSION"}
    codes |= {"EXPOSED", "USE_SMART_EXECUTOR", "SYSTEM_ERROR"}
    named = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", text))
    assert named <= codes


def test_paths_in_the_guide_exist() -> None:
    text = (DOCS / DEPLOYED).read_text(encoding="utf-8")
    named = re.findall(r"`((?:src|tests|deploy)/[\w./]+)`", text)
    assert len(named) > 5
    assert [path for path in named if "..." not in path and not (ROOT / path).exists()] == []
