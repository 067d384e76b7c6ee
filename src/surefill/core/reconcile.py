"""Our book against the broker's: who owns what, what is foreign, what nobody knows.

What: pure comparisons over complete listings. The repairs follow from `core.protection`, because a
trade that has absorbed a listing simply decides anew.
Invariants: foreign orders and positions are shown, never touched (I16); a symbol whose trade is in
motion is not judged (a read is older than it looks).
"""

from __future__ import annotations

from collections.abc import Sequence

from surefill.core.book import Book
from surefill.core.events import ExecutionReport, Position, PositionsRead
from surefill.core.ids import parse_cl_ord_id
from surefill.core.plan import SECOND_NS
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.state import EngineState
from surefill.core.trade import Trade
from surefill.core.units import to_text
from surefill.core.values import replace

SETTLING_NS = 2 * SECOND_NS
"""A position read this close to a fill or a close of ours says nothing about foreign shares."""


def sort_reports(
    orders: Sequence[ExecutionReport], book: Book
) -> tuple[dict[str, tuple[ExecutionReport, ...]], list[ExecutionReport]]:
    """(trade id -> its reports, in the order of the listing; those that are about no trade)."""
    mine: dict[str, tuple[ExecutionReport, ...]] = {}
    others: list[ExecutionReport] = []
    for report in orders:
        trade_id = book.owner_id(report)
        if trade_id is not None:
            mine[trade_id] = (*mine.get(trade_id, ()), report)
        else:
            others.append(report)
    return mine, others


def unknown_ours(orders: Sequence[ExecutionReport], tag: str, book: Book) -> tuple[str, ...]:
    """Client order ids with our prefix and account tag whose plan no journal of ours knows."""
    unknown = []
    for report in orders:
        parsed = parse_cl_ord_id(report.cl_ord_id)
        if parsed is None or parsed.account_tag != tag:
            continue
        if not book.knows(parsed.plan_id):
            unknown.append(report.cl_ord_id)
    return tuple(unknown)


def foreign_positions(
    read: PositionsRead, book: Book, before: tuple[Position, ...]
) -> tuple[Position, ...]:
    """Holdings that are not ours: theirs minus ours, by symbol, signed; settled symbols only."""
    theirs = {position.symbol: position for position in read.positions}
    known = {position.symbol: position for position in before}
    foreign = []
    for symbol in sorted(theirs.keys() | known.keys()):
        held = theirs.get(symbol)
        trades = [*book.of_symbol(symbol), *_lately_closed(book, symbol, read.sent_ns)]
        ours = sum(trade.sign * max(0, trade.position_qty) for trade in trades)
        qty = (held.qty if held is not None else 0) - ours
        if not qty and symbol not in known:
            continue  # whether it is moving or not
        if any(_is_moving(trade, read.sent_ns) for trade in trades):
            if symbol in known:
                foreign.append(known[symbol])
            continue
        if qty and not _is_break(trades, qty):
            foreign.append(Position(symbol, qty, held.avg_px if held is not None else None))
    return tuple(foreign)


def foreign_after(
    report: ExecutionReport, book: Book, before: tuple[Position, ...]
) -> tuple[Position, ...]:
    """Foreign holdings after an execution that is none of ours, from the position that it reports;
    a complete read follows and has the last word."""
    if report.position_qty is None:
        return before
    trades = book.of_symbol(report.symbol)
    ours = sum(trade.sign * max(0, trade.position_qty) for trade in trades)
    qty = report.position_qty - ours
    rest = tuple(position for position in before if position.symbol != report.symbol)
    if not qty or _is_break(trades, qty):
        return rest
    return (*rest, Position(report.symbol, qty, report.last_px))


def _is_break(trades: Sequence[Trade], qty: int) -> bool:
    """Fewer shares than ours is a break of the trade, not somebody else's position."""
    return any(trade.sign * qty < 0 for trade in trades if trade.position_qty)


def after_positions(read: PositionsRead, book: Book, state: EngineState) -> EngineState:
    """What the engine knows after a read of the positions."""
    newest_ns = max(state.positions_read_ns, read.sent_ns)
    foreign = foreign_positions(read, book, state.foreign)
    return replace(state, foreign=foreign, positions_read_ns=newest_ns)


def is_unread(trade: Trade, book: Book, state: EngineState) -> bool:
    """Whether a trade of this symbol closed since the positions were last read, so that nobody can
    say what it left behind: its executions may have been taken back unheard (simulation, seed
    61856). A trade that begins within `SETTLING_NS` of that close does not wait: a read so soon
    would say nothing either."""
    if trade.entries or trade.entry_end is not None or trade.is_waiting:
        return False
    closed = _lately_closed(book, trade.symbol, state.positions_read_ns)
    return any((old.closed_ns or 0) + SETTLING_NS < trade.started_ns for old in closed)


def entering_beside(trade: Trade, foreign: Sequence[Position]) -> Trade:
    """A trade that has sent nothing yet, after the positions were read: what the gate would have
    said of foreign shares, it says now."""
    qty = foreign_qty(foreign, trade.symbol)
    if not qty:
        return trade
    text = to_text(qty)
    reason = Reason.of(ReasonCode.POSITION_FOREIGN, qty=text, symbol=trade.symbol)
    return replace(trade, entry_end=reason)


def _lately_closed(book: Book, symbol: str, read_ns: int) -> list[Trade]:
    return list(book.watched.closed_since(read_ns - SETTLING_NS, symbol))


def _is_moving(trade: Trade, read_ns: int) -> bool:
    if trade.is_closed or trade.open_entry is not None or trade.unpriced_qty:
        return True
    last_ns = max((f.venue_ns for o in trade.orders for f in o.fills), default=0)
    return read_ns < last_ns + SETTLING_NS


def foreign_qty(foreign: Sequence[Position], symbol: str) -> int:
    """Signed foreign shares of a symbol, 1e-9."""
    return sum(position.qty for position in foreign if position.symbol == symbol)
