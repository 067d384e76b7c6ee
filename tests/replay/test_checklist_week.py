"""Week 1: each target met, missed, too few, and met before the week is over."""

from __future__ import annotations

import pytest

from surefill.replay.checklist_items import Evidence, Finding, Verdict
from surefill.replay.checklist_week import ITEMS, period_of
from surefill.tca.facts import Fact, Fate
from surefill.tca.history import Incident, IncidentKind
from tests.support.core import START_NS
from tests.support.evidence import DAY_NS, evidence, history
from tests.tca.support import BPS, fact

GOOD = [fact(f"g{n}") for n in range(19)]
LATER_NS = START_NS + 8 * DAY_NS
MISSED = fact("m", Fate.NOT_ENTERED)
FAILS: dict[str, list[Fact]] = {
    "WEEK_SLIPPAGE": [fact(f"b{n}", slippage_vs_signal_ppb=10 * BPS) for n in range(10)],
    "WEEK_REJECTION": [*GOOD[:9], fact("d", Fate.DENIED)],
    "WEEK_RR": [fact(f"b{n}", rr_exits_ppb=1_999_999_999) for n in range(10)],
    "WEEK_FILL": [*GOOD[:9], MISSED],
}


def judged(code: str, found: Evidence) -> Finding:
    return next(item for item in ITEMS if item.code == code).judge(found)


def after(facts: list[Fact], *incidents: Incident, now: int = LATER_NS) -> Evidence:
    return evidence(history=history(*facts, incidents=incidents), now_ns=now)


@pytest.mark.parametrize("code", [item.code for item in ITEMS])
def test_pass_fail_and_not_yet(code: str) -> None:
    finding = judged(code, after(GOOD))
    assert finding.verdict is Verdict.PASS
    assert finding.seqs
    early = judged(code, after(GOOD, now=START_NS + DAY_NS))
    assert early.verdict is Verdict.NOT_YET
    assert "6.0 of 7 days to go" in early.sentence
    assert judged(code, evidence()).verdict is Verdict.NOT_YET
    assert judged(code, after([])).verdict is Verdict.NOT_YET


@pytest.mark.parametrize("code", FAILS)
def test_fail_at_once(code: str) -> None:
    for now in (START_NS, LATER_NS):
        finding = judged(code, after(FAILS[code], now=now))
        assert finding.verdict is Verdict.FAIL
        assert finding.seqs
    assert judged(code, after(FAILS[code][1:])).verdict is Verdict.NOT_YET, "too few"


def test_one_error_is_a_fail() -> None:
    incident = Incident(IncidentKind.EXPOSED, 77, START_NS, "g1", "bare")
    finding = judged("WEEK_ERRORS", after(GOOD, incident))
    assert (finding.verdict, finding.sentence, finding.seqs) == (
        Verdict.FAIL,
        "1: EXPOSED 1",
        (77,),
    )


def test_only_the_first_week_counts() -> None:
    late = Incident(IncidentKind.EXPOSED, 77, START_NS + 7 * DAY_NS, "x", "bare")
    facts = [*GOOD, *(fact(f"x{n}", Fate.DENIED, at_ns=START_NS + 7 * DAY_NS) for n in range(50))]
    found = after(facts, late)
    assert {item.judge(found).verdict for item in ITEMS} == {Verdict.PASS}
    period = period_of(found, 7)
    assert period is not None
    assert len(period.history.facts) == 19


def test_without_an_entry_there_is_nothing_to_measure() -> None:
    denied = after([fact(f"d{n}", Fate.DENIED) for n in range(20)])
    for code in ("WEEK_SLIPPAGE", "WEEK_RR", "WEEK_FILL"):
        assert judged(code, denied).verdict is Verdict.NOT_YET
    assert judged("WEEK_REJECTION", denied).verdict is Verdict.FAIL


def test_the_cost_of_missed_plans_stands_beside_the_average() -> None:
    finding = judged("WEEK_SLIPPAGE", after([*GOOD, MISSED]))
    assert finding.sentence == (
        "0.030 % on average over 19 entries; with missed plans at their cost 0.030 %, 1 unknown"
    )
    unknown = [fact(f"g{n}", shortfall_ppb=None) for n in range(10)]
    assert "at their cost unknown" in judged("WEEK_SLIPPAGE", after(unknown)).sentence
