"""A played path as parents of cost analysis: what the venue's own log says, against the tape.

What: `parents_of_path` (every plan of a stream on one path) and `market_of` (a tape as the market
that costs are measured against).
Why from the log: what a run cost has to be read from what the venue did; only reasons, outcomes and
the time without cover are the executor's words.
Fees are those of entry and exit: a plan that was not entered pays none.
Invariants: each plan of the stream is one parent, on every path at the same arrival; fills are
those of the venue. A tape that ends before its session says nothing about the close.
Must never: take a price from the executor's book.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from surefill.core.fix import Leg
from surefill.core.ids import IdLeg
from surefill.core.plan import Policy, TradePlan
from surefill.core.pricing import ExitPrices, cap_px, exits_at, static_exits
from surefill.core.state import Denial
from surefill.core.trade import Trade
from surefill.core.units import US_EQUITY_TICKS
from surefill.replay.comparison import PathResult, Stream
from surefill.sim.auditor_log import DEAD, FILL_KINDS, owner_of
from surefill.sim.columns import TapeColumns
from surefill.sim.workload import Draw
from surefill.tca.facts import Fate, Seen, fact_of
from surefill.tca.market import Market
from surefill.tca.parent import Closing, Execution, Parent, Resting, marked

CLOSE_SLACK_NS = 60 * 1_000_000_000
"""A tape whose last quote is this close to the session's end knows the close."""
_STOPS = frozenset({"STOP", "STOP_LIMIT", "TRAILING_STOP"})
_Line = Mapping[str, object]


@dataclass(slots=True)
class _Told:
    """What the log says of one plan. ``working``: order id -> (leg, price, since)."""

    fills: list[Execution] = field(default_factory=list)
    closings: list[Closing] = field(default_factory=list)
    orders: list[Resting] = field(default_factory=list)
    working: dict[str, tuple[Leg, int, int]] = field(default_factory=dict)

    @property
    def traded_qty(self) -> int:
        """Shares of entry and exits."""
        return sum(one.qty for one in self.fills) + sum(one.qty for one in self.closings)


def market_of(tape: TapeColumns, close_ns: int) -> Market:
    """A tape of which every change is known. ``close_ns``: end of its session."""
    reaches = len(tape.quote_ns) and int(tape.quote_ns[-1]) >= close_ns - CLOSE_SLACK_NS
    return Market(
        tape.symbol,
        tape.quote_ns.tolist(),
        tape.bid_px.tolist(),
        tape.bid_qty.tolist(),
        tape.ask_px.tolist(),
        tape.ask_qty.tolist(),
        tape.print_ns.tolist(),
        tape.print_px.tolist(),
        tape.print_qty.tolist(),
        close_ns=close_ns if reaches else None,
    )


def parents_of_path(
    stream: Stream, result: PathResult, path: str, *, markets: Mapping[str, Market]
) -> tuple[Parent, ...]:
    """Every plan of the stream on this path. ``markets``: symbol -> market."""
    told = _read(result.lines)
    return tuple(
        marked(
            _parent(draw, result, path, told=told.get(draw.plan.plan_id, _Told())),
            markets[draw.plan.symbol],
        )
        for draw in stream.draws
    )


def _read(lines: Iterable[_Line]) -> dict[str, _Told]:
    """Plan id -> what the log says of it; a leg belongs to the plan of its entry."""
    told: dict[str, _Told] = defaultdict(_Told)
    owners: dict[str, tuple[str, bool]] = {}
    for line in lines:
        order_id, parent_id = str(line.get("order_id")), str(line.get("parent_id"))
        named = owner_of(str(line.get("cl_ord_id") or ""))
        if named is not None:
            owners[order_id] = named[0], named[1] == IdLeg.ENTRY
        elif parent_id in owners:
            owners[order_id] = owners[parent_id][0], False
        if order_id in owners:
            plan_id, is_entry = owners[order_id]
            _take(told[plan_id], line, is_entry=is_entry)
    return told


def _take(told: _Told, line: _Line, *, is_entry: bool) -> None:
    at_ns, order_id = int(str(line["venue_ns"])), str(line["order_id"])
    leg = _leg(line, is_entry=is_entry)
    if line["kind"] in FILL_KINDS:
        qty, px = int(str(line["qty"])), int(str(line["px"]))
        if is_entry:
            told.fills.append(Execution(qty, px, at_ns))
        else:
            stop = line.get("stop_px")
            told.closings.append(Closing(leg, qty, px, at_ns, int(str(stop)) if stop else None))
    shown = line.get("stop_px") or line.get("limit_px")
    if line["kind"] in ("new", "armed") and shown:
        told.working.setdefault(order_id, (leg, int(str(shown)), at_ns))
    if line.get("status") in DEAD and order_id in told.working:
        leg, px, since_ns = told.working.pop(order_id)
        told.orders.append(Resting(leg, px, since_ns, at_ns))


def _leg(line: _Line, *, is_entry: bool) -> Leg:
    if is_entry:
        return Leg.ENTRY
    if line.get("ord_type") in _STOPS:
        return Leg.STOP
    return Leg.TARGET if line.get("leg") == Leg.TARGET else Leg.FLATTEN


def _parent(draw: Draw, result: PathResult, path: str, *, told: _Told) -> Parent:
    plan, ended = draw.plan, result.ended.get(draw.plan.plan_id)
    policy = plan.with_policy(Policy())
    levels = static_exits(plan, US_EQUITY_TICKS)
    fate, code = _fate(ended, told)
    trade = ended if isinstance(ended, Trade) and told.fills else None
    rested = _rested(plan, told) if told.fills and not result.is_legacy else levels
    begun_ns = draw.at_ns
    if isinstance(ended, Trade) and ended.triggered_ns:
        begun_ns = ended.triggered_ns
    budget_ns = begun_ns + policy.fill_timeout_ns
    return Parent(
        plan_id=plan.plan_id,
        symbol=plan.symbol,
        sign=plan.sign,
        path=path,
        fate=fate,
        code=code,
        order_qty=plan.order_qty or 0,
        arrival_ns=begun_ns,
        end_ns=max((fill.at_ns for fill in told.fills), default=budget_ns),
        budget_ns=budget_ns,
        signal_px=plan.signal_px,
        decision_px=draw.decision_px,
        decision_ns=plan.signal_ns,
        fills=tuple(told.fills),
        closings=tuple(told.closings),
        orders=tuple(told.orders),
        fees=result.fee_usd * told.traded_qty,
        stop_px=levels.stop_px,
        target_px=levels.target_px,
        worst_px=None if result.is_legacy else _worst_px(ended, plan, policy),
        rest_stop_px=rested.stop_px,
        rest_target_px=rested.target_px,
        uncovered_share_ns=trade.uncovered.share_ns if trade is not None else None,
        uncovered_ns=trade.uncovered.total_ns if trade is not None else None,
    )


def _rested(plan: TradePlan, told: _Told) -> ExitPrices:
    """Anchored at the fills; the auditor checks that they rested there."""
    qty = sum(fill.qty for fill in told.fills)
    cost = sum(fill.qty * fill.px for fill in told.fills)
    return exits_at(plan, US_EQUITY_TICKS, cost=cost, qty=qty)


def _worst_px(ended: Trade | Denial | None, plan: TradePlan, policy: Policy) -> int:
    if isinstance(ended, Trade):
        return ended.terms.worst_px
    return cap_px(plan, policy, US_EQUITY_TICKS)


def _fate(ended: Trade | Denial | None, told: _Told) -> tuple[Fate, str]:
    if ended is None:
        return Fate.PENDING, Fate.PENDING.value
    fact = fact_of(ended, Seen())
    # What the venue executed decides; the executor's word only says why nothing was.
    return (Fate.ENTERED if told.fills else fact.fate), fact.code
