"""One entry at a time against the exchange's own book: tactic, latencies and tape, nothing else.

What: `enter` plays one plan from its arrival until its time is up: the tactic sees quotes as late
as the engine would, orders and cancels travel as long as they do in the exchange
(`sim.models.DEFAULT_DELAYS`), `surefill.sim.book.Book` decides what fills.
Why beside the engine's replay: without cover, journal and auditor a plan takes five milliseconds
instead of half a second, so that hundreds can be played on every symbol-day, both sides at the same
instant. What the engine adds (cover that ends an entry, bracket remainders) is in the report apart.
Left out: rejects, rate limits, halts, and whatever the market would have done about us.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field

from surefill.core.fix import (
    Contingency,
    Feed,
    OrdStatus,
    OrdType,
    Side,
    TimeInForce,
    TradingStatus,
)
from surefill.core.market import MarketView, Nbbo, Print
from surefill.core.plan import Policy, TradePlan
from surefill.core.pricing import EntryTerms, entry_terms, legacy_terms
from surefill.core.session import SessionKind
from surefill.core.tactic import EntryView, Tactic, WantedEntry
from surefill.core.turn import REMAINDER_GRACE_NS
from surefill.core.units import NANO, US_EQUITY_TICKS
from surefill.replay.harness import FEED_DELAY_NS
from surefill.sim.book import REFRESH_NS, Book
from surefill.sim.models import Delay, LatencyModel
from surefill.sim.orders import VenueOrder
from surefill.sim.switches import Switches

SECOND_NS = 1_000_000_000
AFTER_NS = 2 * SECOND_NS
"""An order on its way when the time is up may still fill."""
Row = tuple[int, ...]
"""(ns, bid, bid size, ask, ask size) of a quote, (ns, price, size) of a print; 1e-9."""
Fill = tuple[int, int, int]
"""(ns, price, quantity)."""


@dataclass(frozen=True, slots=True)
class Day:
    """A tape in merged order. ``quotes``: the quotes alone."""

    symbol: str
    rows: list[Row]
    times: list[int]
    quotes: list[Row]
    quote_times: list[int]

    def quote_at(self, at_ns: int) -> Row:
        """The last quote at or before this instant."""
        return self.quotes[bisect_right(self.quote_times, at_ns) - 1]


@dataclass(slots=True)
class _Desk:
    """What the book tells. ``returns``: (when, sign, version) at which a taken size is back."""

    now_ns: int = 0
    fills: list[tuple[VenueOrder, Fill]] = field(default_factory=list)
    returns: list[tuple[int, int, int]] = field(default_factory=list)
    book: Book | None = None

    def fill(self, order: VenueOrder, px: int, qty: int) -> None:
        order.cum_qty += qty
        self.fills.append((order, (self.now_ns, px, qty)))
        if not order.open_qty and self.book is not None:
            self.book.remove(order)

    def elect(self, order: VenueOrder) -> None:
        raise AssertionError("there are no stops here")

    trailed = elect
    end_remainder = elect

    def session_kind(self) -> SessionKind:
        return SessionKind.RTH

    def is_short_filled(self, symbol: str) -> bool:
        return False

    def refresh_later(self, book: Book, sign: int, version: int) -> None:
        self.returns.append((self.now_ns + REFRESH_NS, sign, version))


class _Entry:
    """One plan on its way."""

    def __init__(
        self, plan: TradePlan, tactic: Tactic, at_ns: int, *, nbbo: Nbbo, beside: bool
    ) -> None:
        self.plan, self.tactic, self.at_ns = plan, tactic, at_ns
        self.beside = beside
        self.terms = terms_of(plan, is_legacy=tactic.name == "legacy")
        self.deadline_ns = at_ns + plan.with_policy(Policy()).fill_timeout_ns
        self.latency = LatencyModel(seed=f"{plan.plan_id}:{at_ns}")
        self.desk = _Desk(now_ns=at_ns)
        self.seen = nbbo
        self.known_qty = 0
        self.order: VenueOrder | None = None
        self.order_known_qty = 0
        self.sent_ns = self.sent = 0
        self.is_ending = self.is_over = False
        self.agenda: list[tuple[int, int, Callable[[], None]]] = []
        self.wake_ns: int | None = at_ns
        self.prints_percent = 100
        self._n = 0

    def later(self, at_ns: int, act: Callable[[], None]) -> None:
        self._n += 1
        heapq.heappush(self.agenda, (at_ns, self._n, act))

    def draw(self, *kinds: Delay) -> int:
        return sum(self.latency.draw(kind) for kind in kinds)

    def decide(self) -> None:
        """Ask the tactic, and do what is missing to have it so."""
        now = self.desk.now_ns
        if self.is_over:
            return
        left_qty = self.terms.order_qty - self.known_qty
        if now >= self.deadline_ns or left_qty <= 0:
            self.is_over = True
            self._end_order()
            return
        wanted = self.tactic.wanted(self._view(left_qty), now)
        if wanted is not None and wanted.until_ns is not None and wanted.until_ns > now:
            self.wake_ns = wanted.until_ns
        if self.order is None:
            if wanted is not None:
                self._send(wanted, min(left_qty, wanted.order_qty or left_qty))
        elif wanted != self._working():
            self._end_order()

    def _working(self) -> WantedEntry | None:
        order = self.order
        return WantedEntry(order.ord_type, order.limit_px) if order is not None else None

    def _view(self, left_qty: int) -> EntryView:
        now = self.desk.now_ns
        market = MarketView(
            self.plan.symbol, Feed.SIP, self.seen, TradingStatus.TRADING, alive_ns=now
        )
        return EntryView(
            sign=self.plan.sign,
            terms=self.terms,
            ticks=US_EQUITY_TICKS,
            leaves_qty=left_qty,
            started_ns=self.at_ns,
            deadline_ns=self.deadline_ns,
            session=SessionKind.RTH,
            market=market,
            working=self._working(),
            working_ns=self.sent_ns,
            quotes=self.sent,
            may_slice=self.beside,
        )

    def _send(self, wanted: WantedEntry, qty: int) -> None:
        self.sent += 1
        self.sent_ns = self.desk.now_ns
        self.is_ending, self.order_known_qty = False, 0
        order = _order(self.plan, wanted, qty, n=self.sent)
        self.order = order

        def arrives() -> None:
            assert self.desk.book is not None
            self.desk.book.add(order)
            self.desk.book.attempt(order)

        self.later(self.sent_ns + self.draw(Delay.UP, Delay.ROUTE), arrives)

    def _end_order(self) -> None:
        order = self.order
        if order is None or self.is_ending:
            return
        self.is_ending = True

        def known() -> None:
            if self.order is order and order.open_qty:
                self.known_qty += order.cum_qty - self.order_known_qty
                self.order = None
            self.decide()

        def ends() -> None:
            assert self.desk.book is not None
            if order.on_book:
                self.desk.book.remove(order)
                self.later(self.desk.now_ns + self.draw(Delay.STREAM), known)

        # It cannot end before it is there: the request waits for the answer to the first one.
        start_ns = max(self.desk.now_ns, self.sent_ns + 60_000_000)
        self.later(start_ns + self.draw(Delay.UP, Delay.CANCEL), ends)

    def told(self, order: VenueOrder, qty: int) -> None:
        """An execution becomes known."""
        if self.order is order:
            self.known_qty += qty
            self.order_known_qty += qty
            if self.order_known_qty == order.order_qty:
                self.order = None
            elif not self.beside:
                self.later(self.desk.now_ns + REMAINDER_GRACE_NS, self._give_way)
        self.decide()

    def _give_way(self) -> None:
        """What filled needs its cover, and the rest of the entry is in its way."""
        self.is_over = True
        self._end_order()


def terms_of(plan: TradePlan, *, is_legacy: bool = False) -> EntryTerms:
    """What the entry may cost, by the production code."""
    policy = plan.with_policy(Policy())
    if is_legacy:
        found = legacy_terms(plan, policy, US_EQUITY_TICKS)
    else:
        found = entry_terms(
            plan, policy, US_EQUITY_TICKS, buffer_ppb=policy.limit_buffer_regular_ppb
        )
    assert isinstance(found, EntryTerms), found
    return found


def enter(
    day: Day,
    plan: TradePlan,
    tactic: Tactic,
    *,
    at_ns: int,
    model: Switches,
    beside: bool = True,
    prints_percent: int = 100,
) -> list[Fill]:
    """The fills of one plan. ``beside``: its cover may rest beside the entry; where it may not, the
    first partial fill ends the entry, as in the engine (`core.entry`). ``prints_percent``: of each
    print at its price that is at our venue; one through its price is everywhere."""
    first = _nbbo(day.quote_at(at_ns))
    entry = _Entry(plan, tactic, at_ns, nbbo=first, beside=beside)
    entry.prints_percent = prints_percent
    desk = entry.desk
    book = desk.book = Book(plan.symbol, host=desk, switches=model, seed=0)
    book.on_quote(first)
    row = bisect_right(day.times, at_ns)
    end_ns = entry.deadline_ns + AFTER_NS
    while True:
        tape_ns = day.times[row] if row < len(day.times) else end_ns
        agenda_ns = entry.agenda[0][0] if entry.agenda else end_ns
        back_ns = desk.returns[0][0] if desk.returns else end_ns
        wake_ns = entry.wake_ns if entry.wake_ns is not None else end_ns
        now = min(tape_ns, agenda_ns, back_ns, wake_ns)
        if now >= end_ns or (entry.is_over and entry.order is None and now >= entry.deadline_ns):
            return [fill for _, fill in desk.fills]
        desk.now_ns, count = now, len(desk.fills)
        if now == tape_ns:
            _show(entry, day.rows[row], book)
            row += 1
        elif now == agenda_ns:
            heapq.heappop(entry.agenda)[2]()
        elif now == back_ns:
            _, sign, version = desk.returns.pop(0)
            book.refresh(sign, version)
        else:
            entry.wake_ns = entry.deadline_ns if now < entry.deadline_ns else None
            entry.decide()
        for order, (_, _, qty) in desk.fills[count:]:
            entry.later(now + entry.draw(Delay.STREAM), _telling(entry, order, qty))


def _telling(entry: _Entry, order: VenueOrder, qty: int) -> Callable[[], None]:
    return lambda: entry.told(order, qty)


def _show(entry: _Entry, row: Row, book: Book) -> None:
    """A row of the tape: to the book now, to the tactic later."""
    if len(row) == 3:
        is_ours = entry.order is not None and entry.order.limit_px == row[1]
        qty = row[2] * entry.prints_percent // 100 if is_ours else row[2]
        book.on_print(Print(row[1], qty // NANO * NANO, row[0], row[0]))
        return
    nbbo = _nbbo(row)
    book.on_quote(nbbo)
    if entry.is_over or not entry.tactic.is_reactive:
        return

    def seen() -> None:
        entry.seen = nbbo
        entry.decide()

    entry.later(row[0] + FEED_DELAY_NS, seen)


def _nbbo(row: Row) -> Nbbo:
    ns, bid_px, bid_qty, ask_px, ask_qty = row
    return Nbbo(bid_px, bid_qty, ask_px, ask_qty, ns, ns)


def _order(plan: TradePlan, wanted: WantedEntry, qty: int, *, n: int) -> VenueOrder:
    return VenueOrder(
        seq=n,
        order_id=str(n),
        cl_ord_id="",
        account="",
        symbol=plan.symbol,
        asset_id="",
        side=Side.BUY if plan.sign > 0 else Side.SELL,
        is_short_sale=False,
        is_opening=True,
        ord_type=OrdType.MARKET if wanted.limit_px is None else OrdType.LIMIT,
        tif=TimeInForce.DAY,
        order_qty=qty,
        notional_usd=None,
        limit_px=wanted.limit_px,
        stop_px=None,
        extended_hours=False,
        contingency=Contingency.NONE,
        created_ns=0,
        submitted_ns=0,
        updated_ns=0,
        status=OrdStatus.NEW,
    )
