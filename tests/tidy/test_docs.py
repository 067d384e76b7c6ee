"""The documents say what the code says."""

from __future__ import annotations

import dataclasses
import re
from importlib.util import find_spec

import pytest

from scripts import gen_docs
from surefill.core.reasons import ReasonCode
from tests.tidy import rules
from tests.tidy.source import ROOT, everything

DOCS = ROOT / "docs"
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("path", gen_docs.documents())
def test_generated_documents_are_current(path: str) -> None:
    fresh = gen_docs.documents().get(path)
    if fresh is None:
        pytest.skip(f"the source of {path} does not exist yet")
    assert (ROOT / path).is_file(), f"{path} is missing: run `make docs`"
    written = (ROOT / path).read_text(encoding="utf-8")
    assert written == fresh, f"{path} is out of date: run `make docs`"


def test_every_reason_code_is_documented() -> None:
    text = (DOCS / "reasons.md").read_text(encoding="utf-8")
    missing = [code.name for code in ReasonCode if f"`{code.name}`" not in text]
    assert not missing, f"run `make docs`; not in docs/reasons.md: {missing}"


def test_every_reason_code_is_category_and_condition() -> None:
    wrong = [code.name for code in ReasonCode if not re.fullmatch(r"[A-Z]+(_[A-Z]+)*", code.name)]
    assert not wrong


def test_every_setting_is_documented_with_its_meaning() -> None:
    if find_spec("surefill.config") is None:
        pytest.skip("surefill.config does not exist yet")
    from surefill.config import Settings

    text = (DOCS / "settings.md").read_text(encoding="utf-8")
    for field in dataclasses.fields(Settings):
        name = gen_docs.setting_name(field)
        row = next((line for line in text.splitlines() if f"| `{name}` |" in line), None)
        assert row is not None, f"run `make docs`; not in docs/settings.md: {name}"
        assert row.split(" | ")[-1].strip(" |"), f"{name} has no meaning"


def test_links_between_documents_lead_somewhere() -> None:
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in [*DOCS.rglob("*.md"), *ROOT.glob("*.md")]
        for target in LINK.findall(page.read_text(encoding="utf-8"))
        if not re.match(r"[a-z]+:", target) and not (page.parent / target).exists()
    ]
    assert not broken


def test_a_cited_decision_exists() -> None:
    have = {int(page.name[:4]) for page in (DOCS / "decisions").glob("[0-9]*.md")}
    cited = {
        (int(number), source.path)
        for source in everything()
        for number in re.findall(r"\bdecision (\d{4})\b", source.text)
    }
    missing = sorted(f"{path} cites {number:04}" for number, path in cited if number not in have)
    assert not missing, f"no file in docs/decisions: {missing}"


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = sorted(int(page.name[:4]) for page in (DOCS / "decisions").glob("[0-9]*.md"))
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_reading_path_names_ten_files_that_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    files = re.findall(r"^\d+\. `([^`]+)`", text, flags=re.MULTILINE)
    assert len(files) == 10
    assert [name for name in files if not (ROOT / name).is_file()] == []


def test_every_never_rule_is_a_named_test() -> None:
    text = (ROOT / "tests/tidy/test_never.py").read_text(encoding="utf-8")
    for name, value in vars(rules).items():
        if getattr(value, "__module__", "") == rules.__name__ and not name.startswith("_"):
            assert f"rules.{name}," in text, f"{name} guards nothing"
