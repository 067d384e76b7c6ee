"""How many requests we may still send: the broker's limit, with a share kept for protection.

What: a sliding window over our own sends, corrected by what the broker's headers say is left.
Why: I17 and A-50: an executor that spends its limit on polling cannot place a stop.
Invariants: never more than 90 % of the limit in any 60 s; the last fifth of that is for
protective and reducing requests alone; after a 429 only those go until the reset.
Must never: read a clock (``now`` is an argument) or sleep (a wait is an answer).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from surefill.brokers.alpaca.translate.answers import PAUSE_NS_MAX, pause_until
from surefill.core.commands import Priority
from surefill.core.units import NANO

LIMIT_DEFAULT = 200
"""Requests a minute of Alpaca's standard plan (alpaca.md 1.4)."""
LIMIT_MAX = 100_000
USABLE_PERCENT = 90
RESERVED_PERCENT = 20

WINDOW_NS = 61 * NANO
"""60 s, and one more for the way: what leaves 60 s apart may arrive closer together."""

TOGETHER_NS = NANO // 5
"""What leaves the window within this time is given back at once: when a thousand requests wait, all
of them ask again each time."""

STEPS = 10
"""A change is worth an event when it crosses a tenth of what is usable."""


class RequestBudget:
    """One account's request budget. ``limit`` is requests a minute."""

    def __init__(self, *, limit: int = LIMIT_DEFAULT) -> None:
        if not 1 <= limit <= LIMIT_MAX:
            raise ValueError(f"a request limit of {limit} a minute is out of 1..{LIMIT_MAX}")
        self._limit = limit
        self._sent: deque[int] = deque()  # UTC ns of each send inside the window
        self._in_flight = 0
        self._server_used = 0  # by the last headers, plus what we sent since
        self._server_until_ns = 0
        self._paused_until_ns = 0
        self._level: tuple[int, int] | None = None

    @property
    def limit(self) -> int:
        """Requests a minute that the broker allows."""
        return self._limit

    @property
    def usable(self) -> int:
        """Requests we allow ourselves in any window."""
        return self._limit * USABLE_PERCENT // 100

    @property
    def reserved(self) -> int:
        """How many of `usable` only protective and reducing requests may use (rounded up)."""
        return -(-self.usable * RESERVED_PERCENT // 100)

    def left(self, now: int) -> int:
        """Requests left in the window, the reserved ones included."""
        return max(0, self.usable - self._used(now))

    def take(self, priority: Priority, now: int) -> int | None:
        """Take one request: ``None`` means go; else the UTC ns before which asking is useless."""
        self._forget(now)
        is_protective = priority <= Priority.REDUCE
        if not is_protective and now < self._paused_until_ns:
            return self._paused_until_ns
        # The broker's own count holds back what can wait. Cover is bounded by our sends alone: if
        # the broker has nothing left, it says so, and the next try is the one that succeeds (I3).
        left = self.left(now) if not is_protective else self.usable - len(self._sent)
        keep = 0 if is_protective else self.reserved
        if left <= keep:
            return self._free_at(now, keep)
        self._sent.append(now)
        self._in_flight += 1
        self._server_used += 1
        return None

    def answered(self, headers: Mapping[str, str], *, status: int | None, now: int) -> None:
        """A request that was taken ended; ``status`` is ``None`` when no answer came."""
        self._in_flight = max(0, self._in_flight - 1)
        limit = _count(headers.get("x-ratelimit-limit"))
        remaining = _count(headers.get("x-ratelimit-remaining"))
        if limit is not None and 1 <= limit <= LIMIT_MAX:
            self._limit = limit
        if remaining is not None and remaining <= self._limit:
            self._server_used = self._limit - remaining + self._in_flight
            reset = _count(headers.get("x-ratelimit-reset"))
            until_ns = (reset or 0) * NANO
            is_plausible = now < until_ns <= now + PAUSE_NS_MAX
            self._server_until_ns = until_ns if is_plausible else now + WINDOW_NS
        if status == 429:
            self._paused_until_ns = max(self._paused_until_ns, pause_until(headers, now))

    def change(self, now: int) -> tuple[int, int] | None:
        """(left, reserved) when it crossed a step, the reserve or zero since the last call."""
        left, reserved = self.left(now), self.reserved
        if now < self._paused_until_ns:
            left = min(left, reserved)
        level = (left * STEPS // max(1, self.usable), (left > 0) + (left > reserved))
        if level == self._level:
            return None
        self._level = level
        return left, reserved

    def _used(self, now: int) -> int:
        self._forget(now)
        if now >= self._server_until_ns:
            return len(self._sent)
        return max(len(self._sent), self._server_used)

    def _forget(self, now: int) -> None:
        while self._sent and self._sent[0] <= now - WINDOW_NS:
            self._sent.popleft()

    def _free_at(self, now: int, keep: int) -> int:
        """When enough has left our own window, or the broker's count starts anew."""
        over = len(self._sent) - (self.usable - keep)
        if over >= 0 and self._sent:
            own_ns = self._sent[min(over, len(self._sent) - 1)] + WINDOW_NS
            return max(-(-own_ns // TOGETHER_NS) * TOGETHER_NS, now + 1)
        return max(self._server_until_ns, now + 1)


def _count(text: str | None) -> int | None:
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 12:
        return None
    return int(text)
