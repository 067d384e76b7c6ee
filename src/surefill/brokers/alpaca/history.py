"""An account's history as the API hands it out: order pages and activity pages, in any order.

What: `read_export` turns the bytes of any number of files into neutral reports: orders with their
legs, executions once each, the sum of fee activities.
Forms that are understood: a JSON array (a page of ``GET /v2/orders?status=all&nested=true`` or of
``GET /v2/account/activities``), one object, or one object or array a line.
Invariants: what cannot be read is counted and named, never guessed; a record that stands twice
(pages that overlap) is one; other asset classes and other activities are counted as passed over.
Must never: connect to anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from msgspec import Raw, Struct

from surefill.brokers.alpaca.translate.orders import (
    fill_report,
    is_foreign,
    order_key,
    order_report,
)
from surefill.brokers.alpaca.translate.times import to_ns
from surefill.brokers.alpaca.wire import Unreadable, attempt, decode, lone_number, split
from surefill.core.events import ExecutionReport
from surefill.core.units import UnitError, to_nano
from surefill.core.values import replace

FEE_TYPES = frozenset({"FEE", "CFEE", "PTC"})
NULL = Raw(b"null")


class _KindWire(Struct, frozen=True):
    """Enough of a record to tell what it is."""

    id: str = ""
    activity_type: str | None = None
    order_class: str | None = None
    client_order_id: str | None = None
    net_amount: Raw = NULL


class _FilledWire(Struct, frozen=True):
    """When an order and its legs were filled."""

    id: str = ""
    filled_at: str | None = None
    legs: list[_FilledWire] | None = None


@dataclass(frozen=True, slots=True)
class Export:
    """What the files held. ``fees_usd``: 1e-9 USD, positive is cost; ``passed``: records of other
    kinds; ``unreadable``: what could not be understood."""

    orders: tuple[ExecutionReport, ...]
    fills: tuple[ExecutionReport, ...]
    fees_usd: int
    passed: int
    unreadable: tuple[Unreadable, ...]


def read_export(files: Iterable[bytes]) -> Export:
    """Every record of these files."""
    orders: dict[str, ExecutionReport] = {}
    fills: dict[str, Raw] = {}
    fees: dict[str, int] = {}
    bad: list[Unreadable] = []
    passed = 0
    for found in _records(files):
        if isinstance(found, Unreadable):
            bad.append(found)
            continue
        raw, kind = found
        if kind.activity_type == "FILL":
            fills[kind.id] = raw
        elif kind.activity_type in FEE_TYPES:
            fees[kind.id] = _paid(kind.net_amount)
        elif kind.activity_type is not None or _is_foreign(raw):
            passed += 1
        else:
            report = _order(raw)
            if isinstance(report, Unreadable):
                bad.append(report)
            else:
                orders[report.order_id] = report
    known = {one.order_id: one for order in orders.values() for one in (order, *order.legs)}
    read = [fill_report(raw, 0, known) for raw in fills.values()]
    bad += [one for one in read if isinstance(one, Unreadable)]
    return Export(
        tuple(orders.values()),
        tuple(one for one in read if isinstance(one, ExecutionReport)),
        sum(fees.values()),
        passed,
        tuple(bad),
    )


def _records(files: Iterable[bytes]) -> Iterator[tuple[Raw, _KindWire] | Unreadable]:
    for data in files:
        for raw in _items(data):
            kind = attempt("record", lambda raw=raw: decode(_KindWire, raw))  # type: ignore[misc]
            yield kind if isinstance(kind, Unreadable) else (raw, kind)


def _items(data: bytes) -> list[Raw]:
    """The records of a file: of an array as a whole, or line by line."""
    whole = attempt("page", lambda: split(data))
    if not isinstance(whole, Unreadable):
        return whole
    found: list[Raw] = []
    for line in data.splitlines():
        if not line.strip():
            continue
        page = attempt("page", lambda line=line: split(line))  # type: ignore[misc]
        found += [Raw(line)] if isinstance(page, Unreadable) else page
    return found


def _is_foreign(raw: Raw) -> bool:
    key = order_key(raw)
    return not isinstance(key, Unreadable) and is_foreign(key)


def _paid(net_amount: Raw) -> int:
    """A fee's amount is negative: money that left the account."""
    number = lone_number(net_amount)
    try:
        return 0 if number is None else -to_nano(number)
    except UnitError:
        return 0


def _order(raw: Raw) -> ExecutionReport | Unreadable:
    """The order, dated by its fill where it has one: the last update may be its legs' end."""
    report = order_report(raw, 0)
    dates = attempt("order", lambda: decode(_FilledWire, raw))
    if isinstance(report, Unreadable) or isinstance(dates, Unreadable):
        return report
    return _dated(report, dates)


def _dated(report: ExecutionReport, dates: _FilledWire) -> ExecutionReport:
    by_id = {one.id: one for one in dates.legs or ()}
    legs = tuple(
        _dated(leg, by_id[leg.order_id]) if leg.order_id in by_id else leg for leg in report.legs
    )
    filled = dates.filled_at
    at_ns = attempt("filled_at", lambda: to_ns(filled, "filled_at")) if filled else None
    return replace(report, legs=legs, venue_ns=at_ns if isinstance(at_ns, int) else report.venue_ns)
