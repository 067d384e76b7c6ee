"""Protection as a reconciliation: desired exits minus working exits = commands.

What: `protect`, which brings the claims of all exit groups to the position: more cover where shares
are bare, less where there is too much, and prices to where the fills put them.
Why: a partial fill, a bust, a cancelled leg, a restart and an operator's manual cancel all take
this same path (design section 3).
Invariants: claimed quantity never exceeds the position by our doing (I4); a repair never starts by
cancelling cover that works, except to cut over-cover, smallest group first (I20).
"""

from __future__ import annotations

from collections.abc import Sequence

from surefill.core.asks import LATE_NS
from surefill.core.closing import FLAT_BEFORE_CLOSE_NS
from surefill.core.commands import OrderSpec, Priority
from surefill.core.cover import (
    ARM_NS,
    GroupState,
    bracket_entry,
    cover_of,
    filled_ns,
    group_claimed,
    group_state,
    is_held_back,
)
from surefill.core.elsewhere import may_be_sold
from surefill.core.exits import (
    close_position,
    end_group,
    is_entry_in_the_way,
    is_partial_close,
    restore_position,
)
from surefill.core.fix import Contingency, Leg, OrdType, TimeInForce
from surefill.core.ids import IdLeg
from surefill.core.order import ChildOrder, OrderState
from surefill.core.plan import SECOND_NS
from surefill.core.pricing import ExitPrices
from surefill.core.ratchet import is_ratchet, is_sendable
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.reduction import reduce_position
from surefill.core.scaling import split, target_px
from surefill.core.tactic import ProtectionStyle
from surefill.core.trade import ExitGroup, GroupKind, Rung, Trade
from surefill.core.turn import COVER_GRACE_NS, MS_NS, Turn, backoff
from surefill.core.units import to_text
from surefill.core.values import replace

EXIT_CHANGES_PER_MINUTE = 3
"""I20: exit replacements of one plan in any minute."""
CHANGE_RETRY_NS = tuple(ms * MS_NS for ms in (700, 1_400, 2_800, 5_000, 10_000, 20_000))
"""Pauses after replacements that came to nothing, in a row: the broker's chain settles in seconds
(alpaca.md 2.4.8) and, on a bad day, in hours (B-15). The last one repeats: no faster than I20."""
SETTLED_RETRY_NS = 100 * MS_NS
"""The pause after the first refusal, where the change that it was for is in force already."""
BARE_ASK_NS = SECOND_NS
"""Cover that is in doubt is read at least this often: its shares are bare, and it goes again with
the first read that succeeds (I3 c)."""
_GONE = (OrderState.CANCELED, OrderState.EXPIRED, OrderState.REJECTED)


def protect(turn: Turn) -> None:
    """Bring the exits to the position."""
    position = turn.trade.position_qty
    _settle_exits(turn)
    if position < 0:
        restore_position(turn, -position)
        return
    cover = cover_of(turn.trade)
    if cover.claimed_qty > position:
        _cut(turn, cover.claimed_qty - position)
    elif turn.trade.exit_reason is not None:
        close_position(turn, position - cover.claimed_qty)
    if turn.trade.exit_reason is None or is_partial_close(turn.trade):
        reduce_position(turn)
        _cover(turn)
    if position and (turn.trade.exit_reason is None or is_partial_close(turn.trade)):
        _renew_day_cover(turn)
        _amend(turn)


def _renew_day_cover(turn: Turn) -> None:
    """Bracket legs die with the day; before the close they give way to cover that stays (A-38).

    Cancel, observe, cover anew: the only way, because the legs' time in force cannot change alone.
    """
    session = turn.context.session
    brackets = [g for g in turn.trade.groups if g.kind is GroupKind.BRACKET]
    if session is None or not brackets or turn.now >= session.close_ns:
        return
    due_ns = session.close_ns - FLAT_BEFORE_CLOSE_NS
    for group in brackets:
        state = group_state(turn.trade, group)
        if state is GroupState.ENDING or (state is GroupState.ARMED and turn.now >= due_ns):
            end_group(turn, group)
        elif state is GroupState.ARMED:
            turn.wake_at(due_ns)


def _settle_exits(turn: Turn) -> None:
    """Send what was deferred, ask about what is in doubt or should be over."""
    for order in turn.trade.orders:
        if order.leg is Leg.ENTRY or order.is_terminal:
            continue
        match order.state:
            case OrderState.UNSENT:
                _send_deferred(turn, order)
            case OrderState.IN_DOUBT if order.replaces is None:
                _ask_bare(turn, order)
            case OrderState.IN_DOUBT:
                turn.ask(order)
            case OrderState.IN_FLIGHT if order.replaces is None:
                _ask_when_late(turn, order)
            case OrderState.WORKING if order.cancel_ns or turn.trade.has_successor(order):
                turn.ask(order)
    for group in turn.trade.groups:
        _settle_group(turn, group)


def _ask_when_late(turn: Turn, order: ChildOrder) -> None:
    """Cover that is neither answered nor seen is looked for long before its answer times out: the
    shares are bare meanwhile (I3; decision 0003)."""
    late_ns = order.sent_ns + LATE_NS
    if turn.now >= late_ns:
        _ask_bare(turn, order)
    else:
        turn.wake_at(late_ns)


def _ask_bare(turn: Turn, order: ChildOrder) -> None:
    """Read cover that nobody answers; where many trades have such, in turn (`core.asks`)."""
    from_ns = turn.context.ask_from_ns
    if turn.now < from_ns:
        turn.wake_at(from_ns)
    else:
        turn.ask(order, within_ns=BARE_ASK_NS)


def _settle_group(turn: Turn, group: ExitGroup) -> None:
    """A group whose stop is unknown or whose member ended alone is read until it is clear."""
    trade = turn.trade
    if group.kind in (GroupKind.FLATTEN, GroupKind.RESTORE) or not trade.group_rem(group):
        return
    state = group_state(trade, group)
    orders = trade.group_orders(group.n)
    stops = [order for order in orders if order.leg is Leg.STOP]
    if state is GroupState.DONE:
        _report_lost(turn, group, stops)
    elif state is GroupState.BARE and stops and all(o.state in _GONE for o in stops):
        # Its stop is proven dead: what still rests holds shares that cover needs.
        turn.alarm(Reason.of(ReasonCode.COVER_LOST, qty=to_text(group.qty), by=stops[-1].state))
        end_group(turn, group)
    elif state is GroupState.BARE:
        turn.ask(bracket_entry(trade, group) or orders[0])
    elif state is GroupState.ENDING:
        end_group(turn, group)  # the request may be lost; `cancel` keeps its distance
    elif is_held_back(trade, group):
        _ask_held_back(turn, group)
    elif state is GroupState.ARMED and any(o.state in _GONE for o in orders):
        # A member ended and the broker may not say so of its sibling (B-06, R18).
        for order in orders:
            if order.state is OrderState.WORKING:
                turn.ask(order)


def _ask_held_back(turn: Turn, group: ExitGroup) -> None:
    """Legs that should be armed by now are read; the answer decides (`absorb`: A-20, V20)."""
    entry = bracket_entry(turn.trade, group)
    assert entry is not None
    due_ns = filled_ns(entry) + ARM_NS
    if turn.now >= due_ns:
        turn.ask(entry)
    else:
        turn.wake_at(due_ns)


def _report_lost(turn: Turn, group: ExitGroup, stops: list[ChildOrder]) -> None:
    """A human should know when cover that had worked ended, and not by us (R18)."""
    entry = bracket_entry(turn.trade, group)
    is_partial_bracket = entry is not None and entry.state is not OrderState.FILLED
    if group.is_ended or is_partial_bracket or not stops:
        return
    last = stops[-1]
    if last.state in _GONE and last.order_id is not None:
        turn.alarm(Reason.of(ReasonCode.COVER_LOST, qty=to_text(group.qty), by=last.state))


def _send_deferred(turn: Turn, order: ChildOrder) -> None:
    """The same intent again, if it is still right; otherwise it is dropped and planned anew."""
    trade = turn.trade
    group = trade.group(order.group)
    is_restore = group is not None and group.kind is GroupKind.RESTORE
    is_alone = order.spec.contingency is Contingency.NONE
    # A first copy may yet arrive. A pair meets its own shares there, or what took its place; a lone
    # order would be taken as well, so it goes again under its own id (decision 0003).
    is_right = is_restore and order.spec.order_qty <= -trade.position_qty
    is_right = is_right or (
        cover_of(trade).claimed_qty <= trade.position_qty  # another copy may have turned up
        and order.spec.order_qty <= trade.position_qty
        and ((is_alone and order.may_yet_arrive(turn.now)) or _still_wanted(trade, order))
    )
    if not is_right:
        turn.cancel(order)
        return
    blocked_by_entry = trade.wash_blocked and trade.open_entry is not None
    if blocked_by_entry or turn.now < order.not_before_ns:
        turn.wake_at(max(order.not_before_ns, turn.now + 50 * MS_NS))
        return
    if (
        is_alone
        and order.leg is Leg.FLATTEN
        and not is_restore
        and may_be_sold(turn, order.spec.order_qty)
    ):
        turn.wake_at(turn.now + SECOND_NS // 4)
        return
    turn.resend(order, Priority.PROTECT)


def _still_wanted(trade: Trade, order: ChildOrder) -> bool:
    """Whether a deferred order still carries the prices that we want; a body never changes."""
    if order.leg is Leg.FLATTEN:
        return trade.exit_reason is not None or trade.keep_qty is not None
    exits = trade.wanted_exits()
    stop_px = order.spec.stop_loss_px or order.spec.stop_px
    return trade.exit_reason is None and stop_px == exits.stop_px


def _cover(turn: Turn) -> None:
    """Cover bare shares by the current rung of the ladder."""
    trade = turn.trade
    bare_qty = trade.position_qty - cover_of(trade).claimed_qty
    if bare_qty <= 0 or trade.exit_reason is not None or not _may_cover_now(turn):
        return
    parts = split(trade, bare_qty) if trade.rung is Rung.OCO else ((0, bare_qty),)
    for rank, qty in parts:
        _send_cover(turn, rank, qty)


def _send_cover(turn: Turn, rank: int, qty: int) -> None:
    """One exit group for these shares, with the target of this rank."""
    trade = turn.trade
    exits = ExitPrices(trade.wanted_exits().stop_px, target_px(trade, rank))
    n = len(trade.groups) + 1
    is_oco = trade.rung is Rung.OCO
    spec = OrderSpec(
        cl_ord_id=trade.next_id(IdLeg.EXITS if is_oco else IdLeg.STOP),
        symbol=trade.symbol,
        side=trade.plan.side.exit_side,
        ord_type=OrdType.LIMIT if is_oco else OrdType.STOP,
        tif=TimeInForce.GTC,
        order_qty=qty,
        leg=Leg.TARGET if is_oco else Leg.STOP,
        limit_px=exits.target_px if is_oco else None,
        stop_px=None if is_oco else exits.stop_px,
        contingency=Contingency.OCO if is_oco else Contingency.NONE,
        take_profit_px=exits.target_px if is_oco else None,
        stop_loss_px=exits.stop_px if is_oco else None,
    )
    kind = GroupKind.OCO if is_oco else GroupKind.STOP
    group = ExitGroup(n, kind, qty, exits.stop_px, exits.target_px, rank=rank)
    turn.submit(spec, group=group, priority=Priority.PROTECT)
    turn.wake_at(turn.now + LATE_NS)


def _may_cover_now(turn: Turn) -> bool:
    """Whether exits may be sent at this instant, or wait for the entry (A-22) or for more fills."""
    trade = turn.trade
    if trade.open_entry is None or not (trade.wash_blocked or is_entry_in_the_way(trade)):
        return True
    if trade.style is ProtectionStyle.BRACKET or trade.wash_blocked:
        return False  # `entry` ends the remainder after its grace
    if not turn.context.exits_beside_entry:
        return False
    due_ns = (trade.uncovered.since_ns or turn.now) + COVER_GRACE_NS
    if turn.now < due_ns:
        turn.wake_at(due_ns)
        return False
    # One cover request at a time while fills keep coming: its answer brings the next look.
    states = {group_state(trade, group) for group in trade.groups}
    return GroupState.ASKED not in states


def _cut(turn: Turn, excess_qty: int) -> None:
    """End groups, smallest first, until no more is claimed than is held (bust, external close), or
    one that is enough alone where that gives up less cover that works (I20).
    A group whose request is still on its way is waited for: the broker takes no exits for shares
    that others hold, so it is the one that will be refused."""
    trade = turn.trade
    asked = (g for g in trade.groups if group_state(trade, g) is GroupState.ASKED)
    excess_qty -= sum(group_claimed(trade, group) for group in asked)
    claims = ((group_claimed(trade, group), group) for group in trade.groups)
    # What is ending already comes first, so that the choice stays the same until it has ended.
    ordered = sorted(claims, key=lambda claim: (not claim[1].is_ended, claim[0], claim[1].n))
    chosen: list[tuple[int, ExitGroup]] = []
    needed_qty = excess_qty
    for claimed, group in ordered:
        if claimed and excess_qty > 0:
            chosen.append((claimed, group))
            excess_qty -= claimed
    # Together they may end more than has to go: what is not needed for it stays (seed 200373).
    for pair in reversed(list(chosen)):
        left_qty = sum(claimed for claimed, _ in chosen) - pair[0]
        if left_qty >= needed_qty and not pair[1].is_ended:
            chosen.remove(pair)
    alone = [pair for pair in ordered if pair[0] >= needed_qty]
    if alone and alone[0][0] < sum(claimed for claimed, _ in chosen):
        chosen = alone[:1]
    for _, group in chosen:
        end_group(turn, group)


def _amend(turn: Turn) -> None:
    """Move exits to where the fills put them: the stop first, one change of a group at a time."""
    trade = turn.trade
    recent = [at for at in trade.exit_changes if at > turn.now - 60 * SECOND_NS]
    limit = _changes_allowed(trade)
    for group in trade.groups:
        if group_state(trade, group) is not GroupState.ARMED or group.is_ended:
            continue
        wanted = ExitPrices(trade.wanted_exits().stop_px, target_px(trade, group.rank))
        order = _to_move(turn, group, wanted)
        if order is None:
            continue
        is_repair = not is_ratchet(trade, order)
        pause_ns = backoff(CHANGE_RETRY_NS, max(0, trade.change_failures - 1))
        if trade.change_failures <= 1 and _was_early(trade, order):
            pause_ns = SETTLED_RETRY_NS
        if turn.now < trade.change_failed_ns + pause_ns:
            turn.wake_at(trade.change_failed_ns + pause_ns)
            return
        if is_repair and len(recent) >= limit:
            if trade.open_entry is None:  # else the end of the entry brings room to anchor all
                turn.alarm(
                    Reason.of(ReasonCode.REPAIR_LIMIT, count=limit, window="a minute", limit=limit)
                )
            turn.wake_at(recent[0] + 60 * SECOND_NS)
            return
        turn.replace_order(order, _moved(turn.trade, order, wanted), is_repair=is_repair)
        moved = replace(group, stop_px=wanted.stop_px, target_px=wanted.target_px)
        turn.update_group(moved)
        if is_repair:
            recent.append(turn.now)


def _moved(trade: Trade, order: ChildOrder, wanted: ExitPrices) -> OrderSpec:
    """This order at the price where it belongs."""
    is_stop = order.leg is Leg.STOP
    return replace(
        order.spec,
        cl_ord_id=trade.next_id(IdLeg.STOP if is_stop else IdLeg.TARGET),
        stop_px=wanted.stop_px if is_stop else order.spec.stop_px,
        limit_px=order.spec.limit_px if is_stop else wanted.target_px,
    )


def _was_early(trade: Trade, order: ChildOrder) -> bool:
    """Whether the move of this order was refused, and no change of its group is pending any more as
    far as we know: the one that it was refused for is in force (simulation, seed 22040)."""
    was_refused = any(
        one.replaces == order.order_id and one.state is OrderState.REJECTED for one in trade.orders
    )
    resting = [one for one in trade.group_orders(order.group) if not one.is_terminal]
    return was_refused and not any(one.is_moving or trade.has_successor(one) for one in resting)


def _changes_allowed(trade: Trade) -> int:
    """Exit changes in any minute (I20). Once the entry's average is final, every leg may take its
    final place on top: the anchoring of I14 is not a repair."""
    if trade.open_entry is not None:
        return EXIT_CHANGES_PER_MINUTE
    return EXIT_CHANGES_PER_MINUTE + 2 * len(trade.groups)


def _to_move(turn: Turn, group: ExitGroup, wanted: ExitPrices) -> ChildOrder | None:
    """The leg of this group that has to move next; ``None`` while one is on its way. A stop that
    was only tightened waits for a market that it can rest in, and stays out of a closing pair."""
    trade = turn.trade
    orders = [order for order in trade.group_orders(group.n) if not order.is_terminal]
    if any(order.state is not OrderState.WORKING or order.cancel_ns for order in orders):
        return None
    orders = [order for order in orders if not trade.has_successor(order)]
    for order in orders:
        is_off = order.leg is Leg.STOP and order.spec.stop_px != wanted.stop_px
        if is_off and (not is_ratchet(trade, order) or _may_tighten(turn, orders, wanted)):
            return order
    if trade.open_entry is not None:
        return None  # targets wait until the entry's average is final: fewer requests, same risk
    for order in orders:
        if order.leg is Leg.TARGET and order.spec.limit_px != wanted.target_px:
            return order
    return None


def _may_tighten(turn: Turn, orders: Sequence[ChildOrder], wanted: ExitPrices) -> bool:
    is_closing = any(order.leg is Leg.FLATTEN for order in orders)
    return not is_closing and is_sendable(turn, wanted.stop_px)
