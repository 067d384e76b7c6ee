"""The search for leaked secrets works: a leak fails the run, a clean run passes (I27)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.tidy.source import ROOT

LEAKING = """
import logging
def test_file(tmp_path, canary): (tmp_path / "whole.log").write_text(canary)
def test_part(tmp_path, canary): (tmp_path / "piece.log").write_text("x" + canary[3:11] + "y")
def test_output(canary): print("key=" + canary)
def test_log(canary): logging.error("%s", canary)
"""
CLEAN = """
def test_short(tmp_path, canary): (tmp_path / "x").write_text(canary[3:10])
"""


def run(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    """Run tests in a folder of their own, under our conftest, with a canary of their own."""
    (folder / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    (folder / "test_it.py").write_text(text)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--basetemp=out"],
        cwd=folder,
        env={**os.environ, "SUREFILL_CANARY": "another-canary-0123456789"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_leak_fails_the_run_and_is_named(tmp_path: Path) -> None:
    done = run(tmp_path, LEAKING)
    assert done.returncode == 1
    named = [line for line in done.stdout.splitlines() if line.startswith("SECRET LEAKED (I27)")]
    for place in ("whole.log", "piece.log", "test_output (Captured stdout", "test_log (Captured"):
        assert any(place in line for line in named), done.stdout


def test_a_clean_run_passes(tmp_path: Path) -> None:
    done = run(tmp_path, CLEAN)
    assert done.returncode == 0, done.stdout
