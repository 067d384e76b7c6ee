"""How the channels are: a small file beside the journal, written by who tells, read by who asks.

What: `ChannelHealth` of each channel and what each was told (so that a process that starts again
does not tell it all again), in `HealthFile`.
Invariants: private, replaced as a whole, and about nothing secret: names, codes, times, counts; a
file that cannot be read or written costs this knowledge and nothing else.
Must never: hold an address.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path

from surefill.alerts.silences import write_private
from surefill.core.values import replace

BYTES_MAX = 256_000
ROLES = ("engine", "watchdog")
"""The processes that tell alerts."""


class State(StrEnum):
    """What is known of a channel."""

    UNTESTED = "UNTESTED"
    WORKS = "WORKS"
    FAILS = "FAILS"


@dataclass(frozen=True, slots=True)
class ChannelHealth:
    """``since_ns``: in this state; ``sent_ns``: the last message that arrived; ``code``: why it
    fails; ``waiting``: notices not told yet; ``told``: kind -> when it was told, and how often
    again."""

    state: State = State.UNTESTED
    since_ns: int = 0
    sent_ns: int | None = None
    code: str = ""
    failures: int = 0
    waiting: int = 0
    told: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def after(self, code: str | None, now: int) -> ChannelHealth:
        """``code``: why a message did not arrive; ``None``: it did."""
        state = State.WORKS if code is None else State.FAILS
        return replace(
            self,
            state=state,
            since_ns=self.since_ns if state is self.state else now,
            sent_ns=now if code is None else self.sent_ns,
            code=code or "",
            failures=0 if code is None else self.failures + 1,
        )


class HealthFile:
    """The file of one process (``role``: engine or watchdog) beside its journal."""

    def __init__(self, journal: Path, role: str) -> None:
        self._path = journal.with_name(f"{journal.name}.alerts-{role}")

    def read(self) -> dict[str, ChannelHealth]:
        """Channel -> how it was, when it was written last."""
        try:
            fd = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            with open(fd, "rb") as file:
                return _decode(file.read(BYTES_MAX))
        except OSError:
            return {}

    def write(self, found: Mapping[str, ChannelHealth]) -> None:
        """Replace what was written."""
        try:
            write_private(
                self._path, json.dumps({name: asdict(one) for name, one in found.items()})
            )
        except OSError:
            pass  # the log tells the same; a full disk is told by who needs the disk


def health_of(journal: Path) -> dict[str, dict[str, ChannelHealth]]:
    """Role -> channel -> how it is, of everybody who tells alerts about this journal."""
    return {role: HealthFile(journal, role).read() for role in ROLES}


def _decode(data: bytes) -> dict[str, ChannelHealth]:
    try:
        return {str(name): _health(row) for name, row in json.loads(data).items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _health(row: Mapping[str, object]) -> ChannelHealth:
    told = row["told"]
    sent_ns = row["sent_ns"]
    if not isinstance(told, dict):
        raise TypeError
    return ChannelHealth(
        State(str(row["state"])),
        int(str(row["since_ns"])),
        None if sent_ns is None else int(str(sent_ns)),
        str(row["code"]),
        int(str(row["failures"])),
        int(str(row["waiting"])),
        {str(kind): (int(told_ns), int(repeats)) for kind, (told_ns, repeats) in told.items()},
    )
