"""What would happen to a plan now, without doing it.

What: `dry_run` gives the plan to a copy of the engine and shows what comes out: terms, the orders
it would send, the cover it would place, every reason against it.
Why a copy of the engine and not a second implementation: a check that can disagree with the deed is
worth nothing.
Invariants: the real engine, its journal and the broker see nothing of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from surefill.core.book import Book
from surefill.core.commands import OrderSpec, SubmitOrder
from surefill.core.engine import Engine
from surefill.core.events import PlanSubmitted
from surefill.core.plan import Policy, plan_problems
from surefill.core.pricing import EntryTerms, entry_terms, legacy_terms
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.session import SessionKind
from surefill.core.trade import Trade
from surefill.core.units import US_EQUITY_TICKS, to_text, to_usd_text


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanCheck:
    """The answer. ``plan_reasons`` are the plan's own faults (no network needed to find them),
    ``gate_reasons`` what stands against sending it now. ``orders`` are the entry orders;
    ``cover`` says in words what follows a fill."""

    plan_id: str
    is_legacy: bool
    terms: EntryTerms | None
    plan_reasons: tuple[Reason, ...]
    gate_reasons: tuple[Reason, ...]
    orders: tuple[OrderSpec, ...]
    cover: str

    @property
    def is_accepted(self) -> bool:
        """Whether it would be sent."""
        return not (self.plan_reasons or self.gate_reasons)

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Everything that stands against it."""
        return (*self.plan_reasons, *self.gate_reasons)

    def to_dict(self) -> dict[str, object]:
        """JSON-ready; prices and quantities as text."""
        terms = self.terms
        return {
            "plan_id": self.plan_id,
            "is_accepted": self.is_accepted,
            "is_legacy": self.is_legacy,
            "reasons": [{"code": r.code.name, "sentence": r.sentence} for r in self.reasons],
            "notes": [str(note) for note in terms.notes] if terms is not None else [],
            "terms": _terms_dict(terms) if terms is not None else None,
            "orders": [_order_dict(spec) for spec in self.orders],
            "cover": self.cover,
        }


def dry_run(engine: Engine, event: PlanSubmitted, *, now: int) -> PlanCheck:
    """What ``engine`` would do with this plan at ``now`` (UTC ns)."""
    plan = event.plan
    terms, plan_reasons = _terms(engine, event, now)
    if engine.book.known_as(plan.plan_id) is not None:
        plan_reasons = (*plan_reasons, Reason.of(ReasonCode.PLAN_ID_REUSED, value=plan.plan_id))
    step = _copy(engine).step(event, now)
    reasons = step.denials[0].reasons if step.denials else ()
    trade = step.trades[0] if step.trades else None
    return PlanCheck(
        plan_id=plan.plan_id,
        is_legacy=event.is_legacy,
        terms=terms,
        plan_reasons=plan_reasons,
        gate_reasons=tuple(reason for reason in reasons if reason not in plan_reasons),
        orders=tuple(c.spec for c in step.commands if isinstance(c, SubmitOrder)),
        cover=_cover_text(trade, terms),
    )


def _copy(engine: Engine) -> Engine:
    copy = Engine(engine.config, engine.tactics)
    copy.state = engine.state
    copy.views = dict(engine.views)
    copy.book = Book()
    for trade in engine.book.open.values():
        copy.book.put(trade)
    return copy


def _terms(
    engine: Engine, event: PlanSubmitted, now: int
) -> tuple[EntryTerms | None, tuple[Reason, ...]]:
    """Prices as far as the plan itself allows them, and what is wrong with it."""
    plan = event.plan
    reasons = plan_problems(plan, frozenset(engine.tactics) - {"legacy"})
    if reasons:
        return None, reasons
    policy = plan.with_policy(event.policy)
    instrument = engine.state.instrument(plan.symbol)
    ticks = instrument.ticks if instrument is not None else US_EQUITY_TICKS
    if event.is_legacy:
        made = legacy_terms(plan, policy, ticks)
    else:
        buffer_ppb = _buffer_ppb(engine, policy, now)
        made = entry_terms(plan, policy, ticks, buffer_ppb=buffer_ppb)
    return (made, ()) if isinstance(made, EntryTerms) else (None, made)


def _buffer_ppb(engine: Engine, policy: Policy, now: int) -> int:
    if engine.state.calendar.kind_at(now) is SessionKind.ETH:
        return policy.limit_buffer_extended_ppb
    return policy.limit_buffer_regular_ppb


def _cover_text(trade: Trade | None, terms: EntryTerms | None) -> str:
    if terms is None:
        return ""
    stop, target = to_usd_text(terms.stop_px), to_usd_text(terms.target_px)
    if trade is not None and trade.is_legacy:
        return f"bracket: stop {stop}, target {target}, both from the signal"
    how = "a bracket, re-anchored at the fill" if _is_bracket(trade) else "one OCO for every fill"
    worst = to_usd_text(terms.worst_px)
    return f"{how}: stop {stop}, target {target} if it fills at the worst price {worst}"


def _is_bracket(trade: Trade | None) -> bool:
    return trade is not None and any(order.group for order in trade.orders)


def _terms_dict(terms: EntryTerms) -> dict[str, str]:
    return {
        "order_qty": to_text(terms.order_qty),
        "first_limit_px": to_text(terms.first_limit_px),
        "cap_px": to_text(terms.cap_px),
        "worst_px": to_text(terms.worst_px),
        "stop_px": to_text(terms.stop_px),
        "target_px": to_text(terms.target_px),
        "rr_planned": to_text(terms.rr_planned_ppb),
    }


def _order_dict(spec: OrderSpec) -> dict[str, str | None]:
    return {
        "cl_ord_id": spec.cl_ord_id,
        "side": spec.side.value,
        "ord_type": spec.ord_type.value,
        "tif": spec.tif.value,
        "order_qty": to_text(spec.order_qty),
        "limit_px": to_text(spec.limit_px) if spec.limit_px is not None else None,
        "contingency": spec.contingency.value,
    }
