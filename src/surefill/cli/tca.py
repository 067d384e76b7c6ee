"""``surefill tca``: what execution cost, plan by plan and in sum, by a journal, a run or a history.

What: implementation shortfall with its parts, slippage against every benchmark, spreads, markouts,
time, reward/risk; of the account's journal, of a replay that was kept (``--replay DIR``), of what a
broker exported (``--history FILE...``). ``--tape`` adds the market of recorded days.
Invariants: nothing is asked of a broker; what is not known is shown as ``-``, never as 0. With
``--json`` stdout holds one object a path.
Must never: take the journal's lease.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

from surefill.cli.account import chosen_journal, load
from surefill.cli.exits import Exit
from surefill.cli.metrics import day, start_of_ns
from surefill.cli.output import Block, Table, emit, say, show
from surefill.config import ConfigError
from surefill.core.units import to_usd_text
from surefill.ports import JournalError
from surefill.runtime.account import read_journal
from surefill.tca.analysis import Analysis, Row, analysis_of, rows_of
from surefill.tca.journaled import read_parents
from surefill.tca.parent import Parent
from surefill.tca.tables import Grid, grids_of, paths_grid

DAY_NS = 86_400 * 1_000_000_000
_Source = tuple[str, Sequence[Parent], tuple[str, ...]]


class SourceError(Exception):
    """Nothing to measure; ``code``: the `Exit` code."""

    def __init__(self, sentence: str, code: Exit = Exit.USAGE) -> None:
        super().__init__(sentence)
        self.code = code


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``surefill tca``."""
    parser.add_argument(
        "journal", metavar="JOURNAL", nargs="?", help="a journal file (default: the account's)"
    )
    parser.add_argument("--replay", metavar="DIR", type=Path, help="a run kept by `replay --out`")
    parser.add_argument(
        "--history",
        metavar="FILE",
        nargs="+",
        type=Path,
        help="orders and activities as exported from the broker's API (JSON)",
    )
    parser.add_argument(
        "--signals", metavar="CSV", type=Path, help="of a history: columns id,signal"
    )
    parser.add_argument(
        "--tape", metavar="PATH", action="append", type=Path, help="recorded days; repeat it"
    )
    parser.add_argument(
        "--allow-bad",
        action="store_true",
        help="measure against a suspect tape as well, without one that cannot be used",
    )
    parser.add_argument("--since", metavar="DATE", type=day, help="first day, as in 2026-11-20")
    parser.add_argument("--until", metavar="DATE", type=day, help="last day, included")
    parser.add_argument("--symbol", metavar="NAME", help="of this symbol alone")
    parser.add_argument("--out", metavar="DIR", type=Path, help="keep report and data there")
    parser.add_argument("--json", action="store_true", help="one JSON object a line on stdout")


def run(args: argparse.Namespace) -> int:
    """Measure and show; return an `Exit` code."""
    try:
        title, parents, notes = _read(args)
        if args.tape:
            parents, notes = _marked(args, parents, notes)
    except SourceError as error:
        say(f"surefill tca: {error}")
        return error.code
    parents = [one for one in parents if _is_wanted(one, args)]
    paths = by_path(parents)
    for note in notes:
        say(f"surefill tca: {note}")
    if not paths:
        say(f"surefill tca: no plan in {title}")
        return Exit.NOT_TRADED
    if args.json:
        for path, found in paths.items():
            emit({"source": title, "path": path} | path_object(found))
    else:
        show(_blocks(title, paths))
    return _kept(args, title, paths) if args.out else Exit.DONE


def _kept(args: argparse.Namespace, title: str, paths: dict[str, list[Analysis]]) -> Exit:
    # Plots take longer to load than tables.
    from surefill.replay.keep import keep_run
    from surefill.replay.run_files import RunError
    from surefill.replay.tracks import read_tracks

    try:
        if args.tape:
            from surefill.replay.tape_marks import tracks_on

            tracks = tracks_on(args.tape, [one.parent for p in paths.values() for one in p])
        else:
            tracks = read_tracks(args.replay) if args.replay else ()
        for path in keep_run(args.out, title, paths, tracks=tracks):
            say(f"wrote {path}")
    except (OSError, RunError) as error:
        say(f"surefill tca: {error}")
        return Exit.USAGE
    return Exit.DONE


def _read(args: argparse.Namespace) -> _Source:
    """(what it is, its plans, notes). Raises `SourceError`."""
    given = [name for name in ("journal", "replay", "history") if getattr(args, name)]
    if len(given) > 1:
        raise SourceError(f"one source at a time, not {' and '.join(given)}")
    if args.replay:
        return f"the run in {args.replay}", _run(args.replay), ()
    if args.history:
        return _history(args.history, args.signals)
    return _journal(args.journal)


def _run(folder: Path) -> Sequence[Parent]:
    from surefill.replay import run_files

    try:
        return run_files.read_parents(folder)
    except (run_files.RunError, OSError) as error:
        raise SourceError(str(error)) from None


def _history(files: Sequence[Path], signals: Path | None) -> _Source:
    from surefill.runtime.exported import ExportError, read_exported

    try:
        found = read_exported(files, signals)
    except (ExportError, OSError) as error:
        raise SourceError(str(error)) from None
    notes = list(found.notes)
    if found.fees_usd:
        notes.append(f"fees of the whole export, in no plan: {to_usd_text(found.fees_usd)} USD")
    return f"the exported history ({len(files)} files)", found.parents, tuple(notes)


def _journal(place: str | None) -> _Source:
    try:
        load()
        source = chosen_journal(place)
        if not source.exists():
            raise SourceError(f"no journal at {source}", Exit.UNAVAILABLE)
        journal = read_journal(source)
        try:
            return f"the journal {source}", read_parents(journal), ()
        finally:
            journal.close()
    except ConfigError as error:
        raise SourceError(str(error)) from None
    except JournalError as error:
        raise SourceError(str(error), Exit.UNAVAILABLE) from None


def _marked(
    args: argparse.Namespace, parents: Sequence[Parent], notes: tuple[str, ...]
) -> tuple[Sequence[Parent], tuple[str, ...]]:
    from surefill.replay.tape_marks import marked_on
    from surefill.sim.market import TapeError

    try:
        told: list[str] = []
        found, count = marked_on(args.tape, parents, allow_suspect=args.allow_bad, tell=told.append)
    except TapeError as error:
        raise SourceError(str(error)) from None
    return found, (*notes, *told, f"tapes cover {count} of {len(parents)} plans")


def _is_wanted(parent: Parent, args: argparse.Namespace) -> bool:
    at_ns = parent.arrival_ns
    return not (
        (args.symbol and parent.symbol != args.symbol)
        or (args.since and at_ns < start_of_ns(args.since))
        or (args.until and at_ns >= start_of_ns(args.until) + DAY_NS)
    )


def by_path(parents: Iterable[Parent]) -> dict[str, list[Analysis]]:
    """Path -> its plans, measured."""
    found: dict[str, list[Analysis]] = {}
    for parent in parents:
        found.setdefault(parent.path, []).append(analysis_of(parent))
    return dict(sorted(found.items()))


def grid_table(grid: Grid, *, lead: str = "") -> list[Block]:
    """A grid for a terminal."""
    right = frozenset(range(1, len(grid.head)))
    return [Table(f"{lead}{grid.title}", grid.rows, grid.head, right), grid.note]


def _blocks(title: str, paths: dict[str, list[Analysis]]) -> list[Block]:
    blocks: list[Block] = [f"What execution cost, by {title}."]
    if len(paths) > 1:
        blocks += grid_table(paths_grid(paths))
    for path, found in paths.items():
        for grid in grids_of(found):
            blocks += grid_table(grid, lead=f"{path}: ") if grid.rows else []
    return [*blocks, ""]


def path_object(found: Sequence[Analysis]) -> dict[str, object]:
    """One path as JSON: every measure of every row, exact."""
    return {"rows": {row.name: row_object(row) for row in rows_of(found)}}


def row_object(row: Row) -> dict[str, object]:
    """One row as JSON. ``cost``: 1e-18 USD as text."""
    stats = {
        name: {
            "count": one.count,
            "mean": one.mean,
            "p50": one.p50,
            "p95": one.tail,
            "low": one.low,
            "high": one.high,
        }
        for name, one in row.stats.items()
    }
    return {
        "plans": row.plans,
        "wanted_qty": row.wanted_qty,
        "entered_qty": row.entered_qty,
        "cost": str(row.cost),
        "unknown": row.unknown,
        "measures": stats,
    }
