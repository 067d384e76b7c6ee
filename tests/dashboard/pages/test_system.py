"""Signs of life, records, limits, settings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("nicegui", reason="the dashboard's extra is not installed")

from surefill import __version__
from tests.conftest import CANARY
from tests.support.desk import Desk
from tests.support.house import HouseServer


@pytest.fixture(scope="module")
def house(settled_day: Desk) -> Iterator[HouseServer]:
    with HouseServer(settled_day.settings()) as running:
        yield running


def test_what_was_recorded_and_what_is_set(house: HouseServer, settled_day: Desk) -> None:
    text = house.get("/system", house.login("viewer"))[1]
    for part in ("Heartbeat", "PlanSubmitted", "collar", "SUREFILL_QUOTE_AGE_MAX_MS", __version__):
        assert part in text
    assert CANARY not in text
    assert settled_day.key not in text
