"""The pages' application: what is served, by whom it may be reached, and that it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("nicegui", reason="the dashboard's extra is not installed")

from nicegui import app as library
from nicegui import core

from surefill.dashboard.pages.costs import NO_ENTRY, NO_REFUSAL
from surefill.dashboard.pages.now import NO_TRADE, START
from surefill.dashboard.pages.system import NO_RECORD
from surefill.dashboard.site import pages
from surefill.runtime.account import source_of
from tests.dashboard.days import settings_in
from tests.support.house import HouseServer

ROUTES = {"/", "/trade/{plan_id}", "/costs", "/refusals", "/checklist", "/system"}
"""Every page; a new one is a line here (failures.md C.6, 20)."""


def test_the_inventory_of_pages() -> None:
    assert pages() is pages()
    served = {getattr(route, "path", "") for route in library.routes}
    ours = {path for path in served if not path.startswith("/_nicegui")}
    assert ours - {"/favicon.ico", "/openapi.json", "/docs", "/redoc", "/docs/oauth2-redirect"} == (
        ROUTES
    )
    assert core.app.config.socket_io_js_transports == ["websocket"]


def test_a_server_after_another_and_no_file_of_the_library(tmp_path: Path) -> None:
    for name in ("a", "b"):
        with HouseServer(settings_in(tmp_path / name)) as house:
            assert house.get("/", house.login("viewer"))[0] == 200
            assert house.get("/docs", house.login("viewer"))[0] == 404
    assert not list(tmp_path.rglob("*storage*"))
    assert not list(Path(__file__).parents[2].glob("src/surefill/dashboard/no-storage*"))


def test_empty_pages_say_what_to_do_next(tmp_path: Path) -> None:
    with HouseServer(settings_in(tmp_path)) as house:
        cookie = house.login()
        said = {path: house.get(path, cookie)[1] for path in ROUTES}
    assert START in said["/"]
    assert NO_TRADE in said["/"]
    assert NO_ENTRY in said["/costs"]
    assert NO_REFUSAL in said["/refusals"]
    assert NO_RECORD in said["/system"]
    assert "No such trade" in said["/trade/{plan_id}"]


def test_a_viewer_loads_the_api_beside_the_pages(tmp_path: Path) -> None:
    with HouseServer(settings_in(tmp_path)) as house:
        headers = {"Authorization": f"Bearer {house.token('viewer')}"}
        status, text, _ = house.ask("GET", "/v1/limits", headers=headers)
        assert (status, text.startswith("[")) == (200, True)


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
