"""Signs of life, records, limits, settings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("nicegui", reason="the dashboard's extra is not installed")

from surefill import __version__
from surefill.dashboard.pages import system
from surefill.runtime.build import rules_build
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


def test_the_build_is_shown(house: HouseServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of this server, and of the engine that decides where that is another one."""
    cookie = house.login("viewer")
    same = f"This server: {rules_build()}. The engine's last start: the same."
    assert same in house.get("/system", cookie)[1]
    monkeypatch.setattr(system, "rules_build", lambda: "surefill 9, rules 123")
    text = house.get("/system", cookie)[1]
    other = f"The engine was started last by another one: {rules_build()}."
    assert f"This server: surefill 9, rules 123. {other}" in text
