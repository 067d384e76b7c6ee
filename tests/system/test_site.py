"""The documentation site: built without a warning, and complete without any other machine."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from surefill.runtime.telling import CODES
from surefill.tca.rules import RUNBOOK
from tests.support.workplace import ROOT

pytestmark = pytest.mark.slow

ID = re.compile(r'\sid="([^"]+)"')
HREF = re.compile(r'<a\s[^>]*?href="([^"]+)"')
LOADED = re.compile(
    r"""<(?:script|img|iframe|source|video|audio|embed|object)\s[^>]*?(?:src|data)="([^"]+)"
    |<link\s[^>]*?rel="(?:stylesheet|preload|modulepreload|icon|preconnect|dns-prefetch)"
      [^>]*?href="([^"]+)"
    |<link\s[^>]*?href="([^"]+)"[^>]*?rel="(?:stylesheet|preload|icon|preconnect|dns-prefetch)"
    |@import\s+(?:url\()?["']?([^"')]+)
    |url\(\s*["']?([^"')]+)""",
    re.VERBOSE,
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, as `make site` builds it: a warning is an error."""
    pytest.importorskip("sphinx", reason="the documentation's extra is not installed")
    folder = tmp_path_factory.mktemp("site")
    options = ["--fail-on-warning", "--keep-going", "-q", "-b", "html"]
    command = [sys.executable, "-m", "sphinx", *options, "docs", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return folder


def pages(site: Path) -> Iterator[tuple[Path, str]]:
    """Every page with its text."""
    for page in sorted(site.rglob("*.html")):
        yield page, page.read_text(encoding="utf-8")


def loaded_from_elsewhere(text: str) -> list[str]:
    """What a browser would fetch from another host to show this."""
    found = ["".join(groups) for groups in LOADED.findall(text)]
    return [address for address in found if re.match(r"(?:[a-z]+:)?//", address)]


def test_nothing_is_loaded_from_another_machine(site: Path) -> None:
    files = [*site.rglob("*.html"), *site.rglob("*.css")]
    assert len(files) > 30
    found = {
        path.name: there
        for path in files
        if (there := loaded_from_elsewhere(path.read_text(encoding="utf-8")))
    }
    assert not found


@pytest.mark.parametrize(
    "text",
    [
        '<script src="https://cdn.example/x.js"></script>',
        '<script async src="//cdn.example/x.js">',
        '<link rel="stylesheet" href="https://fonts.example/css">',
        '<link href="https://fonts.example/css" rel="stylesheet">',
        "@import url(https://fonts.example/css)",
        "@font-face { src: url('https://fonts.example/a.woff2') }",
        '<img alt="x" src="https://badges.example/x.svg">',
    ],
)
def test_a_foreign_thing_would_be_found(text: str) -> None:
    assert loaded_from_elsewhere(text)


def test_every_link_between_pages_and_every_anchor_exists(site: Path) -> None:
    anchors = {page: set(ID.findall(text)) for page, text in pages(site)}
    broken = []
    for page, text in pages(site):
        for href in set(HREF.findall(text)):
            to = urlsplit(href)
            if to.scheme or to.netloc:
                continue
            target = (page.parent / unquote(to.path)).resolve() if to.path else page
            known = anchors.get(target)
            if not target.exists() or (to.fragment and known and to.fragment not in known):
                broken.append(f"{page.name}: {href}")
    assert not broken


def test_the_address_in_every_alert_leads_to_its_runbook(site: Path) -> None:
    """Of the engine's rules, the watchdog, the channels and Prometheus."""
    links = [f"{RUNBOOK}#{code.lower()}" for code in CODES]
    rules = (ROOT / "deploy" / "prometheus" / "surefill.rules.yml").read_text(encoding="utf-8")
    links += re.findall(r"runbook: (\S+)", rules)
    assert len(links) > 20
    for link in links:
        page, _, anchor = link.removeprefix("docs/").partition(".md#")
        assert anchor in ID.findall((site / f"{page}.html").read_text(encoding="utf-8")), link


def test_drawings_are_part_of_the_page_and_follow_its_colours(site: Path) -> None:
    text = (site / "machines.html").read_text(encoding="utf-8")
    assert text.count('<svg class="surefill" role="img" aria-label="') == 3
    assert "prefers-color-scheme: dark) {\nsvg.surefill" not in text


def test_public_names_are_in_the_reference(site: Path) -> None:
    import surefill

    anchors = set(ID.findall((site / "python_api.html").read_text(encoding="utf-8")))
    names = [name for name in surefill.__all__ if not name.startswith("_")]
    assert [name for name in names if f"surefill.{name}" not in anchors] == []
