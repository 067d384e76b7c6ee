"""Time what a user waits for: importing Surefill, and the command line's help.

Each is a fresh interpreter, so caches of this process cannot flatter it; the interpreter's own
start is measured beside it and is not ours to improve. Later benchmarks join the table.
"""

from __future__ import annotations

import statistics
import subprocess
import sys

ROUNDS = 15
CASES = {
    "an empty program": "pass",
    "import surefill": "import surefill",
    "surefill --help": (
        "import contextlib, io; from surefill.cli.main import main\n"
        "with contextlib.redirect_stdout(io.StringIO()): main(['--help'])\n"
        "pass"
    ),
    "from surefill import TradePlan": "from surefill import TradePlan",
}


def measure(code: str) -> list[float]:
    """Milliseconds of the code alone, one figure per fresh interpreter."""
    program = (
        f"import time\nstart = time.perf_counter_ns()\n{code}\n"
        "print(time.perf_counter_ns() - start)"
    )
    runs = (
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        for _ in range(ROUNDS)
    )
    return [int(run.stdout.split()[-1]) / 1e6 for run in runs]


def main() -> None:
    """Print the table."""
    sys.stdout.write(f"{'':<32}{'p50 ms':>10}{'worst ms':>10}\n")
    for title, code in CASES.items():
        times = measure(code)
        sys.stdout.write(f"{title:<32}{statistics.median(times):>10.2f}{max(times):>10.2f}\n")


if __name__ == "__main__":
    main()
