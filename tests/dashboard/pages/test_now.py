"""The first page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("nicegui", reason="the dashboard's extra is not installed")

from surefill.dashboard.pages.now import NO_FOREIGN
from tests.support.desk import Desk
from tests.support.house import HouseServer


@pytest.fixture(scope="module")
def house(settled_day: Desk) -> Iterator[HouseServer]:
    with HouseServer(settled_day.settings()) as running:
        yield running


def test_an_open_trade_with_its_cover(house: HouseServer) -> None:
    text = house.get("/", house.login())[1]
    for part in ("PAGO BUY", "/trade/o1", "COVERED", "Without a stop", "100 of 100 entered"):
        assert part in text
    assert "PAGC" not in text
    assert "NO ENGINE RUNS" in text
    assert '"Halt"' in text
    assert '"Flatten all"' in text
    assert NO_FOREIGN in text


def test_a_kill_only_login_sees_whether_it_holds(house: HouseServer) -> None:
    text = house.get("/", house.login("kill-only"))[1]
    assert "Not killed, not halted." in text
