"""How an account stands, for people: from the journal alone, and against what the broker says.

What: `standing_of` reads the journal beside whoever writes it; `review` lets a second engine, which
cannot send, take over from it exactly as a start would, with the broker's present answers;
`routing_in_force` says which path the last start takes for new plans.
Why a second engine: a status that judges cover by rules of its own could disagree with the one that
counts. Here it is the same fold.
Invariants: nothing is written or sent; what could not be read is said, never shown as empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from surefill.config import Settings
from surefill.core.cover import Cover, cover_of
from surefill.core.events import (
    EngineStarted,
    ExecutionReport,
    NoteWritten,
    OrdersRead,
    ReadFailed,
)
from surefill.core.ids import account_tag, parse_cl_ord_id
from surefill.core.order import OrderState
from surefill.core.state import EngineState
from surefill.core.trade import Trade
from surefill.core.values import replace
from surefill.journal.images import ENGINE_IMAGE, decode_state, decode_trade, plan_ids
from surefill.journal.record import Record
from surefill.ports import AccountPicture
from surefill.runtime.account import JournalSource, account_of, engine_of, read_journal, source_at
from surefill.runtime.notes import notes_in
from surefill.tca.runs import TOPICS

_STARTED = b'"event":{"$":"EngineStarted"'
READ_BACK_NS = 60_000_000_000
"""Clocks differ, ties exist: listings start this much before the oldest open trade."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a journal remembers now. ``holder``: who trades with it at this moment, if anybody;
    ``started``: the last start and the number of its record; ``notes`` are people's."""

    source: JournalSource
    head: tuple[int, str]
    last_ns: int | None
    holder: str | None
    started: tuple[int, EngineStarted] | None
    state: EngineState | None
    trades: tuple[Trade, ...]
    closed_ids: tuple[str, ...]
    notes: tuple[tuple[int, NoteWritten], ...]

    def oldest_ns(self, now: int) -> int:
        """Where a listing of the broker has to begin (UTC ns) to show all orders of open trades."""
        oldest = min((trade.accepted_ns for trade in self.trades), default=now)
        return oldest - READ_BACK_NS


class Routing(StrEnum):
    """The path of new plans."""

    SMART = "smart"
    LEGACY = "legacy"
    UNKNOWN = "unknown"
    """The last start had other settings than these, in more than the routing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """The account after a look at the broker. ``foreign_orders`` are open ones that are not ours;
    ``failed`` names what could not be read."""

    trades: tuple[Trade, ...]
    state: EngineState
    foreign_orders: tuple[ExecutionReport, ...]
    failed: tuple[ReadFailed, ...]


def standing_of(place: JournalSource | Path) -> Standing:
    """What the journal there remembers. Raises `JournalError`."""
    source = source_at(place)
    journal = read_journal(source)
    try:
        images = dict(journal.open_images())
        state = images.pop(ENGINE_IMAGE, None)
        found = [decode_trade(image) for image in images.values()]
        started, last = None, None
        for entry in journal.records():
            last = entry
            if _STARTED in entry.record:
                event = Record.from_bytes(entry.record).event
                started = (entry.seq, event) if isinstance(event, EngineStarted) else started
        return Standing(
            source=source,
            head=journal.head(),
            last_ns=Record.from_bytes(last.record).now_ns if last is not None else None,
            holder=source.holder(),
            started=started,
            state=decode_state(state) if state is not None else None,
            trades=tuple(t for t in found if isinstance(t, Trade) and not t.is_closed),
            closed_ids=tuple(plan_ids(journal.closed_ids())),
            notes=tuple(pair for pair in notes_in(journal) if pair[1].topic not in TOPICS),
        )
    finally:
        journal.close()


def routing_of(settings: Settings) -> Routing:
    """The path that these settings ask for."""
    return Routing.SMART if settings.use_smart_executor else Routing.LEGACY


def routing_in_force(started: EngineStarted, settings: Settings) -> Routing:
    """The path that the last start takes, by the digest of the settings it had."""
    if started.settings_digest == settings.digest():
        return routing_of(settings)
    other = replace(settings, use_smart_executor=not settings.use_smart_executor)
    return routing_of(other) if started.settings_digest == other.digest() else Routing.UNKNOWN


def doubts(trade: Trade) -> int:
    """Orders of the trade that may or may not exist at the broker."""
    return sum(order.state is OrderState.IN_DOUBT for order in trade.orders)


def cover_rows(trades: tuple[Trade, ...]) -> list[tuple[Trade, Cover]]:
    """Each trade with its cover, bare ones first."""
    rows = [(trade, cover_of(trade)) for trade in trades]
    return sorted(rows, key=lambda row: row[1].uncovered_qty == 0)


def review(standing: Standing, settings: Settings, picture: AccountPicture, *, now: int) -> Review:
    """What a start at ``now`` would find. Sends nothing, whatever it would decide."""
    engine = engine_of(settings)
    engine.load(standing.state, standing.trades, standing.closed_ids)
    digest = settings.digest()
    reads = (picture.account, picture.calendar, picture.orders, picture.fills, picture.positions)
    seen_ns = max(now, *(part.recv_ns for part in reads))
    for event in (EngineStarted(0, "", digest, now), *reads):
        engine.step(event, seen_ns)
    before = {trade.trade_id: trade for trade in standing.trades}
    trades = tuple(_as_seen(trade, before) for trade in engine.book.open.values())
    return Review(
        trades=trades,
        state=engine.state,
        foreign_orders=_foreign(picture.open_orders, trades, account_tag(account_of(settings))),
        failed=tuple(
            part for part in (*reads, picture.open_orders) if isinstance(part, ReadFailed)
        ),
    )


def _as_seen(trade: Trade, before: Mapping[str, Trade]) -> Trade:
    """Without the orders that only this review has decided on: nobody sends them."""
    known = before.get(trade.trade_id)
    keys = {order.key for order in known.orders} if known is not None else set()
    seen = tuple(o for o in trade.orders if o.order_id is not None or o.key in keys)
    return replace(trade, orders=seen)


def _foreign(
    found: OrdersRead | ReadFailed, trades: tuple[Trade, ...], tag: str
) -> tuple[ExecutionReport, ...]:
    """Open orders that neither carry our id nor stand in the books of an open trade."""
    if isinstance(found, ReadFailed):
        return ()
    known = {order.order_id for trade in trades for order in trade.orders}
    return tuple(
        report
        for report in found.orders
        if report.order_id not in known and not _has_our_id(report, tag)
    )


def _has_our_id(report: ExecutionReport, tag: str) -> bool:
    parsed = parse_cl_ord_id(report.cl_ord_id)
    return parsed is not None and parsed.account_tag == tag
