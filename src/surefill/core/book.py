"""The engine's book: open trades and the indexes by which events find them.

What: trades by id, symbol, broker order id and wake time; closed trades that are still watched for
late news; fingerprints of every plan ever accepted; ids of every closing request ever taken.
Invariants: iteration is in order of acceptance (never by hash or address); an index may point to a
trade that has moved on, never to none.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b

from surefill.core.breakout import has_come
from surefill.core.closing import is_through
from surefill.core.cover import cover_of
from surefill.core.events import ExecutionReport
from surefill.core.ids import parse_cl_ord_id
from surefill.core.market import MarketView
from surefill.core.plan import SECOND_NS, TradePlan
from surefill.core.ratchet import may_follow
from surefill.core.risk import worst_notional_usd
from surefill.core.shelf import Shelf
from surefill.core.tactic import Tactic
from surefill.core.trade import Trade

WATCH_NS = 2 * 86_400 * SECOND_NS
"""Closed trades are watched this long for late news (I10: at least the next session)."""


def fingerprint(plan: TradePlan) -> str:
    """What makes the same plan id the same plan."""
    return blake2b(repr(plan).encode(), digest_size=12).hexdigest()


class Book:
    """Trades of one account."""

    def __init__(self) -> None:
        self.open: dict[str, Trade] = {}
        self.watched = Shelf()
        self.closed: dict[str, str] = {}
        self.closings: set[str] = set()
        self._by_order_id: dict[str, str] = {}
        self._by_symbol: dict[str, list[str]] = {}
        self._wakes: list[tuple[int, str]] = []
        self._entering: set[str] = set()

    def get(self, trade_id: str) -> Trade | None:
        """An open or watched trade."""
        return self.open.get(trade_id) or self.watched.get(trade_id)

    def put(self, trade: Trade) -> None:
        """Remember a trade as it now is."""
        trade_id = trade.trade_id
        for order in trade.orders:
            if order.order_id is not None:
                self._by_order_id[order.order_id] = trade_id
        if trade.is_closed:
            self._retire(trade)
            return
        if trade_id not in self.open:
            self.watched.take(trade_id)
            self._by_symbol.setdefault(trade.symbol, []).append(trade_id)
        self.open[trade_id] = trade
        if trade.open_entry is not None:
            self._entering.add(trade_id)
        else:
            self._entering.discard(trade_id)
        if trade.wake_ns is not None:
            heapq.heappush(self._wakes, (trade.wake_ns, trade_id))

    def _retire(self, trade: Trade) -> None:
        trade_id = trade.trade_id
        self.closed[trade_id] = fingerprint(trade.plan)
        self._entering.discard(trade_id)
        if self.open.pop(trade_id, None) is not None:
            self._by_symbol[trade.symbol].remove(trade_id)
        self.watched.put(trade)
        for old in self.watched.take_before((trade.closed_ns or 0) - WATCH_NS):
            for order in old.orders:
                self._by_order_id.pop(order.order_id or "", None)

    def close_plan(self, plan: TradePlan) -> None:
        """Remember a plan that never became a trade."""
        self.closed[plan.plan_id] = fingerprint(plan)

    def known_as(self, plan_id: str) -> str | None:
        """Fingerprint of the plan that used this id before ("" when it is in the journal only);
        ``None`` for a new id."""
        trade = self.open.get(plan_id)
        return fingerprint(trade.plan) if trade is not None else self.closed.get(plan_id)

    def knows(self, plan_id: str) -> bool:
        """Whether this id was ever used; unlike `known_as` it costs nothing."""
        return plan_id in self.open or plan_id in self.closed

    def owner(self, report: ExecutionReport) -> Trade | None:
        """The trade that a report belongs to: by broker id, by the chain, by our own id."""
        trade_id = self.owner_id(report)
        return self.get(trade_id) if trade_id is not None else None

    def owner_id(self, report: ExecutionReport) -> str | None:
        """The id of that trade; a listing names many that are closed, and asks for no more."""
        for order_id in (report.order_id, report.replaces):
            trade_id = self._by_order_id.get(order_id or "")
            if trade_id is not None:
                return trade_id
        parsed = parse_cl_ord_id(report.cl_ord_id)
        if parsed is None:
            return None
        trade = self.get(parsed.plan_id)
        return parsed.plan_id if trade is not None and trade.order(report.cl_ord_id) else None

    def of_symbol(self, symbol: str) -> list[Trade]:
        """Open trades of a symbol, oldest first."""
        return [self.open[trade_id] for trade_id in self._by_symbol.get(symbol, ())]

    def concerned(self, view: MarketView, tactics: Mapping[str, Tactic]) -> Iterator[Trade]:
        """Open trades whose decisions this new view may change; most quotes concern nobody."""
        for trade in self.of_symbol(view.symbol):
            if trade.is_waiting:
                if has_come(trade.plan, view):
                    yield trade
                continue
            # Also between two entry orders: the next one may wait for a current quote.
            is_entering = trade.open_entry is not None or trade.entry_end is None
            if (is_entering and tactics[trade.plan.tactic].is_reactive) or (
                trade.position_qty > 0 and _may_matter(trade, view)
            ):
                yield trade

    def due(self, now: int) -> list[Trade]:
        """Open trades whose wake time has come, in order of time."""
        due: list[Trade] = []
        while self._wakes and self._wakes[0][0] <= now:
            wake_ns, trade_id = heapq.heappop(self._wakes)
            trade = self.open.get(trade_id)
            if trade is not None and trade.wake_ns == wake_ns and trade not in due:
                due.append(trade)
        return due

    def next_wake_ns(self) -> int | None:
        """The earliest wake time of any open trade."""
        while self._wakes:
            wake_ns, trade_id = self._wakes[0]
            trade = self.open.get(trade_id)
            if trade is not None and trade.wake_ns == wake_ns:
                return wake_ns
            heapq.heappop(self._wakes)
        return None

    def bare_first(self, among: Iterable[Trade] | None = None) -> list[Trade]:
        """Open trades (all, or those), the ones with uncovered shares first (I25)."""
        trades = self.open.values() if among is None else among
        return sorted(trades, key=lambda trade: cover_of(trade).uncovered_qty == 0)

    def is_entering(self) -> bool:
        """Whether any entry may still execute. Asked after every event, so it is counted."""
        return bool(self._entering)

    def committed_usd(self) -> int:
        """Worst-case notional of all open trades, 1e-9 USD; a breakout that waits has none yet."""
        entered = (trade for trade in self.open.values() if not trade.is_waiting)
        return sum(worst_notional_usd(t.plan, t.terms) for t in entered)

    def waiting_trades(self) -> int:
        """Breakouts whose trigger is still waited for."""
        return sum(trade.is_waiting for trade in self.open.values())


def _may_matter(trade: Trade, view: MarketView) -> bool:
    if trade.exit_reason is not None or trade.keep_qty is not None:
        return True
    if view.nbbo is None:
        return False
    if may_follow(trade, view):
        return True
    through = is_through(trade, (view.nbbo.bid_px, view.nbbo.ask_px))
    return through != (trade.through_since_ns is not None)
