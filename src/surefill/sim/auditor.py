"""The independent auditor: reads the venue's truth log and judges what an executor did.

What: `audit(plans, log, outcomes)` and ``python -m surefill.sim.auditor`` with three files
of JSON lines, plans, log, outcomes (exit code 0 clean, 1 violations, 2 unreadable). Checks I1 to
I5, I9, I13 to I16, I18 (time budget), I20 and I23, and that the log agrees with itself
(``docs/auditor.md``).
Why: code that executes must not be its own judge. This module and its ``auditor_*`` helpers import
the standard library and nothing of ours; every price rule is written a second time.
Invariants: one pass over the log, memory in the number of orders; an order belongs to a plan by
its client order id, a leg by its parent, a replacement by what it replaces.
Must never: import anything of ours, read the executor's journal, or pass over a line it cannot
read (`AuditInputError`).
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from surefill.sim.auditor_book import ENTRY, FLATTEN, STOP, TARGET, Order
from surefill.sim.auditor_findings import (
    NS_PER_MS,
    AuditLimits,
    Excuse,
    Fault,
    Findings,
    Violation,
)
from surefill.sim.auditor_log import DEAD, UNDO_KINDS, Line, owner_of, read_line
from surefill.sim.auditor_outcome import claim_faults
from surefill.sim.auditor_plan import PlanJudge
from surefill.sim.auditor_report import (
    AuditCounts,
    AuditReport,
    CoverStats,
    Tally,
    cover_stats,
    gaps_of,
    render,
    summarize,
)
from surefill.sim.auditor_terms import (
    AuditInputError,
    Claim,
    px_text,
    read_claim,
    read_plan,
)

__all__ = [
    "audit",
    "AuditReport",
    "AuditLimits",
    "Violation",
    "Excuse",
    "AuditCounts",
    "CoverStats",
    "AuditInputError",
    "render",
    "main",
]

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True)
"""The spelling that the log's hashes are made of."""

_BEYOND_PRICE = ("STOP_NOT_BEYOND_BASE", "STOP_THROUGH_MARKET", "NOT_REPLACEABLE")
"""Refusals that no other stop of this plan can avoid: the market is through it (I3 e), or it has
just been elected."""

_ENOUGH_WINDOWS = 100
"""From here on a 99th percentile says something."""


def audit(
    plans: Iterable[Mapping[str, object]],
    log: Iterable[Mapping[str, object]],
    outcomes: Iterable[Mapping[str, object]],
    *,
    limits: AuditLimits | None = None,
) -> AuditReport:
    """Judge a run. ``plans`` and ``outcomes`` in any order, ``log`` in the order it was written."""
    run = _Run(limits or AuditLimits())
    run.load(plans, outcomes)
    for row in log:
        run.read(row)
    return run.report()


class _Run:
    """One audit: hands each line to the plan it concerns."""

    def __init__(self, limits: AuditLimits) -> None:
        self._limits = limits
        self._findings = Findings()
        self._tally = Tally()
        self._judges: dict[str, PlanJudge] = {}
        self._orders: dict[str, tuple[Order, PlanJudge]] = {}
        """order id -> order and its plan"""
        self._foreign: set[str] = set()
        self._outside: dict[tuple[str, str], dict[str, tuple[int, int]]] = {}
        """(account, symbol) -> somebody else's order -> (sign, shares it may still execute)"""
        self._ids: dict[tuple[str, str], str] = {}
        """(account, client order id) -> order id"""
        self._executions: dict[str, tuple[Order, PlanJudge, int, int]] = {}
        """execution id -> order, plan, price, quantity"""
        self._positions: dict[tuple[str, str], int] = {}
        self._active: dict[tuple[str, str], dict[str, PlanJudge]] = {}
        """(account, symbol) -> plans that a trade there may concern"""
        self._chain = LogChain(self._findings)
        self._now_ns = 0

    def load(
        self, plans: Iterable[Mapping[str, object]], outcomes: Iterable[Mapping[str, object]]
    ) -> None:
        """Read what was asked for and what is said to have become of it."""
        claims: dict[str, Claim] = {}
        for row in outcomes:
            claim = read_claim(row)
            if claim.plan_id in claims:
                self._findings.add(Fault("I5", "has more than one outcome"), claim.plan_id, 0)
            claims[claim.plan_id] = claim
        for row in plans:
            terms = read_plan(row)
            if terms.plan_id in self._judges:
                raise AuditInputError(f"plan {terms.plan_id} is given twice")
            self._judges[terms.plan_id] = PlanJudge(
                terms,
                claims.pop(terms.plan_id, None),
                limits=self._limits,
                findings=self._findings,
            )
        for plan_id in claims:
            self._findings.add(Fault("I5", "has an outcome but no plan"), plan_id, 0)

    def read(self, row: Mapping[str, object]) -> None:
        """One line of the log."""
        self._chain.check(row)
        line = read_line(row)
        self._tally.lines += 1
        self._now_ns = max(self._now_ns, line.venue_ns)
        if line.kind == "refused":
            self._refused(line)
        elif line.order_id and line.kind in UNDO_KINDS:
            self._undo(line)
        elif line.order_id and line.status:
            self._order_line(line)

    def report(self) -> AuditReport:
        """Close everything and give the verdict."""
        judges = list(self._judges.values())
        for judge in judges:
            judge.finish(self._now_ns)
            judge.tell(*claim_faults(judge.book, judge.claim, judge.died_ns))
        cover = {
            "smart": cover_stats(one for one in judges if one.terms.is_smart),
            "legacy": cover_stats(one for one in judges if not one.terms.is_smart),
        }
        for path, stats in cover.items():
            self._check_p99(path, stats)
        counts = summarize(judges, self._tally)
        return AuditReport(self._findings.in_order(), counts, cover, gaps_of(judges))

    def _check_p99(self, path: str, stats: CoverStats) -> None:
        """I3 (a): 99 of 100 windows are shorter still, when the broker was healthy throughout."""
        too_long = stats.window_p99_ns > self._limits.cover_p99_ms * NS_PER_MS
        if too_long and stats.windows >= _ENOUGH_WINDOWS and not self._limits.excuses:
            p99_ms = stats.window_p99_ns // NS_PER_MS
            sentence = f"99th percentile of uncovered windows, {path} path: {p99_ms} ms"
            self._findings.add(Fault("I3", sentence), "", self._now_ns)

    # --- one line -------------------------------------------------------------------------

    def _order_line(self, line: Line) -> None:
        known = self._orders.get(line.order_id)
        is_first = known is None
        if known is None:
            known = self._adopt(line)
        if line.is_fill:
            self._move_position(line, None if known is None else known[1])
        if known is None:
            self._foreign_line(line)
            return
        order, judge = known
        judge.reach(line.venue_ns)
        judge.follow(order, line, is_first=is_first)
        if is_first:
            self._link(order, line)
        if line.is_fill:
            self._check_fill(order, line, judge)

    def _adopt(self, line: Line) -> tuple[Order, PlanJudge] | None:
        """Find the plan a new order belongs to; ``None`` for somebody else's."""
        if line.order_id in self._foreign:
            return None
        self._check_id(line)
        old = self._orders.get(line.replaces or "")
        parent = self._orders.get(line.parent_id or "")
        owner = owner_of(line.cl_ord_id)
        if owner is not None:
            judge = self._judges.get(owner[0])
            if judge is None:
                fault = Fault("I9", f"order {line.cl_ord_id} names a plan nobody knows")
                self._findings.add(fault, owner[0], line.venue_ns)
        else:
            judge = old[1] if old else parent[1] if parent else None
        if judge is None:
            return None
        order = _order_of(
            line,
            owner[1] if owner else "",
            old=old[0] if old else None,
            parent=parent[0] if parent else None,
        )
        self._orders[line.order_id] = order, judge
        self._tally.orders += 1
        key = (line.account, line.symbol)
        self._active.setdefault(key, {})[judge.terms.plan_id] = judge
        judge.book.account_position = self._positions.get(key)
        if judge.terms.account not in (None, line.account) or judge.terms.symbol != line.symbol:
            sentence = f"order on {line.account} {line.symbol}, not where the plan belongs"
            judge.tell(Fault("I9", sentence, "place"), at_ns=line.venue_ns)
        return order, judge

    def _check_id(self, line: Line) -> None:
        """I9: one intent, one client order id, one order."""
        if not line.cl_ord_id:
            return
        first = self._ids.setdefault((line.account, line.cl_ord_id), line.order_id)
        if first != line.order_id:
            owner = owner_of(line.cl_ord_id)
            fault = Fault("I9", f"client order id {line.cl_ord_id} stands on two orders")
            self._findings.add(fault, owner[0] if owner else "", line.venue_ns)

    def _link(self, order: Order, line: Line) -> None:
        """Tell the plan when a new order takes the place of another exit."""
        old = self._orders.get(line.replaces or "")
        if old is not None and order.role != ENTRY:
            old[1].replaced(order, old[0], by_us=owner_of(line.cl_ord_id) is not None)

    def _foreign_line(self, line: Line) -> None:
        """I16: other people's orders are counted and must be left alone."""
        if line.order_id not in self._foreign:
            self._foreign.add(line.order_id)
            self._tally.foreign_orders += 1
            if not self._limits.foreign_orders and owner_of(line.cl_ord_id) is None:
                fault = Fault("I9", f"order {line.cl_ord_id or line.order_id} names no plan")
                self._findings.add(fault, "", line.venue_ns)
        self._tell_outside(line)
        is_touched = line.kind in ("pending_cancel", "pending_replace")
        if is_touched and not {line.order_id, line.cl_ord_id} & self._limits.others:
            name = line.cl_ord_id or line.order_id
            fault = Fault("I16", f"touched {name}, which is somebody else's order")
            self._findings.add(fault, "", line.venue_ns)

    def _tell_outside(self, line: Line) -> None:
        """Tell the plans on a symbol how many shares somebody else's orders are about to take."""
        key = (line.account, line.symbol)
        orders = self._outside.setdefault(key, {})
        left = 0 if line.status in DEAD else line.order_qty - line.cum_qty
        orders[line.order_id] = line.sign, left
        for judge in self._active.get(key, {}).values():
            judge.reach(line.venue_ns)
            taken = (left for sign, left in orders.values() if sign != judge.terms.sign)
            judge.outside(sum(taken))

    def _move_position(self, line: Line, owner: PlanJudge | None) -> None:
        """An execution: the account's position, and every plan that lives on the symbol."""
        self._tally.fills += 1
        key = (line.account, line.symbol)
        change = line.sign * line.last_qty
        before = self._positions.get(key)
        if before is None:
            before = 0 if line.position is None else line.position - change
        after = before + change
        if line.position is not None and line.position != after:
            fault = Fault("LOG", f"line {line.seq}: position does not follow from the executions")
            self._findings.add(fault, "", line.venue_ns)
            after = line.position
        if owner is not None:
            self._active.setdefault(key, {})[owner.terms.plan_id] = owner
        self._spread(key, after, line.venue_ns, owner=owner)

    def _spread(
        self, key: tuple[str, str], position: int, now_ns: int, *, owner: PlanJudge | None
    ) -> None:
        """Tell every plan on a symbol its account's new position."""
        self._positions[key] = position
        active = self._active.get(key, {})
        for plan_id, judge in list(active.items()):
            judge.reach(now_ns)
            if owner is None:
                judge.close_outside(position)
            if judge is not owner and judge.is_quiet:
                del active[plan_id]
            else:
                judge.disturb(position, by_venue=judge is not owner)

    def _check_fill(self, order: Order, line: Line, judge: PlanJudge) -> None:
        """The venue's own promises: limits hold, executions are told once, sums are right."""
        if line.exec_id is not None:
            if line.exec_id in self._executions:
                self._contradiction(line, judge, "an execution is told twice")
            self._executions[line.exec_id] = order, judge, line.last_px, line.last_qty
        has_limit = order.ord_type in ("LIMIT", "STOP_LIMIT") and order.limit_px is not None
        if has_limit and order.sign * (line.last_px - (order.limit_px or 0)) > 0:
            self._contradiction(line, judge, f"filled at {px_text(line.last_px)}, beyond its limit")
        if order.carried_qty + order.filled_qty != line.cum_qty:
            self._contradiction(line, judge, "cumulative quantity is not the sum of executions")

    def _contradiction(self, line: Line, judge: PlanJudge, sentence: str) -> None:
        fault = Fault("LOG", f"line {line.seq}: {sentence}", sentence)
        judge.tell(fault, at_ns=line.venue_ns)

    def _refused(self, line: Line) -> None:
        """A request the venue refused. A cancel that comes after the fill is a race as well."""
        known = self._orders.get(line.order_id)
        if known is not None and known[0].status == "FILLED" and "NOT_CANCELABLE" in line.text:
            known[1].races += 1
        owner = owner_of(line.cl_ord_id)
        judge = self._judges.get(owner[0]) if owner else None
        if judge is None:
            return
        if judge.claim is not None and judge.claim.outcome == "DENIED":
            fault = Fault("I15", "was denied and yet a request went out")
            judge.tell(fault, at_ns=line.venue_ns)
        first = self._orders.get(self._ids.get((line.account, line.cl_ord_id), ""))
        if any(text in line.text for text in _BEYOND_PRICE):
            judge.refused_cover(line.venue_ns)
        if first is not None and line.sign and _is_other_body(first[0], line):
            sentence = f"client order id {line.cl_ord_id} was sent again with another body"
            judge.tell(Fault("I9", sentence), at_ns=line.venue_ns)

    def _undo(self, line: Line) -> None:
        """A bust or a price correction of an execution of ours or of somebody else's (V6)."""
        is_bust = line.kind == "trade_bust"
        known = self._executions.get(line.exec_id or "")
        owner = known[1] if known else None
        if line.position is not None:
            key = (line.account, line.symbol)
            self._spread(key, line.position, line.venue_ns, owner=owner)
        if known is None:
            return
        order, judge, px, qty = known
        judge.reach(line.venue_ns)
        judge.undo(order, px=px, qty=qty)
        if is_bust:
            order.busted_qty += qty
            judge.book.give_back(order, qty)
        else:
            judge.redo(order, px=line.last_px, qty=qty)
            self._executions[line.exec_id or ""] = order, judge, line.last_px, qty


class LogChain:
    """Checks that the log is whole: numbers without gaps, time never backwards, hashes linked."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._seq: int | None = None
        self._venue_ns = 0
        self._hash: str | None = "0" * 64
        """hash of the line before; ``None`` when it is not known"""

    def check(self, row: Mapping[str, object]) -> None:
        """Look at the next line."""
        seq, venue_ns = row.get("seq"), row.get("venue_ns")
        if not isinstance(seq, int) or not isinstance(venue_ns, int):
            return  # read_line says so
        if seq != (1 if self._seq is None else self._seq + 1):
            if self._seq is not None:
                self._tell(seq, "the number of the line before is missing", venue_ns)
            self._hash = None
        if venue_ns < self._venue_ns:
            self._tell(seq, "venue time goes backwards", venue_ns)
        self._seq, self._venue_ns = seq, venue_ns
        self._check_hash(row, seq, venue_ns)

    def _check_hash(self, row: Mapping[str, object], seq: int, venue_ns: int) -> None:
        stated = row.get("hash")
        if stated is not None and self._hash is not None:
            body = dict(row)
            del body["hash"]
            text = _CANONICAL.encode(body)
            if hashlib.sha256((self._hash + text).encode()).hexdigest() != stated:
                self._tell(seq, "was changed after it was written (hash)", venue_ns)
        self._hash = str(stated) if stated is not None else None

    def _tell(self, seq: int, sentence: str, venue_ns: int) -> None:
        self._findings.add(Fault("LOG", f"line {seq}: {sentence}", sentence), "", venue_ns)


def _order_of(line: Line, letter: str, *, old: Order | None, parent: Order | None) -> Order:
    """The auditor's record of a new order: what it is for, and what it shares a group with.

    ``letter`` is the leg of its client order id, empty when the venue named it.
    """
    if old is not None:
        role, group, chain = old.role, old.group, old.chain
    else:
        role = _role_of(letter, line.ord_type)
        group = parent.group if parent is not None else line.order_id
        chain = line.order_id
    return Order(
        order_id=line.order_id,
        role=role,
        group=group,
        chain=chain,
        sign=line.sign,
        ord_type=line.ord_type,
        contingency=line.contingency,
        status=line.status,
        order_qty=line.order_qty,
        first_qty=line.order_qty,
        carried_qty=0 if line.is_fill else line.cum_qty,
        limit_px=line.limit_px,
        stop_px=line.stop_px,
        market_px=None,
    )


def _is_other_body(order: Order, line: Line) -> bool:
    """Whether a refused submission asks for something else than the order of its id did."""
    asked = (line.sign, line.ord_type, line.order_qty)
    return asked != (order.sign, order.ord_type, order.first_qty)


def _role_of(letter: str, ord_type: str) -> str:
    """What an order is for: its letter, and for exits whether it waits for a stop price."""
    if letter == "E":
        return ENTRY
    if letter == "F":
        return FLATTEN
    return STOP if "STOP" in ord_type else TARGET


def _rows(path: str) -> Iterator[dict[str, object]]:
    with Path(path).open(encoding="utf-8") as file:
        for number, text in enumerate(file, start=1):
            if not text.strip():
                continue
            try:
                row = json.loads(text)
            except json.JSONDecodeError as error:
                raise AuditInputError(f"{path} line {number}: {error}") from None
            if not isinstance(row, dict):
                raise AuditInputError(f"{path} line {number}: not an object")
            yield row


def main(arguments: Sequence[str] | None = None) -> int:
    """``PLANS LOG OUTCOMES [COVER_MS]``: print the report; 0 clean, 1 violations, 2 unreadable."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if len(given) not in (3, 4) or not all(one.isdigit() for one in given[3:]):
        sys.stderr.write("usage: auditor PLANS.jsonl LOG.jsonl OUTCOMES.jsonl [COVER_MS]\n")
        return 2
    limits = AuditLimits()
    if len(given) == 4:
        limits = replace(limits, cover_ms=int(given[3]))
    try:
        report = audit(_rows(given[0]), _rows(given[1]), _rows(given[2]), limits=limits)
    except (AuditInputError, OSError) as error:
        sys.stderr.write(f"auditor: {error}\n")
        return 2
    sys.stdout.write(render(report))
    return 0 if report.is_clean else 1


if __name__ == "__main__":
    raise SystemExit(main())
