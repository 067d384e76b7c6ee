"""Schemathesis against the exchange's own OpenAPI document, in an environment of its own.

    python -m tests.support.schema_run 300 --report REPORT.md

A pytest plugin and eight packages that nothing else needs come with it: so it is no dependency of
ours but lives where the other clients do (`scripts/sdk_env.py`). Checked: no 5xx, no answer later
than ten seconds, no status, content type or body that the document does not promise, no route
without keys. Which of its valid requests the exchange must accept the document does not say, so
refusals are not judged here.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from surefill.sim.alpaca.app import ExchangeConfig
from surefill.sim.alpaca.switches import split_pairs
from tests.support.exchange_server import OPEN_NS, RunningExchange
from tests.support.report import ROOT, Stopwatch, write_section

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "ignored_auth",
)
TIMEOUT_S = 10
CASES = re.compile(r"(\d+) generated, (\d+) passed")


@dataclass(frozen=True)
class Outcome:
    """How a run ended. ``output`` is Schemathesis's own text."""

    is_clean: bool
    cases: int
    output: str


def run(python: str, *, examples: int, seed: int) -> Outcome:
    """One run with so many examples per route and phase."""
    venue, face = split_pairs(["rate_limit_per_min=0"])
    config = ExchangeConfig(start_ns=OPEN_NS, latency="none", switches=venue, face=face)
    with RunningExchange(config) as exchange, tempfile.TemporaryDirectory() as folder:
        exchange.quote("ACME", "99.99", "100.01")
        exchange.print_("ACME", "100")
        command = [
            str(Path(python).parent / "st"),
            f"--config-file={ROOT / 'tests' / 'interop' / 'programs' / 'schemathesis.toml'}",
            "run",
            f"{exchange.url}/openapi.json",
            "--header=APCA-API-KEY-ID: KEY",
            "--header=APCA-API-SECRET-KEY: S",
            f"--seed={seed}",
            f"--max-examples={examples}",
            "--phases=coverage,fuzzing,stateful",
            f"--checks={','.join(CHECKS)}",
            f"--request-timeout={TIMEOUT_S}",
            "--no-shrink",
            "--continue-on-failure",
            "--no-color",
        ]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    found = CASES.search(done.stdout)
    cases = int(found[2]) if found else 0
    return Outcome(done.returncode == 0, cases, done.stdout + done.stderr)


def main() -> None:
    """A run as long as asked for, and its report."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("examples", type=int, nargs="?", default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report")
    args = parser.parse_args()
    script = str(ROOT / "scripts" / "sdk_env.py")
    made = subprocess.run(
        [sys.executable, script, "schemathesis"], capture_output=True, text=True, check=True
    )
    watch = Stopwatch()
    outcome = run(made.stdout.strip(), examples=args.examples, seed=args.seed)
    if not outcome.is_clean:
        sys.exit(outcome.output)
    rows = [
        ("examples per route and phase", str(args.examples)),
        ("seed", str(args.seed)),
        ("requests, all as the document says", f"{outcome.cases:,}"),
        ("5xx, hangs, undocumented answers", "0"),
        *watch.rows(outcome.cases, "requests"),
    ]
    write_section("Schemathesis", rows, path=args.report)


if __name__ == "__main__":
    main()
