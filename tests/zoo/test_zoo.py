"""The bug zoo in CI: every bug still fits the code, and some are hunted (all: scripts/zoo.py)."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.zoo import ROOT, Bug, bugs, name_of, read_bug

BUGS = bugs()
SOURCE = ROOT / "src/surefill"
HUNTED = (
    *("i1_cap_without_the_ratio", "i2_a_share_too_many", "a21_a_lone_target", "a33_second_closer"),
    *("a29_ids_collide", "i12_legs_cost_nothing", "a16_four_decimals_everywhere"),
    *("i14_targets_stay", "i15_no_ratio_gate", "a41_foreign_orders_are_swept"),
    *("a36_time_exit_forgotten", "a23_moved_by_cancel_and_new", "i25_repairs_on_hearsay"),
)
"""Thirteen invariants, each alone in the seed that finds the bug."""


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_every_bug_can_be_put_back(bug: Bug) -> None:
    for path, broken in bug.broken_files(SOURCE).items():
        compile(broken, str(path), "exec")
        assert broken != path.read_text()
    if bug.seeds is None:
        assert bug.caught_by
        for test in bug.caught_by:
            file, _, name = test.partition("::")
            assert f"def {name}(" in (ROOT / file).read_text(), test
        return
    assert bug.codes
    assert bug.seeds[0] < bug.seeds[1]
    assert bug.found_by in bug.tries()
    assert bug.only is None or bug.codes <= {bug.only, "OWN"}


def test_a_bug_whose_lines_are_gone_is_said() -> None:
    with pytest.raises(FileNotFoundError):
        BUGS[0].broken_files(Path("nowhere"))
    gone = Bug(name="gone", title="", pieces=BUGS[0].pieces + BUGS[0].pieces)
    with pytest.raises(ValueError, match="0 times"):
        gone.broken_files(SOURCE)


def test_a_bug_is_read_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "a01_two_pieces.txt"
    file.write_text(
        "A-01: two pieces\nfile: a.py\nseeds: 3:6\nfound by: 4\nfound as: I1\n"
        "-------- sound\nx = 1\n-------- broken\nx = 2\n"
        "-------- file: b.py\n-------- sound\ny = 1\n-------- broken\ny = 2\n"
    )
    bug = read_bug(file)
    assert [(one.file, one.sound, one.broken) for one in bug.pieces] == [
        ("a.py", "x = 1", "x = 2"),
        ("b.py", "y = 1", "y = 2"),
    ]
    assert bug.tries() == [4, 3, 5]
    assert bug.tries(recorded_only=True) == [4]


def test_the_engines_own_check_names_its_invariant() -> None:
    assert name_of("OWN", "invariant I5 broken: closed with 0 shares") == "I5"
    assert name_of("OWN", "invariant phase A may not become B broken") == "OWN"
    assert name_of("I4", "invariant I5 broken: said by another") == "I4"


def test_there_are_enough() -> None:
    assert len(BUGS) >= 70
    of_the_diary = [bug for bug in BUGS if re.match(r".*\b[AB]-\d\d", bug.title)]
    assert len(of_the_diary) >= 45
    named = {number for bug in BUGS for number in re.findall(r"\bI(\d+)\b", bug.title)}
    alone = {bug.only for bug in BUGS} | {f"I{number}" for number in named}
    assert {f"I{number}" for number in range(1, 28)} <= alone
    assert set(HUNTED) <= {bug.name for bug in BUGS}
    assert (ROOT / "docs/simulation.md").exists()


@pytest.mark.slow
def test_the_proof_sees_them() -> None:
    # The seed that found a bug last time is tried first; when the draws have changed, all are.
    command = [sys.executable, "scripts/zoo.py", *HUNTED]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
