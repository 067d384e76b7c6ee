"""Plan files: CSV, JSON lines or Parquet, read completely or named line by line.

What: `read_plans` -> `PlanFile`, the plans of a file in order of time and every row that is none.
The columns are those of `plan_rows.COLUMNS`; the format is chosen by the file's name.
Why strict about columns: a misspelt ``targt`` would turn into plans without a target.
Invariants: every row is a plan or is named with its line; a plan id stands once. A file that is no
table at all is one problem.
Must never: skip a row, or read a number through a double where the file has its text.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from surefill.replay.plan_rows import COLUMNS, LeftOut, PlanCode, draw_of, required
from surefill.sim.workload import Draw

SUFFIXES = {".csv": "CSV", ".jsonl": "JSON lines", ".ndjson": "JSON lines", ".parquet": "Parquet"}

_Row = tuple[int, Mapping[str, object] | str]
"""Line or row number and columns -> values; or what is wrong with the whole row."""


@dataclass(frozen=True, slots=True)
class PlanFile:
    """``draws`` in order of time; ``bad``: every problem of every other row; ``rows``: of both."""

    draws: tuple[Draw, ...]
    bad: tuple[LeftOut, ...]
    rows: int


class _NoTable(ValueError):
    """The file as a whole cannot be read."""


def read_plans(path: Path) -> PlanFile:
    """Every row of the file. Raises ``OSError``."""
    kind = SUFFIXES.get(path.suffix.lower())
    bad: list[LeftOut] = []
    draws: dict[str, Draw] = {}
    count = 0
    try:
        if kind is None:
            raise _NoTable(f"a plan file is named {', '.join(SUFFIXES)}")
        word = "row" if kind == "Parquet" else "line"
        for number, row in _READERS[kind](path):
            count += 1
            _take(row, f"{path.name}, {word} {number}", number=number, into=(draws, bad))
    except _NoTable as error:
        code = PlanCode.PLAN_FILE_UNREADABLE
        bad.append(LeftOut(str(path), code, "", "", str(error)))
    except UnicodeDecodeError:
        code = PlanCode.PLAN_FILE_UNREADABLE
        bad.append(LeftOut(str(path), code, "", "", "it is not UTF-8 text"))
    if not count and not bad:
        code = PlanCode.PLAN_FILE_UNREADABLE
        bad.append(LeftOut(str(path), code, "", "", "there is no plan in it"))
    ordered = sorted(draws.values(), key=lambda draw: (draw.at_ns, draw.plan.plan_id))
    return PlanFile(tuple(ordered), tuple(bad), count)


def _take(
    row: Mapping[str, object] | str,
    where: str,
    *,
    number: int,
    into: tuple[dict[str, Draw], list[LeftOut]],
) -> None:
    draws, bad = into
    if isinstance(row, str):
        bad.append(LeftOut(where, PlanCode.PLAN_ROW_INVALID, "", "", row))
        return
    unknown = [name for name in row if name not in COLUMNS]
    if unknown:
        sentence = f"there is no such column; there are {', '.join(COLUMNS)}"
        code = PlanCode.PLAN_COLUMN_UNKNOWN
        bad += [LeftOut(where, code, name, str(row[name])[:80], sentence) for name in unknown]
        return
    found = draw_of(row, where, fallback_id=f"row-{number}")
    if isinstance(found, list):
        bad += found
    elif found.plan.plan_id in draws:
        plan_id = found.plan.plan_id
        code = PlanCode.PLAN_ID_REPEATED
        bad.append(LeftOut(where, code, "plan_id", plan_id, "another row has this id"))
    else:
        draws[found.plan.plan_id] = found


def _checked(names: list[str]) -> None:
    """Raise `_NoTable` when the head of a table cannot be that of plans."""
    unknown = [name for name in names if name not in COLUMNS]
    if unknown:
        known = ", ".join(COLUMNS)
        raise _NoTable(f"no such column: {', '.join(map(repr, unknown))}; there are {known}")
    missing = [name for name in required(names) if name not in names]
    if missing:
        raise _NoTable(f"no column {', '.join(missing)}")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise _NoTable(f"column {', '.join(twice)} stands there twice")


def _csv(path: Path) -> Iterator[_Row]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        lines = csv.reader(file, strict=True)
        try:
            head = [name.strip() for name in next(lines, [])]
            _checked(head)
            # An empty line is no row.
            yield from ((lines.line_num, _under(head, cells)) for cells in lines if cells)
        except csv.Error as error:
            raise _NoTable(f"line {lines.line_num}: {error}") from None


def _under(head: list[str], cells: list[str]) -> dict[str, object] | str:
    if len(cells) != len(head):
        return f"{len(cells)} values under {len(head)} columns"
    return dict(zip(head, (cell.strip() for cell in cells), strict=True))


def _json_lines(path: Path) -> Iterator[_Row]:
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line, parse_float=Decimal, object_pairs_hook=_object)
            except (ValueError, RecursionError) as error:
                yield number, f"no JSON: {error}"
                continue
            if not isinstance(row, dict):
                yield number, "not an object"
                continue
            nested = [name for name, value in row.items() if isinstance(value, (dict, list, bool))]
            yield number, f"{', '.join(nested)}: not a text or a number" if nested else row


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON; one that says a thing twice says nothing."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands there twice")
    return found


def _parquet(path: Path) -> Iterator[_Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        _checked(file.schema_arrow.names)
        number = 0
        for batch in file.iter_batches():
            table = pa.table(
                {name: _plain(batch.column(name), name) for name in batch.schema.names}
            )
            for row in table.to_pylist():
                yield number, row
                number += 1
    except pa.ArrowException as error:
        raise _NoTable(f"not a Parquet file: {error}") from None


def _plain(column: Any, name: str) -> Any:
    """A column as numbers or text; instants with a zone as UTC ns, exact."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_timestamp(kind):
        if kind.tz is None:
            raise _NoTable(f"{name} is {kind}: an instant without a zone")
        return column.cast(pa.timestamp("ns", "UTC")).cast(pa.int64())
    if pa.types.is_dictionary(kind):
        return column.cast(pa.string())
    if pa.types.is_nested(kind) or pa.types.is_boolean(kind) or pa.types.is_binary(kind):
        raise _NoTable(f"{name} is {kind}: not a text or a number")
    return column


_READERS = {"CSV": _csv, "JSON lines": _json_lines, "Parquet": _parquet}
