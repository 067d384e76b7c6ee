"""The real command, as a user runs it: numbers, seeds, tapes, exit codes.

Each run plays a morning of about ten seconds in real time, and then a stream in virtual time.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from surefill.cli import demo
from surefill.cli.exits import Exit
from surefill.cli.main import main
from surefill.replay.morning import MorningError
from surefill.sim.market import TapeError, TapeErrorCode
from tests.sim.tapes import day, twin

pytestmark = pytest.mark.slow
Row = dict[str, Any]
TIMEOUT_S = 300


@dataclass(frozen=True)
class Ran:
    """One finished run."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[Row]:
        """Its JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]

    def of(self, part: str) -> list[Row]:
        """Rows of one part."""
        return [row for row in self.rows if row["part"] == part]


def run_demo(*arguments: str) -> Ran:
    """``surefill demo`` in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "surefill", "demo", *arguments],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ran]:
    """A synthetic tape in files, as text and as JSON; the default is played by
    tests/system/test_documents.py."""
    folder = tmp_path_factory.mktemp("tape")
    twin(folder)
    tape = ("--tape", str(folder), "--seed", "1")
    wanted = {"text": tape, "files": ("--json", *tape)}
    return {name: run_demo(*arguments) for name, arguments in wanted.items()}


def test_every_run_ends_well(runs: dict[str, Ran]) -> None:
    for name, ran in runs.items():
        assert ran.code == Exit.DONE, (name, ran.err)


def test_text_fits_80_columns_and_the_auditor_has_the_last_word(runs: dict[str, Ran]) -> None:
    lines = runs["text"].out.splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("AUDITOR: 0 violations") for line in lines[-3:])
    for wanted in ("536.00", "1:0.13", "535.08", "535.35", "RR_BELOW_MIN", "-163.25 USD"):
        assert wanted in runs["text"].out
    assert "both paths: 100 %" in runs["text"].err


def test_json_alone_is_on_stdout_and_the_morning_is_exact(runs: dict[str, Ran]) -> None:
    ran = runs["files"]
    legacy, level, distance = [row for row in ran.of("morning") if row["ending"] == "STOP"]
    assert (legacy["entry_px"], legacy["exit_px"]) == ("536.00", "529.47")
    assert (legacy["risk_px"], legacy["reward_px"]) == ("6.53", "0.87")
    assert (legacy["reward_risk"], legacy["pnl_usd"]) == ("0.13", "-163.25")
    assert (level["outcome"], level["reason"], level["orders"]) == ("DENIED", "RR_BELOW_MIN", 0)
    assert (distance["outcome"], distance["filled"]) == ("NOT_ENTERED", 0)
    assert (distance["limit_px"], distance["worst_px"]) == ("535.08", "535.35")
    target = [row for row in ran.of("morning") if row["ending"] == "TARGET"]
    assert target[0]["pnl_usd"] == target[2]["missed_pnl_usd"] == "21.75"
    assert ran.rows[-1]["part"] == "verdict"
    assert ran.rows[-1]["violations"] == 0


def test_a_tape_in_files_is_played_both_ways(runs: dict[str, Ran]) -> None:
    stream = runs["files"].of("stream")
    assert [row["path"] for row in stream] == ["legacy", "smart"]
    assert {row["market"] for row in stream} == {"recorded market of 20261120: TWIN"}
    assert {row["seed"] for row in stream} == {1}


def test_the_seed_goes_to_market_and_plans(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it decides there: tests/replay/test_demo.py."""
    seeds = []

    def choose(_: object, seed: int, __: object) -> _Nothing:
        seeds.append(seed)
        return _Nothing()

    def play(*_: object, seed: int, **__: object) -> _Nothing:
        seeds.append(seed)
        return _Nothing()

    monkeypatch.setattr(demo, "play_mornings", lambda *_, **__: ())
    monkeypatch.setattr(demo, "choose_stream", choose)
    monkeypatch.setattr(demo, "compare", play)
    monkeypatch.setattr(demo, "verdict", lambda *_: {"violations": 0})
    assert main(["demo", "--json", "--seed", "9"]) == Exit.DONE
    assert seeds == [9, 9]


@pytest.mark.tape
def test_a_recorded_tape() -> None:
    found = day("IBM", 20131007)
    ran = run_demo("--json", "--tape", str(found.quotes_path))
    assert ran.code == Exit.DONE, ran.err
    assert {row["market"] for row in ran.of("stream")} == {"recorded market of 20131007: IBM"}
    assert all(row["entered"] > 0 for row in ran.of("stream"))


@pytest.mark.parametrize("name", ["nothing", "empty", "bad"])
def test_a_bad_tape_is_a_coded_error_before_anything_is_played(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad").mkdir()
    for kind in ("nbbo", "trades"):
        (tmp_path / "bad" / f"X_{kind}.parquet").write_bytes(b"not a table")
    ran = run_demo("--tape", str(tmp_path / name))
    assert ran.code == Exit.USAGE
    assert ran.out == ""
    assert "TAPE_" in ran.err
    assert "Traceback" not in ran.err
    assert "09:40:00" not in ran.err


def test_a_violation_is_exit_code_4(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    verdict = {"part": "verdict", "violations": 1, "lines": 1, "found": ["I3 p: late"]}
    monkeypatch.setattr(demo, "play_mornings", lambda *_, **__: ())
    monkeypatch.setattr(demo, "choose_stream", lambda *_: _Nothing())
    monkeypatch.setattr(demo, "compare", lambda *_, **__: _Nothing())
    monkeypatch.setattr(demo, "verdict", lambda *_: verdict)
    assert main(["demo", "--json"]) == Exit.EXPOSED
    assert json.loads(capsys.readouterr().out) == verdict


@pytest.mark.parametrize("words", [[], ["--allow-bad"]])
def test_bad_tapes_are_named_where_they_are_allowed(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def choose(tape: Path | None, seed: int, tell: Callable[[str], None] | None) -> None:
        if tell is None:
            raise TapeError(TapeErrorCode.TAPE_SUSPECT, "too much is crossed", "10 %")
        tell("one is SUSPECT")
        raise TapeError(TapeErrorCode.TAPE_NOT_FOUND, "none can be used of", "there")

    monkeypatch.setattr(demo, "choose_stream", choose)
    assert main(["demo", "--tape", "there", *words]) == Exit.USAGE
    found = capsys.readouterr().err
    assert ("surefill demo: one is SUSPECT" in found) == bool(words)
    assert ("TAPE_NOT_FOUND" in found) == bool(words)


def test_a_morning_that_does_not_end_is_unavailable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stuck(*_: object, **__: object) -> None:
        raise MorningError("the morning did not come to its end in time")

    monkeypatch.setattr(demo, "choose_stream", lambda *_: _Nothing())
    monkeypatch.setattr(demo, "play_mornings", stuck)
    assert main(["demo"]) == Exit.UNAVAILABLE
    assert "in time" in capsys.readouterr().err


class _Nothing:
    """A stream and a comparison without plans."""

    draws = ()

    def rows(self) -> list[Row]:
        """None."""
        return []
