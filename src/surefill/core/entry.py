"""Working the entry: inside the worst price and the time budget, never twice.

What: when the entry ends and why, what order should be working, what to do about one in doubt.
Invariants: at most one entry order may execute at a time; an entry in doubt is never sent again
(I10); a new quote goes out only after the old order's end is known; once ``entry_end`` is set no
entry order is ever sent for this trade, whatever is busted or corrected later.
"""

from __future__ import annotations

from surefill.core.commands import OrderSpec, Priority, QueryOrders, QueryPositions
from surefill.core.fix import Contingency, Leg, TimeInForce
from surefill.core.ids import IdLeg
from surefill.core.order import (
    ABSENT_AFTER_NS,
    ChildOrder,
    OrderInput,
    OrderState,
    with_input,
)
from surefill.core.plan import SECOND_NS
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.session import SessionKind
from surefill.core.state import HELD_WAIT_NS
from surefill.core.tactic import EntryView, ProtectionStyle, WantedEntry
from surefill.core.trade import ExitGroup, GroupKind, Rung, Trade
from surefill.core.turn import REMAINDER_GRACE_NS, Turn
from surefill.core.units import to_text
from surefill.core.values import replace


def work_entry(turn: Turn) -> None:
    """Bring the entry to where the plan wants it now."""
    if turn.trade.entry_end is None:
        turn.trade = replace(turn.trade, entry_end=_end_reason(turn))
    entry = turn.trade.open_entry
    if entry is not None and entry.state is OrderState.IN_DOUBT:
        _settle_doubt(turn, entry)
        return
    if turn.trade.entry_end is not None:
        if entry is not None:
            _stop(turn, entry)
        return
    turn.wake_at(turn.trade.deadline_ns)
    if turn.context.is_unread:
        _wait_for_positions(turn)
    elif not turn.trade.is_waiting:
        _follow_tactic(turn, entry)


def _wait_for_positions(turn: Turn) -> None:
    """Nobody enters beside shares that an earlier trade may have left: the positions are asked for
    at once and then each second, and where they cannot be had there is no entry."""
    trade, now = turn.trade, turn.now
    end_ns = trade.started_ns + HELD_WAIT_NS
    if now >= end_ns:
        unknown = Reason.of(ReasonCode.POSITION_UNKNOWN)
        turn.trade = replace(trade, entry_end=unknown)
        return
    due_ns = trade.break_asked_ns + SECOND_NS
    if now >= due_ns:
        turn.trade = replace(trade, break_asked_ns=now)
        turn.commands.append(QueryPositions(Priority.EVIDENCE))
        due_ns = now + SECOND_NS
    turn.wake_at(min(due_ns, end_ns))


def _time_reason(trade: Trade) -> Reason:
    seconds = to_text(trade.deadline_ns - trade.started_ns)
    if trade.is_waiting:
        trigger = to_text(trade.plan.trigger_px or 0)
        return Reason.of(ReasonCode.ENTRY_NOT_TRIGGERED, trigger=trigger, seconds=seconds)
    worst = to_text(trade.terms.worst_px)
    return Reason.of(ReasonCode.ENTRY_TIMEOUT, seconds=seconds, worst=worst)


def _end_reason(turn: Turn) -> Reason | None:
    """Why no further entry order may be sent, or ``None`` while the entry is still wanted."""
    trade, context = turn.trade, turn.context
    if trade.exit_reason is not None:
        return trade.exit_reason
    if context.no_new_risk is not None:
        return context.no_new_risk
    if trade.entries and trade.open_entry is None:
        ended = _ended_by(trade, trade.entries[-1], may_slice=_may_slice(turn))
        if ended is not None:
            return ended
    if turn.now >= trade.deadline_ns:
        return _time_reason(trade)
    if trade.exit_qty or trade.external_qty:
        return Reason.of(ReasonCode.ENTRY_EXITED)  # no adding to what is on its way out
    if _must_give_way(turn):
        return Reason.of(ReasonCode.ENTRY_COVER_FIRST)
    return None


def _may_slice(turn: Turn) -> bool:
    """Whether an entry order may follow one that filled, while the first one's cover rests."""
    trade = turn.trade
    may_rest = turn.context.exits_beside_entry and not trade.wash_blocked
    return may_rest and trade.style is ProtectionStyle.OCO and trade.rung is Rung.OCO


def _ended_by(trade: Trade, last: ChildOrder, *, may_slice: bool) -> Reason | None:
    """Why the last entry order is over; ``None`` if we ended it ourselves to quote anew, or if it
    was one slice of several."""
    match last.state:
        case OrderState.FILLED:
            before_qty = sum(order.cum_qty for order in trade.entries[:-1])
            if before_qty + last.spec.order_qty >= trade.terms.order_qty:
                return Reason.of(ReasonCode.ENTRY_FILLED)
            return None if may_slice else Reason.of(ReasonCode.ENTRY_COVER_FIRST)
        case OrderState.REJECTED:
            return Reason.of(ReasonCode.ENTRY_REJECTED, text=last.text)
        case OrderState.EXPIRED:
            return Reason.of(ReasonCode.ENTRY_EXPIRED)
        case OrderState.ABSENT if last.sends:
            seconds = ABSENT_AFTER_NS // SECOND_NS
            return Reason.of(ReasonCode.ENTRY_ABSENT, reads=last.absent_reads, seconds=seconds)
    if last.cancel_ns is None and last.sends:
        return Reason.of(ReasonCode.ENTRY_CANCELED, by="the broker or somebody else")
    if trade.entry_qty >= trade.terms.order_qty:
        return Reason.of(ReasonCode.ENTRY_FILLED)
    return None


def _must_give_way(turn: Turn) -> bool:
    """Whether filled shares need the entry's remainder out of the way (A-22, B-01)."""
    trade, context = turn.trade, turn.context
    if trade.open_entry is None or not trade.position_qty:
        return False
    if trade.rung is not Rung.OCO or trade.wash_blocked:
        return True
    waits_for_rest = trade.style is ProtectionStyle.BRACKET or not context.exits_beside_entry
    if not waits_for_rest or trade.uncovered.since_ns is None:
        return False
    due_ns = trade.uncovered.since_ns + REMAINDER_GRACE_NS
    if turn.now >= due_ns:
        return True
    turn.wake_at(due_ns)
    return False


def _stop(turn: Turn, entry: ChildOrder) -> None:
    """End an entry order and watch until its end is observed (A-05, A-06)."""
    if entry.state is OrderState.IN_FLIGHT:
        return  # its answer is on the way; the next turn knows its name
    turn.cancel(entry)
    current = turn.trade.order(entry.key)
    if current is not None and current.state is OrderState.WORKING:
        turn.ask(current)


def _settle_doubt(turn: Turn, entry: ChildOrder) -> None:
    """Ask until evidence settles it. There is no retry and no way out by time alone (I10)."""
    trade, now = turn.trade, turn.now
    if not entry.is_long_absent(now):
        if entry.sent_ns + 10 * SECOND_NS <= now:
            turn.alarm(Reason.of(ReasonCode.IN_DOUBT, cl_ord_id=entry.key))
        else:
            turn.wake_at(entry.sent_ns + 10 * SECOND_NS)
        turn.ask(entry)
        return
    if not (entry.is_unlisted and entry.is_unmoved):
        if now >= trade.fills_asked_ns + 5 * SECOND_NS:
            turn.trade = replace(trade, fills_asked_ns=now)
            turn.commands.append(QueryOrders(entry.sent_ns - 60 * SECOND_NS, Priority.EVIDENCE))
            turn.commands.append(QueryPositions(Priority.EVIDENCE))
        turn.wake_at(now + 5 * SECOND_NS)
        return
    turn.update(with_input(entry, OrderInput.ABSENT))
    ended = _ended_by(turn.trade, turn.trade.entries[-1], may_slice=False)
    turn.trade = replace(turn.trade, entry_end=ended)


def _follow_tactic(turn: Turn, entry: ChildOrder | None) -> None:
    trade, context = turn.trade, turn.context
    remaining = trade.terms.order_qty - trade.entry_qty
    spec = entry.spec if entry is not None else None
    view = EntryView(
        sign=trade.sign,
        terms=trade.terms,
        ticks=trade.ticks,
        leaves_qty=remaining,
        started_ns=trade.started_ns,
        deadline_ns=trade.deadline_ns,
        session=context.kind,
        market=context.view,
        working=WantedEntry(spec.ord_type, spec.limit_px) if spec is not None else None,
        working_ns=entry.sent_ns if entry is not None else 0,
        quotes=len(trade.entries),
        may_slice=_may_slice(turn),
    )
    wanted = context.tactic.wanted(view, turn.now)
    if wanted is not None and wanted.until_ns is not None:
        turn.wake_at(wanted.until_ns)
    if entry is None:
        if wanted is not None and remaining > 0:
            _send(turn, wanted, min(remaining, wanted.order_qty or remaining))
        return
    if entry.state is OrderState.UNSENT:
        if turn.now >= entry.not_before_ns:
            turn.resend(entry, Priority.ENTRY)
        else:
            turn.wake_at(entry.not_before_ns)
        return
    # A cancel that was asked for is seen through, also when the market comes back meanwhile.
    if wanted != view.working or entry.cancel_ns is not None:
        _stop(turn, entry)


def _send(turn: Turn, wanted: WantedEntry, qty: int) -> None:
    trade = turn.trade
    is_bracket = trade.style is ProtectionStyle.BRACKET and not trade.entry_qty
    exits = trade.wanted_exits()
    n = len(trade.groups) + 1
    spec = OrderSpec(
        cl_ord_id=trade.next_id(IdLeg.ENTRY),
        symbol=trade.symbol,
        side=trade.plan.side,
        ord_type=wanted.ord_type,
        tif=TimeInForce.DAY,
        order_qty=qty,
        leg=Leg.ENTRY,
        limit_px=wanted.limit_px,
        contingency=Contingency.BRACKET if is_bracket else Contingency.NONE,
        take_profit_px=exits.target_px if is_bracket else None,
        stop_loss_px=exits.stop_px if is_bracket else None,
        extended_hours=turn.context.kind is SessionKind.ETH,
    )
    group = ExitGroup(n, GroupKind.BRACKET, qty, exits.stop_px, exits.target_px)
    turn.submit(spec, group=group if is_bracket else None, priority=Priority.ENTRY)
