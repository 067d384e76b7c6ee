"""The proof of the main job on recorded markets: two thousand plans in virtual time, three days.

A file of its own, so that it runs beside `test_proof`, its synthetic twin.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from surefill.replay.proof import prove
from tests.system.lanes import check, recorded_lanes

ROOT = Path(__file__).resolve().parents[2]
TAPES = Path(os.environ.get("SUREFILL_TAPES", ROOT.parent / "shared" / "tapes")) / "sip2013"


@pytest.mark.slow
@pytest.mark.tape
@pytest.mark.skipif(not TAPES.is_dir(), reason="the recorded tapes (SUREFILL_TAPES) are absent")
def test_two_thousand_plans_on_recorded_markets(tmp_path: Path) -> None:
    check(prove(recorded_lanes(str(TAPES))), "recorded", tmp_path)
