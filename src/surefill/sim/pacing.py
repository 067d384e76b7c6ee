"""The venue's clock in real time: running at a speed, or pinned and moved by hand.

What: `PacedClock` maps a monotonic reading (given as a function) to venue time. Running: venue time
goes on at ``speed``; pinned: it stands still until `advance` or `run`.
Invariant: venue time never goes back.
Must never: read the computer's clock; the caller passes the reading in.
"""

from __future__ import annotations

from collections.abc import Callable

ONE_PPB = 1_000_000_000
"""Speed 1: a venue second takes a second."""
MAX_SPEED_PPB = 10_000 * ONE_PPB


class PaceError(ValueError):
    """A clock order that cannot be followed; the message says why."""


class PacedClock:
    """Venue time from a monotonic nanosecond reading."""

    def __init__(
        self,
        reading_ns: Callable[[], int],
        *,
        start_ns: int,
        speed_ppb: int = ONE_PPB,
        pinned: bool = False,
    ) -> None:
        _check_speed(speed_ppb)
        self.reading_ns = reading_ns
        self._anchor_ns = start_ns
        self._anchor_reading_ns = reading_ns()
        self._speed_ppb = speed_ppb
        self._is_pinned = pinned

    @property
    def is_pinned(self) -> bool:
        """Whether venue time stands still."""
        return self._is_pinned

    @property
    def speed_ppb(self) -> int:
        """Venue nanoseconds per second of the reading."""
        return self._speed_ppb

    def now_ns(self) -> int:
        """Venue time, UTC ns."""
        if self._is_pinned:
            return self._anchor_ns
        elapsed_ns = self.reading_ns() - self._anchor_reading_ns
        return self._anchor_ns + elapsed_ns * self._speed_ppb // ONE_PPB

    def wait_ns(self, venue_ns: int) -> int | None:
        """Real nanoseconds until ``venue_ns``; ``None`` while pinned before it."""
        left_ns = venue_ns - self.now_ns()
        if left_ns <= 0:
            return 0
        if self._is_pinned:
            return None
        return -(-left_ns * ONE_PPB // self._speed_ppb)

    def pin(self, venue_ns: int) -> None:
        """Stand still at ``venue_ns``, which may be later than now but not earlier."""
        if venue_ns < self.now_ns():
            raise PaceError("the venue's clock cannot go back")
        self._set(venue_ns, pinned=True)

    def advance(self, by_ns: int) -> None:
        """Jump forward; a running clock goes on running from there."""
        if by_ns < 0:
            raise PaceError("the venue's clock cannot go back")
        self._set(self.now_ns() + by_ns, pinned=self._is_pinned)

    def run(self, speed_ppb: int) -> None:
        """Go on from the present time at this speed."""
        _check_speed(speed_ppb)
        self._set(self.now_ns(), pinned=False)
        self._speed_ppb = speed_ppb

    def _set(self, venue_ns: int, *, pinned: bool) -> None:
        self._anchor_ns = venue_ns
        self._anchor_reading_ns = self.reading_ns()
        self._is_pinned = pinned


def _check_speed(speed_ppb: int) -> None:
    if not 0 < speed_ppb <= MAX_SPEED_PPB:
        raise PaceError(f"speed must be above 0 and at most {MAX_SPEED_PPB // ONE_PPB}")
