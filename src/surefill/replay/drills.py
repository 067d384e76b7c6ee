"""What people do to a run while it runs: an operator, and somebody in the broker's own screen.

What: `DrillMix` (how often), `Drills` (seeded acts upon some plans of a `VirtualRun`): flatten,
close a part, cancel the entry, close the position from outside, hand the last trades over.
Why: outcomes like CLOSED_EXTERNAL or HANDED_OVER exist only because of people; a proof that reaches
every outcome has to play them, at honest moments and through the same doors.
Invariants: one act a plan; an act that finds its moment gone does nothing; the same seed gives the
same acts. Orders that the outsider cancels are kept in ``others`` so that nobody else is blamed.
Must never: touch the engine except by an operator's event, or the venue except as a client.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random

from surefill.core.cover import GroupState, cover_of, group_state
from surefill.core.events import Act, OperatorActed
from surefill.core.fix import Contingency, OrdType, Side, TimeInForce
from surefill.core.order import OrderState
from surefill.core.plan import SECOND_NS
from surefill.core.trade import Trade
from surefill.core.units import NANO
from surefill.core.values import replace
from surefill.replay.harness import VirtualRun
from surefill.sim.types import OrderRequest, Refusal
from surefill.sim.workload import Draw

MS_NS = 1_000_000
OPERATOR = "drill"
SELL_EVERY_NS = 3 * MS_NS
SELL_FIRST_NS = 60 * MS_NS
"""The outsider presses "sell" again and again until the cancelled exits have released the shares
(about 78 ms), or gives up after `SELL_TRIES`."""
SELL_TRIES = 200
_TradeAct = Callable[[Trade], object]
HAND_OVER_EVERY_NS = 250 * MS_NS
HAND_OVER_WAIT_NS = 120 * SECOND_NS
"""How long the last trades may take to become steady before they are flattened instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillMix:
    """How many of a hundred plans get which act."""

    flatten_percent: int = 4
    cancel_entry_percent: int = 4
    external_percent: int = 3
    reduce_percent: int = 4
    hands_over: bool = True


class Drills:
    """The acts of one run. ``others``: ids of orders that somebody else has cancelled."""

    def __init__(self, run: VirtualRun, mix: DrillMix, *, seed: int) -> None:
        self._run = run
        self._mix = mix
        self._random = Random(f"{seed}:drills")
        self.others: set[str] = set()
        self.done: dict[str, int] = {}
        """act -> how often it happened"""

    def last_ones(self, draws: Sequence[Draw]) -> tuple[Draw, ...]:
        """The draws, with the last one of each symbol to be handed over: it has no time exit."""
        if not self._mix.hands_over:
            return tuple(draws)
        last = {draw.plan.symbol: draw.plan.plan_id for draw in draws}
        kept = set(last.values())
        return tuple(
            replace(draw, plan=replace(draw.plan, exit_at_ns=None))
            if draw.plan.plan_id in kept
            else draw
            for draw in draws
        )

    def arm(self, draws: Sequence[Draw]) -> None:
        """Put the acts upon these plans on the run's agenda."""
        acts = (
            (self._mix.flatten_percent, self._flatten, (3_000, 12_000)),
            (self._mix.cancel_entry_percent, self._cancel_entry, (100, 1_500)),
            (self._mix.external_percent, self.close_outside, (4_000, 11_000)),
            (self._mix.reduce_percent, self._reduce, (500, 9_000)),
        )
        for draw in draws:
            ticket = self._random.randrange(100)
            for percent, act, (low_ms, high_ms) in acts:
                if 0 <= ticket < percent and draw.plan.exit_at_ns is not None:
                    at_ns = draw.at_ns + self._random.randrange(low_ms, high_ms) * MS_NS
                    self._run.at(at_ns, partial(self._on_trade, act, draw.plan.plan_id))
                ticket -= percent
        if self._mix.hands_over and draws:
            last_ns = max(draw.at_ns for draw in draws)
            limit_ns = last_ns + HAND_OVER_WAIT_NS
            self._run.at(last_ns + 2 * SECOND_NS, partial(self._hand_over, limit_ns))

    def _on_trade(self, act: _TradeAct, trade_id: str, run: VirtualRun) -> None:
        trade = run.engine.book.open.get(trade_id)
        if trade is not None and trade.exit_reason is None:
            act(trade)

    # -- the operator ---------------------------------------------------------------------------

    def _flatten(self, trade: Trade) -> None:
        if trade.position_qty > 0:
            self._operate(Act.FLATTEN, trade.trade_id)

    def _reduce(self, trade: Trade) -> None:
        shares = trade.position_qty // NANO
        if shares > 1:
            self._operate(Act.REDUCE, trade.trade_id, self._random.randrange(1, shares) * NANO)

    def _cancel_entry(self, trade: Trade) -> None:
        if trade.open_entry is not None:
            self._operate(Act.CANCEL_ENTRY, trade.trade_id)

    def _hand_over(self, limit_ns: int, run: VirtualRun) -> None:
        """When only the last trades are left and all of them are steady, give them away at once:
        what the venue does to them later is no longer ours to report."""
        now = run.edge.now_ns
        trades = list(run.engine.book.open.values())
        if not trades and not run.has_arrivals:
            return
        is_waiting = run.has_arrivals or not all(_is_steady(trade) for trade in trades)
        if is_waiting and now < limit_ns:
            run.at(now + HAND_OVER_EVERY_NS, partial(self._hand_over, limit_ns))
            return
        for trade in trades:
            self._operate(Act.HAND_OVER if _is_steady(trade) else Act.FLATTEN, trade.trade_id)

    def _operate(self, act: Act, target: str, qty: int = 0) -> None:
        self._count(act.value)
        now = self._run.edge.now_ns
        self._run.operate(OperatorActed(act, target, OPERATOR, "a drill", now, qty))

    # -- somebody in the broker's own screen ----------------------------------------------------

    def close_outside(self, trade: Trade) -> bool:
        """Cancel the exits, then sell (or buy back) at the market as soon as it is allowed; False
        when the trade is not steady enough to be taken over."""
        run = self._run
        if not _is_steady(trade):
            return False
        self.others |= {o.order_id for o in trade.orders if o.order_id is not None}
        for group in trade.groups:
            if group_state(trade, group) is GroupState.ARMED:
                working = (o for o in trade.group_orders(group.n) if o.is_open and o.order_id)
                self._cancel_first([str(o.order_id) for o in working])
        self._count("cancel outside")
        sell = partial(self._sell, trade.trade_id, SELL_TRIES)
        run.at(run.edge.now_ns + SELL_FIRST_NS, sell)
        return True

    def _cancel_first(self, order_ids: list[str]) -> None:
        for order_id in order_ids:
            try:
                self._run.exchange.cancel(self._run.account, order_id)
            except Refusal:
                continue  # it filled at this moment; its sibling is ending
            break
        self._run.edge.settle()

    def _sell(self, trade_id: str, tries: int, run: VirtualRun) -> None:
        trade = run.engine.book.open.get(trade_id)
        if trade is None or tries <= 0:
            return
        shown = {one.symbol: one.qty for one in run.exchange.positions(run.account)}
        held_qty = abs(shown.get(trade.symbol, 0))  # what the screen says, not what we believe
        if not held_qty:
            return
        request = OrderRequest(
            symbol=trade.symbol,
            side=Side.SELL if trade.sign > 0 else Side.BUY,
            ord_type=OrdType.MARKET,
            tif=TimeInForce.DAY,
            order_qty=held_qty,
            contingency=Contingency.NONE,
            cl_ord_id=f"screen-{trade_id}",
        )
        try:
            run.exchange.submit(run.account, request)
        except Refusal:
            again = partial(self._sell, trade_id, tries - 1)
            run.at(run.edge.now_ns + SELL_EVERY_NS, again)
            return
        self._count("close outside")
        run.edge.settle()

    def _count(self, name: str) -> None:
        self.done[name] = self.done.get(name, 0) + 1


def _is_steady(trade: Trade) -> bool:
    """Fully covered by exits of which none is on its way: what an outsider would take over."""
    if trade.open_entry is not None or not trade.is_settled or trade.position_qty <= 0:
        return False
    states = {group_state(trade, group) for group in trade.groups}
    is_quiet = all(
        order.state is OrderState.WORKING and order.cancel_ns is None
        for order in trade.orders
        if not order.is_terminal
    )
    is_covered = cover_of(trade).covered_qty >= trade.position_qty
    return is_quiet and is_covered and states <= {GroupState.ARMED, GroupState.DONE}
