"""What a client gets to read: the venue as it is, or as it was a moment ago (fault N8).

What: `Reads` answers every read of the protocol. Without ``as_of_ns`` it asks the exchange; with
it, it answers from the history of order events and fills up to that instant.
Why: a broker's read side lags its write side, lists more than single reads; whoever trusts one read
too much must be caught here.
Invariants: a stale answer is a state that really existed; nothing later than ``as_of_ns`` shows.
Must never: change the venue.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict

from surefill.core.fix import Side
from surefill.core.values import replace
from surefill.sim.alpaca.words import EXECUTIONS
from surefill.sim.exchange import Exchange
from surefill.sim.types import (
    FillRecord,
    OrderQuery,
    OrderRequest,
    OrderScope,
    OrderSnapshot,
    PositionView,
    Refusal,
    RefusalKind,
    VenueEvent,
)

EVERYTHING = 1_000_000
"""Larger than any account's number of orders: a stale listing filters by itself."""


class Reads:
    """Reads of one exchange, with the history that stale reads need."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        # account -> its events
        self._events: dict[str, list[VenueEvent]] = defaultdict(list)
        # order_id -> [(time, order at that time)], account -> [(time, positions from then on)]
        self._orders: dict[str, list[tuple[int, OrderSnapshot]]] = defaultdict(list)
        self.positions_then: dict[str, list[tuple[int, list[PositionView]]]] = defaultdict(list)

    def on_order(self, event: VenueEvent) -> None:
        """Remember what this event changed."""
        self.remember(event)
        if event.kind in EXECUTIONS:
            views = self._exchange.positions(event.account)
            self.positions_then[event.account].append((event.venue_ns, views))

    def remember(self, event: VenueEvent) -> None:
        """Keep the event and the order as it was then."""
        self._events[event.account].append(event)
        self._orders[event.order.order_id].append((event.venue_ns, event.order))

    def everything(self) -> list[VenueEvent]:
        """Everything that was streamed, oldest first (a snapshot keeps it)."""
        events = [event for rows in self._events.values() for event in rows]
        return sorted(events, key=lambda event: event.seq)

    def events(self, account: str) -> list[VenueEvent]:
        """Everything that was streamed to this account, oldest first."""
        return self._events.get(account, [])

    # -- orders -------------------------------------------------------------------------------

    def order(
        self, account: str, order_id: str, *, nested: bool, as_of_ns: int | None
    ) -> OrderSnapshot:
        """One order by the venue's id."""
        now = self._exchange.order(account, order_id, nested=nested)
        return self._single(now, as_of_ns, {"order_id": order_id})

    def order_by_cl_ord_id(
        self, account: str, cl_ord_id: str, *, as_of_ns: int | None
    ) -> OrderSnapshot:
        """One order by the client's id, with its legs."""
        now = self._exchange.order_by_cl_ord_id(account, cl_ord_id, nested=True)
        return self._single(now, as_of_ns, {"cl_ord_id": cl_ord_id})

    def orders(
        self, account: str, query: OrderQuery, *, as_of_ns: int | None
    ) -> list[OrderSnapshot]:
        """A listing."""
        if as_of_ns is None:
            return self._exchange.orders(account, query)
        # Only the scope and the limit depend on the state; the other filters hold at any time.
        wide = replace(query, scope=OrderScope.ALL, limit=EVERYTHING)
        then = [self._then(order, as_of_ns) for order in self._exchange.orders(account, wide)]
        return [order for order in then if order and _in_scope(order, query)][: query.limit]

    def _single(
        self, now: OrderSnapshot, as_of_ns: int | None, context: dict[str, object]
    ) -> OrderSnapshot:
        then = now if as_of_ns is None else self._then(now, as_of_ns)
        if then is None:
            raise Refusal(RefusalKind.ORDER_NOT_FOUND, context)
        return then

    def _then(self, order: OrderSnapshot, as_of_ns: int) -> OrderSnapshot | None:
        """The order as of an instant; ``None`` when it did not exist yet."""
        if order.submitted_ns > as_of_ns and order.created_ns > as_of_ns:
            return None
        legs = tuple(leg for leg in (self._then(x, as_of_ns) for x in order.legs) if leg)
        if order.updated_ns <= as_of_ns:
            return replace(order, legs=legs)
        history = self._orders.get(order.order_id, [])
        index = bisect_right(history, as_of_ns, key=lambda entry: entry[0])
        return replace(history[index - 1][1], legs=legs) if index else None

    # -- the rest -----------------------------------------------------------------------------

    def positions(self, account: str, *, as_of_ns: int | None) -> list[PositionView]:
        """Open positions."""
        if as_of_ns is None:
            return self._exchange.positions(account)
        history = self.positions_then.get(account, [])
        index = bisect_right(history, as_of_ns, key=lambda entry: entry[0])
        return history[index - 1][1] if index else []

    def position(self, account: str, symbol: str, *, as_of_ns: int | None) -> PositionView:
        """One position, by symbol or asset id."""
        if as_of_ns is None:
            return self._exchange.position(account, symbol)
        for view in self.positions(account, as_of_ns=as_of_ns):
            if symbol in (view.symbol, view.asset_id):
                return view
        raise Refusal(RefusalKind.POSITION_NOT_FOUND, {"symbol": symbol})

    def fills(self, account: str, *, as_of_ns: int | None) -> list[FillRecord]:
        """Executions that count, oldest first: a busted one disappears from the activities."""
        fills = [fill for fill in self._exchange.fills(account) if not fill.busted]
        if as_of_ns is None:
            return fills
        return [fill for fill in fills if fill.venue_ns <= as_of_ns]


def _in_scope(order: OrderSnapshot, query: OrderQuery) -> bool:
    if query.scope is OrderScope.ALL:
        return True
    if order.status.is_terminal:
        return query.scope is OrderScope.CLOSED
    return query.scope is OrderScope.OPEN and (query.nested or not order.held)


def would_be_short(exchange: Exchange, account: str, request: OrderRequest) -> bool:
    """Whether a request would open or add to a short position."""
    is_sale = request.side is Side.SELL
    return is_sale and position_qty(exchange, account, request.symbol) <= 0


def position_qty(exchange: Exchange, account: str, symbol: str) -> int:
    """The signed position, 1e-9 share; 0 when flat."""
    try:
        return exchange.position(account, symbol).qty
    except Refusal:
        return 0
