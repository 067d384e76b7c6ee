"""Whether stops that follow the market followed it, and only it: the venue's log against the tape.

What: `stop_faults`. A stop nearer than the fills put it must have been earned by a price that the
tape quoted since the entry, or asked for by a hand; a replacement never gives way; and in a calm
run a stop that was earned for long enough rests at the venue.
Why beside the auditor: it knows no tape. Anchoring and pace are judged there.
Invariants: the arithmetic of the rules is written here a second time, from their words.
Must never: take the executor's word for where a stop rested.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from surefill.core.management import Distance
from surefill.core.plan import TradePlan
from surefill.replay.evidence import Row
from surefill.replay.simulate.play import Played
from surefill.replay.simulate.tape import path_of
from surefill.sim.auditor import Violation
from surefill.sim.auditor_log import owner_of
from surefill.sim.auditor_terms import UNIT, PlanTerms, px_text, read_plan, tick_for
from surefill.sim.faults import NS_PER_MS

Line = Mapping[str, object]
GAP_MS = 20_000
"""Between two moves, for each exit group of the trade."""
REQUEST_MS = 10_000
"""A level that the market kept for the gap, and for as long, must have become a stop: the next
quote may be 6 s away, and a request takes its time."""
_EXECUTED = frozenset({"fill", "partial_fill"})
_UNDONE = frozenset({"trade_bust", "trade_correct"})


@dataclass(slots=True)
class _Story:
    """One plan in the venue's log. ``stops``: (ns, order id, price, what it replaces)."""

    terms: PlanTerms
    plan: TradePlan
    qty: int = 0
    cost: int = 0
    filled_ns: tuple[int, ...] = ()
    anchors: set[int] = field(default_factory=set)
    stops: list[tuple[int, str, int, str | None]] = field(default_factory=list)
    out_ns: int | None = None
    is_changed: bool = False
    """An execution was taken back or corrected: the average is not what it was."""


def stop_faults(played: Played, rows: Sequence[Row]) -> Iterator[Violation]:
    """Every stop that was not where the plan's rules, a hand and the tape allow it to be."""
    plans = {one.plan.plan_id: one.plan for one in played.scenario.plans}
    terms = {str(row["plan_id"]): read_plan(row) for row in rows if row.get("may_tighten") is True}
    stories = {name: _Story(one, plans[name]) for name, one in terms.items() if name in plans}
    if not stories:
        return
    _read(played.run.log.lines, stories)
    for name, story in stories.items():
        if story.is_changed or not story.filled_ns or not story.terms.is_smart:
            continue
        for at_ns, sentence in (*_given_way(story), *_unearned(story, played, name)):
            yield Violation("I22", name, at_ns, sentence)
        if played.scenario.is_calm and name not in played.by_hand:
            yield from (Violation("I22", name, at, text) for at, text in _missed(story, played))


def _read(lines: Sequence[Line], stories: Mapping[str, _Story]) -> None:
    owners: dict[object, str] = {}
    for line in lines:
        order_id = line["order_id"]
        named = owner_of(str(line["cl_ord_id"] or ""))
        kin = (order_id, line["replaces"], line["parent_id"])
        name = next((owners[one] for one in kin if one in owners), None)
        name = name if named is None else named[0]
        if not order_id or name is None:
            continue
        owners[order_id] = name
        story = stories.get(name)
        if story is not None:
            _take(story, line)


def _take(story: _Story, line: Line) -> None:
    kind, at_ns, leg = str(line["kind"]), _int(line, "venue_ns"), line["leg"]
    story.is_changed |= kind in _UNDONE
    if kind in _EXECUTED and line["side"] == ("BUY" if story.terms.sign > 0 else "SELL"):
        story.qty += _int(line, "qty")
        story.cost += _int(line, "qty") * _int(line, "px")
        story.filled_ns += (at_ns,)
        story.anchors.add(story.terms.exits(story.cost, story.qty)[0])
    elif kind in _EXECUTED:
        story.out_ns = story.out_ns or at_ns
    stop_px, order_id = line.get("stop_px"), str(line["order_id"])
    is_new = leg == "STOP" and all(order_id != one for _, one, _, _ in story.stops)
    if is_new and isinstance(stop_px, int):
        replaces = line["replaces"]
        story.stops.append((at_ns, order_id, stop_px, str(replaces) if replaces else None))


def _given_way(story: _Story) -> Iterator[tuple[int, str]]:
    """A replacement that is looser than a stop that was nearer than any anchor. Legs that travel
    with the entry are not anchored yet."""
    sign = story.terms.sign
    after = [stop for stop in story.stops if stop[0] > story.filled_ns[-1]]
    px_of = {order_id: px for _, order_id, px, _ in after}
    for at_ns, _, px, replaces in after:
        old_px = px_of.get(replaces or "")
        if old_px is None or not _is_nearer(story, old_px):
            continue
        if sign * (px - old_px) < 0:
            yield at_ns, f"a stop that was earned gave way: {px_text(old_px)} to {px_text(px)}"


def _is_nearer(story: _Story, px: int) -> bool:
    return all(story.terms.sign * (px - anchor) > 0 for anchor in story.anchors)


def _unearned(story: _Story, played: Played, name: str) -> Iterator[tuple[int, str]]:
    if name in played.by_hand:
        return
    sign = story.terms.sign
    for at_ns, _, px, _ in story.stops:
        if not _is_nearer(story, px) or at_ns < story.filled_ns[-1]:
            continue
        seen = [near for ns, near in _touches(story, played) if ns <= at_ns]
        best_px = max(seen) if sign > 0 else min(seen)
        limit_px = _earned_px(story, best_px)
        if limit_px is None or sign * (px - limit_px) > 0:
            limit = "none" if limit_px is None else px_text(limit_px)
            yield at_ns, f"a stop at {px_text(px)} was not earned; the tape gave {limit}"


def _missed(story: _Story, played: Played) -> Iterator[tuple[int, str]]:
    """A level that every quote gave for long enough, and no stop there by then."""
    groups = sum(replaces is None for _, _, _, replaces in story.stops)
    sign, window_ns = story.terms.sign, (GAP_MS * max(1, groups) + REQUEST_MS) * NS_PER_MS
    recent: list[tuple[int, int | None]] = []
    for ns, near in _touches(story, played):
        if story.out_ns is not None and ns > story.out_ns:
            return
        if ns < story.filled_ns[-1]:
            continue
        recent.append((ns, _earned_px(story, near)))
        whole = [one for one in recent if one[0] > ns - window_ns]
        is_whole = len(whole) < len(recent)
        recent = recent[-len(whole) - 1 :]
        levels = [px for _, px in recent if px is not None]
        if not is_whole or len(levels) < len(recent):
            continue
        level_px = min(levels) if sign > 0 else max(levels)
        stops = [px for at_ns, _, px, _ in story.stops if at_ns <= ns]
        if _is_nearer(story, level_px) and all(sign * (px - level_px) < 0 for px in stops):
            yield ns, f"{px_text(level_px)} was earned since long, and no stop rests there"
            return


def _touches(story: _Story, played: Played) -> Iterator[tuple[int, int]]:
    """(ns, price at which the position could be closed), from the quote of the first fill on."""
    scenario, first_ns = played.scenario, story.filled_ns[0]
    symbol = next(one for one in scenario.symbols if one.name == story.plan.symbol)
    before: tuple[int, int] | None = None
    for at_ms, bid_px, ask_px, _ in path_of(symbol, scenario.seed, scenario.storm_ms):
        now = (scenario.at_ns(at_ms), bid_px if story.terms.sign > 0 else ask_px)
        if now[0] > first_ns and before is not None:
            yield before
            before = None
        if now[0] > first_ns:
            yield now
        else:
            before = now


def _earned_px(story: _Story, best_px: int) -> int | None:
    """The nearest stop that the rules give when the best price since the entry was this."""
    manage, sign = story.plan.manage, story.terms.sign
    levels = []
    if manage.break_even_at is not None and _is_reached(story, manage.break_even_at, best_px):
        levels.append(_rounded(story, story.cost, story.qty))
    begin = manage.trail_from
    if manage.trail is not None and (begin is None or _is_reached(story, begin, best_px)):
        away, of = _away(story, manage.trail)
        levels.append(_rounded(story, best_px * of - sign * away, of))
    return (max(levels) if sign > 0 else min(levels)) if levels else None


def _is_reached(story: _Story, distance: Distance, px: int) -> bool:
    away, of = _away(story, distance)
    gain, qty = story.terms.sign * (px * story.qty - story.cost), story.qty
    return gain * of >= away * qty


def _away(story: _Story, distance: Distance) -> tuple[int, int]:
    """A distance a share as a fraction, 1e-9 USD."""
    if distance.px is not None:
        return distance.px, 1
    stop_px, _ = story.terms.exits(story.cost, story.qty)
    risk = story.terms.sign * (story.cost - stop_px * story.qty)
    return (distance.r_ppb or 0) * risk, UNIT * story.qty


def _rounded(story: _Story, numerator: int, denominator: int) -> int:
    """To the tick, toward less risk."""
    ticks = story.terms.ticks
    tick = tick_for(ticks, numerator // denominator)
    down = numerator // (denominator * tick) * tick
    is_exact = down * denominator == numerator
    return down if story.terms.sign < 0 or is_exact else down + tick


def _int(line: Line, name: str) -> int:
    value = line[name]
    assert isinstance(value, int)
    return value
