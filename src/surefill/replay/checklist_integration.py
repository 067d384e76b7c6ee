"""Integration: what a real round trip on the local exchange or the paper account has to show.

What: `ITEMS`, judged from the journal and the log files of the account in the settings.
Why from the journal: it is the record that trading itself rests on; a rehearsal leaves the same
records as the real thing.
Must never: accept a plan that came to nothing as a round trip.
"""

from __future__ import annotations

from itertools import pairwise

from surefill.core.trade import Outcome
from surefill.replay.checklist_items import Evidence, Finding, Item, failed, not_yet, passed
from surefill.runtime.logs import (
    INITIALIZED,
    LEGACY_SUCCESSFUL,
    NOT_ENTERED,
    REJECTED,
    SUCCESSFUL,
)
from surefill.tca.facts import Fact, Fate
from surefill.tca.history import Start

NO_JOURNAL = "there is no journal yet"
_GOOD_ENDS = frozenset(
    {Outcome.CLOSED_TARGET, Outcome.CLOSED_STOP, Outcome.CLOSED_TIME, Outcome.CLOSED_FLATTEN}
)
MISSING_SHOWN_MAX = 3


def _facts(evidence: Evidence) -> tuple[Fact, ...]:
    return evidence.history.facts if evidence.history is not None else ()


def _round_trip(evidence: Evidence, *, is_legacy: bool) -> Finding:
    """In, covered and out by our own orders."""
    name = "legacy" if is_legacy else "smart"
    mine = [fact for fact in _facts(evidence) if fact.is_legacy is is_legacy]
    held = [fact for fact in mine if fact.fate is Fate.ENTERED]
    ended = [fact for fact in held if fact.outcome is not None]
    good = [fact for fact in ended if fact.outcome in _GOOD_ENDS and fact.has_stop_at_broker]
    if good:
        last = good[-1]
        end = last.outcome.value if last.outcome is not None else ""
        return passed(f"{last.plan_id}: entered, covered, {end} on the {name} path", last.seqs)
    if ended:
        seqs = tuple(seq for fact in ended for seq in fact.seqs)
        return failed(
            f"{len(ended)} {name} trades ended, none by an exit of ours under a stop", seqs
        )
    return not_yet(f"no {name} trade has been entered and closed")


def _fallback(evidence: Evidence) -> Finding:
    """A restart with other settings, smart before and legacy after it (the rollback)."""
    history = evidence.history
    if history is None:
        return not_yet(NO_JOURNAL)
    changes = [
        later
        for earlier, later in pairwise(history.starts)
        if earlier.settings_digest != later.settings_digest
    ]
    held = [fact for fact in history.facts if fact.fate is Fate.ENTERED and fact.seqs]
    for start in changes:
        before = [fact for fact in held if fact.seqs[0] < start.seq and not fact.is_legacy]
        after = [fact for fact in held if fact.seqs[0] > start.seq and fact.is_legacy]
        if before and after:
            return _rolled_back(start, before[-1], after[0])
    return not_yet("no smart trade, restart with other settings and legacy trade in this order")


def _rolled_back(start: Start, before: Fact, after: Fact) -> Finding:
    seqs = (*before.seqs, start.seq, *after.seqs)
    bare = [fact.plan_id for fact in (before, after) if not fact.has_stop_at_broker]
    if bare:
        return failed(f"{', '.join(bare)} had no stop at the broker", seqs)
    return passed(f"{before.plan_id} smart, restart, {after.plan_id} legacy, both covered", seqs)


def _cover(evidence: Evidence) -> Finding:
    held = [fact for fact in _facts(evidence) if fact.fate is Fate.ENTERED]
    if not held:
        return not_yet("no trade has been entered")
    bare = [fact for fact in held if not fact.has_stop_at_broker]
    if bare:
        names = ", ".join(fact.plan_id for fact in bare[:MISSING_SHOWN_MAX])
        seqs = tuple(seq for fact in bare for seq in fact.seqs)
        return failed(f"the broker never showed a stop of {names}", seqs)
    settled = tuple(fact.seqs[-1] for fact in held if fact.seqs)
    return passed(f"the broker showed a stop of each of {len(held)} entered trades", settled)


def _log_lines(evidence: Evidence) -> Finding:
    """Every plan of the journal has the line that operators search for."""
    lines, facts = evidence.log_lines, _facts(evidence)
    if lines is None or not facts:
        return not_yet("no log file" if lines is None else "no plan yet")
    where = "the log files"
    if not any(INITIALIZED in line for line in lines):
        return failed(f"no line `{INITIALIZED}`", rests_on=where)
    told = [fact for fact in facts if fact.fate is not Fate.PENDING]
    missing = [fact for fact in told if not _has_line(fact, lines)]
    if missing:
        names = ", ".join(fact.plan_id for fact in missing[:MISSING_SHOWN_MAX])
        seqs = tuple(seq for fact in missing for seq in fact.seqs)
        says = f"{len(missing)} of {len(told)} plans have no line in the log: {names}"
        return failed(says, seqs, rests_on=where)
    return passed(f"`{INITIALIZED}`, and a line for each of {len(told)} plans", rests_on=where)


def _has_line(fact: Fact, lines: tuple[str, ...]) -> bool:
    heads = {
        Fate.DENIED: REJECTED,
        Fate.REJECTED: REJECTED,
        Fate.NOT_ENTERED: NOT_ENTERED,
        Fate.NOT_TRIGGERED: NOT_ENTERED,
    }
    head = heads.get(fact.fate, LEGACY_SUCCESSFUL if fact.is_legacy else SUCCESSFUL)
    names = (f"plan={fact.plan_id}]", f"plan={fact.plan_id} ")
    return any(head in line and any(name in line for name in names) for line in lines)


def _journal(evidence: Evidence) -> Finding:
    if evidence.journal_problem:
        return failed(evidence.journal_problem, rests_on="the journal's hash chain")
    if evidence.history is None:
        return not_yet(NO_JOURNAL)
    seq, digest = evidence.history.head
    says = f"{seq} records, chain unbroken, head {digest[:16] or 'empty'}"
    return passed(says, (seq,) if seq else (), rests_on="the journal's hash chain")


ITEMS = (
    Item(
        "INT_SMART",
        "smart round trip",
        "a smart trade was entered, covered and closed by an exit of ours",
        lambda evidence: _round_trip(evidence, is_legacy=False),
    ),
    Item(
        "INT_LEGACY",
        "legacy round trip",
        "the same on the legacy path",
        lambda evidence: _round_trip(evidence, is_legacy=True),
    ),
    Item(
        "INT_FALLBACK",
        "fallback",
        "a smart trade, a restart with other settings, a legacy trade; both covered",
        _fallback,
    ),
    Item(
        "INT_COVER",
        "cover seen at the broker",
        "the broker showed a stop of every entered trade",
        _cover,
    ),
    Item(
        "INT_LOG",
        "log lines",
        "every plan has the line that operators search for",
        _log_lines,
    ),
    Item("INT_JOURNAL", "journal", "its hash chain is unbroken", _journal),
)
