"""A breakout entry: the trade waits here, with us, until the market has come to its trigger.

What: `has_come` (the one rule of a trigger), `wait_end_ns`, what of the gate is asked when the plan
comes and what at the trigger (`at_submission`, `at_trigger`).
Why with us and not as a stop-limit order at the broker: nothing rests, nothing takes buying power,
and what a crash loses is the entry, never cover (decision 0028).
The rule: somebody has to *pay* the trigger. A long is triggered when the bid has come to it, a
short when the offer has. One odd print, or an offer that is pulled away for a moment, shows nothing
of that kind; and what one venue's quote shows on this side holds of the whole market too.
Invariants: a trigger is seen in a current, two-sided quote of a symbol that trades, in hours in
which the plan may enter, by an engine that is ready, or it is not seen; it happens once, and what
the gate says against it then is final.
Must never: widen the worst price, or take a trigger that was over when we looked.
"""

from __future__ import annotations

from surefill.core.market import MarketView
from surefill.core.plan import Policy, TradePlan
from surefill.core.pricing import buffer_px, tighter
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.risk import GateView, gate
from surefill.core.session import SessionKind
from surefill.core.trade import Trade, arrival_of
from surefill.core.values import replace

C = ReasonCode
_OF_THE_MOMENT = frozenset(
    {
        *(C.QUOTE_MISSING, C.QUOTE_STALE, C.QUOTE_CROSSED, C.SYMBOL_HALTED),
        *(C.STOP_INSIDE_SPREAD, C.COLLAR_EXCEEDED),
        *(C.DISPLAYED_SHARE_ABOVE_LIMIT, C.VOLUME_SHARE_ABOVE_LIMIT, C.SYMBOL_BUSY),
    }
)
"""Asked at the trigger only: what they say of the moment at which the plan comes is nothing."""
_BEFORE_THE_OPEN = frozenset({C.SESSION_EXTENDED_DISABLED, C.SESSION_TACTIC_NEEDS_RTH})
_NOT_NOW = frozenset(
    {
        *(C.QUOTE_MISSING, C.QUOTE_STALE, C.QUOTE_CROSSED, C.SYMBOL_HALTED),
        *(C.SESSION_CLOSED, C.SESSION_NEAR_CLOSE),
        *(C.SYMBOL_UNKNOWN, C.POSITION_UNKNOWN, C.ACCOUNT_UNKNOWN),
        *_BEFORE_THE_OPEN,
    }
)
"""At the trigger: no market in which the plan could enter, or nothing to judge it by. It is not
looked at then, and the wait goes on."""
_OF_THE_PLAN = frozenset({C.DUPLICATE_ORDER, C.SIGNAL_STALE})
"""Asked when the plan comes: at the trigger its signal is new by definition, and it is its own
duplicate."""


def has_come(plan: TradePlan, view: MarketView | None) -> bool:
    """Whether somebody pays the trigger; the rest of the rule is the gate's (`at_trigger`)."""
    nbbo = view.nbbo if view is not None else None
    if plan.trigger_px is None or nbbo is None or not nbbo.is_two_sided:
        return False
    return plan.sign * (nbbo.near_px(plan.sign) - plan.trigger_px) >= 0


def wait_end_ns(plan: TradePlan, policy: Policy, view: GateView) -> int:
    """When the wait is over (UTC ns): the plan's own time, and no later than the session's last
    entry. Without a session at once; the gate says why."""
    session = view.calendar.session_at(view.now)
    if session is None:
        return view.now
    end_ns = session.close_ns - view.limits.of_symbol(plan.symbol).entry_cutoff_ns
    if policy.extended_hours and plan.extended_hours:
        end_ns = session.post_ns
    if plan.trigger_for_ns is not None:
        end_ns = min(end_ns, view.now + plan.trigger_for_ns)
    return end_ns


def at_submission(
    reasons: tuple[Reason, ...], plan: TradePlan, view: GateView
) -> tuple[Reason, ...]:
    """What of the gate's ``reasons`` stands against the plan already when it comes."""
    if plan.trigger_px is None:
        return reasons
    session = view.calendar.session_at(view.now)
    is_early = session is not None and view.now < session.open_ns
    later = _OF_THE_MOMENT | _BEFORE_THE_OPEN if is_early else _OF_THE_MOMENT
    return tuple(reason for reason in reasons if reason.code not in later)


def at_trigger(trade: Trade, view: GateView) -> Trade:
    """The trade as it enters, or does not, because the market has come; unchanged where that cannot
    be said or the wait is over. Its time to get in and its arrival price begin here."""
    plan, now = trade.plan, view.now
    if now >= trade.deadline_ns or not has_come(plan, view.market):
        return trade
    found = gate(plan, trade.policy, trade.terms, view=view)
    if any(reason.code in _NOT_NOW for reason in found):
        return trade
    final = [reason for reason in found if reason.code not in _OF_THE_PLAN]
    is_extended = view.calendar.kind_at(now) is SessionKind.ETH
    policy = trade.policy
    buffer_ppb = (
        policy.limit_buffer_extended_ppb if is_extended else policy.limit_buffer_regular_ppb
    )
    first_px = buffer_px(plan, buffer_ppb, trade.ticks)
    terms = replace(trade.terms, first_limit_px=tighter(trade.sign, first_px, trade.terms.worst_px))
    return replace(
        trade,
        terms=terms,
        triggered_ns=now,
        deadline_ns=now + policy.fill_timeout_ns,
        arrival=arrival_of(view.market),
        entry_end=final[0] if final else None,
    )
