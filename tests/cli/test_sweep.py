"""The verb, on two invented mornings."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from surefill.cli import sweep
from surefill.cli.main import main
from surefill.sim.calendar import session_on
from tests.sim.tapes import spoilt, twin

SMALL = ("--plans", "4", "--minutes", "4", "--workers", "1", "--path", "limit", "--path", "legacy")


@pytest.fixture(autouse=True)
def two_mornings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "MORNINGS", 2)


def test_a_day_is_told_with_what_was_chosen_before_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", *SMALL, "--json"]) == 0
    (row,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (row["date"], row["plans"]) == (8, 3)
    assert set(row["others"]) == {"limit", "legacy"}
    assert row["cost_bps"] == row["others"][row["chosen"]]


def test_a_table_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--slippage", "0.0005,0.001", "--random", "2", "--fee", "0.01", "--beside"]
    assert main(["sweep", *SMALL, *words]) == 0
    out = capsys.readouterr().out
    assert "2 choices, 2 days, 1 symbols" in out
    assert "exits beside the entry, fee 0.01 USD a share." in " ".join(out.split())
    assert "Auditor: 0 violations in 4 runs." in out
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize(
    "words", [["--slippage", "5"], ["--budget", "0.01"], ["--random", "0"], ["--path", "best"]]
)
def test_what_no_plan_may_carry_is_refused(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sweep", *words]) == 2
    assert words[0] in capsys.readouterr().err


def test_a_number_that_is_none_or_too_large_is_told_as_written(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for word, sentence in (
        ("--budget=nan", "nan is not a number"),
        ("--budget=x", "x is not a number"),
        ("--slippage=0.5", "0.5 is outside 0 to 0.02"),
        ("--slippage=0.00000000001", "is outside 0 to 0.02"),
        ("--workers=0", "0 is not a whole number above 0"),
    ):
        assert main(["sweep", word]) == 2
        assert sentence in capsys.readouterr().err


def test_a_folder_without_tapes(tmp_path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", str(tmp_path)]) == 2
    assert "there is no tape in" in capsys.readouterr().err


def test_plans_of_a_file_on_a_tape_that_is_suspect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spoilt(twin(tmp_path))
    monkeypatch.setattr(sweep, "_executor", lambda _: ThreadPoolExecutor(1))
    at_ns = session_on(20261120).open_ns + 60 * 10**9
    plans = tmp_path / "plans.csv"
    head = "at,symbol,side,qty,signal,risk,rr,exit_at\n"
    row = f"{at_ns},TWIN,buy,10,185,1,2.5,{at_ns + 20 * 10**9}\n"
    plans.write_text(head + row + row.replace("TWIN", "CRWD") + row.replace(str(at_ns), "5"))
    words = ["sweep", str(tmp_path), "--path", "limit", "--plans", str(plans)]
    assert main(words) == 2
    assert "line 4: PLAN_TIME_UNIT" in capsys.readouterr().err
    plans.write_text(head + row + row.replace("TWIN", "CRWD"))
    assert main(words) == 2
    assert "TAPE_SUSPECT" in capsys.readouterr().err
    (tmp_path / "BAD_quotes_l1.parquet").write_text("no tape")
    assert main([*words, "--allow-bad"]) == 0
    (tmp_path / "BAD_quotes_l1.parquet").unlink()
    out, err = capsys.readouterr()
    assert "plans of CRWD: PLAN_NO_TAPE" in err
    assert "tape file BAD_quotes_l1.parquet: TAPE_LEFT_OUT" in err
    assert "SUSPECT" in out
    plans.write_text(head + row.replace("TWIN", "CRWD"))
    assert main(words) == 2
    assert "no plan was played" in capsys.readouterr().err
