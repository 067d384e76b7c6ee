"""The executor's invariants under both values of every switch of the exchange.

A lane of plans on a synthetic morning for each value that is no default, alone; and lanes on
recorded hours in which all switches at once stand at other values than usual, in seeded mixtures.
The auditor, which shares no code with the executor, finds nothing. The counts are printed (``-s``).
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from surefill.replay.drills import DrillMix
from surefill.replay.proof import Lane, Proof, RecordedDay, SyntheticDay, prove
from surefill.sim.alpaca.switches import FACE_CHOICES
from surefill.sim.switches import CHOICES
from tests.system.lanes import RECORDED_SYMBOLS, ROWS, SPACING_S, SYNTHETIC_SYMBOLS, lane

ROOT = Path(__file__).resolve().parents[2]
TAPES = Path(os.environ.get("SUREFILL_TAPES", ROOT.parent / "shared" / "tapes")) / "sip2013"
WORKERS = 1 if "PYTEST_XDIST_WORKER" in os.environ else 2
SLOTS = 3
"""Of three plans each, in every lane."""
DAY = 20260302
RECORDED = ((20131007, 60), (20131008, 2_500), (20131009, 60), (20131009, 20_000))
ALL = {**CHOICES, **FACE_CHOICES}
VALUES = tuple(f"{name}={word}" for name, words in ALL.items() for word in words[1:])
"""Every value of every switch that is no default."""
PARTLY_ARMED = "partial_arms_legs=on"


def short(name: str, market: RecordedDay | SyntheticDay, number: int, *, start_s: int = 60) -> Lane:
    """A few slots; every second one with exits beside the entry, every third with a halt."""
    is_beside, wash, _, _ = ROWS[number % 2]
    row = (is_beside, wash, (), 1 if number % 3 == 0 else 0)
    made = lane(name, market, row, start_s=start_s)
    return replace(made, length_s=SLOTS * SPACING_S, drills=DrillMix())


def one_lane(number: int) -> Lane:
    """A lane with one value."""
    value = VALUES[number]
    made = short(f"w{number}", SyntheticDay(DAY, SYNTHETIC_SYMBOLS, seed=number), number)
    if value.startswith("wash_exempts"):
        return replace(made, name=value, switches=(value,))
    return replace(made, name=value, switches=(*made.switches, value))


def mixed_lane(number: int) -> Lane:
    """A lane on a recorded hour with any value of every switch."""
    date, start_s = RECORDED[number]
    made = short(
        f"m{number}", RecordedDay(str(TAPES), date, RECORDED_SYMBOLS), number, start_s=start_s
    )
    chance = Random(f"switches:{number}")
    return replace(made, switches=tuple(f"{n}={chance.choice(w)}" for n, w in ALL.items()))


def check(proof: Proof, *, plans: int) -> None:
    """No violation; enough happened."""
    counts = {name: proof.count(name) for name in ("plans", "entered", "orders", "fills", "lines")}
    told = ", ".join(f"{number} {name}" for name, number in counts.items())
    sys.stdout.write(f"{len(proof.lanes)} lanes: {told}, {len(proof.violations)} violations\n")
    assert not proof.violations, proof.render()
    assert counts["plans"] >= plans
    assert 2 * counts["entered"] >= counts["plans"]


@pytest.mark.slow
def test_each_value_alone_on_synthetic_markets() -> None:
    lanes = [one_lane(number) for number in range(len(VALUES))]
    check(prove(lanes, workers=WORKERS), plans=8 * len(lanes))


@pytest.mark.slow
def test_legs_that_arm_for_a_part_of_the_entry() -> None:
    made = one_lane(VALUES.index(PARTLY_ARMED))
    market = SyntheticDay(DAY, SYNTHETIC_SYMBOLS, seed=30)
    lane_ = replace(made, name="w30", seed=365, market=market, length_s=8 * SPACING_S)
    check(prove([replace(lane_, mix=replace(made.mix, prefix="w30-"))]), plans=8)


@pytest.mark.slow
@pytest.mark.tape
@pytest.mark.skipif(not TAPES.is_dir(), reason="the recorded tapes (SUREFILL_TAPES) are absent")
def test_all_values_mixed_on_recorded_markets() -> None:
    lanes = [mixed_lane(number) for number in range(len(RECORDED))]
    check(prove(lanes, workers=WORKERS), plans=8 * len(lanes))
