"""One stream of plans on one market, once on the legacy path and once on the smart one.

What: `synthetic_stream` and `recorded_stream` choose market, window and plans; `play_path` plays
all of them on one path in virtual time and has the auditor judge the venue's log.
Why: two ways of executing can only be compared on the same plans, at the same instants, against the
same market.
Invariants: one (seed, tape) is one stream and one result; the runs share nothing but the stream.
Must never: give one path a plan, a limit or a piece of market that the other one does not get.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import numpy as np

from surefill.core.plan import SECOND_NS
from surefill.core.risk import Limits
from surefill.core.session import Calendar, Session
from surefill.core.state import Denial
from surefill.core.trade import Trade
from surefill.core.units import NANO
from surefill.core.values import replace
from surefill.replay.evidence import rows_of
from surefill.replay.harness import Arrival, VirtualConfig, VirtualRun
from surefill.replay.plan_rows import LeftOut, PlanCode
from surefill.replay.plan_source import PlanSource
from surefill.replay.skipping import SkippingMarket
from surefill.sim.auditor import AuditReport, audit
from surefill.sim.calendar import session_on, us_equity_calendar
from surefill.sim.columns import ColumnMarket, TapeColumns, columns_of_rows, only_evidence
from surefill.sim.market import MergedMarket, TapeError, TapeErrorCode
from surefill.sim.models import FeeModel
from surefill.sim.profiles import MID, TIGHT, WIDE
from surefill.sim.quality import Quality
from surefill.sim.switches import Switches
from surefill.sim.synthetic import SyntheticTape
from surefill.sim.tape import OnBadFile, TapeDay, list_tapes, open_tape
from surefill.sim.workload import Draw, Mix, sample_plans

SYNTHETIC_DATE = 20260302
"""A Monday with a full session."""
SYNTHETIC_SYMBOLS = (("TIGHT", TIGHT), ("MID", MID), ("WIDE", WIDE))
SYMBOLS_MAX = 3
"""Symbols of a recorded day that are played: enough to see, few enough to wait for."""

WARM_UP_NS = 60 * SECOND_NS
"""From the first quote to the first plan."""
WINDOW_NS_MAX = 60 * 60 * SECOND_NS
EVENTS_MAX = 80_000
PLANS_MAX = 120
FILL_MODEL = "queue"
"""The exchange's default model."""
MODELS = {
    "queue": Switches(),
    "last": Switches(queue_place="last"),
    "first": Switches(queue_place="first"),
    "paper": Switches(fill_model="paper"),
    "touch": Switches(fill_model="touch"),
}
"""How the exchange fills resting orders; ``last`` and ``first`` are the bounds of ``queue``."""
LEADS_NS = (10 * SECOND_NS, SECOND_NS)
REST_NS = 240 * SECOND_NS
"""After the last plan: budget, holding time and the way out."""
CUTOFF_NS = 900 * SECOND_NS
"""No plan in the last quarter of an hour: the gate would refuse it on both paths."""

MIX = Mix(
    spacing_s=120,
    displayed_percent=(10, 20, 50, 100, 150),
    short_percent=40,
    marketable_percent=25,
    level_percent=30,
    poor_percent=6,
    stale_s=(0, 0, 1, 1, 2, 5),
    risk_ticks=(4, 15),
    risk_ppm=(1000, 3000),
    budget_s=(10, 25),
    hold_s=(85, 100),
    prefix="demo-",
)
"""Plans like an intraday strategy's: exits 10 to 30 bps away, signals up to five seconds old."""

LIMITS = Limits(
    order_qty_max=10_000_000 * NANO,
    order_notional_max_usd=100_000_000 * NANO,
    total_notional_max_usd=1_000_000_000 * NANO,
    daily_loss_max_usd=1_000_000_000 * NANO,
)
"""Out of the way on both paths: the comparison is about execution, not about limits."""


OnBad = Callable[[TapeDay, TapeError], None]
"""Is told of a recorded day that cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """How much of a day is played: plans, time (ns) and quotes and prints, at most."""

    plans_max: int
    window_ns_max: int
    events_max: int


def demo_scope() -> Scope:
    """As much as somebody waits for: about eight seconds of one core a path."""
    return Scope(plans_max=PLANS_MAX, window_ns_max=WINDOW_NS_MAX, events_max=EVENTS_MAX)


@dataclass(frozen=True, slots=True)
class Stream:
    """One market and the plans for it. ``window``: UTC ns of the first and after the last plan."""

    title: str
    tapes: tuple[TapeColumns, ...]
    calendar: Calendar
    session: Session
    window: tuple[int, int]
    draws: tuple[Draw, ...]
    until_ns: int | None = None
    """The run ends here, UTC ns; ``None``: `REST_NS` after the window."""
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()
    """What was left out of the plans, by name, and what was assumed about them."""
    quality: tuple[Quality, ...] = ()
    """Of each recorded tape."""


@dataclass(frozen=True, slots=True)
class PathResult:
    """What became of the stream on one path. ``lines``: the venue's own log, ``ended``: what the
    executor says, by plan id, ``fee_usd``: what the venue charged, 1e-9 USD a share."""

    is_legacy: bool
    lines: list[dict[str, object]]
    ended: dict[str, Trade | Denial]
    report: AuditReport
    fee_usd: int = 0

    @property
    def path(self) -> str:
        """``legacy`` or ``smart``, as the auditor says it."""
        return "legacy" if self.is_legacy else "smart"


def synthetic_stream(seed: int, scope: Scope | None = None) -> Stream:
    """Three invented stocks on an invented morning, made from ``seed``."""
    scope = scope or demo_scope()
    session = session_on(SYNTHETIC_DATE)
    end_ns = session.open_ns + WARM_UP_NS + scope.window_ns_max + REST_NS
    tapes = []
    for symbol, profile in SYNTHETIC_SYMBOLS:
        rows = SyntheticTape(seed, symbol, session, profile=profile).rows()
        early = takewhile(lambda row: row[0] < end_ns, rows)
        tapes.append(columns_of_rows(symbol, early))
    title = f"synthetic market, seed {seed}"
    return _stream(title, tuple(tapes), (session, scope), seed=seed)


def recorded_stream(
    path: Path, seed: int, *, on_bad: OnBad | None = None, on_bad_file: OnBadFile | None = None
) -> Stream:
    """The first recorded day at ``path``, at most `SYMBOLS_MAX` symbols. Raises `TapeError`; with
    ``on_bad`` and ``on_bad_file`` as in `recorded_streams`."""
    scope = demo_scope()
    for date, days in sorted(days_at([path], on_bad=on_bad_file).items()):
        some = days[:SYMBOLS_MAX]
        for stream in _opened(date, some, scope, seed=seed, source=None, on_bad=on_bad):
            return stream
    raise TapeError(TapeErrorCode.TAPE_NOT_FOUND, "no tape can be used of", str(path))


def recorded_streams(
    paths: Iterable[Path],
    seed: int,
    scope: Scope,
    *,
    source: PlanSource | None = None,
    together: bool = True,
    on_bad: OnBad | None = None,
    on_bad_file: OnBadFile | None = None,
) -> Iterator[Stream]:
    """Every recorded day at ``paths``, with a ``source`` of plans those that it has plans for.

    All symbols of a day at once, in one account, or (not ``together``) one symbol-day after the
    other, of which this holds no second one. With ``on_bad`` a day that cannot be used is told and
    left out, and a suspect one is played; without it both raise `TapeError`. ``on_bad_file``: the
    same for files of which nobody knows what days they hold.
    """
    parts = {} if source is None else source.by_place()
    every = days_at(paths, on_bad=on_bad_file)
    known = set(wanted_days([day for days in every.values() for day in days], source))
    for date, days in sorted(every.items()):
        wanted = [day for day in days if day in known]
        for some in [wanted] if together and wanted else [[day] for day in wanted]:
            # A run and its market know each other: without this they outlive their day.
            gc.collect()
            own = parts.get((date, some[0].symbol), source) if len(some) == 1 else source
            yield from _opened(date, some, scope, seed=seed, source=own, on_bad=on_bad)


def _opened(
    date: int,
    days: Sequence[TapeDay],
    scope: Scope,
    *,
    seed: int,
    source: PlanSource | None,
    on_bad: OnBad | None,
) -> Iterator[Stream]:
    """The stream of these days; where that is allowed without those that cannot be used, which are
    told, or nothing."""
    usable = list(days)
    while usable:
        try:
            yield _recorded(
                date, usable, scope, seed=seed, source=source, allow_suspect=on_bad is not None
            )
            return
        except TapeError as error:
            if on_bad is None:
                raise
            bad = [day for day in usable if day.symbol == error.tape] or usable
            for day in bad:
                on_bad(day, error)
            usable = [day for day in usable if day not in bad]


def stream_of_day(
    day: TapeDay,
    seed: int,
    scope: Scope,
    *,
    source: PlanSource | None = None,
    allow_suspect: bool = False,
) -> Stream:
    """One symbol-day alone, as a sweep plays it. Raises `TapeError`."""
    return _recorded(day.date, [day], scope, seed=seed, source=source, allow_suspect=allow_suspect)


def wanted_days(days: Iterable[TapeDay], source: PlanSource | None) -> list[TapeDay]:
    """The days that there are plans for."""
    places = None if source is None else source.places
    return [day for day in days if places is None or (day.date, day.symbol) in places]


def days_at(paths: Iterable[Path], *, on_bad: OnBadFile | None = None) -> dict[int, list[TapeDay]]:
    """Date (yyyymmdd) -> its symbols, in order. Raises `TapeError` where there is no tape, and for
    a file that cannot be used, unless it is told to ``on_bad``."""
    found: dict[int, list[TapeDay]] = {}
    for path in paths:
        days = list_tapes(path, on_bad=on_bad)
        if not days:
            raise TapeError(TapeErrorCode.TAPE_NOT_FOUND, "there is no tape in", str(path))
        for day in sorted(days, key=lambda day: day.symbol):
            found.setdefault(day.date, []).append(day)
    return found


def _recorded(
    date: int,
    days: Sequence[TapeDay],
    scope: Scope,
    *,
    seed: int,
    source: PlanSource | None = None,
    allow_suspect: bool = False,
) -> Stream:
    session = session_on(date)
    tapes, found = [], []
    for day in days:
        tape, quality = checked_tape(day, session, allow_suspect=allow_suspect)
        tapes.append(tape)
        found.append(quality)
    title = f"recorded market of {date}"
    if source is not None:
        stream = _sourced(title, tuple(tapes), session, source=source)
    else:
        stream = _stream(title, tuple(tapes), (session, scope), seed=seed)
    return without_gaps(replace(stream, quality=tuple(found)))


def checked_tape(
    day: TapeDay, session: Session, *, allow_suspect: bool = False
) -> tuple[TapeColumns, Quality]:
    """The regular hours of a day without the prints that prove nothing, and what they are worth.
    Raises `TapeError`, for a suspect tape as well unless it is allowed."""
    try:
        tape = open_tape(day, start_ns=session.open_ns, end_ns=session.close_ns)
        quality = tape.quality(session)
        if not allow_suspect:
            quality.check()
    except TapeError as error:
        error.tape = day.symbol
        raise
    return only_evidence(tape.columns()), quality


def without_gaps(stream: Stream) -> Stream:
    """The stream without plans that arrive in a gap of their tape: the quote that they would meet
    is not the market's."""
    gaps = {quality.report.symbol: quality.gaps for quality in stream.quality}
    kept, left_out = [], []
    for draw in stream.draws:
        plan = draw.plan
        if any(gap.holds(draw.at_ns) for gap in gaps.get(plan.symbol, ())):
            sentence = f"the tape of {plan.symbol} has a gap then"
            where, code = f"plan {plan.plan_id}", PlanCode.PLAN_IN_GAP
            left_out.append(LeftOut(where, code, "at", str(draw.at_ns), sentence))
        else:
            kept.append(draw)
    return replace(stream, draws=tuple(kept), left_out=(*stream.left_out, *left_out))


def _sourced(
    title: str, tapes: tuple[TapeColumns, ...], session: Session, *, source: PlanSource
) -> Stream:
    """The plans of a source, however many and whenever; it lasts until the last one has ended."""
    given = source.given(tapes, session)
    times = [draw.at_ns for draw in given.draws] or [session.open_ns]
    ends = [draw.plan.exit_at_ns or session.close_ns for draw in given.draws]
    return Stream(
        f"{title}: {', '.join(tape.symbol for tape in tapes)}",
        tapes,
        us_equity_calendar(session.date, session.date),
        session,
        (min(times), max(times) + 1),
        given.draws,
        until_ns=min(session.close_ns, max(ends, default=session.close_ns) + REST_NS),
        left_out=given.left_out,
        notes=given.notes,
    )


def _stream(
    title: str, played: tuple[TapeColumns, ...], when: tuple[Session, Scope], *, seed: int
) -> Stream:
    session, scope = when
    tapes = tuple(tape for tape in played if len(tape.quote_ns))
    if not tapes:
        symbols = ", ".join(tape.symbol for tape in played)
        raise TapeError(TapeErrorCode.TAPE_NO_ROWS, "no quote in regular hours on", symbols)
    window = _window(tapes, session, scope)
    wanted = len(tapes) * (window[1] - window[0]) // scope.plans_max
    spacing_s = max(MIX.spacing_s, -(-wanted // SECOND_NS))
    draws = sample_plans(tapes, replace(MIX, spacing_s=spacing_s), seed=seed, window=window)
    symbols = ", ".join(tape.symbol for tape in tapes)
    if not draws:
        raise TapeError(TapeErrorCode.TAPE_NO_ROWS, "no plan fits on the tape of", symbols)
    calendar = us_equity_calendar(session.date, session.date)
    return Stream(f"{title}: {symbols}", tapes, calendar, session, window, draws)


def _window(tapes: tuple[TapeColumns, ...], session: Session, scope: Scope) -> tuple[int, int]:
    """From a minute after all symbols are quoted, until the scope or the day ends."""
    first_ns = max(int(tape.quote_ns[0]) for tape in tapes)
    start_ns = max(session.open_ns, first_ns) + WARM_UP_NS
    last_ns = max(int(tape.quote_ns[-1]) for tape in tapes)
    end_ns = min(start_ns + scope.window_ns_max, last_ns - REST_NS, session.close_ns - CUTOFF_NS)
    times = np.sort(
        np.concatenate([column for tape in tapes for column in (tape.quote_ns, tape.print_ns)])
    )
    enough = int(np.searchsorted(times, start_ns, side="right")) + scope.events_max
    if enough < len(times):
        end_ns = min(end_ns, int(times[enough]))
    return start_ns, end_ns


def play_path(
    stream: Stream,
    *,
    seed: int,
    is_legacy: bool,
    tactic: str | None = None,
    model: str = FILL_MODEL,
    beside: bool = False,
    fee_usd: int = 0,
    skips: bool = True,
    on_progress: Callable[[int], None] | None = None,
) -> PathResult:
    """Play every plan of the stream on this path, then let the auditor read the venue's log.

    ``tactic``: of every plan, instead of its own; ``model``: how the exchange fills resting orders
    (docs/assumptions.md). ``beside``: exits may rest beside a working entry (the setting
    SUREFILL_WASH_EXEMPTS). ``fee_usd``: of every executed share (1e-9 USD). ``skips``: pass over
    time in which nobody looks; the outcomes are the same. ``on_progress`` is told how many plans
    have ended.
    """
    market = (
        SkippingMarket(stream.tapes)
        if skips
        else MergedMarket([ColumnMarket(tape) for tape in stream.tapes])
    )
    run = VirtualRun(
        market,
        stream.calendar,
        start_ns=stream.session.open_ns - 5 * SECOND_NS,
        config=VirtualConfig(
            seed=seed,
            limits=LIMITS,
            switches=MODELS[model],
            exits_beside_entry=beside,
            fees=FeeModel(fee_usd),
        ),
    )
    run.start()
    # Two turns: the first sees the symbols, the second has read their instruments.
    for lead_ns in LEADS_NS:
        run.run_until(stream.window[0] - lead_ns)
    arrivals = [
        Arrival(
            draw.at_ns,
            draw.plan if tactic is None else replace(draw.plan, tactic=tactic),
            is_legacy,
        )
        for draw in stream.draws
    ]
    until_ns = stream.window[1] + REST_NS if stream.until_ns is None else stream.until_ns
    run.play(arrivals, until_ns=until_ns, on_progress=on_progress)
    ended = dict(run.finished)
    for trade in run.engine.book.open.values():
        ended.setdefault(trade.trade_id, trade)  # still open: the auditor will say so
    at_ns = {draw.plan.plan_id: draw.at_ns for draw in stream.draws}
    rows = [
        rows_of(found, run.config.policy, accepted_ns=at_ns[plan_id])
        for plan_id, found in ended.items()
    ]
    report = audit([plan for plan, _ in rows], run.log.lines, [claim for _, claim in rows])
    return PathResult(is_legacy, run.log.lines, ended, report, fee_usd)
