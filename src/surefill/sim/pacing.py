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


class PatientReading:
    """A monotonic reading that does not count the time in which nobody could look.

    Somebody has to look often (a ticker in the loop that everybody shares); of a longer gap, in
    which the process stood still, only ``most_ns`` count. For runs in which exchange and client
    live in one process: a busy machine makes them slow, and changes nothing else.
    """

    def __init__(self, reading_ns: Callable[[], int], *, most_ns: int) -> None:
        self._reading_ns = reading_ns
        self._most_ns = most_ns
        self._seen_ns = self._counted_ns = reading_ns()

    def __call__(self) -> int:
        """Nanoseconds, never less than before."""
        seen_ns = self._reading_ns()
        # A clock that was set back has not run backwards either.
        self._counted_ns += min(max(0, seen_ns - self._seen_ns), self._most_ns)
        self._seen_ns = seen_ns
        return self._counted_ns


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
        self._end_ns: int | None = None
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
        now_ns = self._anchor_ns + elapsed_ns * self._speed_ppb // ONE_PPB
        if self._end_ns is None or now_ns <= self._end_ns:
            return now_ns
        return self._end_ns + elapsed_ns - self._reading_for(self._end_ns)

    def wait_ns(self, venue_ns: int) -> int | None:
        """Real nanoseconds until ``venue_ns``; ``None`` while pinned before it."""
        if venue_ns <= self.now_ns():
            return 0
        if self._is_pinned:
            return None
        elapsed_ns = self.reading_ns() - self._anchor_reading_ns
        if self._end_ns is None or venue_ns <= self._end_ns:
            return self._reading_for(venue_ns) - elapsed_ns
        return self._reading_for(self._end_ns) + venue_ns - self._end_ns - elapsed_ns

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

    def run(self, speed_ppb: int, *, until_ns: int | None = None) -> None:
        """Go on from the present time at this speed; from ``until_ns`` on at speed 1."""
        _check_speed(speed_ppb)
        now_ns = self.now_ns()
        self._speed_ppb, self._end_ns = speed_ppb, until_ns
        self._set(now_ns, pinned=False)

    def _reading_for(self, venue_ns: int) -> int:
        """Nanoseconds of the reading from the anchor to ``venue_ns``, before the run's end."""
        return -(-(venue_ns - self._anchor_ns) * ONE_PPB // self._speed_ppb)

    def _set(self, venue_ns: int, *, pinned: bool) -> None:
        self._anchor_ns = venue_ns
        self._anchor_reading_ns = self.reading_ns()
        self._is_pinned = pinned
        if self._end_ns is not None and venue_ns >= self._end_ns:
            self._speed_ppb, self._end_ns = ONE_PPB, None


def _check_speed(speed_ppb: int) -> None:
    if not 0 < speed_ppb <= MAX_SPEED_PPB:
        raise PaceError(f"speed must be above 0 and at most {MAX_SPEED_PPB // ONE_PPB}")
