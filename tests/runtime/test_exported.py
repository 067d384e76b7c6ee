"""Files that somebody saved from the broker, and what the signals were."""

from __future__ import annotations

from pathlib import Path

import pytest

from surefill.core.units import NANO
from surefill.runtime.exported import ExportError, read_exported, read_signals
from tests.brokers.alpaca.support import CL_ORD_ID, activity_json, body, order_json


def saved(folder: Path, *records: dict[str, object]) -> Path:
    path = folder / "export.json"
    path.write_bytes(body(list(records)))
    return path


def test_an_export_with_signals_is_measured_against_them(tmp_path: Path) -> None:
    order = order_json(status="filled", filled_qty="25")
    path = saved(tmp_path, order, activity_json(), order_json(id="bad", qty="x"), {"id": "?"})
    signals = tmp_path / "signals.csv"
    signals.write_text(f"id,signal\n{CL_ORD_ID},150.00\n")
    found = read_exported([path], signals)
    (parent,) = found.parents
    assert parent.signal_px == 150 * NANO
    assert any("2 records could not be read" in note for note in found.notes)
    assert "signals found for 1 of 1 entries" in found.notes
    crypto = order_json(id="c", asset_class="crypto")
    passed = read_exported([saved(tmp_path, order, crypto)])
    assert passed.notes == ("1 records of other kinds were passed over",)


@pytest.mark.parametrize("data", [b"[]", b"no json"])
def test_files_without_a_history(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(data)
    with pytest.raises(ExportError) as caught:
        read_exported([path])
    assert "no history in these files" in str(caught.value)


@pytest.mark.parametrize("text", ["id,price\na,1\n", "id,signal\na,x\n"])
def test_bad_signals_name_their_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "signals.csv"
    path.write_text(text)
    with pytest.raises(ExportError) as caught:
        read_signals(path)
    assert "line 2" in str(caught.value)
