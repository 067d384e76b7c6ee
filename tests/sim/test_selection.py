"""Plain values that pass between processes."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

from surefill.sim.selection import Selection, TapeDay


def test_a_day_may_be_sent_to_another_process() -> None:
    day = TapeDay(Path("a"), Path("b"), "X", 20261120)
    assert pickle.loads(pickle.dumps(day)) == day
    assert Selection("X", 20261120).start_ns is None


def test_no_data_library_is_loaded() -> None:
    code = "import sys, surefill.sim.selection, surefill.sim.readers; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
