"""The bug zoo in CI: every bug still fits the code, and some are hunted (all: scripts/zoo.py)."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.zoo import ROOT, Bug, bugs, hunt

BUGS = bugs()
HUNTED = ("a14_exits_from_the_worst_price", "a29_ids_collide")


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_every_bug_can_be_put_back(bug: Bug) -> None:
    path = ROOT / "src/surefill" / bug.file
    broken = bug.breaks(path.read_text())
    compile(broken, str(path), "exec")
    assert broken != path.read_text()
    assert bug.codes
    first, _, last = bug.seeds.partition(":")
    assert int(first) < int(last)


def test_a_bug_whose_lines_are_gone_is_said() -> None:
    with pytest.raises(ValueError, match="0 times"):
        BUGS[0].breaks("nothing of it")


def test_there_are_enough() -> None:
    assert len(BUGS) >= 35
    assert set(HUNTED) <= {bug.name for bug in BUGS}
    assert Path(ROOT / "docs/simulation.md").exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", HUNTED)
def test_the_simulation_finds_it(name: str) -> None:
    (bug,) = bugs([name])
    assert hunt(bug) is not None
