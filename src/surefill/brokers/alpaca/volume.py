"""How much of a symbol traded lately, by the prints of the stream.

What: `RecentVolume`, a window of five minutes in buckets of ten seconds.
Why: a limit on an entry's share of the volume needs a number, and one made of what was seen.
Invariants: not known (``None``) before a whole window was watched; what a gap in the stream hides
is missing, which makes the limit stricter, never wider.
Must never: count a print of another symbol.
"""

from __future__ import annotations

from collections import deque

from surefill.core.units import NANO

BUCKET_NS = 10 * NANO
BUCKETS = 30


class RecentVolume:
    """The window of one symbol, watched since ``since_ns`` (UTC)."""

    def __init__(self, since_ns: int) -> None:
        self._since_ns = since_ns
        self._buckets: deque[tuple[int, int]] = deque()  # (number of the bucket, 1e-9 shares)

    def add(self, qty: int, now: int) -> None:
        """A print of ``qty`` (1e-9 share) at ``now`` (ours, UTC ns)."""
        n = now // BUCKET_NS
        if self._buckets and self._buckets[-1][0] == n:
            _, before = self._buckets.pop()
            qty += before
        self._buckets.append((n, qty))
        self._forget(n)

    def qty(self, now: int) -> int | None:
        """Shares (1e-9) of the last five minutes; ``None`` while fewer were watched."""
        if now - self._since_ns < BUCKETS * BUCKET_NS:
            return None
        self._forget(now // BUCKET_NS)
        return sum(qty for _, qty in self._buckets)

    def _forget(self, n: int) -> None:
        while self._buckets and self._buckets[0][0] <= n - BUCKETS:
            self._buckets.popleft()
