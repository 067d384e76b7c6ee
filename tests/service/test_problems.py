"""Errors as answers."""

from __future__ import annotations

import json

from surefill.core.plan import PlanError
from surefill.core.reasons import Reason, ReasonCode
from surefill.ports import JournalError
from surefill.runtime.errors import ErrorCode, SurefillError
from surefill.service.problems import STATUS_OF, ApiProblem, problem_of


def test_the_body_is_coded_bounded_and_printable() -> None:
    reason = Reason.of(ReasonCode.PLAN_SYMBOL_INVALID, value="x\ny")
    row = json.loads(ApiProblem(422, "A", "one\ntwo" + "." * 900, problems=(reason,)).body())
    assert row["code"] == "A"
    assert row["sentence"].startswith("one two")
    assert len(row["sentence"]) == 400
    assert row["problems"] == [
        {
            "code": "PLAN_SYMBOL_INVALID",
            "sentence": "symbol x y is not 1 to 10 capital letters, digits or dots",
            "context": {"value": "x y"},
        }
    ]


def test_every_error_has_its_status() -> None:
    for code in ErrorCode:
        found = problem_of(SurefillError(code, "s"))
        assert (found.status, found.code) == (STATUS_OF.get(code, 503), code.value)
    plan = problem_of(PlanError((Reason.of(ReasonCode.EXITS_MISSING),)))
    assert (plan.status, plan.code, len(plan.problems)) == (422, "PLAN_INVALID", 1)
    journal = problem_of(JournalError("JOURNAL_CORRUPT", "record 7"))
    assert (journal.status, journal.code, journal.sentence) == (503, "JOURNAL_CORRUPT", "record 7")
