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

_OURS = re.compile(r"sf-[^-]+-(?P<plan>.+)-(?P<letter>[EXTSF])(?P<attempt>[0-9]+)")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the log. ``last_px`` and ``last_qty`` are the execution's, on fill lines only.

    ``order_qty``, ``cum_qty`` and ``leaves_qty`` describe the order after the line; ``position`` is
    the signed position of account and symbol after it. ``bid_px`` and ``ask_px`` are the market.
    """

    seq: int
    venue_ns: int
    account: str
    kind: str
    order_id: str
    cl_ord_id: str
    parent_id: str | None
    replaces: str | None
    leg: str | None
    symbol: str
    sign: int
    ord_type: str
    contingency: str
    status: str
    """The venue's status, except that a leg kept back is `HELD` or `ARMED`."""
    order_qty: int
    cum_qty: int
    leaves_qty: int
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
    kind = _text(row, "kind").lower()
    is_execution = kind in FILL_KINDS or kind in UNDO_KINDS
    cum_qty = _number(row, "cum_qty") or 0
    leaves_qty = _number(row, "leaves") or 0
    order_qty = _number(row, "order_qty")
    if order_qty is None:
        order_qty = cum_qty + leaves_qty if is_execution else _number(row, "qty") or 0
    side = _text(row, "side").upper()
    return Line(
        seq=_needed(row, "seq"),
        venue_ns=_needed(row, "venue_ns"),
        account=_text(row, "account"),
        kind=kind,
        order_id=_text(row, "order_id"),
        cl_ord_id=_text(row, "cl_ord_id"),
        parent_id=_text(row, "parent_id") or None,
        replaces=_text(row, "replaces") or None,
        leg=_text(row, "leg").upper() or None,
        symbol=_text(row, "symbol"),
        sign=0 if not side else 1 if side == "BUY" else -1,
        ord_type=_text(row, "ord_type").upper(),
        contingency=_text(row, "contingency").upper(),
        status=_status(row),
        order_qty=order_qty,
        cum_qty=cum_qty,
        leaves_qty=leaves_qty,
        limit_px=_number(row, "limit_px"),
        stop_px=_number(row, "stop_px"),
        last_px=(_number(row, "px") or 0) if is_execution else 0,
        last_qty=(_number(row, "qty") or 0) if is_execution else 0,
        exec_id=_text(row, "exec_id") or None,
        position=_number(row, "position"),
        bid_px=_number(row, "bid"),
        ask_px=_number(row, "ask"),
        text=_text(row, "text"),
    )


def _status(row: Mapping[str, object]) -> str:
    """The status as cover is judged by: an order that is not ``working`` yet is not `NEW`."""
    status = _text(row, "status").upper()
    if status in DEAD or not status:
        return status
    if status == HELD:
        return HELD if row.get("armed") is False else ARMED
    if row.get("working") is not False:
        return status
    if row.get("armed"):
        return ARMED
    return HELD if row.get("parent_id") else "PENDING_NEW"


def _text(row: Mapping[str, object], field: str) -> str:
    """The text of a field; absent, null and empty are the same thing: nothing was said."""
    value = row.get(field)
    if isinstance(value, str):
        return value
    if value is not None:
        raise AuditInputError(f"log line {row.get('seq')}: {field} is not text")
    return ""


def _number(row: Mapping[str, object], field: str) -> int | None:
    value = row.get(field)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise AuditInputError(f"log line {row.get('seq')}: {field} is not a whole number")
    return value


def _needed(row: Mapping[str, object], field: str) -> int:
    value = _number(row, field)
    if value is None:
        raise AuditInputError(f"log line {row.get('seq')}: {field} is missing")
    return value
