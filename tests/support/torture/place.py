"""Where a lane's engine keeps its journal: on a real small disk that can be filled, if possible.

disk = Disk(folder)          # a tmpfs of its own when we are allowed to, else a plain folder
disk.fill(); disk.free()
"""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from surefill.core.cover import cover_of
from surefill.core.state import Denial
from surefill.core.trade import Trade, phase_of
from surefill.journal.images import ENGINE_IMAGE, decode_trade, plan_ids
from surefill.runtime.standing import doubts

SIZE_KIB = 48 * 1024
BLOCK = 65_536
BALLAST = "ballast"


class Disk:
    """A folder; ``is_small``: a file system of its own that can be filled."""

    def __init__(self, folder: Path, *, wants_own: bool = True) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.is_small = wants_own and _mount(folder)

    def fill(self) -> None:
        """Not one byte is left."""
        fd = os.open(self.folder / BALLAST, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            size = BLOCK
            while size:
                size = size if _writes(fd, size) else size // 2
        finally:
            os.close(fd)

    def free(self) -> None:
        """As before."""
        (self.folder / BALLAST).unlink(missing_ok=True)

    def close(self) -> None:
        """Let the file system go."""
        if self.is_small:
            subprocess.run(["umount", "-l", str(self.folder)], check=False)


def _writes(fd: int, size: int) -> bool:
    """Whether there was space for so many bytes."""
    try:
        os.write(fd, bytes(size))
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        return False
    return True


def _mount(folder: Path) -> bool:
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    words = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_KIB}k,mode=0700", "none", str(folder)]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def journal_in(folder: Path) -> Path | None:
    """The one journal that lies there, if there is one yet."""
    found = sorted((folder / ".surefill").glob("journal-*.db"))
    return found[0] if found else None


def images_in(journal: Path, *, open_only: bool) -> Iterator[Trade | Denial]:
    """What a journal remembers of trades, read without checking its whole chain."""
    query = "SELECT trade_id, image FROM images"
    if open_only:
        query += " WHERE is_open = 1"
    with closing(sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True, timeout=5)) as database:
        rows = dict(database.execute(query).fetchall())
    for name in plan_ids(rows):
        if name != ENGINE_IMAGE:
            yield decode_trade(rows[name])


def doubtful_in(journal: Path | None) -> set[str]:
    """Plans of which an order may or may not exist, and needs its time until that is known."""
    if journal is None:
        return set()
    found = images_in(journal, open_only=True)
    return {one.trade_id for one in found if isinstance(one, Trade) and doubts(one)}


def phases_in(journal: Path | None) -> tuple[str, ...]:
    """The phase of every open trade, by what is durable at this moment."""
    if journal is None:
        return ()
    found = []
    for trade in images_in(journal, open_only=True):
        if isinstance(trade, Trade) and not trade.is_closed:
            cover = cover_of(trade)
            phase = phase_of(trade, covered_qty=cover.covered_qty, claimed_qty=cover.claimed_qty)
            found.append(phase.value)
    return tuple(found)
