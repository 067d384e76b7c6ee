"""The first page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("nicegui", reason="the dashboard's extra is not installed")

from surefill.dashboard.pages.now import NO_FOREIGN
from surefill.runtime.account import source_of
from tests.dashboard.days import settings_in
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


def test_a_broken_journal_is_not_an_empty_account(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    path = source_of(settings).path
    path.parent.mkdir(mode=0o700, parents=True)
    path.write_bytes(b"garbage" * 100)
    path.chmod(0o600)
    with HouseServer(settings) as house:
        text = house.get("/", house.login())[1]
        assert "BLIND: THE JOURNAL CANNOT BE READ" in text
        elements = json.loads(text.partition("String.raw`")[2].partition("`")[0])
        classes = [one.get("class", []) for one in elements.values()]
        assert [found for found in classes if "known" in found] == [["known", "hidden"]]
        assert "Not known: " in house.get("/", house.login("kill-only"))[1]


def test_a_kill_only_login_sees_whether_it_holds(house: HouseServer) -> None:
    text = house.get("/", house.login("kill-only"))[1]
    assert "Not killed, not halted." in text
