"""`limit`: one limit at the signal plus the buffer, wait, cancel. The default.

Source: the original executor's rule (design 4.3): a price a little beyond the signal is still the
trade that the strategy asked for; anything worse is another trade.
"""

from __future__ import annotations

from dataclasses import dataclass

from surefill.core.fix import OrdType
from surefill.core.tactic import EntryView, ProtectionStyle, WantedEntry


@dataclass(frozen=True, slots=True)
class LimitTactic:
    """Rest at ``terms.first_limit_px`` until the budget ends."""

    name: str = "limit"
    style: ProtectionStyle = ProtectionStyle.OCO
    is_reactive: bool = False

    def wanted(self, view: EntryView, now: int) -> WantedEntry | None:
        """The first limit while there is time."""
        if now >= view.deadline_ns:
            return None
        return WantedEntry(OrdType.LIMIT, view.terms.first_limit_px)
