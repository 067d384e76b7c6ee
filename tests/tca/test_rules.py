"""Each alert rule at its limit, just beyond it, and in silence."""

from __future__ import annotations

import json

import pytest

from surefill.journal.memory import MemoryJournal
from surefill.tca.facts import Fact, Fate
from surefill.tca.history import Incident, IncidentKind
from surefill.tca.metrics import metrics_of
from surefill.tca.rules import RULES, Severity, Worse, alerts_of, evaluate
from tests.support.core import START_NS
from tests.support.told import ToldBench
from tests.tca.support import BPS, closed_bench, fact

MANY = [fact(str(n)) for n in range(10)]
SECOND_NS = 1_000_000_000


def doubt(lasted_ns: int) -> Incident:
    return Incident(IncidentKind.IN_DOUBT, 5, START_NS, "a", "order x", lasted_ns)


def codes(facts: list[Fact], *incidents: Incident) -> list[str]:
    return [alert.rule.code for alert in alerts_of(metrics_of(facts, incidents))]


GOOD_AND_BAD: dict[str, tuple[list[Fact], list[Fact]]] = {
    "SLIPPAGE_HIGH": (
        [fact("a", is_legacy=True, slippage_vs_signal_ppb=15 * BPS)],
        [fact("a", is_legacy=True, slippage_vs_signal_ppb=15 * BPS + 1)],
    ),
    "SLIPPAGE_NEAR_CAP": (
        [fact("a", slippage_vs_signal_ppb=8 * BPS)],
        [fact("a", slippage_vs_signal_ppb=8 * BPS + 1)],
    ),
    "FILL_BEYOND_CAP": ([fact("a")], [fact("a", has_fill_beyond=True)]),
    "REJECTION_HIGH": (
        [*MANY[:8], fact("x", Fate.DENIED), fact("y", Fate.REJECTED)],
        [*MANY[:7], fact("x", Fate.DENIED), fact("y", Fate.REJECTED)],
    ),
    "RR_AT_FILL_LOW": (
        [fact("a", rr_signal_ppb=1_800_000_000)],
        [fact("a"), fact("b", rr_signal_ppb=1_799_999_999)],
    ),
    "FILL_RATE_LOW": (
        [*MANY[:4], fact("x", Fate.NOT_ENTERED)],
        [*MANY[:3], fact("x", Fate.NOT_ENTERED)],
    ),
    "UNCOVERED_LONG": (
        [fact("a", uncovered_ns=1_500_000_000)],
        [fact("a", uncovered_ns=1_500_000_001)],
    ),
}


@pytest.mark.parametrize("code", GOOD_AND_BAD)
def test_at_the_limit_and_beyond(code: str) -> None:
    good, bad = GOOD_AND_BAD[code]
    assert codes(good) == []
    assert codes(bad) == [code]


def test_system_errors_and_doubts() -> None:
    assert codes(MANY, doubt(10 * SECOND_NS)) == ["SYSTEM_ERROR"]
    assert codes(MANY, doubt(10 * SECOND_NS + 1)) == ["SYSTEM_ERROR", "DOUBT_LONG"]


def test_every_rule_is_tested() -> None:
    assert {rule.code for rule in RULES} == {*GOOD_AND_BAD, "SYSTEM_ERROR", "DOUBT_LONG"}


def test_without_plans_there_is_no_alert() -> None:
    assert codes([]) == []


def test_an_alert_says_its_numbers_and_its_records() -> None:
    bad = fact("b", uncovered_ns=2_345_000_000)
    (alert,) = alerts_of(metrics_of([fact("a"), bad]))
    assert alert.sentence == "longest time without a working stop is 2.345 s, above 1.500 s"
    assert str(alert) == (
        "CRITICAL UNCOVERED_LONG: longest time without a working stop is 2.345 s, above 1.500 s "
        "(docs/alerts.md#uncovered_long)"
    )
    assert alert.to_dict()["seqs"] == list(bad.seqs)
    assert json.loads(json.dumps(alert.to_dict()))["limit"] == 1_500_000_000


def test_the_rules_are_data_for_people() -> None:
    for rule in RULES:
        assert rule.show(rule.limit)
        assert rule.what
        assert rule.advice
        assert rule.anchor.endswith(rule.code.lower())
        assert rule.severity in Severity
        assert rule.worse in Worse
    shown = {rule.code: rule.show(rule.limit) for rule in RULES}
    assert shown["SLIPPAGE_HIGH"] == "0.150 %"
    assert shown["RR_AT_FILL_LOW"] == "1.80"


def test_a_journal_is_evaluated() -> None:
    b = closed_bench()
    assert evaluate(b.journal) == ()
    assert evaluate(MemoryJournal()) == ()
    lost = ToldBench()
    lost.loses("E1")
    assert [alert.rule.code for alert in evaluate(lost.journal)] == ["SYSTEM_ERROR"]
    assert evaluate(lost.journal, since_ns=lost.now + 1) == ()
