"""The tables of a run as Markdown: what a person pastes into a review.

What: `write_summary`. Must never: show a number that the tables of the report do not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from surefill.tca.analysis import Analysis
from surefill.tca.tables import Grid, grids_of, paths_grid


def write_summary(
    path: Path, title: str, paths: Mapping[str, Sequence[Analysis]], *, notes: Sequence[str] = ()
) -> Path:
    """The tables as Markdown, after what a reader must know of the tapes and plans."""
    grids = [paths_grid(paths)]
    known = [f"* {note}" for note in notes]
    lines = [f"# {title}", "", *known, *([""] if known else []), *_markdown(grids[0])]
    for name, found in paths.items():
        lines += [f"## {name}", ""]
        for grid in grids_of(found):
            lines += _markdown(grid) if grid.rows else []
    beside = path.with_name(f"{path.name}.new")
    beside.write_text("\n".join(lines), encoding="utf-8")
    return beside.replace(path)


def _markdown(grid: Grid) -> list[str]:
    head = [f"| {' | '.join(grid.head)} |", f"|---|{'---:|' * (len(grid.head) - 1)}"]
    rows = [f"| {' | '.join(row)} |" for row in grid.rows]
    return [f"### {grid.title}", "", *head, *rows, "", grid.note, ""]
