"""``surefill sweep``: many settings on many symbol-days, judged on days they were not chosen on.

What: every combination of ``--path``, ``--slippage`` and ``--budget`` (or ``--random`` of them) on
every recorded day, on all cores or on a Dask cluster (``--scheduler``), with a bar; then, day by
day, what the cheapest choice of the days before cost on that day.
Invariants: results do not depend on how many processes play, or where; exit code 4 when the
auditor found a violation anywhere.
Must never: print what a choice cost on the days that it was chosen on.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from multiprocessing import get_context
from pathlib import Path

from surefill.cli.demo_bar import DemoBar
from surefill.cli.exits import Exit
from surefill.cli.output import Block, Table, emit, say, show
from surefill.cli.plan_choice import (
    ChoiceError,
    account_text,
    add_account,
    add_plan_choice,
    chosen,
    count,
    count_of,
    fee_of,
    tell_left_out,
)
from surefill.core.plan import POLICY_BOUNDS, SECOND_NS
from surefill.core.units import NANO
from surefill.core.values import replace
from surefill.replay.comparison import FILL_MODEL, MODELS, Scope, days_at, wanted_days
from surefill.replay.paths import LEGACY, PATHS, SMART
from surefill.replay.plan_rows import LeftOut
from surefill.replay.plan_source import PlanSource, left_out_file, without_tape
from surefill.replay.sweep import (
    Cell,
    Fold,
    Task,
    cost_of,
    drawn,
    grid,
    play_tasks,
    synthetic_tasks,
    tasks_of,
    walk_forward,
)
from surefill.sim.market import TapeError

SEED, PLANS, MINUTES, MORNINGS = 7, 60, 30, 4
EVENTS_MAX = 20_000_000
VERB = "sweep"
TAPES_MAX = 8
"""So many tapes are shown with what they hold; of more only the suspect ones."""
RETRIES = 3
"""A worker that dies is no result: its tasks are played again elsewhere."""
HEAD = ("day", "plans", "entered", "ALL", "chosen on the days before")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``surefill sweep``."""
    parser.add_argument("tapes", metavar="TAPE", nargs="*", type=Path, help="files or folders")
    parser.add_argument(
        "--path", metavar="NAME", action="append", choices=PATHS, help=f"of {', '.join(PATHS)}"
    )
    parser.add_argument(
        "--slippage",
        metavar="LIST",
        type=_ratios,
        default=(),
        help="worst entry against the signal: 0.0005,0.001",
    )
    parser.add_argument(
        "--budget", metavar="LIST", type=_seconds, default=(), help="seconds to get in: 20,60"
    )
    parser.add_argument("--random", metavar="N", type=count, help="only N of the combinations")
    parser.add_argument(
        "--model", choices=tuple(MODELS), default=FILL_MODEL, help="how resting orders fill"
    )
    parser.add_argument("--seed", type=int, default=SEED, help="of the plans")
    add_plan_choice(parser, plans=PLANS, has_budget=False)
    add_account(parser)
    parser.add_argument(
        "--minutes",
        metavar="M",
        type=count,
        help=f"of each day (default: {MINUTES} when drawn, the whole day when sampled)",
    )
    parser.add_argument("--workers", metavar="N", type=count, help="processes (default: cores)")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="a Dask scheduler instead")
    parser.add_argument("--json", action="store_true", help="one JSON object a day on stdout")


def run(args: argparse.Namespace) -> int:
    """Play and show; return an `Exit` code."""
    try:
        source, bad = chosen(args)
        tell_left_out(VERB, bad)
        fee_usd = fee_of(args)
        tasks = [
            replace(task, beside=args.beside, fee_usd=fee_usd) for task in _tasks(args, source)
        ]
        cells: list[Cell | None] = [None] * len(tasks)
        with _executor(args) as executor, DemoBar() as bar:
            bar.count(f"{len(tasks)} runs", len(tasks))
            for done, (n, cell) in enumerate(play_tasks(tasks, executor), 1):
                cells[n] = cell
                bar.at(done)
    except (TapeError, ChoiceError, OSError) as error:
        say(f"surefill sweep: {error}")
        return Exit.USAGE
    found = [cell for cell in cells if cell is not None]
    # Each choice was offered the same plans and left out the same ones.
    tell_left_out(VERB, list(dict.fromkeys(one for cell in found for one in cell.left_out)))
    if not any(cell.plans for cell in found):
        say(f"surefill {VERB}: no plan was played")
        return Exit.USAGE
    _tell(found, walk_forward(found, default=tasks[0].choice.name), args)
    return Exit.EXPOSED if any(cell.broken for cell in found) else Exit.DONE


def _tasks(args: argparse.Namespace, source: PlanSource | None) -> list[Task]:
    values: dict[str, tuple[int, ...]] = {}
    if args.slippage:
        values["max_slippage_ppb"] = args.slippage
    if args.budget:
        values["fill_timeout_ns"] = args.budget
    choices = grid(tuple(dict.fromkeys(args.path or (SMART, LEGACY))), values)
    choices = drawn(choices, args.random or len(choices), args.seed)
    scope = Scope(
        plans_max=count_of(args, PLANS),
        window_ns_max=(args.minutes or MINUTES) * 60 * SECOND_NS,
        events_max=EVENTS_MAX,
    )
    if not args.tapes:
        return synthetic_tasks(choices, MORNINGS, model=args.model, seed=args.seed, scope=scope)
    bad: list[LeftOut] = []
    every = days_at(
        args.tapes,
        on_bad=(lambda path, error: bad.append(left_out_file(path, error)))
        if args.allow_bad
        else None,
    )
    tell_left_out(VERB, bad)
    days = [day for _, found in sorted(every.items()) for day in found]
    if source is not None:
        tell_left_out(VERB, without_tape(source, ((day.date, day.symbol) for day in days)))
        days = wanted_days(days, source)
        if not days:
            raise ChoiceError("no plan was played")
    return tasks_of(
        choices,
        days,
        model=args.model,
        seed=args.seed,
        scope=scope,
        source=source,
        allow_bad=args.allow_bad,
    )


@contextmanager
def _executor(args: argparse.Namespace) -> Iterator[Executor]:
    """Processes of this machine, or the workers of a cluster, behind the same interface."""
    if args.scheduler is None:
        workers = args.workers or os.cpu_count() or 1
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            yield pool
        return
    from distributed import Client

    with Client(args.scheduler, timeout="10s") as client:  # type: ignore[no-untyped-call]
        yield client.get_executor(retries=RETRIES)


def _tell(cells: list[Cell], folds: list[Fold], args: argparse.Namespace) -> None:
    if args.json:
        for fold in folds:
            others = {name: _text(cost) for name, cost in fold.others}
            emit(
                {
                    "date": fold.date,
                    "chosen": fold.chosen,
                    "plans": fold.plans,
                    "entered": fold.entered,
                    "cost_bps": _text(fold.cost_bps),
                    "others": others,
                }
            )
        return
    days = len({cell.date for cell in cells})
    symbols = len({cell.symbol for cell in cells})
    choices = len({cell.choice for cell in cells})
    rows = [
        (str(fold.date), str(fold.plans), str(fold.entered), _text(fold.cost_bps), fold.chosen)
        for fold in folds
    ]
    blocks: list[Block] = [
        f"{choices} choices, {days} days, {symbols} symbols; fill model '{args.model}', "
        f"seed {args.seed}{account_text(args)}.",
        Table("", rows, HEAD, frozenset({1, 2, 3})),
        "ALL: bps of the signal price over all plans, missed and denied ones at the far side of "
        "the market; positive is cost. A day is judged with what the days before it chose; what "
        "a choice cost on those is not shown, because the best of many is luck.",
    ]
    if len(folds) > 1:
        blocks.insert(2, _sum(cells, folds))
    broken = [text for cell in cells for text in cell.broken]
    tapes = list(dict.fromkeys(text for cell in cells for text in cell.tapes))
    shown = [text for text in tapes if len(tapes) <= TAPES_MAX or "SUSPECT" in text]
    blocks[1:1] = [f"{text}." for text in shown]
    show([*blocks, f"Auditor: {len(broken)} violations in {len(cells)} runs.", *broken[:5], ""])


def _sum(cells: list[Cell], folds: list[Fold]) -> str:
    """All judged days together, beside the choices that never change."""
    pairs = {(fold.date, fold.chosen) for fold in folds}
    dates = {fold.date for fold in folds}
    walked = cost_of(cell for cell in cells if (cell.date, cell.choice) in pairs)
    words = [f"these days together: {_text(walked)}"]
    for name in (SMART, LEGACY):
        same = [cell for cell in cells if cell.date in dates and cell.choice == name]
        if same:
            words.append(f"{name} on all of them: {_text(cost_of(same))}")
    return "; ".join(words) + "."


def _text(cost: Decimal | None) -> str:
    return "-" if cost is None else f"{cost:+}"


def _ratios(text: str) -> tuple[int, ...]:
    """Fractions with commas between, in ppb."""
    return tuple(_bounded("max_slippage_ppb", part, NANO) for part in text.split(","))


def _seconds(text: str) -> tuple[int, ...]:
    """Seconds with commas between, in ns."""
    return tuple(_bounded("fill_timeout_ns", part, SECOND_NS) for part in text.split(","))


def _bounded(name: str, text: str, unit: int) -> int:
    """What ``text`` says, times ``unit``, inside what a plan may carry."""
    low, high = POLICY_BOUNDS[name]
    try:
        value = Decimal(text) * unit
        is_fit = value == int(value) and low <= value <= high
    except (ArithmeticError, ValueError):
        raise argparse.ArgumentTypeError(f"{text} is not a number") from None
    if not is_fit:
        bounds = " to ".join(f"{Decimal(bound) / unit:f}" for bound in (low, high))
        raise argparse.ArgumentTypeError(f"{text} is outside {bounds}")
    return int(value)
