"""A run in a folder: everything, and without plots everything else."""

from __future__ import annotations

import builtins
import sys
from pathlib import Path
from typing import Any

import pytest

from surefill.replay.keep import REPORT, keep_run
from surefill.replay.run_files import read_parents
from tests.replay.test_plots import PATHS
from tests.replay.test_report import TRACKS

SMALL = {"smart": PATHS["smart"], "legacy": PATHS["legacy"]}


def test_everything_is_written_and_read_back(tmp_path: Path) -> None:
    written = list(keep_run(tmp_path, "A run", SMALL, tracks=TRACKS))
    assert all(path.exists() for path in written)
    names = {str(path.relative_to(tmp_path)) for path in written}
    assert {"smart/plans.parquet", "legacy/fills.csv", "summary.md", "tracks.jsonl", REPORT} < names
    assert read_parents(tmp_path / "smart") == tuple(one.parent for one in SMALL["smart"])


def test_without_plots_the_data_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **named: Any) -> Any:
        if name.startswith("plotly"):
            raise ModuleNotFoundError(name=name)
        return real(name, *args, **named)

    for name in [one for one in sys.modules if one.startswith("plotly")]:
        monkeypatch.delitem(sys.modules, name)
    for name in ("report", "plots"):
        monkeypatch.delitem(sys.modules, f"surefill.replay.{name}", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    names = {path.name for path in keep_run(tmp_path, "A run", SMALL)}
    assert REPORT not in names
    assert "summary.md" in names
    assert "tracks.jsonl" not in names
