"""The deployment checklist as a program: every item is computed, none is ticked.

    found = judge(evidence, (Stage.PRE, Stage.FIRST))
    found.verdict, found.lines, found.to_dict()

What: `CHECKLIST` (every item of every stage, which the documents are generated from), `judge`,
`Checklist` (the result with its sign-off block), `sign_off_facts` for the journal.
Invariants: the whole passes only when every item does; a sign-off names the stage, the version, the
settings' hash, the verdicts and the next review date, and is a note in the journal.
Must never: write (the caller does), or let a stage with a FAIL be signed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from surefill.core.events import NoteWritten
from surefill.replay import (
    checklist_first,
    checklist_integration,
    checklist_month,
    checklist_pre,
    checklist_week,
)
from surefill.replay.checklist_items import (
    SIGN_OFF,
    STAGE_TITLES,
    Evidence,
    Finding,
    Item,
    Stage,
    Verdict,
)
from surefill.replay.narrate import at_text

CHECKLIST: Mapping[Stage, tuple[Item, ...]] = {
    Stage.PRE: checklist_pre.ITEMS,
    Stage.INTEGRATION: checklist_integration.ITEMS,
    Stage.FIRST: checklist_first.ITEMS,
    Stage.WEEK: checklist_week.ITEMS,
    Stage.MONTH: checklist_month.ITEMS,
}
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Line:
    """One judged item."""

    stage: Stage
    item: Item
    finding: Finding


@dataclass(frozen=True, slots=True)
class Signature:
    """A sign-off in the journal: who answered for what, and when the next review is due."""

    seq: int
    at_ns: int
    by: str
    facts: Mapping[str, str]

    @property
    def sentence(self) -> str:
        """For people."""
        facts = self.facts
        return (
            f"{facts.get('stage', UNKNOWN)} signed off by {self.by} on {at_text(self.at_ns)}, "
            f"{facts.get('build', UNKNOWN)}, settings {facts.get('settings', UNKNOWN)}, "
            f"next review {facts.get('next_review', UNKNOWN)} (record {self.seq})"
        )


@dataclass(frozen=True, slots=True)
class Checklist:
    """All judged items in order, and who signed what so far."""

    at_ns: int
    build: str
    settings: str
    lines: tuple[Line, ...]
    signatures: tuple[Signature, ...]

    @property
    def verdict(self) -> Verdict:
        """FAIL before NOT YET before PASS."""
        return _worst(line.finding.verdict for line in self.lines)

    @property
    def counts(self) -> dict[Verdict, int]:
        """verdict -> items."""
        counted = Counter(line.finding.verdict for line in self.lines)
        return {verdict: counted[verdict] for verdict in Verdict}

    def of_stage(self, stage: Stage) -> tuple[Line, ...]:
        """The lines of one stage."""
        return tuple(line for line in self.lines if line.stage is stage)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages that were judged, in order."""
        return tuple(dict.fromkeys(line.stage for line in self.lines))

    def to_dict(self) -> dict[str, object]:
        """JSON-ready."""
        return {
            "at_ns": self.at_ns,
            "build": self.build,
            "settings": self.settings,
            "verdict": self.verdict.value,
            "items": [
                {
                    "stage": line.stage.value,
                    "code": line.item.code,
                    "title": line.item.title,
                    "passes": line.item.passes,
                    "verdict": line.finding.verdict.value,
                    "sentence": line.finding.sentence,
                    "seqs": list(line.finding.seqs),
                    "rests_on": line.finding.rests_on,
                }
                for line in self.lines
            ],
            "sign_offs": [
                {"seq": one.seq, "at_ns": one.at_ns, "by": one.by, **one.facts}
                for one in self.signatures
            ],
        }


def judge(evidence: Evidence, stages: Iterable[Stage] = tuple(Stage)) -> Checklist:
    """Every item of these stages."""
    return Checklist(
        at_ns=evidence.now_ns,
        build=evidence.build,
        settings=evidence.settings.digest() if evidence.settings is not None else UNKNOWN,
        lines=tuple(
            Line(stage, item, item.judge(evidence)) for stage in stages for item in CHECKLIST[stage]
        ),
        signatures=_signatures(evidence),
    )


def sign_off_facts(found: Checklist, next_review: str) -> dict[str, str]:
    """What a sign-off puts on record beside who and when."""
    counted = ", ".join(f"{count} {verdict.value}" for verdict, count in found.counts.items())
    return {
        "stage": " ".join(stage.value for stage in found.stages),
        "build": found.build,
        "settings": found.settings,
        "verdicts": counted,
        "next_review": next_review,
    }


def _signatures(evidence: Evidence) -> tuple[Signature, ...]:
    notes = evidence.history.notes if evidence.history is not None else ()
    return tuple(_signature(one.seq, one.note) for one in notes if one.note.topic == SIGN_OFF)


def _signature(seq: int, note: NoteWritten) -> Signature:
    return Signature(seq, note.recv_ns, note.by, dict(note.facts))


def _worst(verdicts: Iterable[Verdict]) -> Verdict:
    found = set(verdicts)
    order = (Verdict.FAIL, Verdict.NOT_YET)
    return next((verdict for verdict in order if verdict in found), Verdict.PASS)


__all__ = [
    "CHECKLIST",
    "STAGE_TITLES",
    "Checklist",
    "Line",
    "Signature",
    "judge",
    "sign_off_facts",
]
