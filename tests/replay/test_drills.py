"""What people do to a run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surefill.core.fix import Leg
from surefill.core.trade import Outcome, Trade
from surefill.replay.drills import DrillMix, Drills
from surefill.replay.harness import Arrival
from surefill.sim.auditor import AuditLimits
from surefill.sim.workload import Draw
from tests.support.stage import START_NS, Stage

both = pytest.mark.parametrize("side", ["buy", "sell"])
NOBODY = DrillMix(
    flatten_percent=0,
    cancel_entry_percent=0,
    external_percent=0,
    reduce_percent=0,
    hands_over=False,
)


def drill(stage: Stage, mix: DrillMix) -> tuple[Trade, Drills]:
    """The stage's plan with these people around."""
    drills = Drills(stage.run, mix, seed=1)
    draws = drills.last_ones([Draw(START_NS, stage.plan, False)])
    drills.arm(draws)
    stage.run.start()
    until_ns = START_NS + stage.length_s * 1_000_000_000
    stage.run.play([Arrival(START_NS, draws[0].plan)], until_ns=until_ns)
    ended = stage.run.finished[stage.plan.plan_id]
    assert isinstance(ended, Trade)
    return ended, drills


def clean(stage: Stage, drills: Drills) -> bool:
    """Whether the auditor finds nothing, others' doing considered."""
    limits = AuditLimits(others=frozenset(drills.others), foreign_orders=True)
    return stage.verdict(limits).is_clean


@both
def test_an_operator_flattens(side: str) -> None:
    stage = Stage(side, [(0, "100.00")])
    ended, drills = drill(stage, replace(NOBODY, flatten_percent=100))
    assert ended.outcome is Outcome.CLOSED_FLATTEN
    assert drills.done == {"FLATTEN": 1}
    assert clean(stage, drills)


@both
def test_an_operator_closes_a_part(side: str) -> None:
    stage = Stage(side, [(0, "100.00")], length_s=90)
    ended, drills = drill(stage, replace(NOBODY, reduce_percent=100))
    assert drills.done == {"REDUCE": 1}
    assert ended.outcome is Outcome.CLOSED_TIME
    closes = [o.cum_qty for o in ended.orders if o.leg is Leg.FLATTEN and o.cum_qty]
    assert len(closes) == 2, "a part when asked, the rest when its time was over"
    assert clean(stage, drills)


@both
def test_an_operator_cancels_an_entry(side: str) -> None:
    stage = Stage(side, [(0, "100.10")])
    ended, drills = drill(stage, replace(NOBODY, cancel_entry_percent=100))
    assert ended.outcome is Outcome.NOT_ENTERED
    assert drills.done == {"CANCEL_ENTRY": 1}
    assert clean(stage, drills)


@both
def test_somebody_closes_in_the_brokers_own_screen(side: str) -> None:
    stage = Stage(side, [(0, "100.00")], length_s=90)
    ended, drills = drill(stage, replace(NOBODY, external_percent=100))
    assert drills.done == {"cancel outside": 1, "close outside": 1}
    assert ended.outcome is Outcome.CLOSED_EXTERNAL
    assert drills.others
    assert clean(stage, drills)


@both
def test_the_last_trade_is_handed_over_covered(side: str) -> None:
    stage = Stage(side, [(0, "100.00")])
    ended, drills = drill(stage, replace(NOBODY, hands_over=True))
    assert ended.plan.exit_at_ns is None
    assert ended.outcome is Outcome.HANDED_OVER
    assert drills.done == {"HAND_OVER": 1}
    assert clean(stage, drills)


def test_acts_whose_moment_is_gone_do_nothing() -> None:
    everybody = DrillMix(flatten_percent=50, cancel_entry_percent=50, hands_over=False)
    stage = Stage("buy", [(0, "100.10")], budget_s=2)
    ended, drills = drill(stage, replace(everybody, cancel_entry_percent=0))
    assert ended.outcome is Outcome.NOT_ENTERED
    assert not drills.done
    calm = Stage("buy", [(0, "100.00")])
    ended, drills = drill(calm, NOBODY)
    assert ended.outcome is Outcome.CLOSED_TIME
    assert not drills.done
