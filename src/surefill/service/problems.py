"""Errors of the HTTP API: a status for machines, a code to branch on, a sentence to read.

What: `ApiProblem`, and `problem_of`, which gives every error of the engine's side its status.
Invariants: every answer that is no success has this shape; a sentence never repeats what was sent
unescaped, and never shows a secret.
"""

from __future__ import annotations

import json

from surefill.core.plan import PlanError
from surefill.core.reasons import Reason
from surefill.ports import JournalError
from surefill.runtime.errors import ErrorCode, SurefillError

STATUS_OF = {
    ErrorCode.CONTROL_UNREACHABLE: 503,
    ErrorCode.CONTROL_BUSY: 429,
    ErrorCode.CONTROL_REFUSED: 502,
    ErrorCode.CONTROL_LOST: 504,
    ErrorCode.PLAN_ID_REUSED: 409,
    ErrorCode.STOP_NOT_TIGHTER: 409,
    ErrorCode.TRADE_UNKNOWN: 404,
    ErrorCode.NOTHING_TO_CLOSE: 409,
}
"""The others mean that the engine cannot work now: 503."""
SENTENCE_CHARS_MAX = 400


class ApiProblem(Exception):
    """An answer that is no success."""

    def __init__(
        self,
        status: int,
        code: str,
        sentence: str,
        *,
        problems: tuple[Reason, ...] = (),
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(f"{code}: {sentence}")
        self.status = status
        self.code = code
        self.sentence = sentence
        self.problems = problems
        self.headers = headers

    def body(self) -> bytes:
        """As JSON."""
        text = "".join(c if c.isprintable() else " " for c in self.sentence)
        row: dict[str, object] = {"code": self.code, "sentence": text[:SENTENCE_CHARS_MAX]}
        row["problems"] = [
            {"code": one.code.name, "sentence": one.sentence, "context": dict(one.context)}
            for one in self.problems
        ]
        return json.dumps(row).encode()


def problem_of(error: SurefillError | PlanError | JournalError) -> ApiProblem:
    """The answer that stands for an error of the engine or the journal."""
    if isinstance(error, PlanError):
        sentence = "the plan cannot be judged; every reason is listed"
        return ApiProblem(422, "PLAN_INVALID", sentence, problems=error.problems)
    if isinstance(error, JournalError):
        return ApiProblem(503, error.code, str(error).partition(": ")[2])
    return ApiProblem(STATUS_OF.get(error.code, 503), error.code.value, error.sentence)
