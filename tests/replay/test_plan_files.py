"""Three formats, one meaning; every row is a plan or is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from surefill.replay.plan_files import PlanFile, read_plans

AT_NS = 1_772_463_600_000_000_000
Row = dict[str, object]
GOOD: Row = {
    "at": "2026-03-02T15:00:00Z",
    "symbol": "CRWD",
    "side": "buy",
    "qty": 25,
    "signal": 534.82,
    "risk": 5.35,
    "rr": 2,
}


def csv(folder: Path, rows: list[Row]) -> Path:
    lines = [",".join(rows[0]), *(",".join(str(one) for one in row.values()) for row in rows)]
    path = folder / "plans.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8-sig")
    return path


def json_lines(folder: Path, rows: list[Row]) -> Path:
    path = folder / "plans.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def parquet(folder: Path, rows: list[Row]) -> Path:
    path = folder / "plans.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=2)
    return path


Write = Callable[[Path, list[Row]], Path]
every_format = pytest.mark.parametrize("write", [csv, json_lines, parquet])


def text(path: Path, content: str) -> PlanFile:
    path.write_text(content)
    return read_plans(path)


@every_format
def test_the_same_plans_from_every_format(tmp_path: Path, write: Write) -> None:
    later = GOOD | {"at": "2026-03-02T15:00:05Z", "side": "sell"}
    found = read_plans(write(tmp_path, [later, GOOD, later | {"qty": 1}]))
    assert found.bad == ()
    assert found.rows == 3
    assert [draw.at_ns for draw in found.draws] == [AT_NS] + [AT_NS + 5 * 10**9] * 2
    plan = found.draws[0].plan
    assert (plan.signal_px, plan.order_qty) == (534_820_000_000, 25_000_000_000)


@every_format
def test_every_bad_row_is_named_with_its_place(tmp_path: Path, write: Write) -> None:
    rows = [GOOD | {"plan_id": "a"}, GOOD | {"plan_id": "b", "side": "up", "signal": -1.0}]
    rows += [GOOD | {"plan_id": "a"}]
    found = read_plans(write(tmp_path, rows))
    assert [draw.plan.plan_id for draw in found.draws] == ["a"]
    places = ["row 1", "row 1", "row 2"]
    if write is not parquet:
        first = 2 if write is csv else 1
        places = [f"line {first + n}" for n in (1, 1, 2)]
    assert [one.where.split(", ")[1] for one in found.bad][-1] == places[-1]
    assert [(one.code, one.value) for one in found.bad if one.field == "side"] == [
        ("PLAN_SIDE_INVALID", "up")
    ]
    assert (found.bad[-1].code, found.bad[-1].value) == ("PLAN_ID_REPEATED", "a")


@every_format
def test_an_unknown_column_is_a_misspelling(tmp_path: Path, write: Write) -> None:
    found = read_plans(write(tmp_path, [GOOD | {"targt": 5}]))
    assert found.draws == ()
    assert "targt" in str(found.bad[0])


def test_a_table_without_what_every_plan_needs(tmp_path: Path) -> None:
    found = text(tmp_path / "a.csv", "at,symbol\n1,2\n")
    assert "no column side, qty, signal" in str(found.bad[0])
    assert found.bad[0].code == "PLAN_FILE_UNREADABLE"
    found = text(tmp_path / "b.csv", "at,symbol,side,qty,signal,signal\n")
    assert "twice" in str(found.bad[0])


def test_rows_of_csv_that_are_none(tmp_path: Path) -> None:
    head = "at,symbol,side,qty,signal,risk,rr\n"
    found = text(tmp_path / "a.csv", f"{head}\n1,2\n")
    assert [str(one) for one in found.bad] == [
        "a.csv, line 3: PLAN_ROW_INVALID: 2 values under 7 columns"
    ]
    assert "PLAN_FILE_UNREADABLE" in str(text(tmp_path / "b.csv", head + '"a').bad[0])
    assert "no plan in it" in str(text(tmp_path / "c.csv", head).bad[0])


def test_lines_of_json_that_are_none(tmp_path: Path) -> None:
    lines = ["", "[]", "{", '{"at": 1, "at": 2}', '{"at": {}}', '{"at": true}']
    found = text(tmp_path / "a.ndjson", "\n".join(lines))
    assert [one.where for one in found.bad] == [f"a.ndjson, line {n}" for n in range(2, 7)]
    assert {one.code for one in found.bad} == {"PLAN_ROW_INVALID"}
    assert [one.sentence[:7] for one in found.bad[:2]] == ["not an ", "no JSON"]


def test_instants_of_parquet_need_a_zone(tmp_path: Path) -> None:
    columns = {name: [value] for name, value in GOOD.items()}
    stamps = pa.array([AT_NS // 1000], pa.int64())
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table(columns | {"at": stamps.cast(pa.timestamp("us", "UTC"))}), path)
    assert [draw.at_ns for draw in read_plans(path).draws] == [AT_NS]
    pq.write_table(pa.table(columns | {"at": stamps.cast(pa.timestamp("us"))}), path)
    assert "without a zone" in str(read_plans(path).bad[0])
    pq.write_table(pa.table(columns | {"qty": pa.array([[1]])}), path)
    assert "not a text or a number" in str(read_plans(path).bad[0])
    pq.write_table(pa.table(columns | {"symbol": pa.array(["CRWD"]).dictionary_encode()}), path)
    assert read_plans(path).draws


def test_files_that_are_no_plans(tmp_path: Path) -> None:
    assert "a plan file is named" in str(text(tmp_path / "plans.txt", "x").bad[0])
    assert "not a Parquet file" in str(text(tmp_path / "plans.parquet", "x").bad[0])
    (tmp_path / "plans.csv").write_bytes(b"\xff\xfe\x00")
    assert "not UTF-8" in str(read_plans(tmp_path / "plans.csv").bad[0])
    with pytest.raises(FileNotFoundError):
        read_plans(tmp_path / "nothing.csv")
