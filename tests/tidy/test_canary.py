"""The search for leaked secrets works: a leak fails the run, a clean run passes (I27)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tidy.source import ROOT

LEAKS = {
    "in a file": "def test_it(tmp_path, canary):\n    (tmp_path / 'x.log').write_text(canary)\n",
    "in part": "def test_it(tmp_path, canary):\n    (tmp_path / 'x').write_text(canary[3:11])\n",
    "in output": "def test_it(canary):\n    print('key=' + canary)\n",
    "in a log line": "import logging\ndef test_it(canary):\n    logging.error('%s', canary)\n",
}


def run(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    """Run one test in a folder of its own, under our conftest, with a canary of its own."""
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


@pytest.mark.parametrize("place", LEAKS)
def test_a_leak_fails_the_run_and_is_named(place: str, tmp_path: Path) -> None:
    done = run(tmp_path, LEAKS[place])
    assert done.returncode == 1
    assert "SECRET LEAKED (I27)" in done.stdout


def test_a_clean_run_passes(tmp_path: Path) -> None:
    text = "def test_it(tmp_path, canary):\n    (tmp_path / 'x').write_text(canary[3:10])\n"
    assert run(tmp_path, text).returncode == 0
