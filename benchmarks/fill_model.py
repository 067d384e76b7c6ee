"""The exchange's own book against the fate of real orders: would it have filled them?

    python -m benchmarks.fill_model --report docs/reports/2026-11-23-fill-model.md

Every displayed order of the tapes' ``orders`` is put into `surefill.sim.book.Book` as a resting
limit, alone, and sees what a newcomer would: best prices and sizes *without its own*, and anonymous
prints. Nothing of its fate is shown to the book; the fate is the judge. Fixed horizons; its owner's
cancel ends the watch (censoring): an order that was cancelled after 4 s says nothing about 10 s.

Recall: of the orders that filled within the horizon, how many the model filled within it. False:
of those that did not fill while they were watched, how many it filled. Precision: of those that it
filled, how many did. Apart: how far its instant is from the real one, of those that both filled.
``last`` and ``first`` are the bounds of `queue_place`; ``displayed-queue`` and ``touch`` are the
baselines of the tapes' README (`benchmarks.fill_baselines`).
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.fill_baselines import BASELINES, baseline_ns
from benchmarks.fill_picture import Curve, Panel, picture
from benchmarks.fill_text import CALIBRATION, PLACE, SHARE, TITLE
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
BOOK_MODELS = ("last", "displayed", "first")
MODELS = (*BOOK_MODELS, *BASELINES)
FITTED = MODELS.index("displayed")
SHOWN = ("displayed", *BASELINES)
"""What is compared place by place and drawn."""
TO_CANCEL = 0
"""As a horizon: until the owner's cancel or its fill, as the README of the tapes counts."""
BINS = 10
"""Points of a calibration curve."""
PLACES = ((0, "first"), (1, "up to 1"), (3, "1 to 3"), (10, "3 to 10"), (1 << 60, "over 10"))
"""Shares ahead when it came, in multiples of its own size."""
SHARES = (25, 50, 100, 200, 400)
"""Shares ahead, in per cent of what is displayed: a venue's part of a consolidated queue."""
SHARE_DAYS = 3
SHARE_TICKS = ("25", "50", "100", "200", "400")
FALSE_TICKS = ("0", "0.75", "1.5", "2.25", "3")
FALSE_PERCENT_MAX = 3
SHARE_MAX = 0.5
"""Where the axes of a calibration curve end; no tenth of the orders fills more often."""
CURVE_TICKS = ("0", "12.5", "25", "37.5", "50")
SCORES = ("recall", "false", "precision")
HEAD = ("orders", "filled", *SCORES, "within 0.1 s", "median apart", "95 % apart")


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

    @property
    def orders(self) -> int:
        """All of them."""
        return self.right + self.missed + self.false + self.none

    @property
    def filled(self) -> int:
        """Really filled."""
        return self.right + self.missed

    @property
    def said(self) -> int:
        """Filled by the model."""
        return self.right + self.false

    def scores(self) -> tuple[str, str, str]:
        """Recall, false, precision."""
        return (
            _share(self.right, self.filled),
            _share(self.false, self.false + self.none, digits=2),
            _share(self.right, self.said),
        )

    def times(self) -> tuple[str, str, str]:
        """How far the instants are apart: within 0.1 s, median, 95th percentile."""
        apart = sorted(abs(late) for late in self.late_ns)
        if not apart:
            return "-", "-", "-"
        near = sum(late <= SECOND_NS // 10 for late in apart)
        tail = apart[-(-95 * len(apart) // 100) - 1]
        return _share(near, len(apart)), _ms(median(apart)), _ms(tail)

    def row(self) -> tuple[str, ...]:
        """Orders, really filled, recall, false, precision, time error."""
        filled = _share(self.filled, self.orders)
        return (f"{self.orders:,}", filled, *self.scores(), *self.times())


def _ms(ns: float) -> str:
    return f"{ns / 1e6:,.0f} ms"


def _share(part: int, whole: int, *, digits: int = 1) -> str:
    return f"{100 * part / whole:.{digits}f} %" if whole else "-"


class Newcomer:
    """One real order in a book of its own. ``queue_percent`` scales what stands ahead of it."""

    def __init__(self, real: Real, model: str, *, queue_percent: int = 100) -> None:
        self.real = real
        self.queue_percent = queue_percent
        self.book = Book("X", host=Host(), switches=Switches(queue_place=model), seed=0)
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
        own = max(0, self._own)
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
    """One order: what became of it, and what each model said, as times; ``None``: not while it was
    watched. ``ahead``: shares before it when it came."""

    real: Real
    ahead: int
    said: tuple[int | None, ...]

    def within(self, horizon_s: int) -> tuple[int | None, tuple[int | None, ...]]:
        """(filled, said by each model), each only when inside horizon and watch."""
        until_ns = watched_until_ns(self.real, horizon_s)
        inside = [
            at_ns if at_ns is not None and at_ns <= until_ns else None
            for at_ns in (self.real.filled_ns, *self.said)
        ]
        return inside[0], tuple(inside[1:])


def watched_until_ns(real: Real, horizon_s: int) -> int:
    """End of the watch, UTC ns."""
    if horizon_s == TO_CANCEL:
        return real.canceled_ns or real.filled_ns or real.ts_ns
    until_ns = real.ts_ns + horizon_s * SECOND_NS
    return until_ns if real.canceled_ns is None else min(until_ns, real.canceled_ns)


def judge_day(events: list[Event], orders: Iterable[Real], percents: Sequence[int]) -> list[Judged]:
    """Every order of a day under each model; with ``percents`` under ``displayed`` alone, with so
    much of the queue ahead."""
    place = {event.seq: n for n, event in enumerate(events)}
    found = []
    for real in orders:
        start = place.get(real.seq)
        if start is None or events[start].quote is None:
            continue  # entered behind the best after all: nothing was displayed at that moment
        if percents and not real.is_join:
            continue
        until_ns = watched_until_ns(real, HORIZONS_S[-1])
        if real.is_join and not percents:
            until_ns = max(until_ns, watched_until_ns(real, TO_CANCEL))
        books = [("displayed", one) for one in percents] or [(one, 100) for one in BOOK_MODELS]
        said: list[int | None] = []
        ahead = 0
        for model, percent in books:
            newcomer = Newcomer(real, model, queue_percent=percent)
            said.append(newcomer.fill_ns(events, start, until_ns))
            ahead = max(ahead, newcomer.joined_behind)
        if not percents:
            said += baseline_ns(real, events, start, until_ns=until_ns)
        found.append(Judged(real, ahead, tuple(said)))
    return found


def judge(symbol: str, days: int | None, *, percents: Sequence[int] = ()) -> list[Judged]:
    """All days of a symbol, with a line on the screen for each."""
    found: list[Judged] = []
    for n, (events, orders) in enumerate(days_of(symbol, days), 1):
        found += judge_day(events, orders, percents)
        sys.stderr.write(f"\r{symbol}: {n} days, {len(found):,} orders")
    sys.stderr.write("\n")
    return found


def tallies(rows: Iterable[Judged], horizon_s: int, models: int = len(MODELS)) -> list[Tally]:
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


def in_short(found: dict[str, list[Judged]]) -> str:
    """Joins of the best price: every model within the longest horizon and until the cancel."""
    lines = []
    for symbol, rows in found.items():
        joins = [row for row in rows if row.real.is_join]
        for horizon_s, name in ((HORIZONS_S[-1], f"{HORIZONS_S[-1]} s"), (TO_CANCEL, "cancel")):
            for model, tally in zip(MODELS, tallies(joins, horizon_s), strict=True):
                counts = (_share(tally.filled, tally.orders), _share(tally.said, tally.orders))
                lines.append((symbol, name, model, *counts, *tally.scores()))
    return wide_table(("symbol", "until", "model", "really filled", "fills", *SCORES), lines)


def by_horizon(rows: list[Judged]) -> str:
    """Recall and false fills of every model at every horizon, of joins and of improvements."""
    lines = []
    for name, is_join in (("joined the best price", True), ("improved it", False)):
        chosen = [row for row in rows if row.real.is_join is is_join]
        for horizon_s in HORIZONS_S:
            for model, tally in zip(MODELS, tallies(chosen, horizon_s), strict=True):
                lines.append((name, f"{horizon_s} s", model, *tally.row()))
    return wide_table(("entered", "horizon", "model", *HEAD), lines)


def place_of(row: Judged) -> str:
    """Where it stood: shares ahead in multiples of its own size."""
    ratio = -(-row.ahead // row.real.size)
    return next(name for bound, name in PLACES if ratio <= bound)


def by_place(rows: list[Judged]) -> str:
    """Every score by shares ahead and horizon, beside the baselines."""
    lines = []
    for _, name in PLACES:
        chosen = [row for row in rows if place_of(row) == name]
        for horizon_s in HORIZONS_S if chosen else ():
            by_model = dict(zip(MODELS, tallies(chosen, horizon_s), strict=True))
            others = [" / ".join(by_model[model].scores()) for model in BASELINES]
            lines.append((name, f"{horizon_s} s", *by_model["displayed"].row(), *others))
    return wide_table(("ahead / own size", "horizon", *HEAD, *BASELINES), lines)


def calibration(rows: list[Judged], horizon_s: int, model: str) -> tuple[Curve, float]:
    """What a model fills of orders that are alike (day, hour, place, kind) against what really
    filled: the cells in order of the former, in `BINS` parts of as many orders; and the mean
    distance of the two over the cells."""
    cells: dict[tuple[object, ...], list[Judged]] = defaultdict(list)
    for row in rows:
        hour = row.real.ts_ns // (3_600 * SECOND_NS)
        cells[hour, place_of(row), row.real.is_join].append(row)
    n = MODELS.index(model)
    counts = []
    for some in cells.values():
        tally = tallies(some, horizon_s)[n]
        counts.append((tally.said / tally.orders, tally.said, tally.filled, tally.orders))
    counts.sort()
    total = sum(orders for *_, orders in counts)
    apart = sum(abs(said - filled) for _, said, filled, _ in counts) / total
    parts: list[list[int]] = [[0, 0, 0] for _ in range(BINS)]
    seen = 0
    for _, *three in counts:
        part = parts[min(BINS - 1, seen * BINS // total)]
        for index, count in enumerate(three):
            part[index] += count
        seen += three[-1]
    points = [
        (said / orders / SHARE_MAX, filled / orders / SHARE_MAX)
        for said, filled, orders in parts
        if orders
    ]
    return Curve(model, points), apart


def calibrated(found: dict[str, list[Judged]]) -> tuple[str, list[Panel]]:
    """The table of distances, and the curves."""
    lines, panels = [], []
    for symbol, rows in found.items():
        for horizon_s in HORIZONS_S:
            drawn = [calibration(rows, horizon_s, model) for model in SHOWN]
            curves = [curve for curve, _ in drawn]
            panels.append(
                Panel(f"{symbol}, {horizon_s} s", curves, x_ticks=CURVE_TICKS, y_ticks=CURVE_TICKS)
            )
            cells = [f"{100 * apart:.2f} %" for _, apart in drawn]
            lines.append((symbol, f"{horizon_s} s", *cells))
    return wide_table(("symbol", "horizon", *SHOWN), lines), panels


def by_share(days: int) -> tuple[str, list[Panel]]:
    """What a wrong idea of the queue costs: the shares ahead scaled."""
    lines, panels = [], []
    for symbol in SETS:
        rows = judge(symbol, days, percents=SHARES)
        drawn: dict[str, list[tuple[float, float]]] = defaultdict(list)
        for horizon_s in HORIZONS_S:
            for percent, tally in zip(SHARES, tallies(rows, horizon_s, len(SHARES)), strict=True):
                lines.append((symbol, f"{horizon_s} s", f"{percent} %", *tally.row()))
                others = tally.orders - tally.filled
                x = SHARES.index(percent) / (len(SHARES) - 1)
                drawn[f"{horizon_s} s"].append((x, 100 / FALSE_PERCENT_MAX * tally.false / others))
        curves = [Curve(name, points) for name, points in drawn.items()]
        panels.append(Panel(symbol, curves, x_ticks=SHARE_TICKS, y_ticks=FALSE_TICKS))
    return wide_table(("symbol", "horizon", "queue taken for", *HEAD), lines), panels


def report(days: int | None, place: Path | None) -> str:
    """The whole report; its pictures beside ``place``."""
    watch = Stopwatch()
    found = {symbol: judge(symbol, days) for symbol in SETS}
    table_of_curves, curves = calibrated(found)
    table_of_shares, shares = by_share(min(days or SHARE_DAYS, SHARE_DAYS))
    pictures = {
        "calibration": picture(
            curves, ("filled by the model, %", "really filled, %"), diagonal=True
        ),
        "share": picture(
            shares,
            ("queue taken for so much of what it is, %", "false fills, %"),
            diagonal=False,
        ),
    }
    stem = place.stem if place is not None else "fill-model"
    for name, drawing in pictures.items():
        if place is not None:
            place.with_name(f"{stem}-{name}.svg").write_text(drawing, encoding="utf-8")
    run: list[Row] = [*watch.rows(sum(len(rows) for rows in found.values()), "orders")]
    parts = [f"{in_short(found)}\n"]
    parts.append(f"## Calibration\n\n{CALIBRATION}\n\n![Calibration]({stem}-calibration.svg)\n")
    parts.append(f"{table_of_curves}\n")
    parts.append(f"## If the queue were another\n\n{SHARE}\n\n![Share]({stem}-share.svg)\n")
    parts.append(f"{table_of_shares}\n")
    for symbol, rows in found.items():
        parts.append(f"## {symbol} ({SETS[symbol][1]})\n\n{by_horizon(rows)}\n")
        parts.append(f"By place in the queue; {PLACE}\n\n{by_place(rows)}\n")
    return "\n".join([TITLE, table(run), "", *parts])


def main() -> None:
    """Run, and write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--days", type=int, help="only the first so many of each symbol")
    parser.add_argument("--report", type=Path, help="file to write; default: the screen")
    args = parser.parse_args()
    text = report(args.days, args.report)
    if args.report is None:
        sys.stdout.write(text)
    else:
        args.report.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
