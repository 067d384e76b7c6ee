"""What the venue takes back: busts, corrected prices, and fills that may not be.

What: `check_fill` (what one execution report says of that), `settle_disputes` (busts and
corrections whose message was lost), `give_back` (shares that never were were closed by nobody).
Why: an execution is not the last word; the next day's is (V6).
Invariants: the ledger of orders is not touched here but by a listing that a read agrees with
(decision 0011).
Must never: decide to send anything.
"""

from __future__ import annotations

from surefill.core.events import ExecutionReport, FillsRead
from surefill.core.fix import ExecType, Leg
from surefill.core.order import ChildOrder, with_listing
from surefill.core.reasons import Reason, ReasonCode
from surefill.core.trade import Outcome, reopened
from surefill.core.turn import Turn
from surefill.core.units import to_text
from surefill.core.values import replace


def give_back(turn: Turn, order: ChildOrder, busted_qty: int) -> None:
    """Shares of an entry that never were: nobody else can have closed them, and what he traded
    beyond the rest is his own position (decision 0016). A trade that this ends otherwise ends anew.
    """
    trade = turn.trade
    if order.leg is not Leg.ENTRY or busted_qty <= 0 or not trade.external_qty:
        return
    his_qty = min(trade.external_qty, busted_qty, max(0, -trade.position_qty))
    if his_qty:
        trade = replace(trade, external_qty=trade.external_qty - his_qty)
        turn.trade = trade if trade.outcome is Outcome.HANDED_OVER else reopened(trade)


def check_fill(turn: Turn, order: ChildOrder, report: ExecutionReport) -> None:
    """What an execution report about ``order`` has to alarm, and what hangs on it."""
    trade = turn.trade
    match report.exec_type:
        case ExecType.TRADE_CANCEL:
            turn.alarm(Reason.of(ReasonCode.VENUE_BUST, exec_id=report.exec_id))
        case ExecType.TRADE_CORRECT:
            _corrected(turn, order, report.exec_id)
        case ExecType.TRADE if order.leg is Leg.ENTRY and not trade.is_legacy:
            px = report.last_px
            if px is not None and trade.sign * (px - trade.terms.worst_px) > 0:
                worst = to_text(trade.terms.worst_px)
                text = Reason.of(ReasonCode.FILL_BEYOND_LIMIT, px=to_text(px), worst=worst)
                turn.alarm(text)
                turn.broken.append(f"I1: {text.sentence}")
        case _:
            pass


def _corrected(turn: Turn, order: ChildOrder, exec_id: str | None) -> None:
    """The price of an execution is another one. Of an entry's, all exits hang on it: they are
    anchored anew, and what they moved before is of another anchor (I14, I20)."""
    turn.alarm(Reason.of(ReasonCode.VENUE_CORRECTED, exec_id=exec_id))
    if order.leg is Leg.ENTRY:
        turn.trade = replace(turn.trade, exit_changes=())


def settle_disputes(turn: Turn, event: FillsRead) -> None:
    """Busts and corrections whose own message was lost (V6)."""
    for order in turn.trade.orders:
        if not order.is_disputed:
            continue
        listed = [report for report in event.fills if report.order_id == order.order_id]
        after = with_listing(order, listed, event.sent_ns)
        turn.update(after)
        give_back(turn, after, order.cum_qty - after.cum_qty)
        for old, new in zip(order.fills, after.fills, strict=False):
            if old.qty and not new.qty:
                turn.alarm(Reason.of(ReasonCode.VENUE_BUST, exec_id=old.exec_id))
            elif old.px != new.px:
                _corrected(turn, order, old.exec_id)
