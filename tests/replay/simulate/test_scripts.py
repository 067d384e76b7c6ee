"""The written scenarios end as their names say."""

from __future__ import annotations

import pytest

from surefill.core.trade import Outcome, Trade
from surefill.replay.simulate.play import play
from surefill.replay.simulate.scripts import SCRIPTS, scripted
from surefill.replay.simulate.verdict import ends_of, judge

OUTCOMES = {
    "limit, target": Outcome.CLOSED_TARGET,
    "short, filled in parts, stopped": Outcome.CLOSED_STOP,
    "bracket, time exit": Outcome.CLOSED_TIME,
    "short bracket, a part, target": Outcome.CLOSED_TARGET,
    "not entered": Outcome.NOT_ENTERED,
    "flattened": Outcome.CLOSED_FLATTEN,
    "a leg cancelled by hand": Outcome.CLOSED_TARGET,
    "a bust": Outcome.NOT_ENTERED,
    "legacy": Outcome.CLOSED_TARGET,
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_alive_every_script_ends_as_it_is_called(name: str) -> None:
    played = play(scripted(name))
    report, violations = judge(played)
    assert violations == ()
    end = ends_of(played)["p1"]
    assert isinstance(end, Trade)
    assert end.outcome is OUTCOMES[name]
    assert report.counts.plans == 1
    assert len(played.appends) > 15
