"""Which settings would have been chosen, and what they then cost on the days after.

What: `grid` and `drawn` make choices (tactic and plan settings), `tasks_of` one task a choice and
symbol-day, `play_task` plays one in a process of its own, `walk_forward` chooses on the days before
each day and reports that day.
Why: the best of many settings on the days that they were chosen on is luck; so those days are never
shown (`Fold` has no field for them).
Invariants: one (seed, tape, choice) is one result wherever it is played, so any executor of the
standard interface gives the same table; one symbol-day is in memory at a time; a choice with a
violation of the auditor's is never chosen.
Must never: choose with a day that is reported, or leave out what failed.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, as_completed
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from random import Random

from surefill.core.plan import TradePlan
from surefill.core.values import replace
from surefill.replay.comparison import Scope, Stream, stream_of_day, synthetic_stream
from surefill.replay.paths import LEGACY, play_paths
from surefill.replay.plan_rows import LeftOut
from surefill.replay.plan_source import PlanSource, left_out_tape
from surefill.sim.market import TapeError
from surefill.sim.tape import TapeDay

SYNTHETIC = "synthetic"
TENTH = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Choice:
    """A path and what it changes of every plan: (policy field, value) pairs."""

    path: str
    overrides: tuple[tuple[str, int], ...] = ()

    @property
    def name(self) -> str:
        """For people and for tables; unique among choices."""
        words = [f"{field}={value}" for field, value in self.overrides]
        return " ".join([self.path, *words])

    def of(self, plan: TradePlan) -> TradePlan:
        """The plan under this choice; its own overrides stay where the choice says nothing."""
        merged = {**dict(plan.overrides), **dict(self.overrides)}
        return replace(plan, overrides=tuple(merged.items()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One choice on one symbol-day. ``day``: where it is recorded, ``None`` for a synthetic one."""

    choice: Choice
    symbol: str
    date: int
    day: TapeDay | None
    model: str
    seed: int
    scope: Scope
    source: PlanSource | None = None
    """Whose plans; ``None``: drawn by the seed."""
    allow_bad: bool = False
    """Play a suspect tape, and leave out one that cannot be used, instead of ending the sweep."""
    beside: bool = False
    """Exits may rest beside a working entry."""
    fee_usd: int = 0
    """Of every executed share, 1e-9 USD."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What a task cost. ``cost_bps``: mean over all plans of the day, missed and denied ones at the
    far side of the market; ``None`` where no plan can be charged. ``broken``: violations."""

    choice: str
    symbol: str
    date: int
    plans: int
    entered: int
    cost_bps: Decimal | None
    broken: tuple[str, ...]
    left_out: tuple[LeftOut, ...] = ()
    tapes: tuple[str, ...] = ()
    """What was left out, and what the tape holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """One day, and what had been chosen on the days before it. Costs in bps, means over plans."""

    date: int
    chosen: str
    plans: int
    entered: int
    cost_bps: Decimal | None
    others: tuple[tuple[str, Decimal | None], ...]
    """Every choice's cost on this day, for who wants to see what was not chosen."""


def grid(paths: Sequence[str], values: Mapping[str, Sequence[int]]) -> list[Choice]:
    """Every combination. The legacy path has no settings: it is there once."""
    names = sorted(values)
    found = []
    for path in paths:
        if path == LEGACY:
            found.append(Choice(LEGACY))
            continue
        for combination in product(*(values[name] for name in names)):
            found.append(Choice(path, tuple(zip(names, combination, strict=True))))
    return found


def drawn(choices: Sequence[Choice], count: int, seed: int) -> list[Choice]:
    """So many of them at random, in their order; all when there are no more."""
    if count >= len(choices):
        return list(choices)
    kept = set(Random(seed).sample(range(len(choices)), count))
    return [choice for n, choice in enumerate(choices) if n in kept]


def tasks_of(
    choices: Sequence[Choice],
    days: Iterable[TapeDay],
    *,
    model: str,
    seed: int,
    scope: Scope,
    source: PlanSource | None = None,
    allow_bad: bool = False,
) -> list[Task]:
    """One task a choice and symbol-day, in an order that does not depend on who plays them."""
    parts = {} if source is None else source.by_place()
    return [
        Task(
            choice=choice,
            symbol=day.symbol,
            date=day.date,
            day=day,
            model=model,
            seed=seed,
            scope=scope,
            source=parts.get((day.date, day.symbol), source),
            allow_bad=allow_bad,
        )
        for day in sorted(days, key=lambda day: (day.date, day.symbol))
        for choice in choices
    ]


def synthetic_tasks(
    choices: Sequence[Choice], count: int, *, model: str, seed: int, scope: Scope
) -> list[Task]:
    """The same on ``count`` invented mornings; the date is the number of the seed."""
    return [
        Task(
            choice=choice,
            symbol=SYNTHETIC,
            date=seed + n,
            day=None,
            model=model,
            seed=seed + n,
            scope=scope,
        )
        for n in range(count)
        for choice in choices
    ]


def play_task(task: Task) -> Cell:
    """Play one. Raises `TapeError` for a tape that cannot be used, unless that is allowed."""
    gc.collect()  # a run and its market know each other: the last task's would outlive it
    try:
        stream = _stream_of(task)
    except TapeError as error:
        if not task.allow_bad:
            raise
        return _empty(task, (left_out_tape(task.symbol, task.date, error),))
    tapes = tuple(one.sentence() for one in stream.quality)
    if not stream.draws:
        return _empty(task, stream.left_out, tapes)
    draws = tuple(replace(draw, plan=task.choice.of(draw.plan)) for draw in stream.draws)
    played = next(
        play_paths(
            replace(stream, draws=draws),
            (task.choice.path,),
            seed=task.seed,
            model=task.model,
            beside=task.beside,
            fee_usd=task.fee_usd,
        )
    )
    return Cell(
        choice=task.choice.name,
        symbol=task.symbol,
        date=task.date,
        plans=played.measures.plans,
        entered=played.measures.entered,
        cost_bps=played.measures.all_in_bps,
        broken=tuple(str(one) for one in played.violations),
        left_out=stream.left_out,
        tapes=tapes,
    )


def _empty(task: Task, left_out: tuple[LeftOut, ...], tapes: tuple[str, ...] = ()) -> Cell:
    """A day on which nothing could be played."""
    return Cell(
        choice=task.choice.name,
        symbol=task.symbol,
        date=task.date,
        plans=0,
        entered=0,
        cost_bps=None,
        broken=(),
        left_out=left_out,
        tapes=tapes,
    )


def _stream_of(task: Task) -> Stream:
    if task.day is None:
        return synthetic_stream(task.seed, task.scope)
    return stream_of_day(
        task.day,
        task.seed,
        task.scope,
        source=task.source,
        allow_suspect=task.allow_bad,
    )


def play_tasks(tasks: Sequence[Task], executor: Executor) -> Iterator[tuple[int, Cell]]:
    """(number of the task, its result) as they come. A task's error ends the sweep."""
    waiting: dict[Future[Cell], int] = {
        executor.submit(play_task, task): n for n, task in enumerate(tasks)
    }
    for future in as_completed(waiting):
        yield waiting[future], future.result()


def walk_forward(cells: Sequence[Cell], *, default: str) -> list[Fold]:
    """For each day but the first: the cheapest choice of all days before it, and what that cost
    then. ``default`` is taken while no choice is cheaper, or none is sound."""
    dates = sorted({cell.date for cell in cells})
    folds = []
    for n, date in enumerate(dates[1:], 1):
        before = [cell for cell in cells if cell.date in dates[:n]]
        chosen = _cheapest(before, default)
        today = [cell for cell in cells if cell.date == date]
        own = [cell for cell in today if cell.choice == chosen]
        names = list(dict.fromkeys(cell.choice for cell in today))
        folds.append(
            Fold(
                date=date,
                chosen=chosen,
                plans=sum(cell.plans for cell in own),
                entered=sum(cell.entered for cell in own),
                cost_bps=cost_of(own),
                others=tuple(
                    (name, cost_of([cell for cell in today if cell.choice == name]))
                    for name in names
                ),
            )
        )
    return folds


def cost_of(cells: Iterable[Cell]) -> Decimal | None:
    """Mean over plans, in bps."""
    known = [(cell.cost_bps, cell.plans) for cell in cells if cell.cost_bps is not None]
    plans = sum(count for _, count in known)
    if not plans:
        return None
    return (sum((cost * count for cost, count in known), Decimal(0)) / plans).quantize(TENTH)


def _cheapest(cells: Sequence[Cell], default: str) -> str:
    """The name of the cheapest sound choice; of two alike the one that stands first."""
    best, least = default, None
    for name in dict.fromkeys(cell.choice for cell in cells):
        own = [cell for cell in cells if cell.choice == name]
        cost = cost_of(own)
        if cost is None or any(cell.broken for cell in own):
            continue
        if least is None or cost < least:
            best, least = name, cost
    return best
