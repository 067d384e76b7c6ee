"""``surefill replay``: tables, rows, models, bad tapes, exit codes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from surefill.cli import replay
from surefill.cli.exits import Exit
from surefill.cli.main import main
from surefill.replay.paths import Played, play_paths
from surefill.replay.run_files import read_parents
from surefill.replay.tracks import read_tracks
from surefill.sim.auditor import Violation
from tests.sim.tapes import day, twin

Capture = pytest.CaptureFixture[str]
BRIEF = ("--minutes", "4", "--plans", "6")


def test_the_default_is_both_paths_on_a_synthetic_market(capsys: Capture) -> None:
    assert main(["replay", *BRIEF]) == Exit.DONE
    out, err = capsys.readouterr()
    assert out.startswith("Synthetic market, seed 7: TIGHT, MID, WIDE.")
    assert "fill model\n  'queue'" in out
    assert [line.split()[0] for line in out.splitlines()[3:5]] == ["legacy", "smart"]
    assert "Auditor: 0 violations in" in out
    assert max(map(len, out.splitlines())) <= 80
    assert "2 paths: 100 %" in err


def test_rows_of_a_tape_in_files(tmp_path: Path, capsys: Capture) -> None:
    twin(tmp_path)
    words = ["replay", str(tmp_path), "--path", "mid", "--path", "mid", "--model", "touch"]
    assert main([*words, *BRIEF, "--json"]) == Exit.DONE
    (row,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (row["path"], row["model"], row["seed"]) == ("mid", "touch", 7)
    assert row["market"] == "recorded market of 20261120: TWIN"
    assert (row["minutes"], row["violations"], row["found"]) == (4, 0, [])


def test_a_run_is_kept_with_every_plan(tmp_path: Path, capsys: Capture) -> None:
    words = ["replay", "--path", "mid", *BRIEF, "--out"]
    assert main([*words, str(tmp_path / "run")]) == Exit.DONE
    err = capsys.readouterr().err
    assert "report.html" in err
    found = read_parents(tmp_path / "run")
    assert {one.path for one in found} == {"mid"}
    assert len(found) == len(read_tracks(tmp_path / "run"))
    assert all(one.marks.arrival_px for one in found)
    (tmp_path / "file").write_text("")
    assert main([*words, str(tmp_path / "file")]) == Exit.USAGE


@pytest.mark.tape
def test_a_recorded_day(capsys: Capture) -> None:
    found = day("IBM", 20131007)
    assert main(["replay", str(found.quotes_path), "--path", "ladder", *BRIEF]) == Exit.DONE
    assert "Recorded market of 20131007: IBM." in capsys.readouterr().out


def test_a_violation_is_exit_code_4_and_named(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    def broken(*args: Any, **named: Any) -> Iterator[Played]:
        for one in play_paths(*args, **named):
            yield replace(one, violations=(Violation("I3", "p1", 5, "uncovered for 9000 ms"),))

    monkeypatch.setattr(replay, "play_paths", broken)
    assert main(["replay", "--path", "limit", *BRIEF]) == Exit.EXPOSED
    out = capsys.readouterr().out
    assert "Auditor: 1 violations" in out
    assert "uncovered for 9000 ms" in out


@pytest.mark.parametrize("words", [["--minutes", "0"], ["--path", "nope"], ["--plans", "x"]])
def test_bad_words_are_usage(words: list[str], capsys: Capture) -> None:
    assert main(["replay", *words]) == Exit.USAGE
    assert words[1] in capsys.readouterr().err


def test_a_folder_without_a_tape_is_a_coded_error(tmp_path: Path, capsys: Capture) -> None:
    assert main(["replay", str(tmp_path)]) == Exit.USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert "TAPE_NOT_FOUND" in err


def test_a_dash_where_there_is_no_number() -> None:
    assert replay._bps(None) == "-"
