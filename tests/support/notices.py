"""Notices for tests of the alert channels."""

from __future__ import annotations

from surefill.alerts.notice import Notice
from surefill.tca.rules import SECOND_NS, Severity

START_NS = 1_772_463_600 * SECOND_NS


def notice(
    code: str = "UNCOVERED_LONG",
    at_s: float = 0,
    *,
    severity: Severity = Severity.CRITICAL,
    sentence: str = "longest time without a working stop is 2.4 s, above 1.5 s",
    what: str = "",
    is_over: bool = False,
) -> Notice:
    """A notice ``at_s`` seconds after the start."""
    return Notice(
        code=code,
        severity=severity,
        sentence=sentence,
        advice="see that every position has a stop at the broker now",
        at_ns=START_NS + int(at_s * SECOND_NS),
        what=what,
        is_over=is_over,
    )
