"""The first trade: each item PASS, FAIL and NOT YET."""

from __future__ import annotations

import pytest

from surefill.replay.checklist_first import ITEMS
from surefill.replay.checklist_items import Finding, Verdict
from surefill.tca.facts import Fact, Fate
from tests.support.evidence import evidence, history
from tests.tca.support import BPS, fact

FAILS: dict[str, list[Fact]] = {
    "FIRST_PATH": [fact("a", is_legacy=True)],
    "FIRST_SLIPPAGE": [
        fact("a", slippage_vs_signal_ppb=10 * BPS + 1),
        fact("a", has_fill_beyond=True),
        fact("a", slippage_vs_signal_ppb=None),
    ],
    "FIRST_RR": [fact("a", rr_signal_ppb=1_799_999_999), fact("a", rr_signal_ppb=None)],
    "FIRST_COVER": [fact("a", has_stop_at_broker=False), fact("a", uncovered_ns=1_500_000_001)],
}


def judged(code: str, *facts: Fact) -> Finding:
    item = next(item for item in ITEMS if item.code == code)
    return item.judge(evidence(history=history(*facts)))


@pytest.mark.parametrize("code", [item.code for item in ITEMS])
def test_pass_fail_and_not_yet(code: str) -> None:
    good = fact("a")
    finding = judged(code, fact("0", Fate.DENIED), good, fact("z", is_legacy=True))
    assert finding.verdict is Verdict.PASS, "the first one counts"
    assert finding.seqs == good.seqs
    for bad in FAILS[code]:
        finding = judged(code, bad)
        assert finding.verdict is Verdict.FAIL
        assert finding.seqs == bad.seqs
    assert judged(code, fact("a", Fate.NOT_ENTERED)).verdict is Verdict.NOT_YET
    item = next(item for item in ITEMS if item.code == code)
    assert item.judge(evidence()).verdict is Verdict.NOT_YET


def test_the_numbers_are_said() -> None:
    assert judged("FIRST_SLIPPAGE", fact("a")).sentence == "a: 0.030 % of at most 0.100 %"
    assert judged("FIRST_RR", fact("a")).sentence == (
        "a: 1.95 against the signal's levels, 2.00 of the exits in place"
    )
    assert judged("FIRST_COVER", fact("a")).sentence == (
        "a: a stop at the broker, 0.200 s without one"
    )
