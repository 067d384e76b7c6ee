"""The clock: the only module that reads one.

What: `SystemClock`, UTC nanoseconds that never go backwards within a process; `uptime_ns`, how long
this machine has been up.
Why: deadlines, quote ages and the journal's order are meaningless on a clock that steps back, so
the time runs on the monotonic counter, anchored to the wall clock once. A wall clock that is found
ahead (the machine slept, or time was set forward) pulls ours forward; one found behind is waited
for, because our time has already been written down.
Must never: be read for ids or chance, or by anybody who could have been handed ``now``.
"""

from __future__ import annotations

import asyncio
import time

STEP_NS = 500_000_000
"""A wall clock further ahead than this was stepped, not slewed; smaller differences are noise."""


class SystemClock:
    """UTC nanoseconds of this machine, plus ``offset_ns``.

    The offset puts us in the time of a venue on this machine that plays another day.
    """

    def __init__(self, *, offset_ns: int = 0) -> None:
        self._offset_ns = offset_ns
        self._base_ns = self._wall_ns() - time.monotonic_ns()

    def now_ns(self) -> int:
        """UTC nanoseconds, never less than any earlier answer."""
        now = self._base_ns + time.monotonic_ns()
        ahead_ns = self._wall_ns() - now
        if ahead_ns > STEP_NS:
            self._base_ns += ahead_ns
            now += ahead_ns
        return now

    async def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass."""
        await asyncio.sleep(seconds)

    def _wall_ns(self) -> int:
        return time.time_ns() + self._offset_ns


def uptime_ns() -> int:
    """Nanoseconds that only go forward, sleep of the machine included where it can count that: for
    what runs out while nobody looks, such as a lease."""
    return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
