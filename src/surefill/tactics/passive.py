"""`passive`: join the near side, follow it, take what is missing when the time runs out.

Source: Harris, *Trading and Exchanges* (2003), ch. 14: a patient trader earns the spread and pays
in missed fills; Perold (1988) counts what is missed at its full cost, hence the crossing at the
end. Of the tapes of 2013: joining and crossing after 60 s pays 0.41-1.01 of the crossing cost,
by queue model (docs/assumptions.md).
"""

from __future__ import annotations

from dataclasses import dataclass

from surefill.core.tactic import EntryView, ProtectionStyle, WantedEntry
from surefill.tactics.quoting import followed


@dataclass(frozen=True, slots=True)
class PassiveTactic:
    """A limit at the bid (of a buy), until time runs out."""

    name: str = "passive"
    style: ProtectionStyle = ProtectionStyle.OCO
    is_reactive: bool = True

    def wanted(self, view: EntryView, now: int) -> WantedEntry | None:
        """The near side."""
        return followed(view, now, lambda nbbo: nbbo.near_px(view.sign))
