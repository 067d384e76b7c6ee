"""What entries cost, and why plans were kept out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("nicegui", reason="the dashboard's extra is not installed")

from surefill.dashboard.pages.costs import NO_LEGACY
from tests.support.desk import Desk
from tests.support.house import HouseServer


@pytest.fixture(scope="module")
def house(settled_day: Desk) -> Iterator[HouseServer]:
    with HouseServer(settled_day.settings()) as running:
        yield running


def test_costs_by_path(house: HouseServer) -> None:
    text = house.get("/costs", house.login("viewer"))[1]
    assert "smart: 2 entries, mean +1.00 bps, 2 of 2 within 0.10 %" in text
    assert NO_LEGACY in text
    assert "/trade/c1" in text
    assert "CLOSED FLATTEN" in text
    assert text.count("nicegui-plotly") >= 1


def test_refusals_by_reason(house: HouseServer) -> None:
    text = house.get("/refusals", house.login("viewer"))[1]
    assert "RR_BELOW_MIN" in text
    assert "reward/risk … is below the minimum …" in text
