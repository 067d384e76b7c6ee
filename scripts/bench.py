"""Run the benchmarks, each beside its peers: `make bench`.

    make bench                                       # all of them, small; some minutes
    make bench ARGS="--only startup,replay --full"   # these, at the size of the report
    make bench ARGS="--report docs/reports/2026-11-23-speed.md"

What: one script of `benchmarks/` a claim, one process each, one section of the report each; peers
get environments of their own under build/bench. Figures mean something on a machine that does
nothing else; ratios, measured in turns in one run, hold longer.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / "build" / "bench" / "report.md"


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A script and its sizes: ``small`` for a look, ``full`` for a report."""

    module: str
    small: str = ""
    full: str = ""


BENCHMARKS = {
    "startup": Benchmark("startup", "--runs 9", "--runs 31"),
    "replay": Benchmark("replay", "--quotes 100000", "--quotes 1000000 --runs 1"),
    "exchange": Benchmark("exchange_peer", "--requests 4000", "--requests 20000"),
    "order": Benchmark("one_order", "--orders 500", "--orders 3000"),
    "cover": Benchmark("fill_to_cover"),
    "analysis": Benchmark("analysis", "--trades 50000", "--trades 200000 --seeds 100 --days 12"),
    "growth": Benchmark("growth", "--decades 2", "--decades 3"),
    "load": Benchmark("exchange_load", "--seconds 10", "--seconds 30"),
}
"""name -> what it runs. Others of `benchmarks/` are studies with reports of their own."""


def commands(names: list[str], report: Path, *, is_full: bool) -> list[list[str]]:
    """The command lines. ``KeyError``: no such benchmark."""
    found = []
    for name in names:
        one = BENCHMARKS[name]
        options = (one.full if is_full else one.small).split()
        if name == "growth":
            options += ["--plot", str(report.with_name(f"{report.stem}-growth.svg"))]
        module = f"benchmarks.{one.module}"
        found.append([sys.executable, "-m", module, *options, "--report", str(report)])
    return found


def main() -> None:
    """Run them one after the other; exit code 1 when any fails."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", default=",".join(BENCHMARKS), help=", ".join(BENCHMARKS))
    parser.add_argument("--full", action="store_true", help="at the size of the report")
    parser.add_argument("--report", type=Path, default=REPORT)
    args = parser.parse_args()
    report = args.report.resolve()
    report.parent.mkdir(parents=True, exist_ok=True)
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    failed = []
    for command in commands(args.only.split(","), report, is_full=args.full):
        sys.stderr.write(f"{' '.join(command[2:])}\n")
        if subprocess.run(command, cwd=ROOT, env=env, check=False).returncode:
            failed.append(command[2])
    sys.stdout.write(report.read_text(encoding="utf-8") if report.exists() else "")
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
