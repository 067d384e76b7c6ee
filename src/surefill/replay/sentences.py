"""What one record of a trade says, in sentences.

What: `of_moment` compares the trade before and after a record and names every difference that a
trader would want to know: orders sent and why, answers, fills, cover, refusals, alarms.
Invariants: one fact is told once; a reason is told where it first mattered.
Must never: read anything but the moment and the trade's last image.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from surefill.core.commands import (
    Announce,
    CancelOrder,
    Command,
    Milestone,
    QueryOrder,
    RaiseAlarm,
    ReplaceOrder,
    SubmitOrder,
)
from surefill.core.cover import cover_of
from surefill.core.events import (
    Accepted,
    EngineStarted,
    FillsRead,
    InDoubt,
    OperatorActed,
    OrdersRead,
    RateLimited,
    Rejected,
    RejectKind,
    RequestAnswered,
    Unavailable,
    Verb,
)
from surefill.core.fix import Leg
from surefill.core.ids import parse_cl_ord_id
from surefill.core.market import MarketView
from surefill.core.order import ChildOrder, Fill, OrderState
from surefill.core.plan import ExitsByDistance, ExitsByLevel, TradePlan
from surefill.core.preview import order_text
from surefill.core.trade import Trade
from surefill.core.units import NANO, to_text, to_usd_text
from surefill.journal.record import Record
from surefill.replay.retell import Moment
from surefill.runtime.result import TradeResult, result_of

MS_NS = 1_000_000
CENT_OF_RATIO = 10_000_000


class LineKind(StrEnum):
    """What a sentence is about."""

    PLAN = "PLAN"
    ORDER = "ORDER"
    ANSWER = "ANSWER"
    FILL = "FILL"
    COVER = "COVER"
    ALARM = "ALARM"
    OPERATOR = "OPERATOR"
    OUTCOME = "OUTCOME"


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence. ``at_ns``: UTC ns by our clock; ``seq``: the record that it comes from."""

    at_ns: int
    seq: int
    kind: LineKind
    sentence: str


def of_moment(moment: Moment, final: Trade) -> Iterator[Line]:
    """The sentences of one record, in the order in which things happened within it."""
    record, before, after = moment.record, moment.before, moment.after

    def line(kind: LineKind, sentence: str) -> Line:
        return Line(record.now_ns, record.seq, kind, sentence)

    if before is None:
        for sentence in _accepted(after, record):
            yield line(LineKind.PLAN, sentence)
        before = _unborn(after)
    for sentence in _said(record, before, after):
        yield line(LineKind.ANSWER, sentence)
    for order in after.orders:
        for kind, sentence in _order_news(before.order(order.key), order, after=after):
            yield line(kind, sentence)
    for sentence in _cover_news(before, after):
        yield line(LineKind.COVER, sentence)
    for command in record.commands:
        if getattr(command, "trade_id", None) != final.trade_id:
            continue
        for kind, sentence in _commanded(command, (before, after), final):
            yield line(kind, sentence)
