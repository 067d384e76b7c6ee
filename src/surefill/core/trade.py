"""A trade: the round trip from plan to flat, as one value.

What: `Trade` (everything that must survive a crash), the quantities derived from it, the machine of
its phases and its outcome. `core.entry`, `core.protection` and `core.exits` decide; this file only
knows.
Invariants: quantities come from the orders' ledgers and nowhere else; nothing derivable is stored;
``worst_px`` and the initial risk never change after the plan is accepted.
Must never: read a clock or send anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from surefill.core.events import ExecutionReport
from surefill.core.excursion import Excursion
from surefill.core.fix import Feed, Leg
from surefill.core.ids import IdLeg, cl_ord_id
from surefill.core.market import MarketView
from surefill.core.memory import remembered
from surefill.core.order import ChildOrder, OrderState
from surefill.core.plan import Policy, TradePlan
from surefill.core.pricing import EntryTerms, ExitPrices, exits_at, mean_exits, static_exits
from surefill.core.reasons import Reason
from surefill.core.tactic import ProtectionStyle
from surefill.core.units import TickSchedule
from surefill.core.values import replace


class GroupKind(StrEnum):
    """What an exit group is made of."""

    BRACKET = "BRACKET"
    """Legs that travel with the entry and arm when it is completely filled."""
    OCO = "OCO"
    STOP = "STOP"
    FLATTEN = "FLATTEN"
    """A marketable reduce-only limit: it closes, it does not cover."""
    RESTORE = "RESTORE"
    """Buys back what the venue sold too much (I4b)."""


@dataclass(frozen=True, slots=True)
class ExitGroup:
    """Exits for one quantity (1e-9 share). Its orders carry ``group == n``; the prices are the
    ones it was sent with or is being moved to."""

    n: int
    kind: GroupKind
    qty: int
    stop_px: int
    target_px: int
    is_ended: bool = False
    """We have asked for its end."""
    rank: int = 0
    """Which target it is for: 0 the plan's own, else a scale-out (`core.scaling`)."""


class Rung(StrEnum):
    """How cover is attempted now; each refusal goes one further (design 4, last paragraph)."""

    OCO = "OCO"
    STOP = "STOP"
    FLATTEN = "FLATTEN"
    EXPOSED = "EXPOSED"


class Outcome(StrEnum):
    """The one way in which a trade ended."""

    DENIED = "DENIED"
    NOT_ENTERED = "NOT_ENTERED"
    CLOSED_TARGET = "CLOSED_TARGET"
    CLOSED_STOP = "CLOSED_STOP"
    CLOSED_TIME = "CLOSED_TIME"
    CLOSED_FLATTEN = "CLOSED_FLATTEN"
    CLOSED_EXTERNAL = "CLOSED_EXTERNAL"
    CLOSED_MIXED = "CLOSED_MIXED"
    HANDED_OVER = "HANDED_OVER"


@dataclass(frozen=True, slots=True)
class Arrival:
    """The market when the engine accepted the plan, or a breakout was triggered: mid in 1e-9 USD
    (``None`` if unknown)."""

    px: int | None
    feed: Feed | None


def arrival_of(market: MarketView | None) -> Arrival:
    """The market as the entry finds it."""
    nbbo = market.nbbo if market is not None else None
    return Arrival(nbbo.mid_px if nbbo else None, market.feed if market else None)


@dataclass(frozen=True, slots=True)
class Uncovered:
    """The clock of nakedness, by our own time. ``share_ns``: 1e-9 share times ns."""

    since_ns: int | None = None
    at_ns: int = 0
    total_ns: int = 0
    longest_ns: int = 0
    share_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """One trade. ``tag`` is the account's tag in our ids. Times are UTC ns.

    ``entry_end`` says why no further entry order will be sent. ``exit_reason`` says that the trade
    is to be closed and why; ``keep_qty`` that only the shares (1e-9) beyond it are.
    ``exit_changes``: when exits were asked to move in the last minute; ``change_failures``: how
    often in a row that came to nothing, last at ``change_failed_ns``. ``short_ns``: since when
    reads of the positions show fewer shares than ours (0: the last did not). ``ratchet_px``: the
    tightest stop (1e-9 USD) since the entry, ``ratchet_ns``: when a rule last earned one.
    ``held_since_ns``: the first fill, where an exit hangs on it. ``triggered_ns``: when the market
    came to the trigger of a breakout (0: not yet); until then ``deadline_ns`` ends the wait.
    ``strays`` are reports of orders that may turn out to be our legs. ``wake_ns`` is the next
    instant at which the trade wants to be looked at.
    """

    plan: TradePlan
    policy: Policy
    terms: EntryTerms
    ticks: TickSchedule
    tag: str
    style: ProtectionStyle
    is_legacy: bool
    accepted_ns: int
    deadline_ns: int
    arrival: Arrival = Arrival(None, None)
    orders: tuple[ChildOrder, ...] = ()
    groups: tuple[ExitGroup, ...] = ()
    entry_end: Reason | None = None
    exit_reason: Reason | None = None
    keep_qty: int | None = None
    rung: Rung = Rung.OCO
    flatten_step: int = 0
    wash_blocked: bool = False
    external_qty: int = 0
    break_qty: int = 0
    break_since_ns: int | None = None
    break_asked_ns: int = 0
    short_ns: int = 0
    exit_changes: tuple[int, ...] = ()
    change_failed_ns: int = 0
    change_failures: int = 0
    closing_failed_ns: int = 0
    closing_since_ns: int | None = None
    fills_asked_ns: int = 0
    uncovered: Uncovered = Uncovered()
    excursion: Excursion | None = None
    through_since_ns: int | None = None
    ratchet_px: int | None = None
    ratchet_ns: int = 0
    held_since_ns: int | None = None
    triggered_ns: int = 0
    flat_since_ns: int | None = None
    alarms: tuple[str, ...] = ()
    strays: tuple[ExecutionReport, ...] = ()
    is_settled: bool = False
    outcome: Outcome | None = None
    reason: Reason | None = None
    closed_ns: int | None = None
    wake_ns: int | None = None

    @property
    def trade_id(self) -> str:
        """The plan's id: one plan, one trade."""
        return self.plan.plan_id

    @property
    def symbol(self) -> str:
        """What is traded."""
        return self.plan.symbol

    @property
    def sign(self) -> int:
        """+1 long, -1 short."""
        return self.plan.sign

    @property
    def is_closed(self) -> bool:
        """Whether the outcome is final."""
        return self.outcome is not None

    @property
    def is_waiting(self) -> bool:
        """Whether this is a breakout whose trigger is still waited for: nothing was ever sent."""
        if self.plan.trigger_px is None or self.triggered_ns:
            return False
        return self.entry_end is None and self.exit_reason is None

    @property
    def started_ns(self) -> int:
        """When the entry began, or could have: at the trigger of a breakout."""
        return self.triggered_ns or self.accepted_ns

    @property
    def is_absent_entry(self) -> bool:
        """Closed because its entry never reached the broker: still watched for it (I10)."""
        return any(
            o.leg is Leg.ENTRY and o.state is OrderState.ABSENT and o.sends for o in self.orders
        )

    def order(self, key: str) -> ChildOrder | None:
        """The order with this key."""
        return next((order for order in self.orders if order.key == key), None)

    def order_by_id(self, order_id: str) -> ChildOrder | None:
        """The order with this broker id."""
        return next((order for order in self.orders if order.order_id == order_id), None)

    def has_successor(self, order: ChildOrder) -> bool:
        """Whether the broker shows another order in this one's place."""
        return any(
            o.replaces == order.order_id and o.order_id is not None and not _is_void(o)
            for o in self.orders
            if o.replaces is not None
        )

    def group(self, n: int) -> ExitGroup | None:
        """The exit group with this number."""
        return next((group for group in self.groups if group.n == n), None)

    def group_orders(self, n: int) -> tuple[ChildOrder, ...]:
        """Exit orders of one group; a bracket's entry is not among them."""
        return tuple([o for o in self.orders if o.group == n and o.spec.leg is not Leg.ENTRY])

    @property
    def entries(self) -> tuple[ChildOrder, ...]:
        """Entry orders, oldest first."""
        return tuple([order for order in self.orders if order.spec.leg is Leg.ENTRY])

    @property
    def open_entry(self) -> ChildOrder | None:
        """The entry order that may still execute or is waiting to be sent."""
        for order in self.orders:
            if order.spec.leg is Leg.ENTRY and not order.is_terminal:
                return order
        return None

    @property
    def entry_qty(self) -> int:
        """Shares entered, 1e-9."""
        return sum(order.cum_qty for order in self.entries)

    @property
    def entry_cost(self) -> int:
        """What they cost, 1e-18 USD; provisional while `unpriced_qty` > 0."""
        return sum(order.cost for order in self.entries)

    @property
    @remembered
    def position_qty(self) -> int:
        """Shares held in the direction of the plan (negative: reversed), by our own executions."""
        signed_qty = 0
        for order in self.orders:
            cum_qty = order.cum_qty
            if cum_qty:
                signed_qty += order.spec.side.sign * cum_qty
        return self.sign * signed_qty - self.external_qty

    @property
    def exit_qty(self) -> int:
        """Shares that our own exits closed."""
        return self.entry_qty - self.external_qty - self.position_qty

    @property
    def unpriced_qty(self) -> int:
        """Executed shares whose executions have not been read yet, over all orders."""
        return sum(order.unpriced_qty for order in self.orders)

    @property
    def is_disputed(self) -> bool:
        """Whether a read contradicts the ledger of any order (a bust unheard)."""
        return any(order.is_disputed for order in self.orders)

    @property
    def entry_leaves_qty(self) -> int:
        """Shares that open or unsent entry orders may still bring."""
        return sum(o.leaves_qty for o in self.entries if not o.is_terminal)

    def group_rem(self, group: ExitGroup) -> int:
        """Shares that the group still stands for: its size minus what any of its legs closed. A
        bracket is no larger than what its entry bought."""
        size_qty, done_qty = group.qty, 0
        for order in self.orders:
            if order.group != group.n:
                continue
            if order.spec.leg is not Leg.ENTRY:
                done_qty += order.cum_qty
            elif _ended_early(order):
                size_qty = min(size_qty, order.cum_qty)
        return max(0, size_qty - done_qty)

    def next_id(self, leg: IdLeg) -> str:
        """A fresh client order id: the count of this letter's orders so far, plus one (I9)."""
        prefix = cl_ord_id(self.tag, self.trade_id, leg=leg, n=1)[:-1]
        used = sum(1 for order in self.orders if order.is_ours and order.key.startswith(prefix))
        return cl_ord_id(self.tag, self.trade_id, leg=leg, n=used + 1)

    @remembered
    def wanted_exits(self) -> ExitPrices:
        """Where stop and target belong now: where they were anchored, and a stop that has been
        tightened since where it was tightened to."""
        exits = self.anchored_exits()
        if self.ratchet_px is None or self.sign * (self.ratchet_px - exits.stop_px) <= 0:
            return exits
        return ExitPrices(self.ratchet_px, exits.target_px)

    @remembered
    def anchored_exits(self) -> ExitPrices:
        """Stop and target of the plan: from the fills, or from the signal on the legacy path. The
        initial risk is the distance to this stop (I14).

        Before the first fill: as if everything filled at the worst price, the tightest they can be.
        """
        if self.is_legacy:
            return static_exits(self.plan, self.ticks)
        if not self.entry_qty:
            return ExitPrices(self.terms.stop_px, self.terms.target_px)
        return exits_at(self.plan, self.ticks, cost=self.entry_cost, qty=self.entry_qty)


def anchored_mean(trade: Trade) -> ExitPrices:
    """The anchored exits, with the mean of all targets by their shares (1e-9 USD, off the tick)."""
    if trade.is_legacy or not trade.entry_qty:
        return mean_exits(trade.plan, trade.ticks, cost=trade.plan.signal_px, qty=1)
    return mean_exits(trade.plan, trade.ticks, cost=trade.entry_cost, qty=trade.entry_qty)


def _ended_early(entry: ChildOrder) -> bool:
    return entry.is_terminal and entry.state is not OrderState.FILLED


def _is_void(order: ChildOrder) -> bool:
    """A replacement that came to nothing leaves its predecessor in place (R9)."""
    return order.state is OrderState.REJECTED


def reopened(trade: Trade) -> Trade:
    """The trade without its outcome: a fact of the venue has to be dealt with first."""
    return replace(
        trade, outcome=None, reason=None, closed_ns=None, is_settled=False, flat_since_ns=None
    )


class Phase(StrEnum):
    """Where a trade is, for people, tables and fault coverage. Derived, never stored."""

    AWAITING_TRIGGER = "AWAITING_TRIGGER"
    PRE_SEND = "PRE_SEND"
    IN_FLIGHT = "IN_FLIGHT"
    IN_DOUBT = "IN_DOUBT"
    WORKING = "WORKING"
    PARTIAL = "PARTIAL"
    CANCELLING = "CANCELLING"
    FILLED_UNCOVERED = "FILLED_UNCOVERED"
    COVER_IN_FLIGHT = "COVER_IN_FLIGHT"
    COVERED = "COVERED"
    AMENDING = "AMENDING"
    EXITING = "EXITING"
    FLATTENING = "FLATTENING"
    SETTLING = "SETTLING"
    CLOSED = "CLOSED"


def phase_of(trade: Trade, *, covered_qty: int, claimed_qty: int) -> Phase:
    """The phase of a trade whose cover is known (see `core.protection`)."""
    if trade.is_closed:
        return Phase.CLOSED
    if trade.is_waiting:
        return Phase.AWAITING_TRIGGER
    position = trade.position_qty
    entry = trade.open_entry
    if position and trade.exit_reason is not None:
        return Phase.FLATTENING
    if entry is not None and not position:
        return _entry_phase(entry)
    if not position:
        return Phase.SETTLING if trade.orders else Phase.PRE_SEND
    if covered_qty < position:
        if claimed_qty >= position:
            return Phase.COVER_IN_FLIGHT
        return Phase.PARTIAL if entry is not None else Phase.FILLED_UNCOVERED
    if any(o.state is OrderState.IN_FLIGHT and o.replaces for o in trade.orders):
        return Phase.AMENDING
    return Phase.EXITING if trade.exit_qty else Phase.COVERED


def _entry_phase(entry: ChildOrder) -> Phase:
    if entry.state is OrderState.UNSENT:
        return Phase.PRE_SEND
    if entry.state is OrderState.IN_DOUBT:
        return Phase.IN_DOUBT
    if entry.cancel_ns is not None:
        return Phase.CANCELLING
    if entry.state is OrderState.IN_FLIGHT:
        return Phase.IN_FLIGHT
    return Phase.WORKING


_ENTERING = frozenset(
    {Phase.PRE_SEND, Phase.IN_FLIGHT, Phase.IN_DOUBT, Phase.WORKING, Phase.CANCELLING}
)
_HOLDING = frozenset(
    {
        Phase.PARTIAL,
        Phase.FILLED_UNCOVERED,
        Phase.COVER_IN_FLIGHT,
        Phase.COVERED,
        Phase.AMENDING,
        Phase.EXITING,
        Phase.FLATTENING,
    }
)

PHASES: dict[Phase, frozenset[Phase]] = {
    # Nothing was sent: there is nothing that could fill. A trigger is never taken back.
    Phase.AWAITING_TRIGGER: frozenset({Phase.PRE_SEND, Phase.IN_FLIGHT, Phase.CLOSED}),
    # Shares may appear from any entering phase: fills outrun answers, cancels and doubts.
    Phase.PRE_SEND: _ENTERING | _HOLDING | {Phase.SETTLING, Phase.CLOSED},
    Phase.IN_FLIGHT: _ENTERING | _HOLDING | {Phase.SETTLING, Phase.CLOSED},
    Phase.IN_DOUBT: _ENTERING | _HOLDING | {Phase.SETTLING, Phase.CLOSED},
    Phase.WORKING: _ENTERING | _HOLDING | {Phase.SETTLING, Phase.CLOSED},
    Phase.CANCELLING: _ENTERING | _HOLDING | {Phase.SETTLING, Phase.CLOSED},
    # From a position there is no way back to a bare entry except a bust of everything that filled,
    # or exits that close it while the entry's rest, or a tactic's next order, is still out.
    Phase.PARTIAL: _HOLDING | _ENTERING | {Phase.SETTLING, Phase.CLOSED},
    Phase.FILLED_UNCOVERED: _HOLDING | {Phase.SETTLING, Phase.CLOSED},
    Phase.COVER_IN_FLIGHT: _HOLDING | _ENTERING | {Phase.SETTLING, Phase.CLOSED},
    Phase.COVERED: _HOLDING | _ENTERING | {Phase.SETTLING, Phase.CLOSED},
    Phase.AMENDING: _HOLDING | _ENTERING | {Phase.SETTLING, Phase.CLOSED},
    Phase.EXITING: _HOLDING | _ENTERING | {Phase.SETTLING, Phase.CLOSED},
    Phase.FLATTENING: _HOLDING
    | {Phase.SETTLING, Phase.CLOSED, Phase.CANCELLING, Phase.IN_FLIGHT, Phase.IN_DOUBT},
    Phase.SETTLING: _ENTERING | _HOLDING | {Phase.SETTLING, Phase.CLOSED},
    # A late fill of an order that was closed as absent, or a bust, re-opens a trade (R22, R16).
    Phase.CLOSED: frozenset({Phase.CLOSED}) | _ENTERING | _HOLDING | {Phase.SETTLING},
}
"""phase -> phases that may follow; checked after every step."""
