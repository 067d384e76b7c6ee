"""``surefill compare``: pairs, arms, groups, JSON, errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from surefill.cli import compare as verb
from surefill.cli.exits import Exit
from surefill.cli.main import main
from surefill.replay.run_files import write_parents
from surefill.tca import compare as engine
from surefill.tca.compare import Comparison
from surefill.tca.parent import Parent
from tests.support.told import arrival, crwd_plan, crwd_run
from tests.tca.test_compare import entered, missed

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of one's own, and fewer draws."""
    monkeypatch.chdir(tmp_path)

    def quick(first: list[Parent], second: list[Parent], *, seed: int) -> Comparison | None:
        return engine.compare(first, second, seed=seed, rounds=100)

    monkeypatch.setattr(verb, "compare", quick)
    return tmp_path


@pytest.fixture
def run(place: Path) -> Path:
    """A run of a week: smart pays 1 bps, legacy 4; smart misses one."""
    smart = [missed("m"), *(entered(f"p{n}", "100.01", n) for n in range(7))]
    legacy = [
        entered("m", "100.02", path="legacy"),
        *(entered(f"p{n}", "100.04", n, path="legacy") for n in range(7)),
    ]
    write_parents(place / "run" / "smart", smart)
    write_parents(place / "run" / "legacy", legacy)
    return place / "run"


def test_pairs_with_every_level(run: Path, capsys: Capture) -> None:
    assert main(["compare", "run/smart", "run/legacy", "--groups", "50"]) == Exit.DONE
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    shown = " ".join(out.split())
    assert "8 plans, in pairs; 0 left out" in shown
    assert "Shares entered: 87.5 % against 100.0 %" in shown
    assert "25 %" in shown
    assert "By group, second path improved by 50 %" in shown
    assert shown.count("symbol-days; at this size") == 3
    assert "of what the first path missed" in shown.lower()


def test_runs_of_other_plans_are_refused(run: Path, capsys: Capture) -> None:
    """As two seeds draw them: the same names, other plans."""
    write_parents(run / "other", [entered("p1", "100.04", 1, path="other", sign=-1)])
    assert main(["compare", "run/smart", "run/other"]) == Exit.USAGE
    assert "1 plans have the same name on both sides" in capsys.readouterr().err


def test_json(run: Path, capsys: Capture) -> None:
    assert main(["compare", "run/smart", "run/legacy", "--json", "--seed", "3"]) == Exit.DONE
    row = json.loads(capsys.readouterr().out)
    assert (row["first"], row["is_paired"], row["seed"]) == ("run/smart", True, 3)
    assert [level["improvement_percent"] for level in row["levels"]] == [0, 25, 50]


def test_two_arms_of_a_journal(place: Path, capsys: Capture) -> None:
    path = place / "kept" / "journal.db"
    path.parent.mkdir(mode=0o700)
    crwd_run(
        arrival(crwd_plan("late")),
        arrival(crwd_plan("blunt", by_level=True), is_legacy=True, after_s=70),
        path=path,
    )
    assert main(["compare", f"smart@{path}", f"legacy@{path}"]) == Exit.DONE
    shown = " ".join(capsys.readouterr().out.split())
    assert "2 plans, not in pairs (no plan is in both)" in shown
    assert "too few to claim anything" in shown
    assert "the second made - R" in shown
    assert main(["compare", f"smart@{path}", f"none@{path}"]) == Exit.NOT_TRADED
    capsys.readouterr()
    assert main(["compare", f"smart@{path}", f"shadow@{path}", "--json"]) == Exit.DONE
    row = json.loads(capsys.readouterr().out)
    assert (row["is_paired"], row["plans"], row["second_only"]) == (True, 1, 1)


@pytest.mark.parametrize(
    ("first", "code", "sentence"),
    [
        ("run", Exit.USAGE, "name one: run/legacy, run/smart"),
        ("nowhere", Exit.USAGE, "no run in nowhere"),
        ("smart@none.db", Exit.UNAVAILABLE, "no journal at none.db"),
        ("smart@bad.db", Exit.UNAVAILABLE, "bad.db"),
    ],
)
def test_what_cannot_be_compared(
    run: Path, first: str, code: Exit, sentence: str, capsys: Capture
) -> None:
    Path("bad.db").write_text("no journal")
    assert main(["compare", first, "run/legacy"]) == code
    assert sentence in capsys.readouterr().err
