"""Findings and what they rest on."""

from __future__ import annotations

from surefill.replay.checklist_items import STAGE_TITLES as TITLES
from surefill.replay.checklist_items import Stage, Verdict, failed, not_yet, passed


def test_the_basis_of_a_finding() -> None:
    assert passed("good").basis == ""
    assert failed("bad", (3, 5), rests_on="the log").basis == "the log; records 3, 5"
    assert not_yet("?", tuple(range(1, 10))).basis == "records 1, 2, 3, 4, 5, 6 and 3 more"


def test_verdicts_and_stages() -> None:
    verdicts = [make("x").verdict for make in (passed, failed, not_yet)]
    assert verdicts == [Verdict.PASS, Verdict.FAIL, Verdict.NOT_YET]
    assert set(TITLES) == set(Stage)
