"""Admission: a submitted plan becomes a trade, or a denial with every reason.

What: `admit`. Validation, pricing and the gate in one place and in this order, because each needs
the one before; nothing is sent here.
Invariants: what is denied never existed at the broker (I15); the terms that are fixed here are
never widened.
"""

from __future__ import annotations

from surefill.core.events import PlanSubmitted
from surefill.core.limits import Entered, Limits, recent
from surefill.core.market import MarketView
from surefill.core.plan import TradePlan, plan_problems
from surefill.core.pricing import EntryTerms, entry_terms, legacy_terms
from surefill.core.reasons import Reason
from surefill.core.risk import GateView, gate
from surefill.core.session import SessionKind
from surefill.core.state import Denial
from surefill.core.tactic import ProtectionStyle, Tactic
from surefill.core.trade import Arrival, Trade
from surefill.core.units import US_EQUITY_TICKS


def admit(
    event: PlanSubmitted,
    view: GateView,
    *,
    tag: str,
    tactic: Tactic | None,
    known_tactics: frozenset[str],
    stopped: tuple[Reason, ...],
) -> Trade | Denial:
    """The trade that this plan becomes, or its denial. ``stopped``: reasons of the engine itself
    (not ready, halted, killed). ``tactic`` is ``None`` when the plan names none that exists."""
    reasons = plan_problems(event.plan, known_tactics)
    if reasons or tactic is None:
        return _denied(event, reasons, view.now)
    policy = event.plan.with_policy(event.policy)
    ticks = view.instrument.ticks if view.instrument is not None else US_EQUITY_TICKS
    if event.is_legacy:
        terms = legacy_terms(event.plan, policy, ticks)
    else:
        is_extended = view.calendar.kind_at(view.now) is SessionKind.ETH
        buffer_ppb = (
            policy.limit_buffer_extended_ppb if is_extended else policy.limit_buffer_regular_ppb
        )
        terms = entry_terms(event.plan, policy, ticks, buffer_ppb=buffer_ppb)
    if not isinstance(terms, EntryTerms):
        return _denied(event, (*stopped, *terms), view.now)
    reasons = (*stopped, *gate(event.plan, policy, terms, view=view))
    if reasons:
        return _denied(event, reasons, view.now)
    return Trade(
        plan=event.plan,
        policy=policy,
        terms=terms,
        ticks=ticks,
        tag=tag,
        style=style_of(event.plan, tactic),
        is_legacy=event.is_legacy,
        accepted_ns=view.now,
        deadline_ns=view.now + policy.fill_timeout_ns,
        arrival=_arrival(view.market),
    )


def style_of(plan: TradePlan, tactic: Tactic) -> ProtectionStyle:
    """How the first cover gets to the broker: a bracket has one target for all its shares."""
    return ProtectionStyle.OCO if plan.manage.scale_outs else tactic.style


def counted(entered: tuple[Entered, ...], made: Trade, limits: Limits) -> tuple[Entered, ...]:
    """The entries of late with this one, for the limits over time; unchanged when none is set."""
    if not limits.counts_entries:
        return entered
    plan, now = made.plan, made.accepted_ns
    one = Entered(now, plan.symbol, plan.sign, made.terms.order_qty, plan.signal_px)
    return (*recent(entered, limits, now=now), one)


def _denied(event: PlanSubmitted, reasons: tuple[Reason, ...], now: int) -> Denial:
    return Denial(plan=event.plan, is_legacy=event.is_legacy, reasons=reasons, at_ns=now)


def _arrival(market: MarketView | None) -> Arrival:
    nbbo = market.nbbo if market is not None else None
    return Arrival(nbbo.mid_px if nbbo else None, market.feed if market else None)
