"""Trading sessions: when entries may work and when cover must be in place.

What: one `Session` per exchange day, UTC nanoseconds, made outside core from the venue's calendar
(the broker's calendar, or a calendar library), so half days and daylight saving are data.
Must never: compute a date or a time zone (diary A-37).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise


class SessionKind(StrEnum):
    """Where an instant falls. RTH and ETH are regular and extended trading hours."""

    RTH = "RTH"
    ETH = "ETH"
    CLOSED = "CLOSED"


@dataclass(frozen=True, slots=True)
class Session:
    """One exchange day: pre-market from ``pre_ns``, core ``open_ns``..``close_ns``, post-market
    to ``post_ns``. ``date`` is yyyymmdd, New York."""

    date: int
    pre_ns: int
    open_ns: int
    close_ns: int
    post_ns: int

    def kind_at(self, now: int) -> SessionKind:
        """Kind of the instant ``now`` (UTC ns); bounds are half-open."""
        if self.open_ns <= now < self.close_ns:
            return SessionKind.RTH
        if self.pre_ns <= now < self.post_ns:
            return SessionKind.ETH
        return SessionKind.CLOSED


@dataclass(frozen=True, slots=True)
class Calendar:
    """Sessions in ascending order. Outside what is loaded nothing is open: unknown is closed."""

    sessions: tuple[Session, ...] = ()

    def session_at(self, now: int) -> Session | None:
        """The session whose day (pre-market to post-market) holds ``now``."""
        index = bisect_right(self.sessions, now, key=lambda session: session.pre_ns) - 1
        if index < 0 or now >= self.sessions[index].post_ns:
            return None
        return self.sessions[index]

    def kind_at(self, now: int) -> SessionKind:
        """Kind of the instant ``now`` (UTC ns)."""
        session = self.session_at(now)
        return session.kind_at(now) if session else SessionKind.CLOSED

    def next_open_ns(self, now: int) -> int | None:
        """Next core open strictly after ``now``; ``None`` beyond the loaded calendar."""
        index = bisect_right(self.sessions, now, key=lambda session: session.open_ns)
        return self.sessions[index].open_ns if index < len(self.sessions) else None

    def between(self, start_ns: int, end_ns: int) -> Calendar:
        """Only the sessions that touch ``start_ns``..``end_ns``."""
        near = (s for s in self.sessions if s.post_ns >= start_ns and s.pre_ns <= end_ns)
        return Calendar(tuple(near))

    def updated(self, news: Calendar) -> Calendar:
        """This calendar with what a listing says of the days between its first and its last. It may
        have been cut short: of the days beyond it says nothing (I11)."""
        if not news.sessions:
            return self
        first_ns, last_ns = news.sessions[0].pre_ns, news.sessions[-1].post_ns
        kept = (s for s in self.sessions if s.post_ns <= first_ns or s.pre_ns >= last_ns)
        return Calendar.of([*kept, *news.sessions])

    @staticmethod
    def of(sessions: Sequence[Session]) -> Calendar:
        """A calendar from sessions in any order; a date given twice raises ``ValueError``."""
        ordered = tuple(sorted(sessions, key=lambda session: session.open_ns))
        for earlier, later in pairwise(ordered):
            if later.pre_ns < earlier.post_ns:
                raise ValueError(f"sessions {earlier.date} and {later.date} overlap")
        return Calendar(ordered)
