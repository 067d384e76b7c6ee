"""Parents from a journal: what really happened, with the market that the decisions looked at.

What: `read_parents` folds a journal once: plans and fills from its images, quotes from the views
that its records embed; `parent_of` makes one parent of one image.
What a journal does not know: prints (so no VWAP), quotes that no decision looked at (so markouts
and the 5-minute and close sensitivities mostly are unknown), fees. A tape of the same day knows
them: `tca.parent.marked` fills them in.
Invariants: one plan is one parent; adopted positions are none (decision 0005); what a plan of
nonsense says (no side, no price) is not measured.
Must never: write, or take a quote that was old when it was looked at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from surefill.core.events import PositionAdopted
from surefill.core.fix import Leg
from surefill.core.market import MarketView
from surefill.core.order import ChildOrder
from surefill.core.plan import Policy, TradePlan, type_problems
from surefill.core.pricing import mean_exits
from surefill.core.state import Denial
from surefill.core.trade import Trade, anchored_mean
from surefill.journal.images import ENGINE_IMAGE, decode_trade, plan_ids
from surefill.journal.record import Record
from surefill.ports import Journal
from surefill.tca.facts import Fate, Seen, fact_of
from surefill.tca.market import Market, market_of_views
from surefill.tca.parent import Closing, Execution, Marks, Parent, Resting, marked

LEGACY, SMART = "legacy", "smart"
_ADOPTED, _VIEW = b'"PositionAdopted"', b'"MarketView"'


def read_parents(journal: Journal) -> tuple[Parent, ...]:
    """Every plan of a journal, in order of arrival. Raises `JournalError` on damage."""
    views: dict[str, list[tuple[int, MarketView]]] = defaultdict(list)
    adopted: set[str] = set()
    for entry in journal.records():
        if _VIEW not in entry.record and _ADOPTED not in entry.record:
            continue
        record = Record.from_bytes(entry.record)
        if isinstance(record.event, PositionAdopted):
            adopted.add(record.event.plan.plan_id)
        for view in record.views:
            views[view.symbol].append((record.now_ns, view))
    images = dict(journal.open_images())
    images.pop(ENGINE_IMAGE, None)
    closed = ((name, journal.image(name)) for name in plan_ids(journal.closed_ids()))
    images |= {plan_id: image for plan_id, image in closed if image is not None}
    markets: dict[str, Market] = {}
    found = []
    for plan_id, image in images.items():
        parent = None if plan_id in adopted else parent_of(decode_trade(image))
        if parent is None:
            continue
        if parent.symbol not in markets:
            markets[parent.symbol] = market_of_views(parent.symbol, views[parent.symbol])
        found.append(marked(parent, markets[parent.symbol]))
    return tuple(sorted(found, key=lambda one: (one.arrival_ns, one.plan_id)))


def parent_of(found: Trade | Denial) -> Parent | None:
    """The parent of one image; ``None`` of a denied plan that says too little to be measured."""
    return _denied(found) if isinstance(found, Denial) else _traded(found)


def _denied(denial: Denial) -> Parent | None:
    plan = denial.plan
    if type_problems(plan) or plan.signal_px <= 0:
        return None
    return Parent(
        plan_id=plan.plan_id,
        symbol=plan.symbol,
        sign=plan.sign,
        path=LEGACY if denial.is_legacy else SMART,
        fate=Fate.DENIED,
        code=denial.reasons[0].code.name,
        order_qty=max(0, plan.order_qty or 0),
        arrival_ns=denial.at_ns,
        end_ns=denial.at_ns,
        budget_ns=denial.at_ns + _budget_ns(plan),
        signal_px=plan.signal_px,
        decision_ns=plan.signal_ns,
    )


def _budget_ns(plan: TradePlan) -> int:
    """How long a denied plan would have had, by its own word or by default."""
    return dict(plan.overrides).get("fill_timeout_ns", Policy().fill_timeout_ns)


def _traded(trade: Trade) -> Parent:
    fact = fact_of(trade, Seen())
    fills = tuple(
        Execution(fill.qty, fill.px, fill.venue_ns)
        for order in trade.entries
        for fill in order.fills
        if fill.qty
    )
    closings = tuple(
        Closing(order.leg, fill.qty, fill.px, fill.venue_ns, _stop_px(order))
        for order in trade.orders
        if order.leg is not Leg.ENTRY
        for fill in order.fills
        if fill.qty
    )
    levels = mean_exits(trade.plan, trade.ticks, cost=trade.plan.signal_px, qty=1)
    rested = anchored_mean(trade) if trade.entry_qty else None
    is_known = not trade.unpriced_qty
    adverse_px, favorable_px = _extremes(trade, closings)
    return Parent(
        plan_id=trade.trade_id,
        symbol=trade.symbol,
        sign=trade.sign,
        path=LEGACY if trade.is_legacy else SMART,
        fate=fact.fate if is_known else Fate.PENDING,
        code=fact.code,
        order_qty=trade.terms.order_qty,
        arrival_ns=trade.started_ns,
        end_ns=max((fill.at_ns for fill in fills), default=trade.deadline_ns),
        budget_ns=trade.deadline_ns,
        signal_px=trade.plan.signal_px,
        decision_ns=trade.plan.signal_ns,
        fills=fills,
        closings=closings,
        orders=tuple(_rested(trade)),
        stop_px=levels.stop_px,
        target_px=levels.target_px,
        worst_px=None if trade.is_legacy else trade.terms.worst_px,
        rest_stop_px=rested.stop_px if rested is not None else None,
        rest_target_px=rested.target_px if rested is not None else None,
        uncovered_share_ns=trade.uncovered.share_ns if trade.entry_qty else None,
        uncovered_ns=trade.uncovered.total_ns if trade.entry_qty else None,
        marks=Marks(arrival_px=trade.arrival.px, adverse_px=adverse_px, favorable_px=favorable_px),
    )


def _rested(trade: Trade) -> Iterator[Resting]:
    """Orders at their price while they worked, as far as a picture needs it: from when they were
    sent to their last fill or cancel, else to the trade's end."""
    for order in trade.orders:
        px = order.spec.stop_px or order.spec.limit_px
        if px is None or not order.sent_ns:
            continue
        known = [fill.venue_ns for fill in order.fills]
        known += [] if order.cancel_ns is None else [order.cancel_ns]
        end_ns = max(known, default=trade.closed_ns or order.sent_ns)
        yield Resting(order.leg, px, order.sent_ns, max(order.sent_ns, end_ns))


def _stop_px(order: ChildOrder) -> int | None:
    return order.spec.stop_px if order.leg is Leg.STOP else None


def _extremes(trade: Trade, closings: tuple[Closing, ...]) -> tuple[int | None, int | None]:
    """What the engine itself saw while it held the shares, the exits' own prices among it."""
    seen = trade.excursion
    if seen is None or not seen.is_whole:
        return None, None
    known = [px for px in (seen.adverse_px, seen.favorable_px) if px is not None]
    known += [closing.px for closing in closings]
    low_px, high_px = min(known), max(known)
    return (low_px, high_px) if trade.sign > 0 else (high_px, low_px)
