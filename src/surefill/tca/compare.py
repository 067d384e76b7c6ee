"""Two paths against each other: the same plans where there are any, every plan at its full cost.

What: `compare(first, second)` -> `Comparison`: the difference in shortfall of all plans, by group,
at each level of price improvement of the second path; `improved` (that level), `groups_of`.
What is compared: the shortfall of every plan, missed and denied ones included (intention to treat:
a plan belongs to the path that it was given to, whatever became of it). Plans that both paths know
are compared in pairs; where none are shared (two arms of a rollout, two periods), the arms' means.
Price improvement: retail market orders are often filled inside the quote. ``percent`` of what a
fill paid beyond the mid is given back; a fill at or inside the mid gets nothing. Every claim names
its level.
Paired outcomes: what became on the second path of the plans that the first one missed, in R.
Invariants: a plan without a known shortfall on either path is left out of both, and counted; blocks
are symbol-days (`tca.blocks`). A ratio stands only where the second path's cost is surely not zero.
Drawn plans have the same names whatever their seed: `unlike` finds those that only share a name.
Must never: leave out a plan because it was missed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from zoneinfo import ZoneInfo

from surefill.core.units import NANO
from surefill.core.values import replace
from surefill.tca.analysis import Analysis, Stat, analysis_of, stat_of
from surefill.tca.blocks import ROUNDS, Block, Estimate, estimate
from surefill.tca.facts import COSTLESS
from surefill.tca.parent import Execution, Parent

LEVELS_PERCENT = (0, 25, 50)
"""Price improvement of the second path."""
NEW_YORK = ZoneInfo("America/New_York")
TICK_PX = NANO // 100
OPEN_MINUTE, LATE_MINUTE = 10 * 60, 15 * 60
"""The first half hour ends at 10:00, the last hour begins at 15:00, New York time."""


@dataclass(frozen=True, slots=True)
class Group:
    """One part of the plans: how it was cut, its name, what the blocks say of it."""

    by: str
    name: str
    plans: int
    estimate: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """The comparison with this much price improvement of the second path."""

    improvement_percent: int
    all: Estimate
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """``plans``: compared (pairs, or of both arms); ``left_out``: without a known shortfall on
    either path; ``*_only``: plans of one path alone. ``missed_r``: result on the second path, in R,
    of the plans that the first one did not enter; ``same_r`` of those that both entered, first
    minus second. ``*_fill_ppb``: shares entered of shares wanted."""

    is_paired: bool
    plans: int
    left_out: int
    first_only: int
    second_only: int
    levels: tuple[Level, ...]
    missed_r: Stat | None
    same_r: Stat | None
    first_fill_ppb: int
    second_fill_ppb: int


def improved(parent: Parent, percent: int) -> Parent:
    """The parent with ``percent`` of what each fill paid beyond the mid given back; rounded so that
    it never gains by it."""

    def better(fill: Execution) -> Execution:
        if fill.mid_px is None:
            return fill
        beyond_px = parent.sign * (fill.px - fill.mid_px)
        given_px = max(0, beyond_px) * percent // 100
        return replace(fill, px=fill.px - parent.sign * given_px)

    return replace(parent, fills=tuple(better(fill) for fill in parent.fills))


def block_of(parent: Parent) -> str:
    """Symbol and day (New York) of a plan."""
    return f"{parent.symbol} {_local(parent.arrival_ns):%Y-%m-%d}"


def unlike(first: Sequence[Parent], second: Sequence[Parent]) -> tuple[str, ...]:
    """Names that both paths have on a symbol-day for plans of another side or signal: these are no
    pairs. A signal that one side does not know (a broker's history) is no difference."""
    others = {f"{block_of(one)} {one.plan_id}": one for one in second}
    found = []
    for one in first:
        other = others.get(f"{block_of(one)} {one.plan_id}")
        if other is None:
            continue
        signals = {px for px in (one.signal_px, other.signal_px) if px is not None}
        if one.sign != other.sign or len(signals) > 1:
            found.append(one.plan_id)
    return tuple(found)


def compare(
    first: Sequence[Parent],
    second: Sequence[Parent],
    *,
    seed: int = 7,
    levels_percent: Sequence[int] = LEVELS_PERCENT,
    rounds: int = ROUNDS,
) -> Comparison | None:
    """Compare two paths; ``None`` when there is nothing to compare."""
    one, other = _by_id(first), _by_id(second)
    shared = [name for name in one if name in other]
    if shared:
        mine, theirs = {n: one[n] for n in shared}, {n: other[n] for n in shared}
    else:
        mine, theirs = one, other
    known = _known(mine, theirs, is_paired=bool(shared))
    levels = []
    for percent in levels_percent:
        level = _level(mine, theirs, known, percent=percent, draw=(seed, rounds))
        if level is None:
            return None
        levels.append(level)
    missed = [theirs[n].costs.r_ppb for n in shared if _is_missed(mine[n])]
    same = [_difference(mine[n].costs.r_ppb, theirs[n].costs.r_ppb) for n in shared]
    return Comparison(
        is_paired=bool(shared),
        plans=len(known),
        left_out=len(mine.keys() | theirs.keys()) - len(known),
        first_only=len(one) - len(shared),
        second_only=len(other) - len(shared),
        levels=tuple(levels),
        missed_r=stat_of(missed),
        same_r=stat_of(same),
        first_fill_ppb=_fill_ppb(mine),
        second_fill_ppb=_fill_ppb(theirs),
    )


_Plans = dict[str, Analysis]


def _by_id(parents: Sequence[Parent]) -> _Plans:
    return {f"{block_of(one)} {one.plan_id}": analysis_of(one) for one in parents}


def _known(mine: _Plans, theirs: _Plans, *, is_paired: bool) -> list[str]:
    """The plans whose shortfall is known: on both paths, where they are pairs."""
    costly = {n for plans in (mine, theirs) for n, one in plans.items() if one.shortfall}
    if not is_paired:
        return sorted(costly)
    return sorted(n for n in costly if mine[n].shortfall and theirs[n].shortfall)


def _is_missed(one: Analysis) -> bool:
    return one.parent.fate not in COSTLESS and not one.parent.qty


def _difference(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one - other


def _fill_ppb(plans: _Plans) -> int:
    wanted_qty = sum(one.parent.order_qty for one in plans.values())
    entered_qty = sum(one.parent.qty for one in plans.values())
    return entered_qty * NANO // wanted_qty if wanted_qty else 0


def _level(
    mine: _Plans, theirs: _Plans, known: Sequence[str], *, percent: int, draw: tuple[int, int]
) -> Level | None:
    costs = {n: _cost(mine.get(n)) for n in known}
    others = {n: _improved_cost(theirs.get(n), percent) for n in known}
    parents = {n: (mine.get(n) or theirs[n]).parent for n in known}

    def of(names: Sequence[str]) -> Estimate | None:
        blocks: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        for n in names:
            block = blocks[block_of(parents[n])]
            for place, cost in ((0, costs[n]), (2, others[n])):
                if cost is not None:
                    block[place] += cost
                    block[place + 1] += 1
        chance = Random(f"{draw[0]}:{percent}:{len(names)}")
        drawn = [Block(*blocks[name]) for name in sorted(blocks)]
        return estimate(drawn, chance=chance, rounds=draw[1])

    whole = of(known)
    if whole is None:
        return None
    groups = []
    for by, name_of in GROUPS:
        members: dict[str, list[str]] = defaultdict(list)
        for n in known:
            members[name_of(parents[n])].append(n)
        for name in sorted(members):
            found = of(members[name])
            if found is not None:
                groups.append(Group(by, name, len(members[name]), found))
    return Level(improvement_percent=percent, all=whole, groups=tuple(groups))


def _cost(one: Analysis | None) -> int | None:
    return one.shortfall.ppb if one is not None and one.shortfall is not None else None


def _improved_cost(one: Analysis | None, percent: int) -> int | None:
    if one is None or not percent:
        return _cost(one)
    return _cost(analysis_of(improved(one.parent, percent)))


def _local(at_ns: int) -> datetime:
    return datetime.fromtimestamp(at_ns // NANO, NEW_YORK)


def _side(parent: Parent) -> str:
    return "buy" if parent.sign > 0 else "sell"


def _spread(parent: Parent) -> str:
    """Ticks of a cent between bid and ask at arrival."""
    arrival = parent.marks.arrival
    if arrival is None or not arrival.is_two_sided:
        return "unknown"
    wide = (arrival.ask_px - arrival.bid_px) // TICK_PX
    return "1 tick" if wide <= 1 else "2-3 ticks" if wide <= 3 else "over 3 ticks"


def _band(parent: Parent) -> str:
    px = parent.paper_px or 0
    return "under 20" if px < 20 * NANO else "20 to 100" if px < 100 * NANO else "100 and over"


def _time(parent: Parent) -> str:
    at = _local(parent.arrival_ns)
    minute = at.hour * 60 + at.minute
    return "to 10:00" if minute < OPEN_MINUTE else "to 15:00" if minute < LATE_MINUTE else "late"


GROUPS: tuple[tuple[str, Callable[[Parent], str]], ...] = (
    ("symbol", lambda parent: parent.symbol),
    ("side", _side),
    ("spread", _spread),
    ("price", _band),
    ("time", _time),
)
"""How the plans are cut: name of the cut, and the part that a plan belongs to."""
