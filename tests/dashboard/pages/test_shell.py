"""The frame of every page: what each role is shown, and what ends a visit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("nicegui", reason="the dashboard's extra is not installed")

from surefill.dashboard.deeds import DEEDS, Deed
from surefill.dashboard.pages.shell import LINKS
from tests.support.desk import Desk
from tests.support.house import HouseServer


@pytest.fixture(scope="module")
def house(settled_day: Desk) -> Iterator[HouseServer]:
    with HouseServer(settled_day.settings()) as running:
        yield running


@pytest.mark.parametrize("path", ["/", "/trade/o1", *(href for _, href in LINKS)])
def test_a_viewer_sees_no_button_of_an_act(house: HouseServer, path: str) -> None:
    status, text, _ = house.get(path, house.login("viewer"))
    assert status == 200
    assert '"q-btn"' not in text
    assert not any(f'"{DEEDS[deed].label}"' in text for deed in Deed)
    assert "Log out" in text


def test_an_operator_sees_the_kill_switch_everywhere(house: HouseServer) -> None:
    cookie = house.login("operator")
    for _, href in LINKS:
        assert "Kill switch" in house.get(href, cookie)[1]


def test_a_kill_only_login_has_one_page(house: HouseServer) -> None:
    cookie = house.login("kill-only")
    home = house.get("/", cookie)[1]
    assert "Kill switch" in home
    assert "PAGO" not in home
    for path in ("/costs", "/trade/o1", "/system"):
        assert "PAGO" not in house.get(path, cookie)[1]


def test_the_frame_is_for_keyboards_and_screen_readers(house: HouseServer) -> None:
    text = house.get("/costs", house.login("viewer"))[1]
    for part in (
        "Skip to content",
        '"aria-label":"Pages"',
        '"aria-current":"page"',
        '"role":"status"',
    ):
        assert part in text
    assert '<html lang="en-US"' in text
    assert "width=device-width" in text
