"""Recorded tapes as the market of plans that happened elsewhere: in a journal, in a history.

What: `marked_on` looks up each plan's day and symbol among tapes and marks it there, `tracks_on`
takes what is to be drawn from them.
Invariants: a plan whose day and symbol nobody recorded stays as it was; only days with plans are
opened, one after another. Import lazily: it needs the extra `tapes`.
Must never: mark a plan with another day's market.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from surefill.replay.comparison import days_at
from surefill.replay.execution import market_of
from surefill.replay.plan_source import left_out_file, left_out_tape
from surefill.replay.tracks import Track, tracks_of
from surefill.sim.calendar import session_on
from surefill.sim.columns import only_evidence
from surefill.sim.market import TapeError
from surefill.sim.tape import TapeDay, open_tape
from surefill.tca.market import Market
from surefill.tca.parent import Parent, marked

NEW_YORK = ZoneInfo("America/New_York")
LEAD_NS = 60 * 1_000_000_000
"""A tape is opened a minute before the session, so that its first quote is known at the open."""
Place = tuple[int, str]
"""Date (yyyymmdd) and symbol."""
Tell = Callable[[str], None]


def _nobody(_: str) -> None:
    """Nobody listens."""


def place_of(parent: Parent) -> Place:
    """The day (New York) and symbol of a plan."""
    at = datetime.fromtimestamp(parent.arrival_ns // 1_000_000_000, NEW_YORK)
    return at.year * 10_000 + at.month * 100 + at.day, parent.symbol


def markets_at(
    paths: Iterable[Path],
    wanted: Iterable[Place],
    *,
    allow_suspect: bool = False,
    tell: Tell = _nobody,
) -> Iterator[tuple[Place, Market]]:
    """The recorded markets among ``wanted``, one at a time; ``tell`` gets a line about each tape.
    Raises `TapeError`, for a suspect tape as well; where those are allowed, one that cannot be used
    is told and left out."""

    def left_out(path: Path, error: TapeError) -> None:
        tell(str(left_out_file(path, error)))

    listed = days_at(paths, on_bad=left_out if allow_suspect else None)
    days = {(date, day.symbol): day for date, found in listed.items() for day in found}
    for place in sorted(set(wanted) & days.keys()):
        try:
            market = _market(days[place], allow_suspect=allow_suspect, tell=tell)
        except TapeError as error:
            if not allow_suspect:
                raise
            tell(str(left_out_tape(place[1], place[0], error)))
            continue
        yield place, market


def marked_on(
    paths: Iterable[Path],
    parents: Sequence[Parent],
    *,
    allow_suspect: bool = False,
    tell: Tell = _nobody,
) -> tuple[tuple[Parent, ...], int]:
    """(the plans in their order, how many of them a tape marked); as `markets_at`."""
    members: dict[Place, list[int]] = defaultdict(list)
    for n, parent in enumerate(parents):
        members[place_of(parent)].append(n)
    found = list(parents)
    count = 0
    for place, market in markets_at(paths, members, allow_suspect=allow_suspect, tell=tell):
        for n in members[place]:
            found[n] = marked(parents[n], market)
            count += 1
    return tuple(found), count


def tracks_on(paths: Iterable[Path], parents: Sequence[Parent]) -> tuple[Track, ...]:
    """What these tapes show around the plans that they cover: a picture, of tapes that `marked_on`
    has judged. Raises `TapeError`."""
    members: dict[Place, list[Parent]] = defaultdict(list)
    for parent in parents:
        members[place_of(parent)].append(parent)
    found: list[Track] = []
    for place, market in markets_at(paths, members, allow_suspect=True):
        found += tracks_of(members[place], {market.symbol: market})
    return tuple(found)


def _market(day: TapeDay, *, allow_suspect: bool, tell: Tell) -> Market:
    session = session_on(day.date)
    start_ns, end_ns = session.open_ns - LEAD_NS, session.close_ns
    tape = open_tape(day, start_ns=start_ns, end_ns=end_ns)
    quality = tape.quality(session)
    if not allow_suspect:
        quality.check()
    tell(quality.sentence())
    return market_of(only_evidence(tape.columns()), end_ns)
