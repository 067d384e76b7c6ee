"""Integration items, from facts by hand and from journals of the production engine."""

from __future__ import annotations

from typing import Any

import pytest

from surefill.core.trade import Outcome
from surefill.replay.checklist_integration import ITEMS
from surefill.replay.checklist_items import Evidence, Finding, Verdict
from surefill.runtime.logs import INITIALIZED, LEGACY_SUCCESSFUL, NOT_ENTERED, REJECTED, SUCCESSFUL
from surefill.tca.facts import Fate
from surefill.tca.history import Start, read_history
from tests.support.core import START_NS
from tests.support.evidence import evidence, history
from tests.support.told import arrival, crwd_plan, crwd_run
from tests.tca.support import closed_bench, fact

START = Start(1, START_NS, "b", "one")
AGAIN = Start(50, START_NS, "b", "one")
CHANGED = Start(100, START_NS, "b", "two")
SMART = fact("s", seqs=(10, 20))
LEGACY = fact("l", is_legacy=True, seqs=(110, 120))
LOG = (
    f"... {INITIALIZED}: 1",
    f"... {SUCCESSFUL}: ACME BUY plan=s 10 @ 100.00",
    f"... {LEGACY_SUCCESSFUL}: ACME BUY plan=l 10 @ 100.00",
    f"... {REJECTED}: RR_BELOW_MIN [plan=d]",
    f"... {REJECTED}: ENTRY_REJECTED [plan=r]",
    f"... {NOT_ENTERED}: ENTRY_TIMEOUT [plan=n]",
)
ALL = (
    SMART,
    LEGACY,
    fact("d", Fate.DENIED),
    fact("r", Fate.REJECTED),
    fact("n", Fate.NOT_ENTERED),
    fact("p", Fate.PENDING),
)
GOOD = evidence(history=history(*ALL, starts=(START, AGAIN, CHANGED)), log_lines=LOG)
BARE: dict[str, Any] = {"has_stop_at_broker": False}
FAILS: dict[str, list[Evidence]] = {
    "INT_SMART": [
        evidence(history=history(fact("s", outcome=Outcome.CLOSED_EXTERNAL))),
        evidence(history=history(fact("s", **BARE))),
    ],
    "INT_LEGACY": [evidence(history=history(fact("l", is_legacy=True, **BARE)))],
    "INT_FALLBACK": [
        evidence(
            history=history(
                SMART, fact("l", is_legacy=True, seqs=(110,), **BARE), starts=(START, CHANGED)
            )
        )
    ],
    "INT_COVER": [evidence(history=history(SMART, fact("l", **BARE)))],
    "INT_LOG": [
        evidence(history=history(SMART), log_lines=()),
        evidence(history=history(SMART, fact("other")), log_lines=LOG),
        evidence(history=history(fact("s", is_legacy=True)), log_lines=LOG),
    ],
    "INT_JOURNAL": [evidence(journal_problem="JOURNAL_CORRUPT: record 7 was changed")],
}


def judged(code: str, found: Evidence) -> Finding:
    return next(item for item in ITEMS if item.code == code).judge(found)


@pytest.mark.parametrize("code", [item.code for item in ITEMS])
def test_pass_fail_and_not_yet(code: str) -> None:
    assert judged(code, GOOD).verdict is Verdict.PASS
    for bad in FAILS[code]:
        assert judged(code, bad).verdict is Verdict.FAIL
    assert judged(code, evidence()).verdict is Verdict.NOT_YET


def test_what_is_not_there_yet() -> None:
    empty = evidence(history=history(), log_lines=LOG)
    for code in ("INT_SMART", "INT_LEGACY", "INT_FALLBACK", "INT_COVER", "INT_LOG"):
        assert judged(code, empty).verdict is Verdict.NOT_YET
    still_open = evidence(history=history(fact("s", outcome=None)))
    assert judged("INT_SMART", still_open).verdict is Verdict.NOT_YET
    assert judged("INT_JOURNAL", empty).verdict is Verdict.PASS


def test_a_fallback_needs_its_order() -> None:
    for starts in ((START, AGAIN), (START, CHANGED)):
        swapped = history(
            fact("l", is_legacy=True, seqs=(10,)), fact("s", seqs=(110,)), starts=starts
        )
        assert judged("INT_FALLBACK", evidence(history=swapped)).verdict is Verdict.NOT_YET
    finding = judged("INT_FALLBACK", GOOD)
    assert finding.seqs == (10, 20, 100, 110, 120)


def test_the_production_engine_passes() -> None:
    found = evidence(history=read_history(closed_bench().journal))
    for code in ("INT_SMART", "INT_COVER", "INT_JOURNAL"):
        finding = judged(code, found)
        assert finding.verdict is Verdict.PASS
        assert finding.seqs


def test_the_legacy_path_of_the_crwd_morning_passes() -> None:
    run = crwd_run(arrival(crwd_plan(by_level=True), is_legacy=True))
    found = evidence(history=read_history(run.journal))
    assert judged("INT_LEGACY", found).verdict is Verdict.PASS
    assert judged("INT_COVER", found).verdict is Verdict.PASS
