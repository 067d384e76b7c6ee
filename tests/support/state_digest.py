"""All of a venue that a request could change, as one value to compare before and after.

What: `state_of` reads orders, books, ledgers, executions, watchlists and settings of a served
venue. The request counter, the request allowance and pure reads' caches are left out: a refused
request may move those.
Why: "an invalid input changes nothing" must not be judged by what the venue says of itself.
"""

from __future__ import annotations

from dataclasses import fields
from operator import attrgetter

from surefill.sim.alpaca.app import Venue
from surefill.sim.alpaca.context import Configuration
from surefill.sim.alpaca.watchlists import Watchlist
from surefill.sim.book import Book
from surefill.sim.ledger import Ledger
from surefill.sim.orders import OrderGroup, VenueOrder

LINKS = frozenset({"group", "successor"})
"""Fields of an order that point to other orders; they are told by id."""

_plain = attrgetter(*(item.name for item in fields(VenueOrder) if item.name not in LINKS))
_settings = attrgetter(*(item.name for item in fields(Configuration)))
UNTOUCHED = _settings(Configuration())
"""Settings are made when they are first read; those say nothing."""
_terms = attrgetter("multiplier", "blocked", "suspended", "may_short", "may_trade_fractions")


def state_of(venue: Venue) -> tuple[object, ...]:
    """Everything at this instant; equal values mean that nothing has changed."""
    inner = venue.exchange._venue
    desk = venue.face.desk
    return (
        len(venue.log.lines),
        len(inner.orders),
        len(inner.cl_ord_ids),
        len(inner.fills),
        inner.next_ns(),
        tuple(inner.unsettled),
        tuple(_of_ledger(ledger) for ledger in inner.ledgers.values()),
        tuple(_of_book(book) for book in inner.books.values()),
        tuple(
            (account, tuple(_of_list(one) for one in lists))
            for account, lists in desk.watchlists._lists.items()
        ),
        tuple(
            (name, shown)
            for name, one in desk.configurations.items()
            if (shown := _settings(one)) != UNTOUCHED
        ),
    )


def _of_list(one: Watchlist) -> tuple[object, ...]:
    return (one.watchlist_id, one.name, one.created_ns, one.updated_ns, tuple(one.symbols))


def _of_ledger(ledger: Ledger) -> tuple[object, ...]:
    return (
        ledger.account,
        ledger.cash,
        ledger.fees,
        _terms(ledger),
        len(ledger.entries),
        tuple((name, held.qty, held.cost) for name, held in ledger.positions.items()),
        tuple(ledger.releasing_qty.items()),
        tuple(
            _of_order(order) for orders in ledger.open_orders.values() for order in orders.values()
        ),
    )


def _of_order(order: VenueOrder) -> tuple[object, ...]:
    successor = order.successor.order_id if order.successor is not None else None
    return (_plain(order), successor, _of_group(order.group))


def _of_group(group: OrderGroup | None) -> tuple[object, ...]:
    if group is None:
        return ()
    return (group.armed, group.closing, tuple(member.order_id for member in group.members()))


def _of_book(book: Book) -> tuple[object, ...]:
    return (book.symbol, book.nbbo, book.status, tuple(book.orders), tuple(book._taken_qty.items()))
