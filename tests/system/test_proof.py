"""The proof of the main job: two thousand plans in virtual time on recorded markets, two thousand
on synthetic ones, and an auditor that shares no code with the executor finds nothing.

The counts are printed (``-s``) and written to the test's folder. A lane is the same history in
every
process, Python hash seed and time zone.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from surefill.replay.drills import DrillMix
from surefill.replay.proof import Lane, Proof, prove
from tests.system.lanes import recorded_lanes, synthetic_lanes

ROOT = Path(__file__).resolve().parents[2]
TAPES = Path(os.environ.get("SUREFILL_TAPES", ROOT.parent / "shared" / "tapes")) / "sip2013"
PLANS = 2_000
WORKERS = 2
COVER_NS = 1_500_000_000


def check(proof: Proof, name: str, folder: Path) -> None:
    """Everything that the proof promises, with its table shown and kept."""
    table = f"{name}\n{proof.render()}"
    sys.stdout.write(table)
    (folder / f"proof_{name}.txt").write_text(table, encoding="utf-8")
    plans = proof.count("plans")
    assert plans >= PLANS
    assert not proof.violations, table
    assert 100 * proof.count("partial_entries") >= 30 * plans, table
    assert 100 * proof.count("plans_raced") >= 10 * plans, table
    assert 100 * proof.count("shorts") >= 20 * plans, table
    assert all(proof.outcomes.values()), table
    assert proof.window_max_ns <= COVER_NS, table


@pytest.mark.slow
@pytest.mark.tape
@pytest.mark.skipif(not TAPES.is_dir(), reason="the recorded tapes (SUREFILL_TAPES) are absent")
def test_two_thousand_plans_on_recorded_markets(tmp_path: Path) -> None:
    check(prove(recorded_lanes(str(TAPES)), workers=WORKERS), "recorded", tmp_path)


@pytest.mark.slow
def test_two_thousand_plans_on_synthetic_markets(tmp_path: Path) -> None:
    check(prove(synthetic_lanes(), workers=WORKERS), "synthetic", tmp_path)


def short_lane() -> Lane:
    """Twelve plans with everything on: halts, people, partial fills, cover beside the entry."""
    lane = synthetic_lanes()[7]
    drills = DrillMix(flatten_percent=20, cancel_entry_percent=20, external_percent=20)
    return replace(lane, length_s=96, halts=1, drills=drills)


TELL = """
from tests.system.test_proof import short_lane
from surefill.replay.proof import play_lane
result = play_lane(short_lane())
print(result.truth, result.journal, result.records)
"""


@pytest.mark.slow
def test_a_lane_is_the_same_everywhere() -> None:
    told = set()
    for hash_seed, zone in (("0", "UTC"), ("1", "Asia/Tokyo"), ("0", "America/New_York")):
        done = subprocess.run(
            [sys.executable, "-c", TELL],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "TZ": zone, "PYTHONPATH": "src:."},
            capture_output=True,
            text=True,
            check=True,
        )
        told.add(done.stdout)
    here = prove([short_lane()]).lanes[0]
    told.add(f"{here.truth} {here.journal} {here.records}\n")
    assert len(told) == 1, told
    assert here.records > 100
