"""One step of one trade: take in what happened, decide, come out with state and commands; and what
a step of the whole engine leaves.

    step_trade(trade, event, context) -> TradeStep(trade, commands, broken)       pure

The order of decisions matters and is here, in one place: time exits end entries, entries end before
cover that may not rest beside them is sent, outcomes come last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from surefill.core.absorb import (
    absorb_answer,
    absorb_fills,
    absorb_listing,
    keep_stray,
    take_report,
)
from surefill.core.closing import (
    count_uncovered,
    end_on_time,
    hand_over,
    mark_uncovered,
    settle,
    watch_stop,
)
from surefill.core.commands import Command
from surefill.core.elsewhere import absorb_position
from surefill.core.entry import work_entry
from surefill.core.events import (
    Act,
    Event,
    ExecutionReport,
    FillsRead,
    OperatorActed,
    OrdersRead,
    PositionsRead,
    ReportReceived,
    RequestAnswered,
)
from surefill.core.excursion import Excursion
from surefill.core.fix import Leg
from surefill.core.invariants import broken_invariants
from surefill.core.market import MarketView
from surefill.core.protection import protect
from surefill.core.ratchet import follow_market
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.state import Closing, Denial, EngineState
from surefill.core.trade import Outcome, Trade, reopened
from surefill.core.turn import Context, Turn


@dataclass(frozen=True, slots=True)
class TradeStep:
    """What one step made of a trade. ``broken`` names invariants that no longer hold."""

    trade: Trade
    commands: tuple[Command, ...]
    broken: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """What one event made of the engine: commands in order, trades and denials that changed,
    closing requests that were taken, the views that were decided on, and what the changed trades
    saw of their market (trade id -> excursion) while it decided nothing."""

    commands: tuple[Command, ...] = ()
    trades: tuple[Trade, ...] = ()
    denials: tuple[Denial, ...] = ()
    closings: tuple[Closing, ...] = ()
    state: EngineState | None = None
    views: tuple[MarketView, ...] = ()
    seen: tuple[tuple[str, Excursion], ...] = ()

    @property
    def is_empty(self) -> bool:
        """Nothing changed and nothing is to be sent: no record."""
        changed = (self.commands, self.trades, self.denials, self.closings, self.state)
        return not any(changed)


def views_of(
    decided: Mapping[str, MarketView | None],
    looked: Mapping[str, MarketView | None],
    *,
    told: dict[str, MarketView],
) -> tuple[MarketView, ...]:
    """The market views that a record has to hold, by symbol: those that were ``decided`` on, and
    those that a trade ``looked`` at only to see that there is nothing to do. Whoever decides the
    record again must not see another market there (I7). A view that an earlier record has ``told``
    is not repeated for that."""
    views = {symbol: view for symbol, view in decided.items() if view is not None}
    for symbol, view in looked.items():
        if view is not None and told.get(symbol) is not view:
            views.setdefault(symbol, view)
    told.update(views)
    return tuple(views.values())


def step_trade(
    trade: Trade,
    event: Event,
    context: Context,
    *,
    listed: Sequence[ExecutionReport] = (),
) -> TradeStep:
    """One step. ``listed`` are the reports of an `OrdersRead` that belong to this trade."""
    turn = Turn(trade, context)
    count_uncovered(turn)
    _absorb(turn, event, listed)
    if turn.trade.is_closed:
        _reopen(turn)
    mark_uncovered(turn)
    if context.may_act and not turn.trade.is_closed:
        end_on_time(turn)
        watch_stop(turn)
        follow_market(turn)
        work_entry(turn)
        protect(turn)
        settle(turn)
    after = turn.finish()
    broken = (*turn.broken, *broken_invariants(trade, after, turn.commands))
    return TradeStep(after, tuple(turn.commands), broken)


def _absorb(turn: Turn, event: Event, listed: Sequence[ExecutionReport]) -> None:
    match event:
        case RequestAnswered():
            absorb_answer(turn, event)
        case ReportReceived(report):
            if not take_report(turn, report):
                keep_stray(turn, report)
                _ask_for_legs(turn)
        case OrdersRead():
            absorb_listing(turn, event, listed)
        case FillsRead():
            absorb_fills(turn, event)
        case PositionsRead():
            absorb_position(turn, event)
        case OperatorActed(act=Act.HAND_OVER, by=by):
            hand_over(turn, by)
        case _:
            pass


def _reopen(turn: Turn) -> None:
    """News about a closed trade that leaves shares or an order behind opens it again (R16, R22)."""
    trade = turn.trade
    if trade.outcome is Outcome.HANDED_OVER:
        return
    open_order = next((order for order in trade.orders if not order.is_terminal), None)
    if not trade.position_qty and open_order is None:
        return
    name = open_order.key if open_order is not None else trade.trade_id
    turn.alarm(Reason.of(ReasonCode.LATE_FILL, cl_ord_id=name))
    turn.trade = reopened(turn.trade)


def _ask_for_legs(turn: Turn) -> None:
    """A stray came for this symbol: read the parents whose legs it may be."""
    for order in turn.trade.orders:
        is_parent = order.is_ours and order.order_id is not None and not order.replaces
        if is_parent and (order.is_open or order.leg is Leg.ENTRY) and turn.trade.groups:
            turn.ask(order)
