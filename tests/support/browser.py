"""The distribution's Chromium, driven by playwright; nothing is downloaded.

with browsing() as pages:
    page = pages.new(width=390, scheme="dark")

Every address that a page asks for is kept in ``pages.asked``.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import pytest

PROGRAMS = ("chromium", "chromium-browser")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
"""A test runs as root in a container, where Chromium has no sandbox of its own."""
PATIENCE_MS = 60_000


class Pages:
    """Pages of one browser. ``said``: errors that scripts reported."""

    def __init__(self, browser: Any) -> None:
        self._browser = browser
        self.asked: list[str] = []
        self.said: list[str] = []

    def new(self, *, width: int = 1280, height: int = 800, scheme: str = "light") -> Any:
        """A page with cookies of its own."""
        size = {"width": width, "height": height}
        context = self._browser.new_context(viewport=size, color_scheme=scheme)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("websocket", lambda wire: self.asked.append(wire.url))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("console", self._console)
        return page

    def _console(self, message: Any) -> None:
        if message.type == "error":
            self.said.append(message.text)


def no_browser() -> str:
    """Why nobody can look here; nothing if somebody can."""
    if not any(shutil.which(name) for name in PROGRAMS):
        return "no Chromium here (scripts/setup_browser installs the distribution's)"
    for name in ("playwright", "nicegui"):
        if find_spec(name) is None:
            return f"{name} is not installed"
    return ""


@contextmanager
def browsing() -> Iterator[Pages]:
    """A headless browser; skips where there is none."""
    if why := no_browser():
        pytest.skip(why)
    program = next(found for name in PROGRAMS if (found := shutil.which(name)))
    api = import_module("playwright.sync_api")
    with api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=list(FLAGS))
        try:
            yield Pages(browser)
        finally:
            browser.close()
