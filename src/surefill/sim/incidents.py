"""What happens to an instrument or an account: halts, delistings, splits, gaps, liquidations.

What: `IncidentDesk.perform` does what a fault of `surefill.sim.catalogue.ACTS` says, on one symbol
(V25: one account), `undo` takes it back where that is possible; `Bend` is how the tape's prices are
changed from then on (gap, split, fall to a dollar).
Why: an executor must have met the rare days before they come, on any tape.
Invariants: books stay exact: what a split or a dividend changes is an entry of the ledger; every
change of an order is an event; orders are ended through the order desk alone.
Not modelled: changes of symbol, mergers, rights; shares that a reverse split leaves over stay as
fractions.
Must never: decide whether a fault strikes (`surefill.sim.faults` does).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from surefill.core.fix import Contingency, OrdStatus, OrdType, Side, TimeInForce, TradingStatus
from surefill.core.market import Nbbo, Print
from surefill.core.units import NANO, US_EQUITY_TICKS, TickBand, TickSchedule
from surefill.core.values import replace
from surefill.sim.agenda import StepKind
from surefill.sim.assets import Asset
from surefill.sim.book import Book
from surefill.sim.catalogue import FaultCode
from surefill.sim.faults import Fault
from surefill.sim.luld import BandDesk, SetStatus
from surefill.sim.market import MarketEvent, PrintEvent, QuoteEvent
from surefill.sim.orders import VenueOrder
from surefill.sim.state import Venue
from surefill.sim.types import OrderEventKind, OrderRequest, Refusal

LIQUIDATION_NS = 500_000_000
"""From the cancel of an account's orders to the orders that close its positions, and from one
attempt to the next."""
LIQUIDATION_TRIES = 10
MICROS = NANO // 1_000_000
TICKS: Mapping[str, TickSchedule] = {
    "nickel": TickSchedule((US_EQUITY_TICKS.bands[0], TickBand(NANO, NANO // 20))),
    "half_penny": TickSchedule((US_EQUITY_TICKS.bands[0], TickBand(NANO, NANO // 200))),
}
"""Grids of fault V24: five cents as in the pilot of 2016, half a cent as adopted in 2024."""


@dataclass(frozen=True, slots=True)
class Bend:
    """Prices of the tape are multiplied by ``num / den`` and put on the grid, outward."""

    num: int = 1
    den: int = 1

    def by(self, num: int, den: int) -> Bend:
        """This one and another after it."""
        return Bend(self.num * num, self.den * den)

    def event(self, event: MarketEvent, ticks: TickSchedule) -> MarketEvent:
        """The event with its prices changed; sizes, times and statuses stay."""
        if isinstance(event, QuoteEvent):
            nbbo = event.nbbo
            return QuoteEvent(
                event.symbol,
                replace(
                    nbbo,
                    bid_px=self._px(nbbo.bid_px, ticks.floor_ratio, ticks),
                    ask_px=self._px(nbbo.ask_px, ticks.ceil_ratio, ticks),
                ),
            )
        if isinstance(event, PrintEvent):
            px = self._px(event.print_.px, ticks.floor_ratio, ticks)
            return PrintEvent(event.symbol, replace(event.print_, px=px))
        return event

    def _px(self, px: int, rounded: Callable[[int, int], int], ticks: TickSchedule) -> int:
        return max(ticks.tick_at(0), rounded(px * self.num, self.den)) if px > 0 else px


class IncidentHost(Protocol):
    """What incidents need of the exchange."""

    def submit(self, account: str, request: OrderRequest) -> object:
        """Place an order of the broker's own; may raise `Refusal`."""

    def end_order(self, order: VenueOrder, status: OrdStatus | None, text: str) -> None:
        """End a live order; ``None``: as its time in force ends."""


class IncidentDesk:
    """Performs incidents on one venue."""

    def __init__(
        self, venue: Venue, host: IncidentHost, *, bands: BandDesk, set_status: SetStatus
    ) -> None:
        self._venue = venue
        self._host = host
        self._bands = bands
        self._set_status = set_status
        self._acts: Mapping[FaultCode, Callable[[Fault, str], None]] = {
            FaultCode.V7: lambda _, name: set_status(name, TradingStatus.HALTED, ""),
            FaultCode.V8: self._limit_state,
            FaultCode.V10: lambda _, name: self._end_all(name, TimeInForce.DAY),
            FaultCode.V12: self._untradable,
            FaultCode.V13: lambda _, name: self._hard_to_borrow(name),
            FaultCode.V14: self._corporate_action,
            FaultCode.V15: self._gap,
            FaultCode.V21: lambda _, name: self._end_all(name, TimeInForce.GTC),
            FaultCode.V23: lambda _, name: self._fall_to_a_dollar(name),
            FaultCode.V24: lambda fault, name: self._set_asset(name, ticks=TICKS[fault.mode]),
            FaultCode.V25: self._account,
        }
        venue.agenda.does(StepKind.SPLIT, self._split)
        venue.agenda.does(StepKind.DIVIDEND, self._pay)
        venue.agenda.does(StepKind.LIQUIDATE, self._liquidate)
        venue.agenda.does(StepKind.END_INCIDENT, self._undo)

    # --- which and when -------------------------------------------------------------------

    def names(self, code: FaultCode) -> list[str]:
        """What a fault may strike: accounts for V25, else instruments."""
        if code is FaultCode.V25:
            return sorted(self._venue.ledgers)
        return [asset.symbol for asset in self._venue.assets.all()]

    def perform(self, fault: Fault, name: str) -> None:
        """Do it now; with ``for_ms`` it will be undone."""
        self._venue.log.append(
            self._venue.now_ns,
            {"kind": "incident", "text": f"{fault.code} {name} {dict(fault.params)}"},
        )
        self._acts[fault.code](fault, name)
        if "for_ms" in fault.params:
            ends_ns = self._venue.now_ns + fault.number("for_ms", 0) * 1_000_000
            self._venue.at(ends_ns, StepKind.END_INCIDENT, fault.code.value, name)

    def _undo(self, code: str, name: str) -> None:
        match FaultCode(code):
            case FaultCode.V7:
                self._set_status(name, TradingStatus.TRADING, "")
            case FaultCode.V12:
                self._set_asset(name, active=True, tradable=True)
            case FaultCode.V13:
                self._set_asset(name, shortable=True, easy_to_borrow=True)
            case FaultCode.V15 | FaultCode.V23:
                self._venue.bends.pop(name, None)
            case FaultCode.V24:
                self._set_asset(name, ticks=US_EQUITY_TICKS)
            case FaultCode.V25:
                self._venue.ledgers[name].blocked = False
            case _:
                pass  # a pause, an order that ended, a split: nobody takes that back

    # --- instruments ----------------------------------------------------------------------

    def _live_orders(self, symbol: str) -> list[VenueOrder]:
        return [
            order for ledger in self._venue.ledgers.values() for order in ledger.live_orders(symbol)
        ]

    def _end_all(self, symbol: str, tif: TimeInForce) -> None:
        for order in self._live_orders(symbol):
            if order.tif is tif and order.is_live:
                self._host.end_order(order, None, "")

    def _set_asset(
        self,
        symbol: str,
        *,
        active: bool | None = None,
        tradable: bool | None = None,
        shortable: bool | None = None,
        easy_to_borrow: bool | None = None,
        ticks: TickSchedule | None = None,
    ) -> None:
        old = self._venue.assets.note_quote(symbol)
        asset: Asset = replace(
            old,
            active=old.active if active is None else active,
            tradable=old.tradable if tradable is None else tradable,
            shortable=old.shortable if shortable is None else shortable,
            easy_to_borrow=old.easy_to_borrow if easy_to_borrow is None else easy_to_borrow,
            ticks=old.ticks if ticks is None else ticks,
        )
        self._venue.assets.put(asset)

    def _limit_state(self, fault: Fault, symbol: str) -> None:
        again = fault.number("rehalts", 0)
        self._bands.impose(symbol, is_upper=fault.mode == "up", again=again)

    def _untradable(self, fault: Fault, symbol: str) -> None:
        is_delisted = fault.mode == "delisted"
        self._set_asset(symbol, tradable=False, active=False if is_delisted else None)
        if is_delisted:
            for order in self._live_orders(symbol):
                if order.is_live:
                    self._host.end_order(order, OrdStatus.CANCELED, "asset is not active")

    def _hard_to_borrow(self, symbol: str) -> None:
        self._set_asset(symbol, shortable=False, easy_to_borrow=False)
        for order in self._live_orders(symbol):
            if order.is_live and order.is_short_sale:
                self._host.end_order(order, OrdStatus.CANCELED, "asset is hard to borrow")

    # --- prices ---------------------------------------------------------------------------

    def _gap(self, fault: Fault, symbol: str) -> None:
        bps = fault.number("bps", 500)
        self._bend(symbol, 10_000 + (bps if fault.mode == "up" else -min(bps, 9_900)), 10_000)

    def _fall_to_a_dollar(self, symbol: str) -> None:
        book = self._venue.books.get(symbol)
        px = book.reference_px() if book is not None else None
        if px:
            self._bend(symbol, NANO, px)

    def _bend(self, symbol: str, num: int, den: int) -> None:
        """The tape is another one from now on, and the market is there at once: a quote, and a
        print at it that elects the stops it has jumped over."""
        venue = self._venue
        venue.bends[symbol] = venue.bends.get(symbol, Bend()).by(num, den)
        book = venue.books.get(symbol)
        if book is None or book.nbbo is None:
            return
        jump, now_ns = Bend(num, den), venue.now_ns
        ticks = venue.assets.note_quote(symbol).ticks
        nbbo = replace(book.nbbo, venue_ns=now_ns, recv_ns=now_ns)
        quote = jump.event(QuoteEvent(symbol, nbbo), ticks)
        assert isinstance(quote, QuoteEvent)
        venue.jumps.append(quote)
        px = quote.nbbo.bid_px or quote.nbbo.ask_px
        venue.jumps.append(PrintEvent(symbol, Print(px, 100 * NANO, now_ns, now_ns)))

    # --- corporate actions ----------------------------------------------------------------

    def _corporate_action(self, fault: Fault, symbol: str) -> None:
        """At the beginning of the next exchange day, before its pre-market."""
        now_ns = self._venue.now_ns
        starts = [s.pre_ns for s in self._venue.calendar.sessions if s.pre_ns > now_ns]
        if not starts:
            return
        if fault.mode == "dividend":
            amount_usd = fault.number("amount_micros", 500_000) * MICROS
            self._venue.at(starts[0], StepKind.DIVIDEND, symbol, amount_usd)
            return
        new, old = max(1, fault.number("new", 10)), max(1, fault.number("old", 1))
        self._venue.at(starts[0], StepKind.SPLIT, symbol, new, old)

    def _pay(self, symbol: str, amount_usd: int) -> None:
        self._act_corporate(symbol, new=1, old=1, amount_usd=amount_usd)

    def _split(self, symbol: str, new: int, old: int) -> None:
        self._act_corporate(symbol, new=max(1, new), old=max(1, old), amount_usd=0)

    def _act_corporate(self, symbol: str, *, new: int, old: int, amount_usd: int) -> None:
        """``new`` shares for ``old``, or ``amount_usd`` (1e-9) a share in cash."""
        venue = self._venue
        ticks = venue.assets.note_quote(symbol).ticks
        for ledger in venue.ledgers.values():
            if ledger.position_qty(symbol):
                ledger.book_action(
                    symbol, new=new, old=old, amount_usd=amount_usd, at_ns=venue.now_ns
                )
        for order in self._live_orders(symbol):
            if order.is_live:
                self._adjust(order, ticks, new=new, old=old, amount_usd=amount_usd)
        if new == old:
            return
        venue.bends[symbol] = venue.bends.get(symbol, Bend()).by(old, new)
        book = venue.books.get(symbol)
        if book is not None:
            self._restate(book, Bend(old, new), ticks)

    def _adjust(
        self, order: VenueOrder, ticks: TickSchedule, *, new: int, old: int, amount_usd: int
    ) -> None:
        """Simple resting buy limits follow the price (spec 1.10); everything else is DNR/DNC, and a
        reverse split ends it, for the shares are not there any more."""
        is_adjusted = (
            order.contingency is Contingency.NONE
            and order.side is Side.BUY
            and order.ord_type is OrdType.LIMIT
            and order.tif is TimeInForce.GTC
            and order.cum_qty == 0
        )
        if is_adjusted and order.limit_px is not None:
            limit_px = ticks.floor_ratio((order.limit_px - amount_usd) * old, new)
            order.limit_px = max(ticks.tick_at(0), limit_px)
            order.order_qty = max(NANO, order.order_qty * new // old // NANO * NANO)
            self._venue.emit(OrderEventKind.RESTATED, order, text="corporate action")
        elif new < old:
            self._host.end_order(order, OrdStatus.CANCELED, "corporate action")

    def _restate(self, book: Book, bend: Bend, ticks: TickSchedule) -> None:
        """Yesterday's prices in today's shares."""
        if book.nbbo is not None:
            quote = bend.event(QuoteEvent(book.symbol, book.nbbo), ticks)
            assert isinstance(quote, QuoteEvent)
            nbbo: Nbbo = quote.nbbo
            book.nbbo = nbbo
        if book.last_print is not None:
            px = max(ticks.tick_at(0), ticks.floor_ratio(book.last_print.px * bend.num, bend.den))
            book.last_print = replace(book.last_print, px=px)
        if book.lastday_px is not None:
            book.lastday_px = book.lastday_px * bend.num // bend.den

    # --- accounts -------------------------------------------------------------------------

    def _account(self, fault: Fault, account: str) -> None:
        """Block it; liquidated: cancel everything, then close everything."""
        ledger = self._venue.ledgers[account]
        ledger.blocked = True
        if fault.mode == "blocked":
            return
        for order in self._venue.live_orders(account):
            if order.is_live and order.order_id not in self._venue.unsettled:
                self._host.end_order(order, OrdStatus.CANCELED, "margin call")
        self._try_later(account, LIQUIDATION_TRIES)

    def _try_later(self, account: str, tries: int) -> None:
        at_ns = self._venue.now_ns + LIQUIDATION_NS
        self._venue.at(at_ns, StepKind.LIQUIDATE, account, tries)

    def _liquidate(self, account: str, tries: int) -> None:
        """Market orders for all positions; what is refused is tried again."""
        ledger = self._venue.ledgers[account]
        was_blocked, ledger.blocked = ledger.blocked, False
        is_done = True
        for symbol in sorted(ledger.positions):
            qty = ledger.position_qty(symbol)
            if qty and not self._close(account, symbol, qty):
                is_done = False
        ledger.blocked = was_blocked
        if not is_done and tries > 1:
            self._try_later(account, tries - 1)

    def _close(self, account: str, symbol: str, qty: int) -> bool:
        request = OrderRequest(
            symbol=symbol,
            side=Side.SELL if qty > 0 else Side.BUY,
            ord_type=OrdType.MARKET,
            tif=TimeInForce.DAY,
            order_qty=abs(qty),
        )
        try:
            self._host.submit(account, request)
        except Refusal:
            return False
        return True
