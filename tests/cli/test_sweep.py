"""The verb, on two invented mornings."""

from __future__ import annotations

import json

import pytest

from surefill.cli import sweep
from surefill.cli.main import main

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
    assert main(["sweep", *SMALL, "--slippage", "0.0005,0.001", "--random", "2"]) == 0
    out = capsys.readouterr().out
    assert "2 choices, 2 days, 1 symbols" in out
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


def test_a_folder_without_tapes(tmp_path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", str(tmp_path)]) == 2
    assert "there is no tape in" in capsys.readouterr().err
