"""The asset table: deterministic ids, defaults on the first quote."""

from __future__ import annotations

import uuid

from surefill.core.units import NANO, TickBand, TickSchedule
from surefill.sim.assets import Asset, AssetTable, uuid_text


def test_ids_are_uuid_shaped_functions() -> None:
    text = uuid_text(7, "order", 1)
    assert text == uuid_text(7, "order", 1)
    assert text != uuid_text(7, "order", 2)
    assert str(uuid.UUID(text)) == text
    assert uuid.UUID(text).version == 4
    assert uuid_text("a", "bc") != uuid_text("ab", "c")


def test_quoted_symbol_becomes_an_asset() -> None:
    table = AssetTable()
    assert table.get("AAPL") is None
    asset = table.note_quote("AAPL")
    assert (asset.tradable, asset.shortable, asset.fractionable) == (True, True, True)
    assert table.note_quote("AAPL") is asset
    assert table.get(asset.asset_id) is asset


def test_table_says_otherwise() -> None:
    nickel = TickSchedule((TickBand(0, NANO // 20),))
    table = AssetTable([Asset(symbol="B", shortable=False), Asset(symbol="A", ticks=nickel)])
    assert not table.note_quote("B").shortable
    assert [asset.symbol for asset in table.all()] == ["A", "B"]
    table.put(Asset(symbol="B", tradable=False))
    changed = table.get("B")
    assert changed is not None
    assert not changed.tradable
