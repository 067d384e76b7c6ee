"""The proof of the main job: two thousand plans in virtual time on synthetic markets, in which an
auditor that shares no code with the executor finds nothing; `test_proof_recorded` is its twin.

The counts are printed (``-s``) and written to the test's folder. A lane is the same history in
every process, Python hash seed and time zone.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from surefill.replay.drills import DrillMix
from surefill.replay.proof import Lane, prove
from tests.system.lanes import check, synthetic_lanes

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_two_thousand_plans_on_synthetic_markets(tmp_path: Path) -> None:
    check(prove(synthetic_lanes()), "synthetic", tmp_path)


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
