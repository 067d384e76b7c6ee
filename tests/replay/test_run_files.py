"""A run on disk: read back exactly, tables, damage."""

from __future__ import annotations

import builtins
import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from surefill.core.fix import Leg
from surefill.core.units import NANO
from surefill.replay.run_files import RunError, read_parents, write_parents, write_tables
from surefill.tca.analysis import analysis_of
from surefill.tca.parent import Closing, Marks, Resting
from tests.tca.parents import START_NS, USD, fill, parent, px, quote

ENTERED = parent(
    "a",
    fills=(fill(60, "100.02", "100.01", later="100.03"), fill(40, "100.05")),
    closings=(Closing(Leg.STOP, 100 * NANO, px("98"), START_NS + 9, px("98.01")),),
    orders=(Resting(Leg.ENTRY, px("100.05"), START_NS, START_NS + 5),),
    marks=Marks(arrival=quote("100", "100.02"), arrival_px=px("100.01")),
)
MISSED = parent("b", path="legacy", marks=Marks(end_cost=100 * 101 * USD))


def test_what_is_read_equals_what_was_written(tmp_path: Path) -> None:
    write_parents(tmp_path / "smart", [ENTERED])
    write_parents(tmp_path / "legacy", [MISSED])
    assert read_parents(tmp_path / "smart") == (ENTERED,)
    assert read_parents(tmp_path) == (MISSED, ENTERED), "all paths below, by name"


def test_tables_hold_the_same_in_both_forms(tmp_path: Path) -> None:
    found = [analysis_of(one) for one in (ENTERED, MISSED)]
    names = [path.name for path in write_tables(tmp_path, found)]
    assert names == ["plans.csv", "plans.parquet", "fills.csv", "fills.parquet"]
    with (tmp_path / "plans.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    columns = pq.read_table(tmp_path / "plans.parquet").to_pydict()
    assert [row["plan_id"] for row in rows] == columns["plan_id"] == ["a", "b"]
    assert rows[1]["shortfall_usd"] == str(columns["shortfall_usd"][1]) == str(100 * NANO)
    assert (rows[1]["slippage_vs_signal_ppb"], columns["slippage_vs_signal_ppb"][1]) == ("", None)
    fills = pq.read_table(tmp_path / "fills.parquet").to_pydict()
    assert fills["leg"] == ["ENTRY", "ENTRY", "STOP"]
    assert fills["stop_px"] == [None, None, px("98.01")]
    assert not list(tmp_path.glob("*.new"))


def test_no_fills_no_file(tmp_path: Path) -> None:
    assert len(write_tables(tmp_path, [analysis_of(MISSED)])) == 2
    assert write_tables(tmp_path / "none", []) == ()


def test_without_the_extra_there_is_csv_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **named: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ModuleNotFoundError(name=name)
        return real(name, *args, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    found = write_tables(tmp_path, [analysis_of(ENTERED)])
    assert [path.suffix for path in found] == [".csv", ".csv"]


@pytest.mark.parametrize("line", ["{", "[]", '{"marks": {}}', '{"x": 1}'])
def test_damage_is_named(tmp_path: Path, line: str) -> None:
    path = write_parents(tmp_path, [MISSED])
    path.write_text(path.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    with pytest.raises(RunError) as caught:
        read_parents(tmp_path)
    assert "line 2" in str(caught.value)


def test_a_folder_without_a_run(tmp_path: Path) -> None:
    with pytest.raises(RunError) as caught:
        read_parents(tmp_path)
    assert "surefill replay --out" in str(caught.value)


def test_a_text_that_a_spreadsheet_would_run_stays_a_text(tmp_path: Path) -> None:
    """A broker's export may call an order anything."""
    written = write_tables(tmp_path, [analysis_of(replace(MISSED, plan_id='=HYPERLINK("x")'))])
    (row,) = csv.DictReader(written[0].read_text(encoding="utf-8").splitlines())
    assert row["plan_id"] == '\'=HYPERLINK("x")'
