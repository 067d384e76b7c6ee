"""The alert rules while an engine runs: the last plans of its journal, record by record.

    recent = Recent(journal)
    for _ in recent.read(): ...          # in slices of bounded work
    recent.see(open_trades)
    told = recent.judge()                # what is news

What: `Recent` follows the journal's end (facts of the last `PLANS_MAX` plans and the system errors
among them) and tells which rules newly fire and which no longer do.
Why beside `rules.evaluate`: that reads the whole journal, which takes minutes after a busy year.
When a rule is told: a critical one for every plan and every error that breaks it, once each; of the
others an average or rate when the last plans break it and did not before, the rest when the newest
plans do and the ones before them did not. At the first look every rule that is broken, once.
Invariants: work is bounded by what is new and by the window, never by the journal's length.
Must never: write.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from surefill.core.commands import Announce
from surefill.core.state import Denial
from surefill.core.trade import Trade
from surefill.core.values import replace
from surefill.journal.images import decode_trade
from surefill.journal.record import Record
from surefill.ports import Journal
from surefill.tca.facts import Fact, Seen, fact_of
from surefill.tca.history import Incident, Reader
from surefill.tca.metrics import metrics_of
from surefill.tca.rules import RULES, Alert, Rule, Severity, alerts_of

PLANS_MAX = 100
"""Enough that one plan moves a rate by a hundredth, few enough that last month's do not hide
today's."""
RECORDS_MAX = 5_000
"""How far back the first look reads: about a second of work, in slices."""
KEPT_MAX = 1_000
"""Plans, errors and doubts that are remembered at all; more plans than this are never open."""
SLICE_RECORDS = 20
"""Records between two pauses; most of them are passed over undecoded."""

_CASES = tuple(rule for rule in RULES if rule.is_single and rule.severity is Severity.CRITICAL)
_NEWEST = tuple(rule for rule in RULES if rule.is_single and rule not in _CASES)
_AVERAGES = tuple(rule for rule in RULES if not rule.is_single)


@dataclass(frozen=True, slots=True)
class News:
    """What changed since the last look."""

    fired: tuple[Alert, ...]
    over: tuple[Rule, ...]


class Recent:
    """``_facts``: plan id -> fact of each of the last plans, oldest first; ``_fresh``: the plans
    that became known since the last `judge`; ``_told``: (rule, plan id or record) of cases."""

    def __init__(
        self, journal: Journal, *, plans_max: int = PLANS_MAX, records_max: int = RECORDS_MAX
    ) -> None:
        self._journal = journal
        self._plans_max = plans_max
        self._reader = Reader()
        self._seq = max(0, journal.head()[0] - records_max)
        self._facts: dict[str, Fact] = {}
        self._fresh: set[str] = set()
        self._told: set[tuple[str, str]] = set()
        self._firing: set[str] = set()
        self._is_first = True

    def read(self) -> Iterator[None]:
        """Take in what was written since; pauses between slices. Raises `JournalError`."""
        for entry in self._journal.records(self._seq):
            self._seq = entry.seq
            record = self._reader.read(entry.record)
            if record is not None:
                for plan_id in _announced(record):
                    self._look_at(plan_id)
            if record is not None or entry.seq % SLICE_RECORDS == 0:
                yield
        self._forget()

    def see(self, trades: Iterable[Trade]) -> None:
        """Open trades as they are now: shares without a stop are news before they are covered."""
        for trade in trades:
            if trade.uncovered.since_ns is not None:
                self._put(trade.trade_id, trade)

    def judge(self) -> News:
        """What to tell of what was read."""
        facts = tuple(self._facts.values())
        incidents = self._reader.all_incidents()
        newest = facts if self._is_first else [one for one in facts if one.plan_id in self._fresh]
        if self._is_first:
            # What is over and done is not heard of again, so it need not be remembered one by one.
            self._cases([one for one in facts if one.outcome is None], incidents)
            cases = alerts_of(metrics_of(facts, incidents), _CASES)
        else:
            cases = self._cases(newest, incidents)
        fired, over = list(cases), []
        for rules, group in ((_AVERAGES, facts), (_NEWEST, newest)):
            for rule, alert in self._turned(rules, group):
                over += [rule] if alert is None else []
                fired += [] if alert is None else [alert]
        self._fresh.clear()
        self._is_first = False
        return News(tuple(fired), tuple(over))

    def standing(self) -> tuple[Alert, ...]:
        """Every rule that the last plans break now, told or not."""
        facts = tuple(self._facts.values())
        return alerts_of(metrics_of(facts, self._reader.all_incidents()))

    def _cases(self, facts: Iterable[Fact], incidents: Iterable[Incident]) -> tuple[Alert, ...]:
        """Critical alerts of single plans and errors that were not told before."""
        groups = {fact.plan_id: metrics_of([fact]) for fact in facts}
        plans = set(groups)
        groups |= {f"#{one.seq} {one.kind} {one.text}": metrics_of([], [one]) for one in incidents}
        kept = {pair for pair in self._told if pair[1] in self._facts or pair[1] in groups}
        found = []
        for name, metrics in groups.items():
            for alert in alerts_of(metrics, _CASES):
                if (alert.rule.code, name) not in kept:
                    found.append(replace(alert, plan_id=name if name in plans else ""))
                    kept.add((alert.rule.code, name))
        self._told = kept
        return tuple(found)

    def _turned(
        self, rules: Iterable[Rule], facts: Sequence[Fact]
    ) -> Iterator[tuple[Rule, Alert | None]]:
        """(rule, its alert) of those that these plans break and did not before, (rule, ``None``) of
        those that are over; what cannot be measured stays as it was."""
        metrics = metrics_of(facts)
        for rule in rules:
            if rule.read(metrics) is None:
                continue
            found = alerts_of(metrics, (rule,))
            if bool(found) is (rule.code in self._firing):
                continue
            self._firing ^= {rule.code}
            yield rule, found[0] if found else None

    def _look_at(self, plan_id: str) -> None:
        image = self._journal.image(plan_id)
        if image is not None:
            self._put(plan_id, decode_trade(image))

    def _put(self, plan_id: str, found: Trade | Denial) -> None:
        if plan_id in self._reader.adopted:
            return
        self._facts.pop(plan_id, None)  # the newest come last
        self._facts[plan_id] = fact_of(found, self._reader.seen.get(plan_id, Seen()))
        self._fresh.add(plan_id)

    def _forget(self) -> None:
        """What left the window: an engine runs for months."""
        reader = self._reader
        for plan_id in list(self._facts)[: -self._plans_max]:
            del self._facts[plan_id]
        for plan_id in list(reader.seen)[:-KEPT_MAX]:
            del reader.seen[plan_id]
            reader.signs.pop(plan_id, None)
        for kept in (reader.incidents, reader.doubts.ended, reader.starts, reader.notes):
            del kept[:-KEPT_MAX]


def _announced(record: Record) -> Iterator[str]:
    """The plans of which this record tells how far they came."""
    for command in record.commands:
        if isinstance(command, Announce):
            yield command.trade_id
