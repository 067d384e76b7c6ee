"""Alerts that somebody holds back for a while: a small file beside the journal.

What: `Silences`: read by every process that tells alerts, written by ``surefill alerts silence``.
Invariants: a silence ends by itself, within `HOURS_MAX`; it holds messages back and loses none:
what came meanwhile is told when it is over, and the log tells it at once; a file that cannot be
read silences nothing.
Must never: stop an alert from being logged, or outlast a night unnoticed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

HOURS_MAX = 24
HOUR_NS = 3_600_000_000_000
BYTES_MAX = 64_000


@dataclass(frozen=True, slots=True)
class Silence:
    """One code is held back until ``until_ns`` (UTC)."""

    until_ns: int
    by: str
    why: str


class Silences:
    """The silences of one account. A running process sees a change with its next look."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._all: dict[str, Silence] = {}

    def now(self, now: int) -> Mapping[str, Silence]:
        """Code -> silence, of those that hold at ``now``."""
        self._read()
        limit_ns = now + HOURS_MAX * HOUR_NS
        return {code: one for code, one in self._all.items() if now < one.until_ns <= limit_ns}

    def put(self, code: str, silence: Silence | None, *, now: int) -> None:
        """Hold ``code`` back, or (``None``) no more. Raises `OSError`."""
        found = dict(self.now(now))
        found.pop(code, None)
        if silence is not None:
            found[code] = silence
        write_private(self._path, json.dumps({name: asdict(one) for name, one in found.items()}))

    def _read(self) -> None:
        try:
            fd = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            self._seen, self._all = None, {}
            return
        with open(fd, "rb") as file:
            found = os.fstat(fd)
            seen = (found.st_ino, found.st_mtime_ns)
            if seen != self._seen:
                self._all = _decode(file.read(BYTES_MAX))
                self._seen = seen


def silences_path(journal: Path) -> Path:
    """The file beside this journal."""
    return journal.with_name(journal.name + ".silences")


def write_private(path: Path, text: str) -> None:
    """Replace the file at once by one that only its owner can read. Raises `OSError`."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(fresh, flags, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(fresh, path)


def _decode(data: bytes) -> dict[str, Silence]:
    try:
        rows = json.loads(data)
        return {
            str(code): Silence(int(row["until_ns"]), str(row["by"]), str(row["why"]))
            for code, row in rows.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
