"""One child order: where it stands, what it executed, what we may believe of it.

What: `ChildOrder` and its machine. The outcome of an order is a sum type
(``Unsent | InFlight | InDoubt | Working | terminal kind``); executions are a ledger keyed by
execution id, so arrival order and duplicates do not matter (I24).
Invariants: no price is invented (a quantity that the broker only *reported* stays unpriced until
its executions are read, diary A-04); a terminal order is re-opened only by evidence, never by a
stale read; ``InDoubt`` has no way out but evidence (I10).
Must never: decide to send anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from surefill.core.commands import OrderSpec
from surefill.core.events import ExecutionReport
from surefill.core.fix import ExecType, Leg, OrdStatus
from surefill.core.values import replace


class OrderState(StrEnum):
    """Where an order stands, as far as evidence goes."""

    UNSENT = "UNSENT"
    IN_FLIGHT = "IN_FLIGHT"
    IN_DOUBT = "IN_DOUBT"
    WORKING = "WORKING"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"
    REPLACED = "REPLACED"
    ABSENT = "ABSENT"


class OrderInput(StrEnum):
    """What can happen to an order. SEND, DROP and ABSENT are ours; the rest is the broker's."""

    SEND = "SEND"
    DROP = "DROP"
    """We no longer want an order that is proven not to be at the broker."""
    ABSENT = "ABSENT"
    """All the evidence that I10 (iii) asks for says that it never existed."""
    DEFER = "DEFER"
    """Proven to be without effect; the same intent waits and keeps its id."""
    DOUBT = "DOUBT"
    APPEAR = "APPEAR"
    """The broker shows an open order under our id for the first time."""
    OPEN = "OPEN"
    FILL = "FILL"
    CANCEL = "CANCEL"
    EXPIRE = "EXPIRE"
    REJECT = "REJECT"
    REPLACE = "REPLACE"


_S, _I = OrderState, OrderInput

TRANSITIONS: dict[tuple[OrderState, OrderInput], OrderState] = {
    (_S.UNSENT, _I.SEND): _S.IN_FLIGHT,
    (_S.UNSENT, _I.DROP): _S.ABSENT,
    # Rows from UNSENT by the broker's hand: legs that the broker itself created.
    (_S.UNSENT, _I.APPEAR): _S.WORKING,
    (_S.UNSENT, _I.FILL): _S.FILLED,
    (_S.UNSENT, _I.CANCEL): _S.CANCELED,
    (_S.UNSENT, _I.EXPIRE): _S.EXPIRED,
    (_S.UNSENT, _I.REJECT): _S.REJECTED,
    (_S.UNSENT, _I.REPLACE): _S.REPLACED,
    (_S.UNSENT, _I.DOUBT): _S.IN_DOUBT,  # a duplicate answer after a deferral: ask again
    (_S.UNSENT, _I.DEFER): _S.UNSENT,
    (_S.IN_FLIGHT, _I.APPEAR): _S.WORKING,
    (_S.IN_FLIGHT, _I.DEFER): _S.UNSENT,
    (_S.IN_FLIGHT, _I.DOUBT): _S.IN_DOUBT,
    (_S.IN_FLIGHT, _I.FILL): _S.FILLED,
    (_S.IN_FLIGHT, _I.CANCEL): _S.CANCELED,
    (_S.IN_FLIGHT, _I.EXPIRE): _S.EXPIRED,
    (_S.IN_FLIGHT, _I.REJECT): _S.REJECTED,
    (_S.IN_FLIGHT, _I.REPLACE): _S.REPLACED,
    (_S.IN_DOUBT, _I.APPEAR): _S.WORKING,
    (_S.IN_DOUBT, _I.DOUBT): _S.IN_DOUBT,
    # Only a reducing order comes back this way, after a read that did not find it (decision 0003).
    (_S.IN_DOUBT, _I.DEFER): _S.UNSENT,
    (_S.IN_DOUBT, _I.ABSENT): _S.ABSENT,
    (_S.IN_DOUBT, _I.FILL): _S.FILLED,
    (_S.IN_DOUBT, _I.CANCEL): _S.CANCELED,
    (_S.IN_DOUBT, _I.EXPIRE): _S.EXPIRED,
    (_S.IN_DOUBT, _I.REJECT): _S.REJECTED,
    (_S.IN_DOUBT, _I.REPLACE): _S.REPLACED,
    (_S.WORKING, _I.OPEN): _S.WORKING,
    # The stream was faster than the answer, or a repeated request met its own first copy (R1, R21).
    (_S.WORKING, _I.DOUBT): _S.WORKING,
    (_S.WORKING, _I.DEFER): _S.WORKING,
    (_S.WORKING, _I.FILL): _S.FILLED,
    (_S.WORKING, _I.CANCEL): _S.CANCELED,
    (_S.WORKING, _I.EXPIRE): _S.EXPIRED,
    (_S.WORKING, _I.REJECT): _S.REJECTED,  # rejected after it was accepted (R15)
    (_S.WORKING, _I.REPLACE): _S.REPLACED,
    # A refused or missing order that appears after all: evidence wins (R22, R23).
    (_S.REJECTED, _I.APPEAR): _S.WORKING,
    (_S.ABSENT, _I.APPEAR): _S.WORKING,
    (_S.ABSENT, _I.FILL): _S.FILLED,
    (_S.ABSENT, _I.CANCEL): _S.CANCELED,
    (_S.ABSENT, _I.EXPIRE): _S.EXPIRED,
    (_S.ABSENT, _I.REJECT): _S.REJECTED,
    (_S.ABSENT, _I.REPLACE): _S.REPLACED,
    # Its predecessor is replaced: the move that was put down as lost may be what replaced it.
    (_S.ABSENT, _I.DOUBT): _S.IN_DOUBT,
    # Cancelled is not the end of the news: a fill may still be reported (glossary 13, A-06).
    (_S.CANCELED, _I.FILL): _S.FILLED,
    (_S.EXPIRED, _I.FILL): _S.FILLED,
    (_S.REPLACED, _I.FILL): _S.FILLED,  # the fill won the race against the replacement (R6)
    (_S.REJECTED, _I.FILL): _S.FILLED,
}

AVERAGE_ERROR_PX = 1_000
"""A broker's average may be off by its rounding: a millionth of a dollar."""
ABSENT_READS = 3
ABSENT_AFTER_NS = 120 * 1_000_000_000
"""I10 (iii): longer than the longest accept delay seen (90 s, fault N2)."""

_UNDONE = frozenset({ExecType.TRADE_CANCEL, ExecType.TRADE_CORRECT})
TERMINAL = frozenset({_S.FILLED, _S.CANCELED, _S.EXPIRED, _S.REJECTED, _S.REPLACED, _S.ABSENT})
OPEN_STATES = frozenset({_S.IN_FLIGHT, _S.IN_DOUBT, _S.WORKING})
_OURS = frozenset({_I.SEND, _I.DROP, _I.ABSENT})


class IllegalTransition(Exception):
    """We tried what the table forbids: a programming error."""


def moved(state: OrderState, what: OrderInput) -> OrderState:
    """The state after ``what``.

    A broker's message that the table does not list for a terminal state is old news and changes
    nothing; a forbidden act of ours raises `IllegalTransition`.
    """
    after = TRANSITIONS.get((state, what))
    if after is not None:
        return after
    if what in _OURS or state not in TERMINAL:
        raise IllegalTransition(f"{what} in state {state}")
    return state


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution: ``qty`` 1e-9 share at ``px`` 1e-9 USD.

    Busted: ``qty`` 0, ``busted_qty`` what it was, ``venue_ns`` when it was taken back.
    """

    exec_id: str
    qty: int
    px: int
    venue_ns: int
    busted_qty: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildOrder:
    """One order of a trade. ``key`` is the client order id (ours, or the broker's for its legs).

    ``group`` is the exit group it belongs to (0: entry). ``reported_qty`` is the highest cumulative
    quantity that a broker message showed (at ``reported_ns``, less what was busted since); where it
    exceeds the ledger, executions are missing.
    ``is_moving``: the broker shows it as waiting for a replacement, which it therefore has.
    ``is_unlisted`` and ``is_unmoved``: a complete listing and the positions, both read after that
    time, know nothing of it either (I10). ``asked_ns``/``asks``: last read and number of reads
    without news. ``read_ns``: when the last read of it that succeeded was sent, kept while its
    trade's position is in question. ``not_before_ns``: earliest next send. ``cancel_ns``: when its
    end was last asked for. ``disputed_qty`` and ``disputed_px``: what a read newer than every
    execution we know counted and averaged, where that contradicts the ledger: an execution may have
    been taken back or corrected in a message that was lost.
    """

    key: str
    spec: OrderSpec
    state: OrderState = OrderState.UNSENT
    group: int = 0
    is_ours: bool = True
    order_id: str | None = None
    replaces: str | None = None
    is_held: bool = False
    is_moving: bool = False
    fills: tuple[Fill, ...] = ()
    reported_qty: int = 0
    reported_ns: int = 0
    reported_px: int | None = None
    carried_qty: int = 0
    sent_ns: int = 0
    sends: int = 0
    not_before_ns: int = 0
    cancel_ns: int | None = None
    cancels: int = 0
    asked_ns: int = 0
    asks: int = 0
    absent_reads: int = 0
    absent_since_ns: int | None = None
    is_unlisted: bool = False
    is_unmoved: bool = False
    text: str = ""
    read_ns: int = 0
    disputed_qty: int | None = None
    disputed_px: int | None = None

    @property
    def leg(self) -> Leg:
        """What the order is for."""
        return self.spec.leg

    @property
    def is_open(self) -> bool:
        """Whether it may still execute, as far as we know."""
        return self.state in OPEN_STATES

    @property
    def is_terminal(self) -> bool:
        """Whether it can no longer execute, by evidence."""
        return self.state in TERMINAL

    def is_long_absent(self, at_ns: int) -> bool:
        """Whether enough targeted reads over enough time, as of ``at_ns``, did not find it."""
        since_ns = self.absent_since_ns
        if since_ns is None or self.absent_reads < ABSENT_READS:
            return False
        return at_ns >= since_ns + ABSENT_AFTER_NS

    def may_yet_arrive(self, now: int) -> bool:
        """Whether an earlier copy of this exit was neither answered nor found: it may be accepted
        90 s after it was sent (N2), and only its own id keeps the broker from taking it as well as
        what is sent in its place (I9, I10)."""
        since_ns = self.absent_since_ns
        return since_ns is not None and now < since_ns + ABSENT_AFTER_NS

    @property
    def priced_qty(self) -> int:
        """Quantity in the ledger of executions."""
        return sum(fill.qty for fill in self.fills)

    @property
    def priced_cost(self) -> int:
        """Cost of the ledger, 1e-18 USD."""
        return sum(fill.qty * fill.px for fill in self.fills)

    @property
    def cum_qty(self) -> int:
        """Executed quantity by the strongest evidence: ledger or the broker's own count."""
        priced_qty = 0
        for fill in self.fills:  # `priced_qty`; asked for hundreds of times a step
            priced_qty += fill.qty
        shown_qty = self.reported_qty - self.carried_qty
        return priced_qty if priced_qty > shown_qty else shown_qty

    @property
    def unpriced_qty(self) -> int:
        """Executed quantity whose executions are not known yet."""
        return self.cum_qty - self.priced_qty

    @property
    def is_disputed(self) -> bool:
        """Whether a newer read contradicts the ledger of executions."""
        return self.disputed_qty is not None

    @property
    def leaves_qty(self) -> int:
        """Quantity that may still execute; 0 once terminal."""
        if self.is_terminal:
            return 0
        return max(0, self.spec.order_qty - self.carried_qty - self.cum_qty)

    @property
    def cost(self) -> int:
        """Cost in 1e-18 USD; the unpriced part at the broker's average, else at the order's limit.

        Provisional while `unpriced_qty` > 0: protection may use it, the books may not (A-04).
        """
        if not self.unpriced_qty:
            return self.priced_cost
        total_px = self.reported_px
        if total_px is not None and self.reported_qty == self.cum_qty + self.carried_qty:
            return max(self.priced_cost, total_px * self.cum_qty)
        guess_px = self.spec.limit_px or self.spec.stop_px or 0
        return self.priced_cost + self.unpriced_qty * guess_px


_STATUS_INPUT = {
    OrdStatus.FILLED: OrderInput.FILL,
    OrdStatus.CANCELED: OrderInput.CANCEL,
    OrdStatus.EXPIRED: OrderInput.EXPIRE,
    OrdStatus.REJECTED: OrderInput.REJECT,
    OrdStatus.REPLACED: OrderInput.REPLACE,
}


def input_of(order: ChildOrder, report: ExecutionReport) -> OrderInput:
    """What a report means for this order's machine."""
    terminal = _STATUS_INPUT.get(report.ord_status)
    if terminal is not None:
        return terminal
    return OrderInput.APPEAR if order.order_id is None else OrderInput.OPEN


def with_report(order: ChildOrder, report: ExecutionReport) -> ChildOrder:
    """The order after a report: identity, executions, state. Idempotent and order-insensitive."""
    what = input_of(order, report)
    order = with_execution(order, report)
    shown_qty = report.cum_qty - _busted_after(order, report.venue_ns)
    is_news = shown_qty >= order.reported_qty
    is_late = report.venue_ns < order.reported_ns  # the answer to a request, outrun by the stream
    after = replace(
        order,
        state=moved(order.state, what),
        order_id=report.order_id,
        replaces=report.replaces or order.replaces,
        is_held=order.is_held if is_late else not report.working,
        is_moving=order.is_moving if is_late else report.ord_status is OrdStatus.PENDING_REPLACE,
        reported_qty=shown_qty if is_news else order.reported_qty,
        reported_ns=report.venue_ns if is_news else order.reported_ns,
        reported_px=report.avg_px if is_news and report.avg_px else order.reported_px,
        # A read is not news: its next one keeps its distance.
        asks=order.asks if report.exec_type is ExecType.ORDER_STATUS else 0,
        absent_reads=0,
        absent_since_ns=None,
        is_unlisted=False,
        is_unmoved=False,
        text=report.text or order.text,
    )
    return _with_dispute(after, report)


def _with_dispute(order: ChildOrder, report: ExecutionReport) -> ChildOrder:
    """Compare a read with the ledger, or the count that the message of a bust or a correction
    carries: another such message may have been lost (simulation, seed 40469 with more busts). A
    bust is believed only once the executions say so, too."""
    last_ns = max((fill.venue_ns for fill in order.fills), default=report.venue_ns)
    qty = report.cum_qty - order.carried_qty
    is_newer = report.exec_type is ExecType.ORDER_STATUS and report.venue_ns > last_ns
    is_newer |= report.exec_type in _UNDONE and report.venue_ns >= last_ns
    if not is_newer or qty > order.priced_qty:
        return order
    px = None if order.carried_qty else report.avg_px
    if qty == order.priced_qty and _is_average(px, order.priced_cost, qty):
        return replace(order, disputed_qty=None, disputed_px=None)
    return replace(order, disputed_qty=qty, disputed_px=px)


def _is_average(px: int | None, cost: int, qty: int) -> bool:
    """Whether ``px`` can be the average of these executions, as a broker rounds it."""
    return px is None or not qty or abs(px * qty - cost) <= AVERAGE_ERROR_PX * qty


def with_listing(order: ChildOrder, listed: Sequence[ExecutionReport], at_ns: int) -> ChildOrder:
    """A disputed order after all its executions were listed, asked for at ``at_ns`` (UTC).

    The ledger follows the listing where the listing agrees with the read that disputed it: two
    answers of the broker against messages that may be lost. A listing that agrees with the ledger
    ends the dispute as well; any other proves nothing.
    """
    rows = {row.exec_id: row for row in listed}
    qty = sum(row.last_qty or 0 for row in listed)
    cost = sum((row.last_qty or 0) * (row.last_px or 0) for row in listed)
    settled = replace(order, disputed_qty=None, disputed_px=None)
    if (qty, cost) == (order.priced_qty, order.priced_cost):
        return settled
    if qty != order.disputed_qty or not _is_average(order.disputed_px, cost, qty):
        return order
    fills = tuple(_as_listed(fill, rows.get(fill.exec_id), at_ns) for fill in order.fills)
    return replace(
        settled, fills=_in_order(fills), reported_qty=qty + order.carried_qty, reported_px=None
    )


def _as_listed(fill: Fill, row: ExecutionReport | None, at_ns: int) -> Fill:
    if row is None:
        return fill if not fill.qty else Fill(fill.exec_id, 0, fill.px, at_ns, busted_qty=fill.qty)
    return replace(fill, qty=row.last_qty or 0, px=row.last_px or 0)


def with_execution(order: ChildOrder, report: ExecutionReport) -> ChildOrder:
    """The order with this report's execution, bust or correction in its ledger (I24)."""
    if report.exec_id is None:
        return order
    known = {fill.exec_id: fill for fill in order.fills}
    match report.exec_type:
        case ExecType.TRADE:
            if report.exec_id in known or report.last_qty is None or report.last_px is None:
                return order
            fill = Fill(report.exec_id, report.last_qty, report.last_px, report.venue_ns)
            return replace(order, fills=_in_order((*order.fills, fill)))
        case ExecType.TRADE_CANCEL:
            return _with_bust(order, report)
        case ExecType.TRADE_CORRECT:
            return _with_correction(order, report)
        case _:
            pass
    return order


def _with_bust(order: ChildOrder, report: ExecutionReport) -> ChildOrder:
    """Quantity 0 keeps the id known: the busted execution cannot come back as a late duplicate."""
    assert report.exec_id is not None
    old = next((fill for fill in order.fills if fill.exec_id == report.exec_id), None)
    if old is not None and old.busted_qty:
        return order
    qty = old.qty if old is not None else report.last_qty or 0
    px = old.px if old is not None else report.last_px or 0
    rest = tuple(fill for fill in order.fills if fill is not old)
    tombstone = Fill(report.exec_id, 0, px, report.venue_ns, busted_qty=qty)
    is_older = order.reported_ns <= report.venue_ns
    return replace(
        order,
        fills=_in_order((*rest, tombstone)),
        reported_qty=max(0, order.reported_qty - qty) if is_older else order.reported_qty,
    )


def _busted_after(order: ChildOrder, at_ns: int) -> int:
    """Shares that a message of ``at_ns`` (venue time) still counted and that were busted since."""
    return sum(fill.busted_qty for fill in order.fills if fill.venue_ns > at_ns)


def _with_correction(order: ChildOrder, report: ExecutionReport) -> ChildOrder:
    assert report.exec_id is not None
    if report.last_px is None:
        return order
    old = next((fill for fill in order.fills if fill.exec_id == report.exec_id), None)
    qty = report.last_qty if report.last_qty is not None else (old.qty if old else 0)
    venue_ns = old.venue_ns if old else report.venue_ns
    rest = tuple(fill for fill in order.fills if fill.exec_id != report.exec_id)
    corrected = Fill(report.exec_id, qty, report.last_px, venue_ns)
    return replace(order, fills=_in_order((*rest, corrected)))


def _in_order(fills: tuple[Fill, ...]) -> tuple[Fill, ...]:
    """One history has one spelling, however it arrived."""
    return tuple(sorted(fills, key=lambda fill: (fill.venue_ns, fill.exec_id)))


def with_input(order: ChildOrder, what: OrderInput) -> ChildOrder:
    """The order after something that is not a report."""
    return replace(order, state=moved(order.state, what))
