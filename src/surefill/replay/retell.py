"""A trade as it grew: what was learnt is absorbed again, what was decided is read from the records.

What: `moments` folds the records of one trade and yields, for each record that concerned it, the
trade before and after.
Why not decide again: a newer program may decide otherwise, and a person who asks why something was
done wants what *was* decided. Absorbing facts is arithmetic and does not change.
Invariants: needs the journal and nothing else (I19); ends with the orders and executions of the
engine's own image of the trade.
Must never: write, or decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from surefill.core.absorb import (
    absorb_answer,
    absorb_fills,
    absorb_listing,
    keep_stray,
    take_report,
)
from surefill.core.closing import count_uncovered, mark_uncovered
from surefill.core.commands import (
    Announce,
    CancelOrder,
    Command,
    Milestone,
    OrderSpec,
    ReplaceOrder,
    SubmitOrder,
)
from surefill.core.elsewhere import absorb_position
from surefill.core.events import (
    EngineStarted,
    ExecutionReport,
    FillsRead,
    OperatorActed,
    OrdersRead,
    PlanSubmitted,
    PositionAdopted,
    PositionsRead,
    ReportReceived,
    RequestAnswered,
)
from surefill.core.fix import Leg
from surefill.core.operator import operated_trade
from surefill.core.order import ChildOrder, OrderInput, OrderState, with_input
from surefill.core.reasons import ReasonCode
from surefill.core.restart import restarted
from surefill.core.trade import ExitGroup, Trade
from surefill.core.turn import Context, Turn
from surefill.core.values import replace
from surefill.journal.record import Record
from surefill.tactics.registry import TACTICS


@dataclass(frozen=True, slots=True)
class Moment:
    """One record of a trade. ``before`` is ``None`` where the trade began."""

    record: Record
    before: Trade | None
    after: Trade


def moments(records: Iterable[Record], final: Trade) -> Iterator[Moment]:
    """The records that concerned the trade whose last image is ``final``, in order."""
    trade: Trade | None = None
    for record in records:
        is_start = isinstance(record.event, PlanSubmitted | PositionAdopted) and trade is None
        if not _concerns(record, final.trade_id):
            continue
        before = None if is_start else trade
        trade = _retold(trade if trade is not None else _new(final), record, final)
        yield Moment(record, before, trade)


def _concerns(record: Record, trade_id: str) -> bool:
    if any(name == trade_id for name, _ in record.images):
        return True
    return any(getattr(command, "trade_id", None) == trade_id for command in record.commands)


def _new(final: Trade) -> Trade:
    """The trade as it was accepted: its image without everything that happened since. What was
    adopted began with its shares."""
    is_adopted = final.entry_end is not None and final.entry_end.code is ReasonCode.ADOPT_REQUESTED
    return Trade(
        plan=final.plan,
        policy=final.policy,
        terms=final.terms,
        ticks=final.ticks,
        tag=final.tag,
        style=final.style,
        is_legacy=final.is_legacy,
        accepted_ns=final.accepted_ns,
        deadline_ns=final.deadline_ns,
        arrival=final.arrival,
        orders=final.entries if is_adopted else (),
        entry_end=final.entry_end if is_adopted else None,
    )


def _retold(trade: Trade, record: Record, final: Trade) -> Trade:
    match record.event:
        case EngineStarted():
            trade = restarted(trade, record.now_ns)
        case OperatorActed() as event:
            trade = operated_trade(trade, event)
        case _:
            pass
    if trade.is_waiting and record.now_ns == final.triggered_ns:
        trade = replace(trade, triggered_ns=final.triggered_ns)
    tactic = TACTICS["legacy" if trade.is_legacy else trade.plan.tactic]
    turn = Turn(trade, Context(now=record.now_ns, tactic=tactic))
    count_uncovered(turn)
    _absorb(turn, record, final)
    mark_uncovered(turn)
    for command in record.commands:
        if getattr(command, "trade_id", None) == final.trade_id:
            _done(turn, command, final)
    return turn.trade


def _absorb(turn: Turn, record: Record, final: Trade) -> None:
    match record.event:
        case RequestAnswered() as event if event.trade_id == final.trade_id:
            absorb_answer(turn, event)
        case ReportReceived(report) if _is_mine(report, final):
            if not take_report(turn, report):
                keep_stray(turn, report)  # a leg that the trade has not been told of yet
        case OrdersRead() as event:
            mine = tuple(report for report in event.orders if _is_mine(report, final))
            absorb_listing(turn, event, mine)
        case FillsRead() as event:
            absorb_fills(turn, event)
        case PositionsRead() as event:
            absorb_position(turn, event)
        case _:
            pass


def _is_mine(report: ExecutionReport, final: Trade) -> bool:
    return (
        final.order_by_id(report.order_id) is not None or final.order(report.cl_ord_id) is not None
    )


def _done(turn: Turn, command: Command, final: Trade) -> None:
    """What the trade remembers of a command that it gave."""
    match command:
        case SubmitOrder(_, spec):
            _submitted(turn, spec, final)
        case CancelOrder(_, key):
            order = turn.trade.order(key)
            if order is not None:
                turn.update(replace(order, cancel_ns=turn.now, cancels=order.cancels + 1))
                _end_group(turn, order)
        case ReplaceOrder():
            _replaced(turn, command, final)
        case Announce(_, Milestone.CLOSED):
            _given_up(turn, final)
        case _:
            pass


def _given_up(turn: Turn, final: Trade) -> None:
    """Orders that came to nothing: a conclusion, not a fact that anybody reported (I10)."""
    for order in turn.trade.orders:
        image = final.order(order.key)
        if image is None or image.state is not OrderState.ABSENT or order.is_terminal:
            continue
        was_sent = order.state is not OrderState.UNSENT
        turn.update(with_input(order, OrderInput.ABSENT if was_sent else OrderInput.DROP))


def _submitted(turn: Turn, spec: OrderSpec, final: Trade) -> None:
    known = turn.trade.order(spec.cl_ord_id)
    if known is None:
        image = final.order(spec.cl_ord_id)
        group = image.group if image is not None else 0
        known = ChildOrder(key=spec.cl_ord_id, spec=spec, group=group)
        turn.add_order(known)
        shape = final.group(group)
        if shape is not None and turn.trade.group(group) is None:
            turn.add_group(
                ExitGroup(
                    shape.n,
                    shape.kind,
                    spec.order_qty,
                    spec.stop_loss_px or spec.stop_px or 0,
                    spec.take_profit_px or 0,
                )
            )
    sent = with_input(known, OrderInput.SEND)
    turn.update(replace(sent, sent_ns=turn.now, sends=known.sends + 1, asks=0))


def _end_group(turn: Turn, order: ChildOrder) -> None:
    """An exit is cancelled only to end its whole group."""
    group = turn.trade.group(order.group) if order.leg is not Leg.ENTRY else None
    if group is not None:
        turn.update_group(replace(group, is_ended=True))


def _replaced(turn: Turn, command: ReplaceOrder, final: Trade) -> None:
    order, image = turn.trade.order(command.cl_ord_id), final.order(command.new_cl_ord_id)
    if order is None or image is None:
        return
    turn.add_order(
        ChildOrder(
            key=image.key,
            spec=image.spec,
            state=OrderState.IN_FLIGHT,
            group=order.group,
            replaces=command.order_id,
            carried_qty=order.cum_qty + order.carried_qty,
            sent_ns=turn.now,
            sends=1,
        )
    )
    group = turn.trade.group(order.group)
    if group is not None:
        stop_px = image.spec.stop_px if image.leg is Leg.STOP else None
        target_px = image.spec.limit_px if image.leg is Leg.TARGET else None
        turn.update_group(
            replace(
                group,
                stop_px=stop_px if stop_px is not None else group.stop_px,
                target_px=target_px if target_px is not None else group.target_px,
            )
        )
