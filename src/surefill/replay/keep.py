"""A measured run, kept: exact lines, tables, summary and report in one folder.

What: `keep_run` writes ``DIR/PATH/parents.jsonl`` with ``plans`` and ``fills`` (CSV, Parquet) for
each path, and ``summary.md``, ``tracks.jsonl`` and ``report.html`` for all of them.
Invariants: each file is replaced when it is complete. Without the extra `report` everything but the
page is written.
Must never: leave out a path.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from surefill.replay.run_files import write_parents, write_tables
from surefill.replay.summary import write_summary
from surefill.replay.tracks import Track, write_tracks
from surefill.tca.analysis import Analysis

REPORT, SUMMARY = "report.html", "summary.md"


def keep_run(
    folder: Path,
    title: str,
    paths: Mapping[str, Sequence[Analysis]],
    *,
    tracks: Sequence[Track] = (),
    notes: Sequence[str] = (),
) -> Iterator[Path]:
    """Write everything; each file as it is done. ``notes``: what a reader must know of the tapes
    and plans. Raises ``OSError``."""
    for path, found in paths.items():
        yield write_parents(folder / path, (one.parent for one in found))
        yield from write_tables(folder / path, found)
    if tracks:
        yield write_tracks(folder, tracks)
    yield write_summary(folder / SUMMARY, title, paths, notes=notes)
    try:
        from surefill.replay.report import write_report
    except ModuleNotFoundError:
        return
    yield write_report(folder / REPORT, title, paths, tracks=tracks, notes=notes)[0]
