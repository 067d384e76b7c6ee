"""The dashboard in a real browser, before a real engine, a real venue and a real server.

The page about it is followed word by word (`tests.support.pages`); then somebody logs in, sees the
trade covered, opens it, kills with the typed word, and the venue's truth log says what came of it.
"""

from __future__ import annotations

import http.client
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from surefill.service.tokens import Role, TokenFile
from tests.support.browser import Pages, browsing
from tests.support.pages import Reader

pytestmark = pytest.mark.slow
pytest.importorskip("nicegui", reason="the dashboard's extra is not installed")

LINKS = ("/", "/costs", "/refusals", "/checklist", "/system")
SIZES = {"wide": (1280, 800), "phone": (390, 844)}
SCHEMES = ("light", "dark")
CONTRAST_MIN = 4.5
"""Of text against what is behind it (WCAG 2.2, 1.4.3)."""
FAINT = """least => {
  const light = c => { const [r, g, b] = c.map(v => v / 255)
      .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const parts = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const behind = node => { for (; node; node = node.parentElement) {
      const c = parts(getComputedStyle(node).backgroundColor);
      if (c.length && (c.length < 4 || c[3] > 0.99)) return c; }
    return [255, 255, 255]; };
  return [...document.querySelectorAll("body *")].filter(node => node.checkVisibility()
      && (node.innerText || "").trim()
      && !node.closest("svg, .skip")
      && [...node.childNodes].some(kid => kid.nodeType === 3 && kid.data.trim())).map(node => {
    const [a, b] = [parts(getComputedStyle(node).color), behind(node)]
      .map(c => light(c.slice(0, 3))).sort((x, y) => y - x);
    return [(a + 0.05) / (b + 0.05), node.innerText.slice(0, 30)]; })
    .filter(([ratio]) => ratio < least); }"""
"""Texts that can hardly be read, with their contrast."""
WIDER = """() => [document.documentElement.scrollWidth, [...document.querySelectorAll("body *")]
  .filter(node => node.getBoundingClientRect().right > innerWidth + 1 && node.checkVisibility())
  .slice(0, 3).map(node => node.outerHTML.slice(0, 80))]"""
"""How wide a page is, and what sticks out of the screen."""


class Stage:
    """The user's directory with everything running."""

    def __init__(self, reader: Reader, shown: str) -> None:
        self.shown = shown
        self.port, self._venue_port = int(reader.api_port), int(reader.port)
        self.url = f"http://127.0.0.1:{self.port}"
        (path,) = reader.place.glob(".surefill/*.api-tokens")
        self.file = TokenFile(path)
        self.tokens = dict(self.file.tokens())
        self.place = reader.place

    def log(self, **wanted: object) -> list[dict[str, Any]]:
        """The venue's truth log."""
        wire = http.client.HTTPConnection("127.0.0.1", self._venue_port, timeout=20)
        try:
            wire.request("GET", "/sim/log?after=0")
            lines = [json.loads(line) for line in wire.getresponse().read().splitlines()]
        finally:
            wire.close()
        return [row for row in lines if all(row.get(k) == v for k, v in wanted.items())]

    def login(self, page: Any, role: Role = Role.OPERATOR) -> None:
        """Type the token, as a person does."""
        page.goto(f"{self.url}/login")
        page.get_by_label("Token").fill(self.tokens[role])
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url(f"{self.url}/")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Reader(tmp_path_factory.mktemp("dashboard")) as reader:
        yield Stage(reader, reader.reads("dashboard.md"))


@pytest.fixture(scope="module")
def pages() -> Iterator[Pages]:
    with browsing() as found:
        yield found


def test_the_page_about_it_does_what_it_says(stage: Stage) -> None:
    assert "entered and covered" in stage.shown
    rows = [line.split()[:5] for line in stage.shown.splitlines()]
    assert ["ACME", "BUY", "COVERED", "25", "0"] in rows


def test_a_viewer_looks_and_has_no_buttons(stage: Stage, pages: Pages) -> None:
    """At both sizes and in both schemes every page fits the screen and can be read, and no script
    fails."""
    page = pages.new()
    stage.login(page, Role.VIEWER)
    card = page.get_by_role("article", name="Trade")
    card.get_by_text("COVERED", exact=True).wait_for()
    trade = str(card.get_by_role("link").get_attribute("href"))
    found = []
    for link in (*LINKS, trade):
        page.goto(stage.url + link)
        page.get_by_role("heading").first.wait_for()
        assert page.get_by_role("button").all_inner_texts() == ["Log out"]
        for (name, (width, height)), scheme in itertools.product(SIZES.items(), SCHEMES):
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=scheme)
            wide, out = page.evaluate(WIDER)
            faint = page.evaluate(FAINT, CONTRAST_MIN)
            if wide > width or faint:
                found.append((link, name, scheme, wide, out, faint))
    assert not found, "\n".join(map(str, found))
    page.context.close()
    assert pages.said == []


def test_an_operator_sees_kills_and_takes_back(stage: Stage, pages: Pages) -> None:
    page = pages.new()
    stage.login(page)
    card = page.get_by_role("article", name="Trade")
    card.get_by_text("COVERED", exact=True).wait_for()
    assert "25 of 25 entered" in card.inner_text()
    card.get_by_role("link").click()
    page.get_by_role("heading", name="ACME BUY, smart path").wait_for()
    page.locator(".plot .main-svg").first.wait_for()
    page.get_by_text("All 25 shares covered").wait_for()

    page.get_by_role("button", name="Kill switch").click()
    dialog = page.get_by_role("dialog")
    typed = dialog.get_by_label("Type KILL to confirm")
    typed.fill("kill")
    dialog.get_by_role("button", name="Kill switch").click()
    dialog.get_by_text("NOT_CONFIRMED").wait_for()
    typed.fill("KILL")
    dialog.get_by_label("Why (for the journal)").fill("drill")
    typed.press("Enter")
    page.locator(".chip.bad", has_text="HALTED").wait_for()

    page.get_by_role("button", name="Flatten ACME").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Type ACME to confirm").fill("ACME")
    dialog.get_by_role("button", name="Flatten").click()
    page.get_by_text("CLOSED FLATTEN").wait_for()
    fills = stage.log(kind="fill", symbol="ACME")
    assert int(fills[-1]["position"]) == 0

    page.goto(stage.url)
    page.get_by_text("HALTED BY THE KILL SWITCH").wait_for()
    page.get_by_role("button", name="Un-kill").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Type UNKILL to confirm").fill("UNKILL")
    dialog.get_by_label("Operator token").fill(stage.tokens[Role.OPERATOR])
    dialog.get_by_role("button", name="Un-kill").click()
    page.locator(".chip.good", has_text="ACTIVE").wait_for()
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url(f"{stage.url}/login")
    page.goto(stage.url)
    assert page.url == f"{stage.url}/login"
    assert pages.said == []


def test_a_keyboard_suffices(stage: Stage, pages: Pages) -> None:
    """Tab goes through the page in its order, focus can be seen, Escape leaves a dialog."""
    page = pages.new()
    stage.login(page)
    page.get_by_role("heading", name="Open trades").wait_for()
    reached = []
    for _ in range(9):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.innerText"))
    assert reached[0] == "Skip to content"
    assert reached[1:6] == ["Now", "Costs", "Refusals", "Checklist", "System"]
    assert reached[6:8] == ["Kill switch", "Log out"]
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    outline = "getComputedStyle(document.activeElement).outlineWidth"
    assert page.evaluate(outline) == "3px"
    page.keyboard.press("Enter")
    page.get_by_role("dialog").wait_for()
    page.wait_for_function(
        "document.activeElement.getAttribute('aria-label') == 'Type KILL to confirm'"
    )
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    page.context.close()


def test_everything_on_a_phone_can_be_reached_with_tab(stage: Stage, pages: Pages) -> None:
    page = pages.new(width=390, scheme="dark")
    stage.login(page)
    page.get_by_role("heading", name="Open trades").wait_for()
    wanted = page.locator("a:visible, button:visible, input:visible").count()
    reached = set()
    for _ in range(wanted):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                "(window.seen ??= new Map()).get(document.activeElement)"
                " ?? (seen.set(document.activeElement, seen.size), seen.size - 1)"
            )
        )
    assert len(reached) == wanted
    page.context.close()


def test_a_kill_only_login_has_the_switch_and_nothing_else(stage: Stage, pages: Pages) -> None:
    page = pages.new(width=390)
    stage.login(page, Role.KILL_ONLY)
    page.get_by_role("heading", name="The kill switch").wait_for()
    assert page.get_by_role("button").all_inner_texts() == ["Kill switch", "Log out"]
    assert page.get_by_role("navigation").count() == 0
    stage.file.rotate(Role.KILL_ONLY)  # its sessions are over, without anybody loading a page
    page.wait_for_url(f"{stage.url}/login")
    page.context.close()


def test_nothing_came_from_another_machine_and_no_token_went_into_an_address(
    stage: Stage, pages: Pages
) -> None:
    """Of everything that was asked for so far."""
    hosts = {urlsplit(url).netloc for url in pages.asked if not url.startswith("data:")}
    assert hosts <= {f"127.0.0.1:{stage.port}"}
    assert not any(token in url for url in pages.asked for token in stage.tokens.values())


def test_no_token_is_in_any_file_but_its_own(stage: Stage) -> None:
    for path in Path(stage.place).rglob("*"):
        if path.is_file() and not path.name.endswith((".api-tokens", ".curl")):
            data = path.read_bytes()
            assert not any(token.encode() in data for token in stage.tokens.values()), path
