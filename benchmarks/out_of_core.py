"""Memory of a replay against the number of symbol-days: partitions on disk, one of them at a time.

    python -m benchmarks.out_of_core FOLDER --report docs/reports/2026-11-23-out-of-core.md
    python -m benchmarks.out_of_core FOLDER --symbols 20 --days 10      # as far as patience goes

Makes partitioned Parquet (``symbol=S/date=yyyymmdd``) of synthetic stocks in FOLDER (kept, made
once), plays more and more of it with ``surefill replay --every 7200``, each time in a process of
its own, and reads the most memory that process has had. Then the names alone of a year of 500
symbols (126,000 partitions of empty files) are listed, because a replay holds that list.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow.parquet as pq

from surefill.core.session import Session
from surefill.sim.calendar import us_equity_calendar
from surefill.sim.profiles import MID
from surefill.sim.synthetic import SyntheticTape
from tests.sim.tapes import quote_columns, table_of, trade_columns
from tests.support.report import Stopwatch, table

SYMBOLS, DAYS = 50, 20
EVENTS = 2_000
FIRST, LAST = 20260105, 20261231
STEPS = ((1, 1), (10, 1), (10, 5))
"""(symbols, days) of the first runs; the last one is as large as the words say."""
YEAR = (500, 252)
PROBE = """
import sys
from pathlib import Path
from surefill.cli.main import main
from surefill.sim.tape import list_tapes
code = not list_tapes(Path(sys.argv[2])) if sys.argv[1] == "list" else main(sys.argv[1:])
text = Path("/proc/self/status").read_text()
sys.stderr.write("\\nPEAK " + text.partition("VmHWM:")[2].split()[0] + "\\n")
sys.exit(code)
"""


@dataclass(frozen=True, slots=True)
class Run:
    """A process: how long it took and the most memory it had."""

    seconds: float
    peak_mb: float
    lines: list[str]


def sessions() -> tuple[Session, ...]:
    """The trading days of a year."""
    return us_equity_calendar(FIRST, LAST).sessions


def partition(root: Path, symbol: str, date: int) -> Path:
    """Where a symbol-day lies."""
    return root / f"symbol={symbol}" / f"date={date}"


def make(root: Path, count: int, days: int) -> Path:
    """``count`` symbols on ``days`` days below ``root``, those that are missing; the folder."""
    folder = root / f"{count}x{days}"
    for n in range(count):
        symbol = f"S{n:03d}"
        for session in sessions()[:days]:
            place = partition(folder, symbol, session.date)
            if place.exists():
                continue
            place.mkdir(parents=True)
            tape = SyntheticTape(n, symbol, session, profile=replace(MID, events=EVENTS)).columns()
            for name, columns in (("nbbo", quote_columns(tape)), ("trades", trade_columns(tape))):
                rows = table_of(columns, symbol, session.date)
                pq.write_table(rows, place / f"{symbol}_{name}.parquet")
    return folder


def make_year(root: Path) -> Path:
    """The names of a year of 500 symbols; there is nothing in the files."""
    folder = root / "year"
    for n in range(YEAR[0]):
        symbol = f"S{n:03d}"
        dates = [session.date for session in sessions()]
        for date in dates[: YEAR[1]]:
            place = partition(folder, symbol, date)
            place.mkdir(parents=True, exist_ok=True)
            for name in ("nbbo", "trades"):
                (place / f"{symbol}_{name}.parquet").touch()
    return folder


def probed(*words: str) -> Run:
    """These words of ``surefill`` in a process of its own."""
    started_s = time.monotonic()
    found = subprocess.run(
        [sys.executable, "-c", PROBE, *words], capture_output=True, text=True, check=False
    )
    if found.returncode:
        raise SystemExit(f"{' '.join(words)}: {found.stderr[-2_000:]}")
    peak_kb = int(found.stderr.rpartition("PEAK ")[2])
    return Run(time.monotonic() - started_s, peak_kb / 1024, found.stdout.splitlines())


def measured(root: Path, steps: Iterable[tuple[int, int]]) -> Iterator[str]:
    """A row for each number of symbol-days."""
    for count, days in steps:
        folder = make(root, count, days)
        words = ("--every", "7200", "--minutes", "150", "--path", "adaptive", "--json")
        run = probed("replay", str(folder), *words)
        plans = sum(json.loads(line)["plans"] for line in run.lines)
        sys.stderr.write(f"{count} x {days}: {run.peak_mb:.0f} MB\n")
        yield (
            f"| {count} symbols, {days} days | {count * days:,} | {plans:,} | "
            f"{run.peak_mb:,.0f} MB | {run.seconds / count / days:.2f} s |\n"
        )


def main() -> None:
    """Make, play, list, report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("folder", type=Path, help="for the synthetic set")
    parser.add_argument("--symbols", type=int, default=SYMBOLS, help="of the last run")
    parser.add_argument("--days", type=int, default=DAYS, help="of the last run")
    parser.add_argument("--report", type=Path, help="file to write; default: the screen")
    args = parser.parse_args()
    watch = Stopwatch()
    steps = (*STEPS, (args.symbols, args.days))
    rows = list(measured(args.folder, steps))
    idle = probed("list", str(make(args.folder, 1, 1)))
    listed = probed("list", str(make_year(args.folder)))
    shutil.rmtree(args.folder / "year")
    doc = (__doc__ or "").partition("\n\n")[2].partition("\n\n")[2]
    count = YEAR[0] * YEAR[1]
    text = (
        f"# A year of 500 symbols, one symbol-day in memory\n\n{doc}\n"
        f"{table(watch.rows(sum(a * b for a, b in steps), 'symbol-days'))}\n\n"
        "| played | symbol-days | plans | most memory | a symbol-day |\n|---|---|---|---|---|\n"
        f"{''.join(rows)}\n"
        f"The list of {count:,} partitions: {listed.peak_mb - idle.peak_mb:,.0f} MB more than the "
        f"list of one ({listed.seconds:,.0f} s).\n"
    )
    if args.report is None:
        sys.stdout.write(text)
    else:
        args.report.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
