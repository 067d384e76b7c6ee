"""What would happen to a plan now, without doing it.

What: `dry_run` joins the plan's own `Preview` (terms, orders, cover; no broker needed) with what
the gate says at this moment, by giving the plan to a copy of the engine.
Why a copy of the engine and not a second gate: a check that can disagree with the deed is worth
nothing.
Invariants: the real engine, its journal and the broker see nothing of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from surefill.core.book import Book
from surefill.core.engine import Engine
from surefill.core.events import PlanSubmitted
from surefill.core.preview import Preview, Rules, preview
from surefill.core.pricing import EntryTerms
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.session import SessionKind
from surefill.core.units import US_EQUITY_TICKS


@dataclass(frozen=True, slots=True)
class PlanCheck:
    """The answer: the plan by itself, and what stands against sending it now."""

    preview: Preview
    gate_reasons: tuple[Reason, ...]

    @property
    def terms(self) -> EntryTerms | None:
        """Prices and quantity; ``None`` when the plan cannot be priced."""
        return self.preview.terms

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Everything that stands against it."""
        return tuple(dict.fromkeys((*self.preview.reasons, *self.gate_reasons)))

    @property
    def is_accepted(self) -> bool:
        """Whether it would be sent."""
        return not self.reasons


def dry_run(engine: Engine, event: PlanSubmitted, *, now: int) -> PlanCheck:
    """What ``engine`` would do with this plan at ``now`` (UTC ns)."""
    plan, state = event.plan, engine.state
    instrument = state.instrument(plan.symbol)
    is_extended = state.calendar.kind_at(now) is SessionKind.ETH
    rules = Rules(
        tactics=engine.tactics,
        policy=event.policy,
        limits=engine.config.limits,
        ticks=instrument.ticks if instrument is not None else US_EQUITY_TICKS,
        kind=SessionKind.ETH if is_extended else SessionKind.RTH,
    )
    seen = preview(plan, rules, is_legacy=event.is_legacy)
    if engine.book.known_as(plan.plan_id) is not None:
        return PlanCheck(seen, (Reason.of(ReasonCode.PLAN_ID_REUSED, value=plan.plan_id),))
    step = _copy(engine).step(event, now)
    return PlanCheck(seen, step.denials[0].reasons if step.denials else ())


def _copy(engine: Engine) -> Engine:
    copy = Engine(engine.config, engine.tactics)
    copy.state = engine.state
    copy.views = dict(engine.views)
    copy.book = Book()
    for trade in engine.book.open.values():
        copy.book.put(trade)
    return copy
