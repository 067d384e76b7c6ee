"""How soon is a journal with 10,000 open and 100,000 closed trades ready?

    python -m benchmarks.recovery --open 10000 --closed 100000 --report REPORT.md

A few hundred trades are traded for the journal's sake; their images, with other names, are the
rest. Each has one record of its own size, so the history is shorter than a real one: the time to
check the chain is told by record. Timed in a new process: opening with the check of the whole
chain, taking the open trades over, and the first record of the new process. Nothing is asked of a
broker.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.open_trades import Desk, limits_of
from surefill.core.engine import Engine, EngineConfig
from surefill.journal.digest import link
from surefill.journal.images import ENGINE_IMAGE
from surefill.journal.sqlite import SqliteJournal
from surefill.ports import JournalEntry
from surefill.runtime.stepper import Stepper
from surefill.tactics.registry import TACTICS
from tests.support.core import START_NS
from tests.support.report import Row, Stopwatch, write_section

TRADED = 100
BATCH = 2_000


def entries_of(
    journal: SqliteJournal, images: dict[str, bytes], *, opened: int, closed: int
) -> Iterator[JournalEntry]:
    """A record and an image for each of so many trades, after the journal's head."""
    seq, digest = journal.head()
    names = list(images)
    record = b'{"$":"filler","text":"' + b"x" * 2_000 + b'"}'  # as long as a real one
    for n in range(opened + closed):
        old = names[n % len(names)]
        name = f"{'O' if n < opened else 'C'}{n:06d}"
        image = images[old].replace(old.encode(), name.encode())
        seq, digest = seq + 1, link(digest, record)
        yield JournalEntry(seq, record, digest, {name: image}, {name: n < opened})


def fill(path: Path, *, opened: int, closed: int) -> tuple[int, int]:
    """Make the journal: (bytes of it, records)."""
    desk = Desk(path, TRADED)
    desk.enter_all()
    images = dict(desk.journal.open_images())
    images.pop(ENGINE_IMAGE)
    batch: list[JournalEntry] = []
    for entry in entries_of(desk.journal, images, opened=opened - TRADED, closed=closed):
        batch.append(entry)
        if len(batch) == BATCH:
            desk.journal.append(batch)
            batch = []
    desk.journal.append(batch)
    records = desk.journal.head()[0]
    desk.journal.close()
    return path.stat().st_size, records


def start(path: str, pipe: Connection) -> None:
    """A new process takes the journal over: (seconds by part, open trades)."""
    marks = [(time.perf_counter(), time.process_time())]

    def mark() -> None:
        marks.append((time.perf_counter(), time.process_time()))

    journal = SqliteJournal(Path(path))
    mark()
    engine = Engine(EngineConfig(account="A1", limits=limits_of(100_000)), TACTICS)
    stepper = Stepper(engine, journal, holder="bench")
    stepper.restore()
    mark()
    stepper.start("bench", "0" * 32, now=START_NS)
    mark()
    found = len(engine.book.open)
    journal.close()
    pairs = itertools.pairwise(marks)
    pipe.send(([(b[0] - a[0], b[1] - a[1]) for a, b in pairs], found))


def main() -> None:
    """Make, start, report."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--open", type=int, default=10_000)
    parser.add_argument("--closed", type=int, default=100_000)
    parser.add_argument("--report")
    args = parser.parse_args()
    watch = Stopwatch()
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.db"
        size, records = fill(path, opened=args.open, closed=args.closed)
        ours, theirs = context.Pipe()
        process = context.Process(target=start, args=(str(path), theirs))
        process.start()
        parts, found = ours.recv()
        process.join()
    names = ("opening and checking every record", "taking the open trades over", "the first record")
    rows: list[Row] = [
        ("journal", f"{size / 1e6:,.0f} MB, {records:,} records"),
        ("open / closed trades", f"{found:,} / {args.closed:,}"),
        *(
            (name, f"{wall:.2f} s ({spent:.2f} s of processor)")
            for name, (wall, spent) in zip(names, parts, strict=True)
        ),
        ("ready after", f"{sum(wall for wall, _ in parts):.2f} s"),
    ]
    rows += watch.rows(records, "records")
    write_section("Recovery", rows, path=args.report)


if __name__ == "__main__":
    main()
