"""The simulation as CI runs it: every enumerated kill point, the same traces whatever the
hash seed and the time zone, and real WAL files cut off where a dying machine may cut them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from surefill.journal.memory import MemoryJournal
from surefill.journal.sqlite import SqliteJournal
from surefill.ports import JournalEntry
from surefill.replay.harness import VirtualRun
from surefill.replay.simulate.kill_points import KillPoint, KillTotal, Moment, play_kill_points
from surefill.replay.simulate.play import play
from surefill.replay.simulate.scripts import SCRIPTS
from surefill.replay.simulate.verdict import judge

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
WORKERS = 1 if "PYTEST_XDIST_WORKER" in os.environ else os.cpu_count() or 1
"""Beside tests that time what a venue sees, no more processes than cores."""
SAME_SEEDS = "40:60"


def test_no_death_at_any_journal_boundary_breaks_anything() -> None:
    total = KillTotal()
    for result in play_kill_points(workers=WORKERS):
        total.add(result)
    assert not total.violations, total.rows()
    assert total.points > 600
    phases = {phase for phase, _ in total.cells}
    assert {"IN_FLIGHT", "WORKING", "COVER_IN_FLIGHT", "COVERED", "FLATTENING"} <= phases
    # Not even a disk that lies makes the executor buy twice or sell what it does not have.
    assert not {"I1", "I2", "I4"} & set(total.lied)


def test_hash_seed_and_time_zone_change_nothing() -> None:
    command = [sys.executable, "-m", "surefill", "simulate", "--seeds", SAME_SEEDS]
    command += ["--workers", "1", "--json"]
    zones = ("UTC", "Asia/Singapore", "America/New_York")
    places = [(zone, hash_seed) for zone in zones for hash_seed in ("1", "2")]
    running = [
        subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | {"TZ": zone, "PYTHONHASHSEED": hash_seed},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        for zone, hash_seed in places
    ]
    told = [process.communicate()[0] for process in running]
    assert all(process.returncode == 0 for process in running)
    assert len(told[0].splitlines()) == 21
    assert len(set(told)) == 1


# -- real WAL files ------------------------------------------------------------------------------

FRAME_HEADER = 24
CUT_AFTER = (9, 11, 13, 14, 16, 18)
"""Appends of the first script after which its WAL is cut: entry sent, filled, covered."""


class _Mirror:
    """Every append of a run goes to a real journal file as well; at the death that file is cut off
    at ``offset`` bytes into the last commit, and what is left decides what the process
    remembers."""

    def __init__(self, folder: Path, offset: int) -> None:
        self.path = folder / "journal.db"
        self.offset = offset
        self.sizes: list[int] = []
        self.kept: list[int] = []
        self._journal: SqliteJournal | None = SqliteJournal(self.path)
        self._journal.acquire("mirror")

    @property
    def wal(self) -> Path:
        """The write-ahead log."""
        return self.path.with_name(self.path.name + "-wal")

    def append(self, entries: Sequence[JournalEntry]) -> None:
        """One commit."""
        if self._journal is not None and entries:
            self.sizes.append(self.wal.stat().st_size)
            self._journal.append(entries)

    def at_death(self, run: VirtualRun) -> None:
        """Cut, open what is left, and lose in memory what is lost on disk."""
        assert self._journal is not None
        cut = self.path.with_name("cut.db")
        shutil.copy(self.path, cut)
        shutil.copy(self.wal, f"{cut}-wal")
        self._journal.close()
        self._journal = None
        with open(f"{cut}-wal", "r+b") as file:
            file.truncate(min(self.sizes[-1] + self.offset, os.path.getsize(f"{cut}-wal")))
        left = SqliteJournal(cut)
        head, digest = left.head()
        disk = run.journal.disk
        disk.crash(lose_after=head)
        self.kept.append(len(disk.entries))
        assert head == 0 or disk.entries[-1].digest == digest
        assert dict(left.open_images()) == dict(MemoryJournal(disk).open_images())
        left.close()


@pytest.mark.parametrize("skip", CUT_AFTER)
def test_a_torn_wal_is_a_shorter_history_and_nothing_worse(
    skip: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = FRAME_HEADER + 4096
    offsets = [0, 1, FRAME_HEADER, frame // 2, frame - 1, frame, frame + 7, 2 * frame, 10**9]
    point = KillPoint(SCRIPTS[0], Moment.BEFORE_SEND, skip)
    kept = []
    for n, offset in enumerate(offsets):
        folder = tmp_path / str(n)
        folder.mkdir(mode=0o700)
        mirror = _Mirror(folder, offset)
        with monkeypatch.context() as patch:
            _mirror_to(patch, mirror)
            played = play(point.scenario(), at_death=mirror.at_death)
        assert judge(played)[1] == ()
        assert len(played.deaths) == 1
        kept.append(mirror.kept[0])
    assert kept[-1] - kept[0] >= 1, "nothing cut: all kept; everything cut: the commit is gone"
    assert set(kept) == {kept[0], kept[-1]}, "a commit is there or not"


def _mirror_to(patch: pytest.MonkeyPatch, mirror: _Mirror) -> None:
    append = MemoryJournal.append

    def both(journal: MemoryJournal, entries: Sequence[JournalEntry]) -> None:
        append(journal, entries)
        mirror.append(entries)

    patch.setattr(MemoryJournal, "append", both)
