"""A sign of life that another process can read: a small file beside the journal.

What: `Heartbeat` (the engine's side), `read_beat` (the watchdog's).
Why a file with a counter: the reader needs no lock, no clock of ours and no answer from a process
that may hang; a counter that stands still is all there is to know.
Invariants: a beat is written only after the engine's loop has turned; the file is private; an
orderly end says so, a killed process cannot.
A beat that cannot be written is a beat that is missing, which is what the reader looks for.
Must never: be waited for, be taken for the journal, or stop the engine that it speaks of.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path

from surefill.runtime.driver import Driver
from surefill.runtime.errors import ErrorCode, SurefillError
from surefill.runtime.logs import LOGGER_NAME

logger = logging.getLogger(LOGGER_NAME)

BEAT_S = 1.0
BYTES = 256
"""One small write in place: a reader sees one beat or the next, or, torn, none."""


@dataclass(frozen=True, slots=True)
class Beat:
    """The ``n``-th beat of process ``pid``; ``is_stopped``: it was the last one, in order."""

    n: int
    pid: int
    is_stopped: bool


def heartbeat_path(journal: Path) -> Path:
    """The file beside this journal."""
    return journal.with_name(journal.name + ".heartbeat")


class Heartbeat:
    """Writes beats. Open it once the engine is ready, close it after its end.

    Raises `SurefillError` (CONTROL_UNREACHABLE) when the file cannot be made.
    """

    def __init__(self, journal: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        path = heartbeat_path(journal)
        try:
            self._fd = os.open(path, flags, 0o600)
        except OSError as error:
            sentence = f"{path} cannot be made ({error.strerror})"
            raise SurefillError(ErrorCode.CONTROL_UNREACHABLE, sentence) from None
        self._n = 0
        self._is_mute = False

    def beat(self, *, is_stopped: bool = False) -> None:
        """One sign of life."""
        self._n += 1
        row = {"n": self._n, "pid": os.getpid(), "stopped": is_stopped}
        try:
            os.pwrite(self._fd, json.dumps(row).encode().ljust(BYTES), 0)
            self._is_mute = False
        except OSError as error:
            if not self._is_mute:
                logger.error("the heartbeat cannot be written (%s)", error.strerror)
            self._is_mute = True

    async def keep_beating(self, driver: Driver) -> None:
        """As long as the engine turns. Raises the coded error when it has stopped."""
        while True:
            await driver.drained()
            self.beat()
            await asyncio.sleep(BEAT_S)

    def close(self) -> None:
        """The engine was stopped in order."""
        self.beat(is_stopped=True)
        os.close(self._fd)


def read_beat(journal: Path) -> Beat | None:
    """The last beat; ``None`` when there is none that can be read."""
    try:
        fd = os.open(heartbeat_path(journal), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        row = json.loads(os.pread(fd, BYTES, 0))
        return Beat(int(row["n"]), int(row["pid"]), row["stopped"] is True)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    finally:
        os.close(fd)
