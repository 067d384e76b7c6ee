"""How long a process stood in the queue for a processor: what a busy machine took away from it.

What: `Waits` samples ``/proc/PID/schedstat`` (the kernel's own count) and answers how much of a
stretch was such waiting, and when a process had had so much time of its own.
Why: limits in seconds are about Surefill and not about what else runs on this machine. Wall times
are reported as well.
"""

from __future__ import annotations

from bisect import bisect_right
from pathlib import Path


def queued_ns(pid: int) -> int:
    """Time (ns) that a process has waited for a processor since its start, all threads."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text(encoding="ascii").split()[1])
    return total


class Waits:
    """Waiting of one process, or of one after the other. Times UTC ns of the venue."""

    def __init__(self) -> None:
        self._at_ns: list[int] = []
        self._sum_ns: list[int] = []
        self._last: tuple[int, int] = (0, 0)

    def sample(self, pid: int, now_ns: int) -> None:
        """Look at this process now; one that is gone is passed over."""
        try:
            self.note(pid, queued_ns(pid), now_ns)
        except (OSError, IndexError, ValueError):
            return

    def note(self, pid: int, queued: int, now_ns: int) -> None:
        """The process had waited ``queued`` ns in all by now."""
        before = self._last[1] if self._last[0] == pid else 0
        self._last = pid, queued
        self._at_ns.append(now_ns)
        self._sum_ns.append((self._sum_ns[-1] if self._sum_ns else 0) + max(0, queued - before))

    def between(self, from_ns: int, to_ns: int) -> int:
        """Waiting (ns) in a stretch."""
        return max(0, self._until(to_ns) - self._until(from_ns))

    def _until(self, at_ns: int) -> int:
        at = bisect_right(self._at_ns, at_ns)
        return self._sum_ns[at - 1] if at else 0

    def reached(self, from_ns: int, own_ns: int) -> int:
        """When, from ``from_ns`` on, the process had had ``own_ns`` without such waiting."""
        end_ns = from_ns + own_ns
        while (later_ns := from_ns + own_ns + self.between(from_ns, end_ns)) > end_ns:
            end_ns = later_ns
        return end_ns
