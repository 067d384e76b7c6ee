"""The HTML file: complete in itself, escaped, readable without colours."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from surefill.replay.checklist import judge
from surefill.replay.checklist_items import Stage
from surefill.replay.checklist_page import page
from tests.replay.test_checklist import NOTE
from tests.support.evidence import evidence, history
from tests.tca.support import fact


class Balance(HTMLParser):
    """Counts open tags; keeps the text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_page_is_complete_in_itself() -> None:
    text = page(judge(evidence(history=history(fact("a"), notes=(NOTE,)))))
    parser = Balance()
    parser.feed(text)
    assert parser.open == []
    for word in ("PASS", "NOT YET", "Before deployment", "Month 1", "signed off by ann"):
        assert word in parser.text
    assert not re.search(r"(src|href)=|https?://|<script|@import|url\(", text)


def test_what_comes_from_outside_is_escaped() -> None:
    found = judge(evidence(history=history(fact("<b>a&</b>", is_legacy=True))), (Stage.FIRST,))
    text = page(found)
    assert "&lt;b&gt;a&amp;&lt;/b&gt;" in text
    assert "<b>" not in text
    assert "None in this journal." in text
    assert "<title>Surefill checklist: FAIL</title>" in text
