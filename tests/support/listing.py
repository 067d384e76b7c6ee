"""A test file run alone, as a list that a person reads.

python tests/test_smart_order_executor.py            # all of them
python tests/test_smart_order_executor.py crwd       # those with one of these words in their name
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

MARKS = {"passed": "ok  ", "failed": "FAIL", "skipped": "skip"}
HERE = Path(__file__).resolve().parents[1]
NAMED = HERE / "system" / "test_named_scenarios.py"


class Listing:
    """A pytest plugin: one line for each test, in words."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(MARKS, 0)
        self._file = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Show a test when it is over, or when its set-up failed."""
        if report.when != "call" and report.outcome == "passed":
            return
        file, _, name = report.nodeid.partition("::")
        if file != self._file:
            self._file = file
            print(f"\n{'Scenarios' if file.endswith(NAMED.name) else 'In detail'}")
        self.counts[report.outcome] += 1
        words = name.removeprefix("test_").replace("_", " ")
        print(f"  {MARKS[report.outcome]}  {words}  ({report.duration:.1f} s)", flush=True)
        if report.failed:
            print(report.longreprtext)


def run_alone(file: str) -> int:
    """Run the named scenarios and this file, or those with the words of the command line.

    In a fresh process: pytest has to be there before anything that it rewrites. Returns 0 when
    everything passed.
    """
    words = sys.argv[1:]
    command = [sys.executable, "-m", "tests.support.listing", str(Path(file).resolve()), *words]
    return subprocess.call(command, cwd=HERE.parent)


def main(file: str, *words: str) -> int:
    """The fresh process."""
    listing = Listing()
    options = ["-o", "addopts=--import-mode=importlib --strict-markers"]  # no reports of pytest's
    options += ["-p", "no:terminal", "-p", "no:randomly", "-p", "no:faulthandler"]
    options += ["-k", " or ".join(words)] if words else []
    code = pytest.main([str(NAMED), file, *options], plugins=[listing])
    print("\n" + ", ".join(f"{count} {word}" for word, count in listing.counts.items() if count))
    return int(code)


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
