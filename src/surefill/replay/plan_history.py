"""Plans from what somebody really traded: a broker's history, played again on recorded days.

What: `HistoryPlans` turns the entries of an imported history (`tca.imported`) that were market
orders into plans, at the instant at which they were sent; `TAKEN` says which entries.
What a history does not know is assumed, and every assumption is counted in the notes:
the signal is the one that the user gives, else the mid of the tape at that instant; the exits are
those of the entry's own legs, else a stop as far away as the price was expected to move and a
target of `RR_PPB` times that; the time exit is when the trade really was closed, if it was closed
by an order of its own rather than by its stop or target.
Invariants: every entry of the history is a plan or is named with the reason; fractions of a share
are cut, because no stop can cover them, and counted.
Must never: use a price of the tape after the instant of the entry.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from surefill.core.fix import Leg, OrdType, Side
from surefill.core.ids import PLAN_ID_PATTERN
from surefill.core.plan import ExitsByDistance, ExitsByLevel, TradePlan
from surefill.core.session import Session
from surefill.core.units import NANO, US_EQUITY_TICKS, to_text
from surefill.replay.plan_rows import LeftOut, PlanCode
from surefill.replay.plan_source import Given, Place, PlanSource, playable
from surefill.replay.volatility import move_px
from surefill.sim.calendar import new_york_date
from surefill.sim.columns import TapeColumns
from surefill.sim.workload import Draw
from surefill.tca.parent import Parent

TAKEN = OrdType.MARKET.value.lower()
"""The entries that are played again: a limit order's price is a plan of its own, which the history
does not tell apart from the signal."""
RR_PPB = 5 * NANO // 2
MOVE_S = 300
"""An assumed stop is as far away as the price is expected to move in five minutes."""
TICKS_MIN = 3

GIVEN_SIGNAL, ARRIVAL_SIGNAL = "signal given", "signal assumed: the mid when the order was sent"
OWN_EXITS = "stop and target of the order's own legs"
ASSUMED_EXITS = (
    f"exits assumed: stop one expected move of {MOVE_S} s away, target {to_text(RR_PPB)} times that"
)
OWN_END = "time exit when the trade was closed"
ASSUMED_END = "flat before the close"
CUT = "quantity cut to whole shares"
_Assumed = tuple[Draw, list[str]]
"""A plan, and what of it was assumed and what was known."""


@dataclass(frozen=True, slots=True)
class HistoryPlans:
    """``entries``: of the history, in order of arrival, market orders alone."""

    entries: tuple[Parent, ...]

    @property
    def places(self) -> frozenset[Place]:
        """Days and symbols of the entries."""
        return frozenset((new_york_date(one.arrival_ns), one.symbol) for one in self.entries)

    def by_place(self) -> Mapping[Place, PlanSource]:
        """One look at each entry."""
        found: dict[Place, list[Parent]] = {}
        for one in self.entries:
            found.setdefault((new_york_date(one.arrival_ns), one.symbol), []).append(one)
        return {place: HistoryPlans(tuple(entries)) for place, entries in found.items()}

    def given(self, tapes: Sequence[TapeColumns], session: Session) -> Given:
        """The entries of the day as plans."""
        by_symbol = {tape.symbol: tape for tape in tapes}
        found: list[_Assumed] = []
        left_out: list[LeftOut] = []
        for n, entry in enumerate(self.entries):
            tape = by_symbol.get(entry.symbol)
            if tape is None or new_york_date(entry.arrival_ns) != session.date:
                continue
            made = _draw(entry, tape, n)
            if isinstance(made, LeftOut):
                left_out.append(made)
            else:
                found.append(made)
        played = playable([draw for draw, _ in found], tapes, session)
        kept = {draw.plan.plan_id for draw in played.draws}
        counts = Counter(
            text for draw, assumed in found if draw.plan.plan_id in kept for text in assumed
        )
        notes = tuple(f"{count} of {len(kept)}: {text}" for text, count in counts.items())
        return Given(played.draws, (*left_out, *played.left_out), notes)


def market_entries(parents: Sequence[Parent]) -> tuple[HistoryPlans, tuple[LeftOut, ...]]:
    """The entries that can be played again, and the others by name."""
    taken = tuple(one for one in parents if one.path == TAKEN)
    left_out = tuple(
        LeftOut(
            f"order {one.plan_id}",
            PlanCode.PLAN_NOT_MARKET,
            "type",
            one.path,
            "only market entries are played again",
        )
        for one in parents
        if one.path != TAKEN
    )
    return HistoryPlans(taken), left_out


def _draw(entry: Parent, tape: TapeColumns, n: int) -> _Assumed | LeftOut:
    where = f"order {entry.plan_id}"
    order_qty = entry.order_qty // NANO * NANO
    if order_qty <= 0:
        code, sentence = PlanCode.PLAN_NO_SHARE, "less than a share"
        return LeftOut(where, code, "qty", to_text(entry.order_qty), sentence)
    signal_px = entry.signal_px if entry.signal_px is not None else _arrival_px(entry, tape)
    exits = _exits(entry, tape)
    if signal_px is None or exits is None:
        code, sentence = PlanCode.PLAN_NO_QUOTE, "the tape has no market then to assume from"
        return LeftOut(where, code, "at", str(entry.arrival_ns), sentence)
    assumed = [
        ARRIVAL_SIGNAL if entry.signal_px is None else GIVEN_SIGNAL,
        OWN_EXITS if isinstance(exits, ExitsByLevel) else ASSUMED_EXITS,
    ]
    exit_at_ns = _closed_ns(entry)
    assumed.append(OWN_END if exit_at_ns is not None else ASSUMED_END)
    if order_qty != entry.order_qty:
        assumed.append(CUT)
    is_id = PLAN_ID_PATTERN.fullmatch(entry.plan_id) is not None
    plan = TradePlan(
        plan_id=entry.plan_id if is_id else f"history-{n}",
        symbol=entry.symbol,
        side=Side.BUY if entry.sign > 0 else Side.SELL_SHORT,
        signal_px=signal_px,
        exits=exits,
        order_qty=order_qty,
        exit_at_ns=exit_at_ns,
        flat_by_close=True,
    )
    return Draw(entry.arrival_ns, plan, False), assumed


def _arrival_px(entry: Parent, tape: TapeColumns) -> int | None:
    """The mid when the order was sent (between ticks where it lies there: rounding is no cost)."""
    row = int(tape.quote_ns.searchsorted(entry.arrival_ns, side="right")) - 1
    bid_px, ask_px = (int(tape.bid_px[row]), int(tape.ask_px[row])) if row >= 0 else (0, 0)
    if not 0 < bid_px <= ask_px:
        return None
    return (bid_px + ask_px) // 2


def _exits(entry: Parent, tape: TapeColumns) -> ExitsByLevel | ExitsByDistance | None:
    if entry.stop_px is not None and entry.target_px is not None:
        return ExitsByLevel(entry.stop_px, entry.target_px)
    move = move_px(tape, entry.arrival_ns, MOVE_S)
    mid_px = _arrival_px(entry, tape)
    if move is None or mid_px is None:
        return None
    tick_px = US_EQUITY_TICKS.tick_at(mid_px)
    return ExitsByDistance(-(-max(move, TICKS_MIN * tick_px) // tick_px) * tick_px, RR_PPB)


def _closed_ns(entry: Parent) -> int | None:
    """When the user closed the trade; ``None`` where its stop or target did, or nobody."""
    if not entry.closings or not entry.is_flat:
        return None
    last = max(entry.closings, key=lambda closing: closing.at_ns)
    is_own = last.leg is Leg.FLATTEN and last.at_ns > entry.arrival_ns
    return last.at_ns if is_own else None
