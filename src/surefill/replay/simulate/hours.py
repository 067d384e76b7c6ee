"""What the clock demands of a trade, read from the venue's log (I18).

What: `holdings` (shares of each plan over time) and `late_faults`: shares held long after the exit
time, shares of a plan that goes home flat held at the close, and stops that end with the day
although shares stay.
Why beside the auditor: it knows neither exit times nor sessions.
Invariants: an excuse moves a deadline as it does in the auditor; a position is the sum of the
venue's executions, busts taken back.
Must never: take the executor's word for what it held.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate

from surefill.core.closing import FLAT_BEFORE_CLOSE_NS
from surefill.core.plan import TradePlan
from surefill.sim.auditor import AuditLimits, Violation
from surefill.sim.auditor_log import DEAD, owner_of

Line = Mapping[str, object]

CLOSED_WITHIN_MS = 60_000
"""As long may a closing order look for its buyer (docs/auditor.md, I3)."""
RENEWAL_MS = 10_000
"""Cancel, observe, cover anew: a second or two, and time for refusals."""
_EXECUTED = {"fill": 1, "partial_fill": 1, "trade_bust": -1}


def late_faults(
    lines: Sequence[Line],
    plans: Iterable[TradePlan],
    limits: AuditLimits,
    *,
    close_ns: int,
    end_ns: int,
) -> Iterator[Violation]:
    """Everything that was too late (I18). ``close_ns`` of the session, ``end_ns`` of the run."""
    held, others = holdings(lines)
    for plan in plans:
        if plan.symbol in others:
            continue
        at_ns, qty = held.get(plan.plan_id, ((), ()))
        first_ns = at_ns[0] if at_ns else None
        for due_ns, end, why in _dues(plan, close_ns, end_ns, first_ns=first_ns):
            late_ns = limits.latest_end_ns(
                max(due_ns, *at_ns[:1], 0), CLOSED_WITHIN_MS, plan.symbol
            )
            n = bisect_right(at_ns, min(late_ns, end))
            if late_ns < end and n and qty[n - 1] * plan.sign > 0:
                yield Violation("I18", plan.plan_id, late_ns, why)
    if end_ns >= close_ns:
        yield from _day_stops(lines, limits, close_ns)


def _dues(
    plan: TradePlan, close_ns: int, end_ns: int, *, first_ns: int | None
) -> Iterator[tuple[int, int, str]]:
    """(when it is due, until when it can be judged, what is wrong)"""
    end_ns = min(end_ns, close_ns)
    if plan.exit_at_ns is not None:
        yield plan.exit_at_ns, end_ns, "shares were held long after the exit time"
    after_ns = plan.manage.exit_after_ns
    if after_ns is not None and first_ns is not None:
        yield first_ns + after_ns, end_ns, "shares were held long after their time was over"
    if plan.flat_by_close and end_ns == close_ns:
        due_ns = close_ns - FLAT_BEFORE_CLOSE_NS
        yield due_ns, end_ns, "shares that were to be gone by the close were held"


def holdings(
    lines: Sequence[Line],
) -> tuple[dict[str, tuple[tuple[int, ...], tuple[int, ...]]], set[str]]:
    """(plan -> instants and signed shares held from each on; symbols that others traded in: whose
    shares are left there, executions alone do not say)"""
    plan_of: dict[object, str] = {}
    changes: dict[str, list[tuple[int, int]]] = {}
    others: set[str] = set()
    for line in lines:
        order_id = line["order_id"]
        if not order_id:
            continue  # refused: it never became an order
        named = owner_of(str(line["cl_ord_id"] or ""))
        kin = (order_id, line["replaces"], line["parent_id"])
        known = next((plan_of[one] for one in kin if one in plan_of), None)
        plan_id = known if named is None else named[0]
        sign = _EXECUTED.get(str(line["kind"]))
        if plan_id is not None:
            plan_of[order_id] = plan_id
        elif sign is not None:
            others.add(str(line["symbol"]))
        if plan_id is not None and sign is not None:
            qty = _number(line, "qty") * (sign if line["side"] == "BUY" else -sign)
            changes.setdefault(plan_id, []).append((_number(line, "venue_ns"), qty))
    held = {
        plan_id: (tuple(ns for ns, _ in rows), tuple(accumulate(qty for _, qty in rows)))
        for plan_id, rows in changes.items()
    }
    return held, others


def _day_stops(lines: Sequence[Line], limits: AuditLimits, close_ns: int) -> Iterator[Violation]:
    """No stop that ends with the day covers shares at the close, if there was time to renew it."""
    resting: dict[str, tuple[int, Line]] = {}
    for line in lines:
        if _number(line, "venue_ns") >= close_ns:
            break
        order_id = str(line["order_id"])
        if line["leg"] != "STOP" or line["tif"] != "DAY" or line["status"] in DEAD:
            resting.pop(order_id, None)
        elif line["working"] or line["armed"]:
            resting.setdefault(order_id, (_number(line, "venue_ns"), line))
    for since_ns, stop in resting.values():
        due_ns = max(since_ns, close_ns - FLAT_BEFORE_CLOSE_NS)
        if limits.latest_end_ns(due_ns, RENEWAL_MS, str(stop["symbol"])) < close_ns:
            sentence = f"the stop {stop['order_id']} ended with the day, and shares were held"
            yield Violation("I18", "", close_ns, sentence)


def _number(line: Line, name: str) -> int:
    value = line[name]
    assert isinstance(value, int)
    return value
