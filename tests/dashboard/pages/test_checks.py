"""The deployment checklist as a page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("nicegui", reason="the dashboard's extra is not installed")

from surefill.replay.checklist import Checklist, judge
from surefill.replay.checklist_items import Evidence, Stage
from tests.support.desk import Desk
from tests.support.house import HouseServer


def judged() -> Checklist:
    return judge(Evidence(now_ns=1, build="b"), (Stage.PRE,))


@pytest.fixture(scope="module")
def house(settled_day: Desk) -> Iterator[HouseServer]:
    with HouseServer(settled_day.settings(), checklist=judged) as running:
        yield running


def test_every_item_with_its_verdict(house: HouseServer) -> None:
    text = house.get("/checklist", house.login("viewer"))[1]
    assert "Before deployment" in text
    for line in judged().lines:
        assert line.item.title in text
        assert line.finding.verdict.value in text
    assert "None in this journal" in text
