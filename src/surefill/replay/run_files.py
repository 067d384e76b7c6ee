"""A measured run on disk: exact lines to read back, tables for everybody else.

What: `write_parents` and `read_parents` (``parents.jsonl``: one plan a line, integers),
`write_tables` (``plans`` and ``fills`` as CSV and, with the extra `tapes`, as Parquet).
Why two forms: a table has no place for a fill's seven later mids or for a cost of 1e-18 USD that is
larger than 64 bits; the lines hold exactly what was measured, so every number can be made again.
Invariants: what is read back equals what was written; a file that cannot be read is a `RunError`
that says which line.
Must never: write half a run over a whole one: each file is replaced when it is complete.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from surefill.core.fix import Leg
from surefill.core.market import Nbbo
from surefill.tca.analysis import Analysis, flat_row
from surefill.tca.facts import Fate
from surefill.tca.parent import Closing, Execution, Marks, Parent, Resting

PARENTS = "parents.jsonl"
PLANS, FILLS = "plans", "fills"
Row = dict[str, int | str | None]


class RunError(ValueError):
    """A folder that holds no run, or one that cannot be read."""


def write_parents(folder: Path, parents: Iterable[Parent]) -> Path:
    """Write the lines of one path into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / PARENTS
    lines = (json.dumps(asdict(one), separators=(",", ":")) + "\n" for one in parents)
    _replaced(path, "".join(lines))
    return path


def read_parents(folder: Path) -> tuple[Parent, ...]:
    """The plans of one path, or of all paths below ``folder``. Raises `RunError`."""
    own = folder / PARENTS
    files = [own] if own.exists() else sorted(folder.glob(f"*/{PARENTS}"))
    if not files:
        raise RunError(f"no run in {folder}: `surefill replay --out {folder}` makes one")
    found = []
    for path in files:
        for n, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            try:
                found.append(_parent(json.loads(line)))
            except (ValueError, TypeError, KeyError) as error:
                raise RunError(f"{path}, line {n} is no plan of a run: {error}") from None
    return tuple(found)


def _parent(row: dict[str, Any]) -> Parent:
    marks = row.pop("marks")
    arrival = marks.pop("arrival")
    fills, closings, orders = row.pop("fills"), row.pop("closings"), row.pop("orders")
    row["fate"] = Fate(row["fate"])
    return Parent(
        **row,
        fills=tuple(Execution(**one | {"later_px": tuple(one["later_px"])}) for one in fills),
        closings=tuple(Closing(**one | {"leg": Leg(one["leg"])}) for one in closings),
        orders=tuple(Resting(**one | {"leg": Leg(one["leg"])}) for one in orders),
        marks=Marks(**marks, arrival=None if arrival is None else Nbbo(**arrival)),
    )


FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet takes for a formula."""


def write_tables(folder: Path, found: Sequence[Analysis]) -> tuple[Path, ...]:
    """Write ``plans`` and ``fills`` into ``folder``; the files that were written. Parquet needs the
    extra `tapes`; without it there is CSV alone."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, rows in ((PLANS, [flat_row(one) for one in found]), (FILLS, _fills(found))):
        if not rows:
            continue
        written.append(_csv(folder / f"{name}.csv", rows))
        try:
            written.append(_parquet(folder / f"{name}.parquet", rows))
        except ModuleNotFoundError:
            continue
    return tuple(written)


def _fills(found: Iterable[Analysis]) -> list[Row]:
    rows: list[Row] = []
    for one in found:
        parent = one.parent
        head: Row = {"plan_id": parent.plan_id, "symbol": parent.symbol, "path": parent.path}
        for fill in parent.fills:
            row = head | {"leg": Leg.ENTRY.value, "qty": fill.qty, "px": fill.px}
            rows.append(row | {"at_ns": fill.at_ns, "mid_px": fill.mid_px, "stop_px": None})
        for closing in parent.closings:
            row = head | {"leg": closing.leg.value, "qty": closing.qty, "px": closing.px}
            rows.append(row | {"at_ns": closing.at_ns, "mid_px": None, "stop_px": closing.stop_px})
    return rows


def _csv(path: Path, rows: Sequence[Row]) -> Path:
    beside = path.with_name(f"{path.name}.new")
    with beside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _no_formula(cell) for name, cell in row.items()} for row in rows)
    return beside.replace(path)


def _no_formula(cell: object) -> object:
    """A text that a spreadsheet would run, from a broker's export say, stays a text there."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULAS) else cell


def _parquet(path: Path, rows: Sequence[Row]) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts = {name for row in rows for name, value in row.items() if isinstance(value, str)}
    columns = {
        name: pa.array([row[name] for row in rows], pa.string() if name in texts else pa.int64())
        for name in rows[0]
    }
    beside = path.with_name(f"{path.name}.new")
    pq.write_table(pa.table(columns), beside)
    return beside.replace(path)


def _replaced(path: Path, text: str) -> None:
    beside = path.with_name(f"{path.name}.new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
