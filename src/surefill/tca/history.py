"""A journal as metrics need it: facts of all plans, incidents, starts, notes. Read once.

    history = read_history(journal)
    week = history.between(since_ns, until_ns)

What: `read_history` folds images and records; `History` is the result and can be narrowed.
Invariants: nothing but the journal is read; every fact and incident names the records it rests on;
records that cannot matter are not even decoded.
Must never: write, decide, or read a clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from surefill.core.commands import Announce, Milestone, RaiseAlarm, SubmitOrder
from surefill.core.events import (
    Act,
    EngineStarted,
    NoteWritten,
    OperatorActed,
    PlanSubmitted,
    PositionAdopted,
)
from surefill.core.fix import Side
from surefill.core.reasons import ReasonCode
from surefill.core.state import EngineState
from surefill.core.values import replace
from surefill.journal.images import ENGINE_IMAGE, decode_state, decode_trade, plan_ids
from surefill.journal.record import Record
from surefill.ports import Journal
from surefill.tca.doubts import Doubts
from surefill.tca.facts import Fact, Seen, fact_of, far_px
from surefill.tca.runs import FAILED, OURSELVES, Runs

_MARKS = tuple(
    f'"{name}"'.encode()
    for name in (
        "PlanSubmitted",
        "PositionAdopted",
        "EngineStarted",
        "OperatorActed",
        "NoteWritten",
        "RaiseAlarm",
        "Announce",
        "SubmitOrder",
        "ReplaceOrder",
    )
)


class IncidentKind(StrEnum):
    """What counts as a system error."""

    INVARIANT = "INVARIANT"
    EXPOSED = "EXPOSED"
    IN_DOUBT = "IN_DOUBT"
    FAULT = "FAULT"
    """The program halted or stopped itself after an error of its own."""
    CRASH = "CRASH"
    """A process ended without closing; known from the next start on."""


_ALARMS = {
    ReasonCode.INVARIANT_BROKEN: IncidentKind.INVARIANT,
    ReasonCode.EXPOSED: IncidentKind.EXPOSED,
}


@dataclass(frozen=True, slots=True)
class Incident:
    """One system error. ``lasted_ns``: of a doubt, up to the last record while it lasts."""

    kind: IncidentKind
    seq: int
    at_ns: int
    trade_id: str | None
    text: str
    lasted_ns: int = 0


@dataclass(frozen=True, slots=True)
class Start:
    """A process that took the account over."""

    seq: int
    at_ns: int
    build: str
    settings_digest: str


@dataclass(frozen=True, slots=True)
class Noted:
    """A note that somebody left in the journal: a rollback, a sign-off."""

    seq: int
    note: NoteWritten


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Everything that was read. Facts in order of acceptance; ``head``: last record, its digest."""

    facts: tuple[Fact, ...]
    incidents: tuple[Incident, ...] = ()
    starts: tuple[Start, ...] = ()
    notes: tuple[Noted, ...] = ()
    state: EngineState | None = None
    head: tuple[int, str] = (0, "")
    end_ns: int = 0

    def between(self, since_ns: int | None = None, until_ns: int | None = None) -> History:
        """Plans and incidents from ``since_ns`` up to before ``until_ns`` (UTC ns)."""

        def is_in(at_ns: int) -> bool:
            return (since_ns is None or at_ns >= since_ns) and (
                until_ns is None or at_ns < until_ns
            )

        return replace(
            self,
            facts=tuple(fact for fact in self.facts if is_in(fact.at_ns)),
            incidents=tuple(one for one in self.incidents if is_in(one.at_ns)),
        )


class Reader:
    """The fold over the records. ``seen``: plan id -> what its records show; ``signs``: plan id ->
    (symbol, direction, 0 when unknown); ``adopted``: ids of positions that were there before, which
    say nothing about entries (decision 0005)."""

    def __init__(self) -> None:
        self.seen: dict[str, Seen] = {}
        self.signs: dict[str, tuple[str, int]] = {}
        self.adopted: set[str] = set()
        self.waiting: set[str] = set()
        """breakouts whose entry has not begun"""
        self.incidents: list[Incident] = []
        self.starts: list[Start] = []
        self.notes: list[Noted] = []
        self.doubts = Doubts()
        self.runs = Runs()
        self.end_ns = 0

    def read(self, data: bytes) -> Record | None:
        """Take in one record's bytes; ``None`` when they cannot matter and were not decoded."""
        if not any(mark in data for mark in _MARKS) and not self.doubts.concern(data):
            return None
        record = Record.from_bytes(data)
        self.take(record)
        return record

    def take(self, record: Record) -> None:
        """Take in one record."""
        self.end_ns = record.now_ns
        self.doubts.take(record)
        crash = self.runs.take(record)
        if crash is not None:
            self._incident(IncidentKind.CRASH, record, crash)
        match record.event:
            case PlanSubmitted(plan):
                # The same plan again leaves no record; another plan under its id neither (I9).
                seen = self.seen.setdefault(plan.plan_id, Seen(plan_seq=record.seq))
                is_side = type(plan.side) is Side
                self.signs[plan.plan_id] = (plan.symbol, plan.sign if is_side else 0)
                seen.start_far_px = self._far_px(record, plan.plan_id)
                if plan.trigger_px is not None:
                    self.waiting.add(plan.plan_id)
            case PositionAdopted(plan):
                self.adopted.add(plan.plan_id)
            case EngineStarted(_, build, settings_digest):
                self.starts.append(Start(record.seq, record.now_ns, build, settings_digest))
            case NoteWritten(topic=topic, by=by, why=why) as note:
                self.notes.append(Noted(record.seq, note))
                if by == OURSELVES and topic == FAILED:
                    self._incident(IncidentKind.FAULT, record, why)
            case OperatorActed(Act.HALT, by=by, why=why) if by == OURSELVES:
                self._incident(IncidentKind.FAULT, record, why)
            case _:
                pass
        for command in record.commands:
            match command:
                case RaiseAlarm(trade_id, reason) if reason.code in _ALARMS:
                    kind = _ALARMS[reason.code]
                    self._incident(kind, record, reason.sentence, trade_id=trade_id)
                case SubmitOrder(trade_id) if trade_id in self.waiting:
                    self.waiting.remove(trade_id)  # its entry begins here
                    self.seen[trade_id].start_far_px = self._far_px(record, trade_id)
                case Announce(trade_id, milestone):
                    self._announced(record, trade_id, milestone)
                case _:
                    pass

    def _incident(
        self, kind: IncidentKind, record: Record, text: str, *, trade_id: str | None = None
    ) -> None:
        self.incidents.append(Incident(kind, record.seq, record.now_ns, trade_id, text))

    def _announced(self, record: Record, trade_id: str, milestone: Milestone) -> None:
        seen = self.seen.setdefault(trade_id, Seen())
        match milestone:
            case Milestone.SETTLED:
                seen.settled_seq = record.seq
                seen.end_far_px = self._far_px(record, trade_id)
            case Milestone.CLOSED:
                seen.closed_seq = record.seq
            case _:
                pass  # denied: the record of the plan itself

    def _far_px(self, record: Record, plan_id: str) -> int | None:
        symbol, sign = self.signs.get(plan_id, ("", 0))
        view = next((one for one in record.views if one.symbol == symbol), None)
        return far_px(view, sign, record.now_ns) if view is not None and sign else None

    def all_incidents(self) -> list[Incident]:
        """Every system error so far, by its record."""
        return sorted((*self.incidents, *self._doubt_incidents()), key=lambda one: one.seq)

    def _doubt_incidents(self) -> list[Incident]:
        return [
            Incident(
                IncidentKind.IN_DOUBT,
                one.seq,
                one.since_ns,
                one.trade_id,
                f"order {one.cl_ord_id}",
                (one.end_ns or self.end_ns) - one.since_ns,
            )
            for one in self.doubts.all()
        ]


def read_history(journal: Journal) -> History:
    """Everything that metrics and the checklist need. Raises `JournalError` on damage."""
    reader = Reader()
    head = (0, "")
    for entry in journal.records():
        head = (entry.seq, entry.digest)
        reader.read(entry.record)
    images = dict(journal.open_images())
    state = images.pop(ENGINE_IMAGE, None)
    closed = ((name, journal.image(name)) for name in plan_ids(journal.closed_ids()))
    images |= {plan_id: image for plan_id, image in closed if image is not None}
    facts = [
        fact_of(decode_trade(image), reader.seen.get(plan_id, Seen()))
        for plan_id, image in images.items()
        if plan_id not in reader.adopted
    ]
    return History(
        facts=tuple(sorted(facts, key=lambda fact: (fact.at_ns, fact.plan_id))),
        incidents=tuple(reader.all_incidents()),
        starts=tuple(reader.starts),
        notes=tuple(reader.notes),
        state=decode_state(state) if state is not None else None,
        head=head,
        end_ns=reader.end_ns,
    )
