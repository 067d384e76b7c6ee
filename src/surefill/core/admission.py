"""Admission: a submitted plan becomes a trade, or a denial with every reason.

What: `admit`. Validation, pricing and the gate in one place and in this order, because each needs
the one before; nothing is sent here.
Invariants: what is denied never existed at the broker (I15); the terms that are fixed here are
never widened.
"""

from __future__ import annotations

from surefill.core.book import Book
from surefill.core.breakout import at_submission, wait_end_ns
from surefill.core.events import PlanSubmitted, Submission
from surefill.core.limits import Entered, Limits, recent
from surefill.core.market import MarketView
from surefill.core.plan import TradePlan, plan_problems
from surefill.core.pricing import EntryTerms, entry_terms, legacy_terms
from surefill.core.reasons import Reason
from surefill.core.reconcile import foreign_qty
from surefill.core.risk import GateView, gate
from surefill.core.session import SessionKind
from surefill.core.state import Denial, EngineState
from surefill.core.tactic import ProtectionStyle, Tactic
from surefill.core.trade import Trade, arrival_of
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
    found = gate(event.plan, policy, terms, view=view)
    reasons = (*stopped, *at_submission(found, event.plan, view))
    if reasons:
        return _denied(event, reasons, view.now)
    waits = event.plan.trigger_px is not None
    end_ns = wait_end_ns(event.plan, policy, view) if waits else None
    return Trade(
        plan=event.plan,
        policy=policy,
        terms=terms,
        ticks=ticks,
        tag=tag,
        style=style_of(event.plan, tactic),
        is_legacy=event.is_legacy,
        accepted_ns=view.now,
        deadline_ns=view.now + policy.fill_timeout_ns if end_ns is None else end_ns,
        arrival=arrival_of(view.market),
    )


def gate_view(
    state: EngineState,
    book: Book,
    asked: Submission | Trade,
    *,
    now: int,
    limits: Limits,
    market: MarketView | None,
) -> GateView:
    """What the gate may know of an entry at ``now`` (UTC ns): of a plan that comes, or of a
    breakout whose market has come. Those that wait take nothing of what is shared, and hold no
    symbol; as many may wait as trades may be open, which is what a new one is counted against."""
    plan, is_new = asked.plan, isinstance(asked, PlanSubmitted)
    others = [
        trade.trade_id
        for trade in book.of_symbol(plan.symbol)
        if trade.trade_id != plan.plan_id and not trade.is_waiting
    ]
    waiting = book.waiting_trades()
    return GateView(
        now=now,
        limits=limits,
        calendar=state.calendar,
        instrument=state.instrument(plan.symbol),
        account=state.account,
        market=market,
        foreign_qty=(
            foreign_qty(state.foreign, plan.symbol) if state.positions_read_ns > 0 else None
        ),
        other_trade=others[0] if others else None,
        open_trades=waiting if is_new and plan.trigger_px is not None else len(book.open) - waiting,
        committed_usd=book.committed_usd(),
        requests_left=state.requests_left,
        requests_reserved=state.requests_reserved,
        entered=state.entered,
        is_legacy=isinstance(asked, PlanSubmitted) and asked.is_legacy,
    )


def style_of(plan: TradePlan, tactic: Tactic) -> ProtectionStyle:
    """How the first cover gets to the broker: a bracket has one target for all its shares."""
    return ProtectionStyle.OCO if plan.manage.scale_outs else tactic.style


def counted(entered: tuple[Entered, ...], made: Trade, limits: Limits) -> tuple[Entered, ...]:
    """The entries of late with this one, for the limits over time; unchanged when none is set. A
    breakout counts when it comes and when it is triggered."""
    if not limits.counts_entries:
        return entered
    plan, now = made.plan, made.started_ns
    one = Entered(now, plan.symbol, plan.sign, made.terms.order_qty, plan.signal_px)
    return (*recent(entered, limits, now=now), one)


def _denied(event: PlanSubmitted, reasons: tuple[Reason, ...], now: int) -> Denial:
    return Denial(plan=event.plan, is_legacy=event.is_legacy, reasons=reasons, at_ns=now)
