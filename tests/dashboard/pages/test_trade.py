"""The page of one trade."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("nicegui", reason="the dashboard's extra is not installed")

from tests.support.desk import Desk
from tests.support.house import HouseServer


@pytest.fixture(scope="module")
def house(settled_day: Desk) -> Iterator[HouseServer]:
    with HouseServer(settled_day.settings()) as running:
        yield running


def test_an_open_trade(house: HouseServer) -> None:
    text = house.get("/trade/o1", house.login())[1]
    for part in (
        "PAGO BUY, smart path",
        "COVERED",
        "Flatten PAGO",
        "Tighten stop",
        "quotes that decisions looked",
    ):
        assert part in text
    assert "All 100 shares covered" in text
    assert "nicegui-plotly" in text
    assert "Cancel entry" not in text  # it has filled


def test_a_trade_that_is_over_has_no_acts(house: HouseServer) -> None:
    text = house.get("/trade/c1", house.login())[1]
    assert "CLOSED FLATTEN" in text
    assert "Flatten PAGC" not in text


def test_a_denied_plan(house: HouseServer) -> None:
    text = house.get("/trade/d1", house.login())[1]
    assert "DENIED" in text
    assert "below the minimum" in text
    assert "No order was sent." in text


@pytest.mark.parametrize("name", ["nobody", "%2e%2e%2fetc", "a%20b", "%3Cscript%3Ex"])
def test_an_id_that_is_none(house: HouseServer, name: str) -> None:
    status, text, _ = house.ask("GET", f"/trade/{name}", headers={"Cookie": house.login()})
    assert status in (200, 404)
    assert "<script>x" not in text
    assert ("No such trade" in text) is (status == 200)
