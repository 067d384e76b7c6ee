"""`ladder`: start at the near side and walk to the far side in steps, as the time goes by.

Source: the urgency schedule of Almgren and Chriss (2000) in its simplest form, and what brokers
sell as a "relative/adaptive" order: patience first, certainty last. It spends at most one order a
step, so its requests are known beforehand.
"""

from __future__ import annotations

from dataclasses import dataclass

from surefill.core.market import Nbbo
from surefill.core.pricing import inward, tighter
from surefill.core.tactic import EntryView, ProtectionStyle, WantedEntry
from surefill.tactics.quoting import asked_again, cross_ns, followed

STEPS = 5


@dataclass(frozen=True, slots=True)
class LadderTactic:
    """Step ``i`` of ``steps`` rests ``i / steps`` of the way from the near side to the far side."""

    name: str = "ladder"
    style: ProtectionStyle = ProtectionStyle.OCO
    is_reactive: bool = True
    steps: int = STEPS

    def wanted(self, view: EntryView, now: int) -> WantedEntry | None:
        """The rung of this moment."""
        span_ns = max(1, cross_ns(view) - view.started_ns)
        step = min(self.steps, (now - view.started_ns) * self.steps // span_ns)
        rung = followed(view, now, lambda nbbo: self._rung_px(view, nbbo, step))
        if rung is None or step == self.steps:
            return rung
        return asked_again(rung, view.started_ns + -(-span_ns * (step + 1) // self.steps))

    def _rung_px(self, view: EntryView, nbbo: Nbbo, step: int) -> int:
        near_px = nbbo.near_px(view.sign)
        goal_px = tighter(view.sign, nbbo.far_px(view.sign), view.terms.worst_px)
        way = near_px * (self.steps - step) + goal_px * step
        return inward(view.ticks, view.sign, numerator=way, denominator=self.steps)
