"""Reading the venue's truth log: one JSON object a line becomes one `Line`, nothing is guessed.

What: `Line` (what the venue wrote down at one instant about one order), `read_line`, and `owner_of`
(which plan, leg letter and attempt a client order id names).
Why: the rest of the auditor speaks of lines, not of dictionaries; if the log's spelling changes,
this is the one place that follows.
Invariants: prices and quantities ``int`` in 1e-9; times UTC ns of the venue.
Must never: import anything of ours, or turn a missing number into a plausible one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from surefill.sim.auditor_terms import AuditInputError

FILL_KINDS = frozenset({"fill", "partial_fill"})
UNDO_KINDS = frozenset({"trade_bust", "trade_correct"})
CANCEL_KINDS = frozenset({"pending_cancel", "canceled"})
DEAD = frozenset({"FILLED", "CANCELED", "EXPIRED", "REPLACED", "REJECTED"})
"""Statuses after which an order can no longer execute."""

HELD, ARMED = "HELD", "ARMED"
"""A leg kept back by the venue: until its entry is complete, and then watched by the venue."""

UNARMED = frozenset({HELD, ARMED, "PENDING_NEW"})
"""Live, but not able to execute on its own."""

_NUMBERS = (
    *("seq", "venue_ns", "order_qty", "qty", "cum_qty", "leaves"),
    *("limit_px", "stop_px", "px", "position", "bid", "ask"),
)
_TEXTS = (
    *("kind", "side", "account", "order_id", "cl_ord_id", "parent_id", "replaces", "symbol"),
    *("ord_type", "contingency", "status", "exec_id", "text"),
)
_INT: frozenset[type] = frozenset({int, type(None)})
_STR: frozenset[type] = frozenset({str, type(None)})
_OURS = re.compile(r"sf-[^-]+-(?P<plan>.+)-(?P<letter>[EXTSF])(?P<attempt>[0-9]+)")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the log. ``last_px`` and ``last_qty`` are the execution's, on fill lines only.

    ``order_qty`` and ``cum_qty`` describe the order after the line; ``position`` is the signed
    position of account and symbol after it. ``bid_px`` and ``ask_px`` are the market.
    """

    seq: int
    venue_ns: int
    account: str
    kind: str
    order_id: str
    cl_ord_id: str
    parent_id: str | None
    replaces: str | None
    symbol: str
    sign: int
    ord_type: str
    contingency: str
    status: str
    """The venue's status, except that a leg kept back is `HELD` or `ARMED`."""
    order_qty: int
    cum_qty: int
    limit_px: int | None
    stop_px: int | None
    last_px: int
    last_qty: int
    exec_id: str | None
    position: int | None
    bid_px: int | None
    ask_px: int | None
    text: str

    @property
    def is_fill(self) -> bool:
        """Whether this line is an execution."""
        return self.kind in FILL_KINDS


def owner_of(cl_ord_id: str) -> tuple[str, str, int] | None:
    """(plan id, leg letter, attempt) of an id of ours, ``None`` for anybody else's."""
    match = _OURS.fullmatch(cl_ord_id)
    if match is None:
        return None
    return match["plan"], match["letter"], int(match["attempt"])


def read_line(row: Mapping[str, object]) -> Line:
    """One line of the log; raises `AuditInputError` naming the field that cannot be read."""
    get = row.get
    numbers: list[int | None] = _checked(row, _NUMBERS, _INT)
    texts: list[str | None] = _checked(row, _TEXTS, _STR)
    seq, venue_ns, order_qty, qty, cum_qty, leaves_qty = numbers[:6]
    limit_px, stop_px, px, position, bid_px, ask_px = numbers[6:]
    if seq is None or venue_ns is None:
        raise AuditInputError(f"log line {get('seq')}: seq or venue_ns is missing")
    kind = (texts[0] or "").lower()
    side = texts[1] or ""
    is_execution = kind in FILL_KINDS or kind in UNDO_KINDS
    if order_qty is None:
        order_qty = (cum_qty or 0) + (leaves_qty or 0) if is_execution else qty
    return Line(
        seq=seq,
        venue_ns=venue_ns,
        account=texts[2] or "",
        kind=kind,
        order_id=texts[3] or "",
        cl_ord_id=texts[4] or "",
        parent_id=texts[5] or None,
        replaces=texts[6] or None,
        symbol=texts[7] or "",
        sign=0 if not side else 1 if side == "BUY" else -1,
        ord_type=texts[8] or "",
        contingency=texts[9] or "",
        status=_status(texts[10] or "", row),
        order_qty=order_qty or 0,
        cum_qty=cum_qty or 0,
        limit_px=limit_px,
        stop_px=stop_px,
        last_px=(px or 0) if is_execution else 0,
        last_qty=(qty or 0) if is_execution else 0,
        exec_id=texts[11] or None,
        position=position,
        bid_px=bid_px,
        ask_px=ask_px,
        text=texts[12] or "",
    )


def _checked(row: Mapping[str, object], fields: tuple[str, ...], types: frozenset[type]) -> Any:
    """The values of these fields; one of another type is an error, an absent one ``None``."""
    values = [row.get(field) for field in fields]
    if not types.issuperset(map(type, values)):
        wrong = next(name for name in fields if type(row.get(name)) not in types)
        raise AuditInputError(f"log line {row.get('seq')}: {wrong} is {row.get(wrong)!r}")
    return values


def _status(status: str, row: Mapping[str, object]) -> str:
    """The status as cover is judged by: an order that is not ``working`` yet is not `NEW`."""
    if status in DEAD or not status:
        return status
    if status == HELD:
        return HELD if row.get("armed") is False else ARMED
    if row.get("working") is not False:
        return status
    if row.get("armed"):
        return ARMED
    return HELD if row.get("parent_id") else "PENDING_NEW"
