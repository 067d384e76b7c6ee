"""The memory of the venue: one clock, one source of ids, one queue of steps, one log.

What: `Venue` is what the parts of the exchange share. It decides nothing.
Invariants: steps run in (time, seq) order; ids are functions of (seed, counter); every event is a
line of the truth log; `Venue.session_kind` answers from the calendar alone.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import TYPE_CHECKING

from surefill.core.session import Calendar, Session, SessionKind
from surefill.sim.agenda import Agenda, StepKind
from surefill.sim.assets import AssetTable, uuid_text
from surefill.sim.book import Book
from surefill.sim.faults import FaultCode
from surefill.sim.ledger import Ledger
from surefill.sim.market import PrintEvent, QuoteEvent, StatusEvent
from surefill.sim.models import Delay, LatencyModel
from surefill.sim.notices import BandNotice
from surefill.sim.orders import VenueOrder, snapshot
from surefill.sim.switches import Switches
from surefill.sim.truth import TruthLog
from surefill.sim.types import FillRecord, OrderEventKind, VenueEvent

if TYPE_CHECKING:
    from surefill.sim.incidents import Bend
    from surefill.sim.luld import Bands

Trouble = Callable[[FaultCode, str], int | None]
"""(code, what) -> how long (ns) when the fault strikes here, else ``None``."""
_STALLED = frozenset({Delay.ROUTE, Delay.CANCEL, Delay.REPLACE})


def no_trouble(_: FaultCode, __: str) -> int | None:
    """A venue without faults of its own."""
    return None


class Venue:
    """Shared state. Containers: ``orders``: order id -> order, in order of acceptance;
    ``unsettled``: order id -> replacement not yet in force; ``cl_ord_ids``: (account, client id)
    -> order id; ``ledgers``: account -> ledger; ``books``: symbol -> book; ``fills``: exec id ->
    execution, in order; ``bands`` and ``bends``: symbol -> price bands in force, change of the
    tape's prices; ``public``: what the venue says to everybody, not yet taken; ``jumps``: what the
    market does at once because of an incident, not yet played."""

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
    ) -> None:
        self.seed = seed
        self.calendar = calendar
        self.now_ns = start_ns
        self.switches = switches
        self.latency = latency
        self.log = log
        self.assets = assets
        self.orders: dict[str, VenueOrder] = {}
        self.unsettled: dict[str, VenueOrder] = {}
        self.cl_ord_ids: dict[tuple[str, str], str] = {}
        self.ledgers: dict[str, Ledger] = {}
        self.books: dict[str, Book] = {}
        self.fills: dict[str, FillRecord] = {}
        self.bands: dict[str, Bands] = {}
        self.bends: dict[str, Bend] = {}
        self.trouble: Trouble = no_trouble
        self.public: list[StatusEvent | BandNotice] = []
        self.jumps: list[QuoteEvent | PrintEvent] = []
        self.events: list[VenueEvent] = []
        self.agenda = Agenda()
        self._ids = 0
        self._event_seq = 0

    # --- clock ----------------------------------------------------------------------------

    def at(self, time_ns: int, kind: StepKind, *args: object) -> None:
        """Let a step be done when the clock reaches ``time_ns``."""
        self.agenda.add(max(time_ns, self.now_ns), kind, *args)

    def after(self, delay: Delay, kind: StepKind, *args: object) -> None:
        """Let a step be done after a drawn delay."""
        stall_ns = None
        if delay in _STALLED:
            stall_ns = self.trouble(FaultCode.V19, delay.value.lower())
        self.at(self.now_ns + self.latency.draw(delay) + (stall_ns or 0), kind, *args)

    def next_ns(self) -> int | None:
        """Time of the next step."""
        return self.agenda.next_ns()

    def run_until(self, to_ns: int) -> None:
        """Run all steps up to and at ``to_ns`` and set the clock to it."""
        if to_ns < self.now_ns:
            raise ValueError(f"time runs backwards: {to_ns} after {self.now_ns}")
        agenda = self.agenda
        while (due_ns := agenda.next_ns()) is not None and due_ns <= to_ns:
            self.now_ns = due_ns
            agenda.perform(agenda.pop())
        self.now_ns = to_ns

    # --- calendar -------------------------------------------------------------------------

    def session_kind(self) -> SessionKind:
        """Regular, extended or closed, now."""
        return self.calendar.kind_at(self.now_ns)

    def coming_session(self, *, extended: bool) -> Session | None:
        """The session in which an order entered now works: the present one while its hours
        (regular, or extended) last, else the next one; ``None`` beyond the loaded calendar."""
        sessions = self.calendar.sessions
        index = bisect_right(
            sessions, self.now_ns, key=lambda item: item.post_ns if extended else item.close_ns
        )
        return sessions[index] if index < len(sessions) else None

    # --- ids ------------------------------------------------------------------------------

    def new_id(self, kind: str) -> str:
        """A fresh uuid-shaped id."""
        self._ids += 1
        return uuid_text(self.seed, kind, self._ids)

    def next_seq(self) -> int:
        """Number of acceptance: the time priority of orders."""
        self._ids += 1
        return self._ids

    def ledger_of(self, order: VenueOrder) -> Ledger:
        """The books of the order's account."""
        return self.ledgers[order.account]

    def mark_px(self, symbol: str) -> int | None:
        """Current price of a symbol: last print, else mid."""
        book = self.books.get(symbol)
        return book.mark_px() if book else None

    def live_orders(self, account: str) -> list[VenueOrder]:
        """Orders of an account that are not terminal, pending replacements included."""
        found = [
            order
            for orders in self.ledgers[account].open_orders.values()
            for order in orders.values()
        ]
        found += [order for order in self.unsettled.values() if order.account == account]
        return sorted(found, key=lambda order: order.seq)

    def buying_power(self, ledger: Ledger) -> int:
        """1e-18 USD available for opening orders, by the formula switched on (U14)."""
        legacy = self.switches.margin_formula == "last_equity"
        return ledger.buying_power(self.mark_px, from_last_close=legacy)

    # --- events ---------------------------------------------------------------------------

    def emit(
        self,
        kind: OrderEventKind,
        order: VenueOrder,
        *,
        px: int = 0,
        qty: int = 0,
        exec_id: str | None = None,
        text: str = "",
        stream: bool = True,
    ) -> VenueEvent:
        """Log what happened to an order and, unless ``stream`` is false, put it on the stream."""
        order.updated_ns = self.now_ns
        self._event_seq += 1
        event = VenueEvent(
            seq=self._event_seq,
            venue_ns=self.now_ns,
            account=order.account,
            kind=kind,
            order=snapshot(order),
            px=px,
            qty=qty,
            position_qty=self.ledger_of(order).position_qty(order.symbol),
            exec_id=exec_id or self.new_id("exec"),
            text=text,
        )
        is_execution = qty > 0
        self.note(
            kind.value.lower(),
            order,
            qty=qty if is_execution else None,
            px=px if is_execution else None,
            exec_id=event.exec_id if is_execution else None,
            text=text,
        )
        if stream:
            self.events.append(event)
        return event

    def note(
        self,
        kind: str,
        order: VenueOrder,
        *,
        qty: int | None = None,
        px: int | None = None,
        exec_id: str | None = None,
        text: str = "",
    ) -> None:
        """A truth line about an order."""
        nbbo = self.books[order.symbol].nbbo if order.symbol in self.books else None
        fields: dict[str, object] = {
            "account": order.account,
            "kind": kind,
            "order_id": order.order_id,
            "cl_ord_id": order.cl_ord_id,
            "parent_id": order.parent_id,
            "leg": order.leg.value if order.leg else None,
            "symbol": order.symbol,
            "side": order.side.value,
            "ord_type": order.ord_type.value,
            "tif": order.tif.value,
            "contingency": order.contingency.value,
            "order_qty": order.order_qty,
            "qty": order.order_qty if qty is None else qty,
            "px": px,
            "limit_px": order.limit_px,
            "stop_px": order.stop_px,
            "cum_qty": order.cum_qty,
            "leaves": order.leaves_qty,
            "status": order.status.value,
            "working": order.working,
            "armed": order.armed,
            "exec_id": exec_id,
            "position": self.ledger_of(order).position_qty(order.symbol),
            "replaces": order.replaces,
            "replaced_by": order.replaced_by,
            "bid": nbbo.bid_px if nbbo else None,
            "ask": nbbo.ask_px if nbbo else None,
            "text": text or None,
        }
        self.log.append(self.now_ns, fields)
