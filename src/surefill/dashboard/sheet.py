"""One trade or denied plan, for its own page: facts, orders, fills, story, and its tape.

What: `sheet_of` (from the engine's image and the told story), `Tape` and `tape_of` (what a picture
of the trade needs: quotes, levels, orders while they rested, fills; in seconds since the plan).
Invariants: pure; text from outside is text; quotes are those that the journal or a recorded tape
holds, and the sheet says which.
Must never: draw a quote that nobody saw.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from surefill.core.order import ChildOrder
from surefill.core.state import Denial
from surefill.core.trade import Outcome, Phase, Trade
from surefill.core.units import NANO
from surefill.dashboard.board import Entry, entry_of
from surefill.dashboard.words import (
    NOTHING,
    Tone,
    change_text,
    clock_text,
    date_text,
    px_text,
    qty_text,
    seconds_text,
    signed_text,
    usd_text,
)
from surefill.replay.narrate import Story
from surefill.replay.tracks import Track
from surefill.runtime.result import TradeResult, result_of
from surefill.service.reader import Found
from surefill.tca.parent import Parent, Resting

GOOD_OUTCOMES = frozenset({Outcome.CLOSED_TARGET})
LINES_MAX = 200


@dataclass(frozen=True, slots=True)
class Tape:
    """Quotes: (seconds, bid, ask); levels: (name, price); orders: (leg, from, to, price); marks:
    (seconds, price, text). Prices in USD, ``None`` where nobody quoted. ``source``: whose."""

    sign: int
    from_s: float
    to_s: float
    quotes: tuple[tuple[float, float | None, float | None], ...]
    levels: tuple[tuple[str, float], ...]
    orders: tuple[tuple[str, float, float, float], ...]
    entered: tuple[tuple[float, float, str], ...]
    closed: tuple[tuple[float, float, str], ...]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """``facts``: (name, value); ``orders``: leg, state, type, quantity, filled, price, id;
    ``fills``: time, leg, shares, price; ``story``: (time, sentence)."""

    plan_id: str
    symbol: str
    title: str
    status: str
    tone: Tone
    reasons: tuple[str, ...]
    entry: Entry | None
    facts: tuple[tuple[str, str], ...]
    orders: tuple[tuple[str, ...], ...]
    fills: tuple[tuple[str, ...], ...]
    story: tuple[tuple[str, str], ...]
    is_open: bool
    has_open_entry: bool
    has_position: bool


def sheet_of(found: Found, story: Story | None) -> Sheet:
    """Everything about one plan but its picture."""
    shown = result_of(found)
    is_denied = isinstance(found, Denial)
    lines = story.lines[-LINES_MAX:] if story is not None else ()
    path = "legacy" if shown.is_legacy else "smart"
    return Sheet(
        plan_id=shown.plan_id,
        symbol=shown.symbol,
        title=f"{shown.symbol} {shown.side.value}, {path} path",
        status=_status(shown),
        tone=_tone(shown),
        reasons=tuple(reason.sentence for reason in shown.reasons),
        entry=None if isinstance(found, Denial) else entry_of(found, shown),
        facts=tuple(_facts(shown)),
        orders=() if isinstance(found, Denial) else tuple(_orders(found.orders)),
        fills=() if isinstance(found, Denial) else tuple(_fills(found.orders)),
        story=tuple((clock_text(line.at_ns), line.sentence) for line in lines),
        is_open=not is_denied and shown.outcome is None,
        has_open_entry=not isinstance(found, Denial) and _may_enter(found),
        has_position=shown.position_qty > 0,
    )


def _status(shown: TradeResult) -> str:
    if shown.uncovered_qty:
        return f"{qty_text(shown.uncovered_qty)} BARE"
    if shown.outcome is not None:
        return shown.outcome.value.replace("_", " ")
    return shown.phase.value.replace("_", " ") if shown.phase is not None else NOTHING


def _tone(shown: TradeResult) -> Tone:
    if shown.uncovered_qty or shown.phase is Phase.IN_DOUBT:
        return Tone.BAD
    if shown.outcome is not None:
        return Tone.GOOD if shown.outcome in GOOD_OUTCOMES else Tone.PLAIN
    return Tone.GOOD if shown.phase is Phase.COVERED else Tone.WARN


def _facts(shown: TradeResult) -> Iterator[tuple[str, str]]:
    yield "Signal", px_text(shown.signal_px)
    if shown.trigger_px is not None:
        yield "Trigger", px_text(shown.trigger_px)
    yield "Worst price", "no cap" if shown.is_legacy else px_text(shown.worst_px)
    yield "Wanted", qty_text(shown.order_qty)
    yield "Entered", qty_text(shown.entry_qty)
    yield "Held", qty_text(shown.position_qty)
    yield "Without a stop", qty_text(shown.uncovered_qty)
    yield "Time uncovered", seconds_text(shown.uncovered_ns)
    yield "Average paid", px_text(shown.avg_px)
    yield "Stop", px_text(shown.stop_px)
    yield "Target", px_text(shown.target_px)
    yield "Reward/risk", change_text(shown.rr_planned, shown.rr_at_fill)
    yield "Slippage, bps", signed_text(shown.slippage_vs_signal_bps)
    yield "Average exit", px_text(shown.exit_avg_px)
    known = shown.pnl_usd is not None
    result = f"{usd_text(shown.pnl_usd)} USD, {signed_text(shown.r_realized)} R"
    yield "Result", result if known else NOTHING
    yield "Arrived", f"{date_text(shown.accepted_ns)} New York"
    yield "Strategy", shown.strategy or NOTHING


def _may_enter(trade: Trade) -> bool:
    """Whether there is an entry to cancel: one at work, or one whose trigger is waited for."""
    return trade.open_entry is not None or trade.is_waiting


def _orders(orders: tuple[ChildOrder, ...]) -> Iterator[tuple[str, ...]]:
    for order in orders:
        spec = order.spec
        prices = [
            f"{name} {px_text(px)}"
            for name, px in (("limit", spec.limit_px), ("stop", spec.stop_px))
            if px is not None
        ]
        yield (
            order.leg.value,
            order.state.value,
            f"{spec.side.value} {spec.ord_type.value}",
            qty_text(spec.order_qty),
            qty_text(order.cum_qty),
            ", ".join(prices) or NOTHING,
            order.key,
        )


def _fills(orders: tuple[ChildOrder, ...]) -> Iterator[tuple[str, ...]]:
    found = [(fill.venue_ns, order.leg.value, fill) for order in orders for fill in order.fills]
    for venue_ns, leg, fill in sorted(found, key=lambda row: (row[0], row[2].exec_id)):
        yield clock_text(venue_ns), leg, qty_text(fill.qty), px_text(fill.px)


# ---------------------------------------------------------------------------------------- tape

EDGE_S = 3.0


def tape_of(parent: Parent, track: Track | None, source: str, *, is_open: bool = False) -> Tape:
    """The picture of a trade: its parent, and the quotes around it. Of an open one, orders without
    an end are drawn to the parent's."""
    start_ns = parent.arrival_ns

    def at(ns: int) -> float:
        return round((ns - start_ns) / NANO, 3)

    def end_of(one: Resting) -> int:
        goes_on = is_open and one.end_ns == one.start_ns
        return parent.budget_ns if goes_on else one.end_ns

    ends = [parent.budget_ns, *(fill.at_ns for fill in parent.fills)]
    ends += [fill.at_ns for fill in parent.closings] + [order.end_ns for order in parent.orders]
    levels = (
        ("signal", parent.signal_px),
        ("worst price", parent.worst_px),
        ("stop of the signal", parent.stop_px),
        ("target of the signal", parent.target_px),
        ("stop from the fill", parent.rest_stop_px),
        ("target from the fill", parent.rest_target_px),
    )
    quotes = () if track is None else zip(track.at_ns, track.bid_px, track.ask_px, strict=True)
    return Tape(
        sign=parent.sign,
        from_s=-EDGE_S,
        to_s=at(max(ends)) + EDGE_S,
        quotes=tuple((at(ns), _usd(bid), _usd(ask)) for ns, bid, ask in quotes),
        levels=tuple((name, px / NANO) for name, px in levels if px is not None),
        orders=tuple(
            (one.leg.value, at(one.start_ns), at(end_of(one)), one.px / NANO)
            for one in parent.orders
        ),
        entered=tuple(
            (at(one.at_ns), one.px / NANO, f"{qty_text(one.qty)} at {px_text(one.px)}")
            for one in parent.fills
        ),
        closed=tuple(
            (
                at(one.at_ns),
                one.px / NANO,
                f"{one.leg.value.lower()}: {qty_text(one.qty)} at {px_text(one.px)}",
            )
            for one in parent.closings
        ),
        source=source,
    )


def _usd(nano: int) -> float | None:
    """Nobody's quote (0) is a gap."""
    return nano / NANO if nano else None
