"""One turn of a trade: the trade being decided on, and the commands that fall out.

What: `Context` (what a decision may look at beside the trade), `Turn` (collects state and commands
together, so that no command leaves without the state that remembers it).
Why: every send goes through one gate that checks what must always hold of an order (I13, I4, I1).
Must never: contain a trading decision.
"""

from __future__ import annotations

from dataclasses import dataclass

from surefill.core.commands import (
    Announce,
    CancelOrder,
    Command,
    Milestone,
    OrderSpec,
    Priority,
    QueryOrder,
    RaiseAlarm,
    ReplaceOrder,
    SubmitOrder,
)
from surefill.core.fix import Leg, OrdType
from surefill.core.market import MarketView
from surefill.core.order import ChildOrder, OrderInput, OrderState, with_input
from surefill.core.plan import SECOND_NS
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.session import Session, SessionKind
from surefill.core.tactic import Tactic
from surefill.core.trade import ExitGroup, Trade
from surefill.core.units import NANO, to_text
from surefill.core.values import replace

MS_NS = 1_000_000

COVER_GRACE_NS = 250 * MS_NS
"""Fills within this time share one exit group: requests are scarce, I3 allows 1,500 ms."""
REMAINDER_GRACE_NS = 400 * MS_NS
"""Where exits may not rest beside the entry: time for the rest to fill before the remainder is
canceled (<= 700 ms by failures.md C.1.1)."""
ASK_BACKOFF_NS = tuple(ms * MS_NS for ms in (0, 250, 500, 1000, 2000, 4000, 5000))
"""Gaps between reads of an order whose state is open."""
CONFIRM_NS = 400 * MS_NS
"""Time for the stream to confirm a cancel or replace before the order is read."""
BREAK_CONFIRM_NS = 400 * MS_NS
"""Two reads at least this far apart must agree before a position difference is believed (A-32)."""
RETRY_NS = tuple(ms * MS_NS for ms in (60, 100, 150, 250, 400, 700, 1000))
"""Gaps between sends of one protective intent that was refused for now; the last repeats."""


def backoff(gaps: tuple[int, ...], count: int) -> int:
    """The ``count``-th gap (from 0); the last one repeats."""
    return gaps[min(count, len(gaps) - 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a decision may look at beside the trade. ``may_act`` is False until the first complete
    read after a start: nothing is repaired on hearsay (I25). ``is_held_known``: the positions were
    read since the start too, or that was asked for long enough. ``ask_from_ns``: until then (UTC)
    other trades ask about their cover. ``is_unread``: nothing was sent yet, and the positions were
    not read since the last trade of the symbol."""

    now: int
    tactic: Tactic
    view: MarketView | None = None
    session: Session | None = None
    kind: SessionKind = SessionKind.CLOSED
    exits_beside_entry: bool = False
    may_act: bool = True
    is_held_known: bool = True
    is_unread: bool = False
    ask_from_ns: int = 0
    no_new_risk: Reason | None = None


class Turn:
    """The trade so far and the commands so far."""

    def __init__(self, trade: Trade, context: Context) -> None:
        self.trade = trade
        self.context = context
        self.commands: list[Command] = []
        self.broken: list[str] = []
        self._wake_ns: int | None = None

    @property
    def now(self) -> int:
        """The instant of this turn."""
        return self.context.now

    def wake_at(self, at_ns: int) -> None:
        """Look again no later than ``at_ns``; an instant that is over means soon, not at once, so
        that a decision that changes nothing cannot spin."""
        at_ns = max(at_ns, self.now + MS_NS)
        self._wake_ns = at_ns if self._wake_ns is None else min(self._wake_ns, at_ns)

    def update(self, order: ChildOrder) -> None:
        """Put a changed order in its place."""
        orders = tuple(order if old.key == order.key else old for old in self.trade.orders)
        self.trade = replace(self.trade, orders=orders)

    def add_order(self, order: ChildOrder) -> None:
        """Append a new order."""
        self.trade = replace(self.trade, orders=(*self.trade.orders, order))

    def add_group(self, group: ExitGroup) -> None:
        """Append a new exit group."""
        self.trade = replace(self.trade, groups=(*self.trade.groups, group))

    def update_group(self, group: ExitGroup) -> None:
        """Put a changed group in its place."""
        groups = tuple(group if old.n == group.n else old for old in self.trade.groups)
        self.trade = replace(self.trade, groups=groups)

    def submit(self, spec: OrderSpec, *, group: ExitGroup | None, priority: Priority) -> None:
        """Create and send an order, with the exit group it opens, unless the last gate holds it
        back."""
        if not self._passes_gate(spec):
            return
        if group is not None:
            self.add_group(group)
        n = group.n if group is not None else 0
        self.add_order(ChildOrder(key=spec.cl_ord_id, spec=spec, group=n))
        self._send(spec.cl_ord_id, priority)

    def resend(self, order: ChildOrder, priority: Priority) -> None:
        """Send a deferred intent again: same id, identical body (I9)."""
        if self._passes_gate(order.spec):
            self._send(order.key, priority)

    def _send(self, key: str, priority: Priority) -> None:
        order = self.trade.order(key)
        assert order is not None
        sent = with_input(order, OrderInput.SEND)
        self.update(replace(sent, sent_ns=self.now, sends=order.sends + 1, asks=0))
        self.commands.append(SubmitOrder(self.trade.trade_id, order.spec, priority))

    def cancel(self, order: ChildOrder) -> None:
        """Ask for the end of an order; an intent that never left is dropped on the spot."""
        if order.state is OrderState.UNSENT:
            self.update(with_input(order, OrderInput.DROP))
            return
        if order.order_id is None:
            return  # in flight or in doubt: it cannot be named yet (R5); evidence comes first
        again_ns = (order.cancel_ns or 0) + backoff(ASK_BACKOFF_NS, order.cancels + 2)
        if order.cancel_ns is not None and self.now < again_ns:
            self.wake_at(again_ns)
            return
        self.update(
            replace(
                order,
                cancel_ns=self.now,
                cancels=order.cancels + 1,
                asked_ns=self.now + CONFIRM_NS,
                asks=0,
            )
        )
        self.commands.append(CancelOrder(self.trade.trade_id, order.key, order.order_id))
        self.wake_at(self.now + CONFIRM_NS)

    def replace_order(
        self, order: ChildOrder, successor: OrderSpec, *, is_repair: bool = True
    ) -> None:
        """Ask for new prices of a working order; ``successor`` is the order it shall become. What
        is no repair may wait: it takes nothing of the requests kept for cover, nor of I20's."""
        assert order.order_id is not None
        self.add_order(
            ChildOrder(
                key=successor.cl_ord_id,
                spec=successor,
                state=OrderState.IN_FLIGHT,
                group=order.group,
                replaces=order.order_id,
                carried_qty=order.cum_qty + order.carried_qty,
                sent_ns=self.now,
                sends=1,
            )
        )
        is_limit = successor.ord_type is OrdType.LIMIT
        self.commands.append(
            ReplaceOrder(
                self.trade.trade_id,
                order.key,
                order.order_id,
                successor.cl_ord_id,
                limit_px=successor.limit_px if is_limit else None,
                stop_px=None if is_limit else successor.stop_px,
                priority=Priority.PROTECT if is_repair else Priority.ROUTINE,
            )
        )
        if not is_repair:
            return
        recent = tuple(at for at in self.trade.exit_changes if at > self.now - 60 * SECOND_NS)
        self.trade = replace(self.trade, exit_changes=(*recent, self.now))

    def ask(self, order: ChildOrder, *, within_ns: int = ASK_BACKOFF_NS[-1]) -> None:
        """Read an order whose state is open, if its turn has come; else wake up when it has.
        ``within_ns``: the longest gap between two reads."""
        due_ns = order.asked_ns + min(within_ns, backoff(ASK_BACKOFF_NS, order.asks))
        if self.now < due_ns:
            self.wake_at(due_ns)
            return
        self.update(replace(order, asked_ns=self.now, asks=order.asks + 1))
        self.commands.append(QueryOrder(self.trade.trade_id, order.key, order.order_id))
        self.wake_at(self.now + min(within_ns, backoff(ASK_BACKOFF_NS, order.asks + 1)))

    def alarm(self, reason: Reason) -> None:
        """Tell a human, once for each distinct reason of this trade."""
        name = str(reason)
        if name in self.trade.alarms:
            return
        self.trade = replace(self.trade, alarms=(*self.trade.alarms, name))
        self.commands.append(RaiseAlarm(self.trade.trade_id, reason))

    def announce(self, milestone: Milestone) -> None:
        """Tell whoever waits."""
        self.commands.append(Announce(self.trade.trade_id, milestone))

    def finish(self) -> Trade:
        """The trade as this turn leaves it, with its next instant."""
        if self.trade.wake_ns == self._wake_ns:
            return self.trade
        return replace(self.trade, wake_ns=self._wake_ns)

    def _passes_gate(self, spec: OrderSpec) -> bool:
        """What holds of every order that leaves (I1, I4, I13). A breach is our bug: not sent."""
        problem = spec_problem(self.trade, spec)
        if problem is None:
            return True
        self.broken.append(problem)
        self.alarm(Reason.of(ReasonCode.INVARIANT_BROKEN, name="I13", text=problem))
        return False


def spec_problem(trade: Trade, spec: OrderSpec) -> str | None:
    """Why this order must not leave, or ``None``. Checked at the last gate, in production too."""
    if spec.order_qty <= 0 or spec.order_qty % NANO:
        return f"quantity {to_text(spec.order_qty)}"
    for px in (spec.limit_px, spec.stop_px, spec.take_profit_px, spec.stop_loss_px):
        if px is not None and not trade.ticks.holds(px):
            return f"price {to_text(px)} is off the tick"
    if spec.leg is Leg.ENTRY:
        return _entry_problem(trade, spec)
    if spec.side is not trade.plan.side.exit_side and trade.position_qty >= 0:
        return f"side {spec.side} does not reduce"
    if spec.order_qty > abs(trade.position_qty):
        return f"exit for {to_text(spec.order_qty)} of {to_text(trade.position_qty)}"
    return None


def _entry_problem(trade: Trade, spec: OrderSpec) -> str | None:
    if spec.side is not trade.plan.side:
        return f"entry side {spec.side}"
    others = (o for o in trade.entries if o.key != spec.cl_ord_id)
    committed = sum(order.cum_qty + order.leaves_qty for order in others)
    if committed + spec.order_qty > trade.terms.order_qty:
        return f"entry of {to_text(spec.order_qty)} beside {to_text(committed)}"
    if trade.is_legacy:
        return None
    if spec.ord_type is not OrdType.LIMIT or spec.limit_px is None:
        return f"entry type {spec.ord_type}"
    if trade.sign * (spec.limit_px - trade.terms.worst_px) > 0:
        return f"entry limit {to_text(spec.limit_px)} beyond {to_text(trade.terms.worst_px)}"
    return None
