"""The exchange: accounts, orders and a market on one clock, deterministic and without I/O.

What: the facade of the simulated venue. Market data come in (`Exchange.on_quote`, `on_print`,
`on_status`), requests come in at `now_ns` (`submit`, `replace`, `cancel`), events come out
(`drain`). Whoever owns it moves the clock with `advance`; the venue's own delays (routing, cancel
confirmation, arming of legs, share release, end of day) are steps on that clock (`next_ns`).
Why: one engine and one venue for every harness; the same inputs in the same order give the same
truth log, byte for byte.
Invariants: a buy never fills above its limit nor a sale below (asserted at the one place that
fills); every change is a line of the truth log; a refused request changes nothing else.
Not modelled in this version: orders of different accounts on one symbol do not trade with each
other, they trade with the recorded market (and share its displayed size); overnight.
Must never: read a clock, a file or a socket.
"""

from __future__ import annotations

import hashlib

from surefill.core.fix import OrdStatus, TradingStatus
from surefill.core.market import Nbbo, Print
from surefill.core.session import Calendar
from surefill.core.units import NANO
from surefill.sim import views
from surefill.sim.agenda import StepKind
from surefill.sim.assets import AssetTable, uuid_text
from surefill.sim.auction import AuctionDesk
from surefill.sim.book import Book
from surefill.sim.catalogue import FaultCode
from surefill.sim.corrections import bust_fill, correct_fill
from surefill.sim.faults import Fault
from surefill.sim.incidents import IncidentDesk
from surefill.sim.intake import build_order, build_replacement
from surefill.sim.ledger import Ledger
from surefill.sim.lifecycle import OrderDesk
from surefill.sim.luld import BandDesk
from surefill.sim.market import MarketEvent, StatusEvent
from surefill.sim.models import NO_FEES, FeeModel, LatencyModel
from surefill.sim.orders import VenueOrder
from surefill.sim.rules import check_cancel, check_replacement, check_submission
from surefill.sim.state import Trouble, Venue
from surefill.sim.switches import Switches
from surefill.sim.truth import TruthLog
from surefill.sim.types import (
    AccountSettings,
    CancelResult,
    OrderRequest,
    OrderSnapshot,
    Refusal,
    ReplaceRequest,
)

NEVER_NS = 1 << 63
DAY_NS = 86_400 * NANO


class Exchange(views.VenueReader):
    """One simulated venue and broker. All requests take effect at `now_ns`."""

    def __init__(
        self,
        *,
        seed: int,
        calendar: Calendar,
        start_ns: int,
        switches: Switches,
        latency: LatencyModel,
        log: TruthLog,
        assets: AssetTable,
        fees: FeeModel = NO_FEES,
    ) -> None:
        """``start_ns``: first instant of the clock. ``seed`` makes the ids."""
        super().__init__(
            Venue(
                seed=seed,
                calendar=calendar,
                start_ns=start_ns,
                switches=switches,
                latency=latency,
                log=log,
                assets=assets,
            )
        )
        self._fees = fees
        self._desk = OrderDesk(self._venue, fees=fees)
        self._bands = BandDesk(self._venue, self._halt_or_resume)
        self._incidents = IncidentDesk(
            self._venue, self, bands=self._bands, set_status=self._halt_or_resume
        )
        self._venue.agenda.does(StepKind.BUST, self._bust_if_there)
        self.next_close_ns = self._close_after(start_ns)

    # --- clock and market -----------------------------------------------------------------

    def advance(self, to_ns: int) -> None:
        """Move the clock, running internal steps in (time, seq) order. Backwards raises."""
        while to_ns >= self.next_close_ns:
            self._venue.run_until(self.next_close_ns)
            self._close_day()
        self._venue.run_until(to_ns)

    def on_quote(self, symbol: str, nbbo: Nbbo) -> None:
        """A quote at ``nbbo.venue_ns`` (the clock moves there first when it is ahead)."""
        if nbbo.venue_ns > self._venue.now_ns:
            self.advance(nbbo.venue_ns)
        book = self.book(symbol)
        if book.nbbo is None:  # the first quote; prints may have come before it
            self._venue.assets.note_quote(symbol)
        book.on_quote(nbbo)
        if self._venue.bands:
            self._bands.on_quote(symbol)

    def on_print(self, symbol: str, print_: Print) -> None:
        """A public trade at ``print_.venue_ns``."""
        if print_.venue_ns > self._venue.now_ns:
            self.advance(print_.venue_ns)
        self._desk.auctions.on_print(symbol, print_)
        self.book(symbol).on_print(print_)

    def on_status(self, symbol: str, status: TradingStatus) -> None:
        """The symbol is halted, resumed, or in a limit state, from now on."""
        self.book(symbol).on_status(status)

    def on_bands(self, symbol: str, *, up_px: int, down_px: int) -> None:
        """Limit-up and limit-down prices (1e-9 USD) are in force from now on."""
        self.book(symbol).bands = (down_px, up_px)
        self._bands.announce(symbol, up_px=up_px, down_px=down_px)

    def bent(self, event: MarketEvent) -> MarketEvent:
        """The event of the tape as incidents have changed it."""
        bend = self._venue.bends.get(event.symbol)
        if bend is None:
            return event
        return bend.event(event, self._venue.assets.note_quote(event.symbol).ticks)

    # --- requests -------------------------------------------------------------------------

    def open_account(
        self, account: str, *, cash_usd: int = 100_000 * NANO, multiplier: int = 4
    ) -> None:
        """Open an account; opening it again raises ``ValueError``."""
        if account in self._venue.ledgers:
            raise ValueError(f"account {account!r} is open already")
        self._venue.ledgers[account] = Ledger(
            account=account,
            account_id=uuid_text(self._venue.seed, "account", account),
            cash_usd=cash_usd,
            multiplier=multiplier,
            created_ns=self._venue.now_ns,
        )
        fields: dict[str, object] = {"account": account, "kind": "account"}
        fields["text"] = f"cash_usd={cash_usd} multiplier={multiplier}"
        self._venue.log.append(self._venue.now_ns, fields)

    def has_account(self, account: str) -> bool:
        """Whether the account is open."""
        return account in self._venue.ledgers

    def block_account(self, account: str, *, blocked: bool) -> None:
        """Block or unblock new orders of an account (cancels always work)."""
        self._venue.ledgers[account].blocked = blocked

    def configure_account(self, account: str, settings: AccountSettings) -> None:
        """Set what the owner of an account allows (spec 1.6); open orders stay."""
        ledger = self._venue.ledgers[account]
        ledger.multiplier = settings.multiplier
        ledger.suspended = settings.suspended
        ledger.may_short = settings.may_short
        ledger.may_trade_fractions = settings.may_trade_fractions

    def submit(self, account: str, request: OrderRequest) -> OrderSnapshot:
        """Accept an order (with its legs) or raise `Refusal`."""
        venue, ledger = self._venue, self._venue.ledgers[account]
        try:
            admission = check_submission(venue, ledger, request)
        except Refusal as refusal:
            self._log_refusal(account, request, refusal)
            raise
        self.book(admission.asset.symbol)
        order = build_order(venue, account, request, admission=admission)
        legs = views.legs_of(order)
        for member in (order, *legs):
            self._desk.accept(member)
        self._desk.launch(order)
        for leg in legs:
            self._desk.set_expiry(leg)
        if order.group is not None:
            self._desk.groups.announce(order.group)
        return views.show(order, nested=True)

    def replace(self, account: str, order_id: str, change: ReplaceRequest) -> OrderSnapshot:
        """Ask for a replacement: the answer is the *new* order, not yet in force (spec 2.4)."""
        venue = self._venue
        try:
            old = views.find_order(venue, account, order_id)
            reserve_px = check_replacement(venue, old, change)
        except Refusal as refusal:
            self._log_refusal(account, change, refusal, order_id=order_id)
            raise
        new = build_replacement(venue, old, change, reserve_px=reserve_px)
        self._desk.begin_replace(old, new)
        return views.show(new, nested=False)

    def cancel(self, account: str, order_id: str) -> None:
        """Ask for a cancel; the confirmation is an event later (spec 2.5)."""
        try:
            order = views.find_order(self._venue, account, order_id)
            self._cancel(order)
        except Refusal as refusal:
            self._log_refusal(account, None, refusal, order_id=order_id)
            raise

    def cancel_all(self, account: str) -> list[CancelResult]:
        """Ask to cancel every open order of the account; held legs are never items."""
        results = []
        targets = [order for order in self._venue.live_orders(account) if not order.held]
        for order in targets:
            refusal = None
            try:
                self._cancel(order)
            except Refusal as caught:
                refusal = caught
            shown = self._venue.orders[order.parent_id] if order.parent_id else order
            results.append(
                CancelResult(
                    order_id=order.order_id,
                    order=views.show(shown, nested=shown is not order),
                    refusal=refusal,
                )
            )
        return results

    # --- operator of the venue ------------------------------------------------------------

    def bust(self, exec_id: str) -> None:
        """Break an execution (fault V6): cash, position and cumulative quantity go back."""
        bust_fill(self._venue, exec_id)

    def correct(self, exec_id: str, px: int) -> None:
        """Correct the price (1e-9 USD) of an execution (fault V6)."""
        correct_fill(self._venue, exec_id, px)

    def reject(self, order_id: str, text: str = "rejected by the market") -> None:
        """The market refuses an order that was already accepted (fault V9)."""
        self._desk.finish(self._venue.orders[order_id], OrdStatus.REJECTED, text=text)

    def end_order(self, order: VenueOrder, status: OrdStatus | None, text: str) -> None:
        """End a live order (see `IncidentHost`)."""
        self._desk.end_order(order, status, text)

    def names(self, code: FaultCode) -> list[str]:
        """What an incident may strike: accounts (V25), else instruments."""
        return self._incidents.names(code)

    def perform(self, fault: Fault, name: str) -> None:
        """An incident strikes an instrument or an account."""
        self._incidents.perform(fault, name)

    def _bust_if_there(self, exec_id: str) -> None:
        if not self._venue.fills[exec_id].busted:
            self.bust(exec_id)

    def _halt_or_resume(self, symbol: str, status: TradingStatus, reason: str) -> None:
        """The venue itself changes a status: everybody is told."""
        self.on_status(symbol, status)
        self._venue.public.append(StatusEvent(symbol, status, self._venue.now_ns, reason))

    def troubled_by(self, trouble: Trouble) -> None:
        """Who decides whether a fault inside the venue strikes (V18, V19, V20)."""
        self._venue.trouble = trouble

    # --- for a snapshot -------------------------------------------------------------------

    @property
    def venue(self) -> Venue:
        """The memory of the venue. For `surefill.sim.snapshot` alone."""
        return self._venue

    @property
    def auctions(self) -> AuctionDesk:
        """The auctions. For `surefill.sim.snapshot` alone."""
        return self._desk.auctions

    # --- inside ---------------------------------------------------------------------------

    def book(self, symbol: str) -> Book:
        """The book of a symbol, opened when it is new."""
        book = self._venue.books.get(symbol)
        if book is None:
            book = Book(
                symbol, host=self._desk, switches=self._venue.switches, seed=self._venue.seed
            )
            self._venue.books[symbol] = book
        return book

    def _cancel(self, order: VenueOrder) -> None:
        if not check_cancel(self._venue, order):
            return
        if order.group is not None:
            self._desk.groups.cancel(order)
        else:
            self._desk.begin_cancel(order)

    def _close_after(self, now_ns: int) -> int:
        for session in self._venue.calendar.sessions:
            if session.close_ns > now_ns:
                return session.close_ns
        return NEVER_NS

    def _close_day(self) -> None:
        """The close: what rests meets the next open as an arrival; yesterday's values are set."""
        for symbol in sorted(self._venue.books):
            book = self._venue.books[symbol]
            book.forget_rest()
            book.lastday_px = book.mark_px()
        closed_ns, self.next_close_ns = self.next_close_ns, self._close_after(self._venue.now_ns)
        days = max(1, (self.next_close_ns - closed_ns + DAY_NS // 2) // DAY_NS)
        for ledger in self._venue.ledgers.values():
            if self._fees.borrow_bps and self.next_close_ns < NEVER_NS:
                self._charge_borrow(ledger, days)
            ledger.last_equity = ledger.equity(self._venue.mark_px)
            ledger.last_maintenance = ledger.maintenance(self._venue.mark_px)

    def _charge_borrow(self, ledger: Ledger, days: int) -> None:
        """Short positions at the close pay until the next one."""
        for symbol, position in ledger.positions.items():
            px = self._venue.mark_px(symbol)
            if position.qty < 0 and px is not None:
                fee = self._fees.borrow(-position.qty * px, days)
                ledger.book_borrow(symbol, fee=fee, at_ns=self._venue.now_ns)

    def _log_refusal(
        self,
        account: str,
        request: OrderRequest | ReplaceRequest | None,
        refusal: Refusal,
        *,
        order_id: str | None = None,
    ) -> None:
        """One truth line per refused request."""
        fields = {"account": account, "kind": "refused", "order_id": order_id}
        self._venue.log.append(self._venue.now_ns, fields | _refusal_fields(request, refusal))


def _refusal_fields(
    request: OrderRequest | ReplaceRequest | None, refusal: Refusal
) -> dict[str, object]:
    """What was asked and why not, with a digest of the body (idempotency checks)."""
    digest = hashlib.sha256(repr(request).encode()).hexdigest()[:16]
    fields: dict[str, object] = {"text": f"{refusal} body={digest}"}
    if isinstance(request, OrderRequest):
        fields |= {
            "symbol": request.symbol,
            "side": request.side.value,
            "ord_type": request.ord_type.value,
            "tif": request.tif.value,
            "contingency": request.contingency.value,
        }
    if request is not None:
        fields |= {
            "cl_ord_id": request.cl_ord_id,
            "order_qty": request.order_qty,
            "qty": request.order_qty,
            "limit_px": request.limit_px,
            "stop_px": request.stop_px,
        }
    return fields
