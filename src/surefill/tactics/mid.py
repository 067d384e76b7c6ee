"""`mid`: rest at the midpoint, follow it, take what is missing when the time runs out.

Source: the midpoint peg of exchanges and dark pools (FIX PegInstructions, ExecInst ``M``), made of
plain limit orders, which is what the broker offers. Where the spread is one tick the midpoint,
rounded inward, is the near side.
"""

from __future__ import annotations

from dataclasses import dataclass

from surefill.core.market import Nbbo
from surefill.core.pricing import inward
from surefill.core.tactic import EntryView, ProtectionStyle, WantedEntry
from surefill.tactics.quoting import followed


@dataclass(frozen=True, slots=True)
class MidTactic:
    """A limit at the midpoint, rounded inward,, until time runs out."""

    name: str = "mid"
    style: ProtectionStyle = ProtectionStyle.OCO
    is_reactive: bool = True

    def wanted(self, view: EntryView, now: int) -> WantedEntry | None:
        """The midpoint, rounded inward."""

        def midpoint(nbbo: Nbbo) -> int:
            both_px = nbbo.bid_px + nbbo.ask_px
            return inward(view.ticks, view.sign, numerator=both_px, denominator=2)

        return followed(view, now, midpoint)
