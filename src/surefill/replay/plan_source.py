"""Where the plans of a replay come from: a file, somebody's own history, or the tape itself.

What: `PlanSource`, the port; `Given`, what a source has for one day and what it left out and why;
`FilePlans` for plans that are written down.
Why a port: whoever gives the plans, every path gets the same ones, and whatever cannot be played is
named the same way.
Invariants: a source asked twice about the same tapes answers the same; it may be sent to another
process. A plan is given or named, on the day that is its own.
Must never: look at the tape after the instant of a plan.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from surefill.core.session import Session
from surefill.replay.plan_rows import LeftOut, PlanCode
from surefill.sim.calendar import new_york_date
from surefill.sim.columns import TapeColumns
from surefill.sim.market import TapeError
from surefill.sim.workload import Draw

Place = tuple[int, str]
"""New York date (yyyymmdd) and symbol."""
LEFT_OUT = "left_out.jsonl"
SEEN_NS = 1_000_000_000
"""From a tape's first quote until the engine has read the instrument: before, it denies a plan for
a reason that has nothing to do with the market."""


@dataclass(frozen=True, slots=True)
class Given:
    """The plans of one day in order of time, what was left out, and what was assumed."""

    draws: tuple[Draw, ...]
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()


class PlanSource(Protocol):
    """Gives the plans for a day and its symbols."""

    @property
    def places(self) -> frozenset[Place] | None:
        """Days and symbols that it has plans for; ``None``: any."""

    def by_place(self) -> Mapping[Place, PlanSource]:
        """The same plans as one source a day and symbol, so that a day's is small enough to be sent
        elsewhere; empty where `places` is ``None``."""

    def given(self, tapes: Sequence[TapeColumns], session: Session) -> Given:
        """The plans for these symbols on this day."""


@dataclass(frozen=True, slots=True)
class FilePlans:
    """Plans that stand in a file, already read."""

    draws: tuple[Draw, ...]

    @property
    def places(self) -> frozenset[Place]:
        """Days and symbols of the plans."""
        return frozenset(place_of(draw) for draw in self.draws)

    def by_place(self) -> Mapping[Place, PlanSource]:
        """One look at each plan."""
        found: dict[Place, list[Draw]] = {}
        for draw in self.draws:
            found.setdefault(place_of(draw), []).append(draw)
        return {place: FilePlans(tuple(draws)) for place, draws in found.items()}

    def given(self, tapes: Sequence[TapeColumns], session: Session) -> Given:
        """Those of the day that its tapes can play."""
        own = of_day(self.draws, tapes, session)
        return playable(own, tapes, session)


def place_of(draw: Draw) -> Place:
    """The day and symbol of a plan."""
    return new_york_date(draw.at_ns), draw.plan.symbol


def of_day(
    draws: Iterable[Draw], tapes: Sequence[TapeColumns], session: Session
) -> tuple[Draw, ...]:
    """The plans of these symbols on this day."""
    symbols = {tape.symbol for tape in tapes}
    return tuple(draw for draw in draws if place_of(draw) in {(session.date, s) for s in symbols})


def playable(draws: Sequence[Draw], tapes: Sequence[TapeColumns], session: Session) -> Given:
    """The plans that arrive in regular hours while their tape runs; the others by name."""
    by_symbol = {tape.symbol: tape for tape in tapes}
    kept, left_out = [], []
    for draw in draws:
        why = _unplayable(draw.at_ns, by_symbol[draw.plan.symbol], session)
        if why is None:
            kept.append(draw)
        else:
            code, sentence = why
            where = f"plan {draw.plan.plan_id}"
            left_out.append(LeftOut(where, code, "at", str(draw.at_ns), sentence))
    kept.sort(key=lambda draw: (draw.at_ns, draw.plan.plan_id))
    return Given(tuple(kept), tuple(left_out))


def _unplayable(at_ns: int, tape: TapeColumns, session: Session) -> tuple[PlanCode, str] | None:
    if not session.open_ns <= at_ns < session.close_ns:
        return PlanCode.PLAN_OUTSIDE_SESSION, f"not in the regular hours of {session.date}"
    quotes = tape.quote_ns
    if not len(quotes) or not quotes[0] + SEEN_NS <= at_ns <= quotes[-1]:
        sentence = f"the tape of {tape.symbol} does not run then, a second of it before included"
        return PlanCode.PLAN_OUTSIDE_TAPE, sentence
    return None


def without_tape(source: PlanSource, played: Iterable[Place]) -> tuple[LeftOut, ...]:
    """The days and symbols of a source that nobody recorded."""
    missing = (source.places or frozenset()) - set(played)
    return tuple(
        LeftOut(f"plans of {symbol}", PlanCode.PLAN_NO_TAPE, "at", str(date), "no tape of that day")
        for date, symbol in sorted(missing)
    )


def left_out_tape(symbol: str, date: int, error: TapeError) -> LeftOut:
    """A symbol-day whose tape cannot be used."""
    where, value = f"tape of {symbol} on {date}", str(error.value)
    return LeftOut(where, PlanCode.TAPE_LEFT_OUT, error.code, value, error.sentence)


def left_out_file(path: Path, error: TapeError) -> LeftOut:
    """A file that cannot be used, and of which nobody knows what days it holds."""
    where, value = f"tape file {path.name}", str(error.value)
    return LeftOut(where, PlanCode.TAPE_LEFT_OUT, error.code, value, error.sentence)


def write_left_out(folder: Path, left_out: Iterable[LeftOut]) -> Path:
    """All of it as JSON lines in ``folder``. Raises ``OSError``."""
    path = folder / LEFT_OUT
    beside = path.with_name(f"{LEFT_OUT}.new")
    beside.write_text("".join(json.dumps(one.to_dict()) + "\n" for one in left_out))
    return beside.replace(path)
