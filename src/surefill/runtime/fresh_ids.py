"""Ids for plans and requests whose caller gives none: a name and the time.

What: `FreshIds`. Why: an id is an idempotency key, so two intents must never share one, in this
process or in any other of the account.
Must never: read a clock.
"""

from __future__ import annotations

from datetime import UTC, datetime

from surefill.core.plan import SECOND_NS


class FreshIds:
    """Ids of one caller; ``lead`` stands in front of each."""

    def __init__(self, lead: str = "") -> None:
        self._lead = lead
        self._last_ns = 0

    def of(self, name: str, now: int) -> str:
        """Unused by this caller and, because time (UTC ns) does not return, by any other."""
        self._last_ns = max(now, self._last_ns + 1)
        at = datetime.fromtimestamp(self._last_ns // SECOND_NS, tz=UTC)
        return f"{self._lead}{name}-{at:%Y%m%dT%H%M%S}.{self._last_ns % SECOND_NS:09d}"
