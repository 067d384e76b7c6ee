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
from surefill.sim.calendar import session_on
from tests.sim.tapes import day, spoilt, twin

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


def test_the_account_is_named_beside_the_model(capsys: Capture) -> None:
    words = ["replay", "--path", "mid", *BRIEF, "--fee", "0.005"]
    assert main([*words, "--beside", "--json"]) == Exit.DONE
    (row,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (row["beside"], row["fee_usd"]) == (True, "0.005")


@pytest.mark.parametrize("fee", ["x", "-1", "nan"])
def test_a_fee_is_money(fee: str, capsys: Capture) -> None:
    assert main(["replay", f"--fee={fee}", *BRIEF]) == Exit.USAGE
    assert f"--fee {fee}: " in capsys.readouterr().err


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


def test_a_damaged_file_is_left_out_by_name_once(tmp_path: Path, capsys: Capture) -> None:
    twin(tmp_path)
    for suffix in ("nbbo", "trades"):
        (tmp_path / f"BAD_{suffix}.parquet").write_text("no tape")
    words = ["replay", str(tmp_path), "--path", "limit", "--every", "300", "--json"]
    assert main(words) == Exit.USAGE
    assert "TAPE_UNREADABLE: BAD_nbbo.parquet" in capsys.readouterr().err
    assert main([*words, "--allow-bad"]) == Exit.DONE
    assert capsys.readouterr().err.count("tape file BAD_nbbo.parquet: TAPE_LEFT_OUT") == 1


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


def test_every_symbol_day_alone_and_their_sum(tmp_path: Path, capsys: Capture) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        twin(tmp_path / name)
    assert main(["replay", str(tmp_path), "--path", "limit", *BRIEF]) == Exit.DONE
    out = capsys.readouterr().out
    assert out.count("Recorded market of 20261120: TWIN.") == 2
    assert "All 2 symbol-days together." in out
    sums = out.split("together.")[1].splitlines()[2].split()
    each = [line.split() for line in out.splitlines() if line.startswith("  limit")]
    assert int(sums[2]) == sum(int(row[1]) for row in each[:2])


def _plan_file(folder: Path, *, count: int = 3) -> Path:
    """Plans a minute apart on the twin's day."""
    start_ns = session_on(20261120).open_ns + 400 * 10**9
    rows = [
        f"{start_ns + n * 60 * 10**9},TWIN,{'buy' if n % 2 else 'sell'},100,185,1,2.5,p{n},"
        f"{start_ns + (n * 60 + 40) * 10**9}"
        for n in range(count)
    ]
    path = folder / "plans.csv"
    head = "at,symbol,side,qty,signal,risk,rr,plan_id,exit_at"
    path.write_text("\n".join([head, *rows, ""]))
    return path


def test_plans_of_a_file_are_played_and_the_rest_is_named(tmp_path: Path, capsys: Capture) -> None:
    twin(tmp_path)
    file = _plan_file(tmp_path)
    with file.open("a") as more:
        more.write("2026-11-20T08:00:00-05:00,TWIN,buy,1,185,1,2,early,\n")
        more.write("2026-11-20T10:00:00-05:00,CRWD,buy,1,185,1,2,nowhere,\n")
    words = ["replay", str(tmp_path), "--plans", str(file), "--path", "marketable"]
    assert main([*words, "--json", "--out", str(tmp_path / "run")]) == Exit.DONE
    shown = capsys.readouterr()
    (row,) = [json.loads(line) for line in shown.out.splitlines()]
    assert row["plans"] == 3
    assert [one["where"] for one in row["left_out"]] == ["plan early"]
    assert "plans of CRWD: PLAN_NO_TAPE" in shown.err
    kept = (tmp_path / "run" / "left_out.jsonl").read_text().splitlines()
    assert [json.loads(line)["code"] for line in kept] == ["PLAN_NO_TAPE", "PLAN_OUTSIDE_SESSION"]
    assert {one.plan_id for one in read_parents(tmp_path / "run")} == {"p0", "p1", "p2"}


def test_a_file_of_which_nothing_can_be_played(tmp_path: Path, capsys: Capture) -> None:
    twin(tmp_path)
    file = tmp_path / "plans.csv"
    file.write_text(
        "at,symbol,side,qty,signal,risk,rr\n2026-11-20T08:00:00-05:00,TWIN,buy,1,185,1,2\n"
    )
    assert main(["replay", str(tmp_path), "--plans", str(file)]) == Exit.USAGE
    err = capsys.readouterr().err
    assert "no plan can be played on the recorded market of 20261120: TWIN" in err
    assert "no plan was played" in err


def test_plans_sampled_with_what_was_assumed(tmp_path: Path, capsys: Capture) -> None:
    twin(tmp_path)
    words = ["replay", str(tmp_path), "--path", "mid", "--every", "100", "--minutes", "5"]
    assert main([*words, "--stale", "3", "--qty", "50", "--rr", "3"]) == Exit.DONE
    out = " ".join(capsys.readouterr().out.split())
    assert "3 plans in" in out
    assert "Plans: sampled every 100 s, long and short in turn: 50 shares" in out


def test_a_suspect_tape_is_refused_with_its_numbers_or_played_on_request(
    tmp_path: Path, capsys: Capture
) -> None:
    spoilt(twin(tmp_path))
    words = ["replay", str(tmp_path), "--path", "limit", *BRIEF]
    assert main(words) == Exit.USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert "TAPE_SUSPECT" in err
    assert "crossed quotes" in err
    assert main([*words, "--allow-bad", "--json", "--out", str(tmp_path / "run")]) == Exit.DONE
    (row,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert row["tapes"][0]["crossed"] > 400
    assert "crossed quotes" in row["tapes"][0]["suspect"][0]
    for name in ("summary.md", "report.html"):
        assert "SUSPECT" in (tmp_path / "run" / name).read_text()


def test_a_tape_that_cannot_be_used_is_left_out_by_name(tmp_path: Path, capsys: Capture) -> None:
    for name in ("bad", "good"):
        (tmp_path / name).mkdir()
        found = twin(tmp_path / name)
        if name == "bad":
            found.trades_path.write_bytes(b"no Parquet")
    words = ["replay", str(tmp_path), "--path", "limit", *BRIEF]
    assert main(words) == Exit.USAGE
    assert "TAPE_UNREADABLE" in capsys.readouterr().err
    assert main([*words, "--allow-bad"]) == Exit.DONE
    shown = capsys.readouterr()
    assert "tape of TWIN on 20261120: TAPE_LEFT_OUT: TAPE_UNREADABLE" in shown.err
    assert shown.out.count("Recorded market") == 1


def test_no_plan_is_played_in_a_gap(tmp_path: Path, capsys: Capture) -> None:
    open_ns = session_on(20261120).open_ns
    spoilt(twin(tmp_path), cut=(open_ns + 350 * 10**9, open_ns + 3_000 * 10**9))
    words = ["replay", str(tmp_path), "--path", "limit", "--allow-bad", "--json"]
    file = _plan_file(tmp_path)
    with file.open("a") as more:
        more.write(f"{open_ns + 300 * 10**9},TWIN,buy,1,185,1,2.5,before,{open_ns + 330 * 10**9}\n")
    assert main([*words, "--plans", str(file)]) == Exit.DONE
    (row,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["code"] for one in row["left_out"]] == ["PLAN_IN_GAP"] * 3
    assert (row["plans"], row["tapes"][0]["gaps"]) == (1, 1)
