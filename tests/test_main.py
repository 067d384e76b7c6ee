"""``python -m surefill`` is the command line."""

from __future__ import annotations

import subprocess
import sys

from surefill import __version__


def test_the_package_runs_as_a_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "surefill", "--version"], check=True, capture_output=True, text=True
    )
    assert done.stdout == f"surefill {__version__}\n"


def test_importing_the_program_starts_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import surefill.__main__"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout + done.stderr == ""
