"""Building blocks: they change in place, and only where something changed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

pytest.importorskip("nicegui", reason="the dashboard's extra is not installed")

from nicegui import ui
from nicegui.client import Client
from nicegui.page import page

from surefill.dashboard.board import Notice
from surefill.dashboard.pages.parts import (
    Bar,
    Facts,
    Grid,
    Line,
    NoticeList,
    Text,
    heading,
    note,
)
from surefill.dashboard.words import Tone


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """Where the parts of one page are put."""
    found = Client(page("/test"))
    yield found
    found.delete()


def texts(client: Client) -> list[str]:
    return [one.text for one in client.elements.values() if isinstance(one, ui.label | ui.link)]


async def test_a_text_takes_its_tone_off_again(client: Client) -> None:
    with client:
        text = Text("a", classes="chip")
        text.show("b", Tone.BAD)
        assert {"chip", "bad"} <= set(text.box.classes)
        text.show("b")
        assert "bad" not in text.box.classes
        assert texts(client) == ["b"]


async def test_a_bar_stays_between_its_ends(client: Client) -> None:
    with client:
        bar = Bar("how far")
        (track,) = (one for one in client.elements.values() if one.tag == "progress")
        for percent, shown in ((40, "40"), (None, "0"), (400, "100")):
            bar.show(percent, f"{percent}")
            assert str(track.props["value"]) == shown
        assert track.props["aria-label"] == "how far"


async def test_a_grid_keeps_the_rows_it_has(client: Client) -> None:
    with client:
        grid = Grid(("name", "n"), label="things", empty="make one", numbers=frozenset({1}))
        assert "make one" in texts(client)
        grid.show([Line("a", ("a", "1"), href="/a"), Line("b", ("b", "2"))])
        before = {one.id for one in client.elements.values()}
        grid.show([Line("a", ("a", "1"), href="/a"), Line("b", ("b", "3"), Tone.BAD)])
        assert {one.id for one in client.elements.values()} == before  # nobody lost their place
        assert texts(client)[-4:] == ["a", "1", "b", "3"]
        cells = [one for one in client.elements.values() if one.tag == "td"]
        assert [cell.props["data-label"] for cell in cells] == ["name", "n", "name", "n"]
        assert "number" in cells[1].classes
        grid.show([Line("c", ("c", "4"))])
        assert texts(client)[-2:] == ["c", "4"]
        grid.show([])
        assert texts(client)[-1] != "4"


async def test_facts_keep_their_names(client: Client) -> None:
    with client:
        facts = Facts()
        facts.show([("Engine", "running", Tone.GOOD, "pid 7")])
        before = {one.id for one in client.elements.values()}
        facts.show([("Engine", "gone", Tone.BAD, "")])
        assert {one.id for one in client.elements.values()} == before
        assert texts(client) == ["Engine", "gone"]
        facts.show([("Clock", "late", Tone.WARN, "")])
        assert texts(client) == ["Clock", "late"]


async def test_an_alert_names_its_runbook(client: Client) -> None:
    with client:
        NoticeList().show([Notice(Tone.BAD, "DOUBT_LONG", "in doubt for 12 s", "look")])
        assert "Runbook: docs/alerts.md#doubt_long" in texts(client)


async def test_notices_are_alerts_with_a_way_on(client: Client) -> None:
    with client:
        notices = NoticeList()
        first = Notice(Tone.BAD, "EXPOSED", "for 1 s", "flatten it", "p1")
        notices.show([first, Notice(Tone.WARN, "SLOW", "a bit", "look")])
        section = next(one for one in client.elements.values() if one.tag == "section")
        assert (section.props["role"], section.props["aria-live"]) == ("alert", "assertive")
        before = {one.id for one in client.elements.values()}
        notices.show([
            Notice(Tone.BAD, "EXPOSED", "for 2 s", "flatten it", "p1"),
            Notice(Tone.WARN, "SLOW", "a bit", "look"),
        ])  # fmt: skip
        assert {one.id for one in client.elements.values()} == before
        assert "for 2 s" in texts(client)
        links = [one for one in client.elements.values() if isinstance(one, ui.link)]
        assert [link.props["href"] for link in links] == ["/trade/p1"]
        notices.show([])
        assert texts(client) == []


async def test_names_of_parts(client: Client) -> None:
    with client:
        heading("Orders")
        note("a word")
        assert texts(client) == ["Orders", "a word"]
        assert [one.tag for one in client.elements.values() if one.tag in ("h2", "p")] == [
            "h2",
            "p",
        ]
