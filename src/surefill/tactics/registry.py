"""The tactics by name. Adding one is a file and a line here."""

from __future__ import annotations

from surefill.core.tactic import Tactic
from surefill.tactics.adaptive import AdaptiveTactic
from surefill.tactics.ladder import LadderTactic
from surefill.tactics.legacy import LegacyTactic
from surefill.tactics.limit import LimitTactic
from surefill.tactics.marketable import MarketableTactic
from surefill.tactics.mid import MidTactic
from surefill.tactics.passive import PassiveTactic
from surefill.tactics.slice import SliceTactic

TACTICS: dict[str, Tactic] = {
    tactic.name: tactic
    for tactic in (
        LimitTactic(),
        PassiveTactic(),
        MidTactic(),
        LadderTactic(),
        AdaptiveTactic(),
        SliceTactic(),
        MarketableTactic(),
        LegacyTactic(),
    )
}
"""name -> tactic. `legacy` is chosen by routing, not by a plan."""

PLAN_TACTICS = frozenset(TACTICS) - {"legacy"}
"""The names that a plan may ask for."""
