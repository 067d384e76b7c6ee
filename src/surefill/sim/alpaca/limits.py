"""The request limit: a fixed window of 60 s per account (alpaca.md 1.4).

What: `RateLimit.take` counts one request and says how many are left. Trading and market data have
a bucket each.
Must never: use any clock but the venue's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

WINDOW_S = 60
NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a request was granted: ``remaining`` after it, and when the window ends (unix s)."""

    limit: int
    remaining: int
    reset_s: int
    granted: bool

    @property
    def headers(self) -> Mapping[str, str]:
        """The three X-RateLimit headers."""
        return {
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(self.remaining),
            "x-ratelimit-reset": str(self.reset_s),
        }


class RateLimit:
    """Counts per bucket: (account, kind) -> (start of its window in unix s, requests in it)."""

    def __init__(self, limit: int, *, from_first: bool = False) -> None:
        """``limit``: requests per window and bucket; 0 = none. ``from_first``: a window starts with
        the first request in it, not with the minute of the clock."""
        self.limit = limit
        self._from_first = from_first
        self.used: dict[tuple[str, str], tuple[int, int]] = {}

    def take(self, account: str, kind: str, now_ns: int) -> Allowance | None:
        """Count one request of ``account`` at ``now_ns``; ``None`` when there is no limit."""
        if self.limit == 0:
            return None
        now_s = now_ns // NS_PER_S
        start_s, used = self.used.get((account, kind), (0, 0))
        if now_s >= start_s + WINDOW_S:
            start_s, used = (now_s if self._from_first else now_s // WINDOW_S * WINDOW_S), 0
        granted = used < self.limit
        used = min(self.limit, used + 1)
        self.used[(account, kind)] = (start_s, used)
        return Allowance(self.limit, self.limit - used, start_s + WINDOW_S, granted)
