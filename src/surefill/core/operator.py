"""What an operator's act does to the engine's state and to trades, before they decide anew.

What: pure functions for halt, resume, kill, un-kill, flatten, reduce, tighten a stop, cancel entry,
hand over.
Invariants: kill and halt stop new risk and nothing else: cancels and reducing orders always pass
(I6); an act is a journaled event with a name and a reason.
"""

from __future__ import annotations

from surefill.core.book import Book
from surefill.core.events import Act, OperatorActed
from surefill.core.exits import is_partial_close
from surefill.core.ratchet import tightened
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.state import Closing, EngineState, Mode
from surefill.core.trade import Trade
from surefill.core.values import replace


def operated_state(state: EngineState, event: OperatorActed) -> EngineState:
    """The switches after this act."""
    match event.act:
        case Act.HALT:
            why = f"{event.by}: {event.why}"
            return replace(state, halt=Reason.of(ReasonCode.HALT_ACTIVE, why=why))
        case Act.RESUME:
            return replace(state, halt=None)
        case Act.KILL:
            return replace(state, kill=Reason.of(ReasonCode.KILL_ACTIVE, since=event.recv_ns))
        case Act.UNKILL:
            return replace(state, kill=None)
        case _:
            return state


def stopped(state: EngineState) -> tuple[Reason, ...]:
    """Why the engine takes no new risk at all, whatever the plan."""
    reasons = [reason for reason in (state.kill, state.halt) if reason is not None]
    return (*reasons, *unready(state))


def unready(state: EngineState) -> tuple[Reason, ...]:
    """Why nothing can be decided yet (I25)."""
    if state.mode is Mode.READY:
        return ()
    return (Reason.of(ReasonCode.ENGINE_NOT_READY, mode=state.mode.value.lower()),)


def targets(book: Book, event: OperatorActed) -> list[Trade]:
    """Open trades that the act means: of a symbol, of an id, or all."""
    return [
        trade
        for trade in list(book.open.values())
        if event.target in ("", trade.symbol, trade.trade_id)
    ]


def closing_of(event: OperatorActed) -> Closing | None:
    """What is to be remembered of an act, so that the same request is not carried out twice."""
    if event.act is not Act.REDUCE or not event.key:
        return None
    return Closing(key=event.key, trade_id=event.target, qty=event.qty, at_ns=event.recv_ns)


def operated_trade(trade: Trade, event: OperatorActed) -> Trade:
    """The trade with the act noted on it; what follows from it is decided like anything else."""
    by = f"{event.by}: {event.why}" if event.why else event.by
    is_whole = trade.exit_reason is not None and not is_partial_close(trade)
    if event.act is Act.FLATTEN and not is_whole:
        return replace(trade, exit_reason=Reason.of(ReasonCode.FLATTEN_REQUESTED, by=by))
    if event.act is Act.REDUCE and not is_whole:
        return _reduced(trade, event.qty, by)
    if event.act is Act.TIGHTEN and not is_whole:
        return tightened(trade, event.px)
    if event.act is Act.CANCEL_ENTRY and trade.entry_end is None:
        return replace(trade, entry_end=Reason.of(ReasonCode.ENTRY_CANCELED, by=by))
    return trade


def _reduced(trade: Trade, qty: int, by: str) -> Trade:
    """The trade with ``qty`` (1e-9 shares) less to keep, or to be closed where nothing would stay.
    The entry ends with it: nobody buys what he is selling."""
    reason = Reason.of(ReasonCode.ENTRY_CANCELED, by=by)
    held = trade.position_qty if trade.keep_qty is None else trade.keep_qty
    keep_qty = min(held, trade.position_qty) - qty
    if qty <= 0 or (trade.position_qty <= 0 and trade.open_entry is None):
        return trade
    if keep_qty <= 0:
        return replace(trade, exit_reason=Reason.of(ReasonCode.FLATTEN_REQUESTED, by=by))
    return replace(
        trade, keep_qty=keep_qty, closing_since_ns=None, entry_end=trade.entry_end or reason
    )
