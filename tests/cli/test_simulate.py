"""``surefill simulate``: one seed retold, many summed, deaths enumerated."""

from __future__ import annotations

import json

import pytest

from surefill.cli import simulate
from surefill.cli.exits import Exit
from surefill.cli.main import main
from surefill.replay.simulate.kill_points import KillPoint, KillResult, Moment, play_kill_points
from surefill.replay.simulate.scenario import Scenario
from surefill.replay.simulate.scripts import SCRIPTS
from surefill.sim.auditor import Violation

BAD = Violation("I3", "ACME-1", 5, "shares were uncovered for 9000 ms")
Capture = pytest.CaptureFixture[str]


def broken(scenario: Scenario) -> tuple[None, tuple[Violation, ...]]:
    """As if every run of a scenario with a plan failed."""
    return None, (BAD,) if scenario.plans else ()


def test_many_seeds_are_summed(capsys: Capture) -> None:
    assert main(["simulate", "--seeds", "10:13", "--workers", "1"]) == Exit.DONE
    out, err = capsys.readouterr()
    assert "3 (1 calm)" in out
    assert "fault x phase cells" in out
    assert "3 of 3 seeds, 0 failing" in err


def test_json_is_one_object_a_seed_and_the_sum(capsys: Capture) -> None:
    assert main(["simulate", "--seeds", "10:12", "--workers", "1", "--json"]) == Exit.DONE
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["seed"] for row in rows[:2]] == [10, 11]
    assert len({row["trace"] for row in rows[:2]}) == 2
    assert rows[2]["sum"]["seeds"] == "2 (1 calm)"


def test_a_failing_seed_is_shown_before_the_sum(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("surefill.replay.simulate.seeds.findings_of", broken)
    assert main(["simulate", "--seeds", "2", "--workers", "1"]) == Exit.NOT_TRADED
    out = capsys.readouterr().out
    assert out.index("seed 0: calm") < out.index("I3 ACME-1: shares") < out.index("Simulation")
    assert "again: surefill simulate --seed 0 --shrink" in out
    assert "failing as well: 1" in out


def test_one_seed_is_retold(capsys: Capture) -> None:
    assert main(["simulate", "--seed", "11"]) == Exit.DONE
    out = capsys.readouterr().out
    assert out.startswith("seed 11: storm of")
    assert "venue ACME-1-E1 accept" in out
    assert "trace " in out
    assert "nothing is wrong" in out
    assert main(["simulate", "--seed", "11", "--json"]) == Exit.DONE
    lines = capsys.readouterr().out.splitlines()
    assert {"seed": 11, "violations": []} in [
        json.loads(line) for line in lines if line.startswith("{")
    ]


def test_a_failing_seed_is_made_small(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulate, "findings_of", broken)
    monkeypatch.setattr("surefill.replay.simulate.shrink.findings_of", broken)
    assert main(["simulate", "--seed", "11", "--shrink"]) == Exit.NOT_TRADED
    out, err = capsys.readouterr()
    assert "enough for I3:" in out
    assert "I3 ACME-1: shares were uncovered" in out
    assert "making it small" in err


def test_deaths_are_counted_by_phase_and_moment(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = [KillPoint(SCRIPTS[0], Moment.BEFORE_SEND, 16)]
    found = list(play_kill_points(points)) * 50
    monkeypatch.setattr(simulate, "play_kill_points", lambda workers: found)
    assert main(["simulate", "--kill-points"]) == Exit.DONE
    out, err = capsys.readouterr()
    assert "COVERED" in out
    assert "kill points" in out
    assert "50 deaths, 0 violations" in err
    found.append(KillResult(points[0], ("COVERED",), (BAD,)))
    assert main(["simulate", "--kill-points"]) == Exit.NOT_TRADED


@pytest.mark.parametrize("text", ["5:5", "x", "9:3"])
def test_a_range_that_is_none_is_refused(text: str, capsys: Capture) -> None:
    assert main(["simulate", "--seeds", text]) == Exit.USAGE
    assert "--seeds" in capsys.readouterr().err
