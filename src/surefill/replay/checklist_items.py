"""What a checklist is made of: items, their evidence and their findings.

What: `Item` (one line, with the function that judges it), `Evidence` (everything it may look at,
gathered once by the caller), `Finding` (verdict, sentence, the records it rests on).
Invariants: an item is a pure function of the evidence; what was not looked at or has not happened
is NOT YET, never PASS. A FAIL is said as soon as the evidence suffices.
Must never: read a clock, a file or a socket, or let a person tick a box.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from surefill.config import Settings
from surefill.ports import AccountPicture
from surefill.tca.history import History

SEQS_SHOWN_MAX = 6
SIGN_OFF = "sign-off"
"""Topic of the journal's notes by which somebody answers for a stage."""


class Verdict(StrEnum):
    """What an item came to."""

    PASS = "PASS"  # noqa: S105 - a verdict
    FAIL = "FAIL"
    NOT_YET = "NOT YET"


class Stage(StrEnum):
    """When the items are due."""

    PRE = "pre"
    INTEGRATION = "integration"
    FIRST = "first"
    WEEK = "week"
    MONTH = "month"


STAGE_TITLES = {
    Stage.PRE: "Before deployment",
    Stage.INTEGRATION: "Integration: a real round trip",
    Stage.FIRST: "First trade",
    Stage.WEEK: "Week 1",
    Stage.MONTH: "Month 1",
}


@dataclass(frozen=True, slots=True)
class SuiteReport:
    """What the last run of the test suite left: counts, and when (text of the runner)."""

    tests: int
    failed: int
    skipped: int
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything that items may look at. ``None``: not there, or not asked.

    ``problems``: what is wrong with the settings. ``picture_problem`` and ``journal_problem``: why
    broker or journal could not be used. ``log_lines`` are those of all log files, oldest first.
    """

    now_ns: int
    build: str
    settings: Settings | None = None
    problems: tuple[str, ...] = ()
    picture: AccountPicture | None = None
    picture_problem: str = ""
    has_own_time: bool = False
    history: History | None = None
    journal_problem: str = ""
    log_lines: tuple[str, ...] | None = None
    tests: SuiteReport | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    python: tuple[int, int] = (3, 11)


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict of one item. ``seqs`` are journal records; ``rests_on`` names other evidence."""

    verdict: Verdict
    sentence: str
    seqs: tuple[int, ...] = ()
    rests_on: str = ""

    @property
    def basis(self) -> str:
        """What it rests on, for people."""
        shown = ", ".join(str(seq) for seq in self.seqs[:SEQS_SHOWN_MAX])
        more = f" and {len(self.seqs) - SEQS_SHOWN_MAX} more" * (len(self.seqs) > SEQS_SHOWN_MAX)
        records = f"records {shown}{more}" if self.seqs else ""
        return "; ".join(part for part in (self.rests_on, records) if part)


def passed(sentence: str, seqs: tuple[int, ...] = (), *, rests_on: str = "") -> Finding:
    """It holds."""
    return Finding(Verdict.PASS, sentence, seqs, rests_on)


def failed(sentence: str, seqs: tuple[int, ...] = (), *, rests_on: str = "") -> Finding:
    """It does not hold."""
    return Finding(Verdict.FAIL, sentence, seqs, rests_on)


def not_yet(sentence: str, seqs: tuple[int, ...] = (), *, rests_on: str = "") -> Finding:
    """There is no proof yet, either way."""
    return Finding(Verdict.NOT_YET, sentence, seqs, rests_on)


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the checklist. ``passes``: what has to be true, in words."""

    code: str
    title: str
    passes: str
    judge: Callable[[Evidence], Finding]
