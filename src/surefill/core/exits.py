"""Getting out: ending exit groups, closing a position, buying back what the venue sold too much.

What: `end_group`, `close_position` (time exit, operator, or the ladder after cover was refused),
`restore_position` (I4b).
Why: one flatten procedure (diary A-33): where a group works, its target is moved to a marketable
price and the stop keeps covering meanwhile; otherwise cancel, observe the end, send a reduce-only
limit with a collar that widens in steps to a hard bound, and tell a human.
Invariants: no market order; nothing is sent for shares that an open exit still claims; a halted
symbol keeps its cover and waits.
"""

from __future__ import annotations

from surefill.core.commands import OrderSpec, Priority
from surefill.core.cover import GroupState, cover_of, group_state
from surefill.core.elsewhere import may_be_sold
from surefill.core.fix import Contingency, Leg, OrdType, Side, TimeInForce, TradingStatus
from surefill.core.ids import IdLeg
from surefill.core.order import ChildOrder, OrderState
from surefill.core.plan import SECOND_NS
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.session import SessionKind
from surefill.core.trade import ExitGroup, GroupKind, Rung, Trade
from surefill.core.turn import CONFIRM_NS, Turn
from surefill.core.units import CENT, to_text
from surefill.core.values import replace

COLLAR_BPS = (50, 100, 200, 500)
"""How far beyond the touch a closing limit may reach, step by step; the last is the hard bound."""
STEP_NS = 1500 * 1_000_000
"""Time that one step gets before the next, wider one."""
PATIENCE_NS = 30 * SECOND_NS
"""How long a close waits beside a stop that is too near to turn the target. Normally the stop or
the market settles it in moments; on a tape without prints neither ever would."""
LAST_MINUTE_NS = 60 * SECOND_NS
"""Before the close no working stop is given up for a closing order: what that order does not sell
would be bare all night (A-36)."""
HALT_RECHECK_NS = SECOND_NS
CLOSED_RECHECK_NS = 60 * SECOND_NS
"""How often a close that waits for the open looks whether there is one."""
SUCCESSOR_ASKS = 5
"""So many reads wait for the successor of a replaced exit: 4 s. One that fired has none (B-06)."""


def end_group(turn: Turn, group: ExitGroup) -> None:
    """Ask for the end of a whole group: the broker ends the siblings with any member."""
    if not group.is_ended:
        turn.update_group(replace(group, is_ended=True))
    orders = [o for o in turn.trade.group_orders(group.n) if not o.is_terminal]
    named = [o for o in orders if o.order_id is not None or o.state is OrderState.UNSENT]
    for order in named[:1]:
        _end_first(turn, order)
    for order in orders:
        current = turn.trade.order(order.key)
        if current is not None and current.state is OrderState.WORKING:
            turn.ask(current)


def _end_first(turn: Turn, order: ChildOrder) -> None:
    """Cancel one member, once; its siblings get a moment to end with it. A stop that fired before
    the cancel came is left to finish (A-34), unless it would sell more than is held."""
    siblings = [o for o in turn.trade.group_orders(order.group) if o.key != order.key]
    if _is_finishing(turn.trade, order) and all(o.is_terminal for o in siblings):
        turn.ask(order)
        turn.wake_at(turn.now + STEP_NS)
        return
    last_ns = max((o.cancel_ns or 0 for o in siblings), default=0)
    if last_ns and order.cancel_ns is None and turn.now < last_ns + 2 * CONFIRM_NS:
        turn.wake_at(last_ns + 2 * CONFIRM_NS)
        return
    turn.cancel(order)
    for sibling in siblings:
        if sibling.state is OrderState.WORKING and sibling.asked_ns <= turn.now:
            turn.update(replace(sibling, asked_ns=turn.now + CONFIRM_NS, asks=0))


def _is_finishing(trade: Trade, order: ChildOrder) -> bool:
    """Whether this is a stop that executes, not proven stuck and not too large."""
    cover = cover_of(trade)
    is_fit = not _is_stuck(trade) and cover.claimed_qty <= cover.position_qty
    return order.leg is Leg.STOP and order.cum_qty > 0 and is_fit


def _is_stuck(trade: Trade) -> bool:
    return trade.exit_reason is not None and trade.exit_reason.code is ReasonCode.COVER_STUCK


def may_close(turn: Turn) -> bool:
    """Whether shares can be sold now, which a halt forbids; then the closing has begun."""
    trade, view = turn.trade, turn.context.view
    if view is not None and view.status is TradingStatus.HALTED:
        turn.wake_at(turn.now + HALT_RECHECK_NS)
        return False
    if trade.closing_since_ns is None:
        turn.trade = replace(trade, closing_since_ns=turn.now)
    return True


def close_position(turn: Turn, due_qty: int) -> None:
    """Close what is held. ``due_qty``: shares (1e-9) that no open exit claims."""
    trade = turn.trade
    if not trade.position_qty or not may_close(turn):
        return
    for group in trade.groups:
        match group_state(turn.trade, group):
            case GroupState.ARMED if is_partial_close(trade):
                pass  # this group's own stop works; only bare shares have to go
            case GroupState.ARMED | GroupState.BARE:
                close_by_group(turn, group)
            case GroupState.ENDING:
                end_group(turn, group)
            case _:
                pass
    if due_qty > 0:
        send_closing(turn, due_qty)


def close_by_group(turn: Turn, group: ExitGroup) -> None:
    """Let a working group close its shares: by its own target where it has one, so that its stop
    covers them meanwhile; a group that cannot is ended."""
    if turn.context.kind is not SessionKind.RTH:
        # Nothing can be met before the open, and a marketable order that waits for it is met at
        # any price of its collar: the cover that rests is worth more.
        session, later_ns = turn.context.session, turn.now + CLOSED_RECHECK_NS
        if session is not None and turn.now < session.open_ns:
            later_ns = session.open_ns
        turn.wake_at(later_ns)
        return
    orders = [o for o in turn.trade.group_orders(group.n) if not o.is_terminal]
    if any(order.state is not OrderState.WORKING for order in orders) or _is_succeeded(turn, group):
        turn.wake_at(turn.now + STEP_NS)
        return
    closing = next((o for o in orders if o.leg is Leg.FLATTEN), None)
    target = next((o for o in orders if o.leg is Leg.TARGET), None)
    firing = firing_stop(turn.trade, group)
    if closing is not None:
        _watch_closing(turn, group, closing)
    elif firing is not None:
        turn.ask(firing)
        turn.wake_at(turn.now + STEP_NS)
    elif target is None or target.cum_qty or _is_given_up(turn.trade, group.n):
        end_group(turn, group)
    else:
        _turn_target(turn, group, target)


def _is_succeeded(turn: Turn, group: ExitGroup) -> bool:
    """Whether an exit was just replaced and the order in its place is not known yet: its news is on
    the way, and its stop is not ended for a target that is only not seen."""
    for order in turn.trade.group_orders(group.n):
        is_alone = order.state is OrderState.REPLACED and not turn.trade.has_successor(order)
        if is_alone and order.asks < SUCCESSOR_ASKS:
            turn.ask(order)
            return True
    return False


def firing_stop(trade: Trade, group: ExitGroup) -> ChildOrder | None:
    """The stop of a group that is closing the shares already: it has executed, or the broker has
    ended its target by itself. To cancel it for an order of our own would only leave the shares
    bare (A-34); it is read instead, because its end may have come without an event (B-06)."""
    if _is_stuck(trade) or group.is_ended:
        return None
    orders = trade.group_orders(group.n)
    stop = next((o for o in orders if o.leg is Leg.STOP and o.state is OrderState.WORKING), None)
    rest = [o for o in orders if o.leg is not Leg.STOP]
    is_let_go = any(o.state is OrderState.CANCELED and o.cancel_ns is None for o in rest)
    has_sibling = any(not o.is_terminal for o in rest)
    is_firing = stop is not None and not has_sibling and (stop.cum_qty > 0 or is_let_go)
    return stop if is_firing else None


def _is_given_up(trade: Trade, n: int) -> bool:
    """Whether a group's own exits are proven useless: its stop is stuck, or the broker refused
    to move its target."""
    orders = trade.group_orders(n)
    return _is_stuck(trade) or any(
        o.leg is Leg.FLATTEN and o.state is OrderState.REJECTED for o in orders
    )


def _watch_closing(turn: Turn, group: ExitGroup, closing: ChildOrder) -> None:
    """Leave a closing order alone while the market can still meet it; then take a wider step. Where
    it rests beside its stop already, the stop is the exit, and we wait for either."""
    limit_px = closing.spec.limit_px
    assert limit_px is not None
    if turn.now < closing.sent_ns + STEP_NS:
        turn.wake_at(closing.sent_ns + STEP_NS)
    elif _is_marketable(turn, limit_px, closing.spec.side) or _waits_beside_stop(turn, closing):
        turn.wake_at(turn.now + STEP_NS)
    else:
        _widen(turn)
        end_group(turn, group)


def _waits_beside_stop(turn: Turn, closing: ChildOrder) -> bool:
    """Whether the market has passed a closing order that could stand no nearer to its working stop:
    to give the pair up would take the stop away at the moment at which it fires (A-34)."""
    trade = turn.trade
    if _is_given_up(trade, closing.group) or _is_out_of_patience(turn):
        return False
    stops = (o for o in trade.group_orders(closing.group) if o.leg is Leg.STOP and o.is_open)
    limit_px = closing.spec.limit_px
    return any(o.spec.stop_px and limit_px == nearest_px(trade, o.spec.stop_px) for o in stops)


def _is_out_of_patience(turn: Turn) -> bool:
    """Whether neither stop nor closing order has ended it for so long that nothing would: a tape
    without prints. Without a market to close into, cover that rests is worth more."""
    since_ns, session = turn.trade.closing_since_ns, turn.context.session
    is_over = since_ns is not None and turn.now >= since_ns + PATIENCE_NS
    has_time = session is not None and turn.now < session.close_ns - LAST_MINUTE_NS
    return is_over and has_time and _has_quote(turn)


def _is_marketable(turn: Turn, limit_px: int, side: Side) -> bool:
    """Whether an order at this price (1e-9 USD) would execute against the present quote."""
    nbbo = turn.context.view.nbbo if turn.context.view is not None else None
    touch_px = nbbo.far_px(side.sign) if nbbo is not None else 0
    return touch_px > 0 and side.sign * (limit_px - touch_px) >= 0


def _has_quote(turn: Turn) -> bool:
    """Whether there is a market to close into; without one the cover that rests is worth more."""
    view = turn.context.view
    return view is not None and view.nbbo is not None and view.nbbo.is_two_sided


def _turn_target(turn: Turn, group: ExitGroup, target: ChildOrder) -> None:
    """Move the target to a price at which it executes now. With the market too near to the stop
    for that, the stop is the exit, and we wait for either."""
    trade = turn.trade
    orders = trade.group_orders(group.n)
    stops = (o for o in orders if o.leg is Leg.STOP and o.is_open)
    # A stop that has moved may look open for a moment: the news of its end is lost or on its way.
    stop_px = next((o.spec.stop_px for o in stops if not trade.has_successor(o)), None)
    if all(order.leg is not Leg.STOP for order in orders):
        stop_px = group.stop_px or None  # the answer that names it is still on its way (R1)
    px = closing_px(turn) if stop_px is None else _beyond_stop(turn, stop_px)
    recently = turn.now < trade.change_failed_ns + STEP_NS
    if recently or not _is_marketable(turn, px, target.spec.side):
        if _is_out_of_patience(turn):
            end_group(turn, group)
        else:
            turn.wake_at(turn.now + STEP_NS)
        return
    key = trade.next_id(IdLeg.TARGET)
    turn.replace_order(target, replace(target.spec, cl_ord_id=key, leg=Leg.FLATTEN, limit_px=px))
    turn.wake_at(turn.now + STEP_NS)


def is_partial_close(trade: Trade) -> bool:
    """Whether only shares without cover are to be closed: cover was refused for a part."""
    return trade.exit_reason is not None and trade.exit_reason.code is ReasonCode.COVER_REFUSED


def _widen(turn: Turn) -> None:
    """One step further with the collar; closing orders that give way together go together."""
    trade = turn.trade
    ending = (g for g in trade.groups if group_state(trade, g) is GroupState.ENDING)
    if any(o.leg is Leg.FLATTEN for group in ending for o in trade.group_orders(group.n)):
        return
    step = trade.flatten_step + 1
    if step >= len(COLLAR_BPS):
        turn.alarm(exposed_reason(turn))
    turn.trade = replace(trade, flatten_step=min(step, len(COLLAR_BPS) - 1))


def exposed_reason(turn: Turn) -> Reason:
    """The alarm for shares that nothing covers."""
    qty = to_text(abs(turn.trade.position_qty))
    return Reason.of(ReasonCode.EXPOSED, qty=qty, symbol=turn.trade.symbol)


def closing_px(turn: Turn) -> int:
    """Limit of a closing order, 1e-9 USD: the touch it crosses to, plus the collar of this step.

    Without a quote the plan's own stop stands in for the touch: the price at which the plan had
    agreed to be out. The result is on the tick and positive.
    """
    trade = turn.trade
    nbbo = turn.context.view.nbbo if turn.context.view is not None else None
    # A closing order has the opposite sign of the trade: it crosses to the trade's near side.
    reference_px = nbbo.near_px(trade.sign) if nbbo is not None else 0
    if reference_px <= 0:
        reference_px = trade.wanted_exits().stop_px
    bps = COLLAR_BPS[trade.flatten_step]
    numerator = reference_px * (10_000 - trade.sign * bps)
    if trade.sign > 0:
        px = trade.ticks.floor_ratio(numerator, 10_000)
    else:
        px = trade.ticks.ceil_ratio(numerator, 10_000)
    return max(px, trade.ticks.tick_at(0))


def is_entry_in_the_way(trade: Trade) -> bool:
    """Whether an entry of ours may meet the exits that are sent now (A-22). One in doubt that a
    read did not find does not hold them up for the 120 s that settle it (I10): were it at the
    broker after all they would be refused as a wash trade, which harms nobody (seed 30346)."""
    entry = trade.open_entry
    if entry is None:
        return False
    return entry.state is not OrderState.IN_DOUBT or entry.absent_since_ns is None


def send_closing(turn: Turn, qty: int) -> None:
    """Close shares (1e-9) that no exit claims, under a stop of their own where that is taken."""
    trade = turn.trade
    if is_entry_in_the_way(trade):
        return  # a plain sale beside our own buy is a wash trade; `entry` is ending it
    if turn.now < trade.closing_failed_ns + SECOND_NS:
        turn.alarm(exposed_reason(turn))
        turn.wake_at(trade.closing_failed_ns + SECOND_NS)
        return
    covered = _covered_closing(turn, qty)
    if covered is not None:
        _submit_closing(turn, covered, GroupKind.OCO)
        return
    if may_be_sold(turn, qty):
        turn.wake_at(turn.now + SECOND_NS // 4)
        return
    spec = _closing_spec(turn, qty, trade.plan.side.exit_side)
    _submit_closing(turn, spec, GroupKind.FLATTEN)


def _covered_closing(turn: Turn, qty: int) -> OrderSpec | None:
    """Close by an OCO whose target is marketable: what the market does not take at once stays
    covered by its stop. ``None`` where a stop cannot help: it was refused or is stuck, the market
    is too near to it, or the broker refused such a pair before."""
    trade = turn.trade
    reason = trade.exit_reason
    is_hopeless = reason is not None and reason.code in (
        ReasonCode.COVER_REFUSED,
        ReasonCode.COVER_STUCK,
    )
    was_refused = trade.rung is not Rung.OCO or any(
        o.leg is Leg.FLATTEN and o.spec.contingency is Contingency.OCO and o.replaces is None
        for o in trade.orders
        if o.state is OrderState.REJECTED
    )
    stop_px = trade.wanted_exits().stop_px
    px = _beyond_stop(turn, stop_px)
    side = trade.plan.side.exit_side
    if is_hopeless or was_refused or not _is_marketable(turn, px, side):
        return None
    return OrderSpec(
        cl_ord_id=trade.next_id(IdLeg.FLATTEN),
        symbol=trade.symbol,
        side=side,
        ord_type=OrdType.LIMIT,
        tif=TimeInForce.GTC,
        order_qty=qty,
        leg=Leg.FLATTEN,
        limit_px=px,
        contingency=Contingency.OCO,
        take_profit_px=px,
        stop_loss_px=stop_px,
    )


def _beyond_stop(turn: Turn, stop_px: int) -> int:
    """The closing price, held on the winning side of a stop: the broker takes no target at or
    beyond it."""
    trade = turn.trade
    limit_px, px = nearest_px(trade, stop_px), closing_px(turn)
    return max(px, limit_px) if trade.sign > 0 else min(px, limit_px)


def nearest_px(trade: Trade, stop_px: int) -> int:
    """The closest to a stop (1e-9 USD) at which the broker takes its target: a cent beyond it, also
    below a dollar, where the tick is smaller (B-04), and on the tick of where that is (seed 40153).
    """
    px = stop_px + trade.sign * max(CENT, trade.ticks.tick_at(stop_px))
    return trade.ticks.ceil(px) if trade.sign > 0 else trade.ticks.floor(px)


def restore_position(turn: Turn, qty: int) -> None:
    """Undo a reversal that the venue made (both exits filled, a bust): first end what still could
    make it worse, then trade the excess back."""
    trade = turn.trade
    turn.alarm(Reason.of(ReasonCode.VENUE_OVERFILL, qty=to_text(qty)))
    is_restoring = False
    for group in trade.groups:
        is_done = group_state(turn.trade, group) is GroupState.DONE
        if group.kind is GroupKind.RESTORE:
            is_restoring |= not is_done
            _watch_restoring(turn, group)
        elif not is_done:
            end_group(turn, group)
    if is_restoring or turn.now < trade.closing_failed_ns + SECOND_NS:
        turn.wake_at(turn.now + SECOND_NS)
        return
    if any(not o.is_terminal and o.leaves_qty for o in turn.trade.orders):
        return
    side = Side.BUY if trade.sign > 0 else Side.SELL
    spec = _closing_spec(turn, qty, side)
    _submit_closing(turn, spec, GroupKind.RESTORE)


def _watch_restoring(turn: Turn, group: ExitGroup) -> None:
    """As `_watch_closing`: an order that trades back and that the market has left is given up, and
    the next one goes to where the market is, a step wider."""
    orders = [o for o in turn.trade.group_orders(group.n) if o.state is OrderState.WORKING]
    if group.is_ended and orders:
        end_group(turn, group)
        return
    for order in orders:
        limit_px = order.spec.limit_px
        assert limit_px is not None
        is_left = _has_quote(turn) and not _is_marketable(turn, limit_px, order.spec.side)
        if is_left and turn.now >= order.sent_ns + STEP_NS:
            _widen(turn)
            end_group(turn, group)


def _closing_spec(turn: Turn, qty: int, side: Side) -> OrderSpec:
    trade = turn.trade
    limit_px = closing_px(turn)
    if side.sign == trade.sign:
        bps = COLLAR_BPS[trade.flatten_step]
        nbbo = turn.context.view.nbbo if turn.context.view is not None else None
        far_px = nbbo.far_px(trade.sign) if nbbo is not None else 0
        reference_px = far_px or trade.wanted_exits().target_px
        numerator = reference_px * (10_000 + trade.sign * bps)
        if trade.sign > 0:
            limit_px = trade.ticks.ceil_ratio(numerator, 10_000)
        else:
            limit_px = max(trade.ticks.floor_ratio(numerator, 10_000), trade.ticks.tick_at(0))
    return OrderSpec(
        cl_ord_id=trade.next_id(IdLeg.FLATTEN),
        symbol=trade.symbol,
        side=side,
        ord_type=OrdType.LIMIT,
        tif=TimeInForce.DAY,
        order_qty=qty,
        leg=Leg.FLATTEN,
        limit_px=limit_px,
        contingency=Contingency.NONE,
    )


def _submit_closing(turn: Turn, spec: OrderSpec, kind: GroupKind) -> None:
    n = len(turn.trade.groups) + 1
    stop_px, target_px = spec.stop_loss_px or 0, spec.take_profit_px or 0
    group = ExitGroup(n, kind, spec.order_qty, stop_px, target_px)
    turn.submit(spec, group=group, priority=Priority.PROTECT)
    turn.wake_at(turn.now + STEP_NS)
