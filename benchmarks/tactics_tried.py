"""What was tried to make `adaptive` cheaper, and how much its cost depends on our venue's prints.

    python -m benchmarks.tactics_tried fit CACHE      # to choose
    python -m benchmarks.tactics_tried check CACHE    # to judge

Fresh signals, fitted model, every second slot of the days; cost beside the legacy order, average
over symbols and by size, and the plans within reach that were complete. The volatility is the root
mean square of the mid's changes in the five minutes before the plan (`replay.volatility`), which
the tactic of the product is not told: here a module variable holds it.
Writes ``tried-DAYS.md`` into the cache.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.entries import Day, terms_of
from benchmarks.tactics import Result, play, reachable
from benchmarks.tactics_plans import PARTS, SIZES, columns_of, day_of, plans_of
from benchmarks.tactics_report import SYMBOLS, complete, mean_bps, table
from surefill.core.fix import OrdType
from surefill.core.market import Nbbo
from surefill.core.plan import SECOND_NS
from surefill.core.tactic import EntryView, WantedEntry
from surefill.replay.execution import market_of
from surefill.replay.volatility import move_px
from surefill.sim.calendar import session_on
from surefill.sim.workload import Draw
from surefill.tactics import adaptive
from surefill.tactics.adaptive import AdaptiveTactic
from surefill.tactics.quoting import cross_ns, touch
from surefill.tca.market import Market

EVERY_S = 240
SHARES = (50, 25, 10)
Found = dict[str, list[Result]]
Cheap = Callable[[EntryView, Nbbo], bool]


@dataclass(slots=True)
class Known:
    """What the variants know beside their view: the move of a second (1e-9 USD), and the time."""

    move_px: int = 0
    now_ns: int = 0


KNOWN = Known()
PLAIN_WANTED, PLAIN_TAKE_NS = AdaptiveTactic.wanted, adaptive._take_ns
PLAIN_RESTING, PLAIN_CHEAP = adaptive._resting_px, adaptive._is_cheap


@dataclass(frozen=True, slots=True)
class Played:
    """A part of a day with its plans."""

    symbol: str
    day: Day
    market: Market
    plans: list[tuple[Draw, bool, int]]


def opened(days: str) -> Iterator[Played]:
    """The parts, one after the other. Of each plan: within reach, and the move of a second."""
    for part in PARTS[days]:
        tape = columns_of(part)
        day, market = day_of(tape), market_of(tape, session_on(part.date).close_ns)
        yield Played(
            part.symbol,
            day,
            market,
            [
                (
                    draw,
                    reachable(day, draw, terms_of(draw.plan).worst_px),
                    move_px(tape, draw.at_ns, 1) or 0,
                )
                for draw in plans_of(part, day, every_s=EVERY_S)
                if draw.plan.signal_ns == draw.at_ns
            ],
        )


def _wanted(self: AdaptiveTactic, view: EntryView, now: int) -> WantedEntry | None:
    KNOWN.now_ns = now
    return PLAIN_WANTED(self, view, now)


def _beyond(view: EntryView, nbbo: Nbbo) -> int | None:
    """What the far side costs beyond the microprice, 1e-9 USD."""
    near_qty, far_qty = adaptive._sizes(view, nbbo)
    if not near_qty or not far_qty:
        return None
    return (nbbo.ask_px - nbbo.bid_px) * far_qty // (near_qty + far_qty)


def _room_px(view: EntryView, nbbo: Nbbo) -> int:
    return view.sign * (view.terms.worst_px - nbbo.far_px(view.sign))


def edge_by_move(times: float) -> Cheap:
    """Half a tick is paid where the price is expected to use up the room to the worst price."""

    def is_cheap(view: EntryView, nbbo: Nbbo) -> bool:
        beyond = _beyond(view, nbbo)
        left_s = max(0, view.deadline_ns - KNOWN.now_ns) / SECOND_NS
        is_near = _room_px(view, nbbo) < times * KNOWN.move_px * left_s**0.5
        tick_px = view.ticks.tick_at(nbbo.far_px(view.sign))
        if is_near and beyond is not None and 2 * beyond <= tick_px:
            return True
        return PLAIN_CHEAP(view, nbbo)

    return is_cheap


def cheap_by_move(times: float) -> Cheap:
    """What is cheap is measured in the move of ten seconds as well."""

    def is_cheap(view: EntryView, nbbo: Nbbo) -> bool:
        beyond = _beyond(view, nbbo)
        if beyond is not None and beyond <= times * KNOWN.move_px * 10**0.5:
            return True
        return PLAIN_CHEAP(view, nbbo)

    return is_cheap


def patience_by_move(times: float) -> Callable[[EntryView, Nbbo], int]:
    """Patience ends when the price is expected to have used up the room to the worst price."""

    def take_ns(view: EntryView, nbbo: Nbbo) -> int:
        plain_ns = PLAIN_TAKE_NS(view, nbbo)
        if not KNOWN.move_px:
            return plain_ns
        reach_s = (max(0, _room_px(view, nbbo)) / (times * KNOWN.move_px)) ** 2
        return min(plain_ns, view.started_ns + int(reach_s * SECOND_NS))

    return take_ns


def depth_of_both(view: EntryView, nbbo: Nbbo) -> int:
    """The time that an order needs, by the mean of both sizes instead of the far one."""
    near_qty, far_qty = adaptive._sizes(view, nbbo)
    if not far_qty:
        return PLAIN_TAKE_NS(view, nbbo)
    needs_ns = view.leaves_qty * adaptive.TIME_PER_SIZE_NS * 2 // (near_qty + far_qty)
    return min(cross_ns(view), view.deadline_ns - needs_ns)


def third_inside(view: EntryView, nbbo: Nbbo) -> int:
    """Rest three tenths inside a wide spread instead of a tick."""
    near_px = nbbo.near_px(view.sign)
    tick_px = view.ticks.tick_at(near_px)
    spread_px = nbbo.ask_px - nbbo.bid_px
    if spread_px < 2 * tick_px:
        return near_px
    return near_px + view.sign * max(tick_px, 3 * spread_px // 10 // tick_px * tick_px)


def one_behind(view: EntryView, nbbo: Nbbo) -> int:
    """Rest a tick behind where the near side is about to leave."""
    px = PLAIN_RESTING(view, nbbo)
    near_qty, far_qty = adaptive._sizes(view, nbbo)
    tick_px = view.ticks.tick_at(px)
    is_weak = 10 * near_qty < 3 * (near_qty + far_qty)
    return px - view.sign * tick_px if is_weak and _spread(nbbo) < 2 * tick_px else px


def _spread(nbbo: Nbbo) -> int:
    return nbbo.ask_px - nbbo.bid_px


def _chasing(self: AdaptiveTactic, view: EntryView, now: int) -> WantedEntry | None:
    """Alone: after the first partial fill the rest is taken at once."""
    if view.leaves_qty < view.terms.order_qty and now < view.deadline_ns:
        return WantedEntry(OrdType.LIMIT, view.terms.worst_px)
    return PLAIN_WANTED(self, view, now)


def _in_one(self: AdaptiveTactic, view: EntryView, now: int) -> WantedEntry | None:
    """Alone: never rests; takes where the far side is cheap, or late, and shows all of it."""
    if now >= view.deadline_ns:
        return None
    nbbo = touch(view, now)
    if nbbo is None or adaptive._is_taking(view):
        return view.working
    is_inside = _room_px(view, nbbo) >= 0
    if view.leaves_qty < view.terms.order_qty or (is_inside and now >= cross_ns(view)):
        return WantedEntry(OrdType.LIMIT, view.terms.worst_px)
    is_late = now >= view.deadline_ns - 20 * SECOND_NS
    is_whole = adaptive._sizes(view, nbbo)[1] >= view.leaves_qty
    if is_inside and is_whole and (is_late or PLAIN_CHEAP(view, nbbo)):
        return WantedEntry(OrdType.LIMIT, nbbo.far_px(view.sign))
    return view.working


Change = Mapping[str, object]
VARIANTS: Mapping[str, Change] = {
    "volatility: half a tick when the worst price is within half a move": {
        "_is_cheap": edge_by_move(0.5)
    },
    "the same within a whole move": {"_is_cheap": edge_by_move(1)},
    "volatility: cheap is 0.1 of the move of ten seconds": {"_is_cheap": cheap_by_move(0.1)},
    "the same, 0.2": {"_is_cheap": cheap_by_move(0.2)},
    "the same, 0.4": {"_is_cheap": cheap_by_move(0.4)},
    "volatility: patience ends when half a move uses up the room": {
        "_take_ns": patience_by_move(0.5)
    },
    "time to take by the mean of both sizes": {"_take_ns": depth_of_both},
    "rest 3/10 inside a wide spread": {"_resting_px": third_inside},
    "both of these": {"_take_ns": depth_of_both, "_resting_px": third_inside},
    "rest a tick behind a weak near side": {"_resting_px": one_behind},
}
ALONE: Mapping[str, object] = {
    "alone: as it is": _wanted,
    "alone: the rest at once after a partial fill": _chasing,
    "alone: only what is displayed whole": _in_one,
}


@contextmanager
def changed(change: Change, wanted: object = _wanted) -> Iterator[None]:
    """`adaptive` with these functions instead of its own."""
    before = {name: getattr(adaptive, name) for name in change}
    for name, value in change.items():
        setattr(adaptive, name, value)
    setattr(AdaptiveTactic, "wanted", wanted)  # noqa: B010 - mypy: it is no variable
    try:
        yield
    finally:
        setattr(AdaptiveTactic, "wanted", PLAIN_WANTED)  # noqa: B010
        for name, value in before.items():
            setattr(adaptive, name, value)


def results(part: Played, path: str, *, prints_percent: int = 100) -> Iterator[Result]:
    """Every plan of a part."""
    for draw, is_reachable, KNOWN.move_px in part.plans:
        yield play(
            part.day,
            part.market,
            draw,
            path=path,
            model="queue",
            reach=is_reachable,
            prints_percent=prints_percent,
        )


def play_part(part: Played, found: dict[str, Found]) -> None:
    """One part under everything."""
    found["legacy"][part.symbol] += results(part, "legacy")
    with changed({}):
        found["adaptive as it is"][part.symbol] += results(part, "adaptive")
    for name, change in VARIANTS.items():
        with changed(change):
            found[name][part.symbol] += results(part, "adaptive")
    for percent in SHARES:
        name = f"{percent} % of the prints are at our venue"
        found[name][part.symbol] += results(part, "adaptive", prints_percent=percent)
    for name, wanted in ALONE.items():
        with changed({}, wanted):
            found[name][part.symbol] += results(part, "adaptive-alone")


def row_of(name: str, mine: Found, legacy: Found) -> tuple[str, ...]:
    """Ratios by symbol, their average, averages by size, completion."""

    def ratios(size: int | None = None) -> list[float]:
        return [
            mean_bps(row for row in mine[symbol] if size in (None, row.size))
            / mean_bps(row for row in legacy[symbol] if size in (None, row.size))
            for symbol in SYMBOLS
        ]

    whole = ratios()
    by_size = [sum(ratios(size)) / len(SYMBOLS) for size in SIZES]
    rows = [row for symbol in SYMBOLS for row in mine[symbol]]
    return (
        name,
        *(f"{one:.2f}" for one in whole),
        f"**{sum(whole) / len(whole):.2f}**",
        *(f"{one:.2f}" for one in by_size),
        complete(rows),
    )


def main() -> None:
    """Play everything on the days of one kind."""
    days, folder = sys.argv[1], Path(sys.argv[2])
    found: dict[str, Found] = defaultdict(lambda: defaultdict(list))
    for part in opened(days):
        play_part(part, found)
        sys.stderr.write(f"{part.symbol}: {len(part.plans)} plans\n")
    legacy = found.pop("legacy")
    sizes = tuple(f"{size:,}" for size in SIZES)
    head = ("what", *SYMBOLS, "average", *sizes, "complete")
    body = table(head, (row_of(name, mine, legacy) for name, mine in found.items()))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"tried-{days}.md").write_text(body, encoding="utf-8")


if __name__ == "__main__":
    main()
