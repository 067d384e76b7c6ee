"""The end of a trade: when it must be closed, when it is settled, and its one outcome.

What: time exits, the watch on a stop that does not fire, milestones, the outcome (I5).
Invariants: a trade ends only when every order is terminal by evidence, the position is zero and
every executed share is priced from an execution (A-04, A-06); exactly one outcome, never changed
except by a venue fact that re-opens the trade.
"""

from __future__ import annotations

from surefill.core.commands import Milestone, Priority, QueryFills, QueryPositions
from surefill.core.cover import GroupState, cover_of, group_state
from surefill.core.elsewhere import TOLD_NS, unread_orders
from surefill.core.exits import is_partial_close
from surefill.core.fix import Contingency, Leg, TradingStatus
from surefill.core.plan import SECOND_NS
from surefill.core.ratchet import watched_stop_px
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.trade import Outcome, Trade, Uncovered
from surefill.core.turn import BREAK_CONFIRM_NS, CONFIRM_NS, MS_NS, Turn
from surefill.core.units import to_text
from surefill.core.values import replace

FLAT_BEFORE_CLOSE_NS = 300 * SECOND_NS
"""Start of a flat-by-close exit and of the renewal of day cover, before the session's close."""
STUCK_NS = 3 * SECOND_NS
"""A stop is stuck when the whole market stands beyond it this long without a fill (B-14)."""
FILLS_WAIT_NS = 300 * MS_NS
FILLS_RETRY_NS = SECOND_NS
DISPUTE_RETRY_NS = 2 * SECOND_NS
"""Executions are listed a moment after the order shows them."""


def end_on_time(turn: Turn) -> None:
    """Give the trade a reason to be closed when its time is over."""
    trade, session = turn.trade, turn.context.session
    if trade.exit_reason is not None and not is_partial_close(trade):
        return
    due = [trade.plan.exit_at_ns] if trade.plan.exit_at_ns is not None else []
    due += _due_after_fill(turn)
    if trade.plan.flat_by_close and session is not None and turn.now < session.close_ns:
        due.append(session.close_ns - FLAT_BEFORE_CLOSE_NS)
    for at_ns in due:
        if turn.now >= at_ns:
            turn.trade = replace(turn.trade, exit_reason=Reason.of(ReasonCode.TIME_EXIT))
            return
        turn.wake_at(at_ns)


def _due_after_fill(turn: Turn) -> list[int]:
    """When the plan's time after the first fill is over. It counts from the venue's own time of
    that fill, so that a process that was down meanwhile is not given the time again."""
    trade, after_ns = turn.trade, turn.trade.plan.manage.exit_after_ns
    if after_ns is None or not trade.entry_qty:
        return []
    since_ns = trade.held_since_ns
    if since_ns is None:
        told = (fill.venue_ns for order in trade.entries for fill in order.fills)
        since_ns = min((turn.now, *told))
        turn.trade = replace(trade, held_since_ns=since_ns)
    return [since_ns + after_ns]


def is_through(trade: Trade, touch_px: tuple[int, int]) -> bool:
    """Whether the whole market (bid, ask; 1e-9 USD) stands beyond the trade's stop."""
    bid_px, ask_px = touch_px
    stop_px = watched_stop_px(trade)
    if bid_px <= 0 or ask_px <= 0:
        return False
    return ask_px < stop_px if trade.sign > 0 else bid_px > stop_px


def watch_stop(turn: Turn) -> None:
    """A stop that should have fired and did not is proven dead, then closed by us (B-03, B-14)."""
    trade, view = turn.trade, turn.context.view
    is_known = trade.exit_reason is not None and trade.exit_reason.code is ReasonCode.COVER_STUCK
    if is_known or trade.position_qty <= 0 or view is None:
        return
    nbbo = view.nbbo
    is_tradable = view.status is not TradingStatus.HALTED
    session = turn.context.session
    in_hours = session is not None and session.open_ns <= turn.now < session.close_ns
    if nbbo is None or not is_tradable or not in_hours:
        turn.trade = replace(trade, through_since_ns=None)
        return
    if not is_through(trade, (nbbo.bid_px, nbbo.ask_px)):
        turn.trade = replace(trade, through_since_ns=None)
        return
    since_ns = trade.through_since_ns
    if since_ns is None:
        turn.trade = replace(trade, through_since_ns=turn.now)
        turn.wake_at(turn.now + STUCK_NS)
        return
    if turn.now < since_ns + STUCK_NS:
        turn.wake_at(since_ns + STUCK_NS)
        return
    if cover_of(trade).claimed_qty:
        stop = to_text(watched_stop_px(trade))
        reason = Reason.of(ReasonCode.COVER_STUCK, stop=stop, seconds=STUCK_NS // SECOND_NS)
        turn.alarm(reason)
        turn.trade = replace(turn.trade, exit_reason=reason)


def count_uncovered(turn: Turn) -> None:
    """Advance the clock of nakedness over the time since the last look."""
    clock = turn.trade.uncovered
    if clock.since_ns is None:
        return
    qty = cover_of(turn.trade).uncovered_qty
    elapsed = max(0, turn.now - clock.at_ns)
    clock = replace(
        clock,
        at_ns=turn.now,
        total_ns=clock.total_ns + elapsed,
        share_ns=clock.share_ns + qty * elapsed,
        longest_ns=max(clock.longest_ns, turn.now - clock.since_ns),
    )
    turn.trade = replace(turn.trade, uncovered=clock)


def mark_uncovered(turn: Turn) -> None:
    """Start or stop that clock after the news of this turn."""
    clock = turn.trade.uncovered
    qty = cover_of(turn.trade).uncovered_qty
    if qty and clock.since_ns is None:
        clock = replace(clock, since_ns=turn.now, at_ns=turn.now)
    elif not qty and clock.since_ns is not None:
        clock = Uncovered(None, 0, clock.total_ns, clock.longest_ns, clock.share_ns)
    if clock != turn.trade.uncovered:
        turn.trade = replace(turn.trade, uncovered=clock)


def settle(turn: Turn) -> None:
    """Confirm what should be over, read what is missing, announce how far the trade has come."""
    _read_missing(turn)
    trade = turn.trade
    if trade.entry_end is None or trade.open_entry is not None:
        return
    position = trade.position_qty
    if position == 0:
        _confirm_flat(turn)
    elif trade.flat_since_ns is not None:
        turn.trade = replace(trade, flat_since_ns=None)
    trade = turn.trade
    is_safe = position == 0 or cover_of(trade).covered_qty >= position
    if is_safe and not trade.is_settled and not trade.unpriced_qty and trade.outcome is None:
        turn.trade = replace(trade, is_settled=True)
        turn.announce(Milestone.SETTLED)
    if position == 0 and all(o.is_terminal for o in turn.trade.orders) and not _lacks_legs(turn):
        _close(turn)


def _read_missing(turn: Turn) -> None:
    """Executions that were reported but not seen, and position breaks to confirm."""
    trade, now = turn.trade, turn.now
    if trade.break_since_ns is not None:
        _confirm_break(turn, trade.break_since_ns)
    elif now < trade.short_ns + TOLD_NS:
        _confirm_break(turn, trade.short_ns)
    if not trade.unpriced_qty and not trade.is_disputed:
        return
    retry_ns = FILLS_RETRY_NS if trade.unpriced_qty else DISPUTE_RETRY_NS
    if trade.fills_asked_ns == 0:
        # The stream usually brings the execution within its own delay; do not spend a request yet.
        turn.trade = replace(trade, fills_asked_ns=now + FILLS_WAIT_NS - FILLS_RETRY_NS)
        turn.wake_at(now + FILLS_WAIT_NS)
    elif now >= trade.fills_asked_ns + retry_ns:
        turn.trade = replace(trade, fills_asked_ns=now)
        turn.commands.append(QueryFills(trade.started_ns - SECOND_NS))
        turn.wake_at(now + retry_ns)
    else:
        turn.wake_at(trade.fills_asked_ns + retry_ns)


def _confirm_break(turn: Turn, since_ns: int) -> None:
    """Read the positions once more after the pause that makes a second read count. Every open trade
    looks at every read: without the pause, two trades with a break would double the reads for ever.
    """
    for order in unread_orders(turn.trade):
        turn.ask(order)
    due_ns = max(since_ns, turn.trade.break_asked_ns) + BREAK_CONFIRM_NS
    if turn.now < due_ns:
        turn.wake_at(due_ns)
        return
    turn.trade = replace(turn.trade, break_asked_ns=turn.now)
    turn.commands.append(QueryPositions(Priority.EVIDENCE))
    turn.wake_at(turn.now + FILLS_RETRY_NS)


def _confirm_flat(turn: Turn) -> None:
    """Exits of a flat trade must be proven over: the sibling may end without an event (B-06)."""
    if turn.trade.flat_since_ns is None:
        turn.trade = replace(turn.trade, flat_since_ns=turn.now)
    due_ns = (turn.trade.flat_since_ns or turn.now) + CONFIRM_NS
    for order in turn.trade.orders:
        if order.is_terminal or order.leg is Leg.ENTRY or order.order_id is None:
            continue
        if turn.now < due_ns:
            turn.wake_at(due_ns)
        else:
            turn.ask(order)


def _lacks_legs(turn: Turn) -> bool:
    """Whether an OCO of ours ended before we heard of the stop beside it, which may still work: the
    stream told of the fill before the answer to the request (R1). Its answer, or a read, tells."""
    trade = turn.trade
    lacking = [
        order
        for order in trade.orders
        if order.is_ours
        and order.spec.contingency is Contingency.OCO
        and order.order_id is not None
        and not order.replaces
        and all(other.leg is not Leg.STOP for other in trade.group_orders(order.group))
    ]
    for order in lacking:
        turn.ask(order)
    return bool(lacking)


def _close(turn: Turn) -> None:
    trade = turn.trade
    if trade.unpriced_qty or trade.is_disputed or trade.outcome is not None:
        return
    outcome, reason = outcome_of(trade)
    turn.trade = replace(trade, outcome=outcome, reason=reason, closed_ns=turn.now, strays=())
    turn.announce(Milestone.CLOSED)


def outcome_of(trade: Trade) -> tuple[Outcome, Reason | None]:
    """How a flat trade ended, from what closed its shares."""
    if not trade.entry_qty:
        return Outcome.NOT_ENTERED, trade.entry_end
    closers = {
        _closer(trade, order.leg)
        for order in trade.orders
        if order.leg is not Leg.ENTRY and order.cum_qty
    }
    if trade.external_qty:
        closers.add(Outcome.CLOSED_EXTERNAL)
    outcome = closers.pop() if len(closers) == 1 else Outcome.CLOSED_MIXED
    return outcome, trade.exit_reason


def _closer(trade: Trade, leg: Leg) -> Outcome:
    if leg is Leg.TARGET:
        return Outcome.CLOSED_TARGET
    if leg is Leg.STOP:
        return Outcome.CLOSED_STOP
    is_time = trade.exit_reason is not None and trade.exit_reason.code is ReasonCode.TIME_EXIT
    return Outcome.CLOSED_TIME if is_time else Outcome.CLOSED_FLATTEN


def hand_over(turn: Turn, by: str) -> bool:
    """Leave a fully covered trade to somebody else; False while it is not fully covered."""
    trade = turn.trade
    cover = cover_of(trade)
    states = {group_state(trade, group) for group in trade.groups}
    steady = states <= {GroupState.ARMED, GroupState.DONE}
    if trade.open_entry is not None or not trade.is_settled or not steady:
        return False
    if not trade.position_qty or cover.covered_qty < trade.position_qty:
        return False
    reason = Reason.of(ReasonCode.HANDED_OVER, by=by)
    turn.trade = replace(
        trade, outcome=Outcome.HANDED_OVER, reason=reason, closed_ns=turn.now, entry_end=reason
    )
    turn.announce(Milestone.CLOSED)
    return True
