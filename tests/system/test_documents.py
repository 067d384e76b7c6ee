"""Every command in the documents is executed, pages side by side; the boxes: `tests.support.pages`.

Commands outside the boxes are executed by `tests.system.test_quoted_commands`; here they are read
by the program's own parser, those of dated reports too.
"""

from __future__ import annotations

import argparse
import ast
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

from surefill.cli.main import VERBS
from surefill.core.reasons import ReasonCode
from surefill.runtime.errors import ErrorCode
from tests.support.pages import BOX, DOCS, Reader
from tests.support.workplace import ROOT

pytestmark = pytest.mark.slow

QUICK = "SMART_EXECUTOR_QUICK_START.md"
DEPLOYED = "SMART_ORDER_EXECUTOR_DEPLOYED.md"
SUMMARY = "SMART_EXECUTOR_EXECUTIVE_SUMMARY.md"
RUNNING = "running.md"
COSTS = "tca.md"
API = "api.md"
CHANNELS = "channels.md"
STRATEGIES = "howto/several_strategies.md"
TAPE = "synthetic_tape.md"
ELSEWHERE = {
    "first_ten_minutes.md": "tests/system/test_first_ten_minutes.py",
    "exchange.md": "tests/interop/test_newcomer.py",
    "dashboard.md": "tests/system/test_dashboard.py",
}
"""Page -> the test that follows it."""
COURSES = (
    (QUICK, DEPLOYED, "howto/recover.md", "howto/roll_back.md", "howto/old_costs.md"),
    (RUNNING, STRATEGIES),
    (SUMMARY,),
    (COSTS,),
    (API,),
    (CHANNELS,),
    (TAPE, "howto/write_a_tactic.md"),
)
"""Pages that are read by one person, in this order; the longest courses first."""
AT_ONCE = 3
"""They wait more than they work: three of them keep two cores busy."""


@dataclass(frozen=True, slots=True)
class Read:
    """What a reader saw, and the directory it left."""

    shown: str
    place: Path
    asked: str

    @property
    def words(self) -> str:
        """What was shown, with one blank between words."""
        return " ".join(self.shown.split())


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Read]]]:
    """Page -> its course, which may still be under way."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        folders = [tmp_path_factory.mktemp("course") for _ in COURSES]
        under_way = [pool.submit(take, *pair) for pair in zip(COURSES, folders, strict=True)]
        pairs = zip(COURSES, under_way, strict=True)
        yield {page: one for course, one in pairs for page in course}


def take(course: tuple[str, ...], folder: Path) -> Read:
    """Do everything that the pages of a course say."""
    # Where systemd is not installed, the test of the units says so.
    without = "\0" if shutil.which("systemd-analyze") else "systemd-analyze"
    with Reader(folder) as reader:
        shown = "\n".join(reader.reads(page, without=without) for page in course)
    asked = reader.asked.read_text(encoding="utf-8") if reader.asked.exists() else ""
    return Read(shown, reader.place, asked)


def missing(seen: Read, *sentences: str) -> list[str]:
    """Sentences that were not shown."""
    return [words for words in sentences if words not in seen.words]


def test_the_quick_start_and_the_guide_do_what_they_say(read: dict[str, Future[Read]]) -> None:
    seen = read[QUICK].result()
    assert not missing(
        seen,
        "checks: 0 FAIL",
        "entered and covered",
        "CLOSED_FLATTEN @",
        "RR_BELOW_MIN",
        "Smart executor trade successful: ACME BUY plan=monday-1 25 @ 100.01",
        "slippage doubled since noon",
        "now ask for legacy: restart",
        '"USE_SMART_EXECUTOR=True"',
        "Scenarios ok crwd (",
        "ok configuration loading (",
        ".env now says USE_SMART_EXECUTOR=True; record",
        "5 orders What execution cost, by the exported history",
    )
    assert "FAIL " not in seen.words.partition("Scenarios ok crwd")[2].partition(" passed")[0]
    assert "systemctl enable --now surefill.service" in seen.asked.splitlines()
    assert (seen.place / "backups").is_dir()


def test_running_the_engine_goes_as_told(read: dict[str, Future[Read]]) -> None:
    seen = read[RUNNING].result()
    assert not missing(
        seen,
        "plan=or-1 25 @ 100.01",
        "['opening-range']",
        "BETA 30 100.01 0 0 30",
        "COVERED 30 0 98.50 104.00 adopt-",
        "halt: the running engine",
        "resume: the running engine",
        "FLAT",
        "opening-range 25 shares DENIED ACME already has trade or-2",
    )
    logged = (seen.place / "logs" / "surefill.log").read_text(encoding="utf-8")
    assert logged.count("Smart executor trade successful: ACME BUY plan=or-1 ") == 1


def test_costs_are_measured_as_told(read: dict[str, Future[Read]]) -> None:
    seen = read[COSTS].result()
    told = (DOCS / COSTS).read_text(encoding="utf-8")
    sample = [line.strip() for line in told.splitlines() if line.startswith("    legacy:")]
    sample += [line.strip() for line in told.splitlines() if line.startswith("      entered")]
    assert len(sample) == 2
    for words in (*sample, "+22.06", "1   0.13", "in pairs; 0 left out", "improved by 50 %"):
        assert words in seen.shown, words
    page = (seen.place / "run" / "report.html").read_text(encoding="utf-8")
    assert len(page) < 6_000_000
    assert "<script src" not in page


def test_the_api_does_what_its_page_says(read: dict[str, Future[Read]]) -> None:
    seen = read[API].result()
    assert not missing(
        seen,
        "COVERED 25 @ 100.01 bare 0",
        '"risk_state":"ACTIVE"',
        '"covered_qty":"25"',
        '"last_px":"100.01"',
        '{"act":"KILL","by":"api-kill-only"}',
        '{"act":"UNKILL","by":"api-operator"}',
        '"state":"FLAT"',
        "surefill_uncovered_shares 0.0",
    )
    logged = (seen.place / "logs" / "surefill.log").read_text(encoding="utf-8")
    assert logged.count("Smart executor trade successful: ACME") == 1


def test_alerts_are_silenced_as_told(read: dict[str, Future[Read]]) -> None:
    sentences = ("REJECTION_HIGH is not told until", "REJECTION_HIGH is told again.")
    assert not missing(read[CHANNELS].result(), *sentences)


def test_a_tactic_is_written_as_told(read: dict[str, Future[Read]]) -> None:
    assert not missing(read[TAPE].result(), "0 s: 100.05 40 s: 100.10 60 s: None")


def test_the_summary_plays_its_demo(read: dict[str, Future[Read]]) -> None:
    assert not missing(read[SUMMARY].result(), "0 violations")


def test_the_executors_scenarios_have_the_names_that_operators_know() -> None:
    tree = ast.parse((ROOT / "tests/system/test_named_scenarios.py").read_text(encoding="utf-8"))
    names = {node.name for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef)}
    names |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert names >= {
        "test_limit_price",
        "test_dynamic_stop_and_target",
        "test_slippage_limit",
        "test_reward_risk_limit",
        "test_crwd",
        "test_excessive_slippage_refused",
        "test_acceptable_slippage_accepted",
        "test_order_manager_routing",
        "test_configuration_loading",
        "test_alpaca_compatibility",
    }


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


PAGES = sorted(page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md"))
FENCE = re.compile(r"^```(sh|python|bash|console)\n", re.MULTILINE)
QUOTED = re.compile(r"^ {4,}(?:\$ )?(surefill [^\n]*)$|`(surefill [^`\n]+)`", re.MULTILINE)
PLACEHOLDER = re.compile(r"(?:STAGE|NAME|DATE|TRADE|TAPE|PATH|SYMBOL|COMMAND|SECONDS|DIR|FILE)")


@pytest.mark.parametrize("name", PAGES)
def test_every_box_is_executed(name: str) -> None:
    text = (DOCS / name).read_text(encoding="utf-8")
    boxes = len(FENCE.findall(text))
    if name in ELSEWHERE:
        assert name.removesuffix(".md") in (ROOT / ELSEWHERE[name]).read_text(encoding="utf-8")
        return
    assert boxes == len(BOX.findall(text)), "a grey box without its `run` comment"
    assert not boxes or any(name in course for course in COURSES), "nobody reads this page"


@pytest.mark.parametrize("name", [*PAGES, "../README.md", "../CONTRIBUTING.md"])
def test_every_command_that_is_quoted_is_one(name: str) -> None:
    text = (DOCS / name).read_text(encoding="utf-8")
    lines = [indented or inline for indented, inline in QUOTED.findall(text)]
    assert [problem for line in lines if (problem := complaint(line))] == []


def complaint(line: str) -> str:
    """What the program's own parser has against a quoted command; nothing if it takes it."""
    words = shlex.split(re.split(r"  #| \| | > | && ", line)[0])[1:]
    if not words or words[0].startswith("--") or words[0] == "VERB":
        return ""
    if words[0] not in {verb.name for verb in VERBS}:
        return f"{line}: no such verb"
    module = import_module(f"surefill.cli.{words[0]}")
    parser = argparse.ArgumentParser(exit_on_error=False)
    module.add_arguments(parser)
    options = [word.partition("=")[0] for word in words if word.startswith("--")]
    is_mention = len(words) == 1 or "..." in words or words[-1].startswith("--")
    if is_mention or any(PLACEHOLDER.fullmatch(word) for word in words):
        wrong = [word for word in options if word not in parser.format_help()]
        return f"{line}: no option {wrong}" if wrong else ""
    try:
        parser.parse_args(words[1:])
    except (argparse.ArgumentError, SystemExit) as error:
        return f"{line}: {error}"
    return ""


@pytest.mark.parametrize("name", [page for page in PAGES if not page.startswith("reports/")])
def test_every_test_that_is_named_exists(name: str) -> None:
    text = (DOCS / name).read_text(encoding="utf-8")
    named = set(re.findall(r"\btest_\w+", text))
    assert {word for word in named if word not in names_of_tests()} == set()


@cache
def names_of_tests() -> frozenset[str]:
    """Every test and every file of tests."""
    files = list(ROOT.glob("tests/**/test_*.py"))
    texts = [path.read_text(encoding="utf-8") for path in files]
    found = {name for text in texts for name in re.findall(r"def (test_\w+)", text)}
    return frozenset(found | {path.stem for path in files})


@pytest.mark.parametrize(
    "line",
    ["surefill fly", "surefill trade --moon NAME", "surefill status --moon", "surefill kill now"],
)
def test_a_command_that_is_none_is_found(line: str) -> None:
    assert complaint(line)


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
