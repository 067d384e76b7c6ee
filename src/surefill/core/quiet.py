"""Trades for which a listing says nothing that was not said and dealt with before.

What: `Quiet` remembers of each open trade the last listing that changed nothing about it, and says
whose turn it is when the next one comes.
Why: a listing comes every few seconds and is about every open trade; to decide a thousand of them
again, to see a thousand times that there is nothing to do, would hold up a fill for a second.
How it is the same: a step is a function of the trade, of what the listing says of it, of the time,
the market and the account's state. The trade is the very same value as then, the listing repeats
itself, what time may change is announced by ``wake_ns``, what the market may change by
`Book.concerned`, and the account's state is compared. Whoever has anything open (a request, a
question, bare shares, a stop that follows the market) is never quiet.
Invariants: the first listing of a process is new to everybody; only open trades are remembered.
Must never: be asked by a decision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from surefill.core.absorb import is_known_execution, shown_ids
from surefill.core.book import Book
from surefill.core.elsewhere import listed_qty
from surefill.core.events import ExecutionReport, FillsRead, OrdersRead, PositionsRead
from surefill.core.order import OrderState
from surefill.core.reasons import Reason
from surefill.core.session import Session, SessionKind
from surefill.core.state import EngineState
from surefill.core.tactic import Tactic
from surefill.core.trade import Trade

Listed = Sequence[ExecutionReport]


@dataclass(frozen=True, slots=True)
class Around:
    """What a decision looks at that is the same for all trades."""

    session: Session | None
    kind: SessionKind
    may_act: bool
    is_held_known: bool
    no_new_risk: Reason | None


def around_of(state: EngineState, now: int) -> Around:
    """What is around all trades of this engine."""
    return Around(
        session=state.calendar.session_at(now),
        kind=state.calendar.kind_at(now),
        may_act=state.orders_read_ns > 0,
        is_held_known=state.is_held_known(now),
        no_new_risk=state.kill or state.halt,
    )


@dataclass(frozen=True, slots=True)
class Listing:
    """A complete read as it is dealt with: ``mine`` are the reports of a listing of orders by the
    trade that they are about."""

    event: OrdersRead | FillsRead | PositionsRead
    mine: Mapping[str, Listed]
    around: Around
    now: int


@dataclass(frozen=True, slots=True)
class _Look:
    """A listing of orders that changed nothing about this trade, which holds ``qty`` (1e-9)."""

    trade: Trade
    qty: int
    listed: Listed
    around: Around


class Quiet:
    """Of the open trades of one engine; ``tactics`` are its own."""

    def __init__(self, tactics: Mapping[str, Tactic]) -> None:
        self._tactics = tactics
        self._looks: dict[str, _Look] = {}  # trade id -> its last look

    def __len__(self) -> int:
        return len(self._looks)

    def others(self, book: Book, listing: Listing) -> list[Trade]:
        """Open trades that this listing may concern, those with uncovered shares first (I25)."""
        looks = self._looks
        if len(looks) > 2 * len(book.open):
            self._looks = looks = {name: look for name, look in looks.items() if name in book.open}
        concerned = []
        for trade_id, trade in book.open.items():
            look = looks.get(trade_id)
            if look is None or look.trade is not trade or not _says_nothing(look, listing):
                concerned.append(trade)
        return book.bare_first(concerned)

    def note(self, trade: Trade, listing: Listing) -> None:
        """A step with this listing changed nothing about the trade."""
        event = listing.event
        if not isinstance(event, OrdersRead):
            return
        if self._is_settled(trade) and _is_steady(trade) and _is_shown(trade, event):
            listed = listing.mine.get(trade.trade_id, ())
            self._looks[trade.trade_id] = _Look(trade, trade.position_qty, listed, listing.around)

    def _is_settled(self, trade: Trade) -> bool:
        """Whether its entry is over, or works at a price that no quote changes."""
        if trade.entry_end is not None and trade.open_entry is None:
            return True
        name = "legacy" if trade.is_legacy else trade.plan.tactic
        return trade.open_entry is not None and not self._tactics[name].is_reactive


def _says_nothing(look: _Look, listing: Listing) -> bool:
    """Whether the listing says of this trade what was dealt with, and nothing else has come."""
    trade, event = look.trade, listing.event
    is_due = trade.wake_ns is not None and trade.wake_ns <= listing.now
    if is_due or look.around != listing.around:
        return False
    match event:
        case OrdersRead():
            return listing.mine.get(trade.trade_id, ()) == look.listed
        case FillsRead():
            return all(is_known_execution(event, order) for order in trade.orders)
        case _:
            return trade.sign * listed_qty(event, trade.symbol) >= look.qty


def _is_steady(trade: Trade) -> bool:
    """Whether nothing about this trade is under way or in question."""
    is_asked = trade.exit_reason is not None or trade.keep_qty is not None
    is_odd = trade.strays or trade.alarms or trade.external_qty or trade.position_qty < 0
    is_short = trade.short_ns or trade.break_qty or trade.break_since_ns is not None
    is_bare = trade.uncovered.since_ns is not None or trade.through_since_ns is not None
    is_moving = trade.plan.manage.moves_stop or trade.ratchet_px is not None
    if is_asked or is_odd or is_short or is_bare or is_moving:
        return False
    if trade.unpriced_qty or trade.is_disputed or trade.is_waiting:
        return False
    return all(
        order.is_terminal or (order.state is OrderState.WORKING and order.cancel_ns is None)
        for order in trade.orders
    )


def _is_shown(trade: Trade, event: OrdersRead) -> bool:
    """Whether the listing shows every order that works: none is missed, whenever it was sent."""
    shown = shown_ids(event)
    return all(order.is_terminal or order.order_id in shown for order in trade.orders)
