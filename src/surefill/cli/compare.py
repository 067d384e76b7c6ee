"""``surefill compare A B``: is A cheaper than B, how sure is that, and for whom.

What: two paths on the same plans (folders that ``surefill replay --out`` made), or two arms of one
journal (``PATH@JOURNAL``, such as ``smart@journal.db``; ``shadow@`` prices every plan as a market
order at its arrival): difference in shortfall of every plan with
intervals, by symbol, side, spread, price and time, at each price improvement of B, the outcomes of
what A missed, and how many days it takes to be sure.
Invariants: every plan counts on the path that it was given to, whatever became of it; every claim
names its level. With ``--json`` stdout holds one object.
Must never: show a ratio to a cost that may be zero, or pair plans that only share a name.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from surefill.cli.exits import Exit
from surefill.cli.output import Block, emit, say, show
from surefill.cli.tca import SourceError, grid_table
from surefill.ports import JournalError
from surefill.replay.run_files import RunError, read_parents
from surefill.runtime.account import read_journal
from surefill.tca import journaled
from surefill.tca.analysis import Stat
from surefill.tca.compare import LEVELS_PERCENT, Comparison, compare, unlike
from surefill.tca.parent import Parent
from surefill.tca.shadow import SHADOW, shadow_of
from surefill.tca.tables import comparison_grids, sample_line
from surefill.tca.text import percent, ratio

SEED = 7


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``surefill compare``."""
    meaning = "a path of a kept run (DIR/PATH), or PATH@JOURNAL (smart, legacy, shadow)"
    parser.add_argument("first", metavar="A", help=meaning)
    parser.add_argument("second", metavar="B", help="the same; the path to be beaten")
    parser.add_argument("--seed", type=int, default=SEED, help="of the resampling")
    parser.add_argument(
        "--groups",
        metavar="PERCENT",
        type=int,
        choices=LEVELS_PERCENT,
        default=LEVELS_PERCENT[0],
        help="show groups at this price improvement of B: 0 (default), 25 or 50",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def run(args: argparse.Namespace) -> int:
    """Compare and show; return an `Exit` code."""
    try:
        first, second = _plans(args.first), _plans(args.second)
        _check_pairs(first, second)
    except SourceError as error:
        say(f"surefill compare: {error}")
        return error.code
    found = compare(first, second, seed=args.seed)
    if found is None:
        say("surefill compare: nothing to compare: no plan of known cost on one of the two")
        return Exit.NOT_TRADED
    if args.json:
        emit({"first": args.first, "second": args.second, "seed": args.seed} | asdict(found))
        return Exit.DONE
    show(_blocks(args, found))
    return Exit.DONE


def _plans(place: str) -> tuple[Parent, ...]:
    """The plans of one side. Raises `SourceError`."""
    path, is_arm, journal = place.partition("@")
    try:
        if not is_arm:
            return _one_path(place, read_parents(Path(place)))
        source = Path(journal)
        if not source.exists():
            raise SourceError(f"no journal at {journal}", Exit.UNAVAILABLE)
        opened = read_journal(source)
        try:
            every = journaled.read_parents(opened)
        finally:
            opened.close()
    except JournalError as error:
        raise SourceError(str(error), Exit.UNAVAILABLE) from None
    except (RunError, OSError) as error:
        raise SourceError(str(error)) from None
    if path == SHADOW:
        return tuple(shadow_of(one) for one in every)
    return tuple(one for one in every if one.path == path)


def _check_pairs(first: tuple[Parent, ...], second: tuple[Parent, ...]) -> None:
    """Raises `SourceError` where plans share their names and nothing else."""
    found = unlike(first, second)
    if found:
        raise SourceError(
            f"{len(found)} plans have the same name on both sides and another side or signal "
            f"({found[0]}): two runs are compared plan by plan only with the same plans (--seed)"
        )


def _one_path(place: str, parents: tuple[Parent, ...]) -> tuple[Parent, ...]:
    paths = sorted({one.path for one in parents})
    if len(paths) > 1:
        choices = ", ".join(f"{place}/{path}" for path in paths)
        raise SourceError(f"{place} holds several paths, name one: {choices}")
    return parents


def _blocks(args: argparse.Namespace, found: Comparison) -> list[Block]:
    levels, *groups = comparison_grids(found)
    shown = groups[LEVELS_PERCENT.index(args.groups)]
    how = "in pairs" if found.is_paired else "not in pairs (no plan is in both)"
    head = (
        f"{args.first} against {args.second}: {found.plans} plans, {how}; {found.left_out} left "
        f"out without a known cost. Shares entered: {percent(found.first_fill_ppb)} against "
        f"{percent(found.second_fill_ppb)}."
    )
    return [
        head,
        *grid_table(levels),
        *grid_table(shown),
        "",
        *(sample_line(one.all, one.improvement_percent, plans=found.plans) for one in found.levels),
        f"Of what the first path missed the second made {_r(found.missed_r)}; where both entered "
        f"the first made {_r(found.same_r)} more.",
        "",
    ]


def _r(found: Stat | None) -> str:
    return "- R" if found is None else f"{ratio(found.mean)} R a plan ({found.count} plans)"
