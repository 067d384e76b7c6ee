"""The first trade: path, slippage, reward/risk, cover.

What: `ITEMS`, judged from the first plan of the journal that was entered.
Must never: judge a trade whose entry is still working.
"""

from __future__ import annotations

from collections.abc import Callable

from surefill.core.units import NANO
from surefill.replay.checklist_items import Evidence, Finding, Item, failed, not_yet, passed
from surefill.tca.facts import Fact, Fate
from surefill.tca.text import percent, ratio, seconds

RR_MIN_PPB = 1_800_000_000
"""Below this the entry took too much of the plan (the limit of the alert rule)."""
UNCOVERED_MAX_NS = 1_500_000_000


def _first(judge: Callable[[Fact], Finding]) -> Callable[[Evidence], Finding]:
    def of(evidence: Evidence) -> Finding:
        facts = evidence.history.facts if evidence.history is not None else ()
        found = next((fact for fact in facts if fact.fate is Fate.ENTERED), None)
        return not_yet("no trade has been entered") if found is None else judge(found)

    return of


def _say(is_good: bool, fact: Fact, sentence: str) -> Finding:
    return (passed if is_good else failed)(f"{fact.plan_id}: {sentence}", fact.seqs)


def _path(fact: Fact) -> Finding:
    return _say(not fact.is_legacy, fact, f"entered on the {fact.path} path")


def _slippage(fact: Fact) -> Finding:
    cost_ppb = fact.slippage_vs_signal_ppb if fact.slippage_vs_signal_ppb is not None else NANO
    is_good = cost_ppb <= fact.cap_ppb and not fact.has_fill_beyond
    return _say(is_good, fact, f"{percent(cost_ppb, 3)} of at most {percent(fact.cap_ppb, 3)}")


def _ratio(fact: Fact) -> Finding:
    is_good = fact.rr_signal_ppb is not None and fact.rr_signal_ppb >= RR_MIN_PPB
    return _say(
        is_good,
        fact,
        f"{ratio(fact.rr_signal_ppb)} against the signal's levels, "
        f"{ratio(fact.rr_exits_ppb)} of the exits in place",
    )


def _cover(fact: Fact) -> Finding:
    is_good = fact.has_stop_at_broker and fact.uncovered_ns <= UNCOVERED_MAX_NS
    seen = "a stop at the broker" if fact.has_stop_at_broker else "NO stop at the broker"
    return _say(is_good, fact, f"{seen}, {seconds(fact.uncovered_ns)} without one")


ITEMS = (
    Item("FIRST_PATH", "path used", "the smart path", _first(_path)),
    Item("FIRST_SLIPPAGE", "slippage", "within the cap, every fill", _first(_slippage)),
    Item(
        "FIRST_RR",
        "reward/risk",
        "at least 1.8 at the fill, against the signal's own levels",
        _first(_ratio),
    ),
    Item("FIRST_COVER", "cover", "a stop at the broker within 1.5 s", _first(_cover)),
)
