"""Parents from a broker's own history: what execution cost before anything is changed.

What: `parents_of` turns orders and executions (as neutral reports) into parents: which orders
opened a position, which closed one, first in first out by symbol.
How: executions in order of time move a position per symbol from flat. One that increases it belongs
to an entry, one that reduces it to an exit of the oldest open entry; one that does both is split.
Replaced orders are one order with their successors. Stop and target are those of the entry's legs.
What a history does not know: the signal. ``signals`` (order id or client order id -> 1e-9 USD) may
say it; without one the paper price is the arrival mid of a tape, or nothing is measured against it.
Invariants: every execution is in exactly one entry or exit; shares that were held before the
history begins look like the other side's entry: begin where the account was flat.
Must never: guess a price. An order that executed without a known execution counts at the broker's
average, and as one execution.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from surefill.core.events import ExecutionReport
from surefill.core.fix import Leg, OrdStatus, OrdType
from surefill.core.values import replace
from surefill.tca.facts import Fate
from surefill.tca.parent import Closing, Execution, Parent

_LEGS = {
    OrdType.MARKET: Leg.FLATTEN,
    OrdType.LIMIT: Leg.TARGET,
    OrdType.STOP: Leg.STOP,
    OrdType.STOP_LIMIT: Leg.STOP,
    OrdType.TRAILING_STOP: Leg.STOP,
}


@dataclass(slots=True)
class _Order:
    """An order with its successors. ``last``: the newest report of them; ``legs``: its exits;
    ``cum_qty``: of all of them (1e-9 share)."""

    first: ExecutionReport
    last: ExecutionReport
    legs: tuple[ExecutionReport, ...]
    is_leg: bool
    cum_qty: int = 0

    @property
    def is_over(self) -> bool:
        """Whether nothing more can come: by its status, or because everything was executed (an
        order may have been exported before its executions were)."""
        return self.last.ord_status.is_terminal or self.cum_qty >= self.last.order_qty


@dataclass(slots=True, eq=False)
class _Open:
    """An entry and what of it is still held (1e-9 share)."""

    order: _Order
    sign: int
    fills: list[Execution] = field(default_factory=list)
    closings: list[Closing] = field(default_factory=list)
    held_qty: int = 0


def parents_of(
    orders: Sequence[ExecutionReport],
    fills: Sequence[ExecutionReport],
    *,
    signals: Mapping[str, int] | None = None,
) -> tuple[Parent, ...]:
    """Every entry of the history, in order of arrival, the unfilled ones too."""
    book = _Book(_with_unknown(_joined(orders), fills))
    for fill in sorted(
        _executions(orders, fills), key=lambda one: (one.venue_ns, one.exec_id or "")
    ):
        book.take(fill)
    made = [_parent(one, signals or {}) for one in book.found.values()]
    made += [_missed(order, signals or {}) for order in book.unfilled()]
    return tuple(sorted(made, key=lambda one: (one.arrival_ns, one.plan_id)))


def _flat(
    orders: Iterable[ExecutionReport], *, is_leg: bool = False
) -> Iterator[tuple[ExecutionReport, bool]]:
    for order in orders:
        yield order, is_leg
        yield from _flat(order.legs, is_leg=True)


def _joined(orders: Sequence[ExecutionReport]) -> dict[str, _Order]:
    """Order id -> the order that it is a part of."""
    found: dict[str, _Order] = {}
    pairs = {order.order_id: (order, is_leg) for order, is_leg in _flat(orders)}
    for order, is_leg in sorted(pairs.values(), key=lambda pair: pair[0].submitted_ns):
        before = found.get(order.replaces or "")
        if before is None:
            found[order.order_id] = _Order(order, order, order.legs, is_leg)
            continue
        before.last = order
        before.legs = order.legs or before.legs
        found[order.order_id] = before
    return found


def _with_unknown(known: dict[str, _Order], fills: Iterable[ExecutionReport]) -> dict[str, _Order]:
    """Executions whose order is not in the export stand for it."""
    for fill in sorted(fills, key=lambda one: one.venue_ns):
        made = known.setdefault(fill.order_id, _Order(fill, fill, (), False))
        if made.first.exec_id is not None:
            made.last = fill
    return known


def _executions(
    orders: Sequence[ExecutionReport], fills: Sequence[ExecutionReport]
) -> Iterator[ExecutionReport]:
    """Every execution once; what an order executed beyond the known ones, at its average."""
    once = {fill.exec_id: fill for fill in fills}
    told: dict[str, int] = defaultdict(int)
    for fill in once.values():
        told[fill.order_id] += fill.last_qty or 0
        yield fill
    for order in {one.order_id: one for one, _ in _flat(orders)}.values():
        if order.cum_qty and not told[order.order_id] and order.avg_px:
            yield replace(
                order, last_qty=order.cum_qty, last_px=order.avg_px, exec_id=order.order_id
            )


class _Book:
    """``found``: order id -> its entry; ``_open``: symbol -> entries that hold shares, oldest
    first; ``_seen``: orders with an execution; ``_positions``: symbol -> (instant, held after)."""

    def __init__(self, orders: dict[str, _Order]) -> None:
        self._orders = orders
        self._open: dict[str, list[_Open]] = defaultdict(list)
        self._seen: set[str] = set()
        self._positions: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self.found: dict[str, _Open] = {}

    def take(self, fill: ExecutionReport) -> None:
        """One execution: first it closes what is open against it, the rest opens."""
        order = self._orders[fill.order_id]
        sign, left_qty = fill.side.sign, fill.last_qty or 0
        self._seen.add(order.first.order_id)
        order.cum_qty += left_qty
        stack = self._open[fill.symbol]
        while left_qty and stack and stack[0].sign != sign:
            left_qty -= self._close(stack, order, fill=replace(fill, last_qty=left_qty))
        if left_qty:
            self._enter(stack, order, fill=replace(fill, last_qty=left_qty))
        held = sum(one.sign * one.held_qty for one in stack)
        self._positions[fill.symbol].append((fill.venue_ns, held))

    def _close(self, stack: list[_Open], order: _Order, *, fill: ExecutionReport) -> int:
        oldest = stack[0]
        qty = min(oldest.held_qty, fill.last_qty or 0)
        stop_px = order.last.stop_px
        leg = _LEGS[order.last.ord_type]
        oldest.closings.append(Closing(leg, qty, fill.last_px or 0, fill.venue_ns, stop_px))
        oldest.held_qty -= qty
        if not oldest.held_qty:
            stack.pop(0)
        return qty

    def _enter(self, stack: list[_Open], order: _Order, *, fill: ExecutionReport) -> None:
        key, qty = order.first.order_id, fill.last_qty or 0
        entry = self.found.setdefault(key, _Open(order, fill.side.sign))
        entry.fills.append(Execution(qty, fill.last_px or 0, fill.venue_ns))
        entry.held_qty += qty
        if all(one is not entry for one in stack):
            stack.append(entry)

    def unfilled(self) -> Iterator[_Order]:
        """Ended orders without an execution that would have opened or increased a position."""
        for key, order in self._orders.items():
            is_first = order.first.order_id == key
            if not is_first or order.is_leg or key in self._seen:
                continue
            if order.last.ord_status not in _ENDED:
                continue
            held = self._held(order.first.symbol, order.first.submitted_ns)
            if held * order.first.side.sign >= 0:
                yield order

    def _held(self, symbol: str, at_ns: int) -> int:
        before = [held for ns, held in self._positions[symbol] if ns <= at_ns]
        return before[-1] if before else 0


_ENDED = frozenset({OrdStatus.CANCELED, OrdStatus.EXPIRED, OrdStatus.REJECTED})


def _parent(entry: _Open, signals: Mapping[str, int]) -> Parent:
    order, fills = entry.order, tuple(entry.fills)
    last_ns = max(fill.at_ns for fill in fills)
    base = _base(order, signals, fallback_ns=min(fill.at_ns for fill in fills))
    return replace(
        base,
        fate=Fate.ENTERED if order.is_over else Fate.PENDING,
        code=order.last.ord_status.value,
        # What an order closed before it opened anything was never wanted as an entry.
        order_qty=_wanted_qty(order, sum(fill.qty for fill in fills)),
        end_ns=last_ns,
        budget_ns=max(last_ns, base.budget_ns),
        fills=fills,
        closings=tuple(entry.closings),
    )


def _wanted_qty(order: _Order, entered_qty: int) -> int:
    closed_qty = max(0, order.last.cum_qty - entered_qty)
    return max(entered_qty, order.last.order_qty - closed_qty)


def _missed(order: _Order, signals: Mapping[str, int]) -> Parent:
    base = _base(order, signals, fallback_ns=order.last.venue_ns)
    is_refused = order.last.ord_status is OrdStatus.REJECTED
    return replace(base, fate=Fate.REJECTED if is_refused else Fate.NOT_ENTERED)


def _base(order: _Order, signals: Mapping[str, int], *, fallback_ns: int) -> Parent:
    first, last = order.first, order.last
    arrival_ns = first.submitted_ns or fallback_ns
    keys = (first.order_id, first.cl_ord_id)
    stop_px = next((leg.stop_px for leg in order.legs if leg.stop_px is not None), None)
    targets = (leg.limit_px for leg in order.legs if leg.stop_px is None)
    target_px = next((px for px in targets if px is not None), None)
    return Parent(
        plan_id=first.cl_ord_id or first.order_id,
        symbol=first.symbol,
        sign=first.side.sign,
        path=last.ord_type.value.lower(),
        fate=Fate.NOT_ENTERED,
        code=last.ord_status.value,
        order_qty=last.order_qty,
        arrival_ns=arrival_ns,
        end_ns=max(arrival_ns, last.venue_ns),
        budget_ns=max(arrival_ns, last.venue_ns),
        signal_px=next((signals[key] for key in keys if key in signals), None),
        stop_px=stop_px,
        target_px=target_px,
        rest_stop_px=stop_px,
        rest_target_px=target_px,
    )
