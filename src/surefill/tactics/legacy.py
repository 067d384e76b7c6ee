"""`legacy`: one market bracket with exits from the signal: the path that Surefill replaces.

Kept because the rollback (`USE_SMART_EXECUTOR=False`) must be able to do what users did before, and
because every claim is measured against it. Exempt from the price cap and from re-anchoring (I1,
I14, I15), and reported as `UNCAPPED`.
"""

from __future__ import annotations

from dataclasses import dataclass

from surefill.core.fix import OrdType
from surefill.core.tactic import EntryView, ProtectionStyle, WantedEntry


@dataclass(frozen=True, slots=True)
class LegacyTactic:
    """A market order, once."""

    name: str = "legacy"
    style: ProtectionStyle = ProtectionStyle.BRACKET
    is_reactive: bool = False

    def wanted(self, view: EntryView, now: int) -> WantedEntry | None:
        """A market order while there is time."""
        if now >= view.deadline_ns:
            return None
        return WantedEntry(OrdType.MARKET, None)
