"""Scenarios as data, told line by line."""

from __future__ import annotations

from dataclasses import replace

from surefill.core.events import Act
from surefill.core.plan import ExitsByLevel
from surefill.core.units import to_nano
from surefill.replay.simulate.scenario import (
    Armed,
    Crashed,
    Given,
    Halted,
    Meddled,
    Meddling,
    Operated,
    Tail,
)
from surefill.replay.simulate.scripts import scripted
from surefill.sim.faults import Fault, FaultCode


def test_times_count_from_second_0() -> None:
    scenario = scripted("limit, target")
    assert scenario.at_ns(1_500) == scenario.start_ns + 1_500_000_000
    assert scenario.heal_ns == scenario.at_ns(scenario.storm_ms)
    assert [one.plan.plan_id for one in scenario.plans] == ["p1"]


def test_everything_that_happens_is_told_in_words() -> None:
    (given,) = scripted("limit, target").plans
    assert str(given) == ("plan p1: long 100 ACME, signal 100, risk 0.5, ratio 2, limit tactic")
    level = replace(given.plan, exits=ExitsByLevel(to_nano("99"), to_nano("102")))
    assert "stop 99, target 102, legacy path" in str(Given(0, level, True))
    assert "no exits" in str(Given(0, replace(given.plan, exits=None), False))
    rate = Fault(FaultCode.N2, "POST", probability_ppb=50_000_000, params={"for_ms": 5})
    assert str(Armed(0, rate)) == "fault N2 on POST, 5 in 100, for_ms=5"
    assert str(Armed(0, Fault(FaultCode.N1, count=2))) == "fault N1 on *, 2 times"
    assert str(Armed(0, Fault(FaultCode.W6))) == "fault W6 on *"
    assert str(Halted(0, "ACME", 1_500)) == "halt of ACME for 1.5 s"
    assert str(Operated(0, Act.KILL)) == "operator: KILL everything"
    assert str(Operated(0, Act.FLATTEN, "ACME")) == "operator: FLATTEN ACME"
    assert str(Meddled(0, Meddling.BUST, "ACME")) == "meddling: BUST in ACME"
    assert "tail LOST" in str(Crashed(0, 5, 3, tail=Tail.LOST))
    assert "again after (2,) appends" in str(Crashed(0, 5, again=(2,)))
