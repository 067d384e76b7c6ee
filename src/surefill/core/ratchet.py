"""Stops that follow: break-even, trailing, an operator's hand. A stop only tightens.

What: `follow_market` (what the plan's rules have earned), `tightened` (an operator's stop),
`watched_stop_px` (the level that a watch on a stuck stop may trust), `is_sendable` (whether the
broker would take the nearer stop now) and `may_follow` (whether a quote is worth a look).
Why one number, ``Trade.ratchet_px``: whoever moved the stop last, it stands in the journal, so that
a restart neither forgets nor repeats it, and where exits belong is still one function of the trade.
Invariants: the number only ever moves toward the market; no stop rests at or beyond its target; the
old stop works until the broker has put the new one in its place (I22).
Must never: loosen a stop, or move one on a quote that is missing, stale, crossed or of a halt.
"""

from __future__ import annotations

from surefill.core.cover import GroupState, group_state
from surefill.core.fix import Leg, TradingStatus
from surefill.core.market import MarketView, Nbbo
from surefill.core.order import ChildOrder, OrderState
from surefill.core.plan import SECOND_NS
from surefill.core.pricing import outward
from surefill.core.scaling import target_px
from surefill.core.session import SessionKind
from surefill.core.trade import Trade
from surefill.core.turn import MS_NS, Turn
from surefill.core.units import CENT, NANO
from surefill.core.values import replace

GAP_NS = 20 * SECOND_NS
"""Between two moves of one group's stop: the three a minute of I20, for rules as for repairs."""
FAILURES_MAX = 5
"""Refused moves in a row after which a human has been told."""
FRESH_NS = 1500 * MS_NS
"""A quote older than this moves nothing (I13)."""


def follow_market(turn: Turn) -> None:
    """Note what the plan's rules have earned with the present quote; protection moves the stops."""
    trade, context = turn.trade, turn.context
    if context.view is None or context.kind is not SessionKind.RTH:
        return
    stop_px = earned_stop_px(trade, context.view, turn.now)
    if stop_px is not None:
        turn.trade = replace(trade, ratchet_px=stop_px, ratchet_ns=turn.now)


def earned_stop_px(trade: Trade, view: MarketView, now: int) -> int | None:
    """A tighter stop (1e-9 USD) that the rules of the plan give at this quote; ``None`` if none.

    The entry has to be over, because later fills move the average that the rules hang on; moves
    keep `GAP_NS` for each group, because each group costs a request.
    """
    if not trade.plan.manage.moves_stop or not _is_steady(trade):
        return None
    nbbo = _current(view, now)
    if nbbo is None or now < trade.ratchet_ns + GAP_NS * _armed_groups(trade):
        return None
    if not _is_anchored(trade):
        return None
    rules = (_break_even_px(trade, nbbo), _trailing_px(trade, nbbo))
    earned = [px for px in rules if px is not None and _is_clear(trade, nbbo, px)]
    tighter = [px for px in earned if is_tighter(trade, px)]
    if not tighter:
        return None
    return max(tighter) if trade.sign > 0 else min(tighter)


def _is_steady(trade: Trade) -> bool:
    is_over = trade.entry_end is not None and trade.open_entry is None
    is_kept = trade.position_qty > 0 and trade.exit_reason is None
    return is_over and is_kept and not trade.unpriced_qty


def _is_anchored(trade: Trade) -> bool:
    """Whether all exits rest where the fills have put them: a broker changes one leg of a group at
    a time, and the first anchoring goes before (I14; simulation, seed 31142). A broker that refuses
    it for good does not hold the stop up."""
    if trade.change_failures >= FAILURES_MAX:
        return True
    return all(
        order.state is OrderState.WORKING
        and (order.leg is not Leg.TARGET or order.spec.limit_px == target_px(trade, group.rank))
        for group in trade.groups
        for order in trade.group_orders(group.n)
        if not order.is_terminal and not trade.has_successor(order)
    )


def _current(view: MarketView, now: int) -> Nbbo | None:
    """The quote, if it can be believed: two-sided, fresh, of a symbol that trades."""
    age_ns = view.quote_age_ns(now)
    if age_ns is None or age_ns > FRESH_NS or view.status is TradingStatus.HALTED:
        return None
    return view.nbbo if view.nbbo is not None and view.nbbo.is_two_sided else None


def _armed_groups(trade: Trade) -> int:
    states = (group_state(trade, group) for group in trade.groups)
    return sum(state is GroupState.ARMED for state in states)


def _gain(trade: Trade, nbbo: Nbbo) -> int:
    """What closing everything that was entered at the touch would gain, 1e-18 USD."""
    return trade.sign * (nbbo.near_px(trade.sign) * trade.entry_qty - trade.entry_cost)


def _risk(trade: Trade) -> int:
    """What was put at risk, 1e-18 USD: to the stop that the plan gave these fills."""
    stop_px = trade.anchored_exits().stop_px
    return trade.sign * (trade.entry_cost - stop_px * trade.entry_qty)


def _break_even_px(trade: Trade, nbbo: Nbbo) -> int | None:
    """The entry's average, once the position is far enough in profit."""
    at = trade.plan.manage.break_even_at
    qty = trade.entry_qty
    if at is None or not at.is_reached(_gain(trade, nbbo), qty=qty, risk=_risk(trade)):
        return None
    return outward(trade.ticks, trade.sign, numerator=trade.entry_cost, denominator=qty)


def _trailing_px(trade: Trade, nbbo: Nbbo) -> int | None:
    """The touch less the plan's distance, from the plan's profit on."""
    manage, qty, risk = trade.plan.manage, trade.entry_qty, _risk(trade)
    if manage.trail is None:
        return None
    begin = manage.trail_from
    if begin is not None and not begin.is_reached(_gain(trade, nbbo), qty=qty, risk=risk):
        return None
    touch = nbbo.near_px(trade.sign) * qty * NANO
    px = touch - trade.sign * manage.trail.over(qty=qty, risk=risk)
    return outward(trade.ticks, trade.sign, numerator=px, denominator=qty * NANO)


def may_follow(trade: Trade, view: MarketView) -> bool:
    """Whether this view may move a stop: a rule earned something, or one that waits can go."""
    nbbo = view.nbbo
    if nbbo is None or (trade.ratchet_px is None and not trade.plan.manage.moves_stop):
        return False
    seen_ns = max(view.alive_ns, nbbo.recv_ns)
    if earned_stop_px(trade, view, seen_ns) is not None:
        return True
    return trade.ratchet_px is not None and any(
        is_ratchet(trade, order) and _is_clear(trade, nbbo, trade.ratchet_px)
        for order in trade.orders
    )


def tightened(trade: Trade, stop_px: int) -> Trade:
    """The trade with its stop at ``stop_px`` (1e-9 USD; off the tick it is rounded toward less
    risk); unchanged where that is no nearer, or where the target already is."""
    px = outward(trade.ticks, trade.sign, numerator=stop_px)
    if trade.position_qty <= 0 or stop_px <= 0 or not is_tighter(trade, px):
        return trade
    return replace(trade, ratchet_px=px)


def is_tighter(trade: Trade, stop_px: int) -> bool:
    """Whether this stop risks less than the present one and is no target."""
    exits, sign = trade.wanted_exits(), trade.sign
    resting = [o.spec.limit_px for o in trade.orders if o.leg is Leg.TARGET and o.is_open]
    targets = [exits.target_px, *(px for px in resting if px is not None)]
    nearest_px = min(targets) if sign > 0 else max(targets)
    least = max(CENT, trade.ticks.tick_at(stop_px))
    return sign * (stop_px - exits.stop_px) > 0 and sign * (nearest_px - stop_px) >= least


def watched_stop_px(trade: Trade) -> int:
    """The loosest of the stops that work (1e-9 USD): the whole market beyond it means that it is
    stuck. A tighter one that was asked for and does not rest yet promises nothing."""
    if trade.ratchet_px is None:
        return trade.wanted_exits().stop_px
    resting = [
        order.spec.stop_px
        for order in trade.orders
        if order.leg is Leg.STOP and order.state is OrderState.WORKING and order.spec.stop_px
    ]
    if not resting:
        return trade.wanted_exits().stop_px
    return min(resting) if trade.sign > 0 else max(resting)


def is_ratchet(trade: Trade, order: ChildOrder) -> bool:
    """Whether moving this order to where it belongs is the ratchet's doing: a working stop that is
    looser than what was earned. All other moves are anchoring or repair (I14, I20)."""
    stop_px, ratchet_px = order.spec.stop_px, trade.ratchet_px
    if order.leg is not Leg.STOP or order.state is not OrderState.WORKING or stop_px is None:
        return False
    if ratchet_px is None or ratchet_px != trade.wanted_exits().stop_px:
        return False
    return trade.sign * (ratchet_px - stop_px) > 0


def is_sendable(turn: Turn, stop_px: int) -> bool:
    """Whether a working stop may be moved to ``stop_px`` now. The broker takes none at or beyond
    the market (B-03), and a refusal would spend a request for nothing: the old one works on."""
    view = turn.context.view
    nbbo = _current(view, turn.now) if view is not None else None
    return nbbo is not None and _is_clear(turn.trade, nbbo, stop_px)


def _is_clear(trade: Trade, nbbo: Nbbo, stop_px: int) -> bool:
    """Whether a stop is far enough from the touch at which it would elect."""
    least = max(CENT, trade.ticks.tick_at(stop_px))
    return trade.sign * (nbbo.near_px(trade.sign) - stop_px) >= least
