"""Reading the venue: listings, positions, account.

What: pure questions to `Venue`; every answer is a frozen value.
Rules (spec 2.6, 3.5, 3.6): the open listing leaves held legs out; a nested listing rolls the legs
into their parent, so that an open leg of a filled entry is found under ``ALL`` (or by id), not
under ``OPEN``; a parent shows its current legs, replaced ones are found by id.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from surefill.core.fix import OrdStatus, TradingStatus
from surefill.core.market import Nbbo, Print
from surefill.core.session import Calendar
from surefill.core.units import NANO
from surefill.sim.assets import Asset, AssetTable
from surefill.sim.ledger import Entry, Ledger
from surefill.sim.market import PrintEvent, QuoteEvent, StatusEvent
from surefill.sim.notices import BandNotice
from surefill.sim.orders import VenueOrder, snapshot
from surefill.sim.state import Venue
from surefill.sim.switches import Switches
from surefill.sim.truth import TruthLog
from surefill.sim.types import (
    AccountView,
    FillRecord,
    OrderQuery,
    OrderScope,
    OrderSnapshot,
    PositionView,
    Refusal,
    RefusalKind,
    VenueEvent,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BooksView:
    """The books of an account: ``opening_cash`` plus all ``entries`` gives ``cash``; what does not
    add up stands in ``breaks``, which is empty at any moment. Amounts are 1e-18 USD."""

    account: str
    opening_cash: int
    cash: int
    fees: int
    equity: int
    entries: tuple[Entry, ...]
    breaks: tuple[str, ...]


def legs_of(order: VenueOrder) -> list[VenueOrder]:
    """Current legs of a parent (its exits; for an OCO the stop beside it), else nothing."""
    group = order.group
    if group is None or order.parent_id is not None:
        return []
    return [leg for leg in group.exits() if leg.parent_id == order.order_id]


def show(order: VenueOrder, *, nested: bool) -> OrderSnapshot:
    """Snapshot, with its current legs when nested."""
    return snapshot(order, legs_of(order) if nested else ())


def show_in(venue: Venue, order: VenueOrder, *, nested: bool) -> OrderSnapshot:
    """As `show`; replaced legs are listed too where switch ``nested_replaced_legs`` says so."""
    if not nested or venue.switches.nested_replaced_legs == "current":
        return show(order, nested=nested)
    legs = [leg for leg in venue.orders.values() if _is_old_leg(leg, order)]
    return snapshot(order, [*legs_of(order), *legs])


def _is_old_leg(leg: VenueOrder, parent: VenueOrder) -> bool:
    return leg.status is OrdStatus.REPLACED and leg.parent_id == parent.order_id


def find_order(venue: Venue, account: str, order_id: str) -> VenueOrder:
    """The order of this account, or ORDER_NOT_FOUND; others' orders do not exist."""
    order = venue.orders.get(order_id)
    if order is None or order.account != account:
        raise Refusal(RefusalKind.ORDER_NOT_FOUND, {"order_id": order_id})
    return order


def list_orders(venue: Venue, account: str, query: OrderQuery) -> list[OrderSnapshot]:
    """Orders by filter, sorted by submission (ties: acceptance)."""
    candidates: Iterable[VenueOrder] = venue.orders.values()
    if query.scope is OrderScope.OPEN:
        candidates = venue.live_orders(account)
    found = [order for order in candidates if order.account == account and _matches(order, query)]
    found.sort(key=_position)
    if query.after_order_id is not None:
        mark = _position(find_order(venue, account, query.after_order_id))
        found = [order for order in found if _position(order) > mark]
    if query.before_order_id is not None:
        mark = _position(find_order(venue, account, query.before_order_id))
        found = [order for order in found if _position(order) < mark]
    if query.descending:
        found.reverse()
    return [show_in(venue, order, nested=query.nested) for order in found[: max(query.limit, 0)]]


def _position(order: VenueOrder) -> tuple[int, int]:
    return (order.submitted_ns, order.seq)


def _matches(order: VenueOrder, query: OrderQuery) -> bool:
    if query.symbols is not None and order.symbol not in query.symbols:
        return False
    if query.side is not None and order.side is not query.side:
        return False
    if query.after_ns is not None and order.submitted_ns <= query.after_ns:
        return False
    if query.until_ns is not None and order.submitted_ns >= query.until_ns:
        return False
    if query.nested and order.parent_id is not None:
        return False
    if query.scope is OrderScope.OPEN:
        return order.is_live and not order.held
    return query.scope is OrderScope.ALL or not order.is_live


def show_position(venue: Venue, ledger: Ledger, symbol: str) -> PositionView:
    """One position, or POSITION_NOT_FOUND."""
    position = ledger.positions.get(symbol)
    asset = venue.assets.get(symbol)
    if position is None or position.qty == 0 or asset is None:
        raise Refusal(RefusalKind.POSITION_NOT_FOUND, {"symbol": symbol})
    current_px = venue.mark_px(symbol)
    book = venue.books.get(symbol)
    value = position.cost if current_px is None else position.qty * current_px
    return PositionView(
        symbol=symbol,
        asset_id=asset.asset_id,
        marginable=asset.marginable,
        qty=position.qty,
        available_qty=ledger.available_qty(symbol),
        cost=position.cost,
        current_px=current_px,
        lastday_px=book.lastday_px if book else None,
        market_value_usd=value // NANO,
    )


def list_positions(venue: Venue, ledger: Ledger) -> list[PositionView]:
    """Every open position, in order of symbol."""
    symbols = sorted(symbol for symbol, held in ledger.positions.items() if held.qty)
    return [show_position(venue, ledger, symbol) for symbol in symbols]


def show_account(venue: Venue, ledger: Ledger) -> AccountView:
    """The account now."""
    long_value, short_value = ledger.values(venue.mark_px)
    gross = long_value - short_value
    return AccountView(
        account=ledger.account,
        account_id=ledger.account_id,
        created_ns=ledger.created_ns,
        cash_exact=ledger.cash,
        cash_usd=ledger.cash // NANO,
        equity_usd=ledger.equity(venue.mark_px) // NANO,
        last_equity_usd=ledger.last_equity // NANO,
        long_value_usd=long_value // NANO,
        short_value_usd=short_value // NANO,
        initial_margin_usd=gross // (2 * NANO),
        maintenance_margin_usd=ledger.maintenance(venue.mark_px) // NANO,
        last_maintenance_usd=ledger.last_maintenance // NANO,
        buying_power_usd=venue.buying_power(ledger) // NANO,
        multiplier=ledger.multiplier,
        blocked=ledger.blocked,
        shorting_enabled=ledger.may_short and ledger.has_margin(venue.mark_px),
    )


def show_books(venue: Venue, ledger: Ledger) -> BooksView:
    """Everything that was booked, added up again, beside what the account shows."""
    cash, fees = ledger.opening_cash, 0
    qty_of: dict[str, int] = {}
    for entry in ledger.entries:
        cash += entry.cash - entry.fee
        fees += entry.fee
        qty_of[entry.symbol] = qty_of.get(entry.symbol, 0) + entry.signed_qty
    breaks = []
    if cash != ledger.cash:
        breaks.append(f"cash: booked {cash}, shown {ledger.cash}")
    if fees != ledger.fees:
        breaks.append(f"fees: booked {fees}, shown {ledger.fees}")
    for symbol in sorted(qty_of.keys() | ledger.positions.keys()):
        booked_qty, shown_qty = qty_of.get(symbol, 0), ledger.position_qty(symbol)
        if booked_qty != shown_qty:
            breaks.append(f"{symbol}: booked {booked_qty}, shown {shown_qty}")
    return BooksView(
        account=ledger.account,
        opening_cash=ledger.opening_cash,
        cash=ledger.cash,
        fees=ledger.fees,
        equity=ledger.equity(venue.mark_px),
        entries=tuple(ledger.entries),
        breaks=tuple(breaks),
    )


class VenueReader:
    """The reading half of the exchange; the writing half is `surefill.sim.exchange.Exchange`."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    @property
    def now_ns(self) -> int:
        """Venue time, UTC ns."""
        return self._venue.now_ns

    def next_ns(self) -> int | None:
        """Time of the next internal step; ``None`` when nothing is scheduled."""
        return self._venue.next_ns()

    def order(self, account: str, order_id: str, *, nested: bool = False) -> OrderSnapshot:
        """The order, or `Refusal` ORDER_NOT_FOUND."""
        order = find_order(self._venue, account, order_id)
        return show_in(self._venue, order, nested=nested)

    def order_by_cl_ord_id(
        self, account: str, cl_ord_id: str, *, nested: bool = False
    ) -> OrderSnapshot:
        """The order with this client id, or `Refusal` ORDER_NOT_FOUND."""
        order_id = self._venue.cl_ord_ids.get((account, cl_ord_id))
        if order_id is None:
            raise Refusal(RefusalKind.ORDER_NOT_FOUND, {"cl_ord_id": cl_ord_id})
        return show(self._venue.orders[order_id], nested=nested)

    def orders(self, account: str, query: OrderQuery) -> list[OrderSnapshot]:
        """Orders by filter."""
        return list_orders(self._venue, account, query)

    def positions(self, account: str) -> list[PositionView]:
        """Open positions, in order of symbol."""
        return list_positions(self._venue, self._venue.ledgers[account])

    def position(self, account: str, symbol: str) -> PositionView:
        """The position (by symbol or asset id), or `Refusal` POSITION_NOT_FOUND."""
        asset = self._venue.assets.get(symbol)
        name = asset.symbol if asset else symbol
        return show_position(self._venue, self._venue.ledgers[account], name)

    def account_view(self, account: str) -> AccountView:
        """Cash, equity, margin and buying power now."""
        return show_account(self._venue, self._venue.ledgers[account])

    def books(self, account: str) -> BooksView:
        """The account's books, added up again."""
        return show_books(self._venue, self._venue.ledgers[account])

    def fills(self, account: str, *, after_seq: int = 0) -> list[FillRecord]:
        """Executions with a number above ``after_seq``, oldest first."""
        records = islice(self._venue.fills.values(), max(after_seq, 0), None)
        return [fill for fill in records if fill.account == account]

    def nbbo(self, symbol: str) -> Nbbo | None:
        """The last quote of a symbol."""
        book = self._venue.books.get(symbol)
        return book.nbbo if book else None

    def last_print(self, symbol: str) -> Print | None:
        """The last public trade of a symbol."""
        book = self._venue.books.get(symbol)
        return book.last_print if book else None

    def status(self, symbol: str) -> TradingStatus:
        """Trading status of a symbol (TRADING when nothing was said)."""
        book = self._venue.books.get(symbol)
        return book.status if book else TradingStatus.TRADING

    def asset(self, symbol_or_id: str) -> Asset | None:
        """The asset, by symbol or asset id."""
        return self._venue.assets.get(symbol_or_id)

    @property
    def assets(self) -> AssetTable:
        """The asset table."""
        return self._venue.assets

    @property
    def calendar(self) -> Calendar:
        """The sessions this venue knows."""
        return self._venue.calendar

    @property
    def switches(self) -> Switches:
        """The switches in force."""
        return self._venue.switches

    @property
    def log(self) -> TruthLog:
        """The ground truth."""
        return self._venue.log

    @property
    def events(self) -> list[VenueEvent]:
        """Events not yet drained, oldest first."""
        return self._venue.events

    def drain(self) -> list[VenueEvent]:
        """Take the events that have come up since the last call."""
        events, self._venue.events = self._venue.events, []
        return events

    def drain_public(self) -> list[StatusEvent | BandNotice]:
        """Take what the venue has said to everybody."""
        said = self._venue.public
        if said:
            self._venue.public = []
        return said

    def drain_jumps(self) -> list[QuoteEvent | PrintEvent]:
        """Take what the market does at once because of an incident."""
        jumps = self._venue.jumps
        if jumps:
            self._venue.jumps = []
        return jumps
