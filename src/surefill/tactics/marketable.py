"""`marketable`: cross now, never beyond the worst price.

Source: a limit at the worst acceptable price executes at the touch like a market order while the
touch is inside, and rests (instead of chasing) when it is not: the collared order of Rule 15c3-5
practice. Expected to fill at once, so its stop and target travel with it as a bracket.
"""

from __future__ import annotations

from dataclasses import dataclass

from surefill.core.fix import OrdType
from surefill.core.tactic import EntryView, ProtectionStyle, WantedEntry


@dataclass(frozen=True, slots=True)
class MarketableTactic:
    """A limit at ``terms.worst_px`` until the budget ends."""

    name: str = "marketable"
    style: ProtectionStyle = ProtectionStyle.BRACKET
    is_reactive: bool = False

    def wanted(self, view: EntryView, now: int) -> WantedEntry | None:
        """The worst acceptable price, at once."""
        if now >= view.deadline_ns:
            return None
        return WantedEntry(OrdType.LIMIT, view.terms.worst_px)
