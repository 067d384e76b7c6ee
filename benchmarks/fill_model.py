"""The exchange's own book against the fate of real orders: would it have filled them?

    python -m benchmarks.fill_model --report docs/reports/2026-11-22-fill-model.md

Every displayed order of the tapes' ``orders`` is put into `surefill.sim.book.Book` as a resting
limit, alone, and sees what a newcomer would: best prices and sizes *without its own*, and anonymous
prints. Nothing of its fate is shown to the book; the fate is the judge. Fixed horizons; its owner's
cancel ends the watch (censoring): an order that was cancelled after 4 s says nothing about 10 s.

Recall: of the orders that filled within the horizon, how many the book filled within it. False: of
those that did not fill while they were watched, how many the book filled. ``last`` and ``first``
are the bounds of `queue_place`; ``own left in`` is the mistake of forgetting that one's own order
is part of what is displayed, which is what a displayed-queue model on the raw tape does.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.real_orders import SETS, Event, Real, days_of
from surefill.core.fix import Contingency, OrdStatus, OrdType, Side, TimeInForce
from surefill.core.market import Nbbo, Print
from surefill.core.session import SessionKind
from surefill.core.units import NANO
from surefill.sim.book import Book
from surefill.sim.orders import VenueOrder
from surefill.sim.switches import Switches
from tests.support.report import Row, Stopwatch, table

PX = NANO // 10_000
"""A price unit of the tapes."""
SECOND_NS = 1_000_000_000
HORIZONS_S = (1, 10, 60)
OWN_LEFT_IN = "own left in"
MODELS = ("last", "displayed", "first", OWN_LEFT_IN)
PLACES = ((0, "first"), (1, "up to 1"), (3, "1 to 3"), (10, "3 to 10"), (1 << 60, "over 10"))
"""Shares ahead when it came, in multiples of its own size."""
SHARES = (25, 50, 100, 200, 400)
"""Shares ahead, in per cent of what is displayed: a venue's part of a consolidated queue."""
SHARE_DAYS = 3
HEAD = ("orders", "filled", "recall", "false", "precision", "within 0.1 s", "median apart")


class Host:
    """The market is open, and an execution is written down."""

    def __init__(self) -> None:
        self.left = 0

    def fill(self, order: VenueOrder, px: int, qty: int) -> None:
        """An execution."""
        order.cum_qty += qty

    def elect(self, order: VenueOrder) -> None:
        """No stops here."""
        raise AssertionError("a limit is never elected")

    trailed = elect

    def end_remainder(self, order: VenueOrder) -> None:
        """No IOC here."""
        raise AssertionError("a day order rests")

    def session_kind(self) -> SessionKind:
        """Always open."""
        return SessionKind.RTH

    def is_short_filled(self, symbol: str) -> bool:
        """No faults."""
        return False

    def refresh_later(self, book: Book, sign: int, version: int) -> None:
        """Nothing of ours takes, so nothing has to come back."""


@dataclass(slots=True)
class Tally:
    """Counts of one model at one horizon."""

    right: int = 0
    missed: int = 0
    false: int = 0
    none: int = 0
    late_ns: list[int] = field(default_factory=list)

    def add(self, filled_ns: int | None, said_ns: int | None) -> None:
        """One order: when it filled and when the book said so, both within the watch."""
        if filled_ns is None:
            self.none += said_ns is None
            self.false += said_ns is not None
        elif said_ns is None:
            self.missed += 1
        else:
            self.right += 1
            self.late_ns.append(said_ns - filled_ns)

    def row(self) -> tuple[str, ...]:
        """Orders, really filled, recall, false, precision, time error."""
        filled, others = self.right + self.missed, self.false + self.none
        said = self.right + self.false
        apart = [abs(late) for late in self.late_ns]
        near = sum(late <= SECOND_NS // 10 for late in apart)
        return (
            f"{filled + others:,}",
            _share(filled, filled + others),
            _share(self.right, filled),
            _share(self.false, others, digits=2),
            _share(self.right, said),
            _share(near, len(apart)),
            f"{median(apart) / 1e6:,.0f} ms" if apart else "-",
        )


def _share(part: int, whole: int, *, digits: int = 1) -> str:
    return f"{100 * part / whole:.{digits}f} %" if whole else "-"


class Newcomer:
    """One real order in a book of its own. ``queue_percent`` scales what stands ahead of it."""

    def __init__(self, real: Real, model: str, *, queue_percent: int = 100) -> None:
        self.real = real
        self.is_own_left_in = model == OWN_LEFT_IN
        self.queue_percent = queue_percent
        place = "displayed" if self.is_own_left_in else model
        switches = Switches(queue_place=place)
        self.book = Book("X", host=Host(), switches=switches, seed=0)
        self.order = _resting(real)
        self.joined_behind = 0
        self._own = real.size
        self._executions = list(reversed(real.executions))

    def fill_ns(self, events: Sequence[Event], start: int, until_ns: int) -> int | None:
        """When the book has filled all of it; ``None`` if not until then. It joins with event
        ``start``, which shows it for the first time."""
        first = events[start].quote
        if first is not None:
            self.book.on_quote(self._seen(first, events[start].ts_ns))
        self.book.add(self.order)
        self.book.attempt(self.order)
        known_qty = self.order.queue_ahead_qty or 0
        self.joined_behind = known_qty // NANO
        self.order.queue_ahead_qty = known_qty * self.queue_percent // 100
        for n in range(start + 1, len(events)):
            event = events[n]
            if event.ts_ns > until_ns:
                return None
            self._step(event)
            if not self.order.open_qty:
                return event.ts_ns
        return None

    def _step(self, event: Event) -> None:
        while self._executions and self._executions[-1][0] <= event.seq:
            self._own -= self._executions.pop()[1]
        if event.trade is not None:
            px, size = event.trade
            self.book.on_print(Print(px * PX, size * NANO, event.ts_ns, event.ts_ns))
        if event.quote is not None and self.order.open_qty:
            self.book.on_quote(self._seen(event.quote, event.ts_ns))

    def _seen(self, quote: tuple[int, int, int, int], ts_ns: int) -> Nbbo:
        """The best prices without the order itself, as everybody else's market."""
        bid_px, bid_size, ask_px, ask_size = quote
        own = 0 if self.is_own_left_in else max(0, self._own)
        px = self.real.px
        if self.real.sign > 0 and bid_px == px:
            bid_px, bid_size = (px, bid_size - own) if bid_size > own else (px - 1, 1)
        if self.real.sign < 0 and ask_px == px:
            ask_px, ask_size = (px, ask_size - own) if ask_size > own else (px + 1, 1)
        return Nbbo(bid_px * PX, bid_size * NANO, ask_px * PX, ask_size * NANO, ts_ns, ts_ns)


def _resting(real: Real) -> VenueOrder:
    return VenueOrder(
        seq=1,
        order_id=str(real.order_id),
        cl_ord_id="",
        account="",
        symbol="X",
        asset_id="",
        side=Side.BUY if real.sign > 0 else Side.SELL,
        is_short_sale=False,
        is_opening=True,
        ord_type=OrdType.LIMIT,
        tif=TimeInForce.DAY,
        order_qty=real.size * NANO,
        notional_usd=None,
        limit_px=real.px * PX,
        stop_px=None,
        extended_hours=False,
        contingency=Contingency.NONE,
        created_ns=real.ts_ns,
        submitted_ns=real.ts_ns,
        updated_ns=real.ts_ns,
        status=OrdStatus.NEW,
    )


@dataclass(frozen=True, slots=True)
class Judged:
    """One order: what became of it, and what each model said, as times; ``None``: not until the
    last horizon. ``watched_ns``: its owner's cancel."""

    real: Real
    ahead: int
    said: tuple[int | None, ...]

    def within(self, horizon_s: int) -> tuple[int | None, tuple[int | None, ...]]:
        """(filled, said by each model), each only when inside horizon and watch."""
        until_ns = self.real.ts_ns + horizon_s * SECOND_NS
        if self.real.canceled_ns is not None:
            until_ns = min(until_ns, self.real.canceled_ns)
        inside = [
            at_ns if at_ns is not None and at_ns <= until_ns else None
            for at_ns in (self.real.filled_ns, *self.said)
        ]
        return inside[0], tuple(inside[1:])


def judge_day(
    events: list[Event], orders: Iterable[Real], variants: Sequence[tuple[str, int]]
) -> list[Judged]:
    """Every order of a day under each (model, per cent of the queue)."""
    place = {event.seq: n for n, event in enumerate(events)}
    found = []
    for real in orders:
        start = place.get(real.seq)
        if start is None or events[start].quote is None:
            continue  # entered behind the best after all: nothing was displayed at that moment
        until_ns = real.ts_ns + HORIZONS_S[-1] * SECOND_NS
        if real.canceled_ns is not None:
            until_ns = min(until_ns, real.canceled_ns)
        said = []
        ahead = 0
        for model, percent in variants:
            newcomer = Newcomer(real, model, queue_percent=percent)
            said.append(newcomer.fill_ns(events, start, until_ns))
            ahead = max(ahead, newcomer.joined_behind)
        found.append(Judged(real, ahead, tuple(said)))
    return found


def judge(symbol: str, variants: Sequence[tuple[str, int]], days: int | None) -> list[Judged]:
    """All days of a symbol, with a line on the screen for each."""
    found: list[Judged] = []
    for n, (events, orders) in enumerate(days_of(symbol, days), 1):
        found += judge_day(events, orders, variants)
        sys.stderr.write(f"\r{symbol}: {n} days, {len(found):,} orders")
    sys.stderr.write("\n")
    return found


def tallies(rows: Iterable[Judged], horizon_s: int, models: int) -> list[Tally]:
    """One tally for each model."""
    found = [Tally() for _ in range(models)]
    for row in rows:
        filled_ns, said = row.within(horizon_s)
        for tally, at_ns in zip(found, said, strict=True):
            tally.add(filled_ns, at_ns)
    return found


def wide_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Markdown."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def by_horizon(rows: list[Judged]) -> str:
    """Recall and false fills of every model at every horizon, of joins and of improvements."""
    lines = []
    for name, is_join in (("joined the best price", True), ("improved it", False)):
        chosen = [row for row in rows if row.real.is_join is is_join]
        for horizon_s in HORIZONS_S:
            for model, tally in zip(MODELS, tallies(chosen, horizon_s, len(MODELS)), strict=True):
                lines.append((name, f"{horizon_s} s", model, *tally.row()))
    return wide_table(("entered", "horizon", "model", *HEAD), lines)


def by_place(rows: list[Judged]) -> str:
    """Calibration: how many the model fills beside how many filled, by shares ahead."""
    groups: dict[str, list[Judged]] = defaultdict(list)
    for row in rows:
        ratio = -(-row.ahead // row.real.size)
        groups[next(name for bound, name in PLACES if ratio <= bound)].append(row)
    lines = []
    for _, name in PLACES:
        found = tallies(groups[name], HORIZONS_S[-1], len(MODELS))
        if not groups[name]:
            continue
        filled = found[0].right + found[0].missed
        said = [_share(tally.right + tally.false, len(groups[name])) for tally in found]
        lines.append((name, f"{len(groups[name]):,}", _share(filled, len(groups[name])), *said))
    return wide_table(("ahead / own size", "orders", "really filled", *MODELS), lines)


def by_share(symbol: str) -> str:
    """What a wrong idea of the queue costs: the shares ahead scaled."""
    variants = [("displayed", percent) for percent in SHARES]
    rows = [row for row in judge(symbol, variants, SHARE_DAYS) if row.real.is_join]
    found = tallies(rows, HORIZONS_S[-1], len(variants))
    lines = [(f"{percent} %", *tally.row()) for percent, tally in zip(SHARES, found, strict=True)]
    return wide_table(("queue taken for", *HEAD), lines)


def report(days: int | None) -> str:
    """The whole report."""
    watch = Stopwatch()
    parts, count = [], 0
    for symbol, (_, role) in SETS.items():
        rows = judge(symbol, [(model, 100) for model in MODELS], days)
        count += len(rows)
        parts.append(f"## {symbol} ({role})\n\n{by_horizon(rows)}\n")
        parts.append(
            f"Filled within {HORIZONS_S[-1]} s, by place in the queue:\n\n{by_place(rows)}\n"
        )
    parts.append(
        f"## If the queue were another\n\nOf the joins of the first {SHARE_DAYS} days, "
        f"{HORIZONS_S[-1]} s.\n\n### YHOO\n\n{by_share('YHOO')}\n\n### AAPL\n\n{by_share('AAPL')}\n"
    )
    run: list[Row] = [*watch.rows(count, "orders")]
    return "\n".join([TITLE, table(run), "", *parts])


TITLE = """# The fill model against real orders

Written by `benchmarks/fill_model.py`, whose first lines say what is counted. `displayed` is the
default of the exchange (`queue_place`), `last` and `first` are its bounds. No number of it is
fitted, so CSCO is where the sentences were chosen, YHOO and AAPL where they are checked.

Read it with three cautions. The tapes hold each order's own execution: a print that filled it is a
print that the book sees, so this is the best that can be hoped for. The queues are those of one
venue in 2003 and 2012, short ones: most of who was ahead traded or showed that he left. And on a
consolidated quote the displayed size is not our venue's: the last tables show what that costs (a
queue taken for half as long as it is fills 1 % too many).
"""


def main() -> None:
    """Run, and write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--days", type=int, help="only the first so many of each symbol")
    parser.add_argument("--report", type=Path, help="file to write; default: the screen")
    args = parser.parse_args()
    text = report(args.days)
    if args.report is None:
        sys.stdout.write(text)
    else:
        args.report.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
